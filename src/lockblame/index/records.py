"""What an index tells, as records; and the version that a file's name carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lockblame.model import Release, normalize

if TYPE_CHECKING:
    from packaging.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a project. `version` is None where its name doesn't tell, `metadata_url` where it has no PEP 658 metadata."""

    name: str
    url: str
    version: str | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    uploaded: datetime | None = None
    requires_python: str | None = None
    yanked: bool = False
    yanked_reason: str | None = None
    metadata_url: str | None = None
    metadata_hashes: Mapping[str, str] = field(default_factory=dict)
    provenance: str | None = None


@dataclass(slots=True)
class Listed:
    """One line of a page: what makes up a release of it, and `file`, which makes the whole record. Pages have thousands of lines,
    and the files of two or three versions are wanted."""

    version: str | None
    file: Callable[[], File]
    uploaded: datetime | None = None
    yanked: bool = False
    yanked_reason: str | None = None
    attested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project's page. `releases` are sorted by version; `status` is PEP 792's word ("active" unless told otherwise)."""

    name: str
    url: str
    releases: tuple[Release, ...] = ()
    listed: tuple[Listed, ...] = ()
    status: str = "active"
    status_reason: str | None = None

    @property
    def files(self) -> tuple[File, ...]:
        """All files, in the order of the page."""
        return tuple(line.file() for line in self.listed)

    def release(self, version: str) -> Release | None:
        """The release of that version in any spelling ("1.0" finds "1.0.0"), None when the page has none."""
        wanted = version_key(version)
        return next((release for release in self.releases if version_key(release.version) == wanted), None)

    def files_of(self, version: str) -> tuple[File, ...]:
        """The files of that version in any spelling, in the order of the page."""
        wanted = version_key(version)
        spellings = {release.version for release in self.releases if version_key(release.version) == wanted}
        return tuple(line.file() for line in self.listed if line.version in spellings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What one version says about itself. `version` is the one that was read, `links` go from label to URL, http(s) only."""

    name: str
    version: str
    links: Mapping[str, str] = field(default_factory=dict)
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    summary: str | None = None


# --- versions --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def parsed(version: str) -> Version | None:
    """The version as PEP 440 understands it, None where it doesn't."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version)
    except InvalidVersion:
        return None


@lru_cache(maxsize=8192)
def normalized(version: str) -> str | None:
    """The one spelling of a version (PEP 440), None where it isn't one."""
    known = parsed(version)
    return None if known is None else str(known)


def version_key(version: str) -> object:
    """What two spellings of one version have in common."""
    return parsed(version) or version


@lru_cache(maxsize=1024)
def _normal(name: str) -> str:
    # all the files of a page begin alike, and there are thousands on some
    return normalize(name)


_SDIST = re.compile(r"\.(?:tar\.(?:gz|bz2|xz|Z)|tgz|tbz|zip)$")
_BUILT = re.compile(r"\.(?:whl|egg|exe|msi|dmg|rpm|deb)$")
_LEGACY_TAIL = re.compile(r"[.-](?:win32|win-amd64|linux|macosx|py\d).*$")


def version_of(filename: str, project: str) -> str | None:
    """The version (PEP 440, normalized) that a distribution's file name carries; None where it doesn't.

    Names of before the naming rules are cut at every dash until what stands before it is the project.
    """
    plain = _plain_version(filename, project)
    if plain is not None:
        return plain
    stem = _SDIST.sub("", filename)
    built = stem == filename
    if built:
        stem = _BUILT.sub("", filename)
        if stem == filename:
            return None
    for dash in (place for place, char in enumerate(stem[:300]) if char == "-"):
        if _normal(stem[:dash]) == project:
            rest = stem[dash + 1 :]
            if filename.endswith((".whl", ".egg")):
                rest = rest.split("-")[0]
            elif built:
                rest = _LEGACY_TAIL.sub("", rest)
            version = normalized(unquote(rest).replace("_", "-") if filename.endswith(".egg") else rest.replace("_", "+", 1))
            if version is not None:
                return version
    return None


def _plain_version(filename: str, project: str) -> str | None:
    """The version in a name as nearly all are today: NAME-VERSION-TAGS.whl, NAME-VERSION.tar.gz."""
    if filename.endswith(".whl"):
        name, _, rest = filename.partition("-")
        rest = rest.partition("-")[0]
    else:
        name, _, rest = filename.removesuffix(".tar.gz").rpartition("-")
        if len(rest) + len(name) + 8 != len(filename):
            return None
    return normalized(rest.replace("_", "+", 1)) if _normal(name) == project else None
