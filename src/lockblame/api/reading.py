"""`read`: a path, a folder, a revision, `REV:path`, a text with a format name → Snapshot."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.errors import ReadError, RevisionError
from lockblame.model import Gap, Snapshot

if TYPE_CHECKING:
    from lockblame.git import Checkout

Source = Snapshot | str | bytes | os.PathLike[str]
"""What `read` takes."""

INSTALLED = "installed"
"""The format name that takes a path for an environment's, whatever it looks like."""

_SUFFIXES = (".in", ".json", ".lock", ".toml", ".txt")

Fetch = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One end of a comparison: its snapshot, and where it is from.

    `tree` tells that it was searched for locks (a folder or a whole revision) rather than named; `commit` is set for a revision,
    `worktree` for files of a checkout as they lie there now.
    """

    snapshot: Snapshot
    tree: bool = False
    checkout: Checkout | None = None
    commit: str | None = None
    worktree: bool = False


def read(
    source: Source, *, at: str | None = None, format: str | None = None, repository: str | os.PathLike[str] | None = None
) -> Snapshot:
    """The lock (or all locks) that `source` names, as a Snapshot.

    `source` is a file, a folder, a git revision, `REV:path`, an environment (its folder or interpreter; any folder with
    `format="installed"`), or with another `format` the content itself (str or bytes). `at` is the
    revision that a path is read at. `repository` is the folder that paths and revisions are looked up in (default: the
    current one). A folder or revision with several locks gives one Snapshot with a part for each lock; one
    among them that can't be read is a Gap in it. Nothing is written, and git's work tree is not touched.

    Raises ReadError (UnknownFormat, LockParseError, RevisionError) with the file, the place and the way out.
    """
    return resolve(source, at=at, format=format, folder=Path(repository or ".")).snapshot


def resolve(source: Source, *, at: str | None = None, format: str | None = None, folder: Path = Path()) -> Side:
    """Like `read`, with where the snapshot is from."""
    if isinstance(source, Snapshot):
        return Side(snapshot=source)
    if isinstance(source, bytes) or (
        format is not None and at is None and isinstance(source, str) and not _exists(source, folder)
    ):
        return _content(source, format)
    text = os.fspath(source)
    if not text or "\0" in text:
        raise ReadError(text or "(empty)", "is neither a file nor a revision", "name a lock, a folder, REV or REV:path")
    if at is not None:
        return at_revision(at, text, format, folder)
    if format == INSTALLED or _is_environment(folder / text):
        return _environment(text, folder)
    if (folder / text).is_dir():
        return _folder(text, folder)
    if isinstance(source, os.PathLike) or (_exists(text, folder) and not _is_revision_of_bare(text, folder)):
        return _file(text, format, folder)
    revision, colon, path = text.partition(":")
    if colon and path:
        return at_revision(revision, path, format, folder)
    try:
        return whole_revision(text, folder)
    except RevisionError:
        if Path(text).suffix not in _SUFFIXES:
            raise
        # what is called like a file is one that isn't there, and files know which one may be meant
        return _file(text, format, folder)


def _is_revision_of_bare(text: str, folder: Path) -> bool:
    """In a bare repository, HEAD and the branches are files as well; there the revision is meant."""
    from lockblame import git

    checkout = git.find(folder)
    if checkout is None or checkout.root is not None:
        return False
    try:
        checkout.commit(text)
    except RevisionError:
        return False
    return True


def _told(format: str | None) -> bool:
    return format is not None and format != INSTALLED


def _exists(text: str, folder: Path) -> bool:
    return "\n" not in text and "\0" not in text and len(text) < 4096 and os.path.lexists(folder / text)


def _content(content: str | bytes, format: str | None) -> Side:
    from lockblame import lockfiles

    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    snapshot = lockfiles.parse(data, "(text)", origin="(text)", format=format)
    return Side(snapshot=lockfiles.configured(snapshot, data, None))


def _file(text: str, format: str | None, folder: Path) -> Side:
    from lockblame import files, git, lockfiles

    path = folder / text
    data = files.read(path)
    checkout = git.find(path.parent)
    root = (checkout and checkout.root) or _outer_folder(path)
    opener = files.opener(root)
    snapshot = lockfiles.parse(data, relative(path, root), origin=text, format=format, opener=opener)
    snapshot = lockfiles.configured(snapshot, data, opener)
    return Side(snapshot=snapshot, checkout=checkout, worktree=checkout is not None)


def _is_environment(path: Path) -> bool:
    """A virtual environment's folder, its interpreter, or a site-packages folder."""
    if path.is_dir():
        return (path / "pyvenv.cfg").is_file() or path.name in ("site-packages", "dist-packages")
    return path.name.startswith("python") and os.access(path, os.X_OK) and path.is_file()


