"""Asking upstream: the index of each changed package (their forges: `tracking`), and what could not be had as a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lockblame.api.evidence import Asked, Knowledge, gap
from lockblame.api.tracking import with_issues
from lockblame.errors import NotFound, UpstreamError
from lockblame.flow import Flow
from lockblame.model import Change, Delta, Gap, Pin, Release, Repository, Symptom
from lockblame.progress import Progress

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.index import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    """What an index told of one package: its releases and, where that had to be asked, its repository."""

    releases: tuple[Release, ...] = ()
    repository: Repository | None = None
    gaps: tuple[Gap, ...] = ()


def gather(delta: Delta, known: Knowledge, asked: Asked, symptom: Symptom | None, progress: Progress) -> Knowledge:
    """`known` and what the indexes and forges of the changed packages say. Never raises for what goes wrong upstream."""
    from lockblame.client import Client

    if asked.client is not None:
        return _gathered(delta, known, asked, symptom, asked.client)
    with Client(token=asked.token, progress=progress) as client:
        return _gathered(delta, known, asked, symptom, client)


def _gathered(delta: Delta, known: Knowledge, asked: Asked, symptom: Symptom | None, client: Client) -> Knowledge:
    changes = {change.name: change for change in delta if change.kind != "refiled"}
    known = _with_packages(known, changes.values(), delta.after.indexes or delta.before.indexes, client)
    known = _with_requirements(known, delta, client)
    return known if asked.issues is not None else with_issues(known, changes.values(), symptom, client)


# --- indexes ---------------------------------------------------------------------------------------------------------


def _with_packages(known: Knowledge, changes: Iterable[Change], indexes: Sequence[str], client: Client) -> Knowledge:
    """Release dates, yanks and repositories of the changed packages."""
    tasks, names, gaps, repositories = [], [], [], {}
    for change in changes:
        pin = change.after or change.before
        if pin is None:
            continue
        if pin.source.kind != "registry":
            found = _from_source(pin)
            if found is not None:
                repositories[pin.name] = found
            elif pin.name not in known.repositories:
                gaps.append(_elsewhere(pin))
            continue
        places = index_pages(pin, indexes)
        wanted = None if pin.name in known.repositories else pin.version
        names.append(pin.name)
        tasks.append((pin.name, urlsplit(places[0]).netloc, _package(pin.name, places, wanted)))
    releases = {}
    for name, answer in zip(names, client.map(tasks, stage="asking package indexes"), strict=True):
        if isinstance(answer, UpstreamError):
            gaps.append(gap(answer))
            continue
        releases[name] = answer.releases
        gaps += answer.gaps
        if answer.repository is not None:
            repositories[name] = answer.repository
    return replace(
        known,
        releases={**known.releases, **releases},
        repositories={**repositories, **known.repositories},
        gaps=(*known.gaps, *gaps),
    )


def index_pages(pin: Pin, indexes: Sequence[str]) -> tuple[str, ...]:
    """The indexes that may have a package: the one its lock names for it, else those of the lock, else what pip would ask."""
    from lockblame.client import default_index

    return (pin.source.location,) if pin.source.location else tuple(indexes) or (default_index(),)


def pages_of(name: str, delta: Delta) -> tuple[str, ...]:
    """The same for a package by its name; empty when it comes from elsewhere than an index."""
    pin = next(iter((*delta.after.get(name), *delta.before.get(name))), None)
    if pin is None or pin.source.kind != "registry":
        return ()
    return index_pages(pin, delta.after.indexes or delta.before.indexes)


def _from_source(pin: Pin) -> Repository | None:
    """A package that is locked from git is developed there."""
    from lockblame.upstream import parse_repository

    return parse_repository(pin.source.location) if pin.source.kind == "git" and pin.source.location else None


def _elsewhere(pin: Pin) -> Gap:
    detail = f"comes from {pin.source.kind} {pin.source.location or ''}".rstrip() + ", which no package index knows"
    return Gap(subject=pin.name, reason="no-index", detail=detail, hint=f'[upstreams] {pin.name} = "https://…" in lockblame.toml')


def _package(name: str, places: Sequence[str], version: str | None) -> Flow[_Package]:
    """The project page and, when `version` is given, the links of that version."""
    from lockblame import upstream

    project = yield from project_page(name, places)
    if version is None:
        return _Package(releases=project.releases)
    found = yield from upstream.find(project, version)
    if isinstance(found, Gap):
        return _Package(releases=project.releases, gaps=(found,))
    return _Package(releases=project.releases, repository=found)


def project_page(name: str, places: Sequence[str]) -> Flow[Project]:
    """The page on the first index that has the project."""
    from lockblame import index

    for place in places[:-1]:
        try:
            return (yield from index.project(name, place))
        except NotFound:
            continue
    return (yield from index.project(name, places[-1]))


def _with_requirements(known: Knowledge, delta: Delta, client: Client) -> Knowledge:
    """What parents demand, where the lock doesn't say: it tells why a change happened."""
    from lockblame.api.explaining import looked_up

    requirements, gaps = looked_up(delta, client)
    told = {gap.subject for gap in known.gaps}
    new = tuple(gap for gap in gaps if gap.subject not in told)
    return replace(known, requirements={**known.requirements, **requirements}, gaps=(*known.gaps, *new))
