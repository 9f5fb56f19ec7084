"""The stand-in for tags, comparisons, releases and files, read by clients of others; and our questions as they know them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gitlab
import httpx
import pytest
from pyforgejo import PyforgejoApi
from pyforgejo.repository.client import RepositoryClient

from lockblame.flow import Request
from lockblame.forges.changelogs import changelog
from lockblame.forges.comparing import comparison
from lockblame.forges.releases import releases
from lockblame.forges.tagging import Tags
from lockblame.model import Repository
from tests.flows import feed, page
from tests.servers.repositories import Forge, Project, sha_of
from tests.test_github_contract import description, published, resolved

__all__ = ["description", "published"]

PATH = "acme/rocket"
SUBJECT = "Burn longer\n\nMuch longer."
PROJECT = Project(
    {"v1.0": [("Start", ["rocket/core.py"])], "v1.1": [(SUBJECT, ["rocket/fuel.py", "CHANGES.md"])]},
    releases=[{"tag_name": "v1.1", "name": "One one", "body": "Burns longer."}],
    files={"CHANGES.md": "# 1.1\n\nBurns longer.\n", "docs/index.md": "x", "rocket/fuel.py": ""},
)


class TestPyGithub:
    @pytest.fixture
    def repository(self):
        from github import Auth, Github

        with (
            Forge("github", PROJECT) as forge,
            Github(auth=Auth.Token("ghp_x"), base_url=f"{forge.server.url}/api/v3", retry=None, lazy=True) as client,
        ):
            yield client.get_repo(PATH)

    def test_reads_tags_and_the_comparison(self, repository):
        assert [one.ref for one in repository.get_git_matching_refs("tags")] == ["refs/tags/v1.0", "refs/tags/v1.1"]
        found = repository.compare("v1.0", "v1.1")
        assert found.total_commits == 1
        assert [(one.sha, one.commit.message) for one in found.commits] == [(sha_of(SUBJECT), SUBJECT)]
        assert [one.filename for one in found.files] == ["CHANGES.md", "rocket/fuel.py"]

    def test_reads_releases_and_files(self, repository):
        assert [(one.tag_name, one.body, one.draft) for one in repository.get_releases()] == [("v1.1", "Burns longer.", False)]
        assert [(one.path, one.type) for one in repository.get_contents("", ref="v1.1")] == [
            ("CHANGES.md", "file"),
            ("docs", "dir"),
            ("rocket", "dir"),
        ]
        assert repository.get_contents("CHANGES.md", ref="v1.1").decoded_content.decode() == PROJECT.files["CHANGES.md"]


class TestPythonGitlab:
    @pytest.fixture
    def project(self):
        with Forge("gitlab", PROJECT) as forge, gitlab.Gitlab(forge.server.url, keep_base_url=True) as client:
            yield client.projects.get(PATH, lazy=True)

    def test_reads_tags_and_the_comparison(self, project):
        assert [one.name for one in project.tags.list(get_all=True, order_by="updated", sort="desc")] == ["v1.1", "v1.0"]
        assert [one.name for one in project.tags.list(get_all=True, search="1.0$")] == ["v1.0"]
        found = project.repository_compare("v1.0", "v1.1")
        assert [(one["id"], one["title"]) for one in found["commits"]] == [(sha_of(SUBJECT), "Burn longer")]
        assert {one["new_path"] for one in found["diffs"]} == {"CHANGES.md", "rocket/fuel.py"}

    def test_reads_releases_and_files(self, project):
        assert [(one.tag_name, one.description) for one in project.releases.list(get_all=True)] == [("v1.1", "Burns longer.")]
        listed = project.repository_tree(path="", ref="v1.1", get_all=True)
        assert [(one["path"], one["type"]) for one in listed] == [("CHANGES.md", "blob"), ("docs", "tree"), ("rocket", "tree")]
        assert project.files.raw(file_path="CHANGES.md", ref="v1.1").decode() == PROJECT.files["CHANGES.md"]


class TestPyforgejo:
    @pytest.fixture
    def repository(self) -> Iterator[RepositoryClient]:
        with Forge("gitea", PROJECT) as forge, httpx.Client() as client:
            yield PyforgejoApi(base_url=f"{forge.server.url}/api/v1", api_key="none", httpx_client=client).repository

    def test_reads_tags_and_the_comparison(self, repository):
        assert [one.name for one in repository.repo_list_tags("acme", "rocket", limit=50)] == ["v1.1", "v1.0"]
        assert repository.repo_get_tag("acme", "rocket", "v1.0").name == "v1.0"
        found = repository.repo_compare_diff("acme", "rocket", "v1.0...v1.1")
        (commit,) = found.commits
        assert (found.total_commits, commit.sha, commit.commit.message) == (1, sha_of(SUBJECT), SUBJECT)
        assert [one.filename for one in commit.files] == ["rocket/fuel.py", "CHANGES.md"]

    def test_reads_releases_and_files(self, repository):
        assert [(one.tag_name, one.body) for one in repository.repo_list_releases("acme", "rocket", limit=50)] == [
            ("v1.1", "Burns longer.")
        ]
        listed = repository.repo_get_contents_list("acme", "rocket", ref="v1.1")
        assert [(one.path, one.type) for one in listed] == [("CHANGES.md", "file"), ("docs", "dir"), ("rocket", "dir")]


def asked(forge: str) -> dict[str, set[str]]:
    """Every question about a repository, by the kind of path, with its parameters."""
    home = Repository(forge=forge, host="github.com" if forge == "github" else "code.example", path=PATH)
    files = [{"type": "file", "path": "NEWS.md"}, {"type": "file", "path": "CHANGES.md"}]

    def answer(request: Request):
        path = urlsplit(request.url).path
        if "compare" in path:
            return page({"commits": []})
        if path.endswith(("contents", "tree")):
            return page(files)
        if path.endswith((".md", "raw")) or "/tags/" in path:
            return page({"content": ""}) if forge == "github" and ".md" in path else page([] if forge == "github" else {})
        more = {"link": '<https://x.example/?page=2>; rel="next"'} if forge == "gitea" else {}
        return page([], url=request.url, **more)

    found: dict[str, set[str]] = {}
    flows = (
        Tags(home).choose("rocket", "1.0", "1.1"),
        comparison(home, "rocket", "v1.0", "v1.1"),
        releases(home),
        changelog(home, "v1.1", "rocket", "1.0", "1.1"),
    )
    for flow in flows:
        for request in feed(flow, answer)[1]:
            parts = urlsplit(request.url)
            below = parts.path.split("rocket/", 1)[1]
            kind = next(
                (known for known in ("compare/", "git/matching-refs/", "tags/", "raw/", "contents") if below.startswith(known)),
                below,
            )
            found.setdefault(kind.rstrip("/"), set()).update(parse_qs(parts.query))
    return found


class TestOurQuestions:
    def test_of_gitea(self):
        found = asked("gitea")
        theirs = {
            "tags": RepositoryClient.repo_list_tags,
            "compare": RepositoryClient.repo_compare_diff,
            "releases": RepositoryClient.repo_list_releases,
            "contents": RepositoryClient.repo_get_contents,
            "raw": RepositoryClient.repo_get_raw_file,
        }
        assert set(found) == set(theirs)
        for kind, parameters in found.items():
            assert parameters <= set(inspect.signature(theirs[kind]).parameters), kind

    @pytest.mark.online
    def test_of_github_and_what_is_read_of_its_answers(self, description):
        theirs = {
            "git/matching-refs": ("git/matching-refs/{ref}", {"ref"}),
            "compare": (
                "compare/{basehead}",
                {"total_commits", "commits", "files", "sha", "message", "filename", "previous_filename"},
            ),
            "releases": ("releases", {"tag_name", "name", "body", "html_url", "draft"}),
            "contents": ("contents/{path}", {"path", "type", "content"}),
        }
        found = asked("github")
        assert set(found) == set(theirs)
        for kind, (path, read) in theirs.items():
            operation = description["paths"][f"/repos/{{owner}}/{{repo}}/{path}"]["get"]
            assert found[kind] <= {resolved(description, one)["name"] for one in operation["parameters"]}, kind
            content = operation["responses"]["200"]["content"]
            schema = next(each["schema"] for name, each in content.items() if name.endswith("json"))
            assert read <= set(properties(description, schema)), kind


def properties(description: dict[str, Any], schema: Any, depth: int = 0) -> Iterator[str]:
    """Every property that a schema names, at any depth."""
    if depth > 12 or not isinstance(schema, dict):
        return
    schema = resolved(description, schema)
    yield from schema.get("properties", {})
    inner = [*schema.get("properties", {}).values(), schema.get("items"), *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    for each in (*inner, *schema.get("allOf", ())):
        yield from properties(description, each, depth + 1)
