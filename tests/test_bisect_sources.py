"""The drill down to releases and upstream commits: real repositories, real builds, an index on loopback, no network."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lockblame
from lockblame import git
from lockblame.api.bisecting import bisect
from lockblame.api.proving.clones import parse
from lockblame.client import Client
from lockblame.errors import BisectError, ReadError, RevisionError
from lockblame.git import ancestry, cloning
from lockblame.git.export import export
from lockblame.report.proof import proof
from lockblame.trial.interpreter import uv_command
from tests import repositories, wheelhouse
from tests.servers.loopback import Answer, Server
from tests.test_bisecting import document_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")

GOOD, BAD = "answer = 42\n", "answer = 41\n"
COMMAND = ["python", "-c", "import core, sys; sys.exit(core.answer != 42)"]


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(tmp_path / "wheels"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def delta(folder: Path, before: str = "1.0", after: str = "2.0", codes: tuple[str, str] = (GOOD, BAD)):
    """Two locks with core at those versions, and one more package that changes."""
    for version, code in zip((before, after), codes, strict=True):
        wheelhouse.put(folder / "wheels", "core", version, code)
    for version in ("1.0", "2.0"):
        wheelhouse.put(folder / "wheels", "other", version)
    sides = ({"core": before, "other": "1.0"}, {"core": after, "other": "2.0"})
    for name, side in zip(("before", "after"), sides, strict=True):
        (folder / f"{name}.txt").write_text(wheelhouse.lock(folder / "wheels", side))
    return lockblame.diff(folder / "before.txt", folder / "after.txt")


class Upstream:
    """The repository of core, commit by commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = repositories.start(folder)
        self.code = GOOD

    def commit(self, subject: str, code: str | None = None, tag: str | None = None, version: str = "1.0", **files) -> str:
        self.code = self.code if code is None else code
        files = {**wheelhouse.project("core", version, self.code), **files}
        return repositories.commit(self.folder, files, tag, subject)

    def git(self, *arguments: str) -> str:
        return repositories.git(self.folder, *arguments)


@pytest.fixture
def upstream(tmp_path):
    return Upstream(tmp_path / "upstream")


def straight(upstream: Upstream, length: int = 8, guilty: int = 5) -> str:
    """A history from v1.0 to v2.0; the hash of the commit that broke it."""
    upstream.commit("Release 1.0", tag="v1.0")
    hashes = [upstream.commit(f"Step {number}", BAD if number == guilty else None, notes=str(number)) for number in range(length)]
    upstream.commit("Release 2.0", tag="v2.0", version="2.0")
    return hashes[guilty]


def found(folder: Path, changed, **options):
    # tests share what was installed, as calls of one user do
    shared = folder.parent / "shared"
    options = {"priors": {"core": 1.0}, "client": Client(offline=True), "environments": shared, "keep": 60, **options}
    return bisect(changed, options.pop("command", COMMAND), **options)


