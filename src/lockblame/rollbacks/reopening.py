"""What going back gives up or brings back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lockblame.model import Change, Gap, Note, Release, Reopened
from lockblame.rollbacks.advisories import Advisory
from lockblame.versions import version_key

MOST_FIXES = 8
"""Fixes of one package that are shown; the rest is counted."""
LONGEST = 300

_GRAVE = re.compile(
    r"\b(?:security|vulnerab\w*|CVE-\d{4}-\d+|GHSA-\w+|PYSEC-\d+|data[- ]loss|corrupt\w*|injection|XSS|SSRF|denial of service)\b",
    re.I,
)
_FIX = re.compile(
    r"\b(?:fix(?:e[sd]|ing)?|bug-?fix(?:es)?|regressions?|crash\w*|segfaults?|deadlock\w*|leaks?|hangs?|resolve[sd])\b", re.I
)
_FIXES_BELOW = re.compile(r"\b(?:fix(?:e[sd])?|bug-?fix(?:es)?|bugs?|security)\b", re.I)
_BULLET = re.compile(r"[ \t]{0,12}(?:[-*+•]|\d{1,3}[.)])[ \t]+")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+")
_RULE = re.compile(r"[ \t]*([-=~^\"'`*+#.:_])\1{2,}[ \t]*")
_LABEL = re.compile(r"[ \t]{0,3}(?:[*_]{0,2}[A-Z][A-Za-z &/-]{1,40}:[*_]{0,2}|[*_]{2}[A-Z][A-Za-z &/-]{1,40}[*_]{2})[ \t]*")
_TRIFLE = re.compile(
    r"\b(?:typos?|docs?|documentation|docstrings?|readme|changelog|copyright|lint\w*|mypy|typing|type hints?|CI|tests?)\b", re.I
)
_MARKUP = (
    re.compile(r":[a-z:]{1,30}:`[~.!]?([^`]{1,300})`"),
    re.compile(r"`([^`<>]{1,200}) <[^`<>]{1,300}>`_{1,2}"),
    re.compile(r"``?([^`]{1,300})``?"),
)
"""Roles, links and code of reStructuredText and Markdown, of which the words are shown."""


class _Item(NamedTuple):
    """One entry of a changelog and the heading that it stands below."""

    text: str
    below: str


def yanked(changes: Sequence[Change], releases: Mapping[str, Release | None]) -> Iterator[Reopened]:
    """The old versions that were taken back by their maintainers (PEP 592)."""
    for change in changes:
        release = releases.get(change.name)
        if release is not None and release.yanked:
            detail = release.yanked_reason or "no reason is given"
            yield Reopened(kind="yanked", package=change.name, version=release.version, detail=detail)


# --- advisories ------------------------------------------------------------------------------------------------------


def affected(changes: Sequence[Change], advisories: Sequence[Advisory]) -> Iterator[Reopened]:
    """The advisories that affect an old version but not the new one it takes the place of; each hole once, with all its ids."""
    for change in changes:
        if not change.old or not change.new:
            continue
        old, new = change.old, change.new
        own = [one for one in advisories if one.package == change.name and not one.unclear]
        for several in _same_hole(own):
            # two databases may draw the line differently: the one that still sees the hole in the new version is believed
            if any(one.affects(old) for one in several) and not any(one.affects(new) for one in several):
                yield _reopened(several, change.name, old)


def _same_hole(advisories: Sequence[Advisory]) -> Iterable[list[Advisory]]:
    """Those that share an id or an alias put together, in the order of their first."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for one in advisories:
        ids, several = {one.id, *one.aliases}, [one]
        touching = [group for group in groups if group[0] & ids]
        for group in touching:
            groups.remove(group)
        ids = ids.union(*(known for known, _ in touching))
        groups.append((ids, [*(each for _, held in touching for each in held), *several]))
    return (held for _, held in groups)


def _reopened(several: Sequence[Advisory], package: str, version: str) -> Reopened:
    ids = sorted(
        {name for one in several for name in (one.id, *one.aliases)}, key=lambda name: (not name.startswith("CVE-"), name)
    )
    others = f" ({', '.join(ids[1:6])})" if len(ids) > 1 else ""
    summary = next((one.summary for one in several if one.summary), "")
    detail = f"{ids[0]}{others}" + (f": {' '.join(summary[: 4 * LONGEST].split())[:LONGEST]}" if summary else "")
    return Reopened(
        kind="advisory", package=package, version=version, detail=detail, url=next((one.url for one in several if one.url), None)
    )


