"""Issues as they are compared: without template boilerplate, cut into words, names, versions and runs of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lockblame.lexicon import Lexicon
from lockblame.model import Issue
from lockblame.symptom.identifiers import identifiers
from lockblame.symptom.tracebacks import exception_names
from lockblame.symptom.words import STOP, fold, split_names, words

LONGEST_BODY = 20_000
"""Characters of a body that are read; what a report is about stands in its beginning."""
LONGEST_DISCUSSION = 8_000
RUN = 3
"""Words in a row that make a run."""

_CHECKLIST = re.compile(r"\s{0,8}[-*] \[[ xX]\]")
_PIN = re.compile(r"\s{0,12}[-*]?\s{0,4}[A-Za-z0-9][\w.-]{0,60}\s{0,20}(?:==|@|:|\s)\s{0,8}v?\d[\w.+!-]{0,30}\s{0,8}$")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s|\s{0,3}\*\*[^*]{1,60}\*\*:?\s{0,4}$")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")


@dataclass(slots=True)
class Document:
    """One issue prepared for comparison. Word lists are folded and free of stop words, `runs` are of raw words."""

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
    runs: frozenset[tuple[str, ...]] = frozenset()


def document(issue: Issue, lexicon: Lexicon) -> Document:
    """`issue` prepared for comparison."""
    title = clipped(issue.title, 500)
    body, environment = stripped(clipped(issue.body, LONGEST_BODY))
    talk = clipped("\n".join(issue.discussion), LONGEST_DISCUSSION)
    text = f"{body}\n{talk}" if talk else body
    raw_title, raw_body = list(words(split_names(title))), list(words(split_names(text)))
    names = frozenset(identifiers(text))
    title_names = frozenset(identifiers(title))
    return Document(
        issue=issue,
        title=_content(raw_title),
        body=_content(raw_body),
        folded=[fold(word) for word in raw_body],
        title_folded=[fold(word) for word in raw_title],
        names=names | title_names,
        title_names=title_names,
        errors=frozenset(_last(name) for name in exception_names(f"{title}\n{text}")),
        text=text,
        environment=environment,
        runs=frozenset((*runs_of(raw_title), *runs_of(raw_body))),
    )


def runs_of(tokens: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Each RUN words in a row."""
    row = list(tokens)
    return zip(*(row[start:] for start in range(RUN)), strict=False)


def clipped(text: str | None, longest: int) -> str:
    """`text` (None is empty) without control characters, at most `longest` characters."""
    return (text or "")[:longest].replace("\r", "").replace("\x00", "")


def _content(raw: list[str]) -> list[str]:
    return [fold(word) for word in raw if len(word) > 1 and word not in STOP and not word[0].isdigit()]


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1].lower()


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
