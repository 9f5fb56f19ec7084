"""Releases of a repository as its forge shows them: their tags and what was written about them. A Flow only.

    GitHub   GET /repos/{o}/{r}/releases
    GitLab   GET /projects/:id/releases
    Gitea    GET /repos/{o}/{r}/releases

Drafts and announcements of what is still to come are left out; one page, the newest, is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockblame import fields
from lockblame.errors import BadResponse
from lockblame.flow import Flow
from lockblame.forges.pages import decoded
from lockblame.forges.places import asking
from lockblame.forges.records import bounded
from lockblame.forges.tags import LONGEST, version_of
from lockblame.model import Repository

_LONGEST = 50_000
_PAGE = {"github": {"per_page": "100"}, "gitlab": {"per_page": "100"}, "gitea": {"limit": "50"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One release as the forge shows it. All of it is hostile text."""

    tag: str
    text: str
    url: str | None = None


def releases(repository: Repository) -> Flow[tuple[Announcement, ...]]:
    """The newest releases, at most 100 (50 on Gitea).

    Raises UpstreamError when the forge doesn't answer, or with something else than releases.
    """
    subject = f"releases of {repository.path}"
    response = yield asking(repository, "releases", subject, **_PAGE[repository.forge])
    records = decoded(response, subject)
    try:
        if not isinstance(records, list):
            raise fields.FieldError("", "should be a list")
        found = (_announcement(fields.table({"release": one}, "release")) for one in records if not _unreleased(one))
        return tuple(one for one in found if len(one.tag) <= LONGEST)
    except fields.FieldError as error:
        raise BadResponse(subject, f"the forge's list of releases can't be read ({error})", response.url) from None


def _unreleased(record: object) -> bool:
    return isinstance(record, dict) and bool(record.get("draft") or record.get("upcoming_release"))


def _announcement(record: Mapping[str, Any]) -> Announcement:
    url = fields.maybe_text(record, "html_url") or fields.maybe_text(fields.table(record, "_links"), "self")
    title = fields.maybe_text(record, "name") or ""
    body = fields.maybe_text(record, "body") or fields.maybe_text(record, "description") or ""
    return Announcement(
        tag=fields.text(record, "tag_name"),
        text=bounded(f"{title}\n\n{body}", _LONGEST).strip(),
        url=url if url and url.startswith("https://") and len(url) <= 2000 else None,
    )


def of_package(announcements: Sequence[Announcement], name: str, path: str = "") -> tuple[tuple[str, Announcement], ...]:
    """The announcements whose tag names a version of that package, with the version; `path` is the repository's."""
    found = ((version_of(one.tag, name, path), one) for one in announcements)
    return tuple((version, one) for version, one in found if version is not None)
