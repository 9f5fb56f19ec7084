"""The search by itself: against brute force over all subsets, and against its own figures."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from itertools import combinations

import pytest
from benchmarks import bisection as benchmark
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.bisection import (
    Rules,
    answer,
    between,
    boundary,
    certainty,
    decided,
    following,
    following_place,
    judge,
    majority,
    problem,
    search,
)
from lockblame.bisection.conflicts import conflicts
from lockblame.model import Outcome, Release, Verdict

Oracle = Callable[[frozenset[str]], Verdict]


def solved(task, oracle: Oracle) -> dict[frozenset[str], Verdict]:
    """All questions and their verdicts, in order; fails when one is asked twice."""
    known: dict[frozenset[str], Verdict] = {}
    asking = search(task)
    try:
        question = next(asking)
        while True:
            assert question.changes not in known
            known[question.changes] = oracle(question.changes)
            question = asking.send(known[question.changes])
    except StopIteration:
        return known


def subsets(names: Iterable[str]) -> list[frozenset[str]]:
    listed = sorted(names)
    return [frozenset(some) for size in range(len(listed) + 1) for some in combinations(listed, size)]


@st.composite
def cases(draw: st.DrawFn):
    count = draw(st.integers(1, 10))
    names = [f"p{number}" for number in range(count)]
    some = st.sets(st.sampled_from(names), min_size=1, max_size=min(3, count)).map(frozenset)
    causes = draw(st.lists(some, min_size=1, max_size=2))
    pair = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda two: two[0] != two[1])
    needs = draw(st.lists(pair, max_size=4)) if count > 1 else []
    told = needs[: draw(st.integers(0, len(needs)))]
    priors = draw(st.dictionaries(st.sampled_from(names), st.floats(0, 1)))
    return names, causes, needs, told, priors


def oracle_of(causes, needs) -> Oracle:
    def verdict(changes: frozenset[str]) -> Verdict:
        if any(one in changes and other not in changes for one, other in needs):
            return "untestable"
        return "bad" if any(cause <= changes for cause in causes) else "good"

    return verdict


def task_of(names, needs, told, priors):
    known: dict[str, set[str]] = {}
    for one, other in told:
        known.setdefault(one, set()).add(other)
    return problem(names, priors, known, needs)


class TestAgainstBruteForce:
    @given(cases())
    @settings(max_examples=300, deadline=None)
    def test_a_set_that_fails_and_of_which_no_smaller_tested_part_does(self, case):
        names, causes, needs, told, priors = case
        task, oracle = task_of(names, needs, told, priors), oracle_of(causes, needs)
        known = solved(task, oracle)
        found = answer(task, known)
        assert found is not None
        assert oracle(found.culprits) == "bad"
        assert not [part for part, verdict in known.items() if verdict == "bad" and part < found.culprits]
        failing = [part for part in subsets(names) if oracle(part) == "bad" and part < found.culprits]
        if found.minimal:
            assert not failing, "it says that it is minimal, and a smaller one fails"

    @given(cases())
    @settings(max_examples=150, deadline=None)
    def test_without_untestable_mixes_always_minimal(self, case):
        names, causes, _, _, priors = case
        task = problem(names, priors)
        found = answer(task, solved(task, oracle_of(causes, [])))
        assert found is not None
        assert found.minimal
        assert found.culprits in causes

    @given(cases())
    @settings(max_examples=150, deadline=None)
    def test_what_is_known_to_be_uninstallable_is_never_asked_for(self, case):
        names, causes, needs, _, priors = case
        known = solved(task_of(names, needs, needs, priors), oracle_of(causes, needs))
        assert "untestable" not in known.values()

    @given(st.integers(1, 7), st.randoms(use_true_random=False))
    @settings(max_examples=150, deadline=None)
    def test_any_verdicts_at_all_end_with_a_tested_failing_set(self, count: int, dice: random.Random):
        names = [f"p{number}" for number in range(count)]
        given = {part: dice.choice(["good", "bad", "untestable"]) for part in subsets(names)}
        given[frozenset()], given[frozenset(names)] = "good", "bad"
        task = problem(names)
        known = solved(task, given.__getitem__)
        found = answer(task, known)
        assert found is not None
        assert known[found.culprits] == "bad"
        if found.minimal:
            assert all(known[found.culprits - {name}] == "good" for name in found.culprits)

    @given(cases())
    @settings(max_examples=50, deadline=None)
    def test_resuming_anywhere_asks_the_same(self, case):
        names, causes, needs, told, priors = case
        task, oracle = task_of(names, needs, told, priors), oracle_of(causes, needs)
        straight = solved(task, oracle)
        known: dict[frozenset[str], Verdict] = {}
        while question := following(task, known):
            known[question.changes] = oracle(question.changes)
        assert list(known.items()) == list(straight.items())


class TestEnds:
    @pytest.mark.parametrize(("good", "bad"), [("bad", "bad"), ("good", "good"), ("untestable", "bad"), ("good", "untestable")])
    def test_nothing_is_searched_between_ends_that_are_none(self, good: Verdict, bad: Verdict):
        known = solved(problem(["a", "b", "c"]), lambda changes: bad if changes else good)
        assert len(known) == 2

    def test_one_change_is_proved_by_the_ends_alone(self):
        task = problem(["only"])
        known = solved(task, lambda changes: "bad" if changes else "good")
        found = answer(task, known)
        assert (len(known), found and found.culprits, found and found.minimal) == (2, {"only"}, True)

    def test_no_answer_without_a_failure(self):
        assert answer(problem(["a"]), {frozenset(): "good"}) is None

    def test_a_stopped_search_has_its_best_answer(self):
        task = problem(["a", "b", "c", "d"])
        found = answer(task, {frozenset(): "good", frozenset("abcd"): "bad", frozenset("ab"): "bad"})
        assert found is not None
        assert (found.culprits, found.minimal) == ({"a", "b"}, False)


class TestFigures:
    """The means that are promised, over fewer cases than benchmarks/bisection.py takes."""

    @pytest.mark.parametrize(("kind", "most"), [("flat", 8.0), ("right", 4.0), ("wrong", 12.0)])
    def test_forty_changes_and_one_culprit(self, kind: str, most: float):
        dice = random.Random(1)
        trials = []
        for _ in range(120):
            case = benchmark.random_case(dice, 40, 1, kind, 0.0, 0.0)
            number, found = benchmark.ours(case)
            assert found == case.culprits
            trials.append(number)
        assert sum(trials) / len(trials) <= most

    def test_a_need_that_nobody_tells_is_found_by_halving_too(self):
        """Not by walking along all that can't be tested without it, wherever in the order it comes."""
        names = [f"p{number}" for number in range(40)]
        for culprit, need in itertools.permutations(names[::7], 2):
            needs = [(culprit, need)]
            case = benchmark.Case(names=names, culprits=frozenset([culprit]), priors={}, needs=needs, hidden=True)
            number, found = benchmark.ours(case)
            assert found == {culprit, need}
            assert number <= 24

    @pytest.mark.parametrize("priors", [{}, {"p7": float("nan")}, {"p7": float("inf")}, {"p7": -1.0}, {"other": 1.0}])
    def test_strange_priors_do_no_harm(self, priors):
        names = [f"p{number}" for number in range(40)]
        task = problem(names, priors)
        known = solved(task, lambda changes: "bad" if "p31" in changes else "good")
        found = answer(task, known)
        assert found is not None
        assert found.culprits == {"p31"}
        assert len(known) <= 12