def state(folder: Path) -> list[tuple[str, str]]:
    """Every file of a folder, git's own included."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths]


def reasons(result) -> list[str]:
    return [gap.reason for gap in result.gaps]


class TestFirstBadCommit:
    @pytest.mark.parametrize("installer", ["uv", "pip"])
    def test_it_is_found_and_the_clone_is_not_touched(self, tmp_path, upstream, installer):
        if installer == "uv" and uv_command() is None:
            pytest.skip("uv isn't installed")
        guilty = straight(upstream)
        upstream.git("remote", "add", "origin", "https://user:secret@github.com/example/core.git")
        (upstream.folder / "core.py").write_text("unfinished work\n")
        before = state(upstream.folder)
        result = found(tmp_path, delta(tmp_path), source=str(upstream.folder), installer=installer)
        assert state(upstream.folder) == before
        drill = result.drills[0]
        first = drill.first_bad
        assert (drill.name, drill.good, drill.bad) == ("core", "1.0", "2.0")
        assert [commit.hash for commit in first.commits] == [guilty]
        assert first.commits[0].subject == "Step 5"
        assert first.commits[0].authored is not None
        assert (first.between, first.stopped, first.repairs) == (9, None, False)
        assert len(first.trials) <= 6
        assert first.url == f"https://github.com/example/core/commit/{guilty}"
        shown = proof(result, "text")
        assert f"The first bad commit is {guilty[:12]} of " in shown
        assert "secret" not in shown
        document = json.loads(proof(result, "json"))
        assert document["drills"][0]["first_bad"]["commits"][0]["hash"] == guilty
        assert all(set(trial) == {"changes", "verdict", "seconds"} for trial in document["trials"])
        assert not list((tmp_path.parent / "shared" / "exports").iterdir())

    def test_in_a_branch_that_was_merged(self, tmp_path, upstream):
        upstream.commit("Release 1.0", tag="v1.0")
        upstream.git("checkout", "--quiet", "-b", "topic")
        hashes = [upstream.commit(f"Topic {number}", BAD if number == 1 else None, topic=str(number)) for number in range(3)]
        upstream.git("checkout", "--quiet", "main")
        repositories.commit(upstream.folder, {"readme": "x"}, subject="Words")
        upstream.git("merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic")
        upstream.commit("After", notes="y")
        upstream.commit("Release 2.0", tag="v2.0", version="2.0")
        first = found(tmp_path, delta(tmp_path), source=str(upstream.folder)).drills[0].first_bad
        assert [commit.hash for commit in first.commits] == [hashes[1]]
        assert first.good == hashes[0]

    def test_a_merge_of_two_good_branches_is_itself_the_first_bad(self, tmp_path, upstream):
        answer = "import pathlib\nanswer = 42 - (one + two == 2)\n"
        start = f"one = 0\n\n\n\n\n\ntwo = 0\n{answer}"
        upstream.commit("Release 1.0", start, tag="v1.0")
        upstream.git("checkout", "--quiet", "-b", "topic")
        upstream.commit("Two", start.replace("two = 0", "two = 1"))
        upstream.git("checkout", "--quiet", "main")
        upstream.commit("One", start.replace("one = 0", "one = 1"))
        upstream.git("merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic")
        merge = upstream.git("rev-parse", "HEAD")
        repositories.commit(upstream.folder, {"NAME": "core 2.0\n"}, "v2.0", "Release 2.0")
        first = found(tmp_path, delta(tmp_path), source=str(upstream.folder)).drills[0].first_bad
        assert [commit.hash for commit in first.commits] == [merge]

    def test_commits_that_do_not_build_hide_it_and_this_is_said(self, tmp_path, upstream):
        upstream.commit("Release 1.0", tag="v1.0")
        last_good = upstream.commit("Fine", a="1")
        broken = {"backend.py": "raise SystemExit('half done')\n"}
        hidden = [
            upstream.commit("Half done", **broken),
            upstream.commit("Guilty", BAD, **broken),
            upstream.commit("Works", b="1"),
        ]
        upstream.commit("Release 2.0", tag="v2.0", version="2.0")
        result = found(tmp_path, delta(tmp_path), source=str(upstream.folder))
        first = result.drills[0].first_bad
        assert [commit.hash for commit in first.commits] == hidden
        assert first.good == last_good
        assert "One of 3 commits made it bad (the rest could not be tested)" in proof(result, "text")
        assert [trial.verdict for trial in first.trials].count("untestable") == 2

    def test_a_commit_that_needs_another_version_of_the_rest_is_untestable(self, tmp_path, upstream):
        upstream.commit("Release 1.0", tag="v1.0")
        needy = upstream.commit("Needs more", REQUIRES="Requires-Dist: other>=3\n")
        guilty = upstream.commit("Guilty", BAD, REQUIRES="")
        upstream.commit("Release 2.0", tag="v2.0", version="2.0", REQUIRES="")
        first = found(tmp_path, delta(tmp_path), source=str(upstream.folder)).drills[0].first_bad
        assert [commit.hash for commit in first.commits] == [needy, guilty]
        assert "needs another other" in next(trial.detail for trial in first.trials if trial.verdict == "untestable")

    def test_a_downgrade_names_the_commit_that_repaired_it(self, tmp_path, upstream):
        upstream.commit("Release 1.0", BAD, tag="1.0")
        upstream.commit("Words", a="1")
        repair = upstream.commit("Repair it", GOOD)
        upstream.commit("More words", b="1")
        upstream.commit("Release 2.0", tag="2.0", version="2.0")
        changed = delta(tmp_path, "2.0", "1.0", (GOOD, BAD))
        result = found(tmp_path, changed, source=str(upstream.folder))
        first = result.drills[0].first_bad
        assert first.repairs
        assert [commit.hash for commit in first.commits] == [repair]
        assert "The commit that repaired it" in proof(result, "text")

    @pytest.mark.parametrize("on_branch", [True, False])
    def test_releases_of_two_branches(self, tmp_path, upstream, on_branch):
        upstream.commit("Start", GOOD if on_branch else BAD)
        upstream.git("checkout", "--quiet", "-b", "1.x")
        repair = None if on_branch else upstream.commit("Repair", GOOD, c="1")
        upstream.commit("Release 1.0.1", tag="core-1.0.1", d="1")
        upstream.git("checkout", "--quiet", "main")
        upstream.code = GOOD if on_branch else BAD
        guilty = upstream.commit("Guilty", BAD, a="1") if on_branch else upstream.commit("Words", a="1")
        upstream.commit("Release 2.0", tag="core-2.0", version="2.0")
        first = found(tmp_path, delta(tmp_path, "1.0.1"), source=str(upstream.folder)).drills[0].first_bad
        assert [commit.hash for commit in first.commits] == [guilty if on_branch else repair]
        assert first.repairs is not on_branch

    def test_a_package_below_the_top(self, tmp_path, upstream):
        def step(answer, tag=None, subject="Step"):
            files = wheelhouse.project("core", "1.0", answer)
            return repositories.commit(
                upstream.folder, {f"packages/core/{path}": text for path, text in files.items()}, tag, subject
            )

        repositories.commit(upstream.folder, {"pyproject.toml": '[project]\nname = "everything"\nversion = "0"\n'})
        step(GOOD, "core@1.0")
        guilty = step(BAD, subject="Guilty")
        repositories.commit(upstream.folder, {"x": "1"}, "core@2.0")
        for source in (str(upstream.folder), f"{upstream.folder}#subdirectory=packages/core"):
            result = found(tmp_path, delta(tmp_path), source=source)
            assert not [gap for gap in result.gaps if gap.reason != "offline"]
            first = result.drills[0].first_bad
            assert [commit.hash for commit in first.commits] == [guilty]

    def test_by_an_address(self, tmp_path, upstream):
        guilty = straight(upstream, 3, 1)
        url = upstream.folder.as_uri()
        for _ in range(2):
            result = found(tmp_path, delta(tmp_path), source={"core": url}, environments=tmp_path / "own")
            assert [commit.hash for commit in result.drills[0].first_bad.commits] == [guilty]
        assert len(list((tmp_path / "own" / "sources").iterdir())) == 1

    def test_pins_from_git_need_no_tags(self, tmp_path, upstream):
        good = upstream.commit("Good")
        guilty = upstream.commit("Guilty", BAD)
        bad = upstream.commit("Later", x="1")
        sides = []
        (tmp_path / "wheels").mkdir()
        for revision in (good, bad):
            text = f"core @ git+{upstream.folder.as_uri()}@{revision}\n"
            sides.append(lockblame.read(text, format="requirements"))
        result = found(tmp_path, lockblame.diff(*sides), source=str(upstream.folder))
        assert [commit.hash for commit in result.drills[0].first_bad.commits] == [guilty]
        # the versions tell nothing
        told = proof(result, "text")
        assert f"({good[:12]} → {bad[:12]})" in told
        assert f"core {good[:12]} is good, {bad[:12]} is bad." in told


class TestHonestGaps:
    def test_no_tag(self, tmp_path, upstream):
        upstream.commit("Release 1.0", tag="v1.0")
        result = found(tmp_path, delta(tmp_path), source=str(upstream.folder))
        assert result.drills[0].first_bad is None
        assert "no-tag" in reasons(result)

    def test_the_tag_is_not_what_was_released(self, tmp_path, upstream):
        upstream.commit("Release 1.0", tag="v1.0")
        upstream.commit("Release 2.0", tag="v2.0", version="2.0")
        result = found(tmp_path, delta(tmp_path), source=str(upstream.folder))
        assert result.drills[0].first_bad is None
        assert "source-differs" in reasons(result)

    def test_nothing_builds(self, tmp_path, upstream):
        upstream.commit("Release 1.0", tag="v1.0")
        upstream.commit("Release 2.0", BAD, tag="v2.0", **{"backend.py": "raise SystemExit('no')\n"})
        result = found(tmp_path, delta(tmp_path), source=str(upstream.folder))
        assert "untestable" in reasons(result)

    def test_no_repository(self, tmp_path):
        changed = delta(tmp_path)
        with pytest.raises(RevisionError, match="isn't a folder"):
            found(tmp_path, changed, source="nowhere")
        (tmp_path / "plain").mkdir()
        result = found(tmp_path, changed, source=str(tmp_path / "plain"))
        assert "isn't in a git repository" in next(gap.detail for gap in result.gaps if gap.reason == "stopped")

    def test_an_address_that_does_not_answer(self, tmp_path):
        result = found(tmp_path, delta(tmp_path), source=(tmp_path / "gone").as_uri())
        assert "can't be copied" in next(gap.detail for gap in result.gaps if gap.reason == "stopped")
        assert [change.name for change in result.culprits] == ["core"]


class TestHostileSources:
    @pytest.mark.parametrize(
        "address",
        [
            "ext::sh -c touch% owned",
            "fd::3",
            "--upload-pack=touch owned",
            "-x",
            "http://code.example/x",
            "git://code.example/x",
            "https://-oProxyCommand=x/y",
            "ssh://-oProxyCommand=touch/x",
            "ftp://code.example/x",
            "remote::https://code.example/x",
        ],
    )
    def test_git_is_not_sent_there(self, tmp_path, address):
        with pytest.raises(RevisionError):
            found(tmp_path, delta(tmp_path), source=address)

    @pytest.mark.parametrize(
        ("address", "kind"),
        [
            ("https://code.example/x.git", "https"),
            ("ssh://git@code.example/x", "ssh"),
            ("git@code.example:owner/x.git", "ssh"),
            ("file:///srv/x", "file"),
            ("some/folder", None),
            ("/srv/a:b", None),
        ],
    )
    def test_protocols(self, address, kind):
        assert cloning.protocol(address) == kind

    def test_only_the_protocol_that_was_named_is_allowed(self, monkeypatch):
        monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext")
        call = cloning.clone("https://code.example/x", Path("/nowhere"))
        assert call.environment["GIT_ALLOW_PROTOCOL"] == "https"
        assert call.words[-3:] == ["--", "https://code.example/x", "/nowhere"]
        assert "protocol.allow=never" in call.words

    def test_nothing_that_a_repository_names_is_run(self, tmp_path, upstream):
        marker = tmp_path / "ran"
        for script in ("post-checkout", "post-index-change", "reference-transaction"):
            hook = upstream.folder / ".git" / "hooks" / script
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
            hook.chmod(0o755)
        subprocess.run(["git", "config", "core.hooksPath", "/dev/null"], cwd=upstream.folder, check=True)
        commit = repositories.commit(upstream.folder, {".gitattributes": "* filter=evil\n", "a": "x", "b.sh": "y"}, "v1")
        subprocess.run(["git", "config", "--unset", "core.hooksPath"], cwd=upstream.folder, check=True)
        for name in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "core.sshCommand", "filter.evil.process"):
            subprocess.run(["git", "config", name, f"touch {marker}"], cwd=upstream.folder, check=True)
        checkout = git.find(upstream.folder)
        export(checkout, commit, tmp_path / "out")
        assert ancestry.tags(checkout) == ("v1",)
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".gitattributes", "a", "b.sh"]
        assert not marker.exists()

    def test_links_do_not_lead_out_and_programs_stay_programs(self, tmp_path, upstream):
        (upstream.folder / "inside").symlink_to("a/b")
        (upstream.folder / "outside").symlink_to("../../x")
        (upstream.folder / "absolute").symlink_to("/etc/passwd")
        (upstream.folder / "run").write_text("#!/bin/sh\n")
        (upstream.folder / "run").chmod(0o755)
        commit = repositories.commit(upstream.folder, {"a/b": "text"})
        export(git.find(upstream.folder), commit, tmp_path / "out")
        assert (tmp_path / "out" / "inside").read_text() == "text"
        assert (tmp_path / "out" / "outside").read_text() == "../../x"
        assert (tmp_path / "out" / "absolute").read_text() == "/etc/passwd"
        assert not (tmp_path / "out" / "absolute").is_symlink()
        assert os.access(tmp_path / "out" / "run", os.X_OK)

    def test_paths_that_git_would_not_write_are_refused(self, tmp_path, upstream):
        blob = repositories.git(upstream.folder, "hash-object", "-w", "--stdin", "--path=x")
        for name in ("..", ".git", ".GIT", "."):
            tree = (
                subprocess.run(
                    ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
                    input=b"100644 " + name.encode() + b"\0" + bytes.fromhex(blob),
                    cwd=upstream.folder,
                    env=repositories.ENVIRONMENT,
                    capture_output=True,
                    check=True,
                )
                .stdout.decode()
                .strip()
            )
            commit = repositories.git(upstream.folder, "commit-tree", "-m", "odd", tree)
            with pytest.raises(ReadError, match="isn't written"):
                export(git.find(upstream.folder), commit, tmp_path / "out")

    def test_the_command_line_names_sources(self):
        assert parse(None) is None
        assert parse(["../core"]) == {"": "../core"}
        assert parse(["core=https://code.example/x?a=b", "other=o"]) == {"core": "https://code.example/x?a=b", "other": "o"}
        assert parse(["https://code.example/x?a=b"]) == {"": "https://code.example/x?a=b"}
        with pytest.raises(BisectError, match="two sources"):
            parse(["a", "b"])


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A package index on loopback that has every wheel of the folder."""

    def answer(asked) -> Answer:
        *_, name = [part for part in asked.path.split("/") if part]
        place = tmp_path / "wheels" / name
        if place.is_file():
            return Answer(body=place.read_bytes(), kind="application/octet-stream")
        files = sorted((tmp_path / "wheels").glob(f"{name}-*.whl"))
        if not files:
            return Answer(status=404)
        listed = [
            {
                "filename": file.name,
                "url": f"/files/{file.name}",
                "hashes": {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()},
            }
            for file in files
        ]
        versions = [file.name.split("-")[1] for file in files]
        document = {"meta": {"api-version": "1.1"}, "name": name, "files": listed, "versions": versions}
        return Answer(body=json.dumps(document).encode(), kind="application/vnd.pypi.simple.v1+json")

    for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE", "PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with Server(answer) as server:
        yield server.url + "/simple/"


