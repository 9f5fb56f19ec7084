"""Fit the weights of src/lockblame/ranking/weights.py on the incident set, and say honestly how well they do elsewhere.

    python benchmarks/fit_weights.py             # leave-one-repository-out figures, then the weights fitted on everything
    python benchmarks/fit_weights.py --ablate    # the same figures with each kind of evidence left out
    python benchmarks/fit_weights.py --write     # put the fitted weights into the table

A conditional logit: among all reports of a question the guilty ones should have the larger share of exp(score). Every weight
starts from 1 (or -1, where evidence speaks against a report) and is held there by a penalty, so that a kind of evidence of
which the set knows little keeps a moderate weight; none may change its sign. The incidents of a repository are held out together.
"""

from __future__ import annotations

import argparse
import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lockblame import lexicon
from lockblame.lexicon import Lexicon
from lockblame.ranking.measuring import measure
from lockblame.ranking.weights import WEIGHTS
from lockblame.symptom import analyze
from questions import MODES, SET, Question, asked, questions

PENALTY = 0.2
IMPORTANCE = {"late": 1.0, "fresh": 0.5}
FIXED = frozenset({"others", "unreported"})
TABLE = Path(__file__).resolve().parents[1] / "src" / "lockblame" / "ranking" / "weights.py"
FIGURES = ("issue@1", "issue@5", "mrr", "suspect@1", "suspect@3", "log-loss", "suspect log-loss", "brier")

Row = tuple[tuple[int, float], ...]
Weights = list[float]


@dataclass(frozen=True, slots=True)
class Example:
    """One question in one mode: a row of features for each report, which rows are guilty, and whose they are."""

    question: Question
    mode: str
    rows: tuple[Row, ...]
    guilty: tuple[bool, ...]
    packages: tuple[str, ...]
    keys: tuple[tuple[str, str, int], ...]


def examples(folder: Path, names: Sequence[str], wording: Lexicon) -> list[Example]:
    """The whole set as features, in the columns of `names`."""
    column = {name: place for place, name in enumerate(names)}
    return [example(question, mode, column, wording) for mode in MODES for question in questions(folder)]


def example(question: Question, mode: str, column: Mapping[str, int], wording: Lexicon) -> Example:
    """One question as features, those that `blame` would weigh with that lexicon."""
    given = asked(question, mode)
    symptom = analyze(question.text, lexicon=wording)
    found = measure(symptom, given.candidates, now=given.now, lexicon=wording, scorer=None)
    rows, packages, keys = [], [], []
    for report in found.reports:
        values: dict[int, float] = defaultdict(float)
        for feature in (*report.features, *found.own[report.candidate]):
            values[column[feature.key]] += feature.value
        package = given.candidates[report.candidate].change.name
        rows.append(tuple(sorted(values.items())))
        packages.append(package)
        keys.append((package, report.issue.repository.lower(), report.issue.number))
    guilty = tuple(key[1:] in question.culprits for key in keys)
    return Example(question, mode, tuple(rows), guilty, tuple(packages), tuple(keys))


# --- fitting ---------------------------------------------------------------------------------------------------------


def scores(example: Example, weights: Weights) -> list[float]:
    """The score of each report."""
    return [math.fsum(weights[place] * value for place, value in row) for row in example.rows]


def fit(chosen: Sequence[Example], names: Sequence[str], without: Collection[str] = ()) -> Weights:
    """The weights that explain `chosen` best; those `without` stay zero."""
    start = [
        0.0 if name in without else WEIGHTS[name].weight if name in FIXED else math.copysign(1.0, WEIGHTS[name].weight)
        for name in names
    ]
    free = [name not in without and name not in FIXED for name in names]
    usable = [each for each in chosen if any(each.guilty)]

    def loss(weights: Weights) -> tuple[float, Weights]:
        value = PENALTY * sum((a - b) ** 2 for a, b in zip(weights, start, strict=True))
        slope = [2 * PENALTY * (a - b) for a, b in zip(weights, start, strict=True)]
        for each in usable:
            value += _lost(each, weights, slope)
        return value, [one if may else 0.0 for one, may in zip(slope, free, strict=True)]

    return _descend(loss, start)


