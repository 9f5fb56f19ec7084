"""pylock.toml, pdm.lock, Pipfile.lock, pip inspect, CycloneDX."""

from __future__ import annotations

import json

import pytest

from lockblame.errors import LockParseError
from lockblame.model import Edge, Source
from tests.lockfiles import HERE, asked, children, fixture, only, read

INDEX = Source(location="https://index.example/simple")


class TestPylock:
    def test_pins(self):
        snapshot = fixture("pylock.toml")
        assert (snapshot.format, snapshot.requires_python, snapshot.gaps) == ("pylock", ">=3.9", ())
        celery, kombu = only(snapshot, "celery"), only(snapshot, "kombu")
        assert celery.source == INDEX
        assert celery.requires == (Edge(name="kombu"), Edge(name="vine", version="5.0.0"))
        assert [(file.name, file.uploaded) for file in celery.artifacts] == [("celery-5.3.1.tar.gz", "2023-06-18T00:00:00+00:00")]
        assert kombu.marker == "python_version >= '3.8'"
        assert [file.name for file in only(snapshot, "vine").artifacts] == ["vine-5.0.0-py3-none-any.whl"]
        assert only(snapshot, "toolbox").source.kind == "git"
        assert [edge.name for root in snapshot.roots for edge in root.requires] == ["celery", "toolbox"]

    def test_roots_from_the_project(self):
        snapshot = fixture("pylock.toml", "pyproject.toml")
        assert asked(snapshot, "shop", "celery") == [Edge(name="celery", specifier=">=5.3,<6", extras=("sqs",))]

    def test_what_is_not_valid_is_read_with_a_gap(self):
        snapshot = fixture("pipenv.pylock.toml", "pyproject.toml", path="pylock.toml")
        assert snapshot.names == ("backports-thing",)
        thing = only(snapshot, "backports-thing")
        assert thing.marker == "('dev' in dependency_groups or 'test' in dependency_groups) and (python_version >= '3.8')"
        assert not thing.requires_known
        (gap,) = snapshot.gaps
        assert (gap.subject, gap.reason) == ("pylock.toml", "invalid")

    @pytest.mark.parametrize(
        ("body", "source"),
        [
            ('archive = { url = "https://t@files.example/a.zip", hashes = { sha256 = "x" } }',
             Source(kind="url", location="https://files.example/a.zip")),
            ('archive = { path = "dist/a.zip", hashes = { sha256 = "x" } }', Source(kind="path", location="dist/a.zip")),
            ('directory = { path = "lib", editable = true }', Source(kind="editable", location="lib")),
            ('directory = { path = "lib", subdirectory = "x" }', Source(kind="path", location="lib", subdirectory="x")),
            ('vcs = { type = "hg", url = "https://forge.example/a", commit-id = "ab" }',
             Source(kind="git", location="hg+https://forge.example/a", revision="ab")),
        ],
    )  # fmt: skip
    def test_source(self, body, source):
        text = f'lock-version = "1.0"\ncreated-by = "x"\n\n[[packages]]\nname = "a"\n{body}\n'
        assert only(read(text, "pylock.dev.toml"), "a").source == source

    def test_the_project_itself_is_no_pin(self):
        text = 'lock-version = "1.0"\ncreated-by = "x"\n\n[[packages]]\nname = "a"\ndirectory = { path = "." }\n'
        assert len(read(text, "pylock.toml")) == 0

    def test_a_later_version(self):
        with pytest.raises(LockParseError, match=r"lock-version: has lock-version 2\.0, and only 1 is known"):
            read('lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', "pylock.toml")

    def test_not_even_packages(self):
        with pytest.raises(LockParseError, match="packages: is missing"):
            read('lock-version = "1.0"\n', "pylock.toml")


