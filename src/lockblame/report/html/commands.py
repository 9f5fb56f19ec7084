"""The commands that make a finding again and go on from it. They are there to be copied to a shell, so nothing that a shell
could take for more than a word gets into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockblame.report.sides import sides

if TYPE_CHECKING:
    from lockblame.model import Delta, Report

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One line for a shell, and what it is for."""

    purpose: str
    line: str


def of_delta(delta: Delta) -> tuple[Command, ...]:
    """How to compare the same locks again."""
    return (Command(purpose="This page again", line=f"lockblame diff {sides(delta)} --format html > delta.html"),)


def of_report(report: Report) -> tuple[Command, ...]:
    """How to make the same report again, look closer, prove it and go back."""
    both = sides(report.delta)
    said = " --symptom-file symptom.txt" if report.symptom else ""
    day = f" --as-of {report.as_of.date().isoformat()}" if report.as_of else ""
    again = f"lockblame blame {both}{said}{day}"
    made = [
        Command(purpose="This page again", line=f"{again} --format html > report.html"),
        Command(purpose="Keep what it rests on, to make it again offline", line=f"{again} --save-evidence evidence"),
    ]
    if report.suspects:
        name = report.suspects[0].change.name
        name = name if _NAME.fullmatch(name) else "NAME"
        made += [
            Command(purpose="Why it moved, and every way to it", line=f"lockblame diff {both} --why {name}"),
            Command(purpose="Prove it by trials", line=f"lockblame bisect {both} -- COMMAND"),
            Command(purpose="The way back", line=f"lockblame rollback {both} --package {name} --check"),
        ]
    return tuple(made)


def of_check(report: Report) -> tuple[Command, ...]:
    """How to ask the same again, look closer, and what to do when something does break."""
    both = sides(report.delta)
    day = f" --as-of {report.as_of.date().isoformat()}" if report.as_of else ""
    again = f"lockblame check {both}{day}"
    made = [
        Command(purpose="This page again", line=f"{again} --format html > check.html"),
        Command(purpose="Keep what it rests on, to judge the same again offline", line=f"{again} --save-evidence evidence"),
        Command(purpose="Look into the code of what changed too", line=f"{again} --deep"),
    ]
    if report.violations:
        name = report.violations[0].change.name
        name = name if _NAME.fullmatch(name) else "NAME"
        made.append(Command(purpose="Why it moved, and every way to it", line=f"lockblame diff {both} --why {name}"))
    when = "When something breaks after all"
    return (*made, Command(purpose=when, line=f"lockblame blame {both} --symptom-file symptom.txt"))
