"""Ask lockblame the questions of the incident set, and put it beside plain keyword search and plain fuzzy search.

    python benchmarks/incidents.py                      # late and fresh, by style and language
    python benchmarks/incidents.py --results FOLDER     # and keep each answer as FOLDER/late/ID.STYLE-LANG.json for score.py
    python benchmarks/incidents.py --misses             # and name the questions whose guilty report is not first
    python benchmarks/incidents.py --deep FOLDER        # and once more with what `blame --deep` finds in the leading suspects
    python benchmarks/incidents.py --summaries FOLDER   # and once more with what the changed packages call themselves

    python benchmarks/incidents.py --pool 10000         # only how long a pool of so many made-up reports of 2 KB takes
    python benchmarks/incidents.py --scorer MODULE:NAME # and once more with a similarity of your own, name(symptom, text) -> 0…1

--deep and --summaries ask the package index, once: what it found is kept in FOLDER, as evidence bundles, and read from there the
next time. The weights were fitted on this very set: these figures say what a user of it gets. What to expect elsewhere are
the cross-validated ones of fit_weights.py.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import random
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lockblame
from lockblame.api.asking import evidence as upstream
from lockblame.api.asking.digging import Budget, deepen
from lockblame.api.asking.gathering import with_packages
from lockblame.api.asking.origins import PagesRead, Sourcing
from lockblame.client import Client
from lockblame.model import Change, Issue, Pin, Release, Report
from lockblame.progress import SILENT
from lockblame.ranking import Candidate, rank
from lockblame.ranking.measuring import Scorer
from lockblame.symptom import analyze
from lockblame.symptom.words import WORD
from questions import MODES, SET, Asked, Question, ask, asked, questions

DEEP = ("deep", "unreported-deep", "unreported")
SUMMARIES = ("summaries", "unreported-summaries", "unreported")
FIGURES = ("suspect@1", "suspect@3", "issue@1", "issue@5", "mrr")
Answer = Mapping[str, Sequence[Mapping[str, object]]]
Scored = tuple[float, Candidate, Issue]


def answer(report: Report) -> Answer:
    """What score.py reads of a report."""
    return {
        "suspects": [{"package": suspect.change.name} for suspect in report.suspects],
        "issues": [{"repository": match.issue.repository, "number": match.issue.number} for match in report.issues],
    }


def figures(question: Question, found: Answer) -> tuple[float, ...]:
    """FIGURES of one answer, as score.py counts them."""
    packages = [suspect["package"] for suspect in found["suspects"]]
    issues = [(str(issue["repository"]).lower(), issue["number"]) for issue in found["issues"][:50]]
    suspect = packages.index(question.package) + 1 if question.package in packages else 0
    issue = next((place for place, key in enumerate(issues, 1) if key in question.culprits), 0)
    return (float(suspect == 1), float(0 < suspect <= 3), float(issue == 1), float(0 < issue <= 5), 1 / issue if issue else 0.0)


# --- the plain methods -----------------------------------------------------------------------------------------------


def bm25(text: str, documents: Sequence[str]) -> list[float]:
    """Okapi BM25 over lower-case words, k1 = 1.5, b = 0.75."""
    rows = [Counter(WORD.findall(document.lower())) for document in documents]
    lengths = [sum(row.values()) for row in rows]
    average = sum(lengths) / len(rows) or 1.0
    query = sorted(set(WORD.findall(text.lower())))
    counts = {word: sum(word in row for row in rows) for word in query}
    rarity = {word: math.log(1 + (len(rows) - count + 0.5) / (count + 0.5)) for word, count in counts.items()}
    return [
        math.fsum(
            rarity[word] * row[word] * 2.5 / (row[word] + 1.5 * (0.25 + 0.75 * length / average)) for word in query if word in row
        )
        for row, length in zip(rows, lengths, strict=True)
    ]


def fuzzy(text: str, documents: Sequence[str]) -> list[float]:
    """rapidfuzz's token_set_ratio."""
    from rapidfuzz import fuzz, utils

    return [fuzz.token_set_ratio(text, document, processor=utils.default_process) for document in documents]


