"""A project's page: PEP 691 (JSON), else PEP 503 (HTML)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from lockblame import fields
from lockblame.errors import BadResponse
from lockblame.flow import Flow, Request, Response
from lockblame.index.records import File, Listed, Project, normalized, parsed, version_of
from lockblame.model import Release, normalize

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
ACCEPT = f"{JSON}, {HTML};q=0.2, text/html;q=0.01"
_MOST_FILES = 200_000
KEEPS = 60.0
"""Seconds for which a page stands in without being asked for again: the same question is often asked twice in an incident, and
a release or a yank that is a minute old is nobody's culprit yet."""
_PLAIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?/[A-Za-z0-9_/+%~!=,-]*(?:\.[A-Za-z0-9_/+%~!=,-]+)*")


def project(name: str, index_url: str) -> Flow[Project]:
    """The page of `name` on the index whose simple API stands at `index_url`.

    Raises NotFound when the index doesn't have it, BadResponse when its answer is no project page.
    """
    normalized = normalize(name)
    url = f"{index_url.rstrip('/')}/{normalized}/"
    response = yield Request(url=url, subject=normalized, headers={"Accept": ACCEPT}, keeps=KEEPS)
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        if kind in (JSON, "application/json"):
            return _from_json(normalized, response)
        if kind in (HTML, "text/html"):
            return _from_html(normalized, response)
    except fields.FieldError as error:
        raise BadResponse(normalized, f"the index's answer makes no sense: {error.place} {error.detail}", response.url) from None
    raise BadResponse(
        normalized, f"the index answered with {kind[:80] or 'no content type'} instead of a project page", response.url
    )


def _from_json(name: str, response: Response) -> Project:
    import json

    try:
        page = json.loads(response.body)
    except (ValueError, RecursionError):
        raise BadResponse(name, "the index answered with JSON that is broken", response.url) from None
    if not isinstance(page, dict):
        raise BadResponse(name, "the index answered with JSON that is no project page", response.url)
    if "files" not in page:  # which PEP 691 demands; without it this is somebody's error or login in JSON
        raise BadResponse(name, "the index answered with JSON that is no project page", response.url)
    _check_version(name, fields.maybe_text(fields.table(page, "meta"), "api-version", "meta"), response.url)
    status = fields.table(page, "project-status")
    files = _bounded(name, fields.tables(page, "files"), response.url)
    return _project(
        name,
        response.url,
        [_line_from_json(record, number, name, response.url) for number, record in enumerate(files)],
        fields.texts(page, "versions"),
        _status(fields.maybe_text(status, "status", "project-status")),
        fields.maybe_text(status, "reason", "project-status"),
        attesting=any("provenance" in record for record in files),
    )


def _status(word: str | None) -> str:
    """PEP 792's word, as it is compared; an unknown one counts for itself."""
    return (word or "active").strip().lower()[:40] or "active"


def _line_from_json(record: Mapping[str, Any], number: int, project: str, base: str) -> Listed:
    file = partial(_file_from_json, record, number, project, base)
    if not _sound(record):
        file()  # which says what is wrong with it
    yanked = record.get("yanked")
    return Listed(
        version_of(record["filename"], project),
        file,
        _moment(record.get("upload-time")),
        bool(yanked),
        _reason(yanked),
        bool(record.get("provenance")),
    )


def _sound(record: Mapping[str, Any]) -> bool:
    """Whether all that is read of a record later is what it should be."""
    return (
        type(record.get("filename")) is str
        and type(record.get("url")) is str
        and type(record.get("size", 0)) is int
        and isinstance(record.get("requires-python"), str | None)
        and isinstance(record.get("provenance"), str | None)
    )


def _reason(yanked: object) -> str | None:
    return yanked[:2000] if isinstance(yanked, str) and yanked else None


