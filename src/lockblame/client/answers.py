"""What an answer means: taken, redirected, refused for good, or refused for now. Pure functions of status, headers and body."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urljoin, urlsplit, urlunsplit

from lockblame.errors import AccessRefused, BadResponse, NotFound, RateLimited, UpstreamError
from lockblame.flow import Request, Response

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT = frozenset({502, 503, 504})
# GitHub: "wait for at least one minute" where a secondary limit names no time
_UNNAMED_WAIT = 60.0
FORGE_AT_ONCE, FILES_AT_ONCE = 6, 24
"""Connections to one host at a time: forges hold what comes together against the asker, files come from networks made for it."""
GITHUB_API = re.compile(r"api\.(?:github|[a-z0-9-]{1,63}\.ghe)\.com")
"""The hosts of the API where GitHub itself runs it; any other host has it below a path."""
_FORGE = re.compile(r"/api/(?:v\d+|graphql)(?:/|$)")
_LONGEST_WAIT = 30 * 24 * 3600.0


class Refused(Exception):
    """An attempt that gave no usable answer. `wait` says whether another may: no (None), after a pause (True), or after so many
    seconds and not before."""

    def __init__(self, error: UpstreamError, wait: float | Literal[True] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.wait = wait


class Unreachable(Refused):
    """An attempt that found nobody at the host. Whether another may is said as before."""


class Slow(Refused):
    """An attempt that had its time, and no whole answer in it."""


class Hung(Slow):
    """The same, and nothing came any more."""


class TooLate(Refused):
    """An attempt that was not made, because the time is up."""


def shown(url: str) -> str:
    """`url` as messages show it: without credentials and query, where secrets may stand."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))[:300]
    except ValueError:
        return "an address that is none"


def checked(url: str, subject: str) -> str:
    """`url` when it is an address of the web; raises Refused when it isn't."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not re.search(r"[\x00-\x20\x7f]", url)
    except ValueError:
        fine = False
    if not fine:
        raise Refused(BadResponse(subject, f"{shown(url) or 'nothing'} is no address of the web", shown(url)))
    return url


def bucket(url: str) -> str:
    """What a host counts together: GitHub's search and its GraphQL have limits of their own."""
    parts = urlsplit(url)
    found = re.match(r"(?:/api/v3)?/(search)/|(?:/api)?/(graphql)$", parts.path)
    return f"{parts.netloc} {found[1] or found[2]}" if found else parts.netloc


def at_once(url: str) -> tuple[str, int]:
    """Which questions share their places (a host's, apart for its API), and how many places there are."""
    parts = urlsplit(url)
    if GITHUB_API.fullmatch(parts.hostname or "") or _FORGE.match(parts.path):
        return f"{parts.netloc} api", FORGE_AT_ONCE
    return parts.netloc, FILES_AT_ONCE


def judge(response: Response, subject: str, now: float, *, anonymous: bool = False) -> None:
    """Raises Refused unless the answer is a 200, or a part of one; `now` is POSIX seconds, `anonymous` asked without a token."""
    status, where = response.status, shown(response.url)
    if status in (200, 206) and not _limited(response):
        return
    host = urlsplit(response.url).netloc
    wait = wait_before_retry(response, now)
    if wait is not None and status != 503:
        detail = f"{host} answers no more requests for the next {_span(wait)}, until {_clock(now, wait)}"
        if anonymous and host == "api.github.com":
            detail += " (a token in GITHUB_TOKEN raises the limit from 60 to 5000 an hour)"
        raise Refused(RateLimited(subject, detail, where, now + wait), wait)
    said = f" ({message})" if (message := _message(response)) else ""
    if status in (404, 410):
        raise Refused(NotFound(subject, f"is not there at {where}{said if status == 410 else ''}", where, status))
    if status in (401, 403, 407):
        raise Refused(AccessRefused(subject, f"{host} refuses access (status {status}){said}", where, status))
    error = BadResponse(subject, f"{host} answered with status {status}{said}", where)
    raise Refused(error, (wait or True) if status in _TRANSIENT else None)