def plain(method: Callable[[str, Sequence[str]], list[float]], question: Question, given: Asked, *, since: bool) -> Answer:
    """The issues of the changed packages by one method alone; a package is as suspect as its best issue."""
    pool: dict[tuple[str, int], tuple[Candidate, Issue]] = {}
    for candidate in given.candidates:
        for issue in candidate.issues:
            if _asked_for(issue, candidate, given, since=since):
                pool.setdefault((issue.repository.lower(), issue.number), (candidate, issue))
    if not pool:
        return {"suspects": [], "issues": []}
    values = method(question.text, [f"{issue.title}\n{issue.body}" for _, issue in pool.values()])
    scored: list[Scored] = [(value, *pair) for value, pair in zip(values, pool.values(), strict=True)]
    scored.sort(key=lambda each: (-each[0], each[2].repository.lower(), each[2].number))
    return {
        "suspects": [{"package": name} for name in dict.fromkeys(candidate.change.name for _, candidate, _ in scored)],
        "issues": [{"repository": issue.repository, "number": issue.number} for _, _, issue in scored],
    }


def _asked_for(issue: Issue, candidate: Candidate, given: Asked, *, since: bool) -> bool:
    opened, released = issue.created_at, candidate.release.uploaded if candidate.release else None
    if given.now is not None and opened is not None and opened > given.now:
        return False
    return not since or opened is None or released is None or opened.date() >= released.date()


# --- a deeper look ---------------------------------------------------------------------------------------------------


def deepened(question: Question, keep: Path) -> Mapping[str, Path]:
    """The incident's evidence with what the leading suspects' artifacts and changelogs hold, fetched if it isn't there yet.

    And the same without any report, with and without that: what is left when nobody has told upstream.
    """
    folders = {name: keep / f"{question.incident}.{name}" for name in DEEP}
    if not all(folder.is_dir() for folder in folders.values()):
        locks = (str(question.folder / "locks" / f"{question.incident}.{side}.txt") for side in ("before", "after"))
        known = upstream.from_bundle(question.folder)
        suspects = [suspect.change for suspect in ask(question, "late").suspects]
        found = deepen(known, suspects, lockblame.diff(*locks), upstream.Asked(), Budget(), SILENT)
        for name, held in zip(DEEP, (found, replace(found, issues=()), replace(known, issues=())), strict=True):
            upstream.save(folders[name], held)
    return folders


def described(folder: Path, keep: Path) -> Mapping[str, Path]:
    """The set's evidence with what every changed package calls itself; the same without any report; and without either."""
    folders = {name: keep / name for name in SUMMARIES}
    if not all(place.is_dir() for place in folders.values()):
        known = upstream.from_bundle(folder)
        summaries: dict[tuple[str, str], str | None] = {}
        with Client(deadline=300.0) as client:
            for before in sorted((folder / "locks").glob("*.before.txt")):
                delta = lockblame.diff(before, before.with_name(before.name.replace(".before.", ".after.")))
                pages = Sourcing(delta.after, delta.before).pages
                found = with_packages(upstream.Knowledge(), delta, pages, client, PagesRead())
                told = (one for several in found.releases.values() for one in several if one.summary)
                summaries |= {(one.name, one.version): one.summary for one in told}
        releases = {
            name: tuple(replace(one, summary=summaries.get((one.name, one.version))) for one in several)
            for name, several in known.releases.items()
        }
        more = replace(known, releases=releases)
        for name, held in zip(SUMMARIES, (more, replace(more, issues=()), replace(known, issues=())), strict=True):
            upstream.save(folders[name], held)
    return folders


def scorer(name: str) -> Scorer:
    """The function that `module:name` names."""
    module, _, function = name.partition(":")
    found: Scorer = getattr(importlib.import_module(module), function)
    return found


