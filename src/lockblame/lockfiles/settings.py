"""The indexes that a project names in its own files beside the lock: pyproject.toml (uv, Poetry, PDM), uv.toml, Pipfile, and in
the options of the requirements file itself.

A file that can't be read says nothing here: whoever reads it for what the project requires tells that it is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockblame.errors import LockblameError
from lockblame.fields import FieldError
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document, Opener
from lockblame.lockfiles.names import maybe_normal
from lockblame.model import Index, Secret, Snapshot

_Table = Mapping[str, Any]

_MOST = 50
_OPTION = re.compile(r"^[ \t]*(-i|--index-url|--extra-index-url)(?:[ \t]*=[ \t]*|[ \t]+|(?<=-i))(\S{1,2000})", re.MULTILINE)
_TOOLS = {"uv": ("uv",), "poetry": ("poetry",), "pdm": ("pdm",), "pipenv": ("pipenv",)}


def configured(snapshot: Snapshot, data: bytes, opener: Opener | None) -> Snapshot:
    """The Snapshot with the indexes that the project configures, the first asked first; `data` is the lock itself."""
    lock = Document(path=snapshot.path or "", origin=snapshot.origin, data=data, opener=opener)
    tools = _TOOLS.get(snapshot.format, ("requirements", "uv", "pdm", "poetry"))
    found: list[Index] = []
    for tool in tools:
        try:
            found += _READERS[tool](lock)
        except (LockblameError, FieldError):
            continue
    return replace(snapshot, configured=tuple(dict.fromkeys(found[:_MOST])))


def _index(url: object, **more: Any) -> Iterator[Index]:
    """The index at `url`, if that is on the web."""
    if isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= 2000:
        bare = places.clean(url.partition("#")[0])
        yield Index(url=bare, access=Secret(url) if bare != url.partition("#")[0] else None, **more)


def _tables(parent: object, *keys: str) -> Iterator[_Table]:
    """The tables in the list at that path; whatever isn't one is passed over."""
    for key in keys:
        parent = parent.get(key) if isinstance(parent, dict) else None
    yield from (item for item in (parent if isinstance(parent, list) else ()) if isinstance(item, dict))


def _table(parent: object, *keys: str) -> _Table:
    for key in keys:
        parent = parent.get(key) if isinstance(parent, dict) else None
    return parent if isinstance(parent, dict) else {}


def _toml(lock: Document, name: str) -> _Table:
    found = lock.beside(name)
    return documents.toml(found) if found is not None else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


# --- one reader a tool -----------------------------------------------------------------------------------------------


def _uv(lock: Document) -> Iterator[Index]:
    """uv.toml stands in for [tool.uv], but for its sources."""
    project = _table(_toml(lock, "pyproject.toml"), "tool", "uv")
    settings = _toml(lock, "uv.toml") or project
    taken: dict[str, list[str]] = {}
    for package, source in _table(project, "sources").items():
        for one in source if isinstance(source, list) else [source]:
            if (index := _text(_table(one).get("index"))) and (name := maybe_normal(package)):
                taken.setdefault(index, []).append(name)
    yield from uv_indexes(settings, taken)


def uv_indexes(settings: _Table, taken: Mapping[str, Iterable[str]]) -> Iterator[Index]:
    """What uv's settings name, default last; `taken` goes from an index's name to the packages that are taken from it alone."""
    listed = [entry for entry in _tables(settings, "index") if entry.get("format") != "flat"]
    defaults = [entry for entry in listed if entry.get("default") is True]
    for entry in (*(entry for entry in listed if entry not in defaults), *defaults):
        name = _text(entry.get("name"))
        yield from _index(
            entry.get("url"),
            name=name,
            default=entry in defaults,
            explicit=entry.get("explicit") is True,
            packages=tuple(taken.get(name or "", ())),
        )
    for table in (settings, _table(settings, "pip")):
        for url in _texts(table.get("extra-index-url")):
            yield from _index(url)
        yield from _index(table.get("index-url"), default=True)


def _poetry(lock: Document) -> Iterator[Index]:
    """A source of Poetry's without a URL is the public index; `priority` was two flags before 1.5."""
    project = _toml(lock, "pyproject.toml")
    poetry = _table(project, "tool", "poetry")
    groups = [_table(group, "dependencies") for group in _table(poetry, "group").values()]
    taken: dict[str, list[str]] = {}
    for table in (_table(poetry, "dependencies"), _table(poetry, "dev-dependencies"), *groups):
        for package, value in table.items():
            for one in value if isinstance(value, list) else [value]:
                if (source := _text(_table(one).get("source"))) and (name := maybe_normal(package)):
                    taken.setdefault(source, []).append(name)
    for entry in _tables(poetry, "source"):
        name = _text(entry.get("name"))
        priority = str(entry.get("priority") or ("default" if entry.get("default") is True else "primary")).lower()
        yield from _index(
            entry.get("url"),
            name=name,
            default=priority == "default",
            explicit=priority == "explicit",
            packages=tuple(dict.fromkeys(taken.get(name or "", ()))),
        )


def _pdm(lock: Document) -> Iterator[Index]:
    """PDM's own default is replaced by the source that has its name."""
    for entry in _tables(_toml(lock, "pyproject.toml"), "tool", "pdm", "source"):
        if entry.get("type", "index") != "index":
            continue
        name = _text(entry.get("name"))
        packages = _texts(entry.get("include_packages"))
        url = _text(entry.get("url"))
        user, password = _text(entry.get("username")), _text(entry.get("password"))
        for found in _index(url, name=name, default=name == "pypi", explicit=bool(packages), packages=packages):
            given = found.access is None and user and url
            yield replace(found, access=Secret(_with_user(url or "", f"{user}:{password or ''}"))) if given else found


def _with_user(url: str, user: str) -> str:
    from urllib.parse import quote

    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{quote(user, safe=':${}')}@{rest}"


def _pipenv(lock: Document) -> Iterator[Index]:
    """Everything comes from the first source but for what names another; the Pipfile may have what its lock leaves out."""
    meta = documents.json(lock).get("_meta")
    for sources in (_tables(meta, "sources"), _tables(_toml(lock, "Pipfile"), "source")):
        for number, entry in enumerate(sources):
            yield from _index(entry.get("url"), name=_text(entry.get("name")), default=number == 0, explicit=number > 0)


def _requirements(lock: Document) -> Iterator[Index]:
    """The options in the file itself; those of included files are among the Snapshot's indexes without their credentials."""
    content = documents.text(lock, strict=False) if len(lock.data) < documents.LARGEST else ""
    found = [(option, url.strip("\"'")) for option, url in _OPTION.findall(content)]
    for option, url in found:
        if option == "--extra-index-url":
            yield from _index(url)
    for option, url in found[::-1]:
        if option != "--extra-index-url":
            # pip takes the last of several
            yield from _index(url, default=True)
            return


_READERS = {"uv": _uv, "poetry": _poetry, "pdm": _pdm, "pipenv": _pipenv, "requirements": _requirements}
