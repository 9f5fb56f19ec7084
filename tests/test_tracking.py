"""How forges are asked for a whole delta: with a token, without one, and what is said where something was left out."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lockblame.api.asking.evidence import Knowledge, belonging
from lockblame.api.asking.tracking import _limited, _narrowing, _refused, with_issues
from lockblame.client import Client
from lockblame.client.answers import FORGE_AT_ONCE
from lockblame.errors import AccessRefused, RateLimited
from lockblame.model import Change, Gap, Issue, Pin, Release, Repository, Source
from lockblame.report import render
from lockblame.symptom import analyze
from tests.servers.github import GitHub, record
from tests.servers.loopback import Answer, Asked
from tests.test_blaming import World

RELEASE = datetime(2023, 9, 1, tzinfo=UTC)
SYMPTOM = analyze("wait_time_seconds is ignored: SlowPollError")
TOKEN = "ghp_s3cret"


def many(count: int, repository: str, *, first: int = 1) -> list[dict[str, Any]]:
    """Issues one hour apart from the release on."""
    return [
        record(first + n, created=(RELEASE + timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M:%SZ"), repository=repository)
        for n in range(count)
    ]


def changed(name: str) -> Change:
    def pin(version: str) -> Pin:
        return Pin(name=name, version=version, source=Source(kind="registry"))

    return Change(name=name, before=pin("1.0"), after=pin("1.1"), kind="upgraded", step="minor")


def asked(forge: GitHub, packages: dict[str, str], *, token: str | None = TOKEN, times: int = 1, **more: Any) -> Knowledge:
    """What `with_issues` finds; `packages` goes from names to paths of repositories."""
    known = Knowledge(
        releases={name: (Release(name=name, version="1.1", uploaded=RELEASE),) for name in packages},
        repositories={name: Repository(forge="github", host=forge.server.host, path=path) for name, path in packages.items()},
    )
    options = {"cache": False, "patience": 1, "deadline": 20, **more}
    found = known
    for _ in range(times):
        with Client(tokens={forge.server.host: token} if token else {}, **options) as client:
            found = with_issues(known, [changed(name) for name in packages], SYMPTOM, client)
    return found


def seen(forge: GitHub) -> list[str]:
    return [one.path for one in forge.server.asked]


def numbers(found: Knowledge, repository: str = "acme/rocket") -> list[int]:
    return sorted(issue.number for issue in found.issues if issue.repository == repository)


def only(found: Knowledge) -> Gap:
    (gap,) = found.gaps
    return gap


class TestWithToken:
    def test_many_repositories_in_few_requests(self):
        others = {f"acme/part-{n}": many(3, f"acme/part-{n}") for n in range(40)}
        with GitHub([], others=others) as forge:
            found = asked(forge, {f"part-{n}": f"acme/part-{n}" for n in range(40)})
        assert len(found.issues) == 120
        assert found.gaps == ()
        assert seen(forge) == ["/api/graphql"] * 5

    def test_everything_that_graphql_tells(self):
        issue = record(
            7,
            created="2023-09-04T16:09:02Z",
            updated="2023-09-20T00:00:00Z",
            closed_at="2023-09-19T10:00:00Z",
            state="closed",
            title="Slow",
            body="`five` a minute",
            comments=12,
            labels=[{"name": "bug"}, "sqs"],
            reactions={"total_count": 3},
            discussion=["me too", "since 1.1", "third", "fourth"],
            closers=[
                {"number": 8, "merged": False},
                {"number": 9, "merged": True, "mergedAt": "2023-09-19T09:59:00Z", "milestone": {"title": "1.2"}},
            ],
        )
        with GitHub([issue]) as forge:
            found = asked(forge, {"rocket": "acme/rocket"})
        assert found.issues == (
            Issue(
                repository="acme/rocket",
                number=7,
                title="Slow",
                body="`five` a minute",
                state="closed",
                created_at=datetime(2023, 9, 4, 16, 9, 2, tzinfo=UTC),
                updated_at=datetime(2023, 9, 20, tzinfo=UTC),
                closed_at=datetime(2023, 9, 19, 10, tzinfo=UTC),
                labels=("bug", "sqs"),
                comments=12,
                discussion=("me too", "since 1.1", "third"),
                reactions=3,
                url="https://github.com/acme/rocket/issues/7",
                fixed_by="pull request 9, merged 2023-09-19, milestone 1.2",
            ),
        )

    def test_old_issues_with_the_rare_words_are_found_in_the_same_request(self):
        old = record(5, created="2019-01-01T00:00:00Z", body="wait_time_seconds has no effect")
        other = record(6, created="2019-01-01T00:00:00Z", body="nothing of the kind")
        with GitHub([old, other]) as forge:
            found = asked(forge, {"rocket": "acme/rocket"})
        assert numbers(found) == [5]
        assert seen(forge) == ["/api/graphql"]

    def test_a_window_that_fits_is_read_to_its_end(self):
        with GitHub(many(250, "acme/rocket")) as forge:
            found = asked(forge, {"rocket": "acme/rocket"})
        assert numbers(found) == list(range(1, 251))
        assert found.gaps == ()
        assert len(forge.server.asked) == 3

    def test_of_a_crowded_window_the_beginning_and_the_end(self):
        with GitHub(many(900, "acme/rocket")) as forge:
            found = asked(forge, {"rocket": "acme/rocket"})
        assert numbers(found) == [*range(1, 201), *range(801, 901)]
        assert (only(found).reason, only(found).subject) == ("left-out", "acme/rocket")
        assert "at least 600 of its issues" in only(found).detail
        assert len(forge.server.asked) == 3

    def test_the_pages_of_several_repositories_travel_together(self):
        others = {f"acme/part-{n}": many(150, f"acme/part-{n}") for n in range(8)}
        with GitHub([], others=others) as forge:
            found = asked(forge, {f"part-{n}": f"acme/part-{n}" for n in range(8)})
        assert len(found.issues) == 8 * 150
        assert len(forge.server.asked) == 2

    def test_a_renamed_repository_tells_its_new_name_and_is_searched_under_it(self):
        old = record(5, created="2019-01-01T00:00:00Z", body="wait_time_seconds has no effect")
        with GitHub([old, *many(2, "acme/rocket", first=10)]) as forge:
            forge.renamed["acme/old"] = "acme/rocket"
            found = asked(forge, {"rocket": "acme/old"})
        assert found.repositories["rocket"].path == "acme/rocket"
        assert numbers(found) == [5, 10, 11]
        assert found.gaps == ()

    def test_an_archived_repository_is_said_to_be_one(self):
        with GitHub(many(2, "acme/rocket")) as forge:
            forge.archived.add("acme/rocket")
            found = asked(forge, {"rocket": "acme/rocket"})
        assert numbers(found) == [1, 2]
        assert (only(found).subject, only(found).reason) == ("acme/rocket", "archived-repository")

    def test_a_repository_without_issues_says_where_to_look(self):
        with GitHub([]) as forge:
            forge.disabled.add("acme/rocket")
            found = asked(forge, {"rocket": "acme/rocket"})
        assert only(found).reason == "issues-disabled"
        assert f"{forge.server.host}/acme/rocket/discussions" in (only(found).hint or "")

    def test_what_is_not_there_costs_the_others_nothing(self):
        with GitHub(many(2, "acme/rocket")) as forge:
            found = asked(forge, {"rocket": "acme/rocket", "ghost": "acme/ghost"})
        assert numbers(found) == [1, 2]
        assert (only(found).subject, only(found).reason) == ("acme/ghost", "not-found")

    def test_what_this_token_may_not_see_is_asked_for_without_it(self):
        with GitHub(many(2, "acme/rocket"), others={"acme/part": many(1, "acme/part")}) as forge:
            forge.forbidden.add("acme/rocket")
            found = asked(forge, {"rocket": "acme/rocket", "part": "acme/part"})
        assert len(found.issues) == 3
        assert found.gaps == ()
        assert {"authorization" in one.headers for one in forge.server.asked if one.path != "/api/graphql"} == {False}

    def test_a_private_one_that_this_token_may_not_see_says_why(self):
        def hidden(one: Asked) -> Answer | None:
            return None if one.path == "/api/graphql" or "authorization" in one.headers else Answer(status=404)

        with GitHub(many(2, "acme/rocket"), before=hidden) as forge:
            forge.forbidden.add("acme/rocket")
            found = asked(forge, {"rocket": "acme/rocket"})
        assert (only(found).subject, only(found).reason) == ("acme/rocket", "access-refused")
        assert "SAML" in only(found).detail
        assert "TOKEN" in (only(found).hint or "")

    def test_a_refused_token_is_said_to_be_one_and_what_is_public_is_read(self):
        with GitHub(many(2, "acme/rocket")) as forge:
            forge.refused.add(TOKEN)
            found = asked(forge, {"rocket": "acme/rocket"})
        assert numbers(found) == [1, 2]
        assert (only(found).subject, only(found).reason) == (forge.server.host, "access-refused")
        assert "was refused" in only(found).detail
        assert TOKEN not in str(found.gaps)

    def test_names_and_words_travel_as_variables(self):
        evil = 'acme/x") { id } evil: viewer { login } #'
        with GitHub([]) as forge:
            asked(forge, {"evil": evil, "rocket": "acme/rocket"})
        queries = [json.loads(one.body) for one in forge.server.asked if one.path == "/api/graphql"]
        assert all("evil" not in one["query"] and "wait_time_seconds" not in one["query"] for one in queries)
        assert any("wait_time_seconds" in str(one["variables"]) for one in queries)

    def test_a_second_run_asks_nothing(self, tmp_path):
        with GitHub(many(150, "acme/rocket")) as forge:
            first = asked(forge, {"rocket": "acme/rocket"}, cache=tmp_path)
            before = len(forge.server.asked)
            second = asked(forge, {"rocket": "acme/rocket"}, cache=tmp_path)
        assert second == first
        assert len(forge.server.asked) == before == 2


class TestTrouble:
    def test_a_batch_that_is_too_much_is_halved(self):
        """Two of eight repositories make any query with them fail, as a busy one does that takes longer than ten seconds."""

        def before(one: Asked) -> Answer | None:
            if one.path != "/api/graphql":
                return None
            return Answer(status=502, body=b"<html>", kind="text/html") if one.body.count(b'"owner') > 4 else None

        others = {f"acme/part-{n}": many(3, f"acme/part-{n}") for n in range(8)}
        with GitHub([], others=others, before=before) as forge:
            found = asked(forge, {f"part-{n}": f"acme/part-{n}" for n in range(8)})
        assert len(found.issues) == 24
        assert found.gaps == ()
        assert seen(forge) == ["/api/graphql"] * 3

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(status=504),
            Answer(status=500),
            Answer(body=b"{half"),
            Answer(body=b"[]"),
            Answer(body=b'{"data": 3}'),
            Answer(body=b'{"errors": [{"message": "Field x doesn\'t exist on type Issue"}]}'),
            Answer(body=b'{"data": null, "errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "path": ["q0"], "message": "x"}]}'),
            Answer(body=b'{"data": {"q0": {"issues": {"nodes": 3}}}}'),
            Answer(body=b"<html>", kind="text/html"),
            Answer(status=404),
        ],
        ids=str,
    )
    def test_where_graphql_fails_rest_answers(self, answer: Answer):
        def before(one: Asked) -> Answer | None:
            return answer if one.path == "/api/graphql" else None

        with GitHub(many(2, "acme/rocket"), others={"acme/part": many(1, "acme/part")}, before=before) as forge:
            found = asked(forge, {"rocket": "acme/rocket", "part": "acme/part"})
        assert len(found.issues) == 3
        assert found.gaps == ()
        assert {"authorization" in one.headers for one in forge.server.asked} == {True}

    def test_an_older_server_whose_schema_lacks_fields_is_asked_by_rest(self):
        others = {f"acme/part-{n}": many(2, f"acme/part-{n}") for n in range(8)}
        with GitHub([], others=others) as forge:
            forge.lacks = frozenset({"closedByPullRequestsReferences", "hasDiscussionsEnabled"})
            found = asked(forge, {f"part-{n}": f"acme/part-{n}" for n in range(8)})
        assert len(found.issues) == 16
        assert found.gaps == ()
        # that the query is none there is found out once, and REST has the token too
        assert seen(forge).count("/api/graphql") == 1
        assert {"authorization" in one.headers for one in forge.server.asked} == {True}

    def test_a_limit_of_nodes_is_met_by_halves(self):
        others = {f"acme/part-{n}": many(2, f"acme/part-{n}") for n in range(8)}
        with GitHub([], others=others) as forge:
            forge.nodes = 25_000
            found = asked(forge, {f"part-{n}": f"acme/part-{n}" for n in range(8)})
        assert len(found.issues) == 16
        assert seen(forge) == ["/api/graphql"] * 3

    @pytest.mark.parametrize(
        "refusal",
        [
            Answer(status=403, headers={"Retry-After": "600"}, body=b'{"message": "You have exceeded a secondary rate limit."}'),
            Answer(status=429, headers={"Retry-After": "600"}),
            Answer(status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}),
            Answer(
                body=b'{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}',
                headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"},
            ),
            Answer(
                body=b'{"data": null, "errors": [{"message": "You have exceeded a secondary rate limit."}]}',
                headers={"Retry-After": "600", "X-RateLimit-Remaining": "4500", "X-RateLimit-Reset": "4102444800"},
            ),
            Answer(body=b'{"errors": [{"message": "You have exceeded a secondary rate limit."}]}'),
        ],
        ids=str,
    )
    def test_a_limit_is_one_gap(self, refusal: Answer):
        others = {f"acme/part-{n}": many(1, f"acme/part-{n}") for n in range(20)}
        with GitHub([], others=others, before=lambda _: refusal) as forge:
            found = asked(forge, {f"part-{n}": f"acme/part-{n}" for n in range(20)})
        gap = only(found)
        assert (gap.subject, gap.reason) == (forge.server.host, "rate-limited")
        assert "20 repositories were not looked at" in gap.detail
        assert "TOKEN" not in (gap.hint or "")
        assert len(forge.server.asked) <= 4

    def test_a_pause_that_graphql_asks_for_is_made_in_full(self):
        body = b'{"errors": [{"type": "RATE_LIMITED", "message": "You have exceeded a secondary rate limit."}]}'
        moments: list[float] = []

        def before(_: Asked) -> Answer | None:
            moments.append(time.monotonic())
            return Answer(body=body, headers={"Retry-After": "1"}) if len(moments) == 1 else None

        with GitHub(many(2, "acme/rocket"), before=before) as forge:
            found = asked(forge, {"rocket": "acme/rocket"}, patience=5)
        assert (numbers(found), found.gaps) == ([1, 2], ())
        assert moments[1] - moments[0] >= 1.0

    def test_a_limited_answer_is_not_kept(self, tmp_path):
        with GitHub(many(2, "acme/rocket"), grants={"graphql": 0}) as forge:
            assert asked(forge, {"rocket": "acme/rocket"}, cache=tmp_path).issues == ()
            forge.grants["graphql"] = 5000
            assert numbers(asked(forge, {"rocket": "acme/rocket"}, cache=tmp_path)) == [1, 2]

    def test_a_page_that_fails_keeps_the_former_ones(self):
        def before(one: Asked) -> Answer | None:
            return Answer(status=500) if b'"after' in one.body else None

        with GitHub(many(250, "acme/rocket"), before=before) as forge:
            found = asked(forge, {"rocket": "acme/rocket"})
        assert numbers(found) == list(range(151, 251))
        assert {gap.reason for gap in found.gaps} == {"bad-response", "left-out"}

    def test_few_points_left_are_not_all_spent(self):
        others = {f"acme/part-{n}": many(120, f"acme/part-{n}") for n in range(8)}
        with GitHub([], others=others, grants={"graphql": 130}) as forge:
            found = asked(forge, {f"part-{n}": f"acme/part-{n}" for n in range(8)})
        assert len(forge.server.asked) == 1
        assert {gap.reason for gap in found.gaps} == {"left-out"}
        assert len(found.issues) == 800

    def test_a_large_delta_stays_within_the_budget(self):
        others = {f"acme/part-{n}": [] for n in range(300)}
        with GitHub([], others=others, grants={"graphql": 5000}) as forge:
            found = asked(forge, {f"part-{n}": f"acme/part-{n}" for n in range(300)})
        assert 5000 - forge.grants["graphql"] <= 720
        assert only(found).subject == forge.server.host
        assert only(found).reason == "left-out"
        assert len(forge.server.asked) < 25


class TestWithoutToken:
    def test_within_what_is_granted_and_the_most_suspicious_first(self):
        packages = {f"part-{n:02}": f"acme/part-{n:02}" for n in range(40)}
        others = {path: many(1, path) for path in packages.values()}
        with GitHub([], others=others, grants={"core": 30, "search": 10}) as forge:
            found = asked(forge, packages, token=None)
            left = dict(forge.grants)
        gap = only(found)
        assert left["core"] >= 5
        assert left["search"] >= 1
        assert (gap.subject, gap.reason) == (forge.server.host, "rate-limited")
        assert "repositories were not looked at" in gap.detail
        assert "only in part" in gap.detail
        assert f"GH_HOST={forge.server.host}" in (gap.hint or "")
        assert {issue.repository for issue in found.issues} == set(sorted(others)[: len(found.issues)])
        assert len(found.issues) >= 20

    def test_nothing_is_said_where_nothing_was_left_out(self):
        with GitHub(many(2, "acme/rocket"), grants={"core": 60, "search": 10}) as forge:
            found = asked(forge, {"rocket": "acme/rocket"}, token=None)
        assert numbers(found) == [1, 2]
        assert found.gaps == ()

    def test_a_limit_that_is_used_up_says_until_when(self):
        packages = {f"part-{n:02}": f"acme/part-{n:02}" for n in range(60)}
        with GitHub([], others={path: [] for path in packages.values()}, grants={"core": 0}) as forge:
            found = asked(forge, packages, token=None)
        assert "60 repositories were not looked at" in only(found).detail
        assert "(until 20" in only(found).detail
        # who asks on when nothing is left gets less the next time
        assert len(forge.server.asked) <= FORGE_AT_ONCE

    def test_the_last_of_what_is_granted_goes_to_the_most_suspicious(self):
        packages = {f"part-{n:02}": f"acme/part-{n:02}" for n in range(30)}
        with GitHub([], others={path: many(1, path) for path in packages.values()}, grants={"core": 8, "search": 0}) as forge:
            found = asked(forge, packages, token=None)
            first = sorted(path for path in seen(forge) if path.endswith("/issues") and "/repos/" in path)
        assert {issue.repository for issue in found.issues} == {f"acme/part-{n:02}" for n in range(len(first))}
        assert len(first) <= 8

    def test_a_moved_repository_and_one_without_issues(self):
        with GitHub(many(2, "acme/rocket"), others={"acme/quiet": []}) as forge:
            forge.renamed["acme/old"] = "acme/rocket"
            forge.disabled.add("acme/quiet")
            found = asked(forge, {"rocket": "acme/old", "quiet": "acme/quiet"}, token=None)
        assert found.repositories["rocket"].path == "acme/rocket"
        assert (only(found).subject, only(found).reason) == ("acme/quiet", "issues-disabled")


class TestWords:
    """What the gaps of a whole host say."""

    ROCKET = Repository(forge="github", host="github.com", path="acme/rocket")

    def test_without_a_token(self):
        gap = _limited("api.github.com", {self.ROCKET: RateLimited("x", "y", until=1693569600.0)}, 2, authorized=False)
        assert gap.detail == (
            "1 repository was not looked at and 2 repositories were only in part, because api.github.com answers few requests "
            "without a token (until 2023-09-01 12:00 UTC)"
        )
        assert (gap.hint or "").startswith("set GITHUB_TOKEN; ")

    def test_with_one(self):
        gap = _limited("api.github.com", {self.ROCKET: RateLimited("x", "its points are used up")}, 0, authorized=True)
        assert gap.detail == "1 repository was not looked at, because its points are used up"

    def test_refused(self):
        gap = _refused(self.ROCKET, AccessRefused("x", "y"))
        assert gap.subject == "api.github.com"
        assert gap.hint == "renew the token in GITHUB_TOKEN, or unset it"


class TestShared:
    """Repositories of several packages."""

    HOME = Repository(forge="github", host="github.com", path="acme/sdk-for-python")

    def _of(self, name: str, *issues: Issue, home: Repository = HOME, others: tuple[str, ...] = ()) -> list[int]:
        known = Knowledge(issues=issues, repositories=dict.fromkeys((name, *others), home))
        return [issue.number for issue in belonging(known)[name]]

    def _issue(self, number: int, title: str = "it fails", *labels: str, home: Repository = HOME) -> Issue:
        return Issue(repository=home.path, number=number, title=title, labels=labels)

    @pytest.mark.parametrize(
        ("title", "labels"),
        [
            ("it fails", ("pkg: acme-core",)),
            ("it fails", ("acme-core", "bug")),
            ("it fails", ("area: core",)),
            ("it fails", ("provider:core",)),
            ("[acme-core] it fails", ()),
            ("acme-core: it fails", ()),
            ("Acme_Core: it fails", ()),
        ],
    )
    def test_what_names_another_package_is_its(self, title: str, labels: tuple[str, ...]):
        issue = self._issue(1, title, *labels)
        assert self._of("acme-storage", issue, others=("acme-core",)) == []
        assert self._of("acme-core", issue, others=("acme-storage",)) == [1]

    @pytest.mark.parametrize("label", ["pkg: acme-identity", "acme-identity", "package/identity", "area: provider-google"])
    def test_also_a_package_that_nobody_changed(self, label: str):
        assert self._of("acme-storage", self._issue(1, "it fails", label)) == []

    @pytest.mark.parametrize(
        ("title", "labels"),
        [
            ("acme-storage fails with acme-core", ("bug",)),
            ("it fails", ("area: performance", "acme-storage", "priority: high")),
            ("[acme-core] breaks acme-storage", ("pkg: acme-storage",)),
            ("it fails", ("Storage", "pkg: acme-core")),
            ("TypeError: it fails", ()),
            ("", ("",)),
        ],
    )
    def test_what_may_be_its_own_stays(self, title: str, labels: tuple[str, ...]):
        assert self._of("acme-storage", self._issue(1, title, *labels), others=("acme-core",)) == [1]

    @pytest.mark.parametrize(
        ("title", "body", "mine"),
        [
            ("[Storage] it fails", "", "acme-storage-blob"),
            ("Storage: it fails", "", "acme-storage-blob"),
            ("it fails", "since acme-storage-blob 1.1", "acme-storage-blob"),
            ("it fails", "acme_core==1.1", "acme-core"),
            ("it fails", "from acme.storage.blob.aio import BlobClient", "acme-storage-blob"),
            ("it fails", "acme_core-1.1-py3-none-any.whl", "acme-core"),
        ],
    )
    def test_what_is_spoken_of_is_meant(self, title: str, body: str, mine: str):
        issue = replace(self._issue(1, title), body=body)
        packages = ("acme-core", "acme-identity", "acme-storage-blob")
        told = {name: self._of(name, issue, others=tuple(one for one in packages if one != name)) for name in packages}
        assert told == {name: [1] if name == mine else [] for name in packages}

    @pytest.mark.parametrize(
        "body", ["acme-core-http 1.1", "acme-corel", "my-acme-core", "", "acme", "acme-core and acme-storage"]
    )
    def test_what_speaks_of_none_or_of_all_may_be_any_one_s(self, body: str):
        issue = replace(self._issue(1), body=body)
        assert self._of("acme-storage", issue, others=("acme-core",)) == [1]

    def test_a_name_that_begins_another_may_mean_that(self):
        issue = replace(self._issue(1), body="with acme 1.1")
        assert self._of("acme-openai", issue, others=("acme",)) == [1]
        home = Repository(forge="github", host="github.com", path="acme/acme")
        core = replace(self._issue(2, home=home), body="acme_core.validate")
        assert self._of("acme", core, home=home, others=("acme-core",)) == [2]

    def test_a_long_text_is_read_in_no_time(self):
        body = "acme-" * 20_000 + "a" * 100_000 + "." * 100_000
        began = time.monotonic()
        for number in range(20):
            self._of("acme-storage", replace(self._issue(number), body=body), others=("acme-core",))
        assert time.monotonic() - began < 5

    def test_a_repository_of_one_package_keeps_all(self):
        home = Repository(forge="github", host="github.com", path="acme/acme-storage")
        issues = (self._issue(1, "[acme-core] it fails", "pkg: acme-core", home=home),)
        assert self._of("acme-storage", *issues, home=home) == [1]

    @pytest.mark.parametrize(
        ("path", "names", "narrowed"),
        [
            ("acme/sdk-for-python", ["acme-storage"], True),
            ("acme/rocket", ["rocket-engine", "rocket-tank"], True),
            ("acme/rocket", ["acme-rocket"], False),
            ("acme/rocket", ["rocket"], False),
            ("grpc/grpc", ["grpcio"], False),
        ],
    )
    def test_which_windows_are_narrowed(self, path: str, names: list[str], narrowed: bool):
        assert bool(_narrowing(Repository(forge="github", host="github.com", path=path), names)) is narrowed

    def test_a_crowded_window_is_narrowed_by_the_names(self):
        records = many(400, "acme/rocket")
        for number, one in enumerate(records):
            one["title"] = "rocket-engine fails" if number % 2 else "wings fail"
        packages = {"rocket-engine": "acme/rocket", "rocket-tank": "acme/rocket"}
        with GitHub(records) as forge:
            found = asked(forge, packages)
        first = [issue for issue in found.issues if issue.number <= 300]
        assert first
        assert {issue.title for issue in first} == {"rocket-engine fails"}


class TestReport:
    def test_a_bundle_makes_the_same_report_with_what_only_graphql_tells(self, tmp_path):
        with ExitStack() as stack:
            world = World(tmp_path, stack)
            culprit = next(one for one in world.forge.records if one["number"] == 1783)
            culprit["discussion"] = ["same here since 5.3.2"]
            culprit["closers"] = [{"number": 1807, "merged": True, "mergedAt": "2023-10-20T09:00:00Z"}]
            with Client(tokens={world.forge.server.host: TOKEN}, cache=False, deadline=20) as client:
                online = world.blame(client=client, save_evidence=tmp_path / "kept")
            offline = world.blame(evidence=tmp_path / "kept")
        assert online.issues[0].issue.fixed_by == "pull request 1807, merged 2023-10-20"
        assert online.issues[0].issue.discussion == ("same here since 5.3.2",)
        for style in ("text", "markdown", "json"):
            assert render(online, style) == render(offline, style)
        assert "by pull request 1807, merged 2023-10-20" in render(online, "text").replace("\n   ", " ")
        assert not [path for path in (tmp_path / "kept").iterdir() if TOKEN in path.read_text()]
