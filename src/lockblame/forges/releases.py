"""GitHub's releases of a repository: their tags and what was written about them. A Flow only.

https://docs.github.com/en/rest/releases/releases. Drafts are left out; a page of 100, the newest, is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from lockblame import fields
from lockblame.errors import BadResponse
from lockblame.flow import Flow, Request
from lockblame.model import Repository, normalize

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_LONGEST = 50_000
_VERSION = re.compile(r"v?(\d[0-9A-Za-z.+!_-]{0,60})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One release as the forge shows it. All of it is hostile text."""

    tag: str
    text: str
    url: str | None = None


def releases(repository: Repository, api: str) -> Flow[tuple[Announcement, ...]]:
    """The newest releases, at most 100. `api` is where GitHub's API stands for that host.

    Raises UpstreamError when the forge doesn't answer, or with something else than releases.
    """
    url = f"{api}/repos/{quote(repository.path)}/releases?per_page=100"
    response = yield Request(url=url, subject=f"releases of {repository.path}", headers=_HEADERS)
    try:
        records = json.loads(response.body)
        if not isinstance(records, list):
            raise fields.FieldError("", "should be a list")
        return tuple(_announcement(fields.table({"release": one}, "release")) for one in records if not _draft(one))
    except (ValueError, RecursionError, fields.FieldError) as error:
        raise BadResponse(repository.path, f"the forge's list of releases can't be read ({error})", response.url) from None


def _draft(record: object) -> bool:
    return isinstance(record, dict) and bool(record.get("draft"))


def _announcement(record: Mapping[str, Any]) -> Announcement:
    url = fields.maybe_text(record, "html_url")
    title, body = (fields.maybe_text(record, key) or "" for key in ("name", "body"))
    return Announcement(
        tag=fields.text(record, "tag_name")[:200],
        text=f"{title}\n\n{body}"[:_LONGEST].strip(),
        url=url if url and url.startswith("https://") and len(url) <= 2000 else None,
    )


def version_of(tag: str, name: str) -> str | None:
    """The version in a tag as projects write them: v1.2, 1.2, name-1.2, name@1.2, release-1.2; None for other tags."""
    rest = tag.rpartition("/")[2]
    head = re.match(r"([A-Za-z][A-Za-z0-9._-]*?)[-_@=]+(?=v?\d)", rest)
    if head is not None:
        if normalize(head[1]) not in (normalize(name), "release", "rel", "version", "v"):
            return None
        rest = rest[head.end() :]
    found = _VERSION.fullmatch(rest)
    return found[1] if found else None


def of_package(announcements: Sequence[Announcement], name: str) -> tuple[tuple[str, Announcement], ...]:
    """The announcements whose tag names a version of that package, with the version."""
    found = ((version_of(one.tag, name), one) for one in announcements)
    return tuple((version, one) for version, one in found if version is not None)
