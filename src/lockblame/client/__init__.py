"""The one place that opens connections: drives flows against real servers.

What a flow asks is answered from the cache or the network, with retries of what is transient, waits that hosts ask for
(honoured in full, or not at all when they exceed the caller's patience), redirects that take no credentials along, bounds on
time and size. What can't be answered is thrown into the flow as an UpstreamError.

`answers` judges what came (pure), `wire` holds httpx, `cache` what is kept on disk, `crew` the threads, `credentials` tokens and
passwords, `indexes` finds the index that pip or uv would ask.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, cast
from urllib.parse import urlsplit

from lockblame.client.answers import (
    FILES_AT_ONCE,
    FORGE_AT_ONCE,
    REDIRECTS,
    Hung,
    Refused,
    Slow,
    TooLate,
    Unreachable,
    at_once,
    bucket,
    checked,
    judge,
    next_hop,
    shown,
)
from lockblame.client.credentials import Credentials
from lockblame.client.crew import Call, Crew
from lockblame.client.indexes import default_index
from lockblame.errors import BadResponse, RateLimited, UpstreamError
from lockblame.flow import Flow, Request, Response
from lockblame.logbook import log
from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from lockblame.client.wire import Wire

__all__ = ["FORGE_AT_ONCE", "Client", "default_index"]

T = TypeVar("T")

_ATTEMPTS = 4
_KNOCKS = 2
"""Attempts at a host where nobody answers (who is offline waits a second for the report, not five), and for what took all its
time."""
_HANGS = 2
"""Questions in a row that a host left hanging, after which the others needn't wait for it. One will do of a host that never
answered: it had twice the time that GitHub gives its longest queries."""
_SILENCE = 30.0
"""Seconds for which a host that nobody answered at is not tried again by the same client."""
_HOPS = 5
_JITTER = 0.3
_TOLD = 1.0
"""Seconds from which on a wait is worth a note."""


class Client:
    """Asks package indexes and forges. Use it as a context manager, or call `close`.

    `token` is for api.github.com, `tokens` go from host to token; without them GITHUB_TOKEN or GH_TOKEN counts. `offline` answers
    from the cache alone, however old it is, and never opens a connection. `timeout` bounds one answer, `deadline` one call of
    `run` or `map`, `total` everything from the first question on, `patience` the waits that hosts ask for (all in seconds).
    `cache` is a folder; None means LOCKBLAME_CACHE_DIR or the user's cache folder, False none. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        tokens: Mapping[str, str] | None = None,
        offline: bool = False,
        timeout: float = 20.0,
        deadline: float = 90.0,
        total: float | None = None,
        patience: float = 30.0,
        cache: str | os.PathLike[str] | bool | None = None,
        progress: Progress = SILENT,
    ) -> None:
        self._credentials = Credentials(token, tokens, os.environ, progress.note)
        self._offline = offline
        self._timeout = timeout
        self._deadline = deadline
        self._total = total
        self._began: float | None = None
        self._patience = patience
        self._cache = Path(cache) if isinstance(cache, str | os.PathLike) else None
        self._cached = cache is not False
        self._progress = progress
        self._wire: Wire | None = None
        self._lock = threading.Lock()
        self._lanes: dict[str, threading.Semaphore] = {}
        self._resting: dict[str, RateLimited] = {}
        self._silent: dict[str, tuple[str, float]] = {}
        self._hanging: dict[str, int] = {}
        self._calls: weakref.WeakSet[Call] = weakref.WeakSet()
        self._closed = threading.Event()

    def __repr__(self) -> str:
        return f"Client(offline={self._offline}, {self._credentials!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection and the cache. What is still under way is given up at once, pauses and all."""
        self._closed.set()
        with self._lock:
            wire, self._wire = self._wire, None
            calls = list(self._calls)
        for call in calls:
            call.finish()
        if wire is not None:
            wire.close()

    def disconnected(self) -> Client:
        """Another client, which answers from this one's cache alone. Whoever asks for it closes it."""
        cache = self._cache if self._cache is not None else self._cached
        other = Client(offline=True, deadline=self._deadline, total=self._total, cache=cache, progress=self._progress)
        # what a token opened is kept for who has that token
        other._credentials = self._credentials
        return other

    def authorized(self, url: str) -> bool:
        """Whether a request to `url` would carry a token or a password."""
        return self._credentials.header(url) is not None

    # --- calls -------------------------------------------------------------------------------------------------------

    def run(self, flow: Flow[T]) -> T:
        """What the flow returns. Raises the UpstreamError that it let through."""
        return self._drive(flow, self._call())

    def map(
        self, tasks: Iterable[tuple[str, str, Flow[T]]], *, stage: str = "asking upstream", at_once: int = FILES_AT_ONCE
    ) -> list[T | UpstreamError]:
        """What each flow returns, or its UpstreamError, in the order of the tasks: (key for the progress, host, flow).

        Hosts are asked in parallel, each with so many flows `at_once`, begun in their order. Nobody waits longer than the
        deadline: what has no answer by then is a BadResponse that says so.
        """
        return Crew(list(tasks), self._progress, stage, self._drive, at_once).work(self._call())

    def _call(self) -> Call:
        now = time.monotonic()
        with self._lock:
            self._began = now if self._began is None else self._began
            ends = now + self._deadline
            call = Call(ends if self._total is None else min(ends, self._began + self._total))
            self._calls.add(call)
        return call

    def _drive(self, flow: Flow[T], call: Call) -> T:
        try:
            request = next(flow)
            while True:
                try:
                    response = self._answer(request, call)
                except UpstreamError as error:
                    request = flow.throw(error)
                else:
                    request = flow.send(response)
        except StopIteration as stop:
            return cast(T, stop.value)
        finally:
            flow.close()

    # --- one request -------------------------------------------------------------------------------------------------

    def _answer(self, request: Request, call: Call) -> Response:
        """The 200 to `request`; raises UpstreamError when it can't be had in time."""
        try:
            return self._ask(request, call)
        except Refused as error:
            refused = error
        log("client", "%s", refused.error)
        if refused.wait is None:
            self._remember(refused)
            # outside of the handler: with the attempt as its context the error would hold itself, which tblib can't pickle
            raise refused.error
        return self._answer_later(request, call, refused)

    def _remember(self, refused: Refused) -> None:
        """A host where nobody is, once it was tried enough: the other packages' questions need not find it out again."""
        if isinstance(refused, Unreachable) and refused.error.url is not None:
            self._silent[urlsplit(refused.error.url).netloc] = (refused.error.detail, time.monotonic() + _SILENCE)

    def _answer_later(self, request: Request, call: Call, first: Refused) -> Response:
        """The same after a `first` attempt that failed. (Most runs need none of this, and stamina takes its time to load.)"""
        import stamina

        _quiet("stamina")
        patience = self._patience
        reason: UpstreamError | None = None
        attempt: stamina.Attempt | None = None

        def paused(error: Exception) -> bool | float:
            """Whether to try again, asked by stamina. The pause is made here, where `close` can end it; so stamina makes none."""
            nonlocal patience, reason
            if attempt is not None and attempt.num > 1:
                log("client", "%s (attempt %s)", getattr(error, "error", error), attempt.num)
            if isinstance(error, Refused) and not isinstance(error, TooLate):
                reason = error.error
            if not isinstance(error, Refused) or error.wait is None or attempt is None:
                return False
            if attempt.num >= (_KNOCKS if isinstance(error, Unreachable | Slow) else _ATTEMPTS):
                return False
            if error.wait is True:
                return 0.0 if request.retried and call.pause(attempt.next_wait + _jitter()) else False
            if error.wait > patience or error.wait >= call.left:
                return False
            patience -= error.wait
            if error.wait >= _TOLD:
                self._progress.note(f"{error.error}: waiting {error.wait:.0f} s")
            return 0.0 if call.pause(error.wait) else False

        try:
            for attempt in stamina.retry_context(on=paused, attempts=_ATTEMPTS, timeout=None, wait_max=4.0):
                with attempt:
                    if attempt.num == 1:
                        raise first
                    return self._ask(request, call)
        except Refused as error:
            refused = error
        else:
            raise AssertionError("unreachable: the last attempt returns or raises")
        self._remember(refused)
        # what went wrong before the time was up says more than that it is up
        raise reason or refused.error

    def _ask(self, request: Request, call: Call) -> Response:
        """One attempt, with the redirects it takes. Raises Refused."""
        url = self._credentials.learn(checked(request.url, request.subject))
        seen = {url}
        for _ in range(_HOPS + 1):
            response = self._send(request, url, call)
            if response.status not in REDIRECTS:
                self._judged(response, request)
                return response
            url = next_hop(response, request)
            if url in seen:
                break
            seen.add(url)
        raise Refused(BadResponse(request.subject, f"{shown(request.url)} redirects without end", shown(request.url)))

    def _judged(self, response: Response, request: Request) -> None:
        secret = None if request.anonymous else self._credentials.header(response.url)
        try:
            judge(response, request.subject, time.time(), anonymous=secret is None)
        except Refused as refused:
            if isinstance(refused.error, RateLimited):
                self._resting[bucket(response.url)] = refused.error
            raise

    def _send(self, request: Request, url: str, call: Call) -> Response:
        # what needs no asking waits for no place, and for no host that is down
        if (kept := self._wired().kept(request, url)) is not None:
            return kept
        self._rested(url, request.subject)
        manners, places = at_once(url)
        with self._lock:
            lane = self._lanes.setdefault(manners, threading.Semaphore(places))
        if not call.enter(lane):
            raise self._late(request, url)
        try:
            if not call.left:
                raise self._late(request, url)
            # while this one waited for its place, another may have been refused
            self._rested(url, request.subject)
            whole = call.left >= self._timeout
            try:
                response = self._wired().ask(request, url, min(self._timeout, call.left))
            except Hung as hung:
                if whole and self._down(urlsplit(url).netloc):
                    raise Unreachable(hung.error) from None
                raise
            self._hanging[urlsplit(url).netloc] = 0
            return response
        finally:
            lane.release()

    def _down(self, host: str) -> bool:
        """Whether a host that left one more question hanging is to be asked no other for now."""
        with self._lock:
            hanging = self._hanging.get(host)
            if hanging is not None:
                self._hanging[host] = hanging + 1
        return hanging is None or hanging + 1 >= _HANGS

    def _rested(self, url: str, subject: str) -> None:
        """Refuses at once what a host has said it won't answer yet (asking all the same makes its limits stricter), and what
        nobody answered just now."""
        detail, until = self._silent.get(urlsplit(url).netloc, ("", 0.0))
        if until > time.monotonic():
            raise Refused(BadResponse(subject, detail, shown(url)))
        limit = self._resting.get(bucket(url))
        if limit is not None and limit.until is not None and limit.until > time.time():
            error = RateLimited(subject, limit.detail, shown(url), limit.until)
            raise Refused(error, limit.until - time.time())

    def _late(self, request: Request, url: str) -> TooLate:
        return TooLate(BadResponse(request.subject, f"there was no time left to ask {urlsplit(url).netloc}", shown(url)))

    def _wired(self) -> Wire:
        from lockblame.client.cache import cache_folder
        from lockblame.client.wire import Wire

        with self._lock:
            if self._closed.is_set():
                raise Refused(BadResponse("client", "was closed while it was asked"))
            if self._wire is None:
                folder = (self._cache or cache_folder()) if self._cached else None
                log("client", "answers are kept in %s", folder or "no folder: neither kept nor used")
                self._wire = Wire(self._credentials, folder=folder, offline=self._offline, note=self._progress.note)
            return self._wire


def _quiet(name: str) -> None:
    """Without a handler, Python writes a library's warnings to standard error."""
    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _jitter() -> float:
    """Those who were refused together must not come back together."""
    import random

    return random.uniform(0.0, _JITTER)  # noqa: S311
