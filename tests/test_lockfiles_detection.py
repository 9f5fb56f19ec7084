"""Which reader reads which file, what counts as a lock, and what bytes become before a reader sees them."""

from __future__ import annotations

import builtins
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.errors import LockParseError, UnknownFormat
from lockblame.lockfiles import FORMATS, document, is_lock, parse
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.places import clean, direct
from lockblame.model import Source
from tests.lockfiles import FIXTURES, HERE, LOCKS, read

PAIRS = Path(__file__).parents[2] / "shared" / "locks" / "pairs"
REAL_TOML = sorted(file for pattern in ("*.lock", "*.toml") for file in PAIRS.glob(f"*/{pattern}")) if PAIRS.is_dir() else []
FORMAT = {
    "Pipfile.lock": "pipenv",
    "bom.json": "cyclonedx",
    "freeze.txt": "freeze",
    "inspect.json": "inspect",
    "odd.txt": "requirements",
    "pdm-2020.pdm.lock": "pdm",
    "pdm.lock": "pdm",
    "pipenv.pylock.toml": "pylock",
    "poetry-0.poetry.lock": "poetry",
    "poetry-1.poetry.lock": "poetry",
    "poetry.lock": "poetry",
    "pylock.toml": "pylock",
    "requirements.txt": "requirements",
    "uv-2024.uv.lock": "uv",
    "uv.lock": "uv",
}


class TestIsLock:
    @pytest.mark.parametrize(
        "path",
        [
            "uv.lock",
            "poetry.lock",
            "pdm.lock",
            "Pipfile.lock",
            "pylock.toml",
            "pylock.dev.toml",
            "requirements.txt",
            "requirements-dev.txt",
            "requirements_test.txt",
            "dev-requirements.txt",
            "test_requirements.txt",
            "requirements.dev.txt",
            "requirements/base.txt",
            "requirements/dev.pip",
            "requirements/py312/all.txt",
            "constraints.txt",
            "upper-constraints.txt",
            "requirements.lock",
            "requirements-dev.lock",
            "services/api/uv.lock",
            "a/b/c/requirements.txt",
            "pip-requirements/dev.txt",
            "pdm.min.lock",
            "bom.json",
            "app.cdx.json",
            "job.py.lock",
            "requirements3.txt",
            "a\\b\\uv.lock",
            "Requirements.txt",
        ],
    )
    def test_yes(self, path):
        assert is_lock(path)

    @pytest.mark.parametrize(
        "path",
        [
            ".venv/uv.lock",
            "venv/requirements.txt",
            "node_modules/x/requirements.txt",
            "lib/site-packages/a/requirements.txt",
            "a.egg-info/requires.txt",
            ".tox/x/requirements.txt",
            "package-lock.json",
            "yarn.lock",
            "Cargo.lock",
            "requirements/README.txt",
            "pyproject.toml",
            "notes.txt",
            "requirements.md",
            "requirements.py",
            "requirements/notes.md",
            "uv.lock.bak",
            "requirements.in",
            "Gemfile.lock",
            "tests/data.json",
        ],
    )
    def test_no(self, path):
        assert not is_lock(path)


class TestFormat:
    def test_every_fixture_is_told_apart(self):
        assert set(FORMAT) == set(LOCKS)

    @pytest.mark.parametrize("name", LOCKS)
    @pytest.mark.parametrize("spelled", ["{}", "before.{}", "sub folder/x-{}"])
    def test_by_name(self, name, spelled):
        assert read((HERE / name).read_bytes(), spelled.format(name)).format == FORMAT[name]

    @pytest.mark.parametrize("name", LOCKS)
    @pytest.mark.parametrize("path", ["lock", "some.lock", "x.before.txt", "before.dev.pip", "lock.json", "a.toml", "x.bak"])
    def test_by_content(self, name, path):
        if FORMAT[name] in ("requirements", "freeze") and path.endswith((".json", ".toml", ".bak")):
            with pytest.raises(UnknownFormat):
                read((HERE / name).read_bytes(), path)
        else:
            assert read((HERE / name).read_bytes(), path).format == FORMAT[name]

    @pytest.mark.parametrize("name", LOCKS)
    def test_by_force(self, name):
        assert read((HERE / name).read_bytes(), "x.bak", format=FORMAT[name]).format == FORMAT[name]

    @pytest.mark.parametrize(
        ("data", "path"),
        [
            (b"# Read me\n\nHello there, this is text.\n", "README.md"),
            (b"Hello there, this is text.\n", "notes.txt"),
            (b"[project]\nname = 'x'\n", "pyproject.toml"),
            (b"{}", "package-lock.json"),
            (b"\x89PNG\r\n\x1a\n\0\0", "picture.png"),
            (b"\0\0\0", "lock"),
            (b"def f():\n    pass\n", "code.txt"),
            (b"", "x.json"),
        ],
    )
    def test_unknown(self, data, path):
        with pytest.raises(UnknownFormat, match="known are uv, pylock") as caught:
            parse(data, path, origin=f"{path} at 1a2b3c4")
        assert caught.value.subject == f"{path} at 1a2b3c4"

    def test_an_unknown_name_of_a_format(self):
        with pytest.raises(UnknownFormat, match="there is no format 'npm'"):
            parse(b"", "x", format="npm")

    def test_every_reader_is_there(self):
        assert all(callable(__import__(f"lockblame.lockfiles.{each.module}", fromlist=["read"]).read) for each in FORMATS)


