"""The cache: what it saves, what must not be in it, and that nothing depends on it."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lockblame.client import Client
from lockblame.errors import BadResponse, Offline
from lockblame.flow import Flow, Request, Response
from lockblame.progress import Progress
from tests.servers.loopback import Answer, Asked, Server, http_date

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

    def test_what_may_be_kept_needs_no_httpx(self, tmp_path: Path):
        """It takes longer to load than anything else in a run that asks nobody, with rich and click where they are installed."""
        with Server(lambda _: Answer(body=b'"kept"', headers={"Cache-Control": "max-age=600"})) as server:
            ask(tmp_path, server.url)
            code = (
                "import sys\n"
                "from lockblame.client import Client\n"
                "from lockblame.flow import Request\n"
                "def asks():\n"
                f"    return (yield Request(url={server.url!r}, subject='kombu'))\n"
                f"with Client(cache={str(tmp_path)!r}) as client:\n"
                "    print(client.run(asks()).body, [name for name in ('httpx', 'rich', 'click') if name in sys.modules])\n"
            )
            printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
            assert len(server.asked) == 1
        assert printed == "b'\"kept\"' []\n"

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


def question(url: str, body: bytes | None, *, keeps: float = 600.0, **headers: str) -> Flow[Response]:
    response = yield Request(url=url, subject="kombu", body=body, keeps=keeps, headers=headers)
    return response


def put(folder: Path, url: str, body: bytes | None, *, keeps: float = 600.0, **options: object) -> bytes:
    with Client(**{"cache": folder, "timeout": 5.0, "deadline": 10.0, "patience": 1.0, **options}) as client:
        return client.run(question(url, body, keeps=keeps)).body


def grow_older(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept looks so much older to who asks from now on."""
    now = time.time
    monkeypatch.setattr("lockblame.client.cache.time.time", lambda: now() + seconds)


class TestKeeping:
    """`keeps`: for how long an answer stands in without asking, for a POST as for a GET."""

    @pytest.mark.parametrize("body", [None, b'{"query": "1"}'])
    @pytest.mark.parametrize("headers", [{}, {"Cache-Control": "private, max-age=0"}, {"Vary": "Accept, Cookie", "Age": "9000"}])
    def test_no_request_as_long_as_it_keeps(self, body: bytes | None, headers: dict[str, str], tmp_path: Path):
        with Server(Versions(**headers)) as server:
            assert {put(tmp_path, server.url, body) for _ in range(3)} == {b'{"version": 1}'}
            assert len(server.asked) == 1

    def test_afterwards_a_page_is_confirmed_and_a_question_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        page = Versions()
        with Server(page) as server:
            for body in (None, b"question"):
                put(tmp_path, server.url, body)
            grow_older(601, monkeypatch)
            for body in (None, b"question"):
                put(tmp_path, server.url, body)
            assert "if-none-match" in server.asked[2].headers
            assert server.asked[3].method == "POST"
            assert "if-none-match" not in server.asked[3].headers
            # each was asked about a moment ago, so it stands in again
            for body in (None, b"question"):
                put(tmp_path, server.url, body)
            assert len(server.asked) == 4

    def test_a_clock_that_was_set_back_makes_it_no_younger(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        with Server(Versions()) as server:
            put(tmp_path, server.url, None)
            grow_older(-7200, monkeypatch)
            put(tmp_path, server.url, None)
            assert len(server.asked) == 2

    @pytest.mark.parametrize("hours", [-30, -5, 5, 30])
    def test_a_hosts_clock_does_not_matter(self, hours: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        headers = {"Date": http_date(time.time() + 3600 * hours), "Cache-Control": "private, max-age=60"}
        with Server(Versions(**headers)) as server:
            ask(tmp_path, server.url)
            ask(tmp_path, server.url)
            assert len(server.asked) == 1
            now = time.time
            monkeypatch.setattr("hishel._core._spec.time.time", lambda: now() + 90)
            ask(tmp_path, server.url)
            assert len(server.asked) == 2

    def test_another_body_is_another_question(self, tmp_path: Path):
        with Server(lambda asked: Answer(body=asked.body)) as server:
            assert [put(tmp_path, server.url, body) for body in (b'"a"', b'"b"', b'"a"')] == [b'"a"', b'"b"', b'"a"']
            assert len(server.asked) == 2

    def test_a_question_that_keeps_nothing_is_not_kept(self, tmp_path: Path):
        with Server(Versions()) as server:
            for _ in range(2):
                put(tmp_path, server.url, b"question", keeps=0)
            assert len(server.asked) == 2
            with pytest.raises(Offline):
                put(tmp_path, server.url, b"question", offline=True)

    @pytest.mark.parametrize(
        "body", [b'{"errors": [{"type": "RATE_LIMITED"}]}', b'{"errors": [{}], "data": {"a": 1}}', b'{"half']
    )
    def test_trouble_is_not_kept(self, body: bytes, tmp_path: Path):
        answers = [body, b'{"data": 1}']
        with Server(lambda _: Answer(body=answers.pop(0))) as server:
            with suppress(BadResponse):
                put(tmp_path, server.url, b"question")
            assert put(tmp_path, server.url, b"question") == b'{"data": 1}'

    def test_what_is_not_there_is_kept(self, tmp_path: Path):
        body = b'{"errors": [{"type": "NOT_FOUND", "path": ["q1"]}], "data": {"q0": {}, "q1": null}}'
        with Server(lambda _: Answer(body=body)) as server:
            assert {put(tmp_path, server.url, b"question") for _ in range(2)} == {body}
            assert len(server.asked) == 1

    def test_a_part_of_a_file_is_another_page(self, tmp_path: Path):
        whole = bytes(range(100))

        def answer(asked: Asked) -> Answer:
            begin, end = asked.headers["range"].removeprefix("bytes=").split("-")
            part = whole[int(begin) : int(end) + 1]
            return Answer(
                status=206, body=part, kind="text/plain", headers={"ETag": '"1"', "Content-Range": f"bytes {begin}-{end}/100"}
            )

        with Server(answer) as server:
            for _ in range(2):
                with Client(cache=tmp_path) as client:
                    found = [client.run(question(server.url, None, Range=f"bytes={first}-{first + 9}")) for first in (0, 50)]
                assert [(one.status, one.body) for one in found] == [(206, whole[:10]), (206, whole[50:60])]
            assert len(server.asked) == 2

    def test_each_token_has_its_own(self, tmp_path: Path):
        def answer(asked: Asked) -> Answer:
            return Answer(body=b'"' + asked.headers.get("authorization", "nobody")[-1].encode() + b'"')

        with Server(answer) as server:
            whose = [{server.host: "ghp_a"}, {server.host: "ghp_b"}, {}, {server.host: "ghp_a"}]
            assert [put(tmp_path, server.url, b"q", tokens=tokens) for tokens in whose] == [b'"a"', b'"b"', b'"y"', b'"a"']

    def test_one_client_asks_for_a_page_once(self, tmp_path: Path):
        with Server(Versions()) as server:
            with Client(cache=tmp_path) as client:
                for _ in range(3):
                    client.run(get(server.url))
            assert len(server.asked) == 1

    def test_offline_however_old(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        with Server(Versions()) as server:
            for body in (None, b"question"):
                put(tmp_path, server.url, body)
            url = server.url
        grow_older(3e6, monkeypatch)
        for body in (None, b"question"):
            assert put(tmp_path, url, body, offline=True) == b'{"version": 1}'


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
