"""What a run of the command says about the mix that it ran with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lockblame.model import Outcome, Verdict

UNTESTABLE = 125
"""The exit code by which a command says that it can't tell, as in git bisect."""

_CRASHES = frozenset((4, 6, 7, 8, 10, 11))
"""SIGILL, SIGABRT, SIGBUS (two numbers), SIGFPE, SIGSEGV: the command's own fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How runs are judged. `limit` is the seconds from which on a run is bad; `usual` the exit code on the good side.

    `late` is the verdict of a run that had to be ended because its time was up.
    """

    limit: float | None = None
    usual: int = 0
    late: Literal["good", "bad", "untestable"] = "bad"


def judge(outcome: Outcome, rules: Rules) -> tuple[Verdict, str]:
    """The verdict on one run and, in a clause, why.

    Exit code 0 is good, 125 untestable, another up to 127 bad; a crash (segmentation fault, abort) is bad, ended by any other
    signal untestable. Where a text was looked for, that decides instead: a run that fails without the bad text fails in
    another way, and says nothing about this one.
    """
    if outcome.code is None:
        return rules.late, f"not done within {outcome.seconds:.0f} s"
    if outcome.bad_seen:
        return "bad", "the bad text was printed"
    if outcome.good_seen:
        return _in_time(outcome, rules, "the good text was printed")
    verdict, why = _by_code(outcome.code)
    if outcome.good_seen is not None and verdict != "untestable":
        return (
            ("untestable", "neither text was printed") if outcome.bad_seen is not None else ("bad", "the good text was missing")
        )
    if outcome.bad_seen is not None or rules.limit is not None:
        if outcome.code not in (0, rules.usual):
            return "untestable", f"{why}, but not in the way that is looked for"
        return _in_time(outcome, rules, why)
    return verdict, why


def _in_time(outcome: Outcome, rules: Rules, why: str) -> tuple[Verdict, str]:
    if rules.limit is None:
        return "good", why
    if outcome.seconds > rules.limit:
        return "bad", f"took {outcome.seconds:.2f} s, more than {rules.limit:.2f} s"
    return "good", f"{why} in {outcome.seconds:.2f} s, not more than {rules.limit:.2f} s"


def _by_code(code: int) -> tuple[Verdict, str]:
    signal = -code if code < 0 else code - 128 if 128 < code < 160 else 0
    if signal:
        return ("bad", f"crashed (signal {signal})") if signal in _CRASHES else ("untestable", f"ended by signal {signal}")
    why = f"exit code {code}"
    if code == 0:
        return "good", why
    return ("bad" if code < 128 and code != UNTESTABLE else "untestable"), why
