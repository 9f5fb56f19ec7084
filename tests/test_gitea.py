"""The issues of Gitea and Forgejo: by feeding answers, and from a stand-in over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame import forges
from lockblame.client import Client
from lockblame.errors import BadResponse, RateLimited, UpstreamError
from lockblame.flow import Request
from lockblame.forges.gitea import api_of
from lockblame.model import Issue, Repository
from tests.flows import feed, page
from tests.servers.gitea import PATH, Gitea, comment, record, repository
from tests.servers.loopback import Answer, Asked

ROCKET = Repository(forge="gitea", host="codeberg.org", path=PATH)
RELEASE = datetime(2023, 9, 1, tzinfo=UTC)


def many(count: int, *, since: datetime = RELEASE, first: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Issues one hour apart, the first of them at `since`."""
    return [record(first + n, created=(since + timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M:%SZ"), **more) for n in range(count)]


def at(forge: Gitea, path: str = PATH) -> Repository:
    return Repository(forge="gitea", host=forge.server.host, path=path)


def query(request: Request) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}


class TestIssues:
    def test_what_is_asked_and_understood(self):
        given_ = record(
            7,
            created="2023-09-04T18:09:02+02:00",
            updated="2023-09-20T00:00:00Z",
            closed_at="2023-09-19T08:00:00Z",
            state="closed",
            title="Slow",
            body="five a minute",
            comments=0,
        )
        found, asked = feed(forges.issues(ROCKET, since=RELEASE), [page([given_])])
        assert asked[0].url.partition("?")[0] == "https://codeberg.org/api/v1/repos/acme/rocket/issues"
        assert query(asked[0]) == {"state": "all", "type": "issues", "limit": "50", "since": "2023-09-01T00:00:00Z"}
        assert found.issues == (
            Issue(
                repository=PATH,
                number=7,
                title="Slow",
                body="five a minute",
                state="closed",
                created_at=datetime(2023, 9, 4, 16, 9, 2, tzinfo=UTC),
                updated_at=datetime(2023, 9, 20, tzinfo=UTC),
                closed_at=datetime(2023, 9, 19, 8, tzinfo=UTC),
                labels=("bug",),
                comments=0,
                url="https://gitea.example/acme/rocket/issues/7",
            ),
        )

    @pytest.mark.parametrize(
        ("host", "api"),
        [("codeberg.org", "https://codeberg.org/api/v1"), ("127.0.0.1:3000", "http://127.0.0.1:3000/api/v1")],
    )
    def test_where_the_api_is(self, host: str, api: str):
        assert api_of(Repository(forge="gitea", host=host, path="a/b")) == api

    def test_below_a_path_of_a_host(self):
        there = record(3, created="2023-09-04T00:00:00Z", html_url="https://code.example/git/acme/rocket/issues/3")
        assert feed(forges.issues(ROCKET), [page([there])])[0].issues[0].repository == PATH

    @pytest.mark.parametrize(("most", "requests"), [(50, 5), (30, 9)])
    def test_pages_are_followed_to_the_end(self, most: int, requests: int):
        with Gitea(many(250), most=most) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=300))
        assert sorted(issue.number for issue in found.issues) == list(range(1, 251))
        assert (found.complete, found.left_out, found.gaps) == (True, 0, ())
        assert len(forge.server.asked) == requests

    def test_pull_requests_are_left_to_themselves(self):
        pulls = [record(n, created="2023-09-04T00:00:00Z", pull_request={"merged": False}) for n in (8, 9)]
        with Gitea([*many(2), *pulls]) as forge, Client(cache=False) as client:
            assert [issue.number for issue in client.run(forges.issues(at(forge))).issues] == [2, 1]

    def test_without_a_window_the_newest(self):
        with Gitea(many(350)) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), limit=200))
        assert [issue.number for issue in found.issues] == list(range(350, 150, -1))
        assert (found.complete, found.left_out) == (False, 150)

    @pytest.mark.parametrize("before", [0, 1, 40, 49, 50, 700])
    @pytest.mark.parametrize("most", [50, 20])
    def test_a_crowded_window_is_read_from_where_it_begins(self, before: int, most: int):
        touched = many(before, since=RELEASE - timedelta(days=90), first=1000, updated="2023-10-01T00:00:00Z")
        with Gitea([*touched, *many(900)], most=most) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=100))
        assert [issue.number for issue in found.issues] == list(range(1, 101))
        assert (found.complete, found.left_out) == (False, before + 800)
        assert len(forge.server.asked) <= 14

    def test_a_crowded_window_of_old_issues_that_were_touched(self):
        touched = many(500, since=RELEASE - timedelta(days=90), first=1000, updated="2023-10-01T00:00:00Z")
        with Gitea([*touched, *many(10)]) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=100))
        assert [issue.number for issue in found.issues][:10] == list(range(1, 11))
        assert found.left_out == 510 - len(found.issues)

    def test_of_a_crowded_window_first_what_names_the_package(self):
        others, own = many(400), many(3, since=RELEASE + timedelta(days=90), first=900, body="acme-nozzle leaks")
        with Gitea([*others, *own]) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=100, names=("acme-nozzle",)))
        assert [issue.number for issue in found.issues] == [900, 901, 902, *range(1, 98)]
        assert found.left_out == 303

    def test_issues_of_before_that_were_touched_since_are_in_it(self):
        old = record(5, created="2020-01-01T00:00:00Z", updated="2023-09-05T00:00:00Z")
        older = record(6, created="2020-01-01T00:00:00Z", updated="2023-08-05T00:00:00Z")
        with Gitea([old, older, *many(3, first=10)]) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE))
        assert sorted(issue.number for issue in found.issues) == [5, 10, 11, 12]

    def test_broken_records_are_a_gap_not_an_end(self):
        found, _ = feed(forges.issues(ROCKET), [page([*many(2), {"number": "x"}, None])])
        assert (len(found.issues), found.complete) == (2, False)
        assert found.gaps[0].detail.startswith("2 records of codeberg.org were no issues")

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (page("<html>", kind="text/html"), "text/html instead of JSON"),
            (page("[{"), "JSON that is broken"),
            (page({"message": "x"}), "something else than a list"),
        ],
    )
    def test_rubbish(self, answer: Any, says: str):
        with pytest.raises(BadResponse, match=says):
            feed(forges.issues(ROCKET), [answer])

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 10**9), st.integers(1, 60), st.booleans())
    def test_a_host_that_lies_about_its_pages_is_asked_a_bounded_number_of_times(self, total: int, size: int, dated: bool):
        created = "2023-09-02T00:00:00Z" if dated else "2020-01-01T00:00:00Z"

        def answer(request: Request):
            number = int(query(request).get("page", "1"))
            records = [record(number * 100 + n, created=created) for n in range(size)]
            return page(
                records, url=request.url, x_total_count=str(total), link=f'<https://x.example/?page={number + 1}>; rel="next"'
            )

        found, asked = feed(forges.issues(ROCKET, since=RELEASE, limit=100), answer)
        assert len(asked) <= 20
        assert len(found.issues) <= 100
        assert not found.complete


