"""The command line: arguments in, a rendered report out, exit codes. It decides nothing.

Exit codes: 0 answered · 1 the policy of `check` is violated · 2 usage · 3 no answer possible.
"""

from __future__ import annotations

import argparse
import codecs
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from lockblame.commands.asking import arguments as asking_arguments
from lockblame.commands.asking import asking
from lockblame.commands.options import budget, day, ends, environment, waiting, watched
from lockblame.commands.parser import Parser, everywhere, example, parsed, subcommand
from lockblame.commands.symptom import symptom
from lockblame.errors import LockblameError, SymptomError

if TYPE_CHECKING:
    from lockblame.model import Delta, Report

    Commands = argparse._SubParsersAction[Parser]

_OBJECTS = 200_000
"""New ones, after which a command looks for garbage."""

ANSWERED, USAGE, NO_ANSWER, INTERRUPTED = 0, 2, 3, 130

ASCII = {"→": "->", "…": "...", "“": '"', "”": '"', "≥": ">=", "·": "*"}
"""How the signs that we write ourselves are typed where the encoding of a stream doesn't have them."""

SIDES = """\
BEFORE and AFTER are each a lockfile, a folder, a git revision (every lock in
it), or REV:path; or one range BASE..HEAD. Without AFTER the working tree is
meant."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. Every expected failure is one sentence on standard error."""
    _survive_any_stream()
    parser = whole_parser()
    given, command = parted(sys.argv[1:] if arguments is None else arguments)
    options = parsed(parser, given, argparse.Namespace(command=command, quiet=False, verbose=False, code=ANSWERED, parser=parser))
    try:
        with _listening(options), _hoarding():
            code: int = options.run(options)
        sys.stdout.flush()
    except SymptomError as error:
        return _fail(error, USAGE)
    except LockblameError as error:
        return _fail(error, NO_ANSWER)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; without this Python complains again at exit.
        # What was found is found all the same.
        _write_nowhere()
        return int(options.code)
    except OSError as error:
        if error.filename is not None:  # then it is none of the streams, and nobody has foreseen it
            return _crashed()
        _write_nowhere()
        return _fail(f"the answer can't be written: {error.strerror or error}", NO_ANSWER)
    except Exception:
        # Python's own exit code for it, 1, would say that a policy is violated
        return _crashed()
    return code


def parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own arguments, and the command behind `--` that `bisect` is to try."""
    given = list(arguments)
    asked = next((one for one in given if not one.startswith("-")), None)
    if asked != "bisect" or "--" not in given:
        return given, []
    place = given.index("--")
    return given[:place], given[place + 1 :]


def _listening(options: argparse.Namespace) -> AbstractContextManager[None]:
    if not options.verbose:
        return nullcontext()
    from lockblame.terminal import listening

    return listening(sys.stderr)


@contextmanager
def _hoarding() -> Iterator[None]:
    """A command makes hundreds of thousands of small objects that stay until it ends: looking for garbage among them as often as
    Python does costs a tenth of a `diff` and a twentieth of a `blame`."""
    usual = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _fail(error: object, code: int) -> int:
    from lockblame.report.hostile import line

    sys.stdout.flush()
    print(f"lockblame: {line(str(error), 2000)}", file=sys.stderr)
    return code


def _crashed() -> int:
    """What nobody has foreseen is shown as Python does, but it is no verdict."""
    import traceback

    traceback.print_exc()
    return NO_ANSWER


def _write_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _survive_any_stream() -> None:
    codecs.register_error("lockblame", _in_ascii)
    # Python has no stream at all where a caller closed it
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="lockblame")


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    """What an encoding doesn't have: our own signs as they are typed, other people's text by its code points."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(ASCII.get(char) or char.encode("ascii", "backslashreplace").decode() for char in text), error.end


# --- arguments -------------------------------------------------------------------------------------------------------


def whole_parser() -> Parser:
    """All that can be said to lockblame."""
    parser = Parser(
        prog="lockblame",
        description="Which dependency change broke the deployment: compares the locks of two\n"
        "revisions, and ranks the changes and their upstream issues by the symptom.",
        epilog=example("lockblame blame v1.4..v1.5 --symptom 'workers consume far less than before'"),
    )
    parser.add_argument("-V", "--version", action=_Version)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _diff_parser(commands)
    _blame_parser(commands)
    _check_parser(commands)
    _history_parser(commands)
    _bisect_parser(commands)
    _rollback_parser(commands)
    _cases_parser(commands)
    _cache_parser(commands)
    _completion_parser(commands)
    _demo_parser(commands)
    everywhere(parser)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when somebody asks."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and stop")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import lockblame

        print(f"lockblame {lockblame.__version__}")
        parser.exit()


