"""The GitHub stand-in and what we ask of GitHub, held against what GitHub publishes and against a client that others wrote.

What needs the published descriptions (npm: @octokit/graphql-schema, @octokit/openapi) is marked `online`; nothing of them stays.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from graphql import build_schema, parse, validate
from graphql.utilities import find_breaking_changes

from lockblame.client import Client
from lockblame.forges import github
from lockblame.forges.github.query import Question, rendered
from lockblame.forges.github.survey import FULL, LIGHT
from lockblame.model import Repository
from tests.servers.github import GitHub, reactions, record
from tests.servers.graphql import SCHEMA
from tests.servers.loopback import Asked

ROCKET = Repository(forge="github", host="github.com", path="acme/rocket")
SINCE = datetime(2023, 9, 1, tzinfo=UTC)
QUESTIONS = [
    Question(kind=kind, repository=ROCKET, portion=portion, since=since, words=words, after=after)  # type: ignore[arg-type]
    for kind in ("list", "window", "words")
    for portion in (FULL, LIGHT)
    for since in (None, SINCE)
    for words in ((), ("a", "b"))
    for after in (None, "cursor:100")
]


def issues() -> list[dict[str, object]]:
    plain = [record(n, created=f"2023-09-01T{n % 24:02}:00:00Z", body="long poll" if n % 2 else None) for n in range(1, 121)]
    rich = record(
        121,
        created="2023-09-04T16:09:02Z",
        updated="2023-09-20T00:00:00Z",
        closed_at="2023-09-19T10:00:00Z",
        state="closed",
        state_reason="completed",
        title="It waits",
        comments=2,
        labels=[{"id": 2, "name": "Category: SQS"}],
        reactions=reactions("https://api.github.com/repos/acme/rocket/issues/121", 3),
        discussion=["me too", "since 5.3.2"],
        closers=[{"number": 122, "merged": True, "mergedAt": "2023-09-19T09:00:00Z"}],
    )
    return [*plain, rich]


class TestAnotherClient:
    """PyGithub, which we did not write, reads from the stand-in what we read from it."""

    @pytest.fixture
    def forge(self):
        with GitHub(issues()) as forge:
            yield forge

    @pytest.fixture
    def other(self, forge):
        from github import Auth, Github

        with Github(
            auth=Auth.Token("ghp_s3cret"), base_url=f"{forge.server.url}/api/v3", per_page=100, retry=None, lazy=True
        ) as client:
            yield client

    def test_issues_page_by_page(self, forge, other):
        theirs = list(other.get_repo("acme/rocket").get_issues(state="all", sort="created", direction="desc"))
        with Client(cache=False) as client:
            ours = client.run(github.issues(Repository(forge="github", host=forge.server.host, path="acme/rocket"))).issues
        assert [one.number for one in theirs] == [one.number for one in ours]
        for one, other_one in zip(ours, theirs, strict=True):
            assert (one.title, one.body, one.state) == (other_one.title, other_one.body or "", other_one.state)
            assert (one.created_at, one.updated_at, one.closed_at) == (
                other_one.created_at,
                other_one.updated_at,
                other_one.closed_at,
            )
            assert (one.labels, one.comments) == (tuple(label.name for label in other_one.labels), other_one.comments)
            assert (one.reactions, one.url) == (other_one.reactions["total_count"], other_one.html_url)
            assert other_one.user.login == "someone"
            assert other_one.milestone is None

    def test_search(self, other):
        found = other.search_issues('repo:acme/rocket is:issue "long poll"')
        assert found.totalCount == 60
        assert {one.body for one in found} == {"long poll"}

    def test_graphql(self, forge, other):
        text, variables = rendered([Question(kind="list", repository=ROCKET, portion=LIGHT)])
        _, answer = other.requester.graphql_query(text, dict(variables))
        assert answer["data"]["q0"]["issues"]["totalCount"] == 121
        assert len(answer["data"]["q0"]["issues"]["nodes"]) == 30

    def test_what_is_not_there(self, other):
        from github import GithubException, UnknownObjectException

        with pytest.raises(UnknownObjectException):
            list(other.get_repo("acme/ghost").get_issues(state="all"))
        text, variables = rendered(
            [Question(kind="list", repository=Repository(forge="github", host="x", path="a/b"), portion=LIGHT)]
        )
        with pytest.raises(UnknownObjectException):
            other.requester.graphql_query(text, dict(variables))
        with pytest.raises(GithubException):
            other.requester.graphql_query("{ nonsense }", {})

    def test_limits(self, forge, other):
        from github import RateLimitExceededException

        forge.grants["core"] = 1
        list(other.get_repo("acme/rocket").get_issues(state="all")[:1])
        assert other.rate_limiting[0] == 0
        with pytest.raises(RateLimitExceededException):
            list(other.get_repo("acme/rocket").get_issues(state="all"))


class TestQueries:
    def test_each_is_valid_on_the_part_of_the_schema_that_the_stand_in_has(self):
        part = build_schema(SCHEMA)
        assert validate(part, parse(rendered(QUESTIONS)[0])) == []
        for one in QUESTIONS:
            assert validate(part, parse(rendered([one])[0])) == []

    def test_variables_fit_what_is_declared(self):
        text, variables = rendered(QUESTIONS)
        (operation,) = [one for one in parse(text).definitions if one.kind == "operation_definition"]
        declared = {one.variable.name.value for one in operation.variable_definitions}
        assert declared == set(variables)
        json.dumps(variables)


# --- what GitHub publishes -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory):
    """Fetches a package of npm and gives the text of one of its files."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on this machine")
    folder = tmp_path_factory.mktemp("npm")

    def file(package: str, path: str) -> str:
        told = subprocess.run(
            [npm, "pack", "--json", package], cwd=folder, capture_output=True, text=True, check=True, timeout=200
        )
        with tarfile.open(folder / Path(json.loads(told.stdout)[0]["filename"]).name) as archive:
            member = archive.extractfile(f"package/{path}")
            assert member is not None
            return member.read().decode()

    return file