def from_index(folder: Path, index: str, sides: dict[str, tuple[str, str]]):
    for number, name in enumerate(("before", "after")):
        text = wheelhouse.lock(folder / "wheels", {package: versions[number] for package, versions in sides.items()})
        (folder / f"{name}.txt").write_text(f"--index-url {index}\n{text}")
    return lockblame.diff(folder / "before.txt", folder / "after.txt")


def two_together(folder: Path, index: str):
    """one fails from 1.2 on, two from 1.3 on, and only together."""
    for package, first in (("one", 2), ("two", 3)):
        for minor in range(5):
            wheelhouse.put(folder / "wheels", package, f"1.{minor}", f"new = {minor >= first}\n")
    changed = from_index(folder, index, {"one": ("1.0", "1.4"), "two": ("1.0", "1.4")})
    return changed, ["python", "-c", "import one, two, sys; sys.exit(one.new and two.new)"]


class TestReleases:
    def test_each_of_two_that_fail_only_together(self, tmp_path, index):
        changed, command = two_together(tmp_path, index)
        with Client() as client:
            result = found(tmp_path, changed, command=command, drill=True, client=client)
        assert [(drill.name, drill.good, drill.bad) for drill in result.drills] == [("one", "1.1", "1.2"), ("two", "1.2", "1.3")]
        assert not result.gaps
        for drill in result.drills:
            assert all(trial.package == drill.name and trial.version for trial in drill.trials)
        shown = proof(result, "text")
        assert "one 1.1 is good, 1.2 is bad." in shown
        assert "two at 1.2 with one" in shown

    def test_one_that_is_stopped_says_so_and_goes_on_later(self, tmp_path, index):
        changed, command = two_together(tmp_path, index)
        own = tmp_path / "own"
        with Client() as client:
            short = found(tmp_path, changed, command=command, drill=True, client=client, environments=own, limit=5)
            assert short.stopped is None
            assert short.drills[0].stopped == "limit"
            assert short.drills[0].untried
            assert "stopped" in reasons(short)
            assert "The drill was stopped (limit)" in proof(short, "text")
            again = found(tmp_path, changed, command=command, drill=True, client=client, environments=own)
        assert [(drill.good, drill.bad, drill.stopped) for drill in again.drills] == [("1.1", "1.2", None), ("1.2", "1.3", None)]
        assert [trial.recalled for trial in again.trials] == [True] * 5 + [False] * (len(again.trials) - 5)
        assert proof(again, "text").count("from an earlier call") == 5
        assert not list((own / "bisect").iterdir())

    def test_down_to_the_commit_between_two_releases(self, tmp_path, index, upstream):
        for version, code in (("1.0", GOOD), ("1.1", GOOD), ("1.2", BAD), ("2.0", BAD)):
            wheelhouse.put(tmp_path / "wheels", "core", version, code)
        upstream.commit("Release 1.0", tag="v1.0")
        upstream.commit("Release 1.1", tag="v1.1", version="1.1")
        hashes = [upstream.commit(f"Step {number}", BAD if number == 2 else None, notes=str(number)) for number in range(4)]
        upstream.commit("Release 1.2", tag="v1.2", version="1.2")
        upstream.commit("Release 2.0", tag="v2.0", version="2.0")
        changed = from_index(tmp_path, index, {"core": ("1.0", "2.0")})
        with Client() as client:
            short = found(tmp_path, changed, client=client, source=str(upstream.folder), limit=7)
            assert short.drills[0].first_bad.stopped == "limit"
            assert len(short.drills[0].first_bad.commits) > 1
            result = found(tmp_path, changed, client=client, source=str(upstream.folder))
        drill = result.drills[0]
        assert (drill.good, drill.bad) == ("1.1", "1.2")
        assert [commit.hash for commit in drill.first_bad.commits] == [hashes[2]]
        assert drill.first_bad.between == 5
        assert not result.gaps
        (told,) = document_of(result)["drills"]
        assert told["first_bad"]["commits"][0]["hash"] == hashes[2]


@pytest.mark.online
class TestBuiltAsProjectsAre:
    """With a build backend of the index, and a version that is asked of git, which an export doesn't have."""

    PROJECT = (
        '[build-system]\nrequires = ["setuptools>=70", "setuptools-scm>=8"]\nbuild-backend = "setuptools.build_meta"\n\n'
        '[project]\nname = "core"\ndynamic = ["version"]\n\n[tool.setuptools]\npy-modules = ["core"]\n\n[tool.setuptools_scm]\n'
    )

    def test_by_setuptools_and_scm(self, tmp_path, upstream, monkeypatch):
        for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE"):
            monkeypatch.delenv(name)
        files = {"pyproject.toml": self.PROJECT, "core.py": GOOD}
        repositories.commit(upstream.folder, files, "v1.0", "Release 1.0")
        guilty = repositories.commit(upstream.folder, {"core.py": BAD}, subject="Guilty")
        repositories.commit(upstream.folder, {"b": "1"}, "v2.0", "Release 2.0")
        result = found(tmp_path, delta(tmp_path), source=str(upstream.folder))
        assert [commit.hash for commit in result.drills[0].first_bad.commits] == [guilty]
        assert not list(tmp_path.rglob("*.egg-info"))
