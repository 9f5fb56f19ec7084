"""uv.lock, all revisions."""

from __future__ import annotations

import pytest

from lockblame.errors import LockParseError
from lockblame.model import REGISTRY, Edge, Source
from tests.lockfiles import asked, children, fixture, only, read

COMMIT = "2c8a0c1e3f7b4d5a6978877665544332211ffeed"
HEAD = 'version = 1\nrequires-python = ">=3.9"\n'


def lock(body: str, head: str = HEAD) -> str:
    return f"{head}\n{body}"


class TestPins:
    def test_the_project_is_a_root_and_everything_else_a_pin(self):
        snapshot = fixture("uv.lock")
        assert (snapshot.format, snapshot.path, snapshot.origin, snapshot.requires_python) == (
            "uv",
            "uv.lock",
            "uv.lock",
            ">=3.9",
        )
        assert [root.name for root in snapshot.roots] == ["shop"]
        assert snapshot.roots[0].version == "1.4.0"
        assert "shop" not in snapshot
        assert len(snapshot) == 13

    def test_the_layout_of_2024_says_the_same(self):
        new, old = fixture("uv.lock"), fixture("uv-2024.uv.lock", "pyproject.toml")
        assert [pin.identity for pin in old] == [pin.identity for pin in new]
        assert [pin.requires for pin in old] == [pin.requires for pin in new]
        assert asked(old, "shop", "celery") == [Edge(name="celery", specifier=">=5.3,<6", extras=("sqs",))]

    def test_forks_keep_their_versions_and_markers(self):
        numpy = fixture("uv.lock").get("numpy")
        assert [(pin.version, pin.marker) for pin in numpy] == [
            ("1.26.4", "python_full_version < '3.11'"),
            ("2.1.0", "python_full_version >= '3.12' or python_full_version == '3.11.*'"),
        ]

    def test_sources(self):
        snapshot = fixture("uv.lock")
        registry = Source(location="https://index.example/simple")
        assert only(snapshot, "kombu").source == registry
        assert only(snapshot, "helpers").source == Source(kind="editable", location="libs/helpers")
        assert only(snapshot, "helpers").version is None
        toolbox = only(snapshot, "toolbox").source
        assert (toolbox.kind, toolbox.location) == ("git", "https://forge.example/team/toolbox.git")
        assert toolbox.revision is not None
        assert len(toolbox.revision) == 40
        assert only(snapshot, "wheelhouse").source.kind == "url"
        assert snapshot.indexes == ("https://index.example/simple",)

    @pytest.mark.parametrize(
        ("written", "source"),
        [
            ('{ registry = "https://user:secret@index.example/simple" }', Source(location="https://index.example/simple")),
            ('{ registry = "../wheels" }', Source(location="../wheels")),
            ('{ directory = "libs/a" }', Source(kind="path", location="libs/a")),
            ('{ virtual = "libs/a" }', Source(kind="workspace", location="libs/a")),
            ('{ path = "dist/a-1.whl" }', Source(kind="path", location="dist/a-1.whl")),
            (
                f'{{ git = "https://token@forge.example/a?subdirectory=src&tag=v1#{COMMIT}" }}',
                Source(kind="git", location="https://forge.example/a", revision=COMMIT, subdirectory="src"),
            ),
            (
                f'{{ git = "ssh://git@forge.example/a#{COMMIT}" }}',
                Source(kind="git", location="ssh://git@forge.example/a", revision=COMMIT),
            ),
            (
                '{ url = "https://files.example/a.tar.gz?token=secret&x=1", subdirectory = "b" }',
                Source(kind="url", location="https://files.example/a.tar.gz?x=1", subdirectory="b"),
            ),
            ("{}", REGISTRY),
        ],
    )
    def test_source(self, written, source):
        assert only(read(lock(f'[[package]]\nname = "a"\nversion = "1"\nsource = {written}\n'), "uv.lock"), "a").source == source

    def test_artifacts_have_name_hash_and_time(self):
        files = only(fixture("uv.lock"), "kombu").artifacts
        assert [file.name for file in files] == ["kombu-5.3.2.tar.gz", "kombu-5.3.2-py3-none-any.whl"]
        assert all(file.hash and file.hash.startswith("sha256:") and file.uploaded == "2023-09-04T10:00:00Z" for file in files)

    def test_lines(self):
        snapshot = fixture("uv.lock")
        text = (fixture.__globals__["HERE"] / "uv.lock").read_text().splitlines()
        for pin in snapshot:
            assert pin.line is not None
            assert text[pin.line - 1] == "[[package]]"
            assert text[pin.line] == f'name = "{pin.name}"'

    def test_no_lines_rather_than_wrong_ones(self):
        text = 'x = """\n[[package]]\n"""\n[[package]]\nname = "a"\nversion = "1"\n'
        assert only(read(lock(text), "uv.lock"), "a").line is None


