"""A changelog that is only a file of the repository, read at a tag. Flows only.

    GitHub   GET /repos/{o}/{r}/contents/{path}?ref=
    GitLab   GET /projects/:id/repository/tree?path=&ref=    and  /repository/files/{path}/raw?ref=
    Gitea    GET /repos/{o}/{r}/contents/{path}?ref=         and  /repos/{o}/{r}/raw/{path}?ref=

What differs between two tags nearly always includes the changelog, so that its place costs no question as a rule.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from lockblame import fields
from lockblame.errors import BadResponse, NotFound
from lockblame.flow import Flow
from lockblame.forges.folders import inside
from lockblame.forges.pages import decoded
from lockblame.forges.places import asking, file_page
from lockblame.model import Note, Repository
from lockblame.notes import from_file, likely

LARGEST = 4_000_000
"""Bytes of a changelog."""
_FILES = 3
"""Files that are read at most."""
_DOCS = ("docs", "doc")


def changelog(
    repository: Repository, ref: str, name: str, before: str | None, after: str, changed: Sequence[str] = ()
) -> Flow[tuple[Note, ...]]:
    """The notes on the versions in (before, after] that a file of the repository holds at tag `ref`; none where there is none.

    `changed` are paths that differ between the two versions: a changelog among them is tried first, then those at the top and
    in the folder of the documentation. Raises UpstreamError when the forge doesn't answer.
    """
    read: list[str] = []
    for listing in (_known(changed), _listed(repository, ref, "", name), _documented(repository, ref, name)):
        paths = likely((yield from listing), before, after)
        for path in sorted(paths, key=lambda path: not inside(path, (name,))):
            if path in read or len(read) >= _FILES:
                continue
            read.append(path)
            data = yield from _content(repository, ref, path, name)
            notes = from_file(path, data, name, before, after, url=file_page(repository, ref, path)) if data else ()
            if notes:
                return notes
    return ()


def _known(paths: Sequence[str]) -> Flow[Iterable[str]]:
    return paths
    yield  # makes this a flow that asks nothing


def _documented(repository: Repository, ref: str, name: str) -> Flow[Iterable[str]]:
    """The files in the folder of the documentation, whichever name it has."""
    for folder in _DOCS:
        found = yield from _listed(repository, ref, folder, name)
        if found:
            return found
    return ()


def _listed(repository: Repository, ref: str, folder: str, name: str) -> Flow[Iterable[str]]:
    """The paths in a folder; none where there is no such folder."""
    subject = f"changelog of {name}"
    if repository.forge == "gitlab":
        request = asking(repository, "repository/tree", subject, ref=ref, path=folder, per_page="100")
    else:
        request = asking(repository, f"contents/{quote(folder)}".rstrip("/"), subject, ref=ref)
    try:
        response = yield request
    except NotFound:
        return ()
    page = decoded(response, subject)
    try:
        if not isinstance(page, list):
            raise fields.FieldError("", "should be a list")
        records = [fields.table({"file": one}, "file") for one in page]
        return [fields.text(one, "path")[:500] for one in records if fields.maybe_text(one, "type") in ("file", "blob")]
    except fields.FieldError as error:
        raise BadResponse(subject, f"the forge's list of files can't be read ({error})", response.url) from None


def _content(repository: Repository, ref: str, path: str, name: str) -> Flow[bytes]:
    """What the file holds; nothing where it is gone or too large."""
    subject = f"changelog of {name}"
    below = {
        "github": f"contents/{quote(path)}",
        "gitlab": f"repository/files/{quote(path, safe='')}/raw",
        "gitea": f"raw/{quote(path)}",
    }[repository.forge]
    try:
        response = yield asking(repository, below, subject, ref=ref)
    except NotFound:
        return b""
    data = response.body
    if repository.forge == "github":
        document = decoded(response, subject)
        try:
            # of more than 1 MB the encoding is "none" and there is no content
            encoded = fields.maybe_text(document, "content") if isinstance(document, dict) else None
            data = base64.b64decode(encoded or "")
        except (fields.FieldError, binascii.Error, ValueError):
            raise BadResponse(subject, "the forge's file can't be read", response.url) from None
    return data if len(data) <= LARGEST else b""
