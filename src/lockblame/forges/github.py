"""GitHub's REST API, version 2022-11-28 (v3): the issues of a repository. Flows only.

https://docs.github.com/en/rest/issues/issues · https://docs.github.com/en/rest/search/search. GitHub Enterprise Server speaks the
same below https://HOST/api/v3. Pull requests are issues here, with a `pull_request` key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from lockblame import fields
from lockblame.errors import BadResponse
from lockblame.flow import Flow, Request, Response
from lockblame.forges import Found
from lockblame.model import Gap, Issue, Repository

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_PAGE = 100
_TITLE, _BODY, _LABELS = 1000, 70_000, 100
# GitHub's own bounds on a search: 256 characters besides operators and qualifiers, five operators, 1000 results
_QUERY, _WORDS, _RESULTS = 256, 6, 1000


# --- one record ------------------------------------------------------------------------------------------------------


def issue_from(record: Mapping[str, Any], where: str = "") -> Issue:
    """The Issue in GitHub's REST issue object. FieldError, with the key's path, where it is none."""
    address = fields.maybe_text(record, "repository_url", where) or fields.maybe_text(record, "html_url", where) or ""
    repository = _path(address)
    if repository is None:
        raise fields.FieldError(f"{where}.repository_url" if where else "repository_url", "names no repository")
    number = fields.maybe_number(record, "number", where)
    if number is None or number < 1:
        raise fields.FieldError(
            f"{where}.number" if where else "number", "is missing" if number is None else "is no issue number"
        )
    reactions = record.get("reactions")
    return Issue(
        repository=repository,
        number=number,
        title=fields.text(record, "title", where)[:_TITLE],
        body=(fields.maybe_text(record, "body", where) or "")[:_BODY],
        state=fields.maybe_text(record, "state", where) or "open",
        created_at=moment(record, "created_at", where),
        updated_at=moment(record, "updated_at", where),
        closed_at=moment(record, "closed_at", where),
        labels=labels(record, where),
        comments=fields.maybe_number(record, "comments", where),
        reactions=fields.maybe_number(reactions, "total_count", f"{where}.reactions") if isinstance(reactions, dict) else None,
        pull_request=bool(record.get("pull_request")),
        url=_web(fields.maybe_text(record, "html_url", where)),
    )


def labels(record: Mapping[str, Any], where: str = "") -> tuple[str, ...]:
    """The names of a record's labels, which are strings or objects with a name; FieldError when they are neither."""
    value = record.get("labels")
    place = f"{where}.labels" if where else "labels"
    if value is None:
        return ()
    if not isinstance(value, list):
        raise fields.FieldError(place, "should be a list")
    names = []
    for number, label in enumerate(value[:_LABELS]):
        name = label if isinstance(label, str) else label.get("name") if isinstance(label, dict) else None
        if not isinstance(name, str):
            raise fields.FieldError(f"{place}[{number}]", "should be a string or an object with a name")
        names.append(name[:200])
    return tuple(names)


def moment(record: Mapping[str, Any], key: str, where: str = "") -> datetime | None:
    """The day (its first moment) or timestamp at `key`, in UTC; None when it is missing, FieldError when it is neither."""
    value = fields.maybe_text(record, key, where)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise fields.FieldError(
            f"{where}.{key}" if where else key, "is no day or timestamp such as 2023-09-04T16:09:02Z"
        ) from None


def _path(address: str) -> str | None:
    """owner/name out of an API or web address of a repository or of an issue in it."""
    found = re.search(r"(?:/repos)?/([\w.-]{1,100}/[\w.-]{1,100})(?:/(?:issues|pull|pulls)/\d{1,10})?/?$", urlsplit(address).path)
    return found[1] if found else None


def _web(url: str | None) -> str | None:
    return url if url and len(url) <= 2000 and url.startswith(("https://", "http://")) else None


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
    """Issues as they come in, each once and only those of the repository that was asked for."""

    asked: Repository
    limit: int
    issues: dict[int, Issue] = field(default_factory=dict)
    broken: int = 0
    first_fault: str | None = None

    @property
    def full(self) -> bool:
        return len(self.issues) >= self.limit

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

    def found(self, left_out: int, *, complete: bool) -> Found:
        kept = tuple(list(self.issues.values())[: self.limit])
        lost = len(self.issues) - len(kept)
        gaps: tuple[Gap, ...] = ()
        if self.broken:
            detail = f"{self.broken} records of {self.asked.host} were no issues (the first: {self.first_fault})"
            gaps = (Gap(subject=self.asked.path, reason="bad-response", detail=detail, hint=None),)
        path = kept[0].repository if kept else self.asked.path
        # GitHub compares names without case, and a moved repository answers under its new name
        moved = (
            self.asked if path.lower() == self.asked.path.lower() else Repository(forge="github", host=self.asked.host, path=path)
        )
        left = left_out + lost
        return Found(repository=moved, issues=kept, complete=complete and not left and not self.broken, left_out=left, gaps=gaps)


