"""The indexes that a project's own files name, whatever tool they are for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame import lockfiles
from lockblame.model import Index, Secret

LOCKS = {
    "uv.lock": 'version = 1\n[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "https://index.example/simple" }\n',
    "poetry.lock": '[[package]]\nname = "a"\nversion = "1"\n[metadata]\nlock-version = "2.0"\ncontent-hash = "x"\n',
    "pdm.lock": '[metadata]\nlock_version = "4.5"\n[[package]]\nname = "a"\nversion = "1"\n',
    "Pipfile.lock": '{"_meta": {"sources": [{"name": "main", "url": "https://$USER:${PASS}@index.example/simple"}]}}',
    "requirements.txt": "a==1\n",
}


def configured(lock: str, text: str | None = None, files: Mapping[str, str] | None = None, folder: str = "") -> tuple[Index, ...]:
    data = (text if text is not None else LOCKS[lock]).encode()
    around = {folder + name: content.encode() for name, content in (files or {}).items()}
    found = lockfiles.parse(data, folder + lock, opener=around.get)
    return lockfiles.configured(found, data, around.get).configured


class TestUv:
    TEXT = """
        [tool.uv.sources]
        Torch = { index = "wheels" }
        inhouse = [{ index = "corp", marker = "sys_platform == 'linux'" }, { git = "https://code.example/x" }]
        [[tool.uv.index]]
        name = "mirror"
        url = "https://mirror.example/simple"
        default = true
        [[tool.uv.index]]
        name = "corp"
        url = "https://corp.example/simple"
        [[tool.uv.index]]
        name = "wheels"
        url = "https://wheels.example/cpu"
        explicit = true
        [[tool.uv.index]]
        url = "./wheelhouse"
        format = "flat"
    """

    @pytest.mark.parametrize("folder", ["", "services/desk/"])
    def test_pyproject(self, folder: str):
        assert configured("uv.lock", files={"pyproject.toml": self.TEXT}, folder=folder) == (
            Index(url="https://corp.example/simple", name="corp", packages=("inhouse",)),
            Index(url="https://wheels.example/cpu", name="wheels", explicit=True, packages=("torch",)),
            Index(url="https://mirror.example/simple", name="mirror", default=True),
        )

    def test_a_file_of_its_own_stands_in(self):
        own = 'extra-index-url = ["https://one.example"]\nindex-url = "https://two.example"\n'
        found = configured("uv.lock", files={"pyproject.toml": self.TEXT, "uv.toml": own})
        assert found == (Index(url="https://one.example"), Index(url="https://two.example", default=True))


def test_poetry():
    text = """
        [tool.poetry.dependencies]
        python = "^3.11"
        Inhouse = { version = "^1", source = "corp" }
        [tool.poetry.group.dev.dependencies]
        helper = [{ version = "1", source = "corp" }, "2"]
        [[tool.poetry.source]]
        name = "corp"
        url = "https://corp.example/simple"
        priority = "explicit"
        [[tool.poetry.source]]
        name = "PyPI"
        [[tool.poetry.source]]
        name = "old"
        url = "https://old.example/simple"
        default = true
    """
    assert configured("poetry.lock", files={"pyproject.toml": text}) == (
        Index(url="https://corp.example/simple", name="corp", explicit=True, packages=("inhouse", "helper")),
        Index(url="https://old.example/simple", name="old", default=True),
    )


def test_pdm():
    text = """
        [[tool.pdm.source]]
        name = "corp"
        url = "https://${CORP_USER}:${CORP_PASSWORD}@corp.example/simple"
        include_packages = ["inhouse", "inhouse-*"]
        [[tool.pdm.source]]
        name = "pypi"
        url = "https://mirror.example/simple"
        username = "me"
        password = "${PW}/@"
        [[tool.pdm.source]]
        type = "find_links"
        name = "wheels"
        url = "https://wheels.example"
    """
    found = configured("pdm.lock", files={"pyproject.toml": text})
    assert found == (
        Index(
            url="https://corp.example/simple",
            name="corp",
            access=Secret("https://${CORP_USER}:${CORP_PASSWORD}@corp.example/simple"),
            explicit=True,
            packages=("inhouse", "inhouse-*"),
        ),
        Index(
            url="https://mirror.example/simple",
            name="pypi",
            access=Secret("https://me:${PW}%2F%40@mirror.example/simple"),
            default=True,
        ),
    )
    assert "PW" not in repr(found)


def test_pipenv():
    pipfile = (
        '[[source]]\nname = "main"\nurl = "https://index.example/simple"\n[[source]]\nname = "corp"\nurl = "https://c.example"\n'
    )
    assert configured("Pipfile.lock", files={"Pipfile": pipfile}) == (
        Index(
            url="https://index.example/simple",
            name="main",
            access=Secret("https://$USER:${PASS}@index.example/simple"),
            default=True,
        ),
        Index(url="https://index.example/simple", name="main", default=True),
        Index(url="https://c.example", name="corp", explicit=True),
    )


def test_requirements():
    text = (
        "# -i https://no.example\n--index-url https://one.example\n-i https://me:pw@two.example/simple\n"
        "  --extra-index-url=https://three.example/x\n--extra-index-url wheels/\na==1\n"
    )
    assert configured("requirements.txt", text) == (
        Index(url="https://three.example/x"),
        Index(url="https://two.example/simple", access=Secret("https://me:pw@two.example/simple"), default=True),
    )


def test_requirements_with_the_settings_of_uv_beside_them():
    beside = '[[tool.uv.index]]\nname = "corp"\nurl = "https://corp.example/simple"\n'
    assert configured("requirements.txt", files={"pyproject.toml": beside}) == (
        Index(url="https://corp.example/simple", name="corp"),
    )


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(
    "text",
    [
        "[",
        "tool = 3",
        "[tool]\nuv = 3\npoetry = []\npdm = 'x'",
        "[tool.uv]\nindex = [3, {url = 3}, {url = 'https://[::1'}]\nsources = {x = 3, y = [4]}\nextra-index-url = [1]",
        "[tool.pdm]\nsource = [{}, {url = 'x', include_packages = 3}]",
        "[tool.poetry]\nsource = [{priority = 3, url = 'https://x.example'}]\ndependencies = 3\ngroup = {a = 3}",
        "source = 3",
        "\ufeff",
    ],
)
def test_what_makes_no_sense_is_passed_over(lock: str, text: str):
    found = configured(lock, files={"pyproject.toml": text, "uv.toml": text, "Pipfile": text})
    assert all(index.url.startswith(("https://", "http://")) for index in found)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_bytes_raise(data: bytes):
    for lock in LOCKS:
        known = lockfiles.parse(LOCKS[lock].encode(), lock)
        files = dict.fromkeys(("pyproject.toml", "uv.toml", "Pipfile"), data)
        lockfiles.configured(known, data, files.get)
