"""A changelog → what it says about each version; of those, the ones of a step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lockblame.model import Note
from lockblame.notes.headings import LOOSE, Heading, headings
from lockblame.notes.titles import Title, title
from lockblame.versions import parsed

LONGEST_TEXT = 60_000
"""Characters of one version's notes."""
LONGEST = 4_000_000
"""Characters of a changelog."""
MOST_SECTIONS = 5_000

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# headings inside of a version's notes that are sometimes written as high as the version itself
_PART_WORDS = """
added additions api backward backwards backwards-incompatible breaking bug bugfix bugfixes bugs build changed changes
compatibility contributors credits dependencies deprecated deprecation deprecations docs documentation enhancement enhancements
feature features fixed fixes general highlights improved improvements incompatible internal internals maintenance major minor
misc miscellaneous new note notes other packaging performance refactoring removals removed security summary testing tests thanks
trivial typing upgrade upgrading update updates what's
"""
_PARTS = frozenset(_PART_WORDS.split())


class Section(NamedTuple):
    """What a changelog says about `version` (normalized as in PEP 440)."""

    version: str
    text: str


def sections(text: str, *, name: str) -> tuple[Section, ...]:
    """What the changelog says about each version, in its order; a version that comes twice has both texts.

    A section goes from the heading that names the version to the next one that does, or to a higher heading. Headings that name
    another package's version are none, unless no heading names the package's own. Of lines without markup those are headings that
    hold a version and a date, and those with a remark only where no other heading names a version.
    """
    lines = _CONTROL.sub("", text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    found = [(heading, title(heading.title, name)) for heading in headings(lines)]
    chosen = _chosen(found)
    structure = [heading for heading, _ in found if heading.level < LOOSE or heading.start in chosen]
    texts: dict[str, list[str]] = {}
    for place, heading in enumerate(structure):
        told = chosen.get(heading.start)
        if told is None or len(texts) >= MOST_SECTIONS:
            continue
        end = next((one.start for one in _following(structure, place) if _ends(heading, one, chosen)), len(lines))
        body = "\n".join(([told.remark] if told.remark else []) + lines[heading.end : end])
        texts.setdefault(str(told.version), []).append(_tidy(body))
    return tuple(Section(version, _tidy("\n\n".join(several))) for version, several in texts.items())


def _following(structure: Sequence[Heading], place: int) -> Iterable[Heading]:
    return (structure[number] for number in range(place + 1, len(structure)))


def _ends(heading: Heading, other: Heading, chosen: dict[int, Title]) -> bool:
    """Whether the notes under `heading` end where `other` begins."""
    if other.start in chosen or other.level < heading.level:
        return True
    first = other.title.split()[0].strip("*:`").lower() if other.title.split() else ""
    return other.level == heading.level and first not in _PARTS


def _chosen(found: Sequence[tuple[Heading, Title | None]]) -> dict[int, Title]:
    """By their line, the headings that name versions of the package."""
    named = [(heading, told) for heading, told in found if told is not None]
    marked = _own([(heading, told) for heading, told in named if heading.level < LOOSE or told.bare])
    if any(heading.level < LOOSE for heading, _ in marked):
        return {heading.start: told for heading, told in marked}
    return {heading.start: told for heading, told in _own([(heading, told) for heading, told in named if told.formal])}


def _own(named: Sequence[tuple[Heading, Title]]) -> Sequence[tuple[Heading, Title]]:
    """Those with the package's name or none; where there are none, those with the name that comes most often."""
    own = [(heading, told) for heading, told in named if not told.stranger]
    if own or not named:
        return own
    stranger, times = Counter(told.stranger for _, told in named).most_common(1)[0]
    return [(heading, told) for heading, told in named if told.stranger == stranger] if times > 1 else []


def _tidy(text: str) -> str:
    """Without empty ends and the anchors of the next heading (".. _v1-2-3:", "<a id=…>", "----")."""
    lines = text.split("\n")
    while lines and re.fullmatch(
        r"\s*|\.\. _[^\n]{0,200}:\s*|<a [^<>]{0,200}>(?:</a>)?\s*|\.\. changelog::|[-=*_]{3,}\s*", lines[-1][:300]
    ):
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(lines)[:LONGEST_TEXT]


def between(found: Iterable[Section], before: str | None, after: str, *, name: str, url: str | None = None) -> tuple[Note, ...]:
    """The notes of the versions in (before, after] by PEP 440, oldest first; without `before` those of `after` alone.

    Empty for a step backwards, and for versions that PEP 440 doesn't know.
    """
    first, last = parsed(before) if before is not None else None, parsed(after)
    if last is None or (before is not None and first is None):
        return ()
    notes = []
    for version, text in found:
        number = parsed(version)
        if number is None or not text.strip():
            continue
        # a build of one's own (1.2.3+cu118) has the notes of what it was built from
        inside = first < number <= last if first is not None else number in (last, parsed(last.public))
        if inside:
            notes.append((number, Note(name=name, version=version, text=text, url=url)))
    return tuple(note for _, note in sorted(notes, key=lambda pair: pair[0]))
