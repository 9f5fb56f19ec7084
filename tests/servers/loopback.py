"""A real HTTP server on loopback that answers as a test tells it to, well or badly, and remembers what it was asked."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

AUTHORITY = Path(__file__).parent / "loopback.crt"
"""The certificate of the TLS stand-in, which is its own authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to send. `after` seconds of silence come first; `cut` resets the connection after so many bytes of the body;
    `drip` sends one byte each so many seconds; an `unframed` body has no length and ends with the connection."""

    status: int = 200
    body: bytes = b"{}"
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0
    cut: int | None = None
    drip: float | None = None
    unframed: bool = False


class _Listening(ThreadingHTTPServer):
    # who is one too many in the queue for a connection waits a second: the usual 5 are soon too few
    request_queue_size = 128


class Server:
    """`with Server(answer) as server`: `answer` is called with each Asked. `asked` is what came, `url` where the server is."""

    def __init__(self, answer: Callable[[Asked], Answer], *, tls: bool = False, port: int = 0) -> None:
        self.asked: list[Asked] = []
        self.stopping = threading.Event()
        self._http = _Listening(("127.0.0.1", port), self._handler(answer))
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients of these tests hang up on purpose
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(AUTHORITY, AUTHORITY.with_suffix(".key"))
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(self, answer: Callable[[Asked], Answer]) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # headers and body leave in one packet: Nagle's algorithm would hold the second back for 40 ms
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
                headers = {key.lower(): value for key, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", "0")))
                asked = Asked(method=self.command, path=parts.path, query=query, headers=headers, body=body)
                outer.asked.append(asked)
                self.send(answer(asked))

            do_POST = do_GET  # noqa: N815

            def send(self, answer: Answer) -> None:
                outer.stopping.wait(answer.after)
                self.send_response_only(answer.status)
                if "Date" not in answer.headers:
                    self.send_header("Date", self.date_time_string())
                if answer.status != 304:
                    self.send_header("Content-Type", answer.kind)
                if answer.unframed:
                    self.send_header("Connection", "close")
                elif answer.status != 304:
                    self.send_header("Content-Length", str(len(answer.body)))
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                if answer.drip is not None:
                    self.dripping(answer)
                elif answer.cut is not None:
                    self.wfile.write(answer.body[: answer.cut])
                    self.wfile.flush()
                    self.reset()
                elif answer.status != 304:
                    self.wfile.write(answer.body)
                    self.wfile.flush()

            def dripping(self, answer: Answer) -> None:
                for byte in answer.body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if outer.stopping.wait(answer.drip):
                        return

            def reset(self) -> None:
                # no lingering: the kernel sends RST instead of FIN
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def closed_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def unanswered() -> Iterator[str]:
    """The address of a host that lets nobody in and tells nobody so: what is sent to it is lost, as behind some firewalls."""
    with socket.socket() as door, ExitStack() as queue:
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        # the queue for the door is full, so further connections come to nothing (on Linux)
        for _ in range(3):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(door.getsockname())
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


def http_date(seconds: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))
