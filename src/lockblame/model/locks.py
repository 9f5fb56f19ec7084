"""What is locked: pins, where they come from, what they require, and the snapshot of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from lockblame.model.shown import Shown

SourceKind = Literal["registry", "git", "url", "path", "editable", "workspace"]
Path = tuple[str, ...]
"""A dependency path: the name of a root, then each package on the way, then the package itself."""


class Secret:
    """Text that no repr, no `dataclasses.asdict`, no JSON and no pickle shows: who needs it says so, by `reveal`.

    It stays in this process: what a pickle is made of, and where a worker's answers are written, nobody here knows.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text; "" where it was forgotten on the way from another process."""
        return self._text

    @property
    def forgotten(self) -> bool:
        """Whether this came out of a pickle, which knows only that there was something."""
        return not self._text

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, ("",)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __repr__(self) -> str:
        return "Secret()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a pin comes from. `location` is an index, repository or archive URL, or a path; `revision` a git commit.

    A registry source without a location is "the index that is configured": most formats don't write it down. `access` is the
    address of a repository as it is written, where that has a user, a token or variables for them; a pickle doesn't hold it.
    """

    kind: SourceKind = "registry"
    location: str | None = None
    revision: str | None = None
    subdirectory: str | None = None
    access: Secret | None = field(default=None, repr=False, compare=False)


REGISTRY = Source()


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A package index that a project or a machine names. `url` is bare; `access` is the address as it is written, where that has
    a user, a password or variables for them; a pickle doesn't hold it.

    A `default` one stands in for the ecosystem's public one and is asked last; an `explicit` one is asked only for the `packages`
    (normalized names, with `*`) that are taken from it, and these from no other.
    """

    url: str
    name: str | None = None
    access: Secret | None = field(default=None, repr=False)
    default: bool = False
    explicit: bool = False
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file of a release as the lock names it. `name` is None where the format lists bare hashes."""

    name: str | None = None
    hash: str | None = None
    uploaded: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One requirement: of a pin on another, or of a root. `name` is normalized (PEP 503), the rest as written.

    `specifier` is "" where the format doesn't write it (uv's edges); `version` is set where it says which fork is meant.
    """

    name: str
    specifier: str = ""
    marker: str | None = None
    extras: tuple[str, ...] = ()
    version: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One package as locked. Its identity is name, version and source."""

    name: str
    version: str | None = None
    source: Source = REGISTRY
    marker: str | None = None
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    optional: bool = False
    requires: tuple[Edge, ...] = ()
    requires_known: bool = True
    artifacts: tuple[Artifact, ...] = ()
    line: int | None = None

    @property
    def identity(self) -> tuple[str, str | None, Source]:
        """Name, version and source."""
        return self.name, self.version, self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Where dependency paths begin: the project itself, or a member of its workspace.

    `name` is what paths show; `version` the project's own, where known; `requires` what it asks for.
    """

    name: str
    version: str | None = None
    requires: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The machine a lock is narrowed to: `python` "3.12", `platform` "linux", "darwin" or "win32"."""

    python: str
    platform: str = "linux"
    machine: str = "x86_64"
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What could not be looked at: `reason` is a slug ("offline", "not-found"), `detail` a sentence, `hint` the way out."""

    subject: str
    reason: str
    detail: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Snapshot(Shown):
    """All pins of one moment. `origin` says of which ("uv.lock at 1a2b3c4"), `path` which file, `format` how it was written.

    A revision or a folder with several locks is one Snapshot whose `parts` are the locks and whose pins are all of theirs.
    `total` is how many pins there were, where only those that changed are held (a document that was read back).
    `indexes` are those that the lock names, `configured` those of the project's own settings beside it, the first asked first.
    Supports `len`, iteration over pins and `in` by name.
    """

    origin: str
    format: str
    pins: tuple[Pin, ...] = ()
    roots: tuple[Root, ...] = ()
    requires_python: str | None = None
    path: str | None = None
    indexes: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    parts: tuple[Snapshot, ...] = ()
    configured: tuple[Index, ...] = field(default=(), compare=False)
    total: int | None = None
    _by_name: dict[str, tuple[Pin, ...]] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        by_name: dict[str, list[Pin]] = {}
        for pin in self.pins:
            by_name.setdefault(pin.name, []).append(pin)
        self._by_name.update((name, tuple(pins)) for name, pins in by_name.items())

    def __len__(self) -> int:
        return len(self.pins)

    def __iter__(self) -> Iterator[Pin]:
        return iter(self.pins)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get(name))

    @property
    def names(self) -> tuple[str, ...]:
        """Every locked name once, sorted."""
        return tuple(sorted(self._by_name))

    def get(self, name: str) -> tuple[Pin, ...]:
        """All pins of that name, in the order of the file; empty when it isn't locked. Any spelling of the name will do."""
        return self._by_name.get(name) or self._by_name.get(normalize(name), ())

    def select(self, environment: Environment) -> Snapshot:
        """What `environment` would install of this: the same Snapshot with the other pins left out."""
        from lockblame.markers import select

        return select(self, environment)

    def paths_to(self, name: str, *, limit: int = 100) -> tuple[Path, ...]:
        """The dependency paths from the roots to `name`, shortest first, at most `limit`."""
        from lockblame.graph import Graph

        return Graph(self).paths_to(normalize(name), limit=limit)


def normalize(name: str) -> str:
    """The one spelling of a package name that compares equal (PEP 503)."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)
