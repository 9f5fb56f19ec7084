"""What a postmortem has beside the report: the edit that takes the culprits back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.api.asking.evidence import PathLike
from lockblame.api.reading import Source
from lockblame.errors import LockblameError
from lockblame.model import Gap, Report

if TYPE_CHECKING:
    from lockblame.client import Client


def with_way_back(
    report: Report,
    before: Source,
    after: Source | None = None,
    *,
    evidence: PathLike | None = None,
    offline: bool = False,
    repository: PathLike | None = None,
    client: Client | None = None,
) -> Report:
    """The report with the edit that takes back what is proven, else the leading suspect; a Gap where there can't be one.

    Nothing is written.
    """
    from lockblame.api.returning.places import as_shown
    from lockblame.api.rolling_back import rollback

    names = [one.name for one in report.proof.culprits] if report.proof else [one.change.name for one in report.suspects[:1]]
    if not names:
        return report
    folder = Path(repository or ".")
    try:
        found = rollback(before, after, packages=names, evidence=evidence, offline=offline, repository=repository, client=client)
    except LockblameError as error:
        gap = Gap(subject="rollback", reason="no-edit", detail=f"no edit takes {', '.join(names)} back: {error}", hint=error.hint)
        return replace(report, gaps=(*report.gaps, gap))
    edits = tuple(replace(edit, path=as_shown(Path(edit.path), folder)) for edit in found.edits)
    return replace(report, way_back=replace(found, edits=edits))