class TestComments:
    def test_the_first_ones_since_the_release_come_with_the_issues(self):
        said = [
            comment(1, 2, "long ago", created="2020-01-01T00:00:00Z"),
            *(comment(10 + n, 2, f"word {n}", created=f"2023-09-02T00:00:{n:02}Z") for n in range(20)),
            comment(99, 77, "on an issue that is not at hand", created="2023-09-02T00:00:00Z"),
        ]
        records = [*many(1), record(2, created="2023-09-01T12:00:00Z", comments=21)]
        with Gitea(records, comments=said) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE))
        spoken = {issue.number: issue.discussion for issue in found.issues}
        assert spoken == {1: (), 2: tuple(f"word {n}" for n in range(10))}
        assert len(forge.server.asked) == 2

    def test_are_not_asked_for_where_there_are_none(self):
        with Gitea(many(3)) as forge, Client(cache=False) as client:
            client.run(forges.issues(at(forge), since=RELEASE))
        assert len(forge.server.asked) == 1

    def test_that_cannot_be_had_are_a_gap(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=500) if asked.path.endswith("/comments") else None

        with Gitea(many(3, comments=2), before=before) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE))
        assert len(found.issues) == 3
        assert [gap.detail.partition(",")[0] for gap in found.gaps] == [
            "the comments on issues of acme/rocket were not looked at"
        ]

    @pytest.mark.parametrize(
        "rubbish", [[3], [{"issue_url": 3}], [{"issue_url": "x", "body": 3}], [{"issue_url": "https://x/1", "body": []}]]
    )
    def test_rubbish_is_left_out(self, rubbish: Any):
        found, _ = feed(forges.issues(ROCKET, since=RELEASE), [page(many(1, comments=1)), page(rubbish)])
        assert (found.issues[0].discussion, found.complete) == ((), True)


