"""Revisions of a requirements file with hashes: read without them, and each pin gets the hashes its lines had when they were new.

Hashes are nine tenths of such a file. What is left is read as a whole for every revision, since notes, includes and constraints
tie its lines together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lockblame.lockfiles.document import Document, Opener
from lockblame.model import Artifact, Pin, Snapshot

_REQUIREMENT = re.compile(rb"\n(?=[A-Za-z0-9])")
_HASHES = re.compile(rb"(?:[ \t]*\\\n[ \t]+--hash=[a-z0-9]+:[0-9a-f]+)+(?=\n|\Z)")
# What may begin or end a line for the reader, but not for the cuts below.
_UNUSUAL = (
    b"\r",
    b"\0",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x1d",
    b"\x1e",
    b"\xc2\x85",
    b"\xe2\x80",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
)


class Unclear(Exception):
    """The reader didn't make of the pieces what can be told apart."""


@dataclass(slots=True)
class _Piece:
    """A requirement with all up to the next: its text without hashes, the hashes, and the pin that it became last."""

    outline: bytes
    hashes: tuple[Artifact, ...] = ()
    pin: Pin | None = None


class Outlines:
    """Reads revisions of one requirements file; remembers what the last two held."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Piece] = {}
        self._older: dict[bytes, _Piece] = {}

    def read(self, document: Document) -> Snapshot | None:
        """The Snapshot, None where there are no hashes to leave out. Unclear or LockblameError when it can't be read that way."""
        head, *texts = _REQUIREMENT.split(b"\n" + document.data)
        found = {text: self._known.get(text) or self._older.get(text) for text in texts}
        new = {text: _Piece(_HASHES.sub(b"", text)) for text, piece in found.items() if piece is None}
        if any(unusual in text for text in (head, *new) for unusual in _UNUSUAL):
            raise Unclear
        cut = [text for text, piece in new.items() if len(piece.outline) < len(text)]
        for text, pin in _by_text(cut, _parsed(document, b"\n".join(cut), None).pins if cut else ()):
            new[text].hashes = pin.artifacts
        self._older, self._known = self._known, {text: piece or new[text] for text, piece in found.items()}
        # A file without any hash is taken for what `pip freeze` prints: one requirement keeps its own.
        kept = next((number for number, text in enumerate(texts) if len(self._known[text].outline) < len(text)), None)
        return None if kept is None else self._filled(document, head, texts, kept)

    def _filled(self, document: Document, head: bytes, texts: Sequence[bytes], kept: int) -> Snapshot:
        pieces = [self._known[text] for text in texts]
        outlines = [texts[kept] if number == kept else piece.outline for number, piece in enumerate(pieces)]
        snapshot = _parsed(document, b"\n".join((head, *outlines)), document.opener)
        hashed = {
            line: piece
            for line, piece, text in zip(_lines(outlines, head), pieces, texts, strict=True)
            if len(piece.outline) < len(text)
        }
        pins = []
        for pin in snapshot.pins:
            piece = hashed.pop(pin.line, None) if pin.line is not None else None
            if piece is None:
                pins.append(replace(pin, line=None))
                continue
            if piece.pin is None or _facts(piece.pin) != _facts(pin):
                piece.pin = replace(pin, artifacts=piece.hashes, line=None)
            pins.append(piece.pin)
        # Two requirements that are one pin to the reader have the hashes of both.
        if hashed:
            raise Unclear
        return replace(snapshot, pins=tuple(pins))


def _facts(pin: Pin) -> tuple[object, ...]:
    """Everything about a pin but its hashes and its line."""
    return pin.identity, pin.marker, pin.extras, pin.groups, pin.optional, pin.requires, pin.requires_known


def _by_text(texts: Sequence[bytes], pins: Sequence[Pin]) -> Iterator[tuple[bytes, Pin]]:
    by_line = {pin.line: pin for pin in pins}
    for line, text in zip(_lines(texts), texts, strict=True):
        pin = by_line.pop(line, None)
        if pin is None:
            raise Unclear
        yield text, pin
    if by_line:
        raise Unclear


def _lines(texts: Iterable[bytes], head: bytes | None = None) -> Iterator[int]:
    """The line that each text begins at, one below the other."""
    line = 1 if head is None else head.count(b"\n") + 2
    for text in texts:
        yield line
        line += text.count(b"\n") + 1


def _parsed(document: Document, data: bytes, opener: Opener | None) -> Snapshot:
    from lockblame.lockfiles import parse

    return parse(data, document.path, origin=document.origin, opener=opener)
