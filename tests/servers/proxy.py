"""A real, small HTTP proxy on loopback: forwards plain requests, tunnels what CONNECT asks for, and may want a password."""

from __future__ import annotations

import select
import socket
import threading
from base64 import b64encode
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Proxy:
    """`with Proxy() as proxy`: `seen` is what came (method, target, header lines); `user` and `password` are what it wants."""

    def __init__(self, *, user: str = "", password: str = "") -> None:
        self.seen: list[tuple[str, str, str]] = []
        wanted = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}" if user else None
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def allowed(self) -> bool:
                seen.append((self.command, self.path, str(self.headers)))
                if wanted is None or self.headers.get("Proxy-Authorization") == wanted:
                    return True
                self.send_response(407)
                self.send_header("Proxy-Authenticate", "Basic")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if not self.allowed():
                    return
                parts = urlsplit(self.path)
                link = HTTPConnection(parts.netloc, timeout=10)
                own = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
                link.request(self.command, parts._replace(scheme="", netloc="").geturl(), body or None, own)
                answer = link.getresponse()
                content = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                link.close()

            do_POST = do_GET  # noqa: N815

            def do_CONNECT(self) -> None:
                if not self.allowed():
                    return
                host, _, port = self.path.rpartition(":")
                with socket.create_connection((host, int(port)), timeout=10) as there:
                    self.send_response_only(200)
                    self.end_headers()
                    self.close_connection = True
                    ends = {self.connection: there, there: self.connection}
                    while True:
                        ready, _, _ = select.select(list(ends), [], [], 30)
                        for end in ready:
                            data = end.recv(65536)
                            if not data:
                                return
                            ends[end].sendall(data)
                        if not ready:
                            return

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        login = f"{user}:{password}@" if user else ""
        self.url = f"http://{login}127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
