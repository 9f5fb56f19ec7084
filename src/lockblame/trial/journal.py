"""The trials of a search as they happen, one JSON line each, so that an interrupted one goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast, get_args

from lockblame.errors import BisectError
from lockblame.model import Trial, Verdict

LARGEST = 64 * 2**20
KEPT = 50
"""Journals of searches that never ended, which are kept for the call that goes on."""


class Journal:
    """A journal file. It belongs to one question (`about`: the locks, the command, how it is judged), which stands in its head.

    BisectError when the file is that of another question, no journal, or can't be read or written.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self._path = path
        self._head = {"lockblame": "bisect", "schema": 1, **about}
        self.trials = self._read()

    def add(self, trial: Trial) -> None:
        """Writes a trial, and sees to it that it is on the disk."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_document(trial)) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise BisectError(f"{self._path}: the journal can't be written: {error.strerror or error}") from error

    def forget(self) -> None:
        """Removes the file."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def forget_oldest(self, folder: Path) -> None:
        """Removes the journals of that folder that were not written to for longest; KEPT others than this one stay."""
        with suppress(OSError):
            others = [path for path in folder.glob("*.jsonl") if path != self._path]
            for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
                path.unlink(missing_ok=True)

    def _read(self) -> tuple[Trial, ...]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.is_file() or not self._path.stat().st_size:
                self._path.write_text(json.dumps(self._head) + "\n", encoding="utf-8")
                return ()
            if self._path.stat().st_size > LARGEST:
                raise BisectError(f"{self._path}: is too large for a journal")
            data = self._path.read_bytes()
        except OSError as error:
            way_out = "name another folder for all that bisect keeps: --environments DIR"
            raise BisectError(f"{self._path}: the journal can't be kept there: {error.strerror or error}", way_out) from error
        first, *rest = data.split(b"\n")
        if _json(first) != self._head:
            raise BisectError(f"{self._path}: is the journal of another question", "name another file, or delete this one")
        whole, torn = rest[:-1], rest[-1]
        if torn:
            # The machine went down in the middle of this line: the next one must not be glued to it.
            with suppress(OSError):
                os.truncate(self._path, len(data) - len(torn))
        return tuple(trial for trial in (_trial(_json(line)) for line in whole) if trial is not None)


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _document(trial: Trial) -> dict[str, Any]:
    return {
        "changes": list(trial.changes),
        "verdict": trial.verdict,
        "seconds": round(trial.seconds, 3),
        "detail": trial.detail,
        "runs": list(trial.runs),
        "package": trial.package,
        "version": trial.version,
        "commit": trial.commit,
    }


def _trial(document: Any) -> Trial | None:
    """The trial of a line; None for one that isn't."""
    if not isinstance(document, dict):
        return None
    changes, runs, seconds = document.get("changes"), document.get("runs"), document.get("seconds")
    if not isinstance(changes, list) or not isinstance(runs, list) or not isinstance(seconds, int | float):
        return None
    verdicts = get_args(Verdict)
    if document.get("verdict") not in verdicts or not all(run in verdicts for run in runs):
        return None
    package, version, commit = (
        value if isinstance(value, str) else None for value in map(document.get, ("package", "version", "commit"))
    )
    return Trial(
        changes=tuple(sorted(str(name) for name in changes)),
        verdict=cast("Verdict", document["verdict"]),
        seconds=float(seconds),
        detail=str(document.get("detail", "")),
        runs=tuple(cast("list[Verdict]", runs)),
        package=package,
        version=version,
        commit=commit,
    )
