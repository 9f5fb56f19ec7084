"""What `bisect` found, as text, Markdown or JSON."""

from __future__ import annotations

import json
from typing import Any

from lockblame.model import Bisection, Change, Trial
from lockblame.report.hostile import line, markdown

SCHEMA = 1


def proof(found: Bisection, style: str) -> str:
    """The Bisection in that style; it ends with a newline."""
    if style == "json":
        return json.dumps(to_dict(found), ensure_ascii=True, indent=1) + "\n"
    return _written(found, marked=style == "markdown")


def to_dict(found: Bisection) -> dict[str, Any]:
    """The document of `bisect`: schema, culprits, minimal, trials, gaps; `drill` where releases were tried."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "culprits": [{"name": one.name, "before": one.old, "after": one.new} for one in found.culprits],
        "minimal": found.minimal,
        "trials": [_trial(trial) for trial in found.trials if trial.version is None],
        "gaps": [{"subject": gap.subject, "reason": gap.reason, "detail": gap.detail, "hint": gap.hint} for gap in found.gaps],
    }
    if found.drill is not None:
        drill = found.drill
        document["drill"] = {
            "name": drill.name,
            "good": drill.good,
            "bad": drill.bad,
            "untestable": list(drill.untestable),
            "trials": [{"version": trial.version, **_trial(trial)} for trial in drill.trials],
        }
    return document


def _trial(trial: Trial) -> dict[str, Any]:
    return {"changes": list(trial.changes), "verdict": trial.verdict, "seconds": round(trial.seconds, 3)}


def _written(found: Bisection, *, marked: bool) -> str:
    shown = markdown if marked else line
    head, item = ("## ", "- ") if marked else ("", "  ")
    lines = [head + _headline(found), ""]
    lines += [item + _change(change, marked=marked) for change in found.culprits]
    lines += ["", *(f"{sentence}" for sentence in _sentences(found))]
    if found.drill is not None:
        drill = found.drill
        lines += ["", f"{shown(drill.name)} {shown(drill.good)} is good, {shown(drill.bad)} is bad."]
        if drill.untestable:
            lines.append(f"Not testable between them: {shown(', '.join(drill.untestable))}.")
    lines += ["", f"{head}Trials", ""]
    every = max((len(trial.changes) for trial in found.trials), default=0)
    lines += [
        item + (f"{trial.verdict:<10} " if not marked else f"{trial.verdict}: ") + shown(_logged(trial, every), 400)
        for trial in found.trials
    ]
    if found.gaps:
        lines += ["", f"{head}Not looked at", ""]
        lines += [
            item + shown(f"{gap.subject}: {gap.detail}" + (f" ({gap.hint})" if gap.hint else ""), 600) for gap in found.gaps
        ]
    return "\n".join(lines) + "\n"


def _headline(found: Bisection) -> str:
    if len(found.culprits) == 1:
        return "The command fails because of" if found.minimal else "The command fails with"
    return f"The command fails with these {len(found.culprits)} changes together" if found.minimal else "The command fails with"


def _change(change: Change, *, marked: bool) -> str:
    return f"**{markdown(str(change))}**" if marked else line(str(change))


def _sentences(found: Bisection) -> list[str]:
    said = []
    if found.stopped is not None:
        said.append(f"The search was stopped ({found.stopped}): this is the best answer so far, it may still get smaller.")
    elif found.minimal:
        said.append("Without them it is good, and every largest part of them that can be installed was tried and is good.")
    else:
        said.append("Some parts of them could not be tested: a smaller set may fail too.")
    if found.certainty is not None:
        said.append(f"The verdicts it rests on are right with a probability of {found.certainty:.1%}.")
    return said


def _logged(trial: Trial, every: int) -> str:
    """One line of the log, as git bisect has it."""
    names = ", ".join(trial.changes)
    what = "none of the changes" if not trial.changes else "all of the changes" if len(trial.changes) == every else names
    if trial.version is not None:
        what = f"{names} at {trial.version}"
    votes = f", {trial.runs.count(trial.verdict)} of {len(trial.runs)} runs" if len(trial.runs) > 1 else ""
    return f"{what} ({trial.detail}{votes}, {trial.seconds:.1f} s)"
