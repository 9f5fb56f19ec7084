"""The words of lockblame as types: frozen records without behaviour beyond looking things up in themselves.

Everything a pure module takes or gives is one of these. Versions and markers are kept as the texts that the lock holds:
parsing them is the business of whoever compares them, so that reading a large lock costs nothing that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, overload

SourceKind = Literal["registry", "git", "url", "path", "editable", "workspace"]
ChangeKind = Literal["added", "removed", "upgraded", "downgraded", "moved", "republished", "rescoped", "refiled"]
Step = Literal["epoch", "major", "minor", "micro", "pre", "post", "dev", "local"]
ReasonKind = Literal["requested", "forced", "drifted", "unknown"]
Path = tuple[str, ...]
"""A dependency path: the name of a root, then each package on the way, then the package itself."""


# --- what is locked --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a pin comes from. `location` is an index, repository or archive URL, or a path; `revision` a git commit.

    A registry source without a location is "the index that is configured": most formats don't write it down.
    """

    kind: SourceKind = "registry"
    location: str | None = None
    revision: str | None = None
    subdirectory: str | None = None


REGISTRY = Source()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All pins of one moment. `origin` says of which ("uv.lock at 1a2b3c4"), `path` which file, `format` how it was written.

    A revision or a folder with several locks is one Snapshot whose `parts` are the locks and whose pins are all of theirs.
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
    _by_name: dict[str, tuple[Pin, ...]] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        for pin in self.pins:
            self._by_name[pin.name] = (*self._by_name.get(pin.name, ()), pin)

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


# --- what changed ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one parent asks of a package, before and after: a root (`root`) or a pin, with its own versions.

    `before` and `after` are constraints ("" is any version); None where it doesn't ask, or where `known` is False: it asks, but
    with what isn't written in the lock.
    """

    parent: str
    root: bool = False
    old: str | None = None
    new: str | None = None
    before: str | None = None
    after: str | None = None
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a change happened. `kind` requested, forced, drifted or unknown; `detail` one sentence with names and constraints.

    `demands` are those of its parents that it was made from, the ones that changed first.
    """

    kind: ReasonKind = "unknown"
    detail: str = ""
    demands: tuple[Demand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One package before and after; None on the side where it isn't locked.

    `kind` is the first that holds of: added, removed, upgraded or downgraded (version), moved (source, or a version where there
    was none), republished (a file of the same name has another hash: alarming), rescoped (marker, extras, groups, optional, or
    what it requires itself), refiled (files were added to the release or dropped: harmless). The flags tell each on its own.
    `step` is the leftmost part of the version that moved (PEP 440), None where no version moved. `paths_before` and
    `paths_after` are the shortest dependency paths. `lock` is the lock's path where several were compared.
    """

    name: str
    before: Pin | None
    after: Pin | None
    kind: ChangeKind
    step: Step | None = None
    direct: bool = False
    source_changed: bool = False
    artifacts_changed: bool = False
    edges_changed: bool = False
    scope_changed: bool = False
    paths_before: tuple[Path, ...] = ()
    paths_after: tuple[Path, ...] = ()
    reason: Reason = Reason()
    lock: str | None = None

    @property
    def old(self) -> str | None:
        """The version before, None when there was none."""
        return self.before.version if self.before else None

    @property
    def new(self) -> str | None:
        """The version after, None when there is none."""
        return self.after.version if self.after else None

    def __str__(self) -> str:
        return f"{self.name} {self.old or '(none)'} → {self.new or '(none)'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta(Sequence[Change]):
    """All changes between two snapshots, sorted by name; a Sequence of Change.

    Where several locks were compared, `parts` holds one Delta each and the changes are those of all of them.
    `requires_python` is the project's (before, after) where it changed; `indexes` the package indexes that were replaced as a
    whole, (before, after) each: such a renaming is one fact, not a move of every package.
    """

    before: Snapshot
    after: Snapshot
    changes: tuple[Change, ...] = ()
    gaps: tuple[Gap, ...] = ()
    parts: tuple[Delta, ...] = ()
    requires_python: tuple[str | None, str | None] | None = None
    indexes: tuple[tuple[str, str], ...] = ()

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Change, ...]: ...
    def __getitem__(self, index: int | slice) -> Change | tuple[Change, ...]:
        return self.changes[index]

    def __len__(self) -> int:
        return len(self.changes)

    def get(self, name: str) -> tuple[Change, ...]:
        """The changes of that package, any spelling; empty when it didn't change."""
        wanted = normalize(name)
        return tuple(change for change in self.changes if change.name == wanted)


# --- what is known upstream ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of a package on its index: when its first file appeared, and whether it was taken back (PEP 592)."""

    name: str
    version: str
    uploaded: datetime | None = None
    yanked: bool = False
    yanked_reason: str | None = None


Forge = Literal["github", "gitlab", "gitea"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where a package is developed and its issues are. `path` is "owner/name" (or deeper, on GitLab)."""

    forge: Forge
    host: str
    path: str

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"https://{self.host}/{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue or pull request as its forge tells it; all text is hostile. `comments` is their number, None when unknown."""

    repository: str
    number: int
    title: str
    body: str = ""
    state: str = "open"
    created_at: datetime | None = None
    updated_at: datetime | None = None
    closed_at: datetime | None = None
    labels: tuple[str, ...] = ()
    comments: int | None = None
    discussion: tuple[str, ...] = ()
    reactions: int | None = None
    pull_request: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the maintainers wrote about one version."""

    name: str
    version: str
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What differs between the two artifacts of a change: dotted modules, symbols (functions, classes, parameters), defaults."""

    modules: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()


# --- what went wrong and what is found -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One traceback entry. `module` is the dotted name below site-packages ("kombu.transport.SQS"), None for other code."""

    file: str
    line: int | None = None
    function: str | None = None
    module: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMessage:
    """An exception as a log shows it: its class as written ("botocore.exceptions.ClientError") and its message."""

    type: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """What went wrong, taken apart: prose words (folded), concepts of the lexicon, identifiers, frames, errors, loggers."""

    text: str
    form: Literal["prose", "log"] = "prose"
    words: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    errors: tuple[ErrorMessage, ...] = ()
    loggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason for (or, with a negative weight, against) a suspect or an issue. `weight` is in log-odds (nats)."""

    kind: str
    weight: float
    detail: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An issue of a changed package that may report the symptom; `score` is the sum of the weights of its evidence."""

    issue: Issue
    package: str
    evidence: tuple[Evidence, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A change with its evidence. `score` is the sum of its weights, `probability` its share among all suspects (0 to 1)."""

    change: Change
    evidence: tuple[Evidence, ...] = ()
    matches: tuple[Match, ...] = ()
    notes: tuple[Note, ...] = ()
    score: float = 0.0
    probability: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of the deployed range; `date` is the committer's."""

    hash: str
    author: str
    date: datetime
    subject: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The deploy as a whole: its commits, and by kind of thing ("application", "settings", …) the paths they touched."""

    commits: tuple[Commit, ...] = ()
    touched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `blame` found. Suspects and issues are best first; `conclusive` is False when no upstream report fits the symptom."""

    delta: Delta
    symptom: Symptom | None = None
    suspects: tuple[Suspect, ...] = ()
    issues: tuple[Match, ...] = ()
    conclusive: bool = False
    deployment: Deployment | None = None
    as_of: datetime | None = None
    gaps: tuple[Gap, ...] = ()
