"""Snapshot × Snapshot → Delta: every package that changed, how, on which paths it is reached, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lockblame.delta.asking import Metadata
from lockblame.delta.common import Common, replaced_indexes
from lockblame.delta.constraints import same
from lockblame.delta.development import development_only
from lockblame.delta.facts import Facts, facts
from lockblame.delta.locks import gap, matched, nothing_like
from lockblame.delta.pairing import Pair, either, paired
from lockblame.delta.reasons import Reasons
from lockblame.model import Change, Delta, Gap, Path, Pin, Snapshot

__all__ = ["compare", "development_only", "explain", "unsettled"]

_PATHS = 5
"""How many of the shortest paths a Change holds; `Snapshot.paths_to` gives them all."""
_ROOM = 2_000_000
"""How many names the paths of one Delta hold together: in a chain of 20,000 packages they would be 200 million."""


def compare(
    before: Snapshot, after: Snapshot, *, constraints: Metadata | None = None, renames: Mapping[str, str] | None = None
) -> Delta:
    """Every change between two snapshots, sorted by name.

    `constraints` is what releases require by their metadata, (name, version) → edges, for formats whose edges come without
    (`unsettled` says which are worth having). Snapshots with several locks are compared lock by lock, matched by path; `renames`
    says which path after was which before. A lock without a counterpart is all added or all removed, and a Gap says so.
    """
    if before.parts or after.parts:
        return _lock_by_lock(before, after, constraints or {}, renames or {})
    before, after = _of_one_project(before, after)
    pairs = _pairs(before, after)
    renamed = replaced_indexes(pairs) if before.indexes != after.indexes or before.format != after.format else {}
    common = Common(before=before, after=after, renamed=renamed)
    found = [(pair, differing) for pair in pairs if (differing := _facts(pair, common)) is not None]
    changes, left_out = _changes(found, common, constraints or {})
    return Delta(
        before=before,
        after=after,
        changes=changes,
        gaps=tuple(dict.fromkeys((*before.gaps, *after.gaps, *left_out))),
        requires_python=_pythons(before, after),
        indexes=tuple(renamed.items()),
    )


def explain(delta: Delta, constraints: Metadata) -> Delta:
    """The same Delta with each unknown reason looked for again, now that more constraints are known."""
    if delta.parts:
        parts = tuple(explain(part, constraints) for part in delta.parts)
        return replace(delta, parts=parts, changes=_together(parts))
    reasons = Reasons(Common(before=delta.before, after=delta.after), constraints)
    changes = (
        replace(change, reason=reasons.of(change)) if change.reason.kind == "unknown" else change for change in delta.changes
    )
    return replace(delta, changes=tuple(changes))


def unsettled(delta: Delta) -> tuple[tuple[str, str], ...]:
    """The releases (name, version) whose metadata could settle the unknown reasons of a Delta, sorted."""
    found: set[tuple[str, str]] = set()
    for part in delta.parts or (delta,):
        unknown = [change for change in part.changes if change.reason.kind == "unknown"]
        reasons = Reasons(Common(before=part.before, after=part.after), {}) if unknown else None
        for change in unknown:
            found.update(reasons.missing(change) if reasons else ())
    return tuple(sorted(found))


_NAMELESS = "app"
"""What readers call a project whose lock doesn't tell its name."""


def _of_one_project(before: Snapshot, after: Snapshot) -> tuple[Snapshot, Snapshot]:
    """Both sides with the project under one name, where only one of two formats tells it."""
    names = [{root.name for root in side.roots} for side in (before, after)]
    told = next((name for side in names for name in side if side != {_NAMELESS}), None)
    if told is None or any(len(side) != 1 for side in names) or {_NAMELESS} not in names:
        return before, after
    return _called(before, told), _called(after, told)


def _called(snapshot: Snapshot, name: str) -> Snapshot:
    return replace(snapshot, roots=tuple(replace(root, name=name) for root in snapshot.roots))


# --- one lock --------------------------------------------------------------------------------------------------------


