"""What the forges of the leading suspects tell of their steps: the commits between two tags, and notes where they have none."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lockblame.api.asking.evidence import Knowledge, Step, gap, step_of
from lockblame.errors import BadResponse, NotFound, UpstreamError
from lockblame.flow import Flow
from lockblame.model import Change, Comparison, Gap, Note, Repository

if TYPE_CHECKING:
    from lockblame.api.asking.dug import Dug
    from lockblame.client import Client
    from lockblame.forges.releases import Announcement
    from lockblame.forges.tagging import Tags
    from lockblame.forges.tags import Choice


@dataclass(slots=True)
class _Told:
    """What a forge told of one step."""

    comparison: Comparison | None = None
    notes: tuple[Note, ...] = ()
    gaps: list[Gap] = field(default_factory=list)


def announced(
    found: Mapping[Step, Dug], changes: Sequence[Change], known: Knowledge, client: Client, *, ends: float | None = None
) -> Mapping[Step, Dug]:
    """`found` with the comparison of each change's two tags, and with notes for those that have none yet.

    Notes come from the releases on the forge or, where those say nothing, from a changelog in the repository. Nothing is asked
    after `ends` (monotonic). Each repository is one conversation: its releases and tags are read once for all its packages.
    """
    wanted: dict[Repository, list[Change]] = {}
    for change in changes:
        if step_of(change) in found and change.name in known.repositories:
            wanted.setdefault(known.repositories[change.name], []).append(change)
    silent = {step for step, one in found.items() if not one.notes}
    tasks = [
        (home.path, home.host, _within(_of_repository(home, several, silent), home, ends)) for home, several in wanted.items()
    ]
    answers = client.map(tasks, stage="comparing tags") if tasks else []
    told = dict(found)
    for (home, several), answer in zip(wanted.items(), answers, strict=True):
        for change in several:
            step = step_of(change)
            if isinstance(answer, UpstreamError):
                told[step] = replace(told[step], gaps=(*told[step].gaps, _unanswered(answer, home)))
            else:
                told[step] = _with(told[step], answer[step])
    return told


def _with(dug: Dug, told: _Told) -> Dug:
    # what the artifact lacked has been found elsewhere, or been looked for elsewhere too
    kept = tuple(one for one in dug.gaps if one.reason != "no-notes") if told.notes or _says(told, "no-notes") else dug.gaps
    return replace(dug, notes=dug.notes or told.notes, comparison=told.comparison, gaps=(*kept, *told.gaps))


def _says(told: _Told, reason: str) -> bool:
    return any(one.reason == reason for one in told.gaps)


def _unanswered(error: UpstreamError, home: Repository) -> Gap:
    """Not about the whole repository, whose name gaps about its issues have."""
    subject = error.subject if error.subject != home.path else f"tags of {home.path}"
    return replace(gap(error), subject=subject)


def _within(flow: Flow[Mapping[Step, _Told]], home: Repository, ends: float | None) -> Flow[Mapping[Step, _Told]]:
    """The same conversation, in which nothing more is asked once the time is up."""
    try:
        request = next(flow)
        while True:
            try:
                if ends is not None and time.monotonic() >= ends:
                    raise BadResponse(request.subject, f"there was no time left in the budget to ask {home.host}")
                response = yield request
            except UpstreamError as error:
                request = flow.throw(error)
            else:
                request = flow.send(response)
    except StopIteration as stop:
        told: Mapping[Step, _Told] = stop.value
        return told


# --- one repository --------------------------------------------------------------------------------------------------


def _of_repository(home: Repository, changes: Sequence[Change], silent: set[Step]) -> Flow[Mapping[Step, _Told]]:
    from lockblame.forges.tagging import Tags

    told = {step_of(change): _Told() for change in changes}
    announcements: tuple[Announcement, ...] = ()
    if any(step in silent for step in told):
        announcements = yield from _releases(home, told, silent)
    tags = Tags(home, [one.tag for one in announcements])
    for change in changes:
        one = told[step_of(change)]
        choice = yield from _compared(home, change, tags, one)
        if step_of(change) in silent:
            yield from _noted(home, change, announcements, choice, one)
    return told


def _releases(home: Repository, told: Mapping[Step, _Told], silent: set[Step]) -> Flow[tuple[Announcement, ...]]:
    from lockblame.forges.releases import releases

    try:
        return (yield from releases(home))
    except NotFound:
        # without releases there may be tags; without the repository the tags say so
        return ()
    except UpstreamError as error:
        for step, one in told.items():
            if step in silent:
                one.gaps.append(_unanswered(error, home))
        return ()


def _compared(home: Repository, change: Change, tags: Tags, told: _Told) -> Flow[Choice | None]:
    """Adds the comparison of the two tags, or why there is none; gives the tags."""
    from lockblame.forges.comparing import GITHUBS_FILES, comparison
    from lockblame.forges.places import tags_page

    subject = f"commits of {change.name} {change.new}"
    old, new = change.old or "", change.new or ""
    try:
        choice = yield from tags.choose(change.name, old, new)
    except UpstreamError as error:
        told.gaps.append(_unanswered(error, home))
        return None
    missing = [version for version, tag in ((old, choice.before), (new, choice.after)) if tag is None]
    if missing or choice.before is None or choice.after is None:
        detail = f"no tag of {home.path} is {change.name} {' or '.join(missing)}, so the commits of the step are not known"
        told.gaps.append(Gap(subject=subject, reason="no-tag", detail=detail, hint=f"look at {tags_page(home)}"))
        return choice
    # a step back took away what lies between the older tag and the newer one
    ends = (choice.after, choice.before) if change.kind == "downgraded" else (choice.before, choice.after)
    try:
        found = yield from comparison(home, change.name, *ends)
    except UpstreamError as error:
        told.gaps.append(_unanswered(error, home))
        return choice
    told.comparison = found
    if found.left_out:
        detail = f"only the newest {len(found.commits)} of its {len(found.commits) + found.left_out} commits were looked at"
        told.gaps.append(Gap(subject=subject, reason="left-out", detail=detail, hint=f"look at {found.url}"))
    if home.forge == "github" and len(found.files) >= GITHUBS_FILES:
        detail = f"{home.host} names only the first {GITHUBS_FILES} of the files that differ"
        told.gaps.append(Gap(subject=subject, reason="left-out", detail=detail, hint=f"look at {found.url}"))
    return choice


def _noted(
    home: Repository, change: Change, announcements: Sequence[Announcement], choice: Choice | None, told: _Told
) -> Flow[None]:
    """Adds the notes of the forge's releases or of a changelog in the repository."""
    from lockblame.forges.changelogs import changelog

    told.notes = _notes(home, change, announcements)
    if told.notes or choice is None or choice.after is None:
        return
    changed = told.comparison.files if told.comparison is not None else ()
    try:
        told.notes = yield from changelog(home, choice.after, change.name, change.old, change.new or "", changed)
    except UpstreamError as error:
        told.gaps.append(_unanswered(error, home))
        return
    if not told.notes:
        detail = (
            f"neither its artifacts nor the releases and changelogs of {home.path} at {choice.after} tell of its versions "
            f"after {change.old}"
        )
        told.gaps.append(Gap(subject=f"{change.name} {change.new}", reason="no-notes", detail=detail))


def _notes(home: Repository, change: Change, announcements: Sequence[Announcement]) -> tuple[Note, ...]:
    from lockblame.forges.releases import of_package
    from lockblame.notes import Section, between

    own = of_package(announcements, change.name, home.path)
    links = {version: one.url for version, one in own}
    found = between((Section(version, one.text) for version, one in own), change.old, change.new or "", name=change.name)
    return tuple(replace(note, url=links.get(note.version)) for note in found)
