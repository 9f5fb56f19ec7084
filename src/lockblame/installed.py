"""What is installed in an environment, as a Snapshot, read from its files: nothing of it is run, its interpreter included.

Distributions are found by their metadata folders (the core metadata specification; `importlib.metadata` reads them), where they
came from by direct_url.json (PEP 610), and what was asked for by the REQUESTED files (PEP 376).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockblame import files
from lockblame.errors import ReadError
from lockblame.fields import FieldError, flag, maybe_text, table, text
from lockblame.model import REGISTRY, Edge, Gap, Pin, Root, Snapshot, Source, normalize

if TYPE_CHECKING:
    from packaging.requirements import Requirement

LARGEST = 4 * 2**20
"""Bytes of one metadata file that are read at most."""
_VERSION = re.compile(r"(?:python|pypy)(3\.\d{1,3})t?(?:\.exe)?")
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")
_USER = re.compile(r"(?<=://)([^/@:]*)[^/@]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where an environment keeps its packages, first come first served, and the version of its Python ("3.12"), if told."""

    folders: tuple[Path, ...]
    python: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A distribution, as a Pin still without its edges."""

    pin: Pin
    requested: bool
    requirements: tuple[Requirement, ...]


def read(path: Path) -> Snapshot:
    """Everything installed in the environment of `path`: its interpreter, its folder, or its site-packages.

    Roots are the projects installed as editable that no other package needs, and "app", which needs what was asked for by name;
    where no installer noted that, what no other package needs. Edges are those that hold there: markers are judged for the
    environment's Python, and extras count where some package asks for them, or all they need is installed. What can't be read
    is a Gap; ReadError when there is no environment.
    """
    try:
        layout = _layout(path.absolute())
    except OSError as error:
        raise ReadError(str(path), f"can't be looked into: {error.strerror or error}") from error
    found: dict[str, _Found] = {}
    gaps: list[Gap] = []
    for folder in layout.folders:
        for metadata in _metadata_folders(folder):
            try:
                distribution = _found(metadata)
            except (ValueError, FieldError) as error:
                gaps.append(Gap(subject=str(metadata), reason="bad-metadata", detail=f"its metadata can't be used: {error}"))
                continue
            found.setdefault(distribution.pin.name, distribution)
    pins = {
        name: replace(each.pin, requires=edges) for (name, each), edges in zip(found.items(), _edges(found, layout), strict=True)
    }
    roots = _roots(found, pins)
    inside = {root.name for root in roots if root.name in pins}
    return Snapshot(
        origin=str(path),
        path=str(path),
        format="installed",
        pins=tuple(pins[name] for name in sorted(pins) if name not in inside),
        roots=roots,
        gaps=tuple(gaps),
    )


# --- where it is -----------------------------------------------------------------------------------------------------


def _layout(path: Path) -> _Layout:
    if path.is_dir():
        layout = _of_folder(path)
    elif path.exists():
        layout = _of_interpreter(path)
    else:
        raise ReadError(str(path), "doesn't exist", "name an interpreter, an environment's folder or its site-packages")
    if not layout.folders:
        raise ReadError(str(path), "has no site-packages", "name the environment's folder or its site-packages")
    return layout


def _of_folder(folder: Path) -> _Layout:
    if folder.name in ("site-packages", "dist-packages"):
        told = _VERSION.fullmatch(folder.parent.name)
        return _Layout(folders=(folder,), python=told[1] if told else _settings(folder.parent.parent).get("python"))
    if (folder / "pyvenv.cfg").is_file():
        return _of_environment(folder)
    if (folder.name in ("bin", "Scripts")) and (folder.parent / "pyvenv.cfg").is_file():
        return _of_environment(folder.parent)
    return _of_prefix(folder, None)


def _of_interpreter(path: Path) -> _Layout:
    """The environment that an interpreter belongs to: that of the first link on the way to the real file that is in one."""
    step = path
    for _ in range(16):
        for folder in (step.parent.parent, step.parent):
            if (folder / "pyvenv.cfg").is_file():
                return _of_environment(folder)
        if not step.is_symlink():
            break
        step = step.parent / step.readlink()
    with step.open("rb") as file:
        if file.read(2) == b"#!":
            raise ReadError(str(path), "is a script that only starts an interpreter", "name the environment's folder")
    told = _VERSION.fullmatch(step.name)
    prefix = step.parent if (step.parent / "Lib").is_dir() else step.parent.parent
    return _of_prefix(prefix, told[1] if told else None)


def _settings(folder: Path) -> dict[str, str]:
    """pyvenv.cfg, with its Python's version, which has two spellings, as "python"."""
    try:
        lines = files.read(folder / "pyvenv.cfg", limit=LARGEST).decode("utf-8", "replace").splitlines()
    except ReadError:
        return {}
    settings = {key.strip().lower(): value.strip() for key, sign, value in (line.partition("=") for line in lines) if sign}
    version = re.match(r"\d+\.\d+", settings.get("version_info") or settings.get("version") or "")
    return settings | ({"python": version[0]} if version else {})


