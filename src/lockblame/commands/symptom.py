"""What went wrong, as a command is told it: in words, in a file, on standard input."""

from __future__ import annotations

import argparse
import sys


def symptom(options: argparse.Namespace) -> str | None:
    """What went wrong, from --symptom or --symptom-file."""
    said: str | None = options.symptom
    if options.symptom_file is None:
        return said
    from lockblame.symptom.encoding import decoded

    return decoded(_piped(options) if options.symptom_file == "-" else _held(options.symptom_file))


def _piped(options: argparse.Namespace) -> bytes:
    # where a caller closed it, Python has no stream at all
    if sys.stdin is None:
        return b""
    if sys.stdin.isatty() and not options.quiet:
        sys.stderr.write("lockblame: what went wrong? (ends with Ctrl-D on a line of its own)\n")
    return sys.stdin.buffer.read()


def _held(file: str) -> bytes:
    from pathlib import Path

    from lockblame import files

    return files.read(Path(file))
