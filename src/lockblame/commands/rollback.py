"""`lockblame rollback`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lockblame.commands.asking import arguments as asking_arguments
from lockblame.commands.asking import asking
from lockblame.commands.options import watched

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.model import Rollback
    from lockblame.progress import Progress


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `rollback` can be told."""
    parser.add_argument("before", metavar="BEFORE", nargs="?", help="the good side, or a range BASE..HEAD")
    parser.add_argument("after", metavar="AFTER", nargs="?", help="the bad side (default: the working tree)")
    parser.add_argument(
        "--package", metavar="NAME", action="append", default=[], help="what goes back (default: the leading suspect)"
    )
    parser.add_argument("--symptom", metavar="TEXT", help="without --package: what went wrong, to find the suspect by")
    parser.add_argument("--write", action="store_true", help="edit the file (default: show the diff)")
    parser.add_argument("--check", action="store_true", help="let uv or Poetry lock a temporary copy, and tell what else moves")
    parser.add_argument("--undo", action="store_true", help="take out what earlier rollbacks wrote; needs no BEFORE")
    styles = ("uv", "poetry", "requirements", "constraints")
    parser.add_argument("--as", dest="style", choices=styles, help="how it goes back (default: what the lock is of)")
    parser.add_argument("--file", metavar="FILE", help="the file to edit (default: the one beside the lock)")
    parser.add_argument("--advisories", metavar="FILE", help="vulnerabilities in the OSV format, to tell which come back")
    parser.add_argument("--evidence", metavar="DIR", help="answer from this evidence bundle instead of the package index")
    parser.add_argument("--offline", action="store_true", help="open no connection")
    asking_arguments(parser, deadline=False)
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")


def run(options: argparse.Namespace) -> int:
    """Show (with --write: make) the edit."""
    from pathlib import Path

    from lockblame.report.rollbacks import rollback as rendered
    from lockblame.terminal import colour, show, width

    told = watched(options)
    with asking(options, told) as client:
        found = _found(options, client, told)
    show(rendered(found, options.format, folder=str(Path.cwd()), width=width(), colour=colour()), options.format)
    return 0


def _found(options: argparse.Namespace, client: Client, told: Progress) -> Rollback:
    from lockblame.api.rolling_back import rollback

    return rollback(
        options.before,
        options.after,
        packages=options.package,
        symptom=options.symptom,
        style=options.style,
        file=options.file,
        write=options.write,
        check=options.check,
        undo=options.undo,
        advisories=options.advisories,
        evidence=options.evidence,
        budget=options.budget,
        offline=options.offline,
        client=client,
        progress=told,
    )
