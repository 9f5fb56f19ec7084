"""When a report was opened, which versions it speaks of, and what kind of report it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime

from lockblame.model import Change, Issue, Release
from lockblame.ranking.documents import Document
from lockblame.ranking.features import Feature
from lockblame.ranking.versions import Mentions, Step, mentions

DAY = 86400.0
GRACE = 1.5
"""Days before the upload that still count as after it: tags, time zones, dates without a time."""
HORIZON = 1100.0
"""Days after which a report's age says nothing any more."""
MENDING = 30.0
"""Days between the closing of a report and the release that may hold its correction."""
UNKNOWN = 0.4
"""What a report counts for whose place in time can't be told: as much as one of two months after the release."""

_WISH_LABELS = re.compile(r"enhancement|feature|proposal|\bidea", re.I)
_REGRESSION_LABELS = re.compile(r"regression", re.I)
_WISH_TITLES = re.compile(
    r"^\W{0,3}(?:feature|proposal|rfc|enhancement|add|support|allow|consider|implement|introduce|improve|provide)\b|"
    r"feature request",
    re.I,
)


def time_features(issue: Issue, change: Change, release: Release | None, later: tuple[Release, ...]) -> Iterable[Feature]:
    """How the day of the report stands to the release of the new version and to those after it."""
    if release is None or release.uploaded is None or issue.created_at is None:
        yield Feature("soon", UNKNOWN, "whether it was opened before or after the release is not known")
        return
    days = (issue.created_at - release.uploaded).total_seconds() / DAY
    name = f"{change.name} {release.version}"
    if days < -GRACE:
        yield Feature("before", 1.0, f"opened {ago(-days)} before {name} came out")
        return
    value = max(0.0, 1 - math.log1p(max(days, 0.0) / 3) / math.log1p(HORIZON / 3))
    yield Feature("soon", value, f"opened {ago(days)} after {name} came out")
    yield from _closed(issue, change, later)


def _closed(issue: Issue, change: Change, later: tuple[Release, ...]) -> Iterable[Feature]:
    if issue.closed_at is None:
        return
    for one in later:
        if one.uploaded is not None and 0 <= (one.uploaded - issue.closed_at).total_seconds() / DAY <= MENDING:
            yield Feature("closed", 1.0, f"closed shortly before {change.name} {one.version} came out")
            return


def ago(days: float) -> str:
    """A number of days as a person says it."""
    whole = round(abs(days))
    if whole == 0:
        return "within a day"
    return f"{whole} day{'s' if whole != 1 else ''}"


def version_features(item: Document, change: Change, step: Step) -> Iterable[Feature]:
    """What the versions in the report's title, text and version lists say."""
    if step.new is None:
        return
    title = mentions(item.issue.title[:500], step)
    text = mentions(item.text, step)
    pins = mentions(item.environment, step)
    exact, near = [*title.new, *text.new, *pins.new], [*title.between, *text.between, *pins.between]
    name = change.name
    if title.new or title.between:
        yield Feature("entitled", 1.0, f"its title names {name} {(title.new or title.between)[0]}")
    if exact:
        yield Feature("version", 1.0, f"names {name} {exact[0]}")
    elif near:
        yield Feature("version", 0.8, f"names {name} {near[0]}, which the step took in")
    old = [*title.old, *text.old]
    if old:
        yield Feature("old", 1.0, f"names {old[0]} too, the version before")
    yield from _elsewhere(title, text, inside=bool(exact or near or old))


def _elsewhere(title: Mentions, text: Mentions, *, inside: bool) -> Iterable[Feature]:
    newer = title.newer or ([] if inside else text.newer)
    older = title.older or text.older
    if newer:
        yield Feature("newer", 1.0, f"speaks of a later version, {newer[0]}")
    elif older and not inside:
        yield Feature("older", 1.0, f"speaks of an earlier version only, {older[0]}")


def report_features(issue: Issue) -> Iterable[Feature]:
    """What kind of report it is."""
    if issue.pull_request:
        yield Feature("pull", 1.0, "is a pull request, not a report")
    labels = " | ".join(issue.labels[:30])[:600]
    if _WISH_LABELS.search(labels) or _WISH_TITLES.search(issue.title[:300]):
        yield Feature("wish", 1.0, "reads like a wish, not a report")
    if _REGRESSION_LABELS.search(labels) or _REGRESSION_LABELS.search(issue.title[:300]):
        yield Feature("regression", 1.0, "is called a regression")


def opened_by(issue: Issue, now: datetime | None) -> bool:
    """Whether the issue was there at `now`."""
    return now is None or issue.created_at is None or issue.created_at <= now
