"""`lockblame check`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.model import Report
    from lockblame.progress import Progress

VIOLATED = 1
STYLES = ("text", "markdown", "html", "json", "sarif", "github")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `check` can be told besides its two sides."""
    from lockblame.commands.asking import arguments as asking_arguments
    from lockblame.commands.options import budget, day

    parser.add_argument("--policy", metavar="FILE", help="the settings whose policy counts (default: those of --config)")
    parser.add_argument("--config", metavar="FILE", help="settings (default: lockblame.toml, else pyproject.toml)")
    parser.add_argument("--issues", metavar="FILE", help="issues from this file (JSON Lines) instead of from the forges")
    parser.add_argument("--evidence", metavar="DIR", help="answer from this evidence bundle alone")
    parser.add_argument("--save-evidence", metavar="DIR", help="keep what was fetched, to check the same again")
    parser.add_argument("--as-of", metavar="DATE", type=day, help="judge as if it were that day (YYYY-MM-DD)")
    parser.add_argument("--offline", action="store_true", help="open no connection")
    parser.add_argument("--deep", action="store_true", help="compare artifacts too: finds removed names that the source uses")
    parser.add_argument("--budget", metavar="LIMITS", type=budget, help="what --deep may cost (default: 4,40MB,20s)")
    asking_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 when one of them stops the deploy."""
    from lockblame.commands.asking import asking
    from lockblame.commands.options import watched
    from lockblame.report.gate import gate
    from lockblame.terminal import colour, show, width

    told = watched(options)
    with asking(options, told) as client:
        found = _found(options, client, told)
    # set before it is printed: a reader that goes away early (head) changes no verdict
    options.code = VIOLATED if any(one.stops for one in found.violations) else 0
    if options.format == "github" and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        _summarize(summary, gate(found, "markdown"))
    show(gate(found, options.format, width=width(), colour=colour()), options.format)
    return int(options.code)


def _summarize(path: str, comment: str) -> None:
    """Append the comment to a runner's own file. That it can't be is no reason to have no verdict."""
    try:
        with open(path, "a", encoding="utf-8", errors="replace") as page:  # noqa: PTH123
            page.write(comment)
    except OSError as error:
        sys.stderr.write(f"lockblame: the step's summary can't be written: {error.strerror or error}\n")


def _found(options: argparse.Namespace, client: Client, told: Progress) -> Report:
    from lockblame.api.checking import check
    from lockblame.commands.options import ends, environment

    return check(
        *ends(options),
        policy=options.policy,
        issues=options.issues,
        evidence=options.evidence,
        save_evidence=options.save_evidence,
        as_of=options.as_of,
        config=options.config,
        environment=environment(options),
        offline=options.offline,
        client=client,
        deep=options.budget or options.deep,
        progress=told,
    )
