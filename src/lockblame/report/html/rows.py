"""All changes as rows of one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockblame.report.grouping import Named, grouped, told_once
from lockblame.report.hostile import line
from lockblame.report.html.bars import signed
from lockblame.report.phrases import share, trail
from lockblame.versions import version_key

if TYPE_CHECKING:
    from lockblame.model import Delta, Suspect

ALARMING = frozenset({"downgraded", "moved", "republished"})
"""Kinds that a person should look at whatever the symptom is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One package in one lock, or in several (`locks`) that have the same change of it. `score` and `share` are those of its best
    suspicion, "" where it has none.

    `older` and `newer` are the places of `before` and `after` among all versions of the table, by PEP 440: a browser that
    compares texts would put 1.0rc1 behind 1.0.
    """

    name: str
    locks: tuple[str, ...]
    before: str
    after: str
    kind: str
    what: str
    alarming: bool
    by: str
    why: str
    older: int = 0
    newer: int = 0
    score: str = ""
    weight: float = 0.0
    share: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`kinds` are those of its rows; `locks` and `scores` tell whether the column is there."""

    rows: tuple[Row, ...]
    kinds: tuple[str, ...]
    locks: bool
    scores: bool


def table(delta: Delta, suspects: Sequence[Suspect] = ()) -> Table:
    """One row for each name and what happened to it, by name."""
    best: dict[str, Suspect] = {}
    for suspect in suspects:
        best.setdefault(suspect.change.name, suspect)
    entries = grouped(delta)
    places = _places(entries)
    rows = tuple(_row(entry, locks, best.get(entry.name), places) for entry, locks in told_once(entries))
    return Table(
        rows=rows,
        kinds=tuple(sorted({row.kind for row in rows})),
        locks=len({lock for row in rows for lock in row.locks}) > 1,
        scores=bool(best),
    )


def _places(entries: Sequence[Named]) -> dict[tuple[str, ...], int]:
    """The place of each cell of versions: by its highest one, then the others; none at all comes first."""
    cells = {side for entry in entries for side in (entry.before, entry.after)}
    ordered = sorted(cells, key=lambda versions: ([version_key(version) for version in reversed(versions)], versions))
    return {versions: place for place, versions in enumerate(ordered)}


def _row(entry: Named, locks: tuple[str, ...], suspect: Suspect | None, places: Mapping[tuple[str, ...], int]) -> Row:
    change = entry.leading
    paths = change.paths_after or change.paths_before
    return Row(
        name=entry.name,
        locks=locks,
        before=_versions(entry.before),
        after=_versions(entry.after),
        kind=entry.kind,
        what=f"{entry.kind} ({change.step})" if change.step else entry.kind,
        alarming=entry.kind in ALARMING,
        by=("the project itself" if change.direct else trail(paths[0][:-1])) if paths else "",
        why=change.reason.detail,
        older=places[entry.before],
        newer=places[entry.after],
        score=signed(suspect.score, plus=False) if suspect else "",
        weight=suspect.score if suspect else 0.0,
        share=share(suspect) if suspect else "",
    )


def _versions(versions: tuple[str, ...]) -> str:
    return ", ".join(line(version, 60) for version in versions) or "\u2013"
