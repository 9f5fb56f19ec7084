"""GitHub's REST API, version 2022-11-28 (v3): the issues of a repository. Flows only.

https://docs.github.com/en/rest/issues/issues · https://docs.github.com/en/rest/search/search. GitHub Enterprise Server speaks the
same below https://HOST/api/v3. Pull requests are issues here, with a `pull_request` key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from lockblame import fields
from lockblame.errors import BadResponse, NotFound, RateLimited, UpstreamError
from lockblame.flow import Flow, Request, Response
from lockblame.forges import Found
from lockblame.forges.github.allowance import Allowance, Kind
from lockblame.forges.github.query import any_of
from lockblame.forges.pages import KEEPS, decoded, links, listed, origin_of, stamp
from lockblame.forges.records import issue_from
from lockblame.model import Gap, Issue, Repository

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_PAGE = 100
_MOST_PAGES = 20
_RESULTS = 1000
"""Hits of a search that GitHub shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a host is asked: `anonymous` without the token that there is, and no more often than the `allowance` permits."""

    anonymous: bool = False
    allowance: Allowance | None = None


_PLAIN = Manner()


def api_of(repository: Repository) -> str:
    """Where the REST API of that repository's host stands."""
    if _hosted(repository):
        return f"https://api.{repository.host}"
    # an Enterprise Server on this very machine is a tunnel or a stand-in, and those speak plain http
    return f"{origin_of(repository)}/api/v3"


def graphql_of(repository: Repository) -> str:
    """Where the GraphQL API of that repository's host stands."""
    return f"{api_of(repository)}/graphql" if _hosted(repository) else f"{origin_of(repository)}/api/graphql"


def _hosted(repository: Repository) -> bool:
    """Whether GitHub itself runs the host: github.com, or an enterprise's own NAME.ghe.com (with data residency)."""
    return repository.host == "github.com" or repository.host.endswith(".ghe.com")


def _last_page(found: Mapping[str, str]) -> int | None:
    page = re.search(r"[?&]page=(\d{1,6})(?:&|$)", found.get("last", ""))
    return int(page[1]) if page else None


@dataclass(slots=True, kw_only=True)
class _Harvest:
    """Issues as they come in, each once, page by page until `limit`, and what kept others out."""

    asked: Repository
    limit: int
    manner: Manner
    issues: dict[int, Issue] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    broken: int = 0
    first_fault: str = ""
    pages: int = 0

    @property
    def full(self) -> bool:
        return len(self.issues) >= self.limit or self.pages >= _MOST_PAGES

    @property
    def path(self) -> str:
        """What the repository is called where its issues are: a moved one answers under its new name."""
        return next((issue.repository for issue in self.issues.values()), self.asked.path)

    def fetch(self, url: str) -> Flow[Response]:
        self.pages += 1
        request = Request(url=url, subject=self.asked.path, headers=_HEADERS, keeps=KEEPS, anonymous=self.manner.anonymous)
        allowance = self.manner.allowance
        if allowance is None:
            return (yield request)
        kind: Kind = "search" if "/search/" in url.partition("?")[0] else "core"
        if not allowance.take(kind):
            detail = f"what {self.asked.host} answers without a token is nearly used up"
            raise RateLimited(self.asked.path, detail, url.partition("?")[0])
        response = None
        try:
            response = yield request
        finally:
            allowance.heard(kind, response)
        return response

    def try_to_fetch(self, url: str) -> Flow[Response | None]:
        """The same, but what fails is a Gap: what is already in must not be lost with it."""
        try:
            return (yield from self.fetch(url))
        except UpstreamError as error:
            detail = f"only {len(self.issues)} issues of {self.asked.path} were looked at, because {error.detail}"
            self.gaps.append(Gap(subject=self.asked.path, reason=error.reason, detail=detail, hint=error.hint))
            return None

    def add(self, records: Sequence[Any], *, only: str | None = None) -> None:
        for number, record in enumerate(records):
            try:
                if not isinstance(record, dict):
                    raise fields.FieldError(f"[{number}]", "should be a table")
                issue = issue_from(record, f"[{number}]")
            except fields.FieldError as error:
                self.broken += 1
                self.first_fault = self.first_fault or str(error)
                continue
            if only is None or issue.repository.lower() == only.lower():
                self.issues.setdefault(issue.number, issue)

    def found(self, left_out: int) -> Found:
        kept = tuple(list(self.issues.values())[: self.limit])
        left = left_out + len(self.issues) - len(kept)
        gaps = list(self.gaps)
        if self.broken:
            gaps.append(broken(self.asked, self.broken, self.first_fault))
        path = self.path
        same = path.lower() == self.asked.path.lower()
        repository = self.asked if same else replace(self.asked, path=path)
        return Found(repository=repository, issues=kept, complete=not left and not gaps, left_out=left, gaps=tuple(gaps))


