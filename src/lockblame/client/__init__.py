"""The one place that opens connections: drives flows against real servers.

What a flow asks is answered from the cache or the network, with retries of what is transient, waits that hosts ask for
(honoured in full, or not at all when they exceed the caller's patience), redirects that take no credentials along, bounds on
time and size. What can't be answered is thrown into the flow as an UpstreamError.

`answers` judges what came (pure), `wire` holds httpx and the cache, `credentials` tokens and passwords, `indexes` finds the
index that pip or uv would ask.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast
from urllib.parse import urlsplit

from lockblame.client.answers import REDIRECTS, Refused, TooLate, bucket, checked, judge, next_hop, shown
from lockblame.client.credentials import Credentials
from lockblame.client.indexes import default_index
from lockblame.errors import BadResponse, RateLimited, UpstreamError
from lockblame.flow import Flow, Request, Response
from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from lockblame.client.wire import Wire

__all__ = ["Client", "default_index"]

T = TypeVar("T")

_ATTEMPTS = 4
_HOPS = 5
_AT_ONCE = 6
"""Connections to one host at a time."""
_GRACE = 1.0
"""Seconds that a call may overrun its deadline, for what can't be interrupted (a name look-up)."""


class Client:
    """Asks package indexes and forges. Use it as a context manager, or call `close`.

    `token` is for api.github.com, `tokens` go from host to token; without them GITHUB_TOKEN or GH_TOKEN counts. `offline` answers
    from the cache alone and never opens a connection. `timeout` bounds one answer, `deadline` one call of `run` or `map`,
    `patience` the waits that hosts ask for (all in seconds). `cache` is a folder; None means the user's cache folder, False none.
    Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        tokens: Mapping[str, str] | None = None,
        offline: bool = False,
        timeout: float = 20.0,
        deadline: float = 90.0,
        patience: float = 30.0,
        cache: str | os.PathLike[str] | bool | None = None,
        progress: Progress = SILENT,
    ) -> None:
        self._credentials = Credentials(token, tokens, os.environ)
        self._offline = offline
        self._timeout = timeout
        self._deadline = deadline
        self._patience = patience
        self._cache = Path(cache) if isinstance(cache, str | os.PathLike) else None
        self._cached = cache is not False
        self._progress = progress
        self._wire: Wire | None = None
        self._lock = threading.Lock()
        self._lanes: dict[str, threading.Semaphore] = {}
        self._resting: dict[str, RateLimited] = {}
        self._closed = threading.Event()

    def __repr__(self) -> str:
        return f"Client(offline={self._offline}, {self._credentials!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection and the cache. What is still under way is given up."""
        self._closed.set()
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def authorized(self, url: str) -> bool:
        """Whether a request to `url` would carry a token or a password."""
        return self._credentials.header(url) is not None

    # --- calls -------------------------------------------------------------------------------------------------------

    def run(self, flow: Flow[T]) -> T:
        """What the flow returns. Raises the UpstreamError that it let through."""
        return self._drive(flow, time.monotonic() + self._deadline)

    def map(self, tasks: Iterable[tuple[str, str, Flow[T]]], *, stage: str = "asking upstream") -> list[T | UpstreamError]:
        """What each flow returns, or its UpstreamError, in the order of the tasks: (key for the progress, host, flow).

        Hosts are asked in parallel, each a few times at once. Nobody waits longer than the deadline: what has no answer by then
        is a BadResponse that says so.
        """
        listed = list(tasks)
        crew = _Crew(listed, self._progress, stage, lambda flow, ends: self._drive(flow, ends))
        return crew.work(time.monotonic() + self._deadline, self._deadline)

    def _drive(self, flow: Flow[T], ends: float) -> T:
        try:
            request = next(flow)
            while True:
                try:
                    response = self._answer(request, ends)
                except UpstreamError as error:
                    request = flow.throw(error)
                else:
                    request = flow.send(response)
        except StopIteration as stop:
            return cast(T, stop.value)
        finally:
            flow.close()

    # --- one request -------------------------------------------------------------------------------------------------

    def _answer(self, request: Request, ends: float) -> Response:
        """The 200 to `request`; raises UpstreamError when it can't be had in time."""
        import stamina

        _quiet("stamina")
        patience = self._patience
        reason: UpstreamError | None = None

        def wait_before_retry(error: Exception) -> bool | float:
            """No, yes after a growing pause, or yes after exactly so many seconds (stamina's backoff hook)."""
            nonlocal patience, reason
            if isinstance(error, Refused) and not isinstance(error, TooLate):
                reason = error.error
            if not isinstance(error, Refused) or error.wait is None or self._closed.is_set():
                return False
            if error.wait is True:
                return request.retried and time.monotonic() < ends
            if error.wait > patience or time.monotonic() + error.wait > ends:
                return False
            patience -= error.wait
            if error.wait >= 1:
                self._progress.note(f"{error.error}: waiting {error.wait:.0f} s")
            return error.wait

        try:
            for attempt in stamina.retry_context(
                on=wait_before_retry, attempts=_ATTEMPTS, timeout=None, wait_max=4.0, wait_jitter=0.3
            ):
                with attempt:
                    return self._ask(request, ends)
        except Refused as refused:
            # what went wrong before the time was up says more than that it is up
            raise reason or refused.error from None
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _ask(self, request: Request, ends: float) -> Response:
        """One attempt, with the redirects it takes. Raises Refused."""
        url = self._credentials.learn(checked(request.url, request.subject))
        seen = {url}
        for _ in range(_HOPS + 1):
            response = self._send(request, url, ends)
            if response.status not in REDIRECTS:
                self._judged(response, request)
                return response
            url = next_hop(response, request)
            if url in seen:
                break
            seen.add(url)
        raise Refused(BadResponse(request.subject, f"{shown(request.url)} redirects without end", shown(request.url)))

    def _judged(self, response: Response, request: Request) -> None:
        anonymous = request.anonymous or self._credentials.header(response.url) is None
        try:
            judge(response, request.subject, time.time(), anonymous=anonymous)
        except Refused as refused:
            if isinstance(refused.error, RateLimited):
                self._resting[bucket(response.url)] = refused.error
            raise

    def _send(self, request: Request, url: str, ends: float) -> Response:
        self._rested(url, request.subject)
        host = urlsplit(url).netloc
        with self._lock:
            lane = self._lanes.setdefault(host, threading.Semaphore(_AT_ONCE))
        if not lane.acquire(timeout=max(0.0, ends - time.monotonic())):
            raise self._late(request, url)
        try:
            left = ends - time.monotonic()
            if left <= 0:
                raise self._late(request, url)
            return self._wired().ask(request, url, min(self._timeout, left))
        finally:
            lane.release()

    def _rested(self, url: str, subject: str) -> None:
        """Refuses at once what a host has said it won't answer yet: asking all the same makes its limits stricter."""
        limit = self._resting.get(bucket(url))
        if limit is not None and limit.until is not None and limit.until > time.time():
            error = RateLimited(subject, limit.detail, shown(url), limit.until)
            raise Refused(error, limit.until - time.time())

    def _late(self, request: Request, url: str) -> TooLate:
        return TooLate(BadResponse(request.subject, f"there was no time left to ask {urlsplit(url).netloc}", shown(url)))

    def _wired(self) -> Wire:
        from lockblame.client.wire import Wire, cache_folder

        with self._lock:
            if self._closed.is_set():
                raise Refused(BadResponse("client", "was closed while it was asked"))
            if self._wire is None:
                folder = (self._cache or cache_folder()) if self._cached else None
                self._wire = Wire(self._credentials, folder=folder, offline=self._offline, note=self._progress.note)
            return self._wire


