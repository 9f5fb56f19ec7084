"""uv: one more line in `[tool.uv] constraint-dependencies` of the pyproject.toml beside uv.lock.

A constraint narrows what may be locked without asking for the package, so that nothing is installed that wasn't before
(https://docs.astral.sh/uv/reference/settings/#constraint-dependencies).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lockblame.delta.constraints import allows
from lockblame.errors import RollbackError
from lockblame.rollbacks import tables
from lockblame.rollbacks.demands import refuse
from lockblame.rollbacks.marks import BROKEN, MARK, UNENDED, Wanted, newline, quoted

KEY = "constraint-dependencies"
TABLE = ("tool", "uv")
_OTHERS = ("override-dependencies",)


def constrain(text: str, wanted: Sequence[Wanted], file: str = "pyproject.toml") -> str:
    """The text with a constraint for each of `wanted`; the same text where they are all there already.

    Raises RollbackError when the file is no TOML, or something in it rules a wanted version out.
    """
    document = tables.parse(text, file)
    settings = tables.get(document, TABLE)
    if settings is not None and not isinstance(settings, dict):
        raise RollbackError(file, "tool.uv should be a table", "correct the file first")
    there = _listed(settings or {}, KEY, file)
    for key in (KEY, *_OTHERS):
        for one in wanted:
            _refuse_conflicts(_listed(settings or {}, key, file), one, key, file)
    refuse(document, wanted, file)
    missing = [one for one in wanted if not _has(there, one)]
    if not missing:
        return text
    entries = [one.requirement for one in missing]
    expected = tables.with_value(document, (*TABLE, KEY), [*entries, *there])
    by_hand = f"add to [tool.uv]: {KEY} = [{', '.join(map(quoted, entries))}]"
    return tables.first_that_holds(file, _candidates(text, settings, missing), expected, by_hand)


def _listed(settings: dict[str, Any], key: str, file: str) -> list[str]:
    found = settings.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise RollbackError(file, f"tool.uv.{key} should be a list of strings", "correct the file first")
    return found


def _has(there: Sequence[str], one: Wanted) -> bool:
    return any(_same(text, one.requirement) for text in there)


def _same(text: str, other: str) -> bool:
    return "".join(text.split()).replace("'", '"') == "".join(other.split()).replace("'", '"')


def _refuse_conflicts(there: Sequence[str], one: Wanted, key: str, file: str) -> None:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for text in there:
        try:
            found = Requirement(text)
        except InvalidRequirement:
            continue
        if canonicalize_name(found.name) != one.name or (found.marker and str(found.marker) != one.marker):
            continue
        if found.url or allows(str(found.specifier), one.version) is False:
            detail = f"tool.uv.{key} has {text!r} already, which rules {one.name} {one.version} out"
            raise RollbackError(file, detail, "take that entry out first, or undo the rollback that wrote it (--undo)")


def _candidates(text: str, settings: dict[str, Any] | None, missing: Sequence[Wanted]) -> Iterator[str]:
    """The text with the entries, in the ways that it may be laid out, the neatest first."""
    feed = newline(text)
    if settings is not None and KEY in settings:
        yield from _into_array(text, missing, feed)
        return
    lines = "".join(f"    {quoted(one.requirement)},  {one.comment}{feed}" for one in missing)
    array = f"{KEY} = [  {MARK}{feed}{lines}]"
    for place in tables.headers(text, TABLE):
        if text.endswith("\n", 0, place):
            yield f"{text[:place]}{array}{feed}{text[place:]}"
        else:
            # the header is the last line and has no end: the one that it gets is marked, so that it can be taken away again
            yield f"{text}  {UNENDED}{feed}{array}"
    if settings is not None and (found := tables.span(text, TABLE)) and text[found[0]] == "{":
        comma = ", " if settings else ""
        yield f"{text[: found[0] + 1]}{array}{comma}{text[found[0] + 1 :]}"
    yield f"{text}{feed}[tool.uv]  {MARK}{feed}{array}{feed}"
    for place in tables.headers(text, TABLE[:1]):
        if text.endswith("\n", 0, place):
            yield f"{text[:place]}uv.{array}{feed}{text[place:]}"
        else:
            yield f"{text}  {UNENDED}{feed}uv.{array}"
    start = 1 if text.startswith("\ufeff") else 0
    yield f"{text[:start]}tool.uv.{array}{feed}{text[start:]}"


def _into_array(text: str, missing: Sequence[Wanted], feed: str) -> Iterator[str]:
    """The entries as the first of the array, a line each: whatever follows, comma or not, stays as it is."""
    found = tables.span(text, (*TABLE, KEY))
    if found is None:
        return
    place = found[0] + 1
    first, _, rest = text[place : found[1]].partition("\n")
    if rest and (not first.strip() or first.strip().startswith("#")):
        place += len(first.removesuffix("\r"))
        lines = [f"{feed}{_indent(rest)}{quoted(one.requirement)},  {one.comment}" for one in missing]
    else:
        lines = [f"{quoted(one.requirement)},  {one.comment}{BROKEN}{feed}    " for one in missing]
    yield f"{text[:place]}{''.join(lines)}{text[place:]}"


def _indent(rest: str) -> str:
    """The indentation of the first entry of a multi-line array."""
    row = next((row for row in rest.split("\n") if row.strip()), "")
    return "    " if row.strip().startswith("]") else row[: len(row) - len(row.lstrip(" \t"))]
