"""pdm.lock from 2020 on: files in [metadata], later in the entry; requirements as a table, later as PEP 508 texts.

A package that is locked with an extra has an entry of its own beside the plain one; both are pins, with `extras` apart.
Roots come from the pyproject.toml beside it; without one, the root is "app" and asks for what no other package asks for.
The format is described by PDM's own source only (pdm/formats, pdm/project/lockfile).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockblame.fields import FieldError, flag, maybe_text, table, tables, text, texts
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document, entry_lines
from lockblame.lockfiles.edges import unasked
from lockblame.lockfiles.names import maybe_normal, normal, requirement
from lockblame.lockfiles.project import project
from lockblame.model import Artifact, Edge, Pin, Root, Snapshot, Source

_Table = Mapping[str, Any]


def read(document: Document) -> Snapshot:
    """The Snapshot of a pdm.lock. FieldError or LockParseError when it is broken."""
    lock = documents.toml(document)
    if "package" not in lock and "metadata" not in lock:
        raise FieldError("package", "is missing, and there is no metadata either")
    entries, metadata = tables(lock, "package"), table(lock, "metadata")
    files = _files(metadata)
    lines = entry_lines(document, b"package", len(entries))
    pins = tuple(
        _pin(entry, f"package[{number}]", files, line) for number, (entry, line) in enumerate(zip(entries, lines, strict=True))
    )
    root, gaps = project(document)
    if root is None:
        root = Root(name="app", requires=unasked(pins))
    targets = tables(metadata, "targets", "metadata")
    return Snapshot(
        origin=document.origin,
        path=document.path,
        format="pdm",
        pins=pins,
        roots=(root,) if pins or root.requires else (),
        requires_python=maybe_text(targets[0], "requires_python", "metadata.targets[0]") if len(targets) == 1 else None,
        gaps=gaps,
    )


def _pin(entry: _Table, where: str, files: dict[str, tuple[str, _Table]], line: int | None) -> Pin:
    written = text(entry, "name", where)
    extras = texts(entry, "extras", where)
    return Pin(
        name=normal(written, f"{where}.name"),
        version=maybe_text(entry, "version", where),
        source=_source(entry, where),
        marker=maybe_text(entry, "marker", where),
        extras=tuple(maybe_normal(extra) or extra for extra in extras),
        groups=texts(entry, "groups", where) or texts(entry, "sections", where),
        requires=tuple(_edges(entry, where)),
        artifacts=tuple(_artifacts(entry, where, files, (f"{written}[{','.join(extras)}]", written))),
        line=line,
    )


def _source(entry: _Table, where: str) -> Source:
    subdirectory = maybe_text(entry, "subdirectory", where)
    if repository := maybe_text(entry, "git", where):
        commit = maybe_text(entry, "revision", where) or maybe_text(entry, "ref", where)
        return places.git(repository, commit, subdirectory)
    if url := maybe_text(entry, "url", where):
        return places.archive(url, subdirectory)
    if path := maybe_text(entry, "path", where):
        return Source(kind="editable" if flag(entry, "editable", where) else "path", location=path, subdirectory=subdirectory)
    return Source()


def _edges(entry: _Table, where: str) -> Iterator[Edge]:
    asked = entry.get("dependencies")
    if isinstance(asked, dict):
        for key, value in asked.items():
            yield _old_edge(normal(key, f"{where}.dependencies"), value, f"{where}.dependencies.{key}")
        return
    for number, line in enumerate(texts(entry, "dependencies", where)):
        edge = _edge(line)
        if edge is None:
            raise FieldError(f"{where}.dependencies[{number}]", f"{places.shown(line)} is not a requirement")
        yield edge


def _edge(line: str) -> Edge | None:
    bare = line.removeprefix("-e ").strip()
    egg = places.parameters(bare.partition("#")[2]).get("egg") if "#" in bare else None
    found = requirement(bare) or (requirement(f"{egg} @ {bare.partition('#')[0]}") if egg else None)
    if found is None:
        return None
    specifier = f"@ {places.clean(found.url)}" if found.url else found.specifier
    return Edge(name=found.name, specifier=specifier, marker=found.marker, extras=found.extras)


def _old_edge(name: str, value: Any, where: str) -> Edge:
    if isinstance(value, str):
        return Edge(name=name, specifier="" if value == "*" else value)
    if not isinstance(value, dict):
        raise FieldError(where, f"should be a string or a table, is {type(value).__name__}")
    specifier = maybe_text(value, "version", where) or ""
    extras = tuple(maybe_normal(extra) or extra for extra in texts(value, "extras", where))
    marker = maybe_text(value, "marker", where)
    return Edge(name=name, specifier="" if specifier == "*" else specifier, marker=marker, extras=extras)


def _files(metadata: _Table) -> dict[str, tuple[str, _Table]]:
    """Where the files of "name version" and "name[extra] version" are in [metadata], which spells names in its own way."""
    # Until lock_version 2 they stood in [metadata] itself.
    listed = table(metadata, "files", "metadata") if "files" in metadata else metadata
    return {_key(*key.rpartition(" ")[::2]): (key, listed) for key in listed if isinstance(listed[key], list)}


def _key(name: str, version: str) -> str:
    return f"{name.lower().replace('_', '-').replace('.', '-')} {version}"


def _artifacts(entry: _Table, where: str, files: dict[str, tuple[str, _Table]], names: tuple[str, ...]) -> Iterator[Artifact]:
    if "files" in entry:
        for number, file in enumerate(tables(entry, "files", where)):
            yield _artifact(file, f"{where}.files[{number}]")
        return
    version = maybe_text(entry, "version", where) or ""
    key, listed = next((files[found] for name in names if (found := _key(name, version)) in files), ("", {}))
    for number, file in enumerate(tables(listed, key, "metadata.files") if key else ()):
        yield _artifact(file, f"metadata.files.{key}[{number}]")


def _artifact(file: _Table, where: str) -> Artifact:
    url = maybe_text(file, "url", where)
    name = maybe_text(file, "file", where) or (places.file_name(url) if url else None)
    return Artifact(name=name, hash=maybe_text(file, "hash", where), url=url and places.clean(url))
