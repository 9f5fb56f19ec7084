"""The answers of many services as JSON Lines, which polars, DuckDB and pandas read as a table."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lockblame.model import Delta, Report

if TYPE_CHECKING:
    from lockblame.api.fleet import Answer

SCHEMA = 1


def json_lines(answers: Iterable[Answer[Any]], *, documents: bool = False) -> Iterator[str]:
    """One line (with its line feed) for each answer, as soon as it is there.

    Every line has the same keys, each of one type or null (docs/reference/fleet.schema.json): service, repository, before, after;
    error (the slug), message, hint; changes, gaps; of a report suspect, suspect_before, suspect_after, probability, issue,
    issue_title, conclusive, violations, stops. With `documents`, `document` holds the whole document as JSON text: a column of
    texts is read the same from the first line to the last, and `from_dict(json.loads(text))` gives the Delta or Report back.
    """
    for answer in answers:
        record = {key: _whole(value) for key, value in _record(answer, documents=documents).items()}
        yield json.dumps(record, ensure_ascii=True) + "\n"


def _whole(value: Any) -> Any:
    """A text without half characters (from a path that isn't UTF-8, say): readers of tables refuse the whole file for one."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _record(answer: Answer[Any], *, documents: bool) -> dict[str, Any]:
    service, found, error = answer.service, answer.found, answer.error
    delta = found.delta if isinstance(found, Report) else found if isinstance(found, Delta) else None
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "service": str(service),
        "repository": None if service.repository is None else os.fspath(service.repository),
        "before": delta.before.origin if delta is not None else None,
        "after": delta.after.origin if delta is not None else None,
        "error": error.slug if error is not None else None,
        "message": str(error) if error is not None else None,
        "hint": error.hint if error is not None else None,
        "changes": len(delta) if delta is not None else None,
        "gaps": len(found.gaps) if found is not None else None,
        **_judged(found if isinstance(found, Report) else None),
    }
    if documents:
        record["document"] = None if found is None else _document(found)
    return record


def _judged(report: Report | None) -> dict[str, Any]:
    suspect = report.suspects[0] if report is not None and report.suspects else None
    match = report.issues[0] if report is not None and report.issues else None
    return {
        "suspect": suspect.change.name if suspect else None,
        "suspect_before": suspect.change.old if suspect else None,
        "suspect_after": suspect.change.new if suspect else None,
        "probability": suspect.probability if suspect else None,
        "issue": (match.issue.url or f"{match.issue.repository}#{match.issue.number}") if match else None,
        "issue_title": match.issue.title if match else None,
        "conclusive": report.conclusive if report is not None else None,
        "violations": len(report.violations) if report is not None else None,
        "stops": any(one.stops for one in report.violations) if report is not None else None,
    }


def _document(found: Delta | Report) -> str:
    from lockblame.report.document import to_dict

    return json.dumps(to_dict(found), ensure_ascii=True)
