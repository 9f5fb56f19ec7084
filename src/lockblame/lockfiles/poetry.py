"""poetry.lock of every age: hashes by name (0.x), files by name (to 1.4), files in the entry (since 1.5), groups (2.x).

Roots come from the pyproject.toml beside it; without one, the root is "app" and asks for what no other package asks for.
A package that is locked for several groups under different markers (2.x) has one marker of the form that PEP 751 gave to this:
`('main' in dependency_groups and os_name == 'nt') or 'dev' in dependency_groups`.
The format is described by Poetry's own source only (poetry/packages/locker.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockblame.fields import FieldError, flag, maybe_text, table, tables, text, texts
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document, entry_lines
from lockblame.lockfiles.edges import grouped, indexes, live, unasked
from lockblame.lockfiles.names import maybe_normal, normal
from lockblame.lockfiles.project import poetry_table, project
from lockblame.model import Artifact, Edge, Pin, Root, Snapshot, Source

_Table = Mapping[str, Any]


def read(document: Document) -> Snapshot:
    """The Snapshot of a poetry.lock. FieldError or LockParseError when it is broken."""
    lock = documents.toml(document)
    if "package" not in lock and "metadata" not in lock:
        raise FieldError("package", "is missing, and there is no metadata either")
    entries = tables(lock, "package")
    metadata = table(lock, "metadata")
    files = _Files(metadata)
    lines = entry_lines(document, b"package", len(entries))
    names = [normal(entry.get("name"), f"package[{number}].name") for number, entry in enumerate(entries)]
    locked = frozenset(names)
    root, gaps = project(document)
    if root is not None:
        locked |= {root.name}
    pins = tuple(
        _pin(entry, name, f"package[{number}]", files, locked, line)
        for number, (entry, name, line) in enumerate(zip(entries, names, lines, strict=True))
    )
    if root is None:
        root = Root(name="app", requires=unasked(pins))
    else:
        pins = live(pins, (root,))
    return Snapshot(
        origin=document.origin,
        path=document.path,
        format="poetry",
        pins=pins,
        roots=(root,) if pins or root.requires else (),
        requires_python=maybe_text(metadata, "python-versions", "metadata"),
        indexes=indexes(pins),
        gaps=gaps,
    )


def _pin(entry: _Table, name: str, where: str, files: _Files, locked: frozenset[str], line: int | None) -> Pin:
    groups = texts(entry, "groups", where) if "groups" in entry else ()
    if not groups and (category := maybe_text(entry, "category", where)):
        groups = (category,)
    return Pin(
        name=name,
        version=text(entry, "version", where),
        source=_source(table(entry, "source", where), f"{where}.source", entry) if "source" in entry else Source(),
        marker=_marker(entry, where, groups),
        groups=groups,
        optional=flag(entry, "optional", where),
        requires=tuple(edge for edge in _edges(entry, where) if edge.name in locked),
        artifacts=files.of(entry, name, where),
        line=line,
    )


def _edges(entry: _Table, where: str) -> Iterator[Edge]:
    if "dependencies" not in entry:
        return iter(())
    dependencies = table(entry, "dependencies", where)
    return poetry_table(dependencies, f"{where}.dependencies", _extras(entry, where) if _has_optional(dependencies) else {})


def _has_optional(dependencies: _Table) -> bool:
    return any(
        isinstance(item, dict) and "optional" in item
        for value in dependencies.values()
        for item in (value if isinstance(value, list) else (value,))
    )


def _extras(entry: _Table, where: str) -> dict[str, list[str]]:
    """By name of what is optional, the extras that bring it in."""
    extras: dict[str, list[str]] = {}
    offered = table(entry, "extras", where)
    for extra in offered:
        for line in texts(offered, extra, f"{where}.extras"):
            wanted = maybe_normal(line.split(";")[0].split("(")[0].split("[")[0].strip()) or ""
            extras.setdefault(wanted, []).append(extra)
    return extras


def _marker(entry: _Table, where: str, groups: tuple[str, ...]) -> str | None:
    marker = entry.get("markers")
    if marker is None:
        return maybe_text(entry, "marker", where)
    if isinstance(marker, str):
        return marker or None
    by_group = table(entry, "markers", where)
    found = {group: maybe_text(by_group, group, f"{where}.markers") for group in by_group}
    return grouped({group: found.get(group) for group in (*groups, *found)})


def _source(raw: _Table, where: str, entry: _Table) -> Source:
    kind, url = maybe_text(raw, "type", where), maybe_text(raw, "url", where) or ""
    subdirectory = maybe_text(raw, "subdirectory", where)
    if kind == "git":
        commit = maybe_text(raw, "resolved_reference", where) or maybe_text(raw, "reference", where)
        return places.git(url, commit, subdirectory)
    if kind == "url":
        return places.archive(url, subdirectory)
    if kind in ("directory", "file"):
        return Source(kind="editable" if entry.get("develop") is True else "path", location=url, subdirectory=subdirectory)
    return places.index(url)


class _Files:
    """The files of each package: in its entry, or by name in [metadata], where all versions share them."""

    def __init__(self, metadata: _Table) -> None:
        self._by_name: dict[str, tuple[str, _Table]] = {}
        for key in ("hashes", "files"):
            listed = table(metadata, key, "metadata")
            self._by_name.update({normal(name, f"metadata.{key}"): (name, listed) for name in listed})
        self._known: dict[str, tuple[Artifact, ...]] = {}

    def of(self, entry: _Table, name: str, where: str) -> tuple[Artifact, ...]:
        if "files" in entry:
            files = entry["files"]
            if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
                files = tables(entry, "files", where)
            return tuple([_artifact(file, f"{where}.files") for file in files])
        if "hashes" in entry:
            return tuple(Artifact(hash=_digest(digest)) for digest in texts(entry, "hashes", where))
        if name not in self._known:
            key, listed = self._by_name.get(name, ("", {}))
            self._known[name] = tuple(_shared(listed, key)) if key else ()
        return self._known[name]


def _shared(listed: _Table, key: str) -> Iterator[Artifact]:
    items = listed[key]
    if not isinstance(items, list):
        raise FieldError(f"metadata.files.{key}", "should be a list")
    for number, item in enumerate(items):
        if isinstance(item, str):
            yield Artifact(hash=_digest(item))
        elif isinstance(item, dict):
            yield _artifact(item, f"metadata.files.{key}[{number}]")
        else:
            raise FieldError(f"metadata.files.{key}[{number}]", "should be a string or a table")


def _artifact(file: _Table, where: str) -> Artifact:
    name, digest = file.get("file"), file.get("hash")
    if type(name) is type(digest) is str and ":" in digest:
        return Artifact(name=name, hash=digest)
    digest = maybe_text(file, "hash", where)
    return Artifact(name=maybe_text(file, "file", where), hash=_digest(digest) if digest else None)


def _digest(digest: str) -> str:
    # 0.x wrote bare hexadecimal SHA-256.
    return digest if ":" in digest else f"sha256:{digest}"
