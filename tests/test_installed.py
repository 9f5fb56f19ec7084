from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockblame import installed
from lockblame.errors import ReadError
from lockblame.graph import Graph
from lockblame.model import REGISTRY, Source

posix = pytest.mark.skipif(os.name == "nt", reason="needs links or pipes that Windows doesn't have")


class Environment:
    """A virtual environment as an installer leaves it, of files only."""

    def __init__(self, folder: Path, python: str = "3.12", **settings_: str) -> None:
        self.folder = folder
        self.packages = folder / "lib" / f"python{python}" / "site-packages"
        self.packages.mkdir(parents=True)
        lines = {"home": "/nowhere/bin", "version_info": f"{python}.4", **settings_}
        (folder / "pyvenv.cfg").write_text("".join(f"{key} = {value}\n" for key, value in lines.items()))
        (folder / "bin").mkdir()
        (folder / "bin" / "python").write_bytes(b"\x7fELF")

    def add(self, name: str, version: str = "1.0", *requires: str, requested: bool = False, direct: object = None) -> Path:
        folder = self.packages / f"{name}-{version}.dist-info"
        folder.mkdir()
        needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\nText: x\n")
        if requested:
            (folder / "REQUESTED").touch()
        if direct is not None:
            (folder / "direct_url.json").write_text(direct if isinstance(direct, str) else json.dumps(direct))
        return folder


@pytest.fixture
def environment(tmp_path) -> Environment:
    return Environment(tmp_path / "my env")


def edges(snapshot) -> dict[str, list[str]]:
    return {pin.name: [edge.name for edge in pin.requires] for pin in snapshot}


