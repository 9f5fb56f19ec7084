"""What a person at a terminal gets besides the answer: its width, colour, and progress for what takes over a second."""

from __future__ import annotations

import os
import shutil
import sys
from threading import Lock, Timer
from typing import TYPE_CHECKING, TextIO

from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

PATIENCE = 1.0
"""Seconds before progress is shown: what is quicker needs none."""

PIPE_WIDTH = 100


def width() -> int:
    """Columns of the terminal; a fixed number for a pipe, so that output doesn't depend on who runs it."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def colour() -> bool:
    """Whether standard output is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def progress(stream: TextIO) -> Progress:
    """Progress on `stream` when it is a terminal, else none."""
    return TerminalProgress(stream) if stream.isatty() else SILENT


class TerminalProgress(Progress):
    """One line a running stage, on a terminal, from the second second on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._guard = Lock()
        self._bars: Bars | None = None
        self._tasks: dict[str, tuple[int | None, int]] = {}
        self._shown: dict[str, TaskID] = {}
        self._timer: Timer | None = None

    def begin(self, stage: str, total: int | None = None) -> None:
        """See Progress."""
        with self._guard:
            self._tasks[stage] = (total, 0)
            if self._timer is None:
                self._timer = Timer(PATIENCE, self._show)
                self._timer.daemon = True
                self._timer.start()
            self._refresh(stage)

    def step(self, stage: str, detail: str = "") -> None:
        """See Progress."""
        with self._guard:
            if stage in self._tasks:
                total, done = self._tasks[stage]
                self._tasks[stage] = (total, done + 1)
                self._refresh(stage)

    def end(self, stage: str) -> None:
        """See Progress."""
        with self._guard:
            self._tasks.pop(stage, None)
            if self._bars is not None and stage in self._shown:
                self._bars.remove_task(self._shown.pop(stage))
            if not self._tasks:
                self._stop()

    def note(self, detail: str) -> None:
        """See Progress."""
        with self._guard:
            if self._bars is not None:
                self._bars.console.print(detail, markup=False, highlight=False)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bars

        with self._guard:
            if not self._tasks:
                return
            self._bars = Bars(console=Console(file=self._stream), transient=True)
            self._bars.start()
            for stage in self._tasks:
                self._refresh(stage)

    def _refresh(self, stage: str) -> None:
        if self._bars is None:
            return
        total, done = self._tasks[stage]
        if stage not in self._shown:
            self._shown[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._shown[stage], completed=done, total=total)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
            self._shown.clear()
