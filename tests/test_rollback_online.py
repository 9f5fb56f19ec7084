"""Rollback with the real uv and the real Poetry: locked, taken back, locked again, and taken out again. Run with -m online."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import lockblame
from lockblame.client import default_index
from tests.repositories import start

pytestmark = [pytest.mark.online, pytest.mark.xdist_group("resolvers")]

# Flask 3.0 asks for werkzeug>=3.0: werkzeug can't go back alone.
BEFORE = {"flask": "2.2.2", "werkzeug": "2.2.2"}
AFTER = {"flask": "3.0.0", "werkzeug": "3.0.1"}
PROJECT = """\
# what we deploy
[project]
name = "app"
version = "1"
requires-python = ">=3.11"
dependencies = ["flask>=2.2"]   # the site
{more}"""


def run(*command, folder):
    done = subprocess.run([str(one) for one in command], cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kept(folder, message):
    """Commits everything and tags it."""
    identity = ("-c", "user.name=A. Developer", "-c", "user.email=a@code.example")
    run("git", "add", "-A", folder=folder)
    run("git", *identity, "commit", "-q", "-m", message, folder=folder)
    run("git", "tag", message, folder=folder)


def locked(folder):
    pins = lockblame.read(folder)
    return {name: pins.get(name)[0].version for name in BEFORE}


def uv():
    found = Path(sysconfig.get_path("scripts")) / ("uv.exe" if sys.platform == "win32" else "uv")
    if not found.is_file():
        pytest.skip("uv is not in this environment")
    return found


@pytest.fixture
def with_uv(tmp_path, monkeypatch):
    """A project that uv locked twice, and how it is locked again."""
    program = uv()
    monkeypatch.setenv("PATH", str(program.parent), prepend=":" if sys.platform != "win32" else ";")
    folder = start(tmp_path / "project")
    (folder / "pyproject.toml").write_text(PROJECT.format(more="\n[tool.uv]"))
    for message, versions in (("v1", BEFORE), ("v2", AFTER)):
        pins = [part for name, version in versions.items() for part in ("-P", f"{name}=={version}")]
        run(program, "lock", *pins, folder=folder)
        assert locked(folder) == versions
        kept(folder, message)
    return folder, lambda: run(program, "lock", folder=folder)


@pytest.fixture
def with_poetry(tmp_path, monkeypatch, tmp_path_factory):
    """The same with Poetry, in an environment of its own."""
    tools = tmp_path_factory.mktemp("poetry")
    # without pip, which takes longest to be there and isn't needed
    run(uv(), "venv", "--quiet", "--no-project", "--python", sys.executable, tools, "--allow-existing", folder=tmp_path)
    scripts = tools / ("Scripts" if sys.platform == "win32" else "bin")
    run(uv(), "pip", "install", "--quiet", "--python", scripts / "python", "poetry>=2", folder=tmp_path)
    program = scripts / "poetry"
    monkeypatch.setenv("PATH", str(scripts), prepend=":" if sys.platform != "win32" else ";")
    monkeypatch.setenv("POETRY_CACHE_DIR", str(tmp_path / "cache"))
    folder = start(tmp_path / "project")
    # by itself Poetry asks for JSON that not every mirror of the index has; of a source it asks for pages alone
    source = f'[[tool.poetry.source]]\nname = "index"\nurl = "{default_index()}/"\npriority = "primary"\n'
    text = PROJECT.format(more=f"\n[tool.poetry]\npackage-mode = false\n\n{source}")
    for message, versions in (("v1", BEFORE), ("v2", AFTER)):
        pins = ", ".join(f'"{name}=={version}"' for name, version in versions.items())
        (folder / "pyproject.toml").write_text(text.replace('["flask>=2.2"]', f"[{pins}]"))
        run(program, "lock", "--no-interaction", folder=folder)
        (folder / "pyproject.toml").write_text(text)
        run(program, "lock", "--no-interaction", folder=folder)
        assert locked(folder) == versions
        kept(folder, message)
    return folder, lambda: run(program, "lock", "--no-interaction", folder=folder)


@pytest.fixture(params=["uv", "poetry"])
def project(request):
    return request.param, *request.getfixturevalue(f"with_{request.param}")


def test_the_whole_way_there_and_back(project, tmp_path):
    name, folder, relock = project
    before = (folder / "pyproject.toml").read_bytes()
    found = lockblame.rollback("v1", "v2", packages=["werkzeug"], repository=folder, check=True)
    assert found.style == name
    assert [one.change.name for one in found.returns] == ["werkzeug", "flask"]
    assert "flask 3.0.0 needs werkzeug" in found.returns[1].because.lower()
    assert found.resolution is not None
    assert found.resolution.resolves, found.resolution.detail
    assert {one.name: one.new for one in found.resolution.moved if one.name != "blinker"} == BEFORE
    assert (folder / "pyproject.toml").read_bytes() == before

    # where nothing at hand says what goes together the resolver does, and what it moves is included (Poetry's lock says it)
    (tmp_path / "nothing").mkdir()
    alone = lockblame.rollback("v1", "v2", packages=["werkzeug"], repository=folder, evidence=tmp_path / "nothing", check=True)
    assert [one.change.name for one in alone.returns] == ["werkzeug", "flask"]
    assert ("without moving it" if name == "uv" else "flask 3.0.0 needs werkzeug") in alone.returns[1].because
    # blinker came in with Flask 3.0
    assert {one.name: one.new for one in alone.resolution.moved if one.name != "blinker"} == BEFORE

    written = lockblame.rollback("v1", "v2", packages=["werkzeug"], repository=folder, write=True)
    assert written.written
    relock()
    assert locked(folder) == BEFORE
    assert lockblame.rollback("v1", "v2", packages=["werkzeug"], repository=folder).edits == ()

    lockblame.rollback(undo=True, repository=folder, write=True)
    relock()
    assert (folder / "pyproject.toml").read_bytes() == before
    changed = run("git", "diff", "--name-only", folder=folder).split()
    assert set(changed) <= {f"{name}.lock"}


def test_what_the_resolver_cannot_lock_is_told(with_uv, tmp_path):
    folder, _ = with_uv
    # nothing at hand says that Flask has to go along, which the project itself forbids
    (tmp_path / "nothing").mkdir()
    text = (folder / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text(text.replace('["flask>=2.2"]', '["flask>=2.2", "flask-login==0.6.3", "flask>=3"]'))
    found = lockblame.rollback("v1", "v2", packages=["werkzeug"], repository=folder, evidence=tmp_path / "nothing", check=True)
    assert found.resolution is None or not found.resolution.resolves
    assert (found.resolution and found.resolution.detail) or "not-lockable" in {gap.reason for gap in found.gaps}
