"""A repository of lockblame's own, made to show something: the demo's history as real commits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lockblame.errors import ReadError


def start(folder: Path) -> None:
    """Make `folder` an empty repository."""
    _git(folder, "init", "--quiet", "--initial-branch=main")


def record(folder: Path, subject: str, when: datetime, tag: str) -> None:
    """Commit everything in `folder` as of `when`, and tag it."""
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--no-verify", "--message", subject, when=when)
    _git(folder, "tag", tag)


def _git(folder: Path, *arguments: str, when: datetime | None = None) -> None:
    command: Sequence[str] = [
        "git",
        "-c",
        "commit.gpgSign=false",
        "-c",
        "tag.gpgSign=false",
        "-c",
        "core.autocrlf=false",
        *arguments,
    ]
    try:
        subprocess.run(command, cwd=folder, env=_environment(when), check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        raise ReadError("git", "is not installed", "install git") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise ReadError("git " + arguments[0], f"failed: {(error.stderr or b'').decode('utf-8', 'replace').strip()}") from error


def _environment(when: datetime | None) -> dict[str, str]:
    """The user's, less what points git at another repository or at settings of theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    date = when.isoformat() if when else ""
    who = {"NAME": "lockblame demo", "EMAIL": "demo@lockblame.example", **({"DATE": date} if date else {})}
    people = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in who.items()}
    return {**kept, **people, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
