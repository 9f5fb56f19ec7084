"""poetry.lock from 0.x to 2.x."""

from __future__ import annotations

import pytest

from lockblame.errors import LockParseError
from lockblame.lockfiles.project import python_marker
from lockblame.model import Edge, Source
from tests.lockfiles import asked, children, fixture, only, read


def test_version_2():
    snapshot = fixture("poetry.lock", "pyproject.toml")
    assert (snapshot.format, len(snapshot), snapshot.requires_python) == ("poetry", 9, ">=3.9,<4.0")
    kombu = only(snapshot, "kombu")
    assert (kombu.version, kombu.groups, kombu.optional) == ("5.3.2", ("main",), False)
    assert [file.name for file in kombu.artifacts] == ["kombu-5.3.2-py3-none-any.whl", "kombu-5.3.2.tar.gz"]
    assert only(snapshot, "vine").marker == 'python_version >= "3.8"'
    assert snapshot.indexes == ("https://private.example/simple",)


def test_a_marker_for_each_group_becomes_one():
    marker = only(fixture("poetry.lock"), "colorama").marker
    assert marker == (
        "('main' in dependency_groups and platform_system == \"Windows\")"
        " or ('dev' in dependency_groups and sys_platform == \"win32\")"
    )


def test_a_marker_for_some_groups_leaves_the_others_alone():
    text = '[[package]]\nname = "a"\nversion = "1"\ngroups = ["main", "dev"]\nmarkers = {main = "extra == \\"x\\""}\n'
    assert only(read(text, "poetry.lock"), "a").marker == (
        "('main' in dependency_groups and extra == \"x\") or 'dev' in dependency_groups"
    )


def test_sources():
    snapshot = fixture("poetry.lock")
    toolbox = only(snapshot, "toolbox")
    assert toolbox.source.location == "https://forge.example/team/toolbox.git"
    assert toolbox.source.revision
    assert toolbox.artifacts == ()
    assert only(snapshot, "tzdata").source == Source(location="https://private.example/simple")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('type = "directory"\nurl = "../lib"', Source(kind="path", location="../lib")),
        ('type = "file"\nurl = "dist/a.whl"', Source(kind="path", location="dist/a.whl")),
        ('type = "url"\nurl = "https://files.example/a.zip"', Source(kind="url", location="https://files.example/a.zip")),
        (
            'type = "git"\nurl = "https://forge.example/a"\nreference = "v1"',
            Source(kind="git", location="https://forge.example/a", revision="v1"),
        ),
    ],
)
def test_source(source, expected):
    assert (
        only(read(f'[[package]]\nname = "a"\nversion = "1"\n\n[package.source]\n{source}\n', "poetry.lock"), "a").source
        == expected
    )


def test_a_folder_that_is_developed_is_editable():
    text = '[[package]]\nname = "a"\nversion = "1"\ndevelop = true\n\n[package.source]\ntype = "directory"\nurl = ".."\n'
    assert only(read(text, "poetry.lock"), "a").source.kind == "editable"


