"""What the words of a symptom mean: concepts with their English and Korean wording, as data.

A concept is found by its wording, not by the word: "throughput collapsed", "consumes far fewer messages" and "처리량 급감" are
the same failure, and a report about it is found whichever of them it uses. English wording is compared by stems, a phrase
within a short window; Korean wording is a stem in letters (jamo), so that endings and contractions ("느리" in "느려졌다") need
no dictionary. A longer known word hides the stems within it: "토큰" (token) has nothing of "큰" (large).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, chain, islice
from typing import Any

from lockblame import fields
from lockblame.symptom.words import fold, parts_and_numbers

WINDOW = 5
"""How many words apart the words of a phrase may stand."""
MOST_PLACES = 200
MOST_HANGUL = 20_000

_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_HANGUL_WORD = re.compile(r"[\uac00-\ud7a3]{2,}")
_PARTICLE = "(?:이|가|은|는|을|를|도|에|의|와|과|로|으로|만|에서|까지|부터|들이|들을|들은|들도|랑|하고)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One meaning. `kind` is "failure" or "thing"; `near` the concepts that count for half."""

    name: str
    kind: str
    english: tuple[str, ...] = ()
    korean: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Concepts by name, and the indexes that find them in a text."""

    entries: Mapping[str, Concept]
    glossary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _words: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _phrases: dict[str, tuple[tuple[frozenset[str], str], ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _korean: list[tuple[tuple[str, ...], str]] = field(default_factory=list, init=False, repr=False, compare=False)
    _glosses: list[tuple[tuple[str, ...], str]] = field(default_factory=list, init=False, repr=False, compare=False)
    _known: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for concept in self.entries.values():
            for phrase in concept.english:
                self._index(phrase, concept.name)
            if concept.korean:
                self._korean.append((tuple(concept.korean), concept.name))
        self._glosses.extend((tuple(korean), english) for english, korean in self.glossary.items())
        wording = chain.from_iterable(variants for variants, _ in (*self._korean, *self._glosses))
        self._known.update(entry for entry in wording if _HANGUL_WORD.fullmatch(entry))

    def _index(self, phrase: str, name: str) -> None:
        folded = folded_words(phrase)
        if len(folded) == 1:
            known = self._words.get(folded[0], ())
            if name not in known:
                self._words[folded[0]] = (*known, name)
        elif folded:
            first = max(folded, key=lambda word: (len(word), word))
            self._phrases[first] = (*self._phrases.get(first, ()), (frozenset(folded), name))

    def concepts(self, text: str) -> tuple[str, ...]:
        """The concepts that `text` speaks of, each once, in the order of the lexicon."""
        english = folded_words(text)
        found = self.of_words(english)
        found.update(self._spoken(text, self._korean))
        return tuple(name for name in self.entries if name in found)

    def of_words(self, folded: Sequence[str]) -> set[str]:
        """The concepts of a text that is already cut into folded words (`folded_words`)."""
        present = set(folded)
        found: set[str] = set()
        for word in self._words.keys() & present:
            found.update(self._words[word])
        for first in self._phrases.keys() & present:
            for phrase, name in self._phrases[first]:
                if name not in found and phrase <= present and _close(phrase, first, folded):
                    found.add(name)
        return found

    def translated(self, text: str) -> tuple[str, ...]:
        """What English reports call the things that a Korean `text` speaks of, in the order of the glossary; else nothing."""
        return tuple(self._spoken(text, self._glosses))

    def _spoken(self, text: str, wording: Iterable[tuple[tuple[str, ...], str]]) -> Iterator[str]:
        """The names in `wording` whose Korean stands in `text`, but for what only stands within another word."""
        if not _HANGUL.search(text):
            return
        text = unicodedata.normalize("NFC", text[:MOST_HANGUL].lower())
        letters, within = jamo(text), self._within(text)
        for variants, name in wording:
            # hundreds of expressions are made for the first text, unless a plain search says that they can't be found
            if any(start in letters for start in _starts(variants)) and any(
                match.start() not in within for match in _pattern(variants).finditer(letters)
            ):
                yield name

    def _within(self, text: str) -> set[int]:
        """Where in the jamo of `text` a syllable stands that continues a known word: the longest that begins first."""
        longest = max(map(len, self._known), default=0)
        places = list(accumulate((len(jamo(letter)) for letter in text), initial=0))
        within: set[int] = set()
        for run in _HANGUL_WORD.finditer(text):
            start, end = run.span()
            while start < end:
                known = (size for size in range(min(longest, end - start), 1, -1) if text[start : start + size] in self._known)
                size = next(known, 1)
                within.update(places[start + 1 : start + size])
                start += size
        return within

    def near(self, name: str) -> tuple[str, ...]:
        """The concepts that people use for the same trouble."""
        concept = self.entries.get(name)
        return concept.near if concept else ()

    def extended(self, more: Mapping[str, Any]) -> Lexicon:
        """This lexicon with the user's own wording added; `more` is a table of the settings file.

        `{"slow": ["laggy", "버벅"]}` gives a known concept more wording, and `{"ledger": ["ledger", "원장"]}` adds a thing.
        A table says more: `{"throttled": {"kind": "failure", "en": [...], "ko": [...], "near": ["slow"]}}`.
        Raises FieldError with the place of what is wrong.
        """
        entries = dict(self.entries)
        for name in more:
            known = entries.get(name)
            concept = _concept(name, known.kind if known else "thing", more)
            entries[name] = concept if known is None else _merged(known, concept)
        return Lexicon(entries=entries, glossary=self.glossary)


def default() -> Lexicon:
    """The lexicon that comes with lockblame."""
    return _default()


@lru_cache(maxsize=1)
def _default() -> Lexicon:
    document = _shipped()
    entries = {
        name: _concept(name, kind, document[kind], where=kind)
        for kind in ("failure", "thing")
        for name in fields.table(document, kind)
    }
    glossary = fields.table(document, "korean")
    return Lexicon(entries=entries, glossary={english: fields.texts(glossary, english, "korean") for english in glossary})


def _shipped() -> dict[str, Any]:
    """lexicon.toml, read by rtoml where it is there: eight times faster, which is 17 ms of every `blame`."""
    from importlib.resources import files

    text = files("lockblame").joinpath("lexicon.toml").read_text(encoding="utf-8")
    try:
        import rtoml
    except ImportError:
        import tomllib

        return tomllib.loads(text)
    found: dict[str, Any] = rtoml.loads(text)
    return found


def _concept(name: str, kind: str, parent: Mapping[str, Any], where: str = "lexicon") -> Concept:
    if isinstance(parent[name], list):
        wording = fields.texts(parent, name, where)
        return Concept(
            name=name,
            kind=kind,
            english=tuple(phrase for phrase in wording if not _HANGUL.search(phrase)),
            korean=tuple(phrase for phrase in wording if _HANGUL.search(phrase)),
        )
    entry, place = fields.table(parent, name, where), f"{where}.{name}"
    kind = fields.maybe_text(entry, "kind", place) or kind
    if kind not in ("failure", "thing"):
        raise fields.FieldError(f"{place}.kind", "should be failure or thing")
    return Concept(
        name=name,
        kind=kind,
        english=fields.texts(entry, "en", place),
        korean=fields.texts(entry, "ko", place),
        near=fields.texts(entry, "near", place),
    )


def _merged(known: Concept, more: Concept) -> Concept:
    return Concept(
        name=known.name,
        kind=known.kind,
        english=(*known.english, *more.english),
        korean=(*known.korean, *more.korean),
        near=tuple(dict.fromkeys((*known.near, *more.near))),
    )


def folded_words(text: str) -> list[str]:
    """The words of `text` folded, with numbers, stop words included: what phrases are looked up in."""
    return [fold(word) for word in parts_and_numbers(text)]


def _close(phrase: frozenset[str], first: str, folded: Sequence[str]) -> bool:
    """Whether the words of `phrase` stand near each other, around one of the first MOST_PLACES places of its word `first`."""
    reach = WINDOW if len(phrase) < 4 else WINDOW + 2
    places = islice((place for place, word in enumerate(folded) if word == first), MOST_PLACES)
    return any(phrase <= set(folded[max(0, place - reach) : place + reach + 1]) for place in places)


# --- Korean ----------------------------------------------------------------------------------------------------------

_VOWELS = {
    "ㅐ": "ㅏㅣ",
    "ㅔ": "ㅓㅣ",
    "ㅕ": "ㅣㅓ",
    "ㅘ": "ㅗㅏ",
    "ㅙ": "ㅗㅣㅓ",
    "ㅚ": "ㅗㅣ",
    "ㅝ": "ㅜㅓ",
    "ㅞ": "ㅜㅓㅣ",
    "ㅟ": "ㅜㅣ",
    "ㅢ": "ㅡㅣ",
}
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MIDDLES = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_EMPTY_INITIAL = "ㅇ"


def jamo(text: str) -> str:
    """`text` with its Hangul syllables as letters, so that a verb's stem is a prefix of its contracted forms.

    Compound vowels are taken apart the way contraction put them together (려 = 리 + 어, 춰 = 추 + 어, 돼 = 되 + 어), and each
    syllable begins with a mark, so that a search can be held to syllable boundaries.
    """
    out: list[str] = []
    for letter in unicodedata.normalize("NFC", text):
        code = ord(letter) - 0xAC00
        if 0 <= code < 11172:
            initial, middle, final = code // 588, code % 588 // 28, code % 28
            vowel = _MIDDLES[middle]
            out.append("\x01" + _INITIALS[initial] + _VOWELS.get(vowel, vowel) + _FINALS[final])
        else:
            out.append(letter)
    return "".join(out)


@lru_cache(maxsize=4096)
def _starts(variants: tuple[str, ...]) -> tuple[str, ...]:
    """What each of `variants` begins with, up to its first blank."""
    return tuple(jamo(variant.lower().split()[0]) for variant in variants)


@lru_cache(maxsize=4096)
def _pattern(variants: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all variants; a blank stands for an optional particle and an optional blank."""
    particle = jamo(_PARTICLE)
    parts = []
    for variant in variants:
        pieces = [re.escape(jamo(piece)) for piece in variant.lower().split(" ") if piece]
        ending = r"(?:\s|$)" if variant.endswith(" ") else ""
        start = r"(?<![a-z0-9])" if variant[:1].isascii() else ""
        parts.append(start + (particle + r"\s?").join(pieces) + ((particle + ending) if ending else ""))
    return re.compile("|".join(parts))
