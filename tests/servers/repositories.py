"""A stand-in for what the forges tell of a repository itself: tags, comparisons, releases, files. In each forge's own dialect."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from urllib.parse import quote, unquote, urlencode

from lockblame.model import Repository
from tests.servers.loopback import Answer, Asked, Server

API = {"github": "/api/v3/repos/{}", "gitlab": "/api/v4/projects/{}", "gitea": "/api/v1/repos/{}"}


@dataclass
class Project:
    """A repository as its history tells it: tags in their order, each with what went in before it (subject, files)."""

    tags: Mapping[str, Sequence[tuple[str, Sequence[str]]]]
    releases: Sequence[Mapping[str, object]] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def between(self, before: str, after: str) -> list[tuple[str, Sequence[str]]]:
        names = list(self.tags)
        return [one for tag in names[names.index(before) + 1 : names.index(after) + 1] for one in self.tags[tag]]


def sha_of(subject: str) -> str:
    return sha1(subject.encode(), usedforsecurity=False).hexdigest()


class Forge:
    """`with Forge("gitlab", project) as forge`: `forge.home` is the Repository, `forge.asked` the paths that were asked for."""

    def __init__(
        self, kind: str, project: Project, *, path: str = "acme/rocket", before: Callable[[Asked], Answer | None] | None = None
    ) -> None:
        self.kind, self.project, self.path = kind, project, path
        self.server = Server(self._answered)
        self.home = Repository(forge=kind, host=self.server.host, path=path)
        self._before = before or (lambda _: None)
        self._base = API[kind].format(quote(path, safe="") if kind == "gitlab" else path)

    def __enter__(self) -> Forge:
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    @property
    def asked(self) -> list[str]:
        """What was asked for, below the repository, without the queries."""
        return [one.path.removeprefix(f"{self._base}/") for one in self.server.asked]

    def _answered(self, asked: Asked) -> Answer:
        if special := self._before(asked):
            return special
        if not asked.path.startswith(f"{self._base}/"):
            return _missing()
        below = asked.path.removeprefix(f"{self._base}/")
        answer = getattr(self, f"_{self.kind}")(below, asked)
        if answer is None:
            return _missing()
        return answer if isinstance(answer, Answer) else _json(answer, asked)

    # --- GitHub ------------------------------------------------------------------------------------------------------

    def _github(self, below: str, asked: Asked) -> object:
        if below.startswith("git/matching-refs/tags"):
            prefix = unquote(below.removeprefix("git/matching-refs/tags").removeprefix("/"))
            names = sorted(tag for tag in self.project.tags if tag.startswith(prefix))
            return [{"ref": f"refs/tags/{tag}", "object": {"type": "tag", "sha": sha_of(tag)}} for tag in names]
        if below == "releases":
            return [{"draft": False, "html_url": self._page("releases/tag", one), **one} for one in self.project.releases]
        if below.startswith("compare/"):
            found = self._compared(below)
            if found is None:
                return None
            commits = [{"sha": sha_of(each), "commit": {"message": each}, "html_url": "https://x.example"} for each, _ in found]
            # without paging GitHub gives the newest 250 and tells how many there are
            return {"total_commits": len(commits), "commits": commits[-250:], "files": self._changed(found)[:300]}
        if below.split("/")[0] == "contents":
            return self._contents(unquote(below.removeprefix("contents").strip("/")), asked)
        return None

    def _contents(self, path: str, asked: Asked) -> object:
        assert asked.query["ref"] in self.project.tags
        if path in self.project.files:
            content = base64.encodebytes(self.project.files[path].encode()).decode()
            return {"type": "file", "path": path, "encoding": "base64", "content": content}
        return [{"type": kind, "name": each.rpartition("/")[2], "path": each} for each, kind in self._below(path)] or None

    def _below(self, folder: str) -> list[tuple[str, str]]:
        """The files and folders right below a folder."""
        start = f"{folder}/" if folder else ""
        inside = [each.removeprefix(start) for each in self.project.files if each.startswith(start)]
        return sorted({(start + each.split("/")[0], "dir" if "/" in each else "file") for each in inside})

    # --- GitLab ------------------------------------------------------------------------------------------------------

    def _gitlab(self, below: str, asked: Asked) -> object:
        query = asked.query
        if below == "repository/tags":
            wanted = query.get("search", "")
            hits = [tag for tag in self.project.tags if (tag.endswith(wanted[:-1]) if wanted.endswith("$") else wanted in tag)]
            return self._paged([{"name": tag, "commit": {"id": sha_of(tag)}} for tag in reversed(hits)], asked, "per_page", 20)
        if below == "releases":
            return [
                {
                    "tag_name": one["tag_name"],
                    "name": one.get("name"),
                    "description": one.get("body"),
                    "upcoming_release": bool(one.get("draft")),
                    "_links": {"self": self._page("-/releases", one)},
                }
                for one in self.project.releases
            ]
        if below == "repository/compare":
            found = self._compared(f"{quote(query['from'], safe='')}...{quote(query['to'], safe='')}")
            if found is None:
                return None
            commits = [{"id": sha_of(each), "title": each.split("\n")[0], "message": each} for each, _ in found]
            paths = [str(one["filename"]) for one in self._changed(found)]
            diffs = [{"old_path": path, "new_path": path, "diff": "@@ -1 +1 @@"} for path in paths]
            return {"commits": commits, "diffs": diffs, "compare_timeout": False, "compare_same_ref": False}
        if below == "repository/tree":
            assert query["ref"] in self.project.tags
            kinds = {"dir": "tree", "file": "blob"}
            there = self._below(query.get("path", ""))
            records = [{"type": kinds[kind], "name": each.rpartition("/")[2], "path": each} for each, kind in there]
            return records or None
        if below.startswith("repository/files/") and below.endswith("/raw"):
            return self._raw(unquote(below.removeprefix("repository/files/").removesuffix("/raw")))
        return None

    def _raw(self, path: str) -> Answer | None:
        if path not in self.project.files:
            return None
        return Answer(body=self.project.files[path].encode(), kind="text/plain; charset=utf-8")

    # --- Gitea -------------------------------------------------------------------------------------------------------

    def _gitea(self, below: str, asked: Asked) -> object:
        if below == "tags":
            return self._paged([{"name": tag} for tag in reversed(self.project.tags)], asked, "limit", 30)
        if below.startswith("tags/"):
            name = unquote(below.removeprefix("tags/"))
            return {"name": name} if name in self.project.tags else None
        if below == "releases":
            return [{"draft": False, "html_url": self._page("releases/tag", one), **one} for one in self.project.releases]
        if below.startswith("compare/"):
            found = self._compared(below)
            if found is None:
                return None
            commits = [
                {"sha": sha_of(each), "commit": {"message": each}, "files": [{"filename": path} for path in files]}
                for each, files in found
            ]
            return {"total_commits": len(commits), "commits": commits}
        if below.split("/")[0] == "contents":
            path = unquote(below.removeprefix("contents").strip("/"))
            return [{"type": kind, "name": each.rpartition("/")[2], "path": each} for each, kind in self._below(path)] or None
        return self._raw(unquote(below.removeprefix("raw/"))) if below.startswith("raw/") else None

    # --- what they have in common ------------------------------------------------------------------------------------

    def _page(self, what: str, release: Mapping[str, object]) -> str:
        return f"https://forge.example/{self.path}/{what}/{release['tag_name']}"

    def _compared(self, ends: str) -> list[tuple[str, Sequence[str]]] | None:
        before, _, after = ends.removeprefix("compare/").partition("...")
        before, after = unquote(before), unquote(after)
        if before not in self.project.tags or after not in self.project.tags:
            return None
        return self.project.between(before, after)

    def _changed(self, found: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, object]]:
        paths = dict.fromkeys(path for _, files in found for path in files)
        return [{"filename": path, "status": "modified", "patch": "@@ -1 +1 @@"} for path in sorted(paths)]

    def _paged(self, records: list[dict[str, object]], asked: Asked, size_key: str, usual: int) -> Answer:
        size, page = int(asked.query.get(size_key, usual)), int(asked.query.get("page", "1"))
        assert size <= (100 if self.kind == "gitlab" else 50)
        answer = _json(records[(page - 1) * size : page * size], asked)
        if page * size < len(records):
            target = f"{self.server.url}{asked.path}?{urlencode({**asked.query, 'page': str(page + 1)})}"
            return Answer(
                status=answer.status,
                body=answer.body,
                kind=answer.kind,
                headers={**answer.headers, "Link": f'<{target}>; rel="next"'},
            )
        return answer


def _json(document: object, asked: Asked) -> Answer:
    body = json.dumps(document).encode()
    etag = f'W/"{sha256(body).hexdigest()}"'
    if asked.headers.get("if-none-match") == etag:
        return Answer(status=304, body=b"", headers={"ETag": etag})
    return Answer(
        body=body, kind="application/json; charset=utf-8", headers={"ETag": etag, "Cache-Control": "private, max-age=0"}
    )


def _missing() -> Answer:
    return Answer(status=404, body=b'{"message": "Not Found"}')
