"""Trials of the mix that fails with something else in one culprit's place: another release, or a commit built into a wheel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockblame import bisection, installed
from lockblame.errors import TrialFailed
from lockblame.model import Change, Pin, Trial

if TYPE_CHECKING:
    from lockblame.api.proving.trying import Trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of one culprit among all of them, whose other changes stay as they are on the bad side."""

    trials: Trials
    culprit: Change
    changes: tuple[str, ...]

    def trial(self, stand_in: Callable[[], Pin], *, version: str | None = None, commit: str | None = None) -> Trial:
        """The trial with that pin there; one that the journal knows isn't made again.

        What can't be built or installed, or needs other versions of the rest, is untestable. Raises Stopped, and TrialFailed for
        what says nothing about the pin (no room on the disk, no index).
        """
        asked = Trial(changes=self.changes, verdict="untestable", package=self.culprit.name, version=version, commit=commit)
        known = self._known(asked)
        if known is not None:
            self.trials.done.append(replace(known, recalled=True))
            return known
        self.trials.allowed()
        trial = self._made(asked, stand_in)
        self.trials.journal.add(trial)
        return trial

    def _known(self, asked: Trial) -> Trial | None:
        for trial in self.trials.journal.trials:
            same = trial.package == asked.package and trial.version == asked.version and trial.commit == asked.commit
            if same and trial.changes == asked.changes:
                return trial
        return None

    def _made(self, asked: Trial, stand_in: Callable[[], Pin]) -> Trial:
        trials = self.trials
        whole = trials.ends.pins(self.changes)
        try:
            pin = stand_in()
            prepared = trials.places.prepare([pin if one.name == pin.name else one for one in whole])
        except TrialFailed as error:
            if error.subject != "environment":
                raise
            return trials.untestable(asked, error.detail)
        overridden = bisection.violated(installed.read(trials.places.prepare(whole).folder))
        here = bisection.violated(installed.read(prepared.folder))
        if broken := sorted(name for owner, name in here - overridden if owner == self.culprit.name):
            return trials.untestable(asked, f"needs another {', '.join(broken)}")
        return trials.tried(prepared, asked)
