"""Many services that share packages, with one index and one forge on loopback that count what they are asked."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from lockblame import Client, Service
from tests.servers.github import GitHub, record
from tests.servers.loopback import Answer, Asked, Server

SYMPTOM = "since the deploy the workers wait ten seconds between two messages although the queue is full"
UPLOADED = {"1.0": "2023-06-18T09:00:00Z", "1.1": "2023-08-31T20:00:00Z"}
TOKEN = "ghp_nobodyMaySeeThis"


class Fleet:
    """`services` of them in folders, each on some of `packages` packages; the first package is to blame wherever it changed."""

    def __init__(self, folder: Path, stack: ExitStack, *, services: int, packages: int, issues: int = 8, each: int = 6) -> None:
        self.folder = folder
        self.names = [f"part-{number}" for number in range(packages)]
        self.index = stack.enter_context(Server(self._page))
        issues_of = {f"acme/{name}": _issues(name, issues) for name in self.names}
        self.forge = stack.enter_context(GitHub([], others=issues_of))
        self.services = [self._service(number, each) for number in range(services)]

    def _service(self, number: int, each: int) -> Service:
        place = self.folder / f"svc-{number:03}"
        # every one has the culprit, and the others by turns
        used = [self.names[0], *(self.names[1 + (number * each + n) % (len(self.names) - 1)] for n in range(each - 1))]
        for side, version in (("before", "1.0"), ("after", "1.1")):
            (place / side).mkdir(parents=True)
            (place / side / "uv.lock").write_text(self.lock(sorted(set(used)), version))
        homes = (f'{name} = {{ url = "{self.forge.server.url}/acme/{name}", forge = "github" }}\n' for name in self.names)
        (place / "lockblame.toml").write_text("[upstreams]\n" + "".join(homes))
        return Service(before="before/uv.lock", after="after/uv.lock", repository=place)

    def lock(self, names: list[str], version: str) -> str:
        source = f'source = {{ registry = "{self.index.url}/simple" }}'
        asks = ", ".join(f'{{ name = "{name}" }}' for name in names)
        head = f'[[package]]\nname = "desk"\nversion = "1"\nsource = {{ virtual = "." }}\ndependencies = [{asks}]\n'
        pins = "".join(f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}\n' for name in names)
        return f"version = 1\n{head}{pins}"

    def _page(self, asked: Asked) -> Answer:
        name = asked.path.strip("/").rpartition("/")[2]
        if name not in self.names:
            return Answer(status=404, body=b"not here", kind="text/plain")
        files = [
            {"filename": f"{name}-{version}.tar.gz", "url": f"/files/{name}-{version}.tar.gz", "hashes": {}, "upload-time": day}
            for version, day in UPLOADED.items()
        ]
        body = {"meta": {"api-version": "1.1"}, "name": name, "versions": list(UPLOADED), "files": files}
        return Answer(body=json.dumps(body).encode(), kind="application/vnd.pypi.simple.v1+json")

    def client(self, **more: object) -> Client:
        given = {"tokens": {self.forge.server.host: TOKEN}, "cache": False, "deadline": 60, "patience": 1, **more}
        return Client(**given)  # type: ignore[arg-type]

    @property
    def pages(self) -> Counter[str]:
        """How often each page of the index was asked for."""
        return Counter(one.path for one in self.index.asked)

    @property
    def repositories(self) -> Counter[str]:
        """In how many questions to the forge each repository's issues were asked for."""
        said = [one.body.decode() + one.path for one in self.forge.server.asked]
        return Counter(name for text in said for name in self.names if f'"{name}"' in text or text.endswith(f"/{name}/issues"))


def _issues(name: str, count: int) -> list[dict[str, object]]:
    repository = f"acme/{name}"
    dull = [
        record(number, created=f"2023-09-{number:02}T10:00:00Z", title="A typo", body="Nothing.", repository=repository)
        for number in range(2, 2 + count - 1)
    ]
    if name != "part-0":
        return dull
    culprit = record(
        100,
        created="2023-09-04T16:09:02Z",
        title="Workers wait out the long poll since 1.1",
        body="After every message the worker waits ten seconds although the queue is full. 1.0 was fine.",
        repository=repository,
    )
    return [culprit, *dull]