def _environment(text: str, folder: Path) -> Side:
    from lockblame import installed

    return Side(snapshot=installed.read(folder / text))


def _outer_folder(path: Path) -> Path:
    """How far includes may reach: the current folder when the file is in it, else the file's own."""
    current = Path.cwd()
    return current if path.resolve().is_relative_to(current) else path.resolve().parent


def relative(path: Path, root: Path) -> str:
    """`path` as seen from `root`; only its name when it is outside."""
    resolved = path.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else path.name


def _folder(text: str, outer: Path) -> Side:
    from lockblame import files, git

    folder = outer / text
    checkout = git.find(folder)
    root = checkout.root if checkout else None
    if checkout is None or root is None:
        root, paths, below = folder.resolve(), files.listing(folder), ""
    else:
        paths, below = checkout.work_paths(), relative(folder, root)
    label = "the working tree" if text == "." and checkout else text
    snapshot = _all_locks(label, _under(paths, below), files.opener(root))
    return Side(snapshot=snapshot, tree=True, checkout=checkout, worktree=checkout is not None)


def whole_revision(text: str, folder: Path) -> Side:
    """Every lock of a revision; in a subfolder those under it, when there are any."""
    checkout = _checkout(folder, text)
    commit = checkout.commit(text)
    paths = checkout.paths(commit)
    inner = _under(paths, checkout.prefix)
    with checkout.contents() as contents:
        fetch = partial(contents.show, commit)
        snapshot = _all_locks(_label(text, commit), inner if _locks(inner) else paths, fetch)
    return Side(snapshot=snapshot, tree=True, checkout=checkout, commit=commit)


def at_revision(revision: str, path: str, format: str | None, folder: Path) -> Side:
    """One file of a revision, or every lock under one of its folders."""
    wanted = f"{revision}:{path}"
    checkout = nearest_checkout(Path(path), wanted) if Path(path).is_absolute() else _checkout(folder, wanted)
    commit = checkout.commit(revision)
    with checkout.contents() as contents:
        snapshot, tree = _named(checkout, commit, revision, path, format, partial(contents.show, commit))
    return Side(snapshot=snapshot, tree=tree, checkout=checkout, commit=commit)


def _named(checkout: Checkout, commit: str, revision: str, path: str, format: str | None, fetch: Fetch) -> tuple[Snapshot, bool]:
    """The lock at that path of the commit, or those of that folder, and whether it was a folder."""
    from lockblame import lockfiles

    label = _label(revision, commit)
    for candidate in _spellings(checkout, path):
        data = fetch(candidate)
        if data is not None:
            found = lockfiles.parse(data, candidate, origin=f"{candidate} at {label}", format=format, opener=fetch)
            return lockfiles.configured(found, data, fetch), False
        inner = _under(checkout.paths(commit), candidate)
        if inner:
            return _all_locks(f"{label}:{candidate}", inner, fetch), True
    raise ReadError(f"{revision}:{path}", f"{path} is not in {label}", "paths are counted from the repository's root")


