"""One run of the test command in an environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from lockblame.errors import TrialFailed
from lockblame.model import Outcome
from lockblame.trial.environments import Prepared
from lockblame.trial.matching import Wanted
from lockblame.trial.processes import TAIL, Processes

_SHOWN = 2000


class Command:
    """The test command: what to run, in which folder, for how long, and what to look for in what it prints."""

    def __init__(
        self,
        words: Sequence[str],
        processes: Processes,
        *,
        folder: Path,
        timeout: float | None = None,
        bad_if: str | None = None,
        good_if: str | None = None,
    ) -> None:
        if not words:
            raise TrialFailed("command", "is missing", "put it behind --")
        self._words = list(words)
        self._processes = processes
        self._folder = folder.absolute()
        self._timeout = timeout
        self._bad = Wanted(bad_if) if bad_if is not None else None
        self._good = Wanted(good_if) if good_if is not None else None

    def run(self, prepared: Prepared) -> Outcome:
        """Runs it with the environment first on PATH. TrialFailed when it can't be started, Stopped when all time is up."""
        environment = _environment(prepared)
        program = self._program(environment["PATH"])
        wanted = [one for one in (self._bad, self._good) if one is not None]
        for one in wanted:
            one.begin()

        def listen(chunk: bytes) -> None:
            for one in wanted:
                one.listen(chunk)

        try:
            ended = self._processes.run(
                [program, *self._words[1:]],
                folder=self._folder,
                environment=environment,
                timeout=self._timeout,
                listen=listen,
            )
        except (OSError, ValueError) as error:
            raise TrialFailed(self._words[0], f"can't be started: {error}") from error
        return Outcome(
            code=ended.code,
            seconds=ended.seconds,
            bad_seen=self._bad.seen(ended.output) if self._bad else None,
            good_seen=self._good.seen(ended.output) if self._good else None,
            tail=ended.output[-min(TAIL, _SHOWN) :].decode("utf-8", "replace"),
        )

    def _program(self, path: str) -> str:
        word = self._words[0]
        if os.sep in word:
            return str(self._folder / word)
        place = shutil.which(word, path=path)
        if place is None:
            raise TrialFailed(word, "is neither in the trial's environment nor on PATH", "is it in the lock?")
        return place


def _environment(prepared: Prepared) -> dict[str, str]:
    """The caller's own, with the trial's environment in the place of the user's."""
    mine = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "__PYVENV_LAUNCHER__")}
    ours = [str(Path(sys.prefix) / "bin"), str(Path(sys.executable).parent)] if sys.prefix != sys.base_prefix else []
    if mine.get("VIRTUAL_ENV"):
        ours += [str(Path(mine["VIRTUAL_ENV"]) / part) for part in ("bin", "Scripts")]
    path = [part for part in mine.get("PATH", os.defpath).split(os.pathsep) if part.rstrip("/\\") not in ours]
    mine["PATH"] = os.pathsep.join([str(prepared.programs), *path])
    mine["VIRTUAL_ENV"] = str(prepared.folder)
    mine.pop("VIRTUAL_ENV_PROMPT", None)
    return mine
