"""The files inside a wheel or sdist, from its bytes: nothing is unpacked to disk, and everything has a bound.

An archive is hostile until shown otherwise: its names may lead anywhere, its sizes may be lies, a few bytes of it may unpack to
gigabytes. What is not read is told with its reason, so that nobody takes it for missing.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from lockblame.errors import ReadError
from lockblame.index.archives import BROKEN

LARGEST = 4 * 1024 * 1024
"""Bytes of one file inside."""
ALL_TOGETHER = 64 * 1024 * 1024
"""Bytes of all files that are read."""
UNPACKED = 192 * 1024 * 1024
"""Bytes of a tar file, unpacked: a tar has to be read through to find what is in it."""
MEMBERS = 50_000
DIRECTORY = 5 * 1024 * 1024
"""Bytes of a zip file's directory."""
HEADER = 64 * 1024
"""Bytes of a tar header that holds a long name or attributes."""

_PARTS = 1000
"""Members of a gzip file; there is one as a rule."""

_TAR = (".tar.gz", ".tgz")
_ZIP = (".whl", ".zip")
# 4.4.5 of the zip format; packaging tools write nothing else, and others ask for memory as they like
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|^/|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One distribution as it was downloaded: its file name, which tells what it is, and its bytes."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """What an archive holds: `names` of all files, the content of those that were wanted, why others of them were `unread`.

    `whole` is False where reading broke off, so that further files may be there. Names are relative, with `/`.
    """

    names: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True


Wanted = Callable[[str], bool]


def is_archive(name: str) -> bool:
    """Whether a file of that name is one that `read` knows."""
    return name.endswith((*_TAR, *_ZIP))


def read(archive: Archive, wanted: Wanted) -> Members:
    """The names of all files in `archive` and the content of those `wanted`, the last one where a name occurs twice.

    Links, devices, encrypted files and names that lead out of the archive are none of its files. Raises ReadError when it is
    no zip or tar.gz at all.
    """
    shelf = _Shelf(wanted)
    if archive.name.endswith(_TAR):
        _read_tar(archive, shelf)
    elif archive.name.endswith(_ZIP):
        _read_zip(archive, shelf)
    else:
        raise ReadError(archive.name[:200], "is neither a wheel nor a .tar.gz or .zip")
    return shelf.members()


class _Shelf:
    """Takes files until there is no room left."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._names: dict[str, None] = {}
        self._files: dict[str, bytes] = {}
        self._unread: dict[str, str] = {}
        self._room = ALL_TOGETHER
        self.whole = True

    def take(self, name: str, size: int, content: Callable[[int], bytes]) -> None:
        """The file `name`; `content(most)` gives at most that many bytes of it and may raise whatever it likes to."""
        name = name.removeprefix("./")
        if not name or len(name) > 400 or _UNSAFE.search(name):
            return
        self._names[name] = None
        if not self._wanted(name):
            return
        self._room += len(self._files.pop(name, b""))
        self._unread.pop(name, None)
        if size > LARGEST:
            self._unread[name] = "too large"
        elif size > self._room:
            self._unread[name] = "too many"
        else:
            self._read(name, size, content)

    def _read(self, name: str, size: int, content: Callable[[int], bytes]) -> None:
        try:
            found = content(size)
        except _BROKEN:
            self._unread[name] = "broken"
            return
        if len(found) != size:
            self._unread[name] = "broken"
            return
        self._files[name] = found
        self._room -= size

    def members(self) -> Members:
        return Members(names=tuple(self._names), files=self._files, unread=self._unread, whole=self.whole)


_BROKEN = (*BROKEN, tarfile.TarError, OSError)

# --- zip -------------------------------------------------------------------------------------------------------------


