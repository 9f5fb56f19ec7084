"""Rollback from the locks to the files: what is shown, written, taken out again, and refused without a trace."""

from __future__ import annotations

import json
import tomllib
from contextlib import nullcontext

import pytest

import lockblame
from lockblame.errors import ReadError, RollbackError
from lockblame.model import Change, Pin, Resolution, Return, Rollback
from lockblame.report.rollbacks import rollback as rendered
from tests.repositories import commit, start
from tests.test_cli import lockblame as run

PYPROJECT = '[project]\nname = "app"\nversion = "1"\ndependencies = ["celery>=5.3"]  # workers\n'
UV = """version = 1
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1"
source = {{ virtual = "." }}
dependencies = [{{ name = "celery" }}]

[package.metadata]
requires-dist = [{{ name = "celery", specifier = ">=5.3" }}]

[[package]]
name = "celery"
version = "{celery}"
source = {{ registry = "https://index.example/simple" }}
dependencies = [{{ name = "kombu" }}]

[[package]]
name = "kombu"
version = "{kombu}"
source = {{ registry = "https://index.example/simple" }}
"""


@pytest.fixture
def project(tmp_path):
    folder = start(tmp_path / "project")
    held = {"pyproject.toml": PYPROJECT}
    commit(folder, {**held, "uv.lock": UV.format(celery="5.3.1", kombu="5.3.1"), "req.txt": ""}, "v1")
    commit(folder, {**held, "uv.lock": UV.format(celery="5.3.4", kombu="5.3.2")}, "v2")
    return folder


