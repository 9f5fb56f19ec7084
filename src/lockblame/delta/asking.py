"""Who asks for a package on one side of a comparison, and with which constraint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from lockblame.delta import constraints
from lockblame.delta.common import Common
from lockblame.delta.pairing import either
from lockblame.graph import Graph, Parent
from lockblame.model import Demand, Edge, Pin, Snapshot
from lockblame.versions import version_key

Metadata = Mapping[tuple[str, str], tuple[Edge, ...]]
"""(name, version) → what that release requires by its own metadata, for locks that don't write constraints."""


class Ask(NamedTuple):
    """What one parent (in all its forks) asks of a package: the constraints, each on its own, and under which conditions.

    Of a package that is `forked` each constraint may be for another fork; else all of them hold for its one version. `known` is
    False where the lock doesn't write constraints and no metadata was at hand.
    """

    parent: str
    root: bool
    versions: tuple[str, ...]
    specifiers: tuple[str, ...]
    edges: tuple[Edge, ...]
    known: bool
    forked: bool

    @property
    def key(self) -> tuple[bool, str]:
        """Its place among the asks of a package."""
        return not self.root, self.parent

    @property
    def who(self) -> str:
        """The parent as sentences name it."""
        return self.parent if self.root or not self.versions else f"{self.parent} {', '.join(self.versions)}"

    @property
    def scopes(self) -> frozenset[tuple[str | None, frozenset[str], str | None]]:
        """Under which markers, with which extras and in which groups it asks."""
        return frozenset((edge.marker, frozenset(edge.extras), edge.group) for edge in self.edges)

    @property
    def extras(self) -> frozenset[str]:
        """The extras it asks for."""
        return frozenset(extra for edge in self.edges for extra in edge.extras)

    @property
    def text(self) -> str:
        """The constraints as one text."""
        if len(self.specifiers) == 1:
            return self.specifiers[0]
        joined = " or " if self.forked else " and "
        return joined.join(filter(None, self.specifiers))

    def shown(self, name: str) -> str:
        """The requirement as one would write it: "kombu>=5.3.2,<6.0"."""
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        text = self.text
        blank = " " if text and (text[0] in "@^~*0123456789" or " " in text) else ""
        return f"{name}{extras}{blank}{text}"

    def apart_from(self, other: Ask) -> Ask:
        """What it asks for and the other doesn't, for sentences: a parent may ask plainly, and once more for an extra."""
        rest = tuple(specifier for specifier in self.specifiers if specifier not in other.specifiers)
        if not rest or len(rest) == len(self.specifiers):
            return self
        return self._replace(specifiers=rest, edges=tuple(edge for edge in self.edges if edge.specifier in rest))

    def refuses(self, version: str | None) -> bool:
        """Whether the constraints don't let that version in, for certain: none of them, where each fork has its own."""
        if not self.known or version is None or not self.specifiers:
            return False
        refusing = [constraints.allows(specifier, version) is False for specifier in self.specifiers]
        return all(refusing) if self.forked else any(refusing)

    def accepts(self, version: str) -> bool:
        """Whether the constraints let that version in, for certain."""
        accepting = [constraints.allows(specifier, version) is True for specifier in self.specifiers]
        return self.known and (any(accepting) if self.forked else all(accepting))

    def same(self, other: Ask) -> bool:
        """Whether the constraints are the same, as far as both are known."""
        if self.specifiers == other.specifiers and self.known and other.known:
            return True
        if not (self.known and other.known):
            return self.versions == other.versions
        return len(self.specifiers) == len(other.specifiers) and all(
            any(constraints.same(one, two) for two in other.specifiers) for one in self.specifiers
        )