def _file_from_json(record: Mapping[str, Any], number: int, project: str, base: str) -> File:
    where = f"files[{number}]"
    name = fields.text(record, "filename", where)
    url = _joined(base, fields.text(record, "url", where))
    # PEP 714: "core-metadata" is the name that counts, the other one is what early indexes wrote
    offered = record.get("core-metadata", record.get("dist-info-metadata"))
    yanked = record.get("yanked")
    return File(
        name=name,
        url=url,
        version=version_of(name, project),
        hashes=_hashes(record.get("hashes")),
        size=fields.maybe_number(record, "size", where),
        uploaded=_moment(record.get("upload-time")),
        requires_python=fields.maybe_text(record, "requires-python", where),
        yanked=bool(yanked),
        yanked_reason=_reason(yanked),
        metadata_url=f"{url}.metadata" if offered else None,
        metadata_hashes=_hashes(offered),
        provenance=fields.maybe_text(record, "provenance", where),
    )


def _hashes(value: object) -> Mapping[str, str]:
    return {str(kind): str(digest) for kind, digest in value.items()} if isinstance(value, dict) else {}


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_version(name: str, version: str | None, url: str) -> None:
    # PEP 629: another major version may mean something else by the same words; a later minor one only adds
    if version is not None and version.split(".")[0] != "1":
        raise BadResponse(name, f"the index speaks version {version[:20]} of the simple API, lockblame only 1", url)


def _bounded(name: str, files: Any, url: str) -> Any:
    if len(files) > _MOST_FILES:
        raise BadResponse(name, f"the index lists more than {_MOST_FILES} files", url)
    return files


def _project(
    name: str,
    url: str,
    lines: Iterable[Listed],
    versions: Iterable[str] = (),
    status: str = "active",
    status_reason: str | None = None,
    *,
    attesting: bool = False,
) -> Project:
    """The records of a page; `attesting` tells that the index would say it if a file had an attestation."""
    listed = tuple(lines)
    reason = status_reason[:2000] if status_reason and status != "active" else None
    attesting = attesting or any(line.attested for line in listed)
    by_version: dict[str, list[Listed]] = {version: [] for text in versions if (version := normalized(text))}
    for line in listed:
        if line.version is not None:
            by_version.setdefault(line.version, []).append(line)
    ordered = sorted(by_version.items(), key=lambda item: parsed(item[0]) or parsed("0"))  # type: ignore[arg-type, return-value]
    return Project(
        name=name,
        url=url,
        releases=tuple(
            _release(name, version, found, _attested(found) if attesting else None, status, reason) for version, found in ordered
        ),
        listed=listed,
        status=status,
        status_reason=reason,
    )


def _attested(lines: Iterable[Listed]) -> bool | None:
    """Whether any file of a release has an attestation (PEP 740); None for a release without files."""
    return any(told) if (told := [line.attested for line in lines]) else None


def _release(name: str, version: str, lines: list[Listed], attested: bool | None, status: str, reason: str | None) -> Release:
    moments = [line.uploaded for line in lines if line.uploaded]
    # PEP 592 yanks files; a version is gone for resolvers only when all of its files are
    yanked = bool(lines) and all(line.yanked for line in lines)
    return Release(
        name=name,
        version=version,
        uploaded=min(moments) if moments else None,
        yanked=yanked,
        yanked_reason=next((line.yanked_reason for line in lines if line.yanked_reason), None) if yanked else None,
        attested=attested,
        status=status if status != "active" else None,
        status_reason=reason,
    )


# --- the same as HTML ------------------------------------------------------------------------------------------------


# Not the standard library's HTMLParser: until Python's fixes of 2025 its time grows with the square of a malformed page and worse
# (45 s for 60 kB of "<a "). These expressions never go back over what they have read, hence the possessive quantifiers.
_TAG = re.compile(
    r"""<(a|base|meta)(?=[\s/>])
    ((?>[\s/]++(?>[^\s"'<>/=]++(?>\s*+=\s*+(?>"[^"]{0,8000}+"|'[^']{0,8000}+'|[^\s"'<>]++))?)?){0,40}+)
    \s*+/?+>""",
    re.VERBOSE | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?>\s*+=\s*+(?>"([^"]*+)"|'([^']*+)'|([^\s"'<>]++)))?""")


