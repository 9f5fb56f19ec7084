"""Incidents that were solved, kept for the next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lockblame.model.changes import Change
from lockblame.model.findings import Evidence
from lockblame.model.locks import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of a time line: when, as it was written down, and what happened."""

    at: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A past incident that was solved. `id` is its file's name without `.toml`, `changes` the delta in short, a line each.

    `proof` says how the culprit was proven, "" where it was only suspected.
    """

    id: str
    title: str
    date: date
    symptom: str
    culprit: str = ""
    proof: str = ""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """One culprit looked into: its last good and first bad release, and the upstream commit (`commit`, `subject`) if found."""

    name: str
    good: str
    bad: str
    commit: str | None = None
    subject: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a saved bisection proves: its culprits, whether no smaller part of them fails, and how many trials ended how."""

    culprits: tuple[Change, ...]
    minimal: bool
    good: int = 0
    bad: int = 0
    untestable: int = 0
    narrowed: tuple[Narrowed, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def proves(self, change: Change) -> bool:
        """Whether the step is a culprit: in whichever of several locks it was made."""
        return any((one.name, one.old, one.new) == (change.name, change.old, change.new) for one in self.culprits)
