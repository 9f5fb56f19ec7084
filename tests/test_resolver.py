"""Asking a resolver about a copy: what it is given, and what its failures say."""

from __future__ import annotations

import sys

import pytest

import lockblame
from lockblame import resolver
from tests.repositories import commit, start
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


@pytest.mark.parametrize("said", ["error: Failed to build `app`", "error: Git operation failed", "Could not resolve host"])
def test_a_failure_that_says_nothing_of_solutions_is_a_gap(programs, project, said):
    programs("uv", f"echo '{said}'; exit 1")
    found = checked(project)
    assert found.resolution is None
    (gap,) = [gap for gap in found.gaps if gap.subject == "check"]
    assert gap.reason == "not-lockable"
    assert said in gap.detail
    assert "without the edit" not in gap.detail


def test_no_solution_is_told_only_where_there_was_one_before(programs, project):
    programs("uv", "grep -q lockblame pyproject.toml || exit 0; echo 'No solution found when resolving dependencies'; exit 1")
    assert not checked(project).resolution.resolves
    programs("uv", "echo 'No solution found when resolving dependencies'; exit 1")
    found = checked(project)
    assert found.resolution is None
    assert "even without the edit" in next(gap.detail for gap in found.gaps if gap.subject == "check")


def test_poetry_makes_its_environment_in_the_copy(programs, tmp_path):
    programs("poetry", 'echo "$POETRY_VIRTUALENVS_IN_PROJECT" > poetry.lock')
    (tmp_path / "project").mkdir()
    outcome = resolver.lock("poetry", tmp_path / "project", [], {"pyproject.toml": ""}, "poetry.lock")
    assert outcome.lock == b"true\n"
