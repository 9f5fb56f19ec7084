"""Which lock of one revision became which of the other: by path, renames followed, else by name or as the only ones left."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from lockblame.delta.pairing import either
from lockblame.errors import LockParseError, ReadError, UnknownFormat
from lockblame.model import Gap, Snapshot

LockPair = tuple[Snapshot | None, Snapshot | None]


def matched(before: Snapshot, after: Snapshot, renames: Mapping[str, str]) -> list[LockPair]:
    """Every lock of both snapshots once, beside its counterpart, None where it has none; sorted by path.

    The same path first, then `renames` (path after → path before); then what is left over in one folder, when that is one lock
    on each side (another tool was taken up there); then one lock on each side altogether. A lock that can't be read on the other
    side is compared with nothing: it is still there, and none of its packages came or went.
    """
    lefts, rights = _beside(before, after), _beside(after, before)
    pairs: list[LockPair] = []
    pairs += _taken(lefts, rights, lambda one: one.path, lambda other: other.path)
    pairs += _taken(lefts, rights, lambda one: one.path, lambda other: renames.get(other.path or ""))
    for key in (_folder, _nothing):
        pairs += _taken(lefts, rights, key, key)
    pairs += [(one, None) for one in lefts]
    pairs += [(None, other) for other in rights]
    return sorted(pairs, key=lambda pair: _path(either(*pair)))


def unread(snapshot: Snapshot) -> dict[str, Gap]:
    """The locks that are there and could not be read, by path."""
    slugs = (ReadError.slug, LockParseError.slug, UnknownFormat.slug)
    return {gap.subject: gap for gap in snapshot.gaps if gap.reason in slugs}


def _beside(one: Snapshot, other: Snapshot) -> list[Snapshot]:
    broken = unread(other)
    return [lock for lock in one.parts or (one,) if lock.path not in broken]


def _taken(
    lefts: list[Snapshot],
    rights: list[Snapshot],
    left: Callable[[Snapshot], str | None],
    right: Callable[[Snapshot], str | None],
) -> list[LockPair]:
    """Takes those out of both lists whose keys are equal and given once on each side."""
    ones, others = _once(lefts, left), _once(rights, right)
    pairs: list[LockPair] = [(ones[key], others[key]) for key in ones if key in others]
    for one, other in pairs:
        lefts[:] = [lock for lock in lefts if lock is not one]
        rights[:] = [lock for lock in rights if lock is not other]
    return pairs


def _once(locks: list[Snapshot], key: Callable[[Snapshot], str | None]) -> dict[str, Snapshot]:
    found: dict[str, list[Snapshot]] = {}
    for lock in locks:
        value = key(lock)
        if value is not None:
            found.setdefault(value, []).append(lock)
    return {value: several[0] for value, several in found.items() if len(several) == 1}


def _folder(lock: Snapshot) -> str | None:
    return posixpath.dirname(lock.path or "")


def _nothing(lock: Snapshot) -> str | None:
    return ""


def _path(lock: Snapshot) -> str:
    return lock.path or lock.origin


def nothing_like(lock: Snapshot, origin: str) -> Snapshot:
    """The empty lock that stands on the side where there is none."""
    return Snapshot(origin=origin, format=lock.format, path=lock.path)


def gap(lock: Snapshot, *, added: bool) -> Gap:
    """That a lock was compared with nothing."""
    path = lock.path or lock.origin
    if added:
        detail = f"{path} is not in the revision before, so that all of its packages count as added"
        return Gap(subject=path, reason="lock-added", detail=detail, hint="if it was moved, name both files")
    detail = f"{path} is not in the revision after, so that all of its packages count as removed"
    return Gap(subject=path, reason="lock-removed", detail=detail, hint="if it was moved, name both files")
