"""What `check` found, in the order in which somebody decides: what stops it, package by package; the rest, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockblame.report.html import trails
from lockblame.report.phrases import moved
from lockblame.report.sarif import RULES

if TYPE_CHECKING:
    from lockblame.model import Change, Report, RuleName, Violation

MOST = 300
"""Findings of one rule that the page shows; the JSON document has all."""
_FEW = 6
"""So many findings of one rule are shown at once; more open when somebody wants them."""
_TITLES = {"warning": "Warnings", "note": "Notes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A change that stops the deploy: the rules it breaks, and the ways on which it comes in."""

    change: str
    broken: tuple[Violation, ...]
    trails: trails.Trails
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One rule and all that breaks it."""

    rule: RuleName
    about: str
    found: tuple[Violation, ...]

    @property
    def few(self) -> bool:
        """Whether they are so few that they are shown at once."""
        return len(self.found) <= _FEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is of one severity."""

    severity: str
    title: str
    number: int
    rules: tuple[Broken, ...]


def stopping(found: Report) -> tuple[Stop, ...]:
    """One for each change, in the order of the findings."""
    by_change: dict[int, list[Violation]] = {}
    for one in found.violations:
        if one.stops:
            by_change.setdefault(id(one.change), []).append(one)
    return tuple(_stop(broken[0].change, broken, found) for broken in by_change.values())


def _stop(change: Change, broken: Iterable[Violation], found: Report) -> Stop:
    ways = trails.trails(change, found.delta)
    return Stop(change=moved(change), broken=tuple(broken), trails=ways, why=change.reason.detail)


def others(found: Report) -> tuple[Group, ...]:
    """What doesn't stop it: warnings, then notes; each by rule, the rule of the worst finding first."""
    groups = []
    for severity, title in _TITLES.items():
        fitting = [one for one in found.violations if one.severity == severity and one.excuse is None]
        by_rule: dict[RuleName, list[Violation]] = {}
        for one in fitting:
            by_rule.setdefault(one.rule, []).append(one)
        rules = tuple(Broken(rule=rule, about=RULES[rule], found=tuple(hits)) for rule, hits in by_rule.items())
        groups += [Group(severity=severity, title=title, number=len(fitting), rules=rules)] if fitting else []
    return tuple(groups)


def allowed(found: Report) -> tuple[Violation, ...]:
    """What would count, were it not for an allowance."""
    return tuple(one for one in found.violations if one.excuse is not None)
