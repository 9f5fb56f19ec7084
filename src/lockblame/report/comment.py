"""The findings of `check` as a comment on a pull request: what matters first, the rest folded, never longer than forges take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lockblame.report.grouping import Named, grouped, told_once
from lockblame.report.hostile import markdown as safe
from lockblame.report.hostile import url
from lockblame.report.markdown import LONGEST
from lockblame.report.phrases import moved

if TYPE_CHECKING:
    from lockblame.model import Delta, Gap, Report, Violation

_ROOM = 400
"""Characters that a section keeps for its frame and for saying what was left out; so much is there for each, come what may."""
_SECTIONS = 8
"""Most sections of a comment."""
LOCKS_SHOWN = 3


def comment(found: Report, verdict: str) -> str:
    """The whole comment; `verdict` is its first sentence. What doesn't fit is counted."""
    page = _Comment()
    page.add(f"**{safe(verdict, 600)}**")
    page.table("", _VIOLATIONS, [_violation(one) for one in found.violations if one.stops])
    groups = (
        ("Warnings", [one for one in found.violations if one.severity == "warning" and one.excuse is None]),
        ("Notes", [one for one in found.violations if one.severity == "note" and one.excuse is None]),
        ("Allowed", [one for one in found.violations if one.excuse is not None]),
    )
    for title, group in groups:
        page.table(title, _VIOLATIONS, [_violation(one) for one in group])
    page.table("Not looked at", ("what", "why"), [_gap(gap) for gap in found.gaps])
    several = len(found.delta.parts) > 1
    for title, rows in _changes(found.delta, several):
        page.table(title, ("package", "before", "after", "what", "why", *(["locks"] if several else [])), rows)
    return page.text()


_VIOLATIONS = ("rule", "change", "finding", "where")


class _Comment:
    """Sections one after the other, as long as there is room."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._left = LONGEST - _SECTIONS * _ROOM

    def add(self, block: str) -> None:
        self._blocks.append(block)
        self._left -= len(block) + 2

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table, folded away below its title where it has one. Such a one leaves half of the room to those that follow."""
        if not rows:
            return
        taken = []
        room = (self._left if not title else self._left // 2) - _ROOM
        for row in rows:
            written = _row(row)
            room -= len(written) + 1
            if room < 0:
                break
            taken.append(written)
        head = [_row(header), _row(["---"] * len(header))] if taken else []
        left = f"\n\n… and {len(rows) - len(taken)} more (`--format json` has all)" if len(taken) < len(rows) else ""
        body = "\n".join([*head, *taken]) + left
        # the blank lines make forges read Markdown inside of the element
        self.add(f"<details><summary>{title} ({len(rows)})</summary>\n\n{body}\n\n</details>" if title else body)

    def text(self) -> str:
        return "\n\n".join(self._blocks) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _violation(one: Violation) -> list[str]:
    address = url(one.url)
    detail = safe(one.detail, 400) + (f" [open](<{address}>)" if address else "")
    if one.excuse is not None:
        detail += f" (allowed until {one.excuse.expires}: {safe(one.excuse.reason)})"
    where = f"{safe(one.path)}:{one.line}" if one.path and one.line else safe(one.path or "")
    return [one.rule, safe(moved(one.change)), detail, where]


def _changes(delta: Delta, several: bool) -> list[tuple[str, list[list[str]]]]:
    """The delta in three groups: what was asked for, what came along, what only came or went; of several locks with theirs."""
    asked: list[list[str]] = []
    along: list[list[str]] = []
    others: list[list[str]] = []
    for entry, locks in told_once(grouped(delta)):
        group = others if entry.kind in ("added", "removed", "rescoped", "refiled") else asked if _direct(entry) else along
        group.append([*_change(entry), *([_named(locks)] if several else [])])
    return [
        ("Changed, asked for by the project itself", asked),
        ("Changed, below other packages", along),
        ("Added, removed and the like", others),
    ]


def _direct(entry: Named) -> bool:
    return any(change.direct for change in entry.changes)


def _change(entry: Named) -> list[str]:
    change = entry.leading
    versions = [", ".join(safe(version, 60) for version in side) or "–" for side in (entry.before, entry.after)]
    kind = f"{entry.kind} ({change.step})" if change.step else entry.kind
    return [safe(entry.name), *versions, kind, safe(change.reason.detail, 200)]


def _named(locks: Sequence[str]) -> str:
    more = f" and {len(locks) - LOCKS_SHOWN} more" if len(locks) > LOCKS_SHOWN else ""
    return ", ".join(safe(lock, 100) for lock in locks[:LOCKS_SHOWN]) + more


def _gap(gap: Gap) -> list[str]:
    hint = f" ({safe(gap.hint, 200)})" if gap.hint else ""
    return [safe(gap.subject, 200), safe(gap.detail) + hint]
