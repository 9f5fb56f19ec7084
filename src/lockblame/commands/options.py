"""Words of the command line that several commands share: days, budgets, the two sides, the environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lockblame.errors import ReadError

if TYPE_CHECKING:
    from datetime import datetime

    from lockblame.api.asking.digging import Budget
    from lockblame.api.reading import Source
    from lockblame.model import Environment
    from lockblame.progress import Progress


def day(text: str) -> datetime:
    """The last moment of that day, UTC: what was opened on the day itself still counts."""
    from datetime import UTC, datetime, time

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2023-09-10") from None
    if len(text) <= len("2023-09-10"):
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def budget(text: str) -> Budget:
    """ "8", "8,100MB" or "100MB,60s": packages, megabytes and seconds, each at most once."""
    import re

    from lockblame.api.asking.digging import Budget

    given: dict[str, Any] = {}
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,6})\s*(MB|s|)\s*", part)
        name = {"MB": "megabytes", "s": "seconds", "": "packages"}[found[2]] if found else ""
        if not found or name in given:
            raise argparse.ArgumentTypeError(f"{text!r} is no budget such as 8,100MB,60s")
        given[name] = int(found[1])
    return Budget(**given)


def watched(options: argparse.Namespace) -> Progress:
    """What the person who waits is told: bars on a terminal, the log with --verbose, nothing with --quiet."""
    from lockblame.terminal import progress

    return progress(sys.stderr, quiet=options.quiet, verbose=options.verbose)


@contextmanager
def waiting(options: argparse.Namespace, stage: str) -> Iterator[None]:
    """One stage that tells nothing about itself."""
    told = watched(options)
    told.begin(stage)
    try:
        yield
    finally:
        told.end(stage)


def ends(options: argparse.Namespace) -> tuple[Source, Source | None]:
    """Both sides; an interpreter given with --python is the side after."""
    if options.python is None or _is_version(options.python):
        return options.before, options.after
    if options.after is not None:
        raise ReadError("--python", "names an environment, which takes the place of AFTER", "leave one of them out")
    from pathlib import Path

    from lockblame.api.reading import read

    return options.before, read(Path(options.python), format="installed")


def environment(options: argparse.Namespace) -> Environment | None:
    """The machine that --python and --platform narrow to."""
    if options.platform is None and (options.python is None or not _is_version(options.python)):
        return None
    from lockblame.model import Environment

    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    version = options.python if options.python and _is_version(options.python) else here
    return Environment(python=version, platform=options.platform or sys.platform)


def _is_version(text: str) -> bool:
    return all(part.isdecimal() for part in text.split("."))
