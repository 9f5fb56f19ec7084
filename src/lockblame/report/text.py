"""The report for a terminal or a pipe: the answer first, then suspects, upstream reports, all changes, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockblame.report.answer import answer, compared, dated, link, weighed
from lockblame.report.cases import resembles
from lockblame.report.columns import LEAST, laid, wrapped
from lockblame.report.experiments import ELSEWHERE, Experiment, elsewhere, planned
from lockblame.report.grouping import Named, by_lock, grouped
from lockblame.report.hostile import line, url
from lockblame.report.ink import inked
from lockblame.report.phrases import moved, share, trail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lockblame.model import Delta, Deployment, Gap, Match, Precedent, Report, Suspect

CASES_SHOWN = 2
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
    page.cases(found.cases)
    page.answer(found)
    page.suspects(found.suspects)
    page.experiments(planned(found))
    page.elsewhere(tuple(elsewhere(found.deployment)))
    page.issues(found.issues)
    page.heading(f"What changed between {line(found.delta.before.origin)} and {line(found.delta.after.origin)}")
    page.changes(found.delta, once=True)
    page.deployment(found.deployment)
    page.gaps(found.gaps)
    return page.text()


class _Page:
    """A sheet of `width` columns that is written from top to bottom."""

    def __init__(self, width: int, colour: bool) -> None:
        self._width = max(width, LEAST)
        self._colour = colour
        self._lines: list[str] = []

    def text(self) -> str:
        return "\n".join(self._lines).strip("\n") + "\n"

    def say(self, sentence: str, style: str = "", indent: str = "", hanging: str | None = None) -> None:
        self._lines += [self._styled(row, style) for row in wrapped(sentence, self._width, indent, hanging)]

    def _styled(self, row: str, style: str) -> str:
        return inked(row, style, self._colour)

    def link(self, label: str, address: str) -> None:
        """A link is never wrapped: a broken address can't be opened."""
        self._lines.append(label + self._styled(address, "link"))

    def heading(self, title: str) -> None:
        self._lines.append("")
        self.say(title, "bold")

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
        head, body = laid(header, rows, self._width, right)
        self._lines += [*(self._styled(row, "dim") for row in head), *body]

    def cases(self, precedents: Sequence[Precedent]) -> None:
        for one in precedents[:CASES_SHOWN]:
            self.say(resembles(one), "bold")
            if one.case.workaround:
                self.say(f"What helped then: {line(one.case.workaround)}", indent="  ")
            if one.case.issue:
                self.link("  Its issue: ", url(one.case.issue) or line(one.case.issue))
            self.say(f"lockblame cases show {line(one.case.id, 100)}", "dim", indent="  ")
        if precedents:
            self.say("")

    def answer(self, found: Report) -> None:
        top = answer(found)
        self.say(top.headline, "bold")
        if top.what:
            self.say(f"What it is: {top.what}", indent="  ")
        if top.how:
            self.say(f"How it came in: {top.how}.", indent="  ")
        if top.commit:
            self.say(f"Brought by commit {top.commit}.", indent="  ")
        if top.first is not None:
            self.link("  Open first: ", link(top.first))
            self.say(f"“{line(top.first.issue.title)}” ({dated(top.first)})", indent="  ")
        self.evidence(weighed(top.first.evidence if top.first else top.because))

    def evidence(self, reasons: Sequence[tuple[str, str]]) -> None:
        if reasons:
            self.say("Why:", indent="  ")
        for weight, detail in reasons:
            self.say(f"{weight:>6}  {detail}", indent="  ", hanging=" " * 10)

    def suspects(self, suspects: Sequence[Suspect]) -> None:
        if not suspects:
            return
        self.heading("Suspects")
        rows = []
        for place, suspect in enumerate(suspects[:SUSPECTS_SHOWN], 1):
            paths = suspect.change.paths_after or suspect.change.paths_before
            by = trail(paths[0][:-1]) if paths else "unknown"
            rows.append((str(place), moved(suspect.change), share(suspect), f"{suspect.score:.2f}", by))
        self.table(("", "change", "share", "score", "comes in by"), rows, right=frozenset({0, 2, 3}))
        self.more(len(suspects) - SUSPECTS_SHOWN, "suspects")
        for suspect in suspects[:SUSPECTS_SHOWN]:
            if address := compared(suspect):
                self.link(f"  What went into {moved(suspect.change)}: ", address)

    def issues(self, matches: Sequence[Match]) -> None:
        if not matches:
            return
        self.heading("Upstream reports that fit best")
        for place, match in enumerate(matches[:ISSUES_SHOWN], 1):
            self.say(line(match.issue.title), indent=f"{place}. ", hanging="   ")
            self.link("   ", link(match))
            self.say(f"{line(match.package)}, {dated(match)}, score {match.score:.2f}", "dim", indent="   ")
        self.more(len(matches) - ISSUES_SHOWN, "reports")

    def experiments(self, plans: Sequence[Experiment]) -> None:
        if plans:
            self.heading("What to try")
        for place, one in enumerate(plans, 1):
            self.say(f"{one.put_back}, {one.run}. {one.expect}.", indent=f"{place}. ", hanging="   ")
            if one.edit:
                # whole, like a link: it is there to be copied
                self._lines.append(f"   the edit: {self._styled(one.edit, 'dim')}")

    def elsewhere(self, kinds: Sequence[str]) -> None:
        if kinds:
            self.heading("What else it could be, of the same deploy")
        for one in kinds:
            self.say(one, indent="- ", hanging="  ")

    def changes(self, found: Delta, *, once: bool = False) -> None:
        """A table for each lock; `once` tells what several have alike only at the first of them."""
        locks = by_lock(grouped(found), once=once)
        for lock, entries, alike in locks:
            if len(locks) > 1:
                self.say(line(lock or ""), "bold")
            if entries:
                header = ("package", "before", "after", "what", "comes in by")
                self.table(header, map(_row, entries))
            if alike:
                self.say(f"{'… and ' if entries else ''}{alike} as above", "dim", indent="  ")
        if not locks:
            self.say("Nothing changed.")

    def deployment(self, deployment: Deployment | None) -> None:
        if deployment is None or not deployment.commits:
            return
        # the kinds that could be to blame were told further up, in the same words
        rest = {kind: paths for kind, paths in deployment.touched.items() if kind not in ELSEWHERE}
        if rest:
            self.heading(f"What else the deploy brought (commits: {len(deployment.commits)})")
        for kind, paths in rest.items():
            shown = ", ".join(line(path, 80) for path in paths[:4])
            more = f" and {len(paths) - 4} more" if len(paths) > 4 else ""
            self.say(f"{kind}: {shown}{more}", indent="  ", hanging="    ")

    def gaps(self, gaps: Sequence[Gap]) -> None:
        if not gaps:
            return
        self.heading(f"Not looked at ({len(gaps)})")
        for gap in gaps:
            hint = f" ({line(gap.hint)})" if gap.hint else ""
            self.say(f"{line(gap.subject)}: {line(gap.detail)}{hint}", indent="- ", hanging="  ")

    def more(self, left: int, what: str) -> None:
        if left > 0:
            self.say(f"… and {left} more {what} (--format json has all)", "dim", indent="  ")


def _row(entry: Named) -> tuple[str, str, str, str, str]:
    change = entry.leading
    paths = change.paths_after or change.paths_before
    by = ("the project itself" if change.direct else trail(paths[0][:-1])) if paths else ""
    step = f" ({change.step})" if change.step else ""
    return (line(entry.name), _versions(entry.before), _versions(entry.after), entry.kind + step, by)


def _versions(versions: tuple[str, ...]) -> str:
    return ", ".join(line(version, 60) for version in versions) or "-"
