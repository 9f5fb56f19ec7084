"""Constraints that a lock doesn't write down, from the metadata of the releases that demand them (PEP 658)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lockblame.api.asking.evidence import gap
from lockblame.api.asking.origins import PagesRead, Sourcing, lane
from lockblame.errors import UpstreamError
from lockblame.flow import Flow
from lockblame.model import Delta, Edge, Gap

if TYPE_CHECKING:
    from lockblame.client import Client

MOST = 60
"""Releases whose metadata is asked for at most; the others' reasons stay unknown."""

Requirements = Mapping[tuple[str, str], tuple[str, ...]]
"""(name, version) → the Requires-Dist lines of that release."""
Wanted = Mapping[tuple[str, str], Sequence[str]]
"""(name, version) of the releases to be asked for → the addresses of the indexes that may have each."""


def wanted(delta: Delta, names: Sequence[str] = ()) -> Wanted:
    """The releases whose demands could settle the unknown reasons of a Delta (of `names` only, if given)."""
    from lockblame.delta import unsettled

    sourcing = Sourcing(delta.after, delta.before)
    places = {one: sourcing.pages_of(one[0]) for one in unsettled(_only(delta, names) if names else delta)}
    return dict([each for each in places.items() if each[1]][:MOST])


def required(places: Wanted, client: Client, read: PagesRead) -> tuple[Requirements, tuple[Gap, ...]]:
    """What those releases require, of pages that may have been `read` before."""
    versions: dict[str, list[str]] = {}
    for name, version in places:
        versions.setdefault(name, []).append(version)
    # a package's page is long, and read once for all of its versions
    tasks = [
        (name, lane(places[name, several[0]][0]), _requirements(name, several, places[name, several[0]], read))
        for name, several in versions.items()
    ]
    found, gaps = {}, []
    for name, answer in zip(versions, client.map(tasks, stage="asking why"), strict=False):
        if isinstance(answer, UpstreamError):
            gaps.append(gap(answer))
            continue
        for version, lines in answer.items():
            if isinstance(lines, UpstreamError):
                gaps.append(gap(lines))
            else:
                found[name, version] = lines
    return found, tuple(dict.fromkeys(gaps))


def _only(delta: Delta, names: Sequence[str]) -> Delta:
    kept = tuple(change for name in names for change in delta.get(name))
    return replace(delta, changes=kept, parts=tuple(_only(part, names) for part in delta.parts))


def _requirements(
    name: str, versions: Sequence[str], places: Sequence[str], read: PagesRead
) -> Flow[dict[str, tuple[str, ...] | UpstreamError]]:
    from lockblame import index

    page = yield from read.page(name, places)
    found: dict[str, tuple[str, ...] | UpstreamError] = {}
    for version in versions:
        try:
            found[version] = (yield from index.metadata(page, version)).requires_dist
        except UpstreamError as error:
            found[version] = error
    return found


def settled(delta: Delta, name: str, client: Client) -> Delta:
    """The Delta with the reasons of one package settled, as far as package indexes can say; else as it is, with the gaps."""
    from lockblame.api.asking.missing import unheld

    requirements, gaps = required(wanted(delta, (name,)), client, PagesRead())
    gaps = unheld(gaps, "what its parents demand was not asked for")
    told = explained(delta, requirements)
    return replace(told, gaps=(*told.gaps, *gaps)) if gaps else told


def explained(delta: Delta, requirements: Requirements) -> Delta:
    """The Delta with the reasons that those requirements settle."""
    from lockblame.delta import explain

    if not requirements:
        return delta
    edges = {
        release: tuple(edge for line in lines if (edge := _edge(line)) is not None) for release, lines in requirements.items()
    }
    return explain(delta, edges)


def _edge(line: str) -> Edge | None:
    from lockblame.lockfiles.names import requirement

    asked = requirement(line)
    if asked is None:
        return None
    return Edge(name=asked.name, specifier=asked.specifier, marker=asked.marker, extras=asked.extras)
