"""Starting programs so that nothing of them is left: each in a process group of its own, which is ended with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

HEAD = 2**20
TAIL = 4 * 2**20
"""Bytes of a program's output that are kept, from its beginning and its end; the rest is read and forgotten."""

_TOGETHER = 1.0
"""Seconds within which two interruptions are one."""
_MARK = "LOCKBLAME_TRIAL"
"""The variable by which what a program started is known for its own."""
_PASSES = 20
_GRACE = 2.0
"""Seconds that a program has to end by itself once it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended: its exit code (negative: a signal; None: it was ended because its time was up) and what it printed."""

    code: int | None
    seconds: float
    output: bytes


class Stopped(Exception):
    """The trials or the time that the caller gave are used up."""

    def __init__(self, reason: Literal["limit", "deadline"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Processes:
    """The programs that are running; `close` ends them all. Safe to use from several threads.

    `until` is when all of them have to be done, on the clock of `time.monotonic`: commands, installers, builds and git alike.
    """

    def __init__(self, *, until: float | None = None) -> None:
        self.until = until
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        timeout: float | None = None,
        listen: Callable[[bytes], object] | None = None,
    ) -> Ended:
        """Runs the program to its end, without a terminal or input; `listen` gets all of its output, piece by piece.

        When it has ended, or its time is up, whatever is left of its process group is ended too, on Linux also what left that.
        Raises OSError when it can't be started (also once `close` was called), Stopped when all have to be done before it is.
        """
        started = time.monotonic()
        left = None if self.until is None else self.until - started
        if left is not None and left <= 0:
            raise Stopped("deadline")
        mark = f"{_MARK}={os.getpid()}-{os.urandom(8).hex()}"
        process = self._start(command, folder, {**environment, _MARK: mark.partition("=")[2]})
        listener = _Listener(cast("IO[bytes]", process.stdout), listen)
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process, over), daemon=True)
        watcher.start()
        late = False
        try:
            late = not over.wait(min((limit for limit in (timeout, left) if limit is not None), default=None))
            seconds = time.monotonic() - started
            if late:
                _ask_to_end(process)
                over.wait(_GRACE)
        finally:
            self._end(process)
            _end_marked(mark.encode("ascii"))
            output = listener.finish()
        if late and self.until is not None and time.monotonic() >= self.until:
            raise Stopped("deadline")
        return Ended(code=None if late else process.returncode, seconds=seconds, output=output)

    def close(self) -> None:
        """Ends all that is running, at once; what would be started later isn't."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            self._end(process)
        if running:
            _end_marked(f"{_MARK}={os.getpid()}-".encode("ascii"))

    def _start(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """In a thread of its own, where no Ctrl-C can come between the start of a program and the note that it runs."""
        started: list[subprocess.Popen[bytes] | BaseException] = []

        def start() -> None:
            try:
                started.append(self._started(command, folder, environment))
            except BaseException as error:
                started.append(error)

        thread = threading.Thread(target=start, daemon=True)
        thread.start()
        thread.join()
        if isinstance(started[0], BaseException):
            raise started[0]
        return started[0]

    def _started(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise OSError("stopped")
            process = subprocess.Popen(
                list(command),
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        _kill(process)
        process.wait()
        with self._lock:
            self._running.discard(process)


class _Listener:
    """Reads what a program prints, however much it is."""

    def __init__(self, stream: IO[bytes], listen: Callable[[bytes], object] | None) -> None:
        self._stream = stream
        self._listen = listen
        self._head = bytearray()
        self._tail = bytearray()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        descriptor = self._stream.fileno()
        with suppress(OSError, ValueError):
            while chunk := os.read(descriptor, 65536):
                if self._listen is not None:
                    self._listen(chunk)
                room = HEAD - len(self._head)
                self._head += chunk[:room]
                self._tail += chunk[max(0, room) :]
                if len(self._tail) > 2 * TAIL:
                    del self._tail[:-TAIL]

    def finish(self) -> bytes:
        """All that was kept. Whoever has left the group and still holds the pipe isn't waited for."""
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._stream.close()
        return bytes(self._head + self._tail[-TAIL:])


def _watch(process: subprocess.Popen[bytes], over: threading.Event) -> None:
    """Tells when the program has ended, without taking its number away: as long as nobody waits for it, it stays its own."""
    try:
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        else:
            process.wait()
    except ChildProcessError:
        pass
    finally:
        over.set()


def _ask_to_end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGTERM)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        elif process.returncode is None or _group_lives(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def _end_marked(mark: bytes) -> None:
    """Kills what has left the process group (a daemon), where the system shows with which variables it was started."""
    if not sys.platform.startswith("linux") or not hasattr(os, "pidfd_open"):
        return
    for _ in range(_PASSES):
        found = [number for number in _numbers() if number != os.getpid() and mark in _variables(number)]
        for number in found:
            with suppress(OSError):
                # Held by its descriptor, the number can't become another program's between the look and the signal.
                held = os.pidfd_open(number)
                try:
                    if mark in _variables(number):
                        signal.pidfd_send_signal(held, signal.SIGKILL)
                finally:
                    os.close(held)
        if not found:
            return


def _numbers() -> list[int]:
    try:
        return [int(place.name) for place in Path("/proc").iterdir() if place.name.isdecimal()]
    except OSError:
        return []


def _variables(number: int) -> bytes:
    """What a program was started with; nothing for those of others, and for those that have ended."""
    try:
        with open(f"/proc/{number}/environ", "rb") as file:  # noqa: PTH123
            return file.read(2**20)
    except OSError:
        return b""


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


@contextmanager
def ended_with_us(processes: Processes) -> Iterator[None]:
    """However the block is left, also by SIGTERM, SIGHUP or any number of Ctrl-C, nothing of `processes` is left behind it.

    One that comes within a second of another, or while all is being ended, interrupts nothing: what is ending may end.
    """
    handled: dict[int, signal._HANDLER] = {}
    last: float | None = None
    ending = False

    def interrupt(*_: object) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if not ending and (before is None or last - before > _TOGETHER):
            raise KeyboardInterrupt

    try:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                    handled[number] = signal.getsignal(number)
                    signal.signal(number, interrupt)
        yield
    except RuntimeError:
        # Python's own locks complain when they are interrupted between two of their steps.
        if last is not None:
            raise KeyboardInterrupt from None
        raise
    finally:
        ending = True
        try:
            processes.close()
        finally:
            for number, before in handled.items():
                signal.signal(number, before)
