"""Which commit brought which change: the commits that touched a lock, each compared with what was there before it.

A commit is compared with its own parents, not with its neighbour in the list: branches that ran side by side don't take each
other's changes back. Of a merge only that counts which differs from all of its parents: what it decided itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from lockblame.delta import compare
from lockblame.errors import LockblameError
from lockblame.lockfiles.series import Series
from lockblame.model import Change, Commit, Delta, Gap, Snapshot, normalize

Fetch = Callable[[str], bytes]
"""From a blob's id to its bytes; LockblameError when they can't be had."""
Beside = Callable[[str, str], bytes | None]
"""From a commit's hash and a path to the bytes of that file then, None when it wasn't there."""


class Touched(Protocol):
    """What a commit did to a lock: the ids of its text before (one for each parent, None where there was none) and after."""

    @property
    def commit(self) -> Commit:
        """The commit."""

    @property
    def path(self) -> str:
        """Where the lock is in it."""

    @property
    def before(self) -> tuple[str | None, ...]:
        """The ids before, by parent."""

    @property
    def after(self) -> str | None:
        """The id after; None: deleted."""

    @property
    def renamed(self) -> str | None:
        """Where the lock was before, when the commit moved it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One commit of a lock's history and what it changed. `renamed` is where the lock was before, when the commit moved it.

    `requires_python` is the project's before and after, None where it stayed. A revision that can't be read has a Gap and no
    changes; what it brought counts for the next one that can be read.
    """

    commit: Commit
    path: str
    changes: tuple[Change, ...] = ()
    requires_python: tuple[str | None, str | None] | None = None
    renamed: str | None = None
    gaps: tuple[Gap, ...] = ()


def walk(
    touches: Sequence[Touched], fetch: Fetch, *, beside: Beside | None = None, package: str | None = None
) -> Iterator[Revision]:
    """What each commit changed, in the order of `touches`: oldest first.

    Every text is fetched and read once, and kept until the last commit that needs it. `beside` gives the files around the lock
    (pyproject.toml, included requirements). With `package` (any spelling) other changes are left out, and commits without any
    are told all the same.
    """
    wanted = normalize(package) if package is not None else None
    reading = _Reading(touches, fetch, beside)
    for touch in touches:
        yield reading.revision(touch, wanted)


class _Reading:
    """The snapshots that are still needed, by the id of their text."""

    def __init__(self, touches: Sequence[Touched], fetch: Fetch, beside: Beside | None) -> None:
        self._fetch = fetch
        self._beside = beside
        self._series = Series()
        self._needed = Counter(identity for touch in touches for identity in (*touch.before, touch.after))
        self._snapshots: dict[str, Snapshot | None] = {}

    def revision(self, touch: Touched, package: str | None) -> Revision:
        """What one commit changed."""
        gaps: list[Gap] = []
        commit, place = touch.commit.hash, touch.renamed or touch.path
        parents = [self._snapshot(blob, place, f"{commit}^{n}", gaps) for n, blob in enumerate(touch.before, 1)]
        after = self._snapshot(touch.after, touch.path, commit, gaps, instead=parents[0] if parents else None)
        deltas = [] if gaps else [_compared(parent, after, package) for parent in parents]
        self._forget(touch)
        changes = deltas[0].changes if deltas else ()
        for other in deltas[1:]:
            names = {change.name for change in other.changes}
            changes = tuple(change for change in changes if change.name in names)
        return Revision(
            commit=touch.commit,
            path=touch.path,
            renamed=touch.renamed,
            changes=tuple(change for change in changes if package is None or change.name == package),
            requires_python=deltas[0].requires_python if deltas and all(each.requires_python for each in deltas) else None,
            gaps=tuple(gaps),
        )

    def _snapshot(
        self, identity: str | None, path: str, commit: str, gaps: list[Gap], instead: Snapshot | None = None
    ) -> Snapshot | None:
        """The lock of that text, None where there is none. For one that can't be read `instead` stands from then on."""
        if identity is None:
            return None
        if identity not in self._snapshots:
            label = f"{path} at {commit[:10]}{commit[40:]}"
            opener = partial(self._beside, commit) if self._beside else None
            try:
                self._snapshots[identity] = self._series.read(self._fetch(identity), path, origin=label, opener=opener)
            except LockblameError as error:
                gaps.append(Gap(subject=label, reason=error.slug, detail=str(error), hint=error.hint))
                self._snapshots[identity] = instead
        return self._snapshots[identity]

    def _forget(self, touch: Touched) -> None:
        for identity in (*touch.before, touch.after):
            self._needed[identity] -= 1
            if identity is not None and not self._needed[identity]:
                self._snapshots.pop(identity, None)


def _compared(before: Snapshot | None, after: Snapshot | None, package: str | None) -> Delta:
    some = after or before
    if some is None:
        nothing = Snapshot(origin="nothing", format="")
        return Delta(before=nothing, after=nothing)
    nothing = Snapshot(origin="nothing", format=some.format, path=some.path)
    before, after = before or nothing, after or nothing
    if package is not None and before.get(package) == after.get(package):
        return Delta(before=before, after=after)
    return compare(before, after)
