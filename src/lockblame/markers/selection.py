"""What one environment would install of a Snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lockblame.errors import ReadError
from lockblame.markers.comparisons import PLATFORMS, SETS, Comparison, combined, holds, spelled, taken_apart
from lockblame.model import Edge, Environment, Gap, Pin, Root, Snapshot

_MACHINES = {
    ("win32", "x86_64"): "AMD64",
    ("win32", "aarch64"): "ARM64",
    ("darwin", "aarch64"): "arm64",
    ("linux", "arm64"): "aarch64",
}
_BY_GRAPH = {"uv", "poetry"}
"""Formats that install what is reached from the project; the others install what they list, as far as its markers hold."""


def values_of(environment: Environment) -> dict[str, str]:
    """The marker variables of that machine (PEP 508), CPython's; "3.12" stands for 3.12.0.

    ReadError when `python` isn't a version.
    """
    from packaging.version import InvalidVersion, Version

    try:
        python = Version(environment.python)
    except InvalidVersion:
        raise ReadError(f"python {environment.python!r}", "is not a version", "write it like 3.12") from None
    full = environment.python if len(python.release) > 2 else f"{python.major}.{python.minor}.0"
    system, os_name = PLATFORMS.get(environment.platform, (environment.platform.capitalize(), "posix"))
    return {
        "python_version": f"{python.major}.{python.minor}",
        "python_full_version": full,
        "implementation_version": full,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": environment.platform,
        "platform_system": system,
        "os_name": os_name,
        "platform_machine": _MACHINES.get((environment.platform, environment.machine), environment.machine),
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }


class _Machine:
    """One environment that answers for markers, and remembers its answers."""

    def __init__(self, environment: Environment, roots: Sequence[Root]) -> None:
        self.values = values_of(environment)
        self.extras = frozenset(map(spelled, environment.extras))
        groups = frozenset(map(spelled, environment.groups))
        self.groups = groups | {"main", "default"}
        # uv names the extras and groups of a conflict by the package they belong to, and the length of its name.
        self.conflicts = frozenset(
            f"{kind}-{len(root.name)}-{root.name}-{name}"
            for root in roots
            for kind, names in (("extra", self.extras), ("group", groups))
            for name in names
        )
        self.strange: dict[str, str] = {}
        self._known: dict[tuple[str, frozenset[str]], bool] = {}

    def holds(self, marker: str | None, extras: frozenset[str], owner: str) -> bool:
        """Whether the marker holds with these extras switched on; one that can't be read does, and is remembered."""
        if marker is None:
            return True
        known = self._known.get((marker, extras))
        if known is None:
            parts = taken_apart(marker) if marker.strip() else ()
            if parts is None:
                self.strange.setdefault(owner, marker)
            known = not parts or bool(combined(parts, lambda comparison: self._truth(comparison, extras)))
            self._known[(marker, extras)] = known
        return known

    def _truth(self, comparison: Comparison, extras: frozenset[str]) -> bool:
        if comparison.variable in SETS:
            switched_on = self.groups if comparison.variable == "dependency_groups" else extras | self.conflicts
            return (spelled(comparison.value) in switched_on) == comparison.within
        return holds(comparison, self.values.get(comparison.variable, ""))

    def grouped(self, groups: Sequence[str]) -> bool:
        """Whether one of the groups is installed; what belongs to none is."""
        return not groups or any(spelled(group) in self.groups for group in groups)

    def takes(self, pin: Pin) -> bool:
        """Whether the pin's own marker, groups and optionality let it in."""
        return (
            (not pin.optional or bool(self.extras))
            and self.grouped(pin.groups)
            and self.holds(pin.marker, self.extras.union(map(spelled, pin.extras)), pin.name)
        )

    def held(self, edges: Sequence[Edge], extras: frozenset[str], owner: str) -> tuple[Edge, ...]:
        """The edges that hold with these extras of their owner."""
        return tuple(
            edge for edge in edges if self.grouped((edge.group,) if edge.group else ()) and self.holds(edge.marker, extras, owner)
        )


