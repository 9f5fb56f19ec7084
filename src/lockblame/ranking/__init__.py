"""Which change is to blame: the symptom against the changed packages and what was reported of them.

Everything is a sum of log-odds: an issue's score is the sum of its evidence, a suspect's the sum of its own, and what is shown
is what was summed. Nothing here asks the network, a clock or chance: the same input gives the same order everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lockblame.lexicon import Lexicon
from lockblame.model import Evidence, Match, Suspect, Symptom
from lockblame.ranking.features import DIGITS, Feature, evidence, total
from lockblame.ranking.measuring import Candidate, Measured, Scorer, measure
from lockblame.ranking.pool import Key, key_of
from lockblame.ranking.weights import CONCLUSIVE, TEMPERATURE

__all__ = ["Candidate", "Ranking", "rank"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Suspects and issues, best first. `conclusive` says whether a report fits the symptom at all."""

    suspects: tuple[Suspect, ...] = ()
    issues: tuple[Match, ...] = ()
    conclusive: bool = False


def rank(
    symptom: Symptom | None,
    candidates: Sequence[Candidate],
    *,
    now: datetime | None = None,
    lexicon: Lexicon | None = None,
    scorer: Scorer | None = None,
    fewest: int = 0,
) -> Ranking:
    """The candidates as suspects and their issues as matches, best first.

    Issues opened after `now` are left out. `scorer` gives the similarity of two texts (0 to 1) as one more evidence.
    Words are as rare as among `fewest` issues, where there are fewer.
    An issue that several candidates share (one repository, or forks of one package) counts for the one that it fits best, and for
    all that it fits as well: the alphabet accuses nobody.
    A suspect's evidence is that of its best report or, where no report is worth more than none, that of the package alone.
    """
    from lockblame import lexicon as lexicons

    measured = measure(symptom, candidates, now=now, lexicon=lexicon or lexicons.default(), scorer=scorer, fewest=fewest)
    own = [tuple(evidence(feature) for feature in features) for features in measured.own]
    best: dict[Key, list[tuple[Match, int]]] = {}
    for report in measured.reports:
        match = _match(report, candidates[report.candidate].change.name, own[report.candidate])
        fitting = best.setdefault(key_of(report.issue), [])
        if fitting and match.score > fitting[0][0].score:
            fitting.clear()
        if not fitting or match.score == fitting[0][0].score:
            fitting.append((match, report.candidate))
    ordered = sorted((pair for fitting in best.values() for pair in fitting), key=lambda pair: _order(pair[0]))
    issues = {key_of(match.issue): match for match, _ in reversed(ordered)}
    return Ranking(
        suspects=_suspects(candidates, own, ordered),
        issues=tuple(sorted(issues.values(), key=_order)),
        conclusive=symptom is not None and bool(ordered) and ordered[0][0].score >= CONCLUSIVE,
    )


def _match(report: Measured, package: str, own: tuple[Evidence, ...]) -> Match:
    items = (*(evidence(feature) for feature in report.features), *own)
    return Match(issue=report.issue, package=package, evidence=items, score=total(items))


def _order(match: Match) -> tuple[float, str, str, int]:
    return -match.score, match.package, match.issue.repository.lower(), match.issue.number


def _suspects(
    candidates: Sequence[Candidate], own: Sequence[tuple[Evidence, ...]], ordered: Sequence[tuple[Match, int]]
) -> tuple[Suspect, ...]:
    matches: dict[int, list[Match]] = {}
    for match, number in ordered:
        matches.setdefault(number, []).append(match)
    suspects = []
    for number, candidate in enumerate(candidates):
        mine = tuple(matches.get(number, ()))
        alone = (evidence(Feature("unreported", 1.0, "no report that fits is known: counts as a weak one")), *own[number])
        items = mine[0].evidence if mine and mine[0].score > total(alone) else alone
        suspects.append(
            Suspect(
                change=candidate.change,
                evidence=items,
                matches=mine,
                notes=candidate.notes,
                comparison=candidate.comparison,
                summary=candidate.release.summary if candidate.release is not None else None,
                score=total(items),
            )
        )
    suspects.sort(key=lambda suspect: (-suspect.score, suspect.change.name, suspect.change.new or "", suspect.change.old or ""))
    return _with_probabilities(suspects)


def _with_probabilities(suspects: Sequence[Suspect]) -> tuple[Suspect, ...]:
    """The suspects with their shares of exp(score / TEMPERATURE)."""
    if not suspects:
        return ()
    shares = [math.exp((suspect.score - suspects[0].score) / TEMPERATURE) for suspect in suspects]
    whole = math.fsum(shares)
    return tuple(
        replace(suspect, probability=round(share / whole, DIGITS)) for suspect, share in zip(suspects, shares, strict=True)
    )
