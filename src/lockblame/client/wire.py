"""httpx, and in front of it the cache: one question, one answer as it came, whatever its status.

Credentials are added and bodies unpacked, bounded and checked in `Wire.handle_request`, below the cache, which sees neither a
secret nor a broken document.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from lockblame.client.answers import Hung, Refused, Slow, Unreachable, lasts, shown, without
from lockblame.client.cache import ASKED, DIGEST, STATUS, Cache, key_of
from lockblame.client.credentials import Credentials
from lockblame.errors import BadResponse, Offline
from lockblame.flow import Request, Response
from lockblame.logbook import log

if TYPE_CHECKING:
    import ssl

    import httpx

LARGEST = 64 * 1024 * 1024
"""Bytes of one answer, unpacked."""
KNOCK = 5.0
"""Seconds for a connection to come about: a firewall that drops what it doesn't let through must not cost the time of answers."""
SAME_RUN = 60.0
"""Seconds in which what this client itself has asked for, or had confirmed, is not asked for again."""
# of no use to who reads the answer, and wrong once the body is unpacked
_HOP_BY_HOP = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive", "set-cookie"})
_OURS = (DIGEST, ASKED, STATUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """What is asked, and when to give up on it (monotonic seconds)."""

    request: Request
    ends: float
    seconds: float

    @property
    def subject(self) -> str:
        return self.request.subject


class Wire:
    """Asks one URL. `note` is told, once, when the cache can't be used."""

    def __init__(self, credentials: Credentials, *, folder: Path | None, offline: bool, note: Callable[[str], None]) -> None:
        self._credentials = credentials
        self._offline = offline
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._closed = False
        self._began = time.time()
        self._cache = Cache(folder, cast("httpx.BaseTransport", self), note) if folder is not None else None

    def close(self) -> None:
        """Close the connections and the cache; who waits for an answer is woken."""
        with self._lock:
            self._closed = True
            http, self._http = self._http, None
            waiting = list(self._sockets)
        for one in waiting:
            try:
                # closing alone wakes nobody. A TLS socket's own method would take its state away from who is reading
                socket.socket.shutdown(one, socket.SHUT_RDWR)
            except OSError:
                continue
        if http is not None:
            http.close()
        if self._cache is not None:
            self._cache.close()

    # --- one question ------------------------------------------------------------------------------------------------

    def kept(self, request: Request, url: str) -> Response | None:
        """What may stand in without asking. Raises Refused where there is nothing, and asking is forbidden."""
        if self._cache is None or not _cacheable(request):
            answer = None
        else:
            own = min(SAME_RUN, time.time() - self._began)
            within = None if self._offline else max(request.keeps, own)
            answer = self._cache.kept(self._key(request, url), url, within=within)
        if answer is None and self._offline:
            detail = f"was not asked for at {shown(url)}, because asking was forbidden"
            raise Refused(Offline(request.subject, detail, shown(url)))
        return _told(request, answer, "from the cache") if answer is not None else None

    def ask(self, request: Request, url: str, seconds: float) -> Response:
        """The answer to `request` at `url`, of any status, within so many seconds. Raises Refused."""
        bounds = _Bounds(request=request, ends=time.monotonic() + seconds, seconds=seconds)
        # while this one waited for its place, another may have asked the same
        if (kept := self.kept(request, url)) is not None:
            return kept
        return _told(request, *self._asked(request, url, self._key(request, url), bounds))

    def _key(self, request: Request, url: str) -> str:
        return key_of(request, url, None if request.anonymous else self._credentials.header(url))

    def _asked(self, request: Request, url: str, key: str, bounds: _Bounds) -> tuple[Response, str]:
        """What its host says, and how that was come by."""
        import httpx

        headers = {"User-Agent": _user_agent(), "Accept-Encoding": "gzip", **request.headers}
        if self._cache is not None:
            # a part of a file is posed to the cache as a page under its own key
            headers = {name: value for name, value in headers.items() if name.lower() != "range"}
        try:
            question = httpx.Request("GET", url, headers=headers, extensions={"bounds": bounds, "caching": {"key": key}})
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
            raise Refused(BadResponse(request.subject, f"{shown(url)} is no address that can be asked", shown(url))) from None
        answer = self._cache.answer(question, key) if self._cache is not None and _cacheable(request) else None
        if answer is None:
            # what came just before the cache broke is as good as ever
            answer = question.extensions.get("came") or self.handle_request(question)
        response = Response(status=answer.status_code, url=url, headers=dict(answer.headers.items()), body=answer.content)
        return response, _way(question.extensions.get("statuses"))

    def handle_request(self, question: httpx.Request) -> httpx.Response:
        """One exchange with the network. The cache calls this with its own headers added."""
        import httpx

        bounds: _Bounds = question.extensions["bounds"]
        url = str(question.url)
        asked = bounds.request
        headers = httpx.Headers(question.headers)
        headers.update({name: value for name, value in asked.headers.items() if name.lower() == "range"})
        headers.pop("authorization", None)
        secret = None if asked.anonymous else self._credentials.header(url)
        if secret is not None:
            headers["authorization"] = secret
        began = time.monotonic()
        left = max(0.01, bounds.ends - began)
        timeout = {**dict.fromkeys(("read", "write", "pool"), left), "connect": min(KNOCK, left)}
        extensions = {"timeout": timeout, "trace": self._watch}
        method = "GET" if asked.body is None else "POST"
        exchange = httpx.Request(method, question.url, headers=headers, content=asked.body, extensions=extensions)
        try:
            answer = self._connected(bounds.subject).send(exchange, stream=True)
            try:
                content = _read(answer, bounds)
            finally:
                answer.close()
        except httpx.ConnectTimeout:
            raise (_unconnected(bounds, url) if left > KNOCK else Refused(_too_slow(bounds, url), True)) from None
        except httpx.TimeoutException:
            raise Hung(_too_slow(bounds, url), True) from None
        except httpx.HTTPError as error:
            # who took long to say that nobody is there (a resolver that gives up) will take as long the next time
            raise _unreachable(error, bounds, url, again=time.monotonic() - began < KNOCK) from None
        except (RuntimeError, ValueError):  # httpx's and ssl's words for what was closed under them
            if not self._closed:
                raise
            raise Refused(BadResponse(bounds.subject, "was given up", shown(url))) from None
        question.extensions.setdefault("statuses", []).append(answer.status_code)
        came = _clean(answer, without(secret, content, failed=answer.status_code >= 400), bounds, url)
        if came.status_code != 304:
            question.extensions["came"] = came
        return came

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Remembers each connection's socket (httpcore's trace extension), so that `close` can wake who waits on it."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            plug = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets.add(plug)

    def _connected(self, subject: str) -> httpx.Client:
        import httpx

        with self._lock:
            if self._closed:
                raise Refused(BadResponse(subject, "was given up"))
            if self._http is None:
                try:
                    limits = httpx.Limits(max_connections=100, max_keepalive_connections=64, keepalive_expiry=30.0)
                    self._http = httpx.Client(verify=_trust(), follow_redirects=False, limits=limits)
                    self._http.event_hooks = {"response": [_keep_from_httpx]}
                except (ValueError, ImportError, OSError) as error:
                    detail = f"the environment's proxy or certificate settings can't be used ({type(error).__name__})"
                    if isinstance(error, ImportError):
                        detail = "the environment names a SOCKS proxy, which needs one more package: pip install socksio"
                    raise Refused(BadResponse(subject, detail)) from None
            return self._http


