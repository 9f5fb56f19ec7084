"""The drill: which release of the culprit, between its versions before and after, is the first that fails."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockblame import bisection, installed
from lockblame.api.evidence import gap
from lockblame.api.gathering import index_pages, project_page
from lockblame.errors import TrialFailed, UpstreamError
from lockblame.model import Artifact, Bisection, Change, Drill, Gap, Pin, Trial, Verdict
from lockblame.progress import Progress

if TYPE_CHECKING:
    from lockblame.api.trying import Trials
    from lockblame.client import Client
    from lockblame.index import Project

STAGE = "trying releases"


def drilled(found: Bisection, trials: Trials, client: Client | None, progress: Progress) -> Bisection:
    """The Bisection with the drill of its culprit; of several that fail together, of the first that has releases between."""
    culprit = next((change for change in found.culprits if _drillable(change) and _good_without(change, found)), None)
    if culprit is None or culprit.after is None or culprit.old is None or culprit.new is None:
        detail = "there are no releases between to be tried: added, removed, not from an index, or not testable without the rest"
        subject = ", ".join(change.name for change in found.culprits)
        return replace(found, gaps=(*found.gaps, Gap(subject=subject, reason="no-releases", detail=detail)))
    try:
        project = _project(culprit.after, trials.ends.after.indexes, client, progress)
    except UpstreamError as error:
        return replace(found, gaps=(*found.gaps, gap(error)))
    versions = bisection.between(project.releases, culprit.old, culprit.new)
    progress.begin(STAGE, max(1, (len(versions) - 2).bit_length()))
    line = _line(versions, culprit, {change.name for change in found.culprits}, project, trials)
    progress.end(STAGE)
    drill = Drill(
        name=culprit.name,
        good=versions[line.good],
        bad=versions[line.bad],
        untestable=versions[line.good + 1 : line.bad],
        trials=tuple(trial for trial in trials.done if trial.version is not None),
    )
    new = tuple(one for one in trials.gaps if one not in found.gaps)
    certainty = bisection.certainty(trial.runs for trial in trials.done)
    return replace(found, drill=drill, trials=tuple(trials.done), certainty=certainty, gaps=(*found.gaps, *new))


def _drillable(change: Change) -> bool:
    return (
        change.before is not None
        and change.after is not None
        and change.old != change.new
        and change.before.source.kind == change.after.source.kind == "registry"
    )


def _good_without(change: Change, found: Bisection) -> bool:
    """Whether the other culprits were tried without it, and are good: else its old version is no good end."""
    rest = tuple(sorted(one.name for one in found.culprits if one is not change))
    return any(trial.changes == rest and trial.verdict == "good" and trial.version is None for trial in found.trials)


def _project(pin: Pin, indexes: Collection[str], client: Client | None, progress: Progress) -> Project:
    from lockblame.client import Client

    flow = project_page(pin.name, index_pages(pin, tuple(indexes)))
    if client is not None:
        return client.run(flow)
    with Client(progress=progress) as own:
        return own.run(flow)


def _line(
    versions: tuple[str, ...], culprit: Change, culprits: Collection[str], project: Project, trials: Trials
) -> bisection.Line:
    """The place in the line where it turns, the ends known from the search."""
    from lockblame.api.trying import Stopped

    earlier = {trial.version: trial for trial in trials.journal.trials if trial.version is not None}
    known: dict[int, Verdict] = {}
    try:
        while (place := bisection.following_place(len(versions), known)) is not None:
            version = versions[place]
            trial = earlier.get(version)
            if trial is None or trial.changes != tuple(sorted(culprits)):
                trials.allowed()
                trial = _tried(version, culprit, culprits, project, trials)
                trials.journal.add(trial)
            else:
                trials.done.append(trial)
            known[place] = trial.verdict
            trials.progress.note(f"{culprit.name} {version}: {trial.verdict} ({trial.detail})")
            trials.progress.step(STAGE, version)
    except Stopped as stopped:
        detail = f"the releases were not all tried: the {stopped.reason} was reached"
        trials.gaps.append(Gap(subject=culprit.name, reason="stopped", detail=detail))
    return bisection.boundary(len(versions), known)


def _tried(version: str, culprit: Change, culprits: Collection[str], project: Project, trials: Trials) -> Trial:
    """The mix that fails, with this release in the culprit's place. One that can't be installed there is untestable."""
    changes = sorted(culprits)
    pins = tuple(_at(pin, version, project) if pin.name == culprit.name else pin for pin in trials.ends.pins(changes))
    try:
        prepared = trials.places.prepare(pins)
    except TrialFailed as error:
        return trials.untestable(changes, version, error.detail)
    allowed = bisection.violated(installed.read(trials.places.prepare(trials.ends.pins(changes)).folder))
    broken = sorted(
        name for owner, name in bisection.violated(installed.read(prepared.folder)) - allowed if owner == culprit.name
    )
    if broken:
        return trials.untestable(changes, version, f"needs another {', '.join(broken)}")
    return trials.tried(prepared, changes, version)


def _at(pin: Pin, version: str, project: Project) -> Pin:
    """The pin at another release, with the hashes that the index has for its files."""
    artifacts: Mapping[str, Artifact] = {
        file.name: Artifact(name=file.name, hash=f"sha256:{file.hashes['sha256']}", url=file.url)
        for file in project.files_of(version)
        if "sha256" in file.hashes
    }
    return replace(pin, version=version, artifacts=tuple(artifacts.values()))
