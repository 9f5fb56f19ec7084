"""The files a requirements lock was compiled from (`x.in`, pyproject.toml), looked up at the same revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from posixpath import basename, dirname

from lockblame.errors import ReadError
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.project import edge as demanded
from lockblame.lockfiles.project import project
from lockblame.lockfiles.requirement_lines import lines
from lockblame.model import Edge, Gap, Root

_DEEPEST = 10
Asked = Mapping[str, Sequence[Edge]]
"""What is asked for, by name."""


class Inputs:
    """Looks inputs up, each once, and remembers which of them are missing."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._files: dict[str, Asked] = {}
        self._missing: list[str] = []
        self._gaps: list[Gap] = []
        self._project: Root | None = None
        self._asked_project = False

    def project(self) -> Root | None:
        """The project beside the lock, or above it when the lock is in a folder of requirements; None when there is none."""
        if not self._asked_project:
            self._asked_project = True
            folders = [".", ".."] if "requirements" in basename(dirname(self._document.path)) else ["."]
            for folder in folders:
                found, gaps = project(self._document, folder)
                self._gaps.extend(gaps)
                if found is not None:
                    self._project = found
                    break
        return self._project

    def sibling(self) -> str:
        """The name of the input that tools compile to this name: `dev.in` for `dev.txt`."""
        return basename(self._document.path).rpartition(".")[0] + ".in"

    def file(self, name: str, *, required: bool = True) -> Asked:
        """What the input asks for; nothing when it isn't there, which is a gap when it is `required`."""
        if name not in self._files:
            self._files[name] = _by_name(self._read(name, required))
        return self._files[name]

    def asked_by(self, root: str) -> Asked:
        """What the project beside the lock asks for, when that is its name."""
        own = self.project()
        return self.file("pyproject.toml") if own is not None and own.name == root else {}

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be looked up."""
        if not self._missing:
            return tuple(self._gaps)
        missing = list(dict.fromkeys(self._missing))
        names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        detail = (
            f"{self._document.path} was compiled from {names}, which is not there: what the project itself asks for is not known"
        )
        hint = "compare revisions of the repository rather than single files"
        return (*self._gaps, Gap(subject=missing[0], reason="not-found", detail=detail, hint=hint))

    def _read(self, name: str, required: bool) -> tuple[Edge, ...]:
        if basename(name) in ("pyproject.toml", "setup.py", "setup.cfg"):
            own = self.project()
            return own.requires if own is not None else ()
        found = self._find(name)
        if found is None:
            if required and self._document.opener is not None:
                self._missing.append(name)
            return ()
        try:
            return tuple(_demands(found, {found.path}))
        except ReadError as error:
            detail = f"{error}; so what it asks for is not known"
            self._gaps.append(Gap(subject=found.path, reason="unreadable", detail=detail, hint="correct the file"))
            return ()

    def _find(self, name: str) -> Document | None:
        """Notes name the file as the tool was called: from the lock's folder, from the root, or from a place that is no more."""
        for candidate in dict.fromkeys((name, "/" + name, basename(name.replace("\\", "/")))):
            document = self._document.at(candidate[1:]) if candidate.startswith("/") else self._document.beside(candidate)
            if document is not None:
                return document
        return None


def _by_name(edges: tuple[Edge, ...]) -> Asked:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.name, []).append(edge)
    return found


def _demands(document: Document, seen: set[str], depth: int = 0) -> list[Edge]:
    found: list[Edge] = []
    for line in lines(document)[0]:
        if line.asked is not None:
            found.append(demanded(line.asked))
        elif line.option == "requirement" and depth < _DEEPEST:
            other = document.beside(line.value)
            if other is not None and other.path not in seen:
                seen.add(other.path)
                found.extend(_demands(other, seen, depth + 1))
    return found
