"""The revisions of one lock, read one after the other: what an entry says is taken in once, however many revisions have it.

From one revision to the next nearly all entries of a uv.lock, poetry.lock or pdm.lock are the same bytes. Only the new ones are
given to the format's reader, in a lock of their own between the same head and tail; what depends on all entries together (the
project's roots, which edges lead anywhere) is found out for each revision. A lock that isn't laid out as these tools do it is
read as a whole, a requirements file without its hashes (`outline`). The result is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lockblame.errors import LockblameError
from lockblame.fields import FieldError
from lockblame.lockfiles import document as documents
from lockblame.lockfiles.document import Document, Opener
from lockblame.lockfiles.edges import indexes, live, unasked
from lockblame.lockfiles.formats import by_name
from lockblame.lockfiles.names import maybe_normal
from lockblame.lockfiles.outline import Outlines, Unclear
from lockblame.lockfiles.project import project
from lockblame.model import Pin, Root, Snapshot

# What begins an entry, and what a table begins with that belongs to none.
_HEADERS = {
    b"\n[[%s]]\n" % key: re.compile(rb"^[ \t]*\[(?!\[?%s\.)" % key, re.MULTILINE) for key in (b"package", b"distribution")
}
# What may run over several lines, or mean something else to a reader than to the cuts below. NUL parts an entry from its files.
_UNUSUAL = (b'"""', b"'''", b"\r", b"\xef\xbb\xbf")
_APART = b"\0"
_SHARED = re.compile(rb"^\[metadata\.(?:files|hashes)\]\n", re.MULTILINE)
_FILES = re.compile(rb'^"?([A-Za-z0-9._-]+)"? = \[(?:\n(?:[ \t][^\n]*\n)*|[^\n\[\]]*)\](?:\n|\Z)', re.MULTILINE)
_NAME = re.compile(rb'^name = "([^"\\\n]+)"$', re.MULTILINE)
# A root that says itself what it asks for; others are looked up beside the lock, where it may change.
_TELLS = re.compile(rb"^\[(?:package|distribution)\.metadata\]$", re.MULTILINE)
_RUNS = re.compile(rb"[-_.]+")
_BREAKS = re.compile(rb"[^a-z0-9-]+")


class Series:
    """Reads revisions of one lock. Pins of entries that didn't change are the same objects; no pin has a `line`.

    It remembers what the last two revisions held, so they should come in the order of history.
    """

    def __init__(self) -> None:
        self._outlines = Outlines()
        self._readings = {"uv": _Reading(_uv), "poetry": _Reading(_poetry, edges_dropped=True), "pdm": _Reading(_pdm)}

    def read(self, data: bytes, path: str, *, origin: str | None = None, opener: Opener | None = None) -> Snapshot:
        """Like `lockfiles.parse`, with the same errors."""
        from lockblame.lockfiles import parse

        found = self._quickly(Document(path=path, origin=origin or path, data=data, opener=opener))
        if found is None:
            snapshot = parse(data, path, origin=origin, opener=opener)
            found = replace(snapshot, pins=tuple(replace(pin, line=None) for pin in snapshot.pins))
        return found

    def _quickly(self, document: Document) -> Snapshot | None:
        """None when it can't be done, or the lock is broken: reading it as a whole says how."""
        format = by_name(document.path)
        try:
            if format is not None and format.name == "requirements":
                return self._outlines.read(document)
            reading = self._readings.get(format.name) if format is not None else None
            layout = _taken_apart(document.data) if reading is not None else None
            return reading.read(document, layout) if reading is not None and layout is not None else None
        except (LockblameError, FieldError, Unclear):
            return None


# --- taking a lock apart ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """A lock taken apart: what stands before its entries, the entries, what stands behind them.

    Until Poetry 1.5 the files of all packages stood at the very end: there they are cut out of the tail, and those of an entry
    follow it behind a NUL.
    """

    header: bytes
    head: bytes
    entries: Sequence[bytes]
    tail: bytes

    def text(self, entries: Iterable[bytes]) -> bytes:
        """The lock with other entries."""
        parts = [entry.split(_APART) for entry in entries]
        body = self.header.join((self.head, *(part[0] for part in parts)))
        # All versions of a package share its files.
        files = dict.fromkeys(part[1] for part in parts if len(part) > 1)
        return b"\n".join((body, self.tail + b"\n".join(files)))

    def places(self, entries: Iterable[bytes]) -> Iterator[int]:
        """The line of each entry's header in a lock of only these."""
        line = self.head.count(b"\n") + 2
        for entry in entries:
            yield line
            line += entry.split(_APART)[0].count(b"\n") + 2


