"""Tokens and passwords: to whom they go, and where they are never seen."""

from __future__ import annotations

import logging
from base64 import b64encode
from pathlib import Path

import pytest

from lockblame.client import Client
from lockblame.client.answers import shown
from lockblame.client.credentials import Credentials
from lockblame.errors import ConfigError, UpstreamError
from lockblame.flow import Flow, Request, Response
from tests.servers.loopback import Answer, Server

TOKEN = "ghp_thisMustBeSeenNowhere"
API = "https://api.github.com/repos/x/y"


def held(
    environment: dict[str, str] | None = None, token: str | None = None, tokens: dict[str, str] | None = None
) -> Credentials:
    return Credentials(token, tokens, environment or {})


class TestWhoGetsIt:
    @pytest.mark.parametrize(
        "environment", [{"GITHUB_TOKEN": TOKEN}, {"GH_TOKEN": TOKEN}, {"GITHUB_TOKEN": TOKEN, "GH_TOKEN": "other"}]
    )
    def test_from_the_environment(self, environment: dict[str, str]):
        assert held(environment).header(API) == f"Bearer {TOKEN}"

    def test_the_argument_wins(self):
        assert held({"GITHUB_TOKEN": "other"}, token=TOKEN).header(API) == f"Bearer {TOKEN}"

    def test_an_empty_variable_is_none(self):
        assert held({"GITHUB_TOKEN": " "}).header(API) is None

    def test_an_enterprise_server_has_its_own(self):
        runner = held({"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": "https://code.example/api/v3"})
        assert runner.header("https://code.example/api/v3/repos/x/y") == f"Bearer {TOKEN}"
        assert runner.header(API) is None
        tool = held({"GH_ENTERPRISE_TOKEN": TOKEN, "GH_HOST": "code.example"})
        assert tool.header("https://code.example/api/v3/x") == f"Bearer {TOKEN}"
        assert tool.header(API) is None

    def test_an_enterprise_that_github_hosts_has_its_own(self):
        tool = held({"GH_ENTERPRISE_TOKEN": TOKEN, "GH_HOST": "octocorp.ghe.com", "GITHUB_TOKEN": "other"})
        assert tool.header("https://api.octocorp.ghe.com/graphql") == f"Bearer {TOKEN}"
        assert tool.header("https://api.elsewhere.ghe.com/graphql") is None
        assert tool.header("https://octocorp.ghe.com/graphql") is None
        assert tool.header(API) == "Bearer other"

    def test_by_host(self):
        tokens = held(tokens={"github.com": TOKEN, "Code.Example": "two"})
        assert tokens.header(API) == f"Bearer {TOKEN}"
        assert tokens.header("https://code.example/x") == "Bearer two"

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.github.com/x",
            "https://api.github.com.evil.example/x",
            "https://github.com/x",
            "https://raw.githubusercontent.com/x",
            "https://evil.example/api.github.com",
            "https://api.github.com@evil.example/",
            "https://api.github.com:8443/x",
            "//api.github.com/x",
            "nonsense",
            "http://[::1",
        ],
    )
    def test_nobody_else(self, url: str):
        assert held({"GITHUB_TOKEN": TOKEN}).header(url) is None

    @pytest.mark.parametrize("token", ["two words", "new\nline", "schlüssel"])
    def test_a_token_that_is_none_is_refused_without_showing_it(self, token: str):
        with pytest.raises(ConfigError) as caught:
            held({"GITHUB_TOKEN": token})
        assert "GITHUB_TOKEN" in str(caught.value)
        assert token not in str(caught.value)


class TestPasswords:
    def test_in_the_address_go_to_its_origin(self):
        credentials = held()
        assert credentials.learn("https://me:p%40ss@index.example/simple/kombu/") == "https://index.example/simple/kombu/"
        assert credentials.header("https://index.example/other") == f"Basic {b64encode(b'me:p@ss').decode()}"
        assert credentials.header("http://index.example/other") is None
        assert credentials.header("https://files.example/x") is None

    def test_never_go_over_plain_http(self):
        credentials = held()
        credentials.learn("http://me:pw@index.example/simple/")
        assert credentials.header("http://index.example/simple/") is None
        credentials.learn("http://me:pw@127.0.0.1:8080/simple/")
        assert credentials.header("http://127.0.0.1:8080/simple/") is not None

    def test_a_real_index_that_wants_them(self):
        wanted = f"Basic {b64encode(f'me:{TOKEN}'.encode()).decode()}"
        with (
            Server(lambda asked: Answer(status=200 if asked.headers.get("authorization") == wanted else 401)) as server,
            Client(cache=False) as client,
        ):
            response = client.run(_get(f"http://me:{TOKEN}@{server.host}/simple/"))
            assert response.url == f"{server.url}/simple/"
            assert client.run(_get(f"{server.url}/files/x")).status == 200


