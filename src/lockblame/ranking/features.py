"""One measured thing: the key of its weight, a value, and the sentence that explains it."""

from __future__ import annotations

from typing import NamedTuple

from lockblame.model import Evidence
from lockblame.ranking.weights import WEIGHTS

DIGITS = 4
"""Weights and scores are rounded here and nowhere else, so that they add up as shown and agree on every platform."""


class Feature(NamedTuple):
    """`key` is a row of WEIGHTS, `value` mostly between 0 and 1."""

    key: str
    value: float
    detail: str
    url: str | None = None


def evidence(feature: Feature) -> Evidence:
    """The feature as Evidence: its value times its weight."""
    weight = WEIGHTS[feature.key]
    return Evidence(kind=weight.kind, weight=round(feature.value * weight.weight, DIGITS), detail=feature.detail, url=feature.url)


def total(items: tuple[Evidence, ...]) -> float:
    """The score: the sum of the weights, in order."""
    return round(sum(item.weight for item in items), DIGITS)
