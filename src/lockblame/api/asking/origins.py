"""Which index each package comes from: the one that its lock names for it, else those that the project and this machine
configure. A package is asked for only where it may come from: no name that another index owns gets to the public one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from urllib.parse import urlsplit

from lockblame.errors import AccessRefused, ConfigError, UpstreamError
from lockblame.flow import Flow
from lockblame.index import Project
from lockblame.logbook import log
from lockblame.model import Delta, Index, Pin, Secret, Snapshot

_REFUSED = 403
_MOST_FILES = 50_000
"""Files of pages kept in a run: some 75 MB."""


class Sourcing:
    """The indexes of the packages of a lock, and of what it was `before`. Addresses may hold credentials: never show them.

    Passwords of the environment that belong to an index by its name, or that an address asks for by a variable, are given only
    to indexes and repositories that both sides name alike: who may propose a lock must not choose who gets them.
    """

    def __init__(self, lock: Snapshot, before: Snapshot) -> None:
        self._sides = (lock, before)
        self._lock = lock if lock.configured or lock.indexes else before
        known = {_trust(index) for index in before.configured}
        sides = (*self._lock.configured, *before.configured)
        self._project = [index if _trust(index) in known else _stranger(index) for index in dict.fromkeys(sides)]

    def pages(self, pin: Pin) -> tuple[str, ...]:
        """The addresses of the indexes that may have the package, the first to be asked first; empty when it is from elsewhere.

        Raises ConfigError when none is named and pip's or uv's configuration, which would tell, can't be read.
        """
        if pin.source.kind != "registry":
            return ()
        chosen = (self._named(pin.source.location),) if pin.source.location else tuple(self._possible(pin.name))
        why = "its lock names" if pin.source.location else "the project, or else this machine, configures"
        log("indexes", "%s: asked of what %s: %s", pin.name, why, ", ".join(dict.fromkeys(index.url for index in chosen)))
        return tuple(dict.fromkeys(self._addressed(index) for index in chosen))

    def pages_of(self, name: str) -> tuple[str, ...]:
        """The same for a package by its name."""
        pin = next((pin for side in self._sides for pin in side.get(name)), None)
        return self.pages(pin) if pin is not None else ()

    def address(self, url: str) -> str:
        """The address of the index at `url`, with the password that is at hand for it."""
        return self._addressed(self._named(url))

    def repository(self, location: str) -> str:
        """The address of a git repository, with the token that a lock has for it."""
        from lockblame.client.indexes import addressed

        lock, before = (
            [pin.source.access for pin in side if pin.source.location == location and pin.source.access] for side in self._sides
        )
        for access in dict.fromkeys((*lock, *before)):
            if "$" not in access.reveal() or (access in lock and access in before):
                found = addressed(Index(url=location, access=access))
                if found != location:
                    return found
        return location

    def _named(self, url: str) -> Index:
        known = (*self._project, *self._machine)
        return next((index for index in known if _key(index.url) == _key(url)), Index(url=url))

    def _possible(self, name: str) -> Iterator[Index]:
        """Where a package may come from whose lock doesn't say it."""
        own = [index for index in self._lock.configured if any(fnmatchcase(name, pattern) for pattern in index.packages)]
        if own:
            yield from (self._named(index.url) for index in own)
            return
        general, defaults = self._general(self._lock)
        private = [index for index in general if _host(index.url) != _host(_public())]
        yield from private
        yield from (index for index in general if index not in private)
        yield from defaults or [self._default]

    def _general(self, lock: Snapshot) -> tuple[Sequence[Index], Sequence[Index]]:
        """The indexes that any package may come from, and the default ones; without the latter the machine's counts."""
        if lock.format == "poetry":
            # a package from any other source than the default one has it in the lock
            return (), ()
        known = {_key(index.url) for index in lock.configured}
        listed = [self._named(index.url) for index in lock.configured if not index.explicit]
        included = [self._named(url) for url in lock.indexes if _key(url) not in known]
        defaults = [index for index in listed if index.default]
        others = [*(index for index in listed if not index.default), *included]
        if lock.format == "pipenv" or (included and not lock.configured):
            return (), [*defaults, *others]
        further = [] if lock.format in ("uv", "pdm") else [index for index in self._machine if not index.explicit]
        return [*others, *(index for index in further if index != self._machine_default)], defaults

    def _addressed(self, index: Index) -> str:
        from lockblame.client.indexes import addressed

        return addressed(index, self._machine)

    @cached_property
    def _default(self) -> Index:
        from lockblame.client import default_index

        return _written(default_index())

    @cached_property
    def _machine_default(self) -> Index | None:
        try:
            return self._default
        except ConfigError:
            return None

    @cached_property
    def _machine(self) -> Sequence[Index]:
        """What this machine's pip and uv would ask; nothing where their configuration can't be read."""
        from lockblame.client.indexes import further_indexes

        try:
            further = further_indexes()
        except ConfigError:
            further = ()
        return [*further, *([self._machine_default] if self._machine_default else [])]