class TestNetrc:
    MINE = (
        f"machine index.example login me password {TOKEN}\nmachine 127.0.0.1 login you password pw\ndefault login x password y\n"
    )

    @pytest.fixture
    def netrc(self, tmp_path: Path) -> Path:
        (tmp_path / ".netrc").write_text(self.MINE, encoding="utf-8")
        return tmp_path

    @pytest.mark.parametrize("name", [".netrc", "_netrc", "elsewhere"])
    def test_where_it_stands(self, name: str, tmp_path: Path):
        (tmp_path / name).write_text(self.MINE, encoding="utf-8")
        named = {"NETRC": str(tmp_path / name)} if name == "elsewhere" else {}
        found = held({"HOME": str(tmp_path), **named}).header("https://index.example/simple/x/")
        assert found == f"Basic {b64encode(f'me:{TOKEN}'.encode()).decode()}"

    @pytest.mark.parametrize(
        "url",
        [
            "http://index.example/simple/",
            "https://other.example/",
            "https://index.example.evil.example/",
            "https://index.example/api/v4/projects/1/issues",
            API,
        ],
    )
    def test_who_does_not_get_it(self, url: str, netrc: Path):
        assert held({"HOME": str(netrc)}).header(url) is None

    def test_the_package_registry_of_a_forge_does(self, netrc: Path):
        registry = "https://index.example/api/v4/projects/1/packages/pypi/simple/x/"
        assert (held({"HOME": str(netrc)}).header(registry) or "").startswith("Basic ")

    def test_the_address_comes_first(self, netrc: Path):
        credentials = held({"HOME": str(netrc)})
        credentials.learn("https://me:other@index.example/simple/")
        assert credentials.header("https://index.example/x") == f"Basic {b64encode(b'me:other').decode()}"

    @pytest.mark.parametrize("content", [f"machine x login y passwrd {TOKEN}".encode(), b"\xff\xfe\x00machine", b"machine"])
    def test_a_broken_one_is_a_note_without_what_it_holds(self, content: bytes, tmp_path: Path):
        (tmp_path / ".netrc").write_bytes(content)
        notes: list[str] = []
        credentials = Credentials(None, None, {"HOME": str(tmp_path)}, notes.append)
        assert [credentials.header("https://index.example/") for _ in range(3)] == [None] * 3
        assert (len(notes), ".netrc" in notes[0], TOKEN in notes[0]) == (1, True, False)

    def test_a_redirect_takes_it_nowhere_else(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "mine").write_text(f"machine 127.0.0.1 login me password {TOKEN}\n", encoding="utf-8")
        monkeypatch.setenv("NETRC", str(tmp_path / "mine"))
        with (
            Server(lambda _: Answer()) as other,
            Server(
                lambda _: Answer(status=302, headers={"Location": f"http://localhost:{other.host.partition(':')[2]}/x"})
            ) as server,
            Client(cache=False) as client,
        ):
            client.run(_get(f"{server.url}/simple/"))
            assert "authorization" in server.asked[0].headers
            assert "authorization" not in other.asked[0].headers


def _get(url: str) -> Flow[Response]:
    return (yield Request(url=url, subject="kombu"))


def forgetful(server: Server) -> Client:
    return Client(cache=False, tokens={server.host: TOKEN}, token=TOKEN)


class TestNowhereSeen:
    def test_in_no_repr_log_note_or_error(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]):
        caplog.set_level(logging.DEBUG)
        seen: list[str] = []
        with Server(lambda _: Answer(status=403, body=b'{"message": "no"}')) as server, forgetful(server) as client:
            seen += [repr(client), repr(vars(client))]
            for url in (f"{server.url}/x", f"http://me:{TOKEN}@{server.host}/y", f"http://me:{TOKEN}@{server.host}:nonsense/"):
                with pytest.raises(UpstreamError) as caught:
                    client.run(_get(url))
                seen += [str(caught.value), repr(caught.value), repr(caught.value.__context__)]
        seen += [caplog.text, *capfd.readouterr()]
        assert [text for text in seen if TOKEN in text] == []

    @pytest.mark.parametrize(
        ("url", "as_shown"),
        [
            ("https://me:pw@index.example/simple/?key=1#x", "https://index.example/simple/"),
            ("https://index.example:8443/a", "https://index.example:8443/a"),
            ("http://[::1", "an address that is none"),
        ],
    )
    def test_an_address_as_messages_show_it(self, url: str, as_shown: str):
        assert shown(url) == as_shown
