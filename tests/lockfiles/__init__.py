"""Small locks of the project's own making, one or two of each format, and how tests read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lockblame.lockfiles import parse
from lockblame.model import Edge, Pin, Snapshot

HERE = Path(__file__).parent
FIXTURES = tuple(sorted(file.name for file in HERE.iterdir() if file.suffix not in (".py", ".in") and file.is_file()))
LOCKS = tuple(name for name in FIXTURES if name not in ("Pipfile", "pyproject.toml"))


def fixture(name: str, *beside: str, path: str | None = None) -> Snapshot:
    """The fixture read; only the files named after it are there beside it."""
    files = {other: (HERE / other).read_bytes() for other in beside}
    return read((HERE / name).read_bytes(), path or name, files)


def read(
    data: bytes | str, path: str = "requirements.txt", files: Mapping[str, bytes | str] | None = None, **named: str
) -> Snapshot:
    """A Snapshot of that content, with these files in the same tree."""

    def opener(wanted: str) -> bytes | None:
        found = (files or {}).get(wanted)
        return found.encode() if isinstance(found, str) else found

    return parse(data.encode() if isinstance(data, str) else data, path, opener=opener, **named)


def only(snapshot: Snapshot, name: str) -> Pin:
    """The one pin of that name."""
    (pin,) = snapshot.get(name)
    return pin


def asked(snapshot: Snapshot, root: str, name: str) -> list[Edge]:
    """What that root asks of that package."""
    return [edge for one in snapshot.roots if one.name == root for edge in one.requires if edge.name == name]


def children(pin: Pin) -> list[str]:
    """The names of what a pin requires."""
    return [edge.name for edge in pin.requires]
