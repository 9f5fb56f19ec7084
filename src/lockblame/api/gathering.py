"""Asking upstream: each changed package's index and forge, in parallel, and everything that could not be had as a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lockblame.api.evidence import Asked, Knowledge
from lockblame.errors import NotFound, UpstreamError
from lockblame.flow import Flow
from lockblame.model import Change, Delta, Gap, Issue, Pin, Release, Repository, Symptom
from lockblame.progress import Progress

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.forges import Found
    from lockblame.index import Project

BEFORE_RELEASE = timedelta(days=7)
"""A regression is sometimes reported from a pre-release or the main branch: so much earlier than the release is looked at."""
MOST_ISSUES = 300
MOST_SEARCHED = 50
WORDS_SEARCHED = 6


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
    return known if asked.issues is not None else _with_issues(known, changes.values(), symptom, client)


def gap(error: UpstreamError, hint: str | None = None) -> Gap:
    """What went wrong upstream, as a gap."""
    return Gap(subject=error.subject, reason=error.reason, detail=error.detail, hint=hint or error.hint)


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


# --- forges ----------------------------------------------------------------------------------------------------------


def _with_issues(known: Knowledge, changes: Iterable[Change], symptom: Symptom | None, client: Client) -> Knowledge:
    """The issues of each repository once, also where several packages share it; the most suspicious packages first."""
    since: dict[Repository, datetime | None] = {}
    for change in _most_suspicious_first(changes, known, symptom):
        repository = known.repositories.get(change.name)
        if repository is None:
            continue
        release = known.release(change.name, change.new)
        start = release.uploaded - BEFORE_RELEASE if release and release.uploaded else None
        earlier = since.get(repository, start)
        since[repository] = min(start, earlier) if start and earlier else start or earlier
    words = words_to_search(symptom)
    tasks = [(repository.path, repository.host, _issues(repository, start, words)) for repository, start in since.items()]
    issues: list[Issue] = []
    gaps: list[Gap] = []
    moved: dict[Repository, Repository] = {}
    for repository, answer in zip(since, client.map(tasks, stage="asking forges"), strict=True):
        if isinstance(answer, UpstreamError):
            gaps.append(gap(answer, _by_hand(repository)))
            continue
        issues += answer.issues
        gaps += (*answer.gaps, *_left_out(answer))
        moved[repository] = answer.repository
    return replace(
        known,
        issues=(*known.issues, *issues),
        repositories={name: moved.get(one, one) for name, one in known.repositories.items()},
        gaps=(*known.gaps, *gaps),
    )


def _most_suspicious_first(changes: Iterable[Change], known: Knowledge, symptom: Symptom | None) -> Iterable[Change]:
    """What is asked first is answered when a limit cuts the rest off."""
    from lockblame.ranking import Candidate, rank

    candidates = [Candidate(change=change, release=known.release(change.name, change.new)) for change in changes]
    return [suspect.change for suspect in rank(symptom, candidates).suspects]


def _issues(repository: Repository, since: datetime | None, words: Sequence[str]) -> Flow[Found]:
    """The issues since shortly before the release, and those of all time that hold the symptom's rare words."""
    from lockblame import forges

    recent = yield from forges.issues(repository, since=since, limit=MOST_ISSUES)
    if not words:
        return recent
    try:
        older = yield from forges.search(recent.repository, words, MOST_SEARCHED)
    except UpstreamError as error:
        return replace(recent, complete=False, gaps=(*recent.gaps, gap(error, _by_hand(repository))))
    return forges.merged(recent, replace(older, left_out=0))


def _by_hand(repository: Repository) -> str | None:
    """What the person can do instead."""
    return f"open {repository.url}/issues by hand" if repository.forge == "github" else None


def _left_out(found: Found) -> Iterable[Gap]:
    if found.left_out:
        detail = f"at least {found.left_out} of its issues since the release were not looked at (the limit is {MOST_ISSUES})"
        yield Gap(
            subject=found.repository.path, reason="left-out", detail=detail, hint=f"open {found.repository.url}/issues by hand"
        )


def words_to_search(symptom: Symptom | None) -> tuple[str, ...]:
    """What a forge's keyword search is asked for: names and error classes first, then the longest words, in its alphabet.

    Longer words are rarer ones (Zipf 1949), and which are rare in a tracker nobody knows before it is read.
    """
    if symptom is None:
        return ()
    errors = [error.type.rpartition(".")[2] for error in symptom.errors]
    words = sorted((word for word in symptom.words if word.isascii() and len(word) > 3), key=lambda word: (-len(word), word))
    concepts = [concept.replace("_", " ") for concept in symptom.concepts]
    return tuple(dict.fromkeys((*errors, *symptom.identifiers, *words[:WORDS_SEARCHED], *concepts)))[:WORDS_SEARCHED]
