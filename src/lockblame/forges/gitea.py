"""The REST API v1 of Gitea and Forgejo (Codeberg, gitea.com, hosts of one's own): the issues of a repository. Flows only.

https://HOST/api/swagger on each host. Issues come newest first, a page of at most 50 (a host may set less), and `since` looks at
the last update. The comments of all issues are one list, so that the first ones after a release cost one request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from lockblame import fields
from lockblame.errors import UpstreamError
from lockblame.flow import Flow
from lockblame.forges import Found, by_hand
from lockblame.forges.harvest import MOST_PAGES, Harvest, by_words, closed, nothing
from lockblame.forges.pages import counted, following, listed, origin_of, stamp
from lockblame.forges.places import base_of
from lockblame.forges.records import BODY, bounded, issue_from
from lockblame.model import Gap, Issue, Repository

_PAGE = 50
_PROBES = 8
_COMMENTS = 10
_OLDEST = datetime.min.replace(tzinfo=UTC)


def api_of(repository: Repository) -> str:
    """Where the API of that repository's host stands."""
    return f"{origin_of(repository)}/api/v1"


def _issues(repository: Repository, options: Mapping[str, str]) -> str:
    return f"{base_of(repository)}/issues?{urlencode({'state': 'all', 'type': 'issues', **options})}"


# --- flows -----------------------------------------------------------------------------------------------------------


