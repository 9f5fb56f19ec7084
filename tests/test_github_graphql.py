"""GitHub's GraphQL by feeding answers: what is asked, what is made of the answer, and that nothing in it does any harm."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.errors import AccessRefused, BadResponse, NotFound, Offline, RateLimited, UpstreamError
from lockblame.fields import FieldError
from lockblame.flow import Response
from lockblame.forges.github.allowance import RESERVE, Allowance
from lockblame.forges.github.graphql import KEEPS, ask, issue_from_node
from lockblame.forges.github.query import Portion, Question, cost, rendered, searched
from lockblame.forges.github.rest import api_of, graphql_of
from lockblame.forges.github.survey import AT_ONCE, BUDGET, FULL, LEADING, LIGHT, LIGHT_AT_ONCE, Survey, Wanted
from lockblame.forges.github.survey import RESERVE as POINTS
from lockblame.model import Repository
from lockblame.upstream import parse_repository
from tests.flows import feed, page

API = "https://api.github.com/graphql"
ROCKET = Repository(forge="github", host="github.com", path="acme/rocket")
SINCE = datetime(2023, 9, 1, tzinfo=UTC)
LIST = Question(kind="list", repository=ROCKET, portion=FULL, since=SINCE)
WORDS = Question(kind="words", repository=ROCKET, portion=FULL, words=("wait_time_seconds",))
NODE = {"number": 7, "title": "Slow", "repository": {"nameWithOwner": "acme/rocket"}}

texts = st.text(max_size=40)
words = st.lists(st.text(max_size=300), max_size=12)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "errors",
                    "q0",
                    "q1",
                    "issues",
                    "nodes",
                    "pageInfo",
                    "number",
                    "title",
                    "labels",
                    "repository",
                    "nameWithOwner",
                    "type",
                    "path",
                    "message",
                    "rateLimit",
                    "cost",
                    "totalCount",
                    "createdAt",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


class TestQuery:
    @given(st.lists(st.tuples(st.sampled_from(["list", "window", "words"]), texts, words, st.booleans()), min_size=1, max_size=4))
    @settings(max_examples=60)
    def test_nothing_from_outside_is_in_the_text(self, several: list[tuple[Any, str, list[str], bool]]):
        def render(path: str, found: list[str], kind: Any, dated: bool) -> Question:
            there = Repository(forge="github", host="github.com", path=path)
            return Question(kind=kind, repository=there, portion=FULL, since=SINCE if dated else None, words=tuple(found))

        hostile = rendered([render(path, found, kind, dated) for kind, path, found, dated in several])[0]
        plain = rendered([render("a/b", ["x"], kind, dated) for kind, _, _, dated in several])[0]
        assert hostile == plain

    @given(words)
    def test_a_search_holds_no_more_than_github_takes(self, found: list[str]):
        query = searched(Question(kind="words", repository=ROCKET, portion=FULL, words=tuple(found)))
        sent = query.removeprefix("repo:acme/rocket is:issue").strip()
        assert sent.count(" OR ") <= 5
        assert sent.count('"') % 2 == 0

    def test_a_window_begins_at_its_start(self):
        query = searched(Question(kind="window", repository=ROCKET, portion=FULL, since=SINCE, words=("rocket-engine",)))
        assert query == 'repo:acme/rocket is:issue created:>=2023-09-01T00:00:00Z sort:created-asc "rocket-engine"'

    def test_the_largest_batches_are_within_what_a_query_may_ask_for(self):
        pair = [LIST, WORDS]
        assert sum(one.nodes for one in pair) * AT_ONCE < 50_000
        light = [Question(kind=one.kind, repository=ROCKET, portion=LIGHT) for one in pair]  # type: ignore[arg-type]
        assert sum(one.nodes for one in light) * LIGHT_AT_ONCE < 50_000
        # the leading repositories in full, and a page more of each fourth of them
        assert LEADING * cost(pair) // 1 <= BUDGET
        assert POINTS < 1000

    def test_where_the_api_stands(self):
        there = Repository(forge="github", host="git.corp.example", path="a/b")
        assert graphql_of(ROCKET) == "https://api.github.com/graphql"
        assert graphql_of(there) == "https://git.corp.example/api/graphql"
        assert api_of(there) == "https://git.corp.example/api/v3"

    def test_an_enterprise_that_github_hosts_has_its_api_beside(self):
        there = parse_repository("https://octocorp.ghe.com/a/b")
        assert there == Repository(forge="github", host="octocorp.ghe.com", path="a/b")
        assert api_of(there) == "https://api.octocorp.ghe.com"
        assert graphql_of(there) == "https://api.octocorp.ghe.com/graphql"


def answered(data: Any = None, errors: Any = None, **headers: str) -> Response:
    document = {**({"data": data} if data is not None else {}), **({"errors": errors} if errors is not None else {})}
    return page(document, url=API, **headers)


def listed(*nodes: Any, total: int | None = None, **more: Any) -> dict[str, Any]:
    pages = {"totalCount": len(nodes) if total is None else total, "pageInfo": {"hasNextPage": False}, "nodes": list(nodes)}
    return {"nameWithOwner": "acme/rocket", "isArchived": False, "hasIssuesEnabled": True, "issues": pages, **more}


class TestAsk:
    def test_how_it_is_asked(self):
        _, (request,) = feed(ask(API, [LIST]), [answered({"q0": listed()})])
        assert request.url == API
        assert request.keeps == KEEPS
        assert request.retried
        assert json.loads(request.body or b"")["variables"]["owner0"] == "acme"
        _, (request,) = feed(ask(API, [LIST, WORDS]), [answered({"q0": listed(), "q1": {"issueCount": 0, "nodes": []}})])
        assert not request.retried, "what is too much is asked for in halves, not again"

    def test_the_same_question_has_the_same_body(self):
        bodies = [feed(ask(API, [LIST, WORDS]), lambda _: answered({}))[1][0].body for _ in range(2)]
        assert bodies[0] == bodies[1]

    def test_cost_is_read(self):
        batch, _ = feed(ask(API, [LIST]), [answered({"q0": listed(), "rateLimit": {"cost": 6, "remaining": 4000}})])
        assert (batch.cost, batch.remaining) == (6, 4000)

    @pytest.mark.parametrize(
        ("error", "kind", "says"),
        [
            ({"type": "NOT_FOUND", "message": "Could not resolve"}, NotFound, "Could not resolve"),
            ({"type": "FORBIDDEN", "message": "SAML"}, AccessRefused, "SAML"),
            ({"type": "RATE_LIMITED", "message": "x"}, RateLimited, "used up until 12:00 UTC"),
            ({"message": "You have exceeded a secondary rate limit"}, RateLimited, "used up"),
            ({"type": "SOMETHING", "message": "else\x1b[31m\n" + "y" * 999}, BadResponse, "else"),
            ({"extensions": {"code": "undefinedField"}, "message": "Field 'x'"}, BadResponse, "Field 'x'"),
            ({"message": 3}, BadResponse, "nothing"),
        ],
    )
    def test_trouble_of_one_alias(self, error: dict[str, Any], kind: type[UpstreamError], says: str):
        good = {"issueCount": 1, "pageInfo": {"hasNextPage": False}, "nodes": [NODE]}
        trouble = {**error, "path": ["q0"]}
        batch, _ = feed(ask(API, [LIST, WORDS]), [answered({"q0": None, "q1": good}, [trouble], x_ratelimit_reset="1693569600")])
        first, second = batch.told
        assert type(first.error) is kind
        assert says in str(first.error)
        assert len(str(first.error)) < 300
        assert "\x1b" not in str(first.error)
        assert (second.error, [issue.number for issue in second.issues]) == (None, [7])

    def test_a_null_without_a_word_is_not_there(self):
        batch, _ = feed(ask(API, [LIST]), [answered({"q0": None})])
        assert isinstance(batch.told[0].error, NotFound)

    def test_trouble_below_an_alias_costs_no_more_than_that(self):
        error = {"type": "FORBIDDEN", "message": "x", "path": ["q0", "issues", "nodes", 0, "closedByPullRequestsReferences"]}
        batch, _ = feed(ask(API, [LIST]), [answered({"q0": listed(NODE, None)}, [error])])
        assert batch.told[0].error is None
        assert [issue.number for issue in batch.told[0].issues] == [7]

    @pytest.mark.parametrize("error", [RateLimited("x", "y"), Offline("x", "y"), AccessRefused("x", "y")])
    def test_what_half_of_it_would_not_change_is_not_asked_in_halves(self, error: UpstreamError):
        batch, asked = feed(ask(API, [LIST, WORDS]), [error])
        assert len(asked) == 1
        assert {one.error for one in batch.told} == {error}

    def test_halves_once(self):
        batch, asked = feed(ask(API, [LIST] * 8), lambda _: BadResponse("x", "answered with status 502"))
        assert len(asked) == 3
        assert [type(one.error) for one in batch.told] == [BadResponse] * 8

    def test_one_half_may_come(self):
        good = answered({f"q{n}": listed(NODE) for n in range(2)})
        batch, _ = feed(ask(API, [LIST] * 4), [BadResponse("x", "too slow"), good, BadResponse("x", "too slow")])
        assert [one.error is None for one in batch.told] == [True, True, False, False]

    @given(anything)
    @settings(max_examples=80, deadline=None)
    def test_any_answer(self, document: Any):
        batch, _ = feed(ask(API, [LIST, WORDS]), lambda _: page(document, url=API))
        assert len(batch.told) == 2

    @pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"data": {"q0": ' + b"9" * 10_000 + b"}}", b"\xff"])
    def test_any_bytes(self, body: bytes):
        batch, _ = feed(ask(API, [LIST]), lambda _: page(body, url=API))
        assert isinstance(batch.told[0].error, BadResponse)

    def test_what_is_no_issue_is_counted(self):
        nodes = [NODE, {}, None, {"number": 0}, 3, {**NODE, "repository": {"nameWithOwner": "x\ud800"}}]
        batch, _ = feed(ask(API, [LIST]), [answered({"q0": listed(*nodes)})])
        (told,) = batch.told
        assert (len(told.issues), told.broken) == (1, 3)
        assert told.first_fault == "data.q0.nodes[3].number: is no issue number"


class TestNode:
    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"number": None}, "number"),
            ({"number": -1}, "number"),
            ({"title": None}, "title"),
            ({"repository": None}, "repository.nameWithOwner"),
            ({"createdAt": "yesterday"}, "createdAt"),
            ({"comments": {"totalCount": "x"}}, "comments.totalCount"),
            ({"labels": {"nodes": 3}}, "labels.nodes"),
            ({"milestone": 3, "closedByPullRequestsReferences": {"nodes": [{"number": 1, "merged": True}]}}, "milestone"),
        ],
    )
    def test_what_is_none_is_told_with_its_place(self, change: dict[str, Any], place: str):
        with pytest.raises(FieldError, match=f"^n.{place}"):
            issue_from_node({**NODE, **change}, "n")

    def test_a_fix_in_another_repository(self):
        closer = {"number": 3, "merged": True, "mergedAt": "2023-09-19T09:00:00Z", "repository": {"nameWithOwner": "acme/wings"}}
        issue = issue_from_node({**NODE, "closedByPullRequestsReferences": {"nodes": [{"number": 2}, closer]}})
        assert issue.fixed_by == "pull request 3 of acme/wings, merged 2023-09-19"

    def test_text_is_bounded(self):
        comments = {"totalCount": 1, "nodes": [{"body": "c" * 1_000_000}]}
        issue = issue_from_node({**NODE, "title": "t" * 10_000, "body": "b" * 1_000_000, "comments": comments, "state": "S" * 99})
        assert (len(issue.title), len(issue.body), len(issue.discussion[0]), len(issue.state)) == (1000, 70_000, 70_000, 20)


class TestSurvey:
    def test_batches_are_even(self):
        wanted = [Wanted(repository=Repository(forge="github", host="x", path=f"a/b{n}")) for n in range(AT_ONCE + 1)]
        tasks = Survey(API, "x", wanted, ()).tasks()
        assert [name for name, _, _ in tasks] == ["5 repositories", "4 repositories"]

    def test_what_a_flow_did_not_return_is_the_trouble_of_all_in_it(self):
        survey = Survey(API, "x", [Wanted(repository=ROCKET)], ("word",))
        survey.tasks()
        error = BadResponse("x", "no answer in time")
        survey.take([error])
        assert survey.tasks() == []
        assert survey.results() == {ROCKET: error}

    def test_pages_that_never_end_do(self):
        endless = {
            **listed(total=10**9),
            "issues": {"totalCount": 10**9, "pageInfo": {"hasNextPage": True, "endCursor": "c"}, "nodes": []},
        }
        survey, rounds = Survey(API, "x", [Wanted(repository=ROCKET)], ()), 0
        while tasks := survey.tasks():
            survey.take([feed(flow, lambda _: answered({"q0": endless}))[0] for _, _, flow in tasks])
            rounds += 1
        assert rounds <= 4

    def test_forty_crowded_repositories_take_no_more_than_twelve_requests(self):
        wanted = [Wanted(repository=replace(ROCKET, path=f"acme/part-{n}"), since=SINCE) for n in range(40)]
        survey, requests, points = Survey(API, "x", wanted, ("word",)), 0, 0
        numbers = count(1)

        def answer(request: Any) -> Response:
            text, variables = json.loads(request.body)["query"], json.loads(request.body)["variables"]
            data = {}
            for alias, owner in re.findall(r"(q\d+): (?:repository|search)\((?:owner: \$(\w+))?", text):
                number = alias.removeprefix("q")
                path = f"acme/{variables[f'name{number}']}" if owner else variables[f"query{number}"].split()[0][5:]
                nodes = [{**NODE, "number": next(numbers), "repository": {"nameWithOwner": path}} for _ in range(100)]
                pages = {
                    "issueCount": 900,
                    "totalCount": 900,
                    "pageInfo": {"hasNextPage": True, "endCursor": "c"},
                    "nodes": nodes,
                }
                data[alias] = {"nameWithOwner": path, "issues": pages} if owner else pages
            return answered(data)

        while tasks := survey.tasks():
            requests += len(tasks)
            batches = [feed(flow, answer)[0] for _, _, flow in tasks]
            points += sum(cost([told.question for told in batch.told]) for batch in batches)
            survey.take(batches)
        assert requests <= 12
        assert points <= BUDGET
        # 300 of the window, and the hits of the words
        assert {len(found.issues) for found in survey.results().values() if not isinstance(found, UpstreamError)} == {400}

    def test_two_names_of_one_repository(self):
        """Both packages were moved to the same place: each name has its answer."""
        old = Repository(forge="github", host="github.com", path="acme/old")
        survey = Survey(API, "x", [Wanted(repository=ROCKET), Wanted(repository=old)], ("w",))
        hit = {"issueCount": 1, "nodes": [NODE]}

        def answer(request: Any) -> Response:
            count = len([name for name in json.loads(request.body)["variables"] if name.startswith(("owner", "query"))])
            return answered(
                {f"q{n}": hit if f'"query{n}"'.encode() in (request.body or b"") else listed(NODE) for n in range(count)}
            )

        while tasks := survey.tasks():
            survey.take([feed(flow, answer)[0] for _, _, flow in tasks])
        results = survey.results()
        assert set(results) == {ROCKET, old}


class TestAllowance:
    def test_stops_before_the_end(self):
        allowance = Allowance()
        taken, left = 0, 10
        while allowance.take("core"):
            left -= 1
            allowance.heard("core", page([], x_ratelimit_remaining=str(left)))
            taken += 1
        assert left == RESERVE["core"]
        assert allowance.take("search"), "which is counted by itself"

    def test_what_is_under_way_counts(self):
        allowance = Allowance()
        allowance.take("core")
        allowance.heard("core", page([], x_ratelimit_remaining="8"))
        assert [allowance.take("core") for _ in range(4)] == [True, True, True, False]

    def test_answers_may_overtake_each_other(self):
        allowance = Allowance()
        for left in ("3", "7"):
            allowance.take("core")
            allowance.heard("core", page([], x_ratelimit_remaining=left))
        assert not allowance.take("core")

    @pytest.mark.parametrize("told", ["", "x", "-1", "9" * 30])
    def test_nonsense_says_nothing(self, told: str):
        allowance = Allowance()
        allowance.take("core")
        allowance.heard("core", page([], x_ratelimit_remaining=told))
        assert allowance.take("core")

    def test_no_answer_frees_the_place(self):
        allowance = Allowance()
        allowance.take("search")
        allowance.heard("search", page([], x_ratelimit_remaining="3"))
        allowance.take("search")
        allowance.heard("search", None)
        assert allowance.take("search")


def test_a_light_portion_is_light():
    assert cost([Question(kind="list", repository=ROCKET, portion=LIGHT)]) < cost([LIST])
    assert Portion(issues=1, hits=1, comments=1) != LIGHT