def _lost(each: Example, weights: Weights, slope: Weights) -> float:
    """The surprise of one question, and what it adds to the slope."""
    importance = IMPORTANCE[each.mode]
    values = scores(each, weights)
    top = max(values)
    shares = [math.exp(value - top) for value in values]
    whole = sum(shares)
    guilty = sum(share for share, is_guilty in zip(shares, each.guilty, strict=True) if is_guilty)
    for share, is_guilty, row in zip(shares, each.guilty, each.rows, strict=True):
        pull = importance * (share / whole - (share / guilty if is_guilty else 0.0))
        if abs(pull) > 1e-9:
            for place, value in row:
                slope[place] += pull * value
    return importance * (math.log(whole) - math.log(guilty))


def _descend(loss: Callable[[Weights], tuple[float, Weights]], start: Weights, steps: int = 150) -> Weights:
    """Projected gradient descent with Barzilai-Borwein steps; no weight crosses zero."""

    def held(weights: Weights) -> Weights:
        return [value if value * sign >= 0 else 0.0 for value, sign in zip(weights, start, strict=True)]

    here, rate = start, 0.02
    value, slope = loss(here)
    for _ in range(steps):
        there = held([a - rate * b for a, b in zip(here, slope, strict=True)])
        new, bend = loss(there)
        while new > value + 1e-9 and rate > 1e-7:
            rate /= 3
            there = held([a - rate * b for a, b in zip(here, slope, strict=True)])
            new, bend = loss(there)
        moved = [a - b for a, b in zip(there, here, strict=True)]
        turned = [a - b for a, b in zip(bend, slope, strict=True)]
        curve = sum(a * b for a, b in zip(moved, turned, strict=True))
        rate = sum(a * a for a in moved) / curve if curve > 1e-12 else rate
        here, value, slope = there, new, bend
        if max(map(abs, moved)) < 1e-4:
            break
    return here


def held_out(every: Sequence[Example], names: Sequence[str], folds: int, without: Collection[str] = ()) -> dict[str, Weights]:
    """For each repository the weights that were fitted without any incident of it (and of the others of its fold)."""
    repositories = sorted({each.question.repository for each in every})
    found: dict[str, Weights] = {}
    for fold in range(min(folds, len(repositories))):
        out = frozenset(repositories[fold :: min(folds, len(repositories))])
        weights = fit([each for each in every if each.question.repository not in out], names, without)
        found.update(dict.fromkeys(out, weights))
    return found


# --- figures ---------------------------------------------------------------------------------------------------------


def figures(each: Example, weights: Weights) -> tuple[float, ...]:
    """FIGURES of one question."""
    values = [round(score, 4) for score in scores(each, weights)]
    order = sorted(range(len(values)), key=lambda place: (-values[place], each.keys[place]))
    issue = next((rank for rank, place in enumerate(order, 1) if each.guilty[place]), 0)
    best: dict[str, float] = {}
    for place in order:
        best.setdefault(each.packages[place], values[place])
    suspect = list(best).index(each.question.package) + 1 if each.question.package in best else 0
    top = values[order[0]]
    mass = math.fsum(math.exp(value - top) for value in values)
    guilty = math.fsum(math.exp(value - top) for value, is_guilty in zip(values, each.guilty, strict=True) if is_guilty)
    packages = {name: math.exp(value - top) for name, value in best.items()}
    whole = math.fsum(packages.values())
    brier = math.fsum((share / whole - (name == each.question.package)) ** 2 for name, share in packages.items())
    mine = packages.get(each.question.package, 0.0) / whole
    return (
        float(issue == 1),
        float(0 < issue <= 5),
        1 / issue if issue else 0.0,
        float(suspect == 1),
        float(0 < suspect <= 3),
        -math.log(max(guilty / mass, 1e-9)),
        -math.log(max(mine, 1e-9)),
        brier,
    )