class TestMovedAndClosed:
    def test_a_moved_repository_tells_its_new_name(self):
        with Gitea(many(120)) as forge, Client(cache=False) as client:
            forge.renamed.add("old/name")
            found = client.run(forges.issues(at(forge, "old/name")))
        assert (found.repository, len(found.issues)) == (at(forge), 120)

    def test_a_moved_repository_without_issues_does_too(self):
        with Gitea([]) as forge, Client(cache=False) as client:
            forge.renamed.add("old/name")
            assert client.run(forges.issues(at(forge, "old/name"))) == forges.Found(repository=at(forge))

    @pytest.mark.parametrize(
        ("settings", "reason", "says", "hint"),
        [
            ({"has_issues": False}, "issues-disabled", "switched off", "open https://{host}/acme/rocket/issues by hand"),
            (
                {"has_issues": False, "fork": True, "parent": {"html_url": "https://gitea.example/first/rocket"}},
                "issues-disabled",
                "switched off",
                "open https://gitea.example/first/rocket by hand",
            ),
            (
                {"external_tracker": {"external_tracker_url": "https://tracker.example/rocket"}},
                "issues-disabled",
                "a tracker of its own",
                "open https://tracker.example/rocket by hand",
            ),
            (
                {"external_tracker": {"external_tracker_url": "javascript:alert(1)"}},
                "issues-disabled",
                "a tracker of its own",
                "open https://{host}/acme/rocket/issues by hand",
            ),
            (
                {"mirror": True, "original_url": "https://git.example/first/rocket"},
                "issues-disabled",
                "is a mirror",
                "open https://git.example/first/rocket by hand",
            ),
            ({"archived": True}, "archived-repository", "is archived", "open https://{host}/acme/rocket/issues by hand"),
        ],
    )
    def test_why_there_are_none(self, settings: dict[str, Any], reason: str, says: str, hint: str):
        with Gitea([], **settings) as forge, Client(cache=False) as client:
            (gap,) = client.run(forges.issues(at(forge), since=RELEASE)).gaps
        assert gap.reason == reason
        assert says in gap.detail
        assert gap.hint == hint.format(host=forge.server.host)
        assert len(forge.server.asked) == 2

    def test_issues_that_are_refused_where_the_repository_is_shown(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=403) if asked.path.endswith("/issues") else None

        with Gitea([], before=before) as forge, Client(cache=False) as client:
            (gap,) = client.run(forges.issues(at(forge))).gaps
        assert (gap.reason, "not for this token" in gap.detail) == ("not-found", True)

    def test_what_is_not_there_may_be_hidden(self):
        with Gitea([]) as forge, Client(cache=False) as client:
            (gap,) = client.run(forges.issues(at(forge, "acme/other"))).gaps
        assert (gap.subject, gap.reason) == ("acme/other", "not-found")
        assert "or not for this token" in gap.detail

    def test_a_repository_that_cannot_be_read_leaves_doubt(self):
        with pytest.raises(BadResponse, match="is none"):
            feed(forges.issues(ROCKET), [page([]), page({**repository(), "archived": 3})])
        found, _ = feed(forges.issues(ROCKET), [page([]), page([])])
        assert "something else than a repository" in found.gaps[0].detail


