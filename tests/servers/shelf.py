"""A package index on loopback: project pages by PEP 691 and the files they name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from lockblame.contents import Archive
from lockblame.index.pages import JSON
from tests.servers.loopback import Answer, Asked, Server

FOREVER = {"Cache-Control": "max-age=31536000, immutable"}


class Shelf:
    """`with Shelf(archives) as shelf`: serves the files of each project, by its name.

    `hashes` stands in for a file's real sha256, `missing` names files that aren't there, `broken` what is sent instead of one.
    """

    def __init__(
        self,
        projects: Mapping[str, list[Archive]],
        *,
        hashes: Mapping[str, str] | None = None,
        missing: frozenset[str] = frozenset(),
        broken: Mapping[str, bytes] | None = None,
        sizes: bool = True,
    ) -> None:
        self._projects = projects
        self._hashes = hashes or {}
        self._missing = missing
        self._broken = broken or {}
        self._sizes = sizes
        self._server = Server(self._answer)

    def __enter__(self) -> Shelf:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def index(self) -> str:
        return f"{self._server.url}/simple"

    @property
    def fetched(self) -> list[str]:
        """The files that were asked for."""
        return [asked.path.rpartition("/")[2] for asked in self._server.asked if asked.path.startswith("/files/")]

    @property
    def asked(self) -> list[Asked]:
        return self._server.asked

    def _answer(self, asked: Asked) -> Answer:
        kind, _, name = asked.path.strip("/").partition("/")
        if kind == "simple" and name in self._projects:
            return Answer(body=json.dumps(self._page(name)).encode(), kind=JSON, headers={"ETag": '"1"'})
        for archive in (archive for several in self._projects.values() for archive in several):
            if kind == "files" and archive.name == name and name not in self._missing:
                body = self._broken.get(name, archive.data)
                return Answer(body=body, kind="application/octet-stream", headers=FOREVER)
        return Answer(status=404)

    def _page(self, name: str) -> object:
        return {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": [],
            "files": [
                {
                    "filename": archive.name,
                    "url": f"/files/{archive.name}",
                    "hashes": {"sha256": self._hashes.get(archive.name, hashlib.sha256(self._data(archive)).hexdigest())},
                    "upload-time": "2023-09-01T00:00:00Z",
                    **({"size": len(archive.data)} if self._sizes else {}),
                }
                for archive in self._projects[name]
            ],
        }

    def _data(self, archive: Archive) -> bytes:
        return self._broken.get(archive.name, archive.data)
