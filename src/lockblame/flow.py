"""A conversation with a server, without a server: `response = yield request`.

A Flow is a generator that yields Requests and is sent Responses; what it returns is its result. It opens no connection, so
that each of its paths is tested by feeding answers. `lockblame.client` drives flows against the real network.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A GET (or, with a `body`, a POST). `subject` is what the answer is for, in the user's words; headers hold no secret.

    `keeps` is for how many seconds a former answer may stand in without asking: for a POST, which no server confirms by a 304.
    `anonymous` goes without credentials, also where there are some. A flow that answers trouble on the way (no connection, a 502)
    by asking for less sets `retried` to False: it hears of it at once.
    """

    url: str
    subject: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    keeps: float = 0.0
    anonymous: bool = False
    retried: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer that came. `url` is where it came from after redirects; header names are lower case."""

    status: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Flow = Generator[Request, Response, T]
"""Yields Requests, is sent Responses, returns T. The driver throws UpstreamError into it when no answer can be had."""
