"""Environments for trials: one for each set of pins, kept by its hash, never the user's own.

Each stands in the user's cache folder with a file beside it that says it is whole and a lock that says it is in use; the ones
that were not used for longest are removed when there are too many.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lockblame.errors import RevisionError, TrialFailed
from lockblame.git import cloning
from lockblame.model import Gap, Pin
from lockblame.trial.complaints import MAKE_ROOM, complaint
from lockblame.trial.interpreter import Installer, Interpreter, uv_command
from lockblame.trial.lines import Part, for_old_pips, parts
from lockblame.trial.processes import Processes
from lockblame.trial.tokens import tokens, without

KEEP = 12
"""Environments that are kept for the next time."""
BUILT = 100
"""Wheels built of upstream commits that are kept."""
PATIENCE = 1800.0
"""Seconds that one call of an installer may take."""
_PROBE = 60.0
"""Seconds that git may take to tell whether a repository is everybody's."""

_NOT_FOR_PIP = ("USER", "TARGET", "PREFIX", "ROOT", "PYTHON", "CONSTRAINT", "REQUIREMENT", "DRY_RUN")
_NOT_FOR_UV = ("SYSTEM_PYTHON", "PYTHON", "TARGET", "PREFIX", "CONSTRAINT", "OVERRIDE", "EXCLUDE_NEWER")
_MISLEADING = frozenset(
    (
        *("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX"),
        *(f"PIP_{name}" for name in _NOT_FOR_PIP),
        *(f"UV_{name}" for name in _NOT_FOR_UV),
    )
)
"""Variables that would have an installer work elsewhere, or install something else."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An environment that can be used: its folder, and the pins that are not in it, as gaps."""

    folder: Path
    gaps: tuple[Gap, ...] = ()

    @property
    def programs(self) -> Path:
        """Where its `python` is."""
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.programs / ("python.exe" if sys.platform == "win32" else "python")


