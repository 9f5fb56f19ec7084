"""When a report was opened, which versions it speaks of, and what kind of report it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime

from lockblame.model import Change, Issue, Release
from lockblame.ranking.documents import Document
from lockblame.ranking.features import Feature
from lockblame.ranking.versions import Mentions, Step, mentions, tells_of_upgrade

DAY = 86400.0
GRACE = 1.5
"""Days before the upload that still count as after it: tags, time zones, dates without a time."""
HORIZON = 1100.0
"""Days after which a report's age says nothing any more."""

_WISH_LABELS = re.compile(
    r"enhancement|feature|question|documentation|\bdocs?\b|proposal|discussion|idea|support|guidance|announcement", re.I
)
_REGRESSION_LABELS = re.compile(r"regression", re.I)
_WISH_TITLES = re.compile(
    r"^\W{0,3}(?:\[?(?:feature|proposal|rfc|question|docs?)\b|how (?:do|to|can|often)|add\b|support\b|allow\b|consider\b|"
    r"option to|what is|"
    r"document\b|please (?:add|support)|request|drop\b|move to|bump\b|let\b|make\b)|feature request|\?$",
    re.I,
)


def time_features(issue: Issue, change: Change, release: Release | None, later: tuple[Release, ...]) -> Iterable[Feature]:
    """How the day of the report stands to the release of the new version and to those after it."""
    if release is None or release.uploaded is None or issue.created_at is None:
        return
    days = (issue.created_at - release.uploaded).total_seconds() / DAY
    name = f"{change.name} {release.version}"
    if days < -GRACE:
        yield Feature("before", 1.0, f"opened {ago(-days)} before {name} came out")
        return
    value = max(0.0, 1 - math.log1p(max(days, 0.0) / 3) / math.log1p(HORIZON / 3))
    yield Feature("soon", value, f"opened {ago(days)} after {name} came out")


def ago(days: float) -> str:
    """A number of days as a person says it."""
    whole = round(abs(days))
    if whole == 0:
        return "within a day"
    return f"{whole} day{'s' if whole != 1 else ''}"


def version_features(item: Document, change: Change, step: Step) -> Iterable[Feature]:
    """What the versions in the report's title and text say."""
    if step.new is None:
        return
    title = mentions(item.issue.title[:500], step)
    text = mentions(item.text, step)
    pins = mentions(item.environment, step)
    new = [*title.new, *text.new]
    name = change.name
    if title.new or title.between:
        yield Feature("new_title", 1.0, f"its title names {name} {(title.new or title.between)[0]}")
    if new or pins.new:
        yield Feature("new_text", 1.0 if new else 0.7, f"names {name} {(new or pins.new)[0]}")
    elif text.between or title.between:
        yield Feature("series", 1.0, f"names {name} {(title.between or text.between)[0]}")
    if (new or text.between or title.between) and (text.old or title.old):
        yield Feature("pair", 1.0, f"names the old version too, {(title.old or text.old)[0]}")
    turns = tells_of_upgrade(f"{item.issue.title}\n{item.text}")
    if turns:
        yield Feature("upgrade", min(turns, 4) / 4, "tells of an upgrade, a step back or of what used to work")
    yield from _elsewhere(name, title, text, pins)


def _elsewhere(name: str, title: Mentions, text: Mentions, pins: Mentions) -> Iterable[Feature]:
    inside = title.new or title.between or text.new or text.between or pins.new or pins.between
    if title.newer or (text.newer and not inside):
        yield Feature("newer", 1.0, f"speaks of a later version, {(title.newer or text.newer)[0]}")
    elif not inside and (title.older or text.older or title.old or text.old):
        older = title.older or text.older or title.old or text.old
        yield Feature("older", 1.0, f"speaks of an earlier version only, {older[0]}")


def report_features(issue: Issue) -> Iterable[Feature]:
    """What kind of report it is."""
    if issue.pull_request:
        yield Feature("pull", 1.0, "is a pull request, not a report")
    labels = " | ".join(issue.labels[:30])[:600]
    if _WISH_LABELS.search(labels) or _WISH_TITLES.search(issue.title[:300]):
        yield Feature("wish", 1.0, "reads like a wish or a question")
    if _REGRESSION_LABELS.search(labels) or _REGRESSION_LABELS.search(issue.title[:300]):
        yield Feature("regression", 1.0, "is called a regression")


def opened_by(issue: Issue, now: datetime | None) -> bool:
    """Whether the issue was there at `now`."""
    return now is None or issue.created_at is None or issue.created_at <= now
