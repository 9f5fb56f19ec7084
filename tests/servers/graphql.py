"""The GraphQL half of the GitHub stand-in: real queries, executed on a part of GitHub's schema.

`tests/test_github_contract.py` holds this part against the whole that GitHub publishes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from tests.servers.loopback import Answer, Asked

if TYPE_CHECKING:
    from tests.servers.github import GitHub, Record

SCHEMA = """
scalar DateTime
scalar URI
type Query {
  rateLimit(dryRun: Boolean = false): RateLimit
  repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
  search(query: String!, type: SearchType!, first: Int, after: String): SearchResultItemConnection!
}
type RateLimit { cost: Int! limit: Int! nodeCount: Int! remaining: Int! resetAt: DateTime! used: Int! }
enum SearchType { ISSUE REPOSITORY USER DISCUSSION }
enum IssueState { OPEN CLOSED }
enum OrderDirection { ASC DESC }
enum IssueOrderField { CREATED_AT UPDATED_AT COMMENTS }
input IssueOrder { field: IssueOrderField! direction: OrderDirection! }
input IssueFilters { since: DateTime states: [IssueState!] labels: [String!] }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type Repository {
  nameWithOwner: String!
  isArchived: Boolean!
  hasIssuesEnabled: Boolean!
  hasDiscussionsEnabled: Boolean!
  issues(first: Int, after: String, filterBy: IssueFilters, orderBy: IssueOrder): IssueConnection!
}
type IssueConnection { totalCount: Int! pageInfo: PageInfo! nodes: [Issue] }
union SearchResultItem = Issue | Repository
type SearchResultItemConnection { issueCount: Int! pageInfo: PageInfo! nodes: [SearchResultItem] }
type Issue {
  number: Int!
  title: String!
  body: String!
  state: IssueState!
  createdAt: DateTime!
  updatedAt: DateTime!
  closedAt: DateTime
  url: URI!
  repository: Repository!
  milestone: Milestone
  labels(first: Int, after: String): LabelConnection
  comments(first: Int, after: String): IssueCommentConnection!
  reactions(first: Int, after: String): ReactionConnection!
  closedByPullRequestsReferences(first: Int, includeClosedPrs: Boolean = false): PullRequestConnection
}
type Milestone { title: String! }
type Label { name: String! }
type LabelConnection { nodes: [Label] totalCount: Int! }
type IssueComment { body: String! }
type IssueCommentConnection { nodes: [IssueComment] totalCount: Int! }
type ReactionConnection { totalCount: Int! }
type PullRequest { number: Int! merged: Boolean! mergedAt: DateTime milestone: Milestone repository: Repository! url: URI! }
type PullRequestConnection { nodes: [PullRequest] totalCount: Int! }
"""


@cache
def schema(lacks: frozenset[str] = frozenset()) -> GraphQLSchema:
    """The schema without the fields of those names, as that of an older server."""
    lines = (line for line in SCHEMA.splitlines() if line.strip().partition("(")[0].partition(":")[0] not in lacks)
    return build_schema("\n".join(lines))


class Trouble(Exception):
    """What a field has no answer for, as GitHub writes it among the errors."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def executed(forge: GitHub, asked: Asked) -> Answer:
    """The answer to a POST with a query and its variables; 200 also where things went wrong, as GitHub does."""
    from tests.servers.github import said

    if asked.method != "POST":
        return said(404, "Not Found")
    if not asked.headers.get("authorization"):
        return said(401, "This endpoint requires you to be authenticated.")
    question = json.loads(asked.body)
    variables = question.get("variables") or {}
    document = parse(question["query"])
    if faults := validate(schema(forge.lacks), document):
        return _answered(None, faults)
    points, nodes = weighed(document, variables)
    if nodes > forge.nodes:
        message = f"This query requests up to {nodes} possible nodes which exceeds the maximum limit of {forge.nodes}."
        return _answered(None, [], {"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message})
    if not forge.granted("graphql", points):
        limited = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}
        return _answered(None, [], limited, headers=forge.limits("graphql"))
    result: ExecutionResult = execute_sync(schema(forge.lacks), document, _root(forge, points, nodes), variable_values=variables)
    return _answered(result.data, result.errors or [], headers=forge.limits("graphql"))


def _answered(
    data: Mapping[str, Any] | None,
    faults: Sequence[GraphQLError],
    *more: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> Answer:
    errors = [
        {**fault.formatted, **({"type": fault.original_error.kind} if isinstance(fault.original_error, Trouble) else {})}
        for fault in faults
    ]
    document = {
        **({"data": data} if data is not None or not faults else {}),
        **({"errors": [*errors, *more]} if errors or more else {}),
    }
    return Answer(body=json.dumps(document).encode(), kind="application/json; charset=utf-8", headers=headers or {})


# --- what it holds ---------------------------------------------------------------------------------------------------


def _root(forge: GitHub, points: int, nodes: int) -> Mapping[str, Any]:
    def limit(_: object, dryRun: bool = False) -> Mapping[str, Any]:  # noqa: N803
        left = forge.grants.get("graphql", 5000 - points)
        reset = "2100-01-01T00:00:00Z"
        return {"cost": points, "limit": 5000, "nodeCount": nodes, "remaining": left, "resetAt": reset, "used": points}

    def repository(_: object, owner: str, name: str, followRenames: bool = True) -> Mapping[str, Any] | None:  # noqa: N803
        path = f"{owner}/{name}"
        if followRenames:
            path = forge.renamed.get(path, path)
        if path in forge.forbidden:
            raise Trouble("FORBIDDEN", "Resource protected by organization SAML enforcement.")
        if path not in forge.repositories:
            raise Trouble("NOT_FOUND", f"Could not resolve to a Repository with the name '{path}'.")
        return _repository(forge, path)

    def search(_: object, query: str, type: str, first: int | None = None, after: str | None = None) -> Mapping[str, Any]:
        from tests.servers.github import ordered

        assert type == "ISSUE"
        found = forge.matching(query)
        if "sort:created-asc" in query.split():
            found = ordered(found, "created", "asc")
        return {"issueCount": len(found), **_connection(forge, found, first, after)}

    return {"rateLimit": limit, "repository": repository, "search": search}


def _repository(forge: GitHub, path: str) -> Mapping[str, Any]:
    from tests.servers.github import ordered

    def issues(
        _: object,
        first: int | None = None,
        after: str | None = None,
        filterBy: Mapping[str, Any] | None = None,  # noqa: N803
        orderBy: Mapping[str, str] | None = None,  # noqa: N803
    ) -> Mapping[str, Any]:
        since = (filterBy or {}).get("since") or ""
        records = forge.repositories[path] if path not in forge.disabled else []
        chosen = [item for item in records if str(item["updated_at"]) >= since and "pull_request" not in item]
        order = orderBy or {"field": "CREATED_AT", "direction": "ASC"}
        chosen = ordered(chosen, order["field"].removesuffix("_AT").lower(), order["direction"])
        return {"totalCount": len(chosen), **_connection(forge, chosen, first, after)}

    return {
        "__typename": "Repository",
        "nameWithOwner": path,
        "isArchived": path in forge.archived,
        "hasIssuesEnabled": path not in forge.disabled,
        "hasDiscussionsEnabled": path in forge.disabled,
        "issues": issues,
    }


def _connection(forge: GitHub, records: Sequence[Record], first: int | None, after: str | None) -> Mapping[str, Any]:
    if first is None or not 1 <= first <= 100:
        raise Trouble("EXCESSIVE_PAGINATION", "You must provide a `first` value between 1 and 100.")
    start = int((after or "cursor:0").removeprefix("cursor:"))
    end = start + first
    page = {"hasNextPage": end < len(records), "endCursor": f"cursor:{min(end, len(records))}" if records else None}
    return {"pageInfo": page, "nodes": [_issue(forge, item) for item in records[start:end]]}


def _issue(forge: GitHub, item: Any) -> Mapping[str, Any]:
    path = str(item["repository_url"]).split("/repos/")[1]
    labels = [{"name": label if isinstance(label, str) else label["name"]} for label in item["labels"]]
    discussion = item.get("discussion", ())

    def comments(_: object, first: int | None = None, after: str | None = None) -> Mapping[str, Any]:
        return {"totalCount": max(item["comments"], len(discussion)), "nodes": [{"body": text} for text in discussion[:first]]}

    def closers(_: object, first: int | None = None, includeClosedPrs: bool = False) -> Mapping[str, Any]:  # noqa: N803
        found = [
            {"mergedAt": None, "milestone": None, "url": "https://github.com/", "repository": {"nameWithOwner": path}, **one}
            for one in item.get("closers", ())
        ]
        return {"totalCount": len(found), "nodes": found[:first] if includeClosedPrs else []}

    return {
        "__typename": "Issue",
        "number": item["number"],
        "title": item["title"],
        "body": item["body"] or "",
        "state": item["state"].upper(),
        "createdAt": item["created_at"],
        "updatedAt": item["updated_at"],
        "closedAt": item["closed_at"],
        "url": item["html_url"],
        "repository": {"__typename": "Repository", "nameWithOwner": path},
        "milestone": item["milestone"],
        "labels": {"totalCount": len(labels), "nodes": labels},
        "comments": comments,
        "reactions": {"totalCount": item["reactions"]["total_count"]},
        "closedByPullRequestsReferences": closers,
    }


# --- what it costs ---------------------------------------------------------------------------------------------------


def weighed(document: DocumentNode, variables: Mapping[str, Any]) -> tuple[int, int]:
    """Points and nodes of a query, counted as GitHub's documentation does: a connection is asked once for each node above it."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}

    def first(field: FieldNode) -> int | None:
        for argument in field.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                return int(variables[value.name.value] if isinstance(value, VariableNode) else getattr(value, "value", 0))
        return None

    def walk(chosen: SelectionSetNode | None, above: int) -> tuple[int, int]:
        requests = nodes = 0
        for one in chosen.selections if chosen else ():
            if isinstance(one, FragmentSpreadNode):
                inner = walk(fragments[one.name.value].selection_set, above)
            elif isinstance(one, InlineFragmentNode):
                inner = walk(one.selection_set, above)
            else:
                count = first(one) if isinstance(one, FieldNode) else None
                inner = walk(one.selection_set, above * (count or 1)) if isinstance(one, FieldNode) else (0, 0)
                if count is not None:
                    inner = inner[0] + above, inner[1] + above * count
            requests, nodes = requests + inner[0], nodes + inner[1]
        return requests, nodes

    requests, nodes = (
        sum(parts)
        for parts in zip(
            *(walk(one.selection_set, 1) for one in document.definitions if not isinstance(one, FragmentDefinitionNode)),
            strict=True,
        )
    )
    return max(1, round(requests / 100)), nodes