@pytest.fixture
def evidence(tmp_path):
    folder = tmp_path / "evidence"
    folder.mkdir()
    rows = [
        {"name": name, "version": version, "requires": lines}
        for name, version, lines in (
            ("celery", "5.3.4", ["kombu>=5.3.2,<6"]),
            ("celery", "5.3.1", ["kombu>=5.3"]),
            ("kombu", "5.3.1", []),
        )
    ]
    (folder / "requirements.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "releases.jsonl").write_text('{"name": "kombu", "version": "5.3.1", "uploaded": "2023-06-15", "yanked": true}\n')
    return folder


class TestUv:
    def test_shown_written_done_and_undone(self, project, evidence):
        pyproject = project / "pyproject.toml"
        asked = ("rollback", "v1..v2", "--package", "Kombu", "--evidence", str(evidence))
        shown = run(*asked, folder=project)
        assert shown.returncode == 0, shown.stderr
        assert "celery 5.3.4 needs kombu" in shown.stdout
        assert "uv lock" in shown.stdout
        assert pyproject.read_text() == PYPROJECT
        written = json.loads(run(*asked, "--write", "--format", "json", folder=project).stdout)
        assert [one["package"] for one in written["returns"]] == ["kombu", "celery"]
        assert [(one["kind"], one["package"]) for one in written["reopened"]] == [("yanked", "kombu")]
        held = tomllib.loads(pyproject.read_text())
        assert held["tool"]["uv"]["constraint-dependencies"] == ["kombu==5.3.1", "celery==5.3.1"]
        assert run(*asked, "--write", folder=project).stdout.startswith("Nothing to do")
        assert "nothing" not in run("rollback", "--undo", "--write", folder=project).stdout
        assert pyproject.read_text() == PYPROJECT
        assert "nothing to undo" in run("rollback", "--undo", folder=project).stdout

    def test_without_constraints_at_hand_that_is_a_gap(self, project):
        found = lockblame.rollback("v1", "v2", packages=["kombu"], offline=True, repository=project)
        assert [one.change.name for one in found.returns] == ["kombu"]
        assert {"no-constraints", "not-asked"} <= {gap.reason for gap in found.gaps}

    def test_the_leading_suspect_goes_back_by_itself(self, project, evidence):
        found = lockblame.rollback("v1", "v2", symptom="kombu is slow", evidence=evidence, repository=project)
        assert found.returns

    def test_a_constraints_file_instead(self, project, evidence):
        found = lockblame.rollback(
            "v1", "v2", packages=["kombu"], evidence=evidence, repository=project, style="constraints", write=True
        )
        assert (project / "constraints.txt").read_text().startswith("kombu==5.3.1  #")
        assert found.written
        lockblame.rollback(undo=True, write=True, repository=project)
        assert not (project / "constraints.txt").exists()

    @pytest.mark.parametrize("text", [PYPROJECT.replace("\n", "\r\n"), "\ufeff" + PYPROJECT, PYPROJECT + "\n[tool.uv]"])
    def test_the_bytes_on_disk_come_back(self, project, text):
        pyproject = project / "pyproject.toml"
        pyproject.write_bytes(text.encode())
        lockblame.rollback("v1", "v2", packages=["kombu"], offline=True, repository=project, write=True)
        written = pyproject.read_bytes()
        assert b"kombu==5.3.1" in written
        assert written.count(b"\r\n") in (0, written.count(b"\n"))
        lockblame.rollback(undo=True, write=True, repository=project)
        assert pyproject.read_bytes() == text.encode()

    @pytest.mark.parametrize(
        ("members", "folder", "refused"),
        [
            ('members = ["packages/*"]', "packages/b", True),
            ('members = ["./packages/*"]', "packages/b", True),
            ('members = ["packages/**"]', "packages/deep/b", True),
            ('members = ["packages/*"]\nexclude = ["packages/b"]', "packages/b", False),
            ('members = ["packages/*"]', "vendor/packages/b", False),
            ("members = 3", "packages/b", False),
        ],
    )
    def test_a_member_of_the_workspace_may_rule_it_out_too(self, project, members, folder, refused):
        (project / "pyproject.toml").write_text(f"{PYPROJECT}[tool.uv.workspace]\n{members}\n")
        (project / folder).mkdir(parents=True)
        (project / folder / "pyproject.toml").write_text('[project]\nname = "b"\ndependencies = ["kombu>=5.3.2"]\n')
        with pytest.raises(RollbackError) if refused else nullcontext() as caught:
            assert lockblame.rollback("v1", "v2", packages=["kombu"], offline=True, repository=project).edits
        assert caught is None or caught.value.subject == f"{folder}/pyproject.toml"

    def test_undone_from_a_folder_below(self, project):
        lockblame.rollback("v1", "v2", packages=["kombu"], offline=True, repository=project, write=True)
        (project / "src").mkdir()
        found = lockblame.rollback(undo=True, write=True, repository=project / "src")
        assert found.written
        assert (project / "pyproject.toml").read_text() == PYPROJECT

    @pytest.mark.parametrize(
        "written", ['[tool.uv]\nconstraint-dependencies = ["idna"]', '[tool]\nuv = {constraint-dependencies = ["idna"]}']
    )
    def test_after_an_undo_only_packages_are_moved(self, project, written):
        (project / "pyproject.toml").write_text(f"{PYPROJECT}{written}\n")
        lockblame.rollback("v1", "v2", packages=["kombu"], offline=True, repository=project, write=True)
        assert lockblame.rollback(undo=True, repository=project).command == "uv lock --upgrade-package kombu==5.3.2"

    def test_after_an_undo_the_lock_is_told_where_to_go_again(self, project, evidence):
        lockblame.rollback("v1", "v2", packages=["kombu"], evidence=evidence, repository=project, write=True)
        told = run("rollback", "--undo", "--package", "celery", folder=project).stdout
        assert "uv lock --upgrade-package celery==5.3.4 (by itself the lock keeps" in " ".join(told.split())
        found = lockblame.rollback(undo=True, repository=project)
        assert found.command == "uv lock --upgrade-package kombu==5.3.2 --upgrade-package celery==5.3.4"

    @pytest.mark.parametrize(
        ("header", "command"),
        [("by Poetry 1.8.5 and", "poetry lock --no-update"), ("by Poetry 2.1.0 and", "poetry lock"), ("", "poetry lock")],
    )
    def test_poetry_1_takes_everything_new_unless_told_not_to(self, project, header, command):
        (project / "poetry.lock").write_text(f"# This file is automatically @generated {header} should not be changed by hand.\n")
        found = lockblame.rollback(
            "v1:uv.lock",
            "v2:uv.lock",
            packages=["kombu"],
            offline=True,
            repository=project,
            style="poetry",
            file="pyproject.toml",
        )
        assert found.command == command

    @pytest.mark.parametrize("broken", ["[tool.uv", '[project]\ndependencies = ["kombu>=5.3.2"]\n', "x = 1\xff"])
    def test_refused_without_a_trace(self, project, broken):
        (project / "pyproject.toml").write_bytes(broken.encode("latin-1"))
        before = {path: path.read_bytes() for path in project.iterdir() if path.is_file()}
        with pytest.raises(RollbackError):
            lockblame.rollback("v1", "v2", packages=["kombu"], offline=True, repository=project, write=True)
        assert {path: path.read_bytes() for path in project.iterdir() if path.is_file()} == before

    def test_what_is_missing(self, project):
        assert run("rollback", folder=project).returncode == 3
        assert run("rollback", "v1..v2", "--package", "nothing", "--offline", folder=project).returncode == 3
        (project / "pyproject.toml").unlink()
        with pytest.raises(ReadError, match="doesn't exist"):
            lockblame.rollback("v1", "v2", packages=["kombu"], offline=True, repository=project)


def test_requirements_get_their_old_line_back(tmp_path):
    old, new = ("amqp==5\nkombu=={} \\\n    --hash=sha256:{}\n".format(*one) for one in (("5.3.1", "11"), ("5.3.2", "22")))
    (tmp_path / "before").mkdir()
    (tmp_path / "before/requirements.txt").write_text(old)
    (tmp_path / "requirements.txt").write_text(new)
    found = lockblame.rollback(
        "before/requirements.txt", "requirements.txt", packages=["kombu"], offline=True, repository=tmp_path, write=True
    )
    assert found.style == "requirements"
    assert "kombu==5.3.1 \\\n    --hash=sha256:11\n" in (tmp_path / "requirements.txt").read_text()
    lockblame.rollback(undo=True, write=True, repository=tmp_path)
    assert (tmp_path / "requirements.txt").read_text() == new


def test_what_an_old_version_requires_and_is_gone_is_told(tmp_path, evidence):
    folder = start(tmp_path / "project")
    commit(folder, {"requirements.txt": "celery==5.3.1\nkombu==5.3.1\npytz==2023.3\n"}, "v1")
    commit(folder, {"requirements.txt": "celery==5.3.4\nkombu==5.3.2\ntzdata==2023.3\n"}, "v2")
    (evidence / "requirements.jsonl").write_text('{"name": "celery", "version": "5.3.1", "requires": ["pytz>=2021"]}\n')
    found = lockblame.rollback("v1", "v2", packages=["celery"], evidence=evidence, repository=folder)
    (gap,) = [gap for gap in found.gaps if gap.subject == "pytz"]
    assert gap.hint == "put back pytz 2023.3 by hand"
    assert {gap.hint for gap in found.gaps if gap.reason == "no-constraints"} == {"install it into a fresh environment and see"}
    with pytest.raises(RollbackError, match="the lock doesn't say what brought it in"):
        lockblame.rollback("v1", "v2", packages=["tzdata"], evidence=evidence, repository=folder)


class TestFilesOfFiles:
    """Requirements that are made of several files: the one that holds the pin is edited."""

    BASE = "Kombu[sqs]==5.3.{0} ; python_version >= '3.8'\r\nvine==5.0.0"

    @pytest.fixture
    def nested(self, tmp_path):
        folder = start(tmp_path / "nested")
        for tag, number in (("v1", 1), ("v2", 2)):
            held = {
                "requirements.txt": "-r deps/base.txt\n-c pins.txt\namqp\n-r ../outside.txt\n",
                "pins.txt": f"amqp==5.1.{number}\n",
            }
            commit(folder, {**held, "deps/base.txt": self.BASE.format(number)}, tag)
        (tmp_path / "outside.txt").write_text("kombu==5.3.2\n")
        return folder

    @pytest.mark.parametrize("ends", [("v1", "v2"), ("v1:requirements.txt", "requirements.txt")])
    def test_there_and_back(self, nested, ends):
        before = (nested / "deps/base.txt").read_bytes()
        found = lockblame.rollback(*ends, packages=["kombu", "amqp"], write=True, offline=True, repository=nested)
        assert found.command.startswith("pip install -r requirements.txt")
        assert {one.name: one.version for one in lockblame.diff("v1", nested / "requirements.txt", repository=nested).after} == {
            "kombu": "5.3.1",
            "vine": "5.0.0",
            "amqp": "5.1.1",
        }
        assert (nested.parent / "outside.txt").read_text() == "kombu==5.3.2\n"
        again = lockblame.rollback("v1", "v2", packages=["kombu", "amqp"], write=True, offline=True, repository=nested)
        assert again.edits == ()
        lockblame.rollback(undo=True, write=True, repository=nested)
        assert (nested / "deps/base.txt").read_bytes() == before


@pytest.mark.parametrize("style", ["text", "markdown", "json"])
def test_what_the_resolver_says_is_shown(style):
    pins = [Pin(name="kombu", version=version) for version in ("5.3.1", "5.3.2")]
    change = Change(name="kombu", before=pins[0], after=pins[1], kind="upgraded")
    vine = Change(name="vine", before=pins[1], after=pins[0], kind="downgraded")
    resolution = Resolution(resolver="uv 0", resolves=True, moved=(change, vine))
    assert "vine" in rendered(Rollback(style="uv", returns=(Return(change=change),), resolution=resolution), style)
    failed = Resolution(resolver="uv 0", resolves=False, detail="no \x1b[31msolution")
    shown = rendered(Rollback(style="uv", returns=(Return(change=change),), resolution=failed), style)
    assert "\x1b" not in shown
    assert "solution" in shown


def test_a_constraints_file_is_given_to_pip_as_one(tmp_path):
    (tmp_path / "before.txt").write_text("kombu==5.3.1\n")
    (tmp_path / "constraints-312.txt").write_text("kombu==5.3.2\n")
    found = lockblame.rollback("before.txt", "constraints-312.txt", packages=["kombu"], repository=tmp_path, offline=True)
    assert found.command == "pip install -c constraints-312.txt …"


PDM = """[[package]]
name = "kombu"
version = "{kombu}"
files = []

[metadata]
lock_version = "4.5.1"
content_hash = "sha256:0"
"""


@pytest.mark.parametrize("below", ["", "services/a b"])
def test_pdm_is_told_which_pins_to_lock_anew(tmp_path, below):
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    for name, kombu in (("before.lock", "5.3.1"), ("pdm.lock", "5.3.2")):
        (tmp_path / below / name).write_text(PDM.format(kombu=kombu))
    sides = [f"{below}/{name}".lstrip("/") for name in ("before.lock", "pdm.lock")]
    found = lockblame.rollback(*sides, packages=["kombu"], repository=tmp_path, offline=True, write=True)
    there, file = (" --project 'services/a b'", "'services/a b/constraints.txt'") if below else ("", "constraints.txt")
    assert found.command == f"pdm update{there} --no-sync --update-reuse --override {file} kombu"
    back = lockblame.rollback(undo=True, write=True, repository=tmp_path)
    assert back.command == f"pdm update{there} --no-sync --update-reuse kombu"
    assert not list(tmp_path.rglob("constraints.txt"))


def test_no_command_names_a_constraints_file_that_is_gone(tmp_path):
    for name, kombu in (("before.txt", "5.3.1"), ("after.txt", "5.3.2")):
        (tmp_path / name).write_text(f"kombu=={kombu}\n")
    options = {"repository": tmp_path, "write": True}
    lockblame.rollback("before.txt", "after.txt", packages=["kombu"], style="constraints", offline=True, **options)
    found = lockblame.rollback(undo=True, **options)
    assert (len(found.edits), found.command) == (1, None)
    assert "again:" not in rendered(found, "text")


POETRY = """[[package]]
name = "celery"
version = "{celery}"
optional = false
python-versions = ">=3.8"
files = []

[package.dependencies]
kombu = ">=5.3"

[[package]]
name = "kombu"
version = "{kombu}"
optional = false
python-versions = ">=3.8"
files = []

[metadata]
lock-version = "2.0"
python-versions = ">=3.11"
content-hash = "0"
"""


class TestTwoLocksOfOneProject:
    """One pyproject.toml, locked by two tools: both have to be taken back in it, and neither may undo the other's edit."""

    @pytest.fixture
    def both(self, tmp_path):
        folder = start(tmp_path / "project")
        for tag, kombu in (("v1", "5.3.1"), ("v2", "5.3.2")):
            texts = {name: text.format(celery="5.3.1", kombu=kombu) for name, text in (("uv.lock", UV), ("poetry.lock", POETRY))}
            commit(folder, {"pyproject.toml": PYPROJECT, "requirements.txt": f"celery==5.3.1\nkombu=={kombu}\n", **texts}, tag)
        return folder

    def test_there_and_back(self, both):
        found = lockblame.rollback("v1", "v2", packages=["kombu"], repository=both, offline=True, write=True)
        assert [edit.path.rpartition("/")[2] for edit in found.edits] == ["pyproject.toml", "requirements.txt"]
        document = tomllib.loads((both / "pyproject.toml").read_text())
        assert document["tool"]["uv"]["constraint-dependencies"] == ["kombu==5.3.1"]
        assert document["tool"]["poetry"]["group"]["lockblame"]["dependencies"] == {"kombu": "==5.3.1"}
        assert found.command == "poetry lock && pip install -r requirements.txt && uv lock"
        assert rendered(found, "text", folder=str(both)).count("kombu 5.3.2 → 5.3.1") == 1
        assert lockblame.rollback("v1", "v2", packages=["kombu"], repository=both, offline=True).edits == ()
        undone = lockblame.rollback(undo=True, repository=both, write=True)
        assert set(undone.command.split(" && ")) == {
            "poetry update --lock kombu",
            "pip install -r requirements.txt",
            "uv lock --upgrade-package kombu==5.3.2",
        }
        assert (both / "pyproject.toml").read_text() == PYPROJECT

    def test_each_is_asked_of_its_own_resolver(self, both, monkeypatch):
        asked = []

        def lock(tool, folder, paths, edited, path, *, offline=False, furnish=None):
            asked.append((tool, path, tuple(edited)))

        monkeypatch.setattr("lockblame.resolver.lock", lock)
        found = lockblame.rollback("v1", "v2", packages=["kombu"], repository=both, offline=True, check=True)
        assert asked == [("poetry", "poetry.lock", ("pyproject.toml",)), ("uv", "uv.lock", ("pyproject.toml",))]
        assert len([gap for gap in found.gaps if gap.subject == "check"]) == 3