def _pairs(before: Snapshot, after: Snapshot) -> list[Pair]:
    sides = _by_name(before), _by_name(after)
    return [pair for name in sorted({*sides[0], *sides[1]}) for pair in paired(*(side.get(name, []) for side in sides))]


def _by_name(snapshot: Snapshot) -> dict[str, list[Pin]]:
    found: dict[str, list[Pin]] = {}
    for pin in snapshot.pins:
        found.setdefault(pin.name, []).append(pin)
    return found


def _facts(pair: Pair, common: Common) -> Facts | None:
    before, after = pair
    if before is None:
        return Facts(kind="added")
    if after is None:
        return Facts(kind="removed")
    return facts(before, after, common)


def _changes(
    found: list[tuple[Pair, Facts]], common: Common, constraints: Metadata
) -> tuple[tuple[Change, ...], tuple[Gap, ...]]:
    if not found:
        return (), ()
    reasons = Reasons(common, constraints)
    paths = _Paths(reasons)
    changes = tuple(_change(pair, differing, reasons, paths) for pair, differing in found)
    return changes, paths.gaps(common.after.origin)


class _Paths:
    """The shortest paths of each change, while there is room for them."""

    def __init__(self, reasons: Reasons) -> None:
        self._graphs = reasons.before.graph, reasons.after.graph
        self._room = _ROOM
        self._known: dict[tuple[str, bool], tuple[Path, ...]] = {}
        self._left_out: set[str] = set()

    def of(self, name: str, *, after: bool) -> tuple[Path, ...]:
        known = self._known.get((name, after))
        if known is not None:
            return known
        if self._room <= 0:
            self._left_out.add(name)
            return ()
        paths = self._known[name, after] = self._graphs[after].paths_to(name, _PATHS)
        self._room -= sum(map(len, paths))
        return paths

    def gaps(self, origin: str) -> tuple[Gap, ...]:
        if not self._left_out:
            return ()
        detail = f"the paths to {len(self._left_out)} of the changed packages are left out: they are too many and too long"
        return (Gap(subject=origin, reason="many-paths", detail=detail, hint="ask for one package with --why NAME"),)


def _change(pair: Pair, differing: Facts, reasons: Reasons, paths: _Paths) -> Change:
    before, after = pair
    name = either(before, after).name
    side = reasons.after if after else reasons.before
    change = Change(
        name=name,
        before=before,
        after=after,
        kind=differing.kind,
        step=differing.step,
        direct=side.graph.direct(name),
        source_changed=differing.source_changed,
        artifacts_changed=differing.artifacts_changed,
        edges_changed=differing.edges_changed,
        scope_changed=differing.scope_changed,
        paths_before=paths.of(name, after=False) if before else (),
        paths_after=paths.of(name, after=True) if after else (),
    )
    return replace(change, reason=reasons.of(change))


def _pythons(before: Snapshot, after: Snapshot) -> tuple[str, str] | None:
    """requires-python on both sides where both say it and it differs."""
    one, other = before.requires_python, after.requires_python
    if one is None or other is None or same(one, other):
        return None
    return one, other


# --- several locks ---------------------------------------------------------------------------------------------------


def _lock_by_lock(before: Snapshot, after: Snapshot, constraints: Metadata, renames: Mapping[str, str]) -> Delta:
    parts = []
    unmatched = []
    for one, other in matched(before, after, renames):
        some = either(one, other)
        if one is None or other is None:
            unmatched.append(gap(some, added=one is None))
        part = compare(
            one or nothing_like(some, before.origin), other or nothing_like(some, after.origin), constraints=constraints
        )
        changes = tuple(replace(change, lock=some.path or some.origin) for change in part.changes)
        parts.append(replace(part, changes=changes))
    gaps = (*before.gaps, *after.gaps, *(gap for part in parts for gap in part.gaps), *unmatched)
    return Delta(before=before, after=after, changes=_together(parts), gaps=tuple(dict.fromkeys(gaps)), parts=tuple(parts))


def _together(parts: list[Delta] | tuple[Delta, ...]) -> tuple[Change, ...]:
    return tuple(sorted((change for part in parts for change in part.changes), key=lambda one: (one.name, one.lock or "")))
