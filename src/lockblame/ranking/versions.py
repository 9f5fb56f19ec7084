"""Which versions a report speaks of, and how they stand to the step that was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"(?<![\w.])v?(\d{1,5}(?:\.\d{1,5}){1,3}(?:\.?(?:a|b|rc|post|dev)\d{1,4})?)(?:\.[xX*])?(?![\w]|\.\d)")
_BEFORE = re.compile(r"([A-Za-z][\w.\[\]-]{0,60})[\s=:<>~^!@\"'`(*,/-]{0,6}v?$")
# A word before a version that says nothing about whose version it is.
_NEUTRAL_WORDS = """
version versions v to from since in with on after until before at and or is was by as of than release releases released
the upgrade upgraded upgrading update updated updating downgrade downgraded downgrading updating between latest new
newer old older only also works work worked fine using use under against back go went going moved tag pinned pin stay
staying currently now still affected affects both are not then through via all for requires requirement install
installed series branch current than up down broken broke changed introduced fixed includes works: like even while
reverting when ok bug issue regression problem perhaps maybe either whereas earlier later
"""
_NEUTRAL = frozenset(_NEUTRAL_WORDS.split())


@dataclass(frozen=True, slots=True)
class Step:
    """The version step of a change. `names` are the words under which reports speak of the package."""

    old: tuple[int, ...] | None
    new: tuple[int, ...] | None
    names: frozenset[str]


@dataclass(slots=True)
class Mentions:
    """How a text's versions stand to a step; each holds the versions as written."""

    new: list[str]
    old: list[str]
    between: list[str]
    newer: list[str]
    older: list[str]


def release(version: str | None) -> tuple[int, ...] | None:
    """The numbers of a PEP 440 version without trailing zeros; None where there is none."""
    if not version:
        return None
    from packaging.version import InvalidVersion, Version

    try:
        parsed = Version(version)
    except InvalidVersion:
        return None
    return _trimmed(parsed.release)


def _trimmed(numbers: tuple[int, ...]) -> tuple[int, ...]:
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers


def mentions(text: str, step: Step) -> Mentions:
    """The versions in `text` that may be the package's own, sorted by how they stand to `step`."""
    found = Mentions([], [], [], [], [])
    if step.new is None:
        return found
    for match in _VERSION.finditer(text):
        numbers = _numbers(match[1])
        kind = _relation(numbers, step)
        if kind is None or not _own(text, match.start(), step, exact=kind in ("new", "old") and len(match[1].split(".")) > 2):
            continue
        getattr(found, kind).append(match.group())
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:4])


def _relation(numbers: tuple[int, ...], step: Step) -> str | None:
    """How a mentioned version stands to the step: new, old, between (or a series that the step entered), newer, older."""
    new, old = step.new or (), step.old
    trimmed = _trimmed(numbers)
    if trimmed == new:
        return "new"
    if old is not None and trimmed == old:
        return "old"
    if abs(numbers[0] - new[0]) > 3 and new[0] < 1000 <= numbers[0]:
        return None
    if _is_series(numbers, new):
        return "between" if old is None or not _is_series(numbers, old) else None
    if old is not None and _is_series(numbers, old):
        return "old"
    if trimmed > new:
        return "newer" if numbers[0] <= new[0] + 5 or new[0] > 1000 else None
    if old is not None and trimmed > old:
        return "between"
    return "older"


def _is_series(short: tuple[int, ...], version: tuple[int, ...]) -> bool:
    padded = (*version, 0, 0, 0)
    return 2 <= len(short) < max(3, len(version)) and padded[: len(short)] == short


def _own(text: str, start: int, step: Step, *, exact: bool) -> bool:
    """Whether the version at `start` may be the package's: its name or nothing telling stands before it."""
    before = _BEFORE.search(text[max(0, start - 70) : start])
    if before is None:
        return True
    word = before[1].lower().strip(".-").split("[")[0]
    plain = re.sub(r"[-_.]+", "-", word)
    if plain in step.names:
        return True
    return word in _NEUTRAL or exact
