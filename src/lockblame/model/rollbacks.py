"""The way back: what goes back and why, which files that edits, what it reopens, and what a resolver says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lockblame.model.changes import Change
from lockblame.model.locks import Gap

RollbackStyle = Literal["uv", "poetry", "requirements", "constraints"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A change that is taken back, and why: asked for (`because` is ""), or because another one needs it."""

    change: Change
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A file's text before and after. `before` is None for a file that is made, `after` None for one that goes away."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """What taking a package back gives up or brings back: a yanked version, an advisory, a fix that its notes tell of."""

    kind: Literal["yanked", "advisory", "fix"]
    package: str
    version: str
    detail: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What the real resolver made of the edit, in a temporary copy. `moved` is all that its lock changes, by name."""

    resolver: str
    resolves: bool
    detail: str = ""
    moved: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """The smallest edit that takes changes back.

    `returns` are the changes taken back, those asked for first; `edits` the files with their new texts (empty when nothing is
    left to do); `command` locks again; `pins` are the lines of a pip constraints file with the same effect, for an image that is
    built now; `written` says whether the edits are on disk.
    """

    style: RollbackStyle
    returns: tuple[Return, ...] = ()
    edits: tuple[Edit, ...] = ()
    command: str | None = None
    pins: tuple[str, ...] = ()
    reopened: tuple[Reopened, ...] = ()
    resolution: Resolution | None = None
    written: bool = False
    undo: bool = False
    gaps: tuple[Gap, ...] = ()
