"""The time of one call, and the threads of one `map`: all gone when the work is done, the time is up, or somebody has enough."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from lockblame.client.answers import FILES_AT_ONCE
from lockblame.errors import BadResponse, UpstreamError
from lockblame.flow import Flow
from lockblame.progress import Progress

T = TypeVar("T")

_GRACE = 1.0
"""Seconds that a call may overrun its deadline, for what can't be interrupted (a name look-up)."""
_GLANCE = 0.2


class Call:
    """One call of `run` or `map`: the moment (monotonic seconds) when its time is up, and whether it is over before."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self._over = threading.Event()

    @property
    def left(self) -> float:
        """Seconds that it may still take."""
        return 0.0 if self._over.is_set() else max(0.0, self.ends - time.monotonic())

    def finish(self) -> None:
        """Nobody waits for what is still under way: it ends at its next step, and its pauses at once."""
        self._over.set()

    def pause(self, seconds: float) -> bool:
        """Wait so long; False when the call is over, or would be before the pause is."""
        return seconds < self.left and not self._over.wait(seconds)

    def enter(self, lane: threading.Semaphore) -> bool:
        """Wait for a place; False when the call is over before there is one."""
        while not lane.acquire(timeout=min(_GLANCE, self.left)):
            if not self.left:
                return False
        return True


class Crew(Generic[T]):
    """The threads of one `map`, some for each host."""

    def __init__(
        self,
        tasks: list[tuple[str, str, Flow[T]]],
        progress: Progress,
        stage: str,
        drive: Callable[[Flow[T], Call], T],
        at_once: int = FILES_AT_ONCE,
    ) -> None:
        self._keys = [key for key, _, _ in tasks]
        self._progress = progress
        self._stage = stage
        self._drive = drive
        self._at_once = at_once
        self._queues: dict[str, deque[tuple[int, Flow[T]]]] = {}
        for number, (_, host, flow) in enumerate(tasks):
            self._queues.setdefault(host, deque()).append((number, flow))
        self._results: dict[int, T | BaseException] = {}
        self._done = threading.Condition()
        self._over = False

    def work(self, call: Call) -> list[T | UpstreamError]:
        """What each flow returned, or the UpstreamError that stands for it."""
        if not self._keys:
            return []
        seconds = call.left
        self._progress.begin(self._stage, len(self._keys))
        try:
            for queue in self._queues.values():
                for _ in range(min(self._at_once, len(queue))):
                    # daemons: a name look-up that hangs must hold up neither the report nor the end of the program
                    threading.Thread(target=self._labour, args=(queue, call), name="lockblame", daemon=True).start()
            with self._done:
                self._done.wait_for(lambda: len(self._results) == len(self._keys), timeout=call.left + _GRACE)
                self._over = True
                results = dict(self._results)
        finally:
            self._over = True
            call.finish()
            self._progress.end(self._stage)
        return [self._result(results.get(number), key, seconds) for number, key in enumerate(self._keys)]

    def _result(self, result: T | BaseException | None, key: str, seconds: float) -> T | UpstreamError:
        if result is None:
            return BadResponse(key, f"had no answer within the {seconds:.3g} s that were left for asking")
        if isinstance(result, UpstreamError):
            return result
        if isinstance(result, BaseException):
            raise result
        return result

    def _labour(self, queue: deque[tuple[int, Flow[T]]], call: Call) -> None:
        while not self._over:
            try:
                number, flow = queue.popleft()
            except IndexError:
                return
            result: T | BaseException
            try:
                result = self._drive(flow, call)
            except BaseException as error:  # handed to the caller's thread, which raises it
                result = error
            with self._done:
                self._results[number] = result
                if not self._over:
                    self._progress.step(self._stage, self._keys[number])
                self._done.notify_all()