def _told(request: Request, answer: Response, way: str) -> Response:
    """The answer without what is ours in it, and a line in the log."""
    status = int(answer.headers.get(STATUS, answer.status))
    log("client", "%s: %s from %s, %s", request.subject, status, shown(answer.url), way)
    return replace(answer, status=status, headers={name: said for name, said in answer.headers.items() if name not in _OURS})


def _cacheable(request: Request) -> bool:
    """A question by POST is kept only where its asker says for how long."""
    return request.body is None or request.keeps > 0


def _way(statuses: list[int] | None) -> str:
    """How an answer was come by, for the log."""
    if not statuses:
        return "from the cache"
    return "from the cache, as its host confirmed" if statuses[-1] == 304 else "asked"


def _keep_from_httpx(answer: httpx.Response) -> None:
    """httpx reads where a redirect leads although it isn't to follow, and fails over what it can't read."""
    if "location" in answer.headers:
        answer.extensions["location"] = answer.headers.pop("location")


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
            raise Slow(_too_slow(bounds, url), True)
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

    headers = httpx.Headers(
        [(key, value) for key, value in answer.headers.multi_items() if key.lower() not in (*_HOP_BY_HOP, *_OURS)]
    )
    if "location" in answer.extensions:
        headers["location"] = answer.extensions["location"]
    status = answer.status_code
    if status >= 400:
        headers["cache-control"] = "no-store"
        return httpx.Response(status, headers=headers, content=content)
    _date(headers)
    if status in (200, 206):
        whole = status == 200 and "json" in headers.get("content-type", "").split(";")[0]
        document = _document(content, bounds, url) if whole else None
        headers[DIGEST] = sha256(content).hexdigest()
        if bounds.request.body is not None:
            # what confirms a page confirms no answer to a question; nobody but `keeps` says how long it stands
            for name in ("etag", "last-modified", "expires", "vary"):
                headers.pop(name, None)
            headers["cache-control"] = "no-cache" if lasts(document) else "no-store"
        elif "cache-control" not in headers and "expires" not in headers:
            # a guess from Last-Modified could keep an index page for days: ask each time
            headers["cache-control"] = "no-cache"
    if status == 206:
        headers[STATUS] = "206"
    return httpx.Response(200 if status == 206 else status, headers=headers, content=content)