class TestPdm:
    def test_pins(self):
        snapshot = fixture("pdm.lock", "pyproject.toml")
        assert (snapshot.format, snapshot.requires_python) == ("pdm", ">=3.9")
        celery = only(snapshot, "celery")
        assert celery.requires == (
            Edge(name="kombu", specifier="<6.0,>=5.3.1"),
            Edge(name="importlib-metadata", specifier=">=3.6", marker='python_version < "3.8"'),
        )
        assert celery.groups == ("default",)
        assert [file.name for file in only(snapshot, "kombu").artifacts] == ["kombu-5.3.2.tar.gz"]
        assert only(snapshot, "toolbox").source.revision
        assert asked(snapshot, "shop", "celery")

    def test_an_entry_for_each_extra(self):
        plain, toml = fixture("pdm.lock").get("coverage")
        assert (plain.extras, toml.extras) == ((), ("toml",))
        assert children(toml) == ["coverage", "tomli"]

    def test_of_2020(self):
        snapshot = fixture("pdm-2020.pdm.lock")
        jinja, safe = only(snapshot, "jinja2"), only(snapshot, "markupsafe")
        assert jinja.requires == (
            Edge(name="markupsafe", specifier=">=0.23"),
            Edge(name="colorama", marker='os_name == "nt"'),
        )
        assert (safe.groups, safe.marker, len(safe.artifacts)) == (("default",), 'python_version >= "3.5"', 1)
        assert [edge.name for edge in snapshot.roots[0].requires] == ["jinja2"]

    @pytest.mark.parametrize(
        ("body", "source"),
        [
            ('path = "./lib"\neditable = true', Source(kind="editable", location="./lib")),
            ('path = "./lib"', Source(kind="path", location="./lib")),
            ('url = "https://u:p@files.example/a.whl"', Source(kind="url", location="https://files.example/a.whl")),
            (
                'git = "https://forge.example/a"\nref = "v1"',
                Source(kind="git", location="https://forge.example/a", revision="v1"),
            ),
        ],
    )
    def test_source(self, body, source):
        assert only(read(f'[[package]]\nname = "a"\nversion = "1"\n{body}\n', "pdm.lock"), "a").source == source

    @pytest.mark.parametrize(
        ("line", "edge"),
        [
            ("a @ git+https://t@forge.example/a@v1", Edge(name="a", specifier="@ git+https://forge.example/a@v1")),
            ("-e git+https://forge.example/a@v1#egg=a", Edge(name="a", specifier="@ git+https://forge.example/a@v1")),
            ("a[x]>=1; extra == 'y'", Edge(name="a", specifier=">=1", extras=("x",), marker="extra == 'y'")),
        ],
    )
    def test_requirement(self, line, edge):
        text = f'[[package]]\nname = "b"\nversion = "1"\ndependencies = ["{line}"]\n'
        assert only(read(text, "pdm.lock"), "b").requires == (edge,)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('[[package]]\nname = "a"\ndependencies = ["??"]\n', "package[0].dependencies[0]: '??' is not a requirement"),
            (
                '[[package]]\nname = "a"\n[package.dependencies]\nb = 3\n',
                "package[0].dependencies.b: should be a string or a table",
            ),
            ("x = 1\n", "package: is missing"),
        ],
    )
    def test_broken(self, text, message):
        with pytest.raises(LockParseError) as caught:
            read(text, "pdm.lock")
        assert message in str(caught.value)


