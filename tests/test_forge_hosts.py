"""Repositories of one name on several hosts, and deep ones: never mixed, and the same after a bundle as before it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.api.asking.evidence import Knowledge, belonging
from lockblame.bundle import Bundle, dump, parse, parse_issues
from lockblame.model import Issue, Repository
from lockblame.ranking.pool import key_of

HERE = Repository(forge="gitlab", host="gitlab.com", path="acme/engines/rocket")
THERE = Repository(forge="gitlab", host="code.example", path="Acme/Engines/Rocket")


def issue(number: int, host: str | None, title: str = "") -> Issue:
    url = f"https://{host}/acme/engines/rocket/-/issues/{number}" if host else None
    return Issue(repository="acme/engines/rocket", number=number, title=title, url=url)


class TestHosts:
    def test_each_repository_has_what_was_written_there(self):
        issues = (issue(1, "gitlab.com"), issue(2, "code.example"), issue(3, "GitLab.com"))
        known = Knowledge(repositories={"rocket": HERE, "engine": THERE}, issues=issues)
        assert {name: [one.number for one in own] for name, own in belonging(known).items()} == {"rocket": [1, 3], "engine": [2]}

    def test_a_host_may_have_several_names(self):
        known = Knowledge(repositories={"rocket": HERE}, issues=(issue(1, "code.example"), issue(2, None)))
        assert [one.number for one in belonging(known)["rocket"]] == [1, 2]

    def test_an_issue_without_an_address_gets_one(self):
        (own,) = belonging(Knowledge(repositories={"rocket": HERE}, issues=(issue(2, None),)))["rocket"]
        assert own.url == "https://gitlab.com/acme/engines/rocket/-/issues/2"

    def test_the_same_number_on_two_hosts_is_two_issues(self):
        assert key_of(issue(1, "gitlab.com")) != key_of(issue(1, "code.example"))
        assert key_of(issue(1, "GitLab.com")) == key_of(issue(1, "gitlab.com"))


class TestBundle:
    def test_two_hosts_stay_two(self):
        both = (issue(1, "gitlab.com", "here"), issue(1, "code.example", "there"))
        again, _ = parse(dump(Bundle(issues=both, repositories={"a": HERE, "b": THERE})), "x")
        assert again.issues == both
        assert again.repositories == {"a": HERE, "b": THERE}

    def test_one_telling_without_an_address_is_the_same_issue(self):
        plain = {"repository": "acme/rocket", "number": 1, "title": "x"}
        issues, _ = parse_issues(
            "".join(json.dumps({**plain, **more}) + "\n" for more in ({}, {"url": "https://a.example/1"})), "x"
        )
        assert [(one.number, one.url) for one in issues] == [(1, "https://a.example/1")]

    @pytest.mark.parametrize("path", ["group/tools/releases", "group/sub/issues", "a/b/c/d/e/f", "acme/rocket"])
    def test_deep_paths(self, path: str):
        repository = Repository(forge="gitlab", host="gitlab.com", path=path)
        told = Issue(repository=path, number=7, title="x", url=f"https://gitlab.com/{path}/-/issues/7", reactions=2)
        before = Bundle(issues=(told,), repositories={"rocket": repository})
        assert parse(dump(before), "x")[0] == before

    @settings(max_examples=50, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["issues", "wiki", "src", "branch", "rocket", "group", "x.y", "a_b", "tree"]),
            min_size=2,
            max_size=8,
        )
    )
    def test_any_path_comes_back(self, segments: list[str]):
        repository = Repository(forge="gitlab", host="code.example:8443", path="/".join(segments))
        before = Bundle(repositories={"rocket": repository})
        assert parse(dump(before), "x")[0].repositories == before.repositories