def table(every: Sequence[Example], weights: Mapping[str, Weights]) -> dict[tuple[str, str], tuple[float, ...]]:
    """The mean FIGURES by mode and group, each question with the weights of its repository."""
    found: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    for each in every:
        row = figures(each, weights[each.question.repository])
        for group in ("all", each.question.group):
            found[each.mode, group].append(row)
    return {key: tuple(math.fsum(column) / len(rows) for column in zip(*rows, strict=True)) for key, rows in found.items()}


def threshold(every: Sequence[Example], weights: Mapping[str, Weights]) -> tuple[float, float, float]:
    """The score that best tells a guilty first report from the first of the innocent: it, and the shares that it gets right."""
    true, false = [], []
    for each in every:
        if each.mode != "late":
            continue
        values = scores(each, weights[each.question.repository])
        best = max(range(len(values)), key=values.__getitem__)
        if each.guilty[best]:
            true.append(values[best])
        innocent = [value for value, is_guilty in zip(values, each.guilty, strict=True) if not is_guilty]
        false.append(max(innocent, default=0.0))
    return max(
        ((level, sum(a >= level for a in true) / len(true), sum(b < level for b in false) / len(false)) for level in true),
        key=lambda found: (found[1] + found[2], -found[0]),
    )


def show(title: str, found: Mapping[tuple[str, str], tuple[float, ...]], *, groups: bool = True) -> None:
    """Print a table of figures."""
    print(f"\n{title}\n{'':<22}" + "".join(f"{name:>18}" if len(name) > 9 else f"{name:>11}" for name in FIGURES))
    for (mode, group), row in found.items():
        if groups or group == "all":
            cells = "".join(
                f"{value:>18.3f}" if len(name) > 9 else f"{value:>11.3f}" for name, value in zip(FIGURES, row, strict=True)
            )
            print(f"{mode + ' ' + group:<22}{cells}")


def ablate(folder: Path, names: Sequence[str], every: Sequence[Example], seen: Collection[int]) -> None:
    """Print the figures without each kind of evidence that the set has, and without the lexicon (seven folds)."""
    for kind in dict.fromkeys(WEIGHTS[names[place]].kind for place in sorted(seen)):
        without = [name for name in names if WEIGHTS[name].kind == kind]
        show(f"without {kind}", table(every, held_out(every, names, 7, without)), groups=False)
    dumb = examples(folder, names, Lexicon(entries={}))
    show("without the lexicon: no concepts, no Korean words", table(dumb, held_out(dumb, names, 7)))


def write(names: Sequence[str], weights: Weights) -> None:
    """Put the fitted weights into the table, leaving what the set knows nothing of."""
    text = TABLE.read_text(encoding="utf-8")
    for name, value in zip(names, weights, strict=True):
        if name not in FIXED:
            text = re.sub(rf'(    "{name}": Weight\("\w+", )-?[\d.]+\)', rf"\g<1>{value + 0.0:.2f})", text)
    TABLE.write_text(text, encoding="utf-8")


def main() -> None:
    """Print the figures and the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=SET, dest="folder", help="the incident set")
    parser.add_argument("--folds", type=int, default=1000, help="how many folds (default: one a repository)")
    parser.add_argument("--ablate", action="store_true", help="leave out each kind of evidence in turn")
    parser.add_argument("--write", action="store_true", help="write the weights into the table")
    options = parser.parse_args()

    names = list(WEIGHTS)
    every = examples(options.folder, names, lexicon.default())
    weights = held_out(every, names, options.folds)
    show("lockblame, cross-validated (weights fitted on the other repositories)", table(every, weights))
    seen = {place for each in every for row in each.rows for place, _ in row}
    if options.ablate:
        ablate(options.folder, names, every, seen)
    level, kept, refused = threshold(every, weights)
    print(f"\nCONCLUSIVE at {level:.1f}: {kept:.0%} of the true first reports reach it, {refused:.0%} of the best innocent don't")
    fitted = fit(every, names)
    print("\nfitted on everything:")
    for place, name in enumerate(names):
        print(f"  {name:<12}{fitted[place]:>7.2f}" + ("" if place in seen else "   (not in the set)"))
    if options.write:
        known = sorted(seen)
        write([names[place] for place in known], [fitted[place] for place in known])


if __name__ == "__main__":
    main()
