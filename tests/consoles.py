"""A terminal for a program to run in (a pseudo-terminal), and one that shows what a text does to it (an emulator)."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pyte = pytest.importorskip("pyte", reason="needs pyte, a terminal in Python")
FIRST = {"TERM": "xterm", "COLUMNS": "", "NO_COLOR": "", "FORCE_HYPERLINK": ""}


def run(command: Sequence[str], folder: Path, columns: int = 80, **environment: str) -> tuple[int, str]:
    """The exit code of a program that has a terminal of so many columns for everything, and what it wrote there."""
    if sys.platform == "win32":
        pytest.skip("there are no pseudo-terminals on this system")
    import fcntl
    import termios

    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    given = {name: value for name, value in {**os.environ, **FIRST, **environment}.items() if value}
    for name in ("TMUX", "VTE_VERSION", "TERM_PROGRAM", "WT_SESSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID"):
        given.pop(name, None)
    process = subprocess.Popen(command, cwd=folder, stdin=writer, stdout=writer, stderr=writer, env={**given, **environment})
    os.close(writer)
    written = bytearray()
    while True:
        try:
            part = os.read(reader, 65536)
        except OSError:  # how Linux says that nobody writes any more
            break
        if not part:
            break
        written += part
    os.close(reader)
    return process.wait(60), written.decode("utf-8", "replace").replace("\r\n", "\n")


class Screen(pyte.Screen):
    """A terminal so many columns wide on which `text` was written from the top."""

    def __init__(self, text: str, columns: int = 80) -> None:
        super().__init__(columns, text.count("\n") * 30 + 30)
        self.rung = self.answered = 0
        pyte.Stream(self).feed(text.replace("\n", "\r\n"))

    def bell(self, *_: object) -> None:
        self.rung += 1

    def write_process_input(self, data: str) -> None:
        self.answered += 1

    @property
    def state(self) -> tuple[object, ...]:
        """All that a text could leave behind, apart from itself."""
        cursor = self.cursor
        modes = (frozenset(self.mode), self.margins, self.charset, self.g0_charset, self.g1_charset, frozenset(self.tabstops))
        return (*modes, self.title, self.icon_name, self.rung, self.answered, len(self.savepoints), cursor.attrs, cursor.hidden)

    def cell(self, row: int, column: int) -> str:
        return str(self.buffer[row][column].data)


def untouched(text: str, columns: int = 80) -> bool:
    """Whether a text left nothing behind but itself, one row for each of its lines."""
    screen, fresh = Screen(text, columns), Screen("", columns)
    return screen.state == fresh.state and screen.cursor.y == text.count("\n")
