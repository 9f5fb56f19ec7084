"""A private index that is real (pypiserver), with a password: what lockblame finds there with it, and what it says without."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import pytest

import lockblame
from lockblame.client import Client
from lockblame.report import render
from tests.distributions import sdist, tarred, zipped
from tests.servers.loopback import Answer, Asked, Server
from tests.servers.private import PrivateIndex

USER = "build"
PASSWORD = "hunter2/§&@:"
CODE = "https://github.com/example/inhouse"


def metadata(name: str, version: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProject-URL: Source, {CODE}\n"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distributions")
    for version in ("1.0", "1.1"):
        info = f"inhouse-{version}.dist-info"
        files = {"inhouse.py": "x = 1\n", f"{info}/METADATA": metadata("inhouse", version), f"{info}/RECORD": ""}
        (folder / f"inhouse-{version}-py3-none-any.whl").write_bytes(zipped(files))
        packed = tarred({f"onlysource-{version}/PKG-INFO": metadata("onlysource", version)})
        (folder / f"onlysource-{version}.tar.gz").write_bytes(packed)
    (folder / "plain-1.0.tar.gz").write_bytes(sdist({}, name="plain").data)
    return folder


@pytest.fixture(scope="module")
def index(shelf: Path) -> Iterator[PrivateIndex]:
    with PrivateIndex(shelf, USER, PASSWORD) as server:
        yield server


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without settings of its own."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "POETRY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setattr("lockblame.client.indexes._machine_folders", lambda *_: iter(()))
    monkeypatch.setattr("lockblame.client.indexes.MACHINE_FILES", {})
    monkeypatch.setattr("sys.prefix", str(tmp_path / "home"))


def uv_lock(url: str, version: str, name: str = "inhouse") -> str:
    return (
        'version = 1\nrequires-python = ">=3.11"\n\n'
        f'[[package]]\nname = "app"\nversion = "0"\nsource = {{ virtual = "." }}\ndependencies = [{{ name = "{name}" }}]\n\n'
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "{url}" }}\n'
    )


def put(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Path, Path]:
    """Two folders with these files."""
    places = folder / "before", folder / "after"
    for place, files in zip(places, (before, after), strict=True):
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / name).write_text(text, encoding="utf-8")
    return places


def blamed(places: tuple[Path, Path], lock: str = "uv.lock", **more: object) -> lockblame.Report:
    issues = places[0] / "issues.jsonl"
    issues.write_text("", encoding="utf-8")
    with Client(cache=False) as client:
        report = lockblame.blame(places[0] / lock, places[1] / lock, client=client, issues=issues, **more)
    seen = f"{report!r} {asdict(report)!r}" + "".join(render(report, style) for style in ("json", "text"))
    assert PASSWORD not in seen
    assert quote(PASSWORD, safe="") not in seen
    return report


def both(index: PrivateIndex, tmp_path: Path, settings: str = "") -> tuple[Path, Path]:
    beside = {"pyproject.toml": settings} if settings else {}
    return put(tmp_path, {"uv.lock": uv_lock(index.url, "1.0"), **beside}, {"uv.lock": uv_lock(index.url, "1.1"), **beside})


def refused(report: lockblame.Report) -> list[lockblame.Gap]:
    return [gap for gap in report.gaps if gap.reason == "access-refused"]


def found(report: lockblame.Report) -> bool:
    """Whether the index told of the package: nothing is refused, and its repository is known."""
    return not refused(report) and not any(gap.reason == "no-repository" for gap in report.gaps)


class TestWithoutPassword:
    def test_the_gap_names_the_host_and_the_ways_in(self, index: PrivateIndex, tmp_path: Path):
        (gap,) = refused(blamed(both(index, tmp_path)))
        assert (gap.subject, index.host in gap.detail, "401" in gap.detail) == ("inhouse", True, True)
        assert gap.hint is not None
        for way in (index.host, ".netrc", "UV_INDEX_", "PIP_INDEX_URL"):
            assert way in gap.hint

    def test_with_the_wrong_one_too(self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PIP_INDEX_URL", f"http://{USER}:wrong@{index.host}/simple")
        assert refused(blamed(both(index, tmp_path)))


class TestWithPassword:
    def test_from_a_netrc_file(self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "mine").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n", encoding="utf-8")
        monkeypatch.setenv("NETRC", str(tmp_path / "mine"))
        assert found(blamed(both(index, tmp_path)))

    def test_from_the_url_of_pips_settings(self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PIP_INDEX_URL", f"http://{USER}:{quote(PASSWORD, safe='')}@{index.host}/another/simple")
        assert found(blamed(both(index, tmp_path)))

    @pytest.mark.parametrize("prefix", ["UV_INDEX_MY_CORP", "POETRY_HTTP_BASIC_MY_CORP"])
    def test_by_the_name_that_the_project_gives_it(
        self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
    ):
        monkeypatch.setenv(f"{prefix}_USERNAME", USER)
        monkeypatch.setenv(f"{prefix}_PASSWORD", PASSWORD)
        settings = f'[[tool.uv.index]]\nname = "my-corp"\nurl = "{index.url}"\nexplicit = true\n'
        assert found(blamed(both(index, tmp_path, settings)))

    def test_a_variable_in_a_requirements_file(self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("CORP_PASSWORD", PASSWORD)
        head = f"--index-url http://{USER}:${{CORP_PASSWORD}}@{index.host}/simple\n"
        names = {version: {"requirements.txt": f"{head}inhouse=={version}\n"} for version in ("1.0", "1.1")}
        assert found(blamed(put(tmp_path, names["1.0"], names["1.1"]), "requirements.txt"))

    def test_metadata_from_inside_a_source_distribution(
        self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("UV_INDEX", f"corp=http://{USER}:{quote(PASSWORD, safe='')}@{index.host}/simple")
        locks = {version: {"uv.lock": uv_lock(index.url, version, "onlysource")} for version in ("1.0", "1.1")}
        assert found(blamed(put(tmp_path, locks["1.0"], locks["1.1"])))

    def test_what_is_saved_holds_no_password(self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PIP_INDEX_URL", f"http://{USER}:{quote(PASSWORD, safe='')}@{index.host}/simple")
        kept = tmp_path / "evidence"
        assert found(blamed(both(index, tmp_path), save_evidence=kept))
        assert "inhouse" in (kept / "releases.jsonl").read_text(encoding="utf-8")
        for file in kept.iterdir():
            text = file.read_text(encoding="utf-8")
            assert PASSWORD not in text
            assert quote(PASSWORD, safe="") not in text

    def test_the_package_url_names_the_index(self, index: PrivateIndex, tmp_path: Path):
        (change,) = json.loads(render(blamed(both(index, tmp_path)), "json"))["changes"]
        assert change["purl"].startswith("pkg:pypi/inhouse@1.1?repository_url=http")
        (pins,) = change["pins"]
        assert (index.host.split(":")[1] in pins["purl"]["before"], "@1.0?" in pins["purl"]["before"]) == (True, True)


class TestWhoGetsIt:
    """A proposed lock must not choose who gets the passwords of the environment."""

    @pytest.fixture
    def thief(self) -> Iterator[Server]:
        with Server(lambda _: Answer(status=401)) as server:
            yield server

    def given(self, server: Server) -> list[str]:
        return [asked.headers["authorization"] for asked in server.asked if "authorization" in asked.headers]

    def test_not_an_index_that_only_the_new_side_names_so(
        self, thief: Server, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("UV_INDEX_CORP_USERNAME", USER)
        monkeypatch.setenv("UV_INDEX_CORP_PASSWORD", PASSWORD)
        url = f"{thief.url}/simple"
        named = '[[tool.uv.index]]\nname = "corp"\nurl = "{}"\n'
        before = {"uv.lock": uv_lock(index.url, "1.0"), "pyproject.toml": named.format(index.url)}
        after = {"uv.lock": uv_lock(url, "1.1"), "pyproject.toml": named.format(url)}
        assert refused(blamed(put(tmp_path, before, after)))
        assert thief.asked
        assert self.given(thief) == []

    def test_no_variable_goes_to_an_index_that_only_the_new_side_names(
        self, thief: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("CORP_PASSWORD", PASSWORD)
        before = {"requirements.txt": "--index-url https://index.example/simple\ninhouse==1.0\n"}
        after = {"requirements.txt": f"--index-url http://me:${{CORP_PASSWORD}}@{thief.host}/simple\ninhouse==1.1\n"}
        assert refused(blamed(put(tmp_path, before, after), "requirements.txt"))
        assert thief.asked
        assert self.given(thief) == []


class TestNoNameLeaks:
    """A package that the lock gives to a private index is asked for nowhere else, whatever that index answers."""

    def test_the_public_index_never_hears_of_it(self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        def answer(asked: Asked) -> Answer:
            return Answer(status=404)

        with Server(answer) as public:
            monkeypatch.setenv("PIP_INDEX_URL", f"{public.url}/simple")
            monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{public.url}/more/simple")
            assert refused(blamed(both(index, tmp_path)))
            missing = put(
                tmp_path / "x",
                {"uv.lock": uv_lock(index.url, "1.0", "gone")},
                {"uv.lock": uv_lock(index.url, "1.1", "gone")},
            )
            blamed(missing)
            pinned = f'[[tool.uv.index]]\nname = "corp"\nurl = "{index.url}"\n[tool.uv.sources]\ninhouse = {{ index = "corp" }}\n'
            lines = [{"requirements.txt": f"inhouse=={version}\n", "pyproject.toml": pinned} for version in ("1.0", "1.1")]
            assert refused(blamed(put(tmp_path / "y", lines[0], lines[1]), "requirements.txt"))
            assert public.asked == []

    def test_nor_when_the_private_one_of_several_wants_a_password(
        self, index: PrivateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        with Server(lambda _: Answer(status=404)) as public:
            monkeypatch.setenv("PIP_INDEX_URL", f"{public.url}/simple")
            head = f"--extra-index-url {index.url}\n"
            lines = [{"requirements.txt": f"{head}inhouse=={version}\n"} for version in ("1.0", "1.1")]
            assert refused(blamed(put(tmp_path, lines[0], lines[1]), "requirements.txt"))
            assert public.asked == []
