"""From candidates to features: what is measured of each changed package and of each of its reports, before any weighing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lockblame.lexicon import Lexicon
from lockblame.model import Change, Comparison, Contents, Issue, Note, Release, Repository, Symptom
from lockblame.ranking.changes import content_features, named_in_notes, note_features
from lockblame.ranking.circumstances import opened_by, report_features, time_features, version_features
from lockblame.ranking.commits import comparison_features, landing
from lockblame.ranking.documents import Document
from lockblame.ranking.features import Feature
from lockblame.ranking.likeness import Likeness
from lockblame.ranking.packages import Owner, import_names, lock_features, package_features
from lockblame.ranking.pool import Key, Pool, key_of, pool
from lockblame.ranking.summaries import Summaries
from lockblame.ranking.versions import Step, release

Scorer = Callable[[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A change and what is known upstream about it.

    `release` is the new version's, `earlier` the old one's, `later` those after it, `issues` its repository's, `notes` what the
    maintainers wrote on the versions of the step (and, where at hand, on later ones), `contents` what differs between the two
    artifacts, `development` the groups or the file that alone have it, when a deploy leaves them out as a rule.
    """

    change: Change
    release: Release | None = None
    earlier: Release | None = None
    later: tuple[Release, ...] = ()
    repository: Repository | None = None
    issues: tuple[Issue, ...] = ()
    notes: tuple[Note, ...] = ()
    contents: Contents | None = None
    comparison: Comparison | None = None
    development: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """The features of one issue as a report on one candidate (by its place in the sequence)."""

    issue: Issue
    candidate: int
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Measurements:
    """The features of each candidate itself, whatever was reported, and those of every report that was looked at closely."""

    own: tuple[tuple[Feature, ...], ...]
    reports: tuple[Measured, ...]


def measure(
    symptom: Symptom | None,
    candidates: Sequence[Candidate],
    *,
    now: datetime | None,
    lexicon: Lexicon,
    scorer: Scorer | None,
    fewest: int = 0,
) -> Measurements:
    """Everything that can be said of `candidates` and their issues up to `now`, in the order of the candidates."""
    dated = [_dated(candidate, _aware(now)) for candidate in candidates]
    groups = [(candidate.release.uploaded if candidate.release else None, candidate.issues) for candidate in dated]
    gathered = pool(symptom, groups, lexicon, fewest)
    owners = _owners(dated)
    lines = {one.change.name: one.release.summary for one in dated if one.release is not None and one.release.summary}
    summaries = Summaries(symptom, lines, lexicon)
    likeness = Likeness(symptom, gathered, lexicon, scorer) if symptom is not None else None
    return Measurements(
        own=tuple(
            tuple(_own(symptom, candidate, gathered, owner, len(dated), lexicon, summaries))
            for candidate, owner in zip(dated, owners, strict=True)
        ),
        reports=tuple(_reports(dated, gathered, likeness)),
    )


def _owners(candidates: Sequence[Candidate]) -> list[Owner]:
    """For each candidate which modules are its own, and which are another's."""
    names = {candidate.change.name: import_names(candidate.change.name, candidate.contents) for candidate in candidates}
    counts = Counter(each for theirs in names.values() for each in theirs)
    return [Owner(candidate.change.name, names[candidate.change.name], counts) for candidate in candidates]


def _own(
    symptom: Symptom | None,
    candidate: Candidate,
    gathered: Pool,
    owner: Owner,
    changes: int,
    lexicon: Lexicon,
    summaries: Summaries,
) -> Iterable[Feature]:
    if symptom is not None:
        yield from package_features(symptom, candidate.change, owner)
        yield from summaries.features(candidate.change.name)
        noted = list(note_features(symptom, candidate.change, candidate.notes, gathered))
        yield from noted
        yield from content_features(symptom, candidate.change, candidate.contents, gathered)
        if candidate.comparison is not None:
            yield from comparison_features(
                symptom,
                landing(candidate.comparison, candidate.change.name, owner.names, candidate.repository),
                gathered,
                lexicon,
                noted=bool(noted),
                compared=candidate.contents is not None,
                back=candidate.change.kind == "downgraded",
            )
    yield from lock_features(candidate.change, candidate.release, changes, candidate.earlier)
    if candidate.development:
        alone = " and ".join(candidate.development[:3])
        yield Feature("development", 1.0, f"is there for {alone} alone, which a deploy leaves out as a rule")


def _reports(candidates: Sequence[Candidate], gathered: Pool, likeness: Likeness | None) -> Iterable[Measured]:
    shared: dict[Key, tuple[Feature, ...]] = {}
    for number, candidate in enumerate(candidates):
        step = _step(candidate)
        for key in dict.fromkeys(key_of(issue) for issue in candidate.issues):
            item = gathered.documents.get(key)
            if item is None:
                continue
            if key not in shared:
                shared[key] = (*(likeness.features(item) if likeness else ()), *report_features(item.issue))
            yield Measured(item.issue, number, (*shared[key], *_circumstances(item, candidate, step)))


def _circumstances(item: Document, candidate: Candidate, step: Step) -> Iterable[Feature]:
    yield from time_features(item.issue, candidate.change, candidate.release, candidate.later)
    yield from version_features(item, candidate.change, step)
    yield from named_in_notes(item.issue, candidate.change, candidate.notes)


def _step(candidate: Candidate) -> Step:
    names = {candidate.change.name, *(name.replace("_", "-") for name in import_names(candidate.change.name))}
    if candidate.repository is not None:
        names.add(candidate.repository.path.rsplit("/", 1)[-1].lower().replace("_", "-"))
    return Step(old=release(candidate.change.old), new=release(candidate.change.new), names=frozenset(names))


def _dated(candidate: Candidate, now: datetime | None) -> Candidate:
    """The candidate with the issues that were there at `now`, and every moment with a time zone."""
    issues = (
        replace(issue, created_at=_aware(issue.created_at), closed_at=_aware(issue.closed_at))
        if _naive(issue.created_at) or _naive(issue.closed_at)
        else issue
        for issue in candidate.issues
    )
    return replace(
        candidate,
        release=_timed(candidate.release) if candidate.release else None,
        later=tuple(_timed(one) for one in candidate.later),
        issues=tuple(issue for issue in issues if opened_by(issue, now)),
    )


def _timed(one: Release) -> Release:
    return replace(one, uploaded=_aware(one.uploaded)) if _naive(one.uploaded) else one


def _naive(moment: datetime | None) -> bool:
    return moment is not None and moment.tzinfo is None


def _aware(moment: datetime | None) -> datetime | None:
    """A moment without a time zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
