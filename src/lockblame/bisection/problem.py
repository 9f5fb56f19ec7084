"""What is searched: changes with their weights, and which of them can only move together.

A set of changes is an integer here, a bit for each: joining, cutting and remembering thousands of them costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

DOUBT = 0.3
"""How much of the weight is shared out evenly: a ranking is wrong that often, and then must not cost more than this."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The changes by `names`, sorted by weight (heaviest first), and for each the mask of what it can't be installed without.

    `weights` are the probabilities of each to be the culprit; `related` are pairs that the graph joins: mixes that part them
    are the likelier to be untestable.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    closures: tuple[int, ...]
    related: tuple[int, ...] = ()
    _bits: dict[str, int] = field(default_factory=dict)

    @property
    def full(self) -> int:
        """All changes."""
        return (1 << len(self.names)) - 1

    def mask(self, names: Iterable[str]) -> int:
        """The set of these names; KeyError for one that isn't a change."""
        found = 0
        for name in names:
            found |= 1 << self._bits[name]
        return found

    def names_of(self, mask: int) -> frozenset[str]:
        """The names in a set."""
        return frozenset(self.names[number] for number in bits(mask))

    def closed(self, mask: int) -> int:
        """The set with everything that it can't be installed without."""
        found = mask
        for number in bits(mask):
            found |= self.closures[number]
        return found

    def without(self, mask: int, number: int) -> int:
        """The largest part of a closed set that has no such change, and nothing that can't be installed without it."""
        bit = 1 << number
        return sum(1 << other for other in bits(mask) if not self.closures[other] & bit)

    def without_all(self, rest: int) -> int:
        """The largest closed set that has none of these."""
        return sum(1 << number for number, closure in enumerate(self.closures) if not closure & rest)

    def weight(self, mask: int) -> float:
        """How likely the culprit is among these."""
        return sum(self.weights[number] for number in bits(mask))

    def parted(self, mask: int) -> int:
        """How many of the related pairs the set parts."""
        return sum(1 for pair in self.related if mask & pair not in (0, pair))

    @cached_property
    def surprise(self) -> tuple[float, ...]:
        """For each change w·log2(w): what the entropy of a set is summed from."""
        return tuple(weight * math.log2(weight) for weight in self.weights)


def bits(mask: int) -> Iterator[int]:
    """The numbers in a set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def problem(
    names: Collection[str],
    priors: Mapping[str, float] | None = None,
    needs: Mapping[str, Collection[str]] | None = None,
    related: Iterable[tuple[str, str]] = (),
) -> Problem:
    """The Problem of these changes. `priors` need not sum to one; a name without one gets none but its even share.

    `needs` says for a change which others it can't be installed without. Names that are no changes are ignored.
    """
    weights = _weights(names, priors or {})
    ordered = tuple(sorted(weights, key=lambda name: (-weights[name], name)))
    numbers = {name: number for number, name in enumerate(ordered)}
    direct = [
        1 << number | sum({1 << numbers[other] for other in (needs or {}).get(name, ()) if other in numbers and other != name})
        for name, number in numbers.items()
    ]
    pairs = {
        1 << numbers[one] | 1 << numbers[other] for one, other in related if one in numbers and other in numbers and one != other
    }
    return Problem(
        names=ordered,
        weights=tuple(weights[name] for name in ordered),
        closures=_closures(direct),
        related=tuple(sorted(pairs)),
        _bits=numbers,
    )


def _weights(names: Collection[str], priors: Mapping[str, float]) -> dict[str, float]:
    given = {name: max(0.0, priors.get(name, 0.0)) for name in names}
    given = {name: weight if math.isfinite(weight) else 0.0 for name, weight in given.items()}
    total = sum(given.values())
    even = 1 / max(1, len(given))
    if not total or not math.isfinite(total):
        return dict.fromkeys(given, even)
    return {name: (1 - DOUBT) * weight / total + DOUBT * even for name, weight in given.items()}


def _closures(direct: list[int]) -> tuple[int, ...]:
    """What each needs, and what those need in turn."""
    closures = list(direct)
    grown = True
    while grown:
        grown = False
        for number, mask in enumerate(closures):
            wider = mask
            for other in bits(mask):
                wider |= closures[other]
            if wider != mask:
                closures[number] = wider
                grown = True
    return tuple(closures)
