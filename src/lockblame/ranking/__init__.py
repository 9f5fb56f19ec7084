"""Which change is to blame: the symptom against the changed packages and what was reported of them.

Everything is a sum of log-odds: an issue's score is the sum of its evidence, a suspect's the sum of its own, and what is shown
is what was summed. Nothing here asks the network, a clock or chance: the same input gives the same order everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lockblame.lexicon import Lexicon
from lockblame.model import Change, Contents, Evidence, Issue, Match, Note, Release, Repository, Suspect, Symptom
from lockblame.ranking.circumstances import opened_by, report_features, time_features, version_features
from lockblame.ranking.documents import Document
from lockblame.ranking.features import DIGITS, Feature, evidence, total
from lockblame.ranking.likeness import Likeness
from lockblame.ranking.packages import import_names, lock_features, package_features
from lockblame.ranking.pool import Key, key_of, pool
from lockblame.ranking.versions import Step, release

__all__ = ["Candidate", "Ranking", "rank"]

TEMPERATURE = 1.0
"""Scores are divided by this before they become probabilities; fitted together with the weights."""
CONCLUSIVE = 3.0
"""What the best report's likeness to the symptom (its evidence apart from time, versions and the lock) has to add up to."""
ABOUT_SYMPTOM = frozenset({"text", "identifiers", "error", "concepts", "scorer"})

