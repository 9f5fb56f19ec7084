"""The cache's folder: bounded, shared by processes that know nothing of each other, and harmless when it can't be used."""

from __future__ import annotations

import ctypes
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lockblame.client import Client
from lockblame.client.cache import Cache, clear, look
from lockblame.flow import Flow, Request, Response
from tests.servers.loopback import Answer, Asked, Server

ROOT = Path(__file__).parents[1]
BUSY = """
import sys
from pathlib import Path
from lockblame.client import Client
from lockblame.flow import Request
from lockblame.progress import Progress

class Told(Progress):
    def note(self, detail):
        print(detail, file=sys.stderr)

def get(url):
    return (yield Request(url=url, subject="kombu"))

folder, url, rounds, kinds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for number in range(rounds):
    with Client(cache=folder, progress=Told()) as client:
        tasks = [(str(n), "files", get(f"{url}/{n}")) for n in range(kinds)]
        answers = client.map(tasks)
        for n, answer in enumerate(answers):
            assert answer.body == (b'"%d' % n).ljust(len(answer.body) - 1, b"x") + b'"', answer
    print(number, flush=True)
"""


def pages(size: int) -> Callable[[Asked], Answer]:
    """Pages of that size, each of its own content and confirmed by its ETag."""

    def answer(asked: Asked) -> Answer:
        etag = f'"{asked.path}"'
        if asked.headers.get("if-none-match") == etag:
            return Answer(status=304, headers={"ETag": etag})
        return Answer(body=f'"{asked.path[1:]}'.encode().ljust(size - 1, b"x") + b'"', headers={"ETag": etag})

    return answer


