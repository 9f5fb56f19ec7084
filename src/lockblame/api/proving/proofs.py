"""The proof that `bisect` printed, read again and held against a report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockblame.api.asking.evidence import PathLike
from lockblame.errors import ReadError
from lockblame.model import Change, ChangeKind, Gap, Narrowed, Pin, Proof, Report, normalize

LARGEST = 16 * 2**20
MOST = 1_000
"""Culprits and gaps that are taken from a file."""


def read_proof(file: PathLike) -> Proof:
    """What `lockblame bisect --format json` printed. Raises ReadError with the place of whatever is wrong in it."""
    import json

    from lockblame import fields, files

    try:
        document = json.loads(files.read(Path(file), limit=LARGEST))
        if not isinstance(document, dict) or document.get("schema") != 1:
            raise fields.FieldError("schema", "is not 1")
        return proof_of(document)
    except (ValueError, RecursionError) as error:
        raise ReadError(os.fspath(file), f"is no JSON: {str(error).lower()}") from None
    except fields.FieldError as error:
        hint = "give what `lockblame bisect --format json` printed"
        raise ReadError(os.fspath(file), f"{error.place} {error.detail}", hint) from None


def proof_of(document: Mapping[str, Any], where: str = "") -> Proof:
    """The proof in a document of `bisect`, or in that of a report. Raises FieldError."""
    from lockblame import fields

    culprits = fields.tables(document, "culprits", where)
    if not 0 < len(culprits) <= MOST:
        raise fields.FieldError("culprits", "should name what was proven")
    counted = _counted(document, where)
    return Proof(
        culprits=tuple(_culprit(one, f"culprits[{number}]") for number, one in enumerate(culprits)),
        minimal=fields.flag(document, "minimal", where),
        narrowed=tuple(_narrowed(one, f"drills[{number}]") for number, one in enumerate(_drills(document, where))),
        gaps=tuple(_gap(one, f"gaps[{number}]") for number, one in enumerate(fields.tables(document, "gaps", where)[:MOST])),
        **counted,
    )


def _counted(document: Mapping[str, Any], where: str) -> dict[str, int]:
    """How many trials ended how: from the trials themselves, or from a report, which has their numbers."""
    from lockblame import fields

    verdicts = ("good", "bad", "untestable")
    if isinstance(document.get("trials"), dict):
        numbers = fields.table(document, "trials", where)
        return {verdict: fields.maybe_number(numbers, verdict, "trials") or 0 for verdict in verdicts}
    trials = fields.tables(document, "trials", where)
    told = [fields.text(one, "verdict", f"trials[{number}]") for number, one in enumerate(trials)]
    return {verdict: told.count(verdict) for verdict in verdicts}


def _drills(document: Mapping[str, Any], where: str) -> Sequence[Mapping[str, Any]]:
    from lockblame import fields

    return fields.tables(document, "drills", where)[:MOST]


def _culprit(table: Mapping[str, Any], where: str) -> Change:
    from lockblame import fields

    name = normalize(fields.text(table, "name", where))
    before, after = (
        Pin(name=name, version=version) if (version := fields.maybe_text(table, side, where)) is not None else None
        for side in ("before", "after")
    )
    return Change(name=name, before=before, after=after, kind=_kind(before, after))


def _kind(before: Pin | None, after: Pin | None) -> ChangeKind:
    return "added" if before is None else "removed" if after is None else "upgraded"


def _narrowed(table: Mapping[str, Any], where: str) -> Narrowed:
    from lockblame import fields

    first = fields.table(table, "first_bad", where)
    commits = fields.tables(first, "commits", f"{where}.first_bad")
    # several commits are those of which one is it: that is no proof of any of them
    single = commits[0] if len(commits) == 1 else {}
    return Narrowed(
        name=fields.text(table, "name", where),
        good=fields.text(table, "good", where),
        bad=fields.text(table, "bad", where),
        commit=fields.maybe_text(single, "hash", f"{where}.first_bad.commits[0]"),
        subject=fields.maybe_text(single, "subject", f"{where}.first_bad.commits[0]") or "",
        url=fields.maybe_text(first, "url", f"{where}.first_bad"),
    )


def _gap(table: Mapping[str, Any], where: str) -> Gap:
    from lockblame import fields

    subject, reason, detail = (fields.text(table, key, where) for key in ("subject", "reason", "detail"))
    return Gap(subject=subject, reason=reason, detail=detail, hint=fields.maybe_text(table, "hint", where))


# --- into the report -------------------------------------------------------------------------------------------------


def with_proof(report: Report, file: PathLike) -> Report:
    """The report with what that file proves. Raises ReadError when it is of something else than what changed here."""
    proof = read_proof(file)
    steps = {(change.name, change.old, change.new) for change in report.delta}
    for one in proof.culprits:
        if (one.name, one.old, one.new) not in steps:
            detail = f"proves {one}, which is no change between these two locks"
            raise ReadError(os.fspath(file), detail, "give the bisection of the same BEFORE and AFTER")
    own = {(one.name, one.old, one.new): one for one in reversed(report.delta)}
    culprits = tuple(own[one.name, one.old, one.new] for one in proof.culprits)
    return replace(report, proof=replace(proof, culprits=culprits))
