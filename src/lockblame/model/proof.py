"""What proves a suspicion: trials of a command in environments, and the culprits that they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lockblame.model.changes import Change
from lockblame.model.findings import Commit
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
    one sentence why. `package`, and `version` or `commit`, are set for the trials of a drill: which release or upstream commit of
    which culprit took its place. `recalled` are those that an earlier call had made, and the journal kept.
    """

    changes: tuple[str, ...]
    verdict: Verdict
    seconds: float = 0.0
    detail: str = ""
    runs: tuple[Verdict, ...] = ()
    version: str | None = None
    package: str | None = None
    commit: str | None = None
    recalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstBad:
    """The upstream commit that made a package bad, between the commits `good` and `bad` that its two releases were made from.

    `commits` has it alone, or those of which one is it, oldest first: the others could not be tested, or (`stopped`: "limit",
    "deadline") were not tried. With `repairs` the bad release is the older one, and this commit is what it lacks. `between` says
    how many commits came into question, `url` where a browser finds the one (or the repository).
    """

    commits: tuple[Commit, ...]
    good: str
    bad: str
    between: int
    repairs: bool = False
    url: str | None = None
    stopped: str | None = None
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """The releases of one culprit between before and after: the last that is good, the first that is bad.

    Releases between the two were `untestable`, or are `untried` because the drill was `stopped` ("limit", "deadline").
    `first_bad` is set where the upstream commits between the two were searched.
    """

    name: str
    good: str
    bad: str
    untestable: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    stopped: str | None = None
    trials: tuple[Trial, ...] = ()
    first_bad: FirstBad | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """What `bisect` found: a smallest tried set of changes with which the command fails.

    `minimal` tells that each largest part of it that can be installed was tried and is good. `stopped` says why the search
    ended before it was done ("limit", "deadline"), None when it was. `certainty` is how sure the verdicts are that it rests on,
    0 to 1, None where no run was repeated. `trials` are all that were run, in order, the two ends included; `drills` has those
    culprits of which releases (or upstream commits) were tried too. `needs` has those culprits that can't be installed without
    others of them, each with the names of those.
    """

    culprits: tuple[Change, ...]
    minimal: bool
    trials: tuple[Trial, ...] = ()
    stopped: str | None = None
    certainty: float | None = None
    drills: tuple[Drill, ...] = ()
    needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    gaps: tuple[Gap, ...] = ()
