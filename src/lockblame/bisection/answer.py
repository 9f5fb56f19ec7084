"""What the verdicts say: the smallest set that fails, whether a smaller one was left untried, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb

from lockblame.bisection.problem import Problem
from lockblame.bisection.search import largest_parts
from lockblame.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A smallest failing set, whether each largest part of it was tried and is good, and those parts that could not be tested."""

    culprits: frozenset[str]
    minimal: bool
    untested: tuple[frozenset[str], ...] = ()


def answer(problem: Problem, known: Mapping[frozenset[str], Verdict]) -> Answer | None:
    """The best answer that the verdicts give, at any time of the search; None when nothing fails.

    No part of it that was tried fails: of all failing sets it is a smallest.
    """
    failing = [problem.mask(changes) for changes, verdict in known.items() if verdict == "bad"]
    if not failing:
        return None
    found = min(failing, key=lambda mask: (mask.bit_count(), -problem.weight(mask), mask))
    verdicts = {problem.mask(changes): verdict for changes, verdict in known.items()}
    untested = tuple(problem.names_of(part) for part in largest_parts(problem, found) if verdicts.get(part) != "good")
    return Answer(culprits=problem.names_of(found), minimal=not untested, untested=untested)


def bound(problem: Problem, culprits: frozenset[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The culprits that can't be installed without others of them, each with those, by name."""
    found = []
    for name in sorted(culprits):
        others = problem.names_of(problem.closed(problem.mask([name]))) & culprits - {name}
        if others:
            found.append((name, tuple(sorted(others))))
    return tuple(found)


def majority(runs: Sequence[Verdict]) -> Verdict:
    """The verdict of repeated runs: good or bad, whichever is more often, untestable when neither or when they are even."""
    good, bad = runs.count("good"), runs.count("bad")
    if good == bad:
        return "untestable"
    return "good" if good > bad else "bad"


def decided(runs: Sequence[Verdict], repeat: int) -> bool:
    """Whether no further run out of `repeat` could change the majority."""
    good, bad = runs.count("good"), runs.count("bad")
    left = repeat - len(runs)
    return left <= 0 or abs(good - bad) > left or (bool(runs) and good == bad == 0)


def certainty(trials: Iterable[Sequence[Verdict]]) -> float | None:
    """How sure it is that every majority is right, 0 to 1; None where no run was repeated.

    The chance of a single run to be wrong is estimated from how often runs of one mix disagree (Laplace's rule, so that it is
    never nothing); a majority of n is wrong when more than half of its runs are.
    """
    repeated = [[run for run in runs if run != "untestable"] for runs in trials]
    repeated = [runs for runs in repeated if runs]
    if not any(len(runs) > 1 for runs in repeated):
        return None
    odd = sum(min(runs.count("good"), runs.count("bad")) for runs in repeated)
    total = sum(len(runs) for runs in repeated)
    wrong = min(0.5, (odd + 1) / (total + 2))
    sure = 1.0
    for runs in repeated:
        sure *= 1 - _majority_wrong(runs, wrong)
    return sure


def _majority_wrong(runs: Sequence[Verdict], wrong: float) -> float:
    """The chance that the other verdict was the true one, given how many of the runs spoke for each (Bayes, even odds)."""
    most, least = sorted((runs.count("good"), runs.count("bad")), reverse=True)
    ways = comb(len(runs), least)
    as_found = ways * (1 - wrong) ** most * wrong**least
    otherwise = ways * (1 - wrong) ** least * wrong**most
    return otherwise / (as_found + otherwise)
