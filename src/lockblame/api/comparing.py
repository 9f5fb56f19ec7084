"""`diff`: two sides → Delta."""

from __future__ import annotations

import posixpath

from lockblame.api.reading import Side, Source, resolve, together
from lockblame.errors import ReadError, RevisionError
from lockblame.model import Delta, Environment, Snapshot


def diff(before: Source, after: Source | None = None, *, environment: Environment | None = None) -> Delta:
    """Every change between two locks, as a Delta: a Sequence of Change, sorted by name.

    Both sides are anything that `read` takes; `before` may also be a range `BASE..HEAD` (or `BASE...HEAD`, from where the two
    parted), and without `after` a side is compared with the working tree. `environment` narrows both to what that machine would
    install. Where a side has several locks they are matched by path, renames followed, and `Delta.parts` has one Delta each.

    Raises ReadError.
    """
    return compare(*sides(before, after), environment=environment)


def sides(before: Source, after: Source | None) -> tuple[Side, Side]:
    """Both ends, read."""
    if after is None:
        if isinstance(before, str) and ".." in before:
            return _range(before)
        after = _working_tree(before)
    return resolve(before), resolve(after)


def _working_tree(before: Source) -> Source:
    if isinstance(before, str) and ":" in before:
        return before.partition(":")[2]
    return "."


def _range(text: str) -> tuple[Side, Side]:
    from pathlib import Path

    if Path(text).exists():
        return resolve(text), resolve(".")
    dots = "..." if "..." in text else ".."
    base, _, head = text.partition(dots)
    base, head = base or "HEAD", head or "HEAD"
    path = ""
    if ":" in head:
        head, _, path = head.partition(":")
    suffix = f":{path}" if path else ""
    after = _revision_side(head + suffix)
    if dots == "..." and after.checkout is not None:
        base = after.checkout.merge_base(base, head)
    return _revision_side(base + suffix), after


def _revision_side(text: str) -> Side:
    from lockblame.api.reading import _revision

    if text.startswith("-"):
        raise RevisionError(text, "a revision can't begin with '-'")
    return _revision(text, None)


def compare(before: Side, after: Side, *, environment: Environment | None = None) -> Delta:
    """The Delta of two sides that were read."""
    from lockblame import delta

    one, other = _matched(before, after)
    if environment is not None:
        one, other = _narrowed(one, environment), _narrowed(other, environment)
    return delta.compare(one, other, renames=_renames(before, after))


def _matched(before: Side, after: Side) -> tuple[Snapshot, Snapshot]:
    """A lock that was named is compared with its like on the other side; two trees lock by lock."""
    one, other = before.snapshot, after.snapshot
    if before.tree and after.tree:
        if bool(one.parts) != bool(other.parts):
            one, other = _as_parts(one), _as_parts(other)
        return one, other
    if one.parts and not other.parts:
        return _part_like(one, other), other
    if other.parts and not one.parts:
        return one, _part_like(other, one)
    return one, other


def _as_parts(snapshot: Snapshot) -> Snapshot:
    return snapshot if snapshot.parts else together(snapshot.origin, (snapshot,))


def _part_like(several: Snapshot, one: Snapshot) -> Snapshot:
    by_path = [part for part in several.parts if part.path == one.path]
    by_name = [part for part in several.parts if posixpath.basename(part.path or "") == posixpath.basename(one.path or "")]
    fitting = by_path or by_name
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(part.path or part.origin for part in several.parts[:8])
    raise ReadError(several.origin, f"which of its locks is meant is not clear: {names}", "name it as REV:path")


def _narrowed(snapshot: Snapshot, environment: Environment) -> Snapshot:
    if not snapshot.parts:
        return snapshot.select(environment)
    return together(snapshot.origin, tuple(part.select(environment) for part in snapshot.parts), snapshot.gaps)


def _renames(before: Side, after: Side) -> dict[str, str]:
    """Locks that git says were moved, new path → old path. Only between two commits: git knows no renames of plain files."""
    if before.checkout is None or before.commit is None or after.commit is None:
        return {}
    if not before.snapshot.parts and not after.snapshot.parts:
        return {}
    return dict(before.checkout.renames(before.commit, after.commit))
