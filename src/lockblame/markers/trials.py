"""Whether markers overlap or differ, decided by trying: the Pythons, platforms, machines and extras that they name themselves,
and the values right beside those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from lockblame.markers.comparisons import PLATFORMS, PYTHONS, SETS, Comparison, combined, holds, spelled, taken_apart

_POINTS = 4096
"""The most environments that are tried for one question."""
_COMPARISONS = 400
"""The most different comparisons that a question may hold; uv's longest markers have a few dozen."""
_PYTHONS_TRIED = 64

_GROUPS = "dependency_groups"
_SYSTEMS = ("sys_platform", "platform_system", "os_name")
_IMPLEMENTATIONS = ("implementation_name", "platform_python_implementation")
_NUMBER = re.compile(r"(\d{1,6}+)(?:\.(\d{1,6}+))?(?:\.(\d{1,6}+))?")
_Values = dict[str, str]
_Axis = list[_Values]


class Truths(NamedTuple):
    """In which of the tried environments each marker holds, a bit for each; `complete` when they were all that matter."""

    bits: tuple[int, ...]
    complete: bool


@lru_cache(maxsize=512)
def overlap(a: str | None, b: str | None) -> bool:
    """Whether some environment fulfils both markers; True where that can't be decided. None is a marker that always holds."""
    truths = truth_of((a, b))
    return truths is None or not truths.complete or bool(truths.bits[0] & truths.bits[1])


@lru_cache(maxsize=512)
def differ(a: str | None, b: str | None, within: str | None = None) -> bool:
    """Whether some environment fulfils only one of the markers; False for two spellings of the same, and where none is found.

    `within` is a constraint on Python (">=3.10"): only such Pythons are tried. Texts that can't be read differ when they do.
    Where only one side speaks of dependency groups, its tool has begun to repeat the groups of a package in its marker: they
    count as chosen.
    """
    if a == b:
        return False
    grouped = _GROUPS in (a or ""), _GROUPS in (b or "")
    truths = truth_of((a, b), within, chosen=grouped[0] != grouped[1])
    return truths is None or truths.bits[0] != truths.bits[1]


@lru_cache(maxsize=2048)
def possible(marker: str | None, within: str | None = None) -> bool:
    """Whether the marker can hold on one of the Pythons that the constraint `within` allows; True where that can't be told."""
    truths = truth_of((marker,), within)
    return truths is None or not truths.complete or bool(truths.bits[0])


def truth_of(markers: Sequence[str | None], within: str | None = None, *, chosen: bool = False) -> Truths | None:
    """The Truths of these markers over the same environments; None when one can't be read or they are too much to try.

    With `chosen` all dependency groups are taken.
    """
    parts = [taken_apart(marker) if marker and marker.strip() else () for marker in markers]
    comparisons = sorted({part for one in parts if one for part in one if isinstance(part, Comparison)})
    if len(comparisons) > _COMPARISONS:
        return None
    axes, complete = _bounded(_axes(comparisons, within))
    size = 1
    for axis in axes:
        size *= len(axis)
    everywhere = (1 << size) - 1
    bits = {comparison: _bits(comparison, axes, size) for comparison in comparisons}
    if chosen:
        bits.update((one, everywhere if one.within else 0) for one in comparisons if one.variable == _GROUPS)
    found = []
    for one in parts:
        if one is None:
            return None
        found.append(combined(one, bits.__getitem__) if one else everywhere)
    return Truths(tuple(found), complete)


