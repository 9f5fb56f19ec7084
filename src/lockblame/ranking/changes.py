"""The change itself against the symptom: what the maintainers wrote about it, and what of the code it touched."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from lockblame.model import Change, Contents, Issue, Note, Symptom
from lockblame.ranking.features import Feature
from lockblame.ranking.likeness import squash
from lockblame.ranking.pool import Pool
from lockblame.ranking.versions import release
from lockblame.symptom.identifiers import identifiers
from lockblame.symptom.words import split_names, stems

LONGEST_NOTE = 60_000
MOST_LINES = 400

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
            shared = [pool.rarity(pool.words, word) for word in sorted(words.intersection(stems(split_names(line))))]
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


def content_features(symptom: Symptom, change: Change, contents: Contents | None) -> Iterable[Feature]:
    """Whether the code that the symptom shows is code that changed: modules of its frames, names, words."""
    if contents is None:
        return
    modules = {module.lower() for module in contents.modules}
    frames = [frame.module for frame in symptom.frames if frame.module and frame.module.lower() in modules]
    touched = {name.rsplit(".", 1)[-1].lower().strip("_"): name for name in (*contents.symbols, *contents.defaults)}
    named = sorted(touched[name] for name in {each.strip("_") for each in symptom.identifiers} & touched.keys() if len(name) > 3)
    if frames:
        yield Feature("touched", 1.0, f"{change.name} changed {frames[-1]}, which is in the traceback")
    elif named:
        yield Feature("touched", 0.8, f"{change.name} changed {named[0]}, which the symptom names")
    else:
        parts = frozenset(
            stems(" ".join(re.sub(r"[._]", " ", split_names(name)) for name in (*contents.modules, *contents.symbols)))
        )
        shared = sorted(parts & frozenset(symptom.words))
        if shared and parts:
            yield Feature("touched", min(len(shared), 4) / 10, f"{change.name} changed code about {', '.join(shared[:4])}")
