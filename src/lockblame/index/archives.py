"""The metadata inside distributions, without unpacking anything to disk: a wheel by parts, an sdist from its bytes."""

from __future__ import annotations

import io
import re
import struct
import tarfile
import zipfile
import zlib

from lockblame.flow import Response

_TAIL = 32 * 1024
_LARGEST_WHEEL = 2 * 1024**3
_LARGEST_DIRECTORY = 16 * 1024 * 1024
_LARGEST_METADATA = 4 * 1024 * 1024
_UNPACKED = 64 * 1024 * 1024
_MEMBERS = 50_000


BROKEN = (
    zipfile.BadZipFile,
    RuntimeError,
    EOFError,
    zlib.error,
    ValueError,
    OverflowError,
    struct.error,
    LookupError,
)
"""What zipfile raises over files that are damaged, or built by somebody who means no good; RuntimeError is its word for what it
can't do."""


class Unreadable(Exception):
    """The archive can't be used; the message goes on after its name."""


class Wheel:
    """A wheel of which only parts are at hand. Ask what it `wants`, let it `take` the answer, until it wants nothing.

    First its end, where a zip file keeps its directory, then whatever of the directory and of METADATA isn't there yet.
    """

    def __init__(self) -> None:
        self._parts = _Parts()
        self._asked = 0
        self._found: bytes | None = None

    def wants(self) -> str | None:
        """The byte range to fetch next ("-32768", "100-2000"), None when METADATA is at hand."""
        if self._found is not None:
            return None
        if self._parts.size is None:
            return f"-{_TAIL}"
        try:
            self._found = self._metadata()
        except _Absent as absent:
            self._asked += 1
            if self._asked > 6:
                raise Unreadable("is a zip file of a strange build") from None
            return f"{absent.start}-{absent.end - 1}"
        return None

    def take(self, response: Response) -> None:
        """The answer to what was wanted; the whole file where the server doesn't know ranges (RFC 9110 §14.2)."""
        if response.status != 206:
            self._parts.size = len(response.body)
            self._parts.add(0, response.body)
            return
        place = re.fullmatch(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})", response.headers.get("content-range", "").strip())
        if place is None or int(place[2]) - int(place[1]) + 1 != len(response.body) or int(place[3]) > _LARGEST_WHEEL:
            raise Unreadable("was sent in parts that don't fit")
        if self._parts.size not in (None, int(place[3])):
            raise Unreadable("changed while it was read")
        self._parts.size = int(place[3])
        self._parts.add(int(place[1]), response.body)

    def metadata(self) -> bytes:
        """The content of METADATA."""
        if self._found is None:
            raise Unreadable("has no metadata at hand")
        return self._found

    def _metadata(self) -> bytes:
        try:
            with zipfile.ZipFile(self._parts) as archive:
                return _member(archive, re.compile(r"[^/]{1,200}\.dist-info/METADATA"))
        except BROKEN:
            raise Unreadable("is no zip file that can be read") from None


class _Absent(Exception):
    """Bytes `start` to `end` are needed and not there yet."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.start = start
        self.end = end


class _Parts(io.RawIOBase):
    """A file with holes: reading from a hole raises _Absent."""

    def __init__(self) -> None:
        super().__init__()
        self.size: int | None = None
        self._parts: list[tuple[int, bytes]] = []
        self._place = 0

    def add(self, start: int, content: bytes) -> None:
        self._parts.append((start, content))

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size or 0}[whence]
        if base + offset < 0:
            raise ValueError("before the start")
        self._place = base + offset
        return self._place

    def read(self, count: int = -1) -> bytes:
        end = self.size or 0
        end = end if count < 0 else min(end, self._place + count)
        if end <= self._place:
            return b""
        if end - self._place > _LARGEST_DIRECTORY:
            raise Unreadable("has a directory too large to read")
        for start, content in self._parts:
            if start <= self._place and end <= start + len(content):
                found = content[self._place - start : end - start]
                self._place = end
                return found
        # the directory is read in one piece, a member in pieces of which the next few are asked for along with the first
        raise _Absent(self._place, min(self.size or end, max(end, self._place + _TAIL)))


def _member(archive: zipfile.ZipFile, name: re.Pattern[str]) -> bytes:
    found = [member for member in archive.infolist() if name.fullmatch(member.filename)]
    if not found:
        raise Unreadable("has no metadata inside")
    if found[0].file_size > _LARGEST_METADATA:
        raise Unreadable("has metadata too large to read")
    with archive.open(found[0]) as file:
        return file.read(_LARGEST_METADATA)


def from_sdist(filename: str, content: bytes) -> bytes:
    """The PKG-INFO at the top of a source distribution. Raises Unreadable."""
    if filename.endswith(".zip"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return _member(archive, re.compile(r"[^/]{1,200}/PKG-INFO"))
        except BROKEN:
            raise Unreadable("is no zip file that can be read") from None
    try:
        unpacked = zlib.decompressobj(wbits=31).decompress(content, _UNPACKED)
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
            for number, member in enumerate(archive):
                if number > _MEMBERS:
                    break
                if (
                    re.fullmatch(r"(?:\./)?[^/]{1,200}/PKG-INFO", member.name)
                    and member.isfile()
                    and member.size <= _LARGEST_METADATA
                ):
                    file = archive.extractfile(member)
                    return file.read(_LARGEST_METADATA) if file else b""
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OverflowError, RecursionError):
        raise Unreadable("is no archive that can be read") from None
    raise Unreadable("has no metadata inside")
