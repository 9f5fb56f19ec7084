"""Requirements files of every dialect: pip-compile, `uv pip compile`, `uv export`, `poetry export`, `pip freeze`, hand-written.

`-r` files are read as part of the file, at the same revision. `-c` files only narrow: they give a version to what the file
asks for without one, and are no pins of their own (a constraints file is a lock itself, and is compared as such).
The `# via` notes are the edges. Without them nobody knows what requires what: `requires_known` is False, and there is no root
except where an input file (`x.in`, pyproject.toml) or a range in the file itself tells what is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.inputs import Asked, Inputs
from lockblame.lockfiles.names import NAME, Requirement, maybe_normal
from lockblame.lockfiles.project import edge as demanded
from lockblame.lockfiles.project import project
from lockblame.lockfiles.requirement_lines import Line, lines
from lockblame.lockfiles.via import Via, inputs, via
from lockblame.model import Artifact, Edge, Gap, Pin, Root, Snapshot, Source

_DEEPEST = 20
_EDITABLE = re.compile(rf" Editable [^()]* \(({NAME})==([^()\s]+)\)", re.ASCII)
"""What `pip freeze` writes above a folder: "# Editable install with no version control (name==1.0)"."""
_HERE = (".", "./", "file:.", "file:./")


def read(document: Document) -> Snapshot:
    """The Snapshot of a requirements file and of those it includes. LockParseError when pip would refuse a line of them."""
    reading = _Reading(document)
    reading.include(document, 0)
    reading.narrow()
    pins = _merged(reading.found)
    noted = [each for each in reading.found if each.origins]
    known = bool(noted) and all(reading.noted.values())
    locked = {each.pin.name for each in pins}
    edges = _edges(pins, locked)
    roots, gaps = _Roots(document, reading, locked).roots(pins, bool(noted))
    return Snapshot(
        origin=document.origin,
        path=document.path,
        format="freeze" if reading.frozen else "requirements",
        pins=tuple(replace(each.pin, requires=edges.get(each.pin.name, ()), requires_known=known) for each in pins),
        roots=roots,
        indexes=tuple(dict.fromkeys(reading.indexes)),
        gaps=(*reading.gaps, *_unpinned(pins), *gaps),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A pin with what its line said beyond it; `asked` is the requirement as written."""

    pin: Pin
    asked: Requirement
    origins: tuple[Via, ...] = ()
    path: str = ""


