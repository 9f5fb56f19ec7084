"""Whatever GitLab or Gitea answer: issues, a gap or one UpstreamError, in bounded time and with no secret in sight."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame import forges
from lockblame.bundle import Bundle, dump
from lockblame.client import Client
from lockblame.errors import UpstreamError
from lockblame.flow import Request
from lockblame.forges import Found
from lockblame.model import Repository
from tests.flows import feed, page
from tests.servers import gitea, gitlab
from tests.servers.loopback import Answer, Asked

SINCE = datetime(2023, 9, 1, tzinfo=UTC)
TOKEN = "glpat-thisMustBeSeenNowhere"
FORGES: tuple[Any, ...] = ("gitlab", "gitea")
RECORDS = {
    "gitlab": gitlab.record(1, created="2023-09-02T00:00:00Z"),
    "gitea": gitea.record(1, created="2023-09-02T00:00:00Z", comments=1),
}
PROJECTS = {"gitlab": gitlab.project(), "gitea": gitea.repository()}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def damaged(record: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The record with a few of its values replaced by anything."""
    return st.dictionaries(st.sampled_from(sorted(record)), anything, min_size=1, max_size=4).map(
        lambda change: {**record, **change}
    )


@pytest.mark.parametrize("forge", FORGES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_answer_is_issues_a_gap_or_one_error(forge: Any, data: st.DataObject):
    there = Repository(forge=forge, host="code.example", path="acme/rocket")

    def answer(request: Request) -> Any:
        link = {"link": f'<{request.url}&page=2>; rel="next"'} if data.draw(st.booleans()) else {}
        total = {"x_total": data.draw(st.sampled_from(["0", "7", "99999999", "-1", "x"]))} if data.draw(st.booleans()) else {}
        record = st.lists(damaged(RECORDS[forge]), max_size=3) | damaged(PROJECTS[forge]) | anything
        return page(data.draw(record), url=request.url, **link, **total)

    for flow in (forges.issues(there, since=SINCE, limit=2, names=("x",)), forges.search(there, ["poll", "sqs"], 2)):
        try:
            found, asked = feed(flow, answer)
        except UpstreamError:
            continue
        assert isinstance(found, Found)
        assert len(found.issues) <= 2
        assert len(asked) <= 30
        dump(Bundle(issues=found.issues, repositories={"rocket": found.repository}, gaps=found.gaps))


@pytest.mark.parametrize("status", [200, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("forge", FORGES)
def test_no_token_in_what_is_found(forge: Any, status: int):
    def before(asked: Asked) -> Answer | None:
        return None if status == 200 else Answer(status=status, body=json.dumps({"message": "no"}).encode())

    server: Any = gitlab.GitLab if forge == "gitlab" else gitea.Gitea
    with server([RECORDS[forge]], before=before) as standin:
        there = Repository(forge=forge, host=standin.server.host, path=standin.path)
        with Client(cache=False, tokens={there.host: TOKEN}, patience=0, deadline=20) as client:
            try:
                told = repr(client.run(forges.issues(there, since=SINCE)))
            except UpstreamError as error:
                told = f"{error!r} {error} {error.__dict__}"
        assert standin.server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in told
