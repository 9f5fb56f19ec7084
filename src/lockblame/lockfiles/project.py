"""What a project asks for itself, from its pyproject.toml: PEP 621, PEP 735, and Poetry's, PDM's and uv's own tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lockblame.errors import ReadError
from lockblame.fields import FieldError, flag, maybe_text, table, texts
from lockblame.lockfiles import document as documents
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.names import Requirement, both, either, extra_marker, extras_of, maybe_normal, normal, requirement
from lockblame.model import Edge, Gap, Root

_OPERATOR = re.compile(r"(\^|~=|~|===?|!=|<=|>=|<|>)?\s*([0-9][0-9A-Za-z.*+!-]{0,60})")


def project(document: Document, folder: str = ".") -> tuple[Root | None, tuple[Gap, ...]]:
    """The project whose pyproject.toml is in `folder` beside the lock: (Root, no gaps), or (None, why not).

    There is no gap when there is no such file. `Root.name` is the project's, else "app".
    """
    found = document.beside(f"{folder}/pyproject.toml")
    if found is None:
        return None, ()
    try:
        return _root(documents.toml(found)), ()
    except (ReadError, FieldError) as error:
        where = "" if isinstance(error, ReadError) else f"{found.origin}, "
        detail = f"{where}{error}; so what the project itself asks for is taken from the lock"
        return None, (Gap(subject=found.origin, reason="unreadable", detail=detail, hint="correct the file"),)


def _root(parsed: Mapping[str, Any]) -> Root:
    own, tool = table(parsed, "project"), table(parsed, "tool")
    poetry = table(tool, "poetry", "tool")
    edges = [*_pep621(own), *_pep735(table(parsed, "dependency-groups")), *_tools(tool)]
    asked = {(edge.name, edge.group) for edge in edges}
    # With [project] dependencies, Poetry's table only says where those come from.
    edges.extend(edge for edge in _poetry(poetry) if (edge.name, edge.group) not in asked)
    name = maybe_text(own, "name", "project") or maybe_text(poetry, "name", "tool.poetry")
    version = maybe_text(own, "version", "project") or maybe_text(poetry, "version", "tool.poetry")
    return Root(name=(name and maybe_normal(name)) or "app", version=version, requires=tuple(edges))


def edge(asked: Requirement, *, group: str | None = None, extra: str | None = None) -> Edge:
    """The requirement of a root as an Edge; a URL stands in the specifier as "@ URL", so that a moved one shows."""
    specifier = f"@ {places.clean(asked.url)}" if asked.url else asked.specifier
    marker = both(asked.marker, extra_marker(extra)) if extra else asked.marker
    return Edge(name=asked.name, specifier=specifier, marker=marker, extras=asked.extras, group=group)


def _lines(parent: Mapping[str, Any], key: str, where: str) -> Iterator[Requirement]:
    for number, line in enumerate(texts(parent, key, where)):
        asked = requirement(line)
        if asked is None:
            raise FieldError(f"{where}.{key}[{number}]", f"{places.shown(line)} is not a requirement")
        yield asked


def _pep621(own: Mapping[str, Any]) -> Iterator[Edge]:
    for asked in _lines(own, "dependencies", "project"):
        yield edge(asked)
    optional = table(own, "optional-dependencies", "project")
    for extra in optional:
        for asked in _lines(optional, extra, "project.optional-dependencies"):
            yield edge(asked, extra=normal(extra, "project.optional-dependencies"))


def _pep735(groups: Mapping[str, Any]) -> Iterator[Edge]:
    for group in groups:
        for asked in _group(groups, group, ()):
            yield edge(asked, group=group)


def _group(groups: Mapping[str, Any], group: str, above: tuple[str, ...]) -> Iterator[Requirement]:
    """The requirements of a group with those it includes; a cycle is cut."""
    if group in above:
        return
    items = groups.get(group, [])
    if not isinstance(items, list):
        raise FieldError(f"dependency-groups.{group}", "should be a list")
    by_normal = {maybe_normal(name): name for name in groups}
    for number, item in enumerate(items):
        included = item.get("include-group") if isinstance(item, dict) else None
        if isinstance(included, str):
            yield from _group(groups, by_normal.get(maybe_normal(included), included), (*above, group))
        elif isinstance(item, str) and (asked := requirement(item)) is not None:
            yield asked
        elif not isinstance(item, dict):
            raise FieldError(f"dependency-groups.{group}[{number}]", "is not a requirement")


def _tools(tool: Mapping[str, Any]) -> Iterator[Edge]:
    """The development requirements of PDM and of early uv, which were lists of PEP 508 texts."""
    groups = table(table(tool, "pdm", "tool"), "dev-dependencies", "tool.pdm")
    for group in groups:
        for line in texts(groups, group, "tool.pdm.dev-dependencies"):
            # PDM allows "-e file:///…#egg=name" here.
            asked = requirement(line.removeprefix("-e "))
            if asked is not None:
                yield edge(asked, group=group)
    for asked in _lines(table(tool, "uv", "tool"), "dev-dependencies", "tool.uv"):
        yield edge(asked, group="dev")


def _poetry(poetry: Mapping[str, Any]) -> Iterator[Edge]:
    extras = table(poetry, "extras", "tool.poetry")
    wanted: dict[str, list[str]] = {}
    for extra in extras:
        for name in texts(extras, extra, "tool.poetry.extras"):
            wanted.setdefault(maybe_normal(name.split("[")[0].split(" ")[0]) or "", []).append(extra)
    yield from poetry_table(table(poetry, "dependencies", "tool.poetry"), "tool.poetry.dependencies", wanted)
    development = table(poetry, "dev-dependencies", "tool.poetry")
    yield from poetry_table(development, "tool.poetry.dev-dependencies", {}, "dev")
    groups = table(poetry, "group", "tool.poetry")
    for group in groups:
        where = f"tool.poetry.group.{group}"
        dependencies = table(table(groups, group, "tool.poetry.group"), "dependencies", where)
        yield from poetry_table(dependencies, f"{where}.dependencies", {}, group)


def poetry_table(
    dependencies: Mapping[str, Any], where: str, extras: Mapping[str, list[str]], group: str | None = None
) -> Iterator[Edge]:
    """The edges of one of Poetry's dependency tables, in pyproject.toml and in poetry.lock alike.

    `extras` says by name which extras bring in what is optional. The entry "python" is no package.
    """
    for key, value in dependencies.items():
        if key.lower() == "python":
            continue
        name = normal(key, where)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, str):
                yield Edge(name=name, specifier="" if item == "*" else item, group=group)
            elif isinstance(item, dict):
                yield _poetry_edge(name, item, f"{where}.{key}", extras.get(name, []), group)
            else:
                raise FieldError(f"{where}.{key}", f"should be a string or a table, is {type(item).__name__}")


def _poetry_edge(name: str, item: Mapping[str, Any], where: str, extras: list[str], group: str | None) -> Edge:
    marker = maybe_text(item, "markers", where)
    if python := maybe_text(item, "python", where):
        marker = both(marker, python_marker(python))
    if platform := maybe_text(item, "platform", where):
        marker = both(marker, f"sys_platform == '{platform}'" if re.fullmatch(r"\w+", platform) else None)
    if flag(item, "optional", where) and extras and not extras_of(marker):
        marker = both(marker, either([extra_marker(extra) for extra in extras]))
    specifier = maybe_text(item, "version", where)
    names = tuple(found for extra in texts(item, "extras", where) if (found := maybe_normal(extra)))
    return Edge(
        name=name,
        specifier=("" if specifier == "*" else specifier) if specifier is not None else _elsewhere(item, where),
        marker=marker,
        extras=names,
        group=group,
    )


def _elsewhere(item: Mapping[str, Any], where: str) -> str:
    """Where a dependency without a version comes from, as "@ …"."""
    if repository := maybe_text(item, "git", where):
        reference = next((found for key in ("rev", "tag", "branch") if (found := maybe_text(item, key, where))), None)
        return f"@ git+{places.clean(repository)}" + (f"@{reference}" if reference else "")
    address = next((found for key in ("url", "path", "file") if (found := maybe_text(item, key, where))), None)
    return f"@ {places.clean(address)}" if address else ""


def python_marker(constraint: str) -> str | None:
    """Poetry's constraint on Python ("^3.8", ">=3.6,<4.0", "~2.7 || ^3.4") as a marker; None when it always holds."""
    if len(constraint) > 500:
        return None
    alternatives = []
    for alternative in re.split(r"\s*\|\|?\s*", constraint.strip()):
        clauses = [_python_clause(*found.groups()) for found in _OPERATOR.finditer(alternative)]
        if not clauses or alternative.strip() == "*":
            return None
        alternatives.append(" and ".join(clauses))
    return either(alternatives)


def _python_clause(operator: str | None, version: str) -> str:
    parts = [part for part in version.replace("*", "").split(".") if part]
    whole = "python_full_version" if len(parts) > 2 else "python_version"
    if operator in ("^", "~"):
        kept = 1 if operator == "^" or len(parts) < 2 else 2
        lower = ".".join(parts if len(parts) > 1 else [*parts, "0"])
        above = [*parts[: kept - 1], str(_number(parts[kept - 1]) + 1), *(["0"] if kept == 1 else [])]
        return f"{whole} >= '{lower}' and python_version < '{'.'.join(above)}'"
    return f"{whole} {operator or '=='} '{version}'"


def _number(text: str) -> int:
    digits = re.match(r"\d{1,9}", text)
    return int(digits.group(0)) if digits else 0
