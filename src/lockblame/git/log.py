"""What `git log` prints, as records: one function a layout, nothing asked of git here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lockblame.model import Commit

LOG = (
    *("log", "-z", "--date-order", "--diff-merges=combined", "--no-renames", "--no-follow", "--no-relative"),
    *("--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-notes", "--no-mailmap", "--encoding=UTF-8"),
    "--format=%x00%x00%H%x00%an%x00%ct%x00%s",
)
"""The command whose output `records` takes apart, with what user settings could bend about it pinned down."""
_LAST_SECOND = 253_402_300_799  # of the year 9999: datetime knows none after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What one commit did to one path: its blob before (one a parent; None where there was none) and after (None: deleted).

    `path` is the path's name in that commit, `renamed` the one it had before where the commit moved it.
    """

    commit: Commit
    path: str
    before: tuple[str | None, ...]
    after: str | None
    renamed: str | None = None


def text(path: bytes) -> str:
    """A path as git has it."""
    return path.decode("utf-8", "surrogateescape")


def records(out: bytes) -> Iterator[tuple[Commit, list[bytes]]]:
    """Each commit with the fields that were listed for it.

    A record begins with two empty fields (no path is empty); hash, author, time and subject follow, and then the list, whose
    first field has a line feed before it, or for a merge an empty field.
    """
    fields = out.split(b"\0")
    at = 0
    while at + 5 < len(fields):
        start = at + 6
        if fields[start : start + 1] == [b""] and fields[start + 1 : start + 2] != [b""]:
            start += 1
        elif start < len(fields):
            fields[start] = fields[start].removeprefix(b"\n")
        end = start
        while end < len(fields) and fields[end]:
            end += 1
        yield _commit(*fields[at + 2 : at + 6]), fields[start:end]
        at = end


def _commit(identity: bytes, author: bytes, seconds: bytes, subject: bytes) -> Commit:
    since_epoch = int(seconds) if seconds.isdigit() and len(seconds) < 19 else 0
    date = datetime.fromtimestamp(min(since_epoch, _LAST_SECOND), UTC)
    return Commit(hash=_words(identity), author=_words(author), date=date, subject=_words(subject))


def _words(field: bytes) -> str:
    return field.decode("utf-8", "replace")


def touches(listed: Sequence[tuple[Commit, list[bytes]]], path: str) -> Iterator[Touch]:
    """The records of a raw log of the one `path`."""
    for commit, fields in listed:
        for about in fields[::2]:
            parents = len(about) - len(about.lstrip(b":"))
            words = about[parents:].split(b" ")
            modes, ids = words[: parents + 1], words[parents + 1 : 2 * parents + 2]
            *before, after = (_blob(mode, identity) for mode, identity in zip(modes, ids, strict=False))
            yield Touch(commit=commit, path=path, before=tuple(before), after=after)


def _blob(mode: bytes, identity: bytes) -> str | None:
    """Only files have text: not symbolic links (120000), submodules (160000) or what isn't there (000000)."""
    return identity.decode("ascii") if mode.startswith(b"100") else None


def names(paths: Iterable[bytes]) -> tuple[str, ...]:
    """Paths as a log lists them, decoded and sorted."""
    return tuple(sorted(text(path) for path in paths))