def _command(
    commands: Commands, name: str, run: Callable[..., int], help: str, shown: str, more: str = ""
) -> argparse.ArgumentParser:
    parser = subcommand(commands, name, help, shown, SIDES if name in ("diff", "blame", "check", "bisect") else more)
    parser.set_defaults(run=run)
    return parser


def _sides(parser: argparse.ArgumentParser, styles: tuple[str, ...] = ("text", "markdown", "html", "json")) -> None:
    parser.add_argument("before", metavar="BEFORE", help="the good side, or a range BASE..HEAD")
    parser.add_argument("after", metavar="AFTER", nargs="?", help="the bad side (default: the working tree)")
    parser.add_argument("--format", choices=styles, default="text", help="default: text")
    parser.add_argument(
        "--python",
        metavar="VERSION|PATH",
        help="narrow to what this Python would install (3.12), without extras and development groups; or compare with what is "
        "installed for it (a path)",
    )
    parser.add_argument("--platform", metavar="NAME", choices=("linux", "darwin", "win32"), help="and this platform")


def _diff_parser(commands: Commands) -> None:
    parser = _command(commands, "diff", _diff, "every change between two locks", "lockblame diff HEAD~1 HEAD --why kombu")
    _sides(parser)
    parser.add_argument("--why", metavar="NAME", help="why this package changed, in full: who demands it, and every path to it")
    parser.add_argument("--offline", action="store_true", help="with --why: open no connection, what earlier runs asked counts")
    asking_arguments(parser)


def _blame_parser(commands: Commands) -> None:
    shown = "lockblame blame v1.4..v1.5 --symptom-file alert.log --format markdown"
    parser = _command(commands, "blame", _blame, "rank the changes and upstream issues by a symptom", shown)
    _sides(parser, ("text", "markdown", "html", "json", "postmortem"))
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--symptom", metavar="TEXT", help="what went wrong, in your own words")
    what.add_argument("--symptom-file", metavar="FILE", help="the same, or a log or traceback, from a file (- is stdin)")
    parser.add_argument("--issues", metavar="FILE", help="issues from this file (JSON Lines) instead of from the forges")
    parser.add_argument("--evidence", metavar="DIR", help="answer from this evidence bundle alone")
    parser.add_argument("--save-evidence", metavar="DIR", help="keep what was fetched, to make the same report again")
    parser.add_argument("--as-of", metavar="DATE", type=day, help="ignore whatever was opened after this day (YYYY-MM-DD)")
    parser.add_argument("--config", metavar="FILE", help="settings (default: lockblame.toml, else pyproject.toml)")
    parser.add_argument("--proof", metavar="FILE", help="what `bisect --format json` printed about the same locks")
    parser.add_argument("--offline", action="store_true", help="open no connection")
    parser.add_argument("--deep", action="store_true", help="look into the artifacts and changelogs of the leading suspects too")
    parser.add_argument("--budget", metavar="LIMITS", type=budget, help="what --deep may cost (default: 4,40MB,20s)")
    asking_arguments(parser)


def _check_parser(commands: Commands) -> None:
    from lockblame.commands import check

    shown = "lockblame check origin/main..HEAD --format github"
    parser = _command(commands, "check", check.run, "what is risky about the changes, before they are deployed", shown)
    _sides(parser, check.STYLES)
    check.arguments(parser)


def _history_parser(commands: Commands) -> None:
    shown = "lockblame history uv.lock --package kombu --since v1.4"
    parser = _command(commands, "history", _history, "which commit brought which change of a lock", shown)
    parser.add_argument("path", metavar="PATH", nargs="?", help="the lock, or a folder of locks (default: every lock)")
    parser.add_argument("--package", metavar="NAME", help="only the commits that changed this package")
    parser.add_argument("--since", metavar="REV", help="without what REV has already")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")


def _bisect_parser(commands: Commands) -> None:
    from lockblame.commands import bisect

    shown = "lockblame bisect v1.4 v1.5 -- pytest -x tests/test_worker.py"
    help = "prove by trials which changes make a command fail"
    bisect.arguments(_command(commands, "bisect", bisect.run, help, shown))


