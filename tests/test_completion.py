"""Completion as a shell does it: the script is sourced, and what Tab would offer is looked at."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from lockblame.cli import whole_parser
from lockblame.commands.completion import SHELLS, script
from lockblame.commands.parser import commands_of

BASH = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
$(complete -p lockblame | sed 's/.*-F \\([^ ]*\\).*/\\1/') lockblame "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
ASKED = [
    ("bl", {"blame"}),
    ("blame --sympt", {"--symptom", "--symptom-file"}),
    ("blame --format post", {"postmortem"}),
    ("blame --issues iss", {"issues.jsonl"}),
    ("diff requ", {"requirements.txt"}),
    ("cases sho", {"show"}),
    ("cases add --rep", {"--report"}),
    ("completion fi", {"fish"}),
    ("--quiet hist", {"history"}),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("issues.jsonl", "requirements.txt"):
        (tmp_path / name).touch()
    (tmp_path / "evidence").mkdir()
    return tmp_path


def shell(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"{name} is not installed here")


@pytest.mark.parametrize(("typed", "offered"), ASKED, ids=[typed for typed, _ in ASKED])
class TestTab:
    def test_in_bash(self, folder: Path, typed: str, offered: set[str]) -> None:
        bash = shell("bash")
        (folder / "script").write_text(script(whole_parser(), "bash"))
        command = [bash, "--norc", "-c", BASH, "bash", "./script", "lockblame", *typed.split()]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
        assert (set(done.stdout.split()), done.stderr) == (offered, "")

    def test_in_fish(self, folder: Path, typed: str, offered: set[str]) -> None:
        fish = shell("fish")
        (folder / "script").write_text(script(whole_parser(), "fish"))
        command = [fish, "--no-config", "-c", f"source ./script; complete -C 'lockblame {typed}'"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=30, env={**os.environ, "HOME": str(folder)}, check=False
        )
        assert {line.split("\t")[0] for line in done.stdout.splitlines()} == offered


@pytest.mark.parametrize(("typed", "then"), [("bl", "lockblame blame "), ("blame --issues iss", "--issues issues.jsonl ")])
def test_in_zsh(folder: Path, typed: str, then: str) -> None:
    zsh = shell("zsh")
    import pty

    (folder / "functions").mkdir()
    (folder / "functions" / "_lockblame").write_text(script(whole_parser(), "zsh"))
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(zsh, [zsh, "-f", "-i"], {**os.environ, "TERM": "dumb", "PS1": "", "HOME": str(folder)})  # noqa: S606
    seen = b""

    def until(text: bytes) -> bool:
        nonlocal seen
        end = time.monotonic() + 15
        while text not in seen and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536)
        return text in seen

    try:
        os.write(terminal, b"fpath=(./functions $fpath); autoload -U compinit; compinit -D -u; print REA''DY\n")
        assert until(b"READY\r")
        os.write(terminal, f"lockblame {typed}\t".encode())
        assert until(then.encode()), seen
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


@pytest.mark.parametrize("name", SHELLS)
def test_every_shell_gets_every_command_and_option(name: str) -> None:
    parser = whole_parser()
    written = script(parser, name)
    for each in commands_of(parser):
        assert each.prog.split()[-1] in written
    assert "symptom-file" in written
    assert written.endswith("\n")


def test_folders_are_offered_where_a_folder_is_wanted(folder: Path) -> None:
    (folder / "script").write_text(script(whole_parser(), "bash"))
    command = [shell("bash"), "--norc", "-c", BASH, "bash", "./script", "lockblame", "blame", "--evidence", ""]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.split() == ["evidence"]


def test_the_scripts_are_read_without_complaint(folder: Path) -> None:
    for name in ("bash", "zsh", "fish"):
        if found := shutil.which(name):
            (folder / "script").write_text(script(whole_parser(), name))
            done = subprocess.run([found, "-n", "script"], cwd=folder, capture_output=True, text=True, timeout=30, check=False)
            assert (done.returncode, done.stderr) == (0, "")
