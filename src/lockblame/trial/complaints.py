"""What uv and pip say when something can't be installed: whose fault it is, and what to do about it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from lockblame.errors import TrialFailed
from lockblame.trial.processes import Ended

MAKE_ROOM = "free some, or name another folder with --environments"
_LITTLE = 2**20
"""Bytes that are less than anything that is installed takes."""

_NO_ROOM = re.compile(rb"No space left on device|Disk quota exceeded")
_NO_ANSWER = re.compile(
    rb"error sending request|dns error|NewConnectionError|Max retries exceeded|NameResolutionError|[Nn]etwork is unreachable"
)
"""What they say when it is not the package that is at fault."""
_REFUSED = re.compile(
    rb"40[137] (?:Unauthorized|Forbidden|Proxy)|\(40[137] |\b40[137] (?:Client )?Error|authentication credentials"
)
"""What they say of an index that wants a password, or another one."""
_NO_LOGIN = re.compile(rb"could not read (?:Username|Password)|Authentication failed for|terminal prompts disabled")
"""What git says of a repository that wants one."""
_WRONG = re.compile(r"(?:error|cause|[A-Za-z_.]{1,80}(?:Error|Exception)): ", re.IGNORECASE)


def complaint(installer: str, ended: Ended, home: Path, patience: float) -> TrialFailed:
    """The error for an installer that failed: about "environment" where it is the mix's own fault."""
    said = _said(installer, ended, patience)
    if _NO_ROOM.search(ended.output) or _full(home):
        return TrialFailed(str(home), said, MAKE_ROOM)
    if _NO_ANSWER.search(ended.output):
        return TrialFailed("index", said, "the same call goes on from here when the index answers again")
    if _REFUSED.search(ended.output):
        way_out = "the password that pip or uv has for it is missing or wrong: check PIP_INDEX_URL, UV_INDEX_*, or a netrc file"
        return TrialFailed("index", f"{said} (an index refused: 401 or 403)", way_out)
    if _NO_LOGIN.search(ended.output):
        way_out = "it isn't there, or wants a password that git doesn't have: set a credential helper"
        return TrialFailed("git", said, f"{way_out} (variables in its address count where both locks have them)")
    way_out = "what can't be had here can be left out: --without NAME"
    if b"(from versions: none)" in ended.output:
        # pip doesn't tell an index that has nothing of that name from one that wants a password
        way_out = f"no index that was asked shows it: does one want a password? {way_out}"
    return TrialFailed("environment", said, way_out)


def _full(home: Path) -> bool:
    """Whether the disk is full: not every program that finds no room says so."""
    try:
        return shutil.disk_usage(home).free < _LITTLE
    except OSError:
        return False


def _said(installer: str, ended: Ended, patience: float) -> str:
    """What it said went wrong; where it doesn't say so, the last things that it said."""
    if ended.code is None:
        return f"{installer} wasn't done within {patience:.0f} s"
    lines = [line.strip() for line in ended.output.decode("utf-8", "replace").splitlines() if line.strip()]
    wrong = [line for line in lines if _WRONG.match(line)]
    told = list(dict.fromkeys([*wrong[:2], *wrong[-3:]])) or lines[-4:]
    return f"{installer} failed: {' | '.join(line[:300] for line in told) or f'exit code {ended.code}'}"
