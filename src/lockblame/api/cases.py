"""Solved incidents in a folder of the team's repository: kept, read, searched."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockblame import casebook
from lockblame.api.asking.evidence import PathLike
from lockblame.api.proving.proofs import proof_of
from lockblame.errors import ReadError
from lockblame.lexicon import Lexicon
from lockblame.model import Case, Gap, Precedent, Proof, Report

if TYPE_CHECKING:
    from lockblame.config import Config

FOLDER = ".lockblame/cases"
MOST = 5_000
LARGEST = 2**20


def read_all(folder: Path) -> tuple[tuple[Case, ...], tuple[Gap, ...]]:
    """The cases of that folder, newest first; none when it isn't there. One that can't be read is a Gap."""
    from lockblame import files

    found, gaps = [], []
    if not folder.is_dir():
        return (), ()
    for path in sorted(folder.glob("*.toml"))[:MOST]:
        try:
            text = files.read(path, limit=LARGEST).decode("utf-8", "replace")
            found.append(casebook.parse(text, path.name))
        except ReadError as error:
            gaps.append(Gap(subject=path.name, reason="unreadable-case", detail=error.detail, hint=error.hint))
    return tuple(sorted(found, key=lambda case: (-case.date.toordinal(), case.id))), tuple(gaps)


def place(config: PathLike | None = None, repository: PathLike | None = None) -> Path:
    """The folder of cases, as the settings have it."""
    from lockblame.api.settings import read_settings

    return folder_of(read_settings(config, Path(repository or ".")), repository)


def folder_of(settings: Config, repository: PathLike | None) -> Path:
    """The folder of cases that those settings name, else the usual one."""
    return Path(repository or ".") / (settings.cases or FOLDER)


def consulted(report: Report, folder: Path, lexicon: Lexicon) -> Report:
    """The report with the cases that resemble its symptom; a case that can't be read is a gap of it."""
    known, gaps = read_all(folder)
    if report.as_of is not None:
        known = tuple(case for case in known if case.date <= report.as_of.date())
    alike = casebook.alike(report.symptom, known, lexicon, report.delta.changes)
    return replace(report, cases=alike, gaps=(*report.gaps, *gaps)) if alike or gaps else report


def add(case: Case, folder: Path) -> Path:
    """Write the case to the folder, under its id or, where that is empty, one made of its day and title.

    Raises ReadError when there is a case of that name already: nothing is overwritten.
    """
    from lockblame import files

    id = case.id or casebook.name(case.title, case.date)
    path = folder / f"{id}.toml"
    if path.exists():
        raise ReadError(str(path), "is there already", "give the case another title, or edit that file")
    files.write_all(folder, {path.name: casebook.dump(replace(case, id=id))})
    return path


def from_report(file: PathLike) -> dict[str, Any]:
    """What a report that was saved as JSON tells of a case: symptom, culprit (and its proof, if it has one), issue, changes.

    Raises ReadError when it is no such report.
    """
    import json

    from lockblame import fields, files

    try:
        document = json.loads(files.read(Path(file)))
        if not isinstance(document, dict) or document.get("schema") != 1:
            raise fields.FieldError("schema", "is not 1")
        suspects, issues = fields.tables(document, "suspects"), fields.tables(document, "issues")
        changes = fields.tables(document, "changes")
        proof = fields.table(document, "proof")
        told = proven(proof_of(proof, "proof")) if proof else {"culprit": _step(suspects[0]) if suspects else ""}
        # the issue is that of the culprit: one of another package would lead the next reader astray
        guilty = set(told["culprit"].split(" ")[:1])
        return {
            "symptom": fields.maybe_text(document, "symptom") or "",
            **told,
            "issue": next((fields.maybe_text(one, "url") for one in issues if one.get("package") in guilty), None),
            # several locks may tell of one step, and a file that was added to a release is none
            "changes": tuple(dict.fromkeys(_entry(one) for one in changes if one.get("before") != one.get("after"))),
        }
    except (ValueError, RecursionError) as error:
        raise ReadError(os.fspath(file), f"is no JSON: {str(error).lower()}") from None
    except fields.FieldError as error:
        hint = "give what `lockblame blame --format json` printed"
        raise ReadError(os.fspath(file), f"{error.place} {error.detail}", hint) from None


def proven(proof: Proof) -> dict[str, str]:
    """What a proof tells of a case: its culprits, and how they were proven."""
    from lockblame.report.proven import proof_sentences

    return {"culprit": ", ".join(map(str, proof.culprits)), "proof": " ".join(proof_sentences(proof))}


def _step(suspect: Any) -> str:
    from lockblame import fields

    sides = (fields.maybe_text(suspect, side) or "(none)" for side in ("before", "after"))
    return f"{fields.text(suspect, 'package')} {' → '.join(sides)}"


def _entry(table: Any) -> str:
    from lockblame import fields

    sides = (", ".join(fields.texts(table, side)) or "(none)" for side in ("before", "after"))
    return f"{fields.text(table, 'name')} {' → '.join(sides)}"


def search(text: str, folder: Path, lexicon: Lexicon | None = None) -> tuple[Precedent, ...]:
    """The cases that resemble a symptom in the user's words, or hold all of them, best first. SymptomError when it is empty."""
    from lockblame import lexicon as lexicons
    from lockblame.symptom import analyze

    words = lexicon or lexicons.default()
    return casebook.searched(text, analyze(text, lexicon=words), read_all(folder)[0], words)


def solved(title: str, day: date, told: dict[str, Any]) -> Case:
    """A case of what is told; `told` has the fields of Case that are known."""
    return Case(**{"id": "", "title": title, "date": day, **told})
