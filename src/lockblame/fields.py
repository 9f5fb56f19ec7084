"""Typed getters for untyped documents (TOML, JSON): the only place that looks at a value's type.

Each takes the table, the key and where the table stands ("package[3]"), and raises FieldError with the whole path to what is
wrong ("package[3].version"). Readers turn that into a LockParseError with the file's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class FieldError(Exception):
    """`place` is the key path, `detail` what is wrong there."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(place, detail)
        self.place = place
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.place}: {self.detail}"


_NAMES = {str: "a string", int: "a number", bool: "true or false", list: "a list", dict: "a table"}


def _place(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _checked(value: Any, kind: type, place: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FieldError(place, f"should be {_NAMES[kind]}, is {_NAMES.get(type(value), type(value).__name__)}")
    return value


def text(table: Mapping[str, Any], key: str, where: str = "") -> str:
    """The string at `key`; FieldError when it is missing or something else."""
    if key not in table:
        raise FieldError(_place(where, key), "is missing")
    return str(_checked(table[key], str, _place(where, key)))


def maybe_text(table: Mapping[str, Any], key: str, where: str = "") -> str | None:
    """The string at `key`, None when it is missing or null."""
    value = table.get(key)
    return None if value is None else str(_checked(value, str, _place(where, key)))


def maybe_number(table: Mapping[str, Any], key: str, where: str = "") -> int | None:
    """The integer at `key`, None when it is missing or null."""
    value = table.get(key)
    return None if value is None else int(_checked(value, int, _place(where, key)))


def flag(table: Mapping[str, Any], key: str, where: str = "") -> bool:
    """The boolean at `key`, False when it is missing or null."""
    value = table.get(key)
    return False if value is None else bool(_checked(value, bool, _place(where, key)))


def table(parent: Mapping[str, Any], key: str, where: str = "") -> Mapping[str, Any]:
    """The table at `key`, empty when it is missing or null."""
    value = parent.get(key)
    return {} if value is None else dict(_checked(value, dict, _place(where, key)))


def tables(parent: Mapping[str, Any], key: str, where: str = "") -> Sequence[Mapping[str, Any]]:
    """The list of tables at `key`, empty when it is missing or null."""
    value = parent.get(key)
    if value is None:
        return ()
    place = _place(where, key)
    for number, item in enumerate(_checked(value, list, place)):
        _checked(item, dict, f"{place}[{number}]")
    return list(value)


def texts(parent: Mapping[str, Any], key: str, where: str = "") -> tuple[str, ...]:
    """The list of strings at `key`, empty when it is missing or null."""
    value = parent.get(key)
    if value is None:
        return ()
    place = _place(where, key)
    return tuple(str(_checked(item, str, f"{place}[{number}]")) for number, item in enumerate(_checked(value, list, place)))
