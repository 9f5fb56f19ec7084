"""`lockblame cache`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lockblame.errors import ReadError

if TYPE_CHECKING:
    from lockblame.client.cache import Shelf

VERSION = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `cache` can be told."""
    from lockblame.commands.parser import subcommand

    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    what = "where the answers of indexes and forges are kept, how many, and how large"
    info = subcommand(actions, "info", what, "lockblame cache info --format json")
    info.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    subcommand(actions, "clear", "forget them all", "lockblame cache clear")


def run(options: argparse.Namespace) -> int:
    """Show the cache, or empty it."""
    from lockblame.client.cache import cache_folder, clear, look
    from lockblame.report.hostile import line

    folder = cache_folder()
    if options.action == "clear":
        before = look(folder)
        try:
            clear(folder)
        except OSError as error:
            raise ReadError(str(folder), f"can't be cleared ({error.strerror or error})", "try again, or delete it") from None
        sys.stdout.write(f"forgot {_answers(before.entries)} in {line(str(folder), 1000)}\n")
    else:
        found = look(folder)
        sys.stdout.write(_json(found) if options.format == "json" else _text(found))
    return 0


def _json(found: Shelf) -> str:
    import json

    told = {"folder": str(found.folder), "bytes": found.size, "entries": found.entries, "bound": found.bound}
    return json.dumps({"schema": VERSION, **told}, indent=2) + "\n"


def _text(found: Shelf) -> str:
    from lockblame.client.cache import UNUSED, VARIABLE
    from lockblame.report.columns import wrapped
    from lockblame.report.hostile import line
    from lockblame.terminal import width

    lines = (
        f"folder   {line(str(found.folder), 1000)} ({VARIABLE} names another)",
        f"holds    {_answers(found.entries)}, {found.size / 2**20:.1f} MiB",
        f"bound    {found.bound / 2**20:.0f} MiB; what was not used for {UNUSED / 86400:.0f} days goes",
    )
    return "\n".join(row for text in lines for row in wrapped(text, width(), "", " " * len("folder   "))) + "\n"


def _answers(count: int | None) -> str:
    if count is None:
        return "a database that can't be read"
    return f"{count} answer{'' if count == 1 else 's'}"
