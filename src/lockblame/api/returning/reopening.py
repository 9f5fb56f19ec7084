"""What going back reopens, asked of the package index: the notes on the versions that are skipped, and known vulnerabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockblame.api.asking.announcing import announced
from lockblame.api.asking.digging import MEGABYTE, Budget
from lockblame.api.asking.dug import Dug
from lockblame.api.asking.evidence import Knowledge, Step, gap, step_of
from lockblame.api.asking.missing import listed
from lockblame.api.asking.origins import lane, pages_of, project_page
from lockblame.errors import LockblameError, NotFound, UpstreamError
from lockblame.flow import Flow
from lockblame.model import Change, Delta, Gap, Note, Repository

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.contents import Archive
    from lockblame.index import File, Project
    from lockblame.index.vulnerabilities import Vulnerability
    from lockblame.rollbacks import Advisory

MOST = 60
"""Versions whose vulnerabilities are asked for at most."""

Notes = tuple[tuple[Note, ...], tuple[Gap, ...]]


# --- vulnerabilities -------------------------------------------------------------------------------------------------


def vulnerable(changes: Sequence[Change], delta: Delta, client: Client) -> tuple[tuple[Advisory, ...], tuple[Gap, ...]]:
    """What the index knows of the old versions and of the new ones, as advisories; and of which it tells nothing."""
    wanted = list(dict.fromkeys((one.name, version) for one in changes for version in (one.old, one.new) if version))
    asked = [(key, pages) for key in wanted[:MOST] if (pages := pages_of(key[0], delta))]
    tasks = [(" ".join(key), lane(pages[0]), _known(*key, pages)) for key, pages in asked]
    found: dict[tuple[str, str], dict[str, Vulnerability]] = {}
    affected: dict[tuple[str, str], list[str]] = {}
    silent: list[str] = []
    gaps = []
    for ((name, version), _), answer in zip(asked, client.map(tasks, stage="asking for vulnerabilities"), strict=True):
        if isinstance(answer, NotFound):
            silent.append(f"{name} {version}")
            continue
        if isinstance(answer, UpstreamError):
            gaps.append(gap(answer))
            continue
        for one in answer:
            found.setdefault((name, one.id), {})[version] = one
            affected.setdefault((name, one.id), []).append(version)
    advisories = (_advisory(name, next(iter(several.values())), affected[name, id]) for (name, id), several in found.items())
    return tuple(advisories), (*gaps, *_silent(silent), *_beyond(wanted[MOST:]))


def _known(name: str, version: str, places: Sequence[str]) -> Flow[tuple[Vulnerability, ...]]:
    """From the first of the indexes that has the package: the others need not get to know of it."""
    from lockblame import index
    from lockblame.index.vulnerabilities import vulnerabilities

    for place in places[:-1]:
        try:
            yield from index.project(name, place)
        except NotFound:
            continue
        return (yield from vulnerabilities(name, version, place))
    return (yield from vulnerabilities(name, version, places[-1]))


def _advisory(name: str, one: Vulnerability, versions: Sequence[str]) -> Advisory:
    from lockblame.rollbacks import Advisory

    return Advisory(id=one.id, package=name, aliases=one.aliases, summary=one.summary, versions=tuple(versions), url=one.link)


def _silent(releases: Sequence[str]) -> tuple[Gap, ...]:
    if not releases:
        return ()
    shown = listed(releases)
    detail = "whether there are known vulnerabilities is not known: the index tells of none for them"
    return (Gap(subject=shown, reason="no-vulnerability-data", detail=detail, hint="give --advisories FILE in the OSV format"),)


def _beyond(left: Sequence[tuple[str, str]]) -> tuple[Gap, ...]:
    if not left:
        return ()
    detail = f"the vulnerabilities of {len(left)} more versions were not asked for (the limit is {MOST})"
    return (Gap(subject="vulnerabilities", reason="left-out", detail=detail, hint="give --advisories FILE in the OSV format"),)


# --- notes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    """The file of a release that may hold the changelog."""

    change: Change
    file: File


def notes_of(changes: Sequence[Change], delta: Delta, client: Client, budget: Budget) -> Notes:
    """The notes that the new versions' own distributions hold on the versions that are skipped, within a budget."""
    steps = list({(one.name, one.old, one.new): one for one in changes if one.old and one.new}.values())
    places = {one.name: pages for one in steps if (pages := pages_of(one.name, delta))}
    tasks = [(name, lane(pages[0]), project_page(name, pages)) for name, pages in places.items()]
    pages_by_name = dict(zip(places, client.map(tasks, stage="finding changelogs"), strict=True))
    logs, gaps = _chosen(steps, pages_by_name, budget)
    fetches = [(log.file.name, lane(log.file.url), _fetched(log)) for log in logs]
    found: dict[Step, Dug] = {}
    for log, answer in zip(logs, client.map(fetches, stage="fetching changelogs"), strict=True):
        told = answer if isinstance(answer, UpstreamError) else _read(log, answer)
        if isinstance(told, LockblameError):
            gaps.append(_unread(log.change, str(told)))
        else:
            why = f"{log.file.name[:200]} holds no changelog that tells of them"
            found[step_of(log.change)] = Dug(notes=told, gaps=() if told else (_unread(log.change, why),))
    silent = [log.change for log in logs if not found.get(step_of(log.change), Dug()).notes]
    found = dict(announced(found, silent, _homes(silent, pages_by_name, client), client))
    return tuple(note for one in found.values() for note in one.notes), (
        *gaps,
        *(hole for one in found.values() for hole in one.gaps),
    )