class TestText:
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"a==1\n\xff\xfe==1\n", "requirements.txt, line 2: is not UTF-8 text; save it as UTF-8"),
            (b"\xff\xfea", "is not UTF-16 text"),
            (b"a==1\nb\0==1\n", "line 2: has a NUL character"),
        ],
    )
    def test_broken(self, data, message):
        with pytest.raises(LockParseError) as caught:
            parse(data, "requirements.txt")
        assert message in str(caught.value)

    def test_too_large(self, monkeypatch):
        monkeypatch.setattr(document, "LARGEST", 1_000_000)
        with pytest.raises(LockParseError, match="has 2 MB; no lock is that large"):
            parse(b"a==1\n" * 400_001, "requirements.txt")

    @pytest.mark.parametrize("marks", [b"<<<<<<< HEAD", b"<<<<<<<", b">>>>>>> main", b"<<<<<<< HEAD\r", b"||||||| base\n>>>>>>>"])
    @pytest.mark.parametrize("name", LOCKS)
    def test_conflicts(self, marks, name):
        lines = (HERE / name).read_bytes().split(b"\n")
        data = b"\n".join([*lines[:3], marks, *lines[3:]])
        with pytest.raises(LockParseError, match="line 4: merge conflict markers at line 4; resolve the conflict first"):
            parse(data, name)

    def test_an_opener_is_not_needed(self):
        assert parse(b"-r a.txt\nb==1\n", "requirements.txt").gaps[0].reason == "not-found"


class TestToml:
    @pytest.fixture
    def without_rtoml(self, monkeypatch):
        real = builtins.__import__

        def missing(name, *rest, **more):
            if name == "rtoml":
                raise ImportError(name)
            return real(name, *rest, **more)

        monkeypatch.delitem(sys.modules, "rtoml", raising=False)
        monkeypatch.setattr(builtins, "__import__", missing)

    @pytest.mark.parametrize("name", [name for name in FIXTURES if name.endswith((".lock", ".toml")) and name != "Pipfile.lock"])
    def test_fixtures_without_rtoml(self, name, without_rtoml):
        data = (HERE / name).read_bytes()
        assert document.toml(Document(path=name, origin=name, data=data)) == tomllib.loads(data.decode())

    @pytest.mark.parametrize("part", range(4))
    def test_both_readers_agree_on_every_real_file(self, part):
        if not REAL_TOML:
            pytest.skip("no real locks at hand: ../shared/locks is not there")
        for file in REAL_TOML[part::4]:
            # tomllib needs 0.1 s for each MB.
            if file.name.endswith("Pipfile.lock") or "requirements" in file.name or file.stat().st_size > 400_000:
                continue
            try:
                expected = tomllib.loads(file.read_text(encoding="utf-8"))
            except tomllib.TOMLDecodeError:
                with pytest.raises(LockParseError):
                    parse(file.read_bytes(), file.name)
            else:
                assert document.toml(Document(path="x", origin="x", data=file.read_bytes())) == expected

    BROKEN = ("a = [1,\n\n2", "a = 1\na = 2\n", 'x = "\\uD800"', "[a\n", "x = \x01", "a = {b = 1", "= 1", 'a = "x\n')

    @pytest.mark.parametrize(
        "text", [*BROKEN, "a = " + "[" * 100_000, "a = " + "[" * 2_000 + "]" * 2_000, "[" + "a." * 50_000 + "a]"]
    )
    def test_broken(self, text):
        with pytest.raises(LockParseError, match=r"uv\.lock(, line \d+)?: ") as caught:
            read(text, "uv.lock")
        assert len(str(caught.value)) < 400

    @pytest.mark.parametrize("text", [*BROKEN, "a = " + "[" * 100_000, "a = " + "9" * 100_000])
    def test_broken_without_rtoml(self, text, without_rtoml):
        with pytest.raises(LockParseError, match=r"uv\.lock(, line \d+)?: is not valid TOML") as caught:
            read(text, "uv.lock")
        assert len(str(caught.value)) < 400

    def test_a_mark_at_the_start_is_no_fault(self, without_rtoml):
        assert len(parse(b"\xef\xbb\xbf" + (HERE / "uv.lock").read_bytes(), "uv.lock")) == 13


class TestPlaces:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("https://user:secret@index.example/simple", "https://index.example/simple"),
            ("https://token@index.example/simple", "https://index.example/simple"),
            ("https://${USER}:${PASS}@index.example/simple", "https://index.example/simple"),
            ("ssh://git@forge.example/a", "ssh://git@forge.example/a"),
            ("ssh://git:secret@forge.example/a", "ssh://git@forge.example/a"),
            ("git+ssh://git@forge.example/a@v1", "git+ssh://git@forge.example/a@v1"),
            ("git@forge.example:a/b.git", "git@forge.example:a/b.git"),
            ("https://files.example/a@1.zip", "https://files.example/a@1.zip"),
            ("https://files.example/a?x=1&access_token=s&y=2#z", "https://files.example/a?x=1&y=2#z"),
            ("https://files.example/a?X-Amz-Signature=s", "https://files.example/a"),
            ("./a", "./a"),
            ("", ""),
        ],
    )
    def test_clean(self, url, expected):
        assert clean(url) == expected

    @given(st.text(max_size=60))
    @settings(max_examples=50, deadline=None)
    def test_anything_can_be_an_address(self, text):
        assert isinstance(direct(text), Source)
        assert clean(clean(text)) == clean(text)