def _trust(index: Index) -> tuple[str | None, str, Secret | None]:
    """What must be the same on both sides: which packages are taken from it gets nobody a password."""
    return index.name, _key(index.url), index.access


def _stranger(index: Index) -> Index:
    """An index that only one side names, without what would get it a password of the environment."""
    return replace(index, name=None, access=None if index.access and "$" in index.access.reveal() else index.access)


def _written(address: str) -> Index:
    scheme, mark, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    bare = f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"
    return Index(url=bare, access=Secret(address) if bare != address else None)


def _key(url: str) -> str:
    return url.rstrip("/")


def _public() -> str:
    from lockblame.client.indexes import public_index

    return public_index()


def _host(url: str) -> str:
    return lane(url).partition(":")[0].lower()


def lane(address: str) -> str:
    """The host (and port) that an address is asked at, which may be shown."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        return ""


# --- one page out of several places ----------------------------------------------------------------------------------


def project_page(name: str, places: Sequence[str], pin: Pin | None = None) -> Flow[Project]:
    """The page on the first index that has the project; of several the one that has the locked version with the locked files.

    An index that doesn't answer, or wants credentials, ends the search: the package may be its own, and no other gets to know of
    it. A 403 counts as "not there", since that is what storage without a list of its files says of what it doesn't have.
    """
    from lockblame import index

    first: Project | None = None
    trouble: UpstreamError | None = None
    for place in places:
        try:
            page = yield from index.project(name, place)
        except UpstreamError as error:
            if first is not None:
                break
            if error.reason != "not-found" and not (isinstance(error, AccessRefused) and error.status == _REFUSED):
                raise
            trouble = trouble if isinstance(trouble, AccessRefused) else error
            continue
        first = first or page
        if pin is None or pin.version is None or len(places) == 1 or _holds(page, pin.version, pin):
            return page
    if first is not None:
        return first
    raise trouble or UpstreamError(name, "no index is known for it")


class PagesRead:
    """The pages of the projects `kept`, each read once in a run: they are long, and wanted again. Safe for several threads."""

    def __init__(self, kept: Iterable[str] = ()) -> None:
        self._kept = frozenset(kept)
        self._pages: dict[tuple[str, tuple[str, ...]], Project] = {}
        self._files = 0

    def page(self, name: str, places: Sequence[str], pin: Pin | None = None) -> Flow[Project]:
        """What `project_page` gives."""
        key = name, tuple(places)
        if (known := self._pages.get(key)) is not None:
            return known
        page = yield from project_page(name, places, pin)
        self._files += len(page.listed)
        if name in self._kept and self._files <= _MOST_FILES:
            self._pages[key] = page
        return page


def _holds(page: Project, version: str, pin: Pin) -> bool:
    """Whether a page has the files of the version that are locked, as far as both tell their hashes."""
    files = page.files_of(version)
    there = {f"{kind}:{digest}".lower() for file in files for kind, digest in file.hashes.items()}
    locked = {one.hash.lower() for one in pin.artifacts if one.hash}
    return bool(files) and (not there or not locked or bool(there & locked))


def pages_of(name: str, delta: Delta) -> tuple[str, ...]:
    """The addresses of the indexes that may have a package by its name; empty when it comes from elsewhere than an index."""
    return Sourcing(delta.after, delta.before).pages_of(name)
