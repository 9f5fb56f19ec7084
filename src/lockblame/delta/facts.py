"""What differs between a pin before and after: its version's step, its source, its files, where it applies, what it requires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lockblame.delta import constraints
from lockblame.delta.common import Common
from lockblame.model import Artifact, ChangeKind, Edge, Pin, Snapshot, Source, Step
from lockblame.versions import parsed, version_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The kind of a change and its flags, as in `Change`."""

    kind: ChangeKind
    step: Step | None = None
    source_changed: bool = False
    artifacts_changed: bool = False
    edges_changed: bool = False
    scope_changed: bool = False


def facts(before: Pin, after: Pin, common: Common) -> Facts | None:
    """What differs between the two; None when nothing does that both formats could say."""
    if before is after:
        return None
    moved = source_changed(before, after)
    same_version = not version_changed(before, after)
    artifacts = same_version and not moved and _files_changed(before, after, common)
    edges = common.edges and _edges_changed(before, after, common, exactly=same_version)
    scope = common.format and _scope_changed(before, after, common)
    kind = _kind(before, after, common, artifacts)
    if kind is None and moved:
        kind = "moved"
    if kind is None and (scope or edges):
        kind = "rescoped"
    if kind is None and artifacts:
        kind = "refiled"
    if kind is None:
        return None
    return Facts(
        kind=kind,
        step=step(before.version, after.version),
        source_changed=moved,
        artifacts_changed=artifacts,
        edges_changed=edges,
        scope_changed=scope,
    )


def _kind(before: Pin, after: Pin, common: Common, artifacts: bool) -> ChangeKind | None:
    """The kinds that stand above a changed scope."""
    if before.version is not None and after.version is not None and version_changed(before, after):
        return "upgraded" if version_key(before.version) < version_key(after.version) else "downgraded"
    if version_changed(before, after) or _index_changed(before.source, after.source, common):
        return "moved"
    if artifacts and _republished(before.artifacts, after.artifacts, named=not common.format):
        return "republished"
    return None


# --- versions --------------------------------------------------------------------------------------------------------


def version_changed(before: Pin, after: Pin) -> bool:
    """Whether the versions differ by PEP 440 ("1.0" and "1.0.0" don't); one that isn't written differs from one that is."""
    if before.version == after.version:
        return False
    return before.version is None or after.version is None or version_key(before.version) != version_key(after.version)


def step(before: str | None, after: str | None) -> Step | None:
    """The leftmost part that differs (PEP 440); None where a version is missing, isn't one, or is the same."""
    if before is None or after is None or before == after:
        return None
    one, other = parsed(before), parsed(after)
    if one is None or other is None or one == other:
        return None
    if one.epoch != other.epoch:
        return "epoch"
    length = max(len(one.release), len(other.release))
    releases = [(*version.release, *([0] * (length - len(version.release)))) for version in (one, other)]
    for place, (left, right) in enumerate(zip(*releases, strict=True)):
        if left != right:
            return ("major", "minor", "micro")[min(place, 2)]
    parts: tuple[Step, ...] = ("pre", "post", "dev")
    return next((part for part in parts if getattr(one, part) != getattr(other, part)), "local")


# --- sources ---------------------------------------------------------------------------------------------------------

_LOCAL = {"path", "editable", "workspace"}


def source_changed(before: Pin, after: Pin) -> bool:
    """Whether the kind of source, the git commit, or the place under one version differ; another index alone is none of these."""
    one, other = before.source, after.source
    if one == other:
        return False
    if one.kind != other.kind:
        return not (one.kind in _LOCAL and other.kind in _LOCAL and _place(one) == _place(other))
    if one.kind == "registry":
        return False
    if one.kind == "git" and not _same_commit(one.revision, other.revision):
        return True
    return not version_changed(before, after) and (_place(one), one.subdirectory) != (_place(other), other.subdirectory)


def _same_commit(one: str | None, other: str | None) -> bool:
    """Commits may be cut short; seven digits are the fewest that git writes."""
    if one is None or other is None or one == other:
        return one == other
    short, long = sorted((one.lower(), other.lower()), key=len)
    return len(short) >= 7 and long.startswith(short)


def _place(source: Source) -> str:
    place = (source.location or "").removeprefix("git+").rstrip("/")
    return place.removesuffix(".git") if source.kind == "git" else place.removeprefix("./") or "."


def _index_changed(one: Source, other: Source, common: Common) -> bool:
    """Whether both name an index, and it isn't the same under its old or its new name."""
    if one.kind != "registry" or other.kind != "registry" or not one.location or not other.location:
        return False
    return one.location.rstrip("/") != other.location.rstrip("/") and common.renamed.get(one.location) != other.location


# --- files -----------------------------------------------------------------------------------------------------------


