"""What `bisect` found, as text, Markdown or JSON."""

from __future__ import annotations

import json
from typing import Any

from lockblame.model import Bisection, Change, Commit, Drill, FirstBad, Pin, Trial
from lockblame.report.columns import wrapped
from lockblame.report.hostile import line, markdown
from lockblame.report.ink import inked

SCHEMA = 1


def proof(found: Bisection, style: str, *, width: int = 100, colour: bool = False) -> str:
    """The Bisection in that style; it ends with a newline."""
    if style == "json":
        return json.dumps(to_dict(found), ensure_ascii=True, indent=1) + "\n"
    if style == "markdown":
        return _written(found, marked=True)
    head, *rows = _written(found, marked=False).splitlines()
    told = (row for text in rows for row in wrapped(text, width, "", "    " if text.startswith(" ") else ""))
    return "\n".join([inked(head, "bold", colour), *told]) + "\n"


def to_dict(found: Bisection) -> dict[str, Any]:
    """The document of `bisect`: schema, culprits, minimal, trials, gaps; `drills` where releases or commits were tried."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "culprits": [{"name": one.name, "before": one.old, "after": one.new} for one in found.culprits],
        "minimal": found.minimal,
        "trials": [_trial(trial) for trial in found.trials if trial.package is None],
        "gaps": [{"subject": gap.subject, "reason": gap.reason, "detail": gap.detail, "hint": gap.hint} for gap in found.gaps],
    }
    if found.needs:
        document["needs"] = [{"name": name, "others": list(others)} for name, others in found.needs]
    if found.drills:
        document["drills"] = [_drill(drill) for drill in found.drills]
    return document


def _drill(drill: Drill) -> dict[str, Any]:
    return {
        "name": drill.name,
        "good": drill.good,
        "bad": drill.bad,
        "untestable": list(drill.untestable),
        "untried": list(drill.untried),
        "stopped": drill.stopped,
        "trials": [{"version": trial.version, **_trial(trial)} for trial in drill.trials],
        "first_bad": None if drill.first_bad is None else _first_bad(drill.first_bad),
    }


def _first_bad(first: FirstBad) -> dict[str, Any]:
    return {
        "commits": [
            {"hash": one.hash, "author": one.author, "date": (one.authored or one.date).isoformat(), "subject": one.subject}
            for one in first.commits
        ],
        "good": first.good,
        "bad": first.bad,
        "between": first.between,
        "repairs": first.repairs,
        "url": first.url,
        "stopped": first.stopped,
        "trials": [{"commit": trial.commit, **_trial(trial)} for trial in first.trials],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {"changes": list(trial.changes), "verdict": trial.verdict, "seconds": round(trial.seconds, 3)}


def _written(found: Bisection, *, marked: bool) -> str:
    shown = markdown if marked else line
    head, item = ("## ", "- ") if marked else ("", "  ")
    lines = [head + _headline(found), ""]
    lines += [item + _change(change, marked=marked) for change in found.culprits]
    lines += ["", *(shown(sentence, 600) for sentence in (*_sentences(found), *_bound(found)))]
    for drill in found.drills:
        lines += ["", *(shown(sentence, 600) for sentence in _drilled(drill))]
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
    told = str(change)
    if change.before is not None and change.after is not None and change.old == change.new:
        sides = (_where(change.before, change.after), _where(change.after, change.before))
        told = f"{told} ({' → '.join(sides) if all(sides) else change.kind})"
    return f"**{markdown(told)}**" if marked else line(told)


def _where(pin: Pin, other: Pin) -> str:
    """What tells a pin from another of the same version: its commit, else its place."""
    if pin.source.kind == "git" and pin.source.location == other.source.location:
        return (pin.source.revision or "")[:12]
    return "" if pin.source == other.source else pin.source.location or pin.source.kind


def _sentences(found: Bisection) -> list[str]:
    said = []
    if found.stopped is not None:
        said.append(f"The search was stopped ({found.stopped}): this is the best answer so far, it may still get smaller.")
        said += _left(found)
    elif found.minimal:
        said.append("Without them it is good, and every largest part of them that can be installed was tried and is good.")
    else:
        said.append("Some parts of them could not be tested: a smaller set may fail too.")
    if found.certainty is not None:
        said.append(f"The verdicts it rests on are right with a probability of {found.certainty:.1%}.")
    return said


def _left(found: Bisection) -> list[str]:
    """Where a search that was stopped would have gone on: what no good mix had."""
    names = [change.name for change in found.culprits]
    good = {name for trial in found.trials if trial.verdict == "good" and trial.package is None for name in trial.changes}
    left = [name for name in names if name not in good]
    return [f"None of the good trials had {', '.join(left)}: look there first."] if 0 < len(left) < len(names) else []


def _bound(found: Bisection) -> list[str]:
    """Which of the culprits had to come along, so that nobody looks for the fault between two that it isn't between."""
    said = []
    names = {change.name for change in found.culprits}
    good = {frozenset(trial.changes) for trial in found.trials if trial.verdict == "good" and trial.package is None}
    for name, others in found.needs if found.stopped is None else ():
        sentence = f"{name} can't be installed without the change of {', '.join(others)}, so that it was never tried without."
        if {name, *others} == names and frozenset(others) in good:
            sentence += f" The rest without {name} is good: look at {name} first."
        said.append(sentence)
    return said


def _drilled(drill: Drill) -> list[str]:
    said = [f"{drill.name} {drill.good} is good, {drill.bad} is bad."]
    if drill.untestable:
        said.append(f"Not testable between them: {', '.join(drill.untestable)}.")
    if drill.stopped is not None:
        said.append(f"The drill was stopped ({drill.stopped}); not tried between them: {', '.join(drill.untried) or 'nothing'}.")
    first = drill.first_bad
    if first is None:
        return said
    one = first.commits[0]
    where = f" {first.url}" if first.url else ""
    if len(first.commits) == 1:
        what = f"The commit that repaired it, and that {drill.bad} lacks, is" if first.repairs else "The first bad commit is"
        return [*said, f"{what} {_commit(one)}{where}"]
    hidden = "the search was stopped" if first.stopped is not None else "the rest could not be tested"
    what = "repaired it" if first.repairs else "made it bad"
    said.append(
        f"One of {len(first.commits)} commits {what} ({hidden}), from {_commit(one)} to {_commit(first.commits[-1])}{where}"
    )
    return said


def _commit(commit: Commit) -> str:
    day = (commit.authored or commit.date).date().isoformat()
    return f"{commit.hash[:12]} of {day} by {commit.author}: {commit.subject}"


def _logged(trial: Trial, every: int) -> str:
    """One line of the log, as git bisect has it."""
    names = ", ".join(trial.changes)
    what = "none of the changes" if not trial.changes else "all of the changes" if len(trial.changes) == every else names
    if trial.package is not None:
        rest = [name for name in trial.changes if name != trial.package]
        at = trial.version or f"commit {(trial.commit or '')[:12]}"
        what = f"{trial.package} at {at}" + (f" with {', '.join(rest)}" if rest else "")
    votes = f", {trial.runs.count(trial.verdict)} of {len(trial.runs)} runs" if len(trial.runs) > 1 else ""
    earlier = ", from an earlier call" if trial.recalled else ""
    return f"{what} ({trial.detail}{votes}, {trial.seconds:.1f} s{earlier})"
