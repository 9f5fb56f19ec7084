"""Text in columns of a fixed-width page. A report can have hundreds of rows: this is padding, not layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from unicodedata import category, east_asian_width

GAP = "  "
LEAST = 20
"""Columns that a page always has, and that the last column of a table gets before the others are narrowed."""
_NARROWEST = 10
"""Columns below which nothing can be read in a cell: then rows are written one below the other."""

_WORDS = re.compile(r"( *)([^ ]+(?: %[^ ]*)?)")
"""A number and its percent sign stay together."""
_SEPARATORS = "-/._"


def cells(text: str) -> int:
    """Columns of a terminal that `text` takes: East Asian wide characters take two (UAX #11), combining ones none."""
    return len(text) if text.isascii() else sum(map(_cell, text))


@lru_cache(4096)
def _cell(char: str) -> int:
    if char.isascii():
        return 1
    # the vowels and final consonants of decomposed Hangul are drawn into the syllable that they end
    if "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7fb" or category(char) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def wrapped(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """`text` as lines of at most `width` columns. A longer word stands alone, unbroken, so that links stay links and paths paths;
    only one in a script that may have no spaces at all is broken."""
    return _filled(text, max(width, LEAST), indent, indent if hanging is None else hanging, whole=True)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], width: int, right: frozenset[int] = frozenset()) -> list[str]:
    """The lines of `rows` under `header`; see `laid`."""
    head, body = laid(header, rows, width, right)
    return [*head, *body]


def laid(
    header: Sequence[str], rows: Iterable[Sequence[str]], width: int, right: frozenset[int] = frozenset()
) -> tuple[list[str], list[str]]:
    """The lines of the header and those of the rows, at most `width` columns wide.

    Each column is as wide as its widest cell; where that is too much for the page, the last one is folded, then the widest of
    the others. A page too narrow for columns has each row as a paragraph. `right` are the columns that are set flush right.
    """
    body = [tuple(row) for row in rows]
    widths = _widths([max(map(cells, column)) for column in zip(header, *body, strict=True)], width)
    if widths is None:
        return _paragraph(header, width), [line for row in body for line in _paragraph(row, width)]
    return _set(header, widths, right), [line for row in body for line in _set(row, widths, right)]


def _widths(natural: list[int], width: int) -> list[int] | None:
    """How wide each column gets, or None where the page is too narrow for so many."""
    room = width - len(GAP) * (len(natural) - 1)
    if sum(natural) <= room:
        return natural
    *others, last = natural
    room -= min(last, LEAST)
    if sum(others) > room:
        others = _narrowed(others, room)
        if any(now < min(_NARROWEST, was) for now, was in zip(others, natural, strict=False)):
            return None
    return [*others, min(last, LEAST) + room - sum(others)]


def _narrowed(widths: list[int], room: int) -> list[int]:
    """The widest columns cut to one width, so that all of them fit into `room`."""
    left, most = room, 0
    for place, wide in enumerate(sorted(widths)):
        most = max(left, 0) // (len(widths) - place)
        if wide > most:
            break
        left -= wide
    return [min(wide, most) for wide in widths]


def _set(row: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> list[str]:
    """One row of a table as lines."""
    # what only chooses between two pictures of a character is wide in some terminals and not in others
    texts = [text if text.isascii() else text.replace("\ufe0f", "").replace("\ufe0e", "") for text in row]
    folded = [[text] if cells(text) <= wide else _filled(text, wide) for text, wide in zip(texts, widths, strict=True)]
    lines = []
    for depth in range(max(map(len, folded))):
        parts = (lines_of[depth] if depth < len(lines_of) else "" for lines_of in folded)
        padded = (_padded(text, wide, at in right) for at, (text, wide) in enumerate(zip(parts, widths, strict=True)))
        lines.append(GAP.join(padded).rstrip())
    return lines


def _paragraph(row: Sequence[str], width: int) -> list[str]:
    return wrapped(GAP.join(filter(None, row)), width, "", GAP)


def _padded(text: str, wide: int, right: bool) -> str:
    space = " " * (wide - cells(text))
    return space + text if right else text + space


def _filled(text: str, width: int, indent: str = "", hanging: str = "", *, whole: bool = False) -> list[str]:
    """Lines filled with words; a word that no line can hold is broken, with `whole` only where it isn't ASCII."""
    if cells(indent) + cells(text) <= width:
        return [(indent + text).rstrip()]
    lines: list[str] = []
    line, taken, empty = indent, cells(indent), True
    margin = cells(hanging)
    for space, word in _WORDS.findall(text):
        wide = cells(word)
        if not empty and taken + len(space) + wide > width:
            lines.append(line)
            line, taken, empty = hanging, margin, True
        if not empty or not lines:
            line += space
            taken += len(space)
        if taken + wide > width and not (whole and word.isascii()):
            *full, word = _broken(word, width - taken, width - margin)
            for piece in full:
                lines.append(line + piece)
                line, taken = hanging, margin
            wide = cells(word)
        line, taken, empty = line + word, taken + wide, False
    return [*lines, line] if not empty else lines or [indent.rstrip()]


def _broken(word: str, first: int, others: int) -> Iterator[str]:
    """`word` in pieces of at most so many columns, behind a separator where one is near."""
    room, start, taken, cut = max(first, 2), 0, 0, 0
    for place, char in enumerate(word):
        wide = _cell(char)
        if taken + wide > room:
            end = cut if cut - start > room // 2 else place
            yield word[start:end]
            room, start, taken = max(others, 2), end, cells(word[end:place])
        taken += wide
        if char in _SEPARATORS:
            cut = place + 1
    yield word[start:]
