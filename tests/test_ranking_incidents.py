"""A part of the real incident set, asked through the public API; benchmarks/incidents.py asks all of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import lockblame

SET = Path(__file__).parents[2] / "shared" / "incidents"

pytestmark = pytest.mark.skipif(not SET.is_dir(), reason="the incident set isn't there (../shared/incidents)")


def asked(every: int, mode: str) -> list[tuple[bool, bool]]:
    """For each `every`th incident and its symptoms in turn: whether the guilty report and the guilty package came first."""
    found = []
    incidents = [json.loads(line) for line in (SET / "incidents.jsonl").read_text(encoding="utf-8").splitlines()]
    for number, incident in enumerate(incidents[::every]):
        report = lockblame.blame(
            str(SET / "locks" / f"{incident['id']}.before.txt"),
            str(SET / "locks" / f"{incident['id']}.after.txt"),
            symptom=incident["symptoms"][number % 4]["text"],
            evidence=SET,
            config=SET / "lockblame.toml",
            offline=True,
            as_of=datetime.fromisoformat(incident["as_of"]).replace(tzinfo=UTC) + timedelta(days=1) if mode == "fresh" else None,
        )
        first = report.issues[0].issue
        guilty = first.repository.lower() == incident["repository"].lower() and first.number in incident["culprits"]
        found.append((guilty, report.suspects[0].change.name == incident["package"]))
    return found


@pytest.mark.parametrize("mode", ["late", "fresh"])
def test_the_guilty_report_comes_first(mode: str):
    answers = asked(3, mode)
    assert sum(issue for issue, _ in answers) / len(answers) >= 0.9
    assert sum(suspect for _, suspect in answers) / len(answers) >= 0.9


def test_the_same_question_has_the_same_answer():
    assert asked(12, "late") == asked(12, "late")
