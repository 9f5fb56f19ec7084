"""Where a distribution keeps its changelog."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from lockblame.contents.archives import Archive, read
from lockblame.model import Note
from lockblame.notes.cutting import Section, between, sections
from lockblame.versions import parsed

_KIND = r"(?:change[-_ ]?log|changes|change[-_ ]?history|history|news|release[-_ ]?notes|releases?|what'?s[-_ ]?new)"
_FILE = re.compile(rf"(?:{_KIND})(?:[-_.]?v?\d[\d._]{{0,20}})?(?:\.(?:md|markdown|rst|rest|txt|adoc))?", re.IGNORECASE)
_FOLDER = re.compile(rf"{_KIND}|release-?notes?", re.IGNORECASE)
_TEXT = (".md", ".markdown", ".rst", ".rest", ".txt")
_VERSION = re.compile(r"(?:^|[-_v])(\d{1,4}(?:[._]\d{1,4}){1,3}(?:\.?(?:a|b|rc|post|dev)\d{1,3})?)(?=$|[-_.])")
_OTHER_FOLDERS = """
deps vendor vendored _vendor third_party third-party thirdparty external extern node_modules subprojects tests test testing
_build html _static examples site-packages
"""
_OTHERS = frozenset(_OTHER_FOLDERS.split())
_ABOUT = re.compile(r"[^/]{1,200}/(?:PKG-INFO|METADATA)")
_DEEPEST = 5


def from_archive(archive: Archive, name: str, before: str | None, after: str) -> tuple[Note, ...]:
    """The notes of the versions in (before, after] that a wheel or sdist holds, oldest first; none where it holds no changelog.

    From its changelog, or a folder with a file for each version; where neither tells of a version, from the description that the
    index shows (many projects append their changelog to it). Raises ReadError when the archive can't be read.
    """
    wanted = _Wanted(before, after)
    members = read(archive, lambda path: wanted.rank(path) is not None)
    found: dict[str, Note] = {}
    ranked = sorted(members.files, key=lambda path: (wanted.rank(path) or 0, path.count("/"), path))
    for path in ranked:
        if _ABOUT.fullmatch(path) and found:
            break
        for note in between(_sections(path, members.files[path], name), before, after, name=name):
            found.setdefault(note.version, note)
    return tuple(sorted(found.values(), key=lambda note: _order(note.version)))


def likely(paths: Iterable[str], before: str | None, after: str) -> tuple[str, ...]:
    """Those files of a repository (by their paths) that may tell of the step, the likeliest first."""
    wanted = _Wanted(before, after)
    # an archive has all its files below one folder
    ranked = [(rank, path.count("/"), path) for path in paths if (rank := wanted.rank(f"_/{path}")) is not None]
    return tuple(path for _, _, path in sorted(ranked))


def from_file(path: str, data: bytes, name: str, before: str | None, after: str, *, url: str | None = None) -> tuple[Note, ...]:
    """The notes of the versions in (before, after] that one file of a repository holds, oldest first."""
    return between(_sections(path, data, name), before, after, name=name, url=url)


def _order(version: str) -> tuple[bool, object]:
    number = parsed(version)
    return number is not None, number


class _Wanted:
    """Which files may tell of a step: the lower the rank, the sooner one is believed."""

    def __init__(self, before: str | None, after: str) -> None:
        self._before = parsed(before) if before is not None else None
        self._after = parsed(after)

    def rank(self, path: str) -> int | None:
        """0 for a changelog at the top, then those deeper, those of single versions, the description; None for other files."""
        parts = path.split("/")
        if _ABOUT.fullmatch(path):
            return 5
        if len(parts) > _DEEPEST + 1 or any(part.lower() in _OTHERS or part.startswith(".") for part in parts[:-1]):
            return None
        if _FILE.fullmatch(parts[-1]):
            return 0 if len(parts) <= 2 else 1 if any(part.lower() in ("doc", "docs") for part in parts) else 2
        in_folder = any(_FOLDER.fullmatch(part) for part in parts[1:-1]) and path.lower().endswith(_TEXT)
        if not in_folder or not self._is_near(version_in(path)):
            return None
        # beside prose for readers some keep lists of merged requests
        return 3 if re.search(r"note|release|new", path.partition("/")[2].lower()) else 4

    def _is_near(self, version: str | None) -> bool:
        """Whether a file of that version may tell of the step: it is of a version in it, or of the whole series."""
        number = parsed(version) if version else None
        if number is None or self._after is None:
            return False
        series = number.release == self._after.release[: len(number.release)]
        return series or (number <= self._after and (self._before is None or number > self._before))


def version_in(path: str) -> str | None:
    """The version that a file's name carries: "docs/releases/1.25.2-notes.rst", "v6.3.3.rst", "changelog-5.2.rst"."""
    stem = posixpath.splitext(posixpath.basename(path))[0]
    found = _VERSION.search(stem)
    return found[1].replace("_", ".") if found else None


def _sections(path: str, data: bytes, name: str) -> Iterator[Section]:
    """The sections of one file; a file of a single version that has no headings of its own is one section."""
    text = _description(data) if _ABOUT.fullmatch(path) else _decoded(data)
    found = sections(text, name=name)
    yield from found
    version = version_in(path)
    number = parsed(version) if version else None
    if not found and number is not None:
        yield Section(str(number), text.strip())


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _description(data: bytes) -> str:
    """The long description in metadata (its body, or the Description field)."""
    from packaging.metadata import parse_email

    raw, _ = parse_email(data)
    return raw.get("description") or ""
