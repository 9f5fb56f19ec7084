"""What goes back, and what has to go back with it: by the constraints that packages put on each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from lockblame.delta.constraints import allows
from lockblame.errors import RollbackError
from lockblame.model import Change, Delta, Edge, Gap, Pin, Return, Snapshot, normalize
from lockblame.rollbacks.marks import Wanted

Metadata = Mapping[tuple[str, str], Sequence[Edge]]
"""What releases require by their metadata, (name, version) → edges, for locks whose edges come without constraints."""

_WHY_NOT = {
    "moved": "comes from another place now, which no constraint takes back",
    "republished": "has the same version on both sides: its files were replaced",
    "rescoped": "has the same version on both sides",
    "refiled": "has the same version on both sides",
    "removed": "is gone, and a constraint installs nothing",
}


def plan(delta: Delta, names: Iterable[str], metadata: Metadata | None = None) -> tuple[tuple[Return, ...], tuple[Gap, ...]]:
    """The changes to take back for `names` to go back: those, then what they need to go back with them, each with why.

    A package that is new has no version to go back to: whatever brought it in goes back instead. What can't be told because
    the constraints aren't known is a Gap. Raises RollbackError when a package did not change or can't be taken back.
    """
    edges = _Constraints(delta, metadata or {})
    returns: list[Return] = []
    waiting = [Return(change=change) for name in dict.fromkeys(map(normalize, names)) for change in _asked(delta, name)]
    while waiting:
        one = waiting.pop(0)
        if any(_key(one.change) == _key(known.change) for known in returns):
            continue
        forks = one.change.kind in ("added", "removed") and _is_fork(delta, one.change)
        if one.change.kind == "added":
            # a fork that came with the others goes with them
            waiting = waiting if forks else [*_bringers(delta, one.change), *waiting]
        elif forks:
            returns.append(one)
        elif (why := _why_not(one.change)) is not None:
            needed = f" (needed: {one.because})" if one.because else ""
            raise RollbackError(one.change.name, f"{why}{needed}", "restore it by hand")
        else:
            returns.append(one)
            waiting += edges.needed(one.change, [known.change for known in (*returns, *waiting)])
    back = [one.change for one in returns]
    return tuple(returns), (*edges.gaps(back), *edges.missing(back))


def wanted(returns: Sequence[Return], forked: Collection[str] = ()) -> tuple[Wanted, ...]:
    """The versions to go back to; by marker where the forks of one package go to several, or it is one of `forked`."""
    found: dict[str, dict[tuple[str, str | None], str]] = {}
    left = {one.change.name: one.change.new for one in returns if one.change.new}
    for one in returns:
        before, instead = one.change.before, one.change.new or left.get(one.change.name)
        if before is not None and before.version and instead:
            found.setdefault(one.change.name, {})[before.version, before.marker] = instead
    return tuple(item for name, versions in found.items() for item in _items(name, versions, name in forked))


def forked(before: Snapshot) -> frozenset[str]:
    """The packages of which a lock had several versions: what goes back for some environments must not bind the others."""
    parts = before.parts or (before,)
    return frozenset(name for part in parts for name in part.names if len({pin.version for pin in part.get(name)}) > 1)


def _is_fork(delta: Delta, change: Change) -> bool:
    """Whether other forks of the same package moved: it is neither new nor gone."""
    return any(
        other.lock == change.lock and other.name == change.name and other.kind in ("upgraded", "downgraded")
        for other in delta.get(change.name)
    )


def _items(name: str, versions: Mapping[tuple[str, str | None], str], forked: bool) -> Iterator[Wanted]:
    if len({version for version, _ in versions}) == 1 and not forked:
        (version, _), instead = next(iter(versions.items()))
        yield Wanted(name=name, version=version, instead=instead)
        return
    if any(marker is None for _, marker in versions):
        several = ", ".join(sorted({version for version, _ in versions}))
        detail = f"goes back to {several}, had several versions, and the lock doesn't say which is for whom"
        raise RollbackError(name, detail, "restore it by hand")
    for (version, marker), instead in versions.items():
        yield Wanted(name=name, version=version, instead=instead, marker=marker)


def _key(change: Change) -> tuple[str, str | None, str | None, str | None]:
    return change.name, change.old, change.new, change.lock


def _asked(delta: Delta, name: str) -> tuple[Change, ...]:
    found = delta.get(name)
    if not found:
        raise RollbackError(name, "did not change between the two locks", "name a package that `lockblame diff` lists")
    return found


def _why_not(change: Change) -> str | None:
    if change.kind in ("upgraded", "downgraded"):
        moved = change.before is not None and change.before.source.kind != "registry"
        return _WHY_NOT["moved"] if moved else None
    return _WHY_NOT.get(change.kind, "can't be taken back")


def _bringers(delta: Delta, change: Change) -> list[Return]:
    """The changes of those that require a new package: it goes when they go back."""
    parents = {path[-2] for path in change.paths_after if len(path) > 1}
    found = [other for other in delta if other.name in parents and other.kind in ("upgraded", "downgraded", "added")]
    if not found:
        known = change.after is not None and change.after.requires_known
        detail = "the project itself asks for it" if known else "the lock doesn't say what brought it in"
        raise RollbackError(change.name, f"is new, and {detail}", "take that requirement out by hand")
    return [Return(change=other, because=f"it brought {change.name} in, which is new") for other in found]


class _Constraints:
    """Who forbids what: the edges of both locks with their constraints, from the locks or from metadata."""

    def __init__(self, delta: Delta, metadata: Metadata) -> None:
        self._delta = delta
        self._metadata = metadata

    def needed(self, change: Change, going: Sequence[Change]) -> list[Return]:
        """The changes that have to go back because `change` does."""
        names = {one.name for one in going}
        return [
            *(one for one in self._parents(change) if one.change.name not in names),
            *(one for one in self._children(change) if one.change.name not in names),
        ]

    def _parents(self, change: Change) -> Iterator[Return]:
        """Those whose new version doesn't allow the old version of `change`."""
        for parent in self._upgraded():
            for edge in self._edges(parent, after=True):
                if edge.name == change.name and change.old and allows(edge.specifier, change.old) is False:
                    because = f"{parent.name} {parent.new} needs {change.name} {edge.specifier}"
                    yield Return(change=parent, because=because)
                    break

    def _children(self, change: Change) -> Iterator[Return]:
        """Those whose new version the old version of `change` doesn't allow."""
        for edge in self._edges(change, after=False):
            for child in self._delta.get(edge.name):
                if child.kind in ("upgraded", "downgraded") and child.new and allows(edge.specifier, child.new) is False:
                    yield Return(change=child, because=f"{change.name} {change.old} needs {child.name} {edge.specifier}")

    def _upgraded(self) -> list[Change]:
        return [change for change in self._delta if change.kind in ("upgraded", "downgraded")]

    def _edges(self, change: Change, *, after: bool) -> Sequence[Edge]:
        pin = change.after if after else change.before
        if pin is None:
            return ()
        told = self._metadata.get((pin.name, pin.version or ""))
        return told if told is not None else tuple(edge for edge in pin.requires if edge.specifier)

    def gaps(self, returns: Sequence[Change]) -> tuple[Gap, ...]:
        """Whose constraints are not known, of all that was asked about."""
        unknown = [
            f"{pin.name} {pin.version}"
            for pin, relevant in (*((one.before, True) for one in returns if one.before), *self._asking(returns))
            if relevant and (pin.name, pin.version or "") not in self._metadata and not _written(pin)
        ]
        if not unknown:
            return ()
        shown = ", ".join(dict.fromkeys(unknown[:12])) + (" …" if len(unknown) > 12 else "")
        detail = "the lock doesn't say with which constraints it requires others, so what must go back too may be missing"
        return (Gap(subject=shown, reason="no-constraints", detail=detail, hint="--check asks the resolver"),)

    def missing(self, returns: Sequence[Change]) -> Iterator[Gap]:
        """What the old versions require and the new lock has no more: a resolver brings it back, an edit of pins doesn't."""
        for change in returns:
            for name in dict.fromkeys(edge.name for edge in self._edges(change, after=False)):
                gone = [other for other in self._delta.get(name) if other.lock == change.lock and other.kind == "removed"]
                if gone and not any(other.after for other in self._delta.get(name)):
                    detail = f"{change.name} {change.old} requires it, and it is gone from the new lock"
                    yield Gap(subject=name, reason="gone-companion", detail=detail, hint=f"put back {name} {gone[0].old} by hand")

    def _asking(self, returns: Sequence[Change]) -> Iterator[tuple[Pin, bool]]:
        names = {one.name for one in returns}
        for parent in self._upgraded():
            if parent.name not in names and parent.after is not None:
                known = parent.after.requires_known
                yield parent.after, not known or any(edge.name in names for edge in parent.after.requires)


def _written(pin: Pin) -> bool:
    """Whether the lock says with which constraints it requires others."""
    return pin.requires_known and (not pin.requires or any(edge.specifier for edge in pin.requires))
