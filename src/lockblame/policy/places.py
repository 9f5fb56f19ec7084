"""Whether a package comes from another place than before, said so that a person can tell the two places apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lockblame.model import Change, Delta, Pin, Snapshot, Source

_SHORT = 12
"""Digits of a commit that tell it from others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`renamed` are the indexes that were replaced as a whole, (before, after) each.

    `usual` tells whether a pin without an index comes from the usual one, in a lock that names the others: Poetry's way. A lock
    that names none on one side (or is of another format there) says nothing about a pin's index.
    """

    renamed: frozenset[tuple[str, str]] = frozenset()
    usual: bool = False

    def moved(self, change: Change) -> tuple[str, str] | None:
        """The places before and after; None where they are one, or not both known.

        A git dependency's other commit is another place only under the same version. With another version, or where a lock tells
        none, it is how such a dependency is upgraded.
        """
        if change.before is None or change.after is None:
            return None
        before, after = change.before.source, change.after.source
        if change.source_changed:
            another = before.kind != after.kind or before.location != after.location
            return _told(before, after) if another or (change.old and change.old == change.new) else None
        return _told(before, after) if self._other_index(before, after) else None

    def _other_index(self, before: Source, after: Source) -> bool:
        if before.kind != "registry" or after.kind != "registry":
            return False
        one, other = (source.location or "" for source in (before, after))
        if one.rstrip("/") == other.rstrip("/") or (one, other) in self.renamed:
            return False
        return bool(one and other) or self.usual


def places(delta: Delta) -> Places:
    """What is known of the indexes of one lock's two sides."""
    same_format = delta.before.format == delta.after.format
    return Places(renamed=frozenset(delta.indexes), usual=same_format and any(map(_mixed, (delta.before, delta.after))))


def _mixed(snapshot: Snapshot) -> bool:
    return len({bool(pin.source.location) for pin in _of_indexes(snapshot)}) == 2


def _of_indexes(snapshot: Snapshot) -> Iterable[Pin]:
    return (pin for pin in snapshot.pins if pin.source.kind == "registry")


def _told(before: Source, after: Source) -> tuple[str, str]:
    words = tuple(_words(source) for source in (before, after))
    if words[0] == words[1]:
        words = tuple(
            f"{place} at {(source.revision or 'no commit')[:_SHORT]}"
            for place, source in zip(words, (before, after), strict=True)
        )
    return words[0], words[1]


def _words(source: Source) -> str:
    if source.kind == "registry":
        return f"the index {source.location}" if source.location else "the package index"
    return f"{source.kind} {source.location or ''}".strip()
