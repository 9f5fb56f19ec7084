"""The change itself against the symptom: what the maintainers wrote about it, and what of the code it touched."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from lockblame.model import Change, Contents, Issue, Note, Symptom
from lockblame.ranking.features import Feature
from lockblame.ranking.likeness import squash
from lockblame.ranking.pool import Pool
from lockblame.ranking.sought import constant_runs
from lockblame.ranking.versions import release
from lockblame.symptom.identifiers import identifiers
from lockblame.symptom.words import stems

LONGEST_NOTE = 60_000
MOST_LINES = 400
MOST_NAMES = 5_000
SHORTEST = 5
"""Letters of a name that says something by itself."""
ALIKE = 0.6
"""The share of an error message's words that a new string constant has to have in the same order."""
FEW = 80
"""Changed code whose names have at most so many words is about something."""

_NUMBER = re.compile(r"(?:#|issues/|pull/|GH-)(\d{1,9})\b")


def note_features(symptom: Symptom, change: Change, notes: Sequence[Note], pool: Pool) -> Iterable[Feature]:
    """The line of the notes on the versions of the step that is closest to the symptom."""
    new = release(change.new)
    words, names = frozenset(symptom.words), frozenset(symptom.identifiers)
    best: tuple[float, str, Note] | None = None
    for note in notes:
        if _is_later(note, new):
            continue
        for line in note.text[:LONGEST_NOTE].split("\n")[:MOST_LINES]:
            shared = [pool.rarity(pool.words, word) for word in sorted(words.intersection(stems(line)))]
            exact = [pool.rarity(pool.names, name) for name in sorted(names.intersection(identifiers(line)))]
            value = squash(math.fsum(shared) + 2 * math.fsum(exact), 12.0)
            if len(shared) + 2 * len(exact) >= 2 and (best is None or value > best[0]):
                best = (value, line.strip(" *-#\t")[:160], note)
    if best is not None:
        value, line, note = best
        yield Feature("notes", value, f"the notes on {change.name} {note.version} say: {line}", note.url)


def named_in_notes(issue: Issue, change: Change, notes: Sequence[Note]) -> Iterable[Feature]:
    """Whether notes name the issue: those of a later version as mended, those of the step itself as mended already."""
    new = release(change.new)
    for note in notes:
        if any(int(number) == issue.number for number in _NUMBER.findall(note.text[:LONGEST_NOTE])):
            key, what = ("mended", "name it") if _is_later(note, new) else ("already", "name it as dealt with")
            yield Feature(key, 1.0, f"the notes on {change.name} {note.version} {what}", note.url)
            return


def _is_later(note: Note, new: tuple[int, ...] | None) -> bool:
    version = release(note.version)
    return new is not None and version is not None and version > new


def content_features(symptom: Symptom, change: Change, contents: Contents | None, pool: Pool) -> Iterable[Feature]:
    """Whether what the symptom shows is what changed: its frames, its error message, its names, its words."""
    if contents is None:
        return
    if contents == Contents():
        yield Feature("untouched", 1.0, f"no code of {change.name} differs between the two versions")
        return
    yield from _changed_frames(symptom, change, contents)
    for error in symptom.errors:
        runs = constant_runs(error.message)
        if runs and any(len(runs & constant_runs(text)) / len(runs) >= ALIKE for text in contents.texts_added):
            yield Feature("new_message", 1.0, f"{change.name} {change.new} brought the message {error.message[:120]!r}")
            break
    touched = {_last(name): name for name in (*contents.functions, *contents.symbols, *contents.defaults)}
    named = sorted(name for name in {_last(each) for each in symptom.identifiers} & touched.keys() if len(name) >= SHORTEST)
    if named:
        value = squash(math.fsum(pool.rarity(pool.names, name) for name in named), 6.0)
        yield Feature("touched_names", value, f"{change.name} changed {', '.join(touched[name] for name in named[:3])}")
    yield from _changed_words(symptom, change, contents, pool)


def _changed_frames(symptom: Symptom, change: Change, contents: Contents) -> Iterable[Feature]:
    functions = {name.lower() for name in contents.functions}
    modules = {name.lower() for name in contents.modules}
    in_function = in_module = ""
    for frame in symptom.frames:
        module = (frame.module or "").lower()
        if module in modules:
            in_module = frame.module or ""
            function = f".{(frame.function or '').rsplit('.', 1)[-1].lower()}"
            if any(name.startswith(f"{module}.") and name.endswith(function) for name in functions):
                in_function = f"{in_module}{function}"
    if in_function:
        yield Feature("touched", 1.0, f"{change.name} changed {in_function}, which is in the traceback")
    elif in_module:
        yield Feature("touched", 0.6, f"{change.name} changed {in_module}, which is in the traceback")


def _changed_words(symptom: Symptom, change: Change, contents: Contents, pool: Pool) -> Iterable[Feature]:
    """The words of the symptom in the names of what changed; a change of everything speaks of nothing."""
    names = (*contents.modules, *contents.functions, *contents.symbols, *contents.defaults)[:MOST_NAMES]
    parts = frozenset(stems(" ".join(name.partition(".")[2] for name in names)))
    shared = {word: pool.rarity(pool.words, word) for word in symptom.words if word in parts}
    if shared:
        value = squash(math.fsum(shared.values()), 10.0) * min(1.0, FEW / len(parts))
        rarest = sorted(shared, key=lambda word: (-shared[word], word))[:4]
        yield Feature("touched_words", value, f"{change.name} changed code about {', '.join(rarest)}")


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1].lower().strip("_")