def _quiet(name: str) -> None:
    """Without a handler, Python writes a library's warnings to standard error."""
    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


class _Crew(Generic[T]):
    """The threads of one `map`: a few for each host, all gone when the work is done or the time is up."""

    def __init__(
        self,
        tasks: list[tuple[str, str, Flow[T]]],
        progress: Progress,
        stage: str,
        drive: Callable[[Flow[T], float], T],
    ) -> None:
        self._keys = [key for key, _, _ in tasks]
        self._progress = progress
        self._stage = stage
        self._drive = drive
        self._queues: dict[str, deque[tuple[int, Flow[T]]]] = {}
        for number, (_, host, flow) in enumerate(tasks):
            self._queues.setdefault(host, deque()).append((number, flow))
        self._results: dict[int, T | BaseException] = {}
        self._done = threading.Condition()
        self._over = False

    def work(self, ends: float, seconds: float) -> list[T | UpstreamError]:
        if not self._keys:
            return []
        self._progress.begin(self._stage, len(self._keys))
        try:
            for queue in self._queues.values():
                for _ in range(min(_AT_ONCE, len(queue))):
                    # daemons: a name look-up that hangs must hold up neither the report nor the end of the program
                    threading.Thread(target=self._labour, args=(queue, ends), name="lockblame", daemon=True).start()
            with self._done:
                self._done.wait_for(
                    lambda: len(self._results) == len(self._keys), timeout=max(0.0, ends - time.monotonic()) + _GRACE
                )
                self._over = True
                results = dict(self._results)
        finally:
            self._over = True
            self._progress.end(self._stage)
        return [self._result(results.get(number), key, seconds) for number, key in enumerate(self._keys)]

    def _result(self, result: T | BaseException | None, key: str, seconds: float) -> T | UpstreamError:
        if result is None:
            return BadResponse(key, f"had no answer within the {seconds:g} s that asking may take in all")
        if isinstance(result, UpstreamError):
            return result
        if isinstance(result, BaseException):
            raise result
        return result

    def _labour(self, queue: deque[tuple[int, Flow[T]]], ends: float) -> None:
        while not self._over:
            try:
                number, flow = queue.popleft()
            except IndexError:
                return
            result: T | BaseException
            try:
                result = self._drive(flow, ends)
            except BaseException as error:  # handed to the caller's thread, which raises it
                result = error
            with self._done:
                self._results[number] = result
                if not self._over:
                    self._progress.step(self._stage, self._keys[number])
                self._done.notify_all()
