"""What changed: one package before and after, why, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

from lockblame.model.locks import Gap, Path, Pin, Snapshot, normalize
from lockblame.model.shown import Shown

ChangeKind = Literal["added", "removed", "upgraded", "downgraded", "moved", "republished", "rescoped", "refiled"]
Step = Literal["epoch", "major", "minor", "micro", "pre", "post", "dev", "local"]
ReasonKind = Literal["requested", "forced", "drifted", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one parent asks of a package, before and after: a root (`root`) or a pin, with its own versions.

    `before` and `after` are constraints ("" is any version); None where it doesn't ask, or where `known` is False: it asks, but
    with what isn't written in the lock.
    """

    parent: str
    root: bool = False
    old: str | None = None
    new: str | None = None
    before: str | None = None
    after: str | None = None
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a change happened. `kind` requested, forced, drifted or unknown; `detail` one sentence with names and constraints.

    `demands` are those of its parents that it was made from, the ones that changed first.
    """

    kind: ReasonKind = "unknown"
    detail: str = ""
    demands: tuple[Demand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One package before and after; None on the side where it isn't locked.

    `kind` is the first that holds of: added, removed, upgraded or downgraded (version), moved (source, or a version where there
    was none), republished (a file of the same name has another hash: alarming), rescoped (marker, extras, groups, optional, or
    what it requires itself), refiled (files were added to the release or dropped: harmless). The flags tell each on its own.
    `step` is the leftmost part of the version that moved (PEP 440), None where no version moved. `paths_before` and
    `paths_after` are the shortest dependency paths. `lock` is the lock's path where several were compared.
    """

    name: str
    before: Pin | None
    after: Pin | None
    kind: ChangeKind
    step: Step | None = None
    direct: bool = False
    source_changed: bool = False
    artifacts_changed: bool = False
    edges_changed: bool = False
    scope_changed: bool = False
    paths_before: tuple[Path, ...] = ()
    paths_after: tuple[Path, ...] = ()
    reason: Reason = Reason()
    lock: str | None = None

    @property
    def old(self) -> str | None:
        """The version before, None when there was none."""
        return self.before.version if self.before else None

    @property
    def new(self) -> str | None:
        """The version after, None when there is none."""
        return self.after.version if self.after else None

    def __str__(self) -> str:
        return f"{self.name} {self.old or '(none)'} → {self.new or '(none)'}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Delta(Shown, Sequence[Change]):
    """All changes between two snapshots, sorted by name; a Sequence of Change.

    Where several locks were compared, `parts` holds one Delta each and the changes are those of all of them.
    `requires_python` is the project's (before, after) where both locks say it and it
    changed; `indexes` the package indexes that were replaced as a
    whole, (before, after) each: such a renaming is one fact, not a move of every package.
    """

    before: Snapshot
    after: Snapshot
    changes: tuple[Change, ...] = ()
    gaps: tuple[Gap, ...] = ()
    parts: tuple[Delta, ...] = ()
    requires_python: tuple[str, str] | None = None
    indexes: tuple[tuple[str, str], ...] = ()

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Change, ...]: ...
    def __getitem__(self, index: int | slice) -> Change | tuple[Change, ...]:
        return self.changes[index]

    def __len__(self) -> int:
        return len(self.changes)

    def get(self, name: str) -> tuple[Change, ...]:
        """The changes of that package, any spelling; empty when it didn't change."""
        wanted = normalize(name)
        return tuple(change for change in self.changes if change.name == wanted)
