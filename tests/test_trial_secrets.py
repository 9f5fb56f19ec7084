"""Who gets which secret in a trial: indexes their passwords, git what it can't do without, and what is built no forge's token."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

import lockblame
from lockblame.client import Client
from lockblame.errors import TrialFailed
from lockblame.trial.interpreter import uv_command
from lockblame.trial.tokens import tokens
from tests import repositories, wheelhouse
from tests.servers.git_http import GitServer
from tests.servers.loopback import AUTHORITY
from tests.servers.private import PrivateIndex

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")

TOKENS = ("GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN", "CODEBERG_TOKEN")
PEEKING = """
import os
with open(os.environ["SEEN"], "a") as file:
    file.write("built\\n" + "".join(f"{name}={value}\\n" for name, value in os.environ.items()))
"""
INSTALLERS = [
    pytest.param("uv", marks=pytest.mark.skipif(uv_command() is None, reason="uv isn't installed")),
    "pip",
]


@pytest.fixture(scope="session")
def pip_of_trials(tmp_path_factory):
    return tmp_path_factory.mktemp("pip")


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path, pip_of_trials):
    """A user with tokens in the environment and no settings."""
    # it takes seconds to make, and is the same for all
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "pip").symlink_to(pip_of_trials)
    for name in [name for name in os.environ if name.startswith(("GIT_", "PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    for name, value in {"HOME": "home", "XDG_CONFIG_HOME": "home/config", "XDG_CACHE_HOME": "cache", "SEEN": "seen"}.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(AUTHORITY))
    for name in TOKENS:
        monkeypatch.setenv(name, f"secret-{name}")


def peeking(version: str) -> dict[str, str]:
    """A project whose build writes down with which variables it is run."""
    files = wheelhouse.project("one", version, f"answer = {version}\n")
    return {**files, "backend.py": PEEKING + files["backend.py"]}


def sdist(folder: Path, version: str) -> None:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / f"one-{version}.tar.gz", "w:gz") as archive:
        files = {**peeking(version), "PKG-INFO": f"Metadata-Version: 2.1\nName: one\nVersion: {version}\n"}
        for name, text in files.items():
            entry = tarfile.TarInfo(f"one-{version}/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, BytesIO(text.encode()))


def locks(folder: Path, before: str, after: str) -> lockblame.Delta:
    (folder / "before.txt").write_text(before)
    (folder / "after.txt").write_text(after)
    return lockblame.diff(folder / "before.txt", folder / "after.txt")


def found(delta: lockblame.Delta, folder: Path, installer: str, code: str = "pass", **options) -> list[str]:
    command = ["python", "-c", f"{code}; import one, sys; sys.exit(one.version == '2.0')"]
    result = lockblame.bisect(delta, command, installer=installer, environments=folder / "trials", **options)
    return [change.name for change in result.culprits]


def seen(folder: Path) -> set[str]:
    """The tokens that builds had, of which there was one at least."""
    lines = (folder / "seen").read_text().splitlines()
    assert "built" in lines
    return {name for line in lines for name in [line.partition("=")[0]] if name in TOKENS}


def offline(monkeypatch, folder: Path) -> None:
    (folder / "shelf").mkdir()
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder / "shelf"))


@pytest.mark.parametrize("installer", INSTALLERS)
class TestTokens:
    def test_what_is_built_sees_none_and_the_command_all(self, tmp_path, monkeypatch, installer):
        offline(monkeypatch, tmp_path)
        monkeypatch.setenv("UV_INDEX_OURS_PASSWORD", "stays")
        for version in ("1.0", "2.0"):
            sdist(tmp_path / "shelf", version)
        theirs = f"import os; assert all(os.environ[name] for name in {TOKENS!r})"
        assert found(locks(tmp_path, "one==1.0\n", "one==2.0\n"), tmp_path, installer, theirs) == ["one"]
        assert seen(tmp_path) == set()
        assert "UV_INDEX_OURS_PASSWORD=stays" in (tmp_path / "seen").read_text()

    @pytest.mark.parametrize("private", [False, True])
    def test_git_gets_them_for_what_is_not_everybodys(self, tmp_path, monkeypatch, installer, private):
        offline(monkeypatch, tmp_path)
        repository = repositories.start(tmp_path / "served" / "one")
        commits = [repositories.commit(repository, peeking(version)) for version in ("1.0", "2.0")]
        helper = '!f() { echo username=x; echo "password=$GITHUB_TOKEN"; }; f'
        config = tmp_path / "home" / ".gitconfig"
        subprocess.run(["git", "config", "--file", str(config), "credential.helper", helper], check=True)
        with GitServer(tmp_path / "served", login="x:secret-GITHUB_TOKEN" if private else None) as server:
            address = server.address("one/.git")
            before, after = (f"one @ git+{address}@{commit}\n" for commit in commits)
            assert found(locks(tmp_path, before, after), tmp_path, installer) == ["one"]
        assert seen(tmp_path) == (set(TOKENS) if private else set())

    def test_an_upstream_commit_is_built_without(self, tmp_path, monkeypatch, installer):
        offline(monkeypatch, tmp_path)
        repository = repositories.start(tmp_path / "upstream")
        for version in ("1.0", "2.0"):
            repositories.commit(repository, peeking(version), f"v{version}")
            wheelhouse.put(tmp_path / "shelf", "one", version)
        delta = locks(tmp_path, "one==1.0\n", "one==2.0\n")
        assert found(delta, tmp_path, installer, source=str(repository), client=Client(offline=True)) == ["one"]
        assert seen(tmp_path) == set()


POETRY = """[[package]]
name = "one"
version = "{version}"
description = ""
optional = false
python-versions = ">=3.11"
files = []