def _date(headers: httpx.Headers) -> None:
    """By this machine's clock: the cache compares with it, and a host's may be hours off."""
    from email.utils import formatdate

    now = time.time()
    age = headers.pop("age", "")
    headers["date"] = formatdate(now - int(age) if age.isascii() and age.isdigit() and len(age) < 9 else now, usegmt=True)
    headers[ASKED] = f"{now:.3f}"


def _document(content: bytes, bounds: _Bounds, url: str) -> object:
    """What is in JSON. A broken one must not get into the cache, where the server would go on to confirm it."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Refused(BadResponse(bounds.subject, f"{shown(url)} answered with JSON that is broken", shown(url))) from None


def _too_slow(bounds: _Bounds, url: str) -> BadResponse:
    return BadResponse(bounds.subject, f"{shown(url)} gave no whole answer within {bounds.seconds:.3g} s", shown(url))


def _cut(bounds: _Bounds, url: str) -> BadResponse:
    return BadResponse(bounds.subject, f"the answer of {shown(url)} broke off in the middle", shown(url))


def _unconnected(bounds: _Bounds, url: str) -> Refused:
    why = f"no connection within {KNOCK:.3g} s; behind a firewall HTTPS_PROXY names the way out"
    return Unreachable(BadResponse(bounds.subject, f"{_host(url)} can't be reached{_by_proxy(url)} ({why})", shown(url)))


def _host(url: str) -> str:
    import httpx

    return httpx.URL(url).netloc.decode("ascii", "replace")


def _unreachable(error: httpx.HTTPError, bounds: _Bounds, url: str, *, again: bool) -> Refused:
    import httpx

    host = _host(url)
    reason = "".join(char for char in str(error) if char.isprintable())[:200]
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        detail = f"{host} shows a certificate that this machine doesn't trust (SSL_CERT_FILE names further authorities)"
        return Refused(BadResponse(bounds.subject, detail, shown(url)))
    if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        return Refused(_cut(bounds, url), True)
    # "Name or service not known": asked again, the answer would be the same; "Temporary failure in name resolution" is not that
    unknown = f"[Errno {socket.EAI_NONAME}]" in reason
    detail = f"{host} can't be reached{_by_proxy(url)} ({reason or type(error).__name__})"
    return Unreachable(BadResponse(bounds.subject, detail, shown(url)), True if again and not unknown else None)


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


def _by_proxy(url: str) -> str:
    """By which proxy of the environment an address is asked, as an error tells it: its password stays untold."""
    from urllib.request import getproxies, proxy_bypass

    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
        proxies = getproxies()
        address = proxies.get(scheme) or proxies.get("all") or ""
        if not address or proxy_bypass(host):
            return ""
    except (OSError, ValueError):
        return ""
    name = address.rpartition("@")[2].rpartition("://")[2].partition("/")[0]
    return f" by the proxy {''.join(char for char in name if char.isprintable())[:100]}"


@cache
def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"lockblame/{version('lockblame')}"
    except PackageNotFoundError:
        return "lockblame"
