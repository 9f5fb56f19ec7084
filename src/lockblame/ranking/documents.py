"""Issues as they are compared: without template boilerplate, cut into words, and with what of the symptom is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain

from lockblame.model import Issue
from lockblame.ranking.sought import Run, Sought, runs_of
from lockblame.symptom.identifiers import identifiers
from lockblame.symptom.tracebacks import exception_names
from lockblame.symptom.words import STOP, fold, parts

LONGEST_BODY = 20_000
"""Characters of a body that are read; what a report is about stands in its beginning."""
LONGEST_DISCUSSION = 8_000

_CHECKLIST = re.compile(r"\s{0,8}[-*] \[[ xX]\]")
_PIN = re.compile(r"\s{0,12}[-*]?\s{0,4}[A-Za-z0-9][\w.-]{0,60}\s{0,20}(?:==|@|:|\s)\s{0,8}v?\d[\w.+!-]{0,30}\s{0,8}$")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s|\s{0,3}\*\*[^*]{1,60}\*\*:?\s{0,4}$")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")


@dataclass(slots=True)
class Document:
    """One issue prepared for comparison with one symptom.

    `title` and `body` are folded and free of stop words, `folded` and `title_folded` have all words. `names`, `errors` and
    `runs` (of raw words) are those of the symptom: to look for all that reports have took longer than all the rest.
    """

    issue: Issue
    title: list[str]
    body: list[str]
    folded: list[str]
    title_folded: list[str]
    names: frozenset[str]
    title_names: frozenset[str]
    errors: frozenset[str]
    text: str
    environment: str = ""
    runs: frozenset[Run] = frozenset()


def document(issue: Issue, wanted: Sought) -> Document:
    """`issue` prepared for comparison with a symptom by which `wanted` is looked for."""
    title = clipped(issue.title, 500)
    body, environment = stripped(clipped(issue.body, LONGEST_BODY))
    talk = clipped("\n".join(issue.discussion), LONGEST_DISCUSSION)
    text = f"{body}\n{talk}" if talk else body
    raw_title, raw_body = list(parts(title)), list(parts(text))
    folded, title_folded = [fold(word) for word in raw_body], [fold(word) for word in raw_title]
    title_names = _named(title, wanted.names)
    return Document(
        issue=issue,
        title=_content(raw_title, title_folded),
        body=_content(raw_body, folded),
        folded=folded,
        title_folded=title_folded,
        names=_named(text, wanted.names) | title_names,
        title_names=title_names,
        errors=_raised(f"{title}\n{text}", wanted),
        text=text,
        environment=environment,
        runs=wanted.runs.intersection(chain(runs_of(raw_title), runs_of(raw_body))),
    )


def clipped(text: str | None, longest: int) -> str:
    """`text` (None is empty) without control characters, at most `longest` characters."""
    return (text or "")[:longest].replace("\r", "").replace("\x00", "")


def _content(raw: list[str], folded: list[str]) -> list[str]:
    told = zip(raw, folded, strict=True)
    return [stem for word, stem in told if len(word) > 1 and word not in STOP and not word[0].isdigit()]


def _named(text: str, wanted: frozenset[str]) -> frozenset[str]:
    """Which of the names `text` has as identifiers. Most texts have none of them in any way, which is soon seen."""
    plain = text.lower().replace("-", "_")
    return wanted.intersection(identifiers(text)) if any(name in plain for name in wanted) else frozenset()


def _raised(text: str, wanted: Sought) -> frozenset[str]:
    plain = text.lower()
    if not any(name in plain for name in wanted.errors):
        return frozenset()
    return frozenset(last for name in exception_names(text) if (last := name.rpartition(".")[2].lower()) in wanted.errors)


def stripped(body: str) -> tuple[str, str]:
    """`body` without comments, checklists, headings and version lists; and the version lists by themselves."""
    body = _uncommented(body)
    kept: list[str] = []
    pins: list[str] = []
    run: list[str] = []
    for line in body.split("\n"):
        if _PIN.match(line):
            run.append(line)
            continue
        if run:
            (pins if len(run) >= 3 else kept).extend(run)
            run = []
        if not (_CHECKLIST.match(line) or _HEADING.match(line) or _FENCE.match(line)):
            kept.append(line)
    (pins if len(run) >= 3 else kept).extend(run)
    return "\n".join(kept), "\n".join(pins)


def _uncommented(body: str) -> str:
    """`body` without HTML comments; one that is never closed is text."""
    kept: list[str] = []
    place = 0
    while (begin := body.find("<!--", place)) >= 0 and (end := body.find("-->", begin)) >= 0:
        kept.append(body[place:begin])
        place = end + 3
    return " ".join((*kept, body[place:]))