def _spellings(checkout: Checkout, path: str) -> tuple[str, ...]:
    """A path as the user may mean it: from the repository's root (as git has it), or from the current folder."""
    given = Path(path)
    if given.is_absolute():
        resolved = given.resolve()
        inside = checkout.root is not None and resolved.is_relative_to(checkout.root)
        return (resolved.relative_to(checkout.root).as_posix(),) if checkout.root and inside else ()
    from_root = posixpath.normpath(path)
    from_here = posixpath.normpath(posixpath.join(checkout.prefix, path))
    first, second = (from_here, from_root) if path.startswith(("./", "../")) else (from_root, from_here)
    return tuple(dict.fromkeys(one for one in (first, second) if not one.startswith("..")))


def nearest_checkout(path: Path, wanted: str) -> Checkout:
    """The repository that `path` is in, also when it is not there (any more); ReadError when there is none."""
    place = path.absolute()
    while not place.is_dir() and place != place.parent:
        place = place.parent
    return _checkout(place, wanted)


def _checkout(folder: Path, wanted: str) -> Checkout:
    from lockblame import git

    checkout = git.find(folder)
    if checkout is None:
        raise ReadError(
            wanted, "there is no such file, and this is not a git repository", "name a lock file, or run in a repository"
        )
    return checkout


def _label(revision: str, commit: str) -> str:
    return commit[:10] if commit.startswith(revision) else f"{revision} ({commit[:10]})"


def _under(paths: Iterable[str], folder: str) -> tuple[str, ...]:
    head = folder.strip("/")
    return tuple(path for path in paths if not head or head == "." or path.startswith(head + "/"))


def locks_at(paths: Iterable[str], folder: str) -> tuple[str, ...]:
    """The locks below a folder of a tree ("" is all of it), sorted."""
    return _locks(_under(paths, folder))


def _locks(paths: Iterable[str]) -> tuple[str, ...]:
    from lockblame import lockfiles

    return tuple(sorted(path for path in paths if lockfiles.is_lock(path)))


def _all_locks(label: str, paths: Iterable[str], fetch: Fetch) -> Snapshot:
    """Every lock among `paths`: the only one as it is, several as one Snapshot with parts."""
    locks = _locks(paths)
    if not locks:
        raise ReadError(label, "no lock is in it", "name the file: REV:path, or a path")
    parts, gaps, failure = [], [], None
    for path in locks:
        try:
            parts.append(_one_lock(label, path, fetch))
        except ReadError as error:
            failure = error
            detail = str(error).removesuffix(f"; {error.hint}")
            gaps.append(Gap(subject=path, reason=error.slug, detail=detail, hint=error.hint))
    if failure is not None and not parts:
        raise failure
    if len(parts) == 1 and not gaps:
        return parts[0]
    return together(label, tuple(parts), tuple(gaps))


def _one_lock(label: str, path: str, fetch: Fetch) -> Snapshot:
    from lockblame import lockfiles

    data = fetch(path)
    if data is None:
        raise ReadError(path, f"can't be read in {label}")
    return lockfiles.configured(lockfiles.parse(data, path, origin=f"{path} at {label}", opener=fetch), data, fetch)


def together(label: str, parts: tuple[Snapshot, ...], gaps: tuple[Gap, ...] = ()) -> Snapshot:
    """Several locks as one Snapshot, each of them named in its `parts`."""
    return Snapshot(
        origin=f"{label} ({len(parts)} lock{'s' if len(parts) != 1 else ''})",
        format="several",
        pins=tuple(pin for part in parts for pin in part.pins),
        roots=tuple(root for part in parts for root in part.roots),
        indexes=tuple(dict.fromkeys(index for part in parts for index in part.indexes)),
        configured=tuple(dict.fromkeys(index for part in parts for index in part.configured)),
        gaps=(*gaps, *(gap for part in parts for gap in part.gaps)),
        parts=parts,
    )
