"""`blame`: two revisions and a symptom in, suspects and upstream issues out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.api.asking import evidence as upstream
from lockblame.api.asking import missing
from lockblame.api.asking.digging import Budget, deepen, has_step
from lockblame.api.asking.evidence import Asked, Knowledge, PathLike
from lockblame.api.asking.explaining import explained
from lockblame.api.cases import consulted, folder_of
from lockblame.api.comparing import compare, sides
from lockblame.api.reading import Side, Source
from lockblame.api.settings import read_settings
from lockblame.model import Change, Delta, Deployment, Environment, Gap, Report, Suspect
from lockblame.model import Source as PinSource
from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.config import Config
    from lockblame.delta.development import Key
    from lockblame.lexicon import Lexicon
    from lockblame.model import Symptom
    from lockblame.ranking import Candidate, Ranking

Scorer = Callable[[str, str], float]
DATED = 20
"""How many suspects are shown with their releases; hundreds of changes have tens of thousands."""


def blame(
    before: Source,
    after: Source | None = None,
    *,
    symptom: str | None = None,
    issues: PathLike | None = None,
    evidence: PathLike | None = None,
    save_evidence: PathLike | None = None,
    as_of: datetime | None = None,
    config: PathLike | None = None,
    environment: Environment | None = None,
    repository: PathLike | None = None,
    offline: bool = False,
    token: str | None = None,
    client: Client | None = None,
    scorer: Scorer | None = None,
    deep: bool | Budget = False,
    progress: Progress = SILENT,
) -> Report:
    """Which change between two locks is the most likely to blame for `symptom`, and which upstream issues report it.

    `before` and `after` are what `diff` takes. `symptom` is free text, a log or a traceback, in English or Korean; without it the
    changes are ranked by themselves. `evidence` is a bundle that a run with `save_evidence` wrote: the report is made of it
    alone. `issues` is a JSON Lines file that stands in for the forges. `as_of` ignores whatever was opened later. `config` is a
    settings file (default: lockblame.toml, else pyproject.toml, in `repository` or the current folder). `offline` opens no
    connection: what the cache holds of earlier runs counts, however old, unless there is a file of `issues`. `token` is for
    GitHub (default: GITHUB_TOKEN or GH_TOKEN). `scorer(symptom, text)` → 0…1 adds a similarity of your own as one more
    evidence. `deep` fetches the artifacts of the leading suspects as well, compares what is in them and reads their changelogs,
    within a Budget (True: the usual one), and ranks again.

    The team's own solved incidents that resemble the symptom are in the report's `cases`.

    The scores are sums of their evidence. What could not be looked at is in the report's gaps.
    Raises ReadError (locks, revisions, settings, files) and SymptomError (an empty symptom); nothing upstream raises.
    """
    asked = Asked(issues=issues, evidence=evidence, offline=offline, token=token, client=client)
    return investigate(
        before,
        after,
        symptom=symptom,
        asked=asked,
        save_evidence=save_evidence,
        as_of=as_of,
        config=config,
        environment=environment,
        repository=repository,
        scorer=scorer,
        deep=deep,
        progress=progress,
    ).report


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigation:
    """A report, and what it was made of: the candidates that were ranked, the settings, and the side after."""

    report: Report
    candidates: tuple[Candidate, ...]
    settings: Config
    after: Side


def investigate(
    before: Source,
    after: Source | None,
    *,
    symptom: str | None,
    asked: Asked,
    save_evidence: PathLike | None,
    as_of: datetime | None,
    config: PathLike | None,
    environment: Environment | None,
    repository: PathLike | None,
    scorer: Scorer | None,
    deep: bool | Budget,
    progress: Progress,
    direct_first: bool = False,
) -> Investigation:
    """What `blame` does. `direct_first` spends the budget of `deep` on what the project itself asks for."""
    from lockblame.delta import development_only

    settings = read_settings(config, Path(repository or "."))
    lexicon = _lexicon(settings)
    analyzed = _analyzed(symptom, lexicon)
    progress.begin("reading locks")
    one, other = sides(before, after, Path(repository or "."))
    delta = compare(one, other, environment=environment)
    progress.end("reading locks")
    known = _known(delta, asked, settings, analyzed, progress)
    delta = explained(delta, known.requirements)
    spared = development_only(delta)
    now = as_of if as_of is None or as_of.tzinfo else as_of.replace(tzinfo=UTC)

    def weigh(known: Knowledge) -> Ranking:
        from lockblame.ranking import rank

        return rank(analyzed, _candidates(delta, known, spared), now=now, lexicon=lexicon, scorer=scorer)

    if deep:
        budget = deep if isinstance(deep, Budget) else Budget()
        leading = [suspect.change for suspect in weigh(known).suspects]
        if direct_first:
            leading.sort(key=lambda change: not change.direct)
        known = _deeper(known, leading, delta, asked, budget, progress)
    if save_evidence is not None:
        upstream.save(save_evidence, known)
    ranking = weigh(known)
    found = Report(
        delta=delta,
        symptom=analyzed,
        suspects=_dated(ranking.suspects, known),
        issues=ranking.issues,
        conclusive=ranking.conclusive,
        deployment=_deployment(one, other),
        as_of=now,
        gaps=missing.merged((*delta.gaps, *known.gaps, *missing.holes(delta, known))),
    )
    report = consulted(_with_commits(found, one, other), folder_of(settings, repository), lexicon)
    return Investigation(report=report, candidates=_candidates(delta, known, spared), settings=settings, after=other)


def _lexicon(settings: Config) -> Lexicon:
    from lockblame import lexicon
    from lockblame.errors import ConfigError
    from lockblame.fields import FieldError

    if not settings.lexicon:
        return lexicon.default()
    try:
        return lexicon.default().extended(settings.lexicon)
    except FieldError as error:
        raise ConfigError(settings.path or "lexicon", str(error)) from None


def _analyzed(symptom: str | None, lexicon: Lexicon) -> Symptom | None:
    from lockblame.symptom import analyze

    return None if symptom is None else analyze(symptom, lexicon=lexicon)


def _known(delta: Delta, asked: Asked, settings: Config, symptom: Symptom | None, progress: Progress) -> Knowledge:
    """Everything upstream that may be asked for, from where the caller wants it."""
    known = asked.held or (upstream.from_bundle(asked.evidence) if asked.evidence is not None else Knowledge())
    if asked.issues is not None:
        told = upstream.from_issues(asked.issues)
        known = replace(known, issues=(*known.issues, *told.issues), gaps=(*known.gaps, *told.gaps))
    # a bundle knows where a project had moved when it was made
    known = replace(known, repositories={**settings.upstreams, **known.repositories})
    gathered = asked.held is not None or asked.evidence is not None
    if not gathered and asked.sealed:
        known = replace(known, gaps=(*known.gaps, missing.unasked("no package index was asked")))
    elif not gathered:
        from lockblame.api.asking.gathering import gather

        former, known = known, gather(delta, known, asked, symptom, progress)
        known = missing.from_cache(known, former, missing.unasked())
    alike = upstream.named_alike((change.name for change in delta), known.issues)
    return replace(known, repositories={**alike, **known.repositories})


def _deeper(
    known: Knowledge, leading: Sequence[Change], delta: Delta, asked: Asked, budget: Budget, progress: Progress
) -> Knowledge:
    """`known` and what is inside the leading suspects, unless nothing may be fetched."""
    detail = "no artifacts were compared and no changelogs read, because nothing may be fetched"
    hint = "run without --offline and --evidence, or save the evidence of a run with --deep"
    nothing = Gap(subject="artifacts", reason="offline", detail=detail, hint=hint)
    if asked.held is None and asked.evidence is None and not asked.sealed:
        return missing.from_cache(deepen(known, leading, delta, asked, budget, progress), known, nothing)
    # a bundle of a run that looked, perhaps in vain: then its gaps say so
    if known.looked or known.contents or known.notes or known.comparisons or not any(map(has_step, leading)):
        return known
    return replace(known, gaps=(*known.gaps, nothing))


def _candidates(delta: Delta, known: Knowledge, spared: Mapping[Key, tuple[str, ...]]) -> tuple[Candidate, ...]:
    """One for each package and pair of versions: the same change in several locks is one suspicion."""
    from lockblame.ranking import Candidate

    issues = upstream.belonging(known)
    return tuple(
        Candidate(
            change=change,
            release=known.release(change.name, change.new),
            earlier=known.release(change.name, change.old),
            later=known.later(change.name, change.new),
            repository=known.repositories.get(change.name),
            issues=issues.get(change.name, ()),
            notes=known.notes_on(change),
            contents=known.contents.get(upstream.step_of(change)),
            comparison=known.comparisons.get(upstream.step_of(change)),
            development=spared.get((change.name, change.lock), ()),
        )
        for change in _distinct(sorted(delta, key=lambda change: ((change.name, change.lock) in spared, _included(change))))
    )


def _distinct(changes: Iterable[Change]) -> Iterable[Change]:
    """Each change once; of several locks that have it the first, so that those that are deployed should come first."""
    seen: dict[tuple[str, str | None, str | None], list[Change]] = {}
    for change in changes:
        kept = seen.setdefault((change.name, change.old, change.new), [])
        if change.kind != "refiled" and not any(_alike(change, one) for one in kept):
            kept.append(change)
            yield change


def _included(change: Change) -> bool:
    """Whether the lock has it from a file that it includes: only that one tells the line, and which commit changed it."""
    return all(pin is None or pin.line is None for pin in (change.before, change.after))


def _alike(one: Change, other: Change) -> bool:
    """Whether two changes of the same versions are one; a lock that names no index says nothing else than one that does."""
    mine, its = _sources(one), _sources(other)
    if one.kind != other.kind or mine == its:
        # a file that was replaced in one lock is that, whatever happened to the package in another
        return one.kind == other.kind
    # what goes from one index to another does so in the lock that says it, and the policy has to hear of that
    places = {*mine, *its}
    stay = len(set(mine)) == len(set(its)) == 1
    return stay and PinSource() in places and all(source.kind == "registry" for source in places)


def _sources(change: Change) -> tuple[PinSource, ...]:
    return tuple(pin.source for pin in (change.before, change.after) if pin is not None)


def _dated(suspects: tuple[Suspect, ...], known: Knowledge) -> tuple[Suspect, ...]:
    """The suspects with, at the leading ones, the releases that their step passed."""
    leading = tuple(replace(suspect, releases=known.passed(suspect.change)) for suspect in suspects[:DATED])
    return (*leading, *suspects[DATED:])


def _with_commits(report: Report, before: Side, after: Side) -> Report:
    """The report with, at each suspect, the commits of the deployed range that changed it."""
    from lockblame.api.chronicle import brought_in

    if before.checkout is None or before.commit is None or (after.commit is None and not after.worktree):
        return report
    head = after.commit or before.checkout.commit("HEAD")
    locks = {suspect.change.lock or after.snapshot.path for suspect in report.suspects}
    commits = {lock: brought_in(before.checkout, before.commit, head, lock) for lock in sorted(filter(None, locks))}

    def told(suspect: Suspect) -> Suspect:
        lock = suspect.change.lock or after.snapshot.path or ""
        return replace(suspect, commits=commits.get(lock, {}).get(suspect.change.name, ()))

    return replace(report, suspects=tuple(told(suspect) for suspect in report.suspects))


def _deployment(before: Side, after: Side) -> Deployment | None:
    """What else happened between two commits of one repository; None when the sides are not that."""
    from lockblame import deployment

    if before.checkout is None or before.commit is None or (after.commit is None and not after.worktree):
        return None
    head = after.commit or "HEAD"
    return deployment.deployment(before.checkout.commits(before.commit, head))
