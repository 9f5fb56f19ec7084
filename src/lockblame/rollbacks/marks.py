"""What lockblame writes into other people's files, and how it knows it again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lockblame.errors import RollbackError

MARK = "# lockblame rollback"
BROKEN = " (line broken)"
"""Ends the comment where a line had to be broken behind it, so that it can be joined again."""
UNENDED = f"{MARK} (line ended)"
"""Ends the last line of a file that had no line ending, where one had to be given to it."""

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_-]{0,100}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,198}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One package at the version it goes back to; `instead` is the one it leaves, `marker` where only some environments do."""

    name: str
    version: str
    instead: str
    marker: str | None = None

    def __post_init__(self) -> None:
        # What comes from a lock is written into a file that tools trust: nothing but a name and a version may get there.
        for text, pattern in ((self.name, _NAME), (self.version, _VERSION), (self.instead, _VERSION)):
            if not pattern.fullmatch(text):
                raise RollbackError(self.name[:100] or "(empty)", f"{text[:100]!r} is no name or version to write into a file")
        if self.marker is not None and not self.marker.isprintable():
            raise RollbackError(self.name, "its marker can't be written into a file")

    @property
    def requirement(self) -> str:
        """As pip and uv write it (PEP 508)."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")

    @property
    def comment(self) -> str:
        """What the line that holds it says of itself."""
        return f"{MARK}: instead of {self.instead}"


def newline(text: str) -> str:
    """The line ending that the text uses first; a line feed where it has none."""
    return "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"


def quoted(text: str) -> str:
    """`text` as a TOML string: literal where it has quotes itself and can be."""
    if '"' in text and "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
