"""One request to GitHub's GraphQL API: many questions in, for each what came of it.

GraphQL answers 200 also where things went wrong, and then partly: `errors` beside `data`, each with the alias that it hit. One
question's trouble is kept to that question. A request that was too much (GitHub gives a query ten seconds) is asked once more in
two halves; what then still fails is told to the caller, who may ask otherwise. https://docs.github.com/en/graphql/overview
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lockblame import fields
from lockblame.errors import AccessRefused, BadResponse, NotFound, RateLimited, UpstreamError
from lockblame.flow import Flow, Request, Response
from lockblame.forges.github.query import Question, rendered
from lockblame.forges.pages import KEEPS, decoded
from lockblame.forges.records import BODY, TITLE, bounded, is_path, moment
from lockblame.model import Issue

_MOST = 10_000_000
_TOO_MUCH = re.compile(r"timeout|timed? ?out|something went wrong|resource limits|node limit|too (?:complex|large|many)", re.I)
_TOO_MUCH_TYPES = frozenset({"MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED", "SERVICE_UNAVAILABLE", "INTERNAL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of one question. `error` says why nothing did. `path` is what the repository is called now, None for a search.

    `total` counts the issues on all pages; `after` is the cursor of the next one. `broken` records were no issues.
    """

    question: Question
    error: UpstreamError | None = None
    issues: tuple[Issue, ...] = ()
    total: int = 0
    after: str | None = None
    path: str | None = None
    archived: bool = False
    issues_enabled: bool = True
    discussions: bool = False
    broken: int = 0
    first_fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What came of one request: `cost` in points, and how many `remain` (None when it didn't say)."""

    told: tuple[Told, ...]
    cost: int = 0
    remaining: int | None = None


def ask(api: str, questions: Sequence[Question]) -> Flow[Batch]:
    """The answers to the questions, at the address of a GraphQL API. Never raises: what fails is in each answer's `error`."""
    try:
        return (yield from _asked(api, questions))
    except _TooMuch as too_much:
        if len(questions) < 2:
            return _failed(questions, too_much.error)
    middle = len(questions) // 2
    halves = []
    for half in (questions[:middle], questions[middle:]):
        try:
            halves.append((yield from _asked(api, half)))
        except _TooMuch as too_much:
            halves.append(_failed(half, too_much.error))
    first, second = halves
    remaining = second.remaining if second.remaining is not None else first.remaining
    return Batch(told=(*first.told, *second.told), cost=first.cost + second.cost, remaining=remaining)


class _TooMuch(Exception):
    """A request that may be answered when it asks for less."""

    def __init__(self, error: UpstreamError) -> None:
        super().__init__(error)
        self.error = error


def _failed(questions: Sequence[Question], error: UpstreamError) -> Batch:
    return Batch(told=tuple(Told(question=one, error=error) for one in questions))


def _asked(api: str, questions: Sequence[Question]) -> Flow[Batch]:
    text, variables = rendered(questions)
    paths = list(dict.fromkeys(one.repository.path for one in questions))
    subject = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more repositories"
    request = Request(
        url=api,
        subject=subject,
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=json.dumps({"query": text, "variables": variables}, sort_keys=True).encode(),
        keeps=KEEPS,
        # what is too much for the server is so the second time, too: less is asked for instead
        retried=len(questions) == 1,
    )
    try:
        response = yield request
        document = decoded(response, subject)
        if not isinstance(document, dict):
            raise BadResponse(subject, "the forge answered with something else than a GraphQL answer", response.url)
        return _batch(questions, document, response, subject)
    except BadResponse as error:
        if isinstance(error, AccessRefused):
            return _failed(questions, error)
        raise _TooMuch(error) from None
    except NotFound as error:  # the API itself, as on a server that has it switched off
        return _failed(questions, BadResponse(subject, error.detail, error.url))
    except UpstreamError as error:
        return _failed(questions, error)
    except fields.FieldError as error:
        return _failed(questions, BadResponse(subject, f"the forge's GraphQL answered nonsense ({error})", api))


# --- answers ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Trouble:
    """One entry of `errors`."""

    kind: str
    message: str
    path: list[Any] = field(default_factory=list)

    @property
    def alias(self) -> str | None:
        return self.path[0] if self.path and isinstance(self.path[0], str) else None

    @property
    def too_much(self) -> bool:
        return self.kind in _TOO_MUCH_TYPES or bool(_TOO_MUCH.search(self.message))


def _batch(questions: Sequence[Question], document: Mapping[str, Any], response: Response, subject: str) -> Batch:
    """Raises _TooMuch when the whole request came to nothing that a smaller one might not come to."""
    troubles = [_trouble(one) for one in fields.tables(document, "errors")[:1000]]
    data = fields.table(document, "data")
    whole = [one for one in troubles if one.alias is None or not data]
    if not data:
        first = next(iter(whole), _Trouble("", "nothing at all"))
        error = _error(first, subject, response)
        if any(one.too_much for one in whole) and not isinstance(error, RateLimited):
            raise _TooMuch(error)
        return _failed(questions, error)
    said = {one.alias: one for one in reversed(troubles) if one.alias is not None}
    told = tuple(_told(one, f"q{number}", data, said, response) for number, one in enumerate(questions))
    limit = fields.table(data, "rateLimit", "data")
    return Batch(
        told=told,
        cost=fields.maybe_number(limit, "cost", "data.rateLimit") or 0,
        remaining=fields.maybe_number(limit, "remaining", "data.rateLimit"),
    )


def _trouble(record: Mapping[str, Any]) -> _Trouble:
    extensions = record.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    kind, message, path = record.get("type") or code, record.get("message"), record.get("path")
    return _Trouble(
        kind if isinstance(kind, str) else "",
        "".join(char for char in " ".join(message[:400].split()) if char.isprintable())[:150] if isinstance(message, str) else "",
        path if isinstance(path, list) else [],
    )


def _error(trouble: _Trouble, subject: str, response: Response) -> UpstreamError:
    url = response.url
    if trouble.kind in ("RATE_LIMITED", "RATE_LIMIT") or "rate limit" in trouble.message.lower():
        reset = response.headers.get("x-ratelimit-reset", "")
        until = float(reset) if re.fullmatch(r"\d{9,11}", reset) else None
        when = f" until {datetime.fromtimestamp(until, UTC):%H:%M} UTC" if until is not None else ""
        return RateLimited(subject, f"the points that GitHub gives this token are used up{when}", url, until)
    if trouble.kind == "NOT_FOUND":
        return NotFound(subject, f"is not there, or not for this token ({trouble.message})", url)
    if trouble.kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
        return AccessRefused(subject, f"may not be read with this token ({trouble.message})", url, 403)
    return BadResponse(subject, f"the forge's GraphQL says: {trouble.message or 'nothing'}", url)


def _told(question: Question, alias: str, data: Mapping[str, Any], said: Mapping[str, _Trouble], response: Response) -> Told:
    """One alias. What is null without a word is not there."""
    trouble = said.get(alias)
    try:
        if alias not in data and trouble is None:
            raise fields.FieldError(f"data.{alias}", "is missing")
        found = fields.table(data, alias, "data")
        pages = found if question.kind != "list" else fields.table(found, "issues", f"data.{alias}")
        if not pages:
            return Told(
                question=question, error=_error(trouble or _Trouble("NOT_FOUND", "null"), question.repository.path, response)
            )
        issues, broken, fault = _issues(pages, f"data.{alias}")
        path = fields.text(found, "nameWithOwner", f"data.{alias}") if question.kind == "list" else None
        if path is not None and not is_path(path):
            raise fields.FieldError(f"data.{alias}.nameWithOwner", "is no name of a repository")
        total = fields.maybe_number(pages, "totalCount" if question.kind == "list" else "issueCount", f"data.{alias}") or 0
        return Told(
            question=question,
            issues=issues,
            total=min(max(total, 0), _MOST),
            after=_cursor(fields.table(pages, "pageInfo", f"data.{alias}")),
            path=path,
            archived=fields.flag(found, "isArchived"),
            issues_enabled=question.kind != "list" or found.get("hasIssuesEnabled") is not False,
            discussions=fields.flag(found, "hasDiscussionsEnabled"),
            broken=broken,
            first_fault=fault or (trouble.message if trouble else ""),
        )
    except fields.FieldError as error:
        detail = f"the forge's GraphQL answered nonsense ({error})"
        return Told(question=question, error=BadResponse(question.repository.path, detail, response.url))


def _cursor(page: Mapping[str, Any]) -> str | None:
    cursor = fields.maybe_text(page, "endCursor") if fields.flag(page, "hasNextPage") else None
    return cursor if cursor and len(cursor) <= 1000 else None


def _issues(pages: Mapping[str, Any], where: str) -> tuple[tuple[Issue, ...], int, str]:
    """The issues among the nodes, how many were none, and what was wrong with the first of those."""
    nodes = pages.get("nodes")
    if not isinstance(nodes, list):
        raise fields.FieldError(f"{where}.nodes", "should be a list")
    issues, broken, fault = [], 0, ""
    for number, node in enumerate(nodes):
        # a search may hold what is no issue, which comes as an empty object; what may not be read comes as null
        if node is None or node == {}:
            continue
        try:
            if not isinstance(node, dict):
                raise fields.FieldError(f"{where}.nodes[{number}]", "should be a table")
            issues.append(issue_from_node(node, f"{where}.nodes[{number}]"))
        except fields.FieldError as error:
            broken += 1
            fault = fault or str(error)
    return tuple(issues), broken, fault


def issue_from_node(node: Mapping[str, Any], where: str = "") -> Issue:
    """The Issue in an issue of GitHub's GraphQL API. FieldError, with the key's path, where it is none."""
    number = fields.maybe_number(node, "number", where)
    if number is None or number < 1:
        raise fields.FieldError(f"{where}.number", "is missing" if number is None else "is no issue number")
    comments, url = fields.table(node, "comments", where), fields.maybe_text(node, "url", where)
    names = (fields.maybe_text(label, "name", f"{where}.labels") for label in _nodes(node, "labels", where))
    bodies = (fields.maybe_text(one, "body", f"{where}.comments") for one in _nodes(node, "comments", where))
    repository = fields.text(fields.table(node, "repository", where), "nameWithOwner", f"{where}.repository")
    if not is_path(repository):
        raise fields.FieldError(f"{where}.repository.nameWithOwner", "is no name of a repository")
    return Issue(
        repository=repository,
        number=number,
        title=bounded(fields.text(node, "title", where), TITLE),
        body=bounded(fields.maybe_text(node, "body", where) or "", BODY),
        state=bounded(fields.maybe_text(node, "state", where) or "open", 20).lower(),
        created_at=moment(node, "createdAt", where),
        updated_at=moment(node, "updatedAt", where),
        closed_at=moment(node, "closedAt", where),
        labels=tuple(bounded(name, 200) for name in names if name),
        comments=fields.maybe_number(comments, "totalCount", f"{where}.comments"),
        discussion=tuple(bounded(body, BODY) for body in bodies if body),
        reactions=fields.maybe_number(fields.table(node, "reactions", where), "totalCount", f"{where}.reactions"),
        url=url if url and len(url) <= 2000 and url.startswith(("https://", "http://")) else None,
        fixed_by=_fixed_by(node, repository, where),
    )


def _nodes(node: Mapping[str, Any], key: str, where: str) -> Sequence[Mapping[str, Any]]:
    """The nodes of a connection, without those that may not be read."""
    found = fields.table(node, key, where).get("nodes")
    if found is None:
        return ()
    if not isinstance(found, list):
        raise fields.FieldError(f"{where}.{key}.nodes", "should be a list")
    return [one for one in found if isinstance(one, dict)]


def _fixed_by(node: Mapping[str, Any], repository: str, where: str) -> str | None:
    """The pull request that closed an issue, in words: "pull request 12, merged 2023-09-20, milestone 5.3.3".

    Never with a "#": where a report is pasted, that would link to another repository's."""
    place = f"{where}.closedByPullRequestsReferences"
    for one in _nodes(node, "closedByPullRequestsReferences", where):
        number, merged = fields.maybe_number(one, "number", place), moment(one, "mergedAt", place)
        if number is None or not fields.flag(one, "merged", place):
            continue
        theirs = fields.maybe_text(fields.table(one, "repository", place), "nameWithOwner", place) or repository
        milestone = _milestone(one, place) or _milestone(node, where)
        return ", ".join(
            (
                f"pull request {number}" + (f" of {theirs}" if theirs.lower() != repository.lower() and is_path(theirs) else ""),
                *([f"merged {merged.date().isoformat()}"] if merged else []),
                *([f"milestone {bounded(milestone, 100)}"] if milestone else []),
            )
        )
    return None


def _milestone(node: Mapping[str, Any], where: str) -> str | None:
    return fields.maybe_text(fields.table(node, "milestone", where), "title", f"{where}.milestone")
