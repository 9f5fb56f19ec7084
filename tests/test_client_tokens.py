"""The tokens of GitLab, Gitea and Forgejo: to whom they go, and that nobody else sees them."""

from __future__ import annotations

import pytest

from lockblame.client import Client
from lockblame.client.credentials import Credentials
from lockblame.flow import Flow, Request, Response
from tests.servers.loopback import Answer, Asked, Server

TOKEN = "glpat-thisMustBeSeenNowhere"
HOSTS = ("gitlab.com", "gitea.com", "codeberg.org", "code.example", "code.example:8443", "api.github.com", "github.com")


def receivers(environment: dict[str, str]) -> set[str]:
    """Which of the hosts would be shown a token."""
    held = Credentials(None, None, environment)
    return {host for host in HOSTS if held.header(f"https://{host}/api/v4/projects/1") == f"Bearer {TOKEN}"}


class TestWhoGetsIt:
    @pytest.mark.parametrize(
        ("environment", "hosts"),
        [
            ({"GITLAB_TOKEN": TOKEN}, {"gitlab.com"}),
            ({"GITLAB_TOKEN": TOKEN, "GITLAB_HOST": "code.example"}, {"code.example"}),
            ({"GITLAB_TOKEN": TOKEN, "GITLAB_HOST": "https://Code.Example/"}, {"code.example"}),
            ({"GITLAB_TOKEN": TOKEN, "GITLAB_HOST": "https://code.example:443"}, {"code.example"}),
            ({"GITLAB_TOKEN": TOKEN, "GITLAB_HOST": "https://me@code.example"}, {"code.example"}),
            ({"GITLAB_TOKEN": TOKEN, "CI_SERVER_HOST": "code.example"}, {"code.example"}),
            (
                {"GITLAB_TOKEN": TOKEN, "CI_SERVER_HOST": "code.example", "CI_SERVER_FQDN": "code.example:8443"},
                {"code.example:8443"},
            ),
            ({"GITLAB_TOKEN": TOKEN, "CI_SERVER_HOST": ""}, {"gitlab.com"}),
            ({"GITLAB_TOKEN": TOKEN, "GITLAB_HOST": "http://[::1"}, set()),
            ({"GITEA_TOKEN": TOKEN, "GITEA_SERVER_URL": "https://code.example:8443/"}, {"code.example:8443"}),
            ({"GITEA_TOKEN": TOKEN, "GITEA_ACTIONS": "true", "GITHUB_SERVER_URL": "https://code.example"}, {"code.example"}),
            ({"FORGEJO_TOKEN": TOKEN, "FORGEJO_ACTIONS": "true", "GITHUB_SERVER_URL": "https://codeberg.org"}, {"codeberg.org"}),
            ({"FORGEJO_TOKEN": TOKEN, "FORGEJO_SERVER_URL": "code.example"}, {"code.example"}),
            ({"CODEBERG_TOKEN": TOKEN}, {"codeberg.org"}),
            # a token whose host nobody names goes nowhere
            ({"GITEA_TOKEN": TOKEN}, set()),
            ({"FORGEJO_TOKEN": TOKEN}, set()),
            ({"GITEA_TOKEN": TOKEN, "GITHUB_SERVER_URL": "https://code.example"}, set()),
            # a job's token opens no issues
            ({"CI_JOB_TOKEN": TOKEN, "CI_SERVER_HOST": "code.example"}, set()),
        ],
    )
    def test_by_the_environment(self, environment: dict[str, str], hosts: set[str]):
        assert receivers(environment) == hosts

    def test_never_over_plain_http(self):
        assert Credentials(None, None, {"GITLAB_TOKEN": TOKEN}).header("http://gitlab.com/api/v4/projects/1") is None

    def test_what_the_caller_says_wins(self):
        held = Credentials(None, {"gitlab.com": TOKEN}, {"GITLAB_TOKEN": "other"})
        assert held.header("https://gitlab.com/api/v4/x") == f"Bearer {TOKEN}"


def _get(url: str) -> Flow[Response]:
    return (yield Request(url=url, subject="rocket"))


def test_a_redirect_to_another_host_takes_none_along(monkeypatch: pytest.MonkeyPatch):
    with Server(lambda _: Answer(body=b"[]")) as stranger:

        def away(asked: Asked) -> Answer:
            return Answer(status=301, headers={"Location": f"{stranger.url}{asked.path}"}, body=b"")

        with Server(away) as forge:
            monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
            monkeypatch.setenv("GITLAB_HOST", forge.host)
            with Client(cache=False) as client:
                client.run(_get(f"{forge.url}/api/v4/projects/1/issues"))
        assert forge.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert "authorization" not in stranger.asked[0].headers
