"""Solved incidents as small TOML files, and which of them a symptom resembles.

title = "Workers slow down"
date = 2024-03-02
symptom = "the workers consume far fewer messages than before"
culprit = "kombu 5.3.1 → 5.3.2"
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockblame import fields
from lockblame.errors import ReadError
from lockblame.lexicon import Lexicon
from lockblame.model import Case, Change, Evidence, Issue, Moment, Precedent, Symptom, normalize

KEYS = ("title", "date", "symptom", "culprit", "proof", "issue", "workaround", "changes", "links", "timeline")
SAME_CULPRIT = 1.5
"""What it is worth (log-odds) that the case's culprit changed this time too; not fitted."""
ALIKE = 3.0
"""The score from which on a case is shown: more than a report with hardly a word in common can have."""
_SAID = frozenset({"text", "identifiers", "error", "concepts"})
"""The kinds of evidence that compare what is said; days and versions of a past incident say nothing about this one."""


def parse(text: str, path: str) -> Case:
    """The case in `text`, the content of the file at `path`, whose name is its id.

    Raises ReadError with the place of whatever is wrong, and what would be right there.
    """
    import tomllib

    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
        return _case(document, re.split(r"[/\\]", path)[-1].removesuffix(".toml"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ReadError(path, f"is no TOML: {str(error).lower() or 'nested too deeply'}") from None
    except fields.FieldError as error:
        raise ReadError(path, f"{error.place} {error.detail}", f"a case has {', '.join(KEYS)}") from None


def _case(document: Mapping[str, Any], id: str) -> Case:
    for key in document:
        if key not in KEYS:
            raise fields.FieldError(key, "is nothing that a case has")
    day = document.get("date")
    if not isinstance(day, datetime.date):
        raise fields.FieldError("date", "should be a day such as 2024-03-02, without quotes")
    moments = fields.tables(document, "timeline")
    return Case(
        id=id,
        title=fields.text(document, "title"),
        date=day.date() if isinstance(day, datetime.datetime) else day,
        symptom=fields.text(document, "symptom"),
        culprit=fields.maybe_text(document, "culprit") or "",
        proof=fields.maybe_text(document, "proof") or "",
        changes=fields.texts(document, "changes"),
        issue=fields.maybe_text(document, "issue"),
        workaround=fields.maybe_text(document, "workaround") or "",
        links=fields.texts(document, "links"),
        timeline=tuple(_moment(one, f"timeline[{number}]") for number, one in enumerate(moments)),
    )


def _moment(table: Mapping[str, Any], where: str) -> Moment:
    at = table.get("at")
    shown = at.isoformat() if isinstance(at, datetime.date | datetime.time) else fields.text(table, "at", where)
    return Moment(at=shown, event=fields.text(table, "event", where))


def dump(case: Case) -> str:
    """The case as the text of its file; `parse` gives the same case back."""
    rows = [f"title = {_quoted(case.title)}", f"date = {case.date.isoformat()}", f"symptom = {_paragraph(case.symptom)}"]
    rows += [f"{key} = {_quoted(value)}" for key in ("culprit", "proof", "issue", "workaround") if (value := getattr(case, key))]
    for key in ("changes", "links"):
        if values := getattr(case, key):
            rows += [f"{key} = [", *(f"    {_quoted(value)}," for value in values), "]"]
    for moment in case.timeline:
        rows += ["", "[[timeline]]", f"at = {_quoted(moment.at)}", f"event = {_quoted(moment.event)}"]
    return "\n".join(rows) + "\n"


def _quoted(text: str) -> str:
    return f'"{_escaped(text, "")}"'


def _paragraph(text: str) -> str:
    """A text of several lines stays readable as such."""
    return f'"""\n{_escaped(text, chr(10))}"""' if "\n" in text else _quoted(text)


def _escaped(text: str, kept: str) -> str:
    """TOML's basic string: no control character as it is, and what is no character at all replaced."""
    return "".join(
        "\\" + char
        if char in '"\\'
        else "\ufffd"
        if 0xD800 <= ord(char) <= 0xDFFF
        else f"\\u{ord(char):04x}"
        if (ord(char) < 0x20 or ord(char) == 0x7F) and char not in kept
        else char
        for char in text
    )


def name(title: str, day: datetime.date) -> str:
    """The id for a new case: its day and the letters of its title."""
    letters = re.sub(r"[\W_]+", "-", title.lower())[:60].strip("-")
    return f"{day.isoformat()}-{letters}".rstrip("-")


def alike(
    symptom: Symptom | None, cases: Sequence[Case], lexicon: Lexicon, changes: Sequence[Change] = ()
) -> tuple[Precedent, ...]:
    """The cases that resemble the symptom, best first, by the measures that rank upstream issues.

    A case whose culprit is among `changes` counts for more. Without a symptom nothing resembles it.
    """
    from lockblame.ranking import Candidate, rank

    if symptom is None or not cases:
        return ()
    issues = tuple(_as_issue(number, case) for number, case in enumerate(cases))
    anything = Change(name="case", before=None, after=None, kind="added")
    ranked = rank(symptom, (Candidate(change=anything, issues=issues),), lexicon=lexicon).issues
    names = {change.name for change in changes}
    found = (_precedent(cases[match.issue.number], match.evidence, names) for match in ranked)
    return tuple(sorted((one for one in found if one.score >= ALIKE), key=lambda one: (-one.score, one.case.id)))


def _as_issue(number: int, case: Case) -> Issue:
    return Issue(repository="cases", number=number, title=case.title, body=f"{case.symptom}\n{case.workaround}", state="closed")


def _precedent(case: Case, evidence: Sequence[Evidence], names: set[str]) -> Precedent:
    said = [replace(one, url=None) for one in evidence if one.kind in _SAID and one.weight]
    package = _package(case.culprit)
    if package in names:
        said.append(Evidence(kind="culprit", weight=SAME_CULPRIT, detail=f"its culprit, {package}, changed this time too"))
    return Precedent(case=case, evidence=tuple(said), score=round(sum(one.weight for one in said), 4))


def _package(culprit: str) -> str:
    """The package that a culprit's line begins with."""
    found = re.match(r"[A-Za-z0-9][\w.-]{0,200}", culprit)
    return normalize(found[0]) if found else ""
