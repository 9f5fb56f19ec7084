"""What `pip inspect` prints, and `pip install --report`: the packages of an environment with their own metadata, as JSON.

Edges are the packages' own requirements (`Requires-Dist`), as far as they lead to a package that is there and need no extra that
nobody asked for. What was `requested` is what the root asks for; without that mark, what no other package asks for.
Formats: https://pip.pypa.io/en/stable/reference/inspect-report/ and …/installation-report/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockblame.fields import FieldError, flag, maybe_text, table, tables, text, texts
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.edges import live, unasked
from lockblame.lockfiles.names import maybe_normal, normal, requirement
from lockblame.model import Artifact, Edge, Gap, Pin, Root, Snapshot, Source

_Table = Mapping[str, Any]


def read(document: Document) -> Snapshot:
    """The Snapshot of an inspect or installation report. FieldError or LockParseError when it is broken."""
    report = documents.json(document)
    key = "installed" if "installed" in report else "install"
    if key not in report:
        raise FieldError("installed", "is missing")
    entries = tables(report, key)
    gaps: list[Gap] = []
    pins = tuple(_pin(entry, f"{key}[{number}]", gaps) for number, entry in enumerate(entries))
    asked = tuple(_asked(entry, pin) for entry, pin in zip(entries, pins, strict=True) if flag(entry, "requested", key))
    root = Root(name="app", requires=asked)
    pins = live(pins, (root,))
    if not asked:
        root = replace(root, requires=unasked(pins))
    environment = table(report, "environment")
    version = maybe_text(environment, "python_full_version", "environment")
    return Snapshot(
        origin=document.origin,
        path=document.path,
        format="inspect",
        pins=pins,
        roots=(root,) if pins else (),
        requires_python=f"=={version}" if version else None,
        gaps=tuple(gaps),
    )


def _asked(entry: _Table, pin: Pin) -> Edge:
    return Edge(name=pin.name, extras=tuple(maybe_normal(extra) or extra for extra in texts(entry, "requested_extras")))


def _pin(entry: _Table, where: str, gaps: list[Gap]) -> Pin:
    metadata, place = table(entry, "metadata", where), f"{where}.metadata"
    name = normal(metadata.get("name"), f"{place}.name")
    info, at = ("direct_url", "direct_url") if "direct_url" in entry else ("download_info", "download_info")
    return Pin(
        name=name,
        version=text(metadata, "version", place),
        source=_source(entry, where, info),
        requires=tuple(_edges(metadata, place, name, gaps)),
        artifacts=tuple(_artifacts(table(entry, at, where), f"{where}.{at}")),
    )


def _edges(metadata: _Table, where: str, name: str, gaps: list[Gap]) -> Iterator[Edge]:
    for line in texts(metadata, "requires_dist", where):
        asked = requirement(line)
        if asked is None:
            # Old packages were published with metadata that no parser takes today; they are installed all the same.
            detail = f"{name} says that it requires {places.shown(line)}, which can't be read"
            gaps.append(Gap(subject=name, reason="requirement", detail=detail))
            continue
        specifier = f"@ {places.clean(asked.url)}" if asked.url else asked.specifier
        yield Edge(name=asked.name, specifier=specifier, marker=asked.marker, extras=asked.extras)


def _source(entry: _Table, where: str, key: str) -> Source:
    """The Source by PEP 610; a download that wasn't asked for by its URL is from the index."""
    if key == "download_info" and not flag(entry, "is_direct", where):
        return Source()
    return source(table(entry, key, where), f"{where}.{key}")


def source(direct: _Table, where: str = "direct_url") -> Source:
    """The Source that a direct_url.json tells (PEP 610); the registry when it is empty."""
    url = maybe_text(direct, "url", where)
    if not url:
        return Source()
    subdirectory = maybe_text(direct, "subdirectory", where)
    vcs, place = table(direct, "vcs_info", where), f"{where}.vcs_info"
    if vcs:
        kind = maybe_text(vcs, "vcs", place) or "git"
        commit = maybe_text(vcs, "commit_id", place) or maybe_text(vcs, "requested_revision", place)
        return places.git(url if kind == "git" else f"{kind}+{url}", commit, subdirectory)
    if "dir_info" in direct:
        editable = flag(table(direct, "dir_info", where), "editable", f"{where}.dir_info")
        return Source(kind="editable" if editable else "path", location=places.without(url), subdirectory=subdirectory)
    return places.archive(url, subdirectory)


def _artifacts(info: _Table, where: str) -> Iterator[Artifact]:
    archive, place = table(info, "archive_info", where), f"{where}.archive_info"
    url = maybe_text(info, "url", where)
    hashes = table(archive, "hashes", place)
    for algorithm in hashes:
        digest = maybe_text(hashes, algorithm, f"{place}.hashes")
        yield Artifact(name=places.file_name(url or "") or None, hash=f"{algorithm}:{digest}", url=url and places.clean(url))
