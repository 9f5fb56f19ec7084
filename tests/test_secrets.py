"""Tokens and passwords are seen by whom they are for, and nowhere else: no output, log, cache, bundle or exception has them."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

import lockblame
from lockblame.client import Client
from lockblame.errors import UpstreamError
from lockblame.flow import Flow, Request, Response
from tests.scene import PASSWORD, TOKEN, Scene, healthy, scene
from tests.servers import gitlab
from tests.servers.loopback import AUTHORITY, Answer, Asked, Server, closed_port
from tests.servers.proxy import Proxy
from tests.servers.repositories import Forge, Project

STYLES = ("text", "markdown", "json", "postmortem")
REPORTS = ("text", "markdown", "json", "html")
SECRETS = (TOKEN, PASSWORD)


def left(folder: Path, *but: str) -> dict[str, bytes]:
    """Every file below the folder but those: its bytes."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in but)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def nowhere(found: dict[str, bytes]) -> None:
    for secret in SECRETS:
        assert not [name for name, content in found.items() if secret.encode() in content]


def in_the_lock(server: Server) -> str:
    return server.url.replace("://", f"://me:{PASSWORD}@")


@pytest.mark.parametrize("way", ["netrc", "lock"])
@pytest.mark.parametrize("style", STYLES)
def test_a_whole_run_leaves_none(way: str, style: str, tmp_path: Path, monkeypatch, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    address: Callable[[Server], str] | None = in_the_lock if way == "lock" else None
    with scene(tmp_path, address=address) as stage:
        for number in range(2):
            out = stage.here(monkeypatch, capsys, "--deep", "--save-evidence", f"bundle{number}", style=style)
            nowhere({"output": out.encode(), "log": caplog.text.encode(), **left(tmp_path, "netrc", "uv.lock")})
        assert any("Basic" in asked.headers.get("authorization", "") for asked in stage.index.asked)
        assert any(TOKEN in asked.headers.get("authorization", "") for asked in stage.forge.server.asked)
    assert caplog.text.count("httpcore") > 10, "the libraries' own logs are looked at"


def test_a_server_that_says_back_what_it_was_told(tmp_path: Path, monkeypatch, capsys, caplog):
    def echo(asked: Asked) -> Answer:
        said = {"message": f"bad credentials: {asked.headers.get('authorization')} {PASSWORD}"}
        return Answer(status=422, body=json.dumps(said).encode())

    caplog.set_level(logging.DEBUG)
    with scene(tmp_path, index=echo, forge=echo) as stage:
        out = stage.here(monkeypatch, capsys, "--save-evidence", "bundle")
    # the forge was never told the password: that it shows it is its own doing
    assert TOKEN not in out
    gaps = {gap["subject"]: gap["detail"] for gap in json.loads(out)["gaps"]}
    assert PASSWORD not in gaps["kombu"]
    assert "[hidden]" in gaps["kombu"]
    assert TOKEN.encode() not in b"".join(left(tmp_path, "netrc").values())


def test_a_forge_that_says_the_token_back_in_what_it_answers(tmp_path: Path, monkeypatch, capsys, caplog):
    def echo(asked: Asked) -> Answer | None:
        said = {"type": "NOT_FOUND", "path": ["q0"], "message": f"not for {asked.headers.get('authorization')}"}
        return Answer(body=json.dumps({"data": {"q0": None}, "errors": [said]}).encode()) if asked.method == "POST" else None

    caplog.set_level(logging.DEBUG)
    with scene(tmp_path, forge=echo) as stage:
        out = stage.here(monkeypatch, capsys, "--save-evidence", "bundle")
    assert "not for Bearer [hidden]" in out
    assert TOKEN not in out + caplog.text
    assert TOKEN.encode() not in b"".join(left(tmp_path, "netrc").values())


def get(url: str, body: bytes | None = None) -> Flow[Response]:
    return (yield Request(url=url, subject="kombu", body=body))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=401),
        Answer(status=404),
        Answer(status=429, headers={"Retry-After": "600"}),
        Answer(body=b'{"half'),
        Answer(body=b"x" * 5000, cut=10),
        Answer(after=5),
        Answer(status=302, headers={"Location": f"http://me:{PASSWORD}@127.0.0.1:{closed_port()}/"}),
        Answer(status=302, headers={"Location": f"gopher://me:{PASSWORD}@h/"}),
        Answer(body=b"x", headers={"Content-Encoding": "gzip"}),
    ],
)
def test_no_error_shows_one(answer: Answer, caplog):
    caplog.set_level(logging.DEBUG)
    with Server(lambda _: answer) as server:
        client = Client(tokens={server.host: TOKEN}, cache=False, timeout=0.5, deadline=3.0, patience=0)
        with client, pytest.raises(UpstreamError) as caught:
            client.run(get(f"http://me:{PASSWORD}@{server.host}/simple/kombu/?token={PASSWORD}"))
        error = caught.value
        shown = [str(error), repr(error), repr(error.args), repr(client), "".join(traceback.format_exception(error))]
        nowhere({str(number): text.encode() for number, text in enumerate(shown)} | {"pickle": pickle.dumps(error)})
    # the address with its query is httpx's to log, at a level that nobody sees unasked
    nowhere(
        {"log": "".join(one.getMessage() for one in caplog.records if one.name.startswith(("lockblame", "stamina"))).encode()}
    )


