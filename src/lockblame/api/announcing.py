"""Notes that only the forge has: the releases of a suspect's repository, where its artifacts hold no changelog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lockblame.api.evidence import Knowledge, Step, gap, step_of
from lockblame.errors import UpstreamError
from lockblame.model import Change, Note, Repository

if TYPE_CHECKING:
    from lockblame.api.digging import Dug
    from lockblame.client import Client
    from lockblame.forges.releases import Announcement


def announced(found: Mapping[Step, Dug], changes: Sequence[Change], known: Knowledge, client: Client) -> Mapping[Step, Dug]:
    """`found` with the notes of the releases on GitHub for each change that has none yet; each repository is asked once."""
    from lockblame.forges import github, releases

    silent = [change for change in changes if step_of(change) in found and not found[step_of(change)].notes]
    homes = {change.name: known.repositories[change.name] for change in silent if change.name in known.repositories}
    asked = list(dict.fromkeys(home for home in homes.values() if home.forge == "github"))
    tasks = [(home.path, home.host, releases.releases(home, github.api_of(home))) for home in asked]
    answers = dict(zip(asked, client.map(tasks, stage="reading release notes"), strict=True)) if tasks else {}
    told = dict(found)
    for change in silent:
        answer = answers.get(homes[change.name]) if change.name in homes else None
        if answer is not None:
            told[step_of(change)] = _with(told[step_of(change)], change, answer, homes[change.name])
    return told


def _with(dug: Dug, change: Change, answer: tuple[Announcement, ...] | UpstreamError, home: Repository) -> Dug:
    if isinstance(answer, UpstreamError):
        return replace(dug, gaps=(*dug.gaps, replace(gap(answer), subject=f"releases of {home.path}")))
    notes = _notes(change, answer)
    # what the artifact lacked has been found elsewhere
    kept = tuple(one for one in dug.gaps if one.reason != "no-notes") if notes else dug.gaps
    return replace(dug, notes=notes, gaps=kept)


def _notes(change: Change, answer: tuple[Announcement, ...]) -> tuple[Note, ...]:
    from lockblame.forges.releases import of_package
    from lockblame.notes import Section, between

    own = of_package(answer, change.name)
    links = {version: one.url for version, one in own}
    found = between((Section(version, one.text) for version, one in own), change.old, change.new or "", name=change.name)
    return tuple(replace(note, url=links.get(note.version)) for note in found)
