"""What a policy says about a delta before it is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from lockblame.model.changes import Change

RuleName = Literal[
    "known-regression",
    "yanked",
    "republished",
    "moved",
    "project-status",
    "lost-attestation",
    "young",
    "downgraded",
    "removed-api",
    "big-step",
    "transitive",
]
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A change that may pass although a rule speaks against it: why, and until when (that day included).

    `rule` and `versions` (a PEP 440 specifier for the new version) narrow it; None means any.
    """

    package: str
    reason: str
    expires: date
    rule: RuleName | None = None
    versions: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A dotted name that the project's own source uses, and where."""

    name: str
    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that a change breaks. Only an "error" that no allowance excuses stops a deploy.

    `path` and `line` are where a person would look: the lock, or the project's own source.
    """

    rule: RuleName
    severity: Severity
    change: Change
    detail: str
    url: str | None = None
    path: str | None = None
    line: int | None = None
    excuse: Allowance | None = None

    @property
    def stops(self) -> bool:
        """Whether the deploy should not go on because of it."""
        return self.severity == "error" and self.excuse is None