class Asking:
    """All demands of one lock; `metadata` fills in what the lock doesn't write.

    Edges that hold on no Python that both sides support ask for nothing: some tools write them and some don't.
    """

    def __init__(self, snapshot: Snapshot, metadata: Metadata, common: Common) -> None:
        self.snapshot = snapshot
        self._common = common
        self.graph = Graph(snapshot)
        self._metadata = metadata
        self._of_all_forks: dict[str, dict[tuple[bool, str], Ask]] = {}
        # uv always writes what its roots ask for; elsewhere one constraint shows that constraints are written.
        self._roots_write = snapshot.format == "uv" or any(edge.specifier for root in snapshot.roots for edge in root.requires)
        self._pins_write = any(edge.specifier for pin in snapshot.pins for edge in pin.requires)

    @cached_property
    def told(self) -> bool:
        """Whether the lock says anything about who requires whom."""
        return any(root.requires for root in self.snapshot.roots) or any(pin.requires for pin in self.snapshot.pins)

    def asks(self, name: str, pin: Pin | None = None) -> dict[tuple[bool, str], Ask]:
        """What each parent asks of `name` (of that `pin` of it), by (whether it is no root, parent): roots sort first."""
        if pin is not None:
            return self._asked(name, pin)
        if name not in self._of_all_forks:
            self._of_all_forks[name] = self._asked(name, None)
        return self._of_all_forks[name]

    def _asked(self, name: str, pin: Pin | None) -> dict[tuple[bool, str], Ask]:
        by_parent: dict[tuple[bool, str], list[Parent]] = {}
        forked = len(self.snapshot.get(name)) > 1
        where = pin.marker if pin is not None and forked else None
        for parent in self.graph.demands(name, pin):
            if self._holds(parent.edge.marker, where):
                by_parent.setdefault((not parent.root, parent.name), []).append(parent)
        return {key: self._ask(name, found, forked=forked) for key, found in by_parent.items()}

    def _holds(self, marker: str | None, where: str | None) -> bool:
        """Whether an edge with that marker counts at all, for the fork that is locked under the marker `where`."""
        if marker is None:
            return True
        from lockblame.markers import overlap, possible

        if "python" in marker and not possible(marker, self._common.pythons):
            return False
        return where is None or overlap(marker, where)

    def _ask(self, name: str, found: list[Parent], *, forked: bool) -> Ask:
        first = found[0]
        specifiers: set[str] = set()
        known = True
        for parent in found:
            written = self._written(name, parent)
            known = known and written is not None
            specifiers.update(written or ())
        return Ask(
            parent=first.name,
            root=first.root,
            versions=sorted_versions(parent.node.version for parent in found),
            specifiers=tuple(sorted(specifiers)),
            edges=tuple([one.edge for one in found]),
            known=known,
            forked=forked,
        )

    def _written(self, name: str, parent: Parent) -> tuple[str, ...] | None:
        """The constraints of one edge; None where nobody knows them."""
        if parent.edge.specifier or (self._roots_write if parent.root else self._pins_write):
            return (parent.edge.specifier,)
        if parent.root:
            return None
        required = self._metadata.get((parent.name, parent.node.version or ""))
        if required is None:
            return None
        asked = [edge for edge in required if edge.name == name]
        return tuple(edge.specifier for edge in asked if self._holds(edge.marker, None)) or None


def sorted_versions(versions: Iterable[str | None]) -> tuple[str, ...]:
    """Each version once, oldest first."""
    distinct = {version for version in versions if version}
    return tuple(distinct) if len(distinct) < 2 else tuple(sorted(distinct, key=version_key))


def demand(before: Ask | None, after: Ask | None) -> Demand:
    """Both sides of one parent, as the model tells it."""
    some = either(before, after)
    return Demand(
        parent=some.parent,
        root=some.root,
        old=_versions(before),
        new=_versions(after),
        before=before.text if before and before.known else None,
        after=after.text if after and after.known else None,
        known=all(ask.known for ask in (before, after) if ask),
    )


def _versions(ask: Ask | None) -> str | None:
    return ", ".join(ask.versions) or None if ask else None