def broken(repository: Repository, count: int, first_fault: str) -> Gap:
    """What is said of records that were none."""
    detail = f"{count} records of {repository.host} were no issues (the first: {first_fault})"
    return Gap(subject=repository.path, reason="bad-response", detail=detail)


def disabled(repository: Repository, *, discussions: bool = True) -> Gap:
    """What is said of a repository that takes no issues."""
    place = "discussions" if discussions else "pulls"
    return Gap(
        subject=repository.path,
        reason="issues-disabled",
        detail="takes no issues on GitHub, so reports of it are kept elsewhere",
        hint=f"look at {repository.url}/{place}, or where {repository.url} says that reports go",
    )


# --- flows -----------------------------------------------------------------------------------------------------------


def issues(
    repository: Repository, *, since: datetime | None = None, limit: int = 300, manner: Manner = _PLAIN, names: Sequence[str] = ()
) -> Flow[Found]:
    """The issues that were opened or updated since then, at most `limit`; without `since`, the newest.

    When there are more, those opened soonest after `since` are taken (by a search, whose window has a start, and which `names`
    of packages narrow in a repository of many), because a regression is reported soon after its release; `left_out` tells how
    many were not looked at. A repository without issues is a gap.
    """
    harvest = _Harvest(asked=repository, limit=limit, manner=manner)
    options = {"state": "all", "sort": "created", "direction": "desc", "per_page": str(_PAGE)}
    if since is not None:
        options["since"] = stamp(since)
    try:
        first = yield from harvest.fetch(f"{api_of(repository)}/repos/{quote(repository.path)}/issues?{urlencode(options)}")
    except NotFound as error:
        if error.status != 410:
            raise
        return Found(repository=repository, complete=False, gaps=(disabled(repository),))
    harvest.add(listed(first, repository.path))
    following, last = links(first).get("next"), _last_page(links(first))
    if following and since is not None and (last is None or last * _PAGE > limit):
        newest, path = harvest.issues, harvest.path
        harvest.issues = {}
        total = yield from _opened_since(harvest, path, since, names)
        harvest.issues = {**harvest.issues, **{number: issue for number, issue in newest.items() if number not in harvest.issues}}
        return harvest.found(max(total, (last or 0) * _PAGE, len(harvest.issues) + 1) - len(harvest.issues))
    while following and not harvest.full:
        response = yield from harvest.try_to_fetch(following)
        if response is None:
            break
        harvest.add(listed(response, repository.path))
        following = links(response).get("next")
    # each page that was not opened holds at least one issue
    return harvest.found(max(1, ((last or 0) - harvest.pages) * _PAGE) if following else 0)


def _opened_since(harvest: _Harvest, path: str, since: datetime, names: Sequence[str]) -> Flow[int]:
    """Adds the issues opened since then, oldest first, up to the limit; gives how many there are in all."""
    query = " ".join(filter(None, (f"repo:{path} is:issue created:>={stamp(since)}", any_of(names))))
    options = {"q": query, "sort": "created", "order": "asc", "per_page": str(_PAGE)}
    if names:
        options["advanced_search"] = "true"
    return (yield from _searched(harvest, path, options, harvest.try_to_fetch))


def search(repository: Repository, words: Sequence[str], limit: int = 50, *, manner: Manner = _PLAIN) -> Flow[Found]:
    """The issues (without pull requests) of all time that hold any of the `words`, best match first, at most `limit`.

    At most six words are asked for (GitHub takes five operators), the first ones. No words, no question.
    """
    harvest = _Harvest(asked=repository, limit=min(limit, _RESULTS), manner=manner)
    query = any_of(words)
    if not query:
        return harvest.found(0)
    options = {
        "q": f"repo:{repository.path} is:issue {query}",
        "per_page": str(min(_PAGE, limit)),
        "advanced_search": "true",
    }
    total = yield from _searched(harvest, repository.path, options, harvest.fetch)
    return harvest.found(max(0, total - len(harvest.issues)))


def _searched(
    harvest: _Harvest, path: str, options: Mapping[str, str], begin: Callable[[str], Flow[Response | None]]
) -> Flow[int]:
    """Follows a search to the harvest's limit; gives the total that GitHub tells (one more than seen when it gave up early)."""
    total, early = 0, False
    response = yield from begin(f"{api_of(harvest.asked)}/search/issues?{urlencode(options)}")
    while response is not None:
        page = decoded(response, harvest.asked.path)
        try:
            if not isinstance(page, dict):
                raise fields.FieldError("", "should be a table")
            records = fields.tables(page, "items")
            total = max(total, fields.maybe_number(page, "total_count") or 0)
            early = early or fields.flag(page, "incomplete_results")
        except fields.FieldError as error:
            raise BadResponse(harvest.asked.path, f"the forge's search answered nonsense ({error})", response.url) from None
        harvest.add(records, only=path)
        following = links(response).get("next")
        if not following or not records or harvest.full:
            break
        response = yield from harvest.try_to_fetch(following)
    return max(total, len(harvest.issues) + 1) if early else total
