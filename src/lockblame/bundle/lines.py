"""JSON Lines: the records of a text, a Gap for each line that is none, and text of records again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from lockblame import fields
from lockblame.model import Gap

T = TypeVar("T")

_LINE = 2_000_000
_LINES = 500_000
_MOST_GAPS = 50


class Lines:
    """The records of a JSON Lines text, and a Gap for each line that is none; `origin` names the file."""

    def __init__(self, text: str, origin: str) -> None:
        self._text = text
        self._origin = origin
        self._gaps: list[Gap] = []
        self._unsaid = 0

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What the lines read so far left: the first ones in full, the others as a number."""
        if not self._unsaid:
            return tuple(self._gaps)
        detail = f"{self._unsaid} more lines can't be used"
        return (*self._gaps, Gap(subject=self._origin, reason="malformed-line", detail=detail))

    def read(self, parser: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
        """What `parser` makes of each record; what it refuses with a FieldError becomes a Gap."""
        # only "\n" ends a line: JSON may hold U+2028 and its like unescaped, where str.splitlines would cut
        lines = self._text.removeprefix("\ufeff").split("\n")
        for number, line in enumerate(lines[:_LINES], 1):
            if not line.strip():
                continue
            try:
                yield parser(_record(line))
            except fields.FieldError as error:
                self._tell(number, str(error).removeprefix(": "))
        if len(lines) > _LINES:
            detail = f"has more than {_LINES} lines; those after it were not read"
            self._gaps.append(Gap(subject=self._origin, reason="too-large", detail=detail))

    def _tell(self, number: int, detail: str) -> None:
        if len(self._gaps) >= _MOST_GAPS:
            self._unsaid += 1
            return
        hint = "correct the line, or take it out"
        gap = Gap(subject=f"{self._origin}, line {number}", reason="malformed-line", detail=f"can't be used: {detail}", hint=hint)
        self._gaps.append(gap)


def _record(line: str) -> Mapping[str, Any]:
    if len(line) > _LINE:
        raise fields.FieldError("", f"is longer than {_LINE} characters")
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise fields.FieldError("", f"is no JSON ({error.msg.lower()} at column {error.colno})") from None
    except (ValueError, RecursionError):
        raise fields.FieldError("", "is no JSON that can be read (a number too long, or nested too deeply)") from None
    if not isinstance(record, dict):
        raise fields.FieldError("", "is no JSON object")
    return record


def written(records: Iterable[Mapping[str, Any]]) -> str:
    """The records as text, a line each, that UTF-8 can hold."""
    return "".join(_line(record) for record in records)


def _line(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, ensure_ascii=False) + "\n"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # JSON may hold half characters, which a report shows as they are
        return json.dumps(record) + "\n"
    return text


def stamp(moment: datetime | None) -> str | None:
    """A moment as JSON holds it: 2023-09-04T16:09:02Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def web(url: str | None) -> str | None:
    """The address, if it is one that a reader may open."""
    return url if url and len(url) <= 2000 and url.startswith(("https://", "http://")) else None
