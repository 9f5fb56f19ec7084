"""The parser of the command line: mistakes in one line with the way out, suggestions, and the options that stand anywhere."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

USAGE = 2
_SAID = 600
_CHOICE = re.compile(r"(argument .{1,80}): invalid choice: (.*?) \(choose from (.*)\)\Z", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """`argparse`, for people who mistype: exit code 2 and one line that says what was meant, perhaps, and where the help is."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **{"formatter_class": argparse.RawDescriptionHelpFormatter, **more})

    def error(self, message: str) -> NoReturn:
        """One line on standard error, and exit code 2."""
        from lockblame.report.hostile import line

        said = line(_suggested(message), _SAID)
        self.exit(USAGE, f"{self.prog}: {said}; see `{self.prog} --help`\n")

    def likely_option(self, mistyped: Sequence[str]) -> str:
        """` (did you mean --symptom?)`, when one of this command's options is like what was typed."""
        known = [option for action in self._actions for option in action.option_strings if action.help != argparse.SUPPRESS]
        return next((said for one in mistyped if one.startswith("--") and (said := _meant(one.split("=")[0], known))), "")


def parsed(parser: argparse.ArgumentParser, arguments: Sequence[str], known: argparse.Namespace) -> argparse.Namespace:
    """The options; what nobody knows is the mistake of the command that was chosen, whose help has the answer."""
    found, left = parser.parse_known_args(arguments, known)
    # Python 3.11 closes an optional AFTER at the first option: `BEFORE --format json AFTER` leaves AFTER over.
    if len(left) == 1 and not left[0].startswith("-") and getattr(found, "after", "") is None:
        found.after, left = left[0], []
    chosen: Parser = found.parser
    if left:
        chosen.error(f"unrecognized arguments: {' '.join(left)}{chosen.likely_option(left)}")
    if found.quiet and found.verbose:
        chosen.error("--quiet and --verbose exclude each other")
    return found


def subcommand(
    commands: argparse._SubParsersAction[Any], name: str, help: str, shown: str, more: str = ""
) -> argparse.ArgumentParser:
    """A command with one line of help, its description (`more` comes below it) and an example."""
    description = f"{help[0].upper()}{help[1:]}." + (f"\n\n{more}" if more else "")
    added: argparse.ArgumentParser = commands.add_parser(name, help=help, description=description, epilog=example(shown))
    return added


def everywhere(parser: argparse.ArgumentParser) -> None:
    """Give the parser, and every command in it, the options that may stand before or after a command."""
    for each in (parser, *commands_of(parser)):
        group = each.add_argument_group("on every command")
        silent = "only the answer: no progress, no notes"
        group.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help=silent)
        loud = "tell on standard error what is looked up, and why"
        group.add_argument("-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help=loud)
        each.set_defaults(parser=each)


def commands_of(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every command below, and the actions below those."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield each
                yield from commands_of(each)


def example(command: str) -> str:
    """The end of a help text: an example that can be copied, in a line of its own, which is never broken."""
    return f"example:\n  {command}"


def _suggested(message: str) -> str:
    """What argparse says, with the choice that was meant in the place of all of them."""
    found = _CHOICE.match(message)
    if not found:
        return message
    where, given, choices = found.groups()
    known = [choice.strip(" '\"") for choice in choices.split(",")]
    meant = _meant(given.strip("'\""), known)
    return f"{where}: invalid choice: {given}{meant}" if meant else message


def _meant(given: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(given[:100].lower(), known, n=1, cutoff=0.6)
    close = close or [one for one in known if len(given) > 1 and one.startswith(given)][:1]
    return f" (did you mean {close[0]}?)" if close else ""
