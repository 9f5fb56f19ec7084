"""httpx, and in front of it the cache: one question, one answer as it came, whatever its status.

The cache is hishel as a private cache (RFC 9111): it sees neither credentials nor broken bodies, because both are dealt with
below it, in `Wire.handle_request`. A cache that can't be used costs one note, never an answer.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lockblame.client.answers import Refused, shown
from lockblame.client.credentials import Credentials
from lockblame.errors import BadResponse, Offline
from lockblame.flow import Request, Response

if TYPE_CHECKING:
    import ssl

    import httpx
    from hishel import SqliteStorage
    from hishel.httpx import CacheTransport

LARGEST = 64 * 1024 * 1024
"""Bytes of one answer, unpacked."""
_CACHE_BYTES = 256 * 1024 * 1024
_CACHE_UNUSED = 60 * 24 * 3600.0
_DIGEST = "x-lockblame-digest"
# of no use to who reads the answer, and wrong once the body is unpacked
_HOP_BY_HOP = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive", "set-cookie"})


def cache_folder() -> Path:
    """The user's cache folder for lockblame."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("lockblame", appauthor=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """What an answer is for, and when to give up on it (monotonic seconds)."""

    subject: str
    ends: float
    seconds: float


class Wire:
    """Asks one URL. `note` is told, once, when the cache can't be used."""

    def __init__(self, credentials: Credentials, *, folder: Path | None, offline: bool, note: Callable[[str], None]) -> None:
        self._credentials = credentials
        self._offline = offline
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._trouble = _Trouble(note, folder)
        self._storage: SqliteStorage | None = None
        self._transport: CacheTransport | None = None
        if folder is not None:
            self._open_cache(folder)

    def _open_cache(self, folder: Path) -> None:
        from hishel import CacheOptions, SqliteStorage
        from hishel.httpx import CacheTransport

        logging.getLogger("hishel").addHandler(self._trouble)
        try:
            # answers may come from private places
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self._trouble.tell(error)
            return
        self._storage = SqliteStorage(database_path=self._trouble.file, max_size=_CACHE_BYTES, default_tti=_CACHE_UNUSED)
        private = CacheOptions(shared=False, allow_stale=False)
        self._transport = CacheTransport(cast("httpx.BaseTransport", self), storage=self._storage, rfc=private)

    def close(self) -> None:
        """Close the connections and the cache."""
        with self._lock:
            http, self._http = self._http, None
        if http is not None:
            http.close()
        self._trouble.told = True  # what is still under way will find the cache closed, which is nobody's trouble
        if self._storage is not None:
            self._storage.close()
        logging.getLogger("hishel").removeHandler(self._trouble)

    # --- one question ------------------------------------------------------------------------------------------------

    def ask(self, request: Request, url: str, seconds: float) -> Response:
        """The answer to `request` at `url`, of any status, within so many seconds. Raises Refused."""
        import httpx

        bounds = _Bounds(subject=request.subject, ends=time.monotonic() + seconds, seconds=seconds)
        headers = {"User-Agent": _user_agent(), "Accept-Encoding": "gzip", **request.headers}
        known = self._credentials.header(url) is not None
        if known:
            # stands for the credentials in the cache, so that what they opened isn't served without them
            headers["Authorization"] = "lockblame"
        key = sha256(f"{url}\n{request.headers.get('Accept', '')}\n{known}".encode()).hexdigest()
        try:
            question = httpx.Request(
                "GET" if request.body is None else "POST",
                url,
                headers=headers,
                content=request.body,
                extensions={"bounds": bounds, "caching": {"key": key}},
            )
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
            raise Refused(BadResponse(request.subject, f"{shown(url)} is no address that can be asked", shown(url))) from None
        # a cache in trouble may make each question wait for its lock: one such wait is enough
        if self._transport is not None and request.body is None and not self._trouble.told:
            answer = self._through_cache(self._transport, question, key)
        else:
            answer = self.handle_request(question)
        return Response(status=answer.status_code, url=url, headers=dict(answer.headers.items()), body=answer.content)

    def _through_cache(self, transport: CacheTransport, question: httpx.Request, key: str) -> httpx.Response:
        try:
            self._keep_one(key)
            answer = transport.handle_request(question)
            answer.read()
            digest = answer.headers.get(_DIGEST)
            if digest is None or digest == sha256(answer.content).hexdigest():
                return answer
            self._forget(key)
        except Refused:
            raise
        except Exception as error:  # whatever goes wrong in the cache must not cost the answer
            self._trouble.tell(error)
        return self.handle_request(question)

    def _keep_one(self, key: str) -> None:
        """Only the latest of what is stored for one question.

        hishel keeps the former answer beside the new one, and a 304 with a weak ETag (GitHub's are) then makes it drop both and
        ask once more for the whole.
        """
        if self._storage is not None:
            stored = sorted(self._storage.get_entries(key), key=lambda entry: _moment(entry.response.headers.get("date")))
            for entry in stored[:-1]:
                self._storage.remove_entry(entry.id)

    def _forget(self, key: str) -> None:
        if self._storage is not None:
            for entry in self._storage.get_entries(key):
                self._storage.remove_entry(entry.id)

    def handle_request(self, question: httpx.Request) -> httpx.Response:
        """One exchange with the network (or, offline, what stands for it). The cache calls this with its own headers added."""
        import httpx

        bounds: _Bounds = question.extensions["bounds"]
        url = str(question.url)
        if self._offline:
            return _unchanged(question, bounds)
        headers = httpx.Headers(question.headers)
        headers.pop("authorization", None)
        if secret := self._credentials.header(url):
            headers["authorization"] = secret
        left = max(0.01, bounds.ends - time.monotonic())
        limits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), left)}
        body = question.content if question.method == "POST" else None
        exchange = httpx.Request(question.method, question.url, headers=headers, content=body, extensions=limits)
        try:
            answer = self._connected(bounds.subject).send(exchange, stream=True)
            try:
                content = _read(answer, bounds)
            finally:
                answer.close()
        except httpx.TimeoutException:
            raise Refused(_too_slow(bounds, url), True) from None
        except httpx.HTTPError as error:
            raise _unreachable(error, bounds, url) from None
        except RuntimeError:  # httpx's word for a client that was closed under it
            raise Refused(BadResponse(bounds.subject, "was given up", shown(url))) from None
        return _clean(answer, content, bounds, url)

    def _connected(self, subject: str) -> httpx.Client:
        import httpx

        with self._lock:
            if self._http is None:
                try:
                    limits = httpx.Limits(max_connections=100, max_keepalive_connections=32, keepalive_expiry=30.0)
                    self._http = httpx.Client(verify=_trust(), follow_redirects=False, limits=limits)
                    self._http.event_hooks = {"response": [_keep_from_httpx]}
                except (ValueError, ImportError, OSError) as error:
                    detail = f"the environment's proxy or certificate settings can't be used ({type(error).__name__})"
                    raise Refused(BadResponse(subject, detail)) from None
            return self._http


