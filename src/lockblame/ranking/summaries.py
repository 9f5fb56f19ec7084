"""What the changed packages call themselves in one line, against the symptom: who never heard of kombu may speak of messages."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from lockblame.lexicon import Lexicon
from lockblame.model import Symptom
from lockblame.ranking.features import Feature
from lockblame.ranking.likeness import spellings, squash
from lockblame.symptom.words import stems

LONGEST = 300
HALF = 3.0
_ADDRESS = re.compile(r"https?://\S+")
_EMPTY = frozenset(
    stems(
        "python library client tool toolkit framework implementation wrapper simple fast high level api based support package"
        " modern async easy module pure utilities collection common general"
    )
)
"""What packages of every kind call themselves."""


class Summaries:
    """The words and things of each package's line, and how many of the packages have each."""

    def __init__(self, symptom: Symptom | None, lines: Mapping[str, str], lexicon: Lexicon) -> None:
        self._symptom = symptom
        self._spelled = spellings(symptom, lexicon) if symptom is not None and lines else {}
        self._lines = {name: text[:LONGEST] for name, text in lines.items()}
        plain = {name: _ADDRESS.sub(" ", text) for name, text in self._lines.items()}
        self._words = {name: frozenset(stems(text)) - _EMPTY for name, text in plain.items()}
        self._things = {
            name: frozenset(one for one in lexicon.concepts(text) if lexicon.entries[one].kind == "thing")
            for name, text in plain.items()
        }

    def features(self, name: str) -> Iterable[Feature]:
        """What the line of package `name` shares with the symptom, the rarer among the packages the more."""
        line, symptom = self._lines.get(name), self._symptom
        if line is None or symptom is None:
            return
        for key, table, said, what in (
            ("summary", self._words, symptom.words, "shares"),
            ("about", self._things, symptom.concepts, "is about"),
        ):
            shared = [term for term in dict.fromkeys(said) if term in table[name]]
            if shared:
                value = squash(math.fsum(_rarity(table, term) for term in shared), HALF)
                meant = ", ".join(self._spelled.get(term, term).replace("_", " ") for term in shared[:4])
                yield Feature(key, value, f"calls itself “{line}”: {what} {meant}")


def _rarity(table: Mapping[str, frozenset[str]], term: str) -> float:
    return math.log(1 + len(table) / sum(term in terms for terms in table.values()))
