"""Progress on a real terminal (a pseudo-terminal), and none on a pipe."""

from __future__ import annotations

import io
import os
import re
import time

import pytest

from lockblame import terminal
from lockblame.progress import SILENT


@pytest.fixture
def tty():
    """A terminal to write to, and a function that gives what was written so far."""
    reader, writer = os.openpty()
    os.set_blocking(reader, False)
    seen = bytearray()

    def shown() -> str:
        try:
            while chunk := os.read(reader, 65536):
                seen.extend(chunk)
        except (BlockingIOError, OSError):
            pass
        return seen.decode("utf-8", "replace")

    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield stream, shown
    os.close(reader)


def wait_for(shown, text: str) -> bool:
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        if text in shown():
            return True
        time.sleep(0.02)
    return False


def test_what_takes_long_is_shown(tty, monkeypatch):
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    stream, shown = tty
    progress = terminal.progress(stream)
    progress.begin("asking forges", 3)
    progress.step("asking forges", "celery/kombu")
    assert wait_for(shown, "asking forges")
    progress.note("waiting 5 s for the limit")
    assert wait_for(shown, "waiting 5 s")
    progress.end("asking forges")
    progress.end("asking forges")


def test_what_was_told_before_anything_is_shown_is_told_then(tty, monkeypatch):
    monkeypatch.setattr(terminal, "PATIENCE", 0.2)
    stream, shown = tty
    progress = terminal.progress(stream)
    progress.begin("asking forges", 3)
    progress.note("waiting 25 s \x1b[31mfor the limit")
    assert wait_for(shown, "waiting 25 s for the limit")
    progress.end("asking forges")


def test_what_is_quick_is_not(tty):
    stream, shown = tty
    progress = terminal.progress(stream)
    progress.begin("reading locks")
    progress.step("reading locks")
    progress.end("reading locks")
    assert shown() == ""


def test_a_second_stage_is_shown_beside_the_first(tty, monkeypatch):
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    stream, shown = tty
    progress = terminal.progress(stream)
    progress.begin("first")
    assert wait_for(shown, "first")
    progress.begin("second", 2)
    progress.end("first")
    assert wait_for(shown, "second")
    progress.end("second")


def test_a_pipe_gets_none():
    assert terminal.progress(io.StringIO()) is SILENT


def test_a_pipe_has_a_fixed_width_and_no_colour(monkeypatch):
    monkeypatch.setenv("COLUMNS", "33")
    assert terminal.width() == terminal.PIPE_WIDTH
    assert not terminal.colour()


@pytest.mark.parametrize("name", ["dumb", "unknown"])
def test_a_terminal_that_can_do_nothing_gets_lines(tty, monkeypatch, name):
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    monkeypatch.setenv("TERM", name)
    stream, shown = tty
    progress = terminal.progress(stream)
    progress.begin("asking forges", 3)
    assert wait_for(shown, "asking forges (3)")
    progress.note("waiting \x1b[2J5 s")
    assert wait_for(shown, "waiting 5 s")
    progress.end("asking forges")
    progress.end("asking forges")
    assert "\x1b" not in shown()


def test_what_is_quick_is_not_told_there_either(tty, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream, shown = tty
    progress = terminal.progress(stream)
    progress.begin("reading locks")
    progress.end("reading locks")
    assert shown() == ""


def test_quiet_gets_none_and_verbose_the_log_in_its_place(tty, caplog):
    stream, _ = tty
    assert terminal.progress(stream, quiet=True) is SILENT
    caplog.set_level("DEBUG", "lockblame")
    told = terminal.progress(stream, verbose=True)
    told.begin("asking forges", 2)
    told.step("asking forges", "celery/kombu")
    told.step("asking forges")
    told.note("waiting 5 s")
    told.end("asking forges")
    assert caplog.messages == ["asking forges (2)", "asking forges: celery/kombu", "waiting 5 s"]


def test_without_colour_the_bars_have_none(tty, monkeypatch):
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream, shown = tty
    progress = terminal.progress(stream)
    progress.begin("asking [red]forges[/red]", 3)
    assert wait_for(shown, "asking [red]forges[/red]")
    progress.end("asking [red]forges[/red]")
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3|4|9|10)\d", shown())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "has"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "6003"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4602"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "9" * 9 + "x"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, True),
        ({"TERM": "xterm-256color", "WT_SESSION": "x"}, True),
        ({"TERM": "xterm-256color", "FORCE_HYPERLINK": "1"}, True),
        ({"TERM": "xterm-kitty", "FORCE_HYPERLINK": "0"}, False),
        ({"TERM": "dumb", "FORCE_HYPERLINK": "1"}, False),
        ({"TERM": "screen-256color", "TERM_PROGRAM": "vscode", "TMUX": "/tmp/x"}, False),
        ({}, False),
    ],
)
def test_which_terminals_have_links(monkeypatch, environment, has):
    assert not terminal.hyperlinks(environment)
    monkeypatch.setattr(terminal.sys, "stdout", Terminal())
    assert terminal.hyperlinks(environment) is has
