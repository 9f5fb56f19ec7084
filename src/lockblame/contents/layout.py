"""From the paths inside a distribution to dotted modules, as they are imported once it is installed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lockblame.contents.archives import Archive, Members
from lockblame.model import normalize

SOURCE = (".py", ".pyi", ".pyx")
"""What is read; where one module has several, the first of them counts."""
BUILT = (".so", ".pyd")

_DATA = re.compile(r"[^/]+\.data/(?:purelib|platlib)/")
_INFO = re.compile(r"(?:^|/)[^/]+\.(?:dist-info|egg-info|data)/")
_TOP_LEVEL = re.compile(r"(?:^|/)[^/]+\.egg-info/top_level\.txt$")
# what stands beside the package in an sdist and is never installed, unless the project is called that
_BESIDE_WORDS = """
admin bench benchmark benchmarks bin build ci conftest contrib demo demos dist doc docs doc_src etc example examples extra
extras fabfile fixtures integration misc noxfile perf pavement release requirements runtests sample samples script scripts
setup t tasks test testing tests tool tools tutorial tutorials typings util utils versioneer website wscript
"""
_BESIDE = frozenset(_BESIDE_WORDS.split())
_MOST_TOPS = 20
_ROOTS = ("", "src/", "lib/", "python/", "py/", "pysrc/", "Lib/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`sources` and `extensions` go from dotted module to the path inside the archive."""

    sources: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)


def is_wanted(path: str) -> bool:
    """Whether the file's content tells something about the code that is installed."""
    return path.endswith(SOURCE) or bool(_TOP_LEVEL.search(path))


def layout(archive: Archive, members: Members) -> Layout:
    """The modules that installing `archive` brings, its own tests left out.

    Of an sdist those are the packages that its `top_level.txt` names, else those called like the project, else whatever
    looks like a package and not like tests, docs or tools; a folder that only holds the code (`src`) is left out.
    """
    project = archive.name.rpartition("-")[0]
    wheel = archive.name.endswith(".whl")
    paths = _installed(members.names) if wheel else _from_sdist(members.names, members.files, project)
    sources: dict[str, str] = {}
    extensions: dict[str, str] = {}
    for place, path in paths:
        module = dotted(place)
        if module is None or "tests" in module.split("."):
            continue
        if place.endswith(BUILT):
            extensions[module] = path
        elif module not in sources or _precedence(path) < _precedence(sources[module]):
            sources[module] = path
    return Layout(sources=sources, extensions={module: path for module, path in extensions.items() if module not in sources})


def _precedence(path: str) -> int:
    return SOURCE.index(posixpath.splitext(path)[1])


def dotted(place: str) -> str | None:
    """The module that a file at `place` below site-packages is; None when it is none that could be imported."""
    stem, ending = posixpath.splitext(place)
    if ending not in SOURCE and ending not in BUILT:
        return None
    folder, name = posixpath.split(stem)
    parts = [*folder.split("/"), name] if folder else [name]
    if ending in BUILT:
        # _psycopg.cpython-311-x86_64-linux-gnu.so
        parts[-1] = name.partition(".")[0]
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts) if all(part.isidentifier() for part in parts) else None


def _installed(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in names:
        place = _DATA.sub("", path, count=1)
        if not _INFO.search(place):
            yield place, path


# --- source distributions --------------------------------------------------------------------------------------------


def _from_sdist(names: Iterable[str], files: Mapping[str, bytes], project: str) -> Iterator[tuple[str, str]]:
    """Each file of the code with its place below site-packages, and its path."""
    paths = {path.partition("/")[2]: path for path in names if "/" in path}
    code = [place for place in paths if place.endswith((*SOURCE, *BUILT)) and not _INFO.search(place)]
    homes = _homes(code, _told(files) or _called_like(code, project), project)
    for place in code:
        # the folders above it from the top down, then the module itself
        ends = [number + 1 for number, char in enumerate(place) if char == "/"]
        start = next((start for end in (*ends, -1) if (start := place[:end] if end > 0 else _stem(place)) in homes), None)
        if start is not None:
            yield homes[start] + place[len(start) :], paths[place]


def _stem(place: str) -> str:
    folder, name = posixpath.split(place)
    return posixpath.join(folder, name.partition(".")[0])


def _told(files: Mapping[str, bytes]) -> list[str]:
    """The names in top_level.txt, which setuptools writes into its sdists."""
    texts = [files[path].decode("utf-8", "replace") for path in files if _TOP_LEVEL.search(path)]
    return [name for name in "\n".join(texts).split()[:_MOST_TOPS] if name.isidentifier() and name not in ("tests", "test")]


def _called_like(code: Iterable[str], project: str) -> list[str]:
    """The packages and modules that have the project's name, in its spelling."""
    wanted = normalize(project).replace("-", "_")
    found = {part for place in code for part in place.removesuffix(".py").split("/")[:3]}
    return sorted(part for part in found if part.lower() == wanted and part.isidentifier())


def _homes(code: Sequence[str], tops: Sequence[str], project: str) -> dict[str, str]:
    """Where the code stands in the archive ("src/kombu/", "six"), and where it will stand below site-packages."""
    there = frozenset(code)
    found = {top: home for top in tops if (home := _home(there, top)) is not None}
    if not found:
        package = next((root for root in _ROOTS if root and f"{root}__init__.py" in there), None)
        if package is not None:
            # the folder is the package itself, under another name
            return {package: f"{tops[0] if tops else normalize(project).replace('-', '_')}/"}
    for root in sorted({root for root, _ in found.values() if root}) if found else _ROOTS:
        for top, folder in _by_look(code, root).items():
            found.setdefault(top, (root, folder))
    return {f"{root}{top}{'/' if folder else ''}": f"{top}{'/' if folder else ''}" for top, (root, folder) in found.items()}


def _home(there: frozenset[str], top: str) -> tuple[str, bool] | None:
    """The folder that the package or module `top` stands in, nearest to the top; and whether it is a folder itself."""
    for folder, ending in ((True, f"/{top}/__init__.py"), (False, f"/{top}.py"), (False, f"/{top}.pyx"), (False, f"/{top}.pyi")):
        roots = [f"/{place}".removesuffix(ending) for place in there if f"/{place}".endswith(ending)]
        if roots:
            return _nearest(roots), folder
    # a namespace package (PEP 420)
    roots = [f"/{place}".partition(f"/{top}/")[0] for place in there if f"/{top}/" in f"/{place}"]
    return (_nearest(roots), True) if roots else None


def _nearest(roots: Iterable[str]) -> str:
    root = min(roots, key=lambda root: (root.count("/"), root))
    return f"{root[1:]}/" if root else ""


def _by_look(code: Iterable[str], root: str) -> dict[str, bool]:
    """What stands in the folder `root` and doesn't look like tests, docs or tools, and whether it is a folder itself."""
    found: dict[str, bool] = {}
    for place in code:
        if not place.startswith(root):
            continue
        top, slash, _ = place[len(root) :].partition("/")
        name = top if slash else posixpath.splitext(top)[0]
        apart = name.lower() in _BESIDE or name.startswith("test_") or (not root and f"{name}/" in _ROOTS)
        if name.isidentifier() and name != "__init__" and not apart:
            found[name] = found.get(name, False) or bool(slash)
    return found
