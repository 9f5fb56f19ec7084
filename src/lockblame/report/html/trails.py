"""The way from the project to a package, step by step, with what moved on it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockblame.model import Change, Delta, Path

SHOWN = 3
LONGEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One name on the way: the project, a package between, or the suspect itself (`last`).

    `version` is what is locked, or `5.3.1 → 5.3.4` where it moved; `asks` is how the one before asks for it,
    `asked` the former one where that was another.
    """

    name: str
    version: str = ""
    moved: bool = False
    last: bool = False
    asks: str = ""
    asked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trails:
    """The shortest ways, each from the project on; `left` is how many more are known, `gone` whether they led there before."""

    ways: tuple[tuple[Station, ...], ...]
    left: int = 0
    gone: bool = False


def trails(change: Change, delta: Delta) -> Trails:
    """How `change` comes into the project, or came into it where it is gone."""
    paths = change.paths_after or change.paths_before
    ways = tuple(_way(path, change, delta) for path in paths[:SHOWN])
    return Trails(ways=ways, left=max(len(paths) - SHOWN, 0), gone=change.after is None)


def _way(path: Path, change: Change, delta: Delta) -> tuple[Station, ...]:
    # a hostile lock can have a chain of thousands; its ends tell where it begins and who asks
    names = path if len(path) <= LONGEST else (*path[: LONGEST // 2], "\u2026", *path[-LONGEST // 2 :])
    stations = [Station(name=names[0])]
    for parent, name in pairwise(names[:-1]):
        stations.append(_between(parent, name, delta))
    if len(names) > 1:
        asks, asked = _demanded(names[-2], change)
        stations.append(Station(name=names[-1], version=_step(change), moved=True, last=True, asks=asks, asked=asked))
    return tuple(stations)


def _between(parent: str, name: str, delta: Delta) -> Station:
    """A package on the way. What its parent demands of it is known where it changed too."""
    change = next(iter(delta.get(name)), None)
    if change is not None:
        asks, asked = _demanded(parent, change)
        return Station(name=name, version=_step(change), moved=change.old != change.new, asks=asks, asked=asked)
    pins = delta.after.get(name) or delta.before.get(name)
    return Station(name=name, version=pins[0].version or "" if pins else "")


def _demanded(parent: str, change: Change) -> tuple[str, str]:
    """The constraint that `parent` has on it, and the former one where that was another."""
    demand = next((one for one in change.reason.demands if one.parent == parent and one.known), None)
    if demand is None:
        return "", ""
    now, was = ("not asked" if text is None else text or "any version" for text in (demand.after, demand.before))
    return now, "" if now == was else was


def _step(change: Change) -> str:
    if change.old == change.new or change.new is None or change.old is None:
        return change.new or change.old or ""
    return f"{change.old} \u2192 {change.new}"