class TestEdges:
    def test_what_is_optional_counts_when_its_extra_is_asked_for(self):
        snapshot = fixture("poetry.lock", "pyproject.toml")
        celery, kombu = only(snapshot, "celery"), only(snapshot, "kombu")
        assert celery.requires == (
            Edge(name="kombu", specifier=">=5.3.1,<6.0", marker='extra == "sqs"', extras=("sqs",)),
            Edge(name="kombu", specifier=">=5.3.1,<6.0"),
            Edge(name="tzdata", specifier=">=2022.7"),
            Edge(name="vine", specifier=">=5.0.0,<6.0"),
        )
        # app asks for celery[sqs], that for kombu[sqs], that for boto3; nobody asks for kombu[zone].
        assert children(kombu) == ["amqp", "boto3", "vine"]

    def test_nobody_asks_for_the_extra(self):
        project = '[tool.poetry]\nname = "shop"\n\n[tool.poetry.dependencies]\npython = "^3.9"\ncelery = "^5.3"\n'
        snapshot = read(fixture_bytes("poetry.lock"), "poetry.lock", {"pyproject.toml": project})
        assert children(only(snapshot, "kombu")) == ["amqp", "vine"]
        assert [edge.extras for edge in only(snapshot, "celery").requires if edge.name == "kombu"] == [()]

    def test_pythons_and_platforms_of_old_locks_are_markers(self):
        assert only(fixture("poetry-1.poetry.lock"), "kombu").requires[-1] == Edge(
            name="importlib-metadata", specifier=">=4", marker="python_version < '3.8'"
        )

    def test_an_optional_without_marker_is_found_among_the_extras(self):
        text = """
[[package]]
name = "cachecontrol"
version = "0.12"

[package.dependencies.lockfile]
optional = true
version = ">=0.9"

[package.extras]
filecache = ["lockfile (>=0.9)"]

[[package]]
name = "lockfile"
version = "0.12"
"""
        project = '[project]\nname = "shop"\ndependencies = ["cachecontrol[filecache]"]\n'
        snapshot = read(text, "poetry.lock", {"pyproject.toml": project})
        assert only(snapshot, "cachecontrol").requires == (
            Edge(name="lockfile", specifier=">=0.9", marker="extra == 'filecache'"),
        )


class TestRoots:
    def test_from_the_project(self):
        snapshot = fixture("poetry.lock", "pyproject.toml")
        assert [(root.name, root.version) for root in snapshot.roots] == [("shop", "1.4.0")]
        assert asked(snapshot, "shop", "celery") == [Edge(name="celery", specifier=">=5.3,<6", extras=("sqs",))]
        assert asked(snapshot, "shop", "tzdata") == [Edge(name="tzdata", marker="extra == 'mail'")]
        assert asked(snapshot, "shop", "pytest") == [Edge(name="pytest", specifier=">=7", group="test")]
        assert asked(snapshot, "shop", "colorama") == [
            Edge(name="colorama", marker="sys_platform == 'win32'", group="test"),
            Edge(name="colorama", marker="sys_platform == 'win32'", group="lint"),
        ]

    def test_from_poetrys_own_tables(self):
        project = """
[tool.poetry]
name = "Shop"
version = "1"

[tool.poetry.dependencies]
python = "^3.9"
a = "^1.0"
b = {version = "*", optional = true}
c = {git = "https://token:x@forge.example/c.git", branch = "main"}
d = {path = "../d", develop = true}
e = [{version = "<2", python = "<3.11"}, {version = ">=2", markers = "sys_platform == 'linux'", extras = ["x"]}]

[tool.poetry.extras]
mail = ["b"]

[tool.poetry.dev-dependencies]
f = ">=1"

[tool.poetry.group.docs.dependencies]
g = "*"
"""
        snapshot = read(fixture_bytes("poetry.lock"), "poetry.lock", {"pyproject.toml": project})
        assert snapshot.roots[0].requires == (
            Edge(name="a", specifier="^1.0"),
            Edge(name="b", marker="extra == 'mail'"),
            Edge(name="c", specifier="@ git+https://forge.example/c.git@main"),
            Edge(name="d", specifier="@ ../d"),
            Edge(name="e", specifier="<2", marker="python_version < '3.11'"),
            Edge(name="e", specifier=">=2", marker="sys_platform == 'linux'", extras=("x",)),
            Edge(name="f", specifier=">=1", group="dev"),
            Edge(name="g", group="docs"),
        )

    def test_project_dependencies_go_before_what_poetry_adds_to_them(self):
        project = (
            '[project]\nname = "shop"\ndependencies = ["a>=1"]\n\n[tool.poetry.dependencies]\na = {source = "private"}\nb = "*"\n'
        )
        snapshot = read(fixture_bytes("poetry.lock"), "poetry.lock", {"pyproject.toml": project})
        assert snapshot.roots[0].requires == (Edge(name="a", specifier=">=1"), Edge(name="b"))

    def test_without_a_project_what_nobody_asks_for(self):
        (root,) = fixture("poetry.lock").roots
        assert root.name == "app"
        assert [edge.name for edge in root.requires] == ["celery", "pytest", "toolbox"]

    def test_an_unreadable_project_is_a_gap(self):
        snapshot = read(fixture_bytes("poetry.lock"), "poetry.lock", {"pyproject.toml": "[project]\nname = 3\n"})
        assert [gap.reason for gap in snapshot.gaps] == ["unreadable"]
        assert snapshot.roots[0].name == "app"