def _taken_apart(data: bytes) -> _Layout | None:
    header, *others = [header for header in _HEADERS if header in data] or (b"",)
    if not header or others or _APART in data:
        return None
    head, *entries = (b"\n" + data if data.startswith(header[1:]) else data).split(header)
    end = _HEADERS[header].search(entries[-1])
    tail = b""
    if end is not None:
        entries[-1], tail = entries[-1][: end.start()], entries[-1][end.start() :]
    if (shared := _SHARED.search(tail)) is not None:
        listed = tail[shared.end() :]
        if _FILES.sub(b"", listed).strip():
            return None
        tail = tail[: shared.end()]
        by_name = {maybe_normal(found[1].decode()): found[0] for found in _FILES.finditer(listed)}
        entries = [_with_files(entry, by_name) for entry in entries]
    return _Layout(header=header, head=head, entries=entries, tail=tail)


def _with_files(entry: bytes, by_name: Mapping[str | None, bytes]) -> bytes:
    found = _NAME.search(entry)
    files = by_name.get(maybe_normal(found[1].decode("utf-8", "replace"))) if found else None
    return entry if files is None else entry + _APART + files


# --- reading the entries that are new ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Entry:
    """What an entry became: a root, or a pin, and what became of this last among the others of its lock.

    `leading` is the pin with only the edges to what is `locked`, `last` with only those of them that somebody wants.
    """

    node: Pin | Root
    leading: Pin | None = None
    locked: frozenset[str] | None = None
    last: Pin | None = None


@dataclass(slots=True)
class _Reading:
    """Reads locks of one format. `assembled` makes a snapshot of what the entries became.

    `edges_dropped` tells that the reader drops the edges that lead to nothing in the same lock.
    """

    assembled: Callable[[Document, Snapshot, list[_Entry]], Snapshot]
    edges_dropped: bool = False
    _known: dict[bytes, _Entry] = field(default_factory=dict)
    _older: dict[bytes, _Entry] = field(default_factory=dict)
    _header: bytes = b""
    _frame: tuple[bytes, bytes, bytes] | None = None
    _template: Snapshot = field(default_factory=lambda: Snapshot(origin="", format=""))

    def read(self, document: Document, layout: _Layout) -> Snapshot:
        frame = (layout.header, layout.head, layout.tail)
        if layout.header != self._header:
            self._header, self._known, self._older = layout.header, {}, {}
        if frame != self._frame:
            self._frame = None
            self._forget_members(layout)
        found = {text: self._known.get(text) or self._older.get(text) for text in layout.entries}
        new = [text for text, entry in found.items() if entry is None]
        if new or self._frame is None:
            fresh = self._read(document, layout, new)
            found.update(zip(new, fresh, strict=True))
            self._frame = frame
        self._older, self._known = self._known, {text: each for text, each in found.items() if each and _lasts(text, each.node)}
        entries = [entry for text in layout.entries if (entry := found[text]) is not None]
        return self.assembled(document, replace(self._template, origin=document.origin, path=document.path), entries)

    def _read(self, document: Document, layout: _Layout, new: Sequence[bytes]) -> list[_Entry]:
        """What the reader makes of the new entries; what it says beside that is the template."""
        from lockblame.lockfiles import parse

        stubs = self._stubs(document, layout, new)
        text = layout.text((*new, *stubs))
        if any(unusual in text for unusual in _UNUSUAL) or any(map(_HEADERS[layout.header].search, new)):
            raise Unclear
        # Roots are taken from beside the lock where all entries are known, but for uv, whose roots are entries.
        opener = document.opener if self.assembled is _uv else None
        snapshot = parse(text, document.path, origin=document.origin, opener=opener)
        entries = _nodes(layout, new, stubs, snapshot)
        # Behind the roots that are entries there may be one that stands in the head.
        roots = snapshot.roots[sum(isinstance(entry.node, Root) for entry in entries) :]
        self._template = replace(snapshot, pins=(), roots=roots)
        return entries

    def _stubs(self, document: Document, layout: _Layout, new: Sequence[bytes]) -> list[bytes]:
        """Entries that are nothing but a name, so that no edge of the new ones leads to nothing."""
        if not self.edges_dropped or not new:
            return []
        text = layout.header.join((b"", *(entry.split(_APART)[0] for entry in new)))
        listed = documents.toml(Document(path=document.path, origin=document.origin, data=text)).get("package", ())
        tables = (entry.get("dependencies") for entry in listed)
        names = {name for table in tables if isinstance(table, dict) for name in table if maybe_normal(name)}
        return [b'name = "%s"\nversion = "0"' % name.encode() for name in sorted(names)]

    def _forget_members(self, layout: _Layout) -> None:
        """The manifest of uv, the last table of the head, says which entries are roots: a new one may say so of other entries."""
        if self.assembled is not _uv:
            return
        manifest = layout.head[layout.head.find(b"manifest") :] + layout.tail
        named = frozenset(_BREAKS.split(_RUNS.sub(b"-", manifest.lower())))
        for known in (self._known, self._older):
            gone = [text for text, each in known.items() if isinstance(each.node, Root) or each.node.name.encode() in named]
            for text in gone:
                del known[text]