def _files_changed(before: Pin, after: Pin, common: Common) -> bool:
    """Whether the sets of hashes differ. Formats that choose other files of one release say nothing with that."""
    if before.artifacts == after.artifacts or not common.hashes:
        return False
    if not common.format:
        return _republished(before.artifacts, after.artifacts, named=True)
    return _hashes(before.artifacts) != _hashes(after.artifacts)


def _hashes(artifacts: Iterable[Artifact]) -> frozenset[str]:
    return frozenset(artifact.hash for artifact in artifacts if artifact.hash)


def _republished(before: tuple[Artifact, ...], after: tuple[Artifact, ...], *, named: bool) -> bool:
    """Whether a file of one name has another hash; where hashes stand alone, whether none of them stayed (not if `named`)."""
    ones, others = _by_file(before), _by_file(after)
    if any(_disjoint(hashes, others[name]) for name, hashes in ones.items() if name is not None and name in others):
        return True
    if named or (None not in ones and None not in others):
        return False
    return _disjoint(_hashes(before), _hashes(after))


def _by_file(artifacts: Iterable[Artifact]) -> dict[str | None, set[str]]:
    found: dict[str | None, set[str]] = {}
    for artifact in artifacts:
        if artifact.hash:
            found.setdefault(artifact.name, set()).add(artifact.hash)
    return found


def _disjoint(ones: Iterable[str], others: Iterable[str]) -> bool:
    """Whether hashes of the same algorithm are there on both sides, and none in common."""
    left, right = _by_algorithm(ones), _by_algorithm(others)
    shared = left.keys() & right.keys()
    return bool(shared) and all(left[algorithm].isdisjoint(right[algorithm]) for algorithm in shared)


def _by_algorithm(hashes: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in hashes:
        algorithm, _, digest = one.rpartition(":")
        found.setdefault(algorithm, set()).add(digest.lower())
    return found


# --- where it applies, and what it requires --------------------------------------------------------------------------


def _scope_changed(before: Pin, after: Pin, common: Common) -> bool:
    if before.optional != after.optional or set(before.extras) != set(after.extras):
        return True
    if before.groups != after.groups and common.scopes:
        ones, others = set(before.groups), set(after.groups)
        if (("main" in ones) != ("main" in others)) if common.coarse_groups else ones != others:
            return True
    return common.markers and _markers_differ(before.marker, after.marker, common)


def _markers_differ(before: str | None, after: str | None, common: Common) -> bool:
    if before == after:
        return False
    from lockblame.markers import differ

    return differ(before, after, common.pythons)


def _edges_changed(before: Pin, after: Pin, common: Common, *, exactly: bool) -> bool:
    """Whether it requires other things. Another version may well spell the same otherwise; that isn't looked into."""
    if before.requires == after.requires or not (before.requires_known and after.requires_known):
        return False
    ones, others = _by_target(before.requires), _by_target(after.requires)
    if not exactly:
        return ones.keys() != others.keys() or any(
            not _same_constraints(ones[key], others[key]) or _any(ones[key]) != _any(others[key]) for key in ones
        )
    if any(_tells(ones[key], common, common.after) for key in ones.keys() - others.keys()):
        return True
    if any(_tells(others[key], common, common.before) for key in others.keys() - ones.keys()):
        return True
    return any(
        not _same_constraints(ones[key], others[key]) or _markers_differ(_any(ones[key]), _any(others[key]), common)
        for key in ones.keys() & others.keys()
    )


def _tells(edges: list[Edge], common: Common, there: Snapshot) -> bool:
    """Whether it means something that the other side lacks these edges: that they could hold, and would be written there."""
    if common.edges_to_locked and edges[0].name not in there:
        return False
    if any(edge.marker is None for edge in edges):
        return True
    from lockblame.markers import possible

    return any(possible(edge.marker, common.pythons) for edge in edges)


def _by_target(edges: Iterable[Edge]) -> dict[tuple[str, frozenset[str]], list[Edge]]:
    """Edges by what they lead to. Which fork an edge means isn't its own doing, so several of them may be one requirement."""
    found: dict[tuple[str, frozenset[str]], list[Edge]] = {}
    for edge in edges:
        found.setdefault((edge.name, frozenset(edge.extras)), []).append(edge)
    return found


def _same_constraints(ones: list[Edge], others: list[Edge]) -> bool:
    left, right = (sorted({edge.specifier for edge in edges}) for edges in (ones, others))
    return left == right or (len(left) == len(right) and all(any(constraints.same(a, b) for b in right) for a in left))


def _any(edges: list[Edge]) -> str | None:
    """The marker under which one of the edges holds."""
    found = sorted({edge.marker or "" for edge in edges})
    if "" in found:
        return None
    return found[0] if len(found) == 1 else " or ".join(f"({marker})" for marker in found)
