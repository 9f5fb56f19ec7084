"""The report as Markdown for a chat, a pull request or a postmortem: the same order as in the terminal."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from lockblame.report.answer import answer, compared, dated, weighed
from lockblame.report.cases import resembles
from lockblame.report.experiments import Experiment, elsewhere, planned
from lockblame.report.grouping import Named, by_lock, grouped
from lockblame.report.hostile import markdown as safe
from lockblame.report.hostile import url
from lockblame.report.phrases import moved, share, trail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lockblame.model import Delta, Deployment, Evidence, Gap, Match, Precedent, Report, Suspect

CASES_SHOWN = 2
SUSPECTS_SHOWN = 20
ISSUES_SHOWN = 10
EVIDENCE_SHOWN = 12
LONGEST = 60_000
"""Characters. GitHub refuses comments of more than 65,536, and Gitea and GitLab take more."""


def delta(found: Delta) -> str:
    """Every change between the two locks as a table."""
    title = f"## {len(grouped(found))} changed between {safe(found.before.origin)} and {safe(found.after.origin)}"
    return _page([title, *_changes(found), *_gaps(found.gaps)])


def report(found: Report) -> str:
    """The finding; its top answers which change, why, and which link to open first. It fits into a forge's comment: of very many
    changes, those that don't are counted."""
    above = [
        *_cases(found.cases),
        *_answer(found),
        *_suspects(found.suspects),
        *_experiments(found),
        *_elsewhere(found.deployment),
        *_issues(found.issues),
        f"## What changed between {safe(found.delta.before.origin)} and {safe(found.delta.after.origin)}",
    ]
    below = [*_deployment(found.deployment), *_gaps(found.gaps)]
    room = LONGEST - sum(len(block) + 2 for block in (*above, *below))
    return _page([*above, *_changes(found.delta, room), *below])


