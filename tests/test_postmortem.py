"""The postmortem's draft: releases on its time line, the proof that bisect saved, the edit that goes back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockblame import blame
from lockblame.api.incident import with_way_back
from lockblame.api.proving.proofs import read_proof, with_proof
from lockblame.errors import ReadError
from lockblame.model import Case, Edit, Gap, Precedent, Release, Reopened, Return, Rollback
from lockblame.report import render
from tests import examples
from tests.test_cli import lockblame, project  # noqa: F401 (a fixture)
from tests.test_private_index import uv_lock

BISECTION = {
    "schema": 1,
    "culprits": [{"name": "Kombu", "before": "5.3.1", "after": "5.3.2"}],
    "minimal": True,
    "trials": [
        {"changes": [], "verdict": "good", "seconds": 1.5},
        {"changes": ["kombu"], "verdict": "bad", "seconds": 1.5},
        {"changes": ["vine"], "verdict": "untestable", "seconds": 0},
    ],
    "drills": [
        {
            "name": "kombu",
            "good": "5.3.1",
            "bad": "5.3.2",
            "first_bad": {"commits": [{"hash": "a" * 40, "subject": "Wait longer"}], "url": "https://code.example/c/1"},
        }
    ],
    "gaps": [{"subject": "vine", "reason": "x", "detail": "could not be installed", "hint": None}],
}


@pytest.fixture
def proven(tmp_path):
    """Writes a bisection with some keys replaced, and gives its file."""

    def write(**more):
        (tmp_path / "bisection.json").write_text(json.dumps({**BISECTION, **more}))
        return tmp_path / "bisection.json"

    return write


def released(*dated):
    return tuple(Release(name="kombu", version=version, uploaded=moment) for version, moment in dated)


class TestTimeLine:
    def test_releases_stand_among_the_commits_in_the_order_of_time(self):
        found = examples.report()
        days = released(
            ("5.3.1", datetime(2023, 6, 15, tzinfo=UTC)), ("5.3.2", datetime(2023, 9, 1, 7, 30)), ("5.3.2.post1", None)
        )
        shown = render(replace(found, suspects=(replace(found.suspects[0], releases=days), *found.suspects[1:])), "postmortem")
        rows = [row for row in shown.splitlines() if row.startswith("- 2023-")]
        assert [row.partition(": ")[2].split(" ")[0] for row in rows] == ["kombu", "kombu", "upstream", "commit"]
        assert "kombu 5.3.1 released upstream, deployed before" in rows[0]
        assert "2023-09-01T07:30+00:00: kombu 5.3.2 released upstream, the one that was deployed" in rows[1]

    def test_many_releases_are_cut_but_for_the_ends(self):
        found = examples.report()
        days = released(
            *((f"5.3.1.{number}" if number else "5.3.1", datetime(2023, 6, 1 + number, tzinfo=UTC)) for number in range(20))
        )
        shown = render(replace(found, suspects=(replace(found.suspects[0], releases=days),)), "postmortem")
        assert shown.count("released upstream") == 5


class TestProof:
    def test_it_takes_the_place_of_the_hypothesis(self, proven):
        shown = render(with_proof(examples.report(), proven()), "postmortem")
        assert "Proven by 3 trials: kombu 5.3.1 → 5.3.2 makes it fail" in shown.splitlines()[2]
        assert "(1 bad, 1 good, 1 untestable)" in shown
        assert "the first bad commit upstream is aaaaaaaaaaaa “Wait longer”" in shown
        assert "<https://code.example/c/1>" in shown
        assert "- vine: could not be installed" in shown
        assert "hypothesis" not in shown

    def test_a_culprit_that_was_ranked_low_comes_first(self, proven):
        low = {"culprits": [{"name": "pytz", "before": None, "after": "2023.3"}], "drills": []}
        found = with_proof(examples.report(), proven(**low))
        for style in ("text", "markdown", "postmortem"):
            assert "pytz" in render(found, style)[:200]
        shown = render(found, "postmortem")
        first, second = "pytz 2023.3 (added) (proven; the ranking", "kombu 5.3.1 → 5.3.2 (91 % by the ranking, not among what is"
        assert 0 < shown.index(f"- {first}") < shown.index(f"- {second}")

    def test_of_several_locks(self, proven, tmp_path):
        """uv.lock tells the index of each package, a requirements file of none: it is one step all the same, and proven."""
        for side, version in (("before", "5.3.1"), ("after", "5.3.2")):
            (tmp_path / side).mkdir()
            (tmp_path / side / "requirements.txt").write_text(f"kombu=={version}\n")
            (tmp_path / side / "uv.lock").write_text(uv_lock("https://index.example/simple", version, "kombu"))
        found = with_proof(blame(tmp_path / "before", tmp_path / "after", symptom="slow", offline=True), proven())
        assert [one.change.name for one in found.suspects] == ["kombu"]
        shown = render(found, "postmortem")
        assert "- kombu 5.3.1 → 5.3.2 (proven; the ranking" in shown
        assert "not among what is proven" not in shown

    def test_a_case_that_it_resembles_says_what_helped(self):
        case = Case(id="a-case", title="Slow", date=date(2024, 3, 2), symptom="slow", workaround="kombu back")
        shown = render(replace(examples.report(), cases=(Precedent(case=case, score=5.0),)), "postmortem")
        (row,) = [row for row in shown.splitlines() if row.startswith("> ")]
        assert row.replace("\\", "").endswith("What helped then: kombu back (lockblame cases show a-case)")

    def test_several_together(self, proven):
        both = [{"name": "kombu", "before": "5.3.1", "after": "5.3.2"}, {"name": "pytz", "before": None, "after": "2023.3"}]
        assert "these fail together: kombu 5.3.1 → 5.3.2, pytz" in render(with_proof(examples.report(), proven(culprits=both)))

    def test_the_document_follows_the_schema_and_is_read_again(self, proven, tmp_path):
        from jsonschema import Draft202012Validator

        from lockblame.api.cases import from_report
        from tests.test_report import SCHEMA

        document = render(with_proof(examples.report(), proven()), "json")
        Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(json.loads(document))
        (tmp_path / "report.json").write_text(document)
        told = from_report(tmp_path / "report.json")
        assert told["culprit"] == "kombu 5.3.1 → 5.3.2"
        assert told["proof"].startswith("Proven by 3 trials")
        assert told["issue"].endswith("1783")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"schema": 2},
            {"culprits": []},
            {"culprits": [{}]},
            {"culprits": "kombu"},
            {"culprits": [{"name": "kombu", "before": 1, "after": "2"}]},
            {"trials": [1]},
            {"trials": [{"verdict": None}]},
            {"trials": {"good": "x"}},
            {"drills": [{"name": "x"}]},
            {"drills": [{"name": "x", "good": "1", "bad": "2", "first_bad": {"commits": ["x"]}}]},
            {"minimal": "yes"},
            {"gaps": [{"subject": "x"}]},
            {"culprits": [{"name": "kombu", "before": "5.3.1", "after": "5.3.3"}]},
            {"culprits": [{"name": "amqp", "before": "5.3.1", "after": "5.3.2"}]},
        ],
    )
    def test_what_is_no_proof_of_this_is_refused_with_its_place(self, proven, wrong):
        with pytest.raises(ReadError, match=r"bisection\.json"):
            with_proof(examples.report(), proven(**wrong))

    @pytest.mark.parametrize("data", [b"", b"no", b"[" * 100_000, b"[]", b"\xff\xfe", b'{"schema": 1}'])
    def test_what_is_no_document(self, tmp_path, data):
        (tmp_path / "x.json").write_bytes(data)
        with pytest.raises(ReadError):
            read_proof(tmp_path / "x.json")

    @given(st.text(max_size=80))
    def test_its_text_stays_in_its_place(self, text):
        from lockblame.api.proving.proofs import proof_of

        def drawn(said):
            drill = {
                "name": said,
                "good": said,
                "bad": said,
                "first_bad": {"commits": [{"hash": said, "subject": said}], "url": said},
            }
            gap = {"subject": said, "reason": said, "detail": said}
            document = {
                **BISECTION,
                "culprits": [{"name": "x" + said, "before": said, "after": said}],
                "drills": [drill],
                "gaps": [gap],
            }
            return render(replace(examples.report(), proof=proof_of(document)), "postmortem")

        assert drawn(text).count("\n") in (drawn("x").count("\n"), drawn("https://code.example/x").count("\n"))
        assert "<script" not in drawn(f"<script>{text}")


def test_a_step_that_several_locks_tell_of_is_one():
    found = examples.report()
    twice = replace(found, delta=replace(found.delta, changes=(*found.delta.changes, *found.delta.changes)))
    shown, usual = (render(one, "postmortem") for one in (twice, found))
    assert shown == usual


class TestWayBack:
    def test_the_edit_is_there_with_what_it_reopens(self):
        found = examples.report()
        way = Rollback(
            style="uv",
            returns=(Return(change=found.suspects[0].change),),
            edits=(Edit(path="pyproject.toml", before="a = 1\n", after="a = 1\nb = '```'\n"),),
            command="uv lock",
            reopened=(Reopened(kind="fix", package="kombu", version="5.3.2", detail="a fix <b>"),),
            gaps=(Gap(subject="check", reason="x", detail="no resolver was asked"),),
        )
        shown = render(replace(found, way_back=way), "postmortem")
        assert "````diff\n--- pyproject.toml\n" in shown
        assert "+b = '```'" in shown
        assert "After that lock again: uv lock" in shown
        assert "- kombu 5.3.2, fix: a fix &lt;b&gt;" in shown
        assert "- check: no resolver was asked" in shown

    def test_where_there_is_none_that_is_told(self, tmp_path):
        found = with_way_back(examples.report(), "before.lock", "after.lock", repository=tmp_path, offline=True)
        assert found.way_back is None
        assert "no-edit" in {gap.reason for gap in found.gaps}


def test_from_the_command_line(project, proven):  # noqa: F811
    asked = (
        "blame",
        "v1..v2",
        "--offline",
        "--issues",
        "issues.jsonl",
        "--symptom",
        "the worker waits",
        "--proof",
        str(proven()),
    )
    shown = lockblame(*asked, "--format", "postmortem", folder=project)
    assert shown.returncode == 0, shown.stderr
    assert "Proven by 3 trials" in shown.stdout
    (project / "report.json").write_text(lockblame(*asked, "--format", "json", folder=project).stdout)
    add = ("cases", "add", "--title", "Queue full", "--date", "2024-03-02")
    told = lockblame(*add, "--report", "report.json", folder=project)
    assert told.returncode == 0, told.stderr
    kept = lockblame("cases", "show", "2024-03-02-queue-full", folder=project).stdout
    assert "Proof: Proven by 3 trials" in kept
    # the incident that was just kept isn't shown as one of the past that looks alike
    again = lockblame(*asked, "--format", "postmortem", folder=project).stdout
    assert "> This incident is kept as the case 2024-03-02-queue-full." in again.replace("\\", "")
    assert "looks like the incident" not in again
    alone = (*add[:3], "By hand", "--symptom", "waits", "--proof", str(proven()))
    assert lockblame(*alone, "--date", "2024-03-02", folder=project).returncode == 0
    assert "5.3.1 → 5.3.2" in lockblame("cases", "show", "2024-03-02-by-hand", folder=project).stdout
    assert lockblame(*asked[:-1], str(project / "nothing.json"), folder=project).returncode == 3
