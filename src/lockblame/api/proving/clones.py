"""The repository of a culprit for the drill: the user's own, read and never written, or a copy of one elsewhere."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame import git
from lockblame.errors import BisectError, RevisionError
from lockblame.git import Checkout, ancestry, cloning
from lockblame.model import normalize

if TYPE_CHECKING:
    from lockblame.trial import Environments, Processes

PATIENCE = 1800.0
"""Seconds that git may take to copy a repository."""
KEPT = 4
"""Copies that stay for the next time."""

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)", re.DOTALL)
_PART = "#subdirectory="


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """A repository that can be read; `address` is where others find it, `subdirectory` where the package is, if that was said."""

    checkout: Checkout
    address: str | None
    subdirectory: str | None = None

    def key(self, commit: str) -> str:
        """What trials of a commit are remembered by."""
        return commit if self.subdirectory is None else f"{commit}:{self.subdirectory}"


class Clones:
    """What the caller gave as `source`, opened when it is needed. RevisionError at once for what git isn't sent to."""

    def __init__(self, source: str | Mapping[str, str] | None, folder: Path, places: Environments, processes: Processes) -> None:
        self._by_name = dict(source) if isinstance(source, Mapping) else {} if source is None else {"": source}
        self._folder = folder
        self._places = places
        self._processes = processes
        for one in self._by_name.values():
            self._check(one.partition(_PART)[0])

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def of(self, name: str) -> Clone | None:
        """The repository for a package: the one given for it by name, else the one given for all; None where there is none."""
        by_name = {normalize(key): one for key, one in self._by_name.items() if key}
        source = by_name.get(normalize(name), self._by_name.get(""))
        return None if source is None else self._opened(source)

    def _check(self, place: str) -> None:
        if cloning.protocol(place) is None and not self._local(place).is_dir():
            raise RevisionError(place, "isn't a folder", "name a clone of the package's repository, or its URL")

    def _local(self, place: str) -> Path:
        return self._folder / Path(place).expanduser()

    def _opened(self, source: str) -> Clone:
        place, _, subdirectory = source.partition(_PART)
        if cloning.protocol(place) is not None:
            return Clone(checkout=self._copied(place), address=cloning.bare(place), subdirectory=subdirectory or None)
        checkout = git.find(self._local(place))
        if checkout is None:
            raise RevisionError(place, "isn't in a git repository", "name a clone of the package's repository, or its URL")
        return Clone(checkout=checkout, address=ancestry.remote(checkout), subdirectory=subdirectory or None)

    def _copied(self, url: str) -> Checkout:
        """A bare copy in the cache folder: made whole or not at all, and brought up to date when it was there."""
        home = self._places.home / "sources"
        home.mkdir(parents=True, exist_ok=True)
        place = home / f"{hashlib.sha256(url.encode('utf-8', 'surrogateescape')).hexdigest()[:20]}.git"
        if place.is_dir():
            # What it has is enough more often than not: without a network it goes on with that.
            with suppress(BisectError):
                self._git(cloning.refresh(url, place), url)
        else:
            with tempfile.TemporaryDirectory(dir=home, prefix="new-", ignore_cleanup_errors=True) as scratch:
                unfinished = Path(scratch) / "copy.git"
                self._git(cloning.clone(url, unfinished), url)
                # Another program may have been faster.
                with suppress(OSError):
                    unfinished.rename(place)
        place.touch()
        _prune(home)
        checkout = git.find(place)
        if checkout is None:
            raise RevisionError(cloning.bare(url), "the copy of it is no repository", f"delete {place}")
        return checkout

    def _git(self, call: cloning.Call, url: str) -> None:
        shown = cloning.bare(url)
        try:
            ended = self._processes.run(call.words, folder=self._places.home, environment=call.environment, timeout=PATIENCE)
        except OSError as error:
            raise BisectError(f"{shown}: git can't be started: {error}", "install git") from error
        if ended.code != 0:
            said = [line for line in ended.output.decode("utf-8", "replace").splitlines() if line.strip()]
            detail = f"wasn't done within {PATIENCE:.0f} s" if ended.code is None else _told(said)
            raise BisectError(f"{shown}: can't be copied: {detail}", "clone it yourself and give the folder")


def parse(texts: list[str] | None) -> dict[str, str] | None:
    """What the command line says: SOURCE for any package, NAME=SOURCE for one; None for nothing."""
    if not texts:
        return None
    found: dict[str, str] = {}
    for text in texts:
        named = _NAMED.fullmatch(text)
        name, source = (named[1], named[2]) if named else ("", text)
        if name in found:
            raise BisectError("two sources for the same package", "write NAME=SOURCE for each")
        found[name] = source
    return found


def _told(said: list[str]) -> str:
    """What git said, in words for somebody who was asked for no password."""
    if any("could not read Username" in line or "could not read Password" in line for line in said):
        return "it isn't there, or wants a password that git doesn't have"
    return " | ".join(said[-3:])[:600]


def _prune(home: Path) -> None:
    copies = sorted(home.glob("*.git"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in copies[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