[package.source]
type = "git"
url = "{address}"
reference = "main"
resolved_reference = "{commit}"

[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "{hash}"
"""


@pytest.fixture
def commits(tmp_path, monkeypatch):
    """A repository of two commits whose builds look around, on a machine without an index."""
    offline(monkeypatch, tmp_path)
    repository = repositories.start(tmp_path / "served" / "one")
    return [repositories.commit(repository, peeking(version)) for version in ("1.0", "2.0")]


def nowhere(folder: Path, secret: str, *but: str) -> None:
    """No file that is left but these has it."""
    left = [path for path in folder.rglob("*") if path.is_file() and path.name not in but]
    assert left
    assert not [path for path in left if secret.encode() in path.read_bytes()]


@pytest.mark.parametrize("installer", INSTALLERS)
class TestTokensOfALock:
    @pytest.mark.parametrize("written", ["reader:t%40ken-1", "${READER}:${READ_TOKEN}", "poetry"])
    def test_git_gets_it_and_nobody_else(self, tmp_path, monkeypatch, installer, commits, written):
        monkeypatch.setenv("READER", "reader")
        monkeypatch.setenv("READ_TOKEN", "t@ken-1")
        code = "import os; assert not [name for name in os.environ if name.startswith(('LOCKBLAME_GIT', 'GIT_CONFIG'))]"
        with GitServer(tmp_path / "served", login="reader:t@ken-1") as server:
            address = server.address("one/.git", "reader:t%40ken-1" if written == "poetry" else written)
            if written == "poetry":
                for side, version, commit in zip(("before", "after"), ("1.0", "2.0"), commits, strict=True):
                    (tmp_path / side).mkdir()
                    text = POETRY.format(version=version, address=address, commit=commit, hash="0" * 64)
                    (tmp_path / side / "poetry.lock").write_text(text)
                delta = lockblame.diff(tmp_path / "before" / "poetry.lock", tmp_path / "after" / "poetry.lock")
            else:
                delta = locks(tmp_path, *(f"one @ git+{address}@{commit}\n" for commit in commits))
            assert found(delta, tmp_path, installer, code) == ["one"]
        # the build can't be kept from what git is told, but it sees no other
        assert seen(tmp_path) == set()
        for secret in ("t@ken-1", "t%40ken-1"):
            nowhere(tmp_path, secret, "before.txt", "after.txt", "poetry.lock", "seen")
            assert secret not in f"{delta!r}{lockblame.to_dict(delta)}"

    def test_a_variable_that_only_one_side_has_is_not_filled_in(self, tmp_path, monkeypatch, installer, commits):
        monkeypatch.setenv("READ_TOKEN", "t0ken")
        with GitServer(tmp_path / "served", login="reader:t0ken") as server:
            address = server.address("one/.git", "reader:${READ_TOKEN}")
            with pytest.raises(TrialFailed, match="both locks") as caught:
                found(locks(tmp_path, "", f"one @ git+{address}@{commits[1]}\n"), tmp_path, installer)
        assert "t0ken" not in str(caught.value)

    def test_one_repository_does_not_see_the_token_of_another(self, tmp_path, installer, commits):
        second = repositories.start(tmp_path / "served" / "two")
        commit = repositories.commit(second, wheelhouse.project("two", "1.0", ""))
        with GitServer(tmp_path / "served", login="reader:t0ken") as server, GitServer(tmp_path / "served") as public:
            addresses = server.address("one/.git", "reader:t0ken"), public.address("two/.git", "me:0ther")
            sides = (f"one @ git+{addresses[0]}@{one}\ntwo @ git+{addresses[1]}@{commit}\n" for one in commits)
            assert found(locks(tmp_path, *sides), tmp_path, installer) == ["one"]
        assert "0ther" not in (tmp_path / "seen").read_text()


def test_passwords_that_a_pickle_left_behind(tmp_path, commits):
    with GitServer(tmp_path / "served", login="reader:t0ken") as server:
        address = server.address("one/.git", "reader:t0ken")
        delta = locks(tmp_path, *(f"one @ git+{address}@{commit}\n" for commit in commits))
        again = pickle.loads(pickle.dumps(delta))  # noqa: S301
        assert again == delta
        with pytest.raises(TrialFailed, match="pickled"):
            found(again, tmp_path, "pip")


def test_which_variables_are_tokens():
    others = ("UV_INDEX_OURS_TOKEN", "PIP_TOKEN", "TOKEN", "GITHUB_ACTIONS", "GITHUB_SERVER_URL", "UV_PUBLISH_TOKEN")
    runners = ("CI_JOB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITLAB_PRIVATE_TOKEN", "GITHUB_PAT")
    assert tokens(dict.fromkeys((*TOKENS, *runners, *others), "x")) == set(TOKENS) | set(runners)
    assert tokens({"GITHUB_TOKEN": ""}) == set()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    shelf = tmp_path_factory.mktemp("shelf")
    for version in ("1.0", "2.0"):
        wheelhouse.put(shelf, "one", version)
    with PrivateIndex(shelf, "build", "hunter2") as server:
        yield server


def on_index(folder: Path, address: str) -> lockblame.Delta:
    return locks(folder, *(f"--index-url {address}\none=={version}\n" for version in ("1.0", "2.0")))


@pytest.mark.parametrize("installer", INSTALLERS)
class TestIndexes:
    @pytest.mark.parametrize("where", ["lock", "variable", "environment"])
    def test_a_password_that_is_at_hand_is_used_and_kept_nowhere(self, tmp_path, monkeypatch, installer, where, index):
        with_password = index.url.replace("://", "://build:hunter2@")
        address = {"lock": with_password, "variable": index.url.replace("://", "://build:${INDEX_PASSWORD}@")}.get(
            where, index.url
        )
        if where == "variable":
            monkeypatch.setenv("INDEX_PASSWORD", "hunter2")
        elif where == "environment":
            monkeypatch.setenv("PIP_INDEX_URL" if installer == "pip" else "UV_DEFAULT_INDEX", with_password)
        assert found(on_index(tmp_path, address), tmp_path, installer) == ["one"]
        kept = [path for path in (tmp_path / "trials" / "trials").rglob("*") if path.is_file()]
        assert kept
        assert not [path for path in kept if b"hunter2" in path.read_bytes()]

    def test_the_delta_of_a_report_has_it_too(self, tmp_path, installer, index):
        delta = on_index(tmp_path, index.url.replace("://", "://build:hunter2@"))
        report = lockblame.blame(delta.before, delta.after, offline=True)
        assert found(report.delta, tmp_path, installer) == ["one"]
        assert "hunter2" not in repr(report)

    def test_without_one_the_way_out_is_told(self, tmp_path, installer, index):
        with pytest.raises(TrialFailed, match="password"):
            found(on_index(tmp_path, index.url), tmp_path, installer)

    def test_from_the_command_line(self, tmp_path, installer, index):
        on_index(tmp_path, index.url.replace("://", "://build:hunter2@"))
        code = "import one, sys; sys.exit(one.version == '2.0')"
        arguments = [
            "bisect",
            "before.txt",
            "after.txt",
            "--installer",
            installer,
            "--environments",
            "trials",
            "--",
            "python",
            "-c",
            code,
        ]
        ended = subprocess.run(
            [sys.executable, "-m", "lockblame", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert "one 1.0 → 2.0" in ended.stdout
        assert "hunter2" not in ended.stdout + ended.stderr
