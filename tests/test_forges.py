"""GitHub's issues: from records, by feeding answers, and from a stand-in over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockblame import forges
from lockblame.client import Client
from lockblame.errors import BadResponse, NotFound, RateLimited
from lockblame.fields import FieldError
from lockblame.flow import Request
from lockblame.forges import Found, merged
from lockblame.forges.github import links
from lockblame.forges.records import issue_from
from lockblame.model import Gap, Issue, Repository
from tests.flows import feed, page
from tests.servers.github import GitHub, record
from tests.servers.loopback import Answer, Asked

ROCKET = Repository(forge="github", host="github.com", path="acme/rocket")
RELEASE = datetime(2023, 9, 1, tzinfo=UTC)


def many(count: int, *, since: datetime = RELEASE, first: int = 1) -> list[dict[str, Any]]:
    """Issues one hour apart, the first of them at `since`."""
    return [record(first + n, created=(since + timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M:%SZ")) for n in range(count)]


class TestRecord:
    def test_everything(self):
        issue = issue_from(
            record(
                7,
                created="2023-09-04T16:09:02Z",
                updated="2023-09-20T00:00:00Z",
                closed_at="2023-09-19T10:00:00+02:00",
                state="closed",
                title="Slow",
                body="five a minute",
                comments=12,
                labels=[{"name": "bug"}, "sqs"],
                reactions={"total_count": 3},
                pull_request={"url": "x"},
            )
        )
        assert issue == Issue(
            repository="acme/rocket",
            number=7,
            title="Slow",
            body="five a minute",
            state="closed",
            created_at=datetime(2023, 9, 4, 16, 9, 2, tzinfo=UTC),
            updated_at=datetime(2023, 9, 20, tzinfo=UTC),
            closed_at=datetime(2023, 9, 19, 8, tzinfo=UTC),
            labels=("bug", "sqs"),
            comments=12,
            reactions=3,
            pull_request=True,
            url="https://github.com/acme/rocket/issues/7",
        )

    def test_the_least_that_will_do(self):
        issue = issue_from({"html_url": "https://github.com/acme/rocket/pull/3", "number": 3, "title": ""})
        assert (issue.repository, issue.body, issue.labels, issue.created_at, issue.comments) == (
            "acme/rocket",
            "",
            (),
            None,
            None,
        )

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"repository_url": None, "html_url": None}, "repository_url"),
            ({"repository_url": "https://api.github.com/"}, "repository_url"),
            ({"number": None}, "number"),
            ({"number": 0}, "number"),
            ({"number": "7"}, "number"),
            ({"number": True}, "number"),
            ({"title": None}, "title"),
            ({"title": 3}, "title"),
            ({"body": {}}, "body"),
            ({"created_at": "yesterday"}, "created_at"),
            ({"created_at": 3}, "created_at"),
            ({"created_at": "0001-01-01T00:00:00+23:59"}, "created_at"),
            ({"labels": "bug"}, "labels"),
            ({"labels": [{"colour": "red"}]}, r"labels\[0\]"),
            ({"labels": [None]}, r"labels\[0\]"),
            ({"comments": "many"}, "comments"),
            ({"reactions": {"total_count": "x"}}, "reactions.total_count"),
        ],
    )
    def test_what_is_none_is_told_with_its_place(self, change: dict[str, Any], place: str):
        with pytest.raises(FieldError, match=rf"^items\[2\]\.{place}"):
            issue_from({**record(7, created="2023-09-04T16:09:02Z"), **change}, "items[2]")

    def test_text_is_bounded(self):
        issue = issue_from(record(7, created="2023-09-04", title="t" * 10_000, body="b" * 1_000_000, labels=["l" * 9999] * 999))
        assert (len(issue.title), len(issue.body), len(issue.labels), len(issue.labels[0])) == (1000, 70_000, 100, 200)

    def test_links_that_are_none_are_left_out(self):
        assert (
            issue_from({**record(7, created="2023-09-04"), "html_url": "javascript:alert(1)//github.com/a/b/issues/7"}).url
            is None
        )


def query(request: Request) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}


class TestIssues:
    def test_what_is_asked(self):
        found, asked = feed(forges.issues(ROCKET, since=RELEASE), [page([])])
        assert urlsplit(asked[0].url)._replace(query="").geturl() == "https://api.github.com/repos/acme/rocket/issues"
        assert query(asked[0]) == {
            "state": "all",
            "sort": "created",
            "direction": "desc",
            "per_page": "100",
            "since": "2023-09-01T00:00:00Z",
        }
        assert asked[0].headers["Accept"] == "application/vnd.github+json"
        assert found == Found(repository=ROCKET)

    def test_enterprise_servers_have_their_api_below_a_path(self):
        there = Repository(forge="github", host="github.corp.example", path="acme/rocket")
        _, asked = feed(forges.issues(there), [page([])])
        assert asked[0].url.startswith("https://github.corp.example/api/v3/repos/acme/rocket/issues?")

    def test_pages_are_followed_to_the_end(self):
        with GitHub(many(250)) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(_at(forge), since=RELEASE, limit=300))
        assert sorted(issue.number for issue in found.issues) == list(range(1, 251))
        assert (found.complete, found.left_out, found.gaps) == (True, 0, ())
        assert len(forge.server.asked) == 3

    def test_without_a_window_the_newest(self):
        with GitHub(many(350)) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(_at(forge), limit=200))
        assert {issue.number for issue in found.issues} == set(range(151, 351))
        assert (found.complete, found.left_out) == (False, 200)  # two pages of up to 100

    def test_a_crowded_window_is_read_from_its_start(self):
        with (
            GitHub([*many(40, since=RELEASE - timedelta(days=9), first=1000), *many(900)]) as forge,
            Client(cache=False) as client,
        ):
            found = client.run(forges.issues(_at(forge), since=RELEASE, limit=300))
        numbers = {issue.number for issue in found.issues}
        assert set(range(1, 301)) == numbers
        assert (found.complete, found.left_out) == (False, 600)
        assert len(forge.server.asked) == 4

    def test_issues_of_before_that_were_touched_since_are_in_it(self):
        old = record(5, created="2020-01-01T00:00:00Z", updated="2023-09-05T00:00:00Z")
        older = record(6, created="2020-01-01T00:00:00Z", updated="2023-08-05T00:00:00Z")
        with GitHub([old, older, *many(3, first=10)]) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(_at(forge), since=RELEASE))
        assert sorted(issue.number for issue in found.issues) == [5, 10, 11, 12]

    def test_a_moved_repository_tells_its_new_name(self):
        with GitHub(many(2)) as forge, Client(cache=False) as client:
            forge.renamed["old/name"] = "acme/rocket"
            found = client.run(forges.issues(_at(forge, "old/name")))
        assert found.repository.path == "acme/rocket"
        assert len(found.issues) == 2

    def test_broken_records_are_a_gap_not_an_end(self):
        found, _ = feed(forges.issues(ROCKET), [page([*many(2), {"number": "x"}, None])])
        assert len(found.issues) == 2
        assert not found.complete
        assert (
            found.gaps[0].detail == "2 records of github.com were no issues (the first: [2].repository_url: names no repository)"
        )

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (page("<html>", kind="text/html"), "text/html instead of JSON"),
            (page("[{"), "JSON that is broken"),
            (page({"message": "x"}), "something else than a list"),
            (page(b"", kind=""), "no content type instead of JSON"),
        ],
    )
    def test_rubbish(self, answer: Any, says: str):
        with pytest.raises(BadResponse, match=says):
            feed(forges.issues(ROCKET), [answer])

    def test_what_the_client_throws_goes_through(self):
        with pytest.raises(NotFound):
            feed(forges.issues(ROCKET), [NotFound("acme/rocket", "is not there")])

    def test_pages_that_never_end_do(self):
        def answer(request: Request):
            number = int(query(request).get("page", "1"))
            return page(many(1, first=number), link=f'<https://api.github.com/x?page={number + 1}>; rel="next"')

        found, asked = feed(forges.issues(ROCKET, limit=20), answer)
        assert len(asked) == 20
        assert not found.complete

    def test_the_same_page_over_and_over_ends(self):
        answer = page(many(1), link='<https://api.github.com/x?page=2>; rel="next"')
        _, asked = feed(forges.issues(ROCKET, limit=500), lambda _: answer)
        assert len(asked) <= 20


class TestSearch:
    def test_what_is_asked(self):
        _, asked = feed(
            forges.search(ROCKET, ["wait_time_seconds", 'quo"ted', "two words"], 30), [page({"items": [], "total_count": 0})]
        )
        assert query(asked[0]) == {
            "q": 'repo:acme/rocket is:issue ("wait_time_seconds" OR "quo ted" OR "two words")',
            "per_page": "30",
            "advanced_search": "true",
        }

    def test_no_words_no_question(self):
        found, asked = feed(forges.search(ROCKET, ["", '"', "\n"]), [])
        assert (found, asked) == (Found(repository=ROCKET), [])

    @given(st.lists(st.text(max_size=300), max_size=40))
    def test_within_what_github_takes(self, words: list[str]):
        _, asked = feed(forges.search(ROCKET, words), lambda _: page({"items": [], "total_count": 0}))
        sent = query(asked[0])["q"].removeprefix("repo:acme/rocket is:issue ") if asked else ""
        assert sent.count(" OR ") <= 5
        assert len(sent.replace(" OR ", "").strip("()")) <= 256
        assert sent.count('"') % 2 == 0

    def test_best_first_bounded_and_counted(self):
        records = [record(n, created="2020-01-01T00:00:00Z", body="long poll" if n % 2 else None) for n in range(1, 400)]
        with GitHub(records) as forge, Client(cache=False) as client:
            found = client.run(forges.search(_at(forge), ["long poll"], 150))
        assert [issue.number for issue in found.issues] == [n for n in range(1, 400) if n % 2][:150]
        assert (found.complete, found.left_out) == (False, 50)
        assert len(forge.server.asked) == 2

    def test_issues_of_other_repositories_are_left_out(self):
        items = [
            record(1, created="2020-01-01", repository="Acme/Rocket"),
            record(2, created="2020-01-01", repository="other/one"),
        ]
        found, _ = feed(forges.search(ROCKET, ["x"]), [page({"items": items, "total_count": 1})])
        assert [issue.number for issue in found.issues] == [1]

    def test_a_search_that_gave_up_early_is_not_complete(self):
        answer = page({"items": many(2), "total_count": 2, "incomplete_results": True})
        assert not feed(forges.search(ROCKET, ["x"]), [answer])[0].complete

    @pytest.mark.parametrize("document", [[], {"items": 3}, {"items": [], "total_count": "x"}, {"items": [3]}])
    def test_rubbish(self, document: Any):
        with pytest.raises(BadResponse, match="nonsense"):
            feed(forges.search(ROCKET, ["x"]), [page(document)])


class TestLinks:
    def test_relations(self):
        answer = page(
            [], url="https://a.example/x/y", link='</z?page=2>; rel="next", <https://b.example/?a=1,2>; foo="x"; rel=last, <bad'
        )
        assert links(answer) == {"next": "https://a.example/z?page=2", "last": "https://b.example/?a=1,2"}

    @given(st.text(alphabet='<>;, "=relnxtps/', max_size=200))
    def test_any_header(self, text: str):
        links(page([], link=text))

    def test_a_hostile_header_takes_no_time(self):
        links(page([], link="<a>;" * 100_000 + "<" * 100_000))


class TestByHand:
    @pytest.mark.parametrize(
        ("forge", "hint"),
        [("gitlab", "open https://code.example/a/b/-/issues by hand"), ("gitea", "open https://code.example/a/b/issues by hand")],
    )
    def test_where_a_browser_finds_the_issues(self, forge: Any, hint: str):
        assert forges.by_hand(Repository(forge=forge, host="code.example", path="a/b")) == hint


class TestMerged:
    def test_each_issue_once(self):
        one, two = Issue(repository="a/b", number=1, title="first"), Issue(repository="a/b", number=2, title="two")
        again = Issue(repository="a/b", number=1, title="again")
        gap = Gap(subject="x", reason="y", detail="z")
        first = Found(repository=ROCKET, issues=(one,), gaps=(gap,))
        both = merged(first, Found(repository=ROCKET, issues=(again, two), complete=False, left_out=3, gaps=(gap,)))
        assert both == Found(repository=ROCKET, issues=(one, two), complete=False, left_out=3, gaps=(gap,))


class TestOverTheWire:
    def test_a_second_run_soon_after_asks_nothing(self, tmp_path: Any):
        with GitHub(many(250)) as forge:
            runs = []
            for _ in range(2):
                with Client(cache=tmp_path) as client:
                    runs.append(client.run(forges.issues(_at(forge), since=RELEASE, limit=300)))
            assert runs[0] == runs[1]
            assert len(forge.server.asked) == 3
        with Client(cache=tmp_path, offline=True) as client:
            assert client.run(forges.issues(_at(forge), since=RELEASE, limit=300)) == runs[0]

    @pytest.mark.parametrize(
        "refusal",
        [
            Answer(status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}),
            Answer(status=429, headers={"Retry-After": "600"}),
            Answer(status=403, headers={"Retry-After": "600"}, body=b'{"message": "You have exceeded a secondary rate limit."}'),
            Answer(status=403, body=b'{"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}'),
            Answer(status=429),
        ],
    )
    def test_limits_primary_and_secondary(self, refusal: Answer):
        with (
            GitHub(many(3), before=lambda _: refusal) as forge,
            Client(cache=False, patience=1) as client,
            pytest.raises(RateLimited),
        ):
            client.run(forges.issues(_at(forge)))
        assert len(forge.server.asked) == 1

    def test_a_limit_in_the_middle_of_the_pages(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=429, headers={"Retry-After": "600"}) if asked.query.get("page") == "2" else None

        with GitHub(many(250), before=before) as forge, Client(cache=False, patience=1) as client:
            found = client.run(forges.issues(_at(forge), limit=300))
        assert len(found.issues) == 100
        assert not found.complete
        assert [(gap.reason, gap.detail.partition(",")[0]) for gap in found.gaps] == [
            ("rate-limited", "only 100 issues of acme/rocket were looked at")
        ]

    def test_a_crowded_window_whose_search_fails_keeps_the_newest(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=422) if asked.path.endswith("/search/issues") else None

        with GitHub(many(900), before=before) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(_at(forge), since=RELEASE, limit=300))
        assert {issue.number for issue in found.issues} == set(range(801, 901))
        assert (found.left_out, [gap.reason for gap in found.gaps]) == (800, ["bad-response"])

    @pytest.mark.parametrize(
        ("status", "says"),
        [
            (404, "is not there"),
            (401, "Bad credentials"),
            (403, "refuses access"),
            (422, "status 422"),
            (500, "status 500"),
        ],
    )
    def test_refusals(self, status: int, says: str):
        body = b'{"message": "Bad credentials"}' if status == 401 else b"{}"
        with GitHub([], before=lambda _: Answer(status=status, body=body)) as forge, _client() as client, _says(says):
            client.run(forges.issues(_at(forge)))

    def test_a_repository_that_takes_no_issues_is_a_gap_that_says_where_to_look(self):
        refusal = Answer(status=410, body=b'{"message": "Issues has been disabled in this repository."}')
        with GitHub([], before=lambda _: refusal) as forge, _client() as client:
            found = client.run(forges.issues(_at(forge)))
            (gap,) = found.gaps
        assert not found.complete
        assert (gap.subject, gap.reason) == ("acme/rocket", "issues-disabled")
        assert f"{_at(forge).url}/discussions" in (gap.hint or "")


def _at(forge: GitHub, path: str = "acme/rocket") -> Repository:
    return Repository(forge="github", host=forge.server.host, path=path)


def _client() -> Client:
    return Client(cache=False)


def _says(text: str) -> Any:
    return pytest.raises((NotFound, BadResponse), match=text)
