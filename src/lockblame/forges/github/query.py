"""What is asked of GitHub's GraphQL API: the text of a query, its variables, and what it is going to cost.

https://docs.github.com/en/graphql. Many questions go into one query, each under an alias of its own. Whatever comes from outside
(names of repositories, words of the symptom) travels as a variable: the text is made of this module's constants alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lockblame.forges.pages import stamp
from lockblame.model import Repository

# GitHub's own bounds on a search: 256 characters besides operators and qualifiers, five operators
_QUERY, _WORDS = 256, 6
_LABELS, _CLOSERS = 20, 3
_NESTED = 4
"""Connections below each issue: labels, comments, reactions, pull requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """How much is asked of one repository at once: issues, hits of a search, and comments of each of them."""

    issues: int
    hits: int
    comments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One alias of a query.

    `list`: the repository and its issues updated `since`, newest first. `window`: those opened `since`, oldest first, that hold
    any of the `words` (where there are some). `words`: those of all time that hold any of them, best first. `after` is the
    cursor where the former page ended.
    """

    kind: Literal["list", "window", "words"]
    repository: Repository
    portion: Portion
    since: datetime | None = None
    words: tuple[str, ...] = ()
    after: str | None = None

    @property
    def cost(self) -> int:
        """Hundredths of a point, as GitHub counts: one for each connection that has to be followed to the end."""
        first = self.portion.issues if self.kind != "words" else self.portion.hits
        return 1 + first * _NESTED

    @property
    def nodes(self) -> int:
        """Nodes that may come, of the 500,000 that one query may ask for."""
        first = self.portion.issues if self.kind != "words" else self.portion.hits
        return first * (1 + _LABELS + self.portion.comments + _CLOSERS)


def cost(questions: Iterable[Question]) -> int:
    """The points that one query with these questions is expected to cost."""
    return max(1, -(-sum(question.cost for question in questions) // 100))


_ISSUE = f"""
fragment Told on Issue {{
  number title body state createdAt updatedAt closedAt url
  repository {{ nameWithOwner }}
  milestone {{ title }}
  labels(first: {_LABELS}) {{ nodes {{ name }} }}
  comments(first: $comments) {{ totalCount nodes {{ body }} }}
  reactions {{ totalCount }}
  closedByPullRequestsReferences(first: {_CLOSERS}, includeClosedPrs: true) {{
    nodes {{ number merged mergedAt milestone {{ title }} repository {{ nameWithOwner }} }}
  }}
}}
"""
_PAGE = "pageInfo { hasNextPage endCursor } nodes { ...Told }"


def rendered(questions: Sequence[Question]) -> tuple[str, Mapping[str, Any]]:
    """The text of the query that asks all of them (alias q0, q1, …), and its variables."""
    declared: dict[str, str] = {"comments": "Int!"}
    variables: dict[str, Any] = {"comments": max((one.portion.comments for one in questions), default=1)}

    def variable(name: str, kind: str, value: object) -> str:
        declared[name] = kind
        variables[name] = value
        return f"${name}"

    def asked(number: int, one: Question) -> str:
        after = f", after: {variable(f'after{number}', 'String', one.after)}" if one.after else ""
        if one.kind != "list":
            first = variable(f"first{number}", "Int!", one.portion.hits if one.kind == "words" else one.portion.issues)
            query = variable(f"query{number}", "String!", searched(one))
            return f"q{number}: search(type: ISSUE, query: {query}, first: {first}{after}) {{ issueCount {_PAGE} }}"
        owner, _, name = one.repository.path.partition("/")
        place = f"owner: {variable(f'owner{number}', 'String!', owner)}, name: {variable(f'name{number}', 'String!', name)}"
        first = variable(f"first{number}", "Int!", one.portion.issues)
        since = f", filterBy: {{ since: {variable(f'since{number}', 'DateTime', stamp(one.since))} }}" if one.since else ""
        order = "orderBy: { field: CREATED_AT, direction: DESC }"
        return (
            f"q{number}: repository({place}) {{ nameWithOwner isArchived hasIssuesEnabled hasDiscussionsEnabled "
            f"issues(first: {first}{after}{since}, {order}) {{ totalCount {_PAGE} }} }}"
        )

    body = "\n  ".join(asked(number, one) for number, one in enumerate(questions))
    head = ", ".join(f"${name}: {kind}" for name, kind in declared.items())
    return f"query({head}) {{\n  rateLimit {{ cost remaining resetAt nodeCount }}\n  {body}\n}}\n{_ISSUE}", variables


# --- searches --------------------------------------------------------------------------------------------------------


def searched(one: Question) -> str:
    """What the search is asked for, in GitHub's search syntax."""
    parts = [f"repo:{one.repository.path} is:issue"]
    if one.kind == "window" and one.since is not None:
        parts.append(f"created:>={stamp(one.since)} sort:created-asc")
    return " ".join((*parts, *filter(None, [any_of(one.words)])))


def any_of(words: Sequence[str]) -> str:
    """The words as a query: each in quotes, so that nothing in them is an operator or a qualifier.

    At most six (GitHub takes five operators), the first ones, within the length that GitHub takes.
    """
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
