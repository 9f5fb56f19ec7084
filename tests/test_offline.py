"""`--offline` answers from what earlier runs have asked for, and says what they haven't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lockblame
from lockblame.client import Client
from tests.scene import SYMPTOM, TOKEN, Scene, healthy, scene
from tests.servers.loopback import Answer, Asked


def asked(one: Scene) -> int:
    return len(one.index.asked) + len(one.forge.server.asked)


@pytest.mark.parametrize("style", ["json", "text", "markdown", "html"])
def test_a_run_of_before_is_told_again(style: str, tmp_path: Path, monkeypatch, capsys):
    with scene(tmp_path) as one:
        online = one.here(monkeypatch, capsys, style=style)
        before = asked(one)
        assert before
        assert one.here(monkeypatch, capsys, "--offline", style=style) == online
        assert asked(one) == before


def test_artifacts_are_looked_into_again(tmp_path: Path, monkeypatch, capsys):
    with scene(tmp_path) as one:
        online = json.loads(one.here(monkeypatch, capsys, "--deep"))
        before = asked(one)
        report = json.loads(one.here(monkeypatch, capsys, "--deep", "--offline"))
        assert asked(one) == before
    # what wasn't there (the tags) is not kept
    (gap,) = [gap for gap in report["gaps"] if gap["reason"] == "offline"]
    assert gap["detail"] == "what the cache doesn't hold was not asked for: tags of celery/kombu, tags of celery/celery"
    assert [one["evidence"] for one in report["suspects"]] == [one["evidence"] for one in online["suspects"]]
    assert {"artifacts", "notes"} & {one["kind"] for one in report["suspects"][0]["evidence"]}


def test_nothing_at_hand_is_one_gap(tmp_path: Path, monkeypatch, capsys):
    with scene(tmp_path) as one:
        report = json.loads(one.here(monkeypatch, capsys, "--offline", "--deep"))
        assert not asked(one)
    assert [gap["subject"] for gap in report["gaps"] if gap["reason"] == "offline"] == ["upstream", "artifacts"]
    assert not any("cache" in gap["detail"] for gap in report["gaps"])


def test_what_the_cache_lacks_is_one_gap(tmp_path: Path, monkeypatch, capsys):
    def without_celery(question: Asked) -> Answer | None:
        return Answer(status=404) if "celery" in question.path else healthy(question)

    with scene(tmp_path, index=without_celery) as one:
        online = json.loads(one.here(monkeypatch, capsys))
        report = json.loads(one.here(monkeypatch, capsys, "--offline"))
    (gap,) = [gap for gap in report["gaps"] if gap["reason"] == "offline"]
    assert (gap["subject"], gap["detail"]) == ("upstream", "what the cache doesn't hold was not asked for: celery")
    assert [one["number"] for one in report["issues"]] == [one["number"] for one in online["issues"]]


def test_a_file_of_issues_keeps_a_run_apart_from_former_ones(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "issues.jsonl").write_text("")
    with scene(tmp_path) as one:
        alone = one.here(monkeypatch, capsys, "--offline", "--issues", "issues.jsonl")
        one.here(monkeypatch, capsys)
        assert one.here(monkeypatch, capsys, "--offline", "--issues", "issues.jsonl") == alone


def test_a_client_of_ones_own_lends_its_cache_and_no_connection(tmp_path: Path):
    with scene(tmp_path) as one:
        sides = [tmp_path / side / "uv.lock" for side in ("before", "after")]
        given = {"symptom": SYMPTOM, "config": tmp_path / "lockblame.toml"}
        with Client(tokens={one.forge.server.host: TOKEN}, cache=tmp_path / "own") as client:
            online = lockblame.blame(*sides, client=client, **given)
            before = asked(one)
            assert lockblame.blame(*sides, client=client, offline=True, **given) == online
            service = lockblame.Service(before=sides[0], after=sides[1], config=given["config"])
            (answer,) = lockblame.blame_each([service], symptom=SYMPTOM, client=client, offline=True)
            assert answer.result() == online
            assert asked(one) == before


def test_a_file_of_issues_stands_in_for_comparisons_too(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "issues.jsonl").write_text("")
    with scene(tmp_path) as one:
        report = json.loads(one.here(monkeypatch, capsys, "--deep", "--issues", "issues.jsonl"))
        assert not one.forge.server.asked
    (gap,) = [gap for gap in report["gaps"] if gap["reason"] == "not-asked"]
    assert gap["subject"] == "commits of celery, kombu"
    assert "stands in for the forges" in gap["detail"]


# --- other commands --------------------------------------------------------------------------------------------------


def run(one: Scene, monkeypatch, capsys, command: str, *options: str) -> str:
    """Another command on the scene's two locks."""
    made = [command, "before/uv.lock", "after/uv.lock", *options]
    monkeypatch.setattr(Scene, "command", lambda *_, **__: made)
    try:
        return one.here(monkeypatch, capsys)
    finally:
        monkeypatch.undo()


def test_why_is_told_from_what_an_earlier_run_asked(tmp_path: Path, monkeypatch, capsys):
    with scene(tmp_path) as one:
        why = ("--why", "kombu", "--format", "json")
        nothing = json.loads(run(one, monkeypatch, capsys, "diff", "--offline", *why))
        assert [(gap["subject"], gap["reason"]) for gap in nothing["gaps"]] == [("celery", "offline")]
        assert not asked(one)
        online = run(one, monkeypatch, capsys, "diff", *why)
        before = asked(one)
        assert json.loads(online)["why"][0]["reason"] == "forced"
        assert run(one, monkeypatch, capsys, "diff", "--offline", *why) == online
        assert asked(one) == before


BACK = ("--package", "celery", "--format", "json")


def test_a_rollback_is_told_from_what_an_earlier_run_asked(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "after").mkdir()
    with scene(tmp_path / "after") as one:
        (one.folder / "after" / "pyproject.toml").write_text('[project]\nname = "desk"\nversion = "1"\n')
        nothing = json.loads(run(one, monkeypatch, capsys, "rollback", "--offline", *BACK))
        assert not asked(one)
        assert [gap["reason"] for gap in nothing["gaps"]] == ["no-constraints", "not-asked", "no-notes", "no-release"]
        online = json.loads(run(one, monkeypatch, capsys, "rollback", *BACK))
        before = asked(one)
        offline = json.loads(run(one, monkeypatch, capsys, "rollback", "--offline", *BACK))
        assert asked(one) == before
    assert offline["returns"] == online["returns"]
    assert offline["reopened"] == online["reopened"]
    # that the index has no data on vulnerabilities was no answer that is kept
    assert [gap["reason"] for gap in offline["gaps"]] == ["not-asked"]


def test_a_rollback_uses_what_a_blame_has_left(tmp_path: Path, monkeypatch, capsys):
    with scene(tmp_path) as one:
        (one.folder / "after" / "pyproject.toml").write_text('[project]\nname = "desk"\nversion = "1"\n')
        one.here(monkeypatch, capsys)
        before = asked(one)
        found = json.loads(run(one, monkeypatch, capsys, "rollback", "--offline", *BACK))
        assert asked(one) == before
    assert "no-release" not in {gap["reason"] for gap in found["gaps"]}