class TestRepeated:
    def test_the_majority_decides(self):
        assert majority(["bad", "good", "bad"]) == "bad"
        assert majority(["good", "bad"]) == "untestable"
        assert majority(["untestable"]) == "untestable"
        assert majority(["untestable", "good"]) == "good"

    def test_it_stops_as_soon_as_the_majority_is_certain(self):
        assert not decided(["bad"], 3)
        assert decided(["bad", "bad"], 3)
        assert not decided(["bad", "good"], 3)
        assert decided(["untestable"], 5)
        assert decided(["bad"], 1)

    def test_agreement_makes_sure_and_disagreement_unsure(self):
        agreed, split = [["bad"] * 3] * 8, [["bad", "bad", "good"]] * 8
        sure, unsure = certainty(agreed), certainty(split)
        assert sure is not None
        assert unsure is not None
        assert 0.98 < sure <= 1
        assert unsure < 0.3
        assert certainty([["bad"], ["good"]]) is None


class TestJudging:
    @pytest.mark.parametrize(
        ("code", "verdict"),
        [
            (0, "good"),
            (1, "bad"),
            (124, "bad"),
            (125, "untestable"),
            (127, "bad"),
            (-11, "bad"),
            (-9, "untestable"),
            (139, "bad"),
            (137, "untestable"),
            (255, "untestable"),
            (None, "bad"),
        ],
    )
    def test_exit_codes(self, code: int | None, verdict: Verdict):
        assert judge(Outcome(code=code, seconds=1), Rules())[0] == verdict

    def test_time_up_is_what_the_caller_says(self):
        assert judge(Outcome(code=None, seconds=1), Rules(late="untestable"))[0] == "untestable"

    @pytest.mark.parametrize(
        ("code", "bad", "good", "verdict"),
        [
            (0, True, None, "bad"),
            (1, False, None, "untestable"),
            (0, False, None, "good"),
            (1, None, True, "good"),
            (0, None, False, "bad"),
            (0, False, False, "untestable"),
            (125, False, None, "untestable"),
        ],
    )
    def test_what_was_printed(self, code: int, bad: bool | None, good: bool | None, verdict: Verdict):
        assert judge(Outcome(code=code, seconds=1, bad_seen=bad, good_seen=good), Rules())[0] == verdict

    def test_slow_is_bad_and_failing_otherwise_untestable(self):
        rules = Rules(limit=2.0)
        assert judge(Outcome(code=0, seconds=2.5), rules)[0] == "bad"
        assert judge(Outcome(code=0, seconds=1.5), rules)[0] == "good"
        assert judge(Outcome(code=1, seconds=0.1), rules)[0] == "untestable"


