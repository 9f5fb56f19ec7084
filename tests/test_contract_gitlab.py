"""GitLab's stand-in and our questions, held against what others know of the API: python-gitlab, and the types of @gitbeaker.

GitLab publishes no description of its issues API as a package, so these two clients of others are what there is to hold on to.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gitlab
import pytest
from gitlab.v4.objects import ProjectIssueManager, ProjectManager

from lockblame import forges
from lockblame.flow import Request
from lockblame.model import Repository
from tests.flows import feed, page
from tests.servers.gitlab import KNOWN, PATH, GitLab, project, record
from tests.servers.loopback import Answer, Asked
from tests.typescript import Declarations, published

RELEASE = datetime(2023, 9, 1, tzinfo=UTC)
ISSUES = [record(n, created=f"2023-09-04T{n % 24:02}:00:00.000Z", description="poll" if n % 3 else None) for n in range(1, 251)]
ROCKET = Repository(forge="gitlab", host="gitlab.example", path=PATH)
PAGES = {"page", "per_page"}


def questions() -> set[str]:
    """The parameters of every question that lockblame asks of a project's issues."""

    def answer(request: Request) -> Any:
        more = (
            {"x_total": "900", "link": '<https://gitlab.example/?page=2>; rel="next"'}
            if "created_after" not in request.url
            else {}
        )
        return page([ISSUES[0]], url=request.url, **more)

    asked: list[Request] = []
    for flow in (
        forges.issues(ROCKET, since=RELEASE, limit=1),
        forges.issues(ROCKET, limit=2),
        forges.search(ROCKET, ["poll", "two words"]),
    ):
        asked += feed(flow, answer)[1]
    return {name for request in asked for name in parse_qs(urlsplit(request.url).query)}


class TestPythonGitlab:
    def test_reads_the_project(self):
        with GitLab(ISSUES) as forge, gitlab.Gitlab(forge.server.url) as client:
            found = client.projects.get(PATH)
            assert (found.id, found.path_with_namespace, found.archived, found.issues_access_level) == (
                42,
                PATH,
                False,
                "enabled",
            )

    def test_reads_issues_page_by_page(self):
        with GitLab(ISSUES) as forge, gitlab.Gitlab(forge.server.url, keep_base_url=True) as client:
            listed = client.projects.get(PATH).issues.list(
                iterator=True, per_page=100, state="all", order_by="created_at", sort="asc"
            )
            assert (listed.total, listed.total_pages, listed.next_page) == (250, 3, 2)
            found = list(listed)
        assert len(found) == 250
        assert (found[0].references["full"], found[0].state, found[0].labels) == (f"{PATH}#24", "opened", ["bug"])

    def test_searches_and_narrows(self):
        with GitLab(ISSUES) as forge, gitlab.Gitlab(forge.server.url, keep_base_url=True) as client:
            issues = client.projects.get(PATH, lazy=True).issues
            searched = issues.list(get_all=False, search="poll", **{"in": "title,description"}, per_page=100)
            assert len(searched) == 100
            assert all(one.description == "poll" for one in searched)
            late = issues.list(get_all=True, created_after="2023-09-04T23:00:00Z", updated_after=RELEASE.isoformat())
            assert {one.created_at for one in late} == {"2023-09-04T23:00:00.000Z"}

    def test_follows_a_project_that_moved(self):
        with GitLab(ISSUES) as forge, gitlab.Gitlab(forge.server.url) as client:
            forge.renamed.add("old/name")
            assert client.projects.get("old/name").path_with_namespace == PATH

    def test_understands_what_is_hidden_and_what_needs_a_token(self):
        with GitLab(ISSUES, token="glpat-x") as forge:
            with gitlab.Gitlab(forge.server.url) as client, pytest.raises(gitlab.GitlabGetError, match="404 Project Not Found"):
                client.projects.get(PATH)
            with gitlab.Gitlab(forge.server.url, oauth_token="glpat-x") as client:
                assert client.projects.get(PATH).id == 42
            with gitlab.Gitlab(forge.server.url, oauth_token="wrong") as client, pytest.raises(gitlab.GitlabAuthenticationError):
                client.projects.get(PATH)

    def test_waits_as_its_limits_say(self):
        refused = iter([Answer(status=429, headers={"RateLimit-Remaining": "0", "Retry-After": "0"}, kind="text/plain")])

        def before(asked: Asked) -> Answer | None:
            return next(refused, None)

        with GitLab(ISSUES, before=before) as forge, gitlab.Gitlab(forge.server.url) as client:
            assert client.projects.get(PATH).id == 42

    def test_knows_every_parameter_that_is_sent(self):
        # some are missing there that https://docs.gitlab.com/api/issues/ has
        assert questions() <= {*ProjectIssueManager._list_filters, *PAGES, "in", "confidential"}
        assert {*ProjectIssueManager._list_filters, *PAGES, "in", "confidential"} >= KNOWN

    def test_knows_the_settings_that_tell_why_there_are_no_issues(self):
        assert {"issues_enabled", "issues_access_level"} <= set(ProjectManager._create_attrs.optional)


@pytest.fixture(scope="module")
def gitbeaker(tmp_path_factory: pytest.TempPathFactory) -> Declarations:
    return Declarations(published("@gitbeaker/core", "43.8.0", "dist/index.d.ts", Path(tmp_path_factory.mktemp("npm"))))


@pytest.mark.online
class TestGitbeaker:
    """Its types are written by hand: `LATER` is what GitLab's own examples show beside them, `SINGLE` what lists don't have."""

    LATER = frozenset(
        ["locked", "assignee", "issue_type", "closed_as_duplicate_of", "severity", "imported", "imported_from", "tag_list"]
    )
    SINGLE = ("subscribed", "task_status")

    @pytest.mark.parametrize("more", [{}, {"closed_at": "2023-09-05T00:00:00Z", "state": "closed", "description": "text"}])
    def test_an_issue(self, gitbeaker: Declarations, more: dict[str, Any]):
        faults = gitbeaker.faults(record(7, created="2023-09-04T16:09:02.123Z", **more), "IssueSchema", missing=self.SINGLE)
        assert [one for one in faults if one.rpartition(".")[2].partition(":")[0] not in self.LATER] == []

    def test_a_project(self, gitbeaker: Declarations):
        faults = gitbeaker.faults(project(), "ProjectSchema")
        # python-gitlab knows the level
        assert [one for one in faults if not re.search(r"\.(tag_list|issues_access_level): is not declared", one)] == []

    def test_every_parameter_that_is_sent(self, gitbeaker: Declarations):
        camel = {re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in questions() - PAGES}
        assert camel <= gitbeaker.keys("AllIssuesOptions")
