"""Evidence as bars that add up: each begins where the one before it ended, and the last one ends at the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockblame.model import Evidence

SHOWN = 40
THIN = 0.4
"""A weight of hardly anything is still seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What lies between the left edge and the right one, in weights; the same for all bars of a page."""

    low: float
    high: float

    def place(self, weight: float) -> float:
        """Where it lies, 0 to 100."""
        return round(100 * (weight - self.low) / (self.high - self.low), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One weight: what it says, and where its bar begins and how long it is, of 100."""

    weight: str
    detail: str
    url: str | None
    against: bool
    start: float
    length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The bars of one score. `rounded` tells that the weights as they are shown don't add up to the score as it is shown."""

    bars: tuple[Bar, ...]
    score: str
    total: Bar
    zero: float
    rounded: bool


def scale(groups: Sequence[Sequence[Evidence]]) -> Scale:
    """The one that everything fits on."""
    highs = [sum(max(one.weight, 0.0) for one in evidence) for evidence in groups]
    lows = [sum(one.weight for one in evidence) for evidence in groups]
    low, high = min(0.0, *lows, 0.0), max(0.0, *highs, 0.0)
    return Scale(low=low, high=high if high > low else low + 1.0)


def stack(evidence: Sequence[Evidence], score: float, scale: Scale) -> Stack:
    """The bars of `evidence`, what speaks for it first, the heaviest first."""
    bars = []
    reached = 0.0
    ordered = sorted(evidence, key=lambda one: -one.weight)
    for one in _put_together(ordered):
        bars.append(_bar(one[0], one[1], one[2], reached, scale))
        reached += one[0]
    shown = sum(round(float(bar.weight.replace(MINUS, "-")), 2) for bar in bars)
    return Stack(
        bars=tuple(bars),
        score=signed(score, plus=False),
        total=_bar(score, "", None, 0.0, scale),
        zero=scale.place(0.0),
        rounded=bool(bars) and abs(shown - round(score, 2)) > 0.001,
    )


def _put_together(ordered: Sequence[Evidence]) -> list[tuple[float, str, str | None]]:
    """(weight, detail, url) each; of very many the lightest are one."""
    ordered = sorted(ordered, key=lambda one: -abs(one.weight)) if len(ordered) > SHOWN else ordered
    kept = sorted(ordered[:SHOWN], key=lambda one: -one.weight)
    rows: list[tuple[float, str, str | None]] = [(one.weight, one.detail, one.url) for one in kept]
    left = ordered[SHOWN:]
    return [*rows, (sum(one.weight for one in left), f"{len(left)} lighter reasons", None)] if left else rows


def _bar(weight: float, detail: str, url: str | None, reached: float, scale: Scale) -> Bar:
    start, end = scale.place(min(reached, reached + weight)), scale.place(max(reached, reached + weight))
    length = max(round(end - start, 2), THIN)
    return Bar(weight=signed(weight), detail=detail, url=url, against=weight < 0, start=min(start, 100 - length), length=length)


MINUS = "\u2212"


def signed(weight: float, *, plus: bool = True) -> str:
    """Two decimals; the minus is as wide as the plus."""
    text = f"{weight:+.2f}" if plus else f"{weight:.2f}"
    return text.replace("-", MINUS)