def _of_environment(folder: Path) -> _Layout:
    settings = _settings(folder)
    python = settings.get("python")
    own = _of_prefix(folder, python)
    if settings.get("include-system-site-packages", "").lower() != "true" or "home" not in settings:
        return own
    home = Path(settings["home"])
    base = _of_prefix(home if (home / "Lib").is_dir() else home.parent, own.python)
    return _Layout(folders=own.folders + base.folders, python=own.python)


def _of_prefix(prefix: Path, python: str | None) -> _Layout:
    versions = sorted({found[1] for each in _names(prefix / "lib") if (found := _VERSION.fullmatch(each))})
    if python is None and len(versions) > 1:
        raise ReadError(str(prefix), f"has packages of several Pythons ({', '.join(versions)})", "name one's site-packages")
    python = python or next(iter(versions), None)
    candidates = [prefix / "Lib" / "site-packages"]
    if python:
        # Debian keeps what pip and what apt installed apart, and the latter for all of its Pythons at once.
        homes = (
            *(f"local/lib/python{python}", f"lib/python{python}", f"lib/python{python}t", f"lib64/python{python}"),
            *("local/lib/python3", "lib/python3", f"lib/pypy{python}"),
        )
        candidates += [prefix / home / name for home in homes for name in ("site-packages", "dist-packages")]
    distinct = {candidate.resolve(): candidate for candidate in reversed(candidates) if candidate.is_dir()}
    return _Layout(folders=tuple(reversed(distinct.values())), python=python)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


# --- what is there ---------------------------------------------------------------------------------------------------


class _Metadata(Distribution):
    """A distribution whose metadata files are read with bounds, and only when they are plain files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read_text(self, filename: str) -> str | None:
        """The text of a metadata file, None when there is none."""
        place = self.folder / filename if filename else self.folder
        if not place.is_file():
            return None
        try:
            return files.read(place, limit=LARGEST).decode("utf-8", "replace")
        except ReadError as error:
            raise ValueError(str(error)) from error

    def locate_file(self, path: Any) -> Path:
        """Where a file of the distribution is."""
        return self.folder.parent / str(path)


def _metadata_folders(folder: Path) -> Iterator[Path]:
    """The metadata folders of one site-packages; what an installer left half removed begins with ~."""
    for name in _names(folder):
        if name.startswith("~"):
            continue
        if name.endswith((".dist-info", ".egg-info")):
            yield folder / name
        elif name.endswith(".egg") and (folder / name / "EGG-INFO").is_dir():
            yield folder / name / "EGG-INFO"
        elif name.endswith(".egg-link"):
            yield from _linked(folder / name)


def _linked(link: Path) -> Iterator[Path]:
    """The metadata of a project that `setup.py develop` linked into the environment."""
    try:
        target = Path(files.read(link, limit=LARGEST).decode("utf-8", "replace").partition("\n")[0].strip())
    except ReadError:
        return
    stem = link.name.removesuffix(".egg-link")
    for name in _names(target) if target.is_absolute() else ():
        if name.endswith(".egg-info") and normalize(name.removesuffix(".egg-info")) == normalize(stem):
            yield target / name


def _found(folder: Path) -> _Found:
    distribution = _Metadata(folder)
    if not any(distribution.read_text(name) for name in ("METADATA", "PKG-INFO", "")):
        raise ValueError("there is none")
    about = distribution.metadata
    # a missing key is None up to Python 3.11, warned of in 3.12, and a KeyError some day
    name, version = (str(about[key] or "") if key in about else "" for key in ("Name", "Version"))
    if not name or _NO_NAME.search(name):
        raise ValueError(f"{name[:80]!r} can't be the name of a package")
    linked = folder.parent.name not in ("site-packages", "dist-packages") and folder.suffix == ".egg-info"
    source = Source(kind="editable", location=str(folder.parent)) if linked else _source(distribution)
    pin = Pin(name=normalize(name), version=version.strip() or None, source=source)
    requested = linked or (folder / "REQUESTED").is_file()
    return _Found(pin=pin, requested=requested, requirements=tuple(_requirements(distribution)))


def _requirements(distribution: Distribution) -> Iterator[Requirement]:
    from packaging.requirements import InvalidRequirement, Requirement

    for line in distribution.requires or ():
        try:
            yield Requirement(line)
        except (InvalidRequirement, RecursionError) as error:
            raise ValueError(f"{line[:80]!r} is no requirement") from error


def _source(distribution: Distribution) -> Source:
    """Where it came from (PEP 610): the configured index unless direct_url.json says otherwise."""
    told = distribution.read_text("direct_url.json")
    if told is None:
        return REGISTRY
    try:
        document = json.loads(told)
    except (ValueError, RecursionError) as error:
        raise ValueError("direct_url.json isn't JSON") from error
    if not isinstance(document, dict):
        raise ValueError("direct_url.json isn't a table")
    return _direct(document)


def _direct(document: Mapping[str, Any]) -> Source:
    url, subdirectory = text(document, "url"), maybe_text(document, "subdirectory")
    # The user of an ssh address is no secret; anything else before an @ may be.
    location = _USER.sub(r"\1@" if url.startswith("ssh://") else "", url)
    if "vcs_info" in document:
        about = table(document, "vcs_info")
        vcs, revision = text(about, "vcs", "vcs_info"), maybe_text(about, "commit_id", "vcs_info")
        # Other version control than git has no kind of its own; the prefix in its location says which.
        location = location if vcs == "git" else f"{vcs}+{location}"
        return Source(kind="git", location=location, revision=revision, subdirectory=subdirectory)
    if "dir_info" in document:
        editable = flag(table(document, "dir_info"), "editable", "dir_info")
        return Source(kind="editable" if editable else "path", location=location, subdirectory=subdirectory)
    return Source(kind="path" if url.startswith("file:") else "url", location=location, subdirectory=subdirectory)


# --- what needs what -------------------------------------------------------------------------------------------------


class _Markers:
    """Judges markers for an environment of this machine whose Python may be another."""

    def __init__(self, python: str | None) -> None:
        from packaging.markers import default_environment

        self._environment: dict[str, str] = {name: str(value) for name, value in default_environment().items()}
        if python and python != self._environment["python_version"]:
            self._environment |= {"python_version": python, "python_full_version": f"{python}.0"}

    def hold(self, requirement: Requirement, extra: str) -> bool:
        """Whether what is asked for is wanted with `extra` ("": without any); a marker that makes no sense doesn't count."""
        try:
            return requirement.marker is None or requirement.marker.evaluate({**self._environment, "extra": extra})
        except ValueError:
            return True


