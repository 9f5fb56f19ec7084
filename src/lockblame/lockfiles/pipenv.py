"""Pipfile.lock of every pipfile-spec: `default`, `develop` and further categories, which may pin different versions of a package.

The lock doesn't say what requires what (`requires_known` is False); the Pipfile beside it says what the project asks for.
A package without an index comes from the first source, as pipenv itself has it. The format: pipenv's source (pipenv/project.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockblame.errors import ReadError
from lockblame.fields import FieldError, flag, maybe_text, table, tables, text, texts
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.edges import grouped
from lockblame.lockfiles.names import both, maybe_normal, normal, requirement
from lockblame.lockfiles.project import poetry_table
from lockblame.model import Artifact, Edge, Gap, Pin, Root, Snapshot, Source

_Table = Mapping[str, Any]
_MARKERS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
)
_ROOT = (".", "./", "")


def read(document: Document) -> Snapshot:
    """The Snapshot of a Pipfile.lock. FieldError or LockParseError when it is broken."""
    lock = documents.json(document)
    meta = table(lock, "_meta")
    categories = [key for key in lock if key != "_meta"]
    if "_meta" not in lock and "default" not in lock:
        raise FieldError("_meta", "is missing, and there is no default either")
    sources = _sources(meta)
    found: dict[object, dict[str, Pin]] = {}
    for category in categories:
        entries = table(lock, category)
        for key in entries:
            pin = _pin(key, entries[key], category, f"{category}.{key}", sources)
            if pin is not None:
                found.setdefault((pin.identity, pin.extras), {})[category] = pin
    pins = tuple(_merged(by_category) for by_category in found.values())
    root, gaps = _root(document)
    return Snapshot(
        origin=document.origin,
        path=document.path,
        format="pipenv",
        pins=pins,
        roots=(root,) if root is not None else (),
        requires_python=_python(table(meta, "requires", "_meta")),
        indexes=tuple(dict.fromkeys(source.location for source in sources.values() if source.location)),
        gaps=(*gaps, *_unpinned(document, pins)),
    )


def _python(requires: _Table) -> str | None:
    version = maybe_text(requires, "python_full_version", "_meta.requires") or maybe_text(
        requires, "python_version", "_meta.requires"
    )
    return f"=={version}{'' if version.count('.') > 1 else '.*'}" if version else None


def _sources(meta: _Table) -> dict[str, Source]:
    """The indexes by name; "" is the one for what names none."""
    found: dict[str, Source] = {}
    for number, source in enumerate(tables(meta, "sources", "_meta")):
        where = f"_meta.sources[{number}]"
        index = places.index(text(source, "url", where))
        found.setdefault("", index)
        found[maybe_text(source, "name", where) or ""] = index
    if found:
        found[""] = next(iter(found.values()))
    return found


def _pin(key: str, entry: Any, category: str, where: str, sources: Mapping[str, Source]) -> Pin | None:
    """One entry as a Pin; None for the project itself, which stands in its own lock as `path = "."`."""
    name = normal(key, where)
    if isinstance(entry, str):
        # Entries of plain text are from pipenv's first months.
        entry = {"version": entry}
    if not isinstance(entry, dict):
        raise FieldError(where, f"should be a string or a table, is {type(entry).__name__}")
    if (maybe_text(entry, "path", where) or maybe_text(entry, "file", where)) in _ROOT:
        return None
    specifier = maybe_text(entry, "version", where) or ""
    asked = requirement(f"{name}{'' if specifier == '*' else specifier}")
    return Pin(
        name=name,
        version=asked.pinned if asked else None,
        source=_source(entry, where, sources),
        marker=_marker(entry, where),
        extras=tuple(sorted(maybe_normal(extra) or extra for extra in texts(entry, "extras", where))),
        groups=(category,),
        requires_known=False,
        artifacts=tuple(Artifact(hash=digest) for digest in _hashes(entry, where)),
    )


def _hashes(entry: _Table, where: str) -> tuple[str, ...]:
    one = maybe_text(entry, "hash", where)
    return (one,) if one else texts(entry, "hashes", where)


def _marker(entry: _Table, where: str) -> str | None:
    marker = maybe_text(entry, "markers", where)
    for variable in _MARKERS:
        if condition := maybe_text(entry, variable, where):
            marker = both(marker, f"{variable} {condition}")
    return marker


def _source(entry: _Table, where: str, sources: Mapping[str, Source]) -> Source:
    subdirectory = maybe_text(entry, "subdirectory", where)
    if repository := maybe_text(entry, "git", where):
        return places.git(repository, maybe_text(entry, "ref", where), subdirectory)
    address = maybe_text(entry, "file", where) or maybe_text(entry, "path", where) or maybe_text(entry, "url", where)
    if address is None:
        return _index(entry, where, sources)
    if "://" in address:
        return places.archive(address, subdirectory)
    return Source(kind="editable" if flag(entry, "editable", where) else "path", location=address, subdirectory=subdirectory)


def _index(entry: _Table, where: str, sources: Mapping[str, Source]) -> Source:
    return sources.get(maybe_text(entry, "index", where) or "") or sources.get("") or Source()


def _merged(by_category: Mapping[str, Pin]) -> Pin:
    """One pin for what several categories lock alike."""
    first = next(iter(by_category.values()))
    if len(by_category) == 1:
        return first
    marker = grouped({category: pin.marker for category, pin in by_category.items()})
    artifacts = dict.fromkeys(file for pin in by_category.values() for file in pin.artifacts)
    return replace(first, groups=tuple(by_category), marker=marker, artifacts=tuple(artifacts))


def _unpinned(document: Document, pins: tuple[Pin, ...]) -> Iterator[Gap]:
    names = sorted({pin.name for pin in pins if pin.version is None and pin.source.kind == "registry"})
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        detail = f"no exact version for {shown}: what was installed is not in the file"
        yield Gap(subject=document.path, reason="not-pinned", detail=detail, hint="compare what `pip freeze` prints")


def _root(document: Document) -> tuple[Root | None, tuple[Gap, ...]]:
    """What the Pipfile beside the lock asks for; its tables are written like Poetry's."""
    beside = document.beside("Pipfile")
    if beside is None:
        return None, ()
    try:
        parsed = documents.toml(beside)
        edges: list[Edge] = []
        for key in parsed:
            if key in ("source", "requires", "scripts", "pipenv", "pipfile"):
                continue
            category = {"packages": "default", "dev-packages": "develop"}.get(key, key)
            group = None if key == "packages" else category
            edges.extend(poetry_table(table(parsed, key), key, {}, group))
    except (ReadError, FieldError) as error:
        detail = f"{error}; so what the project asks for is not known"
        return None, (Gap(subject=beside.path, reason="unreadable", detail=detail, hint="correct the file"),)
    return Root(name="app", requires=tuple(edges)), ()
