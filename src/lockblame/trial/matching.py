"""Looking for a text or a pattern in what a command prints, however much it is and whatever the pattern does."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from lockblame.errors import TrialFailed

PATTERN = "re:"
"""What a regular expression begins with; anything else is looked for as it stands."""

PATIENCE = 20.0
"""Seconds that a pattern may search: Python's can take exponential time, so that it runs in a process that can be ended."""

_SEARCH = """
import re, sys
size = int(sys.stdin.buffer.readline())
pattern = sys.stdin.buffer.read(size).decode("utf-8", "surrogateescape")
text = sys.stdin.buffer.read().decode("utf-8", "replace")
sys.exit(0 if re.search(pattern, text, re.MULTILINE) else 3)
"""


class Wanted:
    """A text (found wherever it stands) or, after `re:`, a pattern (searched in the kept beginning and end)."""

    def __init__(self, text: str) -> None:
        self._pattern = text.removeprefix(PATTERN) if text.startswith(PATTERN) else None
        self._text = text.encode("utf-8", "surrogateescape")
        self._before = b""
        self._seen = False
        if not text or self._pattern == "":
            raise TrialFailed(repr(text), "is nothing to look for")
        if self._pattern is not None:
            try:
                re.compile(self._pattern)
            except (re.error, RecursionError, OverflowError) as error:
                raise TrialFailed(text, f"is no regular expression: {error}", "a plain text goes without re:") from None

    def begin(self) -> None:
        """A new run."""
        self._before, self._seen = b"", False

    def listen(self, chunk: bytes) -> None:
        """Takes the next piece of output."""
        if self._pattern is None and not self._seen:
            joined = self._before + chunk
            self._seen = self._text in joined
            self._before = joined[-(len(self._text) - 1) :] if len(self._text) > 1 else b""

    def seen(self, kept: bytes) -> bool:
        """Whether it was in the output. TrialFailed when a pattern takes too long."""
        if self._pattern is None:
            return self._seen
        pattern = self._pattern.encode("utf-8", "surrogateescape")
        given = b"%d\n%b%b" % (len(pattern), pattern, kept)
        try:
            run = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _SEARCH],
                input=given,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
                cwd=os.path.abspath(os.sep),  # noqa: PTH100
            )
        except subprocess.TimeoutExpired:
            raise TrialFailed(f"re:{self._pattern}", f"searches for more than {PATIENCE:.0f} s", "use a simpler one") from None
        return run.returncode == 0
