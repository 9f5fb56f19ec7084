"""Tokens and passwords: to whom each belongs, and that nobody else sees it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from threading import Lock
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from lockblame.client.answers import GITHUB_API
from lockblame.client.passwords import Netrc
from lockblame.client.tokens import owners
from lockblame.errors import ConfigError

_GITHUB = "api.github.com"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Credentials:
    """Who gets which `Authorization`: by origin, over https alone (or on this very machine), and in no repr.

    GITHUB_TOKEN belongs to the host of GITHUB_API_URL where that is set (as on a runner of an Enterprise Server), else to
    api.github.com, as does GH_TOKEN; GH_ENTERPRISE_TOKEN belongs to GH_HOST. Passwords in a URL belong to its origin, those of a
    netrc file to its hosts. A forge's API is asked with a token or with nothing: passwords are for indexes and their files.
    """

    def __init__(
        self,
        token: str | None,
        tokens: Mapping[str, str] | None,
        environment: Mapping[str, str],
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._netrc = Netrc(environment, note)
        self._tokens: dict[str, str] = {}
        self._passwords: dict[tuple[str, str], str] = {}
        self._lock = Lock()
        for name, host in (
            *owners(environment),
            ("GH_ENTERPRISE_TOKEN", environment.get("GH_HOST", "")),
            ("GH_TOKEN", _GITHUB),
            ("GITHUB_TOKEN", _host(environment.get("GITHUB_API_URL", "")) or _GITHUB),
        ):
            self._keep(host, environment.get(name, ""), name)
        for host, secret in (tokens or {}).items():
            self._keep(host, secret, f"the token for {host}")
        self._keep(_GITHUB, token or "", "the token")

    def _keep(self, host: str, secret: str, name: str) -> None:
        secret = secret.strip()
        if not secret or not host:
            return
        if not (secret.isascii() and secret.isprintable()) or " " in secret:
            raise ConfigError(name, "has characters in it that no token has")
        host = host.lower()
        self._tokens[f"api.{host}" if GITHUB_API.fullmatch(f"api.{host}") else host] = secret

    def __repr__(self) -> str:
        return f"tokens for {', '.join(sorted(self._tokens)) or 'no host'}"

    def learn(self, url: str) -> str:
        """`url` without its user name and password, which are kept for its origin."""
        parts = _split(url)
        user, at, _ = parts.netloc.rpartition("@")
        if not at:
            return url
        name, _, password = user.partition(":")
        pair = f"{unquote(name)}:{unquote(password)}".encode()
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        with self._lock:
            self._passwords[bare.scheme, bare.netloc.lower()] = f"Basic {b64encode(pair).decode()}"
        return urlunsplit(bare)

    def header(self, url: str) -> str | None:
        """The `Authorization` for a request to `url`, None when there is none for it."""
        parts = _split(url)
        host = parts.netloc.lower()
        if not host or not may_carry_secrets(url):
            return None
        token = self._tokens.get(host) or self._tokens.get(host.removesuffix(":443"))
        with self._lock:
            password = None if _is_forge(parts) else self._passwords.get((parts.scheme, host))
        if password is None and token is not None:
            return f"Bearer {token}"
        return password if password or _is_forge(parts) else self._netrc.header(parts.hostname or "")


def may_carry_secrets(url: str) -> bool:
    """Whether a password or token may go to `url`: over https, or to this very machine."""
    parts = _split(url)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


def _is_forge(parts: SplitResult) -> bool:
    """Whether it is a forge's API; the package registries that some forges have are indexes."""
    return GITHUB_API.fullmatch(parts.netloc) is not None or (
        re.match(r"/api/(?:v\d|graphql)", parts.path) is not None and "/packages/" not in parts.path
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _host(url: str) -> str:
    return _split(url).netloc.rpartition("@")[2].lower()
