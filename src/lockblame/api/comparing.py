"""`diff`: two sides → Delta."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import NoReturn

from lockblame.api.reading import Side, Source, at_revision, resolve, together, whole_revision
from lockblame.errors import ReadError, RevisionError
from lockblame.model import Delta, Environment, Snapshot


def diff(
    before: Source,
    after: Source | None = None,
    *,
    environment: Environment | None = None,
    repository: str | os.PathLike[str] | None = None,
) -> Delta:
    """Every change between two locks, as a Delta: a Sequence of Change, sorted by name.

    Both sides are anything that `read` takes; `before` may also be a range `BASE..HEAD` (or `BASE...HEAD`, from where the two
    parted), and without `after` a side is compared with the working tree. `environment` narrows both to what that machine would
    install. `repository` is the folder that paths and revisions are looked up in (default: the current one). Where a side has
    several locks they are matched by path, renames followed, and `Delta.parts` has one Delta each.

    Raises ReadError.
    """
    return compare(*sides(before, after, Path(repository or ".")), environment=environment)


def sides(before: Source, after: Source | None, folder: Path) -> tuple[Side, Side]:
    """Both ends, read."""
    if after is not None:
        _refuse_range(before, after, folder)
        return resolve(before, folder=folder), resolve(after, folder=folder)
    if isinstance(before, str) and _is_range(before, folder):
        return _range(before, folder)
    path = before.partition(":")[2] if isinstance(before, str) else ""
    return resolve(before, folder=folder), resolve(path or ".", folder=folder)


def _refuse_range(before: Source, after: Source, folder: Path) -> None:
    """Most likely the other side is a word of a symptom that was not put into quotes."""
    for one, other in ((before, after), (after, before)):
        if isinstance(one, str) and "\n" not in one and _is_range(one, folder):
            told = f"leave {other!r} out" if isinstance(other, str) else "leave the other one out"
            raise RevisionError(one, "is a range, which has both sides already", f"{told} (a symptom stands in quotes)")


def _is_range(text: str, folder: Path) -> bool:
    """Two dots tell a range, unless they are a path's way up."""
    return ".." in text and not text.startswith("../") and "/.." not in text and not os.path.lexists(folder / text)


def _range(text: str, folder: Path) -> tuple[Side, Side]:
    """`BASE..HEAD`, `BASE...HEAD`, either with `:path` behind it; a missing end is HEAD."""
    dots = "..." if "..." in text else ".."
    base, _, head = text.partition(dots)
    head, _, path = head.partition(":")
    base, head = base or "HEAD", head or "HEAD"
    after = _end(head, path, folder)
    if dots == "..." and after.checkout is not None:
        base = after.checkout.merge_base(base, head) or _no_common(text)
    return _end(base, path, folder), after


def _no_common(text: str) -> NoReturn:
    raise RevisionError(text, "the two have no commit in common", "in a shallow clone: git fetch --unshallow; or use BASE..HEAD")


def _end(revision: str, path: str, folder: Path) -> Side:
    return at_revision(revision, path, None, folder) if path else whole_revision(revision, folder)


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
    locks = {part.path for side in (before, after) for part in side.snapshot.parts or (side.snapshot,) if part.path}
    return dict(before.checkout.renames(before.commit, after.commit, sorted(locks)))
