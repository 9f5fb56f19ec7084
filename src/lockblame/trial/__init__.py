"""Trials in the real world: pins → environment → test command → how it ended. Nothing of the user's is changed."""

from __future__ import annotations

from lockblame.trial.command import Command
from lockblame.trial.environments import KEEP, Environments, Prepared
from lockblame.trial.interpreter import Installer, Interpreter, interpreter
from lockblame.trial.journal import Journal
from lockblame.trial.processes import Processes, Stopped, ended_with_us

__all__ = [
    "KEEP",
    "Command",
    "Environments",
    "Installer",
    "Interpreter",
    "Journal",
    "Prepared",
    "Processes",
    "Stopped",
    "ended_with_us",
    "interpreter",
]
