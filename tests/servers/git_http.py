"""A git server that is real (git http-backend), over TLS on loopback, for everybody or for one name and password."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from tests.servers.loopback import Answer, Asked, Server


class GitServer(Server):
    """`with GitServer(folder) as server`: the repositories of `folder` are at `server.url/NAME`."""

    def __init__(self, folder: Path, *, login: str | None = None, tls: bool = True) -> None:
        super().__init__(self._answered, tls=tls)
        self._folder = folder
        self._wanted = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None

    def address(self, name: str, login: str = "") -> str:
        return f"{self.url.replace('://', f'://{login}@' if login else '://')}/{name}"

    def _answered(self, asked: Asked) -> Answer:
        if self._wanted and asked.headers.get("authorization") != self._wanted:
            return Answer(status=401, body=b"", headers={"WWW-Authenticate": 'Basic realm="code"'})
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self._folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROTOCOL": asked.headers.get("git-protocol", ""),
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": asked.path,
            "QUERY_STRING": urlencode(asked.query),
            "CONTENT_TYPE": asked.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(asked.body)),
            "HTTP_CONTENT_ENCODING": asked.headers.get("content-encoding", ""),
        }
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        said = subprocess.run(command, input=asked.body, env=environment, capture_output=True, check=True).stdout
        head, _, body = said.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n"))
        status = int(fields.pop("Status", "200").split()[0])
        return Answer(status=status, body=body, kind=fields.pop("Content-Type", "text/plain"), headers=fields)