@dataclass(slots=True)
class _Reading:
    """One walk over a file and its includes."""

    document: Document
    found: list[_Found] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    constraints: list[Document] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    noted: dict[str, bool] = field(default_factory=dict)
    frozen: bool = True
    _seen: set[str] = field(default_factory=set)

    def include(self, document: Document, depth: int) -> None:
        self._seen.add(document.path)
        content, header = lines(document)
        if depth == 0:
            self.header = header
            self.frozen = _is_frozen(content, header)
        for line in content:
            if line.option is not None:
                self._option(document, line, depth)
            elif line.asked is not None:
                self._requirement(document, line, line.asked)
            else:
                self._place(document, line)

    def _option(self, document: Document, line: Line, depth: int) -> None:
        if line.option in ("index-url", "extra-index-url"):
            self.indexes.append(places.clean(line.value))
        elif line.option == "unknown":
            detail = (
                f"{document.path}, line {line.number}, has the option {line.value}, which isn't known here and is passed over"
            )
            self.gaps.append(Gap(subject=line.value, reason="unknown-option", detail=detail))
        elif line.option in ("requirement", "constraint"):
            other = self._other(document, line)
            if other is None or other.path in self._seen:
                return
            if depth >= _DEEPEST:
                raise document.broken(f"includes {line.value} more than {_DEEPEST} files deep", f"line {line.number}")
            if line.option == "requirement":
                self.include(other, depth + 1)
            else:
                self._seen.add(other.path)
                self.constraints.append(other)

    def _other(self, document: Document, line: Line) -> Document | None:
        if "://" in line.value or line.value.startswith("file:"):
            reason, detail = "not-fetched", f"{document.path} names it by URL, and no URL is opened to read a lock"
        else:
            other = document.beside(line.value)
            if other is not None:
                return other
            reason, detail = "not-found", f"{document.path} names it at line {line.number}, and it isn't there"
        flag = "-r" if line.option == "requirement" else "-c"
        what = "its pins are missing" if flag == "-r" else "it narrows nothing"
        subject = document.resolve(line.value) if "://" not in line.value else None
        self.gaps.append(
            Gap(
                subject=subject or places.clean(line.value),
                reason=reason,
                detail=f"{detail}, so {what}",
                hint="compare revisions of the repository rather than single files",
            )
        )
        return None

    def _requirement(self, document: Document, line: Line, asked: Requirement, version: str | None = None) -> None:
        origins = via(line.notes) if line.notes else ()
        self.noted[document.path] = self.noted.get(document.path, False) or bool(origins)
        pin = Pin(
            name=asked.name,
            version=version or (_wheel_version(asked) if asked.url else asked.pinned),
            source=places.direct(asked.url, editable=line.editable) if asked.url else Source(),
            marker=asked.marker,
            extras=asked.extras,
            artifacts=tuple(Artifact(hash=digest) for digest in line.hashes),
            line=line.number if document is self.document else None,
        )
        self.found.append(_Found(pin=pin, asked=asked, origins=origins, path=document.path))

    def _place(self, document: Document, line: Line) -> None:
        address = (line.address or "").rstrip("/") or "."
        path = address.removeprefix("file:")
        if path in _HERE:
            return
        root = project(document, path)[0] if "://" not in address else None
        frozen = _EDITABLE.fullmatch(line.above)
        name = root.name if root is not None and root.name != "app" else frozen and maybe_normal(frozen.group(1))
        if name:
            asked = Requirement(name=name, extras=line.extras, url=address)
            self._requirement(document, replace(line, asked=asked), asked, version=frozen.group(2) if frozen else None)
            return
        shown = places.clean(address)
        self.gaps.append(
            Gap(
                subject=shown,
                reason="nameless",
                detail=f"{document.path}, line {line.number}, doesn't say which package {shown} is, so it isn't compared",
                hint=f"write it as NAME @ {shown}",
            )
        )

    def narrow(self) -> None:
        """Give a version from the constraints files to what is asked for without one."""
        wanted = {each.pin.name for each in self.found if each.pin.version is None and not each.asked.url}
        narrowed: dict[str, str] = {}
        while self.constraints:
            content = lines(document := self.constraints.pop())[0]
            for line in content:
                if line.option in ("requirement", "constraint"):
                    other = self._other(document, line)
                    if other is not None and other.path not in self._seen:
                        self._seen.add(other.path)
                        self.constraints.append(other)
                elif line.asked is not None and line.asked.name in wanted and line.asked.pinned:
                    narrowed.setdefault(line.asked.name, line.asked.pinned)
        for place, each in enumerate(self.found):
            if each.pin.name in narrowed and each.pin.version is None and not each.asked.url:
                self.found[place] = replace(each, pin=replace(each.pin, version=narrowed[each.pin.name]))


def _is_frozen(content: list[Line], header: list[str]) -> bool:
    """Whether this is what `pip freeze` prints: nothing but pins and places, sorted, and no hashes, notes, markers, header."""
    if any(not _EDITABLE.fullmatch(note) for note in header) or any(line.option or line.hashes or line.notes for line in content):
        return False
    if any(line.asked and (line.asked.marker or not (line.asked.pinned or line.asked.url)) for line in content):
        return False
    names = [line.asked.name for line in content if line.asked is not None and not line.editable]
    return len(names) > 1 and names == sorted(names)


def _wheel_version(asked: Requirement) -> str | None:
    """The version that a wheel's file name says (PEP 427); None for every other URL."""
    name = places.file_name(asked.url or "")
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) not in (5, 6) or maybe_normal(parts[0]) != asked.name:
        return None
    return parts[1]