class TestPipenv:
    def test_pins(self):
        snapshot = fixture("Pipfile.lock")
        assert (snapshot.format, snapshot.requires_python) == ("pipenv", "==3.11.*")
        assert snapshot.indexes == ("https://index.example/simple", "https://wheels.example/simple")
        assert "shop" not in snapshot
        assert only(snapshot, "kombu").source == INDEX
        assert only(snapshot, "old").version == "0.1"
        assert only(snapshot, "colorama").marker == "sys_platform == 'win32'"
        assert only(snapshot, "toolbox").source.revision
        assert not any(pin.requires_known for pin in snapshot)

    def test_categories(self):
        snapshot = fixture("Pipfile.lock")
        celery = only(snapshot, "celery")
        assert celery.groups == ("default", "develop")
        assert celery.marker == ("('default' in dependency_groups and python_version >= '3.8') or 'develop' in dependency_groups")
        assert [(pin.version, pin.groups, pin.source.location) for pin in snapshot.get("numpy")] == [
            ("1.26.4", ("default",), "https://wheels.example/simple"),
            ("1.25.0", ("develop",), "https://index.example/simple"),
        ]

    def test_what_is_not_pinned_is_a_gap(self):
        snapshot = fixture("Pipfile.lock")
        assert only(snapshot, "loose").version is None
        assert [(gap.reason, "loose" in gap.detail) for gap in snapshot.gaps] == [("not-pinned", True)]

    def test_roots_from_the_pipfile(self):
        assert fixture("Pipfile.lock").roots == ()
        (root,) = fixture("Pipfile.lock", "Pipfile").roots
        assert root.requires == (
            Edge(name="celery", specifier=">=5.3", extras=("sqs",)),
            Edge(name="numpy"),
            Edge(name="toolbox", specifier="@ git+https://forge.example/team/toolbox.git"),
            Edge(name="colorama", group="develop"),
        )

    def test_a_broken_pipfile_is_a_gap(self):
        snapshot = read((HERE / "Pipfile.lock").read_bytes(), "sub/Pipfile.lock", {"sub/Pipfile": "[packages\n"})
        assert ("sub/Pipfile", "unreadable") in [(gap.subject, gap.reason) for gap in snapshot.gaps]

    @pytest.mark.parametrize(
        ("entry", "source"),
        [
            ({"file": "https://t:x@files.example/a.zip"}, Source(kind="url", location="https://files.example/a.zip")),
            ({"path": "./lib", "editable": True}, Source(kind="editable", location="./lib")),
            ({"file": "./a.whl"}, Source(kind="path", location="./a.whl")),
            (
                {"git": "git+https://forge.example/a", "ref": "b"},
                Source(kind="git", location="https://forge.example/a", revision="b"),
            ),
            ({"version": "==1"}, Source()),
        ],
    )
    def test_source(self, entry, source):
        assert only(read(json.dumps({"_meta": {}, "default": {"a": entry}}), "Pipfile.lock"), "a").source == source

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{}", "Pipfile.lock, _meta: is missing, and there is no default either"),
            ('{"_meta": 3}', "_meta: should be a table, is a number"),
            ('{"_meta": {}, "default": {"a": 3}}', "default.a: should be a string or a table, is int"),
            ('{"_meta": {}, "default": {"a": {"hashes": [3]}}}', "default.a.hashes[0]: should be a string"),
            ('{"_meta": {},\n"default"', "Pipfile.lock, line 2: is not valid JSON"),
            ("[]", "Pipfile.lock: should be a JSON object"),
            ('{"default": {"a": {"version": "==\\ud800"}}}', "half of a surrogate pair"),
            ('{"default": ' + "[" * 100_000, "nested too deeply"),
            ('{"default": ' + "9" * 100_000 + "}", "thousands of digits"),
        ],
    )
    def test_broken(self, text, message):
        with pytest.raises(LockParseError) as caught:
            read(text, "Pipfile.lock")
        assert message in str(caught.value)


class TestInspect:
    def test_pins_and_edges(self):
        snapshot = fixture("inspect.json")
        assert (snapshot.format, snapshot.requires_python) == ("inspect", "==3.11.4")
        # Nobody asked for celery[sqs] or celery[redis].
        assert only(snapshot, "celery").requires == (
            Edge(name="kombu", specifier="<6.0,>=5.3.1"),
            Edge(name="vine", specifier=">=5"),
        )
        assert children(only(snapshot, "kombu")) == ["vine"]
        assert only(snapshot, "toolbox").source.kind == "git"
        assert only(snapshot, "shop").source == Source(kind="editable", location="file:///srv/shop")
        assert [gap.subject for gap in snapshot.gaps] == ["toolbox"]

    def test_roots_are_what_was_requested(self):
        (root,) = fixture("inspect.json").roots
        assert [edge.name for edge in root.requires] == ["celery", "toolbox", "shop"]

    def test_extras_that_are_asked_for_count(self):
        report = json.loads((HERE / "inspect.json").read_text())
        report["installed"][-1]["metadata"]["requires_dist"] = ["celery[sqs]"]
        snapshot = read(json.dumps(report), "env.json")
        assert [edge.extras for edge in only(snapshot, "celery").requires if edge.name == "kombu"] == [(), ("sqs",)]
        assert children(only(snapshot, "kombu")) == ["vine", "boto3"]

    def test_without_marks_what_nobody_asks_for(self):
        report = json.loads((HERE / "inspect.json").read_text())
        for entry in report["installed"]:
            entry["requested"] = False
        assert [edge.name for edge in read(json.dumps(report), "env.json").roots[0].requires] == [
            "celery",
            "boto3",
            "toolbox",
            "shop",
        ]

    def test_installation_report(self):
        report = {
            "version": "1",
            "pip_version": "24.0",
            "install": [
                {
                    "metadata": {"name": "a", "version": "1", "requires_dist": ["b"]},
                    "download_info": {"url": "https://files.example/a-1.zip", "archive_info": {"hashes": {"sha256": "ab"}}},
                    "is_direct": False,
                    "requested": True,
                    "requested_extras": ["X_y"],
                },
                {
                    "metadata": {"name": "b", "version": "1"},
                    "download_info": {"url": "https://files.example/b-1.zip", "archive_info": {}},
                    "is_direct": True,
                    "requested": False,
                },
            ],
        }
        snapshot = read(json.dumps(report), "report.json")
        a, b = only(snapshot, "a"), only(snapshot, "b")
        assert (a.source, b.source) == (Source(), Source(kind="url", location="https://files.example/b-1.zip"))
        assert [(file.name, file.hash) for file in a.artifacts] == [("a-1.zip", "sha256:ab")]
        assert snapshot.roots[0].requires == (Edge(name="a", extras=("x-y",)),)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"pip_version": "24"}', "installed: is missing"),
            ('{"pip_version": "24", "installed": [{}]}', "installed[0].metadata.name: is missing"),
            ('{"pip_version": "24", "installed": [{"metadata": {"name": "a"}}]}', "installed[0].metadata.version: is missing"),
        ],
    )
    def test_broken(self, text, message):
        with pytest.raises(LockParseError) as caught:
            read(text, "env.json", format="inspect")
        assert message in str(caught.value)


