"""The time line as a drawing: what is drawn where, for a page of a given width. The template turns it into SVG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lockblame.report.columns import cells
from lockblame.report.hostile import line
from lockblame.report.html.axis import Axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockblame.report.html.timeline import Event, Timeline

WIDE, MIDDLING, NARROW = 880, 560, 330
GUTTER = 220
"""Units at the left of a wide drawing for the names; in others they stand above their line."""
EDGE = 10
LETTER = 7.2
"""Units that a letter of a label takes, rather too many than too few."""
BOLD = 8.8
"""The same of a name."""
TOP = 34
BOTTOM = 30
LONGEST = 18

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One event. `away` is where it lies outside of what the axis shows: an arrow at that edge stands for it."""

    event: Event
    x: float
    y: float
    away: Literal["", "before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A label: its words, where, and which of its ends stands there."""

    x: float
    y: float
    text: str
    anchor: Anchor = "middle"
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Everything in units of the drawing, `width` by `height`; `lines` are the heights of the lanes."""

    width: int
    height: int
    left: float
    right: float
    top: float
    floor: float
    names: tuple[Text, ...]
    lines: tuple[float, ...]
    marks: tuple[Mark, ...]
    labels: tuple[Text, ...]
    deploys: tuple[float, ...]
    deployed: Text | None
    later: bool
    ticks: tuple[Text, ...]


def drawn(timeline: Timeline, width: int) -> Drawing:
    """The drawing for a page that has `width` units."""
    narrow = width < WIDE
    axis = Axis(since=timeline.since, until=timeline.until, left=EDGE if narrow else GUTTER, right=width - EDGE)
    lane, sinks = (72, 44) if narrow else (54, 24)
    lines = tuple(float(TOP + lane * number + sinks) for number in range(len(timeline.lanes)))
    floor = float(TOP + lane * len(timeline.lanes) + 6)
    marks = tuple(_mark(event, lines[event.lane], axis) for event in timeline.events if event.lane is not None)
    deploys = [event for event in timeline.events if event.kind == "deploy"]
    return Drawing(
        width=width,
        height=int(floor + BOTTOM),
        left=axis.left,
        right=axis.right,
        top=TOP - 8.0,
        floor=floor,
        names=tuple(
            _name(name, y, width if narrow else None, number == 0)
            for number, (name, y) in enumerate(zip(timeline.lanes, lines, strict=True))
        ),
        lines=lines,
        marks=tuple(sorted(marks, key=lambda mark: mark.event.best)),
        labels=_labels(marks, axis),
        deploys=tuple(axis.place(event.at) for event in deploys),
        deployed=_deployed(deploys, axis),
        later=any(mark.away == "after" for mark in marks),
        ticks=tuple(_within(x, floor + 20, text, axis) for x, text in axis.ticks()),
    )


def _name(name: str, y: float, width: int | None, best: bool) -> Text:
    """Above its line where the whole width is its own, else before it."""
    room = width or GUTTER - EDGE
    text = _clipped(name, int(room / BOLD))
    return Text(x=0, y=y - 26 if width else y + 4, text=text, anchor="start", best=best)


def _clipped(text: str, most: int) -> str:
    """`text` in at most so many columns: the letters of East Asia take two."""
    clean = line(text, most)
    while cells(clean) > most:
        clean = f"{clean[:-2]}\u2026"
    return clean


def _mark(event: Event, line_y: float, axis: Axis) -> Mark:
    y = line_y - 13 if event.kind == "issue" else line_y
    away: Literal["", "before", "after"] = "" if axis.shows(event.at) else "before" if event.at < axis.since else "after"
    return Mark(event=event, x=axis.place(event.at), y=y, away=away)


def _deployed(deploys: Sequence[Event], axis: Axis) -> Text | None:
    if not deploys:
        return None
    last = deploys[-1]
    return _within(axis.place(last.at), TOP - 16, f"deploy {last.at.date().isoformat()}", axis, best=True)


def _labels(marks: Sequence[Mark], axis: Axis) -> tuple[Text, ...]:
    """Labels for as many marks as have room, the most telling first: none covers another."""
    taken: dict[float, list[tuple[float, float]]] = {}
    labels = []
    for mark in sorted(marks, key=_importance):
        release = mark.event.kind == "release"
        if not release and not mark.event.best:
            continue
        y = mark.y + 19 if release else mark.y + 4
        # a report's name stands beside its mark, where the line of marks is free
        text = _clipped(mark.event.label, LONGEST)
        one = _within(mark.x, y, text, axis, best=mark.event.best) if release else _beside(mark.x, y, text, axis)
        begin, end = _reach(one)
        if all(end < other or begin > another for other, another in taken.setdefault(y, [])):
            taken[y].append((begin, end))
            labels.append(one)
    return tuple(labels)


def _importance(mark: Mark) -> tuple[bool, bool, float]:
    return not mark.event.best, bool(mark.away), -mark.x


def _beside(x: float, y: float, text: str, axis: Axis) -> Text:
    if x + 10 + cells(text) * LETTER > axis.right:
        return Text(x=round(x - 10, 1), y=y, text=text, anchor="end", best=True)
    return Text(x=round(x + 10, 1), y=y, text=text, anchor="start", best=True)


def _within(x: float, y: float, text: str, axis: Axis, *, best: bool = False) -> Text:
    """A label below or above `x` that stays inside the drawing."""
    half = cells(text) * LETTER / 2
    left, right = (axis.left - EDGE, axis.right + EDGE)
    if x - half < left:
        return Text(x=left, y=y, text=text, anchor="start", best=best)
    if x + half > right:
        return Text(x=right, y=y, text=text, anchor="end", best=best)
    return Text(x=x, y=y, text=text, best=best)


def _reach(label: Text) -> tuple[float, float]:
    wide = cells(label.text) * LETTER
    begin = {"start": label.x, "middle": label.x - wide / 2, "end": label.x - wide}[label.anchor]
    return begin - 3, begin + wide + 3