@pytest.fixture(scope="module")
def schema(published):
    return build_schema(
        published("@octokit/graphql-schema", "schema.graphql"), assume_valid=True
    )  # its deprecations are not as the specification wants them


@pytest.fixture(scope="module")
def description(published):
    return json.loads(published("@octokit/openapi", "generated/api.github.com.json"))


@pytest.fixture(scope="module")
def talk() -> list[Asked]:
    """Everything that is asked for two repositories, one of them crowded, with words."""
    crowded = [record(n, created="2023-09-02T00:00:00Z", repository="acme/crowd") for n in range(1, 421)]
    with GitHub(issues(), others={"acme/crowd": crowded}) as forge, Client(cache=False) as client:
        for path in ("acme/rocket", "acme/crowd"):
            there = Repository(forge="github", host=forge.server.host, path=path)
            client.run(github.issues(there, since=SINCE))
            client.run(github.search(there, ["long poll", "x"]))
        return list(forge.server.asked)


@pytest.mark.online
class TestPublishedSchema:
    def test_every_query_is_valid(self, schema):
        assert validate(schema, parse(rendered(QUESTIONS)[0])) == []

    def test_the_stand_in_has_a_part_of_it_and_nothing_else(self, schema):
        """Whoever goes from the stand-in's schema to GitHub's misses nothing."""
        breaking = find_breaking_changes(build_schema(SCHEMA), schema)
        assert [one.description for one in breaking] == []


@pytest.mark.online
class TestPublishedDescription:
    def test_the_answers_fit(self, description, talk):
        from jsonschema import Draft202012Validator

        with GitHub(issues(), others={"acme/crowd": []}) as forge:
            for asked in talk:
                answer = forge.answer(asked)
                kind = operation(description, asked)["responses"][str(answer.status)]["content"]["application/json"]["schema"]
                validator = Draft202012Validator({**json_schema(kind), "components": json_schema(description["components"])})
                assert [error.message for error in validator.iter_errors(json.loads(answer.body))] == []

    def test_the_questions_fit(self, description, talk):
        for asked in talk:
            given = [resolved(description, one) for one in operation(description, asked)["parameters"]]
            known = {one["name"]: one["schema"] for one in given if one["in"] == "query"}
            assert set(asked.query) <= set(known), asked.path
            for name, value in asked.query.items():
                assert value in known[name].get("enum", [value]), name


def operation(description: dict[str, Any], asked: Asked) -> dict[str, Any]:
    path = urlsplit(asked.path).path.removeprefix("/api/v3")
    found = "/search/issues" if path == "/search/issues" else "/repos/{owner}/{repo}/issues"
    told: dict[str, Any] = description["paths"][found]["get"]
    return told


def resolved(description: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    for part in one.get("$ref", "").removeprefix("#/").split("/") if "$ref" in one else ():
        description = description[part]
    return description if "$ref" in one else one


def json_schema(document: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` is a type."""
    if isinstance(document, list):
        return [json_schema(one) for one in document]
    if not isinstance(document, dict):
        return document
    found = {key: json_schema(value) for key, value in document.items()}
    if found.get("nullable") is True:
        found.pop("nullable")
        return {"anyOf": [{"type": "null"}, found]}
    return found
