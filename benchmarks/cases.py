"""Does a symptom find the team's own past incident of the same kind, and no other one?

    python benchmarks/cases.py                # precision and recall at the thresholds that are shipped, and beside them
    python benchmarks/cases.py --misses       # and name each false "this looks like the incident of …"

Each incident of the set is told in four ways. One of them becomes the case, another the symptom of the day: it must find that
case (recall), and among the cases of all other incidents it must find none (a false alarm). Casebooks have 1, 5 or all 35 cases.
`again` is with the deploy's own changes at hand, the culprit among them, as when the same upgrade is tried a second time;
`elsewhere` with those of the incident that is asked about and none of the case's culprit among them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lockblame
from lockblame import casebook, lexicon
from lockblame.model import Case, Change, Symptom
from lockblame.symptom import analyze
from questions import SET

SIZES = (1, 5, 35)
SEED = 20260101
ANYTHING = -1e9


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the score of the right case (None where it isn't in the book), and of the best wrong one."""

    name: str
    size: int
    culprit: bool
    right: float | None
    wrong: float | None
    taken: str


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
    for culprit, delta in ((True, deploy), (False, tuple(one for one in deploy if one.name != incident["package"]))):
        book = [right, *strangers] if size > 1 else [right]
        scores = {one.case.id: one.score for one in casebook.alike(symptom, book, words(), delta, ANYTHING)}
        # what a book without the right case would have said: the words that are rare in it are others
        found = casebook.alike(symptom, strangers, words(), delta, ANYTHING)
        best = found[0] if found else None
        yield Asked(name, size, culprit, scores.get(right.id), best.score if best else None, best.case.id if best else "")


def table(results: Sequence[Asked], least: float) -> Iterator[str]:
    """Recall and false alarms at that threshold, by size and by whether the culprit changed again."""
    for size in SIZES:
        for culprit in (True, False):
            rows = [one for one in results if one.size == size and one.culprit == culprit]
            hits = sum(one.right is not None and one.right >= least for one in rows)
            alarms = sum(one.wrong is not None and one.wrong >= least for one in rows)
            precision = hits / (hits + alarms) if hits + alarms else 1.0
            called = "again" if culprit else "elsewhere"
            yield f"{size:>5} {called:<10} {least:>6.2f} {hits / len(rows):>8.3f} {alarms / len(rows):>13.3f} {precision:>10.3f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--set", metavar="FOLDER", type=Path, default=SET, help="the incident set")
    parser.add_argument("--misses", action="store_true", help="name each false alarm at the shipped threshold")
    options = parser.parse_args()
    results = list(asked(options.set))
    worth = ", ".join(f"{name} {getattr(casebook, name)}" for name in ("ALIKE", "SAME_STEP", "SAME_CULPRIT"))
    print(f"{len(results)} questions; {worth}\n")
    print(f"{'cases':>5} {'culprit':<10} {'least':>6} {'recall':>8} {'false alarms':>13} {'precision':>10}")
    for least in sorted({casebook.ALIKE - 1, casebook.ALIKE - 0.5, casebook.ALIKE, casebook.ALIKE + 0.5, casebook.ALIKE + 1}):
        for row in table(results, least):
            print(row)
        print()
    told = [one for one in results if one.size == max(SIZES) and not one.culprit]
    first = sum(one.right is not None and (one.wrong is None or one.right > one.wrong) for one in told)
    print(f"elsewhere, the right case of {max(SIZES)} scores highest in {first / len(told):.3f}")
    if options.misses:
        for one in results:
            if one.wrong is not None and one.wrong >= casebook.ALIKE:
                print(f"{one.size:>3} {one.wrong:6.2f}  {one.name} took {one.taken} for it")


if __name__ == "__main__":
    main()
