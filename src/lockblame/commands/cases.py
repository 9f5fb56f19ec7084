"""`lockblame cases add|list|show|search`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockblame.model import Case, Moment


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `cases` can be told."""
    parser.add_argument("--config", metavar="FILE", help="settings (default: lockblame.toml, else pyproject.toml)")
    from lockblame.commands.parser import subcommand

    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    add = subcommand(
        actions, "add", "keep a solved incident", "lockblame cases add --title 'Workers slow down' --report report.json"
    )
    add.add_argument("--title", metavar="TEXT", required=True, help="what it was, in a few words")
    add.add_argument("--date", metavar="DATE", help="its day (default: today)")
    add.add_argument("--report", metavar="FILE", help="what `blame --format json` printed: symptom, culprit, issue and changes")
    add.add_argument("--proof", metavar="FILE", help="what `bisect --format json` printed: the culprit and how it was proven")
    for field in ("symptom", "culprit", "issue", "workaround"):
        add.add_argument(f"--{field}", metavar="TEXT", help="instead of what the report says")
    add.add_argument("--link", metavar="URL", action="append", default=[], help="to a ticket, a dashboard, a postmortem")
    add.add_argument("--event", metavar="WHEN=WHAT", action="append", default=[], help="a line of its time line")
    subcommand(actions, "list", "all of them, newest first", "lockblame cases list")
    show = subcommand(actions, "show", "one with all that it holds", "lockblame cases show 2024-03-02-workers-slow-down")
    show.add_argument("id", metavar="ID", help="as `lockblame cases list` has it, or how it begins")
    search = subcommand(actions, "search", "those that resemble a symptom", "lockblame cases search 'workers crawl'")
    search.add_argument("symptom", metavar="TEXT", help="what went wrong, in your own words")


def run(options: argparse.Namespace) -> int:
    """Do what was asked."""
    from lockblame.api import cases
    from lockblame.report import cases as shown
    from lockblame.report.hostile import line
    from lockblame.terminal import colour, show, width

    folder = cases.place(options.config)
    if options.action == "add":
        print(line(str(cases.add(_given(options), folder)), 1000))  # noqa: T201
        return 0
    known, gaps = cases.read_all(folder)
    for gap in gaps:
        print(f"lockblame: {line(gap.subject)}: {line(gap.detail)}", file=sys.stderr)  # noqa: T201
    if options.action == "search":
        show(shown.found(cases.search(options.symptom, folder), width(), colour()))
    elif options.action == "list":
        show(shown.listed(known, width(), colour()))
    else:
        show(shown.whole(_one(known, options.id), width(), colour()))
    return 0


def _one(known: Sequence[Case], id: str) -> Case:
    """The case of that id, or the only one whose id begins so: a day is enough where it had one incident."""
    from lockblame.errors import ReadError

    found = [case for case in known if case.id == id] or [case for case in known if id and case.id.startswith(id)]
    if len(found) > 1:
        raise ReadError(id, "there are several such cases", f"one of {', '.join(case.id for case in found[:8])}")
    if not found:
        raise ReadError(id, "there is no such case", "`lockblame cases list` has their ids")
    return found[0]


def _moments(events: Sequence[str]) -> Iterator[Moment]:
    from lockblame.errors import ReadError
    from lockblame.model import Moment

    for event in events:
        at, sign, what = event.partition("=")
        if not (sign and at.strip() and what.strip()):
            raise ReadError(event, "is no line of a time line", "write it like --event '2024-03-02 10:00=deployed'")
        yield Moment(at=at.strip(), event=what.strip())


def _given(options: argparse.Namespace) -> Case:
    """The case that the options and the report tell of."""
    from datetime import UTC, date, datetime

    from lockblame.api import cases
    from lockblame.errors import ReadError

    told = cases.from_report(options.report) if options.report else {}
    if options.proof:
        from lockblame.api.proving.proofs import read_proof

        told |= cases.proven(read_proof(options.proof))
    told |= {key: value for key in ("symptom", "culprit", "issue", "workaround") if (value := getattr(options, key))}
    if not told.get("symptom"):
        raise ReadError("cases add", "a case needs its symptom", "give --symptom, or a --report that has one")
    told["timeline"] = tuple(_moments(options.event))
    told["links"] = tuple(options.link)
    try:
        day = date.fromisoformat(options.date) if options.date else datetime.now(UTC).date()
    except ValueError:
        raise ReadError(options.date, "is not a day", "write it like 2024-03-02") from None
    return cases.solved(options.title, day, told)
