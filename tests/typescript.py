"""Values held against TypeScript declarations (`interface`, `type`), which is how some APIs are described in public.

As much of the language as such declarations use: objects, arrays, unions, literals, `extends`, Omit and Record. A null stands for
anything, because these descriptions don't tell what may be null.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_TOKEN = re.compile(r"""\s*(?://[^\n]*|/\*.*?\*/|('[^']*'|"[^"]*"|[A-Za-z_$][\w$.]*|-?\d+|=>|[{}\[\]<>|&;:?,()=]))""", re.DOTALL)
_PLAIN: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "Date": (str,),
    "object": (dict,),
}


def published(name: str, version: str, inner: str, folder: Path) -> str:
    """The text of a file in a package of npm, which is fetched with npm itself; skips where there is none."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    done = subprocess.run([npm, "pack", f"{name}@{version}", "--json"], cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"{name} can't be had from npm")
    with tarfile.open(folder / json.loads(done.stdout)[0]["filename"].replace("@", "").replace("/", "-")) as archive:
        member = archive.extractfile(f"package/{inner}")
        assert member is not None
        return member.read().decode()


class Declarations:
    """The declarations in the text of a .d.ts file, read when they are needed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[str, Any] = {}

    def faults(self, value: object, name: str, *, missing: tuple[str, ...] | None = None) -> list[str]:
        """What in `value` isn't as `name` is declared, undeclared keys included; none is right.

        Keys that are declared as always there may be missing, unless `missing` names the only ones that may.
        """
        return list(self._faults(value, self.declared(name), name, missing))

    def keys(self, name: str) -> set[str]:
        """The keys that `name` declares."""
        return set(self.declared(name)[1])

    def parameters(self, method: str) -> set[str]:
        """The keys of the `query` of a method of a generated client."""
        found = re.search(rf"\b{re.escape(method)}:\s*\([^{{]*query\?:\s*", self._text)
        assert found, f"{method} is not declared"
        return set(_Reader(self._text, found.end()).type()[1])

    def declared(self, name: str) -> Any:
        """The shape that `name` stands for."""
        if name not in self._known:
            found = re.search(
                rf"^(?:export |declare )*(?:interface|type) {re.escape(name)}\b(?:<[^>{{=]*>)?\s*", self._text, re.MULTILINE
            )
            assert found, f"{name} is not declared"
            self._known[name] = _Reader(self._text, found.end()).declaration()
            bases = self._known[name][2] if self._known[name][0] == "object" else ()
            members: dict[str, Any] = {}
            for base in bases:
                resolved = self._resolved(base)
                members |= resolved[1] if resolved[0] == "object" else {}
            if bases:
                self._known[name] = ("object", {**members, **self._known[name][1]}, ())
        return self._known[name]

    def _resolved(self, shape: Any) -> Any:
        """Names replaced by what they stand for, one step deep."""
        if shape[0] != "name" or shape[1] in _PLAIN or shape[1] in ("any", "unknown", "null", "undefined", "Record", "Array"):
            return shape
        if shape[1] in ("Omit", "MappedOmit", "Partial"):
            inner = self._resolved(shape[2][0])
            left = {each[1] for each in _options(shape[2][1])} if len(shape[2]) > 1 else set()
            return "object", {key: member for key, member in inner[1].items() if key not in left}, ()
        return self._resolved(self.declared(shape[1]))

    def _faults(self, value: object, shape: Any, place: str, missing: tuple[str, ...] | None) -> Iterator[str]:
        shape = self._resolved(shape)
        if value is None:
            return
        if shape[0] == "union":
            tried = [list(self._faults(value, option, place, missing)) for option in shape[1]]
            yield from min(tried, key=len)
        elif shape[0] == "array":
            if not isinstance(value, list):
                yield f"{place}: is no array"
                return
            for number, item in enumerate(value):
                yield from self._faults(item, shape[1], f"{place}[{number}]", missing)
        elif shape[0] == "literal":
            if value != shape[1]:
                yield f"{place}: is {value!r}, not {shape[1]!r}"
        elif shape[0] == "object":
            yield from self._members(value, shape[1], place, missing)
        elif shape[1] in _PLAIN and (
            not isinstance(value, _PLAIN[shape[1]]) or (shape[1] == "number" and isinstance(value, bool))
        ):
            yield f"{place}: is {type(value).__name__}, not {shape[1]}"

    def _members(self, value: object, members: dict[str, Any], place: str, missing: tuple[str, ...] | None) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{place}: is no object"
            return
        for key, item in value.items():
            if key not in members:
                yield f"{place}.{key}: is not declared"
            else:
                yield from self._faults(item, members[key][0], f"{place}.{key}", missing)
        if missing is not None:
            for key, (_, optional) in members.items():
                if not optional and key not in value and key not in missing:
                    yield f"{place}.{key}: is missing"


def _options(shape: Any) -> list[Any]:
    return shape[1] if shape[0] == "union" else [shape]


class _Reader:
    """Reads one type or declaration from a place in the text."""

    def __init__(self, text: str, start: int) -> None:
        self._tokens = (found[1] for found in _TOKEN.finditer(text, start) if found[1])
        self._next = next(self._tokens)

    def _take(self, wanted: str | None = None) -> str:
        token = self._next
        assert wanted in (None, token), f"{wanted} expected, {token} found"
        self._next = next(self._tokens, "")
        return token

    def declaration(self) -> Any:
        if self._next == "=":
            self._take()
            return self.type()
        bases = []
        if self._next == "extends":
            while self._next != "{":
                self._take()
                bases.append(self._part())
        return ("object", self.type()[1], tuple(bases))

    def type(self) -> Any:
        if self._next in ("|", "&"):
            self._take()
        parts = [self._part()]
        joint = ""
        while self._next in ("|", "&"):
            joint = self._take()
            parts.append(self._part())
        if joint == "&":
            merged: dict[str, Any] = {}
            for part in parts:
                merged |= part[1] if part[0] == "object" else {}
            return "object", merged, ()
        return parts[0] if len(parts) == 1 else ("union", parts)

    def _part(self) -> Any:
        shape = self._primary()
        while self._next == "[":
            self._take()
            self._take("]")
            shape = ("array", shape)
        return shape

    def _primary(self) -> Any:
        token = self._take()
        if token == "{":
            return self._object()
        if token == "(":
            inner = self.type()
            self._take(")")
            return inner
        if token[0] in "'\"":
            return "literal", token[1:-1]
        if token in ("true", "false"):
            return "literal", token == "true"
        arguments = []
        if self._next == "<":
            while self._take() != ">":
                arguments.append(self.type())
        return ("array", arguments[0]) if token == "Array" else ("name", token, arguments)

    def _object(self) -> Any:
        members: dict[str, Any] = {}
        while self._next != "}":
            if self._next == "[":
                while self._take() != "]":
                    pass
                key = ""
            else:
                key = self._take().strip("'\"")
            optional = self._next == "?"
            if optional:
                self._take()
            self._take(":")
            members[key] = (self.type(), optional)
            if self._next in (";", ","):
                self._take()
        self._take("}")
        return "object", members, ()