def wait_before_retry(response: Response, now: float) -> float | None:
    """The seconds that the host asks to be left alone for, in full; None when it asks nothing of the kind.

    `Retry-After` comes first (RFC 9110 §10.2.3: seconds or a date), then the time of the reset when nothing remains, which is
    measured against the host's own clock. A 429, or a 403 that speaks of a limit, without either asks for a minute.
    """
    headers, status = response.headers, response.status
    limited = status == 429 or _limited(response)
    if status not in (403, 503) and not limited:
        return None
    clock = _date(headers.get("date")) or now
    after = headers.get("retry-after", "").strip()
    if after:
        seconds = float(after) if re.fullmatch(r"\d{1,9}", after) else (_date(after) or clock) - clock
        return min(max(seconds, 0.0), _LONGEST_WAIT)
    for prefix in ("x-ratelimit", "ratelimit"):
        if headers.get(f"{prefix}-remaining") == "0" and re.fullmatch(r"\d{1,12}", headers.get(f"{prefix}-reset", "")):
            reset = float(headers[f"{prefix}-reset"])
            # the IETF draft's header counts seconds, the forges' is a POSIX time
            return min(max(reset - clock if reset > 1e9 else reset, 0.0) + 1.0, _LONGEST_WAIT)
    if limited or (status == 403 and re.search(rb"rate limit|abuse", response.body[:10_000], re.IGNORECASE)):
        return _UNNAMED_WAIT
    return None


def _limited(response: Response) -> bool:
    """Whether it is GraphQL's way to say 429: a 200 without data, and errors that speak of a limit.

    https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    if response.status != 200 or not bucket(response.url).endswith(" graphql") or len(response.body) > 10_000:
        return False
    document = _decoded(response)
    errors = document.get("errors") if isinstance(document, dict) and not document.get("data") else None
    return isinstance(errors, list) and any(isinstance(one, dict) and _speaks_of_a_limit(one) for one in errors)


def _speaks_of_a_limit(error: Mapping[str, object]) -> bool:
    return error.get("type") in ("RATE_LIMITED", "RATE_LIMIT") or "rate limit" in str(error.get("message")).lower()


def without(secret: str | None, body: bytes, *, failed: bool) -> bytes:
    """A body without the `Authorization` that was sent: some servers say back what they were told.

    A password may be a word like any other, so only what `failed` is searched for it.
    """
    kind, _, told = (secret or "").partition(" ")
    words = [told.encode()] if failed or kind == "Bearer" else []
    if kind == "Basic" and failed:
        words.append(b64decode(told).partition(b":")[2])
    for word in filter(None, words):
        body = body.replace(word, b"[hidden]")
    return body


def lasts(document: object) -> bool:
    """Whether the answer to a question may stand in for the next one: not when it tells of trouble that may pass.

    GraphQL says that with a 200, too; only what isn't there stays so for a while.
    """
    errors = document.get("errors") if isinstance(document, dict) else None
    listed = errors if isinstance(errors, list) else [errors] if errors else []
    return all(isinstance(one, dict) and one.get("type") == "NOT_FOUND" for one in listed)


def _date(text: str | None) -> float | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _clock(now: float, wait: float) -> str:
    moment = datetime.fromtimestamp(now + wait, UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if wait > 12 * 3600 else f"{moment:%H:%M:%S} UTC"


def _message(response: Response) -> str:
    """The reason in the words of a JSON API ({"message": …}), one short line."""
    if "json" not in response.headers.get("content-type", "") or len(response.body) > 100_000:
        return ""
    document = _decoded(response)
    said = document.get("message") if isinstance(document, dict) else None
    return "".join(char for char in " ".join(said[:400].split()) if char.isprintable())[:150] if isinstance(said, str) else ""


def _decoded(response: Response) -> object:
    """What is in a body of JSON; None where it is broken."""
    import json

    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None


def next_hop(response: Response, request: Request) -> str:
    """Where a redirect leads. Raises Refused when that isn't the web, leaves https, or would lose the request's body."""
    subject, here = request.subject, shown(response.url)
    try:
        target = urlsplit(urljoin(response.url, response.headers.get("location", "")))
        _ = target.port
    except ValueError:
        raise Refused(BadResponse(subject, f"{here} redirects to an address that is none", here)) from None
    if not response.headers.get("location") or target.scheme not in ("http", "https") or not target.hostname:
        raise Refused(BadResponse(subject, f"{here} redirects to nowhere", here))
    if urlsplit(response.url).scheme == "https" and target.scheme == "http":
        raise Refused(BadResponse(subject, f"{here} redirects to plain http, where anybody could answer", here))
    if request.body is not None and response.status not in (307, 308):
        raise Refused(BadResponse(subject, f"{here} redirects a question to where only pages are read", here))
    # whoever writes the redirect must not choose the credentials
    return urlunsplit(target._replace(netloc=target.netloc.rpartition("@")[2], fragment=""))
