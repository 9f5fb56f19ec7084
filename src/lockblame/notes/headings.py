"""The headings of a text, whatever markup it is in: `# Title`, underlined, overlined, set apart by nothing but their form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST = 300
"""Characters of a line that can be a heading."""

_RULE = re.compile(r"([=\-~^\"'`#*+.:<>_])\1{2,299}")
_MARKED = re.compile(r" {0,3}(#{1,6}|={1,4})[ \t]{1,8}(?=\S)")
# longer lines of tildes are those above and below reStructuredText's titles
_FENCE = re.compile(r" {0,3}(`{3,}|~~~(?!~))")
# Sphinx extensions: "- :release:`1.2.3 <2023-09-01>`" of releases, ".. changelog::" with ":version: 1.2.3" of changelog
_NO_HEADING = ("", " ", "\t", "-", "+", ">", "|", ".", ":")
_DIGIT = re.compile(r"\d")
_ROLE = re.compile(r"[-*]\s{1,4}:release:`(.{1,100})`")
_FIELD = re.compile(r"\s{1,8}:version:\s{1,4}(\S{1,100})")


@dataclass(frozen=True, slots=True)
class Heading:
    """`start` and `end` are the lines it takes, `level` counts from 1 at the top; 9 for a line that only looks like a heading."""

    title: str
    level: int
    start: int
    end: int


LOOSE = 9


def headings(lines: Sequence[str]) -> Iterator[Heading]:
    """Every line that is or might be a heading, outside of fenced code and comments, in order.

    An underlined heading's level is told by when its kind of line came first, as in reStructuredText.
    """
    levels: dict[str, int] = {}
    number = 0
    blocks = _Blocks()
    while number < len(lines):
        line = lines[number][: LONGEST + 1].rstrip()
        if blocks.hides(line):
            number += 1
            continue
        found = _marked(line, number) or _underlined(lines, number, levels) or _loose(lines, line, number)
        if found is not None:
            yield found
        number = found.end if found is not None else number + 1


class _Blocks:
    """Knows whether a line stands in a fenced block (CommonMark 4.5) or in an HTML comment."""

    def __init__(self) -> None:
        self._fence = ""
        self._comment = False

    def hides(self, line: str) -> bool:
        if self._comment:
            self._comment = "-->" not in line
            return True
        fence = _FENCE.match(line)
        if self._fence:
            if fence and fence[1].startswith(self._fence) and not line[fence.end() :].strip():
                self._fence = ""
            return True
        if fence and "`" not in line[fence.end() :]:
            self._fence = fence[1]
            return True
        self._comment = "<!--" in line and "-->" not in line.rpartition("<!--")[2]
        return self._comment


def _marked(line: str, number: int) -> Heading | None:
    found = _MARKED.match(line)
    return Heading(line[found.end() :].rstrip("#= \t"), len(found[1]), number, number + 1) if found else None


def _underlined(lines: Sequence[str], number: int, levels: dict[str, int]) -> Heading | None:
    """A title with a line below it and perhaps the same one above it."""
    one, two, three = (lines[place].rstrip()[: LONGEST + 1] if place < len(lines) else "" for place in range(number, number + 3))
    over = _RULE.fullmatch(one)
    if over is not None:
        under = _RULE.fullmatch(three)
        if under is None or under[1] != over[1] or not two.strip() or _RULE.fullmatch(two):
            return None
        return Heading(two.strip(), _level(levels, over[1] * 2), number, number + 3)
    under = _RULE.fullmatch(two)
    if under is None or not one.strip() or one[0] in " \t" or len(two) < min(len(one), 60) / 2:
        return None
    # Markdown's two kinds and reStructuredText's many
    return Heading(one.strip(), _level(levels, under[1]), number, number + 2)


def _level(levels: dict[str, int], kind: str) -> int:
    return levels.setdefault(kind, len(levels) + 1)


def _loose(lines: Sequence[str], line: str, number: int) -> Heading | None:
    """A line that stands apart without any markup, or in that of a Sphinx extension."""
    role = _ROLE.fullmatch(line)
    if role:
        return Heading(role[1].replace("<", "(").replace(">", ")"), LOOSE, number, number + 1)
    field = _FIELD.fullmatch(line)
    if field and number and lines[number - 1].startswith(".. changelog::"):
        return Heading(field[1], LOOSE, number, number + 1)
    if len(line) > 120 or line[:1] in _NO_HEADING or (line[0] == "*" and line[1:2] != "*") or not _DIGIT.search(line):
        return None
    return Heading(line, LOOSE, number, number + 1)