def _keep_from_httpx(answer: httpx.Response) -> None:
    """httpx reads where a redirect leads although it isn't to follow, and fails over what it can't read."""
    if "location" in answer.headers:
        answer.extensions["location"] = answer.headers.pop("location")


def _unchanged(question: httpx.Request, bounds: _Bounds) -> httpx.Response:
    """Offline, whatever the cache holds still counts: a question whether it does is answered with yes, any other not at all."""
    import httpx

    validators = {"if-none-match": "etag", "if-modified-since": "last-modified"}
    held = {answer: question.headers[asked] for asked, answer in validators.items() if asked in question.headers}
    if held:
        return httpx.Response(304, headers=held)
    where = shown(str(question.url))
    raise Refused(Offline(bounds.subject, f"was not asked for at {where}, because asking was forbidden", where))


# --- what comes back -------------------------------------------------------------------------------------------------


def _read(answer: httpx.Response, bounds: _Bounds) -> bytes:
    """The body, unpacked, within the bounds of time and size."""
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    url = str(answer.url)
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise Refused(
            BadResponse(bounds.subject, f"{shown(url)} is packed in a way nobody asked for ({encoding[:40]})", shown(url))
        )
    unpacker = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
    body = bytearray()
    for chunk in answer.iter_raw():
        if time.monotonic() > bounds.ends:
            raise Refused(_too_slow(bounds, url), True)
        try:
            body += unpacker.decompress(chunk, LARGEST + 1 - len(body)) if unpacker else chunk
        except zlib.error:
            raise Refused(BadResponse(bounds.subject, f"the answer of {shown(url)} can't be unpacked", shown(url))) from None
        if len(body) > LARGEST:
            detail = f"the answer of {shown(url)} is larger than {LARGEST // 2**20} MiB"
            raise Refused(BadResponse(bounds.subject, detail, shown(url)))
    if unpacker and body and not unpacker.eof:
        raise Refused(_cut(bounds, url), True)
    return bytes(body)


