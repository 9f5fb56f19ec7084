"""The edit that takes changes back: a file's text and the pins wanted in, its new text out. Nothing is read or written here.

Each edit only adds text in one place (or, in a requirements file, puts a pin in another's place), says so in a comment that
begins with MARK, and can be taken out by that comment alone: what `undo` leaves is what was there before, byte for byte.
"""

from __future__ import annotations

from lockblame.rollbacks.advisories import Advisory, advisories
from lockblame.rollbacks.demands import is_member, refuse
from lockblame.rollbacks.lines import constrain, included, pins, repin
from lockblame.rollbacks.marks import MARK, Wanted
from lockblame.rollbacks.poetry import constrain as constrain_poetry
from lockblame.rollbacks.returning import forked, plan, wanted
from lockblame.rollbacks.tables import parse
from lockblame.rollbacks.undoing import taken_out, undo
from lockblame.rollbacks.uv import constrain as constrain_uv

__all__ = [
    "MARK",
    "Advisory",
    "Wanted",
    "advisories",
    "constrain",
    "constrain_poetry",
    "constrain_uv",
    "forked",
    "included",
    "is_member",
    "parse",
    "pins",
    "plan",
    "refuse",
    "repin",
    "taken_out",
    "undo",
    "wanted",
]
