"""Package names and one-line requirements (PEP 508) as locks write them, cut apart without parsing markers or versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lockblame.fields import FieldError

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?"
_NAME = re.compile(NAME)
_RUNS = re.compile(r"[-_.]+")
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HEAD = re.compile(rf"\s*({NAME})\s*(?:\[([^\[\]]{{0,2000}})\])?\s*", re.ASCII)
_CLAUSE = re.compile(r"\s*(?:===|~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9][A-Za-z0-9._*+!-]*\s*", re.ASCII)
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]{1,200})['"]""")


@lru_cache(maxsize=20_000)
def _normal(name: str) -> str | None:
    if _PLAIN.fullmatch(name):
        return name
    return _RUNS.sub("-", name).lower() if _NAME.fullmatch(name) else None


def normal(name: object, place: str) -> str:
    """The normalized name (PEP 503); FieldError at `place` when it isn't a string that could name a package."""
    if not isinstance(name, str):
        raise FieldError(place, "is missing" if name is None else f"should be a string, is {type(name).__name__}")
    found = _normal(name)
    if found is None:
        raise FieldError(place, f"{name[:80]!r} can't be the name of a package")
    return found


def maybe_normal(name: str) -> str | None:
    """The normalized name, None when no package can have it."""
    return _normal(name)


def extras_of(marker: str | None) -> tuple[str, ...]:
    """The extras that a marker asks for with `extra == "…"`, normalized, in order."""
    if not marker or "extra" not in marker:
        return ()
    return tuple(dict.fromkeys(_RUNS.sub("-", extra).lower() for extra in _EXTRA.findall(marker)))


def both(first: str | None, second: str | None) -> str | None:
    """The marker that holds when both hold."""
    if not first or not second:
        return first or second or None
    return f"{_bracketed(first)} and {_bracketed(second)}"


def either(markers: list[str]) -> str | None:
    """The marker that holds when one of them does; None when there are none."""
    distinct = list(dict.fromkeys(markers))
    if len(distinct) < 2:
        return distinct[0] if distinct else None
    return " or ".join(_bracketed(marker) for marker in distinct)


def _bracketed(marker: str) -> str:
    return f"({marker})" if " or " in marker or " and " in marker else marker


def extra_marker(extra: str) -> str:
    """The marker of what is only required with that extra."""
    return f"extra == '{extra}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """`name[extras] specifier ; marker`, or `name @ url ; marker`. `specifier` is without blanks and brackets."""

    name: str
    extras: tuple[str, ...] = ()
    specifier: str = ""
    url: str | None = None
    marker: str | None = None

    @property
    def pinned(self) -> str | None:
        """The version of `==` or `===` when it is exactly one."""
        operator, version = self.specifier[:2], self.specifier[2:].removeprefix("=")
        return version if operator == "==" and "," not in version and "*" not in version else None


def requirement(line: str) -> Requirement | None:
    """The requirement on one line, already without comment and options; None when it isn't one. Linear in its length."""
    head = _HEAD.match(line)
    if head is None or (name := _normal(head.group(1))) is None:
        return None
    extras = _extras(head.group(2))
    if extras is None:
        return None
    rest = line[head.end() :]
    if rest.startswith("@"):
        return _direct(name, extras, rest[1:].strip())
    specifier, semicolon, marker = rest.partition(";")
    cut = _specifier(specifier.strip())
    if cut is None or (semicolon and not marker.strip()):
        return None
    return Requirement(name=name, extras=extras, specifier=cut, marker=marker.strip() or None)


def _direct(name: str, extras: tuple[str, ...], rest: str) -> Requirement | None:
    # PEP 508 wants a blank before the semicolon of a URL requirement; a semicolon inside belongs to the URL.
    found = re.search(r"\s;|;\s", rest)
    url, marker = (rest[: found.start()], rest[found.end() :]) if found else (rest, "")
    url = url.strip()
    if not url or re.search(r"\s", url):
        return None
    return Requirement(name=name, extras=extras, url=url, marker=marker.strip() or None)


def _extras(inside: str | None) -> tuple[str, ...] | None:
    if inside is None or not inside.strip():
        return ()
    names = [_normal(part.strip()) for part in inside.split(",")]
    return tuple(name for name in names if name) if all(names) else None


def _specifier(text: str) -> str | None:
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    if not text:
        return ""
    if "===" in text and "," in text:
        return None
    clauses = [clause for clause in text.split(",") if clause.strip()]
    if not all(_CLAUSE.fullmatch(clause) for clause in clauses):
        return None
    return ",".join("".join(clause.split()) for clause in clauses)
