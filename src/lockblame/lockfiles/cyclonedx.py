"""CycloneDX JSON, any version: the components that are packages of the Python index (`pkg:pypi/…`), their dependencies as edges.

Components of other ecosystems are counted in a Gap. The root is the component that the document is about (`metadata.component`);
without its dependencies, what no other package asks for. Format: ECMA-424.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lockblame.fields import FieldError, maybe_text, table, tables, text, texts
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.edges import unasked
from lockblame.lockfiles.names import maybe_normal, normal
from lockblame.model import Artifact, Edge, Gap, Pin, Root, Snapshot, Source

_Table = Mapping[str, Any]
_LIBRARIES = ("library", "framework", "application", "platform", "machine-learning-model")


@dataclass(slots=True)
class _Found:
    pin: Pin
    reference: str | None


def read(document: Document) -> Snapshot:
    """The Snapshot of a bill of materials. FieldError or LockParseError when it is broken."""
    bom = documents.json(document)
    if bom.get("bomFormat") != "CycloneDX":
        raise FieldError("bomFormat", "should be CycloneDX")
    gaps: list[Gap] = []
    found = list(_components(bom, gaps))
    requires = {
        text(item, "ref", "dependencies"): texts(item, "dependsOn", "dependencies") for item in tables(bom, "dependencies")
    }
    pins = tuple(_linked(found, requires))
    return Snapshot(
        origin=document.origin,
        path=document.path,
        format="cyclonedx",
        pins=pins,
        roots=tuple(_root(bom, found, requires, pins)),
        gaps=tuple(gaps),
    )


def _components(bom: _Table, gaps: list[Gap]) -> Iterator[_Found]:
    others: dict[str, int] = {}
    waiting = [(item, f"components[{number}]") for number, item in enumerate(tables(bom, "components"))][::-1]
    while waiting:
        item, where = waiting.pop()
        inner = tables(item, "components", where)
        waiting.extend((child, f"{where}.components[{number}]") for number, child in reversed(list(enumerate(inner))))
        purl = maybe_text(item, "purl", where)
        if purl is not None and purl.startswith("pkg:pypi/"):
            yield _Found(_pin(item, purl, where), maybe_text(item, "bom-ref", where))
        elif purl is not None or item.get("type") in _LIBRARIES:
            kind = (purl or "pkg:no purl/").removeprefix("pkg:").partition("/")[0][:40]
            others[kind] = others.get(kind, 0) + 1
    if others:
        shown = ", ".join(f"{count} of {kind}" for kind, count in sorted(others.items())[:5])
        detail = f"{sum(others.values())} components are no packages of the Python index ({shown})"
        gaps.append(Gap(subject="components", reason="other-ecosystem", detail=detail))


def _pin(item: _Table, purl: str, where: str) -> Pin:
    from packageurl import PackageURL

    try:
        parsed = PackageURL.from_string(purl)
    except ValueError:
        raise FieldError(f"{where}.purl", f"{places.shown(purl)} is not a package URL") from None
    qualifiers = {str(key): str(value) for key, value in dict(parsed.qualifiers or {}).items()}
    return Pin(
        name=normal(parsed.name, f"{where}.purl"),
        version=parsed.version or maybe_text(item, "version", where),
        source=_source(qualifiers, parsed.subpath),
        optional=item.get("scope") == "optional",
        artifacts=tuple(dict.fromkeys(_artifacts(item, where, qualifiers.get("file_name")))),
    )


def _source(qualifiers: Mapping[str, str], subdirectory: str | None) -> Source:
    if vcs := qualifiers.get("vcs_url"):
        return replace(places.direct(vcs if "+" in vcs.partition("://")[0] else f"git+{vcs}"), subdirectory=subdirectory or None)
    if url := qualifiers.get("download_url"):
        return places.archive(url)
    return places.index(qualifiers.get("repository_url"))


def _artifacts(item: _Table, where: str, name: str | None) -> Iterator[Artifact]:
    yield from _hashed(item, where, name, None)
    for number, reference in enumerate(tables(item, "externalReferences", where)):
        if reference.get("type") == "distribution":
            place = f"{where}.externalReferences[{number}]"
            url = maybe_text(reference, "url", place)
            yield from _hashed(reference, place, places.file_name(url) if url else None, url and places.clean(url))


def _hashed(item: _Table, where: str, name: str | None, url: str | None) -> Iterator[Artifact]:
    for number, digest in enumerate(tables(item, "hashes", where)):
        place = f"{where}.hashes[{number}]"
        algorithm = text(digest, "alg", place).lower().replace("sha-", "sha", 1)
        yield Artifact(name=name or None, hash=f"{algorithm}:{text(digest, 'content', place)}", url=url)


def _linked(found: list[_Found], requires: Mapping[str, tuple[str, ...]]) -> Iterator[Pin]:
    """The pins with their edges; what a document without any dependencies requires is not known."""
    names = {each.reference: each.pin for each in found if each.reference}
    # By reference, so that a document whose references aren't unique takes no longer than another one.
    edges = {
        reference: tuple(Edge(name=pin.name, version=pin.version) for pin in dict.fromkeys(map(names.get, others)) if pin)
        for reference, others in requires.items()
    }
    for each in found:
        yield replace(each.pin, requires=edges.get(each.reference or "", ()), requires_known=bool(edges))


def _root(bom: _Table, found: list[_Found], requires: Mapping[str, tuple[str, ...]], pins: tuple[Pin, ...]) -> Iterator[Root]:
    about = table(table(bom, "metadata"), "component", "metadata")
    name = maybe_normal(maybe_text(about, "name", "metadata.component") or "") or "app"
    reference = maybe_text(about, "bom-ref", "metadata.component")
    names = {each.reference: each.pin for each in found if each.reference}
    asked = tuple(Edge(name=names[other].name) for other in requires.get(reference or "", ()) if other in names)
    if not asked and any(requires.values()):
        asked = unasked(pins)
    if asked:
        yield Root(name=name, version=maybe_text(about, "version", "metadata.component"), requires=tuple(dict.fromkeys(asked)))