class TestReleases:
    RELEASES = tuple(
        Release(name="kombu", version=version, yanked=version == "5.3.3")
        for version in ("5.2.0", "5.3.0", "5.3.1", "5.3.2rc1", "5.3.2", "5.3.3", "5.3.10", "5.4.0", "rubbish")
    )

    def test_between_are_the_releases_in_order_without_yanked_and_pre_releases(self):
        assert between(self.RELEASES, "5.3.0", "5.4.0") == ("5.3.0", "5.3.1", "5.3.2", "5.3.10", "5.4.0")
        assert between(self.RELEASES, "5.4.0", "5.3.1") == ("5.4.0", "5.3.10", "5.3.2", "5.3.1")
        assert between(self.RELEASES, "5.3.1", "5.3.2") == ("5.3.1", "5.3.2")
        assert between(self.RELEASES, "5.3.2rc1", "5.3.2") == ("5.3.2rc1", "5.3.2")

    @given(st.integers(2, 40), st.data())
    def test_the_line_turns_between_what_it_says(self, length: int, data: st.DataObject):
        first_bad = data.draw(st.integers(1, length - 1))
        untestable = data.draw(st.sets(st.integers(1, length - 1)))
        known: dict[int, Verdict] = {}
        while (place := following_place(length, known)) is not None:
            assert place not in known
            known[place] = "untestable" if place in untestable else "bad" if place >= first_bad else "good"
        line = boundary(length, known)
        assert line.good < first_bad <= line.bad
        assert set(range(line.good + 1, line.bad)) == set(line.untestable) <= untestable
        assert untestable or len(known) <= length.bit_length()


class TestConflicts:
    def test_what_stood_beside_it_whenever_it_could_be_tested_is_suspected(self):
        # of four: the first and the second were testable without the others; {first, third} was not, whoever is to blame
        learnt = conflicts({0b1111: "bad", 0b0011: "good", 0b0101: "untestable"}, 4)
        assert learnt.risk(0b0101) == 1.0
        assert learnt.risk(0b1111) == learnt.risk(0) == 0.0
        # the third without the fourth is the likeliest part of it, the first without the second another
        assert 0 < learnt.risk(0b0001) < learnt.risk(0b0100) < 1

    def test_nothing_is_learnt_of_mixes_that_could_be_tested(self):
        assert conflicts({0b11: "bad", 0b01: "good"}, 2).risk(0b10) == 0.0

    def test_hidden_needs_cost_less_than_trying_one_after_the_other(self):
        dice = random.Random(5)
        names = [f"p{number:02}" for number in range(40)]
        trials = []
        for _ in range(60):
            culprit, *pairs = dice.sample(names, 5)
            needs = {pairs[0]: {pairs[1]}, pairs[2]: {pairs[3]}}

            def verdict(changes, culprit=culprit, needs=needs):
                if any(one in changes and not others <= changes for one, others in needs.items()):
                    return "untestable"
                return "bad" if culprit in changes else "good"

            task = problem(names)
            known = solved(task, verdict)
            assert answer(task, known).culprits == {culprit}
            trials.append(len(known))
        assert sum(trials) / len(trials) < 12
