"""pylock.toml (PEP 751). `packaging.pylock` says whether the file is valid; what isn't is read all the same, with a Gap.

pipenv writes such files: names not normalized, wheels with neither URL nor path, the project itself without version and source.
Edges are the `dependencies` of the standard, or what PDM keeps in `tool.pdm`; many tools write neither, and then it isn't known
what requires what. What the project asks for comes from the pyproject.toml beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from lockblame.fields import FieldError, flag, maybe_text, table, tables
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document, entry_lines
from lockblame.lockfiles.edges import unasked
from lockblame.lockfiles.names import maybe_normal, normal, requirement
from lockblame.lockfiles.project import project
from lockblame.model import Artifact, Edge, Gap, Pin, Root, Snapshot, Source

_Table = Mapping[str, Any]
_GROUPS = re.compile(r"dependency_groups in \(([^()]{0,2000})\)")


def read(document: Document) -> Snapshot:
    """The Snapshot of a pylock.toml. FieldError or LockParseError when not even names can be read, or for version 2 and later."""
    lock = documents.toml(document)
    if not isinstance(lock.get("packages"), list):
        raise FieldError("packages", "is missing" if "packages" not in lock else "should be a list")
    gaps = tuple(_validated(document, lock))
    entries = tables(lock, "packages")
    lines = entry_lines(document, b"packages", len(entries))
    root, more = project(document)
    known = any("dependencies" in entry or _pdm(entry) is not None for entry in entries)
    pins = tuple(
        _pin(entry, f"packages[{number}]", known, line)
        for number, (entry, line) in enumerate(zip(entries, lines, strict=True))
        if not _itself(entry, root)
    )
    if root is None and known:
        root = Root(name="app", requires=unasked(pins))
    return Snapshot(
        origin=document.origin,
        path=document.path,
        format="pylock",
        pins=pins,
        roots=(root,) if root is not None and pins else (),
        requires_python=maybe_text(lock, "requires-python"),
        indexes=tuple(
            dict.fromkeys(pin.source.location for pin in pins if pin.source.kind == "registry" and pin.source.location)
        ),
        gaps=(*gaps, *more),
    )


def _validated(document: Document, lock: dict[str, Any]) -> Iterator[Gap]:
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        Pylock.from_dict(lock)
    except PylockUnsupportedVersionError:
        detail = f"has lock-version {str(lock.get('lock-version'))[:40]}, and only 1 is known"
        raise document.broken(detail, "lock-version", "a newer lockblame may know it") from None
    except (PylockValidationError, TypeError, ValueError, RecursionError) as error:
        # The standard's authors raise their own error for most; a wrong type deep inside can be anything.
        detail = f"is not valid by PEP 751 ({str(error)[:160]}); it was read as far as it goes"
        yield Gap(subject=document.path, reason="invalid", detail=detail, hint="write the lock with another tool")


def _itself(entry: _Table, root: Root | None) -> bool:
    """Whether it is the project's own entry: its folder, or its name with nothing to install, as pipenv writes it."""
    directory = entry.get("directory")
    if isinstance(directory, dict) and directory.get("path") in (".", "./"):
        return True
    name = entry.get("name")
    return root is not None and "version" not in entry and isinstance(name, str) and maybe_normal(name) == root.name


def _pin(entry: _Table, where: str, known: bool, line: int | None) -> Pin:
    marker = maybe_text(entry, "marker", where)
    return Pin(
        name=normal(entry.get("name"), f"{where}.name"),
        version=maybe_text(entry, "version", where),
        source=_source(entry, where),
        marker=_GROUPS.sub(_each_group, marker) if marker else None,
        requires=tuple(_edges(entry, where)),
        requires_known=known,
        artifacts=tuple(_artifacts(entry, where)),
        line=line,
    )


def _each_group(found: re.Match[str]) -> str:
    """pipenv's `dependency_groups in ('dev', 'test')`, which is no marker, as what it means."""
    names = re.findall(r"['\"]([^'\"]+)['\"]", found.group(1))
    return "(" + " or ".join(f"'{name}' in dependency_groups" for name in names) + ")" if names else found.group(0)


def _source(entry: _Table, where: str) -> Source:
    if "vcs" in entry:
        vcs, place = table(entry, "vcs", where), f"{where}.vcs"
        commit = maybe_text(vcs, "commit-id", place) or maybe_text(vcs, "requested-revision", place)
        address = maybe_text(vcs, "url", place) or maybe_text(vcs, "path", place) or ""
        kind = maybe_text(vcs, "type", place) or "git"
        prefix = "" if kind == "git" else f"{kind}+"
        return places.git(prefix + address, commit, maybe_text(vcs, "subdirectory", place))
    if "archive" in entry:
        archive, place = table(entry, "archive", where), f"{where}.archive"
        subdirectory = maybe_text(archive, "subdirectory", place)
        if url := maybe_text(archive, "url", place):
            return places.archive(url, subdirectory)
        return Source(kind="path", location=maybe_text(archive, "path", place), subdirectory=subdirectory)
    if "directory" in entry:
        directory, place = table(entry, "directory", where), f"{where}.directory"
        return Source(
            kind="editable" if flag(directory, "editable", place) else "path",
            location=maybe_text(directory, "path", place),
            subdirectory=maybe_text(directory, "subdirectory", place),
        )
    return places.index(maybe_text(entry, "index", where))


def _pdm(entry: _Table) -> list[Any] | None:
    tool = entry.get("tool")
    pdm = tool.get("pdm") if isinstance(tool, dict) else None
    found = pdm.get("dependencies") if isinstance(pdm, dict) else None
    return found if isinstance(found, list) else None


def _edges(entry: _Table, where: str) -> Iterator[Edge]:
    for number, item in enumerate(tables(entry, "dependencies", where)):
        place = f"{where}.dependencies[{number}]"
        yield Edge(name=normal(item.get("name"), f"{place}.name"), version=maybe_text(item, "version", place))
    for number, line in enumerate(_pdm(entry) or ()):
        asked = requirement(line) if isinstance(line, str) else None
        if asked is None:
            raise FieldError(f"{where}.tool.pdm.dependencies[{number}]", f"{places.shown(str(line))} is not a requirement")
        specifier = f"@ {places.clean(asked.url)}" if asked.url else asked.specifier
        yield Edge(name=asked.name, specifier=specifier, marker=asked.marker, extras=asked.extras)


def _artifacts(entry: _Table, where: str) -> Iterator[Artifact]:
    for key in ("sdist", "archive"):
        if key in entry:
            yield from _artifact(table(entry, key, where), f"{where}.{key}")
    for number, wheel in enumerate(tables(entry, "wheels", where)):
        yield from _artifact(wheel, f"{where}.wheels[{number}]")


def _artifact(file: _Table, where: str) -> Iterator[Artifact]:
    """One Artifact for each hash of the file; nearly always one."""
    url = maybe_text(file, "url", where)
    address = url or maybe_text(file, "path", where)
    name = maybe_text(file, "name", where) or (places.file_name(address) if address else None)
    uploaded = file.get("upload-time")
    when = uploaded.isoformat() if isinstance(uploaded, datetime) else None
    digests = table(file, "hashes", where)
    for algorithm in digests or ("",):
        digest = f"{algorithm}:{maybe_text(digests, algorithm, f'{where}.hashes')}" if algorithm else None
        yield Artifact(name=name, hash=digest, uploaded=when, url=url and places.clean(url))
