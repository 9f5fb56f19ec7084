"""GitLab's issues: from records, by feeding answers, and from a stand-in over real HTTP."""

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
from lockblame.fields import FieldError
from lockblame.flow import Request
from lockblame.forges import harvest
from lockblame.forges.gitlab import api_of
from lockblame.forges.records import gitlab_issue_from
from lockblame.model import Issue, Repository
from tests.flows import feed, page
from tests.servers.gitlab import PATH, GitLab, project, record
from tests.servers.loopback import Answer, Asked

ROCKET = Repository(forge="gitlab", host="gitlab.example", path=PATH)
RELEASE = datetime(2023, 9, 1, tzinfo=UTC)


def many(count: int, *, since: datetime = RELEASE, first: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Issues one hour apart, the first of them at `since`."""
    return [
        record(first + n, created=(since + timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M:%S.000Z"), **more) for n in range(count)
    ]


def at(forge: GitLab, path: str = PATH) -> Repository:
    return Repository(forge="gitlab", host=forge.server.host, path=path)


def query(request: Request | Asked) -> dict[str, str]:
    if isinstance(request, Asked):
        return dict(request.query)
    return {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}


class TestRecord:
    def test_everything(self):
        issue = gitlab_issue_from(
            record(
                7,
                created="2023-09-04T16:09:02.123Z",
                updated="2023-09-20T00:00:00.000Z",
                closed_at="2023-09-19T10:00:00.000+02:00",
                state="closed",
                title="Slow",
                description="five a minute",
                user_notes_count=12,
                labels=["bug", {"id": 3, "name": "sqs"}],
                upvotes=3,
            )
        )
        assert issue == Issue(
            repository=PATH,
            number=7,
            title="Slow",
            body="five a minute",
            state="closed",
            created_at=datetime(2023, 9, 4, 16, 9, 2, 123000, tzinfo=UTC),
            updated_at=datetime(2023, 9, 20, tzinfo=UTC),
            closed_at=datetime(2023, 9, 19, 8, tzinfo=UTC),
            labels=("bug", "sqs"),
            comments=12,
            reactions=3,
            url=f"https://gitlab.example/{PATH}/-/issues/7",
        )

    @pytest.mark.parametrize("state", ["opened", "reopened", None])
    def test_open_is_called_open(self, state: str | None):
        assert gitlab_issue_from(record(7, created="2023-09-04", state=state)).state == "open"

    @pytest.mark.parametrize("between", ["/-/issues/", "/issues/", "/-/work_items/"])
    def test_the_least_that_will_do(self, between: str):
        issue = gitlab_issue_from({"web_url": f"https://gitlab.example/{PATH}{between}3", "iid": 3, "title": ""})
        assert (issue.repository, issue.body, issue.created_at, issue.comments) == (PATH, "", None, None)

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"references": None, "web_url": None}, "references.full"),
            ({"references": {"full": "x y/z#3"}}, "references.full"),
            ({"references": {"full": "alone#3"}}, "references.full"),
            ({"references": {"full": 3}}, "references.full"),
            ({"references": 3}, "references"),
            ({"iid": None}, "iid"),
            ({"iid": 0}, "iid"),
            ({"iid": "7"}, "iid"),
            ({"title": None}, "title"),
            ({"description": {}}, "description"),
            ({"created_at": "yesterday"}, "created_at"),
            ({"labels": "bug"}, "labels"),
            ({"user_notes_count": "many"}, "user_notes_count"),
            ({"upvotes": []}, "upvotes"),
        ],
    )
    def test_what_is_none_is_told_with_its_place(self, change: dict[str, Any], place: str):
        with pytest.raises(FieldError, match=rf"^\[2\]\.{place}"):
            gitlab_issue_from({**record(7, created="2023-09-04T16:09:02Z"), **change}, "[2]")

    def test_text_is_bounded_and_links_are_of_the_web(self):
        issue = gitlab_issue_from(
            record(7, created="2023-09-04", title="t" * 10_000, description="b" * 1_000_000, web_url="javascript:alert(1)")
        )
        assert (len(issue.title), len(issue.body), issue.url) == (1000, 70_000, None)


class TestIssues:
    def test_what_is_asked(self):
        _, asked = feed(forges.issues(ROCKET, since=RELEASE), [page(many(1))])
        assert asked[0].url.partition("?")[0] == "https://gitlab.example/api/v4/projects/acme%2Fengines%2Frocket/issues"
        assert query(asked[0]) == {
            "state": "all",
            "confidential": "false",
            "order_by": "created_at",
            "sort": "desc",
            "per_page": "100",
            "updated_after": "2023-09-01T00:00:00Z",
        }

    @pytest.mark.parametrize(
        ("host", "api"),
        [
            ("gitlab.com", "https://gitlab.com/api/v4"),
            ("code.example:8443", "https://code.example:8443/api/v4"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/api/v4"),
            ("localhost", "http://localhost/api/v4"),
            ("[::1]:80", "http://[::1]:80/api/v4"),
        ],
    )
    def test_where_the_api_is(self, host: str, api: str):
        assert api_of(Repository(forge="gitlab", host=host, path="a/b")) == api

    def test_pages_are_followed_to_the_end(self):
        with GitLab(many(250)) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=300))
        assert sorted(issue.number for issue in found.issues) == list(range(1, 251))
        assert (found.complete, found.left_out, found.gaps) == (True, 0, ())
        assert found.repository == at(forge)
        assert len(forge.server.asked) == 3

    @pytest.mark.parametrize(("counts", "left"), [(True, 150), (False, 1)])
    def test_without_a_window_the_newest(self, counts: bool, left: int):
        with GitLab(many(350), counts=counts) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), limit=200))
        assert [issue.number for issue in found.issues] == list(range(350, 150, -1))
        assert (found.complete, found.left_out) == (False, left)

    @pytest.mark.parametrize(("counts", "left"), [(True, 600), (False, 101)])
    def test_a_crowded_window_is_read_from_its_start(self, counts: bool, left: int):
        before = many(40, since=RELEASE - timedelta(days=9), first=1000)
        with GitLab([*before, *many(900)], counts=counts) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=300))
        assert [issue.number for issue in found.issues] == list(range(1, 301))
        assert (found.complete, found.left_out) == (False, left)
        assert len(forge.server.asked) == 4

    def test_of_a_crowded_window_first_what_names_the_package(self):
        others, own = many(400), many(3, since=RELEASE + timedelta(days=90), first=900, description="acme-nozzle leaks")
        with GitLab([*others, *own]) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=100, names=("acme-nozzle",)))
        assert [issue.number for issue in found.issues] == [900, 901, 902, *range(1, 98)]
        assert found.left_out == 303

    def test_issues_of_before_that_were_touched_since_are_in_it(self):
        old = record(5, created="2020-01-01T00:00:00Z", updated="2023-09-05T00:00:00Z")
        older = record(6, created="2020-01-01T00:00:00Z", updated="2023-08-05T00:00:00Z")
        with GitLab([old, older, *many(3, first=10)]) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE))
        assert sorted(issue.number for issue in found.issues) == [5, 10, 11, 12]

    def test_what_is_confidential_stays_where_it_is(self):
        with GitLab([*many(2), *many(1, first=9, confidential=True)]) as forge, Client(cache=False) as client:
            assert [issue.number for issue in client.run(forges.issues(at(forge))).issues] == [2, 1]

    def test_broken_records_are_a_gap_not_an_end(self):
        found, _ = feed(forges.issues(ROCKET), [page([*many(2), {"iid": "x"}, None])])
        assert (len(found.issues), found.complete) == (2, False)
        assert found.gaps[0].detail.startswith("2 records of gitlab.example were no issues (the first: [2].references.full")

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

    def test_pages_that_never_end_do(self):
        def answer(request: Request):
            number = int(query(request).get("page", "1"))
            return page(many(1, first=number), url=request.url, link=f'<https://gitlab.example/x?page={number + 1}>; rel="next"')

        found, asked = feed(forges.issues(ROCKET, limit=30), answer)
        assert len(asked) == 20
        assert not found.complete

    def test_the_next_page_is_where_this_one_was(self):
        def answer(request: Request):
            more = {"link": '<http://inside.example:8080/api/v4/x?page=2>; rel="next"'} if "page=2" not in request.url else {}
            return page(many(1, first=len(more) + 1), url=request.url, **more)

        _, asked = feed(forges.issues(ROCKET), answer)
        assert [urlsplit(request.url)._replace(query="").geturl() for request in asked] == [
            "https://gitlab.example/api/v4/projects/acme%2Fengines%2Frocket/issues"
        ] * 2


class TestMovedAndClosed:
    def test_a_moved_project_tells_its_new_name(self):
        with GitLab(many(250)) as forge, Client(cache=False) as client:
            forge.renamed.add("old/name")
            found = client.run(forges.issues(at(forge, "old/name")))
        assert found.repository == at(forge)
        assert len(found.issues) == 250
        assert {issue.repository for issue in found.issues} == {PATH}

    def test_a_moved_project_without_issues_does_too(self):
        with GitLab([]) as forge, Client(cache=False) as client:
            forge.renamed.add("old/name")
            found = client.run(forges.issues(at(forge, "old/name")))
        assert (found.repository, found.gaps, found.complete) == (at(forge), (), True)

    def test_another_spelling_is_no_move(self):
        with GitLab(many(1)) as forge, Client(cache=False) as client:
            there = at(forge, PATH.upper())
            assert client.run(forges.issues(there)).repository == there

    def test_an_instance_that_moved_to_another_host(self):
        with GitLab(many(2)) as new:

            def onwards(asked: Asked) -> Answer:
                return Answer(status=301, headers={"Location": f"{new.server.url}{asked.path}"}, body=b"")

            with GitLab([], before=onwards) as old, Client(cache=False) as client:
                found = client.run(forges.issues(at(old)))
        assert (found.repository, len(found.issues)) == (at(new), 2)

    @pytest.mark.parametrize(
        ("settings", "reason", "says"),
        [
            ({"issues_access_level": "disabled", "issues_enabled": False}, "issues-disabled", "switched off"),
            ({"issues_access_level": "private"}, "not-found", "for its members"),
            ({"archived": True}, "archived-repository", "is archived"),
        ],
    )
    def test_why_there_are_none(self, settings: dict[str, Any], reason: str, says: str):
        with GitLab([], **settings) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE))
        assert [gap.reason for gap in found.gaps] == [reason]
        assert says in found.gaps[0].detail
        assert found.gaps[0].hint == f"open https://{forge.server.host}/{PATH}/-/issues by hand"
        assert not found.complete
        assert len(forge.server.asked) == 2

    def test_none_where_nothing_stands_in_the_way_are_none(self):
        with GitLab([]) as forge, Client(cache=False) as client:
            assert client.run(forges.issues(at(forge), since=RELEASE)) == forges.Found(repository=at(forge))

    def test_older_hosts_tell_only_whether_issues_are_enabled(self):
        old = {key: value for key, value in project().items() if key != "issues_access_level"}
        found, _ = feed(forges.issues(ROCKET), [page([]), page({**old, "issues_enabled": False})])
        assert [gap.reason for gap in found.gaps] == ["issues-disabled"]

    @pytest.mark.parametrize("status", [403, 404])
    def test_issues_that_are_refused_where_the_project_is_shown(self, status: int):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=status, body=b'{"message": "no"}') if asked.path.endswith("/issues") else None

        with GitLab([], before=before) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge)))
        assert [(gap.reason, "not for this token" in gap.detail) for gap in found.gaps] == [("not-found", True)]

    def test_what_is_not_there_may_be_hidden(self):
        with GitLab(many(3)) as forge, Client(cache=False) as client:
            forge.hidden = True
            found = client.run(forges.issues(at(forge)))
        (gap,) = found.gaps
        assert (gap.subject, gap.reason) == (PATH, "not-found")
        assert "or not for this token" in gap.detail
        assert gap.hint == f"open https://{forge.server.host}/{PATH}/-/issues by hand"

    def test_a_project_that_cannot_be_read_leaves_doubt(self):
        def before(asked: Asked) -> Answer | None:
            return None if asked.path.endswith("issues") else Answer(status=500)

        with GitLab([], before=before) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge)))
        assert [gap.reason for gap in found.gaps] == ["bad-response"]
        with pytest.raises(BadResponse, match="is none"):
            feed(forges.issues(ROCKET), [page([]), page({"path_with_namespace": 3})])
        found, _ = feed(forges.issues(ROCKET), [page([]), page([])])
        assert "something else than a repository" in found.gaps[0].detail


class TestSearch:
    def test_a_question_for_each_word(self):
        answers = [page(many(1)), page([]), page([]), page([])]
        _, asked = feed(
            forges.search(ROCKET, ["TimeoutError", "two words", "x", 'quo"ted', "TimeoutError", "four", "five"], 30), answers
        )
        assert [query(one)["search"] for one in asked] == ["TimeoutError", '"two words"', '"quo ted"', "four"]
        assert query(asked[0]) == {
            "state": "all",
            "confidential": "false",
            "search": "TimeoutError",
            "in": "title,description",
            "per_page": "30",
        }

    def test_a_word_within_another_is_not_asked_for(self):
        _, asked = feed(
            forges.search(ROCKET, ["TimeoutError", "timeouterror", "x.y.TimeoutError", "timeout", "poll"]), [page([])] * 2
        )
        assert [query(one)["search"] for one in asked] == ["TimeoutError", "poll"]

    def test_no_words_no_question(self):
        assert feed(forges.search(ROCKET, ["", '"', "\n", "ab"]), [])[0] == forges.Found(repository=ROCKET)

    def test_what_holds_most_of_them_comes_first(self):
        texts = ["sqs", "poll", "sqs poll", "nothing", "long poll of sqs"]
        records = [record(n, created=f"2020-01-0{n}T00:00:00Z", description=text) for n, text in enumerate(texts, 1)]
        with GitLab(records) as forge, Client(cache=False) as client:
            found = client.run(forges.search(at(forge), ["sqs", "poll"], 3))
        assert [issue.number for issue in found.issues] == [5, 3, 1]
        assert (found.complete, found.left_out) == (False, 1)

    def test_what_is_beyond_the_page_is_counted(self):
        with GitLab(many(90, description="poll")) as forge, Client(cache=False) as client:
            found = client.run(forges.search(at(forge), ["poll"], 50))
        assert (len(found.issues), found.left_out) == (50, 40)

    def test_a_later_question_without_answer_is_a_gap(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=500) if asked.query["search"] == "poll" else None

        with GitLab(many(3, description="sqs"), before=before) as forge, Client(cache=False) as client:
            found = client.run(forges.search(at(forge), ["sqs", "poll"]))
            assert (len(found.issues), [gap.reason for gap in found.gaps]) == (3, ["bad-response"])
            with pytest.raises(BadResponse):
                client.run(forges.search(at(forge), ["poll", "sqs"]))

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.text(max_size=200), max_size=20))
    def test_any_words_are_a_few_questions(self, words: list[str]):
        _, asked = feed(forges.search(ROCKET, words), lambda _: page([]))
        assert len(asked) <= 4
        assert all(len(query(one)["search"]) <= 102 for one in asked)


class TestOverTheWire:
    def test_a_second_run_asks_nothing(self, tmp_path: Path):
        with GitLab(many(250)) as forge:
            runs = []
            for _ in range(2):
                with Client(cache=tmp_path) as client:
                    runs.append(client.run(forges.issues(at(forge), since=RELEASE, limit=300)))
            assert runs[0] == runs[1]
            assert len(forge.server.asked) == 3

    def test_a_later_run_moves_no_body(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(harvest, "KEEPS", 0.0)
        with GitLab(many(250)) as forge:
            runs = []
            for _ in range(2):
                with Client(cache=tmp_path) as client:
                    runs.append(client.run(forges.issues(at(forge), since=RELEASE, limit=300)))
            second = forge.server.asked[3:]
            assert runs[0] == runs[1]
            assert len(second) == 3
            assert all("if-none-match" in asked.headers for asked in second)
        with Client(cache=tmp_path, offline=True) as client:
            assert client.run(forges.issues(at(forge), since=RELEASE, limit=300)) == runs[0]

    @pytest.mark.parametrize(
        "refusal",
        [
            # gitlab.com
            Answer(
                status=429,
                headers={
                    "RateLimit-Limit": "500",
                    "RateLimit-Remaining": "0",
                    "RateLimit-Reset": "4102444800",
                    "Retry-After": "600",
                },
                body=b"Retry later\n",
                kind="text/plain",
            ),
            Answer(status=429, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "4102444800"}, kind="text/plain"),
            Answer(status=429, body=b'{"message":{"error":"This endpoint has been requested too many times. Try again later."}}'),
        ],
    )
    def test_limits(self, refusal: Answer):
        with (
            GitLab(many(3), before=lambda _: refusal) as forge,
            Client(cache=False, patience=1) as client,
            pytest.raises(RateLimited) as caught,
        ):
            client.run(forges.issues(at(forge)))
        assert len(forge.server.asked) == 1
        assert caught.value.until is not None

    def test_a_limit_in_the_middle_of_the_pages(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=429, headers={"Retry-After": "600"}) if asked.query.get("page") == "2" else None

        with GitLab(many(250), before=before) as forge, Client(cache=False, patience=1) as client:
            found = client.run(forges.issues(at(forge), limit=300))
        assert (len(found.issues), found.complete, found.left_out) == (100, False, 150)
        (gap,) = found.gaps
        assert (gap.reason, gap.hint) == ("rate-limited", f"open https://{forge.server.host}/{PATH}/-/issues by hand")
        assert gap.detail.startswith(f"only 100 issues of {PATH} were looked at")

    def test_a_crowded_window_whose_start_fails_keeps_the_newest(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=500) if "created_after" in asked.query else None

        with GitLab(many(900), before=before) as forge, Client(cache=False) as client:
            found = client.run(forges.issues(at(forge), since=RELEASE, limit=300))
        assert {issue.number for issue in found.issues} == set(range(801, 901))
        assert (found.left_out, [gap.reason for gap in found.gaps]) == (800, ["bad-response"])

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (Answer(status=401, body=b'{"message": "401 Unauthorized"}'), "401 Unauthorized"),
            (Answer(status=500), "status 500"),
            (Answer(body=b'[{"iid": 1', cut=5), "127.0.0.1"),
            (Answer(body=b'[{"iid": 1'), "broken"),
            (Answer(body=b"<html>", kind="text/html"), "instead of JSON"),
            (Answer(body=b"[]", after=3), "127.0.0.1"),
        ],
    )
    def test_slow_and_broken_answers(self, answer: Answer, says: str):
        with (
            GitLab([], before=lambda _: answer) as forge,
            Client(cache=False, timeout=0.2, deadline=2) as client,
            pytest.raises(UpstreamError, match=says),
        ):
            client.run(forges.issues(at(forge)))

    def test_an_expired_token_does_not_hide_what_is_public(self):
        def before(asked: Asked) -> Answer | None:
            return Answer(status=401, body=b'{"message": "401 Unauthorized"}') if "authorization" in asked.headers else None

        with GitLab(many(150), before=before) as forge, Client(cache=False, tokens={forge.server.host: "old"}) as client:
            found = client.run(forges.issues(at(forge)))
        assert len(found.issues) == 150
        (gap,) = found.gaps
        assert (gap.subject, gap.reason, gap.hint) == (forge.server.host, "access-refused", "renew the token, or unset it")
        assert ["authorization" in asked.headers for asked in forge.server.asked] == [True, False, False]

    def test_with_a_token_what_is_private(self):
        with GitLab(many(3), token="glpat-x") as forge:
            with Client(cache=False, tokens={forge.server.host: "glpat-x"}) as client:
                assert len(client.run(forges.issues(at(forge))).issues) == 3
            with Client(cache=False) as client:
                assert client.run(forges.issues(at(forge))).gaps[0].reason == "not-found"
