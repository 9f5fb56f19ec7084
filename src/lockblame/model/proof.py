"""What proves a suspicion: trials of a command in environments, and the culprits that they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lockblame.model.changes import Change
from lockblame.model.locks import Gap

Verdict = Literal["good", "bad", "untestable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run of the test command ended.

    `code` is its exit code (negative: the signal that killed it), None when the time was up. `bad_seen` and `good_seen` tell
    whether its output held what was looked for, None where nothing was. `tail` is the end of what it printed.
    """

    code: int | None
    seconds: float
    bad_seen: bool | None = None
    good_seen: bool | None = None
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One mix that was tried: the good lock with `changes` (names, sorted) taken from the bad one.

    `runs` are the verdicts of its runs, more than one where they were repeated; `verdict` is their majority. `detail` says in
    one sentence why. `version` is set for the trials of a drill: the release that took the culprit's place.
    """

    changes: tuple[str, ...]
    verdict: Verdict
    seconds: float = 0.0
    detail: str = ""
    runs: tuple[Verdict, ...] = ()
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """The releases of one culprit between before and after: the last that is good, the first that is bad.

    `untestable` are those between the two for which no trial was possible.
    """

    name: str
    good: str
    bad: str
    untestable: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """What `bisect` found: a smallest tried set of changes with which the command fails.

    `minimal` tells that each largest part of it that can be installed was tried and is good. `stopped` says why the search
    ended before it was done ("limit", "deadline"), None when it was. `certainty` is how sure the verdicts are that it rests on,
    0 to 1, None where no run was repeated. `trials` are all that were run, in order, the two ends included; `drill` is set
    where the releases of the culprit were tried too.
    """

    culprits: tuple[Change, ...]
    minimal: bool
    trials: tuple[Trial, ...] = ()
    stopped: str | None = None
    certainty: float | None = None
    drill: Drill | None = None
    gaps: tuple[Gap, ...] = ()
