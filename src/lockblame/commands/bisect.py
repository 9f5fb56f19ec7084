"""`lockblame bisect`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lockblame.commands.asking import arguments as asking_arguments
from lockblame.commands.asking import asking
from lockblame.commands.options import watched
from lockblame.errors import BisectError

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.model import Bisection, Report
    from lockblame.progress import Progress

USAGE = 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `bisect` can be told."""
    parser.usage = "lockblame bisect [options] BEFORE [AFTER] -- COMMAND…"
    parser.add_argument("before", metavar="BEFORE", help="the good side, or a range BASE..HEAD")
    parser.add_argument("after", metavar="AFTER", nargs="?", help="the bad side (default: the working tree)")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    _judging(parser.add_argument_group("what is bad", "exit code 0 is good, 125 untestable, another up to 127 bad"))
    _searching(parser.add_argument_group("the search"))
    _environments(parser.add_argument_group("environments"))
    asking_arguments(parser.add_argument_group("upstream"), deadline=False)


def _judging(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--timeout", metavar="SECONDS", type=float, help="end a run that isn't done by then")
    verdicts = ("good", "bad", "untestable")
    group.add_argument("--on-timeout", choices=verdicts, default="bad", help="what such a run is (default: bad)")
    group.add_argument("--bad-if", metavar="TEXT|re:REGEX", help="bad is what prints this; failing otherwise is untestable")
    group.add_argument("--good-if", metavar="TEXT|re:REGEX", help="good is what prints this")
    group.add_argument(
        "--slower-than", metavar="2x|SECONDS", help="bad is what takes longer: than that, or so many times the good side"
    )
    group.add_argument(
        "--repeat", metavar="N", type=int, default=1, help="for a flaky command: up to N runs, the majority decides"
    )


def _searching(group: argparse._ArgumentGroup) -> None:
    what = group.add_mutually_exclusive_group()
    what.add_argument("--symptom", metavar="TEXT", help="what went wrong: the suspects of `blame` are tried first")
    what.add_argument("--symptom-file", metavar="FILE", help="the same from a file (- is stdin)")
    group.add_argument("--evidence", metavar="DIR", help="rank the suspects by this evidence bundle alone")
    group.add_argument("--offline", action="store_true", help="ask no index and no forge for the ranking and the drill")
    group.add_argument("--drill", action="store_true", help="go on with the releases of each culprit between its two versions")
    group.add_argument(
        "--source",
        metavar="[NAME=]PATH|URL",
        action="append",
        help="drill down to the upstream commit: the culprit's repository, a clone's folder or https, ssh, file",
    )
    group.add_argument("--limit", metavar="N", type=int, help="stop after N trials with the best answer so far")
    group.add_argument("--deadline", metavar="SECONDS", type=float, help="the same after that time")
    group.add_argument("--journal", metavar="FILE", help="keep the trials there (default: in the cache folder, until it is done)")


def _environments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--python", metavar="VERSION|PATH", help="the Python to install for (default: the running one)")
    group.add_argument("--installer", choices=("uv", "pip"), help="default: uv where it is there, else pip")
    group.add_argument("--extra", metavar="NAME", action="append", help="only this extra of the project (default: all)")
    group.add_argument("--group", metavar="NAME", action="append", help="only this dependency group (default: all)")
    group.add_argument("--without", metavar="NAME", action="append", help="leave a package out that can't be had here")
    group.add_argument("--environments", metavar="DIR", help="where they stand (default: the user's cache folder)")
    group.add_argument("--keep", metavar="N", type=int, help="how many stay for the next time (default: 12)")


def run(options: argparse.Namespace) -> int:
    """Find the culprits and show them."""
    from lockblame.report.proof import proof
    from lockblame.terminal import colour, show, width

    if not options.command:
        sys.stderr.write("lockblame bisect: the command to try is missing: put it behind --; see `lockblame bisect --help`\n")
        return USAGE
    told = watched(options)
    with asking(options, told) as client:
        ranked = _ranked(options, client, told)
        try:
            found = _found(options, ranked, client, told)
        except KeyboardInterrupt:
            sys.stderr.write("lockblame bisect: the trials that are done are kept: the same call goes on from there\n")
            raise
    show(proof(found, options.format, width=width(), colour=colour()), options.format)
    if not found.culprits:
        raise BisectError("no set of changes was found to fail")
    return 0


def _found(options: argparse.Namespace, ranked: Report, client: Client, told: Progress) -> Bisection:
    from lockblame.api.bisecting import bisect
    from lockblame.api.proving.clones import parse
    from lockblame.client import Client
    from lockblame.trial import KEEP

    return bisect(
        ranked.delta,
        options.command,
        priors=ranked,
        timeout=options.timeout,
        on_timeout=options.on_timeout,
        bad_if=options.bad_if,
        good_if=options.good_if,
        slower_than=options.slower_than,
        repeat=options.repeat,
        limit=options.limit,
        deadline=options.deadline,
        python=options.python,
        installer=options.installer,
        extras=options.extra,
        groups=options.group,
        without=options.without or (),
        environments=options.environments,
        keep=KEEP if options.keep is None else options.keep,
        journal=options.journal,
        drill=options.drill,
        source=parse(options.source),
        client=Client(offline=True) if options.offline else client,
        progress=told,
    )


def _ranked(options: argparse.Namespace, client: Client, told: Progress) -> Report:
    """The suspects: by the symptom where there is one, else by what changed alone, which asks nobody."""
    from lockblame.api.blaming import blame
    from lockblame.commands.symptom import symptom
    from lockblame.progress import SILENT

    said = symptom(options)
    return blame(
        options.before,
        options.after,
        symptom=said,
        evidence=options.evidence,
        offline=options.offline or said is None,
        client=client,
        # a stage that speaks of asking would be shown where nobody is asked
        progress=told if said is not None else SILENT,
    )
