"""A private package index that is real: pypiserver, in a process of its own on loopback, which wants a password for all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_SERVE = """
import os, sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
import pypiserver

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass

known = (os.environ["LOCKBLAME_TEST_USER"], os.environ["LOCKBLAME_TEST_PASSWORD"])
app = pypiserver.app(
    roots=[sys.argv[1]], authenticate=["list", "download", "update"], password_file="unused",
    auther=lambda user, password: (user, password) == known, disable_fallback=True,
)
server = make_server("127.0.0.1", 0, app, Server, Quiet)
print(server.server_port, flush=True)
server.serve_forever()
"""


class PrivateIndex:
    """`with PrivateIndex(folder, user, password) as index`: serves the distributions in the folder at `url`."""

    def __init__(self, folder: Path, user: str, password: str) -> None:
        self._folder = folder
        self._environment = {**os.environ, "LOCKBLAME_TEST_USER": user, "LOCKBLAME_TEST_PASSWORD": password}
        self.host = ""

    @property
    def url(self) -> str:
        return f"http://{self.host}/simple"

    def __enter__(self) -> PrivateIndex:
        command = [sys.executable, "-I", "-W", "ignore", "-c", _SERVE, str(self._folder)]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        assert port, self._process.communicate(timeout=10)[1]
        self.host = f"127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)
