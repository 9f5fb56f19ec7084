"""Pins as requirement lines for the installer, in parts that can be installed by one call each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lockblame.model import Gap, Pin

_HASH = re.compile(r"[a-z0-9]{2,16}:[0-9a-fA-F]{16,128}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+")
_PLACE = re.compile(r"[!-~]+")
_LOCAL_GIT = re.compile(r"(\S+) @ (git\+file:///[^#\s]+)(?:#(\S+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Requirement lines with hashes for each, or without for all, and the index that the lock names for them.

    What git fetches by https from the `repositories` stands apart from all else, and each that the lock has a token for alone:
    what is built of one doesn't see the other's.
    """

    lines: tuple[str, ...]
    hashed: bool
    index: str | None = None
    repositories: tuple[str, ...] = ()


def parts(pins: Iterable[Pin], folder: Path) -> tuple[tuple[Part, ...], tuple[Gap, ...]]:
    """The pins as parts, and a gap for each that no trial can install: local folders, and pins without a version.

    `folder` is where relative paths start.
    """
    grouped: dict[tuple[str, bool, str], list[str]] = {}
    repositories: dict[str, set[str]] = {}
    gaps = []
    for pin in pins:
        line = _line(pin, folder)
        if line is None:
            gaps.append(_left_out(pin))
            continue
        hashes = _hashes(pin)
        index = pin.source.location if pin.source.kind == "registry" else None
        text = " ".join([line, *(f"--hash={one}" for one in hashes)])
        repository = _repository(pin)
        apart = "" if repository is None else repository if pin.source.access else "https"
        repositories.setdefault(apart, set()).update([repository] if repository else [])
        grouped.setdefault((index or "", bool(hashes), apart), []).append(text)
    found = tuple(
        Part(
            lines=tuple(sorted(lines)),
            hashed=hashed,
            index=index or None,
            repositories=tuple(sorted(repositories[apart])),
        )
        for (index, hashed, apart), lines in sorted(grouped.items())
    )
    return found, tuple(gaps)


def _line(pin: Pin, folder: Path) -> str | None:
    if not _NAME.fullmatch(pin.name):
        return None
    name = f"{pin.name}[{','.join(pin.extras)}]" if pin.extras and all(map(_NAME.fullmatch, pin.extras)) else pin.name
    source = pin.source
    if source.kind == "registry":
        return f"{name}=={pin.version}" if pin.version and _VERSION.fullmatch(pin.version) else None
    if source.location is None:
        return None
    if source.kind == "path":
        place = folder / _local(source.location)
        return f"{name} @ {place.resolve().as_uri()}" if place.is_file() else None
    if source.kind not in ("git", "url") or not _PLACE.fullmatch(source.location):
        return None
    if source.kind == "url":
        return f"{name} @ {source.location}{_fragment(source.subdirectory)}"
    if source.revision is None or not _PLACE.fullmatch(source.revision):
        return None
    location = source.location if source.location.startswith("git+") else f"git+{source.location}"
    return f"{name} @ {location}@{source.revision}{_fragment(source.subdirectory)}"


def _repository(pin: Pin) -> str | None:
    """Where git fetches it from by https, by which way it may need a token."""
    location = (pin.source.location or "").removeprefix("git+")
    return location if pin.source.kind == "git" and location.lower().startswith("https://") else None


def for_old_pips(line: str) -> str:
    """The line as pip 23, which Python 3.11 brings along, reads it too: no git+file address behind an @, but one with #egg=."""
    found = _LOCAL_GIT.fullmatch(line)
    return f"{found[2]}#egg={found[1]}{'&' + found[3] if found[3] else ''}" if found else line


def _local(location: str) -> str:
    """The path of a file: address; any other location as it stands."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    return url2pathname(urlsplit(location).path) if location.startswith("file:") else location


def _fragment(subdirectory: str | None) -> str:
    return f"#subdirectory={subdirectory}" if subdirectory and _PLACE.fullmatch(subdirectory) else ""


def _hashes(pin: Pin) -> Sequence[str]:
    """What any of its files may have; none for git, which says by its commit what it is."""
    if pin.source.kind == "git":
        return ()
    return sorted({artifact.hash for artifact in pin.artifacts if artifact.hash and _HASH.fullmatch(artifact.hash)})


def _left_out(pin: Pin) -> Gap:
    if pin.source.kind in ("path", "editable", "workspace"):
        detail = f"is a local folder ({pin.source.location or '.'}), which trials don't install: building it would write there"
        return Gap(subject=pin.name, reason="local", detail=detail, hint="let the command find it, for example with PYTHONPATH")
    return Gap(subject=pin.name, reason="not-pinned", detail="has no version or place that could be installed", hint="lock it")
