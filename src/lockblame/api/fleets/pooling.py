"""What many services want to know upstream, put together, asked once, and dealt out again: to each what concerns it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.api.asking.evidence import Knowledge, PathLike
from lockblame.api.asking.origins import PagesRead, Sourcing
from lockblame.api.comparing import compare, sides
from lockblame.api.reading import Source
from lockblame.api.settings import read_settings
from lockblame.model import Change, Environment, Gap, Issue, Pin, Repository, Snapshot, Symptom

if TYPE_CHECKING:
    from lockblame.client import Client

Release = tuple[str, str]
"""A package's name and a version of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What one service wants to know: of which changes, of which releases what they require.

    `before` and `after` hold the pins of those alone, and what tells where they come from. `upstreams` are the service's own
    settings.
    """

    changes: tuple[Change, ...]
    releases: tuple[Release, ...]
    before: Snapshot
    after: Snapshot
    upstreams: Mapping[str, Repository]

    @property
    def forgetful(self) -> bool:
        """Whether the passwords of its indexes stayed behind in another process."""
        indexes = (*self.before.configured, *self.after.configured)
        return any(index.access is not None and index.access.forgotten for index in indexes)


def wants(
    before: Source,
    after: Source | None,
    *,
    repository: PathLike | None,
    config: PathLike | None,
    environment: Environment | None,
) -> Wants:
    """Reads both sides. Raises ReadError."""
    from lockblame.api.asking.explaining import MOST
    from lockblame.delta import unsettled

    folder = Path(repository or ".")
    settings = read_settings(config, folder)
    delta = compare(*sides(before, after, folder), environment=environment)
    changes = tuple(_light(change) for change in delta if change.kind != "refiled")
    releases = unsettled(delta)[:MOST]
    names = {change.name for change in changes} | {name for name, _ in releases}
    return Wants(
        changes=changes,
        releases=releases,
        before=_only(delta.before, names),
        after=_only(delta.after, names),
        upstreams={name: home for name, home in settings.upstreams.items() if name in names},
    )


def _light(change: Change) -> Change:
    """Without what asking upstream has no use for: what comes back from thousands of services is held at the same time."""
    before, after = (pin and replace(pin, requires=()) for pin in (change.before, change.after))
    return replace(change, before=before, after=after, paths_before=(), paths_after=())


def _only(snapshot: Snapshot, names: Collection[str]) -> Snapshot:
    pins = tuple(replace(pin, requires=()) for name in sorted(names) for pin in snapshot.get(name))
    return replace(snapshot, pins=pins, roots=(), gaps=(), parts=())


# --- put together ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a package comes from: two services mean the same package by a name when all of this is the same."""

    name: str
    pages: tuple[str, ...] = field(repr=False)
    source: object = None
    upstream: Repository | None = None


@dataclass(slots=True)
class _Layer:
    """Packages of different names, so that what is known of them can be told apart by their names."""

    origins: dict[str, _Origin] = field(default_factory=dict)
    changes: dict[tuple[str, str | None, str | None], Change] = field(default_factory=dict)
    releases: dict[Release, tuple[str, ...]] = field(default_factory=dict)
    known: Knowledge = field(default_factory=Knowledge)
    former: Mapping[str, Repository] = field(default_factory=dict)
    issues: dict[str, list[Issue]] = field(default_factory=dict)

    def pages(self, pin: Pin) -> tuple[str, ...]:
        return self.origins[pin.name].pages

    @property
    def newest(self) -> Iterable[Change]:
        """One change of each package, the one to the newest version."""
        from lockblame.versions import version_key

        found: dict[str, Change] = {}
        for change in self.changes.values():
            other = found.get(change.name)
            if other is None or version_key(change.new or "0") > version_key(other.new or "0"):
                found[change.name] = change
        return found.values()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What is one service's of a Pool: the layer of each of its packages, and the releases it asked about."""

    layers: Mapping[str, int]
    releases: tuple[Release, ...] = ()