def busy(folder: Path, url: str, rounds: int, kinds: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", BUSY, str(folder), url, str(rounds), str(kinds)]
    return subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def get(url: str) -> Flow[Response]:
    return (yield Request(url=url, subject="kombu"))


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class TestBounds:
    @pytest.mark.parametrize("size", [20_000, 300_000])
    def test_of_size(self, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        bound, whole = 2_000_000, 12_000_000
        monkeypatch.setattr(Cache.__init__, "__kwdefaults__", {"bound": bound})
        # what nobody reads any more may go at once, as after a while
        monkeypatch.setattr("lockblame.client.cache._READING", 0.0)
        most = 0
        with Server(pages(size)) as server, Client(cache=tmp_path) as client:
            for number in range(whole // size):
                client.run(get(f"{server.url}/{number}"))
                most = max(most, on_disk(tmp_path))
            asked = len(server.asked)
            client.run(get(f"{server.url}/{whole // size - 1}"))
            assert len(server.asked) == asked, "the last one is there"
        # the database, what was written behind it and not yet taken over, and the answer that came last
        assert most < 2 * bound + 5_000_000
        assert on_disk(tmp_path) < bound + 2 * size + 500_000
        found = look(tmp_path)
        assert found.entries is not None
        assert 0 < found.entries * size <= bound + size

    def test_what_is_too_large_is_not_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("lockblame.client.cache.LARGEST", 50_000)
        with Server(pages(60_000)) as server:
            for _ in range(2):
                with Client(cache=tmp_path) as client:
                    assert len(client.run(get(f"{server.url}/1")).body) == 60_000
            assert len(server.asked) == 2
        assert look(tmp_path).entries == 0

    def test_of_age(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        with Server(pages(100)) as server:
            monkeypatch.setattr("lockblame.client.cache.UNUSED", 0.3)
            with Client(cache=tmp_path) as client:
                client.run(get(f"{server.url}/1"))
            assert look(tmp_path).entries == 1
            time.sleep(0.4)
            assert look(tmp_path).entries == 0
            with Client(cache=tmp_path) as client:
                client.run(get(f"{server.url}/1"))
            assert "if-none-match" not in server.asked[1].headers


class TestProcesses:
    def test_many_hammer_one_folder(self, tmp_path: Path):
        with Server(pages(5_000)) as server:
            crew = [busy(tmp_path, server.url, 4, 12) for _ in range(4)]
            told = [one.communicate(timeout=120) for one in crew]
        assert [(one.returncode, said) for one, (_, said) in zip(crew, told, strict=True)] == [(0, "")] * 4
        assert look(tmp_path).entries is not None

    def test_one_clears_while_another_works(self, tmp_path: Path):
        with Server(pages(5_000)) as server:
            one = busy(tmp_path, server.url, 6, 10)
            assert one.stdout is not None
            for _ in one.stdout:
                clear(tmp_path)
            _, said = one.communicate(timeout=60)
        assert (one.returncode, said) == (0, "")

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
    def test_one_is_killed_while_it_writes(self, tmp_path: Path):
        with Server(pages(400_000)) as server:
            for wait in (0.0, 0.02, 0.05):
                one = busy(tmp_path, server.url, 50, 30)
                assert one.stdout is not None
                # the database is there, and answers are on their way into it
                until = time.monotonic() + 20
                while on_disk(tmp_path) < 500_000 and time.monotonic() < until:
                    time.sleep(0.005)
                time.sleep(wait)
                one.send_signal(signal.SIGKILL)
                one.communicate(timeout=20)
                assert one.returncode == -signal.SIGKILL
                after = busy(tmp_path, server.url, 1, 30)
                _, said = after.communicate(timeout=60)
                assert (after.returncode, said) == (0, "")
                clear(tmp_path)

    def test_a_lock_that_somebody_holds_costs_a_note(self, tmp_path: Path):
        with Server(pages(100)) as server:
            with Client(cache=tmp_path) as client:
                client.run(get(f"{server.url}/0"))
            (database,) = tmp_path.glob("*.db")
            holder = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
            holder.execute("BEGIN EXCLUSIVE")
            try:
                with Client(cache=tmp_path, deadline=30.0) as client:
                    began = time.monotonic()
                    answers = client.map([(str(number), "files", get(f"{server.url}/{number}")) for number in range(1, 9)])
                    assert time.monotonic() - began < 15
            finally:
                holder.execute("ROLLBACK")
                holder.close()
        assert [len(answer.body) for answer in answers if isinstance(answer, Response)] == [100] * 8


def _like_anybody() -> None:
    """Takes from root, for what is started now, that it may write everywhere (prctl: PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)."""
    if os.getuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


class TestReadOnly:
    @pytest.mark.skipif(sys.platform != "linux", reason="root may write everywhere, which only Linux lets it give up")
    @pytest.mark.parametrize("filled", [False, True])
    def test_a_folder_that_may_only_be_read(self, filled: bool, tmp_path: Path):
        folder = tmp_path / "cache"
        folder.mkdir(mode=0o755)
        with Server(pages(100)) as server:
            if filled:
                with Client(cache=folder) as client:
                    client.run(get(f"{server.url}/0"))
            folder.chmod(0o555)
            run = subprocess.run(
                [sys.executable, "-c", BUSY, str(folder), server.url, "1", "3"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                preexec_fn=_like_anybody,
                check=False,
            )
            folder.chmod(0o755)
        assert (run.returncode, run.stdout) == (0, "0\n"), run.stderr
        assert run.stderr.count("can't be used") == 1
        assert len(run.stderr.splitlines()) == 1


class TestInfo:
    def test_nothing_there_makes_nothing(self, tmp_path: Path):
        found = look(tmp_path / "none")
        assert (found.size, found.entries) == (0, 0)
        clear(tmp_path / "none")
        assert not (tmp_path / "none").exists()

    def test_while_it_is_in_use(self, tmp_path: Path):
        with Server(pages(100)) as server, Client(cache=tmp_path) as client:
            client.map([(str(number), "files", get(f"{server.url}/{number}")) for number in range(5)])
            assert look(tmp_path).entries == 5
            clear(tmp_path)
            assert look(tmp_path).entries == 0
            assert isinstance(client.map([("9", "files", get(f"{server.url}/9"))])[0], Response)
            assert look(tmp_path).entries == 1

    @pytest.mark.parametrize("content", [b"this is no database, " * 500, b"", b"SQLite format 3\x00" + b"\xff" * 5000])
    def test_what_is_no_database(self, content: bytes, tmp_path: Path):
        (tmp_path / "http-v1.db").write_bytes(content)
        found = look(tmp_path)
        assert (found.size, found.entries) == (len(content), None)
        clear(tmp_path)
        with Server(pages(100)) as server, Client(cache=tmp_path) as client:
            client.run(get(f"{server.url}/0"))
        assert look(tmp_path).entries == 1

    def test_clearing_gives_the_disk_back(self, tmp_path: Path):
        with Server(pages(200_000)) as server, Client(cache=tmp_path) as client:
            client.map([(str(number), "files", get(f"{server.url}/{number}")) for number in range(10)])
        assert on_disk(tmp_path) > 2_000_000
        clear(tmp_path)
        assert on_disk(tmp_path) < 200_000


def test_the_threads_are_gone_with_the_work(tmp_path: Path):
    with Server(pages(100)) as server, Client(cache=tmp_path) as client:
        client.map([(str(number), "files", get(f"{server.url}/{number}")) for number in range(50)])
    time.sleep(0.1)
    assert not [one for one in threading.enumerate() if one.name == "lockblame"]
