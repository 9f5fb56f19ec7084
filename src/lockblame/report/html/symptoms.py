"""The symptom as it was given: a few lines of prose, or a log whose indentation tells something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockblame.model import Symptom

LINES = 80
LOOKED_AT = 40_000
DEEPEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`rows` are (indentation, text) each; `log` is true for a log or traceback; `cut` where there is more of it."""

    rows: tuple[tuple[int, str], ...]
    log: bool
    cut: bool


def shown(symptom: Symptom | None) -> Shown | None:
    """What of it is shown; None where none was given."""
    if symptom is None:
        return None
    rows = [row for row in symptom.text[:LOOKED_AT].splitlines() if row.strip()]
    return Shown(
        rows=tuple((_indentation(row), row.strip()) for row in rows[:LINES]),
        log=symptom.form == "log",
        cut=len(rows) > LINES or len(symptom.text) > LOOKED_AT,
    )


def _indentation(row: str) -> int:
    expanded = row[:200].expandtabs(4)
    return min(len(expanded) - len(expanded.lstrip()), DEEPEST)
