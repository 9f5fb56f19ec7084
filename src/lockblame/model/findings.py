"""What went wrong and what is found: the symptom taken apart, evidence, suspects, the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from lockblame.model.changes import Change, Delta
from lockblame.model.locks import Gap
from lockblame.model.shown import Shown
from lockblame.model.upstream import Comparison, Issue, Note, Release

if TYPE_CHECKING:
    from lockblame.model.cases import Precedent, Proof
    from lockblame.model.gate import Violation
    from lockblame.model.rollbacks import Rollback


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One traceback entry. `module` is the dotted name below site-packages ("kombu.transport.SQS"), None for other code."""

    file: str
    line: int | None = None
    function: str | None = None
    module: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMessage:
    """An exception as a log shows it: its class as written ("botocore.exceptions.ClientError") and its message."""

    type: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """What went wrong, taken apart: prose words (folded), concepts of the lexicon, identifiers, frames, errors, loggers."""

    text: str
    form: Literal["prose", "log"] = "prose"
    words: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    errors: tuple[ErrorMessage, ...] = ()
    loggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason for (or, with a negative weight, against) a suspect or an issue. `weight` is in log-odds (nats)."""

    kind: str
    weight: float
    detail: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An issue of a changed package that may report the symptom; `score` is the sum of the weights of its evidence."""

    issue: Issue
    package: str
    evidence: tuple[Evidence, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of the deployed range; `date` is the committer's, `authored` the author's where it was asked for."""

    hash: str
    author: str
    date: datetime
    subject: str
    paths: tuple[str, ...] = ()
    authored: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Suspect(Shown):
    """A change with its evidence. `score` is the sum of its weights, `probability` its share among all suspects (0 to 1).

    `commits` are those of the deployed range that changed this package in its lock, newest first, where git knows them.
    `releases` are the package's own from the version before to the one after, in their order, as far as their days are known.
    `summary` is what the package calls itself, in one line.
    """

    change: Change
    evidence: tuple[Evidence, ...] = ()
    matches: tuple[Match, ...] = ()
    notes: tuple[Note, ...] = ()
    commits: tuple[Commit, ...] = ()
    releases: tuple[Release, ...] = ()
    comparison: Comparison | None = None
    summary: str | None = None
    score: float = 0.0
    probability: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The deploy as a whole: its commits, and by kind of thing ("application", "settings", …) the paths they touched."""

    commits: tuple[Commit, ...] = ()
    touched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report(Shown):
    """What `blame` found. Suspects and issues are best first; `conclusive` is False when no upstream report fits the symptom.

    `cases` are the team's own past incidents that resemble it, `violations` what `check` found against the policy (`checked`
    tells that it looked, so that none means none), `proof` what trials have proven of this delta, `way_back` the edit that takes
    the culprits (or the leading suspect) back.
    """

    delta: Delta
    symptom: Symptom | None = None
    suspects: tuple[Suspect, ...] = ()
    issues: tuple[Match, ...] = ()
    conclusive: bool = False
    deployment: Deployment | None = None
    as_of: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    cases: tuple[Precedent, ...] = ()
    violations: tuple[Violation, ...] = ()
    checked: bool = False
    proof: Proof | None = None
    way_back: Rollback | None = None
