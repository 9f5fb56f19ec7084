"""What a report says first, in sentences: which change, why, which link to open. The styles only set it in type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockblame.report.hostile import line, url
from lockblame.report.phrases import moved, share, trail
from lockblame.report.proven import proven

if TYPE_CHECKING:
    from lockblame.model import Change, Commit, Delta, Evidence, Match, Report, Suspect

REASONS_SHOWN = 6
HALF = 0.5
"""The share below which all others together are more suspicious than the first: whoever reads only one line should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`headline` one sentence; `what` the package calls itself; `how` the change came in; `commit` the one that brought it;
    `because` its evidence; `first` the issue to open first."""

    headline: str
    what: str | None = None
    how: str | None = None
    commit: str | None = None
    because: tuple[Evidence, ...] = ()
    first: Match | None = None


def answer(report: Report) -> Answer:
    """The top of the report. When nothing fits, it says so instead of pretending."""
    if not report.delta:
        return Answer(headline=f"Nothing changed between {_between(report.delta)}: the cause is elsewhere.")
    if not report.suspects:
        return Answer(headline="Nothing could be ranked: no change is under suspicion.")
    suspect = _foremost(report)
    if suspect is None:
        return Answer(headline=_proven(report))
    subject = moved(suspect.change)
    if report.proof is not None:
        headline = _proven(report)
    elif report.symptom is None:
        headline = f"No symptom was given; the most suspicious change by itself is {subject}."
    elif not report.issues and not report.conclusive:
        headline = f"No upstream report was looked at; the most suspicious change by itself is {subject} ({share(suspect)})."
    elif not report.conclusive:
        headline = f"No upstream report fits the symptom; the most suspicious change is {subject} ({share(suspect)})."
    elif suspect.probability < HALF:
        headline = f"No change stands out; the most suspicious of {len(report.suspects)} is {subject} ({share(suspect)})."
    else:
        headline = f"Most likely to blame: {subject} ({share(suspect)})."
    first = _first(report, suspect)
    commit = brought(suspect.commits[0]) if suspect.commits else None
    what = f"“{line(suspect.summary)}”" if suspect.summary else None
    return Answer(headline=headline, what=what, how=how(suspect.change), commit=commit, because=suspect.evidence, first=first)


def _foremost(report: Report) -> Suspect | None:
    """The suspect that the answer is about: the one that is proven, whatever its rank, else the first."""
    if report.proof is None:
        return report.suspects[0]
    return next((one for one in report.suspects if report.proof.proves(one.change)), None)


def _proven(report: Report) -> str:
    return f"{proven(report.proof)}." if report.proof else ""


def _between(delta: Delta) -> str:
    return f"{line(delta.before.origin)} and {line(delta.after.origin)}"


def _first(report: Report, suspect: Suspect) -> Match | None:
    if not report.conclusive:
        return None
    return next((match for match in report.issues if match.package == suspect.change.name), None)


def how(change: Change) -> str | None:
    """How the change came in: its path from the project, and why it moved where that is known."""
    paths = change.paths_after or change.paths_before
    parts = [trail(paths[0])] if paths else []
    if change.reason.detail:
        parts.append(line(change.reason.detail))
    return "; ".join(parts) or None


def brought(commit: Commit) -> str:
    """`1a2b3c4d5e of 2023-09-09, "Lock again" (A. Developer)`."""
    day = commit.date.date().isoformat()
    return f"{line(commit.hash[:10])} of {day}, “{line(commit.subject, 120)}” ({line(commit.author, 60)})"


def leading(evidence: tuple[Evidence, ...], shown: int = REASONS_SHOWN) -> tuple[Evidence, ...]:
    """The evidence that speaks for it, heaviest first; where nothing does, what there is."""
    speaking = [one for one in evidence if round(one.weight, 2) > 0] or evidence
    return tuple(sorted(speaking, key=lambda one: -one.weight)[:shown])


def weighed(evidence: tuple[Evidence, ...], shown: int = REASONS_SHOWN) -> tuple[tuple[str, str], ...]:
    """The leading evidence as weights and words; the rest is one row more, so that whoever adds up comes to the score."""
    told = leading(evidence, shown)
    rest = [one for one in evidence if not any(one is other for other in told)]
    rows = [(f"{one.weight:+.2f}", line(one.detail)) for one in (*told, *(rest if len(rest) == 1 else ()))]
    if len(rest) > 1:
        left = round(sum(one.weight for one in evidence), 2) - sum(round(one.weight, 2) for one in told)
        heaviest = max(rest, key=lambda one: abs(one.weight))
        rows.append((f"{left:+.2f}", f"{len(rest)} more; the heaviest ({heaviest.weight:+.2f}): {line(heaviest.detail)}"))
    return tuple(rows)


def compared(suspect: Suspect) -> str | None:
    """Where the commits between the two versions can be read, if that is known."""
    return url(suspect.comparison.url) if suspect.comparison is not None else None


def link(match: Match) -> str:
    """Where the issue can be read, or its name where the address is not one."""
    return url(match.issue.url) or f"{line(match.issue.repository)}#{match.issue.number}"


def dated(match: Match) -> str:
    """`opened 2023-09-04, closed by pull request 9, merged 2023-09-19`."""
    issue = match.issue
    closer = f" by {line(issue.fixed_by, 100)}" if issue.fixed_by else ""
    kind = "pull request, " if issue.pull_request else ""
    opened = f"opened {issue.created_at.date().isoformat()}" if issue.created_at else "opened on an unknown day"
    return f"{kind}{opened}, {line(issue.state, 20)}{closer}"
