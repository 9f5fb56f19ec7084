"""How many trials bisect takes, over random cases, beside plain ddmin and plain halving.

    python benchmarks/bisection.py [--cases N] [--markdown]

The trials of the two ends are counted for all three. A case is a set of changes of which one (or two together) make the command
fail; with rightly ranked priors the culprit stands first, with wrong ones it has the least probability of all. Uninstallable
mixes: changes need others, of which half are known beforehand (the packages say it) and half come out when they are tried;
"hidden" ones all come out only then, and no edge of the graph hints at them. The flaky command gives a wrong verdict in 10 % of
its runs, and each trial is the majority of up to five.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from statistics import fmean

from lockblame.bisection import answer, decided, majority, problem, search
from lockblame.model import Verdict

Verdicts = dict[frozenset[str], Verdict]


@dataclass(kw_only=True)
class Case:
    """A command that fails with all of `culprits`; `needs` make mixes untestable, the `told` ones are known beforehand."""

    names: list[str]
    culprits: frozenset[str]
    priors: dict[str, float]
    needs: list[tuple[str, str]] = field(default_factory=list)
    told: int = 0
    hidden: bool = False
    wrong: float = 0.0
    repeat: int = 1
    dice: random.Random = field(default_factory=lambda: random.Random(0))
    runs: int = 0

    def installable(self, changes: Collection[str]) -> bool:
        return not any(one in changes and other not in changes for one, other in self.needs)

    def verdict(self, changes: frozenset[str]) -> Verdict:
        if not self.installable(changes):
            return "untestable"
        truth: Verdict = "bad" if self.culprits <= changes else "good"
        opposite: Verdict = "good" if truth == "bad" else "bad"
        runs: list[Verdict] = []
        while not decided(runs, self.repeat):
            self.runs += 1
            runs.append(opposite if self.dice.random() < self.wrong else truth)
        return majority(runs)

    def holds(self, found: Collection[str]) -> bool:
        """Whether it is the smallest installable set that fails."""
        closed = set(self.culprits)
        while more := {other for one, other in self.needs if one in closed} - closed:
            closed |= more
        return set(found) == closed


def ours(case: Case) -> tuple[int, frozenset[str]]:
    needs: dict[str, set[str]] = {}
    for one, other in case.needs[: case.told]:
        needs.setdefault(one, set()).add(other)
    task = problem(case.names, case.priors, needs, () if case.hidden else case.needs)
    known: Verdicts = {}
    asking = search(task)
    try:
        question = next(asking)
        while True:
            known[question.changes] = case.verdict(question.changes)
            question = asking.send(known[question.changes])
    except StopIteration:
        found = answer(task, known)
        return len(known), found.culprits if found else frozenset()


def ddmin(case: Case) -> tuple[int, frozenset[str]]:
    """Zeller and Hildebrandt 2002, with memory; untestable counts as "not failing"."""
    known: Verdicts = {}

    def fails(names: list[str]) -> bool:
        changes = frozenset(names)
        if changes not in known:
            known[changes] = case.verdict(changes)
        return known[changes] == "bad"

    fails([])
    current, parts = list(case.names), 2
    fails(current)
    while len(current) > 1:
        size = len(current) / parts
        chunks = [current[round(part * size) : round((part + 1) * size)] for part in range(parts)]
        rests = [[name for name in current if name not in chunk] for chunk in chunks]
        if found := next((chunk for chunk in chunks if fails(chunk)), None):
            current, parts = found, 2
        elif found := next((rest for rest in rests if parts > 2 and fails(rest)), None):
            current, parts = found, parts - 1
        elif parts >= len(current):
            break
        else:
            parts = min(len(current), parts * 2)
    return len(known), frozenset(current)


def halving(case: Case) -> tuple[int, frozenset[str]]:
    """What one does by hand: take half of what is left; not failing means it is in the other half. Never proved."""
    known: Verdicts = {frozenset(): case.verdict(frozenset()), frozenset(case.names): case.verdict(frozenset(case.names))}
    current = list(case.names)
    while len(current) > 1:
        half = frozenset(current[: len(current) // 2])
        known[half] = case.verdict(half)
        current = [name for name in current if (name in half) == (known[half] == "bad")]
    return len(known), frozenset(current)


def _priors(names: list[str], culprits: frozenset[str], kind: str, dice: random.Random) -> dict[str, float]:
    """Odds as a ranking gives them: the first stands out, the rest falls off."""
    if kind == "flat":
        return {}
    rest = [name for name in names if name not in culprits]
    dice.shuffle(rest)
    order = [*sorted(culprits), *rest] if kind == "right" else [*rest, *sorted(culprits)]
    return {name: dice.uniform(0.8, 1.2) / (place + 1) ** 1.5 for place, name in enumerate(order)}


def random_case(
    dice: random.Random, count: int, together: int, kind: str, uninstallable: float, wrong: float, *, hidden: bool = False
) -> Case:
    names = [f"p{number}" for number in range(count)]
    dice.shuffle(names)
    culprits = frozenset(dice.sample(names, together))
    needs = _needs(dice, names, uninstallable)
    told = 0 if hidden else len(needs) // 2
    repeat = 5 if wrong else 1
    priors = _priors(names, culprits, kind, dice)
    return Case(
        names=names,
        culprits=culprits,
        priors=priors,
        needs=needs,
        told=told,
        hidden=hidden,
        wrong=wrong,
        repeat=repeat,
        dice=dice,
    )


def _needs(dice: random.Random, names: list[str], share: float) -> list[tuple[str, str]]:
    """As many needs as make that share of random halves uninstallable: each is broken by a quarter of them."""
    needs: list[tuple[str, str]] = []
    kept = 1.0
    while 1 - kept < share - 1e-9:
        if 1 - kept * 0.75 > share and dice.random() > (share - (1 - kept)) / (kept * 0.25):
            break
        one, other = dice.sample(names, 2)
        needs.append((one, other))
        kept *= 0.75
    dice.shuffle(needs)
    return needs


SETTINGS: list[tuple[str, int, int, str, float, float]] = [
    *(
        (f"{count} changes, {kind} priors", count, 1, kind, 0.0, 0.0)
        for count in (10, 40, 150)
        for kind in ("flat", "right", "wrong")
    ),
    *((f"40 changes, two together, {kind} priors", 40, 2, kind, 0.0, 0.0) for kind in ("flat", "right", "wrong")),
    ("40 changes, flat, 10 % uninstallable", 40, 1, "flat", 0.1, 0.0),
    ("40 changes, flat, 30 % uninstallable", 40, 1, "flat", 0.3, 0.0),
    ("40 changes, two together, 30 % uninstallable", 40, 2, "flat", 0.3, 0.0),
    ("40 changes, flat, flaky (10 % wrong, best of 5)", 40, 1, "flat", 0.0, 0.1),
]
HIDDEN: list[tuple[str, int, int, str, float, float]] = [
    *(
        (f"{count} changes, {kind}, {share:.0%} uninstallable, hidden".replace("%", " %"), count, 1, kind, share, 0.0)
        for count, kind, share in (
            (40, "flat", 0.1),
            (40, "flat", 0.3),
            (40, "flat", 0.5),
            (40, "right", 0.3),
            (150, "flat", 0.3),
        )
    ),
    ("40 changes, two together, 30 % uninstallable, hidden", 40, 2, "flat", 0.3, 0.0),
]
METHODS: list[tuple[str, Callable[[Case], tuple[int, frozenset[str]]]]] = [
    ("bisect", ours),
    ("ddmin", ddmin),
    ("halving", halving),
]


def measure(cases: int) -> list[list[str]]:
    """A row for each setting: its name, and for each method mean, worst, and how often it was right."""
    rows = []
    for setting in (*SETTINGS, *HIDDEN):
        title, count, together, kind, uninstallable, wrong = setting
        row = [title]
        for _, method in METHODS:
            dice = random.Random(20240302)
            trials, right = [], 0
            for _ in range(cases):
                case = random_case(dice, count, together, kind, uninstallable, wrong, hidden=setting in HIDDEN)
                number, found = method(case)
                trials.append(number)
                right += case.holds(found)
            row.append(f"{fmean(trials):.1f} / {max(trials)} / {100 * right / cases:.0f} %")
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Trials that bisect takes, beside ddmin and halving.")
    parser.add_argument("--cases", type=int, default=1000)
    options = parser.parse_args()
    print(
        f"trials, the two ends included: mean / worst / found the smallest failing set, over {options.cases} random cases each\n"
    )
    print("| case | " + " | ".join(name for name, _ in METHODS) + " |")
    print("|---|" + "---|" * len(METHODS))
    for row in measure(options.cases):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
