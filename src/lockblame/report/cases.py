"""Cases for people: a line each, or whole. Their text is as little to be trusted as any other from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockblame.model import Case, Precedent
from lockblame.report.columns import laid, wrapped
from lockblame.report.hostile import line, url
from lockblame.report.ink import inked


def resembles(one: Precedent) -> str:
    """`This looks like the incident of 2024-03-02: “Workers slow down” (kombu 5.3.1 → 5.3.2).`"""
    case = one.case
    culprit = f" ({line(case.culprit)})" if case.culprit else ""
    return f"This looks like the incident of {case.date.isoformat()}: “{line(case.title)}”{culprit}."


def listed(cases: Iterable[Case], width: int = 100, colour: bool = False) -> str:
    """All of them as a table."""
    rows = [(case.date.isoformat(), line(case.id, 80), line(case.title), line(case.culprit)) for case in cases]
    if not rows:
        return "There are no cases yet.\n"
    head, body = laid(("date", "id", "title", "culprit"), rows, width)
    return "\n".join([*(inked(row, "dim", colour) for row in head), *body]) + "\n"


def whole(case: Case, width: int = 100, colour: bool = False) -> str:
    """One with all that it holds."""
    return "\n".join(_rows(case, width, colour)) + "\n"


def _rows(case: Case, width: int, colour: bool) -> Iterator[str]:
    title = wrapped(f"{case.date.isoformat()}  {line(case.title)}", width)
    yield from (inked(row, "bold", colour) for row in title)
    yield from wrapped(f"Symptom: {line(case.symptom, 2_000)}", width, "  ")
    for label, value in (("Culprit", case.culprit), ("Proof", case.proof), ("Workaround", case.workaround)):
        if value:
            yield from wrapped(f"{label}: {line(value, 2_000)}", width, "  ")
    for label, link in (("Issue", case.issue), *(("Link", link) for link in case.links)):
        if link:
            yield f"  {label}: {inked(url(link) or line(link), 'link', colour)}"
    for change in case.changes:
        yield from wrapped(f"Changed: {line(change)}", width, "  ", "    ")
    for moment in case.timeline:
        yield from wrapped(f"{line(moment.at, 60)}: {line(moment.event)}", width, "  ", "    ")


def found(precedents: Iterable[Precedent], width: int = 100, colour: bool = False) -> str:
    """Those that resemble a symptom, each with what they share."""
    rows: list[str] = []
    for one in precedents:
        rows += [inked(row, "bold", colour) for row in wrapped(resembles(one), width)]
        rows += wrapped(f"{line(one.case.id)}, score {one.score:.2f}", width, "  ")
        for each in sorted(one.evidence, key=lambda item: -item.weight)[:4]:
            rows += wrapped(f"{each.weight:+6.2f}  {line(each.detail)}", width, "  ", " " * 10)
    return "\n".join(rows or ["No case resembles that."]) + "\n"