def _page(blocks: Sequence[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _reference(match: Match) -> str:
    label = safe(f"{match.issue.repository}#{match.issue.number}")
    address = url(match.issue.url)
    # parentheses would end the link's target early
    return f"[{label}](<{address}>)" if address else label


def _cases(precedents: Sequence[Precedent]) -> list[str]:
    """The past incidents that this looks like, as a quotation above everything."""
    blocks = []
    for one in precedents[:CASES_SHOWN]:
        helped = f" What helped then: {safe(one.case.workaround)}" if one.case.workaround else ""
        link = f" <{address}>" if (address := url(one.case.issue)) else ""
        blocks.append(f"> **{safe(resembles(one), 600)}**{helped}{link}")
    return blocks


def _answer(found: Report) -> list[str]:
    top = answer(found)
    blocks = [f"# {safe(top.headline, 600)}"]
    if top.what:
        blocks.append(f"What it is: {safe(top.what)}")
    if top.how:
        blocks.append(f"How it came in: {safe(top.how, 600)}.")
    if top.commit:
        blocks.append(f"Brought by commit {safe(top.commit, 400)}.")
    if top.first is not None:
        blocks.append(f"**Open first:** {_reference(top.first)} “{safe(top.first.issue.title)}” ({safe(dated(top.first))})")
    evidence = top.first.evidence if top.first else top.because
    return [*blocks, *_weights(evidence)]


def _weights(evidence: Sequence[Evidence]) -> list[str]:
    if not evidence:
        return []
    rows = [[weight, safe(detail)] for weight, detail in weighed(tuple(evidence), EVIDENCE_SHOWN)]
    return [_table(["weight", "because"], rows)]


def _suspects(suspects: Sequence[Suspect]) -> list[str]:
    if not suspects:
        return []
    rows = []
    for place, suspect in enumerate(suspects[:SUSPECTS_SHOWN], 1):
        paths = suspect.change.paths_after or suspect.change.paths_before
        by = safe(trail(paths[0][:-1])) if paths else "unknown"
        address = compared(suspect)
        change = f"[{safe(moved(suspect.change))}](<{address}>)" if address else safe(moved(suspect.change))
        rows.append([str(place), change, share(suspect), f"{suspect.score:.2f}", by])
    table = _table(["", "change", "share", "score", "comes in by"], rows)
    return ["## Suspects", table, *_more(len(suspects) - SUSPECTS_SHOWN)]


def _issues(matches: Sequence[Match]) -> list[str]:
    if not matches:
        return []
    items = [
        f"{place}. {_reference(match)} “{safe(match.issue.title)}” "
        f"({safe(match.package)}, {safe(dated(match))}, score {match.score:.2f})"
        for place, match in enumerate(matches[:ISSUES_SHOWN], 1)
    ]
    return ["## Upstream reports that fit best", "\n".join(items), *_more(len(matches) - ISSUES_SHOWN)]


def _experiments(found: Report) -> list[str]:
    items = [f"{place}. {experiment(one)}" for place, one in enumerate(planned(found), 1)]
    return ["## What to try", "\n".join(items)] if items else []


def experiment(one: Experiment) -> str:
    """What to try, as one line of a list; the command for it is code, to be copied."""
    # its words can't end the code: they are a shell's words, without quotes of any kind
    way = f" (`{one.edit}` has the edit and what goes along)" if one.edit else ""
    return f"{safe(one.put_back, 300)}{way}, {safe(one.run)}. {safe(one.expect)}."


def _elsewhere(deployment: Deployment | None) -> list[str]:
    items = [f"- {safe(one, 600)}" for one in elsewhere(deployment)]
    return ["## What else it could be, of the same deploy", "\n".join(items)] if items else []


def _changes(found: Delta, room: int | None = None) -> list[str]:
    """The changes as one table a lock; in a `room` of so many characters as far as they fit, what locks have alike told once."""
    locks = by_lock(grouped(found), once=room is not None)
    if not locks:
        return ["Nothing changed."]
    blocks = []
    left = sum(len(entries) for _, entries, _ in locks)
    for lock, entries, alike in locks:
        rows = [_row(entry) for entry in entries]
        sizes = accumulate(len(" | ".join(cells)) + 5 for cells in rows)
        fitting = len(rows) if room is None else sum(size <= room for size in sizes)
        if rows and not fitting:
            break
        title = [f"### {safe(lock or '')}"] if len(locks) > 1 else []
        table = [_table(["package", "before", "after", "what", "comes in by", "why"], rows[:fitting])] if rows else []
        same = [f"{'… and ' if rows else ''}{alike} as above"] if alike else []
        blocks += [*title, *table, *same]
        room = None if room is None else room - sum(len(block) + 2 for block in (*title, *table, *same))
        left -= fitting
    return [*blocks, *_more(left)]


def _more(left: int) -> list[str]:
    return [f"… and {left} more (`--format json` has all)"] if left > 0 else []


def _row(entry: Named) -> list[str]:
    change = entry.leading
    paths = change.paths_after or change.paths_before
    by = ("the project itself" if change.direct else safe(trail(paths[0][:-1]))) if paths else ""
    kind = f"{entry.kind} ({change.step})" if change.step else entry.kind
    versions = [", ".join(safe(version, 60) for version in side) or "–" for side in (entry.before, entry.after)]
    return [safe(entry.name), *versions, kind, by, safe(change.reason.detail)]


def _deployment(deployment: Deployment | None) -> list[str]:
    if deployment is None or not deployment.commits:
        return []
    rows = [[kind, safe(", ".join(paths[:6]), 400), str(len(paths))] for kind, paths in deployment.touched.items()]
    title = f"## What else the deploy brought (commits: {len(deployment.commits)})"
    return [title, _table(["kind", "paths", "number"], rows)]


def _gaps(gaps: Sequence[Gap]) -> list[str]:
    if not gaps:
        return []
    items = [f"- {safe(gap.subject)}: {safe(gap.detail)}" + (f" ({safe(gap.hint)})" if gap.hint else "") for gap in gaps]
    return [f"## Not looked at ({len(gaps)})", "\n".join(items)]
