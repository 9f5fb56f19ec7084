"""uv.lock, version 1 in all its revisions, `[[distribution]]` of before August 2024 too.

The project and the members of its workspace are Roots, not pins; paths outside the workspace stay pins. What is required with
an extra has the marker `extra == '…'`, on roots and pins alike; development groups are the `group` of a root's edges.
The format is described by uv's own source only (crates/uv-resolver/src/lock).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lockblame.fields import FieldError, maybe_number, maybe_text, table, tables, texts
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document, entry_lines
from lockblame.lockfiles.names import both, either, extra_marker, extras_of, normal
from lockblame.lockfiles.project import project
from lockblame.model import Artifact, Edge, Gap, Pin, Root, Snapshot, Source

_Table = Mapping[str, Any]
_DEMANDS = 20
"""Demands of a root on one package that are told apart; more are nobody's, and their product with the edges is too much."""
_Asked = dict[tuple[str, str | None, str | None], list[Edge]]


def read(document: Document) -> Snapshot:
    """The Snapshot of a uv.lock. FieldError or LockParseError when it is broken, or of a version after 1."""
    lock = documents.toml(document)
    version = maybe_number(lock, "version")
    if version is not None and version > 1:
        raise document.broken(f"has version {version}, and only version 1 is known", "version", "a newer lockblame may know it")
    key = "package" if "package" in lock else "distribution"
    entries = tables(lock, key)
    if not entries and version is None:
        raise FieldError("version", "is missing, and there is no package either")
    manifest = table(lock, "manifest")
    members = {normal(name, f"manifest.members[{i}]") for i, name in enumerate(texts(manifest, "members", "manifest"))}
    reader = _Reader(document, members)
    lines = entry_lines(document, key.encode(), len(entries))
    for number, (entry, line) in enumerate(zip(entries, lines, strict=True)):
        reader.add(entry, f"{key}[{number}]", line)
    reader.roots.extend(_script(manifest))
    return Snapshot(
        origin=document.origin,
        path=document.path,
        format="uv",
        pins=tuple(reader.pins),
        roots=tuple(reader.roots),
        requires_python=maybe_text(lock, "requires-python"),
        indexes=tuple(dict.fromkeys(reader.indexes)),
        gaps=tuple(reader.gaps),
    )


def _script(manifest: _Table) -> Iterator[Root]:
    """What the lock of a script, or of a workspace without a project, asks for itself."""
    edges = [_asked(item, "manifest.requirements", None) for item in tables(manifest, "requirements", "manifest")]
    groups = table(manifest, "dependency-groups", "manifest")
    for group in groups:
        edges.extend(_asked(item, f"manifest.dependency-groups.{group}", group) for item in tables(groups, group))
    if edges:
        yield Root(name="app", requires=tuple(edges))


class _Reader:
    """Collects pins and roots; sources are shared, since thousands of pins have the same."""

    def __init__(self, document: Document, members: set[str]) -> None:
        self.document = document
        self.members = members
        self.pins: list[Pin] = []
        self.roots: list[Root] = []
        self.gaps: list[Gap] = []
        self.indexes: list[str] = []
        self._registries: dict[str, Source] = {}

    def add(self, entry: _Table, where: str, line: int | None) -> None:
        name = normal(entry.get("name"), f"{where}.name")
        version = maybe_text(entry, "version", where)
        raw = table(entry, "source", where)
        if name in self.members or raw.get("editable") == "." or raw.get("virtual") == ".":
            self.roots.append(self._root(name, version, entry, where, raw))
            return
        forks = texts(entry, "resolution-markers", where)
        self.pins.append(
            Pin(
                name=name,
                version=version,
                source=self._source(raw, where),
                marker=either(list(forks)) if forks else None,
                requires=tuple([edge for _, edge in _required(entry, where)]),
                artifacts=tuple(_artifacts(entry, where)),
                line=line,
            )
        )

    def _source(self, raw: _Table, where: str) -> Source:
        registry = raw.get("registry")
        if isinstance(registry, str):
            known = self._registries.get(registry)
            if known is None:
                known = self._registries[registry] = places.index(registry)
                if known.location:
                    self.indexes.append(known.location)
            return known
        return _other_source(raw, f"{where}.source")

    def _root(self, name: str, version: str | None, entry: _Table, where: str, raw: _Table) -> Root:
        asked = _metadata(table(entry, "metadata", where), f"{where}.metadata") if "metadata" in entry else None
        if asked is None:
            folder = next((raw[key] for key in ("editable", "virtual", "directory") if isinstance(raw.get(key), str)), ".")
            beside, gaps = project(self.document, folder)
            self.gaps.extend(gaps)
            asked = _by_place(beside.requires if beside else ())
        edges = [edge for extra, found in _required(entry, where) for edge in _specified(found, asked, extra)]
        groups = table(entry, "dev-dependencies", where)
        for group in groups:
            for found in _list(groups, group, f"{where}.dev-dependencies", group=group):
                edges.extend(_specified(found, asked, None))
        return Root(name=name, version=version, requires=tuple(dict.fromkeys(edges)))


