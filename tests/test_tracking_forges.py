"""Packages on GitLab, Gitea and unknown hosts: what a run asks their forges, and what it says of what it couldn't."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from lockblame.api.asking.evidence import Knowledge, belonging, from_bundle, save
from lockblame.api.asking.tracking import with_issues
from lockblame.client import Client
from lockblame.delta import compare
from lockblame.lockfiles import parse
from lockblame.model import Delta, Release, Repository
from lockblame.symptom import analyze
from tests.servers import gitea, gitlab

SYMPTOM = analyze("TimeoutError while polling the queue")
UPLOADED = datetime(2023, 9, 1, tzinfo=UTC)


def delta() -> Delta:
    before, after = (
        parse("".join(f"{name}=={version}\n" for name in ("deep", "flat", "shut", "gone")).encode(), "requirements.txt")
        for version in ("1.0", "1.1")
    )
    return compare(before, after)


def world(deep: gitlab.GitLab, shut: gitlab.GitLab, flat: gitea.Gitea) -> Knowledge:
    at = {
        "deep": Repository(forge="gitlab", host=deep.server.host, path="old/deep"),
        "shut": Repository(forge="gitlab", host=shut.server.host, path="acme/shut"),
        "flat": Repository(forge="gitea", host=flat.server.host, path=gitea.PATH),
        "gone": Repository(forge="gitea", host=flat.server.host, path="acme/gone"),
    }
    return Knowledge(repositories=at, releases={name: (Release(name=name, version="1.1", uploaded=UPLOADED),) for name in at})


def test_each_is_asked_in_its_own_way(tmp_path: Path):
    old = "2020-01-01T00:00:00Z"
    issues = [gitlab.record(1, created="2023-09-02T00:00:00Z"), gitlab.record(2, created=old, description="polling hangs")]
    others = [gitea.record(3, created="2023-09-02T00:00:00Z", comments=1), gitea.record(4, created=old, body="a TimeoutError")]
    said = [gitea.comment(8, 3, "me too", created="2023-09-03T00:00:00Z")]
    with (
        gitlab.GitLab(issues) as deep,
        gitlab.GitLab([], path="acme/shut", issues_access_level="disabled") as shut,
        gitea.Gitea(others, comments=said) as flat,
        Client(cache=False) as client,
    ):
        deep.renamed.add("old/deep")
        changes = list(delta())
        known = with_issues(world(deep, shut, flat), changes, SYMPTOM, client)
        requests = len(shut.server.asked)
    found = belonging(known)
    assert {name: sorted(one.number for one in own) for name, own in found.items()} == {
        "deep": [1, 2],
        "flat": [3, 4],
        "shut": [],
        "gone": [],
    }
    assert known.repositories["deep"].path == gitlab.PATH
    assert {one.discussion for one in found["flat"]} == {("me too",), ()}
    assert sorted((gap.subject, gap.reason) for gap in known.gaps) == [
        ("acme/gone", "not-found"),
        ("acme/shut", "issues-disabled"),
    ]
    assert requests == 2
    save(tmp_path / "evidence", known)
    again = from_bundle(tmp_path / "evidence")
    assert (again.issues, again.repositories, again.gaps) == (known.issues, known.repositories, known.gaps)