@dataclass(slots=True)
class Pool:
    """What all services want to know; nearly always one layer, more where a name means different packages."""

    # addresses may hold credentials
    _layers: list[_Layer] = field(default_factory=list, repr=False)
    _subjects: set[str] = field(default_factory=set)
    asked: bool = False

    def add(self, wanted: Wants) -> Share:
        """Takes in what a service wants."""
        sourcing = Sourcing(wanted.after, wanted.before)
        layers: dict[str, int] = {}
        for change in wanted.changes:
            pin = change.after or change.before
            if pin is None:
                continue
            source = None if pin.source.kind == "registry" else pin.source
            pages = sourcing.pages(pin)
            origin = _Origin(change.name, pages, source, wanted.upstreams.get(change.name))
            number = self._layer(origin)
            layers[change.name] = number
            self._layers[number].changes.setdefault((change.name, change.old, change.new), change)
        for name, version in wanted.releases:
            if name not in layers:
                layers[name] = self._layer(_Origin(name, sourcing.pages_of(name), None, wanted.upstreams.get(name)))
            layer = self._layers[layers[name]]
            if pages := layer.origins[name].pages:
                layer.releases.setdefault((name, version), pages)
        return Share(layers=layers, releases=wanted.releases)

    def _layer(self, origin: _Origin) -> int:
        """Where that package stands, or is put: the first layer without another one of its name."""
        for number, layer in enumerate(self._layers):
            if layer.origins.setdefault(origin.name, origin) == origin:
                return number
        self._layers.append(_Layer(origins={origin.name: origin}))
        return len(self._layers) - 1

    def fill(self, known: Knowledge) -> None:
        """Takes what is known already in place of asking, whatever layer a package is in."""
        for layer in self._layers:
            layer.known = known
        self._index()

    def ask(self, client: Client, symptom: Symptom | None) -> None:
        """Asks for all of it: each page of an index, each file of metadata and each repository's issues once."""
        from lockblame.api.asking.explaining import required
        from lockblame.api.asking.gathering import with_packages
        from lockblame.api.asking.tracking import with_issues_of

        self.asked = True
        for layer in self._layers:
            homes = {name: one.upstream for name, one in layer.origins.items() if one.upstream is not None}
            read = PagesRead(name for name, _ in layer.releases)
            known = with_packages(Knowledge(repositories=homes), layer.newest, layer.pages, client, read)
            requirements, missing = required(layer.releases, client, read)
            told = {gap.subject for gap in known.gaps}
            new = tuple(gap for gap in missing if gap.subject not in told)
            layer.known = replace(known, requirements=requirements, gaps=(*known.gaps, *new))
            layer.former = known.repositories
        asked = [(layer.known, layer.changes.values()) for layer in self._layers]
        for layer, known in zip(self._layers, with_issues_of(asked, symptom, client), strict=True):
            layer.known = known
        self._index()

    def _index(self) -> None:
        """The issues by repository, and what gaps may be about: packages and repositories, also where these were before."""
        for layer in self._layers:
            homes = (*layer.former.values(), *layer.known.repositories.values())
            self._subjects |= {*layer.origins, *(home.path.lower() for home in homes)}
            for issue in layer.known.issues:
                layer.issues.setdefault(issue.repository.lower(), []).append(issue)

    def whole(self) -> Knowledge:
        """All that is known, for a bundle. What a name means must be clear there: of one that means several packages it has
        nothing but a gap."""
        found = Knowledge()
        several = {name for layer in self._layers[1:] for name in layer.origins if name in self._layers[0].origins}
        for layer in self._layers:
            clear = [name for name in layer.origins if name not in several]
            found = _joined(found, self._of(layer, clear, layer.releases))
        detail = "means several packages among these services, so that no one bundle can tell of it"
        hint = "save the evidence of the services that use each by themselves"
        gaps = (Gap(subject=name, reason="ambiguous", detail=detail, hint=hint) for name in sorted(several))
        return replace(found, gaps=(*found.gaps, *gaps))

    # --- dealt out ---------------------------------------------------------------------------------------------------

    def part(self, share: Share) -> Knowledge:
        """What concerns one service."""
        found = Knowledge()
        for number in sorted(set(share.layers.values())):
            names = [name for name, layer in share.layers.items() if layer == number]
            found = _joined(found, self._of(self._layers[number], names, share.releases))
        return found

    def _of(self, layer: _Layer, names: Collection[str], releases: Collection[Release]) -> Knowledge:
        known = layer.known
        homes = {name: known.repositories[name] for name in names if name in known.repositories}
        former = [layer.former[name] for name in names if name in layer.former]
        upstreams = [one for name in names if (one := layer.origins[name].upstream) is not None]
        paths = {home.path.lower() for home in (*homes.values(), *former, *upstreams)}
        mine = {*names, *paths}
        return Knowledge(
            releases={name: known.releases[name] for name in names if name in known.releases},
            repositories=homes,
            # a repository that nobody named may bear the package's own name (evidence.named_alike)
            issues=tuple(
                issue
                for path, several in layer.issues.items()
                if path in paths or path.rpartition("/")[2] in mine
                for issue in several
            ),
            requirements={one: known.requirements[one] for one in releases if one in known.requirements and one[0] in mine},
            notes=tuple(note for note in known.notes if note.name in mine),
            contents={step: found for step, found in known.contents.items() if step[0] in mine},
            comparisons={step: found for step, found in known.comparisons.items() if step[0] in mine},
            gaps=tuple(gap for gap in known.gaps if not self._of_another(gap, mine)),
        )

    def _of_another(self, gap: Gap, mine: Collection[str]) -> bool:
        """Whether a gap is about a package or repository that this service has nothing to do with."""
        subject = gap.subject.lower()
        words = {subject, subject.partition(" ")[0], subject.rpartition(" ")[2]}
        return bool(words & self._subjects) and not words & set(mine)


def _joined(one: Knowledge, other: Knowledge) -> Knowledge:
    return Knowledge(
        releases={**one.releases, **other.releases},
        repositories={**one.repositories, **other.repositories},
        issues=tuple(dict.fromkeys((*one.issues, *other.issues))),
        requirements={**one.requirements, **other.requirements},
        notes=tuple(dict.fromkeys((*one.notes, *other.notes))),
        contents={**one.contents, **other.contents},
        comparisons={**one.comparisons, **other.comparisons},
        gaps=tuple(dict.fromkeys((*one.gaps, *other.gaps))),
    )
