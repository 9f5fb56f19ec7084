"""A stand-in for GitLab's REST API v4: a project and its issues with pages, search, ETag and headers as the original."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from urllib.parse import unquote, urlencode

from tests.servers.loopback import Answer, Asked, Server

PATH = "acme/engines/rocket"
ADDRESS = "https://gitlab.example/api/v4"
KNOWN = {
    "state", "order_by", "sort", "updated_after", "created_after", "search", "in", "confidential", "page", "per_page",
}  # fmt: skip


def person(number: int = 1) -> dict[str, object]:
    """A user as other objects carry it."""
    return {
        "id": number,
        "username": "someone",
        "name": "Someone",
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": "https://gitlab.example/someone",
    }


def record(
    number: int,
    *,
    created: str,
    updated: str | None = None,
    path: str = PATH,
    host: str = "https://gitlab.example",
    **more: object,
) -> dict[str, object]:
    """An issue object as the API writes it."""
    return {
        "id": 5000 + number,
        "iid": number,
        "project_id": 42,
        "title": f"Rocket number {number} does not start",
        "description": None,
        "state": "opened",
        "created_at": created,
        "updated_at": updated or created,
        "closed_at": None,
        "closed_by": None,
        "labels": ["bug"],
        "milestone": None,
        "assignees": [],
        "author": person(),
        "type": "ISSUE",
        "assignee": None,
        "user_notes_count": 0,
        "merge_requests_count": 0,
        "upvotes": 0,
        "downvotes": 0,
        "due_date": None,
        "confidential": False,
        "discussion_locked": None,
        "issue_type": "issue",
        "web_url": f"{host}/{path}/-/issues/{number}",
        "time_stats": {"time_estimate": 0, "total_time_spent": 0, "human_time_estimate": None, "human_total_time_spent": None},
        "task_completion_status": {"count": 0, "completed_count": 0},
        "has_tasks": False,
        "_links": {
            "self": f"{host}/api/v4/projects/42/issues/{number}",
            "notes": f"{host}/api/v4/projects/42/issues/{number}/notes",
            "award_emoji": f"{host}/api/v4/projects/42/issues/{number}/award_emoji",
            "project": f"{host}/api/v4/projects/42",
            "closed_as_duplicate_of": None,
        },
        "references": {"short": f"#{number}", "relative": f"#{number}", "full": f"{path}#{number}"},
        "severity": "UNKNOWN",
        "moved_to_id": None,
        "imported": False,
        "imported_from": "none",
        "service_desk_reply_to": None,
        **more,
    }


def project(path: str = PATH, *, host: str = "https://gitlab.example", **more: object) -> dict[str, object]:
    """A project object as the API writes it for anybody."""
    space, _, name = path.rpartition("/")
    return {
        "id": 42,
        "description": None,
        "name": name,
        "name_with_namespace": path.replace("/", " / "),
        "path": name,
        "path_with_namespace": path,
        "created_at": "2020-01-01T00:00:00.000Z",
        "default_branch": "main",
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": f"git@gitlab.example:{path}.git",
        "http_url_to_repo": f"{host}/{path}.git",
        "web_url": f"{host}/{path}",
        "readme_url": None,
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": "2023-09-01T00:00:00.000Z",
        "visibility": "public",
        "namespace": {
            "id": 7,
            "name": space.rpartition("/")[2],
            "path": space.rpartition("/")[2],
            "kind": "group",
            "full_path": space,
            "parent_id": None,
            "avatar_url": None,
            "web_url": f"{host}/groups/{space}",
        },
        "archived": False,
        "issues_enabled": True,
        "issues_access_level": "enabled",
        "open_issues_count": 0,
        **more,
    }


class GitLab:
    """The API of one project that holds `records`. `renamed` holds paths that it had; `hidden` shows it to nobody.

    `counts` is what GitLab leaves out above 10,000 records: the totals and the last page.
    """

    def __init__(
        self,
        records: list[dict[str, object]],
        *,
        path: str = PATH,
        before: Callable[[Asked], Answer | None] | None = None,
        token: str | None = None,
        counts: bool = True,
        **settings: object,
    ) -> None:
        self.records = records
        self.path = path
        self.renamed: set[str] = set()
        self.hidden = False
        self.server = Server(self.answer)
        self._settings = settings
        self._before = before or (lambda _: None)
        self._token = token
        self._counts = counts

    def __enter__(self) -> GitLab:
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def answer(self, asked: Asked) -> Answer:
        """What GitLab would answer."""
        early = self._before(asked)
        if early is not None:
            return early
        if self._token and asked.headers.get("authorization") != f"Bearer {self._token}":
            if "authorization" in asked.headers:
                return _said(401, "401 Unauthorized")
            return _said(404, "404 Project Not Found")
        parts = asked.path.split("/")
        if parts[:4] != ["", "api", "v4", "projects"] or len(parts) not in (5, 6) or parts[5:] not in ([], ["issues"]):
            return _said(404, "404 Not Found", key="error")
        name = unquote(parts[4])
        if name in self.renamed:
            target = "/".join(["", "api", "v4", "projects", "42", *parts[5:]])
            query = f"?{urlencode(asked.query)}" if asked.query else ""
            return Answer(status=301, body=b"", headers={"Location": f"{self.server.url}{target}{query}"})
        if self.hidden or name.lower() not in (self.path.lower(), "42"):
            return _said(404, "404 Project Not Found")
        if not parts[5:]:
            return _tagged(asked, project(self.path, host=self.server.url, **self._settings))
        return self._issues(asked)

    def _issues(self, asked: Asked) -> Answer:
        query = asked.query
        if unknown := set(query) - KNOWN:
            return _said(400, f"{', '.join(unknown)} is invalid", key="error")
        if self._settings.get("issues_access_level") == "disabled":
            return self._page(asked, [])
        chosen = [
            item
            for item in self.records
            if (query.get("confidential") != "false" or not item["confidential"])
            and _reaches(item["updated_at"], query.get("updated_after"))
            and _reaches(item["created_at"], query.get("created_after"))
        ]
        if search := query.get("search", "").lower():
            assert query.get("in") == "title,description"
            terms = [search.strip('"')] if search.startswith('"') else search.split()
            chosen = [item for item in chosen if all(term in f"{item['title']} {item['description']}".lower() for term in terms)]
        chosen.sort(
            key=lambda item: (str(item[query.get("order_by", "created_at")]), item["iid"]),
            reverse=query.get("sort", "desc") == "desc",
        )
        return self._page(asked, chosen)

    def _page(self, asked: Asked, chosen: list[dict[str, object]]) -> Answer:
        size, page = min(100, int(asked.query.get("per_page", "20"))), int(asked.query.get("page", "1"))
        last = max(1, -(-len(chosen) // size))
        targets = {"prev": page - 1, "next": page + 1, "first": 1, "last": last}
        shown = {
            relation: number
            for relation, number in targets.items()
            if 1 <= number <= last and (relation != "last" or self._counts)
        }
        headers = {
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Next-Page": str(page + 1) if page < last else "",
            "X-Prev-Page": str(page - 1) if page > 1 else "",
            **({"X-Total": str(len(chosen)), "X-Total-Pages": str(last)} if self._counts else {}),
            # GitLab writes the address that it is configured with, whatever it was asked by
            "Link": ", ".join(
                f'<{ADDRESS}/projects/42/issues?{urlencode({**asked.query, "page": number})}>; rel="{relation}"'
                for relation, number in shown.items()
            ),
        }
        return _tagged(asked, chosen[(page - 1) * size : page * size], headers)


def _reaches(moment: object, start: str | None) -> bool:
    return start is None or datetime.fromisoformat(str(moment)) >= datetime.fromisoformat(start)


def _said(status: int, message: str, key: str = "message") -> Answer:
    return Answer(status=status, body=json.dumps({key: message}).encode())


def _tagged(asked: Asked, document: object, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps(document).encode()
    etag = f'W/"{sha256(body).hexdigest()[:32]}"'
    more = {
        "ETag": etag,
        "Cache-Control": "max-age=0, private, must-revalidate",
        "Vary": "Origin",
        "RateLimit-Limit": "500",
        "RateLimit-Observed": "1",
        "RateLimit-Remaining": "499",
        "RateLimit-Reset": "4102444800",
        **(headers or {}),
    }
    if asked.headers.get("if-none-match") == etag:
        return Answer(status=304, body=b"", headers=more)
    return Answer(body=body, headers=more)
