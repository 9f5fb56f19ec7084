"""The changes of a Delta put together by name: forks of one package are one entry of a report, and the forks are in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockblame.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lockblame.model import Change, ChangeKind, Delta, Snapshot

# What an entry with several forks is called: the most telling of their kinds.
_TELLING: tuple[ChangeKind, ...] = ("upgraded", "downgraded", "moved", "republished")
_MILD: tuple[ChangeKind, ...] = ("rescoped", "refiled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """All that changed of one package in one lock; `before` and `after` are all its locked versions, sorted."""

    name: str
    lock: str | None
    kind: ChangeKind
    before: tuple[str, ...]
    after: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def likeness(self) -> tuple[object, ...]:
        """What it has in common with the same change in another lock."""
        return self.name, self.kind, self.before, self.after

    @property
    def leading(self) -> Change:
        """The change that stands for the others: the one of the entry's kind."""
        return next((change for change in self.changes if change.kind == self.kind), self.changes[0])


def grouped(delta: Delta) -> tuple[Named, ...]:
    """One entry for each name and lock, in the order of the delta."""
    if delta.parts:
        return tuple(entry for part in delta.parts for entry in grouped(part))
    by_name: dict[str, list[Change]] = {}
    for change in delta.changes:
        by_name.setdefault(change.name, []).append(change)
    return tuple(_entry(name, tuple(changes), delta) for name, changes in by_name.items())


def told_once(entries: Iterable[Named]) -> tuple[tuple[Named, tuple[str, ...]], ...]:
    """What several locks have alike once, by name: the first entry of each kind, and the locks that have it."""
    alike: dict[tuple[object, ...], list[Named]] = {}
    for entry in sorted(entries, key=lambda one: one.name):
        alike.setdefault(entry.likeness, []).append(entry)
    return tuple((group[0], tuple(one.lock for one in group if one.lock)) for group in alike.values())


def by_lock(entries: Iterable[Named], *, once: bool) -> tuple[tuple[str | None, tuple[Named, ...], int], ...]:
    """Lock by lock, in the order of their paths: its entries, or `once` those that no lock before it has alike, and how many are
    left out for that."""
    locks: dict[str | None, list[Named]] = {}
    for entry in entries:
        locks.setdefault(entry.lock, []).append(entry)
    told: set[tuple[object, ...]] = set()
    found = []
    for lock in sorted(locks, key=lambda path: path or ""):
        fresh = tuple(entry for entry in locks[lock] if not once or entry.likeness not in told)
        told.update(entry.likeness for entry in fresh)
        found.append((lock, fresh, len(locks[lock]) - len(fresh)))
    return tuple(found)


def _entry(name: str, changes: tuple[Change, ...], delta: Delta) -> Named:
    before, after = _versions(delta.before, name), _versions(delta.after, name)
    kind = _kind(changes, name in delta.before, name in delta.after, before, after)
    return Named(name=name, lock=changes[0].lock, kind=kind, before=before, after=after, changes=changes)


def _versions(snapshot: Snapshot, name: str) -> tuple[str, ...]:
    return sorted_versions(pin.version for pin in snapshot.get(name) if pin.version is not None)


def sorted_versions(versions: Iterable[str]) -> tuple[str, ...]:
    """Each version once, by PEP 440; texts that aren't versions come first."""
    distinct = set(versions)
    return tuple(distinct) if len(distinct) < 2 else tuple(sorted(distinct, key=version_key))


def _kind(changes: tuple[Change, ...], was: bool, stays: bool, before: tuple[str, ...], after: tuple[str, ...]) -> ChangeKind:
    if not was or not stays:
        return "removed" if was else "added"
    kinds = {change.kind for change in changes}
    for kind in _TELLING:
        if kind in kinds:
            return kind
    if before != after:
        # a fork came or went: that weighs more than the conditions under which the others stay
        return _fork_kind(before, after)
    return next((kind for kind in _MILD if kind in kinds), "rescoped")


def _fork_kind(before: tuple[str, ...], after: tuple[str, ...]) -> ChangeKind:
    """Only forks came or went: up when the highest version rose or the lowest was given up, else down."""
    highest = [version_key(versions[-1]) if versions else version_key("") for versions in (before, after)]
    lowest = [version_key(versions[0]) if versions else version_key("") for versions in (before, after)]
    if highest[0] != highest[1]:
        return "upgraded" if highest[1] > highest[0] else "downgraded"
    return "upgraded" if lowest[1] >= lowest[0] else "downgraded"
