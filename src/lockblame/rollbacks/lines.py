"""requirements and constraints files of pip: a pin in another's place, or one more line at the end.

A pin that is replaced stays above its successor as a comment, each of its lines behind the mark, so that nothing of it (hashes,
comments, line endings) is lost (format: https://pip.pypa.io/en/stable/reference/requirements-file-format/).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from lockblame.delta.constraints import allows
from lockblame.errors import RollbackError
from lockblame.rollbacks.marks import MARK, Wanted, newline

WAS = f"{MARK}, was: "
_REQUIREMENT = re.compile(
    r"[ \t]*([A-Za-z0-9][A-Za-z0-9._-]{0,200})[ \t]*(?:\[[^\]\r\n]{0,500}\])?[ \t]*([^\r\n;#\\]{0,500})([^\r\n]*)"
)
_PINNED = re.compile(r"={2,3}[ \t]*([0-9A-Za-z.!+_*-]{1,200})[ \t]*(?:--|\Z)")
_ADDED = rf"([a-z0-9-]{{1,201}})==[^\r\n]{{1,4000}}  {re.escape(MARK)}: instead of [0-9A-Za-z.!+_-]{{1,200}}"
_ADDED_LINE = re.compile(rf"^{_ADDED}\r?\n", re.MULTILINE)
_ADDED_END = re.compile(rf"\r?\n{_ADDED}\Z")
_INCLUDE = re.compile(r"[ \t]*(?:-[rc][ \t]*|--(?:requirement|constraint)(?:[ \t]+|=))([^\r\n#]{1,1000})")
_ROW = re.compile(r"[^\n]*\n|[^\n]+")
_ENDING = re.compile(r"\r?\n\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A logical line: its text with every continuation and line ending, and the package it is about ("" when none)."""

    text: str
    name: str = ""
    constraint: str = ""
    marker: str = ""

    @property
    def version(self) -> str | None:
        found = _PINNED.match(self.constraint)
        return found[1] if found else None


def repin(text: str, wanted: Sequence[Wanted], before: str, file: str = "requirements.txt") -> str:
    """The text with each pin put back to the line that `before` (the same file then) has for it; hashes come with it.

    Raises RollbackError when a package isn't pinned there, or is pinned to a third version.
    """
    old, lines = list(_logical(before)), list(_logical(text))
    feed = newline(text)
    for one in wanted:
        if not _already(lines, one):
            places = [place for place, line in enumerate(lines) if line.name == one.name and _is(line.version, one.instead)]
            if not places:
                detail = f"does not pin {one.name} to {one.instead}"
                raise RollbackError(
                    file, detail, "compare with the file as it is, or write a constraints file (--as constraints)"
                )
            for place in places:
                lines[place] = _replaced(lines[place], _former(old, one, lines[place], file), feed)
    return "".join(line.text for line in lines)


def included(text: str) -> tuple[str, ...]:
    """The paths that its lines `-r` and `-c` name, relative to the file itself; what is named by URL is left out."""
    found = (_INCLUDE.match(line.text) for line in _logical(text))
    paths = (one[1].strip(" \t\\").strip("\"'") for one in found if one)
    return tuple(path for path in paths if path and ":" not in path)


def pins(text: str, one: Wanted) -> bool:
    """Whether the file pins the package to the version that it leaves, or to the one it goes back to."""
    return any(
        line.name == one.name and (_is(line.version, one.instead) or _is(line.version, one.version)) for line in _logical(text)
    )


def constrain(text: str, wanted: Sequence[Wanted], file: str = "constraints.txt") -> str:
    """The text of a constraints file (`pip install -c`) with a line for each of `wanted` at its end, where it isn't there yet.

    A pin to the version that is left is put in its place. Raises RollbackError when another line rules a wanted version out.
    """
    lines, feed = list(_logical(text)), newline(text)
    for one in wanted:
        there = [place for place, line in enumerate(lines) if line.name == one.name]
        if any(_is(lines[place].version, one.version) for place in there):
            continue
        pinned = [place for place in there if _is(lines[place].version, one.instead)]
        for place in pinned:
            lines[place] = _replaced(lines[place], one.requirement, feed)
        for place in set(there) - set(pinned):
            if allows(lines[place].constraint.strip(), one.version) is not True:
                detail = f"has {lines[place].text.strip()[:200]!r} already, which rules {one.name} {one.version} out"
                raise RollbackError(file, detail, "take that line out first, or name another file with --file")
        if not pinned:
            row = f"{one.requirement}  {one.comment}"
            open_ended = bool(lines) and not _ENDING.search(lines[-1].text)
            lines += _logical(f"{feed}{row}" if open_ended else f"{row}{feed}")
    return "".join(line.text for line in lines)


