"""Gitea's stand-in and our questions, held against what is generated of the publishers' own descriptions.

pyforgejo is generated of Forgejo's swagger.json, gitea-js of Gitea's: both carry each object and each parameter.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pyforgejo import PyforgejoApi
from pyforgejo.core.api_error import ApiError
from pyforgejo.issue.client import IssueClient
from pyforgejo.types import Comment, Issue, Repository

from lockblame import forges, model
from lockblame.flow import Request
from tests.flows import feed, page
from tests.servers.gitea import KNOWN, PATH, Gitea, comment, record, repository
from tests.typescript import Declarations, published

RELEASE = datetime(2023, 9, 1, tzinfo=UTC)
ISSUES = [record(n, created=f"2023-09-04T{n % 24:02}:00:00Z", body="poll" if n % 3 else "", comments=1) for n in range(1, 121)]
SAID = [comment(n, n, "me too", created="2023-09-05T00:00:00Z") for n in range(1, 60)]
ROCKET = model.Repository(forge="gitea", host="codeberg.org", path=PATH)
# what Gitea's objects have and Forgejo's, which parted in 2024, don't
GITEAS_OWN = {"licenses", "has_code"}


def questions() -> dict[str, set[str]]:
    """The parameters of every question that lockblame asks, by the end of the path."""

    def answer(request: Request) -> Any:
        if request.url.partition("?")[0].endswith("comments"):
            return page(SAID[:1], url=request.url)
        return page([ISSUES[0]], url=request.url, x_total_count="9", link='<https://codeberg.org/?page=2>; rel="next"')

    asked: list[Request] = []
    for flow in (
        forges.issues(ROCKET, since=RELEASE, limit=3),
        forges.issues(ROCKET, limit=2),
        forges.search(ROCKET, ["poll", "two words"]),
    ):
        asked += feed(flow, answer)[1]
    found: dict[str, set[str]] = {}
    for request in asked:
        parts = urlsplit(request.url)
        found.setdefault(parts.path.removeprefix(f"/api/v1/repos/{PATH}"), set()).update(parse_qs(parts.query))
    return found


@contextmanager
def client(forge: Gitea, key: str = "none") -> Iterator[PyforgejoApi]:
    with httpx.Client(follow_redirects=True) as wire:
        yield PyforgejoApi(base_url=f"{forge.server.url}/api/v1", api_key=key, httpx_client=wire)


class TestPyforgejo:
    def test_reads_the_repository(self):
        with Gitea(ISSUES) as forge, client(forge) as asking:
            found = asking.repository.repo_get("acme", "rocket")
        assert (found.full_name, found.archived, found.has_issues, found.mirror) == (PATH, False, True, False)

    def test_reads_issues_page_by_page(self):
        with Gitea(ISSUES) as forge, client(forge) as asking:
            issues = asking.issue
            pages = [
                issues.list_issues("acme", "rocket", state="all", type="issues", since=RELEASE, limit=50, page=number)
                for number in (1, 2, 3, 4)
            ]
        assert [len(one) for one in pages] == [50, 50, 20, 0]
        assert {one.repository.full_name for one in pages[0] if one.repository} == {PATH}

    def test_searches(self):
        with Gitea(ISSUES) as forge, client(forge) as asking:
            found = asking.issue.list_issues("acme", "rocket", state="all", q="poll", limit=50)
        assert {one.body for one in found} == {"poll"}

    def test_reads_the_comments_of_all_issues(self):
        with Gitea(ISSUES, comments=SAID) as forge, client(forge) as asking:
            found = asking.issue.get_repo_comments("acme", "rocket", since=RELEASE, limit=50)
        assert [one.issue_url for one in found][:2] == [f"https://gitea.example/{PATH}/issues/{n}" for n in (1, 2)]

    def test_follows_a_repository_that_moved(self):
        with Gitea(ISSUES) as forge, client(forge) as asking:
            forge.renamed.add("old/name")
            assert asking.repository.repo_get("old", "name").full_name == PATH

    def test_understands_what_is_hidden_and_what_needs_a_token(self):
        with Gitea(ISSUES, token="t0ken") as forge:
            with client(forge) as asking, pytest.raises(ApiError) as caught:
                asking.repository.repo_get("acme", "rocket")
            assert caught.value.status_code == 404
            with client(forge, "token t0ken") as asking:
                assert asking.repository.repo_get("acme", "rocket").full_name == PATH

    @pytest.mark.parametrize(
        ("kind", "document"),
        [
            (Issue, ISSUES[0]),
            (Comment, SAID[0]),
            (Repository, repository()),
            (Repository, repository(archived=True, mirror=True)),
        ],
    )
    def test_has_every_key_of_the_objects(self, kind: Any, document: dict[str, Any]):
        kind.model_validate(document)
        assert set(document) - GITEAS_OWN <= set(kind.model_fields)

    def test_knows_every_parameter_that_is_sent(self):
        asked = questions()
        assert asked["/issues"] <= set(inspect.signature(IssueClient.list_issues).parameters)
        assert asked["/issues/comments"] <= set(inspect.signature(IssueClient.get_repo_comments).parameters)
        assert set(inspect.signature(IssueClient.list_issues).parameters) >= KNOWN


@pytest.fixture(scope="module")
def giteajs(tmp_path_factory: pytest.TempPathFactory) -> Declarations:
    return Declarations(published("gitea-js", "1.23.0", "dist/index.d.ts", Path(tmp_path_factory.mktemp("npm"))))


@pytest.mark.online
class TestGiteaJs:
    @pytest.mark.parametrize(
        ("name", "document"),
        [
            ("Issue", ISSUES[0]),
            ("Issue", record(9, created="2023-09-04T00:00:00Z", pull_request={"merged": False, "draft": False})),
            ("Comment", SAID[0]),
            ("Repository", repository()),
            ("Repository", repository(external_tracker={"external_tracker_url": "https://tracker.example"}, parent=repository())),
        ],
    )
    def test_an_object(self, giteajs: Declarations, name: str, document: dict[str, Any]):
        assert giteajs.faults(document, name) == []

    def test_every_parameter_that_is_sent(self, giteajs: Declarations):
        asked = questions()
        assert asked["/issues"] <= giteajs.parameters("issueListIssues")
        assert asked["/issues/comments"] <= giteajs.parameters("issueGetRepoComments")

    def test_a_fault_would_be_seen(self, giteajs: Declarations):
        faults = giteajs.faults({**ISSUES[0], "number": "7", "labels": [3], "unknown": 1}, "Issue")
        assert [re.sub(r":.*", "", one) for one in faults] == ["Issue.number", "Issue.labels[0]", "Issue.unknown"]