def _uncommented(page: str) -> str:
    parts, place = [], 0
    while (start := page.find("<!--", place)) >= 0 and (end := page.find("-->", start + 4)) >= 0:
        parts.append(page[place:start])
        place = end + 3
    return "".join([*parts, page[place:]])


def _tags(page: str) -> Iterator[tuple[str, Mapping[str, str | None], str]]:
    """Each anchor, base and meta element: its name, its attributes (None without a value), the text that follows."""
    from html import unescape

    for tag in _TAG.finditer(_uncommented(page)):
        attributes: dict[str, str | None] = {}
        for name, *values in _ATTRIBUTE.findall(tag[2]):
            plain = next((value for value in values if value), None)
            attributes.setdefault(name.lower(), unescape(plain) if plain is not None else None)
        end = tag.string.find("<", tag.end(), tag.end() + 1000)
        yield tag[1].lower(), attributes, unescape(tag.string[tag.end() : end]) if end > 0 else ""


def _from_html(name: str, response: Response) -> Project:
    base, metas, anchors = None, {}, []
    for tag, attributes, text in _tags(response.body.decode("utf-8", "replace")):
        if tag == "a" and attributes.get("href"):
            anchors.append((attributes, text))
            if len(anchors) > _MOST_FILES:  # of a page of 64 MiB there would be millions
                break
        elif tag == "base" and base is None:
            base = attributes.get("href")
        elif tag == "meta" and attributes.get("name"):
            metas[str(attributes["name"]).lower()] = attributes.get("content") or ""
    _check_version(name, metas.get("pypi:repository-version"), response.url)
    where = _joined(response.url, base) if base else response.url
    files = [_file_from_html(values, text.strip(), name, where) for values, text in _bounded(name, anchors, response.url)]
    if not any(file.version or file.hashes for file in files) and not _is_listing(response, metas):
        detail = "the index answered with a page that lists no file and is no project page: a login, perhaps"
        raise BadResponse(name, detail, response.url)
    return _project(
        name,
        response.url,
        [_line_of(file) for file in files],
        (),
        _status(metas.get("pypi:project-status")),
        metas.get("pypi:project-status-reason"),
    )


def _line_of(file: File) -> Listed:
    return Listed(file.version, lambda: file, file.uploaded, file.yanked, file.yanked_reason, bool(file.provenance))


def _is_listing(response: Response, metas: Mapping[str, str]) -> bool:
    """Whether a page without files says that it is an index's: by PEP 629, PEP 691's type, or the heading that indexes write."""
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    heading = rb"<(?:title|h1)[^<>]{0,200}>[^<>]{0,200}\b(?:links for|index of)\b"
    return (
        kind == HTML
        or "pypi:repository-version" in metas
        or re.search(heading, response.body[:10_000], re.IGNORECASE) is not None
    )


def _joined(base: str, url: str) -> str:
    """`url` as seen from `base`, without a user and password, which no page chooses; what is no address can't be asked."""
    if _PLAIN.fullmatch(url):  # nearly every address of nearly every page: nothing to join, nothing to take out
        return url
    if url.startswith("https://") and "@" not in url and "/." not in url and "[" not in url:
        return url  # as nearly all are; what follows takes ten times as long
    try:
        parts = urlsplit(urljoin(base, url))
    except ValueError:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _file_from_html(values: Mapping[str, str | None], text: str, project: str, base: str) -> File:
    url, _, fragment = _joined(base, values["href"] or "").partition("#")
    filename = text or unquote(url.partition("?")[0].rsplit("/", 1)[-1])
    offered = values.get("data-core-metadata", values.get("data-dist-info-metadata"))
    kind, _, digest = (offered or "").partition("=")
    return File(
        name=filename,
        url=url,
        version=version_of(filename, project),
        hashes=dict([fragment.split("=", 1)]) if "=" in fragment else {},
        requires_python=values.get("data-requires-python"),
        yanked="data-yanked" in values,
        yanked_reason=(values.get("data-yanked") or "")[:2000] or None,
        metadata_url=f"{url}.metadata" if offered and offered != "false" else None,
        metadata_hashes={kind: digest} if digest else {},
        provenance=values.get("data-provenance"),
    )
