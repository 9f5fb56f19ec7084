"""Which files of two versions to compare: like with like, and rather little than much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from lockblame.contents.archives import is_archive

UNKNOWN = 4 * 1024 * 1024
"""Bytes that a file is taken to have where the index doesn't tell."""


class _Kind(NamedTuple):
    """What a file is: its order of preference, and what its counterpart must share with it."""

    name: str
    tags: frozenset[str] = frozenset()


def alike(before: Mapping[str, int | None], after: Mapping[str, int | None]) -> tuple[str, str] | None:
    """The two files, one of each side (file name → size), that tell most about the code; None when no two are alike.

    Wheels without compiled code come first, then wheels of the same tags or source distributions, whichever are smaller, then
    wheels of unlike tags, whose Python modules compare all the same.
    """
    pairs = sorted(_pairs(before, after))
    return (pairs[0][-2], pairs[0][-1]) if pairs else None


def _pairs(before: Mapping[str, int | None], after: Mapping[str, int | None]) -> Iterator[tuple[int, int, str, str]]:
    kinds = {name: kind for name in (*before, *after) if (kind := _kind(name)) is not None}
    old, new = ([name for name in side if name in kinds] for side in (before, after))
    for one, other in product(_few(old, before), _few(new, after)):
        if kinds[one].name != kinds[other].name:
            continue
        order = 0 if kinds[one].name == "pure" else 1 if kinds[one].tags == kinds[other].tags else 2
        yield order, (before[one] or UNKNOWN) + (after[other] or UNKNOWN), one, other


_FEW = 60


def _few(names: Iterable[str], sizes: Mapping[str, int | None]) -> list[str]:
    """The smallest: some releases have a hundred wheels."""
    return sorted(names, key=lambda name: (name.endswith(".whl"), sizes[name] or UNKNOWN, name))[:_FEW]


def _kind(name: str) -> _Kind | None:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    if not is_archive(name):
        return None
    if not name.endswith(".whl"):
        return _Kind("sdist")
    try:
        tags = frozenset(map(str, parse_wheel_filename(name)[3]))
    except InvalidWheelFilename:
        return None
    return _Kind("pure") if all(tag.endswith("-none-any") for tag in tags) else _Kind("compiled", tags)
