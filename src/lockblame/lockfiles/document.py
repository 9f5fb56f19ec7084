"""One file to read: its bytes, its place, and the files of the same moment around it; how bytes become text, TOML, JSON.

Everything that can be wrong with a file as a file (too large, not text, conflicted, not TOML) is said here, once for all formats.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lockblame.errors import LockParseError

Opener = Callable[[str], bytes | None]
"""Gives the bytes of a file of the same revision or folder by its posix path from the root, None when it isn't there."""

LARGEST = 64 * 1024 * 1024
_CONFLICT = re.compile(rb"^(?:<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|)(?:[ \t\r]|$)", re.MULTILINE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LINE = re.compile(r"\bline (\d{1,9})\b")
_MARKS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The file `path` with its `data`; `origin` is what messages call it; `opener` gives the files around it."""

    path: str
    origin: str
    data: bytes
    opener: Opener | None = None

    def broken(self, detail: str, place: str | None = None, way_out: str | None = None) -> LockParseError:
        """The error that says what is wrong with this file."""
        return LockParseError(self.origin, detail, place, way_out)

    def resolve(self, name: str) -> str | None:
        """The path from the root of a file that this one names relative to itself; None when that leads out of the root."""
        from posixpath import dirname, join, normpath

        path = normpath(join(dirname(self.path), name.replace("\\", "/")))
        outside = path.startswith(("../", "/")) or path == ".." or "\0" in path
        return None if outside and not self.path.startswith(("../", "/")) else path

    def beside(self, name: str) -> Document | None:
        """The file that this one names relative to itself, None when it isn't there (or nobody can say)."""
        path = self.resolve(name)
        return self.at(path) if path is not None else None

    def at(self, path: str) -> Document | None:
        """The file at a path from the root, None when it isn't there (or nobody can say, or it leads out of the root)."""
        from posixpath import normpath

        path = normpath(path)
        if path.startswith(("../", "/")) and not self.path.startswith(("../", "/")):
            return None
        data = self.opener(path) if self.opener is not None else None
        if data is None:
            return None
        return Document(path=path, origin=path, data=data, opener=self.opener)


def text(document: Document, *, strict: bool = True) -> str:
    """The file's text: UTF-8 with or without a mark, UTF-16 and UTF-32 with one. LockParseError when it is none of these.

    `strict` refuses merge conflict markers, NULs and files over 64 MB; a hand-written pyproject.toml gets the same treatment.
    """
    data = document.data
    if len(data) > LARGEST:
        raise document.broken(f"has {len(data) // 1_000_000} MB; no lock is that large", None, "files over 64 MB are not read")
    if strict:
        _refuse_conflicts(document)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8-sig")
    try:
        decoded = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = f"line {data.count(10, 0, error.start) + 1}" if encoding == "utf-8-sig" else f"byte {error.start}"
        raise document.broken(f"is not {encoding.removesuffix('-sig').upper()} text", line, "save it as UTF-8") from None
    if "\0" in decoded:
        line = f"line {decoded.count(chr(10), 0, decoded.index(chr(0))) + 1}"
        raise document.broken("has a NUL character, so it isn't a text file", line, "restore it from version control")
    return decoded


def _refuse_conflicts(document: Document) -> None:
    data = document.data
    if b"<<<<<<<" not in data and b">>>>>>>" not in data:
        return
    if found := _CONFLICT.search(data):
        line = data.count(b"\n", 0, found.start()) + 1
        raise document.broken(f"merge conflict markers at line {line}", f"line {line}", "resolve the conflict first")


def toml(document: Document) -> dict[str, Any]:
    """The file's TOML as a dict; read by rtoml, which is twenty times faster than tomllib, which is used where it is missing."""
    content = text(document)
    if not content or content.isspace():
        raise document.broken("the file is empty", None, "write the lock again with the tool that made it")
    try:
        import rtoml
    except ImportError:
        return _with_tomllib(document, content)
    try:
        parsed: dict[str, Any] = rtoml.loads(content)
    except rtoml.TomlParsingError as error:
        raise _not_toml(document, str(error)) from None
    return parsed


def _with_tomllib(document: Document, content: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(content.removeprefix("\ufeff"))
    except RecursionError:
        raise _not_toml(document, "it is nested too deeply") from None
    except ValueError as error:
        raise _not_toml(document, str(error)) from None


def _not_toml(document: Document, message: str) -> LockParseError:
    found = _LINE.search(message)
    what = re.sub(r" ?\(?\bat line \d+,? column \d+\)?", "", message[:400]).strip().replace("\n", " ")[:200]
    return document.broken(
        f"is not valid TOML: {what}", found and found.group(0), "write the lock again with the tool that made it"
    )


def json(document: Document) -> dict[str, Any]:
    """The file's JSON, which must be an object."""
    from json import JSONDecodeError, loads

    content = text(document)
    if not content or content.isspace():
        raise document.broken("the file is empty", None, "write it again with the tool that made it")
    try:
        parsed = loads(content)
    except JSONDecodeError as error:
        detail = f"is not valid JSON: {error.msg}"
        raise document.broken(detail, f"line {error.lineno}", "write it again with the tool that made it") from None
    except (RecursionError, ValueError):
        raise document.broken("is not valid JSON: nested too deeply, or a number with thousands of digits") from None
    if not isinstance(parsed, dict):
        raise document.broken("should be a JSON object")
    if _SURROGATE.search(document.data) and _has_surrogates(parsed):
        raise document.broken("is not valid JSON: half of a surrogate pair", None, "write it again with the tool that made it")
    return parsed


def _has_surrogates(parsed: object) -> bool:
    from json import dumps

    try:
        dumps(parsed, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return True
    return False


def entry_lines(document: Document, header: bytes, count: int) -> list[int | None]:
    """The line of each `[[header]]` in the file; all None when there are not `count` of them (one may be inside a string)."""
    # A regular expression needs thirty times as long to look at every line of a 4 MB lock.
    data, opening = document.data, b"[[" + header + b"]]"
    lines: list[int | None] = [1] if data.startswith(opening) else []
    line, last = 1, 0
    start = data.find(b"\n" + opening)
    while start >= 0:
        line += data.count(b"\n", last, start + 1)
        last = start + 1
        lines.append(line)
        start = data.find(b"\n" + opening, last)
    return lines if len(lines) == count else [None] * count
