"""A Delta or a Report → one HTML page that needs no network and no script: the answer first, then what it rests on.

Its words are those of the other styles (`answer`, `cases`, `experiments`, `grouping`); here they are set in type and drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lockblame.report.answer import answer, compared, dated
from lockblame.report.cases import resembles
from lockblame.report.experiments import elsewhere, planned
from lockblame.report.html import bars, commands, findings, press, rows, symptoms, trails
from lockblame.report.html.drawing import MIDDLING, NARROW, WIDE, drawn
from lockblame.report.html.timeline import timeline
from lockblame.report.phrases import moved, share
from lockblame.report.proven import proof_sentences
from lockblame.report.verdict import place, subject

if TYPE_CHECKING:
    from lockblame.model import Delta, Report
    from lockblame.report.verdict import Verdict

CASES_SHOWN = 3
SUSPECTS_SHOWN = 8
ISSUES_SHOWN = 10
COMMITS_SHOWN = 30
PATHS_SHOWN = 12
NOTES_SHOWN = 4
ROWS_SHOWN = 12


def delta(found: Delta) -> str:
    """Every change between the two locks as a table that can be sorted and filtered."""
    return press.printed(
        "delta.html.j2",
        delta=found,
        table=rows.table(found),
        commands=commands.of_delta(found),
    )


def report(found: Report) -> str:
    """The whole finding; its top answers which change, why, and which link to open first."""
    suspects = found.suspects[:SUSPECTS_SHOWN]
    matches = found.issues[:ISSUES_SHOWN]
    top = answer(found)
    times = timeline(found)
    scale = bars.scale([*(one.evidence for one in suspects), *(one.evidence for one in matches)])
    return press.printed(
        "report.html.j2",
        report=found,
        delta=found.delta,
        answer=top,
        subject=_subject(found, top.headline),
        proof=tuple(proof_sentences(found.proof)) if found.proof else (),
        missing=tuple(dict.fromkeys((*found.gaps, *(found.proof.gaps if found.proof else ())))),
        symptom=symptoms.shown(found.symptom),
        cases=found.cases[:CASES_SHOWN],
        suspects=[(one, bars.stack(one.evidence, one.score, scale), trails.trails(one.change, found.delta)) for one in suspects],
        matches=[(one, bars.stack(one.evidence, one.score, scale)) for one in matches],
        timeline=times,
        drawings=[drawn(times, width) for width in (WIDE, MIDDLING, NARROW)] if times else [],
        experiments=planned(found),
        elsewhere=tuple(elsewhere(found.deployment)),
        table=rows.table(found.delta, found.suspects),
        commands=commands.of_report(found),
        most={"commits": COMMITS_SHOWN, "paths": PATHS_SHOWN, "notes": NOTES_SHOWN, "rows": ROWS_SHOWN},
        dated=dated,
        compared=compared,
        moved=moved,
        resembles=resembles,
        share=share,
    )


def checked(found: Report, verdict: Verdict) -> str:
    """What `check` found: whether it may go, what stops it, then what else was noticed, rule by rule."""
    return press.printed(
        "check.html.j2",
        report=found,
        delta=found.delta,
        verdict=verdict,
        stops=findings.stopping(found),
        groups=findings.others(found),
        allowed=findings.allowed(found),
        table=rows.table(found.delta),
        commands=commands.of_check(found),
        most=findings.MOST,
        place=place,
        subject=subject,
    )


def explanation(found: Delta, name: str, explained: Sequence[Mapping[str, Any]]) -> str:
    """What `why` tells of one package: its reason, who asks for it, and every path to it."""
    return press.printed("why.html.j2", delta=found, name=name, explained=explained)


def _subject(found: Report, headline: str) -> str:
    """What of the headline is the change that it is about, "" where it is about none."""
    changes = found.proof.culprits if found.proof else tuple(one.change for one in found.suspects[:1])
    return next((name for change in changes if (name := moved(change)) in headline), "")
