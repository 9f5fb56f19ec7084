"""Which changes are of what only development needs: locked for groups, or in files, that a deploy leaves out as a rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lockblame.graph import Graph
from lockblame.model import Change, Delta, Pin, Root, Snapshot

_WORD = (
    r"(?:dev|devel|develop|development|tests?|testing|lint(?:ing|ers?)?|docs?|documentation|types?|typing|mypy|ci|qa|style"
    r"|format(?:ting)?|bench(?:marks?)?|pre-commit)"
)
_GROUP = re.compile(rf"{_WORD}(?:-.+)?|.+-(?:dev|tests?|docs?)")
_FILE = re.compile(rf"(?:.+[-_.])?{_WORD}(?:[-_.].+)?")
_FOLDER = re.compile(_WORD)

Key = tuple[str, str | None]


def development_only(delta: Delta) -> Mapping[Key, tuple[str, ...]]:
    """(name, lock) of each change of a package that is needed for development alone, on both sides → those groups, or the file.

    A group is known by its name: "dev", "test", "docs" and their like. Without groups in the lock nothing is said.
    """
    found: dict[Key, tuple[str, ...]] = {}
    for part in delta.parts or (delta,):
        sides = [_groups(side) for side in (part.before, part.after)]
        for change in part.changes:
            if change.lock is not None and _is_development(change.lock):
                found[change.name, change.lock] = (change.lock,)
            elif groups := _both(change, sides):
                found[change.name, change.lock] = groups
    return found


def _both(change: Change, sides: list[Mapping[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """The groups that a change is for on each side where its package is locked; none where one side has it for more."""
    told = [
        groups.get(change.name, ()) for groups, pin in zip(sides, (change.before, change.after), strict=True) if pin is not None
    ]
    return tuple(sorted({one for groups in told for one in groups})) if all(told) else ()


def _groups(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """The groups of each package that no other group and no dependency of the project itself needs."""
    if any(pin.groups for pin in snapshot.pins):
        return {name: groups for name in snapshot.names if (groups := _stated(snapshot.get(name)))}
    roots = {edge.group for root in snapshot.roots for edge in root.requires}
    if not any(group and _GROUP.fullmatch(group) for group in roots):
        return {}
    graph = _Downward(snapshot)
    deployed = graph.below(group for group in roots if not (group and _GROUP.fullmatch(group)))
    found: dict[str, list[str]] = {}
    for group in sorted(group for group in roots if group and _GROUP.fullmatch(group)):
        for name in graph.below([group]) - deployed:
            found.setdefault(name, []).append(group)
    return {name: tuple(groups) for name, groups in found.items()}


def _stated(pins: Iterable[Pin]) -> tuple[str, ...]:
    """The groups that the lock itself writes, when all of them are for development."""
    groups = [pin.groups for pin in pins]
    every = {group for several in groups for group in several}
    return tuple(sorted(every)) if all(groups) and all(_GROUP.fullmatch(group) for group in every) else ()


class _Downward:
    """What each group of a lock's roots brings along."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._asked: dict[str | None, list[Pin]] = {}
        self._children: dict[int, list[Pin]] = {}
        for parent, edge, pin in Graph(snapshot).edges():
            if isinstance(parent, Root):
                self._asked.setdefault(edge.group, []).append(pin)
            else:
                self._children.setdefault(id(parent), []).append(pin)

    def below(self, groups: Iterable[str | None]) -> set[str]:
        """The names of all that the groups need, None being what the project needs itself."""
        waiting = [pin for group in groups for pin in self._asked.get(group, ())]
        seen = {id(pin) for pin in waiting}
        names = set()
        while waiting:
            pin = waiting.pop()
            names.add(pin.name)
            for child in self._children.get(id(pin), ()):
                if id(child) not in seen:
                    seen.add(id(child))
                    waiting.append(child)
        return names


def _is_development(path: str) -> bool:
    """Whether a lock's path says so: requirements-dev.txt, requirements/test.txt, docs/requirements.txt."""
    *folders, file = path.replace("\\", "/").lower().split("/")
    stem = file.rpartition(".")[0] or file
    return _FILE.fullmatch(stem) is not None or any(_FOLDER.fullmatch(folder) for folder in folders)