def _rollback_parser(commands: Commands) -> None:
    from lockblame.commands import rollback

    shown = "lockblame rollback v1.4..v1.5 --package kombu --check"
    help = "the smallest edit that takes suspects back, what it moves and what it reopens"
    parser = _command(commands, "rollback", rollback.run, help, shown)
    rollback.arguments(parser)
    told = "what reading the notes on lost fixes may cost (default: 4,40MB,20s)"
    parser.add_argument("--budget", metavar="LIMITS", type=budget, help=told)


def _cases_parser(commands: Commands) -> None:
    from lockblame.commands import cases

    shown = "lockblame cases add --title 'Workers slow down' --report report.json"
    cases.arguments(_command(commands, "cases", cases.run, "solved incidents, kept for the next one", shown))


def _cache_parser(commands: Commands) -> None:
    from lockblame.commands import cache

    help = "the kept answers of package indexes and forges"
    cache.arguments(_command(commands, "cache", cache.run, help, "lockblame cache info"))


def _completion_parser(commands: Commands) -> None:
    from lockblame.commands import completion

    help = "the script that completes lockblame in a shell"
    shown = "source <(lockblame completion bash)"
    completion.arguments(_command(commands, "completion", completion.run, help, shown, completion.HOW))


def _demo_parser(commands: Commands) -> None:
    help = "a Celery service on SQS slowed down after a deploy: find out why"
    parser = _command(commands, "demo", _demo, help, "lockblame demo --language ko")
    parser.add_argument("--language", choices=("en", "ko"), default="en", help="of the symptom in the report shown")
    parser.add_argument("--lock", choices=("uv.lock", "poetry.lock", "requirements.txt"), default="uv.lock", help="the one shown")
    parser.add_argument("--keep", metavar="FOLDER", help="make the example's git repository there instead, to try things on")


# --- commands --------------------------------------------------------------------------------------------------------


def _diff(options: argparse.Namespace) -> int:
    from lockblame.api.comparing import diff

    with waiting(options, "comparing locks"):
        found = diff(*ends(options), environment=environment(options))
    if options.why is None:
        _show(found, options.format)
    else:
        from lockblame.api.asking.explaining import settled
        from lockblame.report.why import why
        from lockblame.terminal import colour, show, width

        with asking(options, watched(options)) as client, client.disconnected() as cache:
            told = settled(found, options.why, client=cache if options.offline else client)
        show(why(told, options.why, options.format, width=width(), colour=colour()), options.format)
    return ANSWERED


def _blame(options: argparse.Namespace) -> int:
    from lockblame.api.blaming import blame

    told = watched(options)
    with asking(options, told) as client:
        report = blame(
            *ends(options),
            symptom=symptom(options),
            environment=environment(options),
            issues=options.issues,
            evidence=options.evidence,
            save_evidence=options.save_evidence,
            as_of=options.as_of,
            config=options.config,
            offline=options.offline,
            client=client,
            deep=options.budget or options.deep,
            progress=told,
        )
        if options.proof:
            from lockblame.api.proving.proofs import with_proof

            report = with_proof(report, options.proof)
        if options.format == "postmortem":
            from lockblame.api.incident import with_way_back

            report = with_way_back(report, *ends(options), evidence=options.evidence, offline=options.offline, client=client)
    _show(report, options.format)
    return ANSWERED


def _history(options: argparse.Namespace) -> int:
    from lockblame.api.chronicle import history
    from lockblame.report.revisions import revisions
    from lockblame.terminal import colour, show, width

    with waiting(options, "reading the history"):
        found = tuple(history(options.path, package=options.package, since=options.since))
    show(revisions(found, options.format, width=width(), colour=colour()), options.format)
    return ANSWERED


def _demo(options: argparse.Namespace) -> int:
    from lockblame.api.demo import demo, keep
    from lockblame.report.hostile import line

    if options.keep is not None:
        from pathlib import Path

        place = keep(Path(options.keep))
        print(f"The repository is in {line(str(place))}; what was known of the incident is in its folder incident.")
        return ANSWERED
    with waiting(options, "asking the same question six times"):
        found = demo(options.lock, options.language)
    _show(found.shown, "text")
    print("\nThe same question from each lock, in each language:")
    for (lock, language), report in found.reports.items():
        suspect, match = report.suspects[0].change, report.issues[0].issue
        print(f"  {lock:<17}{language}  {line(str(suspect)):<24}{line(match.repository)}#{match.number}")
    return ANSWERED


def _show(found: Delta | Report, style: str) -> None:
    from lockblame.report import render
    from lockblame.terminal import colour, show, width

    plain = style == "text"
    show(render(found, style, width=width() if plain else 0, colour=plain and colour()), style)
