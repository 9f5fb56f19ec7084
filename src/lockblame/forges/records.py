"""Issues as the REST APIs write them: GitHub's, Gitea's (which follows it) and GitLab's. One record, one Issue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from lockblame import fields
from lockblame.model import Issue

TITLE, BODY = 1000, 70_000
"""Characters of an issue's title, and of its body or one comment, that are kept (GitHub's own bound on a body is 65,536)."""
_LABELS = 100


def issue_from(record: Mapping[str, Any], where: str = "") -> Issue:
    """The Issue in GitHub's REST issue object. FieldError, with the key's path, where it is none."""
    address = fields.maybe_text(record, "repository_url", where) or fields.maybe_text(record, "html_url", where) or ""
    repository = _path(address)
    if repository is None:
        raise fields.FieldError(f"{where}.repository_url" if where else "repository_url", "names no repository")
    number = fields.maybe_number(record, "number", where)
    if number is None or number < 1:
        raise fields.FieldError(
            f"{where}.number" if where else "number", "is missing" if number is None else "is no issue number"
        )
    reactions = record.get("reactions")
    return Issue(
        repository=repository,
        number=number,
        title=bounded(fields.text(record, "title", where), TITLE),
        body=bounded(fields.maybe_text(record, "body", where) or "", BODY),
        state=fields.maybe_text(record, "state", where) or "open",
        created_at=moment(record, "created_at", where),
        updated_at=moment(record, "updated_at", where),
        closed_at=moment(record, "closed_at", where),
        labels=labels(record, where),
        comments=fields.maybe_number(record, "comments", where),
        reactions=fields.maybe_number(reactions, "total_count", f"{where}.reactions") if isinstance(reactions, dict) else None,
        pull_request=bool(record.get("pull_request")),
        url=_web(fields.maybe_text(record, "html_url", where)),
    )


def gitlab_issue_from(record: Mapping[str, Any], where: str = "") -> Issue:
    """The Issue in GitLab's issue object; `reactions` are its upvotes. FieldError, with the key's path, where it is none.

    https://docs.gitlab.com/api/issues/. Its number is the `iid` (`id` counts over the whole host), its repository stands in
    `references.full` ("group/sub/name#7"), and before GitLab 12.6 in the web address alone.
    """
    url = _web(fields.maybe_text(record, "web_url", where))
    reference = fields.maybe_text(fields.table(record, "references", where), "full", f"{where}.references") or ""
    repository = reference.rpartition("#")[0] or _gitlab_path(url or "")
    if not is_path(repository):
        raise fields.FieldError(f"{where}.references.full" if where else "references.full", "names no repository")
    number = fields.maybe_number(record, "iid", where)
    if number is None or number < 1:
        raise fields.FieldError(f"{where}.iid" if where else "iid", "is missing" if number is None else "is no issue number")
    state = fields.maybe_text(record, "state", where) or "opened"
    return Issue(
        repository=repository,
        number=number,
        title=bounded(fields.text(record, "title", where), TITLE),
        body=bounded(fields.maybe_text(record, "description", where) or "", BODY),
        state="open" if state in ("opened", "reopened") else state,
        created_at=moment(record, "created_at", where),
        updated_at=moment(record, "updated_at", where),
        closed_at=moment(record, "closed_at", where),
        labels=labels(record, where),
        comments=fields.maybe_number(record, "user_notes_count", where),
        reactions=fields.maybe_number(record, "upvotes", where),
        url=url,
    )


def is_path(text: str) -> bool:
    """Whether it is the path of a repository: "owner/name", or deeper."""
    return re.fullmatch(r"[A-Za-z0-9_.][\w.+-]{0,254}(?:/[A-Za-z0-9_.][\w.+-]{0,254}){1,19}", text, re.ASCII) is not None


def bounded(text: str, limit: int) -> str:
    """The first `limit` characters of `text`, and none that can't be written down again (JSON may hold half characters)."""
    return text[:limit].encode("utf-8", "replace").decode("utf-8")


def labels(record: Mapping[str, Any], where: str = "") -> tuple[str, ...]:
    """The names of a record's labels, which are strings or objects with a name; FieldError when they are neither."""
    value = record.get("labels")
    place = f"{where}.labels" if where else "labels"
    if value is None:
        return ()
    if not isinstance(value, list):
        raise fields.FieldError(place, "should be a list")
    names = []
    for number, label in enumerate(value[:_LABELS]):
        name = label if isinstance(label, str) else label.get("name") if isinstance(label, dict) else None
        if not isinstance(name, str):
            raise fields.FieldError(f"{place}[{number}]", "should be a string or an object with a name")
        names.append(bounded(name, 200))
    return tuple(names)


def moment(record: Mapping[str, Any], key: str, where: str = "") -> datetime | None:
    """The day (its first moment) or timestamp at `key`, in UTC; None when it is missing, FieldError when it is neither."""
    value = fields.maybe_text(record, key, where)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise fields.FieldError(
            f"{where}.{key}" if where else key, "is no day or timestamp such as 2023-09-04T16:09:02Z"
        ) from None


def _path(address: str) -> str | None:
    """owner/name out of an API or web address of a repository or of an issue in it."""
    found = re.search(r"(?:/repos)?/([\w.-]{1,100}/[\w.-]{1,100})(?:/(?:issues|pull|pulls)/\d{1,10})?/?$", urlsplit(address).path)
    return found[1] if found else None


def _gitlab_path(address: str) -> str:
    """group/sub/name out of the web address of an issue."""
    found = re.match(r"/(.{1,2000}?)(?:/-)?/(?:issues|work_items)/\d{1,10}/?$", urlsplit(address).path)
    return found[1] if found else ""


def _web(url: str | None) -> str | None:
    return url if url and len(url) <= 2000 and url.startswith(("https://", "http://")) else None
