"""Asking the real resolver, uv or Poetry, what it would lock: in a temporary copy, never in the user's own folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LONGEST = 600.0
"""Seconds that a resolver gets."""
TOLD = 4_000
"""Bytes of what it says last that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether it resolved, what it said last, and the new lock's bytes when it did; `resolver` with its version."""

    resolver: str
    resolved: bool
    said: str = ""
    lock: bytes | None = None


def lock(tool: str, texts: Mapping[str, str | bytes], lock_path: str, *, offline: bool = False) -> Outcome | None:
    """What `uv lock` or `poetry lock` makes of those files (relative path → content), which have the lock at `lock_path`.

    Pins of that lock stay where they may. None when the tool isn't installed.
    """
    program = shutil.which(tool)
    if program is None:
        return None
    with tempfile.TemporaryDirectory(prefix="lockblame-rollback-") as name:
        top = Path(name).resolve()
        for path, content in texts.items():
            place = top / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
        folder = (top / lock_path).parent
        version = _version(program, folder)
        code, said = _run(_command(program, tool, version, folder, offline), folder)
        made = (top / lock_path).read_bytes() if code == 0 and (top / lock_path).is_file() else None
    return Outcome(resolver=version or tool, resolved=made is not None, said=said, lock=made)


def _command(program: str, tool: str, version: str, folder: Path, offline: bool) -> list[str]:
    if tool == "uv":
        command = [program, "lock", "--project", str(folder), "--no-progress", "--color", "never"]
        return [*command, "--offline"] if offline else command
    command = [program, "lock", "--no-interaction", "--no-ansi", "--directory", str(folder)]
    # Poetry 1 takes everything new unless it is told not to; Poetry 2 doesn't know the option any more.
    return [*command, "--no-update"] if "version 1." in version else command


def _version(program: str, folder: Path) -> str:
    code, said = _run([program, "--version"], folder)
    return said.strip().splitlines()[-1][:100] if code == 0 and said.strip() else ""


def _run(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """The exit code and the end of what was printed; what takes too long is ended with all that it started."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
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
