"""Where in a repository a package is built, by the paths of a commit and the project files in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lockblame.model import normalize

FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_DEEPEST = 4
"""Folders below the top in which a project is looked for."""
_MOST = 400
"""Project files that are read."""
_ELSEWHERE = frozenset(("tests", "test", "docs", "doc", "examples", "example", "vendor", "vendored", "_vendor", "node_modules"))
_CALLED = re.compile(r"""\bname\s{0,8}=\s{0,8}["']([A-Za-z0-9._-]{1,200})["']""")


def project_files(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths that may say what is built in their folder, the nearest to the top first; `home` wants what they hold."""
    found = []
    for path in paths:
        *folders, name = path.split("/")
        if name in FILES and len(folders) <= _DEEPEST:
            found.append((len(folders), bool(_ELSEWHERE.intersection(folders)), path))
    return tuple(path for _, _, path in sorted(found)[:_MOST])


def home(name: str, files: Mapping[str, str]) -> str | None:
    """The folder ("" is the top) whose project files (`files`: path → text) name the package; None when none does.

    Where several do, the one nearest to the top that isn't among tests or examples.
    """
    wanted = normalize(name)
    folders = [
        path.rpartition("/")[0]
        for path, text in files.items()
        if (called := project_name(path.rpartition("/")[2], text)) and normalize(called) == wanted
    ]
    return min(
        folders, key=lambda folder: (bool(_ELSEWHERE.intersection(folder.split("/"))), folder.count("/"), folder), default=None
    )


def project_name(file: str, text: str) -> str | None:
    """The name that a project file gives to what is built there; None where it doesn't say, or can't be read."""
    if file == "pyproject.toml":
        return _of_pyproject(text)
    if file == "setup.cfg":
        return _of_setup_cfg(text)
    called = _CALLED.search(text)
    return called[1] if called else None


def _of_pyproject(text: str) -> str | None:
    import tomllib

    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    tool = _table(document, "tool")
    for table in (_table(document, "project"), _table(tool, "poetry"), _table(_table(tool, "flit"), "metadata")):
        name = table.get("name") or table.get("dist-name") or table.get("module")
        if isinstance(name, str) and name:
            return name
    return None


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _of_setup_cfg(text: str) -> str | None:
    from configparser import ConfigParser, Error

    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
        return parser.get("metadata", "name", fallback=None)
    except (Error, ValueError):
        return None
