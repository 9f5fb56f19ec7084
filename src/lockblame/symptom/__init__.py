"""What went wrong, taken apart: free text, a log or a traceback, in English or Korean (or anything with identifiers in it)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockblame.errors import SymptomError
from lockblame.model import ErrorMessage, Symptom
from lockblame.symptom.identifiers import identifiers
from lockblame.symptom.lines import cleaned, lines, without_markup
from lockblame.symptom.tracebacks import Findings, examine, exception_names, unframed
from lockblame.symptom.words import stems

if TYPE_CHECKING:
    from lockblame.lexicon import Lexicon

__all__ = ["analyze"]

MOST_WORDS = 400
LONGEST_TEXT = 200_000
"""Characters of a log whose words are looked at: its error lines first, then the rest."""


def analyze(text: str, *, lexicon: Lexicon | None = None) -> Symptom:
    """`text` as a Symptom: words, concepts of the lexicon (the built-in one by default), identifiers, frames, errors, loggers.

    Raises SymptomError when there is nothing in it at all. Time is linear in its length; of a text beyond 12 million
    characters the beginning and the end are read.
    """
    from lockblame import lexicon as lexicons

    plain = cleaned(text)
    if not plain.strip():
        raise SymptomError("the symptom is empty: say in a sentence what went wrong, or give a log")
    rows = list(lines(plain))
    found = examine(rows)
    is_log = bool(found.frames) or found.log_lines >= 2
    readable = _readable(plain, rows, found, is_log=is_log)
    lexicon = lexicon or lexicons.default()
    english = f"{readable}\n{' '.join(lexicon.translated(readable))}"
    names = dict.fromkeys(identifiers(readable))
    names.update(dict.fromkeys(_frame_names(found)))
    return Symptom(
        text=text,
        form="log" if is_log else "prose",
        words=tuple(dict.fromkeys(stems(english)))[:MOST_WORDS],
        concepts=lexicon.concepts(english),
        identifiers=tuple(names)[:MOST_WORDS],
        frames=tuple(found.frames),
        errors=tuple(found.errors) or tuple(ErrorMessage(type=name) for name in exception_names(readable)),
        loggers=tuple(found.loggers),
    )


def _readable(plain: str, rows: list[str], found: Findings, *, is_log: bool) -> str:
    """What is read for words: of a log the error lines first, so that a bound never cuts them off, and of frames the names."""
    if not is_log:
        return without_markup(plain[:LONGEST_TEXT])
    return "\n".join(unframed(row) for row in dict.fromkeys((*found.bad, *rows)))[:LONGEST_TEXT]


def _frame_names(found: Findings) -> list[str]:
    return [
        frame.function.lower()
        for frame in found.frames
        if frame.module and frame.function and len(frame.function) > 3 and frame.function.isidentifier()
    ]
