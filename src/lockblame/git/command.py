"""Running the git command so that it can do nothing but read.

A repository is somebody else's text, its configuration included: whatever git would execute on its behalf (file system monitor,
hooks, text conversion, external diffs, signature checks, lazy fetches) is turned off, the environment can't point it at another
repository, and every answer is bounded in time and size.
"""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from lockblame.errors import ReadError, RevisionError
from lockblame.logbook import log

if TYPE_CHECKING:
    from io import BufferedReader

TIMEOUT = 120.0
"""Seconds that one answer of git may take."""
WHOLE = "fetch the rest: git fetch --refetch --no-filter"
LARGEST_ANSWER = 256 * 2**20
LARGEST_COMPLAINT = 8192

SAFE = (
    "--no-pager",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.quotePath=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "log.showRoot=true"),
    *("-c", "color.ui=false"),
)
_FORCED = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    # git before 2.44 doesn't know the line above: there it can't fetch because no way to a remote is allowed.
    "GIT_ALLOW_PROTOCOL": "none",
}
_KEPT = ("GIT_CONFIG_", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH")
# While a server looks at a push, the new objects are in a quarantine that only these name.
_QUARANTINE = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")

_OBJECT = re.compile(rb"([0-9a-f]{40,64}) (blob|tree|commit|tag) ([0-9]{1,18})\n")
_ASTRAY = re.compile(rb"(?:symlink|dangling|loop|notdir) ([0-9]{1,18})\n")
_MISSING = re.compile(rb".* (?:missing|ambiguous)\n", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How git ended, what it printed, and the first thing it complained about."""

    status: int
    out: bytes
    complaint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object: its id, whether it is a blob, a tree, a commit or a tag, and its bytes."""

    id: str
    kind: str
    data: bytes


def run(folder: Path, *arguments: str) -> Answer:
    """`git ARGUMENTS` in `folder`; ReadError when it can't be run, takes too long or says too much."""
    with started(folder, *arguments) as running:
        return running.finish()


def checked(folder: Path, subject: str, *arguments: str) -> bytes:
    """What `git ARGUMENTS` prints; RevisionError about `subject` when git fails."""
    answer = run(folder, *arguments)
    if answer.status:
        raise refusal(subject, answer.complaint)
    return answer.out


def refusal(subject: str, complaint: str) -> RevisionError:
    """The error for what git complained about."""
    if "dubious ownership" in complaint or "safe.directory" in complaint:
        trust = f"if you trust it: git config --global --add safe.directory {subject}"
        return RevisionError(subject, "git refuses a repository that belongs to somebody else", trust)
    if "promisor remote" in complaint:
        return RevisionError(subject, "this clone is partial and lacks the file", WHOLE)
    return RevisionError(subject, f"git says: {complaint}" if complaint else "git failed without a word")


class Running:
    """A git at work. Its complaints are drained beside; it is killed when an answer takes longer than TIMEOUT."""

    def __init__(self, process: subprocess.Popen[bytes], command: str) -> None:
        self._process = process
        self._in = cast("IO[bytes]", process.stdin)
        self._out = cast("IO[bytes]", process.stdout)
        self._command = command
        self._late = False
        self._deadline = math.inf
        self._over = threading.Event()
        self._heard = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _listen(self) -> None:
        with cast("BufferedReader", self._process.stderr) as stream:
            while chunk := stream.read1(LARGEST_COMPLAINT):
                self._heard += chunk[: LARGEST_COMPLAINT - len(self._heard)]

    def _watch(self) -> None:
        # One thread that looks at the clock now and then: a timer of its own for each of ten thousand answers would cost more
        # than the answers.
        while not self._over.wait(min(TIMEOUT / 4, 1.0)):
            if time.monotonic() > self._deadline:
                self._late = True
                _stop(self._process)
                return

    def _complaint(self) -> str:
        self._listener.join(1)
        return _sentence(bytes(self._heard))

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        self._deadline = time.monotonic() + TIMEOUT
        try:
            yield
        finally:
            self._deadline = math.inf
            if self._late:
                raise ReadError(self._command, f"had no answer within {TIMEOUT:g} seconds")

    def close(self) -> None:
        """Ends git, and all that it started."""
        self._over.set()
        _stop(self._process)
        for stream in (self._in, self._out):
            # What was still to be written may have nowhere to go any more.
            with suppress(OSError):
                stream.close()
        self._process.wait()

    def finish(self) -> Answer:
        """Everything that is still to come."""
        with self._in_time():
            self._in.close()
            out = self._out.read(LARGEST_ANSWER + 1)
            if len(out) > LARGEST_ANSWER:
                _stop(self._process)
                raise ReadError(self._command, f"answered more than {LARGEST_ANSWER >> 20} MiB")
            status = self._process.wait()
        return Answer(status=status, out=out, complaint=self._complaint())

    def ask(self, name: bytes, subject: str, limit: int) -> Found | None:
        """Of a running `cat-file --batch --follow-symlinks`: the object that `name` names, None when there is none.

        ReadError about `subject` when it has more than `limit` bytes, or git stops.
        """
        with self._in_time():
            try:
                self._in.write(name + b"\n")
                self._in.flush()
            except OSError:
                raise refusal(subject, self._complaint()) from None
            answer = self._out.readline(len(name) + 4096)
            if found := _OBJECT.fullmatch(answer):
                data = self._exactly(int(found[3]), subject, limit)
                return Found(id=found[1].decode("ascii"), kind=found[2].decode("ascii"), data=data)
            if link := _ASTRAY.fullmatch(answer):
                self._exactly(int(link[1]), subject, LARGEST_ANSWER)
            elif not _MISSING.fullmatch(answer):
                raise refusal(subject, self._complaint())
        return None

    def _exactly(self, size: int, subject: str, limit: int) -> bytes:
        if size > limit:
            _stop(self._process)
            raise ReadError(subject, f"has {size >> 20} MiB; not more than {limit >> 20} MiB are read")
        data = self._out.read(size)
        if len(data) < size or self._out.read(1) != b"\n":
            raise refusal(subject, self._complaint())
        return data


@contextmanager
def started(folder: Path, *arguments: str, settings: Sequence[str] = ()) -> Iterator[Running]:
    """A git that can be talked to; it is gone when the block is left. `settings` are of git's configuration, `name=value`."""
    log("git", "git %s (in %s)", " ".join(one for one in arguments if not one.startswith("-")), folder)
    pipe = subprocess.PIPE
    try:
        # In a session of its own git has no terminal to prompt on, and whatever it may have started can be stopped with it.
        process = subprocess.Popen(
            ["git", *SAFE, *(part for setting in settings for part in ("-c", setting)), *arguments],
            cwd=folder,
            env=environment(),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _not_started(folder, error) from error
    running = Running(process, f"git {arguments[0]}")
    try:
        yield running
    finally:
        running.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    # As long as nobody has waited for it, its number is its own, even when it has ended and only its children are left.
    if process.returncode is None:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL) if sys.platform != "win32" else process.kill()


def _not_started(folder: Path, error: Exception) -> ReadError:
    if isinstance(error, FileNotFoundError) and folder.is_dir():
        return RevisionError("git", "isn't installed, or isn't on PATH", "install it, or name two files")
    if not folder.is_dir():
        return ReadError(str(folder), "isn't a folder")
    return ReadError(str(folder), f"git can't be started there: {error}")


def _sentence(complaint: bytes) -> str:
    """The first thing that git complains about, fit for a message."""
    lines = [line for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    fatal = [line.split(": ", 1)[1] for line in lines if line.startswith(("fatal: ", "error: "))]
    said = (fatal or lines or [""])[0]
    return "".join(letter if letter.isprintable() else "?" for letter in said[:300])


def environment() -> dict[str, str]:
    """The user's own, without what would point git at another repository, trace, prompt, fetch or translate."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    if "GIT_QUARANTINE_PATH" in os.environ:
        mine.update((name, os.environ[name]) for name in _QUARANTINE if name in os.environ)
    return mine | _FORCED
