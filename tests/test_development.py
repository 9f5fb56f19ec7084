"""What only development needs is hardly what broke a deploy: groups in locks of several kinds, and files by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

import lockblame
from lockblame.delta import development_only
from tests import repositories

PROJECT = """\
[project]
name = "desk"
version = "1"
dependencies = ["celery"]

[dependency-groups]
dev = ["black", "celery"]
serve = ["gunicorn"]
"""
UV = """\
version = 1
revision = 2
requires-python = ">=3.11"

[[package]]
name = "desk"
version = "1"
source = {{ virtual = "." }}
dependencies = [{{ name = "celery" }}]

[package.dev-dependencies]
dev = [{{ name = "black" }}, {{ name = "celery" }}]
serve = [{{ name = "gunicorn" }}]

[[package]]
name = "celery"
version = "{0}"
source = {{ registry = "https://index.example/simple" }}
dependencies = [{{ name = "kombu" }}]
"""
ENTRY = '\n[[package]]\nname = "{0}"\nversion = "{1}"\nsource = {{ registry = "https://index.example/simple" }}\n'
POETRY = '[[package]]\nname = "{0}"\nversion = "{1}"\ngroups = [{2}]\nfiles = []\n\n'
HEAD = '\n[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\ncontent-hash = "0"\n'


def uv(version: str) -> str:
    black = ENTRY.format("black", version) + 'dependencies = [{ name = "pathspec" }, { name = "kombu" }]\n'
    plain = "".join(ENTRY.format(name, version) for name in ("gunicorn", "kombu", "pathspec"))
    return UV.format(version) + black + plain


def poetry(version: str) -> str:
    groups = {"black": '"dev"', "celery": '"main", "dev"', "gunicorn": '"serve"', "pathspec": '"dev", "docs-site"'}
    return "".join(POETRY.format(name, version, group) for name, group in groups.items()) + HEAD


def compared(folder: Path, name: str, before: str, after: str, **beside: str) -> lockblame.Delta:
    for side, text in (("one", before), ("two", after)):
        (folder / side).mkdir(exist_ok=True)
        (folder / side / name).write_text(text)
        for other, content in beside.items():
            (folder / side / f"{other}.toml").write_text(content)
    return lockblame.diff(folder / "one", folder / "two")


def started(folder: Path, contents: dict[str, str]) -> Path:
    repositories.commit(repositories.start(folder), contents)
    return folder


def test_of_uv_what_no_other_group_and_no_dependency_brings_along(tmp_path: Path) -> None:
    delta = compared(tmp_path, "uv.lock", uv("1.0"), uv("2.0"), pyproject=PROJECT)
    assert {change.name for change in delta} == {"black", "celery", "gunicorn", "kombu", "pathspec"}
    assert development_only(delta) == {("black", None): ("dev",), ("pathspec", None): ("dev",)}


def test_of_poetry_as_the_lock_says(tmp_path: Path) -> None:
    delta = compared(tmp_path, "poetry.lock", poetry("1.0"), poetry("2.0"))
    assert development_only(delta) == {("black", None): ("dev",), ("pathspec", None): ("dev", "docs-site")}


def test_what_moved_into_the_deploy_is_not_for_development_alone(tmp_path: Path) -> None:
    moved = poetry("2.0").replace('"dev"]\nfiles', '"dev", "main"]\nfiles')
    assert ("black", None) not in development_only(compared(tmp_path, "poetry.lock", poetry("1.0"), moved))


def test_a_lock_without_groups_says_nothing(tmp_path: Path) -> None:
    assert development_only(compared(tmp_path, "requirements.txt", "black==1\n", "black==2\n")) == {}


@pytest.mark.parametrize(
    ("path", "development"),
    [
        ("requirements-dev.txt", True),
        ("dev-requirements.txt", True),
        ("requirements/test.txt", True),
        ("requirements.tests.txt", True),
        ("docs/requirements.txt", True),
        ("requirements_lint.txt", True),
        ("requirements.txt", False),
        ("requirements/prod.txt", False),
        ("requirements-device.txt", False),
        ("services/latest/requirements.txt", False),
    ],
)
def test_a_file_by_its_name(path: str, development: bool, tmp_path: Path) -> None:
    repository = started(tmp_path / "repository", {path: "black==1\n", "web/requirements.txt": "celery==1\n"})
    repositories.commit(repository, {path: "black==2\n", "web/requirements.txt": "celery==2\n"})
    delta = lockblame.diff("HEAD~1", "HEAD", repository=repository)
    assert set(development_only(delta)) == ({("black", path)} if development else set())


def test_it_is_told_and_weighs(tmp_path: Path) -> None:
    compared(tmp_path, "uv.lock", uv("1.0"), uv("2.0"), pyproject=PROJECT)
    report = lockblame.blame(tmp_path / "one", tmp_path / "two", symptom="uploads hang since the deploy", offline=True)
    assert [suspect.change.name for suspect in report.suspects][-2:] == ["black", "pathspec"]
    (told,) = [one for one in report.suspects[-1].evidence if "leaves out" in one.detail]
    assert (told.detail, told.kind) == ("is there for dev alone, which a deploy leaves out as a rule", "lock")
    assert told.weight < -1


def test_the_same_change_in_a_deployed_lock_too_is_a_full_suspect(tmp_path: Path) -> None:
    texts = {"requirements-dev.txt": "kombu==5.3.{0}\nblack==2{0}\n", "web/requirements.txt": "kombu==5.3.{0}\n"}
    repository = started(tmp_path / "repository", {name: text.format(1) for name, text in texts.items()})
    repositories.commit(repository, {name: text.format(2) for name, text in texts.items()})
    report = lockblame.blame("HEAD~1", "HEAD", repository=repository, symptom="messages are lost", offline=True)
    first, second = report.suspects
    assert (first.change.name, first.change.lock) == ("kombu", "web/requirements.txt")
    assert second.change.name == "black"
    assert not any("leaves out" in one.detail for one in first.evidence)
