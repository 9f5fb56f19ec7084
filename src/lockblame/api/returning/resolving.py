"""What uv or Poetry makes of an edited pyproject.toml: a copy with all that a lock is made from, and what its new lock says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.errors import ReadError
from lockblame.model import Edit, Gap, Resolution, RollbackStyle, Snapshot

if TYPE_CHECKING:
    from lockblame.git import Checkout

_FIRST = ("pyproject.toml", "setup.py", "setup.cfg", "uv.toml", "poetry.toml", ".python-version", "uv.lock", "poetry.lock")


def resolved(pyproject: Path, edit: Edit, style: RollbackStyle, offline: bool) -> Resolution | Gap:
    """What locking a copy with that edit moves, or that there is no solution; a Gap where the tool can't answer."""
    from lockblame import files, lockfiles, resolver
    from lockblame.delta import compare as compared

    folder, name = pyproject.parent, "uv.lock" if style == "uv" else "poetry.lock"
    opener, old = files.opener(folder), files.read(folder / name)
    before = lockfiles.parse(old, name, origin=name, opener=opener)
    copy = _copy(folder, before)
    edited, lock = {copy.prefix + pyproject.name: edit.after or ""}, copy.prefix + name
    outcome = resolver.lock(style, copy.top, copy.paths, edited, lock, offline=offline, furnish=copy.furnish)
    if outcome is None:
        return Gap(subject="check", reason="no-resolver", detail=f"{style} is not installed", hint=f"install {style}")
    if outcome.lock is None:
        plain = (
            resolver.lock(style, copy.top, copy.paths, {}, lock, offline=offline, furnish=copy.furnish)
            if outcome.unsolvable
            else None
        )
        if not outcome.unsolvable or (plain is not None and plain.lock is None):
            why = " even without the edit" if plain is not None else ""
            detail = f"{style} can't lock a copy of this project{why}: {(plain or outcome).said[-600:]}"
            return Gap(subject="check", reason="not-lockable", detail=detail, hint="try it by hand in the work tree")
        # uv says first which Python it took; Poetry ends with that there is none
        detail = outcome.said[max(0, outcome.said.find("No solution found")) :]
        return Resolution(resolver=outcome.resolver, resolves=False, detail=detail)
    after = lockfiles.parse(outcome.lock, name, origin=name, opener=opener)
    moved = tuple(change for change in compared(before, after) if change.kind not in ("rescoped", "refiled"))
    return Resolution(resolver=outcome.resolver, resolves=True, moved=moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """What is copied: `paths` below `top`, those first that every resolver reads; the project lies at `prefix` ("a/b/") there."""

    top: Path
    prefix: str
    paths: list[str]
    checkout: Checkout | None

    def furnish(self, place: Path) -> None:
        """The repository's commits and tags for the copy, as far as they can be had."""
        from lockblame.git.borrowing import borrow

        with suppress(ReadError):
            if self.checkout is not None:
                borrow(self.checkout, place)


def _copy(folder: Path, lock: Snapshot) -> _Copy:
    """The project, and what it takes by a path from elsewhere in its repository, where they lie in it."""
    from lockblame import files, git

    checkout = None
    with suppress(ReadError):
        checkout = git.find(folder)
    top = folder if checkout is None or checkout.root is None else checkout.root
    prefix = "" if checkout is None or checkout.root is None else checkout.prefix
    paths = [prefix + path for path in files.listing(folder)]
    for place in _beside(lock, top, prefix):
        with suppress(ReadError):
            inside = (top / place).is_dir()
            paths += [f"{place}/{path}" for path in files.listing(top / place)] if inside else [place]
    return _Copy(
        top=top,
        prefix=prefix,
        paths=sorted(dict.fromkeys(paths), key=lambda path: path.rpartition("/")[2] not in _FIRST),
        checkout=checkout if checkout is not None and checkout.root is not None else None,
    )


def _beside(lock: Snapshot, top: Path, prefix: str) -> Iterator[str]:
    """Where packages lie that the lock takes by a path which leads out of the project and stays in the repository."""
    for pin in lock:
        where = pin.source.location or ""
        if pin.source.kind in ("path", "editable", "workspace") and ".." in where.split("/"):
            place = os.path.normpath(prefix + where).replace(os.sep, "/")
            if not place.startswith("..") and Path(os.path.realpath(top / place)).is_relative_to(os.path.realpath(top)):
                yield place
