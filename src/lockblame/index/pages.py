"""A project's page: PEP 691 (JSON), else PEP 503 (HTML)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from lockblame import fields
from lockblame.errors import BadResponse
from lockblame.flow import Flow, Request, Response
from lockblame.index.records import File, Project, parsed, version_of
from lockblame.model import Release, normalize

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
ACCEPT = f"{JSON}, {HTML};q=0.2, text/html;q=0.01"
_MOST_FILES = 200_000


def project(name: str, index_url: str) -> Flow[Project]:
    """The page of `name` on the index whose simple API stands at `index_url`.

    Raises NotFound when the index doesn't have it, BadResponse when its answer is no project page.
    """
    normalized = normalize(name)
    response = yield Request(url=f"{index_url.rstrip('/')}/{normalized}/", subject=normalized, headers={"Accept": ACCEPT})
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        if kind in (JSON, "application/json"):
            return _from_json(normalized, response)
        if kind in (HTML, "text/html"):
            return _from_html(normalized, response)
    except fields.FieldError as error:
        raise BadResponse(normalized, f"the index's answer makes no sense at {error}", response.url) from None
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
    _check_version(name, fields.maybe_text(fields.table(page, "meta"), "api-version", "meta"), response.url)
    status = fields.table(page, "project-status")
    files = _bounded(name, fields.tables(page, "files"), response.url)
    return _project(
        name,
        response.url,
        [_file_from_json(record, f"files[{number}]", name, response.url) for number, record in enumerate(files)],
        fields.texts(page, "versions"),
        fields.maybe_text(status, "status", "project-status"),
        fields.maybe_text(status, "reason", "project-status"),
    )


def _file_from_json(record: Mapping[str, Any], where: str, project: str, base: str) -> File:
    name = fields.text(record, "filename", where)
    url = urljoin(base, fields.text(record, "url", where))
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
        yanked_reason=yanked[:2000] if isinstance(yanked, str) and yanked else None,
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
    files: Iterable[File],
    versions: Iterable[str] = (),
    status: str | None = None,
    status_reason: str | None = None,
) -> Project:
    listed = tuple(files)
    by_version: dict[str, list[File]] = {str(version): [] for text in versions if (version := parsed(text))}
    for file in listed:
        if file.version is not None:
            by_version.setdefault(file.version, []).append(file)
    ordered = sorted(by_version.items(), key=lambda item: parsed(item[0]) or parsed("0"))  # type: ignore[arg-type, return-value]
    return Project(
        name=name,
        url=url,
        releases=tuple(_release(name, version, found) for version, found in ordered),
        files=listed,
        status=status or "active",
        status_reason=status_reason,
    )


def _release(name: str, version: str, files: list[File]) -> Release:
    moments = [file.uploaded for file in files if file.uploaded]
    # PEP 592 yanks files; a version is gone for resolvers only when all of its files are
    yanked = bool(files) and all(file.yanked for file in files)
    return Release(
        name=name,
        version=version,
        uploaded=min(moments) if moments else None,
        yanked=yanked,
        yanked_reason=next((file.yanked_reason for file in files if file.yanked_reason), None) if yanked else None,
    )


# --- the same as HTML ------------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    """Collects the anchors, the base and the meta fields of a PEP 503 page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.base: str | None = None
        self.metas: dict[str, str] = {}
        self.anchors: list[tuple[dict[str, str | None], list[str]]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.anchors.append((values, []))
            self._open = True
        elif tag == "base" and self.base is None:
            self.base = values.get("href")
        elif tag == "meta" and values.get("name"):
            self.metas[str(values["name"]).lower()] = values.get("content") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.anchors[-1][1].append(data)


def _from_html(name: str, response: Response) -> Project:
    page = _Page()
    page.feed(response.body.decode("utf-8", "replace"))
    page.close()
    _check_version(name, page.metas.get("pypi:repository-version"), response.url)
    base = urljoin(response.url, page.base) if page.base else response.url
    anchors = _bounded(name, page.anchors, response.url)
    return _project(
        name,
        response.url,
        [_file_from_html(values, "".join(text).strip(), name, base) for values, text in anchors],
        (),
        page.metas.get("pypi:project-status"),
        page.metas.get("pypi:project-status-reason"),
    )


def _file_from_html(values: Mapping[str, str | None], text: str, project: str, base: str) -> File:
    url, fragment = urldefrag(urljoin(base, values["href"] or ""))
    filename = text or unquote(urlsplit(url).path.rsplit("/", 1)[-1])
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
