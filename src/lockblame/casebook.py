"""Solved incidents as small TOML files, and which of them a symptom resembles.

title = "Workers slow down"
date = 2024-03-02
symptom = "the workers consume far fewer messages than before"
culprit = "kombu 5.3.1 → 5.3.2"
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from lockblame import fields
from lockblame.errors import ReadError
from lockblame.lexicon import Lexicon, folded_words
from lockblame.model import Case, Change, Evidence, Issue, Moment, Precedent, Symptom, normalize

KEYS = ("title", "date", "symptom", "culprit", "proof", "issue", "workaround", "changes", "links", "timeline")
SAME_STEP = 3.0
"""What it is worth (log-odds) that the deploy passes over the release to blame again: from before it to it or later."""
SAME_CULPRIT = 1.0
"""And that it moved the package that was to blame, but not over that release."""
SAME_TEXT = 2.5
"""And that the symptom is told word for word as it was: two words alone are worth little by any measure."""
ALIKE = 4.5
"""The score from which on `blame` shows a case. These three are measured by benchmarks/cases.py: a false "this looks like the
incident of …" above everything else is worse than none, so that hardly anything is shown for its words alone."""
SEARCHED = 0.5
"""The same for who searches the cases and looks at what comes: of 35 cases it finds the right one for 0.96 of the questions."""
MOST_FOUND = 5
"""Cases that are told for their likeness; the right one is among the first three for 0.86 of the questions."""
HOLDS = 2.0
"""What it is worth to who searches that a case holds every word."""
MOST_WORDS = 40
FEWEST = 30
"""Cases that a book is taken to have, at least, where it is looked how rare a word is: a first case has no rare words at all."""
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
    symptom: Symptom | None, cases: Sequence[Case], lexicon: Lexicon, changes: Sequence[Change] = (), least: float | None = None
) -> tuple[Precedent, ...]:
    """The cases that resemble the symptom, best first, by the measures that rank upstream issues.

    A case whose culprit is among `changes` counts for more. Those that score `least` (default: ALIKE) or more are told. Without a
    symptom nothing resembles it.
    """
    from lockblame.ranking import Candidate, rank

    if symptom is None or not cases:
        return ()
    issues = tuple(_as_issue(number, case, lexicon) for number, case in enumerate(cases))
    anything = Change(name="case", before=None, after=None, kind="added")
    ranked = rank(symptom, (Candidate(change=anything, issues=issues),), lexicon=lexicon, fewest=FEWEST).issues
    found = (_precedent(cases[match.issue.number], match.evidence, changes, symptom) for match in ranked)
    enough = ALIKE if least is None else least
    return tuple(sorted((one for one in found if one.score >= enough), key=lambda one: (-one.score, one.case.id)))


def searched(text: str, symptom: Symptom | None, cases: Sequence[Case], lexicon: Lexicon) -> tuple[Precedent, ...]:
    """The cases that resemble the symptom or hold every word of `text`, best first: for who asks, and looks at what comes."""
    said = {one.case.id: one for one in alike(symptom, cases, lexicon, least=float("-inf"))}
    words = list(dict.fromkeys(re.findall(r"[\w.-]*\w", text.casefold())))[:MOST_WORDS]
    found = [one for one in said.values() if one.score >= SEARCHED][:MOST_FOUND]
    for case in cases if words else ():
        if _holds(case, words):
            one = said.get(case.id, Precedent(case=case, evidence=(), score=0.0))
            held = Evidence(kind="text", weight=HOLDS, detail=f"holds what was asked for: {', '.join(words)}")
            found = [other for other in found if other.case is not case]
            found.append(replace(one, evidence=(*one.evidence, held), score=round(max(0.0, one.score) + HOLDS, 4)))
    return tuple(sorted(found, key=lambda one: (-one.score, one.case.id)))


def _holds(case: Case, words: Sequence[str]) -> bool:
    """Whether all words stand in what the case tells; what else was deployed then is not looked at."""
    told = "\n".join((case.title, case.symptom, case.culprit, case.workaround, case.issue or "", *case.links)).casefold()
    return all(word in told for word in words)


def _as_issue(number: int, case: Case, lexicon: Lexicon) -> Issue:
    body = f"{case.symptom}\n{case.workaround}"
    english = _in_english(f"{case.title}\n{body}", lexicon)
    return Issue(repository="cases", number=number, title=case.title, body=f"{body}\n{english}", state="closed")


def _in_english(text: str, lexicon: Lexicon) -> str:
    """What a Korean text speaks of, in the words of English reports, as which cases are read; nothing of what is English."""
    said = lexicon.of_words(folded_words(text))
    meant = (lexicon.entries[name].english[:1] for name in lexicon.concepts(text) if name not in said)
    return " ".join([*lexicon.translated(text), *chain.from_iterable(meant)])


def _precedent(case: Case, evidence: Sequence[Evidence], changes: Sequence[Change], symptom: Symptom) -> Precedent:
    said = [replace(one, url=None) for one in evidence if one.kind in _SAID and one.weight]
    if case.symptom.split() == symptom.text.split():
        said.append(Evidence(kind="text", weight=SAME_TEXT, detail="says the same, word for word"))
    again = max(
        (found for one in _culprits(case.culprit) if (found := _again(*one, changes))), key=lambda one: one.weight, default=None
    )
    said += [again] if again is not None else []
    return Precedent(case=case, evidence=tuple(said), score=round(sum(one.weight for one in said), 4))


def _culprits(text: str) -> Iterator[tuple[str, str | None]]:
    """The packages that a culprit's line names, each with the release that was to blame where it is told."""
    for part in text.split(",")[:20]:
        found = re.match(r"\s*([A-Za-z0-9][\w.-]{0,200})(?:[^→>]{0,100}(?:→|->)\s*(\S{1,100}))?", part)
        if found:
            yield normalize(found[1]), found[2]


def _again(package: str, guilty: str | None, changes: Sequence[Change]) -> Evidence | None:
    """What it says that the package to blame changed this time too."""
    from lockblame.versions import parsed

    own = [change for change in changes if change.name == package]
    release = parsed(guilty or "")
    for change in own:
        old, new = parsed(change.old or ""), parsed(change.new or "")
        if (
            release is not None
            and new is not None
            and new >= release
            and (change.old is None or (old is not None and old < release))
        ):
            detail = f"its culprit, {package} {guilty}, is among what was deployed this time too"
            return Evidence(kind="culprit", weight=SAME_STEP, detail=detail)
    if own:
        return Evidence(kind="culprit", weight=SAME_CULPRIT, detail=f"its culprit, {package}, changed this time too")
    return None
