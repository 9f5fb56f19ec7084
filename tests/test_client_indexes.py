"""Which index pip or uv would ask, by their environment variables and files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lockblame.client import default_index
from lockblame.client.indexes import addressed, further_indexes
from lockblame.errors import ConfigError
from lockblame.model import Index, Secret


@pytest.fixture(autouse=True)
def nothing_on_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The files of the machine that runs the test don't count."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr("lockblame.client.indexes._machine_folders", lambda *_: iter(()))
    monkeypatch.setattr("lockblame.client.indexes.MACHINE_FILES", {})


def home(tmp_path: Path, **files: str) -> dict[str, str]:
    for name, text in files.items():
        path = tmp_path / "config" / {"pip": "pip/pip.conf", "uv": "uv/uv.toml"}[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "config"), "APPDATA": str(tmp_path / "config")}


posix = pytest.mark.skipif(sys.platform != "linux", reason="the places are those of Linux")


class TestOrder:
    @pytest.mark.parametrize("name", ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"])
    def test_variables(self, name: str, tmp_path: Path):
        assert default_index({**home(tmp_path), name: "https://index.example/simple"}) == "https://index.example/simple"

    def test_a_named_index_of_uv(self, tmp_path: Path):
        assert (
            default_index({**home(tmp_path), "UV_DEFAULT_INDEX": "corp=https://index.example/simple?x=1"})
            == "https://index.example/simple?x=1"
        )

    @posix
    def test_pips_file(self, tmp_path: Path):
        text = "[global]\nindex-url = https://me:100%secret@index.example/simple\nextra-index-url = https://files.example\n"
        assert default_index(home(tmp_path, pip=text)) == "https://me:100%secret@index.example/simple"

    @posix
    @pytest.mark.parametrize(
        "text",
        [
            'index-url = "https://index.example/simple"',
            '[[index]]\nurl = "https://files.example"\n[[index]]\nurl = "https://index.example/simple"\ndefault = true',
            '[pip]\nindex-url = "https://index.example/simple"',
        ],
    )
    def test_uvs_file(self, text: str, tmp_path: Path):
        assert default_index(home(tmp_path, uv=text)) == "https://index.example/simple"

    @posix
    def test_pip_comes_first_and_a_variable_before_both(self, tmp_path: Path):
        places = home(tmp_path, pip="[global]\nindex-url = https://one.example", uv='index-url = "https://two.example"')
        assert default_index(places) == "https://one.example"
        assert default_index({**places, "UV_INDEX_URL": "https://three.example"}) == "https://three.example"

    def test_files_that_are_named(self, tmp_path: Path):
        (tmp_path / "mine.conf").write_text("[install]\nindex-url: https://one.example\n")
        (tmp_path / "mine.toml").write_text('index-url = "https://two.example"')
        assert default_index({**home(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "mine.conf")}) == "https://one.example"
        assert default_index({**home(tmp_path), "UV_CONFIG_FILE": str(tmp_path / "mine.toml")}) == "https://two.example"

    @posix
    def test_files_that_are_switched_off(self, tmp_path: Path):
        places = home(tmp_path, pip="[global]\nindex-url = https://one.example", uv='index-url = "https://two.example"')
        assert default_index({**places, "PIP_CONFIG_FILE": os.devnull}) == "https://two.example"
        public = default_index({**places, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"})
        assert public == default_index(home(tmp_path / "empty"))

    def test_the_public_one_is_the_last(self, tmp_path: Path):
        url = default_index(home(tmp_path))
        assert url.startswith("https://")
        assert url.endswith("/simple")


@posix
class TestBroken:
    @pytest.mark.parametrize(
        ("name", "text"),
        [("pip", "index-url = https://me:s3cret@index.example"), ("uv", 'index-url = "https://me:s3cret@index.example')],
    )
    def test_is_told_without_the_password(self, name: str, text: str, tmp_path: Path):
        with pytest.raises(ConfigError) as caught:
            default_index(home(tmp_path, **{name: text}))
        assert ("pip.conf" if name == "pip" else "uv.toml") in str(caught.value)
        assert "s3cret" not in str(caught.value)

    def test_bytes_that_are_no_text(self, tmp_path: Path):
        places = home(tmp_path, pip="")
        (tmp_path / "config" / "pip" / "pip.conf").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigError, match=r"pip\.conf"):
            default_index(places)

    @pytest.mark.parametrize("text", ["index = 3", "pip = 3", 'index-url = ["x"]', "[[index]]\ndefault = true"])
    def test_other_things_than_expected_are_passed_over(self, text: str, tmp_path: Path):
        assert default_index(home(tmp_path, uv=text)) == default_index(home(tmp_path / "empty"))


def urls(indexes: tuple[Index, ...]) -> list[str]:
    return [index.url for index in indexes]


class TestFurther:
    def test_variables(self, tmp_path: Path):
        values = {
            **home(tmp_path),
            "UV_INDEX": "corp=https://one.example/simple https://two.example/simple",
            "UV_EXTRA_INDEX_URL": "https://three.example",
            "PIP_EXTRA_INDEX_URL": "https://me:pw@four.example/simple file:///wheels",
        }
        found = further_indexes(values)
        assert urls(found) == [
            "https://one.example/simple",
            "https://two.example/simple",
            "https://three.example",
            "https://four.example/simple",
        ]
        assert [index.name for index in found] == ["corp", None, None, None]
        assert found[3].access == Secret("https://me:pw@four.example/simple")
        assert "pw" not in repr(found)

    @posix
    def test_files(self, tmp_path: Path):
        uv = (
            '[[index]]\nname = "corp"\nurl = "https://one.example"\nexplicit = true\n'
            '[[index]]\nurl = "https://d.example"\ndefault = true\n[[index]]\nurl = "wheels"\nformat = "flat"\n'
            '[pip]\nextra-index-url = ["https://two.example"]\n'
        )
        pip = "[global]\nextra-index-url =\n    https://three.example\n    https://four.example\n"
        found = further_indexes(home(tmp_path, uv=uv, pip=pip))
        assert urls(found) == ["https://three.example", "https://four.example", "https://one.example", "https://two.example"]
        assert [index.explicit for index in found] == [False, False, True, False]

    def test_nothing_set(self, tmp_path: Path):
        assert further_indexes(home(tmp_path)) == ()


class TestAddress:
    CORP = Index(url="https://corp.example/simple", name="my.corp-1")

    def test_nothing_known(self):
        assert addressed(self.CORP, (), {}) == "https://corp.example/simple"

    @pytest.mark.parametrize("prefix", ["UV_INDEX", "POETRY_HTTP_BASIC"])
    def test_by_name(self, prefix: str):
        values = {f"{prefix}_MY_CORP_1_USERNAME": "me", f"{prefix}_MY_CORP_1_PASSWORD": "p@/s:"}
        assert addressed(self.CORP, (), values) == "https://me:p%40%2Fs%3A@corp.example/simple"
        assert addressed(Index(url=self.CORP.url), (), values) == self.CORP.url

    @pytest.mark.parametrize("written", ["${CORP_USER}:${CORP_PASSWORD}", "$CORP_USER:$CORP_PASSWORD"])
    def test_variables_in_the_address(self, written: str):
        index = Index(url=self.CORP.url, access=Secret(f"https://{written}@corp.example/simple"))
        values = {"CORP_USER": "me", "CORP_PASSWORD": "p@ss%21/"}
        assert addressed(index, (), values) == "https://me:p%40ss%21%2F@corp.example/simple"
        assert addressed(index, (), {"CORP_USER": "me"}) == self.CORP.url

    def test_the_machine_knows_the_host(self):
        other = Index(url="https://corp.example/other", access=Secret("https://you:pw$X@corp.example/other"))
        same = Index(url="https://corp.example/simple/", access=Secret("https://me:pw@corp.example/simple/"))
        elsewhere = Index(url="https://corp.example:8443/simple", access=Secret("https://no:no@corp.example:8443/simple"))
        plain = Index(url="http://corp.example/simple", access=Secret("http://no:no@corp.example/simple"))
        assert addressed(self.CORP, (elsewhere, plain, other, same), {}) == "https://me:pw@corp.example/simple"
        assert addressed(self.CORP, (elsewhere, plain, other), {}) == "https://you:pw$X@corp.example/simple"
        assert addressed(self.CORP, (elsewhere, plain), {}) == self.CORP.url