class TestPins:
    def test_names_versions_and_paths(self, environment):
        environment.add("Celery", "5.3.4", "kombu<6.0,>=5.3.2", "vine>=5", requested=True)
        environment.add("kombu", "5.3.2", "vine", "importlib-metadata; python_version < '3.8'")
        environment.add("vine", "5.0.0")
        environment.add("importlib_metadata", "6.0")
        snapshot = installed.read(environment.folder)
        assert (snapshot.format, len(snapshot), snapshot.gaps) == ("installed", 4, ())
        assert [(pin.name, pin.version) for pin in snapshot.get("kombu")] == [("kombu", "5.3.2")]
        assert snapshot.paths_to("kombu") == (("app", "celery", "kombu"),)
        assert [root.name for root in snapshot.roots] == ["app"]
        edge = snapshot.get("celery")[0].requires[0]
        assert (edge.name, edge.specifier, edge.marker) == ("kombu", "<6.0,>=5.3.2", None)
        # not for this Python, although somebody has it installed
        assert edges(snapshot)["kombu"] == ["vine"]

    def test_without_a_note_of_what_was_asked_for_the_tops_are_roots(self, environment):
        environment.add("celery", "5.3.4", "kombu")
        environment.add("kombu", "5.3.2")
        assert installed.read(environment.folder).paths_to("kombu") == (("app", "celery", "kombu"),)

    def test_the_project_itself_is_a_root(self, environment):
        here = {"url": "file:///srv/shop", "dir_info": {"editable": True}}
        environment.add("Shop", "0.1", "celery[sqs]", requested=True, direct=here)
        environment.add("celery", "5.3.4", "kombu[sqs]; extra == 'sqs'", "kombu")
        environment.add("kombu", "5.3.2", "boto3>=1.26; extra == 'sqs'", "redis; extra == 'redis'")
        environment.add("boto3", "1.28")
        environment.add("redis", "5")
        snapshot = installed.read(environment.folder)
        assert snapshot.paths_to("boto3") == (("shop", "celery", "kombu", "boto3"),)
        assert "shop" not in snapshot
        # nobody asked for kombu with redis
        assert edges(snapshot)["kombu"] == ["boto3"]
        assert snapshot.get("kombu")[0].requires[0].marker == 'extra == "sqs"'

    def test_an_editable_that_others_need_is_a_package(self, environment):
        environment.add("app", "1", "kombu", requested=True)
        environment.add("kombu", "6", direct={"url": "file:///srv/kombu", "dir_info": {"editable": True}})
        [kombu] = installed.read(environment.folder).get("kombu")
        assert kombu.source == Source(kind="editable", location="file:///srv/kombu")

    def test_an_extra_of_what_was_asked_for_counts_when_all_of_it_is_there(self, environment):
        environment.add(
            "celery", "5.3.4", "boto3; extra == 'sqs'", "pycurl; extra == 'sqs'", "redis; extra == 'redis'", requested=True
        )
        environment.add("boto3")
        environment.add("redis")
        assert edges(installed.read(environment.folder))["celery"] == ["redis"]

    @pytest.mark.parametrize(
        ("document", "source"),
        [
            (
                {
                    "url": "https://forge.example/kombu.git",
                    "vcs_info": {"vcs": "git", "commit_id": "ab" * 20},
                    "subdirectory": "src",
                },
                Source(kind="git", location="https://forge.example/kombu.git", revision="ab" * 20, subdirectory="src"),
            ),
            (
                {"url": "https://me:secret@forge.example/kombu", "vcs_info": {"vcs": "hg", "commit_id": "12"}},
                Source(kind="git", location="hg+https://forge.example/kombu", revision="12"),
            ),
            (
                {"url": "ssh://git:secret@forge.example/kombu", "vcs_info": {"vcs": "git"}},
                Source(kind="git", location="ssh://git@forge.example/kombu"),
            ),
            (
                {"url": "https://files.example/k-1.whl", "archive_info": {}},
                Source(kind="url", location="https://files.example/k-1.whl"),
            ),
            ({"url": "file:///srv/k-1.whl", "archive_info": {}}, Source(kind="path", location="file:///srv/k-1.whl")),
            ({"url": "file:///srv/k", "dir_info": {}}, Source(kind="path", location="file:///srv/k")),
            (None, REGISTRY),
        ],
    )
    def test_where_it_came_from(self, environment, document, source):
        environment.add("kombu", direct=document)
        assert installed.read(environment.folder).get("kombu")[0].source == source

    def test_eggs(self, environment, tmp_path):
        folder = environment.packages / "old-1.0-py3.12.egg-info"
        folder.mkdir()
        (folder / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1.0\n")
        (folder / "requires.txt").write_text("vine\n\n[fast]\nkombu\n")
        (environment.packages / "older-0.1.egg-info").write_text("Metadata-Version: 1.0\nName: older\nVersion: 0.1\n")
        project = tmp_path / "linked"
        (project / "Linked_Thing.egg-info").mkdir(parents=True)
        (project / "Linked_Thing.egg-info" / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: Linked-Thing\nVersion: 3\n")
        (environment.packages / "Linked-Thing.egg-link").write_text(f"{project}\n.")
        environment.add("vine")
        environment.add("kombu")
        snapshot = installed.read(environment.folder)
        assert edges(snapshot) == {"kombu": [], "old": ["vine"], "older": [], "vine": []}
        assert [(root.name, root.version) for root in snapshot.roots] == [("linked-thing", "3")]

    def test_the_first_of_several_counts(self, environment, tmp_path):
        base = tmp_path / "base"
        (base / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
        inner = Environment(tmp_path / "inner", home=str(base / "bin"), **{"include-system-site-packages": "true"})
        inner.add("kombu", "5.3.2")
        for name, version in (("kombu", "5.0"), ("vine", "5.0")):
            folder = base / "lib" / "python3.12" / "site-packages" / f"{name}-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        assert [(pin.name, pin.version) for pin in installed.read(inner.folder)] == [("kombu", "5.3.2"), ("vine", "5.0")]


class TestWhereItIs:
    def test_by_folder_interpreter_or_packages(self, environment):
        environment.add("kombu")
        ways = (environment.folder, environment.folder / "bin", environment.folder / "bin" / "python", environment.packages)
        assert [installed.read(way).names for way in ways] == [("kombu",)] * 4

    def test_on_windows(self, tmp_path):
        folder = tmp_path / "env"
        (folder / "Lib" / "site-packages" / "kombu-1.dist-info").mkdir(parents=True)
        (folder / "Lib" / "site-packages" / "kombu-1.dist-info" / "METADATA").write_text("Name: kombu\nVersion: 1\n")
        (folder / "Scripts").mkdir()
        (folder / "Scripts" / "python.exe").write_bytes(b"MZ")
        (folder / "pyvenv.cfg").write_text("version = 3.12.1\n")
        assert installed.read(folder / "Scripts" / "python.exe").names == ("kombu",)

    @posix
    def test_an_interpreter_outside_of_any_environment(self, tmp_path):
        base = Environment(tmp_path / "usr", python="3.11")
        (base.folder / "pyvenv.cfg").unlink()
        (base.folder / "bin" / "python").rename(base.folder / "bin" / "python3.11")
        (base.folder / "bin" / "python3").symlink_to("python3.11")
        (base.folder / "lib" / "python3.9" / "site-packages").mkdir(parents=True)
        debian = base.folder / "lib" / "python3" / "dist-packages" / "apt-2.dist-info"
        debian.mkdir(parents=True)
        (debian / "METADATA").write_text("Name: apt\nVersion: 2\n")
        base.add("kombu")
        assert installed.read(base.folder / "bin" / "python3").names == ("apt", "kombu")
        with pytest.raises(ReadError, match=r"has packages of several Pythons \(3\.11, 3\.9\)"):
            installed.read(base.folder)

    @posix
    def test_a_link_to_the_base_interpreter_means_the_environment(self, environment, tmp_path):
        environment.add("kombu")
        python = environment.folder / "bin" / "python"
        python.unlink()
        python.symlink_to("/bin/sh")
        assert installed.read(python).names == ("kombu",)
        (tmp_path / "short").symlink_to(python)
        assert installed.read(tmp_path / "short").names == ("kombu",)

    def test_nothing_is_run(self, environment):
        environment.add("kombu")
        (environment.folder / "bin" / "python").write_text("#!/bin/sh\ntouch sprung\n")
        (environment.packages / "evil.pth").write_text("import evil\n")
        (environment.packages / "sitecustomize.py").write_text("raise SystemExit(1)\n")
        assert installed.read(environment.folder / "bin" / "python").names == ("kombu",)

    def test_what_is_no_environment(self, tmp_path):
        for path, message in (
            (tmp_path / "missing", "doesn't exist; name an interpreter"),
            (tmp_path, "has no site-packages; name the environment's folder"),
        ):
            with pytest.raises(ReadError, match=message):
                installed.read(path)
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "python3").write_text("#!/bin/sh\nexec other\n")
        with pytest.raises(ReadError, match="is a script that only starts an interpreter"):
            installed.read(tmp_path / "bin" / "python3")


class TestBrokenMetadata:
    @pytest.mark.parametrize(
        "broken",
        [
            "",
            "Version: 1\n",
            "Name: ../../etc\nVersion: 1\n",
            "Name: kombu\nVersion: 1\nRequires-Dist: ???\n",
            "Name: kombu\nVersion: 1\nRequires-Dist: x; " + "(" * 5000 + "\n",
            "\0\0\0",
        ],
    )
    def test_is_a_gap(self, environment, broken):
        environment.add("good")
        (environment.add("kombu") / "METADATA").write_text(broken)
        snapshot = installed.read(environment.folder)
        assert snapshot.names == ("good",)
        [gap] = snapshot.gaps
        assert gap.reason == "bad-metadata"
        assert "kombu-1.0.dist-info" in gap.subject

    @pytest.mark.parametrize("document", ["{", "[]", "[" * 100_000, {"url": 1}, {"url": "x", "vcs_info": []}, {}])
    def test_of_where_it_came_from_too(self, environment, document):
        environment.add("kombu", direct=document)
        assert [gap.reason for gap in installed.read(environment.folder).gaps] == ["bad-metadata"]

    def test_too_large(self, environment, monkeypatch):
        monkeypatch.setattr(installed, "LARGEST", 100)
        with (environment.add("kombu") / "METADATA").open("a") as file:
            file.write("x" * 100)
        [gap] = installed.read(environment.folder).gaps
        assert "too large" in gap.detail

    @posix
    def test_a_pipe_instead_of_a_file(self, environment):
        folder = environment.add("kombu")
        (folder / "METADATA").unlink()
        os.mkfifo(folder / "METADATA")
        assert [gap.reason for gap in installed.read(environment.folder).gaps] == ["bad-metadata"]

    def test_what_pip_left_half_removed(self, environment):
        environment.add("kombu").rename(environment.packages / "~ombu-1.0.dist-info")
        assert installed.read(environment.folder).names == ()

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.binary(max_size=200), st.binary(max_size=100))
    def test_any_bytes(self, environment, metadata, direct):
        folder = environment.packages / "kombu-1.0.dist-info"
        folder.mkdir(exist_ok=True)
        (folder / "METADATA").write_bytes(b"Name: kombu\n" + metadata)
        (folder / "direct_url.json").write_bytes(direct)
        snapshot = installed.read(environment.folder)
        assert len(snapshot) + len(snapshot.gaps) == 1


def test_the_environment_of_these_tests_is_whole():
    import sys

    snapshot = installed.read(Path(sys.prefix))
    assert {"pytest", "pluggy", "packaging"} <= set(snapshot.names)
    assert not snapshot.gaps
    assert all(snapshot.paths_to(name) for name in ("pytest", "pluggy", "packaging"))
    assert all(pin.name in snapshot for _, _, pin in Graph(snapshot).edges())
