"""What happened when: the releases of the leading suspects, the reports on them and the deploy, on one axis of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from lockblame.report.answer import answer
from lockblame.versions import version_key

if TYPE_CHECKING:
    from lockblame.model import Match, Report, Suspect

LANES = 6
ISSUES = 4
RELEASES = 12
COMMITS = 12
FAR = timedelta(days=180)
"""What happened longer before everything else than this stands at the left edge."""

Kind = Literal["release", "issue", "deploy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`lane` is the number of the suspect it belongs to, None for the deploy's. `leading` events decide what the axis shows.

    `label` is short, for the picture; `told` is the sentence for those who read.
    """

    at: datetime
    kind: Kind
    label: str
    told: str
    lane: int | None = None
    leading: bool = False
    best: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """`events` oldest first, `lanes` the names of the suspects, `since` and `until` what the axis shows."""

    events: tuple[Event, ...]
    lanes: tuple[str, ...]
    since: datetime
    until: datetime

    @property
    def summary(self) -> str:
        """The picture in one sentence."""
        counts = {kind: sum(event.kind == kind for event in self.events) for kind in ("release", "issue", "deploy")}
        parts = [f"{counts['release']} releases of {len(self.lanes)} suspects", f"{counts['issue']} upstream reports"]
        parts += [f"the deploy's commits ({counts['deploy']})"] if counts["deploy"] else []
        days = [event.at.date().isoformat() for event in (self.events[0], self.events[-1])]
        return f"From {days[0]} to {days[1]}: {', '.join(parts)}."


def timeline(report: Report) -> Timeline | None:
    """None where no day of anything is known."""
    top = answer(report).first
    events: list[Event] = list(_deployed(report))
    lanes: list[str] = []
    for suspect in report.suspects:
        found = [*_released(suspect, len(lanes)), *_reported(suspect, len(lanes), top)]
        # the same package in several locks is one lane
        if found and len(lanes) < LANES and suspect.change.name not in lanes:
            lanes.append(suspect.change.name)
            events += found
    if not events:
        return None
    events.sort(key=lambda one: (one.at, one.kind, -1 if one.lane is None else one.lane))
    since, until = _span(events)
    return Timeline(events=tuple(events), lanes=tuple(lanes), since=since, until=until)


def _released(suspect: Suspect, lane: int) -> Iterator[Event]:
    change = suspect.change
    sides = {version: told for version, told in ((change.old, "locked before"), (change.new, "locked now")) if version}
    dated = [(at, one) for one in suspect.releases if (at := _known(one.uploaded))]
    if len(dated) > RELEASES:
        dated = [dated[0], *dated[1 - RELEASES :]]
    for at, one in dated:
        came = f"{change.name} {one.version} came out" + (", later yanked" if one.yanked else "")
        key = version_key(one.version)
        role = "".join(f" ({told})" for version, told in sides.items() if version_key(version) == key)
        arrived = change.new is not None and version_key(change.new) == key
        yield Event(at=at, kind="release", label=one.version, told=came + role, lane=lane, leading=arrived, best=arrived)


def _reported(suspect: Suspect, lane: int, top: Match | None) -> Iterator[Event]:
    for match in suspect.matches[:ISSUES]:
        issue = match.issue
        best = top is not None and issue == top.issue
        told = f"{issue.repository}#{issue.number} was opened: “{issue.title}”"
        if at := _known(issue.created_at):
            label = f"#{issue.number}"
            yield Event(at=at, kind="issue", label=label, told=told, lane=lane, leading=best, best=best, url=issue.url)


def _deployed(report: Report) -> Iterator[Event]:
    """The commits of the deploy; the newest is the moment when it was all there."""
    deployed = report.deployment.commits if report.deployment else ()
    commits = sorted(((at, one) for one in deployed if (at := _known(one.date))), key=lambda pair: pair[0])[-COMMITS:]
    for number, (at, commit) in enumerate(commits, 1):
        last = number == len(commits)
        what = "the deploy's last commit" if last and len(commits) > 1 else "the deploy's commit"
        told = f"{what}, {commit.hash[:10]} “{commit.subject}”"
        yield Event(at=at, kind="deploy", label="deploy", told=told, leading=last, best=last)


def _span(events: Sequence[Event]) -> tuple[datetime, datetime]:
    """What the axis shows: the leading events and some time before them, and whatever came after."""
    leading = [event.at for event in events if event.leading] or [event.at for event in events]
    last = max(leading)
    first = min(at for at in leading if last - at <= FAR)
    width = max(last - first, timedelta(days=2))
    near = [event.at for event in events if first - width / 2 <= event.at <= last + width]
    edges = [*leading, *near]
    first, last = min(at for at in edges if at >= first - width / 2), max(edges)
    margin = max((last - first) / 20, timedelta(hours=12))
    return first - margin, last + margin


def _known(moment: datetime | None) -> datetime | None:
    """The moment in UTC; None where it is none that a release, a report or a deploy can have."""
    if moment is None or not 1980 <= moment.year <= 2200:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
