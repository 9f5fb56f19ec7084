"""What the logger `lockblame` is told: each request in a line, why it was made, and never a secret; nothing unasked."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from lockblame.logbook import log
from tests.scene import PASSWORD, TOKEN, scene
from tests.servers.loopback import Answer, Asked


def told(caplog: pytest.LogCaptureFixture, part: str) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == f"lockblame.{part}"]


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="lockblame")
    return caplog


def test_each_request_is_a_line_with_subject_host_status_and_where_it_is_from(tmp_path, monkeypatch, capsys, heard):
    with scene(tmp_path) as stage:
        stage.here(monkeypatch, capsys)
        first, asked = told(heard, "client"), len(stage.index.asked) + len(stage.forge.server.asked)
        heard.clear()
        stage.here(monkeypatch, capsys)
        second, again = told(heard, "client"), len(stage.index.asked) + len(stage.forge.server.asked) - asked
    assert f"kombu: 200 from {stage.index.url}/simple/kombu/, asked" in first
    assert sum(line.endswith(", asked") for line in first) == asked
    # the second run finds everything at hand, some of it after having asked whether it still holds
    assert len(second) <= len(first)
    assert sum("as its host confirmed" in line or line.endswith(", asked") for line in second) == again
    assert any("from the cache" in line for line in second)


def test_it_says_what_for(tmp_path, monkeypatch, capsys, heard):
    with scene(tmp_path) as stage:
        stage.here(monkeypatch, capsys)
    assert f"kombu: asked of what its lock names: {stage.index.url}/simple" in told(heard, "indexes")
    assert any(line.startswith("celery/kombu: asked for issues since 2023-08-24") for line in told(heard, "forges"))
    assert "celery/kombu: 21 issues" in told(heard, "forges")


@pytest.mark.parametrize("status", [200, 401, 404, 422, 500])
def test_no_line_holds_a_secret(tmp_path, monkeypatch, capsys, heard, status):
    def echo(asked: Asked) -> Answer | None:
        said = f'{{"message": "you said {asked.headers.get("authorization")}"}}'.encode()
        return Answer(status=status, body=said) if status != 200 else None

    with scene(tmp_path, forge=echo) as stage:
        stage.here(monkeypatch, capsys, "--deep")
        assert any(TOKEN in asked.headers.get("authorization", "") for asked in stage.forge.server.asked)
        assert any("authorization" in asked.headers for asked in stage.index.asked)
    lines = [one.getMessage() for one in heard.records if one.name.startswith("lockblame")]
    assert len(lines) > 5
    for line in lines:
        assert TOKEN not in line
        assert PASSWORD not in line
        assert "\n" not in line


def test_what_goes_wrong_is_told_at_each_attempt(tmp_path, monkeypatch, capsys, heard):
    answers = iter([Answer(status=503), Answer(status=502)])
    with scene(tmp_path, index=lambda asked: next(answers, None) if asked.path == "/simple/kombu/" else None) as stage:
        stage.here(monkeypatch, capsys)
    lines = [line for line in told(heard, "client") if line.startswith("kombu: ")]
    place = f"{stage.index.url}/simple/kombu/"
    assert lines[:5] == [
        f"kombu: 503 from {place}, asked",
        f"kombu: {stage.index.host} answered with status 503",
        f"kombu: 502 from {place}, asked",
        f"kombu: {stage.index.host} answered with status 502 (attempt 2)",
        f"kombu: 200 from {place}, asked",
    ]


def test_every_name_is_below_lockblame_and_no_level_is_above_debug(tmp_path, monkeypatch, capsys, heard):
    with scene(tmp_path) as stage:
        stage.here(monkeypatch, capsys)
    own = [one for one in heard.records if one.name.startswith("lockblame")]
    assert {one.levelno for one in own} == {logging.DEBUG}
    assert {one.name for one in own} >= {"lockblame.client", "lockblame.indexes", "lockblame.forges"}


def test_without_a_listener_nothing_is_printed_and_no_root_handler_appears():
    code = (
        "import logging, lockblame\n"
        "from lockblame.logbook import log\n"
        "log('client', 'something')\n"
        "assert not logging.getLogger().handlers and not logging.getLogger('lockblame').handlers\n"
        "assert logging.getLogger('lockblame').level == logging.NOTSET\n"
    )
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout + run.stderr == ""


def test_what_others_wrote_stays_in_its_line(heard):
    log("client", "%s: %s", "kombu\nlockblame.client: forged\x1b[31m\u202e", 200)
    (line,) = told(heard, "client")
    assert line == "kombu lockblame.client: forged [31m : 200"
