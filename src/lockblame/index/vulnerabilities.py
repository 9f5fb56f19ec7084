"""Known vulnerabilities of one version, as an index's JSON API tells them beside its simple API.

The API is the one of Warehouse ("get a release" of its JSON API), which some mirrors and proxies speak as well; its records are
what the advisory database of the ecosystem holds on that version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from lockblame import fields
from lockblame.errors import BadResponse, NotFound
from lockblame.flow import Flow, Request
from lockblame.model import normalize

_SIMPLE = ("simple", "+simple")
_MOST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """A vulnerability that the index says a version has. `aliases` are its ids elsewhere."""

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    link: str | None = None


def vulnerabilities(name: str, version: str, index_url: str) -> Flow[tuple[Vulnerability, ...]]:
    """The vulnerabilities of `version` on the index whose simple API stands at `index_url`; withdrawn ones are left out.

    Raises NotFound when the index has no such answer, BadResponse when it makes no sense or tells of no vulnerabilities at all.
    """
    import json

    subject = f"{normalize(name)} {version}"
    response = yield Request(
        url=_address(normalize(name), version, index_url, subject), subject=subject, headers={"Accept": "application/json"}
    )
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        raise BadResponse(subject, "the index answered with JSON that is broken", response.url) from None
    if not isinstance(document, dict) or "vulnerabilities" not in document:
        raise BadResponse(subject, "the index's answer tells of no vulnerabilities", response.url)
    try:
        records = fields.tables(document, "vulnerabilities")
        found = (_vulnerability(record, f"vulnerabilities[{number}]") for number, record in enumerate(records[:_MOST]))
        return tuple(one for one in found if one is not None)
    except fields.FieldError as error:
        raise BadResponse(subject, f"the index's answer makes no sense: {error.place} {error.detail}", response.url) from None


def _address(name: str, version: str, index_url: str, subject: str) -> str:
    """`https://index.example/simple` → `https://index.example/pypi/kombu/5.3.1/json`."""
    try:
        parts = urlsplit(index_url)
    except ValueError:
        raise BadResponse(subject, "the index's address is none") from None
    root, _, last = parts.path.rstrip("/").rpartition("/")
    if last not in _SIMPLE:
        raise NotFound(subject, "the index's address doesn't end in /simple, so where it tells of vulnerabilities is not known")
    path = f"{root}/pypi/{quote(name, safe='')}/{quote(version, safe='')}/json"
    return urlunsplit(parts._replace(path=path, query="", fragment=""))


def _vulnerability(record: Mapping[str, Any], where: str) -> Vulnerability | None:
    if record.get("withdrawn"):
        return None
    return Vulnerability(
        id=fields.text(record, "id", where),
        aliases=fields.texts(record, "aliases", where),
        summary=fields.maybe_text(record, "summary", where) or fields.maybe_text(record, "details", where) or "",
        link=fields.maybe_text(record, "link", where),
    )
