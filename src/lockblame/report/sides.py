"""The two sides of a comparison as the command line takes them, for commands that are there to be copied to a shell: nothing
that a shell could take for more than a word gets into them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockblame.model import Delta, Snapshot

_WORD = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_.:/@+~^-]{0,200}")
_FILE = re.compile(r"(?P<path>\S{1,200}) at (?P<place>.{1,400})", re.DOTALL)
_ALL = re.compile(r"(?P<place>.{1,400}) \(\d{1,6} locks?\)", re.DOTALL)
_COMMIT = re.compile(
    r"(?:(?P<commit>[0-9a-f]{7,40})|.{1,300} \((?P<named>[0-9a-f]{7,40})\))(?::(?P<folder>\S{1,200}))?", re.DOTALL
)


def sides(delta: Delta) -> str:
    """`1a2b3c4d5e:uv.lock 2b3c4d5e6f:uv.lock`; a side that can't be told is BEFORE or AFTER."""
    return f"{_side(delta.before) or 'BEFORE'} {_side(delta.after) or 'AFTER'}"


def _side(snapshot: Snapshot) -> str | None:
    """What the command line takes for this snapshot, where that can be told."""
    origin = snapshot.origin[:600]
    found = _FILE.fullmatch(origin) or _ALL.fullmatch(origin)
    word = _word(**found.groupdict()) if found else origin
    return word if _WORD.fullmatch(word) and not word.startswith("-") else None


def _word(place: str, path: str | None = None) -> str:
    """The lock at `path`, or without one all locks, of a commit, of the working tree or of a folder."""
    if place == "the working tree":
        return path or "."
    if found := _COMMIT.fullmatch(place):
        commit, inside = found["commit"] or found["named"], path or found["folder"]
        return f"{commit}:{inside}" if inside else commit
    return place