class _Directory(io.BytesIO):
    """The bytes of a zip file, whose directory is read in one piece: nothing that large is given."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = max(0, self.getbuffer().nbytes - self.tell())
        if size > DIRECTORY:
            raise zipfile.BadZipFile("a directory too large")
        return super().read(size)


def _read_zip(archive: Archive, shelf: _Shelf) -> None:
    try:
        with zipfile.ZipFile(_Directory(archive.data)) as file:
            for number, info in enumerate(file.infolist()):
                if number >= MEMBERS:
                    shelf.whole = False
                    break
                if _is_plain(info):
                    shelf.take(info.filename, info.file_size, _from_zip(file, info))
    except _BROKEN:
        raise ReadError(archive.name[:200], "is no zip file that can be read") from None


def _is_plain(info: zipfile.ZipInfo) -> bool:
    kind = (info.external_attr >> 28) & 0xF
    # the upper bits are Unix's file type: none told, or a regular file
    # Python 3.11 looks for the last letter of a directory's name where there is none (a name may begin with NUL)
    return (
        info.filename != ""
        and not info.is_dir()
        and kind in (0, 0o10)
        and not info.flag_bits & 0x1
        and info.compress_type in _METHODS
    )


def _from_zip(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def content(most: int) -> bytes:
        with file.open(info) as member:
            return member.read(most + 1)

    return content


# --- tar -------------------------------------------------------------------------------------------------------------


class _Unpacked(io.RawIOBase):
    """The content of a gzip file, in small pieces, up to UNPACKED bytes. A file may be several gzip members (RFC 1952, 2.2).

    `cut` is set when it ends before its end.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._source = io.BytesIO(data)
        self._unpacker = zlib.decompressobj(wbits=31)
        self._waiting = b""
        self._left = UNPACKED
        self._parts = 1
        self.cut = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        pieces = []
        while size > 0:
            piece = self._piece(size)
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        while not self.cut:
            packed = self._waiting or self._source.read(16 * 1024)
            if self._unpacker.eof:
                packed = self._unpacker.unused_data + packed
                self._parts += 1
                if not packed.startswith(b"\x1f\x8b") or self._parts > _PARTS:
                    self.cut = self._parts > _PARTS
                    return b""
                self._unpacker = zlib.decompressobj(wbits=31)
            found = self._unpacker.decompress(packed, min(size, self._left)) if packed else b""
            self._waiting = self._unpacker.unconsumed_tail
            self._left -= len(found)
            self.cut = not packed or self._left <= 0
            if found:
                return found
        return b""


class _Member(tarfile.TarInfo):
    """A member whose headers are bounded: tarfile itself reads as many bytes of a long name as the archive says it has."""

    def _proc_member(self, tar: tarfile.TarFile) -> Any:
        if self.size < 0 or (self.size > HEADER and self.type in _LONG):
            raise tarfile.HeaderError("a header of a strange size")
        return super()._proc_member(tar)  # type: ignore[misc]


_LONG = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


def _read_tar(archive: Archive, shelf: _Shelf) -> None:
    source = _Unpacked(archive.data)
    seen = False
    try:
        # as a stream: what goes backwards or around in circles fails at once
        with tarfile.open(fileobj=source, mode="r|", tarinfo=_Member, errorlevel=0) as file:
            for member in _bounded(file, shelf):
                seen = True
                if member.isfile() and not member.issparse():
                    shelf.take(member.name, member.size, _from_tar(file, member))
    except _BROKEN as error:
        if not seen:
            raise ReadError(archive.name[:200], "is no .tar.gz that can be read") from error
        shelf.whole = False
    shelf.whole = shelf.whole and not source.cut


def _bounded(file: tarfile.TarFile, shelf: _Shelf) -> Iterator[tarfile.TarInfo]:
    for number, member in enumerate(file):
        if number >= MEMBERS:
            shelf.whole = False
            return
        yield member


def _from_tar(file: tarfile.TarFile, member: tarfile.TarInfo) -> Callable[[int], bytes]:
    def content(most: int) -> bytes:
        opened: IO[bytes] | None = file.extractfile(member)
        return opened.read(most) if opened is not None else b""

    return content
