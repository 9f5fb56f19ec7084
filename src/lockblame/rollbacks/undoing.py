"""Taking a rollback out again, by the comments that it left: no lock, no revision and no memory is needed for it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from lockblame.errors import RollbackError
from lockblame.rollbacks import tables
from lockblame.rollbacks.lines import undo as undo_lines
from lockblame.rollbacks.marks import BROKEN, MARK, UNENDED
from lockblame.rollbacks.poetry import GROUP
from lockblame.rollbacks.poetry import TABLE as POETRY
from lockblame.rollbacks.uv import KEY
from lockblame.rollbacks.uv import TABLE as UV

_MARK, _FEED = re.escape(MARK), r"\r?\n"
_STRING = r"\"(?:[^\"\\\r\n]|\\.){0,400}\"|'[^'\r\n]{0,400}'"
_INSTEAD = rf",  {_MARK}: instead of [0-9A-Za-z.!+_-]{{1,200}}"
_UV_ENTRY = re.compile(rf"{_FEED}[ \t]*({_STRING}){_INSTEAD}(?={_FEED})|({_STRING}){_INSTEAD}{re.escape(BROKEN)}{_FEED}    ")
_UV_ARRAY = re.compile(rf"(?:tool\.uv\.|uv\.)?{KEY} = \[  {_MARK}{_FEED}\](?:, |{_FEED}|(?=[ \t]*\}}))")
_UV_UNENDED = re.compile(rf"  {re.escape(UNENDED)}{_FEED}(?:tool\.uv\.|uv\.)?{KEY} = \[  {_MARK}{_FEED}\](?=[\r\n]*\Z)")
_UV_TABLE = re.compile(rf"{_FEED}\[tool\.uv\]  {_MARK}{_FEED}\Z")
_POETRY_ENTRY = re.compile(
    rf"^([a-z0-9-]{{1,200}}) = [^\r\n]{{1,4000}}  {_MARK}: instead of [0-9A-Za-z.!+_-]{{1,200}}{_FEED}", re.M
)
_LEFT = rf"  {_MARK}: instead of ([0-9A-Za-z.!+_-]{{1,200}})"
_UV_NAMED = re.compile(rf"[\"']([a-z0-9-]{{1,200}})==([^\r\n]{{1,400}})[\"'],{_LEFT}")
# what ends with a comma is the first line of an array of uv's
_POETRY_NAMED = re.compile(rf"^([a-z0-9-]{{1,200}}) = ([^\r\n]{{1,4000}}(?<!,)){_LEFT}", re.M)
_LINE_NAMED = re.compile(rf"^([a-z0-9-]{{1,200}})==([^\r\n]{{1,400}}){_LEFT}", re.M)
_POETRY_GROUP = re.compile(
    rf"{_FEED}\[{re.escape('.'.join(GROUP))}\]  {_MARK}{_FEED}optional = true{_FEED}{_FEED}"
    rf"\[{re.escape('.'.join(POETRY))}\]  {_MARK}{_FEED}(?=\Z|{_FEED}|[ \t]*\[)"
)


def undo(text: str, file: str, names: Collection[str] = ()) -> str:
    """The text without what rollbacks (of `names` only, if given) wrote into it; the same text where there is nothing of that.

    Raises RollbackError when that can't be taken out without touching anything else, because it was edited since.
    """
    if not file.endswith(".toml"):
        return undo_lines(text, names)
    if MARK not in text:
        return text
    document = tables.parse(text, file)
    found, expected = _undone_uv(text, document, names)
    found, expected = _undone_poetry(found, expected, names)
    by_hand = f"take out the lines that say “{MARK}” by hand"
    if found == text:
        return text
    if not tables.alike(_bare(tables.parse(found, file)), _bare(expected)):
        raise RollbackError(file, "the rollback can't be taken out without touching other parts of it", by_hand)
    return found


def taken_out(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """What rollbacks wrote in one text that the other hasn't any more: each package and the version it had left.

    That is "" where it is for some environments alone: no version may be right for all.
    """
    named = (_UV_NAMED, _POETRY_NAMED, _LINE_NAMED)
    held = [[one for pattern in named for one in pattern.findall(text)] for text in (before, after)]
    gone = [one for one in held[0] if one not in held[1]]
    return tuple(dict.fromkeys((name, "" if ";" in entry else version) for name, entry, version in gone))


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its empty tables: whether one went with its header can't be told from its content."""
    inner = {key: _bare(value) if isinstance(value, dict) else value for key, value in document.items()}
    return {key: value for key, value in inner.items() if value != {}}


def _undone_uv(text: str, document: dict[str, Any], names: Collection[str]) -> tuple[str, dict[str, Any]]:
    import tomllib

    gone: list[str] = []

    def cut(found: re.Match[str]) -> str:
        value = tomllib.loads(f"value = {found[1] or found[2]}")["value"]
        if names and value.partition("==")[0] not in names:
            return found[0]
        gone.append(value)
        return ""

    left = _UV_ENTRY.sub(cut, text)
    if not gone:
        return text, document
    kept = list(tables.get(document, (*UV, KEY)) or ())
    for value in gone:
        if value in kept:
            kept.remove(value)
    expected = tables.with_value(document, (*UV, KEY), kept)
    bare = _UV_ARRAY.sub("", _UV_UNENDED.sub("", left))
    if bare != left:
        expected = tables.without(expected, (*UV, KEY))
    return _UV_TABLE.sub("", bare), expected


def _undone_poetry(text: str, document: dict[str, Any], names: Collection[str]) -> tuple[str, dict[str, Any]]:
    gone: list[str] = []

    def cut(found: re.Match[str]) -> str:
        if names and found[1] not in names:
            return found[0]
        gone.append(found[1])
        return ""

    left = _POETRY_ENTRY.sub(cut, text)
    for name in gone:
        document = tables.without(document, (*POETRY, name))
    whole = _POETRY_GROUP.sub("", left) if gone else left
    if whole != left:
        document = tables.without(document, GROUP)
    return whole, document
