"""`bisect`: a delta and a command in, the culprits out: proved by trials in real environments."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame import bisection
from lockblame.api.asking.evidence import PathLike
from lockblame.api.asking.origins import Sourcing
from lockblame.api.proving.clones import Clones
from lockblame.api.proving.trying import TOO_SHORT, Ends, Judging, Trials
from lockblame.errors import BisectError, TrialFailed
from lockblame.model import Bisection, Delta, Environment, Gap, Report, Snapshot, Verdict, normalize
from lockblame.progress import SILENT, Progress
from lockblame.trial import (
    KEEP,
    Command,
    Environments,
    Installer,
    Interpreter,
    Journal,
    Processes,
    Stopped,
    ended_with_us,
    interpreter,
)

if TYPE_CHECKING:
    from lockblame.client import Client


def bisect(
    delta: Delta,
    command: Sequence[str],
    *,
    priors: Mapping[str, float] | Report | None = None,
    timeout: float | None = None,
    on_timeout: Verdict = "bad",
    bad_if: str | None = None,
    good_if: str | None = None,
    slower_than: str | float | None = None,
    repeat: int = 1,
    limit: int | None = None,
    deadline: float | None = None,
    python: str | None = None,
    installer: Installer | None = None,
    extras: Collection[str] | None = None,
    groups: Collection[str] | None = None,
    without: Collection[str] = (),
    folder: PathLike | None = None,
    environments: PathLike | None = None,
    keep: int = KEEP,
    journal: PathLike | None = None,
    drill: bool = False,
    source: str | Mapping[str, str] | None = None,
    client: Client | None = None,
    progress: Progress = SILENT,
) -> Bisection:
    """A smallest set of changes that makes `command` fail, found by trying mixes of the two locks.

    The exit code decides: 0 good, 125 untestable, another up to 127 (or a crash) bad. `bad_if` or `good_if`, a text or
    `re:PATTERN` in what is printed, decides instead; `slower_than` takes a run for bad that lasts longer than so many seconds, or
    ("2x") so many times as long as with the good lock. A run that isn't done after `timeout` seconds is ended, with the verdict
    `on_timeout`. `repeat` runs each mix up to so many times, and the majority decides.

    `priors` (a Report of `blame`, or weights by name) say what is tried first. The search stops after `limit` trials or
    `deadline` seconds with the best answer so far. Each mix is installed exactly as locked into an environment of its own, by uv
    where it is there, else pip, for the running Python or `python` (a path or version), with all extras and groups unless named,
    and `without` the packages that can't be had here.
    The command runs in `folder` (default: the current one) with that environment first on PATH. Environments stand in the user's
    cache folder or `environments`; `keep` of them stay. `journal` is a file that the trials are kept in; without it one in the
    cache folder is, until the search is done: the same call after an interruption goes on where that was. `drill` also tries
    the releases of each culprit between its two versions. With `source`, the repository of the culprit (a clone's folder, which
    is only read, or a URL by https, ssh or file; `#subdirectory=PATH` behind it; a mapping by name for several), it goes on with
    the commits between the last good and the first bad release, each built and installed in its place.

    Raises NotReproduced (doesn't fail with the bad lock), AlreadyBroken (fails with the good one), TrialFailed (an environment
    can't be made, the command not be started), BisectError.
    """
    started = time.monotonic()
    until = None if deadline is None else started + deadline
    processes = Processes(until=until)
    here = Path(folder or ".").absolute()
    judging = Judging(bad_if=bad_if, slower_than=slower_than, on_timeout=on_timeout, repeat=repeat)
    trials: Trials | None = None
    with ended_with_us(processes):
        machine = interpreter(python, processes)
        ends = _ends(delta, machine, extras, groups, without)
        sourcing = Sourcing(delta.after, delta.before)
        places = Environments(
            machine,
            processes,
            installer=installer,
            folder=Path(environments) if environments is not None else None,
            origin=here,
            indexes=delta.after.indexes or delta.before.indexes,
            access=sourcing.address,
            login=sourcing.repository,
            keep=keep,
        )
        try:
            run = Command(command, processes, folder=here, timeout=timeout, bad_if=bad_if, good_if=good_if)
            about = _about(ends, places, list(command), judging, [timeout, good_if])
            log = Journal(_journal_file(journal, places, about), about)
            log.forget_oldest(_journals(places))
            clones = Clones(source, here, places, processes)
            weights = _weights(priors)
            trials = Trials(ends, places, run, judging, log, limit, until, progress)
            trials.gaps += _left_out(without)
            found = trials.search(weights)
            if (drill or clones) and found.culprits and found.stopped is None:
                from lockblame.api.proving.drilling import drilled

                found = drilled(found, trials, client, progress, clones)
            if journal is None and trials.whole:
                log.forget()
            return found
        except Stopped:
            raise BisectError(*TOO_SHORT) from None
        except TrialFailed as error:
            if error.subject not in ("index", "git") or not _forgetful(delta):
                raise
            way_out = "the delta was pickled, which passwords of its locks don't survive: take that of lockblame.diff here"
            raise TrialFailed(error.subject, error.detail, way_out) from None
        finally:
            processes.close()
            if trials is not None:
                trials.stop_looking_ahead()
            places.close()


def _weights(priors: Mapping[str, float] | Report | None) -> dict[str, float]:
    if not isinstance(priors, Report):
        return dict(priors or {})
    weights: dict[str, float] = {}
    for suspect in priors.suspects:
        weights[suspect.change.name] = max(suspect.probability, weights.get(suspect.change.name, 0.0))
    return weights


def _ends(
    delta: Delta,
    machine: Interpreter,
    extras: Collection[str] | None,
    groups: Collection[str] | None,
    without: Collection[str],
) -> Ends:
    from lockblame import delta as comparing

    for side in (delta.before, delta.after):
        if side.parts:
            names = ", ".join(part.path or part.origin for part in side.parts[:8])
            raise BisectError(f"{side.origin} has several locks: {names}", "name one on both sides as REV:path")
        if side.total is not None:
            way_out = "take the delta of lockblame.diff or of a report that blame made"
            raise BisectError(f"{side.origin} comes from a document, which has only what changed", way_out)
    all_extras, all_groups = bisection.asked_for((delta.before, delta.after))
    environment = Environment(
        python=machine.values["python_full_version"],
        platform=machine.values["sys_platform"],
        machine=machine.values["platform_machine"],
        extras=all_extras if extras is None else tuple(extras),
        groups=all_groups if groups is None else tuple(groups),
    )
    left_out = frozenset(map(normalize, without))
    if unknown := sorted(name for name in left_out if not delta.before.get(name) and not delta.after.get(name)):
        raise BisectError(f"{', '.join(unknown)}: neither lock has it, so that it can't be left out")
    before, after = (_less(side.select(environment), left_out) for side in (delta.before, delta.after))
    for side in (before, after):
        if two := bisection.twice(side):
            versions = " and ".join(pin.version or str(pin.source.location) for pin in two)
            raise BisectError(f"{side.origin} has {two[0].name} in {versions}", "name the extras and groups that are meant")
    changes = bisection.differing(comparing.compare(before, after))
    if not changes:
        version = machine.values["python_version"]
        raise BisectError(f"nothing that Python {version} would install here differs between the two", "take other sides")
    return Ends(before=before, after=after, changes=changes)


def _less(side: Snapshot, left_out: Collection[str]) -> Snapshot:
    return replace(side, pins=tuple(pin for pin in side if pin.name not in left_out)) if left_out else side


def _left_out(without: Collection[str]) -> list[Gap]:
    """That a package was left out is told: what it would have done is not known."""
    detail = "was left out of all trials, as asked for"
    return [Gap(subject=name, reason="left-out", detail=detail) for name in sorted(map(normalize, without))]


def _forgetful(delta: Delta) -> bool:
    """Whether passwords that stood in its locks stayed behind in another process."""
    sides = (delta.before, delta.after)
    known = [index.access for side in sides for index in side.configured] + [pin.source.access for side in sides for pin in side]
    return any(access is not None and access.forgotten for access in known)


def _about(ends: Ends, places: Environments, command: list[str], judging: Judging, more: list[object]) -> dict[str, object]:
    every = [change.name for change in ends.changes]
    slower = str(judging.slower_than) if judging.slower_than is not None else None
    return {
        "before": places.key(ends.pins(())),
        "after": places.key(ends.pins(every)),
        "command": command,
        "judged": [judging.bad_if, slower, judging.on_timeout, judging.repeat, *more],
    }


def _journal_file(journal: PathLike | None, places: Environments, about: Mapping[str, object]) -> Path:
    if journal is not None:
        return Path(journal)
    key = hashlib.sha256(json.dumps(about).encode("utf-8", "surrogatepass")).hexdigest()[:20]
    return _journals(places) / f"{key}.jsonl"


def _journals(places: Environments) -> Path:
    """Where the journals are that nobody named a file for."""
    return places.home / "bisect"
