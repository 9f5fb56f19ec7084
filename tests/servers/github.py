"""A stand-in for GitHub: issues and search by REST and GraphQL, with pages, ETag, limits, renames, repositories without issues.

It listens as an Enterprise Server does (/api/v3, /api/graphql) and as github.com does (/, /graphql).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from urllib.parse import urlencode

from tests.servers.loopback import Answer, Asked, Server

RESET = 4102444800
"""When the limits start anew: 2100."""
Record = dict[str, object]


def record(number: int, *, created: str, updated: str | None = None, repository: str = "acme/rocket", **more: object) -> Record:
    """An issue object as the API writes it. Of the comments and of what closed it only GraphQL tells: `discussion`, `closers`."""
    address = f"https://api.github.com/repos/{repository}/issues/{number}"
    return {
        "url": address,
        "repository_url": f"https://api.github.com/repos/{repository}",
        "labels_url": f"{address}/labels{{/name}}",
        "comments_url": f"{address}/comments",
        "events_url": f"{address}/events",
        "html_url": f"https://github.com/{repository}/issues/{number}",
        "id": 1000 + number,
        "node_id": f"I_{number}",
        "number": number,
        "title": f"Rocket number {number} does not start",
        "user": _user("someone"),
        "labels": [{"id": 1, "name": "bug", "color": "ff0000"}],
        "state": "open",
        "state_reason": None,
        "locked": False,
        "assignee": None,
        "milestone": None,
        "author_association": "NONE",
        "comments": 0,
        "created_at": created,
        "updated_at": updated or created,
        "closed_at": None,
        "body": None,
        "reactions": reactions(address, 0),
        **more,
    }


def reactions(address: str, thumbs: int) -> Record:
    kinds = ("-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")
    return {"url": f"{address}/reactions", "total_count": thumbs, "+1": thumbs, **dict.fromkeys(kinds, 0)}


def _user(login: str) -> Record:
    api, web = f"https://api.github.com/users/{login}", f"https://github.com/{login}"
    links = ("followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events", "received_events")
    return {
        "login": login,
        "id": 1,
        "node_id": "U_1",
        "avatar_url": f"{web}.png",
        "gravatar_id": "",
        "url": api,
        "html_url": web,
        **{f"{name}_url": f"{api}/{name}" for name in links},
        "type": "User",
        "site_admin": False,
    }


class GitHub:
    """The API of one repository that holds `records`, and of `others` (path → records).

    `renamed` maps an old path to what it is called now; `archived`, `disabled` (no issues) and `forbidden` (this token may not
    see them) hold paths. `grants` says how many requests of a kind ("core", "search", points of "graphql") are left; without it
    there is no limit. `refused` are tokens that are none any more. `lacks` are fields that its GraphQL doesn't know yet.
    """

    def __init__(
        self,
        records: list[Record],
        *,
        repository: str = "acme/rocket",
        others: Mapping[str, list[Record]] | None = None,
        before: Callable[[Asked], Answer | None] | None = None,
        grants: Mapping[str, int] | None = None,
        tls: bool = False,
    ) -> None:
        self.records = records
        self.repository = repository
        self.repositories = {repository: records, **(others or {})}
        self.renamed: dict[str, str] = {}
        self.archived: set[str] = set()
        self.disabled: set[str] = set()
        self.forbidden: set[str] = set()
        self.refused: set[str] = set()
        self.lacks: frozenset[str] = frozenset()
        self.grants = dict(grants or {})
        self.nodes = 500_000
        self.server = Server(self.answer, tls=tls)
        self._before = before or (lambda _: None)
        self._lock = Lock()

    def __enter__(self) -> GitHub:
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def answer(self, asked: Asked) -> Answer:
        if special := self._before(asked):
            return special
        if asked.headers.get("authorization", "").removeprefix("Bearer ").removeprefix("token ") in self.refused:
            return said(401, "Bad credentials")
        if asked.path in ("/api/graphql", "/graphql"):
            from tests.servers.graphql import executed

            return executed(self, asked)
        path = asked.path.removeprefix("/api/v3")
        kind = "search" if path.startswith("/search/") else "core"
        if not self.granted(kind):
            return said(403, "API rate limit exceeded for 127.0.0.1.", **self.limits(kind))
        answer = self._searched(asked) if path == "/search/issues" else self._repository(asked, path)
        return Answer(status=answer.status, body=answer.body, kind=answer.kind, headers={**answer.headers, **self.limits(kind)})

    # --- limits ------------------------------------------------------------------------------------------------------

    def granted(self, kind: str, count: int = 1) -> bool:
        """Whether `count` more are; they are spent then."""
        with self._lock:
            left = self.grants.get(kind)
            if left is None:
                return True
            self.grants[kind] = max(0, left - count)
            return left >= count

    def limits(self, kind: str) -> dict[str, str]:
        if kind not in self.grants:
            return {}
        told = {"limit": 60, "remaining": self.grants[kind], "reset": RESET, "used": 0, "resource": kind}
        return {f"X-RateLimit-{name}": str(value) for name, value in told.items()}

    # --- REST --------------------------------------------------------------------------------------------------------

    def _repository(self, asked: Asked, path: str) -> Answer:
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)/issues", path)
        if found and found[1] in self.renamed:
            there = f"{self.server.url}/api/v3/repos/{self.renamed[found[1]]}/issues?{urlencode(asked.query)}"
            return Answer(status=301, headers={"Location": there}, body=b'{"message": "Moved Permanently"}')
        if not found or found[1] not in self.repositories:
            return said(404, "Not Found")
        if found[1] in self.disabled:
            return said(410, "Issues has been disabled in this repository.")
        return self._listed(asked, self.repositories[found[1]])

    def _listed(self, asked: Asked, records: Sequence[Record]) -> Answer:
        query = asked.query
        assert query["state"] == "all", "closed issues matter as much"
        chosen = [item for item in records if str(item["updated_at"]) >= query.get("since", "")]
        chosen = ordered(chosen, query.get("sort", "created"), query.get("direction", "desc"))
        return self._page(asked, chosen, lambda page: page)

    def _searched(self, asked: Asked) -> Answer:
        if not any(f"repo:{path}" in asked.query["q"].split() for path in self.repositories):
            return said(422, "Validation Failed")
        chosen = self.matching(asked.query["q"])
        if asked.query.get("sort") == "created":
            chosen = ordered(chosen, "created", asked.query.get("order", "desc"))

        def wrapped(page: list[Record]) -> object:
            return {
                "total_count": len(chosen),
                "incomplete_results": False,
                "search_type": "lexical",
                "items": [{**item, "score": 1.0} for item in page],
            }

        return self._page(asked, chosen, wrapped)

    def matching(self, query: str) -> list[Record]:
        """The issues that a search finds: of one repository, with any of the words in quotes, opened since then."""
        words = [word.lower() for word in re.findall(r'"([^"]+)"', query)]
        start = re.search(r"created:>=(\S+)", query)
        where = re.search(r"repo:(\S+)", query)
        return [
            item
            for item in self.repositories.get(where[1] if where else "", [])
            if (not words or any(word in f"{item['title']} {item['body']}".lower() for word in words))
            and (not start or str(item["created_at"]) >= start[1])
            and "pull_request" not in item
        ]

    def _page(self, asked: Asked, chosen: list[Record], wrap: Callable[[list[Record]], object]) -> Answer:
        size, page = int(asked.query.get("per_page", "30")), int(asked.query.get("page", "1"))
        assert size <= 100
        body = json.dumps(wrap([_shown(item) for item in chosen[(page - 1) * size : page * size]])).encode()
        etag = f'W/"{sha256(body).hexdigest()}"'
        headers = {"ETag": etag, "Cache-Control": "private, max-age=0", "Vary": "Accept, Authorization"}
        if asked.headers.get("if-none-match") == etag:
            return Answer(status=304, body=b"", headers=headers)
        last = max(1, -(-len(chosen) // size))
        targets = {"next": page + 1, "last": last} if page < last else {}
        if targets:
            headers["Link"] = ", ".join(
                f'<{self.server.url}{asked.path}?{urlencode({**asked.query, "page": str(number)})}>; rel="{relation}"'
                for relation, number in targets.items()
            )
        return Answer(body=body, kind="application/json; charset=utf-8", headers=headers)


def said(status: int, message: str, **headers: str) -> Answer:
    body = json.dumps({"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}).encode()
    return Answer(status=status, body=body, headers=headers)


def ordered(records: Iterable[Record], by: str, direction: str) -> list[Record]:
    key = f"{by}_at"
    return sorted(records, key=lambda item: (str(item[key]), item["number"]), reverse=direction.lower() == "desc")


def _shown(item: Record) -> Record:
    return {key: value for key, value in item.items() if key not in ("discussion", "closers")}
