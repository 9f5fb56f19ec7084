"""What else it could be, and what to try for each leading suspect: pin this, run that, expect this."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lockblame.model import Deployment, Report, Suspect
from lockblame.report.hostile import line
from lockblame.report.phrases import moved
from lockblame.report.sides import sides

SHOWN = 3
LIKELY = 0.05
"""The share from which on a suspect is worth an experiment; the first always is."""
PATHS = 4

ELSEWHERE = {
    "application": "the application's own code",
    "settings": "settings",
    "container": "the container or its infrastructure",
    "python": "the Python version",
    "ci": "how it is built and deployed",
    "migrations": "the database's schema",
}
"""The kinds of things of a deploy that can break a service, as a person calls them."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_-]{0,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What settles whether a suspect is to blame: `pin` (or `put_back`, where no pin does it), then `run`, and `expect`.
    `edit` is the command that has the edit of it, and what goes along."""

    package: str
    put_back: str
    run: str
    expect: str
    pin: str | None = None
    edit: str | None = None


def planned(report: Report) -> tuple[Experiment, ...]:
    """One experiment for each leading suspect, the most likely first; none when the culprits are proven already."""
    if report.proof is not None:
        return ()
    chosen = [one for place, one in enumerate(report.suspects[:SHOWN]) if not place or one.probability >= LIKELY]
    return tuple(_experiment(suspect, sides(report.delta)) for suspect in chosen)


def _experiment(suspect: Suspect, both: str) -> Experiment:
    change = suspect.change
    name, old = line(change.name, 100), change.old or ""
    run = "run what shows the symptom"
    # it is there to be copied to a shell: only what is a package's name and version stands in it
    copied = _NAME.fullmatch(change.name) and _VERSION.fullmatch(old)
    if change.kind in ("upgraded", "downgraded") and copied:
        return Experiment(
            package=change.name,
            pin=f"{name}=={old}",
            put_back=f"Pin {name}=={old}",
            edit=f"lockblame rollback {both} --package {name}",
            run=run,
            expect=f"Gone: {name} is to blame; still there: it is cleared",
        )
    put_back = (
        f"Take {name} out together with what brought it in"
        if change.kind == "added"
        else f"Restore {moved(change)} to what the old lock had"
    )
    expect = f"Gone: {name} is to blame; still there: it is cleared"
    return Experiment(package=change.name, put_back=put_back, run=run, expect=expect)


def touched(deployment: Deployment | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What else came with the deploy and could be to blame: what a person calls it, and its paths."""
    for kind, called in ELSEWHERE.items():
        paths = deployment.touched.get(kind, ()) if deployment is not None else ()
        if paths:
            yield called, paths


def elsewhere(deployment: Deployment | None) -> Iterator[str]:
    """The same, one line for each kind of thing."""
    for called, paths in touched(deployment):
        shown = ", ".join(line(path, 80) for path in paths[:PATHS])
        more = f" and {len(paths) - PATHS} more" if len(paths) > PATHS else ""
        yield f"{called}: {shown}{more}"
