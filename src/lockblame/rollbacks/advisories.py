"""Security advisories in the OSV format (https://ossf.github.io/osv-schema/): which of them a version is affected by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockblame.errors import ReadError
from lockblame.model import normalize
from lockblame.versions import version_key

ECOSYSTEM = "pypi"
DEEPEST = 6
"""How far down records are looked for: a file is one record, a list of them, or what a scanner or the OSV service answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """One advisory as it speaks of one package. `aliases` are the ids that other databases have given to the same hole.

    `unclear` where it names commits alone, so that it says of no version whether that is affected.
    """

    id: str
    package: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    versions: tuple[str, ...] = ()
    ranges: tuple[tuple[tuple[str, str], ...], ...] = ()
    url: str | None = None
    unclear: bool = False

    def affects(self, version: str) -> bool:
        """Whether that version is affected: it is listed, or it lies in a range (evaluated as the schema says)."""
        key = version_key(version)
        return any(version_key(one) == key for one in self.versions) or any(_within(key, events) for events in self.ranges)


def advisories(text: str, file: str) -> tuple[Advisory, ...]:
    """Every advisory on Python packages in a JSON or JSON Lines file; withdrawn ones are left out.

    Raises ReadError when it is neither or holds no record of the format.
    """
    records = list(_records(_loaded(text, file), DEEPEST))
    if not records:
        raise ReadError(file, "holds no advisory in the OSV format", "give records as the OSV service exports them")
    return tuple(one for record in records if not record.get("withdrawn") for one in _affected(record))


def _loaded(text: str, file: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(row) for row in text.splitlines() if row.strip()]
    except (ValueError, RecursionError) as error:
        raise ReadError(file, f"is neither JSON nor JSON Lines: {str(error).lower()}") from None


def _records(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("id"), str) and isinstance(value.get("affected"), list):
        yield value
    elif depth and isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _records(inner, depth - 1)


def _affected(record: Mapping[str, Any]) -> Iterator[Advisory]:
    summary = record.get("summary") or record.get("details") or ""
    for entry in _dicts(record["affected"]):
        package = entry.get("package")
        if not isinstance(package, dict) or str(package.get("ecosystem", "")).casefold().partition(":")[0] != ECOSYSTEM:
            continue
        versions = tuple(str(one) for one in _list(entry.get("versions")))
        every = _dicts(entry.get("ranges"))
        ranges = tuple(_events(one) for one in every if one.get("type") != "GIT")
        yield Advisory(
            id=record["id"],
            package=normalize(str(package.get("name", ""))),
            aliases=tuple(str(one) for one in _list(record.get("aliases"))),
            summary=str(summary),
            versions=versions,
            ranges=ranges,
            url=_link(record),
            unclear=not versions and not ranges and bool(every),
        )


def _link(record: Mapping[str, Any]) -> str | None:
    """The advisory itself among its references, else the first of them."""
    links = [
        (one.get("type") != "ADVISORY", one["url"]) for one in _dicts(record.get("references")) if isinstance(one.get("url"), str)
    ]
    return min(links, key=lambda link: link[0])[1] if links else None


def _events(range_: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    events = [
        (kind, str(event[kind]))
        for event in _dicts(range_.get("events"))
        for kind in ("introduced", "fixed", "last_affected", "limit")
        if kind in event
    ]
    return tuple(sorted(events, key=lambda one: (one[1] != "0", version_key(one[1]))))


def _within(key: object, events: Sequence[tuple[str, str]]) -> bool:
    limits = [version_key(at) for kind, at in events if kind == "limit" and at != "*"]
    if limits and all(key >= limit for limit in limits):  # type: ignore[operator]
        return False
    affected = False
    for kind, at in events:
        bound = version_key(at)
        if kind == "introduced" and (at == "0" or key >= bound):  # type: ignore[operator]
            affected = True
        elif kind == "limit":
            # the schema's BeforeLimits: beyond all of them the range says nothing
            continue
        elif (kind == "fixed" and key >= bound) or (kind == "last_affected" and key > bound):  # type: ignore[operator]
            affected = False
    return affected


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]
