"""GitLab's REST API v4, on gitlab.com and on hosts of one's own: the issues of a project. Flows only.

https://docs.gitlab.com/api/issues/ · https://docs.gitlab.com/api/rest/ (pagination, moved projects). A project is named by its
whole path in one segment ("group%2Fsub%2Fname"). Merge requests have an API of their own and are not asked for: each would cost
a request more, and what users report is in the issues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from lockblame import fields
from lockblame.errors import UpstreamError
from lockblame.flow import Flow
from lockblame.forges import Found, by_hand
from lockblame.forges.harvest import Harvest, by_words, closed, nothing
from lockblame.forges.pages import counted, following, origin_of, stamp
from lockblame.forges.places import base_of
from lockblame.forges.records import gitlab_issue_from
from lockblame.model import Gap, Repository

_PAGE = 100


def api_of(repository: Repository) -> str:
    """Where the API of that repository's host stands."""
    return f"{origin_of(repository)}/api/v4"


def _issues(repository: Repository, options: Mapping[str, str]) -> str:
    # what a member's token opens beyond what everybody may read must not end up in a report
    return f"{base_of(repository)}/issues?{urlencode({'state': 'all', 'confidential': 'false', **options})}"


# --- flows -----------------------------------------------------------------------------------------------------------


def issues(repository: Repository, *, since: datetime | None = None, limit: int = 300, names: Sequence[str] = ()) -> Flow[Found]:
    """The issues that were opened or updated since then, at most `limit`; without `since`, the newest.

    When there are more, those opened soonest after `since` are taken, because a regression is reported soon after its release,
    before them those that hold one of the packages' `names`; `left_out` tells how many were not looked at. Where there are none,
    the project is asked why: archived, issues switched off.
    """
    harvest = Harvest(asked=repository, limit=limit, read=gitlab_issue_from)
    options = {"order_by": "created_at", "sort": "desc", "per_page": str(_PAGE)}
    if since is not None:
        options["updated_after"] = stamp(since)
    try:
        first = yield from harvest.fetch(_issues(repository, options))
    except UpstreamError as error:
        if not closed(error):
            raise
        return (yield from nothing(harvest, base_of(repository), "path_with_namespace", _reasons, error))
    if not harvest.add(first) and not harvest.broken:
        return (yield from nothing(harvest, base_of(repository), "path_with_namespace", _reasons))
    total = counted(first)
    if since is not None and following(first) and (total is None or total > limit):
        return (yield from _opened_since(harvest, since, total, names))
    rest = yield from harvest.follow(first)
    return harvest.found(max(1, (total or 0) - len(harvest.issues)) if rest else 0)


def _opened_since(harvest: Harvest, since: datetime, total: int | None, names: Sequence[str]) -> Flow[Found]:
    """Those opened since then, those with the names before the others, oldest first; after them, what is in already."""
    newest, harvest.issues = harvest.issues, {}
    options = {"created_after": stamp(since), "order_by": "created_at", "sort": "asc", "per_page": str(_PAGE)}
    yield from harvest.named(
        names, lambda name: _issues(harvest.repository, {**options, "search": name, "in": "title,description"})
    )
    answer = yield from harvest.try_to_fetch(_issues(harvest.repository, options))
    if answer is not None:
        harvest.add(answer)
        yield from harvest.follow(answer)
    harvest.issues = {**harvest.issues, **{number: issue for number, issue in newest.items() if number not in harvest.issues}}
    # above 10,000 GitLab doesn't count
    return harvest.found(max((total or 0) - len(harvest.issues), 1))


def search(repository: Repository, words: Sequence[str], limit: int = 50) -> Flow[Found]:
    """The issues of all time that hold any of the `words` in title or description, those with most of them first.

    GitLab knows no "or": a question for each of the first four words (of three characters or more). No words, no question.
    """

    def address(word: str) -> str:
        exact = f'"{word}"' if " " in word else word
        return _issues(repository, {"search": exact, "in": "title,description", "per_page": str(min(_PAGE, limit))})

    return (yield from by_words(Harvest(asked=repository, limit=limit, read=gitlab_issue_from), words, address))


# --- why there are none ----------------------------------------------------------------------------------------------


def _reasons(repository: Repository, project: Mapping[str, object], error: UpstreamError | None) -> list[Gap]:
    level = fields.maybe_text(project, "issues_access_level")
    enabled = project.get("issues_enabled")
    if level == "disabled" or (level is None and enabled is False):
        return [_gap(repository, "issues-disabled", f"{repository.path} keeps its issues elsewhere: they are switched off here")]
    if level == "private" or error is not None or enabled is False:
        return [_gap(repository, "not-found", f"the issues of {repository.path} are for its members, or not for this token")]
    if fields.flag(project, "archived"):
        return [
            _gap(
                repository, "archived-repository", f"{repository.path} is archived: what broke since then was reported elsewhere"
            )
        ]
    return []


def _gap(repository: Repository, reason: str, detail: str) -> Gap:
    return Gap(subject=repository.path, reason=reason, detail=detail, hint=by_hand(repository))
