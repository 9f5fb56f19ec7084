"""Issues in a bundle: GitHub's own objects or plain ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as record_fields
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lockblame import fields
from lockblame.bundle.lines import Lines, stamp, web
from lockblame.forges.records import BODY, TITLE, bounded, issue_from, labels, moment
from lockblame.model import Gap, Issue

_DISCUSSION = 100
_FIXED_BY = 500


def parse_issues(text: str, origin: str) -> tuple[tuple[Issue, ...], tuple[Gap, ...]]:
    """The issues in `text`, a line each, in its order; an issue that occurs twice is one, as its later update tells it."""
    lines = Lines(text, origin)
    found: list[Issue] = []
    places: dict[tuple[str, int], list[int]] = {}
    for issue in lines.read(_issue):
        alike = places.setdefault((issue.repository.lower(), issue.number), [])
        place = next((one for one in alike if _same_host(found[one], issue)), None)
        if place is None:
            alike.append(len(found))
            found.append(issue)
        else:
            found[place] = _joined(found[place], issue)
    return tuple(found), lines.gaps


def _same_host(first: Issue, second: Issue) -> bool:
    """Whether both may be of one host, which only their addresses tell."""
    hosts = {url.split("/", 3)[2].lower() for url in (first.url, second.url) if url}
    return len(hosts) < 2


def _issue(record: Mapping[str, Any]) -> Issue:
    if "repository_url" in record or ("repository" not in record and "html_url" in record):
        return issue_from(record)
    number = fields.maybe_number(record, "number")
    if number is None or number < 1:
        raise fields.FieldError("number", "is missing" if number is None else "is no issue number")
    repository = fields.text(record, "repository").strip("/")
    if "/" not in repository or len(repository) > 500 or any(char.isspace() for char in repository):
        raise fields.FieldError("repository", 'should be "owner/name"')
    url = fields.maybe_text(record, "url")
    return Issue(
        repository=repository,
        number=number,
        title=bounded(fields.text(record, "title"), TITLE),
        body=bounded(fields.maybe_text(record, "body") or "", BODY),
        state=fields.maybe_text(record, "state") or "open",
        created_at=moment(record, "created_at"),
        updated_at=moment(record, "updated_at"),
        closed_at=moment(record, "closed_at"),
        labels=labels(record),
        comments=fields.maybe_number(record, "comments"),
        discussion=tuple(bounded(comment, BODY) for comment in fields.texts(record, "discussion")[:_DISCUSSION]),
        reactions=fields.maybe_number(record, "reactions"),
        pull_request=bool(record.get("pull_request")),
        url=web(url),
        fixed_by=bounded(fields.maybe_text(record, "fixed_by") or "", _FIXED_BY) or None,
    )


def _joined(first: Issue, second: Issue) -> Issue:
    """One issue out of two tellings of it: the later one's, with what only the earlier one knows."""
    oldest = datetime.min.replace(tzinfo=UTC)
    newer, older = (first, second) if (first.updated_at or oldest) > (second.updated_at or oldest) else (second, first)
    missing = {
        item.name: getattr(older, item.name)
        for item in record_fields(Issue)
        if getattr(newer, item.name) in (None, "", ()) and getattr(older, item.name) not in (None, "", ())
    }
    return replace(newer, repository=first.repository, **missing)


def issue_record(issue: Issue) -> Mapping[str, Any]:
    """The line of an issue, without what is not known of it."""
    record: dict[str, Any] = {
        "repository": issue.repository,
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "state": issue.state,
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at),
        "labels": list(issue.labels),
        "comments": issue.comments,
        "discussion": list(issue.discussion),
        "reactions": issue.reactions,
        "pull_request": issue.pull_request,
        "url": issue.url,
        "fixed_by": issue.fixed_by,
    }
    optional = ("updated_at", "closed_at", "discussion", "reactions", "url", "fixed_by")
    return {key: value for key, value in record.items() if key not in optional or value not in (None, [])}
