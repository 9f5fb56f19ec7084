"""What else it could be, and what to try for each leading suspect: put this back, run that, expect this."""

from __future__ import annotations

from collections.abc import Iterator

from lockblame.model import Deployment, Report, Suspect
from lockblame.report.answer import moved
from lockblame.report.hostile import line

SHOWN = 3
PATHS = 4

_ELSEWHERE = {
    "application": "the application's own code",
    "settings": "settings",
    "container": "the container or its infrastructure",
    "python": "the Python version",
    "ci": "how it is built and deployed",
    "migrations": "the database's schema",
}
"""The kinds of things of a deploy that can break a service, as a person calls them."""


def experiments(report: Report) -> tuple[str, ...]:
    """One ready experiment for each leading suspect, a sentence or three each."""
    return tuple(_experiment(suspect) for suspect in report.suspects[:SHOWN])


def _experiment(suspect: Suspect) -> str:
    change = suspect.change
    name, old = line(change.name, 100), line(change.old or "", 60)
    if change.kind in ("upgraded", "downgraded") and old:
        return (
            f"Pin {name}=={old} (lockblame rollback has the edit, and what has to go back with it), run what shows the symptom; "
            f"if it is gone, {name} is to blame, else it is cleared."
        )
    if change.kind == "added":
        return f"Take {name} out together with what brought it in, run what shows the symptom; if it is gone, {name} is to blame."
    return f"Restore {moved(change)} to what the old lock had, run what shows the symptom; if it is gone, that is to blame."


def elsewhere(deployment: Deployment | None) -> Iterator[str]:
    """What else came with the deploy and could be to blame, one line for each kind of thing."""
    if deployment is None:
        return
    for kind, called in _ELSEWHERE.items():
        paths = deployment.touched.get(kind, ())
        if paths:
            shown = ", ".join(line(path, 80) for path in paths[:PATHS])
            more = f" and {len(paths) - PATHS} more" if len(paths) > PATHS else ""
            yield f"{called}: {shown}{more}"
