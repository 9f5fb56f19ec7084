"""The forges: from a Repository to its issues, as flows. One module a forge, one line in the table.

Each module offers `issues(repository, *, since, limit, names)` and `search(repository, words, limit)`, both Flows of Found.
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
    "gitea": "lockblame.forges.gitea",
    "github": "lockblame.forges.github",
    "gitlab": "lockblame.forges.gitlab",
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


def issues(repository: Repository, *, since: datetime | None = None, limit: int = 300, names: Sequence[str] = ()) -> Flow[Found]:
    """The issues and pull requests that were opened or updated since then, at most `limit`, nearest to `since` when many.

    Of many, those that hold one of the packages' `names` come first: some repositories are the home of several packages.
    Raises UpstreamError when the forge doesn't answer.
    """
    return cast("Flow[Found]", _module(repository).issues(repository, since=since, limit=limit, names=names))


def search(repository: Repository, words: Sequence[str], limit: int = 50) -> Flow[Found]:
    """The issues of all time that hold any of the (rare) `words`, best first by the forge's own judgement, at most `limit`.

    Raises UpstreamError when the forge doesn't answer.
    """
    return cast("Flow[Found]", _module(repository).search(repository, words, limit))


def _module(repository: Repository) -> Any:
    return import_module(_MODULES[repository.forge])


def issues_url(repository: Repository) -> str:
    """Where a browser finds the repository's issues."""
    return f"{repository.url}/-/issues" if repository.forge == "gitlab" else f"{repository.url}/issues"


def by_hand(repository: Repository) -> str:
    """What the person can do where lockblame can't."""
    return f"open {issues_url(repository)} by hand"


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
