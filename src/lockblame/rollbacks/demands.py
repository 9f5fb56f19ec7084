"""What the project itself asks for in its pyproject.toml, as far as that stands in the way of a rollback."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lockblame.delta.constraints import allows
from lockblame.errors import RollbackError
from lockblame.rollbacks.marks import Wanted
from lockblame.rollbacks.tables import get

Demanded = tuple[str, str, str]
"""Where it stands, the package's normalized name, and the constraint."""


MOST_DEEP = 2
"""How many `**` a pattern may have: each makes it dearer to compare, and nobody needs more."""


def refuse(document: Mapping[str, Any], wanted: Sequence[Wanted], file: str) -> None:
    """RollbackError when a requirement of the project itself rules a wanted version out.

    It then is a decision of the team's own, which only they can take back.
    """
    for place, name, constraint in demanded(document):
        for one in wanted:
            if one.name == name and one.marker is None and allows(constraint, one.version) is False:
                detail = f"{place} itself asks for {name} {constraint}, which rules {one.version} out"
                raise RollbackError(file, detail, f"let that requirement allow {one.version} again first, it was changed by hand")


def is_member(document: Mapping[str, Any], folder: str) -> bool:
    """Whether the folder, relative to that of the document, is one of the members of uv's workspace that it names."""

    def named(key: str) -> bool:
        patterns = get(document, ("tool", "uv", "workspace", key))
        return any(
            isinstance(one, str) and _glob(one).fullmatch(folder) for one in (patterns if isinstance(patterns, list) else ())
        )

    return named("members") and not named("exclude")


def _glob(pattern: str) -> re.Pattern[str]:
    """The paths that a pattern of folders means: `*` within one name, `**` over any number of them."""
    parts = [part for part in pattern[:500].split("/") if part not in ("", ".")]
    if parts.count("**") > MOST_DEEP:
        parts = []
    return re.compile("/".join(".+" if part == "**" else re.escape(part).replace(r"\*", "[^/]*") for part in parts))


def demanded(document: Mapping[str, Any]) -> Iterator[Demanded]:
    """Each requirement of the project that names a version, those of groups and extras too; what is malformed is left out."""
    yield from _lines(get(document, ("project", "dependencies")), "project.dependencies")
    for above in (("project", "optional-dependencies"), ("dependency-groups",)):
        for group, lines in _items(get(document, above)):
            yield from _lines(lines, f"{'.'.join(above)}.{group}")
    poetry = get(document, ("tool", "poetry"))
    for key in ("dependencies", "dev-dependencies"):
        yield from _table(get(poetry or {}, (key,)), f"tool.poetry.{key}")
    for group, held in _items(get(poetry or {}, ("group",))):
        if isinstance(held, Mapping):
            yield from _table(held.get("dependencies"), f"tool.poetry.group.{group}.dependencies")


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _lines(lines: Any, place: str) -> Iterator[Demanded]:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for line in lines if isinstance(lines, list) else []:
        try:
            found = Requirement(line) if isinstance(line, str) else None
        except InvalidRequirement:
            continue
        if found is not None and found.marker is None:
            yield place, canonicalize_name(found.name), f"@ {found.url}" if found.url else str(found.specifier)


def _table(table: Any, place: str) -> Iterator[Demanded]:
    from packaging.utils import canonicalize_name

    for name, value in _items(table):
        version = value.get("version") if isinstance(value, Mapping) else value
        if isinstance(version, str):
            yield place, canonicalize_name(name), version