class TestCycloneDX:
    def test_pins_and_edges(self):
        snapshot = fixture("bom.json")
        assert snapshot.format == "cyclonedx"
        assert snapshot.names == ("celery", "kombu", "toolbox", "vine")
        celery, kombu = only(snapshot, "celery"), only(snapshot, "kombu")
        assert celery.requires == (Edge(name="kombu", version="5.3.2"), Edge(name="vine", version="5.0.0"))
        assert [file.name for file in kombu.artifacts] == ["kombu-5.3.2.tar.gz"]
        assert celery.artifacts[0].hash
        assert celery.artifacts[0].hash.startswith("sha256:")
        toolbox = only(snapshot, "toolbox").source
        assert (toolbox.kind, toolbox.location) == ("git", "https://forge.example/team/toolbox.git")
        assert len(toolbox.revision or "") == 40

    def test_roots_and_gaps(self):
        snapshot = fixture("bom.json")
        assert [(root.name, root.version, [edge.name for edge in root.requires]) for root in snapshot.roots] == [
            ("shop", "1.4.0", ["celery", "toolbox"])
        ]
        assert [(gap.reason, "npm" in gap.detail) for gap in snapshot.gaps] == [("other-ecosystem", True)]

    def test_without_dependencies_nothing_is_known(self):
        bom = json.loads((HERE / "bom.json").read_text())
        del bom["dependencies"]
        snapshot = read(json.dumps(bom), "bom.json")
        assert snapshot.roots == ()
        assert not any(pin.requires_known for pin in snapshot)

    @pytest.mark.parametrize(
        ("purl", "source"),
        [
            ("pkg:pypi/a@1?repository_url=https://u:p@index.example/simple", INDEX),
            ("pkg:pypi/a@1?download_url=https://files.example/a.zip", Source(kind="url", location="https://files.example/a.zip")),
            ("pkg:pypi/A_b@1", Source()),
        ],
    )
    def test_source(self, purl, source):
        bom = {"bomFormat": "CycloneDX", "components": [{"type": "library", "name": "a", "purl": purl}]}
        (pin,) = read(json.dumps(bom), "x.json")
        assert (pin.version, pin.source) == ("1", source)

    @pytest.mark.parametrize(
        ("bom", "message"),
        [
            ({"bomFormat": "SPDX"}, "bomFormat: should be CycloneDX"),
            (
                {"bomFormat": "CycloneDX", "components": [{"purl": "pkg:pypi/"}]},
                "components[0].purl: 'pkg:pypi/' is not a package URL",
            ),
            ({"bomFormat": "CycloneDX", "components": [{"components": [3]}]}, "components[0].components[0]: should be a table"),
        ],
    )
    def test_broken(self, bom, message):
        with pytest.raises(LockParseError) as caught:
            read(json.dumps(bom), "bom.json", format="cyclonedx")
        assert message in str(caught.value)
