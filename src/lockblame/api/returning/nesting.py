"""Locks that come from several files: requirements that include others (`-r`, `-c`), workspaces with members."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.errors import ReadError

if TYPE_CHECKING:
    from lockblame.rollbacks import Wanted

MOST = 200
"""Files that one is made of."""


def holders(top: Path, wanted: Wanted, within: Path) -> tuple[Path, ...]:
    """The files that pin the package to the version which it leaves, or to the one it goes back to: `top`, or what it includes.

    What lies outside of the folder `within` is left alone. Empty when none of them does.
    """
    from lockblame.rollbacks import pins

    return tuple(place for place, text in _files(top, within) if pins(text, wanted))


def members(pyproject: Path, text: str) -> Iterator[tuple[Path, str]]:
    """The pyproject.toml of each member of uv's workspace, with its text; one that can't be read is left to uv."""
    from lockblame import files
    from lockblame.rollbacks import is_member, parse

    if "workspace" not in text:
        return
    document = parse(text, pyproject.name)
    for path in files.listing(pyproject.parent):
        folder, _, name = path.rpartition("/")
        if name == "pyproject.toml" and folder and is_member(document, folder):
            with suppress(ReadError):
                yield pyproject.parent / path, files.read(pyproject.parent / path).decode("utf-8", "replace")


def _files(top: Path, within: Path) -> Iterator[tuple[Path, str]]:
    from lockblame import files
    from lockblame.rollbacks import included

    waiting, seen = [top], set[str]()
    while waiting and len(seen) < MOST:
        place = waiting.pop(0)
        real = os.path.realpath(place)
        if real in seen or not (place == top or Path(real).is_relative_to(os.path.realpath(within))):
            continue
        seen.add(real)
        try:
            text = files.read(place).decode("utf-8", "replace")
        except ReadError:
            continue
        yield place, text
        waiting += [Path(os.path.normpath(place.parent / path)) for path in included(text)]
