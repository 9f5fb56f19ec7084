from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockblame import git
from lockblame.errors import ReadError, RevisionError
from lockblame.git import command, log

REAL_GIT = shutil.which("git")
pytestmark = pytest.mark.skipif(REAL_GIT is None, reason="needs the git command")
posix = pytest.mark.skipif(os.name == "nt", reason="needs file names or programs that Windows doesn't have")


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


class Repository:
    """A real one, written with plain git; every commit is a minute after the one before."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.minute = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str) -> str:
        moment = f"{1_700_000_000 + 60 * self.minute} +0000"
        environment = os.environ | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@team.example",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@team.example",
            "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_DATE": moment,
        }
        done = subprocess.run(["git", *arguments], cwd=self.folder, env=environment, capture_output=True, check=True)
        return os.fsdecode(done.stdout).strip()

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.folder / name).write_text(text)

    def commit(self, subject: str, files: dict[str, str | None] | None = None) -> str:
        for name, text in (files or {}).items():
            place = self.folder / name
            if text is None:
                place.unlink()
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8", newline="")
        self.minute += 1
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", subject)
        return self.git("rev-parse", "HEAD")

    @property
    def seen(self) -> git.Checkout:
        found = git.find(self.folder)
        assert found
        return found


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path / "team's repo")


def lock(*lines: str) -> str:
    return "".join(f"{line}\n" for line in (*lines, *(f"filler-{number}" for number in range(40))))


class TestFind:
    def test_from_the_top_and_from_a_subfolder(self, repository):
        repository.commit("one", {"services/api v2/uv.lock": "x"})
        top = git.find(repository.folder)
        assert top
        assert (top.root, top.prefix, top.shallow) == (repository.folder.resolve(), "", False)
        below = git.find(repository.folder / "services" / "api v2")
        assert below
        assert (below.root, below.prefix) == (repository.folder.resolve(), "services/api v2/")
        assert below.git_dir.samefile(repository.folder / ".git")

    def test_no_repository(self, tmp_path):
        assert git.find(tmp_path) is None

    def test_no_folder(self, tmp_path):
        with pytest.raises(ReadError, match="isn't a folder"):
            git.find(tmp_path / "missing")

    def test_bare(self, repository, tmp_path):
        first = repository.commit("one", {"uv.lock": "x"})
        repository.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
        bare = git.find(tmp_path / "bare.git")
        assert bare
        assert (bare.root, bare.prefix, bare.work_paths()) == (None, "", ())
        assert bare.commit("main") == first
        assert bare.show("main", "uv.lock") == b"x"

    def test_inside_the_git_folder(self, repository):
        first = repository.commit("one", {"uv.lock": "x"})
        found = git.find(repository.folder / ".git")
        assert found
        assert found.root is None
        assert found.commit("HEAD") == first

    def test_linked_worktree(self, repository, tmp_path):
        first = repository.commit("one", {"uv.lock": "old"})
        repository.commit("two", {"uv.lock": "new"})
        repository.git("worktree", "add", "-q", "--detach", str(tmp_path / "other tree"), first)
        found = git.find(tmp_path / "other tree")
        assert found
        assert found.root == (tmp_path / "other tree").resolve()
        assert found.commit("HEAD") == first
        assert found.show("main", "uv.lock") == b"new"

    @posix
    def test_through_a_link(self, repository, tmp_path):
        repository.commit("one", {"services/uv.lock": "x"})
        (tmp_path / "link").symlink_to(repository.folder / "services")
        found = git.find(tmp_path / "link")
        assert found
        assert (found.root, found.prefix) == (repository.folder.resolve(), "services/")

    def test_environment_that_points_elsewhere_is_ignored(self, repository, tmp_path, monkeypatch):
        first = repository.commit("one")
        other = Repository(tmp_path / "other")
        other.commit("else", {"a": "b"})
        monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
        monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
        found = git.find(repository.folder)
        assert found
        assert found.commit("HEAD") == first
        assert found.work_paths() == ()
        assert not (tmp_path / "trace").exists()

    def test_in_a_servers_hook_the_quarantine_is_seen(self, repository, tmp_path, monkeypatch):
        repository.commit("one")
        repository.git("clone", "-q", "--bare", ".", str(tmp_path / "server.git"))
        new = repository.commit("two", {"uv.lock": "pushed"})
        pushed = tmp_path / "quarantine"
        shutil.copytree(repository.folder / ".git" / "objects", pushed)
        monkeypatch.setenv("GIT_QUARANTINE_PATH", str(pushed))
        monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(pushed))
        monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(tmp_path / "server.git" / "objects"))
        server = git.find(tmp_path / "server.git")
        assert server
        assert server.show(new, "uv.lock") == b"pushed"

    def test_no_git(self, repository, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(RevisionError, match="git: isn't installed, or isn't on PATH; install it"):
            git.find(repository.folder)

    @posix
    def test_somebody_elses_repository(self, repository, tmp_path, monkeypatch):
        repository.commit("one")
        _fake_git(tmp_path, f'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {REAL_GIT} "$@"', monkeypatch)
        with pytest.raises(RevisionError, match=r"belongs to somebody else; if you trust it: git config .*safe\.directory"):
            git.find(repository.folder)


class TestCommit:
    def test_every_way_to_say_it(self, repository):
        first = repository.commit("Bump kombu")
        repository.git("tag", "-a", "v1.0", "-m", "annotated")
        second = repository.commit("Fix the tests")
        seen = repository.seen
        for revision in ("HEAD~1", "main~1", "v1.0", first, first[:10], ":/Bump", "HEAD^{/kombu}", "main@{1}", "v1.0^{commit}"):
            assert seen.commit(revision) == first, revision
        assert seen.commit("@") == second

    def test_a_tag_and_a_branch_of_one_name(self, repository):
        first = repository.commit("one")
        repository.git("tag", "release")
        repository.git("branch", "release")
        repository.git("checkout", "-q", "refs/heads/release")
        second = repository.commit("two")
        repository.git("update-ref", "refs/heads/release", second)
        assert repository.seen.commit("release") == first
        assert repository.seen.commit("refs/heads/release") == second

    def test_detached_head(self, repository):
        first = repository.commit("one")
        repository.commit("two")
        repository.git("checkout", "-q", "--detach", first)
        assert repository.seen.commit("HEAD") == first

    @pytest.mark.parametrize("revision", ["-", "--all", "--output=x", "-n1", "--upload-pack=touch x", "a\nb", "a\0b"])
    def test_options_are_refused(self, repository, revision):
        repository.commit("one")
        with pytest.raises(RevisionError, match="isn't a revision"):
            repository.seen.commit(revision)
        assert [place.name for place in repository.folder.iterdir()] == [".git"]

    @pytest.mark.parametrize("revision", ["", "  "])
    def test_nothing(self, repository, revision):
        with pytest.raises(RevisionError, match="names no commit; give a branch, a tag or a hash"):
            repository.seen.commit(revision)

    def test_unknown_with_something_like_it(self, repository):
        repository.commit("one")
        repository.git("tag", "v2.10.0")
        with pytest.raises(RevisionError, match=r"^v2\.10: names no commit here; is one of these meant: v2\.10\.0\?$"):
            repository.seen.commit("v2.10")

    def test_unknown(self, repository):
        repository.commit("one")
        with pytest.raises(RevisionError, match=r"names no commit here; fetch it \(git fetch --all --tags\) or correct"):
            repository.seen.commit("0123456789")

    def test_a_file_is_no_commit(self, repository):
        repository.commit("one", {"uv.lock": "x"})
        with pytest.raises(RevisionError, match="isn't a commit but a file or a folder"):
            repository.seen.commit("HEAD:uv.lock")

    def test_a_repository_without_commits(self, repository):
        with pytest.raises(RevisionError, match="HEAD: names no commit: the repository has none yet"):
            repository.seen.commit("HEAD")
        assert repository.seen.work_paths() == ()

    def test_shallow(self, repository, tmp_path):
        first = repository.commit("one", {"uv.lock": "1", "app.py": ""})
        second = repository.commit("two", {"uv.lock": "2"})
        third = repository.commit("three", {"uv.lock": "3"})
        repository.git("clone", "-q", "--depth=2", repository.folder.as_uri(), str(tmp_path / "shallow"))
        shallow = git.find(tmp_path / "shallow")
        assert shallow
        assert shallow.shallow
        with pytest.raises(RevisionError, match="this clone is shallow; fetch the rest: git fetch --unshallow --tags"):
            shallow.commit(first)
        # The oldest that is there looks as if it had added everything: nobody knows what it did.
        assert [(each.hash, each.paths) for each in shallow.commits(None, "HEAD")] == [(third, ("uv.lock",)), (second, ())]
        assert [touch.commit.hash for touch in shallow.touching("uv.lock")] == [third]

    def test_merge_base(self, repository):
        first = repository.commit("one")
        repository.git("checkout", "-q", "-b", "side")
        repository.commit("two", {"a": "a"})
        repository.git("checkout", "-q", "main")
        repository.commit("three", {"b": "b"})
        repository.git("checkout", "-q", "--orphan", "new")
        repository.commit("four")
        assert repository.seen.merge_base("main", "side") == first
        assert repository.seen.merge_base("main", "new") is None


NAMES = [
    "uv.lock",
    "a b/uv.lock",
    "größe/ロック.txt",
    "-option",
    "*.txt",
    "a:b",
    "@{-1}",
    ":(glob)x",
    "foo blob 12",
    "foo missing",
]


class TestWhatIsThere:
    @posix
    def test_any_name(self, repository):
        files = {name: f"text of {name}" for name in [*NAMES, "line\nfeed", 'quo"te\\', "tab\there"]}
        repository.commit("names", files)
        seen = repository.seen
        assert sorted(seen.paths("HEAD")) == sorted(files)
        assert sorted(seen.work_paths()) == sorted(files)
        assert {name: seen.show("HEAD", name) for name in files} == {name: text.encode() for name, text in files.items()}
        [commit] = seen.commits(None, "HEAD")
        assert sorted(commit.paths) == sorted(files)
        for name, text in files.items():
            [touch] = seen.touching(name)
            assert touch.after
            assert list(seen.blobs([touch.after])) == [(touch.after, text.encode())]

    @posix
    def test_names_that_are_not_utf8(self, repository):
        Path(os.fsdecode(os.fsencode(repository.folder) + b"/caf\xe9.txt")).write_text("x")
        repository.commit("latin")
        seen = repository.seen
        [path] = seen.paths("HEAD")
        assert path.encode("utf-8", "surrogateescape") == b"caf\xe9.txt"
        assert seen.show("HEAD", path) == b"x"
        assert seen.work_paths() == (path,)

    def test_what_is_not_there(self, repository):
        repository.commit("one", {"services/uv.lock": "x"})
        for path in ("uv.lock", "services", "services/uv.lock/deeper", "", "/", "../etc/passwd", "/etc/passwd", "no\nsuch"):
            assert repository.seen.show("HEAD", path) is None, path

    @posix
    def test_links_are_followed_inside_the_tree_only(self, repository):
        (repository.folder / "uv.lock").symlink_to("services/uv.lock")
        (repository.folder / "out").symlink_to("/etc/hostname")
        (repository.folder / "up").symlink_to("../../secret")
        (repository.folder / "loop").symlink_to("loop")
        (repository.folder / "gone").symlink_to("nowhere")
        repository.commit("links", {"services/uv.lock": "x"})
        seen = repository.seen
        assert seen.show("HEAD", "uv.lock") == b"x"
        assert [seen.show("HEAD", name) for name in ("out", "up", "loop", "gone")] == [None] * 4
        kinds = {entry.path: entry.kind for entry in seen.entries("HEAD")}
        assert kinds["uv.lock"] == kinds["out"] == "symlink"
        assert kinds["services/uv.lock"] == "file"

    def test_submodules_are_told_apart(self, repository, tmp_path):
        inner = Repository(tmp_path / "inner")
        inner.commit("inside", {"uv.lock": "theirs"})
        repository.commit("one", {"uv.lock": "ours"})
        repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.folder), "vendor")
        repository.commit("two")
        seen = repository.seen
        assert {entry.path: entry.kind for entry in seen.entries("HEAD")}["vendor"] == "submodule"
        assert seen.paths("HEAD") == (".gitmodules", "uv.lock")
        assert seen.work_paths() == (".gitmodules", "uv.lock")
        assert seen.show("HEAD", "vendor") is None
        assert [touch.after for touch in seen.touching("vendor")] == [None]

    def test_below_a_folder(self, repository):
        repository.commit("one", {"api/uv.lock": "1", "api/v2/uv.lock": "2", "apis/uv.lock": "3", "[a]pi/uv.lock": "4"})
        assert repository.seen.paths("HEAD", "api") == ("api/uv.lock", "api/v2/uv.lock")
        assert repository.seen.paths("HEAD", "[a]pi/") == ("[a]pi/uv.lock",)
        assert repository.seen.paths("HEAD", "nothing") == ()

    def test_the_work_tree(self, repository):
        repository.commit("one", {"kept.lock": "", "gone.lock": "", ".gitignore": "ignored.lock\n"})
        (repository.folder / "gone.lock").unlink()
        repository.write(**{"ignored.lock": "", "new.lock": ""})
        Repository(repository.folder / "nested").commit("other", {"uv.lock": ""})
        assert repository.seen.work_paths() == (".gitignore", "kept.lock", "new.lock")

    def test_from_a_subfolder_everything_is_seen_from_the_top(self, repository):
        first = repository.commit("one", {"uv.lock": "top", "sub/uv.lock": "below"})
        inside = git.find(repository.folder / "sub")
        assert inside
        assert inside.paths("HEAD") == inside.work_paths() == ("sub/uv.lock", "uv.lock")
        assert inside.show("HEAD", "uv.lock") == b"top"
        assert [commit.hash for commit in inside.commits(None, "HEAD", ["uv.lock"])] == [first]
        assert [touch.commit.hash for touch in inside.touching("uv.lock")] == [first]

    def test_a_file_that_is_too_large(self, repository):
        repository.commit("one", {"uv.lock": "x" * 3000})
        with pytest.raises(ReadError, match=r"^uv\.lock: has 0 MiB; not more than 0 MiB are read$"):
            repository.seen.show("HEAD", "uv.lock", limit=2999)
        assert repository.seen.show("HEAD", "uv.lock", limit=3000) == b"x" * 3000

    @posix
    def test_sha256(self, tmp_path):
        repository = Repository(tmp_path / "long", "--object-format=sha256")
        first = repository.commit("one", {"uv.lock": "x"})
        assert len(first) == 64
        assert repository.seen.show(first, "uv.lock") == b"x"
        [touch] = repository.seen.touching("uv.lock")
        assert (touch.before, touch.commit.hash) == ((None,), first)


class TestBlobs:
    def test_each_once_and_in_order(self, repository):
        repository.commit("one", {"a": "first\n", "b": "second", "c": ""})
        ids = {entry.path: entry.id for entry in repository.seen.entries("HEAD")}
        asked = [ids["b"], ids["a"], ids["b"], ids["c"]]
        assert list(repository.seen.blobs(asked)) == [(ids["b"], b"second"), (ids["a"], b"first\n"), (ids["c"], b"")]
        assert list(repository.seen.blobs([])) == []

    def test_stopping_early_leaves_nothing_behind(self, repository):
        repository.commit("one", {"a": "x" * 500_000, "b": "y"})
        blobs = repository.seen.blobs([entry.id for entry in repository.seen.entries("HEAD")])
        next(blobs)
        blobs.close()

    def test_one_that_is_missing(self, repository):
        repository.commit("one", {"a": "x"})
        with pytest.raises(ReadError, match="isn't in this repository"):
            list(repository.seen.blobs(["1" * 40]))

    def test_one_that_is_damaged(self, repository):
        repository.commit("one", {"a": "x"})
        [entry] = repository.seen.entries("HEAD")
        place = repository.folder / ".git" / "objects" / entry.id[:2] / entry.id[2:]
        place.chmod(stat.S_IRWXU)
        place.write_bytes(b"rubbish")
        with pytest.raises(ReadError):
            list(repository.seen.blobs([entry.id]))
        with pytest.raises(ReadError):
            repository.seen.show("HEAD", "a")


@posix
class TestContents:
    def test_many_questions_to_one_git(self, repository):
        first = repository.commit("one", {"a\nb/c d": "odd", "uv.lock": "old", "e/f": ""})
        second = repository.commit("two", {"uv.lock": "new"})
        with repository.seen.contents() as contents:
            for _ in range(2):
                assert contents.show(first, "uv.lock") == b"old"
                assert contents.show(f"{second}^1", "uv.lock") == b"old"
                assert contents.show(second, "a\nb/c d") == b"odd"
                assert contents.show(second, "e/f") == b""
                assert contents.show(second, "./e/../uv.lock") == b"new"
                for missing in ("e", "e/g", "uv.lock/x", "a\nb", "a\nb/c", "nowhere/x"):
                    assert contents.show(second, missing) is None, missing

    def test_a_commit_that_is_not_there(self, repository):
        repository.commit("one", {"uv.lock": "x"})
        with repository.seen.contents() as contents, pytest.raises(ReadError, match="isn't in this repository"):
            contents.show("1" * 40, "uv.lock")

    def test_a_commit_instead_of_a_blob(self, repository):
        first = repository.commit("one", {"uv.lock": "x"})
        with repository.seen.contents() as contents, pytest.raises(ReadError, match="isn't in this repository"):
            contents.blob(first)

    def test_the_clock_only_runs_while_git_is_asked(self, repository, monkeypatch):
        monkeypatch.setattr(command, "TIMEOUT", 0.2)
        repository.commit("one", {"uv.lock": "x"})
        with repository.seen.contents() as contents:
            time.sleep(0.4)
            assert contents.show("HEAD", "uv.lock") == b"x"


class TestCommits:
    def test_a_range(self, repository):
        base = repository.commit("one", {"uv.lock": "1"})
        repository.commit("Bump kombu — ü", {"uv.lock": "2", "app/tasks.py": "x"})
        repository.commit("", {"Dockerfile": "FROM x"})
        commits = repository.seen.commits(base, "HEAD")
        assert [(each.subject, each.paths) for each in commits] == [
            ("", ("Dockerfile",)),
            ("Bump kombu — ü", ("app/tasks.py", "uv.lock")),
        ]
        assert commits[1].author == "Ada"
        assert commits[1].date == datetime.fromtimestamp(1_700_000_120, UTC)
        assert repository.seen.commits("HEAD", base) == ()
        assert len(repository.seen.commits(base, "HEAD", limit=1)) == 1

    def test_of_some_paths(self, repository):
        repository.commit("one", {"api/uv.lock": "1", "web/uv.lock": "1"})
        second = repository.commit("two", {"api/uv.lock": "2", "app.py": "2"})
        repository.commit("three", {"web/uv.lock": "2"})
        [commit] = repository.seen.commits("HEAD~2", "HEAD", ["api"])
        assert (commit.hash, commit.paths) == (second, ("api/uv.lock",))

    def test_a_move_touches_both_places(self, repository):
        repository.commit("one", {"uv.lock": lock("a")})
        repository.commit("two", {"uv.lock": None, "api/uv.lock": lock("a")})
        assert repository.seen.commits("HEAD~1", "HEAD")[0].paths == ("api/uv.lock", "uv.lock")

    def test_merges_say_only_what_they_changed_themselves(self, repository):
        base = repository.commit("base", {"uv.lock": "1", "a": "1", "b": "1"})
        repository.git("checkout", "-q", "-b", "side")
        repository.commit("side", {"a": "2", "uv.lock": "side"})
        repository.git("checkout", "-q", "main")
        repository.commit("main", {"b": "2", "uv.lock": "main"})
        repository.git("merge", "-q", "--no-commit", "-s", "ours", "side")
        repository.commit("merged", {"a": "2", "uv.lock": "both"})
        told = {each.subject: each.paths for each in repository.seen.commits(base, "HEAD")}
        assert told == {"merged": ("uv.lock",), "main": ("b", "uv.lock"), "side": ("a", "uv.lock")}

    @pytest.mark.parametrize(("seconds", "year"), [("99999999999999999", 9999), ("0", 1970)])
    def test_odd_times(self, repository, seconds, year):
        first = repository.commit("one")
        raw = repository.git("cat-file", "commit", first)
        bent = "\n".join(
            line.rsplit(" ", 2)[0] + f" {seconds} +0000" if line.startswith("committer") else line for line in raw.split("\n")
        )
        (repository.folder / "raw").write_text(bent + "\n", newline="")
        strange = repository.git("hash-object", "-t", "commit", "-w", "--literally", "raw")
        [commit] = repository.seen.commits(None, strange)
        assert commit.date.year == year

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=200))
    def test_whatever_a_log_holds_is_taken_apart(self, out):
        for commit, listed in log.records(out):
            assert all(listed)
            assert list(log.touches([(commit, listed)], "x")) is not None


class TestRenames:
    def test_of_locks(self, repository):
        repository.commit("one", {"uv.lock": lock("a==1"), "other.lock": lock("x", "y", "z"), "app.py": "print()\n" * 50})
        repository.commit(
            "two", {"uv.lock": None, "services/api/uv.lock": lock("a==2"), "app.py": None, "main.py": "print()\n" * 50}
        )
        seen = repository.seen
        assert seen.renames("HEAD~1", "HEAD") == {"services/api/uv.lock": "uv.lock", "main.py": "app.py"}
        assert seen.renames("HEAD~1", "HEAD", ["uv.lock", "services/api/uv.lock"]) == {"services/api/uv.lock": "uv.lock"}
        assert seen.renames("HEAD", "HEAD") == {}


class TestTouching:
    def told(self, repository, path, **options):
        return [(touch.commit.subject, touch.path) for touch in repository.seen.touching(path, **options)]

    def test_newest_first_with_the_blobs_of_both_sides(self, repository):
        repository.commit("one", {"uv.lock": "1"})
        repository.commit("unrelated", {"app.py": "x"})
        repository.commit("two", {"uv.lock": "2"})
        repository.commit("gone", {"uv.lock": None})
        repository.commit("again", {"uv.lock": "3"})
        touches = list(repository.seen.touching("uv.lock"))
        assert [touch.commit.subject for touch in touches] == ["again", "gone", "two", "one"]
        ids = [blob for touch in touches for blob in (*touch.before, touch.after) if blob]
        texts = dict(repository.seen.blobs(ids))
        sides = [(touch.before[0] and texts[touch.before[0]], touch.after and texts[touch.after]) for touch in touches]
        assert sides == [(None, b"3"), (b"2", None), (b"1", b"2"), (None, b"1")]

    def test_since(self, repository):
        repository.commit("one", {"uv.lock": "1"})
        repository.commit("two", {"uv.lock": "2"})
        repository.commit("three", {"uv.lock": "3"})
        assert self.told(repository, "uv.lock", since="HEAD~1") == [("three", "uv.lock")]
        assert self.told(repository, "uv.lock", head="HEAD~1", since="HEAD~2") == [("two", "uv.lock")]

    def test_renames_are_followed(self, repository):
        repository.commit("one", {"uv.lock": lock("a==1")})
        repository.commit("two", {"uv.lock": lock("a==2")})
        repository.commit("moved", {"uv.lock": None, "api/uv.lock": lock("a==2")})
        repository.commit("moved and changed", {"api/uv.lock": None, "services/uv.lock": lock("a==3")})
        repository.commit("three", {"services/uv.lock": lock("a==4")})
        touches = list(repository.seen.touching("services/uv.lock"))
        assert [(touch.commit.subject, touch.path, touch.renamed) for touch in touches] == [
            ("three", "services/uv.lock", None),
            ("moved and changed", "services/uv.lock", "api/uv.lock"),
            ("moved", "api/uv.lock", "uv.lock"),
            ("two", "uv.lock", None),
            ("one", "uv.lock", None),
        ]
        for newer, older in pairwise(touches):
            assert newer.before == (older.after,)

    def test_moved_back_and_forth(self, repository):
        repository.commit("one", {"a.lock": lock("a==1")})
        repository.commit("there", {"a.lock": None, "b.lock": lock("a==1")})
        repository.commit("back", {"b.lock": None, "a.lock": lock("a==1")})
        assert self.told(repository, "a.lock") == [
            ("back", "a.lock"),
            ("there", "a.lock"),
            ("one", "a.lock"),
            ("there", "b.lock"),
        ]

    def test_side_branches_and_merges(self, repository):
        repository.commit("base", {"uv.lock": lock("a==1", "b==1")})
        repository.git("checkout", "-q", "-b", "side")
        repository.commit("bump b", {"uv.lock": lock("a==1", "b==2")})
        repository.git("checkout", "-q", "main")
        repository.commit("bump a", {"uv.lock": lock("a==2", "b==1")})
        repository.git("merge", "-q", "--no-commit", "-s", "ours", "side")
        repository.commit("merge", {"uv.lock": lock("a==2", "b==2")})
        touches = {touch.commit.subject: touch for touch in repository.seen.touching("uv.lock")}
        assert touches.keys() == {"merge", "bump a", "bump b", "base"}
        assert set(touches["merge"].before) == {touches["bump a"].after, touches["bump b"].after}
        assert touches["bump a"].before == touches["bump b"].before == (touches["base"].after,)

    def test_never_there(self, repository):
        repository.commit("one")
        assert self.told(repository, "uv.lock") == []


def _fake_git(folder: Path, script: str, monkeypatch) -> None:
    place = folder / "bin" / "git"
    place.parent.mkdir()
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place.parent}{os.pathsep}{os.environ['PATH']}")


@posix
class TestHostile:
    def test_nothing_of_the_repository_is_executed(self, repository, tmp_path):
        trap = tmp_path / "trap.sh"
        trap.write_text(f'#!/bin/sh\necho "$0 $@" >> "{tmp_path}/sprung"\ncat\n')
        trap.chmod(0o755)
        texts = {"uv.lock": lock("a==1"), ".gitattributes": "* filter=evil diff=evil merge=evil\n"}
        first = repository.commit("one", texts)
        repository.commit("two", {"uv.lock": None, "sub/uv.lock": lock("a==2")})
        for key in (
            "core.fsmonitor",
            "core.pager",
            "core.sshCommand",
            "core.editor",
            "core.askPass",
            "diff.external",
            "diff.evil.textconv",
            "diff.evil.command",
            "filter.evil.clean",
            "filter.evil.smudge",
            "filter.evil.process",
            "gpg.program",
            "pager.log",
            "alias.log",
            "credential.helper",
            "uploadpack.packObjectsHook",
        ):
            repository.git("config", key, str(trap))
        repository.git("config", "log.showSignature", "true")
        repository.git("config", "core.hooksPath", str(tmp_path))
        repository.git("config", "diff.evil.cachetextconv", "true")
        signed = repository.git("cat-file", "commit", "HEAD").replace("\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n\n", 1)
        (tmp_path / "raw").write_text(signed + "\n")
        head = repository.git("hash-object", "-t", "commit", "-w", "--no-filters", "--literally", str(tmp_path / "raw"))
        (tmp_path / "sprung").unlink(missing_ok=True)
        repository.git("status")
        repository.git("log", "-p", head)
        assert (tmp_path / "sprung").read_text().count("\n") > 1, "the traps must be real ones"
        (tmp_path / "sprung").unlink()

        seen = repository.seen
        assert seen.commit(head) == head
        assert seen.paths(head) == (".gitattributes", "sub/uv.lock")
        assert seen.work_paths() == (".gitattributes", "sub/uv.lock")
        assert seen.show(head, "sub/uv.lock") == lock("a==2").encode()
        assert len(seen.commits(None, head)) == 2
        assert seen.renames(first, head) == {"sub/uv.lock": "uv.lock"}
        touches = list(seen.touching("sub/uv.lock", head=head))
        assert [touch.path for touch in touches] == ["sub/uv.lock", "uv.lock"]
        assert len(list(seen.blobs([touch.after for touch in touches if touch.after]))) == 2
        assert seen.merge_base(first, head) == first
        assert not (tmp_path / "sprung").exists()

    def test_settings_that_bend_the_log_change_nothing(self, repository):
        repository.commit("one", {"b/uv.lock": lock("a==1"), "a.py": "x"})
        repository.commit("two", {"b/uv.lock": None, "c/uv.lock": lock("a==1")})
        inside = git.find(repository.folder / "c")
        assert inside
        before = inside.commits(None, "HEAD"), list(inside.touching("c/uv.lock")), inside.renames("HEAD~1", "HEAD")
        for key, value in {
            "log.follow": "true",
            "log.showRoot": "false",
            "log.diffMerges": "off",
            "log.mailmap": "true",
            "log.decorate": "full",
            "log.abbrevCommit": "true",
            "format.pretty": "oneline",
            "diff.relative": "true",
            "diff.noprefix": "true",
            "diff.renames": "copies",
            "color.ui": "always",
            "color.diff": "always",
            "core.quotePath": "true",
            "core.abbrev": "4",
            "i18n.logOutputEncoding": "UTF-16",
            "notes.displayRef": "*",
        }.items():
            repository.git("config", key, value)
        assert (inside.commits(None, "HEAD"), list(inside.touching("c/uv.lock")), inside.renames("HEAD~1", "HEAD")) == before

    def test_what_a_partial_clone_lacks_is_not_fetched(self, repository, tmp_path):
        repository.commit("one", {"uv.lock": "1"})
        repository.git("config", "uploadpack.allowFilter", "true")
        repository.git("clone", "-q", "--bare", "--filter=blob:none", repository.folder.as_uri(), str(tmp_path / "partial"))
        partial = git.find(tmp_path / "partial")
        assert partial
        trap = tmp_path / "trap.sh"
        trap.write_text(f'#!/bin/sh\ntouch "{tmp_path}/sprung"\n')
        trap.chmod(0o755)
        subprocess.run(["git", "config", "remote.origin.uploadpack", str(trap)], cwd=partial.git_dir, check=True)
        [touch] = partial.touching("uv.lock")
        assert touch.after
        for asked in (lambda: list(partial.blobs([touch.after])), lambda: partial.show("HEAD", "uv.lock")):
            with pytest.raises(ReadError, match=r"partial.*fetch the rest: git fetch --refetch --no-filter"):
                asked()
        assert not (tmp_path / "sprung").exists()
        subprocess.run(["git", "config", "--unset", "remote.origin.uploadpack"], cwd=partial.git_dir, check=True)
        # the way out is one: without --no-filter git fetches as little as before
        subprocess.run(["git", "fetch", "-q", "--refetch", "--no-filter", "origin"], cwd=partial.git_dir, check=True)
        assert partial.show("HEAD", "uv.lock") == b"1"

    @pytest.mark.parametrize("script", ["sleep 60", "exec sleep 60", "sleep 60 & exit 0", "yes", "yes >&2"])
    def test_a_git_that_hangs(self, repository, tmp_path, monkeypatch, script):
        repository.commit("one", {"uv.lock": "1"})
        seen = repository.seen
        _fake_git(tmp_path, script, monkeypatch)
        monkeypatch.setattr(command, "TIMEOUT", 0.3)
        monkeypatch.setattr(command, "LARGEST_ANSWER", 100_000)
        with pytest.raises(ReadError, match=r"had no answer within|answered more than"):
            seen.commit("HEAD")
        if script != "yes":
            with pytest.raises(ReadError, match="had no answer within"):
                list(seen.blobs(["1" * 40]))

    def test_a_git_that_talks_nonsense(self, repository, tmp_path, monkeypatch):
        repository.commit("one", {"uv.lock": "1"})
        seen = repository.seen
        _fake_git(tmp_path, "echo 'fatal: \033[31mno\007 way' >&2; exit 128", monkeypatch)
        for attempt in (
            lambda: seen.commits(None, "1" * 40),
            lambda: seen.paths("1" * 40),
            lambda: list(seen.blobs(["1" * 40])),
            lambda: seen.show("1" * 40, "uv.lock"),
            lambda: seen.work_paths(),
        ):
            with pytest.raises(RevisionError, match=r"git says: \?\[31mno\? way"):
                attempt()

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(max_size=30))
    def test_any_revision_is_a_commit_or_one_clear_error(self, repository, revision):
        if not (repository.folder / "a").exists():
            repository.commit("one", {"a": "x"})
        try:
            answer = repository.seen.commit(revision)
        except RevisionError as error:
            answer = str(error)
        assert len(answer.replace(revision, "").splitlines()) < 2
