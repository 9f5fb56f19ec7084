"""A service whose deploy went wrong, with an index and a forge on loopback that may have anything wrong with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from tests.distributions import sdist, wheel
from tests.servers.github import GitHub, record
from tests.servers.loopback import AUTHORITY, Answer, Asked, Server

TOKEN, PASSWORD = "ghp_thisMustBeSeenNowhere", "pa55-thisNeither"
SYMPTOM = "since the deploy the workers wait ten seconds between two messages although the queue is full"
UPLOADED = {"5.3.1": "2023-06-18T09:00:00Z", "5.3.2": "2023-08-31T20:00:00Z"}
LOG = "5.3.2\n=====\n- Wait for the long poll of SQS to end before the next message is asked for.\n\n5.3.1\n=====\n- Nothing.\n"
WAITS = "def poll(queue, wait={}):\n    return queue.ask(wait)\n"
ARTIFACTS = {
    archive.name: archive.data
    for name in ("celery", "kombu")
    for version, seconds in (("5.3.1", 1), ("5.3.2", 10))
    for archive in (
        wheel({f"{name}/sqs.py": WAITS.format(seconds)}, version, name=name),
        sdist({f"{name}/sqs.py": WAITS.format(seconds), "CHANGES.rst": LOG}, version, name=name),
    )
}
Special = Callable[[Asked], Answer | None]


class Scene:
    """Both sides of a lock, the settings, a cache folder; `index` and `forge` are servers. `blame()` is the whole command."""

    def __init__(self, folder: Path, index: Server, forge: GitHub, *, address: str | None = None) -> None:
        self.folder, self.index, self.forge = folder, index, forge
        self.cache = folder / "cache"
        where = address or index.url
        for side, version in (("before", "5.3.1"), ("after", "5.3.2")):
            (folder / side).mkdir()
            (folder / side / "uv.lock").write_text(
                'version = 1\n[[package]]\nname = "desk"\nversion = "1"\nsource = { virtual = "." }\n'
                'dependencies = [{ name = "celery" }]\n'
                f'[[package]]\nname = "celery"\nversion = "{version}"\nsource = {{ registry = "{where}/simple" }}\n'
                'dependencies = [{ name = "kombu" }]\n'
                f'[[package]]\nname = "kombu"\nversion = "{version}"\nsource = {{ registry = "{where}/simple" }}\n'
            )
        self.upstreams(kombu="celery/kombu", celery="celery/celery")
        (folder / "netrc").write_text(f"machine 127.0.0.1 login me password {PASSWORD}\n")
        (folder / "netrc").chmod(0o600)

    def upstreams(self, **paths: str) -> None:
        lines = (f'{name} = {{ url = "{self.forge.server.url}/{path}", forge = "github" }}\n' for name, path in paths.items())
        (self.folder / "lockblame.toml").write_text("[upstreams]\n" + "".join(lines))

    @property
    def environment(self) -> dict[str, str]:
        """That of the process: a token for the forge, a password for the index, and nobody else's settings."""
        own = ("TOKEN", "NETRC", "PIP_", "UV_", "PROXY", "proxy", "SSL_", "CA_BUNDLE")
        inherited = {name: value for name, value in os.environ.items() if not any(part in name for part in own)}
        return inherited | {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": f"{self.forge.server.url}/api/v3",
            "NETRC": str(self.folder / "netrc"),
            "LOCKBLAME_CACHE_DIR": str(self.cache),
            "SSL_CERT_FILE": str(AUTHORITY),
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }

    def command(self, *options: str, style: str = "json") -> list[str]:
        said = ["--symptom", SYMPTOM, "--config", "lockblame.toml", "--format", style]
        return ["blame", "before/uv.lock", "after/uv.lock", *said, *options]

    def run(self, *options: str, style: str = "json", **more: object) -> subprocess.CompletedProcess[str]:
        """The command as a process."""
        given = {"env": self.environment, "capture_output": True, "text": True, "timeout": 120, "check": False, **more}
        return subprocess.run([sys.executable, "-m", "lockblame", *self.command(*options, style=style)], cwd=self.folder, **given)

    def here(self, monkeypatch, capsys, *options: str, style: str = "json") -> str:
        """The command in this process: what it prints on standard output. Standard error must stay empty."""
        from lockblame.cli import main

        monkeypatch.chdir(self.folder)
        for name in list(os.environ):
            if name not in self.environment:
                monkeypatch.delenv(name)
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = main(self.command(*options, style=style))
        printed = capsys.readouterr()
        assert (code, printed.err) == (0, "")
        return printed.out


