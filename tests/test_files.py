from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockblame import files
from lockblame.errors import ReadError

posix = pytest.mark.skipif(os.name == "nt", reason="needs links, pipes or permissions that Windows doesn't have")
not_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may read everything")


class TestRead:
    def test_bytes_as_they_are(self, tmp_path):
        (tmp_path / "a b").write_bytes(b"\xff\xfe\r\n\0")
        assert files.read(tmp_path / "a b") == b"\xff\xfe\r\n\0"

    def test_missing_with_something_like_it(self, tmp_path):
        (tmp_path / "uv.lock").touch()
        with pytest.raises(ReadError, match=r"uv\.lok: doesn't exist; is one of these meant: uv\.lock\?$"):
            files.read(tmp_path / "uv.lok")

    def test_missing_without(self, tmp_path):
        with pytest.raises(ReadError, match="doesn't exist; correct the name"):
            files.read(tmp_path / "uv.lock")
        with pytest.raises(ReadError, match=r"doesn't exist; its folder, .*nowhere, doesn't either"):
            files.read(tmp_path / "nowhere" / "uv.lock")

    def test_a_folder(self, tmp_path):
        with pytest.raises(ReadError, match="is a folder; name a file in it"):
            files.read(tmp_path)

    def test_too_large(self, tmp_path):
        (tmp_path / "uv.lock").write_bytes(b"x" * 11)
        with pytest.raises(ReadError, match="is too large"):
            files.read(tmp_path / "uv.lock", limit=10)
        assert files.read(tmp_path / "uv.lock", limit=11) == b"x" * 11

    @posix
    def test_special_files(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path / "pipe", Path("/dev/zero")):
            with pytest.raises(ReadError, match="is neither a file nor a folder"):
                files.read(path)

    @posix
    @pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="needs /dev/fd")
    def test_what_a_shell_substitutes(self):
        read_end, write_end = os.pipe()
        os.write(write_end, b"kombu==5.3.2\n")
        os.close(write_end)
        try:
            assert files.read(Path(f"/dev/fd/{read_end}")) == b"kombu==5.3.2\n"
        finally:
            os.close(read_end)

    @posix
    @not_root
    def test_forbidden(self, tmp_path):
        (tmp_path / "uv.lock").touch(mode=0o000)
        with pytest.raises(ReadError, match="may not be read"):
            files.read(tmp_path / "uv.lock")

    @pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "file/below"])
    def test_names_that_no_file_can_have(self, tmp_path, name):
        (tmp_path / "file").touch()
        with pytest.raises(ReadError, match=r"can't be read|doesn't exist"):
            files.read(tmp_path / name)


class TestListing:
    def test_everything_but_other_peoples_code(self, tmp_path):
        for name in (
            "uv.lock",
            "services/a b/uv.lock",
            ".hidden/poetry.lock",
            ".git/uv.lock",
            "web/node_modules/x/uv.lock",
            "env/pyvenv.cfg",
            "env/lib/requirements.txt",
            "a/__pycache__/b.pyc",
        ):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        assert files.listing(tmp_path) == (".hidden/poetry.lock", "services/a b/uv.lock", "uv.lock")

    def test_an_environment_itself_may_be_listed(self, tmp_path):
        (tmp_path / "pyvenv.cfg").touch()
        assert files.listing(tmp_path) == ("pyvenv.cfg",)

    @posix
    def test_links(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "uv.lock").touch()
        (tmp_path / "real" / "loop").symlink_to(tmp_path)
        (tmp_path / "linked.lock").symlink_to("real/uv.lock")
        (tmp_path / "broken.lock").symlink_to("nowhere")
        (tmp_path / "self").symlink_to("self")
        os.mkfifo(tmp_path / "pipe")
        assert files.listing(tmp_path) == ("linked.lock", "real/uv.lock")

    def test_no_folder(self, tmp_path):
        (tmp_path / "uv.lock").touch()
        with pytest.raises(ReadError, match="isn't a folder"):
            files.listing(tmp_path / "uv.lock")
        with pytest.raises(ReadError, match="doesn't exist"):
            files.listing(tmp_path / "nowhere")

    def test_too_many(self, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "MOST", 2)
        for name in "abc":
            (tmp_path / name).touch()
        with pytest.raises(ReadError, match="has more than 2 files; name the lock itself"):
            files.listing(tmp_path)

    def test_a_folder_without_bottom(self, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "DEEPEST", 3)
        (tmp_path / "1" / "2" / "3" / "4").mkdir(parents=True)
        (tmp_path / "1" / "2" / "3" / "near").touch()
        (tmp_path / "1" / "2" / "3" / "4" / "far").touch()
        assert files.listing(tmp_path) == ("1/2/3/near",)


