"""Tokens and passwords: to whom they go, and where they are never seen."""

from __future__ import annotations

import logging
from base64 import b64encode

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

    def test_a_real_index_that_wants_them(self):
        wanted = f"Basic {b64encode(f'me:{TOKEN}'.encode()).decode()}"
        with (
            Server(lambda asked: Answer(status=200 if asked.headers.get("authorization") == wanted else 401)) as server,
            Client(cache=False) as client,
        ):
            response = client.run(_get(f"http://me:{TOKEN}@{server.host}/simple/"))
            assert response.url == f"{server.url}/simple/"
            assert client.run(_get(f"{server.url}/files/x")).status == 200


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
