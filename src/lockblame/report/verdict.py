"""What `check` says first, and where a finding is, in words that every style uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockblame.report.grouping import grouped, told_once
from lockblame.report.hostile import line
from lockblame.report.phrases import counted, moved

if TYPE_CHECKING:
    from lockblame.model import Report, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether it may go: `head` says it, `changed` packages were looked at, `besides` is what else was found and what was not."""

    stops: bool
    head: str
    changed: int
    besides: str


def verdict(found: Report) -> Verdict:
    """The first thing that every style says."""
    stopping = sum(one.stops for one in found.violations)
    others = {"warning": 0, "note": 0}
    for one in found.violations:
        if not one.stops and one.excuse is None:
            others[one.severity] += 1
    excused = sum(one.excuse is not None for one in found.violations)
    parts = [counted(others["warning"], "warning"), counted(others["note"], "note"), f"{excused} allowed" if excused else ""]
    head = f"Stop: {counted(stopping, 'finding')} against the policy" if stopping else "Go: nothing stops this deploy"
    besides = ", ".join(part for part in parts if part)
    return Verdict(stops=bool(stopping), head=head, changed=len(told_once(grouped(found.delta))), besides=besides)


def sentence(found: Report) -> str:
    """The verdict as one sentence. What was not looked at is no part of what it says is harmless, so it is in it."""
    said = verdict(found)
    between = f"{said.changed} changed between {line(found.delta.before.origin)} and {line(found.delta.after.origin)}"
    unseen = f"{len(found.gaps)} not looked at" if found.gaps else ""
    rest = ", ".join(part for part in (said.besides, unseen) if part)
    return f"{said.head} ({between}{'; ' + rest if rest else ''})"


def place(violation: Violation) -> str:
    """Where to look: the file and, where known, the line; "" where the finding tells it itself."""
    if violation.path is None:
        return ""
    where = f"{violation.path}:{violation.line}" if violation.line else violation.path
    return "" if violation.detail.startswith(f"{where} ") else where


def subject(violation: Violation) -> str:
    """The change, where the finding itself doesn't tell its package and both its versions."""
    change = violation.change
    told = all(part and part in violation.detail for part in (change.name, change.old, change.new))
    return "" if told else moved(change)