def _other_source(raw: _Table, where: str) -> Source:
    if repository := maybe_text(raw, "git", where):
        address, _, commit = repository.partition("#")
        subdirectory = places.parameters(address.partition("?")[2]).get("subdirectory")
        return places.git(address, commit, maybe_text(raw, "subdirectory", where) or subdirectory)
    if url := maybe_text(raw, "url", where):
        return places.archive(url, maybe_text(raw, "subdirectory", where))
    for key, kind in (("editable", "editable"), ("virtual", "workspace"), ("directory", "path"), ("path", "path")):
        if place := maybe_text(raw, key, where):
            return Source(kind=kind, location=place)  # type: ignore[arg-type]
    return Source()


def _required(entry: _Table, where: str) -> Iterator[tuple[str | None, Edge]]:
    """Each edge of an entry with the extra that it needs."""
    if "dependencies" in entry:
        for edge in _list(entry, "dependencies", where):
            yield None, edge
    if "optional-dependencies" in entry:
        optional = table(entry, "optional-dependencies", where)
        for extra in optional:
            for edge in _list(optional, extra, f"{where}.optional-dependencies", extra=extra):
                yield extra, edge


def _list(parent: _Table, key: str, where: str, *, extra: str | None = None, group: str | None = None) -> Iterator[Edge]:
    needed = extra_marker(extra) if extra is not None else None
    items = parent[key]
    if not isinstance(items, list):
        raise FieldError(f"{where}.{key}", "should be a list")
    for number, item in enumerate(items):
        place = f"{where}.{key}[{number}]"
        if not isinstance(item, dict):
            raise FieldError(place, "should be a table")
        marker = maybe_text(item, "marker", place)
        yield Edge(
            name=normal(item.get("name"), f"{place}.name"),
            marker=both(needed, marker) if needed else marker,
            extras=texts(item, "extra", place) if "extra" in item else (),
            version=maybe_text(item, "version", place),
            group=group,
        )


def _artifacts(entry: _Table, where: str) -> Iterator[Artifact]:
    if "sdist" in entry:
        yield _artifact(table(entry, "sdist", where), f"{where}.sdist")
    wheels = entry.get("wheels", ())
    if not isinstance(wheels, list) or not all(isinstance(wheel, dict) for wheel in wheels):
        wheels = tables(entry, "wheels", where)
    for number, wheel in enumerate(wheels):
        yield _artifact(wheel, f"{where}.wheels[{number}]")


def _artifact(file: _Table, where: str) -> Artifact:
    url, digest, uploaded = file.get("url"), file.get("hash"), file.get("upload-time")
    if type(url) is type(digest) is str and (uploaded is None or type(uploaded) is str) and places.is_plain(url):
        return Artifact(name=url.rpartition("/")[2], hash=digest, uploaded=uploaded, url=url)
    url = maybe_text(file, "url", where)
    address = url or maybe_text(file, "path", where)
    return Artifact(
        name=maybe_text(file, "filename", where) or (places.file_name(address) if address else None),
        hash=maybe_text(file, "hash", where),
        uploaded=uploaded if isinstance(uploaded, str) else None,
        url=url and places.clean(url),
    )


# --- what a root asks for: the resolved lists say which package, [package.metadata] says with which specifier ----------


def _metadata(metadata: _Table, where: str) -> _Asked:
    edges = [_asked(item, f"{where}.requires-dist", None) for item in tables(metadata, "requires-dist", where)]
    groups = table(metadata, "requires-dev", where)
    for group in groups:
        edges.extend(_asked(item, f"{where}.requires-dev", group) for item in tables(groups, group, f"{where}.requires-dev"))
    return _by_place(edges)


def _asked(item: _Table, where: str, group: str | None) -> Edge:
    specifier = maybe_text(item, "specifier", where)
    for key, prefix in (("git", "git+"), ("url", ""), ("path", ""), ("directory", ""), ("editable", ""), ("virtual", "")):
        if specifier is None and (place := item.get(key)) is not None and isinstance(place, str):
            specifier = f"@ {prefix}{places.clean(place)}"
    return Edge(
        name=normal(item.get("name"), f"{where}.name"),
        specifier=specifier or "",
        marker=maybe_text(item, "marker", where),
        extras=texts(item, "extras", where),
        group=group,
    )


def _by_place(edges: Sequence[Edge]) -> _Asked:
    found: _Asked = {}
    for edge in edges:
        for extra in extras_of(edge.marker) or (None,):
            found.setdefault((edge.name, edge.group, extra), []).append(edge)
    return found


def _specified(edge: Edge, asked: _Asked, extra: str | None) -> Iterator[Edge]:
    """The edge with what was asked for: once, or once for each demand when several with different specifiers could be meant."""
    known = asked.get((edge.name, edge.group, extra), [])[:_DEMANDS]
    specifiers = dict.fromkeys(demand.specifier for demand in known)
    if len(specifiers) > 1 and edge.version:
        specifiers = {text: None for text in specifiers if _allows(text, edge.version)} or specifiers
    if len(specifiers) < 2:
        yield _with(edge, next(iter(specifiers), ""), edge.marker)
        return
    for demand in known:
        if demand.specifier in specifiers:
            yield _with(edge, demand.specifier, demand.marker)


def _with(edge: Edge, specifier: str, marker: str | None) -> Edge:
    return Edge(name=edge.name, specifier=specifier, marker=marker, extras=edge.extras, version=edge.version, group=edge.group)


def _allows(specifier: str, version: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
