"""How commands ask upstream: the options for patience, time and cache, and the client that they make."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.progress import Progress

PATIENCE, DEADLINE = 30.0, 90.0
"""Seconds, where nothing else is said."""

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup, *, deadline: bool = True) -> None:
    """--patience, --deadline (a command whose trials take hours has another one) and --no-cache."""
    what = "the longest wait that a server may ask for: 30s, 2m, 0 (default: 30s)"
    parser.add_argument("--patience", metavar="TIME", type=duration, default=PATIENCE, help=what)
    if deadline:
        what = "what all asking of indexes and forges may take together (default: 90s)"
        parser.add_argument("--deadline", metavar="TIME", type=duration, default=DEADLINE, dest="total", help=what)
    parser.add_argument("--no-cache", action="store_true", help="neither use nor keep answers of earlier runs")


def duration(text: str) -> float:
    """Seconds: "30s", "2m", "1.5h", or "0"."""
    import re

    found = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,3})?)\s*([smh]?)\s*", text, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 30s, 2m or 0")
    return float(found[1]) * _SECONDS[found[2]]


@contextmanager
def asking(options: argparse.Namespace, progress: Progress) -> Iterator[Client]:
    """The client that the options describe, closed at the end."""
    from lockblame.client import Client

    total: float | None = getattr(options, "total", None)
    with Client(
        patience=options.patience,
        deadline=DEADLINE if total is None else total,
        total=total,
        cache=False if options.no_cache else None,
        progress=progress,
    ) as client:
        yield client
