"""The search: a generator that asks for the verdict of one set of changes after the other.

First as if there were one culprit: the suspects are split so that the expected number of questions still to come is smallest
(weights as in a Huffman code), the half that must hold it is presumed to, without being asked. When that ends nowhere, several
changes fail only together: they are found one by one as the last one that a growing set needs to fail (QuickXplain, Junker
2004; the boundary by weighted halving). What is left is trimmed until every largest part of it was tried (ddmin's test for
1-minimality, Zeller and Hildebrandt 2002). A mix that can't be tested is never taken for good or bad: it is stepped around, and
where a growing set needs something to fail, no failure; what it teaches about others (see `conflicts`) only decides which is
tried next.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lockblame.bisection.conflicts import Conflicts, conflicts
from lockblame.bisection.problem import Problem, bits
from lockblame.model import Verdict

_PARTING = 1.5
"""What parting all related pairs costs in questions, once a mix turned out untestable."""
_WASTED = 1.0
"""What an untestable mix costs in questions."""
_SLIVER = 0.05
"""A part of the candidates that is too little to be worth many questions: what is left to ask when the rest can't be tested."""
_ASIDE = 0.15
"""How far off the middle, as a part of what is left, a boundary may be looked for to spare an untestable mix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A set of changes to be tried. `chance` is how likely it is bad, `remaining` how many questions are expected after it."""

    changes: frozenset[str]
    chance: float
    remaining: float


Search = Generator[Question, Verdict, None]


def search(problem: Problem) -> Search:
    """Asks for verdicts, the ends first (none of the changes, all of them), each set once, until the culprits are found.

    It ends at once when the ends are not good and bad. What was found is read from the verdicts: see `answer`.
    """
    return _Search(problem).run()


def following(problem: Problem, known: Mapping[frozenset[str], Verdict]) -> Question | None:
    """The first question that `known` doesn't answer; None when the search is done. The way to resume, and to look ahead."""
    running = search(problem)
    try:
        question = next(running)
        while question.changes in known:
            question = running.send(known[question.changes])
    except StopIteration:
        return None
    return question


Asking = Generator[Question, Verdict, Verdict]