class Environments:
    """Makes environments of pins, and keeps them. Safe to use from several threads and programs.

    `installer` is "uv" or "pip", None for uv where it is there; `folder` where they stand, None for the user's cache folder;
    `origin` is the folder that relative paths of locks start from; `indexes` are those of the lock, for pins that name none;
    `access` says how an index is addressed with the user's password for it, `login` how a git repository is with the lock's
    token; `keep` is how many are left when it is closed.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        processes: Processes,
        *,
        installer: Installer | None = None,
        folder: Path | None = None,
        origin: Path = Path(),
        indexes: Sequence[str] = (),
        access: Callable[[str], str] = str,
        login: Callable[[str], str] = str,
        keep: int = KEEP,
    ) -> None:
        self._interpreter = interpreter
        self._processes = processes
        self._uv = None if installer == "pip" else uv_command()
        if installer == "uv" and self._uv is None:
            raise TrialFailed("uv", "isn't on PATH", "install it, or leave it to pip: --installer pip")
        self.home = folder or _cache_folder()
        self._folder = self.home / "trials"
        self._origin = origin
        self._indexes = tuple(indexes)
        self._access = access
        self._login = login
        self._private: dict[str, bool] = {}
        self._keep = keep
        self._guard = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._made: dict[str, tuple[Part, ...]] = {}
        self._held: dict[str, int] = {}

    @property
    def installer(self) -> Installer:
        """What fills the environments."""
        return "uv" if self._uv else "pip"

    def prepare(self, pins: Iterable[Pin]) -> Prepared:
        """The environment with exactly these pins, made now or before.

        Raises TrialFailed with what the installer said when it can't be made, Stopped when all time is up before it is.
        """
        wanted, gaps = parts(pins, self._origin)
        key = self._key(wanted)
        self._prepare(key, wanted)
        return Prepared(folder=self._folder / key, gaps=gaps)

    def _prepare(self, key: str, wanted: tuple[Part, ...]) -> None:
        place = self._folder / key
        with self._guard:
            self._made[key] = wanted
            making = self._making.setdefault(key, threading.Lock())
        with making:
            try:
                self._hold(key, alone=False)
                if not self._whole(key):
                    self._hold(key, alone=True)
                    # another program may have made it while this one waited
                    if not self._whole(key):
                        self._make(place, wanted)
                        self._seal(key)
                    self._hold(key, alone=False)
                os.utime(self._sealed(key))
            except OSError as error:
                raise _no_room(place, error) from error

    def changed(self, prepared: Prepared) -> bool:
        """Whether anything of it has changed since it was made; it then isn't used again, but made anew (`renew`, `prepare`)."""
        key = prepared.folder.name
        if self._whole(key):
            return False
        with suppress(OSError):
            self._sealed(key).unlink(missing_ok=True)
        return True

    def renew(self, prepared: Prepared) -> None:
        """Makes one that was `changed` anew, in the same place; TrialFailed when it can't be."""
        key = prepared.folder.name
        if not self._sealed(key).is_file():
            self._prepare(key, self._made[key])

    def build(self, source: Path, key: str, *, name: str, version: str) -> Path:
        """A wheel of the project in a folder of ours, built as it says itself, and kept by `key` (what tells it from others).

        Builds that ask git for their version are given `version`. Raises TrialFailed with what the build said when there is none.
        """
        made_of = [self.installer, str(self._interpreter.executable), sorted(self._interpreter.values.items()), key, version]
        place = self.home / "built" / hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:20]
        if found := next(place.glob("*.whl"), None):
            with suppress(OSError):
                os.utime(place)
            return found
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent, prefix="new-", ignore_cleanup_errors=True) as scratch:
                self._build(source, Path(scratch) / "out", _told_versions(name, version))
                with suppress(OSError):
                    (Path(scratch) / "out").rename(place)
        except OSError as error:
            raise _no_room(place, error) from error
        wheel = next(place.glob("*.whl"), None)
        if wheel is None:
            raise TrialFailed("environment", "the build made no wheel")
        return wheel

    def _build(self, source: Path, out: Path, told: Mapping[str, str]) -> None:
        out.mkdir()
        if self._uv:
            command = [str(self._uv), "build", "--quiet", "--wheel", "--python", str(self._interpreter.executable)]
            command += ["--out-dir", str(out), str(source)]
        else:
            command = [str(self._pip()), "-I", "-m", "pip", "--python", str(self._interpreter.executable), "wheel", "--quiet"]
            command += ["--no-input", "--disable-pip-version-check", "--no-deps", "--wheel-dir", str(out), str(source)]
        self._call(command, {**self._index(Part(lines=(), hashed=False)), **told})

    def _index(self, part: Part) -> dict[str, str]:
        return _index(part, self._indexes, uv=bool(self._uv), access=self._access)

    def close(self) -> None:
        """Lets go of all, and removes what is more than is kept."""
        with self._guard:
            for descriptor in self._held.values():
                with suppress(OSError):
                    os.close(descriptor)
            self._held.clear()
        with suppress(OSError):
            self._prune()

    # --- one environment ---------------------------------------------------------------------------------------------

    def key(self, pins: Iterable[Pin]) -> str:
        """What tells this set of pins from others, on this Python."""
        return self._key(parts(pins, self._origin)[0])

    def _key(self, wanted: Sequence[Part]) -> str:
        made_of = [
            self.installer,
            str(self._interpreter.executable),
            sorted(self._interpreter.values.items()),
            [(part.lines, part.hashed, part.index) for part in wanted],
            self._indexes,
        ]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:20]

    def _make(self, place: Path, wanted: Sequence[Part]) -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        python = str(self._interpreter.executable)
        if self._uv:
            self._call([str(self._uv), "venv", "--quiet", "--no-project", "--python", python, str(place)])
        else:
            self._call([python, "-I", "-m", "venv", "--without-pip", str(place)])
        for part in wanted:
            self._install(Prepared(folder=place), part)

    def _install(self, prepared: Prepared, part: Part) -> None:
        listed = prepared.folder / "lockblame-requirements.txt"
        lines = part.lines if self._uv else map(for_old_pips, part.lines)
        listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        hashes = ["--require-hashes"] if part.hashed else []
        if self._uv:
            start = [str(self._uv), "pip", "install", "--quiet", "--python", str(prepared.python)]
            # a link to uv's cache would let the command write into what other projects are installed from
            options = ["--link-mode", "copy", "--no-deps", *hashes]
        else:
            start = [str(self._pip()), "-I", "-m", "pip", "--python", str(prepared.python), "install", "--quiet"]
            # what isn't compiled here is when it is first used
            options = ["--no-input", "--no-user", "--disable-pip-version-check", "--no-compile", "--progress-bar", "off"]
            options += ["--no-deps", *hashes]
        self._call([*start, *options, "-r", str(listed)], self._index(part), part)

    def _pip(self) -> Path:
        """The Python of an environment of its own that has pip, the one that Python brings along (ensurepip)."""
        home = self.home / "pip" / f"{sys.version_info.major}.{sys.version_info.minor}"
        prepared = Prepared(folder=home)
        done = home / "lockblame-whole"
        with self._guard, _locked(home.with_suffix(".lock")):
            if not done.is_file():
                shutil.rmtree(home, ignore_errors=True)
                home.parent.mkdir(parents=True, exist_ok=True)
                base = getattr(sys, "_base_executable", None) or sys.executable
                self._call([base, "-I", "-m", "venv", str(home)])
                done.touch()
        return prepared.python

    def _call(self, command: Sequence[str], more: Mapping[str, str] | None = None, part: Part | None = None) -> None:
        environment = {**self._own(part), **(more or {})}
        ended = self._processes.run(command, folder=self._origin, environment=environment, timeout=PATIENCE)
        if ended.code != 0:
            raise complaint(_program(command), ended, self.home, PATIENCE)

    def _own(self, part: Part | None = None) -> dict[str, str]:
        """The user's own environment, index passwords included, but without tokens of forges: what is built could read them.

        Only git may need one, to fetch a repository of the part that isn't everybody's: that which the lock has for it, else the
        user's. It is asked beforehand, since a build could pretend that it was refused.
        """
        mine = without(os.environ, _MISLEADING)
        held = tokens(mine)
        if told := self._told(part, mine):
            return {**without(mine, held), **told}
        if not held or (part is not None and any(self._locked_up(one, held) for one in part.repositories)):
            return mine
        return without(mine, held)

    def _told(self, part: Part | None, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables by which git gets the lock's own token for the one repository of a part."""
        if part is None or len(part.repositories) != 1:
            return {}
        try:
            return cloning.login(self._login(part.repositories[0]), environment, whole=True)
        except RevisionError as error:
            raise TrialFailed("git", str(error)) from error

    def _locked_up(self, repository: str, held: Collection[str]) -> bool:
        """Whether git can't read a repository without these tokens."""
        if repository not in self._private:
            call = cloning.probe(repository)
            environment = without(call.environment, held)
            ended = self._processes.run(call.words, folder=self._origin, environment=environment, timeout=_PROBE)
            self._private[repository] = ended.code != 0
        return self._private[repository]

    # --- which are whole, which are in use ---------------------------------------------------------------------------

    def _sealed(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _seal(self, key: str) -> None:
        self._sealed(key).write_text(json.dumps(_state(self._folder / key)), encoding="utf-8")

    def _whole(self, key: str) -> bool:
        try:
            return bool(json.loads(self._sealed(key).read_bytes()) == _state(self._folder / key))
        except (OSError, ValueError):
            return False

    def _hold(self, key: str, *, alone: bool) -> None:
        """Keeps the environment from being removed, with `alone` also from being used by another program (waits for those)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._guard:
            if key not in self._held:
                self._held[key] = os.open(self._folder / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            descriptor = self._held[key]
        _flock(descriptor, alone=alone)

    def _prune(self) -> None:
        built = sorted((self.home / "built").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in built[BUILT:]:
            shutil.rmtree(path, ignore_errors=True)
        sealed = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        kept = {path.stem for path in sealed[: max(0, self._keep)]}
        for path in self._folder.iterdir():
            key = path.name
            if path.is_dir() and key not in kept:
                with _locked(self._folder / f"{key}.lock", wait=False) as free:
                    if free:
                        self._sealed(key).unlink(missing_ok=True)
                        shutil.rmtree(path, ignore_errors=True)
                        (self._folder / f"{key}.lock").unlink(missing_ok=True)


def _cache_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("lockblame", appauthor=False))


def _told_versions(name: str, version: str) -> dict[str, str]:
    """What the usual ways to take a version from git are told instead: an export has no history."""
    named = re.sub(r"[-_.]+", "_", name).upper()
    variables = ("SETUPTOOLS_SCM_PRETEND_VERSION", "PBR_VERSION", "PDM_BUILD_SCM_VERSION", "UV_DYNAMIC_VERSIONING_BYPASS")
    more = (f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{named}", "POETRY_DYNAMIC_VERSIONING_BYPASS")
    return dict.fromkeys((*variables, *more), version)


def _index(part: Part, indexes: Sequence[str], *, uv: bool, access: Callable[[str], str] = str) -> dict[str, str]:
    """By variables, not arguments: an address may hold a password, and arguments can be seen by everybody."""
    places = [access(place) for place in ([part.index] if part.index else indexes)]
    if not places:
        return {}
    first, more = ("UV_DEFAULT_INDEX", "UV_INDEX") if uv else ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
    found = {first: places[0]}
    if rest := [*places[1:], *filter(None, [os.environ.get(more)])]:
        found[more] = " ".join(rest)
    return found


def _state(folder: Path) -> str:
    """What tells whether anything in an environment was added, removed or written, compiled modules aside: Python keeps those.

    Every file and folder by its mode, and files by size and time of change, the one that no program can set back (ctime).
    """
    digest = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape"))
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        with os.scandir(place) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            about = entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    waiting.append(Path(entry.path))
                    digest.update(f"{entry.path}\0{about.st_mode}\n".encode("utf-8", "surrogateescape"))
            elif not entry.name.endswith(".pyc"):
                facts = f"{entry.path}\0{about.st_mode}\0{about.st_size}\0{about.st_mtime_ns}\0{about.st_ctime_ns}\n"
                digest.update(facts.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _program(command: Sequence[str]) -> str:
    """What is run, as its user calls it: pip is run by a Python."""
    name = Path(command[0]).stem
    return "pip" if name.startswith("python") and "pip" in command else name


def _no_room(place: Path, error: OSError) -> TrialFailed:
    way_out = MAKE_ROOM if error.errno in _FULL else None
    return TrialFailed(str(place), f"can't be made: {error.strerror or error}", way_out)


@contextmanager
def _locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Whether the lock file is ours for the block; without `wait` it may not be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _flock(descriptor, alone=True, wait=wait)
    finally:
        os.close(descriptor)


def _flock(descriptor: int, *, alone: bool, wait: bool = True) -> bool:
    try:
        import fcntl
    except ImportError:
        # Windows removes nothing that is in use
        return True
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
