"""The `# via` notes that pip-compile, `uv pip compile`, `uv export` and rye write below or behind a pin: who asked for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lockblame.lockfiles.names import NAME, maybe_normal

_FILE = re.compile(r"(-r|-c|--requirement|--constraint|--override)s?[\s=]+(\S+)")
_PARENT = re.compile(rf"({NAME})(?:\[[^\]]{{0,500}}\])?(?::[A-Za-z0-9_.-]+)?\s*(?:\(([^()]{{0,300}})\))?", re.ASCII)
_SOURCES = ("pyproject.toml", "setup.py", "setup.cfg")
_INPUT = re.compile(r"(?:^|[\s=])([\w./\\-]+\.in|(?:[\w./\\-]+/)?(?:pyproject\.toml|setup\.py|setup\.cfg))(?=\s|$)")
_TOOL = re.compile(r"pip-compile|uv pip compile|uv export|pip-compile-multi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """One origin of a pin: the package `parent`, the input file `file`, or the project `project` itself (its metadata)."""

    parent: str | None = None
    file: str | None = None
    project: str | None = None


def via(notes: Sequence[str]) -> tuple[Via, ...]:
    """What the notes of one pin say; () when there is no `via` among them. Constraint files are no origin and are left out."""
    return tuple(dict.fromkeys(_origins(notes)))


def _origins(notes: Sequence[str]) -> Iterator[Via]:
    inside = False
    for note in notes:
        words = note.split(None, 1)
        if words and words[0].rstrip(":") == "via":
            inside = True
            note = words[1] if len(words) > 1 else ""
        if inside:
            for item in note.split(","):
                yield from _origin(item.strip())


def _origin(item: str) -> Iterator[Via]:
    if file := _FILE.match(item):
        if file.group(1) in ("-r", "--requirement"):
            yield Via(file=file.group(2))
        return
    found = _PARENT.match(item)
    name = found and maybe_normal(found.group(1))
    if not found or not name:
        return
    if found.group(2) and any(source in found.group(2) for source in _SOURCES):
        yield Via(project=name)
    else:
        yield Via(parent=name)


def inputs(header: Sequence[str]) -> tuple[str, ...]:
    """The input files that the command in a header names (`# pip-compile requirements.in`); `uv export` reads pyproject.toml."""
    found: dict[str, None] = {}
    for line in header:
        if _TOOL.search(line) and len(line) < 2_000:
            found.update((name, None) for name in _INPUT.findall(line))
            if "uv export" in line:
                found["pyproject.toml"] = None
    return tuple(found)
