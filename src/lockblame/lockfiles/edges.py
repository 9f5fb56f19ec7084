"""What readers do to the edges of a whole lock, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockblame.lockfiles.names import both, either, extras_of
from lockblame.model import Edge, Pin, Root


def unasked(pins: Sequence[Pin]) -> tuple[Edge, ...]:
    """Edges to the packages that no other package asks for: what the project must ask for, where nothing else says it."""
    asked = {edge.name for pin in pins for edge in pin.requires if edge.name != pin.name}
    return tuple(Edge(name=name) for name in dict.fromkeys(pin.name for pin in pins) if name not in asked)


def live(pins: Sequence[Pin], roots: Sequence[Root]) -> tuple[Pin, ...]:
    """The pins without edges that lead nowhere or need an extra that nobody asks for.

    Formats that copy a package's metadata list every optional requirement, asked for or not.
    """
    locked = {pin.name for pin in pins} | {root.name for root in roots}
    optional: dict[tuple[str, str], list[Edge]] = {}
    waiting = [edge for root in roots for edge in root.requires]
    for pin in pins:
        for edge in pin.requires:
            extras = extras_of(edge.marker)
            if not extras:
                waiting.append(edge)
            for extra in extras:
                optional.setdefault((pin.name, extra), []).append(edge)
    asked: set[tuple[str, str]] = set()
    while waiting:
        edge = waiting.pop()
        for extra in edge.extras:
            if (edge.name, extra) not in asked:
                asked.add((edge.name, extra))
                waiting.extend(optional.get((edge.name, extra), ()))
    return tuple(_living(pin, locked, asked) for pin in pins)


def _living(pin: Pin, locked: set[str], asked: set[tuple[str, str]]) -> Pin:
    kept = tuple(edge for edge in pin.requires if edge.name in locked and _wanted(pin.name, edge, asked))
    return pin if len(kept) == len(pin.requires) else replace(pin, requires=kept)


def _wanted(name: str, edge: Edge, asked: set[tuple[str, str]]) -> bool:
    needed = extras_of(edge.marker)
    return not needed or any((name, extra) in asked for extra in needed)


def indexes(pins: Sequence[Pin]) -> tuple[str, ...]:
    """The index URLs that the pins name, each once, in the order of the lock."""
    registries = (pin.source.location for pin in pins if pin.source.kind == "registry")
    return tuple(dict.fromkeys(location for location in registries if location))


def grouped(markers: Mapping[str, str | None]) -> str | None:
    """One marker for what is locked for several groups, each under a marker of its own: PEP 751's `'…' in dependency_groups`."""
    if len(set(markers.values())) < 2:
        return next(iter(markers.values()), None)
    return either([both(f"'{group}' in dependency_groups", marker) or "" for group, marker in markers.items()])