def _bits(comparison: Comparison, axes: Sequence[_Axis], size: int) -> int:
    """Where a comparison holds among all combinations: it depends on one axis only, so its pattern repeats."""
    variable = "extra" if comparison.variable in SETS else comparison.variable
    repeat = 1
    for axis in axes:
        if variable in axis[0]:
            pattern = 0
            for number, values in enumerate(axis):
                if _truth_at(comparison, values):
                    pattern |= ((1 << repeat) - 1) << (number * repeat)
            period = repeat * len(axis)
            return sum(pattern << (turn * period) for turn in range(size // period))
        repeat *= len(axis)
    raise AssertionError(f"no axis for {variable}")


def _truth_at(comparison: Comparison, values: Mapping[str, str]) -> bool:
    if comparison.variable in SETS:
        return (_switch(comparison) in values["extra"].split()) == comparison.within
    return holds(comparison, values[comparison.variable])


def _switch(comparison: Comparison) -> str:
    kind = "group" if comparison.variable == _GROUPS else "extra"
    return f"{kind}:{spelled('-'.join(comparison.value.split()))}"


def _bounded(axes: list[_Axis]) -> tuple[list[_Axis], bool]:
    """As many values of each axis as fit."""
    complete, size = True, 1
    for number, axis in enumerate(axes):
        room = max(1, _POINTS // size)
        if len(axis) > room:
            axes[number] = axis[:room]
            complete = False
        size *= len(axes[number])
    return axes, complete


# --- what is tried ---------------------------------------------------------------------------------------------------


def _axes(comparisons: Sequence[Comparison], within: str | None) -> list[_Axis]:
    """The values to try, an axis for each group of variables that stand and fall together."""
    by_variable: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        by_variable.setdefault(comparison.variable, []).append(comparison)

    def taken(variables: Sequence[str]) -> list[Comparison]:
        return [one for variable in variables for one in by_variable.pop(variable, ())]

    axes: list[_Axis] = []
    if pythons := taken(PYTHONS):
        axes.append(_pythons(pythons, within))
    if systems := taken(_SYSTEMS):
        axes.append(_systems(systems))
    if implementations := taken(_IMPLEMENTATIONS):
        axes.append(_implementations(implementations))
    switches = sorted({_switch(one) for one in taken(sorted(SETS))})
    for variable, found in sorted(by_variable.items()):
        words = [word for one in found for word in (one.value.split() if "in" in one.op else [one.value])]
        axes.append([{variable: word} for word in dict.fromkeys(["x86_64", "", *words])])
    if switches:
        axes.append(_switched(switches))
    return axes


def _pythons(comparisons: Sequence[Comparison], within: str | None) -> _Axis:
    """Each Python that a marker names, and those just beside it."""
    tried: set[tuple[int, int, int]] = set()
    for text in [*sorted({one.value for one in comparisons}), within or ""]:
        for found in _NUMBER.findall(text):
            major, minor, micro = (int(part or 0) for part in found)
            below = (major, minor, micro - 1) if micro else (major, minor - 1, 99) if minor else (max(major - 1, 0), 99, 99)
            tried |= {below, (major, minor, micro), (major, minor, micro + 1), (major, minor, 0), (major, minor + 1, 0)}
    # Nothing runs on Python 4; "<4.0" is what Poetry's carets leave behind.
    axis = [_python(version) for version in sorted(tried) if version[0] < 4] or [_python((3, 12, 0))]
    return _within(axis, within)[:_PYTHONS_TRIED] or [_python((3, 99, 0))]


def _python(version: tuple[int, int, int]) -> _Values:
    major, minor, micro = version
    full = f"{major}.{minor}.{micro}"
    return {"python_version": f"{major}.{minor}", "python_full_version": full, "implementation_version": full}


def _within(axis: _Axis, within: str | None) -> _Axis:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if not within:
        return axis
    try:
        allowed = SpecifierSet(within)
    except InvalidSpecifier:
        return axis
    return [values for values in axis if allowed.contains(values["python_full_version"], prereleases=True)]


def _systems(comparisons: Sequence[Comparison]) -> _Axis:
    axis = [_system(platform, *known) for platform, known in PLATFORMS.items()]
    for comparison in comparisons:
        variable = comparison.variable
        for word in comparison.value.split() if "in" in comparison.op else [comparison.value]:
            if all(values[variable] != word for values in axis):
                axis.append({**_system("other", "Other", "posix"), variable: word})
    return [*axis, _system("other", "Other", "other")]


def _system(platform: str, system: str, os_name: str) -> _Values:
    return {"sys_platform": platform, "platform_system": system, "os_name": os_name}


def _implementations(comparisons: Sequence[Comparison]) -> _Axis:
    names = {one.value.lower(): one.value for one in comparisons} | {"cpython": "CPython", "pypy": "PyPy"}
    return [{"implementation_name": low, "platform_python_implementation": name} for low, name in sorted(names.items())]


def _switched(switches: Sequence[str]) -> _Axis:
    """Extras and groups: every combination where they are few, else none, each, all, each pair."""
    if len(switches) <= 5:
        chosen = [[one for bit, one in enumerate(switches) if number >> bit & 1] for number in range(1 << len(switches))]
    else:
        pairs = [[a, b] for place, a in enumerate(switches) for b in switches[place + 1 :]]
        chosen = [[], *([one] for one in switches), list(switches), *pairs]
    return [{"extra": " ".join(one)} for one in chosen[:_POINTS]]
