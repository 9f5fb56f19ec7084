"""Sources other than an index, and the example's own locks, really installed in trials."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import lockblame
from lockblame.api.bisecting import bisect
from lockblame.client import Client, default_index
from lockblame.errors import BisectError, TrialFailed
from lockblame.trial.interpreter import uv_command
from tests import repositories, wheelhouse

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")

EXAMPLE = Path(__file__).parents[1] / "examples" / "sqs-slowdown"
FAILS = ["python", "-c", "import core, sys; sys.exit(core.version != '1.0')"]


@pytest.fixture(params=["uv", "pip"])
def installer(request):
    if request.param == "uv" and uv_command() is None:
        pytest.skip("uv isn't installed")
    return request.param


@pytest.fixture
def offline(monkeypatch, tmp_path):
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    (tmp_path / "wheels").mkdir()
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(tmp_path / "wheels"))


def uv_lock(source: str, more: str = "") -> str:
    pins = f'[[package]]\nname = "core"\nversion = "1.0"\nsource = {source}\n{more}\n'
    root = '[[package]]\nname = "app"\nversion = "0"\nsource = { virtual = "." }\ndependencies = [{ name = "core" }]\n'
    return f'version = 1\nrequires-python = ">=3.11"\n\n{pins}\n{root}'


def poetry_lock(source: str) -> str:
    head = '[[package]]\nname = "core"\nversion = "1.0"\ndescription = ""\noptional = false\npython-versions = "*"\nfiles = []\n'
    return f'{head}\n[package.source]\n{source}\n\n[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "x"\n'


def culprits(changed, here: Path, installer: str, **options) -> list[str]:
    result = bisect(changed, FAILS, environments=here / "own", installer=installer, client=Client(offline=True), **options)
    return [change.name for change in result.culprits]


def two_commits(folder: Path) -> list[str]:
    repositories.start(folder)
    return [
        repositories.commit(folder, {f"sub/{path}": text for path, text in wheelhouse.project("core", version, "").items()})
        for version in ("1.0", "2.0")
    ]


@pytest.mark.usefixtures("offline")
class TestSources:
    def test_git(self, tmp_path, installer):
        hashes = two_commits(tmp_path / "upstream")
        url = (tmp_path / "upstream").as_uri()
        written = {
            "uv": [uv_lock(f'{{ git = "{url}?subdirectory=sub&rev=main#{one}" }}') for one in hashes],
            "poetry": [
                poetry_lock(
                    f'type = "git"\nurl = "{url}"\nreference = "main"\nresolved_reference = "{one}"\nsubdirectory = "sub"'
                )
                for one in hashes
            ],
            "requirements": [f"core @ git+{url}@{one}#subdirectory=sub\n" for one in hashes],
        }
        for format, (before, after) in written.items():
            changed = lockblame.diff(lockblame.read(before, format=format), lockblame.read(after, format=format))
            assert culprits(changed, tmp_path, installer) == ["core"], format

    def test_an_address(self, tmp_path, installer):
        sides = []
        for version in ("1.0", "2.0"):
            digest = wheelhouse.put(tmp_path / "else", "core", version)
            place = (tmp_path / "else" / f"core-{version}-py3-none-any.whl").as_uri()
            sides.append(lockblame.read(f"core @ {place} --hash=sha256:{digest}\n", format="requirements"))
        assert culprits(lockblame.diff(*sides), tmp_path, installer) == ["core"]

    def test_a_file(self, tmp_path, installer):
        sides = []
        for version in ("1.0", "2.0"):
            digest = wheelhouse.put(tmp_path / "vendor", "core", version)
            wheel = f"core-{version}-py3-none-any.whl"
            text = uv_lock(f'{{ path = "vendor/{wheel}" }}', f'wheels = [{{ filename = "{wheel}", hash = "sha256:{digest}" }}]')
            sides.append(lockblame.read(text, format="uv"))
        assert culprits(lockblame.diff(*sides), tmp_path, installer, folder=tmp_path) == ["core"]


@pytest.mark.usefixtures("offline")
class TestWithout:
    def locks(self, folder: Path):
        for version in ("1.0", "2.0"):
            wheelhouse.put(folder / "wheels", "core", version)
        for side, version in (("before", "1.0"), ("after", "2.0")):
            text = wheelhouse.lock(folder / "wheels", {"core": version}) + "unbuildable==1.0\n"
            (folder / f"{side}.txt").write_text(text)
        return lockblame.diff(folder / "before.txt", folder / "after.txt")

    def test_what_can_not_be_had_here_can_be_left_out(self, tmp_path):
        changed = self.locks(tmp_path)
        with pytest.raises(TrialFailed, match="--without NAME"):
            bisect(changed, FAILS, environments=tmp_path / "own")
        result = bisect(changed, FAILS, environments=tmp_path / "own", without=["Unbuildable"])
        assert [change.name for change in result.culprits] == ["core"]
        assert [(gap.subject, gap.reason) for gap in result.gaps] == [("unbuildable", "left-out")]

    def test_a_name_that_is_in_no_lock_is_refused(self, tmp_path):
        with pytest.raises(BisectError, match="neither lock has it"):
            bisect(self.locks(tmp_path), FAILS, environments=tmp_path / "own", without=["typo"])


@pytest.mark.online
class TestTheExample:
    """Without pycurl, which has no wheels and is built only where libcurl's headers are."""

    COMMAND = ("python", "-c", "import sys, celery, django, kombu, storages; sys.exit(kombu.VERSION >= (5, 3, 2))")

    @pytest.mark.parametrize("lock", ["uv.lock", "poetry.lock"])
    def test_its_locks_are_installed_and_searched(self, tmp_path, lock):
        if uv_command() is None:
            pytest.skip("uv isn't installed")
        for side in ("before", "after"):
            shutil.copytree(EXAMPLE / side, tmp_path / side)
            place = tmp_path / side / lock
            place.write_text(place.read_text().replace("https://index.example/simple", default_index().rstrip("/")))
        changed = lockblame.diff(tmp_path / "before" / lock, tmp_path / "after" / lock)
        result = bisect(changed, self.COMMAND, environments=tmp_path / "own", without=["pycurl"], priors={"kombu": 1.0})
        assert [change.name for change in result.culprits] == ["kombu"]
        assert result.minimal
        assert {gap.reason for gap in result.gaps} == {"left-out"}
