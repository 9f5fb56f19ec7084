"""Asking upstream: the index of each changed package (their forges: `tracking`), and what could not be had as a gap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockblame.api.asking.evidence import Asked, Knowledge, client_of, gap
from lockblame.api.asking.explaining import Wanted, required, wanted
from lockblame.api.asking.origins import PagesRead, Sourcing, lane, pages_of, project_page
from lockblame.api.asking.tracking import with_issues
from lockblame.errors import AccessRefused, UpstreamError
from lockblame.flow import Flow
from lockblame.logbook import log
from lockblame.model import Change, Delta, Forge, Gap, Pin, Release, Repository, Symptom
from lockblame.progress import Progress

if TYPE_CHECKING:
    from lockblame.client import Client

__all__ = ["gather", "pages_of", "project_page", "with_packages"]

_LONGEST_SUMMARY = 300
"""Characters of what a package calls itself: one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    """What an index told of one package: its releases and, where that had to be asked, its repository."""

    releases: tuple[Release, ...] = ()
    repository: Repository | None = None
    gaps: tuple[Gap, ...] = ()


def gather(delta: Delta, known: Knowledge, asked: Asked, symptom: Symptom | None, progress: Progress) -> Knowledge:
    """`known` and what the indexes and forges of the changed packages say. Never raises for what goes wrong upstream."""
    with client_of(asked, progress) as client:
        return _gathered(delta, known, asked, symptom, client)


def _gathered(delta: Delta, known: Knowledge, asked: Asked, symptom: Symptom | None, client: Client) -> Knowledge:
    changes = {change.name: change for change in delta if change.kind != "refiled"}
    demanded = wanted(delta)
    read = PagesRead(name for name, _ in demanded)
    known = with_packages(known, changes.values(), Sourcing(delta.after, delta.before).pages, client, read)
    known = _with_requirements(known, demanded, client, read)
    return known if asked.issues is not None else with_issues(known, changes.values(), symptom, client)


# --- indexes ---------------------------------------------------------------------------------------------------------


def with_packages(
    known: Knowledge, changes: Iterable[Change], pages: Callable[[Pin], Sequence[str]], client: Client, read: PagesRead
) -> Knowledge:
    """Release dates, yanks and repositories of the changed packages; `pages` tells the indexes that may have one."""
    tasks, names, gaps, repositories = [], [], [], {}
    hosts = {one.host: one.forge for one in known.repositories.values()}
    for change in changes:
        pin = change.after or change.before
        if pin is None:
            continue
        if pin.source.kind != "registry":
            found = _from_source(pin, hosts)
            if found is not None:
                log("upstream", "%s: developed at %s, where it is locked from", pin.name, found.url)
                repositories[pin.name] = found
            elif pin.name not in known.repositories:
                gaps.append(_elsewhere(pin))
            continue
        places = pages(pin)
        names.append(pin.name)
        tasks.append((pin.name, lane(places[0]), _package(pin, places, hosts, read, linked=pin.name not in known.repositories)))
    releases = {}
    for name, answer in zip(names, client.map(tasks, stage="asking package indexes"), strict=True):
        if isinstance(answer, UpstreamError):
            gaps.append(gap(answer, _way_in(answer)))
            continue
        releases[name] = answer.releases
        gaps += answer.gaps
        if answer.repository is not None:
            log("upstream", "%s: developed at %s, by the links of its release", name, answer.repository.url)
            repositories[name] = answer.repository
    return replace(
        known,
        releases={**known.releases, **releases},
        repositories={**repositories, **known.repositories},
        gaps=(*known.gaps, *gaps),
    )


def _from_source(pin: Pin, hosts: Mapping[str, Forge]) -> Repository | None:
    """A package that is locked from git is developed there."""
    from lockblame.upstream import host_of, parse_repository

    if pin.source.kind != "git" or not pin.source.location:
        return None
    return parse_repository(pin.source.location) or parse_repository(pin.source.location, hosts.get(host_of(pin.source.location)))


def _elsewhere(pin: Pin) -> Gap:
    detail = f"comes from {pin.source.kind} {pin.source.location or ''}".rstrip() + ", which no package index knows"
    return Gap(subject=pin.name, reason="no-index", detail=detail, hint=f'[upstreams] {pin.name} = "https://…" in lockblame.toml')


def _way_in(error: UpstreamError) -> str | None:
    """How to get past a refusal, or to where a package is."""
    if error.reason == "not-found":
        return "if it is a private package, name its index in the lock, in pip's or in uv's configuration"
    if not isinstance(error, AccessRefused) or not error.url:
        return None
    from lockblame.client.credentials import may_carry_secrets

    host = lane(error.url)
    if not may_carry_secrets(error.url):
        return f"no password goes over plain http: name {host} by https"
    ways = "UV_INDEX_NAME_USERNAME and UV_INDEX_NAME_PASSWORD for an index with a name"
    return f"give credentials for {host}: an entry in ~/.netrc, {ways}, or https://USER:PASSWORD@{host}/… in PIP_INDEX_URL"


def _package(pin: Pin, places: Sequence[str], hosts: Mapping[str, Forge], read: PagesRead, *, linked: bool) -> Flow[_Package]:
    """The project page and, when it is to be `linked` to a repository, what the locked version says of itself: links, summary."""
    from lockblame import index, upstream

    project = yield from read.page(pin.name, places, pin)
    if not linked or pin.version is None:
        return _Package(releases=project.releases)
    try:
        own = yield from index.metadata(project, pin.version)
    except UpstreamError as error:
        return _Package(releases=project.releases, gaps=(upstream.unknown(pin.name, error),))
    found = yield from upstream.home(project, own, hosts)
    releases = _described(project.releases, pin.version, own.summary)
    if isinstance(found, Gap):
        return _Package(releases=releases, gaps=(found,))
    return _Package(releases=releases, repository=found)


def _described(releases: tuple[Release, ...], version: str, summary: str | None) -> tuple[Release, ...]:
    """The releases, the one of that version with what it calls itself."""
    from lockblame.versions import version_key

    if not summary:
        return releases
    wanted, told = version_key(version), " ".join(summary[:_LONGEST_SUMMARY].split())
    return tuple(replace(one, summary=told) if version_key(one.version) == wanted else one for one in releases)


def _with_requirements(known: Knowledge, demanded: Wanted, client: Client, read: PagesRead) -> Knowledge:
    """What parents demand, where the lock doesn't say: it tells why a change happened."""
    requirements, gaps = required(demanded, client, read)
    told = {gap.subject for gap in known.gaps}
    new = tuple(gap for gap in gaps if gap.subject not in told)
    return replace(known, requirements={**known.requirements, **requirements}, gaps=(*known.gaps, *new))
