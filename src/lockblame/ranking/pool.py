"""All issues of all candidates: which of them deserve a close look, and how rare each word, name and concept is among them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lockblame.lexicon import Lexicon
from lockblame.model import Issue, Symptom
from lockblame.ranking.documents import Document, clipped, document
from lockblame.ranking.sought import Sought, sought
from lockblame.symptom.words import LONGEST, fold

CLOSE_LOOK = 400
"""Issues that are compared in every respect; the others have hardly a word or a day in their favour."""
PER_PACKAGE = 25
SKIMMED = 6_000
"""Characters of an issue that the first pass reads."""

_SEPARATORS = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})

Key = tuple[str, int]


@dataclass(slots=True)
class Pool:
    """The issues that were looked at closely, by key, what was looked for in them, and the frequencies among them."""

    documents: Mapping[Key, Document]
    sought: Sought
    size: int
    words: Mapping[str, int]
    names: Mapping[str, int]
    errors: Mapping[str, int]
    concepts: Mapping[str, int]
    concepts_of: Mapping[Key, tuple[frozenset[str], frozenset[str]]]
    average: float
    rows: int = field(default=0)

    def rarity(self, table: Mapping[str, int], term: str) -> float:
        """The inverse document frequency of a term (BM25's, never negative)."""
        count = table.get(term, 0)
        return math.log(1 + (self.rows - count + 0.5) / (count + 0.5))


def key_of(issue: Issue) -> Key:
    """What makes two issues the same one: repositories on two hosts may have the same name."""
    host = (issue.url or "").partition("://")[2].partition("/")[0]
    return f"{host}/{issue.repository}".lower(), issue.number


def pool(
    symptom: Symptom | None, groups: Sequence[tuple[datetime | None, Sequence[Issue]]], lexicon: Lexicon, fewest: int = 0
) -> Pool:
    """The pool of `groups`: for each package when its new version came out, and its issues.

    How rare a word is among a handful says nothing: what isn't there of `fewest` issues counts as issues without it.
    """
    terms = frozenset(symptom.words) if symptom else frozenset()
    skimmed = _skim(groups, terms)
    counts = Counter(word for _, found, _ in skimmed.values() for word in found)
    rows = len(skimmed)
    chosen = _chosen(groups, skimmed, counts, rows)
    wanted = sought(symptom)
    documents = {key_of(issue): document(issue, wanted) for issue in chosen}
    concepts_of = {
        key: (frozenset(lexicon.of_words(item.title_folded)), frozenset(lexicon.of_words([*item.title_folded, *item.folded])))
        for key, item in documents.items()
    }
    close = len(documents)
    scale = rows / close if close else 1.0

    def spread(items: Iterable[Iterable[str]]) -> dict[str, int]:
        return {term: round(count * scale) for term, count in Counter(term for item in items for term in item).items()}

    return Pool(
        documents=documents,
        sought=wanted,
        size=rows,
        words=counts,
        names=spread(item.names for item in documents.values()),
        errors=spread(item.errors for item in documents.values()),
        concepts=spread(both[1] for both in concepts_of.values()),
        concepts_of=concepts_of,
        average=sum(len(item.body) for item in documents.values()) / close if close else 1.0,
        rows=max(rows, fewest),
    )


def _skim(
    groups: Sequence[tuple[datetime | None, Sequence[Issue]]], terms: frozenset[str]
) -> dict[Key, tuple[Issue, dict[str, int], int]]:
    """Each issue once, with how often it has each of `terms`, and its length in words.

    Nearly all the time of a large ranking goes by here, so that words are cut by the interpreter's own loops, and only those
    not met before are folded.
    """
    found: dict[Key, tuple[Issue, dict[str, int], int]] = {}
    met: set[str] = set()
    stem_of: dict[str, str] = {}
    for _, issues in groups:
        for issue in issues:
            key = key_of(issue)
            if key in found:
                continue
            tokens = f"{issue.title} {clipped(issue.body, SKIMMED)}".lower().translate(_SEPARATORS).split()
            present = set(tokens)
            fresh = present - met
            met |= fresh
            stem_of.update((token, stem) for token in fresh if (stem := fold(token[:LONGEST])) in terms)
            counts: dict[str, int] = {}
            for token in present & stem_of.keys():
                counts[stem_of[token]] = counts.get(stem_of[token], 0) + tokens.count(token)
            found[key] = (issue, counts, len(tokens))
    return found


def _chosen(
    groups: Sequence[tuple[datetime | None, Sequence[Issue]]],
    skimmed: Mapping[Key, tuple[Issue, dict[str, int], int]],
    counts: Mapping[str, int],
    rows: int,
) -> list[Issue]:
    """The issues for the close look: the best by words and time together, and the best of each package."""
    if rows <= CLOSE_LOOK:
        return [issue for issue, _, _ in skimmed.values()]
    rarity = {word: math.log(1 + (rows - count + 0.5) / (count + 0.5)) for word, count in counts.items()}
    average = sum(length for _, _, length in skimmed.values()) / rows or 1.0
    chosen: dict[Key, Issue] = {}
    ranked: list[tuple[float, str, int, Key]] = []
    for released, issues in groups:
        own: list[tuple[float, str, int, Key]] = []
        for key in dict.fromkeys(key_of(issue) for issue in issues):
            issue, found, length = skimmed[key]
            norm = 1.2 * (0.25 + 0.75 * length / average)
            score = sum(rarity[word] * count * 2.2 / (count + norm) for word, count in found.items())
            own.append((-score - _timely(issue, released), key[0], key[1], key))
        own.sort()
        chosen.update((key, skimmed[key][0]) for _, _, _, key in own[:PER_PACKAGE])
        ranked.extend(own)
    ranked.sort()
    for _, _, _, key in ranked:
        if len(chosen) >= CLOSE_LOOK:
            break
        chosen.setdefault(key, skimmed[key][0])
    return list(chosen.values())


def _timely(issue: Issue, released: datetime | None) -> float:
    """A rough bonus for having been opened soon after the release, in the currency of BM25."""
    if released is None or issue.created_at is None:
        return 0.0
    days = (issue.created_at - released).total_seconds() / 86400
    return 8.0 / (1 + days / 60) if days > -2 else 0.0