class TestOpener:
    def test_inside(self, tmp_path):
        (tmp_path / "requirements").mkdir()
        (tmp_path / "requirements" / "base.txt").write_bytes(b"kombu")
        opened = files.opener(tmp_path)
        assert opened("requirements/base.txt") == b"kombu"
        assert opened("requirements/../requirements/base.txt") == b"kombu"

    def test_what_is_no_file(self, tmp_path):
        (tmp_path / "file").touch()
        opened = files.opener(tmp_path)
        for path in ("missing", "file/below", "", ".", "a\0b"):
            assert opened(path) is None, path

    @posix
    def test_it_never_leaves_its_folder(self, tmp_path):
        inside, outside = tmp_path / "project", tmp_path / "project-secrets"
        inside.mkdir()
        outside.mkdir()
        (outside / "secret").write_text("secret")
        (inside / "link").symlink_to(outside / "secret")
        (inside / "folder").symlink_to(outside)
        (inside / "loop").symlink_to("loop")
        os.mkfifo(inside / "pipe")
        opened = files.opener(inside)
        paths = ("../project-secrets/secret", str(outside / "secret"), "link", "folder/secret", "/etc/passwd", "pipe", "loop")
        assert [opened(path) for path in paths] == [None] * len(paths)

    @posix
    def test_links_inside_are_fine(self, tmp_path):
        (tmp_path / "real").write_bytes(b"x")
        (tmp_path / "link").symlink_to("real")
        (tmp_path / "way in").symlink_to(tmp_path)
        assert files.opener(tmp_path)("link") == b"x"
        assert files.opener(tmp_path / "way in")("real") == b"x"

    def test_too_large(self, tmp_path):
        (tmp_path / "a").write_bytes(b"xx")
        with pytest.raises(ReadError, match="is too large"):
            files.opener(tmp_path, limit=1)("a")


class TestWriteAll:
    def test_new_folder_and_text_as_it_is(self, tmp_path):
        folder = tmp_path / "evidence" / "1"
        files.write_all(folder, {"issues.jsonl": "ü\r\n\n", "notes/kombu.md": ""})
        assert (folder / "issues.jsonl").read_bytes() == "ü\r\n\n".encode()
        assert files.listing(folder) == ("issues.jsonl", "notes/kombu.md")

    def test_existing_files_are_replaced(self, tmp_path):
        (tmp_path / "a").write_text("old")
        files.write_all(tmp_path, {"a": "new"})
        assert (tmp_path / "a").read_text() == "new"

    @pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
    @pytest.mark.parametrize("mode", [0o600, 0o444, 0o755])
    def test_permissions_stay_as_they_were(self, tmp_path, mode):
        (tmp_path / "a").write_text("old")
        (tmp_path / "a").chmod(mode)
        files.write_all(tmp_path, {"a": "new", "b": "new"})
        assert (tmp_path / "a").read_text() == "new"
        assert (tmp_path / "a").stat().st_mode & 0o777 == mode
        assert [place.name for place in tmp_path.iterdir() if place.name.startswith(".")] == []

    @pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "", "."])
    def test_names_that_lead_out_leave_everything_as_it_was(self, tmp_path, name):
        folder = tmp_path / "inside"
        with pytest.raises(ReadError, match=r"is no name for a file|can't be written"):
            files.write_all(folder, {"good": "x", name: "y"})
        assert [place for place in tmp_path.rglob("*") if place.is_file()] == []

    def test_what_cannot_be_written(self, tmp_path):
        (tmp_path / "file").write_text("kept")
        with pytest.raises(ReadError, match="can't be written to"):
            files.write_all(tmp_path / "file", {"a": "x"})
        with pytest.raises(ReadError, match="can't be written to"):
            files.write_all(tmp_path, {"a": "x", "file/b": "y"})
        assert files.listing(tmp_path) == ("file",)
