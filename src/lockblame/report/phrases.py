"""What every style says in the same few words: a change, a share, a way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockblame.report.hostile import line

if TYPE_CHECKING:
    from lockblame.model import Change, Path, Suspect


def moved(change: Change) -> str:
    """`kombu 5.3.1 → 5.3.2`, or what happened to it when no version moved."""
    name = line(change.name, 100)
    if change.before is None or change.after is None:
        return f"{name} {line(change.new or change.old or '', 60)} ({change.kind})".replace("  ", " ")
    if change.old != change.new:
        return f"{name} {line(change.old or 'unversioned', 60)} → {line(change.new or 'unversioned', 60)}"
    where = _origins(change) if change.kind == "moved" else ""
    return f"{name} {line(change.new or '', 60)} ({change.kind}{where})".replace("  ", " ")


def _origins(change: Change) -> str:
    if change.before is None or change.after is None:
        return ""
    before, after = change.before.source, change.after.source
    if before.revision != after.revision and before.location == after.location:
        return f", commit {_short(before.revision)} → {_short(after.revision)}"
    return f", {line(before.location or before.kind, 80)} → {line(after.location or after.kind, 80)}"


def _short(revision: str | None) -> str:
    return line((revision or "none")[:12])


def share(suspect: Suspect) -> str:
    """The probability as a person says it."""
    percent = round(suspect.probability * 100)
    return "under 1 %" if percent < 1 else f"{percent} %"


def trail(path: Path) -> str:
    """`app → celery → kombu`."""
    return " → ".join(line(name, 100) for name in path)


def counted(number: int, word: str) -> str:
    """`2 findings`; "" for none."""
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""
