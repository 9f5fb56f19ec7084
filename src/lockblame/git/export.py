"""The files of one commit, written into a folder of ours.

Not by `git archive` or `git checkout`: those run the filters that a repository's attributes and configuration name. Here the
blobs are copied as they are; nothing is converted, no submodule or large file fetched, and no path leads out of the folder.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from lockblame.errors import ReadError
from lockblame.git import Checkout, Entry, command
from lockblame.git.contents import LARGEST_BLOB
from lockblame.git.log import text

LARGEST = 1024 * 2**20
"""Bytes of one commit's files."""
MOST = 200_000
"""Files of one commit."""


def export(checkout: Checkout, commit: str, folder: Path) -> None:
    """Writes the files and symbolic links of a commit into `folder`, which is made; ReadError when that can't be done."""
    entries = [entry for entry in checkout.entries(commit) if entry.kind != "submodule"]
    if len(entries) > MOST:
        raise ReadError(commit, f"has {len(entries)} files; not more than {MOST} are written")
    programs = _programs(checkout, commit)
    links: list[tuple[str, bytes]] = []
    room = LARGEST
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with checkout.contents(limit=LARGEST_BLOB) as contents:
            for entry in entries:
                _refuse_odd(commit, entry)
                data = contents.blob(entry.id)
                room -= len(data)
                if room < 0:
                    raise ReadError(commit, f"has more than {LARGEST >> 20} MiB of files")
                if entry.kind == "symlink":
                    links.append((entry.path, data))
                else:
                    _write(folder / entry.path, data, program=entry.path in programs)
        # Links come last, so that no file is written through one.
        for path, target in links:
            _link(folder, path, os.fsdecode(target))
    except OSError as error:
        raise ReadError(str(folder), f"can't be written: {error.strerror or error}") from error


def _programs(checkout: Checkout, commit: str) -> frozenset[str]:
    out = command.checked(checkout.folder, commit, "ls-tree", "-r", "-z", "--full-tree", commit)
    return frozenset(text(line.partition(b"\t")[2]) for line in out.split(b"\0") if line.startswith(b"100755"))


def _refuse_odd(commit: str, entry: Entry) -> None:
    """git itself checks such paths only when it writes them."""
    parts = entry.path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" or "\\" in part for part in parts):
        raise ReadError(commit, f"has a path that isn't written: {entry.path!r}")


def _write(place: Path, data: bytes, *, program: bool) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755 if program else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _link(folder: Path, path: str, target: str) -> None:
    """One that stays inside; any other becomes the file that git writes where there are no links."""
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    there = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if target.startswith("/") or there.startswith("..") or "\0" in target:
        _write(place, os.fsencode(target), program=False)
    else:
        place.symlink_to(target)
