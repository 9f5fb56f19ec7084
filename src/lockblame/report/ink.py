"""Emphasis on a terminal. Whatever is said by it is said by words as well: a pipe and NO_COLOR get none."""

from __future__ import annotations

STYLES = {
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "link": "\x1b[36m",
    "error": "\x1b[1;31m",
    "warning": "\x1b[33m",
    "old": "\x1b[31m",
    "new": "\x1b[32m",
}
_PLAIN = "\x1b[0m"


def inked(row: str, style: str, colour: bool) -> str:
    """One line, which must be free of control codes, in that style; as it is where there is no colour or no such style."""
    return f"{STYLES[style]}{row}{_PLAIN}" if colour and row and style in STYLES else row


def diffed(row: str, colour: bool) -> str:
    """One line of a unified diff."""
    return inked(row, {"-": "old", "+": "new", "@": "dim"}.get(row[:1], ""), colour)
