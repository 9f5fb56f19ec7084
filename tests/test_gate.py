"""What `check` shows: terminal, comment, annotations, SARIF, JSON; with hostile text, and with very many changes."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lockblame.model import Allowance, Gap, Report, Violation
from lockblame.report.gate import gate
from tests.examples import change, delta
from tests.test_cli import lockblame

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
    changes = delta(*{one.change.name: one.change for one in violations}.values())
    return Report(delta=changes, violations=violations, **more)  # type: ignore[arg-type]


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

    def test_what_is_allowed_is_no_annotation(self) -> None:
        assert "::" not in gate(report(EXCUSED), "github")

    @given(st.text(max_size=60))
    @settings(max_examples=60)
    def test_text_from_outside_begins_no_command_of_its_own(self, text: str) -> None:
        lines = gate(report(violation(detail=f"x{text}", path=f"p{text}")), "github").splitlines()
        assert len([line for line in lines if line.startswith("::")]) == 1
        head = lines[0].split("::")[1]
        assert head.count("line=") - text.count("line=") == 1


class TestSarif:
    def test_it_has_rules_places_levels_and_suppressions(self) -> None:
        (run,) = json.loads(gate(report(violation(), EXCUSED), "sarif"))["runs"]
        one, other = run["results"]
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert [rules[result["ruleIndex"]] for result in (one, other)] == [result["ruleId"] for result in (one, other)]
        place = one["locations"][0]["physicalLocation"]
        assert (place["artifactLocation"]["uri"], place["region"]["startLine"], one["level"]) == ("uv.lock", 12, "error")
        assert other["suppressions"][0]["justification"] == "a fix we wait for (until 2026-12-31)"

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

    def test_with_150_changes_the_top_is_short(self) -> None:
        shown = gate(replace(self.many(150), violations=(violation(),)), "markdown")
        assert len(shown.partition("<details>")[0].splitlines()) < 10

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
        return lockblame("check", *sides, "--evidence", str(self.EXAMPLE), *more, folder=self.EXAMPLE, **environment)

    def test_it_goes_and_exits_with_0(self) -> None:
        run = self.check("--as-of", "2023-10-01")
        assert (run.returncode, run.stdout[:3]) == (0, "Go:")

    def test_it_stops_and_exits_with_1(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text('[policy]\nyoung = "error"\nmin-age = 14\n')
        run = self.check("--as-of", "2023-09-10", "--policy", str(policy))
        assert (run.returncode, run.stdout[:5]) == (1, "Stop:")

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


@pytest.mark.online
def test_sarif_is_what_its_published_types_declare(tmp_path: Path) -> None:
    """By TypeScript's own compiler: the types are generated of the published JSON schema."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    wanted = ["@schemastore/sarif-2.1.0@1.0.2", "typescript@5"]
    subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund", *wanted], cwd=tmp_path, check=True, timeout=120)
    document = gate(report(violation(url="https://code.example/1"), violation(path=None, line=None), EXCUSED), "sarif")
    shape = 'import type { StaticAnalysisResultsFormatSARIFVersion210JSONSchema as Sarif } from "@schemastore/sarif-2.1.0";\n'

    def faults(text: str) -> str:
        (tmp_path / "found.ts").write_text(f"{shape}export const found: Sarif = {text};\n")
        compiler = [str(tmp_path / "node_modules" / ".bin" / "tsc"), "--noEmit", "--strict", "--skipLibCheck", "found.ts"]
        return subprocess.run(compiler, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120).stdout

    assert faults(document) == ""
    assert "levle" in faults(document.replace('"level"', '"levle"', 1))
