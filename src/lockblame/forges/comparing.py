"""What went into a repository between two tags: commits by their subjects, and the files that differ. A Flow only.

    GitHub   GET /repos/{o}/{r}/compare/{base}...{head}            the newest 250 commits, 300 files
    GitLab   GET /projects/:id/repository/compare?from=&to=
    Gitea    GET /repos/{o}/{r}/compare/{base}...{head}            files with each commit

Each counts from where the two tags part, as a browser's page of the comparison does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lockblame import fields
from lockblame.errors import BadResponse
from lockblame.flow import Flow
from lockblame.forges.pages import decoded
from lockblame.forges.places import asking, commit_page, comparison_page
from lockblame.forges.records import bounded
from lockblame.model import Comparison, Repository, UpstreamCommit

MOST_COMMITS = 500
MOST_FILES = 3_000
GITHUBS_FILES = 300
"""GitHub lists no more files than that."""
_SUBJECT, _PATH = 300, 500
_SHA = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)


def comparison(repository: Repository, name: str, before: str, after: str) -> Flow[Comparison]:
    """The Comparison of two tags of the repository in which package `name` is developed.

    Raises UpstreamError when the forge doesn't answer, or with something else.
    """
    subject = f"commits of {repository.path} between {before} and {after}"
    ends = "...".join(quote(tag, safe="") for tag in (before, after))
    if repository.forge == "gitlab":
        request = asking(repository, "repository/compare", subject, **{"from": before, "to": after})
    else:
        request = asking(repository, f"compare/{ends}", subject)
    response = yield request
    document = decoded(response, subject)
    try:
        if not isinstance(document, dict):
            raise fields.FieldError("", "should be a table")
        commits = fields.tables(document, "commits")
        files = _files(document, commits)
        told = tuple(_commit(one, repository) for one in commits[-MOST_COMMITS:])
        total = fields.maybe_number(document, "total_commits") or 0
    except fields.FieldError as error:
        raise BadResponse(subject, f"the forge's comparison can't be read ({error})", response.url) from None
    return Comparison(
        name=name,
        before=before,
        after=after,
        url=comparison_page(repository, before, after),
        commits=told,
        files=files,
        left_out=max(total, len(commits)) - len(told),
    )


def _commit(record: Mapping[str, Any], repository: Repository) -> UpstreamCommit:
    """GitHub and Gitea have `sha` and the message below `commit`, GitLab `id` and `message`."""
    sha = fields.text(record, "sha" if "sha" in record else "id")
    if not _SHA.fullmatch(sha):
        raise fields.FieldError("sha", "is no commit")
    inner = fields.table(record, "commit")
    message = (
        fields.maybe_text(inner, "message") or fields.maybe_text(record, "message") or fields.maybe_text(record, "title") or ""
    )
    subject = message[:10_000].strip().partition("\n")[0].strip()
    return UpstreamCommit(sha=sha.lower(), subject=bounded(subject, _SUBJECT), url=commit_page(repository, sha.lower()))


def _files(document: Mapping[str, Any], commits: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The paths that differ, old names of renamed files included."""
    found: dict[str, None] = {}
    for path in _paths(document, commits):
        if 0 < len(path) <= _PATH:
            found.setdefault(bounded(path, _PATH))
        if len(found) >= MOST_FILES:
            break
    return tuple(found)


def _paths(document: Mapping[str, Any], commits: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    for record in (*fields.tables(document, "files"), *fields.tables(document, "diffs")):
        names = ("filename", "previous_filename", "new_path", "old_path")
        yield from (path for key in names if (path := fields.maybe_text(record, key)))
    for commit in commits:
        yield from (path for record in fields.tables(commit, "files") if (path := fields.maybe_text(record, "filename")))