def undo(text: str, names: Collection[str] = ()) -> str:
    """The text with each pin that was replaced (of `names` only, if given) back in its place, and lines that were added gone."""
    if MARK not in text:
        return text
    rows = _ROW.findall(text)
    kept: list[str] = []
    place = 0
    while place < len(rows):
        end = place
        while end < len(rows) and rows[end].startswith(WAS):
            end += 1
        if end == place:
            kept.append(rows[place])
            place += 1
            continue
        place = _restored(rows, place, end, names, kept)
    return _without_added("".join(kept), names)


def _restored(rows: list[str], start: int, end: int, names: Collection[str], kept: list[str]) -> int:
    """Puts the commented lines back instead of the logical line that follows them; where the next place is."""
    was = [row.removeprefix(WAS) for row in rows[start:end]]
    name = _line("".join(was)).name
    new = next(_logical("".join(rows[end:])), None)
    if new is None or new.name != name or (names and name not in names):
        kept.extend(rows[start:end])
        return end
    ending = _ENDING.search(new.text)
    was[-1] = _ENDING.sub("", was[-1]) + (ending[0] if ending else "")
    kept.extend(was)
    return end + new.text.count("\n") + (0 if ending else 1)


def _without_added(text: str, names: Collection[str]) -> str:
    def cut(found: re.Match[str]) -> str:
        return found[0] if names and found[1] not in names else ""

    return _ADDED_END.sub(cut, _ADDED_LINE.sub(cut, text))


def _already(lines: Sequence[_Line], one: Wanted) -> bool:
    return any(line.name == one.name and _is(line.version, one.version) for line in lines) and not any(
        line.name == one.name and _is(line.version, one.instead) for line in lines
    )


def _is(version: str | None, other: str) -> bool:
    from lockblame.versions import version_key

    return version is not None and version_key(version) == version_key(other)


def _former(old: Sequence[_Line], one: Wanted, now: _Line, file: str) -> str:
    """The line of the file as it was; the one with the same marker where there are several."""
    found = [line for line in old if line.name == one.name and _is(line.version, one.version)]
    found = [line for line in found if line.marker == now.marker] or found
    if found:
        return found[0].text
    if "--hash" in now.text:
        detail = f"pins {one.name} by hashes, and the other side has none for {one.version}"
        raise RollbackError(file, detail, "write a constraints file instead (--as constraints) and lock again")
    return one.requirement


def _replaced(line: _Line, new: str, feed: str) -> _Line:
    """The line as a comment, and the new one below it, with the line ending that the old one had."""
    ending = _ENDING.search(line.text)
    rows = line.text.split("\n")[:-1] if ending else line.text.split("\n")
    comments = "".join(f"{WAS}{row.removesuffix(chr(13))}{chr(13) if row.endswith(chr(13)) else ''}\n" for row in rows[:-1])
    last = rows[-1].removesuffix("\r")
    fresh = feed.join(_ENDING.sub("", new).replace("\r\n", "\n").split("\n"))
    return _line(f"{comments}{WAS}{last}{feed}{fresh}{ending[0] if ending else ''}", like=new)


def _logical(text: str) -> Iterator[_Line]:
    """Lines with their continuations; a comment ends where its line does."""
    held = ""
    for row in _ROW.findall(text):
        held += row
        bare = row.rstrip("\r\n")
        if not bare.endswith("\\") or bare.lstrip().startswith("#"):
            yield _line(held)
            held = ""
    if held:
        yield _line(held)


def _line(text: str, like: str | None = None) -> _Line:
    from packaging.utils import canonicalize_name

    found = _REQUIREMENT.match(text if like is None else like)
    if found is None:
        return _Line(text=text)
    marker = found[3].lstrip(" \t\\").removeprefix(";").partition("--hash")[0].partition("#")[0].strip(" \t\\")
    return _Line(text=text, name=canonicalize_name(found[1]), constraint=found[2].strip(), marker=marker)
