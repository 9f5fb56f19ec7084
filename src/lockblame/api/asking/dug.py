"""What looking into one change gave."""

from __future__ import annotations

from dataclasses import dataclass

from lockblame.model import Comparison, Contents, Gap, Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Dug:
    """`contents` is None where no two artifacts could be compared, `comparison` where no two
    tags could."""

    contents: Contents | None = None
    comparison: Comparison | None = None
    notes: tuple[Note, ...] = ()
    gaps: tuple[Gap, ...] = ()