def _merged(found: list[_Found]) -> list[_Found]:
    """One entry for what several files say alike; a line under another marker, version or place is another pin."""
    merged: dict[object, _Found] = {}
    for each in found:
        key = (*each.pin.identity, each.pin.marker)
        first = merged.get(key)
        if first is None:
            merged[key] = each
            continue
        pin = replace(
            first.pin,
            extras=tuple(sorted({*first.pin.extras, *each.pin.extras})),
            artifacts=tuple(dict.fromkeys((*first.pin.artifacts, *each.pin.artifacts))),
        )
        merged[key] = replace(first, pin=pin, origins=tuple(dict.fromkeys((*first.origins, *each.origins))))
    return list(merged.values())


def _edges(pins: list[_Found], locked: set[str]) -> dict[str, tuple[Edge, ...]]:
    edges: dict[str, dict[Edge, None]] = {}
    for each in pins:
        for origin in each.origins:
            if origin.parent in locked and origin.parent != each.pin.name and origin.parent is not None:
                edges.setdefault(origin.parent, {})[Edge(name=each.pin.name)] = None
    return {parent: tuple(children) for parent, children in edges.items()}


def _unpinned(pins: list[_Found]) -> Iterator[Gap]:
    names = sorted({each.pin.name for each in pins if each.pin.version is None and not each.asked.url})
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        yield Gap(
            subject=pins[0].path,
            reason="not-pinned",
            detail=f"no exact version for {shown}: what was installed is not in the file",
            hint="compare what `pip freeze` prints, or lock with pip-compile or uv",
        )


class _Roots:
    """Finds out what the project itself asks for: from the notes, from the input files they or the header name, from ranges."""

    def __init__(self, document: Document, reading: _Reading, locked: set[str]) -> None:
        self.document = document
        self.reading = reading
        self.locked = locked
        self.inputs = Inputs(document)
        self.edges: dict[str, dict[Edge, None]] = {}

    def roots(self, pins: list[_Found], noted: bool) -> tuple[tuple[Root, ...], tuple[Gap, ...]]:
        own = self.inputs.project()
        name = own.name if own is not None else "app"
        for each in pins:
            if noted:
                self._by_notes(each, name)
            elif each.pin.version is None and not each.asked.url:
                self._add(name, demanded(each.asked))
        if not noted:
            self._by_inputs(name)
        roots = (Root(name=root, version=self._version(root), requires=tuple(edges)) for root, edges in self.edges.items())
        return tuple(roots), self.inputs.gaps

    def _version(self, root: str) -> str | None:
        own = self.inputs.project()
        return own.version if own is not None and own.name == root else None

    def _add(self, root: str, edge: Edge) -> None:
        self.edges.setdefault(root, {})[edge] = None

    def _by_notes(self, each: _Found, name: str) -> None:
        parents = [origin.parent for origin in each.origins if origin.parent in self.locked]
        for origin in each.origins:
            if origin.file is not None:
                # A file that is compiled itself lists everything; what another package asks for isn't asked for by it.
                if not parents or origin.file.endswith(".in"):
                    self._demand(name, each, self.inputs.file(origin.file))
            elif origin.project is not None:
                self._demand(origin.project, each, self.inputs.asked_by(origin.project))
            elif origin.parent not in self.locked and origin.parent is not None:
                self._demand(origin.parent, each, self.inputs.asked_by(origin.parent))
        if not each.origins:
            self._add(name, demanded(each.asked))

    def _demand(self, root: str, each: _Found, asked: Asked) -> None:
        for edge in asked.get(each.pin.name) or [Edge(name=each.pin.name, extras=each.pin.extras)]:
            self._add(root, edge)

    def _by_inputs(self, name: str) -> None:
        """Without notes: the inputs that the header names, else the `.in` of the same name."""
        named = inputs(self.reading.header)
        for file in named or (self.inputs.sibling(),):
            for asked, edges in self.inputs.file(file, required=bool(named)).items():
                for edge in edges if asked in self.locked else ():
                    self._add(name, edge)
