"""Which pin of a name became which: identical ones first, then by overlapping marker, then by version; no fork disappears.

Every rule is the same in both directions and blind to the order in the file, so that the comparison the other way round is the
mirror image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lockblame.model import Pin
from lockblame.versions import version_key

T = TypeVar("T")
Pair = tuple[Pin | None, Pin | None]
_MANY = 64
"""Forks of one name up to which markers are tried against each other; more than that isn't written by any resolver."""


def either(one: T | None, other: T | None) -> T:
    """The side that is there: the second one where both are."""
    found = one if other is None else other
    if found is None:
        raise AssertionError("a pair without a side")
    return found


def paired(before: Sequence[Pin], after: Sequence[Pin]) -> list[Pair]:
    """Every pin of one name, once, beside its counterpart; None where it has none."""
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    if not before or not after:
        return [*((pin, None) for pin in _sorted(before)), *((None, pin) for pin in _sorted(after))]
    lefts, rights = _sorted(before), _sorted(after)
    pairs: list[Pair] = []
    for key in (_all, _identity_and_scope, _identity):
        pairs.extend(_matched(lefts, rights, key))
    if len(lefts) == len(rights) == 1:
        pairs.append((lefts.pop(), rights.pop()))
    if lefts and rights:
        pairs.extend(_by_marker(lefts, rights))
    pairs.extend(_by_version(lefts, rights))
    pairs.extend((pin, None) for pin in lefts)
    pairs.extend((None, pin) for pin in rights)
    return sorted(pairs, key=lambda pair: _order(either(*pair)))


def _matched(lefts: list[Pin], rights: list[Pin], key: Callable[[Pin], Any]) -> list[Pair]:
    """Takes those with equal keys out of both lists."""
    waiting: dict[Any, list[int]] = {}
    for other in reversed(range(len(rights))):
        waiting.setdefault(key(rights[other]), []).append(other)
    places = []
    for one, pin in enumerate(lefts):
        partners = waiting.get(key(pin))
        if partners:
            places.append((one, partners.pop()))
    return _taken(lefts, rights, places)


def _all(pin: Pin) -> Any:
    return *_identity(pin), pin.extras, pin.groups, pin.marker


def _identity_and_scope(pin: Pin) -> Any:
    return *_identity(pin), pin.extras


def _identity(pin: Pin) -> Any:
    return version_key(pin.version or ""), pin.source


def _by_marker(lefts: list[Pin], rights: list[Pin]) -> list[Pair]:
    """Takes out the pairs whose markers hold in the most environments together; alike sources and ranks decide between equals."""
    if len(lefts) > _MANY or len(rights) > _MANY:
        return []
    from lockblame.markers import truth_of

    truths = truth_of([pin.marker for pin in (*lefts, *rights)])
    if truths is None:
        return []
    candidates = []
    for one, left in enumerate(lefts):
        for other, right in enumerate(rights):
            shared = (truths.bits[one] & truths.bits[len(lefts) + other]).bit_count()
            if shared:
                # Ranks count from the newest version down: of three and two forks the newest ones belong together.
                ranks = len(lefts) - one, len(rights) - other
                key = (left.extras != right.extras, -shared, left.source.kind != right.source.kind, abs(ranks[0] - ranks[1]))
                candidates.append((*key, sum(ranks), one, other))
    return _taken(lefts, rights, [(one, other) for *_, one, other in sorted(candidates)])


def _by_version(lefts: list[Pin], rights: list[Pin]) -> list[Pair]:
    """Takes out pairs from the newest version down, those from a source of the same kind first."""
    places: list[tuple[int, int]] = []
    for kind in sorted({pin.source.kind for pin in lefts}):
        ones = [number for number, pin in enumerate(lefts) if pin.source.kind == kind]
        others = [number for number, pin in enumerate(rights) if pin.source.kind == kind]
        places.extend(zip(reversed(ones), reversed(others), strict=False))
    pairs = _taken(lefts, rights, places)
    rest = zip(reversed(range(len(lefts))), reversed(range(len(rights))), strict=False)
    return pairs + _taken(lefts, rights, list(rest))


def _taken(lefts: list[Pin], rights: list[Pin], places: Sequence[tuple[int, int]]) -> list[Pair]:
    ones: set[int] = set()
    others: set[int] = set()
    pairs: list[Pair] = []
    for one, other in places:
        if one not in ones and other not in others:
            ones.add(one)
            others.add(other)
            pairs.append((lefts[one], rights[other]))
    lefts[:] = [pin for number, pin in enumerate(lefts) if number not in ones]
    rights[:] = [pin for number, pin in enumerate(rights) if number not in others]
    return pairs


def _sorted(pins: Sequence[Pin]) -> list[Pin]:
    return sorted(pins, key=_order)


def _order(pin: Pin) -> Any:
    """Oldest version first; the rest only makes the order the same whatever the file's."""
    source = pin.source
    place = (source.kind, source.location or "", source.revision or "", source.subdirectory or "")
    scope = pin.extras, place, pin.marker or "", pin.groups, pin.optional
    files = tuple(sorted((artifact.hash or "", artifact.name or "") for artifact in pin.artifacts))
    edges = tuple((edge.name, edge.specifier, edge.marker or "", edge.extras, edge.version or "") for edge in pin.requires)
    return version_key(pin.version or ""), *scope, files, edges, pin.line or 0