def _base(repository: Repository) -> str:
    if repository.host == "github.com":
        return "https://api.github.com"
    # an Enterprise Server on this very machine is a tunnel or a stand-in, and those speak plain http
    name = repository.host.partition(":")[0]
    return f"{'http' if name in ('localhost', '127.0.0.1') else 'https'}://{repository.host}/api/v3"


def _request(url: str, repository: Repository) -> Request:
    return Request(url=url, subject=repository.path, headers=_HEADERS)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- flows -----------------------------------------------------------------------------------------------------------


def issues(repository: Repository, *, since: datetime | None = None, limit: int = 300) -> Flow[Found]:
    """The issues that were opened or updated since then, at most `limit`.

    When there are more, those opened soonest after `since` are taken (by a search, whose window has a start), because a
    regression is reported soon after its release; `left_out` tells how many were not looked at.
    """
    harvest = _Harvest(asked=repository, limit=limit)
    options = {"state": "all", "sort": "created", "direction": "desc", "per_page": str(_PAGE)}
    if since is not None:
        options["since"] = _stamp(since)
    url = f"{_base(repository)}/repos/{quote(repository.path)}/issues?{urlencode(options)}"
    response = yield _request(url, repository)
    harvest.add(_list(response, repository))
    following = links(response)
    last = _last_page(following)
    if "next" in following and since is not None and (last is None or last * _PAGE > limit):
        newest = harvest.issues
        harvest.issues = {}
        moved = next(iter(newest.values())).repository if newest else repository.path
        total = yield from _opened_since(harvest, moved, since)
        harvest.issues.update({number: issue for number, issue in newest.items() if number not in harvest.issues})
        known = (last or 0) * _PAGE
        return harvest.found(max(total, known, len(harvest.issues) + 1) - len(harvest.issues), complete=False)
    while "next" in following and not harvest.full:
        response = yield _request(following["next"], repository)
        harvest.add(_list(response, repository))
        following = links(response)
    # pages that were not opened hold at least one issue each
    left_out = max(1, ((last or 0) - -(-len(harvest.issues) // _PAGE)) * _PAGE) if "next" in following else 0
    return harvest.found(left_out, complete=not left_out)


def _list(response: Response, repository: Repository) -> list[Any]:
    page = _decoded(response, repository.path)
    if not isinstance(page, list):
        raise BadResponse(repository.path, "the forge answered with something else than a list of issues", response.url)
    return page


def _opened_since(harvest: _Harvest, path: str, since: datetime) -> Flow[int]:
    """Adds the issues opened since then, oldest first, up to the limit; gives how many there are in all."""
    query = f"repo:{path} is:issue created:>={_stamp(since)}"
    options = {"q": query, "sort": "created", "order": "asc", "per_page": str(_PAGE)}
    return (yield from _searched(harvest, path, options))


def search(repository: Repository, words: Sequence[str], limit: int = 50) -> Flow[Found]:
    """The issues (without pull requests) of all time that hold any of the `words`, best match first, at most `limit`.

    At most six words are asked for (GitHub takes five operators), the first ones. No words, no question.
    """
    harvest = _Harvest(asked=repository, limit=min(limit, _RESULTS))
    query = _any_of(words)
    if not query:
        return harvest.found(0, complete=True)
    options = {
        "q": f"repo:{repository.path} is:issue {query}",
        "per_page": str(min(_PAGE, limit)),
        "advanced_search": "true",
    }
    total = yield from _searched(harvest, repository.path, options)
    left_out = max(0, total - len(harvest.issues))
    return harvest.found(left_out, complete=not left_out)


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


def _searched(harvest: _Harvest, path: str, options: Mapping[str, str]) -> Flow[int]:
    """Follows a search to the harvest's limit; gives the total that GitHub tells (one more than seen when it gave up early)."""
    url: str | None = f"{_base(harvest.asked)}/search/issues?{urlencode(options)}"
    total, early = 0, False
    while url is not None and not harvest.full:
        response = yield _request(url, harvest.asked)
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
        url = links(response).get("next") if records else None
    return max(total, len(harvest.issues) + 1) if early else total
