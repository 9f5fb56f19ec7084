"""What a constraint allows: PEP 440 specifiers, and Poetry's own operators (`^`, `~`, `||`, wildcards)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from lockblame.versions import parsed

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_CLAUSE = re.compile(r"(\^|~=|~|===?|!=|<=|>=|<|>)?\s*([0-9A-Za-z][0-9A-Za-z.*+!_-]*+|\*)")
_ZEROS = re.compile(r"(?:\.0)++$")
_SEPARATORS = re.compile(r"[\s,]*+")
_LONGEST = 2_000
"""Characters of a constraint that is looked at; longer ones are nobody's."""


@lru_cache(maxsize=4096)
def allows(constraint: str, version: str) -> bool | None:
    """Whether the constraint lets that version in, pre-releases included; None where that can't be told (a URL)."""
    found = parsed(version)
    alternatives = _alternatives(constraint)
    if found is None or alternatives is None:
        return None
    return any(alternative.contains(found, prereleases=True) for alternative in alternatives)


@lru_cache(maxsize=4096)
def same(a: str, b: str) -> bool:
    """Whether two constraints are the same but for order and spelling ("<6,>=5" and ">=5, <6.0.dev0")."""
    return a == b or _clauses(a) == _clauses(b)


def standard(constraint: str) -> str | None:
    """The constraint as one PEP 440 specifier; None when it can't be written as such."""
    alternatives = _alternatives(constraint)
    return str(alternatives[0]) if alternatives is not None and len(alternatives) == 1 else None


def _clauses(constraint: str) -> frozenset[frozenset[str]]:
    return frozenset(
        frozenset(_bare("".join(clause.split())) for clause in alternative.split(",") if clause.strip() not in ("", "*"))
        for alternative in constraint.split("||")
    )


def _bare(clause: str) -> str:
    """A bound in normal form (2023.03.6 is 2023.3.6), without the zeros that don't change it.

    "<6" leaves the pre-releases of 6 out as "<6.dev0" does.
    """
    named = _CLAUSE.fullmatch(clause)
    version = parsed(named[2]) if named and named[1] and named[1] != "===" else None
    if named and version is not None:
        clause = f"{named[1]}{version}"
    if not clause.startswith(("<", ">=")) or "*" in clause:
        return clause
    return _ZEROS.sub("", clause.removesuffix(".dev0") if clause.startswith("<") else clause)


@lru_cache(maxsize=4096)
def _alternatives(constraint: str) -> tuple[SpecifierSet, ...] | None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if constraint.lstrip().startswith("@") or len(constraint) > _LONGEST:
        return None
    found = []
    for alternative in re.split(r"\|\|?", constraint):
        specifier = _specifier(alternative)
        if specifier is None:
            return None
        try:
            found.append(SpecifierSet(specifier))
        except InvalidSpecifier:
            return None
    return tuple(found)


def _specifier(alternative: str) -> str | None:
    """Clauses that all must hold, as PEP 440 writes them; None when something isn't a clause."""
    clauses: list[str] = []
    place = _SEPARATORS.match(alternative).end()  # type: ignore[union-attr]  # matches the empty text too
    while place < len(alternative):
        found = _CLAUSE.match(alternative, place)
        if found is None:
            return None
        clause = _clause(*found.groups())
        if clause is None:
            return None
        clauses.extend(clause)
        place = _SEPARATORS.match(alternative, found.end()).end()  # type: ignore[union-attr]
    return ",".join(clauses)


def _clause(operator: str | None, version: str) -> list[str] | None:
    if version == "*":
        return []
    if operator in ("^", "~"):
        return _up_to(operator, version)
    if operator is None:
        return [f"=={version}"]
    return [f"{operator}{version}"]


def _up_to(operator: str, version: str) -> list[str] | None:
    """Poetry's caret keeps the leftmost part that isn't zero, its tilde the minor part (the major, where no other is given)."""
    lower = parsed(version)
    if lower is None:
        return None
    release = lower.release
    if operator == "~":
        kept = min(len(release), 2)
    else:
        kept = next((place + 1 for place, part in enumerate(release) if part), len(release))
    upper = [*release[: kept - 1], release[kept - 1] + 1]
    return [f">={version}", f"<{'.'.join(map(str, upper))}.dev0"]
