"""A stand-in for the API v1 of Gitea and Forgejo: a repository, its issues with pages and search, and their comments."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from tests.servers.loopback import Answer, Asked, Server

PATH = "acme/rocket"
KNOWN = {"state", "type", "since", "before", "q", "labels", "page", "limit"}


def person() -> dict[str, object]:
    """A user as other objects carry it."""
    return {
        "id": 1,
        "login": "someone",
        "login_name": "",
        "full_name": "",
        "email": "someone@noreply.example",
        "avatar_url": "https://gitea.example/avatars/1",
        "html_url": "https://gitea.example/someone",
        "language": "",
        "is_admin": False,
        "last_login": "0001-01-01T00:00:00Z",
        "created": "2020-01-01T00:00:00Z",
        "restricted": False,
        "active": False,
        "prohibit_login": False,
        "location": "",
        "website": "",
        "description": "",
        "visibility": "public",
        "followers_count": 0,
        "following_count": 0,
        "starred_repos_count": 0,
    }


def record(number: int, *, created: str, updated: str | None = None, path: str = PATH, **more: object) -> dict[str, object]:
    """An issue object as the API writes it."""
    owner, _, name = path.partition("/")
    return {
        "id": 5000 + number,
        "url": f"https://gitea.example/api/v1/repos/{path}/issues/{number}",
        "html_url": f"https://gitea.example/{path}/issues/{number}",
        "number": number,
        "user": person(),
        "original_author": "",
        "original_author_id": 0,
        "title": f"Rocket number {number} does not start",
        "body": "",
        "ref": "",
        "assets": [],
        "labels": [
            {
                "id": 1,
                "name": "bug",
                "exclusive": False,
                "is_archived": False,
                "color": "ee0701",
                "description": "",
                "url": f"https://gitea.example/api/v1/repos/{path}/labels/1",
            }
        ],
        "milestone": None,
        "assignee": None,
        "assignees": None,
        "state": "open",
        "is_locked": False,
        "comments": 0,
        "created_at": created,
        "updated_at": updated or created,
        "closed_at": None,
        "due_date": None,
        "pull_request": None,
        "repository": {"id": 42, "name": name, "owner": owner, "full_name": path},
        "pin_order": 0,
        **more,
    }


def comment(number: int, issue: int, body: str, *, created: str, path: str = PATH) -> dict[str, object]:
    """A comment object as the API writes it."""
    return {
        "id": number,
        "html_url": f"https://gitea.example/{path}/issues/{issue}#issuecomment-{number}",
        "pull_request_url": "",
        "issue_url": f"https://gitea.example/{path}/issues/{issue}",
        "user": person(),
        "original_author": "",
        "original_author_id": 0,
        "body": body,
        "assets": [],
        "created_at": created,
        "updated_at": created,
    }


def repository(path: str = PATH, **more: object) -> dict[str, object]:
    """A repository object as the API writes it for anybody."""
    owner, _, name = path.partition("/")
    return {
        "id": 42,
        "owner": {**person(), "login": owner},
        "name": name,
        "full_name": path,
        "description": "",
        "empty": False,
        "private": False,
        "fork": False,
        "template": False,
        "parent": None,
        "mirror": False,
        "size": 100,
        "language": "Python",
        "languages_url": f"https://gitea.example/api/v1/repos/{path}/languages",
        "html_url": f"https://gitea.example/{path}",
        "url": f"https://gitea.example/api/v1/repos/{path}",
        "link": "",
        "ssh_url": f"ssh://git@gitea.example/{path}.git",
        "clone_url": f"https://gitea.example/{path}.git",
        "original_url": "",
        "website": "",
        "stars_count": 0,
        "forks_count": 0,
        "watchers_count": 1,
        "open_issues_count": 0,
        "open_pr_counter": 0,
        "release_counter": 0,
        "default_branch": "main",
        "archived": False,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2023-09-01T00:00:00Z",
        "archived_at": "1970-01-01T00:00:00Z",
        "permissions": {"admin": False, "push": False, "pull": True},
        "has_issues": True,
        "internal_tracker": {
            "enable_time_tracker": True,
            "allow_only_contributors_to_track_time": True,
            "enable_issue_dependencies": True,
        },
        "has_wiki": True,
        "has_pull_requests": True,
        "has_projects": True,
        "has_releases": True,
        "has_packages": False,
        "has_actions": False,
        "ignore_whitespace_conflicts": False,
        "allow_merge_commits": True,
        "allow_rebase": True,
        "allow_rebase_explicit": True,
        "allow_squash_merge": True,
        "default_merge_style": "merge",
        "avatar_url": "",
        "internal": False,
        "mirror_interval": "",
        **more,
    }


class Gitea:
    """The API of one repository that holds `records` and `comments`. `renamed` holds paths that it had.

    `most` is what the host sets as the longest page. Gitea sends no ETag with its lists.
    """

    def __init__(
        self,
        records: list[dict[str, object]],
        *,
        comments: list[dict[str, object]] | None = None,
        path: str = PATH,
        before: Callable[[Asked], Answer | None] | None = None,
        token: str | None = None,
        most: int = 50,
        **settings: object,
    ) -> None:
        self.records = records
        self.comments = comments or []
        self.path = path
        self.renamed: set[str] = set()
        self.server = Server(self.answer)
        self._settings = settings
        self._before = before or (lambda _: None)
        self._token = token
        self._most = most

    def __enter__(self) -> Gitea:
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def answer(self, asked: Asked) -> Answer:
        """What Gitea would answer."""
        early = self._before(asked)
        if early is not None:
            return early
        if self._token and asked.headers.get("authorization") not in (f"token {self._token}", f"Bearer {self._token}"):
            return _missing()
        parts = asked.path.split("/")
        if parts[:4] != ["", "api", "v1", "repos"] or parts[6:] not in ([], ["issues"], ["issues", "comments"]):
            return _missing()
        name = "/".join(parts[4:6])
        if name in self.renamed:
            target = "/".join(["", "api", "v1", "repos", self.path, *parts[6:]])
            query = f"?{urlencode(asked.query)}" if asked.query else ""
            return Answer(status=307, body=b"", headers={"Location": f"{target}{query}"})
        if name.lower() != self.path.lower():
            return _missing()
        if not parts[6:]:
            return _sent(repository(self.path, **self._settings))
        if self._settings.get("has_issues") is False:
            return _missing()
        return self._comments(asked) if parts[7:] else self._issues(asked)

    def _issues(self, asked: Asked) -> Answer:
        query = asked.query
        assert set(query) <= KNOWN
        chosen = [
            item
            for item in self.records
            if _reaches(item["updated_at"], query.get("since"))
            and (query.get("state", "open") in ("all", item["state"]))
            and ("type" not in query or (query["type"] == "pulls") == bool(item["pull_request"]))
            and query.get("q", "").lower() in f"{item['title']} {item['body']}".lower()
        ]
        chosen.sort(key=lambda item: (str(item["created_at"]), item["number"]), reverse=True)
        return self._page(asked, chosen)

    def _comments(self, asked: Asked) -> Answer:
        chosen = [item for item in self.comments if _reaches(item["updated_at"], asked.query.get("since"))]
        return self._page(asked, sorted(chosen, key=lambda item: (str(item["created_at"]), item["id"])))

    def _page(self, asked: Asked, chosen: list[dict[str, object]]) -> Answer:
        size, page = min(self._most, int(asked.query.get("limit", "30"))), int(asked.query.get("page", "1"))
        last = max(1, -(-len(chosen) // size))
        targets = {"next": page + 1, "last": last} if page < last else {}
        if page > 1:
            targets |= {"first": 1, "prev": page - 1}
        # Gitea writes the address that it is configured with, whatever it was asked by
        link = ",".join(
            f'<https://gitea.example{asked.path}?{urlencode({**asked.query, "limit": size, "page": number})}>; rel="{relation}"'
            for relation, number in targets.items()
        )
        headers = {"X-Total-Count": str(len(chosen)), **({"Link": link} if link else {})}
        return _sent(chosen[(page - 1) * size : page * size], headers)


def _reaches(moment: object, start: str | None) -> bool:
    return start is None or datetime.fromisoformat(str(moment)) >= datetime.fromisoformat(start)


def _missing() -> Answer:
    body = {"errors": None, "message": "The target couldn't be found.", "url": "https://gitea.example/api/swagger"}
    return Answer(status=404, body=json.dumps(body).encode(), kind="application/json;charset=utf-8")


def _sent(document: object, headers: dict[str, str] | None = None) -> Answer:
    more = {"Cache-Control": "max-age=0, private, must-revalidate, no-transform", **(headers or {})}
    return Answer(body=json.dumps(document).encode(), kind="application/json;charset=utf-8", headers=more)
