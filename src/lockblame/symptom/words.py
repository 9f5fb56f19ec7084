"""Words as they are compared: cut from running text, folded to a stem, without the words that every report has.

The folding is deliberately light (no stemmer): it brings "connections", "connected" and "connection" together and leaves
identifiers alone, which are matched whole elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from lockblame.symptom.tokens import by_token

WORD = re.compile(r"[^\W\d_][^\W_]*(?:'[^\W\d_]{1,3}\b)?")
"""A word begins with a letter; `_` and `.` separate, so that the parts of an identifier are words as well."""

WORD_OR_NUMBER = re.compile(r"[^\W_]+(?:'[^\W\d_]{1,3}\b)?")
_NAME_PARTS = re.compile(
    r"(?<=[a-z0-9]{2})(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})|(?<=[A-Za-z0-9])(?=[\uac00-\ud7a3])|(?<=[\uac00-\ud7a3])(?=[A-Za-z])"
)

LONGEST = 40

_STOP = """
a about above accept actually add after again all already also although always am an and another any anybody anyone anything
apart appear are around as ask at away back be became because become been before began begin being below besides better between
beyond both but by came can cannot can't case cases come comes could couldn't current currently day days did didn't
do does doesn't doing don't done down due during each earlier early either else enough even ever every everybody everyone
everything exactly example expect expected few find fine first five for found four from further gave get gets getting give given
gives go goes going gone good got great had happen happened happens hardly has have haven't having he hello help hence her here
hi high his hour hours how however i idea if in include including indeed info information instead into is isn't issue issues it
its it's itself i've i'm just keep kept kind know known last later least less let like likely little long look looks lot made
main make makes making many may maybe me mean meanwhile might mine minute minutes month months more morning most much must my
myself name near nearly need needed never new next nice night no nobody none nor not nothing noticed now occur occurs of
off often old on once one only onto or other others otherwise ought our ours out over own part people perhaps place please
plus point possible pretty probably problem problems quite rather real really reason report result right said same saw say
says see seem seems seen several shall she should show shows similar simple simply since six so some somebody
someone something sometimes somewhere soon still such sure take taken takes tell than thank thanks that the their them then there
therefore these they thing things think this those though three through thus till time times to today together told too took
toward tried try trying turn turned two under unless until up upon us use used user users uses using usual usually version
versions very via want wants was way we week weeks well went were what whatever when where whether which while who whole whom
whose why will with within without won't wonder work working works would wouldn't year years yes yesterday yet you your
bug describe description expected behavior behaviour actual steps reproduce reproduction environment additional context
checklist system python package packages library upgrade upgraded upgrading update updated updating release released releases
deploy deployed deployment rollout
"""


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """The stem under which `word` (lower case) is compared."""
    if "'" in word:
        word = word.split("'", 1)[0]
    if len(word) <= 3 or not word.isascii():
        return word
    stem = _singular(word)
    for ending in ("ing", "ed"):
        if stem.endswith(ending) and len(stem) - len(ending) >= 3 and _has_vowel(stem[: -len(ending)]):
            stem = _undoubled(stem[: -len(ending)])
            break
    else:
        if stem.endswith("ly") and len(stem) > 5:
            stem = stem[:-2]
    if len(stem) > 5 and stem.endswith(("tion", "sion")):
        stem = stem[:-3]
    if len(stem) > 3 and stem.endswith("e"):
        stem = stem[:-1]
    if len(stem) > 3 and stem.endswith("y"):
        stem = stem[:-1] + "i"
    return stem


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _has_vowel(text: str) -> bool:
    return any(letter in "aeiouy" for letter in text)


def _undoubled(stem: str) -> str:
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    return stem


STOP: frozenset[str] = frozenset(_STOP.split()) | frozenset(fold(word) for word in _STOP.split())


def _names_apart(text: str) -> str:
    """`text` with the parts of CamelCase names apart, and Latin words from the Korean endings that hang on them."""
    return _NAME_PARTS.sub(" ", text)


@by_token
def words(text: str) -> Iterable[str]:
    """The words of `text` in lower case, stop words included."""
    return (word for word in WORD.findall(text.lower()) if len(word) <= LONGEST)


@by_token
def parts(text: str) -> Iterable[str]:
    """The same with the parts of names apart (CamelCase, Latin letters beside Hangul)."""
    return (word for word in WORD.findall(_names_apart(text).lower()) if len(word) <= LONGEST)


@by_token
def parts_and_numbers(text: str) -> Iterable[str]:
    """The same, numbers included."""
    return (word for word in WORD_OR_NUMBER.findall(_names_apart(text).lower()) if len(word) <= LONGEST)


def stems(text: str) -> list[str]:
    """The folded parts of `text` in order, without stop words and single letters."""
    return content(parts(text))


def content(tokens: Iterable[str]) -> list[str]:
    """`tokens` folded, without stop words and single letters."""
    return [fold(token) for token in tokens if len(token) > 1 and token not in STOP]