def _homes(changes: Sequence[Change], pages: Mapping[str, Project | UpstreamError], client: Client) -> Knowledge:
    """Where the packages are developed, for the releases that their forges tell of."""
    from lockblame import upstream

    tasks = [
        (one.name, lane(page.url), upstream.find(page, one.new or ""))
        for one in changes
        if (page := pages.get(one.name)) is not None and not isinstance(page, UpstreamError)
    ]
    answers = client.map(tasks, stage="looking for release notes") if tasks else []
    found = {name: answer for (name, *_), answer in zip(tasks, answers, strict=True) if isinstance(answer, Repository)}
    return Knowledge(repositories=found)


def _chosen(
    steps: Sequence[Change], pages: Mapping[str, Project | UpstreamError], budget: Budget
) -> tuple[list[_Log], list[Gap]]:
    """One file for each, the source distribution before a wheel, as far as the budget goes."""
    from lockblame.contents import UNKNOWN

    room = budget.megabytes * MEGABYTE
    logs: list[_Log] = []
    gaps: list[Gap] = []
    for change in steps:
        page = pages.get(change.name)
        if page is None or isinstance(page, UpstreamError):
            gaps.append(_unread(change, str(page) if page is not None else "it comes from elsewhere than an index"))
            continue
        file = _changelog(page, change.new or "")
        if file is None:
            gaps.append(_unread(change, f"the index has no files of {change.new}"))
        elif len(logs) >= budget.packages or (file.size or UNKNOWN) > room:
            gaps.append(_unread(change, f"that is more than the budget has room for ({budget})"))
        else:
            room -= file.size or UNKNOWN
            logs.append(_Log(change=change, file=file))
    return logs, gaps


def _changelog(page: Project, version: str) -> File | None:
    from lockblame.contents import is_archive

    files = [file for file in page.files_of(version) if is_archive(file.name)]
    return min(files, key=lambda file: (file.name.endswith(".whl"), file.size or 0), default=None)


def _fetched(log: _Log) -> Flow[bytes]:
    from lockblame import index

    pin = log.change.after
    locked = next((one.hash for one in (pin.artifacts if pin else ()) if one.name == log.file.name), None)
    return index.download(log.file, f"{log.change.name} {log.change.new}", expected=locked)


def _read(log: _Log, data: bytes) -> tuple[Note, ...] | LockblameError:
    from lockblame import notes
    from lockblame.contents import Archive

    archive: Archive = Archive(name=log.file.name, data=data)
    try:
        return notes.from_archive(archive, log.change.name, log.change.old, log.change.new or "")
    except LockblameError as error:
        return error


def _unread(change: Change, why: str) -> Gap:
    detail = f"which fixes going back from {change.new} to {change.old} loses is not known: {why}"
    return Gap(subject=change.name, reason="no-notes", detail=detail, hint="read its release notes by hand")
