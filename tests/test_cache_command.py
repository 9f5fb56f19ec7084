"""`lockblame cache`, and the options that say how to ask upstream."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import pytest

from lockblame.cli import main
from lockblame.commands.asking import arguments, asking, duration
from lockblame.progress import SILENT
from tests.scene import scene
from tests.servers.loopback import Answer


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCKBLAME_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def said(capsys, *given: str) -> str:
    assert main(list(given)) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


class TestCache:
    def test_info_of_one_that_is_not_there(self, folder: Path, capsys):
        told = json.loads(said(capsys, "cache", "info", "--format", "json"))
        assert told == {"schema": 1, "folder": str(folder), "bytes": 0, "entries": 0, "bound": 256 * 2**20}
        assert not folder.exists()

    def test_info_and_clear_of_what_a_run_kept(self, tmp_path: Path, monkeypatch, capsys):
        with scene(tmp_path) as stage:
            stage.here(monkeypatch, capsys)
            before = json.loads(said(capsys, "cache", "info", "--format", "json"))
            assert before["entries"] >= 5
            assert before["bytes"] > 10_000
            assert f"{before['entries']} answers" in said(capsys, "cache", "info")
            assert str(stage.cache) in said(capsys, "cache", "info")
            assert said(capsys, "cache", "clear") == f"forgot {before['entries']} answers in {stage.cache}\n"
            assert "holds    0 answers" in said(capsys, "cache", "info")
            asked = len(stage.index.asked)
            stage.here(monkeypatch, capsys)
            assert len(stage.index.asked) == 2 * asked

    def test_a_file_that_is_no_database(self, folder: Path, capsys):
        folder.mkdir()
        (folder / "http-v1.db").write_bytes(b"rubbish" * 99)
        assert "a database that can't be read" in said(capsys, "cache", "info")
        said(capsys, "cache", "clear")
        assert "holds    0 answers" in said(capsys, "cache", "info")

    def test_a_home_in_the_folder_is_meant(self, monkeypatch, capsys):
        monkeypatch.setenv("LOCKBLAME_CACHE_DIR", "~/nowhere/at/all")
        assert json.loads(said(capsys, "cache", "info", "--format", "json"))["folder"] == str(Path.home() / "nowhere/at/all")


class TestOptions:
    @pytest.mark.parametrize(
        ("text", "seconds"), [("30s", 30), ("2m", 120), ("0", 0), ("1.5m", 90), ("45", 45), ("1h", 3600), (" 5 s ", 5)]
    )
    def test_times(self, text: str, seconds: float):
        assert duration(text) == seconds

    @pytest.mark.parametrize("text", ["", "soon", "-1s", "1d", "1s2s", "inf", "nan", "٣s", "9" * 30])
    def test_what_is_no_time(self, text: str):
        with pytest.raises(argparse.ArgumentTypeError, match="no time such as"):
            duration(text)

    def test_they_make_the_client(self):
        parser = argparse.ArgumentParser()
        arguments(parser)
        options = parser.parse_args(["--patience", "2m", "--deadline", "5s", "--no-cache"])
        with asking(options, SILENT) as client:
            assert (client._patience, client._deadline, client._total, client._cached) == (120, 5, 5, False)

    def test_no_patience_is_a_gap_at_once_that_says_until_when(self, tmp_path: Path, monkeypatch, capsys):
        limited = Answer(status=429, headers={"Retry-After": "5"})
        with scene(tmp_path, index=lambda _: limited) as stage:
            began = time.monotonic()
            report = json.loads(stage.here(monkeypatch, capsys, "--patience", "0"))
            assert time.monotonic() - began < 5 or len(stage.index.asked) <= 6
        (gap,) = [gap for gap in report["gaps"] if gap["subject"] == "kombu" and gap["reason"] == "rate-limited"]
        assert "UTC" in gap["detail"]
        assert report["issues"]

    def test_the_deadline_is_for_all_stages_together(self, tmp_path: Path, monkeypatch, capsys):
        with scene(tmp_path, index=lambda _: Answer(after=30), forge=lambda _: Answer(after=30)) as stage:
            began = time.monotonic()
            report = json.loads(stage.here(monkeypatch, capsys, "--deadline", "1s"))
            assert time.monotonic() - began < 15
        assert report["suspects"]
        assert {"celery", "kombu"} <= {gap["subject"] for gap in report["gaps"]}

    def test_without_the_cache_everything_is_asked_anew(self, tmp_path: Path, monkeypatch, capsys):
        with scene(tmp_path) as stage:
            first = stage.here(monkeypatch, capsys, "--no-cache")
            assert not stage.cache.exists()
            assert stage.here(monkeypatch, capsys, "--no-cache") == first
            assert all("if-none-match" not in asked.headers for asked in stage.index.asked)

    def test_a_second_run_asks_for_no_body_again(self, tmp_path: Path, monkeypatch, capsys):
        with scene(tmp_path) as stage:
            first = stage.here(monkeypatch, capsys)
            stage.index.asked.clear()
            stage.forge.server.asked.clear()
            assert stage.here(monkeypatch, capsys) == first
            assert not stage.index.asked
            # nor later than the minute for which a page stands in
            monkeypatch.setattr("lockblame.index.pages.KEEPS", 0.0)
            assert stage.here(monkeypatch, capsys) == first
            assert stage.index.asked
            assert all("if-none-match" in asked.headers for asked in (*stage.index.asked, *stage.forge.server.asked))