class TestProxies:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY, by a proxy that is one."""

    @pytest.mark.parametrize("tls", [False, True])
    @pytest.mark.parametrize("bundle", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
    def test_a_whole_run_through_one_that_wants_a_password(self, tls: bool, bundle: str, tmp_path: Path):
        with scene(tmp_path, tls=tls) as stage, Proxy(user="me", password="pr0xy-secret") as proxy:
            environment = {name: value for name, value in stage.environment.items() if name != "SSL_CERT_FILE"}
            named = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), proxy.url)
            run = stage.run("--save-evidence", "bundle", env={**environment, bundle: str(AUTHORITY), **named})
            assert (run.returncode, run.stderr) == (0, "")
            assert json.loads(run.stdout)["issues"][0]["number"] == 1783
            tunnels = [headers for method, target, headers in proxy.seen if target == stage.index.host]
            assert bool(tunnels) == tls
            assert stage.index.asked
            # only the index sees what is for it
            assert not any("\nAuthorization:" in headers for headers in tunnels)
            for asked in (*stage.index.asked, *stage.forge.server.asked):
                assert "proxy-authorization" not in asked.headers
        for content in (run.stdout.encode(), run.stderr.encode(), *left(tmp_path, "netrc").values()):
            assert b"pr0xy-secret" not in content
            assert TOKEN.encode() not in content

    def test_what_needs_none_goes_without(self, tmp_path: Path):
        with scene(tmp_path) as stage, Proxy() as proxy:
            named = {"HTTP_PROXY": proxy.url, "http_proxy": proxy.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
            run = stage.run(env={**stage.environment, **named})
            assert (run.returncode, proxy.seen) == (0, [])
        assert json.loads(run.stdout)["issues"][0]["number"] == 1783

    def test_a_wrong_password_is_a_gap(self, tmp_path: Path):
        with scene(tmp_path) as stage, Proxy(user="me", password="right") as proxy:
            wrong = proxy.url.replace("right", "wr0ng-secret")
            run = stage.run(env={**stage.environment, "HTTP_PROXY": wrong, "http_proxy": wrong})
        assert (run.returncode, run.stderr) == (0, "")
        assert {"kombu", "celery/kombu"} <= {gap["subject"] for gap in json.loads(run.stdout)["gaps"]}
        assert "wr0ng-secret" not in run.stdout

    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
    def test_one_that_is_not_there_is_named(self, name: str, tmp_path: Path):
        dead = f"127.0.0.1:{closed_port()}"
        with scene(tmp_path, tls=True) as stage:
            unset = {one: value for one, value in stage.environment.items() if "proxy" not in one.lower()}
            run = stage.run(env={**unset, name: f"http://me:pr0xy-secret@{dead}"})
            assert not stage.index.asked
        assert (run.returncode, run.stderr) == (0, "")
        details = {gap["subject"]: gap["detail"] for gap in json.loads(run.stdout)["gaps"]}
        assert f"can't be reached by the proxy {dead} (" in details["kombu"]
        assert "pr0xy-secret" not in run.stdout

    @pytest.mark.skipif(find_spec("socksio") is not None, reason="it is installed")
    def test_one_that_needs_another_package_says_which(self, tmp_path: Path):
        with scene(tmp_path, tls=True) as stage:
            run = stage.run(env={**stage.environment, "ALL_PROXY": "socks5://127.0.0.1:1"})
        assert run.returncode == 0
        assert "pip install socksio" in run.stdout

    def test_an_authority_nobody_named_is_a_gap(self, tmp_path: Path):
        with scene(tmp_path, tls=True) as stage:
            run = stage.run(env={name: value for name, value in stage.environment.items() if name != "SSL_CERT_FILE"})
            assert not stage.index.asked
        assert run.returncode == 0
        assert any("SSL_CERT_FILE" in gap["detail"] for gap in json.loads(run.stdout)["gaps"])


# --- evidence bundles ------------------------------------------------------------------------------------------------


def whole(stage: Scene) -> None:
    """Nothing is wrong."""


def not_there(stage: Scene) -> None:
    stage.upstreams(kombu="celery/kombu", celery="celery/lost")


def moved(stage: Scene) -> None:
    stage.forge.renamed["old/kombu"] = "celery/kombu"
    stage.upstreams(kombu="old/kombu", celery="celery/celery")


def limited(stage: Scene) -> None:
    stage.forge.grants.update(core=0, search=0, graphql=0)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("state", [whole, not_there, moved, limited])
def test_the_report_of_a_bundle_is_the_one_made_online(deep: bool, state: Callable, tmp_path: Path, monkeypatch, capsys):
    options = ("--deep",) if deep else ()
    with scene(tmp_path) as stage:
        state(stage)
        online = {}
        for style in REPORTS:
            online[style] = stage.here(monkeypatch, capsys, "--save-evidence", f"bundle-{style}", *options, style=style)
    kept = left(tmp_path / "bundle-json")
    assert all(left(tmp_path / f"bundle-{style}") == kept for style in REPORTS)
    nowhere(kept)
    for content in kept.values():
        assert str(tmp_path).encode() not in content
        assert str(Path.home()).encode() + b"/" not in content

    def forbidden(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", forbidden)
    for style in REPORTS:
        assert stage.here(monkeypatch, capsys, "--evidence", "bundle-json", *options, style=style) == online[style], style


def told_more(asked: Asked) -> Answer | None:
    """The healthy index, where celery is deprecated and kombu's newer files have lost their attestations."""
    answer = healthy(asked)
    if not asked.path.startswith("/simple/"):
        return None
    page = json.loads(answer.body or b"{}")
    if "celery" in asked.path:
        page["project-status"] = {"status": "deprecated", "reason": "use another"}
    for file in page.get("files", ()):
        file["provenance"] = "https://index.example/provenance" if "5.3.1" in file["filename"] else None
    return Answer(body=json.dumps(page).encode(), kind="application/vnd.pypi.simple.v1+json")


