"""Does a symptom find the team's own past incident of the same kind, and no other one?

    python benchmarks/cases.py                # precision and recall at the thresholds that are shipped, and beside them
    python benchmarks/cases.py --misses       # and name each false "this looks like the incident of …"
    python benchmarks/cases.py --halves       # and choose the numbers on one half of the incidents, to measure them on the other

Each incident of the set is told in four ways. One of them becomes the case, another the symptom of the day: it must find that
case (recall), and among the cases of all other incidents it must find none (a false alarm). Casebooks have 1, 5 or all 35 cases.
`again` is with the deploy's own changes at hand, the culprit among them, as when the same upgrade is tried a second time;
`another` with the same, where the case was about an earlier release of the package; `elsewhere` with those of the incident
that is asked about and none of the case's culprit among them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import lockblame
from lockblame import casebook, lexicon
from lockblame.model import Case, Change, Symptom
from lockblame.symptom import analyze
from questions import SET

SIZES = (1, 5, 35)
MODES = ("again", "another", "elsewhere")
SEED = 20260101
ANYTHING = -1e9


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: what the words of the right case are worth (None where it isn't in the book), and of the wrong ones.

    `met` says beside each how the deploy met its culprit: 2 at the release to blame, 1 at another of the package, 0 not at all.
    """

    name: str
    incident: str
    size: int
    mode: str
    right: tuple[float, int] | None
    wrong: tuple[tuple[float, int, str], ...]

    def scores(self, worth: Worth) -> tuple[float, float]:
        """Of the right case, and of the best wrong one."""
        right = self.right[0] + worth.met[self.right[1]] if self.right else ANYTHING
        return right, max((words + worth.met[met] for words, met, _ in self.wrong), default=ANYTHING)


@dataclass(frozen=True, slots=True)
class Worth:
    """What is added by how the culprit is met, and the score from which on a case is shown."""

    met: tuple[float, float, float]
    least: float


SHIPPED = Worth((0.0, casebook.SAME_CULPRIT, casebook.SAME_STEP), casebook.ALIKE)
GRID = tuple(
    Worth((0.0, other, step), least)
    for other in (0.5, 1.0, 1.5, 2.0)
    for step in (2.5, 3.0, 3.5)
    for least in (3.5, 4.0, 4.5, 5.0)
)
ALARMS = 0.02
"""Questions of the largest book that may be answered by a false alarm, where the numbers are chosen."""


def incidents(folder: Path) -> list[dict[str, Any]]:
    """The incidents of the set, in the order of the file."""
    return [json.loads(line) for line in (folder / "incidents.jsonl").read_text(encoding="utf-8").splitlines()]


def style(symptom: dict[str, str]) -> str:
    """`vague-en`."""
    return f"{symptom['style']}-{symptom['lang']}"


def case(incident: dict[str, Any], symptom: dict[str, str]) -> Case:
    """The case that a team would have kept: entitled with the first words of what was seen."""
    return Case(
        id=incident["id"],
        title=" ".join(symptom["text"].split()[:8]),
        date=datetime.date.fromisoformat(incident["released"]),
        symptom=symptom["text"],
        culprit=f"{incident['package']} {incident['old']} → {incident['new']}",
    )


@cache
def words() -> lexicon.Lexicon:
    """The shipped lexicon, read once."""
    return lexicon.default()


@cache
def analyzed(text: str) -> Symptom:
    """The symptom taken apart, once."""
    return analyze(text, lexicon=words())


@cache
def changes(folder: Path, id: str) -> tuple[Change, ...]:
    """What the deploy of that incident changed."""
    before, after = (folder / "locks" / f"{id}.{side}.txt" for side in ("before", "after"))
    return tuple(lockblame.diff(before, after))


def asked(folder: Path) -> Iterator[Asked]:
    """Every incident in every pair of tellings, against casebooks of each size."""
    known = incidents(folder)
    dice = random.Random(SEED)
    for number, incident in enumerate(known):
        for kept in incident["symptoms"]:
            for said in incident["symptoms"]:
                if said is kept:
                    continue
                for size in SIZES:
                    others = [known[place] for place in dice.sample([n for n in range(len(known)) if n != number], size - 1 or 1)]
                    name = f"{incident['id']}: {style(said)} against {style(kept)}"
                    yield from _asked(folder, name, incident, said, kept, others, size)


def _asked(
    folder: Path,
    name: str,
    incident: dict[str, Any],
    said: dict[str, str],
    kept: dict[str, str],
    others: Sequence[dict[str, Any]],
    size: int,
) -> Iterator[Asked]:
    symptom = analyzed(said["text"])
    right = case(incident, kept)
    strangers = [case(one, next(each for each in one["symptoms"] if style(each) == style(kept))) for one in others]
    deploy = changes(folder, incident["id"])
    # an earlier release of the package was to blame then
    earlier = replace(right, culprit=f"{incident['package']} 0 → 0.0.1")
    without = tuple(one for one in deploy if one.name != incident["package"])
    for mode, own, delta in (("again", right, deploy), ("another", earlier, deploy), ("elsewhere", right, without)):
        book = [own, *strangers] if size > 1 else [own]
        scores = {case.id: one for case, one in _worth(symptom, book, delta)}
        # what a book without the right case would have said: the words that are rare in it are others
        wrong = tuple((*one, case.id) for case, one in _worth(symptom, strangers, delta))
        yield Asked(name, incident["id"], size, mode, scores.get(own.id), wrong)


