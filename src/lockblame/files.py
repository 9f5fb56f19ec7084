"""Files of the work tree: read with bounds, listed without wandering off, written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lockblame.errors import ReadError

LARGEST = 64 * 2**20
"""Bytes of a file that are read at most."""
MOST = 200_000
"""Files that a folder may have."""
DEEPEST = 64

_SKIPPED = frozenset((".git", ".hg", ".svn", ".jj", ".tox", ".nox", ".eggs", "__pycache__", "node_modules", "site-packages"))
# Process substitution (`lockblame diff <(…) …`) hands out pipes under these names: the only ones that are read.
_PIPES = ("/dev/fd", "/proc/self/fd")
_NOWHERE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG))


def read(path: Path, *, limit: int = LARGEST) -> bytes:
    """All bytes of the file; ReadError with the way out when it is missing, no plain file, forbidden or larger than `limit`."""
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise ReadError(str(path), "is a folder", "name a file in it")
        if not stat.S_ISREG(about.st_mode) and not (stat.S_ISFIFO(about.st_mode) and str(path.parent) in _PIPES):
            raise ReadError(str(path), "is neither a file nor a folder")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise ReadError(str(path), "doesn't exist", _nearby(path)) from error
    except PermissionError as error:
        raise ReadError(str(path), "may not be read", "its permissions, or those of its folder, forbid it") from error
    except (OSError, ValueError) as error:
        raise ReadError(repr(str(path)), _plainly(error)) from error
    if len(data) > limit:
        raise ReadError(str(path), f"is too large: more than {limit >> 20} MiB")
    return data


def _plainly(error: Exception) -> str:
    told = error.strerror if isinstance(error, OSError) else None
    return f"can't be read: {(told or str(error)).lower()}"


def _nearby(path: Path) -> str:
    from difflib import get_close_matches

    try:
        names = [entry.name for entry in os.scandir(path.parent)]
    except (OSError, ValueError):
        return f"its folder, {path.parent}, doesn't either"
    close = get_close_matches(path.name, sorted(names), n=3)
    return f"is one of these meant: {', '.join(close)}?" if close else "correct the name, or the folder it is looked for in"


def listing(folder: Path) -> tuple[str, ...]:
    """The files below `folder` as sorted relative paths with `/`.

    Links to files are among them, links to folders are not followed. What holds other people's code or none is left out
    (repositories' own folders, virtual environments, caches, node_modules), as are folders that may not be opened. ReadError
    when `folder` itself can't be listed or has more than MOST files.
    """
    if not folder.is_dir():
        raise ReadError(str(folder), "isn't a folder" if folder.exists() else "doesn't exist")
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise ReadError(str(folder), _plainly(error)) from error
    found = []
    for name in _walk(folder):
        found.append(name)
        if len(found) > MOST:
            raise ReadError(str(folder), f"has more than {MOST:,} files", "name the lock itself")
    return tuple(sorted(found))


def _walk(top: Path) -> Iterator[str]:
    waiting = [("", 0)]
    while waiting:
        prefix, depth = waiting.pop()
        try:
            entries = list(os.scandir(top / prefix))
        except OSError:
            continue
        if prefix and any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            with suppress(OSError):
                if entry.is_file():
                    yield prefix + entry.name
                elif entry.is_dir(follow_symlinks=False) and entry.name not in _SKIPPED and depth < DEEPEST:
                    waiting.append((f"{prefix}{entry.name}/", depth + 1))


def opener(root: Path, *, limit: int = LARGEST) -> Callable[[str], bytes | None]:
    """A function from a relative path to the file's bytes that never leaves `root`.

    None for what isn't there, isn't a plain file, or is outside: absolute, above, or behind a link that leads out. ReadError
    for what is there and can't be read.
    """
    top = os.path.realpath(root)

    def opened(path: str) -> bytes | None:
        try:
            place = os.path.realpath(os.path.join(top, path))  # noqa: PTH118 (Path would drop what it takes for superfluous)
            inside = place.startswith(os.path.join(top, ""))  # noqa: PTH118
            return read(Path(place), limit=limit) if inside and stat.S_ISREG(Path(place).stat().st_mode) else None
        except ValueError:
            return None
        except OSError as error:
            if error.errno in _NOWHERE:
                return None
            raise ReadError(path, _plainly(error)) from error

    return opened


def write_all(folder: Path, texts: Mapping[str, str]) -> None:
    """Writes each text (UTF-8, line feeds as they are) to its name in `folder`, which is made when it is missing.

    Every file is written beside its place first and moved there when all are written, so that nobody ever reads half of one. It
    keeps the permissions of the one that was there.
    ReadError when a name leads out of the folder or something can't be written; what was there before then still is.
    """
    waiting: list[tuple[Path, Path]] = []
    try:
        for name, text in texts.items():
            place = folder / name
            if not Path(name).name or Path(name).is_absolute() or ".." in Path(name).parts:
                raise ReadError(name, f"is no name for a file in {folder}")
            place.parent.mkdir(parents=True, exist_ok=True)
            beside = place.with_name(f".{place.name}.{os.getpid()}.new")
            waiting.append((beside, place))
            _put(beside, text.encode("utf-8", "surrogateescape"), place)
        for beside, place in waiting:
            beside.replace(place)
    except (OSError, ValueError) as error:
        raise ReadError(str(folder), f"can't be written to: {getattr(error, 'strerror', None) or error}") from error
    finally:
        for beside, _ in waiting:
            with suppress(OSError, ValueError):
                beside.unlink(missing_ok=True)


def _put(beside: Path, data: bytes, place: Path) -> None:
    try:
        mode = stat.S_IMODE(place.stat().st_mode)
    except FileNotFoundError:
        beside.write_bytes(data)
        return
    # nobody may read it in the meantime who may not read it in its place
    beside.touch(mode=0o600)
    beside.write_bytes(data)
    beside.chmod(mode)
