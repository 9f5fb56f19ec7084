"""The files a requirements lock was compiled from (`x.in`, pyproject.toml), looked up at the same revision."""

from __future__ import annotations

from posixpath import basename, dirname

from lockblame.errors import ReadError
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.project import edge, project
from lockblame.lockfiles.requirement_lines import lines
from lockblame.model import Edge, Gap, Root

_DEEPEST = 10


class Inputs:
    """Looks inputs up, each once, and remembers which of them are missing."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._files: dict[str, tuple[Edge, ...]] = {}
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

    def file(self, name: str, *, required: bool = True) -> tuple[Edge, ...]:
        """What the input asks for; () when it isn't there, which is a gap when it is `required`."""
        if name not in self._files:
            self._files[name] = self._read(name, required)
        return self._files[name]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be looked up."""
        if not self._missing:
            return tuple(self._gaps)
        names = ", ".join(dict.fromkeys(self._missing))
        detail = (
            f"{names} (what {self._document.path} was compiled from) is not there, so constraints of the project are not known"
        )
        return (
            *self._gaps,
            Gap(subject=self._missing[0], reason="not-found", detail=detail, hint="compare revisions of the repository"),
        )

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
            return tuple(_demands(found, frozenset({found.path})))
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


def _demands(document: Document, above: frozenset[str]) -> list[Edge]:
    found: list[Edge] = []
    for line in lines(document)[0]:
        if line.asked is not None:
            found.append(edge(line.asked))
        elif line.option == "requirement" and len(above) < _DEEPEST:
            other = document.beside(line.value)
            if other is not None and other.path not in above:
                found.extend(_demands(other, above | {other.path}))
    return found
