"""The report for a terminal or a pipe: the answer first, then suspects, upstream reports, all changes, and what is missing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lockblame.model import Delta, Deployment, Evidence, Gap, Match, Report, Suspect
from lockblame.report.answer import answer, dated, leading, link, moved, share, trail
from lockblame.report.grouping import Named, grouped
from lockblame.report.hostile import line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SUSPECTS_SHOWN = 8
ISSUES_SHOWN = 8


def delta(found: Delta, *, width: int = 100, colour: bool = False) -> str:
    """Every change between the two locks as a table."""
    page = _Page(width, colour)
    page.say(f"{len(grouped(found))} changed between {line(found.before.origin)} and {line(found.after.origin)}", "bold")
    page.changes(found)
    page.gaps(found.gaps)
    return page.text()


def report(found: Report, *, width: int = 100, colour: bool = False) -> str:
    """The whole finding; its top answers which change, why, and which link to open first."""
    page = _Page(width, colour)
    page.answer(found)
    page.suspects(found.suspects)
    page.issues(found.issues)
    page.heading(f"What changed between {line(found.delta.before.origin)} and {line(found.delta.after.origin)}")
    page.changes(found.delta)
    page.deployment(found.deployment)
    page.gaps(found.gaps)
    return page.text()


class _Page:
    """A sheet of `width` columns that is written from top to bottom."""

    def __init__(self, width: int, colour: bool) -> None:
        from rich.console import Console

        self._file = io.StringIO()
        self._console: Console = Console(
            file=self._file,
            width=max(width, 40),
            force_terminal=colour,
            no_color=not colour,
            color_system="standard" if colour else None,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )

    def text(self) -> str:
        lines = [row.rstrip() for row in self._file.getvalue().split("\n")]
        # a table ends with an empty row, and so begins a heading: one is enough
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"

    def say(self, sentence: str, style: str = "", indent: int = 0) -> None:
        from rich.padding import Padding
        from rich.text import Text

        self._console.print(Padding(Text(sentence, style=style, overflow="fold"), (0, 0, 0, indent)))

    def link(self, label: str, address: str) -> None:
        """A link is never wrapped: a broken address can't be opened."""
        self._console.print(f"  {label}{address}", soft_wrap=True, style="cyan")

    def heading(self, title: str) -> None:
        self._console.print()
        self.say(title, "bold")

    def answer(self, found: Report) -> None:
        top = answer(found)
        self.say(top.headline, "bold")
        if top.how:
            self.say(f"How it came in: {top.how}.", indent=2)
        if top.first is not None:
            self.link("Open first: ", link(top.first))
            self.say(f"“{line(top.first.issue.title)}” ({dated(top.first)})", indent=2)
        evidence = leading(top.first.evidence) if top.first else top.because
        if evidence:
            self.say("Why:", indent=2)
            self.evidence(evidence)

    def evidence(self, evidence: Iterable[Evidence]) -> None:
        from rich.padding import Padding

        table = self._table()
        table.add_column(justify="right", no_wrap=True)
        table.add_column(overflow="fold", ratio=1)
        for one in evidence:
            table.add_row(f"{one.weight:+.2f}", line(one.detail))
        self._console.print(Padding(table, (0, 0, 0, 3)))

    def suspects(self, suspects: Sequence[Suspect]) -> None:
        if not suspects:
            return
        self.heading("Suspects")
        table = self._table("", "change", "share", "score", "comes in by")
        for place, suspect in enumerate(suspects[:SUSPECTS_SHOWN], 1):
            paths = suspect.change.paths_after or suspect.change.paths_before
            by = trail(paths[0][:-1]) if paths else "unknown"
            table.add_row(str(place), moved(suspect.change), share(suspect), f"{suspect.score:.2f}", by)
        self._console.print(table)
        self.more(len(suspects) - SUSPECTS_SHOWN, "suspects")

    def issues(self, matches: Sequence[Match]) -> None:
        if not matches:
            return
        self.heading("Upstream reports that fit best")
        for place, match in enumerate(matches[:ISSUES_SHOWN], 1):
            self.say(f"{place}. {line(match.issue.title)}", indent=0)
            self.link(" ", link(match))
            self.say(f"{match.package}, {dated(match)}, score {match.score:.2f}", "dim", indent=3)
        self.more(len(matches) - ISSUES_SHOWN, "reports")

    def changes(self, found: Delta) -> None:
        entries = grouped(found)
        locks = {entry.lock for entry in entries}
        for lock in sorted(locks, key=lambda name: name or ""):
            if len(locks) > 1:
                self.say(line(lock or ""), "bold")
            table = self._table("package", "before", "after", "what", "comes in by")
            for entry in entries:
                if entry.lock == lock:
                    table.add_row(*_row(entry))
            self._console.print(table)
        if not entries:
            self.say("Nothing changed.")

    def deployment(self, deployment: Deployment | None) -> None:
        if deployment is None or not deployment.commits:
            return
        self.heading(f"What else the deploy brought (commits: {len(deployment.commits)})")
        for kind, paths in deployment.touched.items():
            shown = ", ".join(line(path, 80) for path in paths[:4])
            self.say(f"{kind}: {shown}" + (f" and {len(paths) - 4} more" if len(paths) > 4 else ""), indent=2)

    def gaps(self, gaps: Sequence[Gap]) -> None:
        if not gaps:
            return
        self.heading(f"Not looked at ({len(gaps)})")
        for gap in gaps:
            hint = f" ({line(gap.hint)})" if gap.hint else ""
            self.say(f"- {line(gap.subject)}: {line(gap.detail)}{hint}", indent=0)

    def more(self, left: int, what: str) -> None:
        if left > 0:
            self.say(f"… and {left} more {what} (--format json has all)", "dim", indent=2)

    def _table(self, *columns: str) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD if columns else None, show_header=bool(columns), pad_edge=False, header_style="dim")
        for column in columns:
            table.add_column(column, overflow="fold", justify="right" if column in ("share", "score") else "left")
        return table


def _row(entry: Named) -> tuple[str, str, str, str, str]:
    change = entry.leading
    paths = change.paths_after or change.paths_before
    by = ("the project itself" if change.direct else trail(paths[0][:-1])) if paths else ""
    step = f" ({change.step})" if change.step else ""
    return (line(entry.name), _versions(entry.before), _versions(entry.after), entry.kind + step, by)


def _versions(versions: tuple[str, ...]) -> str:
    return ", ".join(line(version, 60) for version in versions) or "-"
