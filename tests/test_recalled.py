"""The document read back: the same document again, whatever was in it; and a clear refusal of what is none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings

import lockblame
from lockblame.api import demo
from lockblame.errors import ReadError
from lockblame.model import Allowance, Delta, Pin, Report, Snapshot, Violation
from lockblame.report import render
from tests import snapshots
from tests.examples import report

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "reference" / "report.schema.json").read_text(encoding="utf-8"))
# jsonschema.validate checks the schema itself each time, which takes fifty times as long as the document
jsonschema.Draft202012Validator.check_schema(SCHEMA)
FITTING = jsonschema.Draft202012Validator(SCHEMA)


def again(document: dict[str, object]) -> dict[str, object]:
    """What another program reads: through JSON and the types, and back."""
    return lockblame.to_dict(lockblame.from_dict(json.loads(json.dumps(document))))


@given(snapshots.snapshots, snapshots.snapshots)
@settings(max_examples=60, deadline=None)
def test_any_delta_is_the_same_document_again(before, after) -> None:
    document = lockblame.to_dict(lockblame.diff(before, after))
    FITTING.validate(document)
    assert again(document) == document


def test_a_fork_that_goes_while_one_without_a_version_stays() -> None:
    """The list of versions is empty then, and the package is locked all the same."""
    before, after = (
        Snapshot(origin="a lock", format="uv", pins=tuple(Pin(name="kombu", version=one) for one in versions))
        for versions in (("5.3.1", None), (None,))
    )
    for one, other in ((before, after), (after, before)):
        document = lockblame.to_dict(lockblame.diff(one, other))
        assert document["changes"][0]["kind"] not in ("added", "removed")
        assert again(document) == document


def test_a_report_is_the_same_document_and_reads_the_same() -> None:
    found = report()
    document = lockblame.to_dict(found)
    recalled = lockblame.from_dict(document)
    assert isinstance(recalled, Report)
    assert again(document) == document
    assert recalled.suspects[0].change.name == found.suspects[0].change.name
    assert recalled.suspects[0].matches[0].issue.number == found.issues[0].issue.number
    assert render(recalled, "json") == render(found, "json")
    assert render(recalled).splitlines()[0] == render(found).splitlines()[0]


def test_a_checked_one_too() -> None:
    found = report()
    excuse = Allowance(package="kombu", reason="known", expires=date(2026, 1, 1))
    one = Violation(
        rule="yanked", severity="error", change=found.delta.changes[1], detail="x", excuse=excuse, line=3, path="uv.lock"
    )
    document = lockblame.to_dict(replace(found, violations=(one, replace(one, excuse=None))))
    FITTING.validate(document)
    assert document["stops"] is True
    assert again(document) == document


def test_the_demo_in_each_format_and_several_locks_at_once(tmp_path: Path) -> None:
    for found in demo.demo().reports.values():
        document = lockblame.to_dict(found)
        assert again(document) == document
    shop = demo.keep(tmp_path / "shop")
    whole = lockblame.diff("deploy-2023-08-28", "deploy-2023-09-10", repository=shop)
    document = lockblame.to_dict(whole)
    recalled = lockblame.from_dict(document)
    assert isinstance(recalled, Delta)
    assert len(recalled.parts) == 3
    assert again(document) == document


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "schema is None, this version of lockblame reads 1"),
        ({"schema": 2}, "schema is 2"),
        ({"schema": 1, "before": {"origin": "x"}, "after": {}, "changes": [], "gaps": []}, "before"),
        ({"schema": 1, "changes": [{"name": 3}]}, r"changes\[0\]"),
        ({"schema": 1, "changes": "many"}, "changes should be a list"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(document, said) -> None:
    with pytest.raises(ReadError, match=said):
        lockblame.from_dict(document)


def test_a_damaged_document_is_a_read_error_and_nothing_else() -> None:
    whole = lockblame.to_dict(report())

    def damaged(value: object):
        if isinstance(value, dict):
            for key in value:
                yield {name: one for name, one in value.items() if name != key}
                yield {**value, key: 7}
                yield {**value, key: None}
                for inner in damaged(value[key]):
                    yield {**value, key: inner}
        elif isinstance(value, list) and value:
            for inner in damaged(value[0]):
                yield [inner, *value[1:]]

    for document in damaged(whole):
        said = ""
        try:
            lockblame.from_dict(document)
        except ReadError as error:
            said = str(error)
        assert not said or "is no report of lockblame" in said


@pytest.mark.parametrize("document", [[], None, "text", 3])
def test_what_is_no_object_is_no_report(document) -> None:
    with pytest.raises(ReadError, match="is no report of lockblame"):
        lockblame.from_dict(document)
