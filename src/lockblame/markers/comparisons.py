"""Markers as comparisons joined by "and" and "or"."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(
    r"""\s*+(?:(?P<sign>[()])|(?P<word>(?:and|or)(?![\w.]))
    |(?P<left>'[^']*+'|"[^"]*+"|[A-Za-z_][\w.]*+)\s*+
     (?P<op>===|==|~=|!=|<=|>=|<|>|not\s++in(?![\w.])|in(?![\w.]))\s*+
     (?P<right>'[^']*+'|"[^"]*+"|[A-Za-z_][\w.]*+))""",
    re.VERBOSE,
)
_OLD_SPELLINGS = {
    "os.name": "os_name",
    "sys.platform": "sys_platform",
    "platform.version": "platform_version",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
}
PYTHONS = ("python_version", "python_full_version", "implementation_version")
_WORDS = {
    "os_name",
    "sys_platform",
    "platform_system",
    "platform_machine",
    "platform_python_implementation",
    "implementation_name",
}
_ORDER: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
_NUMBERS = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,9}", re.ASCII)
SETS = {"extra", "extras", "dependency_groups"}
"""Variables that stand for several names at once: `extra == 'x'` asks whether x is among them."""

PLATFORMS = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}
"""sys_platform → platform_system, os_name."""


class Comparison(NamedTuple):
    """One comparison of a marker, quotes and all: `python_version`, `<`, `'3.11'`."""

    left: str
    op: str
    right: str

    @property
    def variable(self) -> str:
        """The side that isn't quoted."""
        return self.right if self.left[0] in "'\"" else self.left

    @property
    def value(self) -> str:
        """The quoted side, without its quotes."""
        return (self.left if self.left[0] in "'\"" else self.right)[1:-1]

    @property
    def within(self) -> bool:
        """Whether a comparison with one of SETS asks that the name be among them, or that it be not."""
        return self.op in ("==", "===", "in")

    def __str__(self) -> str:
        return f"{self.left} {self.op} {self.right}"


Postfix = tuple[Comparison | str, ...]
"""A marker with its operators ("and", "or") behind what they join: no nesting, so no depth to run out of."""


@lru_cache(maxsize=2048)
def taken_apart(marker: str) -> Postfix | None:
    """The marker as comparisons and operators in postfix order; None when it isn't one."""
    output: list[Comparison | str] = []
    waiting: list[str] = []
    operand = True
    place, end = 0, len(marker.rstrip())
    while place < end:
        found = _TOKEN.match(marker, place)
        if found is None:
            return None
        place = found.end()
        sign, word, left, op, right = found.groups()
        if operand != (word is None and sign != ")"):
            return None
        if word:
            # "and" binds closer than "or".
            while waiting and (waiting[-1] == "and" or waiting[-1] == word):
                output.append(waiting.pop())
            waiting.append(word)
            operand = True
        elif sign == "(":
            waiting.append("(")
        elif sign == ")":
            while waiting and waiting[-1] != "(":
                output.append(waiting.pop())
            if not waiting:
                return None
            waiting.pop()
        else:
            comparison = _comparison(left, op, right)
            if comparison is None:
                return None
            output.append(comparison)
            operand = False
    if operand or "(" in waiting:
        return None
    return (*output, *reversed(waiting))


@lru_cache(maxsize=2048)
def _comparison(left: str, op: str, right: str) -> Comparison | None:
    """The comparison, one object for all of its kind; None unless one side is a variable and the other a text."""
    if (left[0] in "'\"") == (right[0] in "'\""):
        return None
    return Comparison(_OLD_SPELLINGS.get(left, left), " ".join(op.split()), _OLD_SPELLINGS.get(right, right))


def combined(parts: Postfix, truth: Callable[[Comparison], int]) -> int:
    """The marker's truth from that of its comparisons: a bit for each environment."""
    stack: list[int] = []
    for part in parts:
        if isinstance(part, Comparison):
            stack.append(truth(part))
        else:
            last = stack.pop()
            stack[-1] = stack[-1] & last if part == "and" else stack[-1] | last
    return stack[0]


@lru_cache(maxsize=16384)
def holds(comparison: Comparison, value: str) -> bool:
    """What packaging says where the variable has that value; what makes no sense to it (`~=` of words) holds.

    Nearly all comparisons are of plain numbers or words, and are told without it: loading it takes longer than a small diff.
    """
    plain = _plain(comparison, value)
    if plain is not None:
        return plain
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        return Marker(str(comparison)).evaluate({comparison.variable: value})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, KeyError):
        return True


def _plain(comparison: Comparison, value: str) -> bool | None:
    """The answer where it needs no knowledge of versions but the order of their numbers; None elsewhere."""
    wanted = comparison.value
    if comparison.left is not comparison.variable:
        return None
    if comparison.variable in _WORDS and comparison.op in ("==", "!="):
        return (value == wanted) == (comparison.op == "==")
    compared = _ORDER.get(comparison.op)
    if compared is None or comparison.variable not in PYTHONS or not (_NUMBERS.fullmatch(wanted) and _NUMBERS.fullmatch(value)):
        return None
    return compared(_release(value), _release(wanted))


def _release(version: str) -> tuple[int, ...]:
    """The numbers without the zeros at the end, which make no difference."""
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def spelled(name: str) -> str:
    """The one spelling of an extra or group that compares equal (PEP 685, PEP 735)."""
    return re.sub(r"[-_.]+", "-", name).lower()
