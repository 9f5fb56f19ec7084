"""The drill: which release of a culprit, between its versions before and after, is the first that fails, and which commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockblame import bisection
from lockblame.api.asking.evidence import gap
from lockblame.api.asking.origins import Sourcing, project_page
from lockblame.api.proving.standing_in import Place
from lockblame.errors import BisectError, ReadError, UpstreamError
from lockblame.model import Artifact, Bisection, Change, Drill, Gap, Pin, Verdict
from lockblame.progress import Progress
from lockblame.trial import Stopped

if TYPE_CHECKING:
    from lockblame.api.proving.clones import Clones
    from lockblame.api.proving.trying import Ends, Trials
    from lockblame.client import Client
    from lockblame.index import Project

STAGE = "trying releases"


def drilled(found: Bisection, trials: Trials, client: Client | None, progress: Progress, clones: Clones) -> Bisection:
    """The Bisection with the drill of each culprit: of those that fail only together, each while the others stay bad."""
    changes = tuple(sorted(change.name for change in found.culprits))
    drills = []
    for culprit in found.culprits:
        why_not = _undrillable(culprit, found, clones)
        if why_not is not None:
            trials.note(Gap(subject=culprit.name, reason="no-releases", detail=f"isn't drilled: {why_not}"))
            continue
        place = Place(trials=trials, culprit=culprit, changes=changes)
        drill = _releases(place, client, progress)
        if clones and drill is not None and drill.stopped is None:
            drill = _commits(place, drill, clones)
        drills += [drill] if drill is not None else []
    new = tuple(one for one in trials.gaps if one not in found.gaps)
    return replace(
        found,
        drills=tuple(drills),
        trials=tuple(trials.done),
        certainty=bisection.certainty(trial.runs for trial in trials.done),
        gaps=(*found.gaps, *new),
    )


def _undrillable(change: Change, found: Bisection, clones: Clones) -> str | None:
    """Why nothing can be tried between its two sides; None when something can."""
    if change.before is None or change.after is None:
        return "it was added or removed"
    kinds = {change.before.source.kind, change.after.source.kind}
    if kinds == {"git"} and not clones:
        return "it comes from git; name its repository with --source"
    if kinds != {"registry"} and kinds != {"git"}:
        return "it doesn't come from an index on both sides"
    if kinds == {"registry"} and change.old == change.new:
        return "its version is the same on both sides"
    if not _good_without(change, found):
        return "whether the rest is good without it couldn't be tested, so that its old version is no good end"
    return None


def _good_without(change: Change, found: Bisection) -> bool:
    """Whether the other culprits were tried without it, and are good."""
    rest = tuple(sorted(one.name for one in found.culprits if one is not change))
    return any(trial.changes == rest and trial.verdict == "good" and trial.package is None for trial in found.trials)


# --- releases --------------------------------------------------------------------------------------------------------


def _releases(place: Place, client: Client | None, progress: Progress) -> Drill | None:
    """The drill by the releases that the index has; where it can't be asked, both ends, with a gap."""
    culprit, trials = place.culprit, place.trials
    before, after = culprit.before, culprit.after
    if before is None or after is None:
        return None
    if after.source.kind == "git" or culprit.old is None or culprit.new is None:
        return Drill(name=culprit.name, good=_shown(before), bad=_shown(after))
    try:
        project = _project(after, trials.ends, client, progress)
    except UpstreamError as error:
        trials.note(gap(error))
        return Drill(name=culprit.name, good=culprit.old, bad=culprit.new)
    versions = bisection.between(project.releases, culprit.old, culprit.new)
    progress.begin(STAGE, max(1, (len(versions) - 2).bit_length()))
    known: dict[int, Verdict] = {}
    stopped: str | None = None
    try:
        while (number := bisection.following_place(len(versions), known)) is not None:
            version = versions[number]
            trial = place.trial(lambda version=version: _at(after, version, project), version=version)  # type: ignore[misc]
            known[number] = trial.verdict
            progress.note(f"{culprit.name} {version}: {trial.verdict} ({trial.detail})")
            progress.step(STAGE, version)
    except Stopped as reason:
        stopped = reason.reason
        trials.stopped(f"the drill of {culprit.name}", reason)
    except BisectError as error:
        trials.unfinished(culprit.name, error)
        stopped = "error"
    finally:
        progress.end(STAGE)
    line = bisection.boundary(len(versions), known)
    open_ = [number for number in range(line.good + 1, line.bad) if number not in line.untestable]
    return Drill(
        name=culprit.name,
        good=versions[line.good],
        bad=versions[line.bad],
        untestable=tuple(versions[number] for number in line.untestable),
        untried=tuple(versions[number] for number in open_),
        stopped=stopped,
        trials=tuple(trial for trial in trials.done if trial.package == culprit.name and trial.version is not None),
    )


def _project(pin: Pin, ends: Ends, client: Client | None, progress: Progress) -> Project:
    from lockblame.client import Client

    flow = project_page(pin.name, Sourcing(ends.after, ends.before).pages(pin), pin)
    if client is not None:
        return client.run(flow)
    with Client(progress=progress) as own:
        return own.run(flow)


def _at(pin: Pin, version: str, project: Project) -> Pin:
    """The pin at another release, with the hashes that the index has for its files."""
    artifacts: Mapping[str, Artifact] = {
        file.name: Artifact(name=file.name, hash=f"sha256:{file.hashes['sha256']}", url=file.url)
        for file in project.files_of(version)
        if "sha256" in file.hashes
    }
    return replace(pin, version=version, artifacts=tuple(artifacts.values()))


def _shown(pin: Pin) -> str:
    """What tells a side from the other: of git its commit, since the version is often the same."""
    commit = (pin.source.revision or "")[:12] if pin.source.kind == "git" else ""
    return commit or pin.version or "?"


# --- commits ---------------------------------------------------------------------------------------------------------


def _commits(place: Place, drill: Drill, clones: Clones) -> Drill:
    from lockblame.api.proving.tracing import traced

    trials, name = place.trials, place.culprit.name
    try:
        clone = clones.of(name)
        if clone is None:
            return drill
        return replace(drill, first_bad=traced(place, drill, clone))
    except Stopped as reason:
        trials.stopped(f"the drill of {name}", reason)
        return replace(drill, stopped=reason.reason)
    except (BisectError, ReadError) as error:
        trials.unfinished(name, error)
    return drill