def _worth(symptom: Symptom, book: Sequence[Case], delta: Sequence[Change]) -> Iterator[tuple[Case, tuple[float, int]]]:
    """What the words of each case are worth, and how the delta meets its culprit."""
    for one in casebook.alike(symptom, book, words(), delta, ANYTHING):
        met = next((each.weight for each in one.evidence if each.kind == "culprit"), 0.0)
        yield one.case, (round(one.score - met, 4), SHIPPED.met.index(met))


def rates(results: Sequence[Asked], worth: Worth) -> tuple[float, float]:
    """How many of the questions find their case, and how many are answered by another."""
    scores = [one.scores(worth) for one in results]
    return tuple(sum(pair[side] >= worth.least for pair in scores) / len(scores) for side in (0, 1))  # type: ignore[return-value]


def halves(results: Sequence[Asked]) -> Iterator[str]:
    """The numbers that find most with few false alarms on one half of the incidents, and what they do on the other."""
    largest = [one for one in results if one.size == max(SIZES)]
    names = sorted({one.incident for one in largest})
    held: dict[tuple[str, str], list[tuple[float, float]]] = {}
    dice = random.Random(SEED)
    for _ in range(3):
        dice.shuffle(names)
        middle = len(names) // 2
        for half in (set(names[:middle]), set(names[middle:])):
            own, others = ([one for one in largest if (one.incident in half) == side] for side in (True, False))
            by_mode = {mode: [one for one in own if one.mode == mode] for mode in MODES}
            allowed = [worth for worth in GRID if rates(by_mode["again"], worth)[1] <= ALARMS]
            chosen = max(allowed, key=lambda worth: sum(rates(by_mode[mode], worth)[0] for mode in ("again", "another")))
            for mode in MODES:
                asked = [one for one in others if one.mode == mode]
                held.setdefault(("chosen there", mode), []).append(rates(asked, chosen))
                held.setdefault(("as shipped", mode), []).append(rates(asked, SHIPPED))
    for (how, mode), found in sorted(held.items()):
        recall, alarms = (sum(pair[side] for pair in found) / len(found) for side in (0, 1))
        yield f"{how:<13} {mode:<10} {recall:>8.3f} {alarms:>13.3f}"


def table(results: Sequence[Asked], least: float) -> Iterator[str]:
    """Recall and false alarms at that threshold, by size and by whether the culprit changed again."""
    for size in SIZES:
        for mode in MODES:
            rows = [one for one in results if one.size == size and one.mode == mode]
            recall, alarms = rates(rows, replace(SHIPPED, least=least))
            precision = recall / (recall + alarms) if recall + alarms else 1.0
            yield f"{size:>5} {mode:<10} {least:>6.2f} {recall:>8.3f} {alarms:>13.3f} {precision:>10.3f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--set", metavar="FOLDER", type=Path, default=SET, help="the incident set")
    parser.add_argument("--halves", action="store_true", help="and choose the numbers on one half, to measure them on the other")
    parser.add_argument("--misses", action="store_true", help="name each false alarm at the shipped threshold")
    options = parser.parse_args()
    results = list(asked(options.set))
    worth = ", ".join(f"{name} {getattr(casebook, name)}" for name in ("ALIKE", "SAME_STEP", "SAME_CULPRIT"))
    print(f"{len(results)} questions; {worth}\n")
    print(f"{'cases':>5} {'culprit':<10} {'least':>6} {'recall':>8} {'false alarms':>13} {'precision':>10}")
    for least in sorted({casebook.ALIKE - 0.5, casebook.ALIKE, casebook.ALIKE + 0.5}):
        for row in table(results, least):
            print(row)
        print()
    told = [one.scores(SHIPPED) for one in results if one.size == max(SIZES) and one.mode == "elsewhere"]
    first = sum(right > wrong for right, wrong in told) / len(told)
    print(f"elsewhere, the right case of {max(SIZES)} scores highest in {first:.3f}")
    if options.halves:
        print(f"\n{'on the other half':<24} {'recall':>8} {'false alarms':>13}")
        print("\n".join(halves(results)))
    if options.misses:
        for one in results:
            for words, met, taken in one.wrong:
                if words + SHIPPED.met[met] >= SHIPPED.least:
                    print(f"{one.size:>3} {words + SHIPPED.met[met]:6.2f}  {one.name} took {taken} for it")


if __name__ == "__main__":
    main()
