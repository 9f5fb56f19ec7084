"""Text in columns of a fixed-width page. A report can have hundreds of rows: this is padding, not layout."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

GAP = "  "


def cells(text: str) -> int:
    """Columns of a terminal that `text` takes: East Asian wide characters take two (UAX #11)."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def wrapped(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """`text` as lines of at most `width` columns; a word that is longer stands alone, unbroken, so that links stay links."""
    following = indent if hanging is None else hanging
    return textwrap.wrap(
        text, max(width, 20), initial_indent=indent, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    ) or [indent.rstrip()]


def table(header: Sequence[str], rows: Iterable[Sequence[str]], width: int, right: frozenset[int] = frozenset()) -> list[str]:
    """`rows` under `header`, each column as wide as its widest cell; the last one is folded at the page's edge.

    `right` are the columns that are set flush right.
    """
    body = [tuple(row) for row in rows]
    widths = [max(cells(row[column]) for row in (header, *body)) for column in range(len(header) - 1)]
    start = sum(widths) + len(GAP) * len(widths)
    lines = []
    for row in (header, *body):
        head = "".join(
            _padded(text, wide, column in right) + GAP for column, (text, wide) in enumerate(zip(row, widths, strict=False))
        )
        # where the columns before it leave no room, the last one is not folded: the terminal does that
        last = wrapped(row[-1], width - start) if width - start > 20 else [row[-1]]
        lines.append((head + last[0]).rstrip())
        lines += [" " * start + more for more in last[1:]]
    return lines


def _padded(text: str, wide: int, right: bool) -> str:
    space = " " * (wide - cells(text))
    return space + text if right else text + space
