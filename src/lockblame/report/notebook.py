"""Findings as a notebook shows them: a table each as HTML, the same as text; and as records for data frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch
from typing import Any, TypeGuard

from lockblame.model import Change, Delta, Pin, Report, Snapshot, Suspect, Violation
from lockblame.report.answer import answer
from lockblame.report.hostile import line
from lockblame.report.phrases import moved, share, trail
from lockblame.report.verdict import place, sentence

MOST = 50
"""Rows that a notebook's cell shows; `.rows()` has all."""
REPORTS, GAPS = 5, 5


def bundle(found: object) -> Mapping[str, str]:
    """The cell by MIME type."""
    from lockblame.report.html import press

    header, lines = _table(found)
    page = press.printed(
        "cell.html.j2",
        title=title(found),
        told=_answered(found),
        first=answer(found).first if _blamed(found) else None,
        header=header,
        lines=lines[:MOST],
        left=max(0, len(lines) - MOST),
        matches=found.issues[:REPORTS] if _blamed(found) else (),
        gaps=found.gaps[:GAPS] if isinstance(found, Report | Delta) else (),
        unsaid=max(0, len(found.gaps) - GAPS) if isinstance(found, Report | Delta) else 0,
    )
    return {"text/html": page, "text/plain": text(found)}


def _blamed(found: object) -> TypeGuard[Report]:
    return isinstance(found, Report) and not found.checked


def _answered(found: object) -> tuple[tuple[str, str], ...]:
    """What a report's answer rests on, so that who knows nothing of the package needn't ask on."""
    if not _blamed(found):
        return ()
    top = answer(found)
    told = (("What it is", top.what), ("How it came in", top.how), ("Brought by commit", top.commit))
    return tuple((name, text) for name, text in told if text)


def title(found: object) -> str:
    """The finding in one line."""
    if isinstance(found, Report):
        told = sentence(found) if found.checked else answer(found).headline
    elif isinstance(found, Suspect):
        told = f"{moved(found.change)}: {share(found)}, score {found.score:.2f}"
    elif isinstance(found, Delta):
        told = f"{len(found)} changes between {found.before.origin} and {found.after.origin}"
    else:
        told = f"{found.origin}: {len(found)} pins" if isinstance(found, Snapshot) else ""
    return line(told)


def text(found: object) -> str:
    """The finding as lines of text."""
    from lockblame.report import render

    if isinstance(found, Report | Delta):
        return render(found).rstrip("\n")
    lines = _table(found)[1]
    rows = ["  " + "  ".join(line(cell) for cell in cells if cell) for cells in lines[:MOST]]
    left = len(lines) - MOST
    return "\n".join([title(found), *rows, *([f"  … and {left} more"] if left > 0 else [])])


@singledispatch
def _table(found: object) -> tuple[list[str], list[list[str]]]:
    """The cell's columns and its rows."""
    raise TypeError(f"{type(found).__name__} has no table")


@_table.register
def _(found: Snapshot) -> tuple[list[str], list[list[str]]]:
    lines = [[pin.name, pin.version or "", pin.source.kind, pin.marker or ""] for pin in found]
    return ["package", "version", "source", "marker"], lines


@_table.register
def _(found: Delta) -> tuple[list[str], list[list[str]]]:
    lines = [[one.name, one.old or "–", one.new or "–", _kind(one), _way(one), one.reason.detail] for one in found]
    return ["package", "before", "after", "what", "comes in by", "why"], lines


@_table.register
def _(found: Report) -> tuple[list[str], list[list[str]]]:
    if found.checked:
        findings = [[one.rule, one.severity if one.excuse is None else "allowed", *_told(one)] for one in found.violations]
        return ["rule", "severity", "change", "finding", "where"], findings
    lines = [[moved(one.change), share(one), f"{one.score:.2f}", _way(one.change)] for one in found.suspects]
    return ["change", "share", "score", "comes in by"], lines


def _told(one: Violation) -> list[str]:
    return [moved(one.change), one.detail, place(one)]


@_table.register
def _(found: Suspect) -> tuple[list[str], list[list[str]]]:
    lines = [[f"{one.weight:+.2f}", one.kind, one.detail] for one in sorted(found.evidence, key=lambda one: -one.weight)]
    return ["weight", "kind", "because"], lines


def _kind(change: Change) -> str:
    return f"{change.kind} ({change.step})" if change.step else change.kind


def _way(change: Change) -> str:
    paths = change.paths_after or change.paths_before
    return trail(paths[0][:-1]) if paths else ""


# --- records ---------------------------------------------------------------------------------------------------------


@singledispatch
def rows(found: object) -> Iterator[dict[str, Any]]:
    """One flat record for each pin, change, suspect or piece of evidence; the keys are the same in each."""
    raise TypeError(f"{type(found).__name__} has no rows")


@rows.register
def _(found: Snapshot) -> Iterator[dict[str, Any]]:
    for part in found.parts or (found,):
        for pin in part:
            yield {"lock": part.path, **_pin(pin)}


def _pin(pin: Pin) -> dict[str, Any]:
    return {
        "name": pin.name,
        "version": pin.version,
        "source": pin.source.kind,
        "location": pin.source.location,
        "revision": pin.source.revision,
        "marker": pin.marker,
        "extras": ",".join(pin.extras),
        "groups": ",".join(pin.groups),
        "optional": pin.optional,
        "line": pin.line,
    }


@rows.register
def _(found: Delta) -> Iterator[dict[str, Any]]:
    for change in found:
        yield _change(change)


def _change(change: Change) -> dict[str, Any]:
    return {
        "lock": change.lock,
        "name": change.name,
        "kind": change.kind,
        "step": change.step,
        "before": change.old,
        "after": change.new,
        "direct": change.direct,
        "source_changed": change.source_changed,
        "artifacts_changed": change.artifacts_changed,
        "by": _way(change),
        "reason": change.reason.kind,
        "why": change.reason.detail,
    }


@rows.register
def _(found: Report) -> Iterator[dict[str, Any]]:
    for rank, suspect in enumerate(found.suspects, 1):
        best = suspect.matches[0].issue if suspect.matches else None
        commit = suspect.commits[0] if suspect.commits else None
        yield {
            "place": rank,
            **_change(suspect.change),
            "score": suspect.score,
            "probability": suspect.probability,
            "reports": len(suspect.matches),
            "report": f"{best.repository}#{best.number}" if best else None,
            "title": best.title if best else None,
            "url": best.url if best else None,
            "opened": best.created_at if best else None,
            "commit": commit.hash if commit else None,
        }


@rows.register
def _(found: Suspect) -> Iterator[dict[str, Any]]:
    for one in found.evidence:
        yield {"name": found.change.name, "kind": one.kind, "weight": one.weight, "detail": one.detail, "url": one.url}
