"""What untestable mixes teach: which change probably can't be had without which other, although no package says so.

A change needs only what stood beside it in every mix that could be tested. An untestable mix parts one such pair at least: one of
it inside, the other outside. A mix that parts many of the pairs that remain is likely untestable too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lockblame.bisection.problem import bits
from lockblame.model import Verdict


@dataclass(frozen=True, slots=True)
class Conflicts:
    """For each untestable mix the pairs of which one is to blame, as (change, mask of the others), and how many they are."""

    suspected: tuple[tuple[tuple[tuple[int, int], ...], int], ...]

    def risk(self, mask: int) -> float:
        """How likely a mix is untestable: 0 to 1."""
        testable = 1.0
        for rows, total in self.suspected:
            parted = sum((others & ~mask).bit_count() for number, others in rows if mask >> number & 1)
            testable *= 1 - parted / total
        return 1 - testable


def conflicts(known: Mapping[int, Verdict], count: int) -> Conflicts:
    """What the verdicts on mixes of `count` changes teach."""
    beside = [(1 << count) - 1] * count
    for mask, verdict in known.items():
        if verdict != "untestable":
            for number in bits(mask):
                beside[number] &= mask
    suspected = []
    for mask, verdict in known.items():
        if verdict == "untestable":
            rows = tuple((number, others) for number in bits(mask) if (others := beside[number] & ~mask))
            if rows:
                suspected.append((rows, sum(others.bit_count() for _, others in rows)))
    return Conflicts(tuple(suspected))
