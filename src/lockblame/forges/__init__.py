"""The forges: from a Repository to its issues, as flows. One module a forge, one line in the table.

Each module offers `issues(repository, *, since, limit)` and `search(repository, words, limit)`, both Flows of Found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, cast

from lockblame.flow import Flow
from lockblame.model import Gap, Issue, Repository

_MODULES = {
    "github": "lockblame.forges.github",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a forge gave. `repository` is where it says the issues are now (projects move).

    `left_out` is how many more there were at least; `complete` is True when there were none. `gaps` tell the rest.
    """

    repository: Repository
    issues: tuple[Issue, ...] = ()
    complete: bool = True
    left_out: int = 0
    gaps: tuple[Gap, ...] = ()


def issues(repository: Repository, *, since: datetime | None = None, limit: int = 300) -> Flow[Found]:
    """The issues and pull requests that were opened or updated since then, at most `limit`, nearest to `since` when many.

    A forge that lockblame can't ask gives a Gap with the link to open by hand. Raises UpstreamError when it doesn't answer.
    """
    module = _module(repository)
    if module is None:
        return _unasked(repository)
    return cast("Flow[Found]", module.issues(repository, since=since, limit=limit))


def search(repository: Repository, words: Sequence[str], limit: int = 50) -> Flow[Found]:
    """The issues of all time that hold any of the (rare) `words`, best first by the forge's own judgement, at most `limit`.

    Raises UpstreamError when the forge doesn't answer.
    """
    module = _module(repository)
    if module is None:
        return _unasked(repository)
    return cast("Flow[Found]", module.search(repository, words, limit))


def _module(repository: Repository) -> Any:
    name = _MODULES.get(repository.forge)
    return import_module(name) if name else None


def _unasked(repository: Repository) -> Flow[Found]:
    gap = Gap(
        subject=repository.path,
        reason="unknown-forge",
        detail=f"lockblame can't ask the {repository.forge} forge at {repository.host} for issues",
        hint=f"open {repository.url}/issues by hand"
        if repository.forge != "gitlab"
        else f"open {repository.url}/-/issues by hand",
    )
    return Found(repository=repository, complete=False, gaps=(gap,))
    yield  # makes this a flow that asks nothing


def merged(first: Found, second: Found) -> Found:
    """Both together: each issue once, as `first` tells it where both do."""
    numbers = {issue.number for issue in first.issues}
    return Found(
        repository=first.repository,
        issues=(*first.issues, *(issue for issue in second.issues if issue.number not in numbers)),
        complete=first.complete and second.complete,
        left_out=first.left_out + second.left_out,
        gaps=tuple(dict.fromkeys((*first.gaps, *second.gaps))),
    )