class TestEdges:
    def test_of_pins(self):
        snapshot = fixture("uv.lock")
        assert children(only(snapshot, "amqp")) == ["vine"]
        assert only(snapshot, "pytest").requires == (Edge(name="colorama", marker="sys_platform == 'win32'"),)
        assert only(snapshot, "kombu").requires[-1] == Edge(name="boto3", marker="extra == 'sqs'")
        assert only(snapshot, "celery").requires[-1] == Edge(name="kombu", extras=("sqs",), marker="extra == 'sqs'")

    def test_of_the_root_have_specifiers_extras_groups(self):
        snapshot = fixture("uv.lock")
        assert asked(snapshot, "shop", "celery") == [Edge(name="celery", specifier=">=5.3,<6", extras=("sqs",))]
        assert asked(snapshot, "shop", "pytest") == [Edge(name="pytest", specifier=">=7", group="test")]
        assert asked(snapshot, "shop", "toolbox")[0].specifier == "@ git+https://forge.example/team/toolbox.git?rev=main"
        wheel = "@ https://files.example/wheelhouse-1.0-py3-none-any.whl"
        assert asked(snapshot, "shop", "wheelhouse") == [Edge(name="wheelhouse", specifier=wheel, marker="extra == 'wheels'")]

    def test_of_the_root_to_forks_have_each_its_specifier(self):
        edges = asked(fixture("uv.lock"), "shop", "numpy")
        assert [(edge.version, edge.specifier) for edge in edges] == [("1.26.4", "<2"), ("2.1.0", ">=2")]

    def test_several_demands_that_fit_are_all_told(self):
        body = """
[[package]]
name = "shop"
source = { virtual = "." }
dependencies = [{ name = "a" }]

[package.metadata]
requires-dist = [
    { name = "a", specifier = ">=1", marker = "sys_platform == 'linux'" },
    { name = "a", specifier = ">=2", marker = "sys_platform == 'win32'" },
]

[[package]]
name = "a"
version = "3"
"""
        edges = asked(read(lock(body), "uv.lock"), "shop", "a")
        assert [(edge.specifier, edge.marker) for edge in edges] == [
            (">=1", "sys_platform == 'linux'"),
            (">=2", "sys_platform == 'win32'"),
        ]

    def test_names_are_normalized_at_both_ends(self):
        body = '[[package]]\nname = "Zope.Interface"\nversion = "1"\n\n[[package]]\nname = "b"\nversion = "1"\n'
        body += 'dependencies = [{ name = "zope_interface" }]\n'
        snapshot = read(lock(body), "uv.lock")
        assert children(only(snapshot, "b")) == ["zope-interface"]
        assert only(snapshot, "zope-interface").version == "1"


class TestRoots:
    def test_members_of_the_workspace_are_roots(self):
        body = '[manifest]\nmembers = ["one", "two"]\n\n'
        body += '[[package]]\nname = "one"\nversion = "1"\nsource = { editable = "one" }\ndependencies = [{ name = "two" }]\n\n'
        body += '[[package]]\nname = "two"\nsource = { virtual = "two" }\ndependencies = [{ name = "a" }]\n\n'
        body += '[[package]]\nname = "a"\nversion = "1"\n'
        snapshot = read(lock(body), "uv.lock")
        assert [(root.name, root.version, root.requires) for root in snapshot.roots] == [
            ("one", "1", (Edge(name="two"),)),
            ("two", None, (Edge(name="a"),)),
        ]
        assert snapshot.names == ("a",)

    def test_of_a_script(self):
        body = '[manifest]\nrequirements = [{ name = "a", specifier = ">=1" }]\n\n[[package]]\nname = "a"\nversion = "1"\n'
        assert read(lock(body), "job.py.lock").roots[0].requires == (Edge(name="a", specifier=">=1"),)

    def test_of_a_workspace_without_a_project(self):
        body = (
            '[manifest.dependency-groups]\ndev = [{ name = "a", specifier = ">=1" }]\n\n[[package]]\nname = "a"\nversion = "1"\n'
        )
        assert read(lock(body), "uv.lock").roots[0].requires == (Edge(name="a", specifier=">=1", group="dev"),)

    def test_a_broken_pyproject_is_a_gap(self):
        body = '[[package]]\nname = "shop"\nsource = { editable = "." }\ndependencies = [{ name = "a" }]\n\n'
        body += '[[package]]\nname = "a"\nversion = "1"\n'
        snapshot = read(lock(body), "sub/uv.lock", {"sub/pyproject.toml": "[project\n"})
        assert asked(snapshot, "shop", "a") == [Edge(name="a")]
        (gap,) = snapshot.gaps
        assert (gap.subject, gap.reason) == ("sub/pyproject.toml", "unreadable")
        assert "line 1" in gap.detail


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 2\n", "uv.lock, version: has version 2, and only version 1 is known"),
        ("", "uv.lock: the file is empty"),
        ("package = 3\nversion = 1\n", "uv.lock, package: should be a list, is a number"),
        ('version = 1\n[[package]]\nversion = "1"\n', "uv.lock, package[0].name: is missing"),
        ('version = 1\n[[package]]\nname = "a/b"\n', "uv.lock, package[0].name: 'a/b' can't be the name of a package"),
        ('version = 1\n[[package]]\nname = "a"\nversion = 3\n', "uv.lock, package[0].version: should be a string, is a number"),
        ('version = 1\n[[package]]\nname = "a"\ndependencies = [3]\n', "uv.lock, package[0].dependencies[0]: should be a table"),
        ('version = 1\n[[package]]\nname = "a"\nwheels = [{hash = 1}]\n', "package[0].wheels[0].hash: should be a string"),
        ('x = "y"\n', "uv.lock, version: is missing, and there is no package either"),
    ],
)
def test_broken(text, message):
    with pytest.raises(LockParseError) as caught:
        read(text, "uv.lock")
    assert message in str(caught.value)
    assert caught.value.hint
