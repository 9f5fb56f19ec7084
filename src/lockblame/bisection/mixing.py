"""Mixes: the good lock with some of the changes of the bad one, and which changes can't be had without which others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from lockblame.model import Change, Delta, Pin, Root, Snapshot

_SAME = ("rescoped", "refiled")
"""Kinds of change after which the same thing is installed."""


def differing(delta: Delta) -> tuple[Change, ...]:
    """The changes that install something else than before, one for each name, sorted by name."""
    by_name: dict[str, Change] = {}
    for change in delta:
        if change.kind not in _SAME:
            by_name.setdefault(change.name, change)
    return tuple(by_name[name] for name in sorted(by_name))


def mix(before: Snapshot, after: Snapshot, changes: Collection[str]) -> tuple[Pin, ...]:
    """The pins of the good side, with those of `changes` as they are on the bad side; sorted by name."""
    chosen = [pin for pin in before if pin.name not in changes]
    chosen += [pin for pin in after if pin.name in changes]
    return tuple(sorted(chosen, key=lambda pin: (pin.name, pin.version or "")))


def related(before: Snapshot, after: Snapshot, changes: Collection[str]) -> tuple[tuple[str, str], ...]:
    """The pairs of changes of which one requires the other in either lock."""
    pairs = {
        (min(pin.name, edge.name), max(pin.name, edge.name))
        for snapshot in (before, after)
        for pin in snapshot
        for edge in pin.requires
        if pin.name in changes and edge.name in changes and pin.name != edge.name
    }
    return tuple(sorted(pairs))


def needs(changes: Collection[Change], before: Snapshot, after: Snapshot) -> dict[str, frozenset[str]]:
    """For each change those that it can't be installed without, from what is installed at both ends and what that requires.

    A new version that refuses the old one of another package needs that to move too; an old version that refuses another's new
    one has to move with it. What is violated at an end already binds nobody: that lock overrides it.
    """
    by_name = {change.name: change for change in changes}
    found: dict[str, set[str]] = {}
    for owner, other, specifier in _requirements(by_name, after):
        if _allowed(specifier, other.new) and not _allowed(specifier, other.old):
            found.setdefault(owner, set()).add(other.name)
    for owner, other, specifier in _requirements(by_name, before):
        if _allowed(specifier, other.old) and not _allowed(specifier, other.new):
            found.setdefault(other.name, set()).add(owner)
    return {name: frozenset(others) for name, others in sorted(found.items())}


def _requirements(changes: Mapping[str, Change], installed: Snapshot) -> Iterator[tuple[str, Change, str]]:
    """Each requirement of one changed package on another."""
    for pin in installed:
        for edge in pin.requires:
            if pin.name in changes and edge.name in changes and pin.name != edge.name:
                yield pin.name, changes[edge.name], edge.specifier


def _allowed(specifier: str, version: str | None) -> bool:
    """Whether a version fulfils a requirement; None is "not installed", which fulfils none. Unreadable forbids nothing."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    if version is None:
        return False
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def violated(installed: Snapshot) -> frozenset[tuple[str, str]]:
    """The requirements that what is installed doesn't fulfil: who requires, and what."""
    versions = {pin.name: pin.version for pin in installed}
    return frozenset(
        (pin.name, edge.name)
        for pin in installed
        for edge in pin.requires
        if not _allowed(edge.specifier, versions.get(edge.name))
    )


_EXTRA = re.compile(r"""\bextra\s*+==\s*+['"]([^'"]{1,200})['"]""")


def asked_for(snapshots: Iterable[Snapshot]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every extra and every dependency group of the locks, sorted: what an environment for tests has."""
    extras: set[str] = set()
    groups: set[str] = set()
    for snapshot in snapshots:
        nodes: tuple[Root | Pin, ...] = (*snapshot.roots, *snapshot.pins)
        for node in nodes:
            for edge in node.requires:
                groups.update([edge.group] if edge.group else [])
                if edge.marker and not isinstance(node, Pin):
                    extras.update(_EXTRA.findall(edge.marker))
        for pin in snapshot:
            groups.update(pin.groups)
            extras.update(_EXTRA.findall(pin.marker or ""))
    return tuple(sorted(extras)), tuple(sorted(groups))


def twice(snapshot: Snapshot) -> tuple[Pin, Pin] | None:
    """Two pins of one name that both are to be installed, None where there are none."""
    for name in snapshot.names:
        pins = list({pin.identity: pin for pin in snapshot.get(name)}.values())
        if len(pins) > 1:
            return pins[0], pins[1]
    return None
