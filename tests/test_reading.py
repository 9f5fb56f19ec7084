"""`read` and `diff` on real repositories: files, folders, revisions, ranges, several locks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import lockblame
from lockblame.errors import LockParseError, ReadError, RevisionError
from tests.repositories import commit, git, start

OLD = "celery==5.3.1\n    # via -r requirements.in\nkombu==5.3.1\n    # via celery\n"
NEW = "celery==5.3.4\n    # via -r requirements.in\nkombu==5.3.2\n    # via celery\n"
SPACED = "services/order desk/requirements.txt"


def versions(snapshot, name="kombu"):
    return [pin.version for pin in snapshot.get(name)]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    folder = start(tmp_path / "a project")
    commit(folder, {"requirements.txt": OLD, "README.md": "x"}, "v1")
    commit(folder, {"requirements.txt": NEW}, "v2")
    monkeypatch.chdir(folder)
    return folder


class TestOneLock:
    @pytest.mark.parametrize(
        ("source", "version"),
        [("v1", "5.3.1"), ("v2:requirements.txt", "5.3.2"), ("HEAD~1", "5.3.1"), ("requirements.txt", "5.3.2"), (".", "5.3.2")],
    )
    def test_each_way_to_name_it(self, repository, source, version):
        assert versions(lockblame.read(source)) == [version]

    def test_path_at_a_revision(self, repository):
        assert versions(lockblame.read("requirements.txt", at="v1")) == ["5.3.1"]
        assert versions(lockblame.read(repository / "requirements.txt", at="v1")) == ["5.3.1"]

    def test_text_with_a_format(self):
        assert versions(lockblame.read(OLD, format="requirements")) == ["5.3.1"]
        assert versions(lockblame.read(OLD.encode(), format="requirements")) == ["5.3.1"]

    def test_a_snapshot_is_itself(self, repository):
        snapshot = lockblame.read("v1")
        assert lockblame.read(snapshot) is snapshot

    def test_another_repository_than_the_current_folder(self, repository, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert versions(lockblame.read("v1", repository=repository)) == ["5.3.1"]
        assert [change.name for change in lockblame.diff("v1..v2", repository=repository)] == ["celery", "kombu"]

    def test_the_working_tree_counts_as_it_lies_there(self, repository):
        (repository / "requirements.txt").write_text(OLD)
        assert versions(lockblame.read(".")) == ["5.3.1"]
        assert [change.new for change in lockblame.diff("HEAD").get("kombu")] == ["5.3.1"]
        assert git(repository, "status", "--porcelain") == "M requirements.txt"

    @pytest.mark.parametrize(
        "pair", [("v1..v2",), ("v1..",), ("v1...v2",), ("v1", "v2"), ("v1:requirements.txt",), ("v1", "requirements.txt")]
    )
    def test_each_way_to_name_both(self, repository, pair):
        (change,) = lockblame.diff(*pair).get("kombu")
        assert (change.old, change.new, change.kind, change.step, change.direct) == ("5.3.1", "5.3.2", "upgraded", "micro", False)
        assert change.paths_after == (("app", "celery", "kombu"),)

    def test_includes_come_from_the_same_revision(self, repository):
        commit(repository, {"requirements.txt": "-r base.txt\n", "base.txt": OLD}, "v3")
        commit(repository, {"base.txt": NEW}, "v4")
        assert versions(lockblame.read("v3:requirements.txt")) == ["5.3.1"]
        assert versions(lockblame.read("v4:requirements.txt")) == ["5.3.2"]


class TestPlaces:
    def test_worktree_bare_and_shallow(self, repository, tmp_path):
        git(repository, "worktree", "add", "--quiet", str(tmp_path / "tree"), "v1")
        git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
        git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")
        assert versions(lockblame.read(".", repository=tmp_path / "tree")) == ["5.3.1"]
        for place in ("tree", "bare.git"):
            assert versions(lockblame.read("v1", repository=tmp_path / place)) == ["5.3.1"]
        assert versions(lockblame.read("HEAD", repository=tmp_path / "shallow")) == ["5.3.2"]
        with pytest.raises(RevisionError, match="shallow"):
            lockblame.read("HEAD~1", repository=tmp_path / "shallow")

    def test_subfolder_and_spaces(self, repository, monkeypatch):
        commit(repository, {SPACED: OLD, "services/other/requirements.txt": NEW}, "v3")
        monkeypatch.chdir(repository / "services" / "order desk")
        assert lockblame.read("v3").path == SPACED
        for source in (f"v3:{SPACED}", "v3:./requirements.txt", "requirements.txt", "."):
            assert versions(lockblame.read(source)) == ["5.3.1"], source

    def test_a_folder_of_a_revision(self, repository):
        commit(repository, {SPACED: OLD}, "v3")
        assert lockblame.read("v3:services").path == SPACED

    def test_a_plain_folder_without_git(self, tmp_path):
        (tmp_path / "plain").mkdir()
        (tmp_path / "plain" / "requirements.txt").write_text(OLD)
        assert versions(lockblame.read(tmp_path / "plain")) == ["5.3.1"]


class TestSeveralLocks:
    @pytest.fixture
    def monorepo(self, repository):
        commit(repository, {"requirements.txt": None, "a/requirements.txt": OLD, "b/requirements.txt": OLD}, "m1")
        commit(repository, {"b/requirements.txt": NEW}, "m2")
        commit(repository, {"b/requirements.txt": None, "c/requirements.txt": NEW}, "m3")
        return repository

    def test_all_of_them_each_named(self, monorepo):
        snapshot = lockblame.read("m1")
        assert [part.path for part in snapshot.parts] == ["a/requirements.txt", "b/requirements.txt"]
        assert len(snapshot) == 4

    def test_matched_by_path(self, monorepo):
        delta = lockblame.diff("m1..m2")
        assert {(change.lock, change.name) for change in delta} == {
            ("b/requirements.txt", "celery"),
            ("b/requirements.txt", "kombu"),
        }
        assert [len(part) for part in delta.parts] == [0, 2]

    def test_renames_are_followed(self, monorepo):
        assert not lockblame.diff("m2..m3").changes

    def test_one_that_is_named_is_compared_with_its_like(self, monorepo):
        assert len(lockblame.diff("m1", "m2:b/requirements.txt")) == 2

    def test_which_one_is_meant_has_to_be_clear(self, monorepo):
        with pytest.raises(ReadError, match=r"a/requirements.txt, b/requirements.txt"):
            lockblame.diff("m1", "m3:c/requirements.txt")

    def test_a_broken_one_is_a_gap_and_the_others_count(self, monorepo):
        commit(monorepo, {"a/uv.lock": "version = 1\n<<<<<<< HEAD\n=======\n>>>>>>> x\n"}, "m4")
        snapshot = lockblame.read("m4")
        (gap,) = [gap for gap in snapshot.gaps if gap.subject == "a/uv.lock"]
        assert "conflict" in gap.detail
        assert len(snapshot.parts) == 2


class TestRefusals:
    @pytest.mark.parametrize("revision", ["--output=x", "-h", "--all..HEAD", "v1..--exec=x"])
    def test_an_option_is_no_revision(self, repository, revision):
        with pytest.raises(ReadError):
            lockblame.diff(revision, None if ".." in revision else "v2")
        assert not (repository / "x").exists()

    @pytest.mark.parametrize("source", ["nonsense", "v9", "v1:nothing.txt", "", "nonsense.lock", "v1:../outside", "a\0b"])
    def test_what_is_not_there(self, repository, source):
        with pytest.raises(ReadError) as caught:
            lockblame.read(source)
        assert "\n" not in str(caught.value)

    def test_a_file_outside_of_a_repository(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ReadError, match="no such file"):
            lockblame.read("uv.lock")

    def test_a_broken_lock_that_was_named(self, repository):
        commit(repository, {"uv.lock": "version = 1\n[[package]\n"}, "v3")
        with pytest.raises(LockParseError) as caught:
            lockblame.read("v3:uv.lock")
        assert "uv.lock" in str(caught.value)

    def test_a_revision_without_a_lock(self, repository):
        commit(repository, {"requirements.txt": None}, "v3")
        with pytest.raises(ReadError, match="no lock"):
            lockblame.read("v3")

    def test_histories_without_a_common_commit(self, repository):
        git(repository, "checkout", "--quiet", "--orphan", "lonely")
        commit(repository, {"requirements.txt": NEW})
        with pytest.raises(RevisionError, match="in common"):
            lockblame.diff("main...lonely")


def test_a_live_environment_is_compared_with_its_lock(tmp_path):
    """The environment that runs the tests, without running it: this very package is not in the lock."""
    lock = lockblame.read("nothing==1\n", format="requirements")
    for place in (Path(sys.prefix), Path(sys.executable)):
        installed = lockblame.read(place)
        assert installed.format == "installed"
        assert installed.get("pytest")[0].version == pytest.__version__
        assert [change.kind for change in lockblame.diff(lock, installed).get("pytest")] == ["added"]


def test_two_formats_compare(repository: Path):
    lock = (
        'version = 1\n[[package]]\nname = "desk"\nversion = "1"\nsource = { editable = "." }\n'
        'dependencies = [{ name = "celery" }]\n'
        '[[package]]\nname = "celery"\nversion = "5.3.4"\nsource = { registry = "https://index.example/simple" }\n'
        'dependencies = [{ name = "kombu" }]\n'
        '[[package]]\nname = "kombu"\nversion = "5.3.2"\nsource = { registry = "https://index.example/simple" }\n'
    )
    commit(repository, {"requirements.txt": None, "uv.lock": lock}, "v3")
    delta = lockblame.diff("v1..v3")
    assert [(change.name, change.kind) for change in delta] == [("celery", "upgraded"), ("kombu", "upgraded")]
    assert delta.get("kombu")[0].paths_after == (("desk", "celery", "kombu"),)


class TestBelowTheTop:
    """A lock in a subfolder, asked about from the top and from inside."""

    @pytest.fixture
    def deep(self, repository):
        commit(repository, {"requirements.txt": None, SPACED: OLD}, "d1", "Older")
        commit(repository, {SPACED: NEW}, "d2", "Newer")
        return repository

    @pytest.mark.parametrize("inside", [False, True])
    def test_history_finds_it(self, deep, monkeypatch, inside):
        monkeypatch.chdir(deep / "services" / "order desk" if inside else deep)
        for path in ("requirements.txt" if inside else SPACED, None, deep / SPACED):
            found = list(lockblame.history(path, package="kombu"))
            assert found[0].commit.subject == "Newer", path

    @pytest.mark.parametrize("inside", [False, True])
    def test_blame_names_the_commit(self, deep, monkeypatch, inside):
        monkeypatch.chdir(deep / "services" / "order desk" if inside else deep)
        report = lockblame.blame("d1..d2", symptom="slow", offline=True)
        assert {suspect.commits[0].subject for suspect in report.suspects} == {"Newer"}


def test_head_of_a_bare_repository_is_a_revision(repository, tmp_path, monkeypatch):
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    monkeypatch.chdir(tmp_path / "bare.git")
    assert versions(lockblame.read("HEAD")) == ["5.3.2"]
    assert len(lockblame.diff("HEAD~1", "HEAD")) == 2