class TestOlder:
    def test_files_by_name_are_shared_by_all_versions(self):
        snapshot = fixture("poetry-1.poetry.lock")
        forks = snapshot.get("importlib-metadata")
        assert [pin.version for pin in forks] == ["4.13.0", "6.8.0"]
        assert forks[0].artifacts == forks[1].artifacts
        assert len(forks[0].artifacts) == 2
        assert only(snapshot, "pytest").groups == ("dev",)

    def test_bare_hashes_under_other_spellings(self):
        snapshot = fixture("poetry-0.poetry.lock")
        thing, six = only(snapshot, "backports-thing"), only(snapshot, "six")
        assert thing.version == "1.0-2"
        assert [file.hash and file.hash[:7] for file in thing.artifacts] == ["sha256:"]
        assert len(six.artifacts) == 2
        assert six.marker == 'python_version < "3"'
        assert snapshot.requires_python == "~2.7 || ^3.4"

    def test_nothing_locked(self):
        text = 'package = []\n\n[metadata]\nlock-version = "1.1"\npython-versions = "*"\ncontent-hash = "x"\n'
        snapshot = read(text, "poetry.lock")
        assert (len(snapshot), snapshot.roots) == (0, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[package]]\nname = "a"\n', "poetry.lock, package[0].version: is missing"),
        ('[[package]]\nname = "a"\nversion = "1"\nfiles = "x"\n', "poetry.lock, package[0].files: should be a list, is a string"),
        (
            '[[package]]\nname = "a"\nversion = "1"\n[package.dependencies]\nb = 3\n',
            "package[0].dependencies.b: should be a string or",
        ),
        (
            '[[package]]\nname = "a"\nversion = "1"\n[metadata.files]\na = [3]\n',
            "metadata.files.a[0]: should be a string or a table",
        ),
        ("x = 1\n", "poetry.lock, package: is missing, and there is no metadata either"),
        (
            '[[package]]\nname = "a"\n<<<<<<< HEAD\nversion = "1"\n',
            "line 3: merge conflict markers at line 3; resolve the conflict",
        ),
        ('[[package]]\nname = "a\nversion = "1"\n', "poetry.lock, line 2: is not valid TOML"),
    ],
)
def test_broken(text, message):
    with pytest.raises(LockParseError) as caught:
        read(text, "poetry.lock")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("constraint", "marker"),
    [
        (">=3.6,<4.0", "python_version >= '3.6' and python_version < '4.0'"),
        ("<3.8", "python_version < '3.8'"),
        ("^3.8", "python_version >= '3.8' and python_version < '4.0'"),
        ("~3.8", "python_version >= '3.8' and python_version < '3.9'"),
        (
            "~2.7 || ^3.4",
            "(python_version >= '2.7' and python_version < '2.8') or (python_version >= '3.4' and python_version < '4.0')",
        ),
        (">=3.6.2", "python_full_version >= '3.6.2'"),
        ("!=3.0.*", "python_version != '3.0.*'"),
        ("3.7.*", "python_version == '3.7.*'"),
        ("*", None),
        ("", None),
        ("words", None),
    ],
)
def test_constraint_on_python(constraint, marker):
    assert python_marker(constraint) == marker


def fixture_bytes(name: str) -> bytes:
    from tests.lockfiles import HERE

    return (HERE / name).read_bytes()
