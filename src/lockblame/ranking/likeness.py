"""How much a report is like the symptom: its words, names, messages and meaning."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from lockblame.lexicon import Lexicon
from lockblame.model import Symptom
from lockblame.ranking.documents import Document
from lockblame.ranking.features import Feature
from lockblame.ranking.pool import Key, Pool, key_of
from lockblame.symptom.words import STOP, fold, split_names, words

SATURATION = 1.2
LENGTH = 0.6
RUN = 3
"""Words in a row that make a run."""
NEAR = 0.4
"""What a concept counts for that people use for the same trouble."""
MOST_TEXT = 60_000


@dataclass(slots=True)
class Likeness:
    """Measures documents of one pool against one symptom."""

    symptom: Symptom
    pool: Pool
    lexicon: Lexicon
    scorer: Callable[[str, str], float] | None = None
    _terms: dict[str, float] = field(default_factory=dict)
    _runs: frozenset[tuple[str, ...]] = frozenset()
    _concepts: dict[str, float] = field(default_factory=dict)
    _errors: dict[str, str] = field(default_factory=dict)
    _messages: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        pool = self.pool
        self._terms = {word: pool.rarity(pool.words, word) for word in self.symptom.words}
        self._runs = frozenset(_runs(words(split_names(self.symptom.text[:MOST_TEXT]), numbers=True)))
        self._concepts = {name: pool.rarity(pool.concepts, name) for name in self.symptom.concepts}
        self._errors = {error.type.rsplit(".", 1)[-1].lower(): error.type for error in self.symptom.errors if error.type}

    def features(self, item: Document) -> list[Feature]:
        """What `item` has in common with the symptom."""
        found = [*self._text(item), *self._names(item), *self._error(item), *self._meaning(item)]
        if self.scorer is not None:
            value = float(self.scorer(self.symptom.text, f"{item.issue.title}\n{item.text}"))
            if math.isfinite(value):
                found.append(Feature("own", value, f"your scorer gives {value:.2f}"))
        return found

    def _text(self, item: Document) -> Iterable[Feature]:
        title, body = Counter(item.title), Counter(item.body)
        in_title = {word: self._terms[word] for word in title if word in self._terms}
        if in_title:
            value = squash(sum(in_title.values()), 8.0)
            yield Feature("title", value, f"its title shares {_list(_rarest(in_title))}")
        length = SATURATION * (1 - LENGTH + LENGTH * len(item.body) / (self.pool.average or 1.0))
        in_body = {
            word: self._terms[word] * count * (1 + SATURATION) / (count + length)
            for word, count in body.items()
            if word in self._terms
        }
        if in_body:
            yield Feature("body", squash(sum(in_body.values()), 20.0), f"shares the words {_list(_rarest(in_body))}")
        yield from self._fuzzy(item)
        run = self._run(item)
        if run:
            value = squash(sum(self._run_rarity(words) for words in run), 20.0)
            if value > 0.02:
                longest = max(run, key=lambda words: (self._run_rarity(words), words))
                yield Feature("phrase", value, f"has the same words in a row: {' '.join(longest)!r}")

    def _fuzzy(self, item: Document) -> Iterable[Feature]:
        from rapidfuzz import fuzz, utils

        ratio = fuzz.token_set_ratio(self.symptom.text[:2000], item.issue.title[:300], processor=utils.default_process)
        value = max(0.0, (ratio - 40) / 60)
        if value > 0:
            yield Feature("fuzzy", value, f"its title is close to the symptom's wording ({ratio:.0f} of 100)")

    def _run(self, item: Document) -> list[tuple[str, ...]]:
        return sorted(self._runs.intersection(_runs(item.raw)))

    def _run_rarity(self, run: Sequence[str]) -> float:
        pool = self.pool
        return sum(pool.rarity(pool.words, fold(word)) if word not in STOP else 0.1 for word in run) / RUN

    def _names(self, item: Document) -> Iterable[Feature]:
        pool = self.pool
        shared = {name: pool.rarity(pool.names, name) for name in self.symptom.identifiers if name in item.names}
        if shared:
            total = sum(value * (1.5 if name in item.title_names else 1.0) for name, value in shared.items())
            yield Feature("names", squash(total, 10.0), f"names {_list(_rarest(shared))}")

    def _error(self, item: Document) -> Iterable[Feature]:
        pool = self.pool
        shared = {name: pool.rarity(pool.errors, name) for name in self._errors if name in item.errors}
        if shared:
            best = _rarest(shared)[0]
            yield Feature("error", squash(shared[best], 4.0), f"same error: {self._errors[best]}")

    def _meaning(self, item: Document) -> Iterable[Feature]:
        title, both = self.pool.concepts_of[key_of(item.issue)]
        for kind in ("failure", "thing"):
            wanted = {name: rarity for name, rarity in self._concepts.items() if self._kind(name) == kind}
            if not wanted:
                continue
            scores = {name: rarity * self._share(name, title, both) for name, rarity in wanted.items()}
            value = sum(scores.values()) / (
                math.sqrt(sum(r * r for r in wanted.values())) * math.sqrt(max(self._norm(both, kind), 1.0))
            )
            if value > 0:
                meant = [name.replace("_", " ") for name in _rarest({n: v for n, v in scores.items() if v > 0})]
                what = "describes the same kind of failure" if kind == "failure" else "happens to the same things"
                yield Feature(kind, value, f"{what}: {_list(meant)}")

    def _share(self, name: str, title: frozenset[str], both: frozenset[str]) -> float:
        if name in title:
            return 1.5
        if name in both:
            return 1.0
        return NEAR if any(other in both for other in self.lexicon.near(name)) else 0.0

    def _norm(self, names: frozenset[str], kind: str) -> float:
        return math.fsum(sorted(self.pool.rarity(self.pool.concepts, name) ** 2 for name in names if self._kind(name) == kind))

    def _kind(self, name: str) -> str:
        return self.lexicon.entries[name].kind


def squash(value: float, half: float) -> float:
    """`value` on a scale from 0 to 1 that reaches a half at `half`."""
    return value / (value + half) if value > 0 else 0.0


def _runs(tokens: Iterable[str]) -> Iterable[tuple[str, ...]]:
    row = list(tokens)
    return (
        run for run in zip(*(row[start:] for start in range(RUN)), strict=False) if sum(word in STOP for word in run) < RUN - 1
    )


def _rarest(values: dict[str, float], most: int = 4) -> list[str]:
    return sorted(values, key=lambda name: (-values[name], name))[:most]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


__all__ = ["Key", "Likeness", "squash"]
