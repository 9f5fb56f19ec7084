"""An axis of time: where a moment lies on it, and the days that are written below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ROOM = 92
"""Units from one written day to the next, at least: ten figures and some air."""
_DAYS = (1, 2, 5, 10)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 1200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """`left` and `right` are the units between which `since` to `until` are drawn."""

    since: datetime
    until: datetime
    left: float
    right: float

    def place(self, at: datetime) -> float:
        """Where that moment is drawn; what is outside stands at the edge."""
        share = (at - self.since) / max(self.until - self.since, timedelta(seconds=1))
        return round(self.left + min(max(share, 0.0), 1.0) * (self.right - self.left), 1)

    def shows(self, at: datetime) -> bool:
        """Whether it is not outside."""
        return self.since <= at <= self.until

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """(place, text) of as many round days, months or years as there is room for."""
        most = max(int((self.right - self.left) / ROOM), 1)
        days = (self.until - self.since).days + 1
        step = next((step for step in _DAYS if days / step <= most), None)
        moments = _days(self.since, self.until, step) if step else self._months(days, most)
        return tuple((self.place(at), text) for at, text in moments)

    def _months(self, days: int, most: int) -> Iterator[tuple[datetime, str]]:
        step = next((step for step in _MONTHS if days / 30 / step <= most), _MONTHS[-1])
        month = self.since.year * 12 + self.since.month
        month += -month % step
        while month // 12 <= min(self.until.year, 9998):
            at = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
            if self.shows(at):
                yield at, f"{at.year:04}" if step % 12 == 0 else f"{at.year:04}-{at.month:02}"
            month += step


def _days(since: datetime, until: datetime, step: int) -> Iterator[tuple[datetime, str]]:
    first = datetime(since.year, since.month, since.day, tzinfo=UTC)
    number = first.toordinal()
    number += -number % step
    for day in range(number, until.toordinal() + 1, step):
        at = datetime.fromordinal(day).replace(tzinfo=UTC)
        if since <= at <= until:
            yield at, at.date().isoformat()
