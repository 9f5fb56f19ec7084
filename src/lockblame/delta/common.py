"""What two locks have in common as formats: only what both of them write down can differ between them.

A file that says hashes, groups or markers for the first time (another tool, another version of it) says something about every
package, and nothing has changed of any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lockblame.delta.constraints import standard
from lockblame.delta.pairing import Pair
from lockblame.model import Pin, Snapshot

_FEW = 3
"""The most packages that get their first markers by a change of the project and not by one of the tool."""


@dataclass(frozen=True, kw_only=True)
class Common:
    """What can be compared between `before` and `after`. `renamed` are the indexes that were replaced as a whole."""

    before: Snapshot
    after: Snapshot
    renamed: dict[str, str] = field(default_factory=dict)

    @cached_property
    def format(self) -> bool:
        """Whether both are of one format, so that what is missing on one side is missing there."""
        return self.before.format == self.after.format

    @cached_property
    def hashes(self) -> bool:
        """Whether both files list hashes at all."""
        return self._both(lambda pin: any(artifact.hash for artifact in pin.artifacts))

    @cached_property
    def edges(self) -> bool:
        """Whether both files say what their packages require."""
        return self.format and self._alike(lambda pin: bool(pin.requires))

    @cached_property
    def edges_to_locked(self) -> bool:
        """Whether edges are only written to packages that are locked: "# via" notes stand at the package that is required."""
        return self.before.format in ("requirements", "freeze")

    @cached_property
    def scopes(self) -> bool:
        """Whether both files say for which groups each package is locked, or neither does for all of them.

        Poetry does so since 2.0, with markers; PDM with "inherit_metadata", again with markers.
        """
        return self.format and len({all(pin.groups for pin in side.pins) for side in (self.before, self.after)}) == 1

    @cached_property
    def coarse_groups(self) -> bool:
        """Whether one side knows no groups but "main" and "dev" (Poetry before 2), so that only being in main can be compared."""
        ones, others = ({group for pin in side.pins for group in pin.groups} for side in (self.before, self.after))
        coarse = {"main", "dev"}
        return (ones <= coarse) != (others <= coarse)

    @cached_property
    def markers(self) -> bool:
        """Whether both files put markers on packages: one that begins to does so for many at once."""
        counts = sorted(sum(1 for pin in side.pins if pin.marker) for side in (self.before, self.after))
        return self.scopes and (counts[0] > 0 or counts[1] <= _FEW)

    @cached_property
    def pythons(self) -> str | None:
        """The Pythons that both projects support, as a specifier: markers are compared over these only."""
        asked = [standard(side.requires_python) for side in (self.before, self.after) if side.requires_python]
        return ",".join(text for text in asked if text) or None

    def _both(self, says: Callable[[Pin], bool]) -> bool:
        return all(any(map(says, side.pins)) for side in (self.before, self.after))

    def _alike(self, says: Callable[[Pin], bool]) -> bool:
        return any(map(says, self.before.pins)) == any(map(says, self.after.pins))


def replaced_indexes(pairs: Iterable[Pair]) -> dict[str, str]:
    """The indexes that all their packages (two at least) left for one and the same other index: old → new."""
    moves: dict[str, dict[str, int]] = {}
    for before, after in pairs:
        if before is None or after is None or before.source.kind != "registry" or after.source.kind != "registry":
            continue
        one, other = before.source.location, after.source.location
        if one is not None and other is not None:
            counts = moves.setdefault(one, {})
            counts[other] = counts.get(other, 0) + 1
    only: dict[str, Any] = {old: counts for old, counts in moves.items() if len(counts) == 1}
    return {old: new for old, counts in sorted(only.items()) for new, count in counts.items() if count > 1 and new != old}
