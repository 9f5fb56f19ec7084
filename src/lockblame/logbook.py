"""What is looked up and why, for whoever listens to the logger `lockblame`: a line each, without secrets."""

from __future__ import annotations

import re
import sys

LONGEST = 500
"""Characters of one argument that are written down."""

_SECRET = re.compile(r"(://)[^/@\s]{1,500}@")


def log(part: str, message: str, *arguments: object) -> None:
    """Write `message % arguments` into the logger `lockblame.PART` at DEBUG.

    Where nobody has imported `logging`, nobody can listen: then this costs nothing, not even that import. Outside text among
    the arguments is kept from steering a terminal or forging a second line, and addresses lose their passwords.
    """
    logging = sys.modules.get("logging")
    if logging is None:
        return
    logger = logging.getLogger(f"lockblame.{part}")
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(message, *(_plain(one) for one in arguments))


def _plain(argument: object) -> object:
    if isinstance(argument, int | float):
        return argument
    text = _SECRET.sub(r"\1", str(argument))[:LONGEST]
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
