"""`lockblame completion`."""

from __future__ import annotations

import argparse
import sys

SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")
HOW = """\
Where it goes:
bash        ~/.local/share/bash-completion/completions/lockblame
zsh         _lockblame, in a folder of $fpath
fish        ~/.config/fish/completions/lockblame.fish
tcsh        any file, and `source` that file in ~/.tcshrc
powershell  the end of $PROFILE"""

_FILES = frozenset({"FILE", "PATH", "BEFORE", "AFTER", "VERSION|PATH", "[NAME=]PATH|URL"})
_FOLDERS = frozenset({"DIR", "FOLDER"})


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `completion` can be told."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(options: argparse.Namespace) -> int:
    """Print the script that completes commands, options, their values and files."""
    sys.stdout.write(script(options.parser, options.shell))
    return 0


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion of everything that `parser` knows, in the language of `shell`."""
    import shtab

    from lockblame.commands.parser import commands_of

    for each in (parser, *commands_of(parser)):
        for action in each._actions:
            kind = shtab.FILE if action.metavar in _FILES else shtab.DIRECTORY if action.metavar in _FOLDERS else None
            if kind is not None:
                action.complete = kind  # type: ignore[attr-defined]  # the way to tell shtab
    written: str = shtab.complete(parser, shell=shell)
    return written.rstrip("\n") + "\n"
