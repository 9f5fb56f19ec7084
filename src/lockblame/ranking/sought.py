"""What of a symptom is looked for in reports: its names, its exceptions, its words in a row. Of a report only these are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lockblame.model import Symptom
from lockblame.symptom.words import STOP, parts

RUN = 3
"""Words in a row that make a run."""
MOST_TEXT = 60_000

Run = tuple[str, ...]

_VARIABLE = re.compile(r"'[^']{0,200}'|\"[^\"]{0,200}\"|`[^`]{0,200}`|<[^<>]{0,200}>|[^\s]{0,200}[\d/\\][^\s]{0,200}")


@dataclass(frozen=True, slots=True)
class Sought:
    """`names` as identifiers are compared, `errors` by the last part of the class in lower case, `spoken` the runs of the symptom
    itself, `messages` those of each error message, `runs` all of these."""

    names: frozenset[str] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)
    spoken: frozenset[Run] = frozenset()
    messages: tuple[tuple[str, frozenset[Run]], ...] = ()
    runs: frozenset[Run] = frozenset()


def sought(symptom: Symptom | None) -> Sought:
    """What to look for; nothing without a symptom."""
    if symptom is None:
        return Sought()
    heard = runs_of(parts(symptom.text[:MOST_TEXT]))
    spoken = frozenset(run for run in heard if sum(word in STOP for word in run) < RUN - 1)
    told = dict.fromkeys(error.message for error in symptom.errors)
    messages = tuple((message, runs) for message in told if (runs := constant_runs(message)))
    return Sought(
        names=frozenset(form for name in symptom.identifiers for form in _forms(name)),
        errors={error.type.rsplit(".", 1)[-1].lower(): error.type for error in symptom.errors if error.type},
        spoken=spoken,
        messages=messages,
        runs=spoken.union(*(runs for _, runs in messages)),
    )


def _forms(name: str) -> Iterator[str]:
    """A name, and its last part by which what changed in a package is compared."""
    last = name.rsplit(".", 1)[-1]
    yield from (name, last, last.strip("_"))


def runs_of(tokens: Iterable[str]) -> Iterator[Run]:
    """Each RUN words in a row."""
    row = list(tokens)
    return zip(*(row[start:] for start in range(RUN)), strict=False)


def constant_runs(message: str) -> frozenset[Run]:
    """The runs of an error message that stay the same from one failure to the next: without quoted values, numbers, places."""
    return frozenset(run for piece in _VARIABLE.split(message) for run in runs_of(parts(piece)))
