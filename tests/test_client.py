"""The client against real servers: answers, redirects, limits, deadlines, parallel work."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockblame.client import Client
from lockblame.client.answers import FILES_AT_ONCE, FORGE_AT_ONCE
from lockblame.errors import AccessRefused, BadResponse, NotFound, Offline, RateLimited, UpstreamError
from lockblame.flow import Flow, Request, Response
from lockblame.progress import Progress
from tests.servers.loopback import AUTHORITY, Answer, Asked, Server, closed_port, http_date, unanswered


def get(url: str, subject: str = "kombu", **headers: str) -> Flow[Response]:
    response = yield Request(url=url, subject=subject, headers=headers)
    return response


def client(**options: object) -> Client:
    return Client(**{"cache": False, "timeout": 5.0, "deadline": 10.0, "patience": 3.0, **options})


class Told(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[str] = []

    def note(self, detail: str) -> None:
        self.notes.append(detail)

    def step(self, stage: str, detail: str = "") -> None:
        self.steps.append(detail)


def failing(url: str, **options: object) -> UpstreamError:
    with client(**options) as asking, pytest.raises(UpstreamError) as caught:
        asking.run(get(url))
    assert not any(held is caught.value for held in behind(caught.value)), "an error that holds itself pickles in circles"
    return caught.value


def behind(error: BaseException) -> Iterator[object]:
    """What stands behind an error, as tblib pickles it for dask: causes, contexts and attributes, as often as they are met."""
    inner = [error.__cause__, error.__context__, *vars(error).values()]
    for held in inner:
        yield held
        if isinstance(held, BaseException) and held is not error:
            yield from behind(held)


class TestAnswers:
    def test_a_flow_gets_status_headers_body_and_address(self):
        with Server(lambda _: Answer(body=b'{"a": 1}', headers={"X-Thing": "yes"})) as server, client() as asking:
            response = asking.run(get(f"{server.url}/page?q=1"))
        assert (response.status, json.loads(response.body), response.url) == (200, {"a": 1}, f"{server.url}/page?q=1")
        assert response.headers["x-thing"] == "yes"
        assert server.asked[0].query == {"q": "1"}

    def test_headers_of_the_request_are_sent(self):
        with Server(lambda _: Answer()) as server, client() as asking:
            asking.run(get(server.url, Accept="application/x-thing"))
        assert server.asked[0].headers["accept"] == "application/x-thing"
        assert server.asked[0].headers["user-agent"].startswith("lockblame")

    def test_a_body_is_posted(self):
        def ask() -> Flow[Response]:
            return (yield Request(url=server.url, subject="kombu", body=b"question"))

        with Server(lambda _: Answer()) as server, client() as asking:
            asking.run(ask())
        assert (server.asked[0].method, server.asked[0].body) == ("POST", b"question")

    def test_a_flow_can_go_on_after_an_error(self):
        def patient() -> Flow[str]:
            try:
                yield Request(url=f"{server.url}/missing", subject="kombu")
            except NotFound:
                response = yield Request(url=f"{server.url}/there", subject="kombu")
                return response.body.decode()
            return ""

        with (
            Server(lambda asked: Answer(status=404 if asked.path == "/missing" else 200, body=b'"x"')) as server,
            client() as asking,
        ):
            assert asking.run(patient()) == '"x"'

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (404, NotFound),
            (410, NotFound),
            (401, AccessRefused),
            (403, AccessRefused),
            (500, BadResponse),
            (204, BadResponse),
            (304, BadResponse),
            (422, BadResponse),
        ],
    )
    def test_what_is_no_200_is_one_sentence(self, status: int, kind: type[UpstreamError]):
        with Server(
            lambda _: Answer(status=status, body=b"" if status in (204, 304) else b'{"message": "Issues are disabled"}')
        ) as server:
            error = failing(f"{server.url}/page?secret=1")
        assert type(error) is kind
        assert (error.subject, error.url) == ("kombu", f"{server.url}/page")
        assert "secret" not in str(error)
        assert "\n" not in str(error)
        assert len(server.asked) == 1

    def test_offline_opens_no_connection(self):
        with Server(lambda _: Answer()) as server:
            error = failing(server.url, offline=True)
        assert isinstance(error, Offline)
        assert server.asked == []

    def test_an_address_that_is_none(self):
        for url in (
            "http://",
            "nonsense",
            "ftp://files.example/x",
            "http://[::1",
            "http://127.0.0.1:99999/",
            "file:///etc/passwd",
            "http://a b/",
        ):
            assert isinstance(failing(url), BadResponse), url

    def test_a_closed_client_says_so(self):
        asking = client()
        asking.close()
        with pytest.raises(BadResponse, match="closed"):
            asking.run(get("http://127.0.0.1:1/"))


class TestRedirects:
    def test_within_the_host_is_followed_and_the_answer_says_from_where(self):
        def answer(asked: Asked) -> Answer:
            return Answer(status=301, headers={"Location": "/new?x=1"}) if asked.path == "/old" else Answer(body=b'"moved"')

        with Server(answer) as server, client() as asking:
            response = asking.run(get(f"{server.url}/old"))
        assert (response.body, response.url) == (b'"moved"', f"{server.url}/new?x=1")

    def test_the_token_stays_with_its_host(self):
        with Server(lambda _: Answer(body=b'"stranger"')) as stranger:
            with (
                Server(lambda _: Answer(status=302, headers={"Location": f"{stranger.url}/x"})) as forge,
                client(tokens={forge.host: "s3cret"}) as asking,
            ):
                assert asking.run(get(f"{forge.url}/x")).body == b'"stranger"'
            assert forge.asked[0].headers["authorization"] == "Bearer s3cret"
            assert "authorization" not in stranger.asked[0].headers

    def test_the_redirect_does_not_choose_the_credentials(self):
        with Server(lambda _: Answer()) as stranger:
            there = stranger.url.replace("http://", "http://me:mine@")
            with Server(lambda _: Answer(status=302, headers={"Location": there})) as forge, client() as asking:
                asking.run(get(forge.url))
            assert "authorization" not in stranger.asked[0].headers

    def test_from_https_to_http_is_refused(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
        with Server(lambda _: Answer()) as plain:
            with Server(lambda _: Answer(status=302, headers={"Location": plain.url}), tls=True) as forge:
                assert "plain http" in str(failing(forge.url))
            assert plain.asked == []

    def test_a_loop_ends(self):
        with Server(lambda asked: Answer(status=302, headers={"Location": "/b" if asked.path == "/a" else "/a"})) as server:
            assert "without end" in str(failing(f"{server.url}/a"))
        assert len(server.asked) == 2

    def test_a_long_chain_ends(self):
        with Server(lambda asked: Answer(status=302, headers={"Location": f"{asked.path}x"})) as server:
            assert "without end" in str(failing(f"{server.url}/a"))
        assert len(server.asked) < 10

    @pytest.mark.parametrize(
        "headers", [{}, {"Location": "file:///etc/passwd"}, {"Location": "http://[::1"}, {"Location": "javascript:x"}]
    )
    def test_to_nowhere_is_refused(self, headers: dict[str, str]):
        with Server(lambda _: Answer(status=302, headers=headers)) as server:
            assert "redirects to" in str(failing(server.url))


@pytest.fixture
def hurried() -> Iterator[None]:
    """The attempts without the pauses between them."""
    import stamina

    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.mark.usefixtures("hurried")
class TestFaults:
    def test_nobody_listens(self):
        began = time.monotonic()
        error = failing(f"http://127.0.0.1:{closed_port()}/x")
        assert "can't be reached" in str(error)
        assert time.monotonic() - began < 30

    def test_a_name_that_does_not_exist(self):
        assert isinstance(failing("http://no-such-host.invalid/x", deadline=3.0), BadResponse)

    def test_silence_ends_with_the_time_out(self):
        began = time.monotonic()
        with Server(lambda _: Answer(after=30)) as server:
            error = failing(server.url, timeout=0.2, deadline=1.0)
        assert "no whole answer within" in str(error)
        assert time.monotonic() - began < 20

    def test_dripping_ends_with_the_time_out(self):
        with Server(lambda _: Answer(body=b" " * 10_000, drip=0.05)) as server:
            assert "no whole answer within" in str(failing(server.url, timeout=0.3, deadline=0.8))

    def test_reset_in_the_middle_is_tried_again(self):
        answers = iter([Answer(body=b'{"a": "bcdefgh"}', cut=5), Answer(body=b'{"a": 1}')])
        with Server(lambda _: next(answers)) as server, client() as asking:
            assert asking.run(get(server.url)).body == b'{"a": 1}'

    def test_reset_in_the_middle_every_time(self):
        with Server(lambda _: Answer(body=b'{"a": "bcdefgh"}', cut=5)) as server:
            assert "broke off in the middle" in str(failing(server.url))
        assert 2 <= len(server.asked) <= 4

    @pytest.mark.parametrize("unframed", [True, False])
    def test_half_a_json(self, unframed: bool):
        with Server(lambda _: Answer(body=b'[{"number": 1}, {"numb', unframed=unframed)) as server:
            assert "JSON that is broken" in str(failing(server.url))

    def test_a_bomb(self):
        import gzip

        bomb = gzip.compress(bytes(80 * 1024 * 1024), compresslevel=1)
        with Server(lambda _: Answer(body=bomb, headers={"Content-Encoding": "gzip"})) as server:
            assert "larger than 64 MiB" in str(failing(server.url))

    def test_packed_answers_are_unpacked(self):
        import gzip

        with (
            Server(lambda _: Answer(body=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})) as server,
            client() as asking,
        ):
            assert asking.run(get(server.url)).body == b'{"a": 1}'

    @pytest.mark.parametrize(
        ("body", "encoding", "says"), [(b"nonsense", "gzip", "can't be unpacked"), (b"x", "br", "nobody asked for")]
    )
    def test_packed_wrongly(self, body: bytes, encoding: str, says: str):
        with Server(lambda _: Answer(body=body, headers={"Content-Encoding": encoding})) as server:
            assert says in str(failing(server.url))

    def test_packed_and_cut_short(self):
        import gzip

        short = gzip.compress(bytes(range(256)) * 50)[:-20]
        with Server(lambda _: Answer(body=short, headers={"Content-Encoding": "gzip"})) as server:
            assert "broke off" in str(failing(server.url))

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_what_passes_is_tried_again(self, status: int):
        answers = iter([Answer(status=status), Answer(status=status), Answer(body=b'"well"')])
        with Server(lambda _: next(answers)) as server, client() as asking:
            assert asking.run(get(server.url)).body == b'"well"'

    def test_an_unknown_authority(self):
        with Server(lambda _: Answer(), tls=True) as server:
            assert "certificate" in str(failing(server.url))
        assert server.asked == []

    @pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"])
    def test_a_private_authority_by_the_usual_variables(self, name: str, monkeypatch: pytest.MonkeyPatch):
        for other in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"):
            monkeypatch.delenv(other, raising=False)
        monkeypatch.setenv(name, str(AUTHORITY))
        with Server(lambda _: Answer(body=b'"safe"'), tls=True) as server, client() as asking:
            assert asking.run(get(server.url)).body == b'"safe"'

    def test_a_bundle_that_is_missing(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PIP_CERT", "/does/not/exist.pem")
        assert "certificate settings" in str(failing("https://127.0.0.1:1/"))

    def test_a_proxy_that_is_none(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("ALL_PROXY", "nonsense://127.0.0.1:1")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert isinstance(failing("http://forge.example/"), BadResponse)

    def test_a_proxy_is_used(self, monkeypatch: pytest.MonkeyPatch):
        with Server(lambda _: Answer(body=b'"by proxy"')) as proxy, client() as asking:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            assert asking.run(get("http://forge.example/x")).body == b'"by proxy"'
        assert proxy.asked[0].headers["host"] == "forge.example"

    @pytest.mark.usefixtures("hurried")
    def test_a_host_where_nobody_is_is_tried_once_for_all(self):
        port = closed_port()
        with client() as asking:
            with pytest.raises(BadResponse, match="can't be reached"):
                asking.run(get(f"http://127.0.0.1:{port}/first"))
            with Server(lambda _: Answer(), port=port) as server:
                with pytest.raises(BadResponse, match=r"^celery: 127.0.0.1:\d+ can't be reached"):
                    asking.run(get(f"{server.url}/second", subject="celery"))
                assert server.asked == []
                with client() as another:
                    assert another.run(get(f"{server.url}/third")).status == 200

    @pytest.mark.parametrize("body", [None, b"{}"], ids=["a page", "a query"])
    def test_one_hang_of_a_host_that_never_answered_is_enough(self, body: bytes | None):
        def asked() -> Flow[Response]:
            return (yield Request(url=f"{server.url}/first", subject="kombu", body=body, retried=False))

        with Server(lambda _: Answer(after=60)) as server, client(timeout=0.3) as asking:
            for _ in range(3):
                with pytest.raises(BadResponse, match="no whole answer within"):
                    asking.run(asked())
            assert len(server.asked) == 1

    def test_what_is_kept_counts_also_while_its_host_is_down(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        page = Answer(body=b'"kept"', headers={"Cache-Control": "max-age=600"})
        with Server(lambda asked: page if asked.path == "/first" else Answer(after=60)) as server:
            for warm in (True, False):
                with client(cache=tmp_path) as asking:
                    if warm:
                        asking.run(get(f"{server.url}/first"))
                        continue
                    monkeypatch.setattr(asking, "_timeout", 0.3)
                    assert asking.run(get(f"{server.url}/first")).body == b'"kept"'
                    with pytest.raises(BadResponse, match="no whole answer within"):
                        asking.run(get(f"{server.url}/second"))
                    assert asking.run(get(f"{server.url}/first")).body == b'"kept"'
            # what was kept is no sign of life: one hang was enough
            assert [one.path for one in server.asked] == ["/first", "/second"]

    def test_a_host_that_stops_answering_is_given_a_second_chance(self, monkeypatch: pytest.MonkeyPatch):
        with Server(lambda asked: Answer(after=0 if asked.path == "/first" else 60)) as server, client() as asking:
            asking.run(get(f"{server.url}/first"))
            # only now, because a busy machine may take its time for an answer
            monkeypatch.setattr(asking, "_timeout", 0.3)
            for _ in range(3):
                with pytest.raises(BadResponse, match="no whole answer within"):
                    asking.run(get(f"{server.url}/second"))
            assert [one.path for one in server.asked] == ["/first", "/second", "/second"]


class TestLimits:
    def test_retry_after_is_waited_for_in_full(self):
        answers = iter([Answer(status=429, headers={"Retry-After": "1"}), Answer(body=b'"now"')])
        told = Told()
        with Server(lambda _: next(answers)) as server, client(progress=told) as asking:
            began = time.monotonic()
            assert asking.run(get(server.url)).body == b'"now"'
            assert time.monotonic() - began >= 1.0
        assert len(told.notes) == 1
        assert "waiting 1 s" in told.notes[0]

    @pytest.mark.parametrize("status", [403, 429])
    def test_longer_than_patience_is_not_waited_for(self, status: int):
        began = time.time()
        with Server(lambda _: Answer(status=status, headers={"Retry-After": "600"})) as server:
            error = failing(server.url)
        assert isinstance(error, RateLimited)
        assert error.until == pytest.approx(began + 600, abs=5)
        assert "10 min" in str(error)
        assert len(server.asked) == 1
        assert time.time() - began < 3

    def test_a_503_may_say_when(self):
        answers = iter([Answer(status=503, headers={"Retry-After": "1"}), Answer(body=b'"now"')])
        with Server(lambda _: next(answers)) as server, client() as asking:
            began = time.monotonic()
            asking.run(get(server.url))
            assert time.monotonic() - began >= 1.0

    def test_the_reset_is_read_by_the_hosts_own_clock(self):
        # the host is a day behind: by this machine's clock its reset was long ago
        there = time.time() - 86400
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(there) + 1800), "Date": http_date(there)}

        with Server(lambda _: Answer(status=403, headers=headers)) as server:
            error = failing(server.url)
        assert isinstance(error, RateLimited)
        assert error.until == pytest.approx(time.time() + 1800, abs=10)

    def test_a_host_that_said_no_is_not_asked_again_before_its_time(self):
        with Server(lambda _: Answer(status=429, headers={"Retry-After": "600"})) as server, client() as asking:
            for _ in range(3):
                with pytest.raises(RateLimited):
                    asking.run(get(f"{server.url}/issues"))
            assert len(server.asked) == 1

    def test_search_has_a_limit_of_its_own(self):
        def answer(asked: Asked) -> Answer:
            return Answer(status=429, headers={"Retry-After": "600"}) if asked.path.startswith("/search") else Answer()

        with Server(answer) as server, client() as asking:
            with pytest.raises(RateLimited):
                asking.run(get(f"{server.url}/search/issues"))
            assert asking.run(get(f"{server.url}/repos")).status == 200


class TestMap:
    def test_results_stand_in_the_order_of_the_tasks(self):
        def answer(asked: Asked) -> Answer:
            return (
                Answer(status=404)
                if asked.path == "/3"
                else Answer(body=asked.path[1:].encode(), after=0.01 * (9 - int(asked.path[1:])))
            )

        told = Told()
        with Server(answer) as server, client(progress=told) as asking:
            results = asking.map([(str(n), "forge", get(f"{server.url}/{n}", str(n))) for n in range(9)])
        assert [r.subject if isinstance(r, UpstreamError) else r.body.decode() for r in results] == [str(n) for n in range(9)]
        assert isinstance(results[3], NotFound)
        assert sorted(told.steps) == [str(n) for n in range(9)]

    def test_nothing_to_do(self):
        with client() as asking:
            assert asking.map([]) == []

    def test_each_host_a_few_at_a_time_and_hosts_at_once(self):
        now, most, lock = {"a": 0, "b": 0}, {"a": 0, "b": 0}, threading.Lock()

        def busy(name: str):
            def answer(_: Asked) -> Answer:
                with lock:
                    now[name] += 1
                    most[name] = max(most[name], now[name])
                time.sleep(0.05)
                with lock:
                    now[name] -= 1
                return Answer()

            return answer

        with Server(busy("a")) as one, Server(busy("b")) as two, client() as asking:
            addresses = (("a", f"{one.url}/simple/kombu/"), ("b", f"{two.url}/api/v3/repos/celery/kombu/issues"))
            asking.map([(f"{host}{n}", host, get(url)) for n in range(20) for host, url in addresses])
        assert 1 < most["a"] <= FILES_AT_ONCE
        assert 1 < most["b"] <= FORGE_AT_ONCE

    def test_one_dead_host_does_not_hold_up_the_others(self):
        with (
            Server(lambda _: Answer(after=30)) as dead,
            Server(lambda _: Answer(body=b'"alive"')) as alive,
            client(timeout=0.3, deadline=1.5) as asking,
        ):
            began = time.monotonic()
            results = asking.map(
                [*[(f"d{n}", "dead", get(dead.url, f"d{n}")) for n in range(12)], ("a", "alive", get(alive.url))]
            )
            assert time.monotonic() - began < 20
        assert isinstance(results[-1], Response)
        assert all(isinstance(result, BadResponse) for result in results[:-1])

    @pytest.mark.skipif(sys.platform != "linux", reason="a full queue is met otherwise there")
    def test_a_firewall_that_drops_everything_costs_one_knock(self, monkeypatch):
        monkeypatch.setattr("lockblame.client.wire.KNOCK", 0.5)
        with unanswered() as address, client(timeout=20.0, deadline=60.0) as asking:
            began = time.monotonic()
            results = asking.map([(f"d{n}", "dead", get(f"{address}/{n}", f"d{n}")) for n in range(40)])
            assert time.monotonic() - began < 10
        assert all(isinstance(result, BadResponse) and "no connection within 0.5 s" in result.detail for result in results)

    def test_a_host_that_never_greets_costs_one_knock(self, monkeypatch):
        """What stands in the way may take connections and let no TLS through."""
        monkeypatch.setattr("lockblame.client.wire.KNOCK", 0.5)
        with socket.socket() as door, client(timeout=20.0, deadline=60.0) as asking:
            door.bind(("127.0.0.1", 0))
            door.listen(50)
            began = time.monotonic()
            with pytest.raises(BadResponse, match="no connection within"):
                asking.run(get(f"https://127.0.0.1:{door.getsockname()[1]}/"))
            assert time.monotonic() - began < 10

    def test_a_host_that_answers_nothing_is_given_up_after_one_wait(self):
        with Server(lambda _: Answer(after=60)) as dead, client(timeout=0.5, deadline=60.0) as asking:
            began = time.monotonic()
            results = asking.map([(f"d{n}", "dead", get(dead.url, f"d{n}")) for n in range(100)])
            assert time.monotonic() - began < 10
            assert len(dead.asked) <= FILES_AT_ONCE
        assert all(isinstance(result, BadResponse) and "no whole answer" in result.detail for result in results)

    def test_one_that_has_answered_is_tried_again(self):
        answers = [Answer(), Answer(after=60), Answer(body=b'"late"')]
        with Server(lambda _: answers.pop(0)) as server, client(timeout=0.5) as asking:
            asking.run(get(server.url))
            assert asking.run(get(f"{server.url}/again")).body == b'"late"'

    def test_a_bug_is_raised_not_swallowed(self):
        def broken() -> Flow[Response]:
            yield Request(url=server.url, subject="kombu")
            raise ZeroDivisionError

        with Server(lambda _: Answer()) as server, client() as asking, pytest.raises(ZeroDivisionError):
            asking.map([("kombu", "forge", broken())])


class TestTime:
    """Nobody waits longer than was said, and `close` ends every wait."""

    def test_patience_is_for_all_waits_of_one_question(self):
        answers = [Answer(status=429, headers={"Retry-After": "1"})] * 3 + [Answer()]
        with Server(lambda _: answers.pop(0)) as server:
            error = failing(server.url, patience=2.0)
        assert isinstance(error, RateLimited)
        assert len(server.asked) == 3

    def test_no_patience_waits_for_nothing(self):
        with Server(lambda _: Answer(status=429, headers={"Retry-After": "1"})) as server:
            error = failing(server.url, patience=0)
        assert isinstance(error, RateLimited)
        assert error.until is not None
        assert len(server.asked) == 1

    def test_total_is_for_everything_from_the_first_question_on(self):
        with Server(lambda _: Answer(after=0.3)) as server, client(total=1.0) as asking:
            time.sleep(0.1)
            answers = [asking.map([("kombu", "forge", get(f"{server.url}/{number}"))])[0] for number in range(8)]
        kinds = [isinstance(answer, UpstreamError) for answer in answers]
        assert kinds == sorted(kinds)
        assert not kinds[0]
        assert kinds[-1]
        assert "no time left" in str(answers[-1])

    @pytest.mark.parametrize(
        "answer", [Answer(status=429, headers={"Retry-After": "60"}), Answer(after=60), Answer(status=503), Answer(drip=2.0)]
    )
    @pytest.mark.parametrize("tls", [False, True])
    def test_close_ends_what_is_under_way(self, answer: Answer, tls: bool, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
        with Server(lambda _: answer, tls=tls) as server:
            asking = client(patience=90.0, deadline=90.0, timeout=90.0)
            found: list[object] = []

            def ask() -> None:
                try:
                    found.append(asking.run(get(server.url)))
                except UpstreamError as error:
                    found.append(error)

            thread = threading.Thread(target=ask)
            thread.start()
            until = time.monotonic() + 10
            while not server.asked and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(0.1)
            asking.close()
            thread.join(timeout=10)
            assert not thread.is_alive()
        assert isinstance(found[0], UpstreamError)

    def test_nobody_goes_on_asking_after_the_deadline(self):
        def patient(number: int) -> Flow[None]:
            for step in range(100):
                yield Request(url=f"{server.url}/{number}/{step}", subject="kombu")

        with Server(lambda _: Answer(after=0.05)) as server, client(deadline=0.5) as asking:
            results = asking.map([(str(number), "forge", patient(number)) for number in range(8)])
            time.sleep(0.2)
            sent = len(server.asked)
            time.sleep(0.5)
            assert len(server.asked) == sent
            assert not [one for one in threading.enumerate() if one.name == "lockblame" and one.is_alive()]
        assert all(isinstance(result, UpstreamError) for result in results)