def issues(repository: Repository, *, since: datetime | None = None, limit: int = 300, names: Sequence[str] = ()) -> Flow[Found]:
    """The issues that were opened or updated since then, at most `limit`; without `since`, the newest.

    When there are more, those opened soonest after `since` are taken, because a regression is reported soon after its release,
    before them those that hold one of the packages' `names`; `left_out` tells how many were not looked at. Where there are none,
    the repository is asked why: archived, a mirror, issues switched off or kept in another tracker.
    """
    harvest = Harvest(asked=repository, limit=limit, read=issue_from)
    options = {"limit": str(_PAGE), **({"since": stamp(since)} if since is not None else {})}
    try:
        first = yield from harvest.fetch(_issues(repository, options))
    except UpstreamError as error:
        if not closed(error):
            raise
        return (yield from nothing(harvest, base_of(repository), "full_name", _reasons, error))
    newest = harvest.add(first)
    if not newest and not harvest.broken:
        return (yield from nothing(harvest, base_of(repository), "full_name", _reasons))
    total = counted(first)
    if since is not None and following(first) and total is not None and total > limit:
        own = yield from harvest.named(names, lambda name: _issues(harvest.repository, {**options, "q": name}))
        yield from _opened_since(harvest, since, options, -(-total // max(1, len(newest))), newest)
        own = sorted((issue for issue in own if _opened(issue) >= since), key=_opened)
        harvest.issues = {issue.number: issue for issue in (*own, *harvest.issues.values())}
        left = max(total - len(harvest.issues), 1)
    else:
        rest = yield from harvest.follow(first)
        left = max(1, (total or 0) - len(harvest.issues)) if rest else 0
    if since is not None:
        yield from _discussed(harvest, since)
    return harvest.found(left)


def _opened_since(harvest: Harvest, since: datetime, options: Mapping[str, str], last: int, newest: list[Issue]) -> Flow[None]:
    """Takes in the issues opened soonest after then: finds the page where they begin by halving, and reads on towards newer."""
    pages = {1: newest}

    def page(number: int) -> Flow[list[Issue] | None]:
        if number not in pages:
            response = yield from harvest.try_to_fetch(_issues(harvest.repository, {**options, "page": str(number)}))
            if response is None:
                return None
            pages[number] = harvest.add(response)
        return pages[number]

    low, high = 1, last
    for _ in range(_PROBES):
        if low >= high:
            break
        middle = (low + high + 1) // 2
        records = yield from page(middle)
        if records is None:
            break
        if any(_opened(issue) >= since for issue in records):
            low = middle
        else:
            high = middle - 1
    near: list[Issue] = []
    for number in range(low, 0, -1):
        records = None if harvest.pages >= MOST_PAGES and number not in pages else (yield from page(number))
        near += sorted((issue for issue in records or () if _opened(issue) >= since), key=_opened)
        if records is None or len(near) >= harvest.limit:
            break
    harvest.issues = {issue.number: issue for issue in (*near, *harvest.issues.values())}


def _opened(issue: Issue) -> datetime:
    return issue.created_at or _OLDEST


def search(repository: Repository, words: Sequence[str], limit: int = 50) -> Flow[Found]:
    """The issues of all time that hold any of the `words`, those with most of them first, at most `limit`.

    The API knows no "or": a question for each of the first four words (of three characters or more). No words, no question.
    """

    def address(word: str) -> str:
        return _issues(repository, {"q": word, "limit": str(min(_PAGE, limit))})

    return (yield from by_words(Harvest(asked=repository, limit=limit, read=issue_from), words, address))


# --- comments --------------------------------------------------------------------------------------------------------


def _discussed(harvest: Harvest, since: datetime) -> Flow[None]:
    """Adds the first comments since then to their issues: one page of the repository's, oldest first."""
    if not any(issue.comments for issue in harvest.issues.values()):
        return
    repository = harvest.repository
    address = f"{base_of(repository)}/issues/comments?{urlencode({'since': stamp(since), 'limit': str(_PAGE)})}"
    try:
        response = yield from harvest.fetch(address)
        said = [_comment(record) for record in listed(response, repository.path) if isinstance(record, dict)]
    except UpstreamError as error:
        detail = f"the comments on issues of {repository.path} were not looked at, because {error.detail}"
        harvest.gaps.append(Gap(subject=repository.path, reason=error.reason, detail=detail, hint=by_hand(repository)))
        return
    texts: dict[int, list[str]] = {}
    for number, text in said:
        texts.setdefault(number, []).append(text)
    for number, spoken in texts.items():
        if number in harvest.issues:
            harvest.issues[number] = replace(harvest.issues[number], discussion=tuple(spoken[:_COMMENTS]))


def _comment(record: Mapping[str, Any]) -> tuple[int, str]:
    """The number of the issue that a comment is on, and its text; 0 and nothing where it can't be told."""
    try:
        number = re.search(r"/(\d{1,9})(?:#[\w-]{1,60})?$", fields.maybe_text(record, "issue_url") or "")
        return int(number[1]) if number else 0, bounded(fields.maybe_text(record, "body") or "", BODY)
    except fields.FieldError:
        return 0, ""


# --- why there are none ----------------------------------------------------------------------------------------------


def _reasons(repository: Repository, record: Mapping[str, Any], error: UpstreamError | None) -> list[Gap]:
    elsewhere = fields.maybe_text(fields.table(record, "external_tracker"), "external_tracker_url")
    original = fields.maybe_text(record, "original_url") if fields.flag(record, "mirror") else None
    if elsewhere:
        detail = f"{repository.path} keeps its issues in a tracker of its own"
        return [_gap(repository, "issues-disabled", detail, elsewhere)]
    if original:
        detail = f"{repository.path} is a mirror: its issues are where it comes from"
        return [_gap(repository, "issues-disabled", detail, original)]
    if record.get("has_issues") is False:
        parent = fields.maybe_text(fields.table(record, "parent"), "html_url")
        detail = f"{repository.path} keeps its issues elsewhere: they are switched off here"
        return [_gap(repository, "issues-disabled", detail, parent)]
    if error is not None:
        detail = f"the issues of {repository.path} are for its members, or not for this token"
        return [_gap(repository, "not-found", detail)]
    if fields.flag(record, "archived"):
        detail = f"{repository.path} is archived: what broke since then was reported elsewhere"
        return [_gap(repository, "archived-repository", detail)]
    return []


def _gap(repository: Repository, reason: str, detail: str, elsewhere: str | None = None) -> Gap:
    address = elsewhere if elsewhere and re.fullmatch(r"https?://[\x21-\x7e]{1,500}", elsewhere) else None
    hint = f"open {address} by hand" if address else by_hand(repository)
    return Gap(subject=repository.path, reason=reason, detail=detail, hint=hint)
