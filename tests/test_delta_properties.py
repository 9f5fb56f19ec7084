"""What holds for every pair of snapshots."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.delta import compare
from lockblame.model import Change, Delta, Pin, Snapshot
from lockblame.versions import version_key
from tests.snapshots import snapshots

MIRRORED = {"added": "removed", "removed": "added", "upgraded": "downgraded", "downgraded": "upgraded"}

pairs = st.tuples(snapshots, snapshots).map(lambda both: (both[0], replace(both[1], format=both[0].format)))


def identity(pin: Pin) -> object:
    return pin.name, version_key(pin.version or ""), pin.source


def facts(change: Change) -> tuple[object, ...]:
    """What a change says, whichever pins of equal identity it holds."""
    flags = change.source_changed, change.artifacts_changed, change.edges_changed, change.scope_changed
    return change.name, change.kind, change.before, change.after, change.step, flags, change.paths_before, change.paths_after


def applied(before: Snapshot, delta: Delta) -> Counter[object]:
    """The identities after the changes."""
    left = Counter(identity(pin) for pin in before)
    for change in delta:
        if change.before is not None:
            left[identity(change.before)] -= 1
        if change.after is not None:
            left[identity(change.after)] += 1
    return +left


@settings(max_examples=80)
@given(snapshots)
def test_nothing_differs_from_itself(snapshot: Snapshot):
    assert compare(snapshot, snapshot).changes == ()
    copy = replace(snapshot, pins=tuple(replace(pin) for pin in snapshot.pins))
    assert compare(snapshot, copy).changes == ()


@settings(max_examples=120)
@given(pairs)
def test_the_other_way_round_is_the_mirror_image(both: tuple[Snapshot, Snapshot]):
    before, after = both
    forth, back = compare(before, after), compare(after, before)
    expected = [
        replace(change, kind=MIRRORED.get(change.kind, change.kind), before=change.after, after=change.before) for change in forth
    ]
    expected = [replace(one, paths_before=one.paths_after, paths_after=one.paths_before) for one in expected]
    assert Counter(map(facts, back)) == Counter(map(facts, expected))


@settings(max_examples=120)
@given(pairs)
def test_the_changes_lead_from_before_to_after(both: tuple[Snapshot, Snapshot]):
    before, after = both
    # The same place spelled otherwise is the same identity; these snapshots name the index or they don't.
    delta = compare(before, after)
    reached = applied(before, delta)
    expected = Counter(identity(pin) for pin in after)
    assert _without_index(reached) == _without_index(expected)


def _without_index(identities: Counter[object]) -> Counter[object]:
    found: Counter[object] = Counter()
    for (name, version, source), count in identities.items():  # type: ignore[misc]
        place = source if source.kind != "registry" else "registry"
        found[name, version, place] += count
    return found


@settings(max_examples=80)
@given(pairs, st.randoms(use_true_random=False))
def test_the_order_in_the_file_never_matters(both: tuple[Snapshot, Snapshot], random: Random):
    before, after = both
    shuffled = []
    for side in both:
        pins, roots = list(side.pins), list(side.roots)
        random.shuffle(pins)
        random.shuffle(roots)
        shuffled.append(replace(side, pins=tuple(pins), roots=tuple(roots)))
    assert compare(*shuffled).changes == compare(before, after).changes


@settings(max_examples=80)
@given(pairs)
def test_no_fork_disappears_and_every_change_says_why(both: tuple[Snapshot, Snapshot]):
    before, after = both
    delta = compare(before, after)
    assert [change.name for change in delta] == sorted(change.name for change in delta)
    named = Counter(change.name for change in delta if change.after is not None)
    for name, count in named.items():
        assert count <= len(after.get(name))
    for name in {*before.names, *after.names}:
        grown = sum((change.before is None) - (change.after is None) for change in delta.get(name))
        assert grown == len(after.get(name)) - len(before.get(name))
    for change in delta:
        assert change.reason.detail
        assert (change.kind == "added") == (change.before is None)
        assert (change.kind == "removed") == (change.after is None)
        for path in change.paths_after:
            assert path[-1] == change.name


@settings(max_examples=60)
@given(snapshots, snapshots)
def test_other_formats_show_only_what_both_can_say(before: Snapshot, after: Snapshot):
    before, after = replace(before, format="poetry"), replace(after, format="requirements")
    for change in compare(before, after):
        assert not change.edges_changed
        assert not change.scope_changed
