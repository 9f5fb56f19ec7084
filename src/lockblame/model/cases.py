"""Incidents that were solved, kept for the next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lockblame.model.findings import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of a time line: when, as it was written down, and what happened."""

    at: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A past incident that was solved. `id` is its file's name without `.toml`, `changes` the delta in short, a line each."""

    id: str
    title: str
    date: date
    symptom: str
    culprit: str = ""
    changes: tuple[str, ...] = ()
    issue: str | None = None
    workaround: str = ""
    timeline: tuple[Moment, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """A case that resembles the symptom; `score` is the sum of the weights of its evidence."""

    case: Case
    evidence: tuple[Evidence, ...] = ()
    score: float = 0.0
