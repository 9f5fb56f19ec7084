"""The incident set as questions: each symptom of each incident, asked late and fresh, and what `blame` makes of it.

The set is a folder as /docs/explanation/ranking.md describes it: incidents.jsonl, the locks, and an evidence bundle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lockblame
import lockblame.ranking
from lockblame.model import Report, Symptom
from lockblame.ranking import Candidate, Ranking
from lockblame.ranking.measuring import Scorer

SET = Path(__file__).resolve().parents[2] / "shared" / "incidents"
MODES = ("late", "fresh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One symptom of one incident. `culprits` are the guilty issues as (repository, number), lower case."""

    incident: str
    package: str
    repository: str
    style: str
    language: str
    text: str
    culprits: frozenset[tuple[str, int]]
    as_of: datetime
    folder: Path

    @property
    def name(self) -> str:
        """What the answer's file is called, and how the figures are grouped."""
        return f"{self.incident}.{self.group}"

    @property
    def group(self) -> str:
        """Style and language."""
        return f"{self.style}-{self.language}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What `blame` handed to the ranking: the fit looks at the same things in the same shape."""

    symptom: Symptom | None
    candidates: tuple[Candidate, ...]
    now: datetime | None


def questions(folder: Path) -> Iterator[Question]:
    """All questions of the set in `folder`, in the order of the file."""
    for line in (folder / "incidents.jsonl").read_text(encoding="utf-8").splitlines():
        incident: dict[str, Any] = json.loads(line)
        repository = incident["repository"].lower()
        for symptom in incident["symptoms"]:
            yield Question(
                incident=incident["id"],
                package=incident["package"],
                repository=repository,
                style=symptom["style"],
                language=symptom["lang"],
                text=symptom["text"],
                culprits=frozenset((repository, number) for number in incident["culprits"]),
                as_of=datetime.fromisoformat(incident["as_of"]).replace(tzinfo=UTC) + timedelta(days=1, seconds=-1),
                folder=folder,
            )


def ask(question: Question, mode: str, evidence: Path | None = None, scorer: Scorer | None = None) -> Report:
    """The answer of the public API: late without a day, fresh as of the incident's; from the set's evidence or another's."""
    folder = question.folder
    return lockblame.blame(
        str(folder / "locks" / f"{question.incident}.before.txt"),
        str(folder / "locks" / f"{question.incident}.after.txt"),
        symptom=question.text,
        evidence=evidence or folder,
        config=folder / "lockblame.toml",
        offline=True,
        as_of=question.as_of if mode == "fresh" else None,
        scorer=scorer,
    )


def asked(question: Question, mode: str) -> Asked:
    """What reaches the ranking when that question is asked."""
    seen: list[Asked] = []
    original = lockblame.ranking.rank

    def listening(
        symptom: Symptom | None, candidates: tuple[Candidate, ...], *, now: datetime | None = None, **_: object
    ) -> Ranking:
        seen.append(Asked(symptom, tuple(candidates), now))
        return Ranking()

    lockblame.ranking.rank = listening  # type: ignore[assignment]
    try:
        ask(question, mode)
    finally:
        lockblame.ranking.rank = original
    return seen[0]
