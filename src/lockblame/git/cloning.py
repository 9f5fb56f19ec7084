"""Copies of other people's repositories: which addresses git is sent to, and how, so that an address can only be an address."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lockblame.errors import RevisionError
from lockblame.git import command

_URL = re.compile(r"([a-z][a-z0-9+.-]{0,20})://[^\s\0-\x1f\x7f]{1,2000}", re.IGNORECASE)
_SCP = re.compile(r"(?:[A-Za-z0-9_][\w.-]{0,60}@)?[A-Za-z0-9][A-Za-z0-9.-]{0,250}:(?!:)[^\s\0-\x1f\x7f]{1,2000}")
_PROTOCOLS = ("https", "ssh", "file")


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
        raise RevisionError(source, "isn't an address that git is sent to", "give a folder, or https://, ssh:// or file://")
    if found := _URL.fullmatch(source):
        kind = found[1].lower()
        if kind not in _PROTOCOLS or "://-" in source:
            raise RevisionError(source, f"git isn't sent there by {kind}", "give a folder, or https://, ssh:// or file://")
        return kind
    if not Path(source).exists() and _SCP.fullmatch(source) and "/" not in source.split(":", 1)[0]:
        return "ssh"
    return None


def clone(source: str, folder: Path) -> Call:
    """Copies the repository at an address, all branches and tags, without a work tree, into `folder`, which doesn't exist yet.

    Only the protocol of the address itself is allowed, also for what a server would send git on to. Hooks and templates are
    off, nobody is asked for a password, submodules are left alone.
    """
    kind = protocol(source)
    options = ("--bare", "--quiet", "--template=", "--no-local", "--no-recurse-submodules")
    return Call(words=["git", *_settings(kind), "clone", *options, "--", source, str(folder)], environment=_environment(kind))


def refresh(source: str, folder: Path) -> Call:
    """Fetches what the copy in `folder` doesn't have yet."""
    kind = protocol(source)
    fetch = ("fetch", "--quiet", "--tags", "--no-recurse-submodules", "--no-auto-maintenance", "--", source)
    refs = "+refs/heads/*:refs/heads/*"
    return Call(words=["git", *_settings(kind), "-C", str(folder), *fetch, refs], environment=_environment(kind))


def _settings(kind: str | None) -> tuple[str, ...]:
    allowed = ("-c", "protocol.allow=never", "-c", f"protocol.{kind}.allow=always")
    return (*command.SAFE, *allowed, "-c", "gc.auto=0", "-c", "transfer.bundleURI=false")


def _environment(kind: str | None) -> dict[str, str]:
    asking_nobody = {"GIT_ASKPASS": "", "SSH_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}
    their_ssh = {name: os.environ[name] for name in ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT") if name in os.environ}
    return {**command.environment(), **their_ssh, **asking_nobody, "GIT_ALLOW_PROTOCOL": kind or "none"}
