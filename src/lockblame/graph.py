"""Who requires whom: the edges of a Snapshot resolved to its pins, and the paths from its roots to a package.

Nodes are the roots and every single pin, so that two forks of one package keep their own requirements; what comes back speaks
of names. Shortest paths are found best first with the exact distance from the roots as the estimate (Hart, Nilsson and Raphael
1968): each step goes straight to a root, so the k shortest cost about k times their length, however many paths there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from heapq import heappop, heappush
from typing import NamedTuple

from lockblame.model import Edge, Path, Pin, Root, Snapshot

_EXTRA = re.compile(r"""\bextra\s*+==\s*+['"]([^'"]{1,200})['"]""")
_CONFLICT = re.compile(r"(?:extra|group|project)-\d++-")
_FORKS = 64
"""How many forks of one name an edge leads to that names none of them: the newest. Real locks have a handful."""
_DEEP = 100
"""How many steps away from the roots a package still has more than its shortest path; real locks have less than twenty."""
_STEPS_FOR_ALL = 2_000
_STEPS_FOR_EACH = 60
"""How long the search for simple paths goes on where cycles keep running into themselves."""


class Parent(NamedTuple):
    """One that requires a package: a root or a pin, and with which edge."""

    node: Root | Pin
    edge: Edge

    @property
    def root(self) -> bool:
        """Whether it is a root."""
        return isinstance(self.node, Root)

    @property
    def name(self) -> str:
        """Its name, as paths show it."""
        return self.node.name


class _Step(NamedTuple):
    """A way to go on from a package towards the roots: all nodes of one name that require it, and how far they are."""

    distance: int
    name: str
    root: bool
    nodes: tuple[int, ...]


def _order(node: Root | Pin) -> tuple[str, str]:
    return node.name, node.version or ""


class _Resolution:
    """Which edge leads to which nodes; one that needs an extra only where the extra is asked for.

    What no edge leads to then was brought by an extra that somebody asked for without its being written (the roots of a lock
    without a project beside it): those edges count after all.
    """

    def __init__(self, nodes: Sequence[Root | Pin], roots: Sequence[Root], by_name: Mapping[str, list[int]]) -> None:
        self.parents: list[list[tuple[int, Edge]]] = [[] for _ in nodes]
        self._nodes = nodes
        self._roots = {root.name: number for number, root in enumerate(roots)}
        self._by_name = by_name
        self._known: dict[tuple[str, str | None, tuple[str, ...]], list[int]] = {}
        self._asked: dict[int, set[str]] = {}
        self._guarded: dict[int, list[tuple[frozenset[str], Edge]]] = {}
        self._take_plain(len(roots))
        self._follow(list(self._asked))
        while self._guarded and self._take_for_orphans(len(roots)):
            pass

    def _take_plain(self, roots: int) -> None:
        for number, node in enumerate(self._nodes):
            if isinstance(node, Pin) and node.extras:
                self._asked.setdefault(number, set()).update(map(spelled, node.extras))
            for edge in node.requires:
                needed = _extras(edge.marker) if number >= roots and edge.marker and "extra" in edge.marker else None
                if needed:
                    self._guarded.setdefault(number, []).append((needed, edge))
                else:
                    self._take(number, edge)

    def _follow(self, waiting: list[int]) -> None:
        """Takes the edges whose extras are asked for, and what those ask for in turn."""
        while waiting:
            number = waiting.pop()
            asked = self._asked.get(number, set())
            for needed, edge in self._guarded.pop(number, ()):
                if asked & needed:
                    waiting.extend(self._take(number, edge))
                else:
                    self._guarded.setdefault(number, []).append((needed, edge))

    def _take_for_orphans(self, roots: int) -> bool:
        orphans = {number for number, parents in enumerate(self.parents) if not parents and number >= roots}
        grown: list[int] = []
        for number, guarded in list(self._guarded.items()):
            leading = [one for one in guarded if any(target in orphans and target != number for target in self._targets(one[1]))]
            if leading:
                self._guarded[number] = [one for one in guarded if one not in leading]
                grown.append(number)
                for _, edge in leading:
                    grown.extend(self._take(number, edge))
        self._follow(grown)
        return bool(grown)

    def _take(self, number: int, edge: Edge) -> list[int]:
        """Adds the edge; the nodes of which it asks extras that nobody asked for yet."""
        grown = []
        for target in self._targets(edge):
            if target != number:
                self.parents[target].append((number, edge))
            if edge.extras:
                asked = self._asked.setdefault(target, set())
                new = {spelled(extra) for extra in edge.extras} - asked
                if new:
                    asked |= new
                    grown.append(target)
        return grown

    def _targets(self, edge: Edge) -> list[int]:
        """The nodes an edge leads to."""
        key = (edge.name, edge.version, edge.extras)
        targets = self._known.get(key)
        if targets is None:
            targets = self._known[key] = self._found(edge)
        return targets

    def _found(self, edge: Edge) -> list[int]:
        found = self._by_name.get(edge.name)
        if found is None:
            return [self._roots[edge.name]] if edge.name in self._roots else []
        if len(found) == 1:
            return found
        pins = self._nodes
        if edge.version is not None:
            found = [number for number in found if pins[number].version == edge.version] or found
        # PDM has an entry of its own for a package with extras, beside the plain one.
        asked = set(edge.extras)
        fitting = [number for number in found if asked == set(getattr(pins[number], "extras", ()))] or found
        if len(fitting) > _FORKS:
            fitting = sorted(fitting, key=lambda number: _order(pins[number]))[-_FORKS:]
        return fitting


@lru_cache(maxsize=2048)
def _extras(marker: str) -> frozenset[str]:
    """The extras that a marker asks for; uv's names for conflicting ones ("extra-3-app-gpu") speak of the project's."""
    return frozenset(spelled(name) for name in _EXTRA.findall(marker) if not _CONFLICT.match(name))


@lru_cache(maxsize=4096)
def spelled(extra: str) -> str:
    """The one spelling of an extra that compares equal (PEP 685)."""
    return re.sub(r"[-_.]+", "-", extra).lower()


class Graph:
    """The requirements of one lock, resolved. A composite Snapshot has one Graph for each of its parts, not one for all.

    An edge goes to the fork whose version it names, else to every pin of that name; one whose target isn't locked is left out,
    and so is one that needs an extra which nobody asks for.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._roots = snapshot.roots
        self._nodes: tuple[Root | Pin, ...] = (*snapshot.roots, *snapshot.pins)
        self._by_name: dict[str, list[int]] = {}
        for number, pin in enumerate(snapshot.pins, len(self._roots)):
            self._by_name.setdefault(pin.name, []).append(number)
        self._ways: dict[tuple[int, ...], list[_Step]] = {}
        self._upward: dict[int, int] = {}

    # --- what others ask --------------------------------------------------------------------------------------------

    def edges(self) -> Iterator[tuple[Root | Pin, Edge, Pin]]:
        """Every resolved edge: who requires, with which edge, which pin. An edge to another root of the workspace isn't one."""
        for child, parents in enumerate(self._parents):
            pin = self._nodes[child]
            if isinstance(pin, Pin):
                for parent, edge in parents:
                    yield self._nodes[parent], edge, pin

    def parents(self, name: str) -> tuple[str, ...]:
        """The names of all that require `name`, roots and packages, sorted; a package isn't its own parent."""
        return tuple(sorted({parent.name for parent in self.demands(name)} - {name}))

    def demands(self, name: str, pin: Pin | None = None) -> tuple[Parent, ...]:
        """Each edge that leads to `name` (to that one `pin` of it), with whose it is; roots first, then by name and version."""
        numbers = self._by_name.get(name, ())
        if pin is not None and len(numbers) > 1:
            numbers = self._numbers.get(id(pin), ())
        found = [
            (parent, edge)
            for number in numbers
            for parent, edge in self._parents[number]
            if self._nodes[parent].name != name or parent < len(self._roots)
        ]
        if len(found) > 1:
            found.sort(key=lambda one: (one[0] >= len(self._roots), *_order(self._nodes[one[0]]), one[1].specifier))
        return tuple(Parent(node=self._nodes[parent], edge=edge) for parent, edge in found)

    def direct(self, name: str) -> bool:
        """Whether a root asks for `name` itself."""
        return name in self._direct

    def reachable(self, name: str) -> bool:
        """Whether any path leads from a root to `name`."""
        return any(self._distances[number] is not None for number in self._by_name.get(name, ()))

    def paths_to(self, name: str, limit: int = 100) -> tuple[Path, ...]:
        """The paths from the roots to `name`, no name twice in one, shortest first, at most `limit`.

        Where cycles leave nothing but dead ends the search stops after a bounded number of steps with what it has; of a package
        more than a hundred steps away it is the shortest path only.
        """
        return tuple(self._search(name, limit))

    # --- resolution -------------------------------------------------------------------------------------------------

    @cached_property
    def _numbers(self) -> dict[int, list[int]]:
        """The numbers of each pin, by its id: equal pins are still several."""
        numbers: dict[int, list[int]] = {}
        for number, node in enumerate(self._nodes):
            numbers.setdefault(id(node), []).append(number)
        return numbers

    @cached_property
    def _direct(self) -> set[str]:
        count = len(self._roots)
        return {
            self._nodes[child].name
            for child, parents in enumerate(self._parents)
            if child >= count and any(parent < count for parent, _ in parents)
        }

    @cached_property
    def _parents(self) -> list[list[tuple[int, Edge]]]:
        """For each node the nodes that require it."""
        return _Resolution(self._nodes, self._roots, self._by_name).parents

    @cached_property
    def _distances(self) -> list[int | None]:
        """For each node the number of edges from the nearest root; None where none leads to it."""
        children: list[list[int]] = [[] for _ in self._nodes]
        for child, parents in enumerate(self._parents):
            for parent, _ in parents:
                children[parent].append(child)
        distances: list[int | None] = [None] * len(self._nodes)
        level = list(range(len(self._roots)))
        for number in level:
            distances[number] = 0
        distance = 0
        while level:
            distance += 1
            following = []
            for number in level:
                for child in children[number]:
                    if distances[child] is None:
                        distances[child] = distance
                        following.append(child)
            level = following
        return distances

    # --- the search -------------------------------------------------------------------------------------------------

    def _search(self, name: str, limit: int) -> Iterator[Path]:
        """Simple paths, shortest first. An entry of the heap is a path from its end up to one step, and the steps beside it."""
        starts = tuple(number for number in self._by_name.get(name, ()) if self._distances[number] is not None)
        if not starts or limit < 1:
            return
        if min(self._distances[number] or 0 for number in starts) > _DEEP:
            yield self._nearest(starts)
            return
        heap: list[tuple[int, Path, int, Path, list[_Step]]] = []
        self._push(heap, (name,), self._steps(starts), 0)
        found, budget = 0, _STEPS_FOR_ALL + _STEPS_FOR_EACH * limit
        while heap and found < limit and budget:
            budget -= 1
            _, path, at, tail, steps = heappop(heap)
            self._push(heap, tail, steps, at + 1)
            if steps[at].root:
                found += 1
                yield path[::-1]
            self._push(heap, path, self._steps(steps[at].nodes), 0)
        if not found:
            yield self._nearest(starts)

    def _push(self, heap: list[tuple[int, Path, int, Path, list[_Step]]], tail: Path, steps: list[_Step], at: int) -> None:
        while at < len(steps) and steps[at].name in tail:
            at += 1
        if at < len(steps):
            step = steps[at]
            # The place among the steps breaks the tie of a root and a package of one name; the rest never gets compared.
            heappush(heap, (len(tail) + step.distance, (*tail, step.name), at, tail, steps))

    def _steps(self, nodes: tuple[int, ...]) -> list[_Step]:
        """All that require one of `nodes`, put together by name, nearest to the roots first."""
        known = self._ways.get(nodes)
        if known is None:
            by_name: dict[tuple[str, bool], dict[int, int]] = {}
            for node in nodes:
                for parent, _ in self._parents[node]:
                    distance = self._distances[parent]
                    if distance is not None:
                        by_name.setdefault((self._nodes[parent].name, parent < len(self._roots)), {})[parent] = distance
            known = [
                _Step(min(distances.values()), name, root, tuple(sorted(distances)))
                for (name, root), distances in by_name.items()
            ]
            known.sort()
            self._ways[nodes] = known
        return known

    def _nearest(self, starts: tuple[int, ...]) -> Path:
        """The shortest way at all: where only a fork of the same name leads to a package, no path is without a repetition."""
        node = min(starts, key=lambda number: (self._distances[number] or 0, *_order(self._nodes[number])))
        names = [self._nodes[node].name]
        while self._distances[node]:
            node = self._nearer(node)
            names.append(self._nodes[node].name)
        return tuple(reversed(names))

    def _nearer(self, node: int) -> int:
        """The parent that is a step nearer to a root, the first by name."""
        known = self._upward.get(node)
        if known is None:
            nearer = (self._distances[node] or 0) - 1
            parents = (parent for parent, _ in self._parents[node] if self._distances[parent] == nearer)
            known = self._upward[node] = min(parents, key=lambda number: _order(self._nodes[number]))
        return known