@contextmanager
def scene(
    folder: Path,
    *,
    index: Special | None = None,
    forge: Special | None = None,
    tls: bool = False,
    address: Callable[[Server], str] | None = None,
    others: Mapping[str, list[dict[str, object]]] | None = None,
) -> Iterator[Scene]:
    """`index` and `forge` give the answer to a request, or None for what the healthy one says; `others` are more repositories.
    `tls` is for the index: a forge on loopback is asked without.
    """
    with ExitStack() as stack:
        pages = stack.enter_context(Server(lambda asked: (index and index(asked)) or healthy(asked), tls=tls))
        known = {"celery/celery": _issues("celery/celery", 6000), **(others or {})}
        hub = stack.enter_context(GitHub(_kombu(), repository="celery/kombu", others=known, before=forge))
        yield Scene(folder, pages, hub, address=address(pages) if address else None)


def _kombu() -> list[dict[str, object]]:
    culprit = record(
        1783,
        created="2023-09-04T16:09:02Z",
        title="SQS workers wait out the long poll since 5.3.2",
        body="After every message the worker waits ten seconds although the queue is full. 5.3.1 was fine.",
        repository="celery/kombu",
    )
    return [culprit, *_issues("celery/kombu", 1700)]


def _issues(repository: str, first: int) -> list[dict[str, object]]:
    return [
        record(first + number, created=f"2023-09-{number:02}T10:00:00Z", title="A typo", body="Nothing.", repository=repository)
        for number in range(5, 25)
    ]


def healthy(asked: Asked) -> Answer:
    """The index as it should be: PEP 691 pages, PEP 658 metadata."""
    kind, _, rest = asked.path.strip("/").partition("/")
    if kind == "simple" and rest in ("celery", "kombu"):
        files = [
            {
                "filename": f"{rest}-{version}{end}",
                "url": f"/files/{rest}-{version}{end}",
                "hashes": {"sha256": sha256(ARTIFACTS[f"{rest}-{version}{end}"]).hexdigest()},
                "core-metadata": end == "-py3-none-any.whl",
                "size": len(ARTIFACTS[f"{rest}-{version}{end}"]),
                "upload-time": uploaded,
            }
            for version, uploaded in UPLOADED.items()
            for end in ("-py3-none-any.whl", ".tar.gz")
        ]
        body = {"meta": {"api-version": "1.1"}, "name": rest, "versions": list(UPLOADED), "files": files}
        return _confirmed(asked, json.dumps(body).encode(), "application/vnd.pypi.simple.v1+json")
    if kind == "files" and rest in ARTIFACTS:
        return Answer(body=ARTIFACTS[rest], kind="binary/octet-stream")
    if kind == "files" and rest.endswith(".metadata"):
        name, version = rest.split("-")[:2]
        demands = f"Requires-Dist: kombu>={version},<6.0\n" if name == "celery" else ""
        return _confirmed(
            asked, f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{demands}\n".encode(), "binary/octet-stream"
        )
    return Answer(status=404, body=b"not here", kind="text/plain")


def _confirmed(asked: Asked, body: bytes, kind: str) -> Answer:
    etag = f'"{len(body)}"'
    if asked.headers.get("if-none-match") == etag:
        return Answer(status=304, body=b"", headers={"ETag": etag})
    return Answer(body=body, kind=kind, headers={"ETag": etag})