def unclear(changes: Sequence[Change], advisories: Sequence[Advisory]) -> Iterator[Gap]:
    """The advisories on a package that goes back of which can't be said whether they are about its old version."""
    for change in changes:
        ids = [one.id for one in advisories if one.package == change.name and one.unclear]
        if ids:
            detail = f"{', '.join(ids[:6])} names commits and no versions, so whether {change.old} is affected can't be told"
            yield Gap(subject=change.name, reason="no-versions", detail=detail, hint="open the advisory")


# --- fixes -----------------------------------------------------------------------------------------------------------


def fixes(changes: Sequence[Change], notes: Sequence[Note]) -> Iterator[Reopened]:
    """What the notes on the versions in (old, new] say was fixed, and is lost by going back; holes and lost data first."""
    for change in changes:
        found = [
            (rank, Reopened(kind="fix", package=change.name, version=note.version, detail=item.text, url=note.url))
            for note in _lost(change, notes)
            for item in _items(note.text)
            if (rank := _rank(item)) is not None
        ]
        # "Fixed in 5.3.2: …" may stand in two places of a changelog
        once = list({one.detail: (rank, one) for rank, one in reversed(found)}.values())[::-1]
        ordered = [one for _, one in sorted(once, key=lambda pair: pair[0])]
        yield from ordered[:MOST_FIXES]
        if len(ordered) > MOST_FIXES:
            more = len(ordered) - MOST_FIXES
            detail = f"and {more} more fix{'es' if more > 1 else ''} that its notes tell of"
            yield Reopened(kind="fix", package=change.name, version=change.new or "", detail=detail)


def _rank(item: _Item) -> int | None:
    """0 for what is worst to lose, 2 for what hardly matters to a service; None for what is no fix."""
    if _GRAVE.search(item.text) or "security" in item.below.lower():
        return 0
    if _FIX.search(item.text) or _FIXES_BELOW.search(item.below):
        return 2 if _TRIFLE.search(item.text) else 1
    return None


def _lost(change: Change, notes: Sequence[Note]) -> list[Note]:
    """The notes on the versions that going back skips, the newest first."""
    if not change.old or not change.new:
        return []
    old, new = version_key(change.old), version_key(change.new)
    found = {
        (note.version, note.text): note for note in notes if note.name == change.name and old < version_key(note.version) <= new
    }
    return sorted(found.values(), key=lambda note: version_key(note.version), reverse=True)


def _items(text: str) -> Iterator[_Item]:
    """The entries of one version's notes: bullets with the lines that continue them, else paragraphs.

    Further paragraphs of a bullet (who did it, links) are left out.
    """
    below, held, hanging = "", list[str](), 0
    rows = text.split("\n")
    for place, row in enumerate(rows):
        indent = len(row) - len(row.lstrip(" \t"))
        underlined = place + 1 < len(rows) and _RULE.fullmatch(rows[place + 1][:300]) and row.strip()
        if underlined or _HEADING.match(row) or _LABEL.fullmatch(row[:80]):
            yield from _entry(held, below)
            below, held, hanging = row.strip(" \t#*_:")[:100], [], 0
        elif _RULE.fullmatch(row[:300]) or not row.strip():
            yield from _entry(held, below)
            held = []
        elif bullet := _BULLET.match(row):
            yield from _entry(held, below)
            held, hanging = [row[bullet.end() :]], indent + 1
        elif held or not hanging or indent < hanging or _GRAVE.search(row):
            hanging = hanging if held else 0
            held.append(row)
    yield from _entry(held, below)


def _entry(held: Sequence[str], below: str) -> Iterator[_Item]:
    text = " ".join(" ".join(held)[: 4 * LONGEST].split())
    for pattern in _MARKUP:
        text = pattern.sub(r"\1", text)
    if sum(char.isalpha() for char in text) >= 3:
        yield _Item(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…", below)
