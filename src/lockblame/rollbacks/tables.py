"""Places in a TOML text: where a value begins and ends, found by tomlkit, and the re-reading that guards every edit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lockblame.errors import RollbackError

Path = tuple[str, ...]

_PROBE = "lockblame-looks-for-this-place"


def parse(text: str, file: str) -> dict[str, Any]:
    """The document, by tomllib; RollbackError when it is none."""
    import tomllib

    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        detail = f"is no TOML: {str(error).lower() or 'nested too deeply'}"
        raise RollbackError(file, detail, "nothing was written; correct the file first") from None


def span(text: str, path: Path) -> tuple[int, int] | None:
    """Where the value at `path` stands in the text; None when that can't be told for sure.

    tomlkit keeps every byte but tells no positions: the value is replaced by a probe, and what stands before and after the
    probe in its output must be what stands before and after the value in the text.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    body = text.removeprefix("\ufeff")
    skipped = len(text) - len(body)
    try:
        document: Any = tomlkit.parse(body)
        table = document
        for key in path[:-1]:
            table = table[key]
        table[path[-1]] = _PROBE
        found = tomlkit.dumps(document)
    except (TOMLKitError, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return None
    head, probe, tail = found.partition(f'"{_PROBE}"')
    if not probe or not body.startswith(head) or not body.endswith(tail) or len(head) + len(tail) > len(body):
        return None
    return skipped + len(head), skipped + len(body) - len(tail)


def headers(text: str, path: Path) -> Iterable[int]:
    """The ends of all lines that look like the header of that table. One may stand in a string: the guard tells."""
    keys = r"[ \t]*\.[ \t]*".join(rf"(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')" for key in path)
    pattern = re.compile(rf"^\ufeff?[ \t]*\[[ \t]*{keys}[ \t]*\][ \t]*(?:#[^\r\n]*)?(\r?\n|\Z)", re.MULTILINE)
    return (found.end() for found in pattern.finditer(text))


def first_that_holds(file: str, candidates: Iterable[str], expected: Mapping[str, Any], by_hand: str) -> str:
    """The first candidate that tomllib reads as `expected`; RollbackError with what to write by hand when none is."""
    import tomllib

    for candidate in candidates:
        try:
            found = tomllib.loads(candidate.removeprefix("\ufeff"))
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        if alike(found, expected):
            return candidate
    raise RollbackError(file, "the edit can't be made without touching other parts of it", by_hand)


def alike(one: Any, other: Any) -> bool:
    """Whether two documents hold the same values of the same types (a NaN is like another)."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other) or repr(one) == repr(other)


def get(document: Mapping[str, Any], path: Path) -> Any:
    """The value at `path`, None when it or a table on the way is missing."""
    value: Any = document
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def with_value(document: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of the document with that value at `path`."""
    key, *rest = path
    inner = document.get(key)
    new = with_value(inner if isinstance(inner, dict) else {}, tuple(rest), value) if rest else value
    return {**document, key: new}


def without(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """A copy of the document without what is at `path`."""
    key, *rest = path
    if not rest:
        return {name: value for name, value in document.items() if name != key}
    inner = document.get(key)
    return {**document, key: without(inner, tuple(rest))} if isinstance(inner, dict) else dict(document)
