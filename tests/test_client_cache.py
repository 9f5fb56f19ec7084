"""The cache: what it saves, what must not be in it, and that nothing depends on it."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lockblame.client import Client
from lockblame.errors import BadResponse, Offline
from lockblame.flow import Flow, Request, Response
from lockblame.progress import Progress
from tests.servers.loopback import Answer, Asked, Server

TOKEN = "ghp_thisMustBeSeenNowhere"


def get(url: str, **headers: str) -> Flow[Response]:
    response = yield Request(url=url, subject="kombu", headers=headers)
    return response


class Versions:
    """A page with an ETag whose content can be changed, and how long it may be kept."""

    def __init__(self, *, weak: bool = False, **headers: str) -> None:
        self.weak = weak
        self.body = b'{"version": 1}'
        self.headers = headers
        self.bodies_sent = 0

    def __call__(self, asked: Asked) -> Answer:
        etag = f'{"W/" if self.weak else ""}"{hash(self.body)}"'
        if asked.headers.get("if-none-match") == etag:
            return Answer(status=304, headers={"ETag": etag, **self.headers})
        self.bodies_sent += 1
        return Answer(body=self.body, headers={"ETag": etag, **self.headers})


class Told(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, detail: str) -> None:
        self.notes.append(detail)


def ask(folder: Path, url: str, **options: object) -> bytes:
    with Client(**{"cache": folder, "timeout": 5.0, "deadline": 10.0, "patience": 1.0, **options}) as client:
        return client.run(get(url)).body


class TestSaving:
    def test_what_did_not_change_is_not_sent_again(self, tmp_path: Path):
        page = Versions()
        with Server(page) as server:
            assert [ask(tmp_path, server.url) for _ in range(3)] == [b'{"version": 1}'] * 3
            assert (len(server.asked), page.bodies_sent) == (3, 1)
            page.body = b'{"version": 2}'
            assert ask(tmp_path, server.url) == b'{"version": 2}'

    @pytest.mark.parametrize("weak", [False, True])
    def test_what_changed_once_is_sent_once(self, weak: bool, tmp_path: Path):
        page = Versions(weak=weak)
        with Server(page) as server:
            ask(tmp_path, server.url)
            page.body = b'{"version": 2}'
            assert [ask(tmp_path, server.url) for _ in range(3)] == [b'{"version": 2}'] * 3
            assert (len(server.asked), page.bodies_sent) == (4, 2)

    def test_what_was_asked_for_at_the_same_time_is_not_sent_again(self, tmp_path: Path):
        page = Versions(weak=True)
        with Server(page) as server:
            with Client(cache=tmp_path) as client:
                client.map([(str(n), "forge", get(server.url)) for n in range(5)])
            sent = page.bodies_sent
            ask(tmp_path, server.url)
            assert page.bodies_sent == sent

    def test_what_may_be_kept_is_not_asked_for(self, tmp_path: Path):
        with Server(Versions(**{"Cache-Control": "private, max-age=600"})) as server:
            assert {ask(tmp_path, server.url) for _ in range(3)} == {b'{"version": 1}'}
            assert len(server.asked) == 1

    def test_no_guess_from_the_date_of_the_last_change(self, tmp_path: Path):
        with Server(Versions(**{"Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT"})) as server:
            for _ in range(2):
                ask(tmp_path, server.url)
            assert len(server.asked) == 2

    def test_other_forms_of_a_page_are_other_pages(self, tmp_path: Path):
        def answer(asked: Asked) -> Answer:
            return Answer(body=asked.headers["accept"].encode(), kind="text/plain", headers={"ETag": '"same"'})

        with Server(answer) as server, Client(cache=tmp_path) as client:
            found = [client.run(get(server.url, Accept=kind)).body for kind in ("text/a", "text/b", "text/a")]
        assert found == [b"text/a", b"text/b", b"text/a"]

    @pytest.mark.parametrize(
        "answer", [Answer(status=404), Answer(status=500), Answer(body=b'{"half": ', headers={"Cache-Control": "max-age=600"})]
    )
    def test_failures_are_not_kept(self, answer: Answer, tmp_path: Path):
        answers = [answer, Answer(body=b'"well"')]
        with Server(lambda _: answers.pop(0)) as server:
            with pytest.raises(BadResponse if answer.status != 404 else Exception):
                ask(tmp_path, server.url)
            assert ask(tmp_path, server.url) == b'"well"'

    def test_an_answer_that_was_cut_is_not_kept(self, tmp_path: Path):
        answers = [Answer(body=b'{"a": "long enough"}', cut=4, headers={"Cache-Control": "max-age=600"}), Answer(body=b'"well"')]
        with Server(lambda _: answers.pop(0)) as server:
            assert ask(tmp_path, server.url) == b'"well"'


class TestOffline:
    def test_what_was_once_fetched_is_still_there(self, tmp_path: Path):
        with Server(Versions()) as server:
            ask(tmp_path, server.url)
            url = server.url
        assert ask(tmp_path, url, offline=True) == b'{"version": 1}'
        assert ask(tmp_path, url, offline=True) == b'{"version": 1}'

    def test_what_was_not_is_not_asked_for(self, tmp_path: Path):
        with Server(Versions()) as server:
            with pytest.raises(Offline):
                ask(tmp_path, server.url, offline=True)
            assert server.asked == []


class TestSecrets:
    def test_no_token_and_no_password_on_disk(self, tmp_path: Path):
        with Server(Versions(**{"Vary": "Accept, Authorization", "Cache-Control": "private, max-age=60"})) as server:
            ask(tmp_path, server.url, tokens={server.host: TOKEN})
            ask(tmp_path, f"http://me:{TOKEN}@{server.host}/private")
            assert all(asked.headers["authorization"] for asked in server.asked)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        for path in files:
            content = path.read_bytes()
            assert TOKEN.encode() not in content
            assert b"Bearer" not in content
            assert b"Basic" not in content

    def test_what_a_token_opened_is_not_served_without_one(self, tmp_path: Path):
        def answer(asked: Asked) -> Answer:
            headers = {"Vary": "Authorization", "Cache-Control": "private, max-age=600", "ETag": '"1"'}
            return Answer(body=b'"private"' if "authorization" in asked.headers else b'"public"', headers=headers)

        with Server(answer) as server:
            assert ask(tmp_path, server.url, tokens={server.host: TOKEN}) == b'"private"'
            assert ask(tmp_path, server.url) == b'"public"'


def _ask_often(folder: Path, url: str, count: int) -> None:
    told = Told()
    with Client(cache=folder, progress=told) as client:
        for number in range(count):
            assert client.run(get(f"{url}/{number % 5}")).body == b'{"version": 1}'
    assert told.notes == []


class TestTrouble:
    """A cache that can't be used costs one note, never an answer."""

    def checked(self, folder: Path, url: str) -> list[str]:
        told = Told()
        for _ in range(2):
            assert ask(folder, url, progress=told) == b'{"version": 1}'
        return told.notes

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path):
        (tmp_path / "file").write_text("in the way")
        with Server(Versions()) as server:
            notes = self.checked(tmp_path / "file" / "cache", server.url)
        assert all("can't be used" in note and "going on without it" in note for note in notes)
        assert len(notes) == 2  # once for each of the two clients

    def test_a_file_that_is_no_database_is_replaced(self, tmp_path: Path):
        with Server(Versions()) as server:
            ask(tmp_path, server.url)
            (database,) = tmp_path.glob("*.db")
            for path in tmp_path.glob("*.db-*"):
                path.unlink()
            database.write_bytes(b"this is no database, " * 1000)
            assert len(self.checked(tmp_path, server.url)) == 1
            sent = len(server.asked)
            assert self.checked(tmp_path, server.url) == []
            assert len(server.asked) == sent + 2

    def test_a_body_that_was_damaged_is_fetched_anew(self, tmp_path: Path):
        page = Versions(**{"Cache-Control": "max-age=600"})
        with Server(page) as server:
            ask(tmp_path, server.url)
            (database,) = tmp_path.glob("*.db")
            with sqlite3.connect(database) as connection:
                connection.execute("UPDATE streams SET chunk_data = ?", (b'{"version": 7}',))
            connection.close()
            assert ask(tmp_path, server.url) == b'{"version": 1}'
            assert page.bodies_sent == 2

    @pytest.mark.parametrize(
        "damage",
        ["UPDATE entries SET data = x'00ff'", "DELETE FROM streams", "UPDATE entries SET chunk_count = 3", "DROP TABLE streams"],
    )
    def test_an_entry_that_was_damaged(self, damage: str, tmp_path: Path):
        with Server(Versions(**{"Cache-Control": "max-age=600"})) as server:
            ask(tmp_path, server.url)
            (database,) = tmp_path.glob("*.db")
            with sqlite3.connect(database) as connection:
                connection.execute(damage)
            connection.close()
            assert ask(tmp_path, server.url) == b'{"version": 1}'

    def test_a_full_disk(self, tmp_path: Path):
        code = f"""
import resource, signal, sys
from pathlib import Path
from lockblame.client import Client
from tests.test_client_cache import Told, get
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
told = Told()
with Client(cache=Path({str(tmp_path)!r}), progress=told) as client:
    for _ in range(2):
        assert len(client.run(get(sys.argv[1])).body) > 100_000
assert len(told.notes) == 1, told.notes
"""
        page = Versions()
        page.body = b'"' + bytes(range(32, 33)) * 150_000 + b'"'
        with Server(page) as server:
            done = subprocess.run(
                [sys.executable, "-c", code, server.url], capture_output=True, text=True, cwd=Path(__file__).parents[1]
            )
        assert (done.returncode, done.stderr) == (0, "")

    def test_several_processes_at_once(self, tmp_path: Path):
        with Server(Versions()) as server:
            crew = multiprocessing.get_context("spawn")
            workers = [crew.Process(target=_ask_often, args=(tmp_path, server.url, 10)) for _ in range(3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            assert [worker.exitcode for worker in workers] == [0, 0, 0]