def test_a_bundle_of_every_kind_of_evidence(tmp_path: Path, monkeypatch, capsys):
    """Two forges, comments and what closed an issue, status and attestations, comparisons, notes, contents, demands, gaps."""
    project = Project(tags={"v5.3.1": [("Begin", ["kombu/a.py"])], "v5.3.2": [("Wait for the long poll", ["kombu/sqs.py"])]})
    stack = ExitStack()
    tags = stack.enter_context(Forge("github", project, path="celery/kombu"))

    def compared(asked: Asked) -> Answer | None:
        return tags._answered(asked) if any(part in asked.path for part in ("matching-refs", "/compare/", "/releases")) else None

    with scene(tmp_path, index=told_more, forge=compared) as stage, stack:
        (culprit, *_) = stage.forge.records
        culprit["discussion"] = ["The queue is full here, too."]
        culprit["closers"] = [
            {
                "number": 1790,
                "title": "Poll shortly",
                "merged": True,
                "mergedAt": "2023-09-06T10:00:00Z",
                "milestone": {"title": "5.3.3"},
            }
        ]
        other = gitlab.record(7, created="2023-09-05T10:00:00Z", title="The queue is full", path="celery/celery")
        lab = stack.enter_context(gitlab.GitLab([other], path="celery/celery"))
        with (tmp_path / "lockblame.toml").open("w") as settings:
            settings.write("[upstreams]\n")
            settings.write(f'kombu = {{ url = "{stage.forge.server.url}/celery/kombu", forge = "github" }}\n')
            settings.write(f'celery = {{ url = "{lab.server.url}/celery/celery", forge = "gitlab" }}\n')
        online = {style: stage.here(monkeypatch, capsys, "--deep", "--save-evidence", "bundle", style=style) for style in REPORTS}
    kept = left(tmp_path / "bundle")
    nowhere(kept)
    assert all(kept.values()), sorted(kept)
    held = {name: [json.loads(line) for line in text.splitlines()] for name, text in kept.items() if name.endswith(".jsonl")}
    assert {one["forge"] for one in held["repositories.jsonl"]} == {"github", "gitlab"}
    assert any(one.get("discussion") and one.get("fixed_by") for one in held["issues.jsonl"])
    assert any("status" in one for one in held["releases.jsonl"])
    assert {one.get("attested") for one in held["releases.jsonl"] if one["name"] == "kombu"} == {True, False}
    assert held["comparisons.jsonl"][0]["commits"][0]["subject"] == "Wait for the long poll"
    for style in REPORTS:
        assert stage.here(monkeypatch, capsys, "--evidence", "bundle", "--deep", "--offline", style=style) == online[style], style


def test_what_a_program_makes_of_a_delta_or_a_report(tmp_path: Path):
    """A Delta knows the password of its index, and tells it to nobody; its pickle knows that there was one, a Report nothing."""
    for side, version in (("before", "5.3.1"), ("after", "5.3.2")):
        (tmp_path / side).mkdir()
        address = f"https://me:{PASSWORD}@127.0.0.1:{closed_port()}/simple"
        (tmp_path / side / "requirements.txt").write_text(f"--index-url {address}\nkombu=={version}\n")
    delta = lockblame.diff(tmp_path / "before", tmp_path / "after")
    with Client(token=TOKEN, cache=False, patience=0, deadline=5) as client:
        report = lockblame.blame(tmp_path / "before", tmp_path / "after", client=client)
    (index,) = delta.parts[0].before.configured if delta.parts else delta.before.configured
    assert index.access is not None
    assert PASSWORD in index.access.reveal()
    assert copy.deepcopy(index).access == index.access
    made = [
        *(str(told) + json.dumps(dataclasses.asdict(told), default=str) for told in (delta, report)),
        *(pickle.dumps(told).decode("latin-1") for told in (report, delta, delta.before, index)),
    ]
    nowhere({str(number): text.encode() for number, text in enumerate(made)})
    again = pickle.loads(pickle.dumps(index)).access  # noqa: S301
    assert (again.reveal(), again.forgotten, index.access.forgotten) == ("", True, False)
