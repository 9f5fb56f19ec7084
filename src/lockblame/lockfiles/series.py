"""The revisions of one lock, read one after the other: what an entry holds is taken in once, however many revisions have it.

From one revision to the next nearly all entries of a lock are the same bytes. Where an entry means the same whatever stands
beside it (uv), only the new ones are given to the format's reader. Where the others have a say in what it requires (Poetry, PDM),
the reader gets all of them, but without the names and hashes of files, which are nine tenths of such a lock; those of an entry
are taken in when it is new. Whatever isn't laid out as these tools do it is read as a whole. The result is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lockblame.errors import LockblameError
from lockblame.lockfiles.document import Opener
from lockblame.lockfiles.formats import by_name
from lockblame.model import Artifact, Gap, Pin, Root, Snapshot

_HEADERS = (b"\n[[package]]\n", b"\n[[distribution]]\n")
# What may run over several lines, or mean something else to a reader than to the cuts below.
_UNUSUAL = (b'"""', b"'''", b"\r", b"\0", b"\xef\xbb\xbf")
_TAIL = re.compile(rb"^\[(?!\[?(?:package|distribution)\.)", re.MULTILINE)
_FILES = re.compile(rb"^(?:sdist = \{[^\n]*\}|(?:wheels|files) = \[\n(?:[ \t][^\n]*\n)*\])(?:\n|\Z)", re.MULTILINE)
# A root that says itself what it asks for; others are looked up beside the lock, where it may change.
_TELLS = re.compile(rb"^\[(?:package|distribution)\.metadata\]$", re.MULTILINE)
_RUNS = re.compile(rb"[-_.]+")
_BREAKS = re.compile(rb"[^a-z0-9-]+")


class Series:
    """Reads revisions of one lock. Pins of entries that didn't change are the same objects; no pin has a `line`.

    It remembers what the last two revisions held, so they should come in the order of history.
    """

    def __init__(self) -> None:
        self._uv = _Apart()
        self._others = _Outlined()

    def read(self, data: bytes, path: str, *, origin: str | None = None, opener: Opener | None = None) -> Snapshot:
        """Like `lockfiles.parse`, with the same errors."""
        from lockblame.lockfiles import parse

        found = self._quickly(_Revision(path=path, origin=origin or path, opener=opener), data)
        if found is None:
            snapshot = parse(data, path, origin=origin, opener=opener)
            found = replace(snapshot, pins=tuple(replace(pin, line=None) for pin in snapshot.pins))
        return found

    def _quickly(self, revision: _Revision, data: bytes) -> Snapshot | None:
        """None when it can't be done, or the lock is broken: reading it as a whole says how."""
        format = by_name(revision.path)
        ways = {"uv": self._uv.read, "poetry": self._others.read, "pdm": self._others.read}
        way = ways.get(format.name) if format else None
        layout = _taken_apart(data) if way else None
        if way is None or layout is None:
            return None
        try:
            return way(revision, layout)
        except (LockblameError, _Unclear):
            return None


class _Unclear(Exception):
    """The reader didn't make of the entries what can be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revision:
    """Where the text that is read stands."""

    path: str
    origin: str
    opener: Opener | None

    def parse(self, text: bytes, *, alone: bool = False) -> Snapshot:
        """The whole reader's answer; `alone`: without looking at what is beside the lock.

        Every byte of every revision comes by here once, unless it was seen before. _Unclear when there is something in it that
        may make a header of an entry part of a string.
        """
        from lockblame.lockfiles import parse

        if any(unusual in text for unusual in _UNUSUAL):
            raise _Unclear
        return parse(text, self.path, origin=self.origin, opener=None if alone else self.opener)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """A lock taken apart: what stands before its entries, the entries, what stands behind them."""

    header: bytes
    head: bytes
    entries: Sequence[bytes]
    tail: bytes

    def text(self, entries: Iterable[bytes]) -> bytes:
        """The lock with other entries."""
        return self.header.join((self.head, *entries)) + self.tail

    def places(self, counts: Iterable[int]) -> Iterator[int]:
        """The line of each entry's header, for entries with so many line feeds each."""
        line = self.head.count(b"\n") + 2
        for count in counts:
            yield line
            line += count + 2


def _taken_apart(data: bytes) -> _Layout | None:
    header, *others = [header for header in _HEADERS if header in data] or (b"",)
    if not header or others:
        return None
    head, *entries = data.split(header)
    tail = _TAIL.search(entries[-1])
    if tail is None:
        return _Layout(header=header, head=head, entries=entries, tail=b"")
    entries[-1], rest = entries[-1][: tail.start()], entries[-1][tail.start() :]
    return _Layout(header=header, head=head, entries=entries, tail=rest)


# --- each entry for itself -------------------------------------------------------------------------------------------


