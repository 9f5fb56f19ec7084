"""How much a report is like the symptom: its words, names, messages and meaning."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lockblame.lexicon import Lexicon
from lockblame.model import Symptom
from lockblame.ranking.documents import Document
from lockblame.ranking.features import Feature
from lockblame.ranking.pool import Pool, key_of
from lockblame.ranking.sought import MOST_TEXT, RUN, Sought
from lockblame.symptom.words import STOP, fold, parts, words

SATURATION = 1.2
LENGTH = 0.6
"""BM25's k1 and b."""
NEAR = 0.4
"""What a concept counts for that people use for the same trouble."""
ENTITLED = 1.5
"""What a name or concept counts for in the title."""
MOST_RUNS = 6
HALF = 0.5
"""The share of an error message's words that a report has to have in the same order."""
SUBSTANCE = frozenset({"title", "body", "names", "error", "failure", "thing"})
ENOUGH = 0.6
"""Below this sum of values a report is held against: what nobody would say is as telling as what everybody would."""


@dataclass(slots=True)
class Likeness:
    """Measures documents of one pool against one symptom."""

    symptom: Symptom
    pool: Pool
    lexicon: Lexicon
    scorer: Callable[[str, str], float] | None = None
    _terms: dict[str, float] = field(default_factory=dict)
    _concepts: dict[str, float] = field(default_factory=dict)
    _spelled: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pool, symptom = self.pool, self.symptom
        self._terms = {word: pool.rarity(pool.words, word) for word in symptom.words}
        self._spelled = spellings(symptom, self.lexicon)
        self._concepts = {name: pool.rarity(pool.concepts, name) for name in symptom.concepts}

    @property
    def _sought(self) -> Sought:
        return self.pool.sought

    def features(self, item: Document) -> list[Feature]:
        """What `item` has in common with the symptom, and whether that is hardly anything."""
        found = [*self._text(item), *self._names(item), *self._error(item), *self._meaning(item)]
        shared = math.fsum(feature.value for feature in found if feature.key in SUBSTANCE)
        if shared < ENOUGH:
            found.append(Feature("unlike", 1 - shared / ENOUGH, "has little or nothing of the symptom"))
        if self.scorer is not None:
            value = float(self.scorer(self.symptom.text, f"{item.issue.title}\n{item.text}"))
            if math.isfinite(value):
                found.append(Feature("own", value, f"your scorer gives {value:.2f}"))
        return found

    def _text(self, item: Document) -> Iterable[Feature]:
        in_title = {word: self._terms[word] for word in dict.fromkeys(item.title) if word in self._terms}
        if in_title:
            yield Feature("title", squash(math.fsum(in_title.values()), 8.0), f"its title shares {self._said(in_title)}")
        length = SATURATION * (1 - LENGTH + LENGTH * len(item.body) / (self.pool.average or 1.0))
        in_body = {
            word: self._terms[word] * count * (1 + SATURATION) / (count + length)
            for word, count in Counter(item.body).items()
            if word in self._terms
        }
        if in_body:
            yield Feature("body", squash(math.fsum(in_body.values()), 20.0), f"shares the words {self._said(in_body)}")
        yield from self._fuzzy(item)
        yield from self._in_a_row(item)

    def _said(self, shared: Mapping[str, float]) -> str:
        """The words shared, as the symptom spells them."""
        return ", ".join(self._spelled.get(stem, stem) for stem in _best(shared))

    def _fuzzy(self, item: Document) -> Iterable[Feature]:
        from rapidfuzz import fuzz, utils

        ratio = fuzz.token_set_ratio(self.symptom.text[:2000], item.issue.title[:300], processor=utils.default_process)
        if ratio > 40:
            yield Feature("fuzzy", (ratio - 40) / 60, f"its title is close to the symptom's wording ({ratio:.0f} of 100)")

    def _in_a_row(self, item: Document) -> Iterable[Feature]:
        values = {" ".join(run): self._run_rarity(run) for run in self._sought.spoken & item.runs}
        if values:
            value = squash(math.fsum(values.values()), 20.0)
            yield Feature("phrase", value, f"has the same words in a row: {_listed(values, 2, quoted=True)}")

    def _run_rarity(self, run: Sequence[str]) -> float:
        pool = self.pool
        return math.fsum(pool.rarity(pool.words, fold(word)) if word not in STOP else 0.1 for word in run) / RUN

    def _names(self, item: Document) -> Iterable[Feature]:
        pool = self.pool
        shared = {
            name: pool.rarity(pool.names, name) * (ENTITLED if name in item.title_names else 1.0)
            for name in self.symptom.identifiers
            if name in item.names
        }
        if shared:
            yield Feature("names", squash(math.fsum(shared.values()), 10.0), f"names {_listed(shared)}")

    def _error(self, item: Document) -> Iterable[Feature]:
        pool = self.pool
        shared = {name: pool.rarity(pool.errors, name) for name in self._sought.errors if name in item.errors}
        if shared:
            best = _best(shared)[0]
            yield Feature("error", squash(shared[best], 4.0), f"same error: {self._sought.errors[best]}")
        message, value = self._message(item)
        if message:
            yield Feature("message", value, f"same error message: {message[:120]}")

    def _message(self, item: Document) -> tuple[str, float]:
        best, value = "", 0.0
        for message, runs in self._sought.messages:
            share = len(runs & item.runs) / len(runs)
            worth = share * min(len(runs), MOST_RUNS) / MOST_RUNS
            if share >= HALF and worth > value:
                best, value = message, worth
        return best, value

    def _meaning(self, item: Document) -> Iterable[Feature]:
        title, both = self.pool.concepts_of[key_of(item.issue)]
        for kind, what in (("failure", "describes the same kind of failure"), ("thing", "happens to the same things")):
            wanted = {name: rarity for name, rarity in self._concepts.items() if self._kind(name) == kind}
            shared = {name: rarity * self._share(name, title, both) for name, rarity in wanted.items()}
            shared = {name: value for name, value in shared.items() if value > 0}
            if shared:
                norm = math.sqrt(math.fsum(rarity * rarity for rarity in wanted.values()) * max(self._norm(both, kind), 1.0))
                meant = {name.replace("_", " "): value for name, value in shared.items()}
                yield Feature(kind, math.fsum(shared.values()) / norm, f"{what}: {_listed(meant)}")

    def _share(self, name: str, title: frozenset[str], both: frozenset[str]) -> float:
        if name in title:
            return ENTITLED
        if name in both:
            return 1.0
        return NEAR if any(other in both for other in self.lexicon.near(name)) else 0.0

    def _norm(self, names: frozenset[str], kind: str) -> float:
        return math.fsum(self.pool.rarity(self.pool.concepts, name) ** 2 for name in names if self._kind(name) == kind)

    def _kind(self, name: str) -> str:
        return self.lexicon.entries[name].kind


def spellings(symptom: Symptom, lexicon: Lexicon) -> dict[str, str]:
    """Stem → the word as the symptom spells it, or as it was translated: stems are nothing to read."""
    text = symptom.text[:MOST_TEXT]
    found: dict[str, str] = {}
    for word in (*parts(text), *words(" ".join(lexicon.translated(text)))):
        found.setdefault(fold(word), word)
    return found


def squash(value: float, half: float) -> float:
    """`value` on a scale from 0 to 1 that reaches a half at `half`."""
    return value / (value + half) if value > 0 else 0.0


def _best(values: Mapping[str, float], most: int = 4) -> list[str]:
    return sorted(values, key=lambda name: (-values[name], name))[:most]


def _listed(values: Mapping[str, float], most: int = 4, *, quoted: bool = False) -> str:
    return ", ".join(f"“{name}”" if quoted else name for name in _best(values, most))