class _Search:
    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._known: dict[int, Verdict] = {}

    def run(self) -> Search:
        problem = self._problem
        remaining = self._expected(problem.full)
        good = yield from self._ask(0, 0.0, remaining + 1)
        bad = yield from self._ask(problem.full, 1.0, remaining)
        if good != "good" or bad != "bad":
            return
        if not (yield from self._narrow()):
            yield from self._assemble(self._smallest())
        yield from self._trim()

    def _ask(self, mask: int, chance: float, remaining: float) -> Asking:
        if mask not in self._known:
            question = Question(changes=self._problem.names_of(mask), chance=chance, remaining=remaining)
            self._known[mask] = yield question
        return self._known[mask]

    def _smallest(self) -> int:
        bad = [mask for mask, verdict in self._known.items() if verdict == "bad"]
        return min(bad, key=lambda mask: (mask.bit_count(), -self._problem.weight(mask), mask))

    # --- one culprit -------------------------------------------------------------------------------------------------

    def _narrow(self) -> Generator[Question, Verdict, bool]:
        """Whether one change (with what it needs) was found to fail by itself."""
        candidates = self._problem.full
        patience = 4 + 2 * candidates.bit_length().bit_length()
        while patience:
            split = self._split(candidates)
            if split is None:
                break
            inside = split & candidates
            chance = self._problem.weight(inside) / self._problem.weight(candidates)
            verdict = yield from self._ask(split, chance, self._expected(candidates) - 1)
            if verdict == "untestable" or min(chance, 1 - chance) < _SLIVER:
                patience -= 1
            if verdict == "bad":
                candidates = inside
            elif verdict == "good":
                candidates &= ~inside
        last = self._problem.closed(candidates)
        if not self._single(candidates):
            return False
        return (yield from self._ask(last, 0.9, 0)) == "bad"

    def _single(self, mask: int) -> bool:
        """Whether the set can't be divided: what each of it needs is all of it."""
        return all(not mask & ~self._problem.closures[number] for number in bits(mask))

    def _split(self, candidates: int) -> int | None:
        """The set whose verdict leaves the fewest questions; None when nothing untried divides the candidates."""
        best, least = None, math.inf
        learnt = self._learnt()
        parting = _PARTING if learnt else 1e-6
        pairs = max(1, len(self._problem.related))
        for mask in dict.fromkeys(self._splits(candidates)):
            inside = mask & candidates
            if not inside or inside == candidates or mask in self._known:
                continue
            cost = self._cost(inside, candidates) + parting * self._problem.parted(mask) / pairs
            if learnt and cost < least - 1e-12:
                cost += _WASTED * learnt.risk(mask)
            if cost < least - 1e-12:
                best, least = mask, cost
        return best

    def _learnt(self) -> Conflicts | None:
        """Which mixes are likely untestable; None as long as none was."""
        if "untestable" not in self._known.values():
            return None
        return conflicts(self._known, len(self._problem.names))

    def _splits(self, candidates: int) -> Iterator[int]:
        """Growing sets of the heaviest; where mixes are untestable also the rest of each, single ones, and all but those."""
        problem = self._problem
        order = self._in_order(candidates)
        mask = 0
        for number in order:
            mask |= problem.closures[number]
            yield mask
        if "untestable" not in self._known.values():
            return
        mask = 0
        for number in order:
            mask |= problem.closures[number]
            yield problem.closed(candidates & ~mask)
            yield problem.closures[number]
            yield problem.without_all(candidates & ~mask)
            yield problem.without_all(candidates & mask)
            yield problem.without_all(1 << number)
        for component in self._components(candidates):
            yield problem.closed(component)

    def _components(self, candidates: int) -> Iterator[int]:
        """Growing unions of what the graph joins."""
        joined = 0
        for number in bits(candidates):
            component = 1 << number
            if component & joined:
                continue
            grown = True
            while grown:
                grown = False
                for pair in self._problem.related:
                    if pair & component and pair & ~component:
                        component |= pair
                        grown = True
            joined |= component & candidates
            yield joined

    def _cost(self, inside: int, candidates: int) -> float:
        """The questions expected after this split."""
        rest = candidates & ~inside
        heavy, light = self._problem.weight(inside), self._problem.weight(rest)
        # Half of a pair that is bad was tried; half that is presumed to be has still to be.
        after_bad = 0.0 if self._single(inside) else self._entropy(inside, heavy) + 0.5
        after_good = 1.0 if self._single(rest) else self._entropy(rest, light) + 0.5
        return (heavy * after_bad + light * after_good) / (heavy + light)

    def _entropy(self, mask: int, weight: float) -> float:
        surprise = self._problem.surprise
        return math.log2(weight) - sum(surprise[number] for number in bits(mask)) / weight

    def _expected(self, candidates: int) -> float:
        return max(0.0, self._entropy(candidates, self._problem.weight(candidates)) + 0.5) if candidates else 0.0

    # --- several that fail only together -----------------------------------------------------------------------------

    def _assemble(self, failing: int) -> Search:
        """Finds one by one what a failing set needs, each time as the last that a growing part of it took to fail."""
        problem = self._problem
        needed, rest = 0, failing
        while True:
            closed = problem.closed(needed)
            rest &= ~closed
            if not rest or (yield from self._ask(closed, 0.5, self._expected(rest))) == "bad":
                return
            order = self._in_order(rest)
            last = yield from self._boundary(closed, order)
            needed |= 1 << order[last]
            rest = sum(1 << number for number in order[:last])

    def _in_order(self, rest: int) -> list[int]:
        """The heaviest first, each after what it needs, so that growing parts are closed."""
        order: list[int] = []
        taken = 0
        for number in bits(rest):
            group = self._problem.closures[number] & rest & ~taken
            order += sorted(bits(group), key=lambda one: (self._problem.closures[one].bit_count(), one))
            taken |= group
        return order

    def _boundary(self, base: int, order: list[int]) -> Generator[Question, Verdict, int]:
        """The place in the order of one that it takes to fail: with all up to that one it does, and not (or not testably) before.

        What can't be tested is no failure: what is lacking there comes later in the order, as the base's own need does, and going
        on behind it finds that in as many steps as a culprit. One that was not needed after all is trimmed.
        """
        problem = self._problem
        places, sums = [base], [0.0]
        for number in order:
            places.append(places[-1] | problem.closures[number])
            sums.append(sums[-1] + problem.weights[number])
        low, high = 0, len(order)
        while high - low > 1:
            open_ = range(low + 1, high)
            middle = (sums[low] + sums[high]) / 2
            place = self._nearest(open_, places, sums, middle, sums[high] - sums[low])
            mask = places[place]
            if self._presumed_good(mask):
                low = place
                continue
            verdict = yield from self._ask(mask, 0.5, self._expected(problem.full & sum(1 << order[one - 1] for one in open_)))
            if verdict == "bad":
                high = place
            else:
                low = place
        return low

    def _nearest(self, open_: Sequence[int], places: list[int], sums: list[float], middle: float, span: float) -> int:
        """The place nearest to the middle, or one aside that is likelier to be testable."""
        learnt = self._learnt()
        if learnt is None:
            return min(open_, key=lambda one: abs(sums[one] - middle))
        return min(open_, key=lambda one: abs(sums[one] - middle) + _ASIDE * span * learnt.risk(places[one]))

    def _presumed_good(self, mask: int) -> bool:
        return any(verdict == "good" and not mask & ~known for known, verdict in self._known.items())

    # --- nothing too much --------------------------------------------------------------------------------------------

    def _trim(self) -> Search:
        """Until every largest part of the smallest failing set was tried."""
        while True:
            found = self._smallest()
            for smaller in self._smaller(found):
                verdict = yield from self._ask(smaller, 0.1, 1)
                if verdict == "bad":
                    break
            else:
                return

    def _smaller(self, found: int) -> Iterator[int]:
        """Parts of a set, first halves and quarters where it is large, then all that lack one change (and its dependents)."""
        numbers = sorted(bits(found), key=lambda number: (self._problem.weights[number], -number))
        size = len(numbers) // 2 if len(numbers) > 3 else 1
        while size > 1:
            for start in range(0, len(numbers), size):
                part = found
                for number in numbers[start : start + size]:
                    part = self._problem.without(part, number)
                if part:
                    yield part
            size //= 2
        yield from largest_parts(self._problem, found)


def largest_parts(problem: Problem, found: int) -> Iterator[int]:
    """Each part of a closed set that lacks one change and what can't be installed without it; the empty set is one too."""
    seen = set()
    for number in reversed(list(bits(found))):
        part = problem.without(found, number)
        if part not in seen:
            seen.add(part)
            yield part
