"""Snapshot × Snapshot → Delta: every package that changed, how, on which paths it is reached, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lockblame.delta.asking import Metadata
from lockblame.delta.common import Common, replaced_indexes
from lockblame.delta.constraints import same
from lockblame.delta.facts import Facts, facts
from lockblame.delta.locks import gap, matched, nothing_like
from lockblame.delta.pairing import Pair, either, paired
from lockblame.delta.reasons import Reasons
from lockblame.model import Change, Delta, Snapshot

__all__ = ["compare", "explain", "unsettled"]

_PATHS = 5
"""How many of the shortest paths a Change holds; `Snapshot.paths_to` gives them all."""


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
    pairs = _pairs(before, after)
    renamed = replaced_indexes(pairs) if before.indexes != after.indexes or before.format != after.format else {}
    common = Common(before=before, after=after, renamed=renamed)
    found = [(pair, differing) for pair in pairs if (differing := _facts(pair, common)) is not None]
    return Delta(
        before=before,
        after=after,
        changes=_changes(found, before, after, constraints or {}),
        gaps=(*before.gaps, *(gap for gap in after.gaps if gap not in before.gaps)),
        requires_python=_pythons(before, after),
        indexes=tuple(renamed.items()),
    )


def explain(delta: Delta, constraints: Metadata) -> Delta:
    """The same Delta with each unknown reason looked for again, now that more constraints are known."""
    if delta.parts:
        parts = tuple(explain(part, constraints) for part in delta.parts)
        return replace(delta, parts=parts, changes=_together(parts))
    reasons = Reasons(delta.before, delta.after, constraints)
    changes = (
        replace(change, reason=reasons.of(change)) if change.reason.kind == "unknown" else change for change in delta.changes
    )
    return replace(delta, changes=tuple(changes))


def unsettled(delta: Delta) -> tuple[tuple[str, str], ...]:
    """The releases (name, version) whose metadata could settle the unknown reasons of a Delta, sorted."""
    found: set[tuple[str, str]] = set()
    for part in delta.parts or (delta,):
        unknown = [change for change in part.changes if change.reason.kind == "unknown"]
        reasons = Reasons(part.before, part.after, {}) if unknown else None
        for change in unknown:
            found.update(reasons.missing(change) if reasons else ())
    return tuple(sorted(found))


# --- one lock --------------------------------------------------------------------------------------------------------


def _pairs(before: Snapshot, after: Snapshot) -> list[Pair]:
    names = sorted({*before.names, *after.names})
    return [pair for name in names for pair in paired(before.get(name), after.get(name))]


def _facts(pair: Pair, common: Common) -> Facts | None:
    before, after = pair
    if before is None:
        return Facts(kind="added")
    if after is None:
        return Facts(kind="removed")
    return facts(before, after, common)


def _changes(found: list[tuple[Pair, Facts]], before: Snapshot, after: Snapshot, constraints: Metadata) -> tuple[Change, ...]:
    if not found:
        return ()
    reasons = Reasons(before, after, constraints)
    return tuple(_change(pair, differing, reasons) for pair, differing in found)


def _change(pair: Pair, differing: Facts, reasons: Reasons) -> Change:
    before, after = pair
    some = either(before, after)
    graphs = reasons.before.graph, reasons.after.graph
    change = Change(
        name=some.name,
        before=before,
        after=after,
        kind=differing.kind,
        step=differing.step,
        direct=graphs[1 if after else 0].direct(some.name),
        source_changed=differing.source_changed,
        artifacts_changed=differing.artifacts_changed,
        edges_changed=differing.edges_changed,
        scope_changed=differing.scope_changed,
        paths_before=graphs[0].paths_to(some.name, _PATHS) if before else (),
        paths_after=graphs[1].paths_to(some.name, _PATHS) if after else (),
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
