"""GitHub's REST API, version 2022-11-28 (v3): the issues of a repository. Flows only.

https://docs.github.com/en/rest/issues/issues · https://docs.github.com/en/rest/search/search. GitHub Enterprise Server speaks the
same below https://HOST/api/v3. Pull requests are issues here, with a `pull_request` key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from lockblame import fields
from lockblame.errors import BadResponse, UpstreamError
from lockblame.flow import Flow, Request, Response
from lockblame.forges import Found
from lockblame.forges.records import issue_from
from lockblame.model import Gap, Issue, Repository

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_PAGE = 100
_MOST_PAGES = 20
# GitHub's own bounds on a search: 256 characters besides operators and qualifiers, five operators, 1000 results
_QUERY, _WORDS, _RESULTS = 256, 6, 1000


# --- answers ---------------------------------------------------------------------------------------------------------


def _decoded(response: Response, subject: str) -> Any:
    import json

    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if "json" not in kind:
        raise BadResponse(subject, f"the forge answered with {kind[:80] or 'no content type'} instead of JSON", response.url)
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise BadResponse(subject, "the forge answered with JSON that is broken", response.url) from None


def links(response: Response) -> Mapping[str, str]:
    """The targets of a Link header (RFC 8288) by their relation, absolute."""
    pairs = re.findall(
        r'<([^<>]{1,2000})>\s{0,9};[^,<]{0,200}?\brel="?([a-z]{1,20})"?', response.headers.get("link", "")[:10_000]
    )
    return {relation: urljoin(response.url, target) for target, relation in pairs}


def _last_page(found: Mapping[str, str]) -> int | None:
    page = re.search(r"[?&]page=(\d{1,6})(?:&|$)", found.get("last", ""))
    return int(page[1]) if page else None


@dataclass(slots=True, kw_only=True)
class _Harvest:
    """Issues as they come in, each once, page by page until `limit`, and what kept others out."""

    asked: Repository
    limit: int
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
        return (yield Request(url=url, subject=self.asked.path, headers=_HEADERS))

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
            detail = f"{self.broken} records of {self.asked.host} were no issues (the first: {self.first_fault})"
            gaps.append(Gap(subject=self.asked.path, reason="bad-response", detail=detail))
        path = self.path
        same = path.lower() == self.asked.path.lower()
        repository = self.asked if same else Repository(forge="github", host=self.asked.host, path=path)
        return Found(repository=repository, issues=kept, complete=not left and not gaps, left_out=left, gaps=tuple(gaps))


def api_of(repository: Repository) -> str:
    """Where the API of that repository's host stands."""
    if repository.host == "github.com":
        return "https://api.github.com"
    # an Enterprise Server on this very machine is a tunnel or a stand-in, and those speak plain http
    name = repository.host.partition(":")[0]
    return f"{'http' if name in ('localhost', '127.0.0.1') else 'https'}://{repository.host}/api/v3"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- flows -----------------------------------------------------------------------------------------------------------


def issues(repository: Repository, *, since: datetime | None = None, limit: int = 300) -> Flow[Found]:
    """The issues that were opened or updated since then, at most `limit`; without `since`, the newest.

    When there are more, those opened soonest after `since` are taken (by a search, whose window has a start), because a
    regression is reported soon after its release; `left_out` tells how many were not looked at.
    """
    harvest = _Harvest(asked=repository, limit=limit)
    options = {"state": "all", "sort": "created", "direction": "desc", "per_page": str(_PAGE)}
    if since is not None:
        options["since"] = _stamp(since)
    first = yield from harvest.fetch(f"{api_of(repository)}/repos/{quote(repository.path)}/issues?{urlencode(options)}")
    harvest.add(_list(first, repository))
    following, last = links(first).get("next"), _last_page(links(first))
    if following and since is not None and (last is None or last * _PAGE > limit):
        newest, path = harvest.issues, harvest.path
        harvest.issues = {}
        total = yield from _opened_since(harvest, path, since)
        harvest.issues = {**harvest.issues, **{number: issue for number, issue in newest.items() if number not in harvest.issues}}
        return harvest.found(max(total, (last or 0) * _PAGE, len(harvest.issues) + 1) - len(harvest.issues))
    while following and not harvest.full:
        response = yield from harvest.try_to_fetch(following)
        if response is None:
            break
        harvest.add(_list(response, repository))
        following = links(response).get("next")
    # each page that was not opened holds at least one issue
    return harvest.found(max(1, ((last or 0) - harvest.pages) * _PAGE) if following else 0)


def _list(response: Response, repository: Repository) -> list[Any]:
    page = _decoded(response, repository.path)
    if not isinstance(page, list):
        raise BadResponse(repository.path, "the forge answered with something else than a list of issues", response.url)
    return page


def _opened_since(harvest: _Harvest, path: str, since: datetime) -> Flow[int]:
    """Adds the issues opened since then, oldest first, up to the limit; gives how many there are in all."""
    query = f"repo:{path} is:issue created:>={_stamp(since)}"
    options = {"q": query, "sort": "created", "order": "asc", "per_page": str(_PAGE)}
    return (yield from _searched(harvest, path, options, harvest.try_to_fetch))


def search(repository: Repository, words: Sequence[str], limit: int = 50) -> Flow[Found]:
    """The issues (without pull requests) of all time that hold any of the `words`, best match first, at most `limit`.

    At most six words are asked for (GitHub takes five operators), the first ones. No words, no question.
    """
    harvest = _Harvest(asked=repository, limit=min(limit, _RESULTS))
    query = _any_of(words)
    if not query:
        return harvest.found(0)
    options = {
        "q": f"repo:{repository.path} is:issue {query}",
        "per_page": str(min(_PAGE, limit)),
        "advanced_search": "true",
    }
    total = yield from _searched(harvest, repository.path, options, harvest.fetch)
    return harvest.found(max(0, total - len(harvest.issues)))


def _any_of(words: Sequence[str]) -> str:
    """The words as a query: each in quotes, so that nothing in them is an operator or a qualifier."""
    chosen: list[str] = []
    for word in words:
        plain = re.sub(r'[\x00-\x1f"\\\x7f]+', " ", word).strip()
        if (
            plain
            and plain not in chosen
            and len(chosen) < _WORDS
            and sum(map(len, chosen)) + len(plain) + 2 * len(chosen) + 2 <= _QUERY
        ):
            chosen.append(plain)
    joined = " OR ".join(f'"{word}"' for word in chosen)
    return f"({joined})" if len(chosen) > 1 else joined


def _searched(
    harvest: _Harvest, path: str, options: Mapping[str, str], begin: Callable[[str], Flow[Response | None]]
) -> Flow[int]:
    """Follows a search to the harvest's limit; gives the total that GitHub tells (one more than seen when it gave up early)."""
    total, early = 0, False
    response = yield from begin(f"{api_of(harvest.asked)}/search/issues?{urlencode(options)}")
    while response is not None:
        page = _decoded(response, harvest.asked.path)
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
