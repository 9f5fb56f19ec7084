"""A draft of the postmortem in Markdown: what is known is filled in, what only people know is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from lockblame.model import Delta, Gap, Precedent, Report, Suspect
from lockblame.report import markdown
from lockblame.report.answer import answer, dated, leading
from lockblame.report.cases import resembles
from lockblame.report.experiments import elsewhere, planned
from lockblame.report.hostile import markdown as safe
from lockblame.report.hostile import url
from lockblame.report.phrases import moved, share
from lockblame.report.proven import proof_sentences
from lockblame.report.rollbacks import within
from lockblame.report.sides import sides

STEPS_SHOWN = 20
SUSPECTS_SHOWN = 3
EVIDENCE_SHOWN = 4
COMMITS_SHOWN = 30
RELEASES_SHOWN = 4


def delta(found: Delta) -> str:
    """A comparison alone is no incident: the table of changes."""
    return markdown.delta(found)


def report(found: Report) -> str:
    """The draft, its parts in the order in which a postmortem is read."""
    return "\n\n".join(_blocks(found)) + "\n"


def _blocks(found: Report) -> Iterator[str]:
    yield "# Postmortem (draft)"
    yield safe(answer(found).headline, 600)
    for one in found.cases[:2]:
        yield f"> {safe(_kept_as(one, found) or _recalled(one), 900)}"
    yield "## Symptom"
    yield safe(found.symptom.text, 2_000) if found.symptom else "*To be filled in: what was seen, by whom, since when.*"
    yield "## Time line"
    yield _items(_moments(found)) or "*To be filled in: no dates are known.*"
    yield "## What was deployed"
    yield f"From {safe(found.delta.before.origin)} to {safe(found.delta.after.origin)}."
    # several locks may tell of one step
    steps = list(dict.fromkeys(moved(change) for change in found.delta))
    left = len(steps) - STEPS_SHOWN
    names = ", ".join(map(safe, steps[:STEPS_SHOWN])) or "none"
    yield f"Changed packages ({len(steps)}): {names}" + (f" and {left} more" if left > 0 else "")
    yield "What else could it be:"
    yield (
        _items(safe(one, 600) for one in elsewhere(found.deployment)) or "- nothing that is known of (see what was not looked at)"
    )
    yield "## Suspects"
    for suspect in _leading(found):
        yield _suspect(suspect, found)
    yield "## Proof"
    yield from _proof(found)
    yield "## Way back"
    yield from _way_back(found)
    gaps = _gaps(found)
    yield f"## What was not looked at ({len(gaps)})"
    yield _items(f"{safe(gap.subject)}: {safe(gap.detail)}" for gap in gaps) or "- nothing that lockblame knows of"
    yield "## What we change so that it doesn't happen again"
    yield "*To be filled in.*"


def _kept_as(one: Precedent, found: Report) -> str | None:
    """That the case is this very incident, when it is: the same words of the same deploy. It resembles itself too well."""
    steps = {f"{change.name} {change.old or '(none)'} → {change.new or '(none)'}" for change in found.delta}
    same = found.symptom is not None and one.case.symptom.split() == found.symptom.text.split()
    if same and one.case.changes and steps.issuperset(one.case.changes):
        return f"This incident is kept as the case {one.case.id}."
    return None


def _recalled(one: Precedent) -> str:
    """What it looks like, and what helped then."""
    helped = f" What helped then: {one.case.workaround}" if one.case.workaround else ""
    return f"{resembles(one)}{helped} (lockblame cases show {one.case.id})"


def _items(rows: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(f"- {row}" for row in rows)


def _leading(found: Report) -> list[Suspect]:
    """The first suspects; those that are proven before all others, whatever their rank."""
    proven = [one for one in found.suspects if found.proof is not None and found.proof.proves(one.change)]
    return [*proven, *(one for one in found.suspects if one not in proven)][: max(SUSPECTS_SHOWN, len(proven))]


def _moments(found: Report) -> list[str]:
    """Everything that has a day: releases and reports of the suspects, and the commits of the deploy, in one order."""
    commits = found.deployment.commits if found.deployment else ()
    rows = [(one.date, f"commit {safe(one.hash[:10])} “{safe(one.subject)}”") for one in commits[:COMMITS_SHOWN]]
    for suspect in _leading(found):
        rows += _released(suspect)
        for match in suspect.matches[:1]:
            if match.issue.created_at is not None:
                where = safe(f"{match.issue.repository}#{match.issue.number}")
                rows.append((match.issue.created_at, f"upstream report {where} opened: “{safe(match.issue.title)}”"))
    return [f"{at.isoformat(timespec='minutes')}: {told}" for at, told in sorted(((_aware(at), told) for at, told in rows))]


def _released(suspect: Suspect) -> Iterator[tuple[datetime, str]]:
    """The releases of the step, the last ones where they are many; the first and the last are the ones that were deployed."""
    old, new = suspect.change.old, suspect.change.new
    dated = [one for one in suspect.releases if one.uploaded is not None]
    for one in [*(one for one in dated[:-RELEASES_SHOWN] if one.version == old), *dated[-RELEASES_SHOWN:]]:
        role = ", deployed before" if one.version == old else ", the one that was deployed" if one.version == new else ""
        if one.uploaded is not None:
            yield one.uploaded, f"{safe(suspect.change.name)} {safe(one.version)} released upstream{role}"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _suspect(suspect: Suspect, found: Report) -> str:
    # what is proven is no matter of likelihood any more
    likely = share(suspect)
    if found.proof is not None:
        culprit = found.proof.proves(suspect.change)
        likely = (
            f"proven; the ranking alone gave it {likely}" if culprit else f"{likely} by the ranking, not among what is proven"
        )
    rows = [f"{safe(moved(suspect.change))} ({likely})"]
    # most of the evidence is about the report, so that it comes behind it
    for match in suspect.matches[:1]:
        address = url(match.issue.url)
        rows.append(f"  - upstream: “{safe(match.issue.title)}” ({safe(dated(match))})" + (f" <{address}>" if address else ""))
    rows += [f"  - {safe(one.detail)}" for one in leading(suspect.evidence, EVIDENCE_SHOWN)]
    return "- " + "\n".join(rows)


def _proof(found: Report) -> Iterator[str]:
    if found.proof is not None:
        links = [f"<{link}>" for one in found.proof.narrowed if (link := url(one.url))]
        yield _items([*(safe(one, 600) for one in proof_sentences(found.proof)), *links])
        return
    yield "Not proven yet: a ranking is a hypothesis. Experiments that settle it (or let `lockblame bisect` run them):"
    yield _items([markdown.experiment(one) for one in planned(found)]) or "- none: nothing is under suspicion"


def _way_back(found: Report) -> Iterator[str]:
    if found.way_back is not None:
        yield from within(found.way_back)
        return
    if not found.suspects:
        yield "*To be filled in.*"
        return
    # it is there to be copied to a shell: only what is a package's name stands in it
    name = found.suspects[0].change.name
    name = name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}", name) else "NAME"
    told = "shows the edit, `--check` what else it moves, `--write` makes it."
    yield f"`lockblame rollback {sides(found.delta)} --package {name}` {told}"


def _gaps(found: Report) -> tuple[Gap, ...]:
    """Those of the report, of the proof and of the way back, each once."""
    proof = found.proof.gaps if found.proof else ()
    way = found.way_back.gaps if found.way_back else ()
    return tuple(dict.fromkeys((*found.gaps, *proof, *way)))
