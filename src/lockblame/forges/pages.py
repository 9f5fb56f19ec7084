"""What the REST APIs of the forges have in common: JSON in pages, linked by headers, counted where the forge counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from lockblame.errors import BadResponse
from lockblame.flow import Response
from lockblame.model import Repository

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

KEEPS = 600.0
"""Seconds for which a forge's answer stands in for the same question: a run asks much, the next one follows soon, not every
answer can be confirmed by a 304 (a POST, Gitea's), and reports don't grow old in ten minutes."""


def origin_of(repository: Repository) -> str:
    """Scheme and host of the repository's forge: https, and plain http on this very machine (a tunnel, a stand-in)."""
    name = repository.host if repository.host.endswith("]") else repository.host.rpartition(":")[0] or repository.host
    return f"{'http' if name in _LOOPBACK else 'https'}://{repository.host}"


def decoded(response: Response, subject: str) -> Any:
    """The JSON of an answer; BadResponse when it is none."""
    import json

    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if "json" not in kind:
        raise BadResponse(subject, f"the forge answered with {kind[:80] or 'no content type'} instead of JSON", response.url)
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise BadResponse(subject, "the forge answered with JSON that is broken", response.url) from None


def listed(response: Response, subject: str) -> list[Any]:
    """The list in an answer; BadResponse when it is something else."""
    page = decoded(response, subject)
    if not isinstance(page, list):
        raise BadResponse(subject, "the forge answered with something else than a list of issues", response.url)
    return page


def links(response: Response) -> Mapping[str, str]:
    """The targets of a Link header (RFC 8288) by their relation, absolute."""
    pairs = re.findall(
        r'<([^<>]{1,2000})>\s{0,9};[^,<]{0,200}?\brel="?([a-z]{1,20})"?', response.headers.get("link", "")[:10_000]
    )
    return {relation: urljoin(response.url, target) for target, relation in pairs}


def following(response: Response) -> str | None:
    """Where the next page is; None when there is none.

    A forge behind a proxy writes the address that it thinks it has (another host, plain http), so of the link only the query
    is taken: the next page is where this one was.
    """
    target = links(response).get("next")
    return urlsplit(response.url)._replace(query=urlsplit(target).query, fragment="").geturl() if target else None


def counted(response: Response) -> int | None:
    """How many records there are on all pages, where the forge says it (GitLab's X-Total, Gitea's X-Total-Count)."""
    for name in ("x-total", "x-total-count"):
        if re.fullmatch(r"\d{1,9}", response.headers.get(name, "")):
            return int(response.headers[name])
    return None


def stamp(moment: datetime) -> str:
    """A moment as the forges take it in a query (RFC 3339, UTC)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