Scorer = Callable[[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A change and what is known upstream about it: the release of its new version, those after it, its issues and notes."""

    change: Change
    release: Release | None = None
    later: tuple[Release, ...] = ()
    repository: Repository | None = None
    issues: tuple[Issue, ...] = ()
    notes: tuple[Note, ...] = ()
    contents: Contents | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Suspects and issues, best first. `conclusive` says whether a report fits the symptom at all."""

    suspects: tuple[Suspect, ...] = ()
    issues: tuple[Match, ...] = ()
    conclusive: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """The features of one issue as a report on one candidate."""

    issue: Issue
    candidate: int
    features: tuple[Feature, ...]


def rank(
    symptom: Symptom | None,
    candidates: Sequence[Candidate],
    *,
    now: datetime | None = None,
    lexicon: Lexicon | None = None,
    scorer: Scorer | None = None,
) -> Ranking:
    """The candidates as suspects and their issues as matches, best first.

    Issues opened after `now` are left out. `scorer` gives the similarity of two texts (0 to 1) as one more evidence.
    An issue that several candidates share (one repository, or forks of one package) counts for the one that it fits best.
    """
    own = [own_features(symptom, candidate) for candidate in candidates]
    matches: dict[Key, tuple[Match, int]] = {}
    for measured in measure(symptom, candidates, now=now, lexicon=lexicon, scorer=scorer):
        items = tuple(evidence(feature) for feature in (*measured.features, *own[measured.candidate]))
        match = Match(
            issue=measured.issue, package=candidates[measured.candidate].change.name, evidence=items, score=total(items)
        )
        key = key_of(measured.issue)
        if key not in matches or _order(match) < _order(matches[key][0]):
            matches[key] = (match, measured.candidate)
    ordered = sorted(matches.values(), key=lambda pair: _order(pair[0]))
    suspects = _suspects(candidates, own, ordered)
    issues = tuple(match for match, _ in ordered)
    return Ranking(suspects=suspects, issues=issues, conclusive=_conclusive(issues))


def measure(
    symptom: Symptom | None,
    candidates: Sequence[Candidate],
    *,
    now: datetime | None = None,
    lexicon: Lexicon | None = None,
    scorer: Scorer | None = None,
) -> Iterable[Measured]:
    """The features of every issue that is looked at closely, for each candidate whose issue it is."""
    from lockblame import lexicon as lexicons

    lexicon = lexicon or lexicons.default()
    groups = [
        (
            _aware(candidate.release.uploaded) if candidate.release else None,
            [_dated(issue) for issue in candidate.issues if opened_by(_dated(issue), _aware(now))],
        )
        for candidate in candidates
    ]
    gathered = pool(symptom, groups, lexicon)
    likeness = Likeness(symptom, gathered, lexicon, scorer) if symptom is not None else None
    shared: dict[Key, tuple[Feature, ...]] = {}
    for number, (candidate, (_, issues)) in enumerate(zip(candidates, groups, strict=True)):
        step = _step(candidate)
        for key in dict.fromkeys(key_of(issue) for issue in issues):
            item = gathered.documents.get(key)
            if item is None:
                continue
            if key not in shared:
                shared[key] = (*(likeness.features(item) if likeness else ()), *report_features(item.issue))
            yield Measured(item.issue, number, (*shared[key], *_circumstances(item, candidate, step)))


def _circumstances(item: Document, candidate: Candidate, step: Step) -> Iterable[Feature]:
    came = candidate.release
    if came is not None and came.uploaded is not None and came.uploaded.tzinfo is None:
        came = replace(came, uploaded=_aware(came.uploaded))
    yield from time_features(item.issue, candidate.change, came, candidate.later)
    yield from version_features(item, candidate.change, step)


def own_features(symptom: Symptom | None, candidate: Candidate) -> list[Feature]:
    """The features of a candidate itself, whatever was reported."""
    return [*package_features(symptom, candidate.change), *lock_features(candidate.change, candidate.release)]


def _step(candidate: Candidate) -> Step:
    names = {candidate.change.name, *(name.replace("_", "-") for name in import_names(candidate.change.name))}
    if candidate.repository is not None:
        names.add(candidate.repository.path.rsplit("/", 1)[-1].lower().replace("_", "-"))
    return Step(old=release(candidate.change.old), new=release(candidate.change.new), names=frozenset(names))


def _order(match: Match) -> tuple[float, str, str, int]:
    return -match.score, match.package, match.issue.repository.lower(), match.issue.number


def _suspects(
    candidates: Sequence[Candidate], own: Sequence[list[Feature]], ordered: Sequence[tuple[Match, int]]
) -> tuple[Suspect, ...]:
    matches: dict[int, list[Match]] = {}
    for match, number in ordered:
        matches.setdefault(number, []).append(match)
    suspects = []
    for number, candidate in enumerate(candidates):
        mine = tuple(matches.get(number, ()))
        alone = tuple(
            evidence(feature) for feature in (Feature("unreported", 1.0, "no report of it fits the symptom"), *own[number])
        )
        items = mine[0].evidence if mine and mine[0].score > total(alone) else alone
        suspects.append(Suspect(change=candidate.change, evidence=items, matches=mine, notes=candidate.notes, score=total(items)))
    suspects.sort(key=lambda suspect: (-suspect.score, suspect.change.name, suspect.change.new or "", suspect.change.old or ""))
    return _with_probabilities(suspects)


def _with_probabilities(suspects: Sequence[Suspect]) -> tuple[Suspect, ...]:
    if not suspects:
        return ()
    best = suspects[0].score
    shares = [math.exp((suspect.score - best) / TEMPERATURE) for suspect in suspects]
    whole = math.fsum(shares)
    return tuple(
        replace(suspect, probability=round(share / whole, DIGITS)) for suspect, share in zip(suspects, shares, strict=True)
    )


def _conclusive(issues: Sequence[Match]) -> bool:
    return bool(issues) and likeness_of(issues[0].evidence) >= CONCLUSIVE


def likeness_of(items: Iterable[Evidence]) -> float:
    """How much of a score is about the symptom."""
    return sum(item.weight for item in items if item.kind in ABOUT_SYMPTOM)


def _aware(moment: datetime | None) -> datetime | None:
    """A moment without a time zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _dated(issue: Issue) -> Issue:
    created = issue.created_at
    return replace(issue, created_at=_aware(created)) if created is not None and created.tzinfo is None else issue