class _Apart:
    """Reads locks whose entries, each a pin or a root, depend on nothing but what stands before and behind all of them."""

    def __init__(self) -> None:
        self._frame: tuple[bytes, bytes, bytes] | None = None
        self._template = Snapshot(origin="", format="")
        self._known: dict[bytes, Pin | Root] = {}
        self._older: dict[bytes, Pin | Root] = {}

    def read(self, revision: _Revision, layout: _Layout) -> Snapshot:
        frame = (layout.header, layout.head, layout.tail)
        if frame != self._frame:
            self._frame = None
            self._forget_members(layout)
        found = {text: self._known.get(text) or self._older.get(text) for text in layout.entries}
        new = [text for text, node in found.items() if node is None]
        gaps: tuple[Gap, ...] = ()
        if new or self._frame is None:
            snapshot = revision.parse(layout.text(new))
            fresh = _nodes(layout, new, snapshot)
            gaps = snapshot.gaps
            # Behind the roots that are entries there may be one that stands in the head.
            self._template = replace(snapshot, pins=(), roots=snapshot.roots[sum(isinstance(node, Root) for node in fresh) :])
            self._frame = frame
            found.update(zip(new, fresh, strict=True))
        nodes = [node for text in layout.entries if (node := found[text]) is not None]
        self._older, self._known = self._known, {text: node for text, node in found.items() if node and _lasts(text, node)}
        pins = tuple(node for node in nodes if isinstance(node, Pin))
        return replace(
            self._template,
            origin=revision.origin,
            path=revision.path,
            pins=pins,
            roots=(*(node for node in nodes if isinstance(node, Root)), *self._template.roots),
            indexes=tuple(dict.fromkeys(pin.source.location or "" for pin in pins if pin.source.kind == "registry")),
            gaps=gaps,
        )

    def _forget_members(self, layout: _Layout) -> None:
        """The manifest, the last table of the head, says which entries are roots: a new one may say so of other entries."""
        manifest = layout.head[layout.head.find(b"manifest") :] + layout.tail
        named = frozenset(_BREAKS.split(_RUNS.sub(b"-", manifest.lower())))
        for known in (self._known, self._older):
            gone = [text for text, node in known.items() if isinstance(node, Root) or node.name.encode() in named]
            for text in gone:
                del known[text]


def _nodes(layout: _Layout, texts: Sequence[bytes], snapshot: Snapshot) -> list[Pin | Root]:
    """What each entry became: pins say at which line they are, what is no pin is a root, in the same order."""
    pins = {pin.line or 0: pin for pin in snapshot.pins}
    roots = iter(snapshot.roots)
    nodes: list[Pin | Root] = []
    for place in layout.places(text.count(b"\n") for text in texts):
        pin = pins.pop(place, None)
        node = replace(pin, line=None) if pin else next(roots, None)
        if node is None:
            raise _Unclear
        nodes.append(node)
    if pins:
        raise _Unclear
    return nodes


def _lasts(text: bytes, node: Pin | Root) -> bool:
    return isinstance(node, Pin) or _TELLS.search(text) is not None


# --- all of them in outline ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Entry:
    """One entry: its text without its files, the lines of that, the files, and the pin that it became last."""

    outline: bytes
    lines: int
    cut: bool
    files: tuple[Artifact, ...] = ()
    pin: Pin | None = None


class _Outlined:
    """Reads locks by their outline, and gives every pin the files that its entry had when it was new."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Entry] = {}
        self._older: dict[bytes, _Entry] = {}

    def read(self, revision: _Revision, layout: _Layout) -> Snapshot:
        found = {text: self._known.get(text) or self._older.get(text) for text in layout.entries}
        fresh = {text: _entry(text) for text, entry in found.items() if entry is None}
        if any(entry.cut for entry in fresh.values()):
            _take_files(revision, layout, fresh)
        self._older, self._known = self._known, {text: entry or fresh[text] for text, entry in found.items()}
        return _filled(revision, layout, [self._known[text] for text in layout.entries])


def _entry(text: bytes) -> _Entry:
    # Only the entry's own keys: what stands in its tables are names that anybody may choose.
    own, table, rest = text.partition(b"\n[")
    outline = _FILES.sub(b"", own + b"\n" if table else own)
    cut = len(outline) < len(own)
    outline = (outline.removesuffix(b"\n") if table else outline) + table + rest if cut else text
    return _Entry(outline=outline, lines=outline.count(b"\n"), cut=cut)


def _take_files(revision: _Revision, layout: _Layout, fresh: dict[bytes, _Entry]) -> None:
    """Gives the new entries their files, by reading a lock of only these."""
    at = dict(zip(layout.places(text.count(b"\n") for text in fresh), fresh.values(), strict=True))
    for pin in revision.parse(layout.text(fresh), alone=True).pins:
        _at(at, pin).files = pin.artifacts


def _filled(revision: _Revision, layout: _Layout, entries: list[_Entry]) -> Snapshot:
    """The outline as a Snapshot whose pins have their files."""
    outline = revision.parse(layout.text(entry.outline for entry in entries))
    at = dict(zip(layout.places(entry.lines for entry in entries), entries, strict=True))
    pins = []
    for pin in outline.pins:
        entry = _at(at, pin)
        if entry.pin is None or not _alike(entry.pin, pin, entry.cut):
            entry.pin = replace(pin, artifacts=entry.files if entry.cut else pin.artifacts, line=None)
        pins.append(entry.pin)
    return replace(outline, pins=tuple(pins))


def _at(places: dict[int, _Entry], pin: Pin) -> _Entry:
    entry = places.get(pin.line or 0)
    if entry is None:
        raise _Unclear
    return entry


def _alike(known: Pin, pin: Pin, cut: bool) -> bool:
    """Whether an entry became the same pin again; what others require decides about its edges too."""
    return (
        known.requires == pin.requires
        and known.marker == pin.marker
        and known.identity == pin.identity
        and known.groups == pin.groups
        and known.extras == pin.extras
        and known.optional == pin.optional
        and known.requires_known == pin.requires_known
        and (cut or known.artifacts == pin.artifacts)
    )
