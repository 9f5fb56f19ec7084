"""`history`: which commit brought which change of a lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.api.reading import locks_at, nearest_checkout, relative
from lockblame.errors import ReadError
from lockblame.model import Commit

if TYPE_CHECKING:
    from lockblame.delta.history import Revision
    from lockblame.git import Checkout


def history(
    path: str | os.PathLike[str] | None = None,
    *,
    package: str | None = None,
    since: str | None = None,
    head: str = "HEAD",
    repository: str | os.PathLike[str] | None = None,
) -> Iterator[Revision]:
    """Every commit of `head` (without those that `since` has) that touched a lock, newest first, with the changes it brought.

    `path` is the lock, or a folder whose locks are meant (default: every lock of `head`); renames are followed. With `package`
    only its changes count, and only commits that have any are told. A lock that can't be read in some commit is a gap of that
    revision. Raises ReadError when there is no repository, no such revision, or no lock.
    """
    folder = Path(repository or ".")
    checkout = nearest_checkout(folder / path if path is not None else folder, os.fspath(path or "."))
    tip = checkout.commit(head)
    base = None if since is None else checkout.commit(since)
    locks = _locks(checkout, tip, folder, path)
    return (revision for lock in locks for revision in _walked(checkout, lock, base, tip, package))


def _locks(checkout: Checkout, tip: str, folder: Path, path: str | os.PathLike[str] | None) -> tuple[str, ...]:
    """The locks meant, as paths from the repository's root. A named file need not be there any more: it has a history."""
    inner = checkout.prefix.rstrip("/")
    if path is not None and checkout.root is not None:
        inner = relative(folder / path, checkout.root)
    elif path is not None:
        inner = os.fspath(path)
    paths = checkout.paths(tip)
    if path is not None and (inner in paths or not any(one.startswith(inner + "/") for one in paths)) and inner != ".":
        return (inner,)
    found = locks_at(paths, "" if inner == "." else inner)
    if not found:
        raise ReadError(inner or "the repository", f"no lock is in it at {tip[:10]}", "name the lock's path")
    return found


def _walked(checkout: Checkout, lock: str, base: str | None, tip: str, package: str | None) -> list[Revision]:
    from lockblame.delta.history import walk

    touches = list(checkout.touching(lock, base, tip))
    if not touches and base is None and checkout.shallow:
        raise ReadError(lock, "no commit here tells of it: this clone is shallow", "fetch the rest: git fetch --unshallow")
    if not touches and base is None:
        raise ReadError(lock, "no commit has it", "name a lock of this repository, by its path")
    with checkout.contents() as contents:
        revisions = walk(touches[::-1], contents.blob, beside=contents.show, package=package)
        found = [revision for revision in revisions if package is None or revision.changes or revision.gaps]
    return found[::-1]


def brought_in(checkout: Checkout, base: str, head: str, lock: str) -> dict[str, tuple[Commit, ...]]:
    """By package, the commits of the deployed range that changed it in that lock, newest first."""
    found: dict[str, list[Commit]] = {}
    for revision in _walked(checkout, lock, base, head, None):
        for name in dict.fromkeys(change.name for change in revision.changes):
            found.setdefault(name, []).append(revision.commit)
    return {name: tuple(commits) for name, commits in found.items()}
