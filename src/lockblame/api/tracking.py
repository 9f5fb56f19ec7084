"""Asking forges: the issues of each changed package's repository, and everything that could not be had as a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lockblame.api.evidence import Knowledge, gap
from lockblame.errors import UpstreamError
from lockblame.flow import Flow
from lockblame.model import Change, Gap, Issue, Repository, Symptom

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.forges import Found

BEFORE_RELEASE = timedelta(days=7)
"""A regression is sometimes reported from a pre-release or the main branch: so much earlier than the release is looked at."""
MOST_ISSUES = 300
MOST_SEARCHED = 50
WORDS_SEARCHED = 6


def with_issues(known: Knowledge, changes: Iterable[Change], symptom: Symptom | None, client: Client) -> Knowledge:
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