def _clean(answer: httpx.Response, content: bytes, bounds: _Bounds, url: str) -> httpx.Response:
    """The answer as the cache and the flows may see it."""
    import httpx

    headers = httpx.Headers([(key, value) for key, value in answer.headers.multi_items() if key.lower() not in _HOP_BY_HOP])
    if "location" in answer.extensions:
        headers["location"] = answer.extensions["location"]
    if answer.status_code == 200:
        if "json" in headers.get("content-type", "").split(";")[0]:
            _check_whole(content, bounds, url)
        headers[_DIGEST] = sha256(content).hexdigest()
        if "cache-control" not in headers and "expires" not in headers:
            # a guess from Last-Modified could keep an index page for days: ask each time
            headers["cache-control"] = "no-cache"
    elif answer.status_code >= 400:
        headers["cache-control"] = "no-store"
    return httpx.Response(answer.status_code, headers=headers, content=content)


def _check_whole(content: bytes, bounds: _Bounds, url: str) -> None:
    """A broken document must not get into the cache, where the server would go on to confirm it."""
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        raise Refused(BadResponse(bounds.subject, f"{shown(url)} answered with JSON that is broken", shown(url))) from None


def _too_slow(bounds: _Bounds, url: str) -> BadResponse:
    return BadResponse(bounds.subject, f"{shown(url)} gave no whole answer within {bounds.seconds:.3g} s", shown(url))


def _cut(bounds: _Bounds, url: str) -> BadResponse:
    return BadResponse(bounds.subject, f"the answer of {shown(url)} broke off in the middle", shown(url))


def _unreachable(error: httpx.HTTPError, bounds: _Bounds, url: str) -> Refused:
    import httpx

    host = httpx.URL(url).netloc.decode("ascii", "replace")
    reason = "".join(char for char in str(error) if char.isprintable())[:200]
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        detail = f"{host} shows a certificate that this machine doesn't trust (SSL_CERT_FILE names further authorities)"
        return Refused(BadResponse(bounds.subject, detail, shown(url)))
    if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        return Refused(_cut(bounds, url), True)
    return Refused(BadResponse(bounds.subject, f"{host} can't be reached ({reason or type(error).__name__})", shown(url)), True)


# --- surroundings ----------------------------------------------------------------------------------------------------


def _trust() -> ssl.SSLContext:
    """The system's authorities (SSL_CERT_FILE and SSL_CERT_DIR replace them), those of the bundles that
    pip, requests and curl are told of, and where nothing is told also certifi's."""
    import ssl

    context = ssl.create_default_context()
    bundles = [path for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if (path := os.environ.get(name))]
    if not bundles and not os.environ.get("SSL_CERT_FILE") and not os.environ.get("SSL_CERT_DIR"):
        import certifi

        bundles = [certifi.where()]
    for bundle in dict.fromkeys(bundles):
        folder = Path(bundle).is_dir()
        context.load_verify_locations(cafile=None if folder else bundle, capath=bundle if folder else None)
    return context


def _moment(date: str | None) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"lockblame/{version('lockblame')}"
    except PackageNotFoundError:
        return "lockblame"


class _Trouble(logging.Handler):
    """Hears hishel's complaints and tells the first one in a sentence; a database that is broken goes away for the next run."""

    def __init__(self, note: Callable[[str], None], folder: Path | None) -> None:
        super().__init__(logging.WARNING)
        self._note = note
        self.told = False
        self.file = (folder or Path()) / "http-v1.db"

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.tell(error if isinstance(error, Exception) else None)

    def tell(self, error: Exception | None) -> None:
        # exactly this class: "file is not a database", "disk image is malformed"; a lock or a full disk is a subclass
        if type(error) is sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        if not self.told:
            self.told = True
            reason = f" ({error})" if error else ""
            self._note(f"the cache in {self.file.parent} can't be used{reason}: going on without it")
