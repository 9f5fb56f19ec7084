"""What a person at a terminal gets besides the answer: its width, colour, links, and progress for what takes over a second."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, TextIO

from lockblame.logbook import log
from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

PATIENCE = 1.0
"""Seconds before progress is shown: what is quicker needs none."""

PIPE_WIDTH = 100
_NOTES = 20
_LOG_LINE = 2_000

_ADDRESS = re.compile(r"https?://[!#$%&'()*+,\-./0-9:;=?@A-Z_a-z~]{1,2000}")
_LINKING_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "zed", "Tabby", "rio", "mintty"})
_LINKING_TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "rio", "mintty")
_LINKING_VTE = 5002
"""0.50.2: the first whose links don't crash it."""


def width() -> int:
    """Columns of the terminal; a fixed number for a pipe, so that output doesn't depend on who runs it."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def colour() -> bool:
    """Whether standard output is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def hyperlinks(environment: Mapping[str, str] | None = None) -> bool:
    """Whether standard output is a terminal that is known to open hyperlinks (OSC 8); a pipe never is.

    There is no way to ask a terminal, so this goes by the names they give themselves. FORCE_HYPERLINK says yes (1) or no (0) for
    one that is not known, as other programs have it.
    """
    values = os.environ if environment is None else environment
    if not sys.stdout.isatty() or values.get("TERM") == "dumb":
        return False
    if forced := values.get("FORCE_HYPERLINK"):
        return forced != "0"
    if "TMUX" in values or values.get("TERM", "").startswith("screen"):
        # what runs inside of it doesn't know the terminal outside, and older ones print what they don't know
        return False
    version = values.get("VTE_VERSION", "")
    return (
        values.get("TERM_PROGRAM") in _LINKING_PROGRAMS
        or values.get("TERM", "").startswith(_LINKING_TERMS)
        or (version.isdecimal() and int(version) >= _LINKING_VTE)
        or any(name in values for name in ("WT_SESSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID"))
    )


def show(text: str, style: str = "text") -> None:
    """Write an answer to standard output; its addresses become links where it is text on a terminal that has them."""
    sys.stdout.write(linked(text) if style == "text" and hyperlinks() else text)


def linked(text: str) -> str:
    """`text` with each http(s) address in it made a hyperlink that shows the address itself, as it did before."""
    return _ADDRESS.sub(_link, text)


def _link(found: re.Match[str]) -> str:
    from lockblame.report.hostile import url

    shown = found[0].rstrip(".,;:!?'")
    if shown.endswith(")") and "(" not in shown:
        shown = shown[:-1]
    address = url(shown)
    return found[0] if address is None else f"\x1b]8;;{address}\x1b\\{address}\x1b]8;;\x1b\\{found[0][len(shown) :]}"


def shown_progress() -> Progress:
    """Progress for the person who watches: on a terminal or in a notebook's cell; silent where nobody does."""
    return NotebookProgress() if _in_notebook() else progress(sys.stderr)


def _in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook, which was loaded long before anybody asks."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def progress(stream: TextIO, *, quiet: bool = False, verbose: bool = False) -> Progress:
    """Progress on `stream` when it is a terminal, else none; the log tells it to who asked for that, in place of bars."""
    if verbose:
        return LoggedProgress()
    if quiet or not stream.isatty():
        return SILENT
    # without a cursor that moves there are no bars, which would be printed again and again
    return PlainProgress(stream) if os.environ.get("TERM") in ("dumb", "unknown") else TerminalProgress(stream)


@contextmanager
def listening(stream: TextIO) -> Iterator[None]:
    """What the logger `lockblame` is told, all of it, as lines of `stream`."""
    import logging

    class Lines(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            from lockblame.report.hostile import line

            return line(f"{record.name}: {record.getMessage()}", _LOG_LINE)

    logger, handler = logging.getLogger("lockblame"), logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    level, passes = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = passes


class LoggedProgress(Progress):
    """Stages and notes as records of the log."""

    def begin(self, stage: str, total: int | None = None) -> None:
        """See Progress."""
        log("progress", "%s%s", stage, "" if total is None else f" ({total})")

    def step(self, stage: str, detail: str = "") -> None:
        """See Progress."""
        if detail:
            log("progress", "%s: %s", stage, detail)

    def note(self, detail: str) -> None:
        """See Progress."""
        log("progress", "%s", detail)


class PlainProgress(Progress):
    """What takes over a second as lines, for a terminal that can do no more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._guard = Lock()
        self._timers: dict[str, Timer] = {}

    def begin(self, stage: str, total: int | None = None) -> None:
        """See Progress."""
        with self._guard:
            timer = self._timers[stage] = Timer(PATIENCE, self.note, (stage if total is None else f"{stage} ({total})",))
            timer.daemon = True
            timer.start()

    def end(self, stage: str) -> None:
        """See Progress."""
        with self._guard:
            if timer := self._timers.pop(stage, None):
                timer.cancel()

    def note(self, detail: str) -> None:
        """See Progress."""
        from lockblame.report.hostile import line

        self._stream.write(f"{line(detail, 500)}\n")
        self._stream.flush()


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
            from rich.markup import escape

            from lockblame.report.hostile import line

            self._shown[stage] = self._bars.add_task(escape(line(stage, 200)), total=total)
        self._bars.update(self._shown[stage], completed=done, total=total)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
            self._shown.clear()
