"""What a person at a terminal gets besides the answer: its width, colour, and progress for what takes over a second."""

from __future__ import annotations

import os
import shutil
import sys
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, TextIO

from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

PATIENCE = 1.0
"""Seconds before progress is shown: what is quicker needs none."""

PIPE_WIDTH = 100
_NOTES = 20


def width() -> int:
    """Columns of the terminal; a fixed number for a pipe, so that output doesn't depend on who runs it."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def colour() -> bool:
    """Whether standard output is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shown_progress() -> Progress:
    """Progress for the person who watches: on a terminal or in a notebook's cell; silent where nobody does."""
    return NotebookProgress() if _in_notebook() else progress(sys.stderr)


def _in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook, which was loaded long before anybody asks."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def progress(stream: TextIO) -> Progress:
    """Progress on `stream` when it is a terminal, else none."""
    return TerminalProgress(stream) if stream.isatty() else SILENT


class NotebookProgress(Progress):
    """The running stages in one line of the cell, which is emptied at the end; notes stay."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._stages: dict[str, tuple[int | None, int]] = {}
        self._line: Any = None

    def begin(self, stage: str, total: int | None = None) -> None:
        """See Progress."""
        with self._guard:
            self._stages[stage] = (total, 0)
            self._draw()

    def step(self, stage: str, detail: str = "") -> None:
        """See Progress."""
        with self._guard:
            if stage in self._stages:
                total, done = self._stages[stage]
                self._stages[stage] = (total, done + 1)
                self._draw()

    def end(self, stage: str) -> None:
        """See Progress."""
        with self._guard:
            self._stages.pop(stage, None)
            self._draw()

    def note(self, detail: str) -> None:
        """See Progress."""
        from IPython.display import display

        display({"text/plain": detail}, raw=True)

    def _draw(self) -> None:
        from IPython.display import display

        told = "; ".join(f"{name} {done}/{total}" if total else name for name, (total, done) in self._stages.items())
        if self._line is None:
            self._line = display({"text/plain": told}, raw=True, display_id=True)
        else:
            self._line.update({"text/plain": told}, raw=True)


class TerminalProgress(Progress):
    """One line a running stage, on a terminal, from the second second on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._guard = Lock()
        self._bars: Bars | None = None
        self._tasks: dict[str, tuple[int | None, int]] = {}
        self._shown: dict[str, TaskID] = {}
        self._timer: Timer | None = None
        self._untold: list[str] = []

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
            if self._bars is None:
                # most are told in the first second, before anything is shown: who waits wants to know why all the same
                self._untold = [*self._untold[-_NOTES:], detail]
            else:
                self._tell(detail)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bars

        with self._guard:
            if not self._tasks:
                return
            self._bars = Bars(console=Console(file=self._stream), transient=True)
            self._bars.start()
            for detail in self._untold:
                self._tell(detail)
            self._untold.clear()
            for stage in self._tasks:
                self._refresh(stage)

    def _tell(self, detail: str) -> None:
        from lockblame.report.hostile import line

        if self._bars is not None:
            self._bars.console.print(line(detail, 500), markup=False, highlight=False)

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
