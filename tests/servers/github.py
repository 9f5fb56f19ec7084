"""A stand-in for GitHub's REST API: a repository's issues with its pages, and the search, with ETag and Link as the original."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urlencode

from tests.servers.loopback import Answer, Asked, Server


def record(
    number: int, *, created: str, updated: str | None = None, repository: str = "acme/rocket", **more: object
) -> dict[str, object]:
    """An issue object as the API writes it."""
    return {
        "url": f"https://api.github.com/repos/{repository}/issues/{number}",
        "repository_url": f"https://api.github.com/repos/{repository}",
        "html_url": f"https://github.com/{repository}/issues/{number}",
        "id": 1000 + number,
        "number": number,
        "title": f"Rocket number {number} does not start",
        "user": {"login": "someone"},
        "labels": [{"id": 1, "name": "bug", "color": "ff0000"}],
        "state": "open",
        "comments": 0,
        "created_at": created,
        "updated_at": updated or created,
        "closed_at": None,
        "body": None,
        "reactions": {"total_count": 0, "+1": 0},
        **more,
    }


class GitHub:
    """The API of one repository that holds `records`. `renamed` maps an old path to what it is called now."""

    def __init__(
        self,
        records: list[dict[str, object]],
        *,
        repository: str = "acme/rocket",
        before: Callable[[Asked], Answer | None] | None = None,
    ) -> None:
        self.records = records
        self.repository = repository
        self.renamed: dict[str, str] = {}
        self.server = Server(self.answer)
        self._before = before or (lambda _: None)

    def __enter__(self) -> GitHub:
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def answer(self, asked: Asked) -> Answer:
        if special := self._before(asked):
            return special
        path = asked.path.removeprefix("/api/v3")
        if path == f"/repos/{self.repository}/issues":
            return self._listed(asked)
        if path == "/search/issues":
            return self._searched(asked)
        moved = re.fullmatch(r"/repos/([^/]+/[^/]+)/issues", path)
        if moved and moved[1] in self.renamed:
            there = f"{self.server.url}/api/v3/repos/{self.renamed[moved[1]]}/issues?{urlencode(asked.query)}"
            return Answer(status=301, headers={"Location": there}, body=b'{"message": "Moved Permanently"}')
        return Answer(status=404, body=b'{"message": "Not Found"}')

    def _listed(self, asked: Asked) -> Answer:
        query = asked.query
        assert query["state"] == "all", "closed issues matter as much"
        chosen = [item for item in self.records if str(item["updated_at"]) >= query.get("since", "")]
        key = {"created": "created_at", "updated": "updated_at"}[query.get("sort", "created")]
        chosen.sort(key=lambda item: (str(item[key]), item["number"]), reverse=query.get("direction", "desc") == "desc")
        return self._page(asked, chosen, lambda page: page)

    def _searched(self, asked: Asked) -> Answer:
        words = [word.lower() for word in re.findall(r'"([^"]+)"', asked.query["q"])]
        start = re.search(r"created:>=(\S+)", asked.query["q"])
        assert f"repo:{self.repository}" in asked.query["q"]
        chosen = [
            item
            for item in self.records
            if (not words or any(word in f"{item['title']} {item['body']}".lower() for word in words))
            and (not start or str(item["created_at"]) >= start[1])
        ]
        if asked.query.get("sort") == "created":
            chosen.sort(key=lambda item: (str(item["created_at"]), item["number"]), reverse=asked.query.get("order") == "desc")
        return self._page(asked, chosen, lambda page: {"total_count": len(chosen), "incomplete_results": False, "items": page})

    def _page(self, asked: Asked, chosen: list[dict[str, object]], wrap: Callable[[list[dict[str, object]]], object]) -> Answer:
        size, page = int(asked.query.get("per_page", "30")), int(asked.query.get("page", "1"))
        assert size <= 100
        body = json.dumps(wrap(chosen[(page - 1) * size : page * size])).encode()
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