class TestSearch:
    def test_a_question_for_each_word(self):
        _, asked = feed(forges.search(ROCKET, ["TimeoutError", "two words", "x"], 30), [page(many(1)), page([])])
        assert [query(one)["q"] for one in asked] == ["TimeoutError", "two words"]
        assert query(asked[0]) == {"state": "all", "type": "issues", "q": "TimeoutError", "limit": "30"}

    def test_what_holds_most_of_them_comes_first(self):
        texts = ["sqs", "poll", "sqs poll", "nothing", "long poll of sqs"]
        records = [record(n, created=f"2020-01-0{n}T00:00:00Z", body=text) for n, text in enumerate(texts, 1)]
        with Gitea(records) as forge, Client(cache=False) as client:
            found = client.run(forges.search(at(forge), ["sqs", "poll"], 3))
        assert [issue.number for issue in found.issues] == [5, 3, 1]
        assert (found.complete, found.left_out) == (False, 1)


class TestOverTheWire:
    def test_a_second_run_asks_nothing(self, tmp_path: Path):
        with Gitea(many(120, comments=1)) as forge:
            runs = []
            for _ in range(2):
                with Client(cache=tmp_path) as client:
                    runs.append(client.run(forges.issues(at(forge), since=RELEASE, limit=300)))
            assert runs[0] == runs[1]
            assert len(forge.server.asked) == 4

    @pytest.mark.parametrize(
        "refusal",
        [
            Answer(status=429, headers={"Retry-After": "600"}, kind="text/plain"),
            Answer(status=429, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}),
            Answer(status=429),
        ],
    )
    def test_limits(self, refusal: Answer):
        with (
            Gitea(many(3), before=lambda _: refusal) as forge,
            Client(cache=False, patience=1) as client,
            pytest.raises(RateLimited),
        ):
            client.run(forges.issues(at(forge)))
        assert len(forge.server.asked) == 1

    def test_a_limit_in_the_middle_of_the_pages(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=429, headers={"Retry-After": "600"}) if asked.query.get("page") == "2" else None

        with Gitea(many(250), before=before) as forge, Client(cache=False, patience=1) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=300))
        assert (len(found.issues), found.complete, found.left_out) == (50, False, 200)
        assert [gap.reason for gap in found.gaps] == ["rate-limited"]

    def test_a_crowded_window_in_which_pages_fail_keeps_the_others(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=500) if asked.query.get("page") else None

        with Gitea(many(900), before=before) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=300))
        assert {issue.number for issue in found.issues} == set(range(851, 901))
        assert (found.left_out, {gap.reason for gap in found.gaps}) == (850, {"bad-response"})

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (Answer(status=401, body=b'{"message": "token is required"}'), "token is required"),
            (Answer(status=500), "status 500"),
            (Answer(body=b'[{"number": 1', cut=5), "127.0.0.1"),
            (Answer(body=b"[]", after=3), "127.0.0.1"),
        ],
    )
    def test_slow_and_broken_answers(self, answer: Answer, says: str):
        with (
            Gitea([], before=lambda _: answer) as forge,
            Client(cache=False, timeout=0.2, deadline=2) as client,
            pytest.raises(UpstreamError, match=says),
        ):
            client.run(forges.issues(at(forge)))

    def test_with_a_token_what_is_private(self):
        with Gitea(many(3), token="t0ken") as forge:
            with Client(cache=False, tokens={forge.server.host: "t0ken"}) as client:
                assert len(client.run(forges.issues(at(forge))).issues) == 3
            with Client(cache=False) as client:
                assert client.run(forges.issues(at(forge))).gaps[0].reason == "not-found"
