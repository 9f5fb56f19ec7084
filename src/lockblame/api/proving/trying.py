"""The trials of one search: mixes installed and run, verdicts kept, the next environment made meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from lockblame import bisection, installed
from lockblame.bisection import Problem, Question, Rules
from lockblame.errors import AlreadyBroken, BisectError, LockblameError, NotReproduced, ReadError, TrialFailed
from lockblame.model import Bisection, Change, Gap, Outcome, Pin, Snapshot, Trial, Verdict
from lockblame.progress import Progress
from lockblame.report.hostile import line
from lockblame.trial import Command, Environments, Journal, Prepared, Stopped

STAGE = "trying mixes"
TOO_SHORT = ("the search was stopped before both ends were tried", "give it more time")
_KILLED = "if being killed (of memory, for one) is the failure that you look for, have it told: -- sh -c 'COMMAND || exit 1'"
_SHOWN = 160
"""Characters of what the command printed last that a trial keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Both locks as the trial's machine would install them, and what differs."""

    before: Snapshot
    after: Snapshot
    changes: tuple[Change, ...]

    def pins(self, changes: Collection[str]) -> tuple[Pin, ...]:
        """The mix with these changes."""
        return bisection.mix(self.before, self.after, changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How the caller wants runs to be judged."""

    bad_if: str | None
    slower_than: str | float | None
    on_timeout: Verdict
    repeat: int

    def __post_init__(self) -> None:
        if self.repeat < 1:
            raise BisectError(f"a mix can't be tried {self.repeat} times")
        self.factor_or_limit()

    def factor_or_limit(self) -> tuple[float | None, float | None]:
        """What `slower_than` says: a factor of the good side, or seconds."""
        if self.slower_than is None:
            return None, None
        text = str(self.slower_than).strip()
        number = text.removesuffix("x").removesuffix("s")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not 0 < value < 1e9:
            raise BisectError(f"slower than {text!r} is no time", "write 2x, or seconds")
        return (value, None) if text.endswith("x") else (None, value)


@dataclass
class Trials:
    """The trials of one search: what was tried, and how the next is."""

    ends: Ends
    places: Environments
    command: Command
    judging: Judging
    journal: Journal
    limit: int | None
    until: float | None
    progress: Progress
    gaps: list[Gap] = field(default_factory=list)
    done: list[Trial] = field(default_factory=list)
    rules: Rules = field(default_factory=Rules)
    spent: int = 0
    whole: bool = True
    ahead: threading.Thread | None = None

    def search(self, priors: Mapping[str, float]) -> Bisection:
        """The culprits, or as near to them as the limits allow."""
        problem = self._problem(priors)
        known: dict[frozenset[str], Verdict] = {}
        self._recall(known)
        stopped = None
        self.progress.begin(STAGE)
        try:
            while question := bisection.following(problem, known):
                known[question.changes] = self._answered(problem, question, known)
        except Stopped as reason:
            stopped = reason.reason
            self.stopped("the search", reason)
        finally:
            self.progress.end(STAGE)
        return self._found(problem, known, stopped)

    def _problem(self, priors: Mapping[str, float]) -> Problem:
        """Both ends are installed first: what they require tells which changes can only move together."""
        every = [change.name for change in self.ends.changes]
        self.progress.begin("installing both ends", 2)
        snapshots = []
        for changes in ((), every):
            prepared = self.places.prepare(self.ends.pins(changes))
            self.gaps += prepared.gaps
            snapshots.append(installed.read(prepared.folder))
            self.progress.step("installing both ends")
        self.progress.end("installing both ends")
        needs = bisection.needs(self.ends.changes, *snapshots)
        pairs = bisection.related(self.ends.before, self.ends.after, every)
        return bisection.problem(every, priors, needs, pairs)

    def _recall(self, known: dict[frozenset[str], Verdict]) -> None:
        """What an earlier call has tried. The good side is tried anew where others are compared with how it ran."""
        factor, limit = self.judging.factor_or_limit()
        self.rules = Rules(limit=limit, late=self.judging.on_timeout)
        measured = factor is not None or self.judging.bad_if is not None
        for trial in self.journal.trials:
            if trial.package is None and trial.version is None and (trial.changes or not measured):
                known[frozenset(trial.changes)] = trial.verdict
                self.done.append(replace(trial, recalled=True))
        if known:
            self.progress.note(f"going on after {len(known)} trials")

    def _answered(self, problem: Problem, question: Question, known: Mapping[frozenset[str], Verdict]) -> Verdict:
        """The verdict on a mix; errors of their own for the ends."""
        self.allowed()
        trial = Trial(changes=tuple(sorted(question.changes)), verdict="untestable")
        try:
            prepared = self.places.prepare(self.ends.pins(question.changes))
        except TrialFailed as error:
            # both ends could be installed: it is this mix that can't
            if error.subject != "environment" or len(question.changes) in (0, len(problem.names)):
                raise
            trial = self.untestable(trial, error.detail)
        else:
            self._look_ahead(problem, question, known)
            trial = self.tried(prepared, trial) if question.changes else self._measured(prepared, trial)
        left = f", about {question.remaining:.0f} to go" if question.remaining >= 1 else ""
        self.progress.note(f"{len(trial.changes)} of {len(problem.names)} changes: {trial.verdict} ({trial.detail}){left}")
        self.progress.step(STAGE, trial.verdict)
        if not question.changes:
            _good_end(trial, self.ends)
        elif len(question.changes) == len(problem.names):
            _bad_end(trial, self.ends)
        self.journal.add(trial)
        return trial.verdict

    def allowed(self) -> None:
        """Raises Stopped when there may be no further trial."""
        if self.limit is not None and self.spent >= self.limit:
            raise Stopped("limit")
        if self.until is not None and time.monotonic() >= self.until:
            raise Stopped("deadline")

    def tried(self, prepared: Prepared, trial: Trial) -> Trial:
        """The trial of a mix (its `changes`, and what a drill puts in), run as often as it takes; added to what is done."""
        runs: list[Verdict] = []
        whys: dict[Verdict, str] = {}
        seconds = 0.0
        while not bisection.decided(runs, self.judging.repeat):
            verdict, why, outcome = self._run(prepared)
            runs.append(verdict)
            whys[verdict] = why
            seconds += outcome.seconds
        verdict = bisection.majority(runs)
        detail = whys.get(verdict, "as often good as bad")
        trial = replace(trial, verdict=verdict, seconds=seconds, detail=detail, runs=tuple(runs))
        self.end(trial)
        return trial

    def untestable(self, trial: Trial, detail: str) -> Trial:
        """The trial of what can't be installed; added to what is done."""
        trial = replace(trial, detail=detail)
        self.end(trial)
        return trial

    def unfinished(self, subject: str, error: BisectError | ReadError) -> None:
        """Something that came up after the culprits were found: a gap, and the journal is kept for the next call."""
        self.whole = False
        self.note(Gap(subject=subject, reason="stopped", detail=f"its drill couldn't go on: {error}", hint=error.hint))

    def stopped(self, subject: str, why: Stopped) -> None:
        """The limits that the caller set were reached: a gap, and the journal is kept for the next call."""
        self.whole = False
        detail = f"was stopped ({why.reason}): the answer is the best so far"
        self.note(
            Gap(subject=subject, reason="stopped", detail=detail, hint="the same call with a wider limit goes on from here")
        )

    def note(self, gap: Gap) -> None:
        """Tells a gap once."""
        if gap not in self.gaps:
            self.gaps.append(gap)

    def end(self, trial: Trial) -> None:
        """Adds a trial to what is done, and counts it."""
        self.done.append(trial)
        self.spent += 1

    def _run(self, prepared: Prepared) -> tuple[Verdict, str, Outcome]:
        """One run; one that was too slow is run once more, so that a machine that was busy convicts nobody."""
        outcome = self._outcome(prepared)
        verdict, why = bisection.judge(outcome, self.rules)
        limit = self.rules.limit
        if verdict == "bad" and limit is not None and outcome.code is not None and outcome.seconds > limit:
            outcome = self._outcome(prepared)
            verdict, why = bisection.judge(outcome, self.rules)
        last = line(next((text for text in reversed(outcome.tail.splitlines()) if text.strip()), ""), _SHOWN)
        return verdict, f"{why}: {last}" if last and verdict != "good" else why, outcome

    def _outcome(self, prepared: Prepared) -> Outcome:
        self.places.renew(prepared)
        outcome = self.command.run(prepared)
        if self.places.changed(prepared):
            detail = "the command changed its environment, which is made anew before anything else runs there"
            self.note(
                Gap(subject="command", reason="environment-changed", detail=detail, hint="keep it from installing or patching")
            )
        return outcome

    def _measured(self, prepared: Prepared, trial: Trial) -> Trial:
        """The good side: how it ends and how long it takes is what the others are compared with."""
        factor, _ = self.judging.factor_or_limit()
        first = self._outcome(prepared)
        if self.judging.bad_if is not None and first.code is not None:
            self.rules = replace(self.rules, usual=first.code)
        if factor is not None:
            # the first run also fills caches
            second = self._outcome(prepared)
            self.rules = replace(self.rules, limit=factor * max(0.001, min(first.seconds, second.seconds)))
        return self.tried(prepared, trial)

    def _look_ahead(self, problem: Problem, question: Question, known: Mapping[frozenset[str], Verdict]) -> None:
        """Prepares the environment of the likeliest next question while the command runs."""
        if self.ahead is not None and self.ahead.is_alive():
            return
        likely: Verdict = "bad" if question.chance >= 0.5 else "good"
        coming = bisection.following(problem, {**known, question.changes: likely})
        if coming is None:
            return

        def prepare(changes: frozenset[str] = coming.changes) -> None:
            try:
                self.places.prepare(self.ends.pins(changes))
            except (LockblameError, Stopped):
                # tried again, and told, when it is needed
                return

        self.ahead = threading.Thread(target=prepare, name="lockblame-ahead", daemon=True)
        self.ahead.start()

    def stop_looking_ahead(self) -> None:
        """Waits for the thread that prepares, whose programs have been ended."""
        if self.ahead is not None:
            self.ahead.join(10)

    def _found(self, problem: Problem, known: Mapping[frozenset[str], Verdict], stopped: str | None) -> Bisection:
        answer = bisection.answer(problem, known)
        if answer is None:
            raise BisectError(*TOO_SHORT)
        gaps = [*self.gaps]
        for part in answer.untested if stopped is None else ():
            detail = "can't be tested by themselves: whether they fail without the rest isn't known"
            gaps.append(Gap(subject=", ".join(sorted(part)), reason="untestable", detail=detail))
        return Bisection(
            culprits=tuple(change for change in self.ends.changes if change.name in answer.culprits),
            minimal=answer.minimal,
            trials=tuple(self.done),
            stopped=stopped,
            certainty=bisection.certainty(trial.runs for trial in self.done),
            needs=bisection.bound(problem, answer.culprits),
            gaps=tuple(dict.fromkeys(gaps)),
        )


def _good_end(trial: Trial, ends: Ends) -> None:
    if trial.verdict == "bad":
        way_out = "take an older good side, or say what to look for with --bad-if"
        raise AlreadyBroken(f"the command fails with {ends.before.origin} already ({trial.detail})", way_out)
    if trial.verdict == "untestable":
        raise TrialFailed(ends.before.origin, f"the good side can't be tested ({trial.detail})")


def _bad_end(trial: Trial, ends: Ends) -> None:
    if trial.verdict == "good":
        way_out = "either it isn't the dependencies, or the command doesn't show it"
        raise NotReproduced(f"the command doesn't fail with {ends.after.origin} ({trial.detail})", way_out)
    if trial.verdict == "untestable":
        hint = _KILLED if trial.detail.startswith("ended by signal") else None
        raise TrialFailed(ends.after.origin, f"the bad side can't be tested ({trial.detail})", hint)
