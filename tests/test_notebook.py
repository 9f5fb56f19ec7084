"""Findings in a notebook: how they draw themselves, their records, and the investigation that is told as one."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import html5lib
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient

from lockblame.api import demo
from tests import snapshots
from tests.examples import change, delta, report

EXAMPLES = Path(__file__).parents[1] / "examples"
FOUND = report()
SHOWN = {"report": FOUND, "delta": FOUND.delta, "snapshot": FOUND.delta.after, "suspect": FOUND.suspects[0]}


def cell(found: object) -> dict[str, str]:
    return found._repr_mimebundle_()  # type: ignore[attr-defined, no-any-return]


def structure(page: str) -> list[str]:
    return [node.tag for node in html5lib.parse(page, namespaceHTMLElements=False).iter() if isinstance(node.tag, str)]


@pytest.mark.parametrize("found", SHOWN.values(), ids=SHOWN)
class TestCells:
    def test_html_and_text(self, found) -> None:
        shown = cell(found)
        assert set(shown) == {"text/html", "text/plain"}
        assert "kombu" in shown["text/html"]
        assert "kombu" in shown["text/plain"]

    def test_the_html_is_whole_and_holds_no_script(self, found) -> None:
        page = cell(found)["text/html"]
        html5lib.HTMLParser(strict=False).parseFragment(page)
        assert "<script" not in page
        assert "\x1b" not in cell(found)["text/plain"]

    def test_records_are_flat_and_alike(self, found) -> None:
        rows = found.rows()
        assert rows
        assert len({tuple(row) for row in rows}) == 1
        assert all(isinstance(value, str | int | float | datetime | None) for row in rows for value in row.values())
        csv.DictWriter(io.StringIO(), list(rows[0])).writerows(rows)


def test_a_report_begins_with_its_answer() -> None:
    page = html5lib.parse(cell(FOUND)["text/html"], namespaceHTMLElements=False)
    top = ["".join(item.itertext()) for item in page.find(".//ul")]
    assert top[0].startswith("How it came in: app → celery → kombu; celery 5.3.4 now asks for")
    assert top[-1] == "Open first: Worker waits out the long poll"


def test_a_suspect_s_evidence_is_told_the_heaviest_first() -> None:
    weights = [float(one) for one in re.findall(r"[+-]\d\.\d\d", cell(FOUND.suspects[0])["text/html"])]
    assert weights == sorted(weights, reverse=True)


@given(st.text(max_size=60))
@settings(max_examples=40, deadline=None)
def test_hostile_text_stays_in_its_cell(text: str) -> None:
    plain = delta(change(new="1x"))
    hostile = delta(change(new=f"1x{text}"))
    assert structure(cell(hostile)["text/html"]) == structure(cell(plain)["text/html"])


def test_a_cell_of_very_many_rows_says_what_it_leaves_out() -> None:
    many = snapshots.lock(*(snapshots.pin(f"package-{number} 1.0") for number in range(120)))
    shown = cell(many)
    assert "70 more" in shown["text/html"]
    assert "70 more" in shown["text/plain"]
    assert len(many.rows()) == 120


def test_records_make_data_frames() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    moment = datetime(2023, 9, 4, tzinfo=UTC)
    rows = replace(FOUND, as_of=moment).rows()
    assert list(pandas.DataFrame(rows)["name"]) == [suspect.change.name for suspect in FOUND.suspects]
    assert polars.DataFrame(rows, infer_schema_length=None)["score"].to_list() == [suspect.score for suspect in FOUND.suspects]


def test_the_investigation_can_be_followed(tmp_path: Path) -> None:
    """Every cell runs, and what the notebook tells is what comes out."""
    shop = demo.keep(tmp_path / "shop")
    notebook = nbformat.read(EXAMPLES / "investigation.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(shop)}}).execute()
    outputs = [output for one in notebook.cells if one.cell_type == "code" for output in one.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    told = "\n".join(str(output.get("data", output.get("text"))) for output in outputs)
    assert "kombu 5.3.1 → 5.3.2" in told
    assert "celery/kombu#1783" in told
    assert "kombu==5.3.1" in told
    kept = nbformat.read(EXAMPLES / "investigation.ipynb", as_version=4)
    assert all(not one.outputs for one in kept.cells if one.cell_type == "code"), "outputs are made, not kept"


@pytest.mark.parametrize("found", SHOWN.values(), ids=SHOWN)
def test_in_an_interpreter_it_is_one_line_and_printed_it_is_its_text(found) -> None:
    assert re.fullmatch(r"<(Report|Delta|Suspect|Snapshot): .{1,300}>", repr(found))
    assert str(found) == cell(found)["text/plain"]