def select(snapshot: Snapshot, environment: Environment) -> Snapshot:
    """What `environment` would install: the same Snapshot without the other pins, and without the edges that don't hold there.

    Pins are reached from the roots through edges whose markers hold, with the extras and groups of the environment (the groups
    "main" and "default" are always in); of forks those whose own marker holds. Formats that list what is installed
    (requirements, pylock, …), and locks whose roots aren't known, go by the pins' own markers, groups and extras. A marker that
    can't be read counts as holding, and is a Gap.

    Raises ReadError when `environment.python` isn't a version.
    """
    if snapshot.parts:
        parts = tuple(select(part, environment) for part in snapshot.parts)
        return replace(snapshot, parts=parts, pins=tuple(pin for part in parts for pin in part.pins))
    machine = _Machine(environment, snapshot.roots)
    taken = [number for number, pin in enumerate(snapshot.pins) if machine.takes(pin)]
    if snapshot.format in _BY_GRAPH and any(root.requires for root in snapshot.roots):
        extras, switched_on = _reached(snapshot, machine, taken)
    else:
        switched_on = {}
        extras = {number: frozenset(map(spelled, snapshot.pins[number].extras)) for number in taken}
    pins = tuple(
        replace(pin, requires=machine.held(pin.requires, extras[number], pin.name))
        for number, pin in enumerate(snapshot.pins)
        if number in extras
    )
    roots = tuple(
        replace(root, requires=machine.held(root.requires, machine.extras | switched_on.get(root.name, frozenset()), root.name))
        for root in snapshot.roots
    )
    gaps = tuple(_gap(snapshot, owner, marker) for owner, marker in sorted(machine.strange.items()))
    return replace(snapshot, pins=pins, roots=roots, gaps=(*snapshot.gaps, *gaps))


def _gap(snapshot: Snapshot, owner: str, marker: str) -> Gap:
    short = marker if len(marker) < 80 else f"{marker[:77]}..."
    detail = f"{snapshot.origin}: a marker of {owner} can't be read and counts as holding: {short}"
    return Gap(subject=owner, reason="marker", detail=detail, hint="lock again with a current tool")


def _reached(
    snapshot: Snapshot, machine: _Machine, taken: Sequence[int]
) -> tuple[dict[int, frozenset[str]], dict[str, frozenset[str]]]:
    """The numbers of the pins that are reached, and the names of the roots, each with the extras that were asked of it."""
    numbers: dict[str, list[int]] = {}
    for number in taken:
        numbers.setdefault(snapshot.pins[number].name, []).append(number)
    roots = {root.name: root for root in snapshot.roots}
    reached: dict[int, frozenset[str]] = {}
    members: dict[str, frozenset[str]] = {}
    waiting = [edge for root in snapshot.roots for edge in machine.held(root.requires, machine.extras, root.name)]
    while waiting:
        edge = waiting.pop()
        extras = frozenset(map(spelled, edge.extras))
        member = roots.get(edge.name)
        if member is not None and not extras <= members.get(edge.name, frozenset()):
            # A member asks for extras of another one, or the project for some of its own.
            members[edge.name] = extras | members.get(edge.name, frozenset())
            waiting.extend(machine.held(member.requires, machine.extras | members[edge.name], member.name))
        for number in _chosen(snapshot.pins, numbers.get(edge.name, []), edge):
            before = reached.get(number)
            if before is None or not extras <= before:
                reached[number] = extras | (before or frozenset())
                pin = snapshot.pins[number]
                waiting.extend(machine.held(pin.requires, reached[number], pin.name))
    return reached, members


def _chosen(pins: Sequence[Pin], numbers: Sequence[int], edge: Edge) -> Sequence[int]:
    if edge.version is None or len(numbers) < 2:
        return numbers
    return [number for number in numbers if pins[number].version == edge.version] or numbers