def _nodes(layout: _Layout, texts: Sequence[bytes], stubs: Sequence[bytes], snapshot: Snapshot) -> list[_Entry]:
    """What each entry became: pins say at which line they are, what is no pin is a root, in the same order."""
    pins = {pin.line or 0: pin for pin in snapshot.pins}
    roots = iter(snapshot.roots)
    nodes: list[Pin | Root] = []
    for place in layout.places((*texts, *stubs)):
        pin = pins.pop(place, None)
        node = replace(pin, line=None) if pin else next(roots, None)
        if node is None:
            raise Unclear
        nodes.append(node)
    if pins:
        raise Unclear
    return [_Entry(node) for node in nodes[: len(texts)]]


def _lasts(text: bytes, node: Pin | Root) -> bool:
    return isinstance(node, Pin) or _TELLS.search(text) is not None


# --- putting the entries together, as their readers do -------------------------------------------------------------------


def _uv(document: Document, template: Snapshot, entries: list[_Entry]) -> Snapshot:
    pins = tuple(entry.node for entry in entries if isinstance(entry.node, Pin))
    return replace(
        template,
        pins=pins,
        roots=(*(entry.node for entry in entries if isinstance(entry.node, Root)), *template.roots),
        indexes=indexes(pins),
    )


def _poetry(document: Document, template: Snapshot, entries: list[_Entry]) -> Snapshot:
    root, gaps = project(document)
    locked = frozenset((*(entry.node.name for entry in entries), *((root.name,) if root else ())))
    # Nearly always the same as last time, and then so is what leads anywhere.
    locked = next((entry.locked for entry in entries if entry.locked == locked), locked)
    pins = tuple(_leading(entry, locked) for entry in entries)
    if root is None:
        root = Root(name="app", requires=unasked(pins))
    else:
        pins = tuple(_again(entry, pin) for entry, pin in zip(entries, live(pins, (root,)), strict=True))
    roots = (root,) if pins or root.requires else ()
    return replace(template, pins=pins, roots=roots, indexes=indexes(pins), gaps=gaps)


def _pdm(document: Document, template: Snapshot, entries: list[_Entry]) -> Snapshot:
    pins = tuple(entry.node for entry in entries if isinstance(entry.node, Pin))
    root, gaps = project(document)
    if root is None:
        root = Root(name="app", requires=unasked(pins))
    return replace(template, pins=pins, roots=(root,) if pins or root.requires else (), gaps=gaps)


def _leading(entry: _Entry, locked: frozenset[str]) -> Pin:
    """The pin without its edges to what isn't locked."""
    if entry.leading is None or entry.locked is not locked:
        if not isinstance(entry.node, Pin):
            raise Unclear
        kept = tuple(edge for edge in entry.node.requires if edge.name in locked)
        if entry.leading is None or entry.leading.requires != kept:
            entry.leading = replace(entry.node, requires=kept)
        entry.locked = locked
    return entry.leading


def _again(entry: _Entry, pin: Pin) -> Pin:
    """The same object as last time, when the others of its lock made the same of it."""
    if entry.last is None or entry.last.requires != pin.requires:
        entry.last = pin
    return entry.last