# --- the table -------------------------------------------------------------------------------------------------------


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=SET, dest="folder", help="the incident set")
    parser.add_argument("--results", type=Path, help="where to keep the answers, a folder each for late and fresh")
    parser.add_argument("--misses", action="store_true", help="name the questions whose guilty report is not first")
    parser.add_argument("--deep", type=Path, help="where the evidence of artifacts and changelogs is kept, or will be")
    parser.add_argument("--summaries", type=Path, help="where the evidence of what packages call themselves is kept, or will be")
    parser.add_argument("--scorer", type=scorer, metavar="MODULE:NAME", help="a similarity of your own")
    parser.add_argument("--pool", type=int, help="reports to rank, made up")
    options = parser.parse_args()
    if options.pool:
        ranked(options.pool)
        return

    found: dict[tuple[str, str, str], list[tuple[float, ...]]] = defaultdict(list)
    seconds = 0.0
    for mode in MODES:
        for question in questions(options.folder):
            begun = time.perf_counter()
            told = answer(ask(question, mode))
            seconds += time.perf_counter() - begun
            given = asked(question, mode)
            answers = {
                "BM25": plain(bm25, question, given, since=False),
                "BM25, since the release": plain(bm25, question, given, since=True),
                "rapidfuzz": plain(fuzzy, question, given, since=False),
                "rapidfuzz, since the release": plain(fuzzy, question, given, since=True),
                "lockblame": told,
            }
            if options.deep:
                for name, place in deepened(question, options.deep).items():
                    answers[f"lockblame, {name}"] = answer(ask(question, mode, place))
            if options.summaries:
                for name, place in described(options.folder, options.summaries).items():
                    answers[f"lockblame, {name}"] = answer(ask(question, mode, place))
            if options.scorer:
                answers["lockblame with the scorer"] = answer(ask(question, mode, scorer=options.scorer))
            for method, each in answers.items():
                row = figures(question, each)
                for group in ("all", question.group):
                    found[mode, group, method].append(row)
            if options.misses and not figures(question, told)[2]:
                print(f"miss {mode} {question.name}: first is {told['issues'][0] if told['issues'] else None}")
            if options.results:
                keep(options.results / mode, question, told)
    show(found)
    asks = sum(len(rows) for (_, group, method), rows in found.items() if group == "all" and method == "lockblame")
    print(f"\n{asks} questions in {seconds:.1f} s")


def ranked(count: int) -> None:
    """How long one ranking of `count` reports takes, and how much memory it adds to theirs."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9))) for _ in range(8000)]
    out = datetime(2023, 9, 1, tzinfo=UTC)
    reports = tuple(
        Issue(
            repository="acme/desk",
            number=number,
            title=" ".join(chance.choices(words, k=8)),
            body=" ".join(chance.choices(words, k=400))[:2000],
            created_at=out + timedelta(days=chance.randint(0, 900)),
        )
        for number in range(count)
    )
    before, after = (Pin(name="desk", version=version) for version in ("1", "2"))
    change = Change(name="desk", before=before, after=after, kind="upgraded", step="major")
    candidate = Candidate(change=change, release=Release(name="desk", version="2", uploaded=out), issues=reports)
    symptom = analyze(f"workers consume far fewer messages {' '.join(words[:20])}")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    rank(symptom, [candidate])
    seconds, grown = time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
    print(f"{count} reports: {seconds:.1f} s of processor time, {grown / 1024:.0f} MiB more than they take themselves")


def keep(folder: Path, question: Question, told: Answer) -> None:
    """One answer as a file for score.py."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{question.name}.json").write_text(json.dumps(told), encoding="utf-8")


def show(found: Mapping[tuple[str, str, str], Sequence[tuple[float, ...]]]) -> None:
    """The table: methods below each other, by mode and group."""
    print(f"{'':<16}{'':<30}{'n':>5}" + "".join(f"{name:>11}" for name in FIGURES))
    for (mode, group, method), rows in found.items():
        means = (math.fsum(column) / len(rows) for column in zip(*rows, strict=True))
        print(f"{mode + ' ' + group:<16}  {method:<28}{len(rows):>5}" + "".join(f"{mean:>11.3f}" for mean in means))


if __name__ == "__main__":
    main()
