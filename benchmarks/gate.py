"""What `check` would have said of the incident set's deploys: which packages the rule "known-regression" names.

    python benchmarks/gate.py            # at so many days after the deploy: named guilty packages, wrongly named ones

The set's issues carry neither reactions nor, mostly, comments, so the threshold is set to 0: this measures the words alone,
an upper bound of what is found and of what is named in vain.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import lockblame
from lockblame.policy import Policy
from questions import SET, Question, questions

DAYS = (0, 3, 14, 60)


def named(question: Question, days: int) -> tuple[set[str], int]:
    """The packages that the rule names so many days after the deploy, and how many changed."""
    folder = question.folder
    found = lockblame.check(
        str(folder / "locks" / f"{question.incident}.before.txt"),
        str(folder / "locks" / f"{question.incident}.after.txt"),
        policy=replace(Policy(), reactions=0),
        evidence=folder,
        config=folder / "lockblame.toml",
        offline=True,
        as_of=question.as_of + timedelta(days=days),
    )
    return {one.change.name for one in found.violations if one.rule == "known-regression"}, len(found.delta)


def main() -> None:
    """A row for each moment."""
    incidents = {question.incident: question for question in questions(SET)}
    print(f"{len(incidents)} deploys\n\n| days after | guilty named | others named (of all others changed) |\n|---|---|---|")
    for days in DAYS:
        right = wrong = others = 0
        for question in incidents.values():
            names, changed = named(question, days)
            right += question.package in names
            wrong += len(names - {question.package})
            others += changed - 1
        print(f"| {days} | {right} of {len(incidents)} | {wrong} of {others} |")


if __name__ == "__main__":
    main()