def _edges(found: Mapping[str, _Found], layout: _Layout) -> Iterator[tuple[Edge, ...]]:
    """Of each distribution the edges that hold in the environment and lead to something installed."""
    markers = _Markers(layout.python)
    wanted = {name: {"": _held(each, "", found, markers)} for name, each in found.items()}
    asked = [(edge.name, extra) for kinds in wanted.values() for edge in kinds[""] for extra in edge.extras]
    asked += [(name, extra) for name, each in found.items() if each.requested for extra in _complete(each, found, markers)]
    while asked:
        name, extra = asked.pop()
        if extra not in wanted[name]:
            wanted[name][extra] = _held(found[name], extra, found, markers)
            asked += [(edge.name, more) for edge in wanted[name][extra] for more in edge.extras]
    for kinds in wanted.values():
        yield tuple(dict.fromkeys(edge for edges in kinds.values() for edge in edges))


def _held(each: _Found, extra: str, found: Mapping[str, _Found], markers: _Markers) -> list[Edge]:
    wanted = [requirement for requirement in each.requirements if markers.hold(requirement, extra)]
    return [edge for edge in map(_edge, wanted) if edge.name in found]


def _edge(requirement: Requirement) -> Edge:
    return Edge(
        name=normalize(requirement.name),
        specifier=str(requirement.specifier),
        marker=str(requirement.marker) if requirement.marker else None,
        extras=tuple(sorted(map(normalize, requirement.extras))),
    )


def _complete(each: _Found, found: Mapping[str, _Found], markers: _Markers) -> Iterator[str]:
    """The extras of which everything is installed: how a package was asked for is noted nowhere, so these count as meant."""
    named = (re.findall(r"""extra\s*==\s*["']([^"']+)["']""", str(requirement.marker or "")) for requirement in each.requirements)
    for extra in dict.fromkeys(normalize(extra) for extras in named for extra in extras):
        needed = {
            normalize(requirement.name)
            for requirement in each.requirements
            if markers.hold(requirement, extra) and not markers.hold(requirement, "")
        }
        if needed and needed <= found.keys():
            yield extra


def _roots(found: Mapping[str, _Found], pins: Mapping[str, Pin]) -> tuple[Root, ...]:
    needed = {edge.name for pin in pins.values() for edge in pin.requires if edge.name != pin.name}
    projects = [pin for name, pin in sorted(pins.items()) if pin.source.kind == "editable" and name not in needed]
    roots = [Root(name=pin.name, version=pin.version, requires=pin.requires) for pin in projects]
    own = {pin.name for pin in projects}
    asked: Iterable[str] = [name for name, each in found.items() if each.requested and name not in own]
    if not asked and not roots:
        asked = pins.keys() - needed
    if asked:
        roots.append(Root(name="app", requires=tuple(Edge(name=name) for name in sorted(asked))))
    return tuple(roots)
