"""Asking a resolver about a copy: what it is given, and what its failures say."""

from __future__ import annotations

import sys

import pytest

import lockblame
from lockblame import resolver
from lockblame.errors import RollbackError
from tests.repositories import commit, git, start
from tests.test_rollback_command import PYPROJECT, UV

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the resolver here is a shell script")


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Puts a program of that name on PATH."""

    def put(name, script):
        place = tmp_path / "programs" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo {name} 9; exit; fi\n{script}\n')
        place.chmod(0o755)
        monkeypatch.setenv("PATH", str(place.parent), prepend=":")

    return put


@pytest.fixture
def project(tmp_path):
    folder = start(tmp_path / "project")
    held = {"pyproject.toml": PYPROJECT, "src/app/version.py": "VERSION = 1\n"}
    commit(folder, {**held, "uv.lock": UV.format(celery="5.3.1", kombu="5.3.1")}, "v1")
    commit(folder, {**held, "uv.lock": UV.format(celery="5.3.1", kombu="5.3.2")}, "v2")
    return folder


def checked(project):
    return lockblame.rollback("v1", "v2", packages=["kombu"], repository=project, check=True, offline=True)


def test_all_files_are_there_for_a_build_that_needs_them(programs, project):
    programs("uv", "cat src/app/version.py && sed -i s/5.3.2/5.3.1/ uv.lock")
    found = checked(project)
    assert found.resolution.resolves
    assert [(one.name, one.new) for one in found.resolution.moved] == [("kombu", "5.3.1")]
    assert "5.3.2" in (project / "uv.lock").read_text()


LOCKS = "sed -i s/5.3.2/5.3.1/ uv.lock"


@pytest.mark.parametrize("from_git", [False, True])
def test_a_token_reaches_foreign_builds_only_where_a_repository_may_want_it(from_git, programs, project, monkeypatch):
    if from_git:
        lock = project / "uv.lock"
        source = '[[package]]\nname = "tool"\nversion = "1"\nsource = { git = "https://forge.example/acme/tool#0123456789" }\n'
        commit(project, {"uv.lock": f"{lock.read_text()}\n{source}"}, "v3")
    monkeypatch.setenv("GITHUB_TOKEN", "t0ken")
    monkeypatch.setenv("UV_INDEX_ACME_PASSWORD", "kept")
    programs("uv", 'echo "<$GITHUB_TOKEN$UV_INDEX_ACME_PASSWORD>" >&2; exit 1')
    found = lockblame.rollback("v1", "v3" if from_git else "v2", packages=["kombu"], repository=project, check=True, offline=True)
    assert ("<t0kenkept>" if from_git else "<kept>") in "".join(gap.detail for gap in found.gaps)


def test_git_tells_a_build_its_version(programs, project, tmp_path):
    programs("uv", f'[ "$(git describe --tags)" = v2 ] && git tag made-in-the-copy && {LOCKS}')
    assert checked(project).resolution.resolves
    assert git(project, "tag").split() == ["v1", "v2"]
    assert git(project, "status", "--porcelain") == ""
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=v2", project.as_uri(), str(shallow))
    git(shallow, "fetch", "--quiet", "--depth=1", "origin", "tag", "v1")
    assert checked(shallow).resolution.resolves


def test_what_lies_beside_the_project_in_its_repository(programs, tmp_path):
    top = start(tmp_path / "mono")
    kit = '[[package]]\nname = "kit"\nversion = "1"\nsource = {{ editable = "{}" }}\n'
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text("not copied")
    for kombu, tag in (("5.3.1", "v1"), ("5.3.2", "v2")):
        lock = (
            UV.format(celery="5.3.1", kombu=kombu) + kit.format("../kit") + kit.format("../../outside").replace("kit", "out", 1)
        )
        commit(top, {"app/pyproject.toml": PYPROJECT, "app/uv.lock": lock, "kit/kit.py": "", "other/big.py": ""}, tag)
    programs("uv", f"cat ../kit/kit.py && git describe --tags && [ ! -e ../other ] && [ ! -e ../../outside ] && {LOCKS}")
    assert checked(top / "app").resolution.resolves


@pytest.mark.parametrize("said", ["error: Failed to build `app`", "error: Git operation failed", "Could not resolve host"])
def test_a_failure_that_says_nothing_of_solutions_is_a_gap(programs, project, said):
    programs("uv", f"echo '{said}'; exit 1")
    found = checked(project)
    assert found.resolution is None
    (gap,) = [gap for gap in found.gaps if gap.subject == "check"]
    assert gap.reason == "not-lockable"
    assert said in gap.detail
    assert "without the edit" not in gap.detail


def test_where_there_is_no_solution_nothing_is_written(programs, project):
    programs("uv", "grep -q lockblame pyproject.toml || exit 0; echo 'No solution found: app needs kombu'; exit 1")
    with pytest.raises(RollbackError, match="app needs kombu") as caught:
        lockblame.rollback("v1", "v2", packages=["kombu"], check=True, write=True, offline=True, repository=project)
    assert "nothing was written" in caught.value.hint
    assert (project / "pyproject.toml").read_text() == PYPROJECT


def test_no_solution_is_told_only_where_there_was_one_before(programs, project):
    says = "echo 'Using CPython 3.12 at: /opt/python'; echo '× No solution found when resolving dependencies'"
    programs("uv", f"grep -q lockblame pyproject.toml || exit 0; {says}; exit 1")
    found = checked(project).resolution
    assert (found.resolves, found.detail) == (False, "No solution found when resolving dependencies")
    programs("uv", "echo 'No solution found when resolving dependencies'; exit 1")
    found = checked(project)
    assert found.resolution is None
    assert "even without the edit" in next(gap.detail for gap in found.gaps if gap.subject == "check")


def test_poetry_makes_its_environment_in_the_copy(programs, tmp_path):
    programs("poetry", 'echo "$POETRY_VIRTUALENVS_IN_PROJECT" > poetry.lock')
    (tmp_path / "project").mkdir()
    outcome = resolver.lock("poetry", tmp_path / "project", [], {"pyproject.toml": ""}, "poetry.lock")
    assert outcome.lock == b"true\n"
