"""Every service of an organisation at once: which of them took on the change that is to blame.

    python examples/fleet.py FOLDER BEFORE AFTER "the workers consume far fewer messages than before" > fleet.jsonl

Each folder below FOLDER that is a git repository is a service; BEFORE and AFTER are revisions that all of them have (two tags,
`main@{yesterday}` and `main`). Locks are read and ranked in processes; indexes and forges are asked once for all services, by
this process. Prints JSON Lines for polars, DuckDB or `jq`, and on standard error which suspects lead how many services. Exits
with 3 when not a single service could be read.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import lockblame


def services(folder: Path, before: str, after: str) -> list[lockblame.Service]:
    """The repositories right below the folder, by name."""
    found = sorted(one for one in folder.iterdir() if (one / ".git").exists())
    return [lockblame.Service(before=before, after=after, repository=one, name=one.name) for one in found]


def counted(
    answers: Iterable[lockblame.Answer[lockblame.Report]], suspects: Counter[str], failed: list[str]
) -> Iterator[lockblame.Answer[lockblame.Report]]:
    """The same answers, with the leading suspects and what failed noted down on the way."""
    for answer in answers:
        if answer.error is not None:
            failed.append(f"{answer.service}: {answer.error}")
        elif answer.found is not None and answer.found.suspects:
            suspects[str(answer.found.suspects[0].change)] += 1
        yield answer


def main(folder: str, before: str, after: str, symptom: str) -> int:
    """The exit code."""
    suspects: Counter[str] = Counter()
    failed: list[str] = []
    every = services(Path(folder), before, after)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        answers = lockblame.blame_each(every, symptom=symptom, executor=pool, progress=lockblame.shown_progress())
        for line in lockblame.json_lines(counted(answers, suspects, failed), documents=True):
            sys.stdout.write(line)
    for change, count in suspects.most_common(10):
        print(f"{count} of {len(every)} services: {change}", file=sys.stderr)
    for one in failed:
        print(f"no answer for {one}", file=sys.stderr)
    return 3 if len(failed) == len(every) else 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: fleet.py FOLDER BEFORE AFTER SYMPTOM")
    sys.exit(main(*sys.argv[1:]))
