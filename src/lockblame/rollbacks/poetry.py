"""Poetry: an entry in an optional group of its own at the end of pyproject.toml.

Poetry has no constraints beside its dependencies. But it locks all groups together, optional ones too, and installs an optional
group only when that is asked for (https://python-poetry.org/docs/managing-dependencies/#optional-groups): an entry there narrows
what is locked and adds nothing to what is installed or published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lockblame.errors import RollbackError
from lockblame.rollbacks import tables
from lockblame.rollbacks.demands import refuse
from lockblame.rollbacks.marks import MARK, Wanted, newline, quoted

GROUP = ("tool", "poetry", "group", "lockblame")
TABLE = (*GROUP, "dependencies")


def constrain(text: str, wanted: Sequence[Wanted], file: str = "pyproject.toml") -> str:
    """The text with an entry for each of `wanted`; the same text where they are all there already.

    Raises RollbackError when the file is no TOML, is no project of Poetry's, or something in it rules a wanted version out.
    """
    document = tables.parse(text, file)
    if not isinstance(tables.get(document, ("tool", "poetry")) or tables.get(document, ("project",)), dict):
        raise RollbackError(file, "has neither [tool.poetry] nor [project]", "name the project's own pyproject.toml with --file")
    there = tables.get(document, TABLE)
    if there is not None and not isinstance(there, dict):
        raise RollbackError(file, f"{'.'.join(TABLE)} should be a table", "correct the file first")
    entries = _entries(wanted)
    missing = {name: value for name, value in entries.items() if name not in (there or {})}
    taken = next((name for name, value in entries.items() if name not in missing and (there or {})[name] != value), None)
    if taken is not None:
        raise RollbackError(
            file, f"{'.'.join(TABLE)} has {taken} already, with another version", "undo that rollback first (--undo)"
        )
    if not missing:
        return text
    refuse(document, wanted, file)
    lines = _lines(wanted, missing, newline(text))
    expected = tables.with_value(document, TABLE, {**(there or {}), **missing})
    if there is None:
        expected = tables.with_value(expected, (*GROUP, "optional"), True)
    by_hand = f"add below [{'.'.join(TABLE)}]: {'; '.join(line.strip() for line in lines)}"
    return tables.first_that_holds(file, _candidates(text, lines), expected, by_hand)


def _entries(wanted: Sequence[Wanted]) -> dict[str, Any]:
    """By name what stands behind it: a version, or where forks differ a list of tables with their markers."""
    entries: dict[str, Any] = {}
    for one in wanted:
        if one.marker is None:
            entries[one.name] = f"=={one.version}"
        else:
            entries.setdefault(one.name, []).append({"version": f"=={one.version}", "markers": one.marker})
    return entries


def _lines(wanted: Sequence[Wanted], missing: dict[str, Any], feed: str) -> list[str]:
    comments = {one.name: one.comment for one in reversed(wanted)}
    return [f"{name} = {_written(value)}  {comments[name]}{feed}" for name, value in missing.items()]


def _written(value: str | list[dict[str, str]]) -> str:
    if isinstance(value, str):
        return quoted(value)
    tables = (", ".join(f"{key} = {quoted(text)}" for key, text in table.items()) for table in value)
    return f"[{', '.join(f'{{ {table} }}' for table in tables)}]"


def _candidates(text: str, lines: Sequence[str]) -> Iterator[str]:
    feed, rows = newline(text), "".join(lines)
    for place in tables.headers(text, TABLE):
        yield f"{text[:place]}{rows}{text[place:]}"
    group = f"[{'.'.join(GROUP)}]  {MARK}{feed}optional = true{feed}{feed}"
    yield f"{text}{feed}{group}[{'.'.join(TABLE)}]  {MARK}{feed}{rows}"
