"""Copies of other people's repositories: which addresses git is sent to, and how, so that an address can only be an address."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lockblame.errors import RevisionError
from lockblame.git import command

_URL = re.compile(r"([a-z][a-z0-9+.-]{0,20})://[^\s\0-\x1f\x7f]{1,2000}", re.IGNORECASE)
_SCP = re.compile(r"(?:[A-Za-z0-9_][\w.-]{0,60}@)?[A-Za-z0-9][A-Za-z0-9.-]{0,250}:(?!:)[^\s\0-\x1f\x7f]{1,2000}")
_LOGIN = re.compile(r"(?<=://)([^/?#\\]*)@")
_PROTOCOLS = ("https", "ssh", "file")
_THEIRS = ("GIT_SSH", "GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_")
"""The user's own ways to a server: their ssh, a private authority, a proxy."""
_PATIENCE = {"GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": "120"}
"""A server that says nothing for two minutes isn't waited for."""
_USER, _PASSWORD = "LOCKBLAME_GIT_USER", "LOCKBLAME_GIT_PASSWORD"
_ANSWER = f"""!f() {{ test "$1" = get && printf '%s\\n' "username=${_USER}" "password=${_PASSWORD}"; }}; f"""
"""What git asks when a server wants a password, and how that answers: the secret itself is only in the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A git to be run: its words and its environment."""

    words: Sequence[str]
    environment: Mapping[str, str]


def protocol(source: str) -> str | None:
    """By which protocol git would fetch this address: "https", "ssh" (also HOST:PATH) or "file"; None for a folder's path.

    RevisionError for any other: what has `::` in it names a program that git would run, and http and git are not protected.
    """
    if "::" in source.split("/", 1)[0] or source.startswith("-"):
        raise RevisionError(bare(source), "isn't an address that git is sent to", "give a folder, or https://, ssh:// or file://")
    if found := _URL.fullmatch(source):
        kind = found[1].lower()
        if kind not in _PROTOCOLS or "://-" in source:
            raise RevisionError(bare(source), f"git isn't sent there by {kind}", "give a folder, or https://, ssh:// or file://")
        return kind
    if not Path(source).exists() and _SCP.fullmatch(source) and "/" not in source.split(":", 1)[0]:
        return "ssh"
    return None


def bare(source: str) -> str:
    """The address without a password or a token in it, fit to be shown, and to be kept."""
    found = _LOGIN.search(source)
    if found is None:
        return source
    # of ssh the name belongs to the address, and what follows it is no password that ssh would take
    name = found[1].partition(":")[0]
    return _LOGIN.sub(f"{name}@" if source.lower().startswith("ssh:") and name else "", source, count=1)


def clone(source: str, folder: Path) -> Call:
    """Copies the repository at an address, all branches and tags, without a work tree, into `folder`, which doesn't exist yet.

    Only the protocol of the address itself is allowed, also for what a server would send git on to. Hooks and templates are
    off, nobody is asked for a password, submodules are left alone. A password in the address is in none of git's arguments,
    which everybody can see, and not in the copy.
    """
    kind = protocol(source)
    options = ("--bare", "--quiet", "--template=", "--no-local", "--no-recurse-submodules")
    words = ["git", *_settings(kind), "clone", *options, "--", bare(source), str(folder)]
    return Call(words=words, environment=_environment(kind, source))


def refresh(source: str, folder: Path) -> Call:
    """Fetches what the copy in `folder` doesn't have yet."""
    kind = protocol(source)
    fetch = ("fetch", "--quiet", "--tags", "--no-recurse-submodules", "--no-auto-maintenance", "--", bare(source))
    refs = "+refs/heads/*:refs/heads/*"
    return Call(words=["git", *_settings(kind), "-C", str(folder), *fetch, refs], environment=_environment(kind, source))


def probe(source: str) -> Call:
    """Asks whether the repository at an address can be read; git fails when not."""
    kind = protocol(source)
    return Call(
        words=["git", *_settings(kind), "ls-remote", "--quiet", "--", bare(source), "HEAD"],
        environment=_environment(kind, source),
    )


def _settings(kind: str | None) -> tuple[str, ...]:
    allowed = ("-c", "protocol.allow=never", "-c", f"protocol.{kind}.allow=always")
    return (*command.SAFE, *allowed, "-c", "gc.auto=0", "-c", "transfer.bundleURI=false")


def _environment(kind: str | None, source: str) -> dict[str, str]:
    asking_nobody = {"GIT_ASKPASS": "", "SSH_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never", "GCM_INTERACTIVE": "never"}
    theirs = {name: value for name, value in os.environ.items() if name.startswith(_THEIRS)}
    common = {**command.environment(), **_PATIENCE, **theirs, **asking_nobody, "GIT_ALLOW_PROTOCOL": kind or "none"}
    return {**common, **login(source, common)} if kind == "https" else common


def login(source: str, environment: Mapping[str, str], *, whole: bool = False) -> dict[str, str]:
    """What git needs in its `environment` to answer the server of this https address, and no other, with the name and password
    in it; with `whole` for this repository alone. Nothing where it has none. RevisionError for what can't be a password."""
    found = _LOGIN.search(source)
    name, _, password = found[1].partition(":") if found else ("", "", "")
    name, password = unquote(name), unquote(password)
    if not (name or password):
        return {}
    if not (name + password).isprintable():
        raise RevisionError(bare(source), "has characters in its password that no password has")
    place = re.match(r".*" if whole else r"https://[^/?#]*", bare(source), re.IGNORECASE)
    known = environment.get("GIT_CONFIG_COUNT", "")
    count = int(known) if known.isascii() and known.isdecimal() else 0
    helper = f"credential.{place[0] if place else ''}.helper"
    return {
        _USER: name,
        _PASSWORD: password,
        "GIT_CONFIG_COUNT": str(count + 2),
        # the user's own helpers aren't asked, and don't keep what was meant for this once
        f"GIT_CONFIG_KEY_{count}": helper,
        f"GIT_CONFIG_VALUE_{count}": "",
        f"GIT_CONFIG_KEY_{count + 1}": helper,
        f"GIT_CONFIG_VALUE_{count + 1}": _ANSWER,
    }
