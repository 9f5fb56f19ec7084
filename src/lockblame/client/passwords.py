"""The user's netrc file: user names and passwords by host, as pip, uv, curl and git read it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock


class Netrc:
    """The file of NETRC, else ~/.netrc, else ~/_netrc; read when it is first asked. One that can't be read costs one note.

    Its `default` entry is left out: it would send a password to every host there is.
    """

    def __init__(self, environment: Mapping[str, str], note: Callable[[str], None]) -> None:
        self._environment = environment
        self._note = note
        self._lock = Lock()
        self._found: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return "Netrc()"

    def header(self, host: str) -> str | None:
        """The `Authorization` for a host by its bare name, None when the file doesn't have it."""
        with self._lock:
            if self._found is None:
                self._found = self._read()
        return self._found.get(host.lower())

    def _read(self) -> Mapping[str, str]:
        import netrc

        for path in self._places():
            try:
                hosts = netrc.netrc(str(path)).hosts
            except (FileNotFoundError, NotADirectoryError):
                continue
            except netrc.NetrcParseError as error:
                # the message quotes the word it fails over, which may be the password
                self._note(f"{path} is no netrc file that can be read (line {error.lineno}): its passwords are not used")
            except (OSError, UnicodeError, ValueError) as error:
                self._note(f"{path} can't be read ({type(error).__name__}): its passwords are not used")
            else:
                return {
                    host.lower(): f"Basic {b64encode(f'{login or account}:{password}'.encode()).decode()}"
                    for host, (login, account, password) in hosts.items()
                    if host != "default" and password
                }
            break
        return {}

    def _places(self) -> Iterator[Path]:
        if chosen := self._environment.get("NETRC"):
            yield Path(chosen)
            return
        home = self._environment.get("HOME") or self._environment.get("USERPROFILE")
        if home:
            yield Path(home) / ".netrc"
            yield Path(home) / "_netrc"
