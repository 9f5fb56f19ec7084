"""Copies of repositories by https: a real git server on loopback, with an authority of its own, with and without a password."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lockblame.api.proving.clones import Clones
from lockblame.errors import BisectError, RevisionError
from lockblame.git import cloning
from lockblame.trial import Processes
from tests import repositories
from tests.servers.git_http import GitServer
from tests.servers.loopback import AUTHORITY, Answer, Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")

LOGIN = "build:hunter2%2F%40$(x)'"
SECRET = "hunter2/@$(x)'"


class Places:
    def __init__(self, home: Path) -> None:
        self.home = home


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A user who trusts that authority, and has nothing else set."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    monkeypatch.setenv("GIT_SSL_CAINFO", str(AUTHORITY))


@pytest.fixture
def served(tmp_path):
    """A folder with one repository in it; the commit that is tagged v1."""
    repository = repositories.start(tmp_path / "served" / "core.git")
    commit = repositories.commit(repository, {"core.py": "x = 1\n"}, "v1")
    return tmp_path / "served", commit


def copied(tmp_path: Path, address: str, revision: str = "v1") -> str:
    clones = Clones(address, tmp_path, Places(tmp_path / "cache"), Processes())  # type: ignore[arg-type]
    clone = clones.of("core")
    assert clone is not None
    return clone.checkout.commit(revision)


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_everybody_may_read_and_what_came_since(tmp_path, served):
    folder, commit = served
    with GitServer(folder) as server:
        assert copied(tmp_path, server.address("core.git/.git")) == commit
        later = repositories.commit(folder / "core.git", {"core.py": "x = 2\n"}, "v2")
        assert copied(tmp_path, server.address("core.git/.git"), "v2") == later
    # the copy is enough when the server is away
    assert copied(tmp_path, server.address("core.git/.git")) == commit


def test_an_authority_that_nobody_trusts_is_refused(tmp_path, served, monkeypatch):
    monkeypatch.delenv("GIT_SSL_CAINFO")
    with GitServer(served[0]) as server, pytest.raises(BisectError, match="certificate"):
        copied(tmp_path, server.address("core.git/.git"))


@pytest.mark.parametrize("login", ["", "build", "build:wrong"])
def test_a_password_that_is_missing_or_wrong_is_told_at_once(tmp_path, served, login):
    with GitServer(served[0], login=f"build:{SECRET}") as server:
        began = time.monotonic()
        with pytest.raises(BisectError, match="can't be copied") as caught:
            copied(tmp_path, server.address("core.git/.git", login))
        assert time.monotonic() - began < 20
    assert "wrong" not in str(caught.value)
    if not login:
        assert "isn't there, or wants a password that git doesn't have" in str(caught.value)
    assert not list((tmp_path / "cache" / "sources").iterdir())


def test_a_password_in_the_address_is_used_and_kept_nowhere(tmp_path, served, monkeypatch):
    folder, commit = served
    store = tmp_path / "home" / ".git-credentials"
    (tmp_path / "home" / ".gitconfig").write_text(f"[credential]\n\thelper = store --file={store}\n")
    with GitServer(folder, login=f"build:{SECRET}") as server:
        address = server.address("core.git/.git", LOGIN)
        call = cloning.clone(address, tmp_path / "copy")
        assert "hunter2" not in " ".join(call.words)
        assert copied(tmp_path, address) == commit
        # once more: a fetch
        later = repositories.commit(folder / "core.git", {"core.py": "x = 2\n"}, "v2")
        assert copied(tmp_path, address, "v2") == later
        clone = Clones(address, tmp_path, Places(tmp_path / "cache"), Processes()).of("core")  # type: ignore[arg-type]
        assert clone is not None
        assert clone.address == server.address("core.git/.git")
    assert b"hunter2" not in written(tmp_path / "cache")
    assert not store.exists()


def test_a_helper_of_the_users_own_answers(tmp_path, served, monkeypatch):
    folder, commit = served
    helper = '!f() { echo username=build; echo "password=$CODE_TOKEN"; }; f'
    config = tmp_path / "home" / ".gitconfig"
    subprocess.run(["git", "config", "--file", str(config), "credential.helper", helper], check=True)
    monkeypatch.setenv("CODE_TOKEN", SECRET)
    with GitServer(folder, login=f"build:{SECRET}") as server:
        assert copied(tmp_path, server.address("core.git/.git")) == commit


def test_the_password_goes_to_its_own_host_only(tmp_path, served):
    """Who is sent on to another server, or to one that isn't protected, doesn't bring it along."""
    folder, _ = served
    for tls in (True, False):
        with GitServer(folder, login=f"build:{SECRET}", tls=tls) as other:

            def onward(asked, other=other) -> Answer:
                return Answer(status=302, headers={"Location": f"{other.url}{asked.path}?service=git-upload-pack"})

            with Server(onward, tls=True) as server, pytest.raises(BisectError, match="can't be copied"):
                copied(tmp_path, f"{server.url.replace('://', f'://{LOGIN}@')}/core.git/.git")
            assert not [asked for asked in other.asked if "authorization" in asked.headers]
            assert bool(other.asked) == tls


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a:b@code.example/x", "https://code.example/x"),
        ("https://token@code.example:8443/x@y", "https://code.example:8443/x@y"),
        ("ssh://git@code.example/x", "ssh://git@code.example/x"),
        ("git@code.example:x", "git@code.example:x"),
        ("../core", "../core"),
    ],
)
def test_an_address_is_shown_without_secrets(address, shown):
    assert cloning.bare(address) == shown


def test_nor_does_a_refusal_show_it(tmp_path):
    with pytest.raises(RevisionError) as caught:
        copied(tmp_path, "http://build:hunter2@code.example/x")
    assert "hunter2" not in str(caught.value)
