"""Asking the real resolver, uv or Poetry, what it would lock: in a temporary copy, never in the user's own folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LONGEST = 600.0
"""Seconds that a resolver gets."""
TOLD = 4_000
"""Bytes of what it says last that are kept."""
LARGEST_FILE = 16 * 2**20
LARGEST_COPY = 512 * 2**20
"""Bytes of one file, and of all, that are copied."""
_NO_SOLUTION = re.compile(r"No solution found|version solving failed", re.IGNORECASE)
"""What uv and Poetry say where there is none. Whatever else goes wrong (a build, a network) says nothing about that."""

_FROM_GIT = re.compile(rb"""git\s*=\s*["']|type\s*=\s*["']git["']""")
"""How uv and Poetry write a package that is taken from a repository."""

_INSIDE = {"POETRY_VIRTUALENVS_IN_PROJECT": "true"}
"""Poetry makes an environment before it locks: in the copy, which goes away, not among the user's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether it resolved, what it said last, and the new lock's bytes when it did; `resolver` with its version.

    `unsolvable` tells that there is no solution; without it and without a lock, something else kept it from looking.
    """

    resolver: str
    resolved: bool
    said: str = ""
    lock: bytes | None = None
    unsolvable: bool = False


def lock(
    tool: str,
    folder: Path,
    paths: Iterable[str],
    edited: Mapping[str, str],
    lock_path: str,
    *,
    offline: bool = False,
    furnish: Callable[[Path], None] | None = None,
) -> Outcome | None:
    """What `uv lock` or `poetry lock` makes of a copy of `folder`, which has the lock at `lock_path`.

    `paths` are the files to copy, the most important first; those of `edited` (relative path → text) get that text. `furnish` is
    given the copy to add to it. Pins of the lock stay where they may. None when the tool isn't installed.
    """
    program = shutil.which(tool)
    if program is None:
        return None
    with tempfile.TemporaryDirectory(prefix="lockblame-rollback-", ignore_cleanup_errors=True) as name:
        top = Path(name).resolve()
        _copy(folder, paths, top)
        for path, text in edited.items():
            (top / path).write_bytes(text.encode("utf-8", "surrogateescape"))
        if furnish is not None:
            furnish(top)
        where = (top / lock_path).parent
        environment = _environment(top / lock_path)
        version = _version(program, where, environment)
        code, said = _run(_command(program, tool, version, where, offline), where, environment)
        made = (top / lock_path).read_bytes() if code == 0 and (top / lock_path).is_file() else None
    return Outcome(
        resolver=version or tool,
        resolved=made is not None,
        said=said,
        lock=made,
        unsolvable=made is None and bool(_NO_SOLUTION.search(said)),
    )


def _copy(folder: Path, paths: Iterable[str], top: Path) -> None:
    """The files, large ones aside: a project that is built to know its version or dependencies may need any of them."""
    room = LARGEST_COPY
    for path in paths:
        with suppress(OSError):
            size = (folder / path).stat().st_size
            if size > LARGEST_FILE or size > room:
                continue
            room -= size
            place = top / path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / path, place)


def _command(program: str, tool: str, version: str, folder: Path, offline: bool) -> list[str]:
    if tool == "uv":
        command = [program, "lock", "--project", str(folder), "--no-progress", "--color", "never"]
        return [*command, "--offline"] if offline else command
    command = [program, "lock", "--no-interaction", "--no-ansi", "--directory", str(folder)]
    # Poetry 1 takes everything new unless it is told not to; Poetry 2 doesn't know the option any more.
    return [*command, "--no-update"] if "version 1." in version else command


def _environment(lock: Path) -> dict[str, str]:
    """The user's own, and for Poetry where to put what it makes. It may build what the lock names, which is other people's code:
    no token of a forge is in it, unless the lock takes something from git, which may need one."""
    from lockblame.trial.tokens import tokens, without

    taken = lock.read_bytes() if lock.is_file() else b""
    secrets = () if _FROM_GIT.search(taken) else tokens(os.environ)
    return {**without(os.environ, secrets), **_INSIDE}


def _version(program: str, folder: Path, environment: Mapping[str, str]) -> str:
    code, said = _run([program, "--version"], folder, environment)
    return said.strip().splitlines()[-1][:100] if code == 0 and said.strip() else ""


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit code and the end of what was printed; what takes too long is ended with all that it started."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            return 127, f"can't be started: {error.strerror or error}"
        try:
            code = process.wait(LONGEST)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return 124, f"{_tail(output)}\ngave no answer within {LONGEST:.0f} seconds"
        return code, _tail(output)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _tail(output: BinaryIO) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - TOLD))
    return output.read().decode("utf-8", "replace").strip()
