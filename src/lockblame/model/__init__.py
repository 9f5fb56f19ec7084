"""The words of lockblame as types: frozen records without behaviour beyond looking things up in themselves.

Everything a pure module takes or gives is one of these. Versions and markers are kept as the texts that the lock holds:
parsing them is the business of whoever compares them, so that reading a large lock costs nothing that nobody asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockblame.model.cases import Case, Moment, Narrowed, Precedent, Proof
    from lockblame.model.changes import Change, ChangeKind, Delta, Demand, Reason, ReasonKind, Step
    from lockblame.model.findings import Commit, Deployment, ErrorMessage, Evidence, Frame, Match, Report, Suspect, Symptom
    from lockblame.model.gate import Allowance, RuleName, Severity, Use, Violation
    from lockblame.model.locks import (
        REGISTRY,
        Artifact,
        Edge,
        Environment,
        Gap,
        Index,
        Path,
        Pin,
        Root,
        Secret,
        Snapshot,
        Source,
        SourceKind,
        normalize,
    )
    from lockblame.model.proof import Bisection, Drill, FirstBad, Outcome, Trial, Verdict
    from lockblame.model.rollbacks import Edit, Reopened, Resolution, Return, Rollback, RollbackStyle
    from lockblame.model.upstream import Comparison, Contents, Forge, Issue, Note, Release, Repository, UpstreamCommit

__all__ = [
    "REGISTRY",
    "Allowance",
    "Artifact",
    "Bisection",
    "Case",
    "Change",
    "ChangeKind",
    "Commit",
    "Comparison",
    "Contents",
    "Delta",
    "Demand",
    "Deployment",
    "Drill",
    "Edge",
    "Edit",
    "Environment",
    "ErrorMessage",
    "Evidence",
    "FirstBad",
    "Forge",
    "Frame",
    "Gap",
    "Index",
    "Issue",
    "Match",
    "Moment",
    "Narrowed",
    "Note",
    "Outcome",
    "Path",
    "Pin",
    "Precedent",
    "Proof",
    "Reason",
    "ReasonKind",
    "Release",
    "Reopened",
    "Report",
    "Repository",
    "Resolution",
    "Return",
    "Rollback",
    "RollbackStyle",
    "Root",
    "RuleName",
    "Secret",
    "Severity",
    "Snapshot",
    "Source",
    "SourceKind",
    "Step",
    "Suspect",
    "Symptom",
    "Trial",
    "UpstreamCommit",
    "Use",
    "Verdict",
    "Violation",
    "normalize",
]

_ROOMS = {
    "cases": (
        "Case",
        "Moment",
        "Narrowed",
        "Precedent",
        "Proof",
    ),
    "changes": (
        "Change",
        "ChangeKind",
        "Delta",
        "Demand",
        "Reason",
        "ReasonKind",
        "Step",
    ),
    "findings": (
        "Commit",
        "Deployment",
        "ErrorMessage",
        "Evidence",
        "Frame",
        "Match",
        "Report",
        "Suspect",
        "Symptom",
    ),
    "gate": (
        "Allowance",
        "RuleName",
        "Severity",
        "Use",
        "Violation",
    ),
    "locks": (
        "Artifact",
        "Edge",
        "Environment",
        "Gap",
        "Index",
        "Path",
        "Pin",
        "REGISTRY",
        "Root",
        "Secret",
        "Snapshot",
        "Source",
        "SourceKind",
        "normalize",
    ),
    "proof": (
        "Bisection",
        "Drill",
        "FirstBad",
        "Outcome",
        "Trial",
        "Verdict",
    ),
    "rollbacks": (
        "Edit",
        "Reopened",
        "Resolution",
        "Return",
        "Rollback",
        "RollbackStyle",
    ),
    "upstream": (
        "Comparison",
        "Contents",
        "Forge",
        "Issue",
        "Note",
        "Release",
        "Repository",
        "UpstreamCommit",
    ),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> object:
    """Each room is entered when one of its words is first used: comparing two locks needs a third of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lockblame.model' has no attribute {name!r}")
    from importlib import import_module

    room = import_module(f"lockblame.model.{_HOMES[name]}")
    globals().update({word: getattr(room, word) for word in _ROOMS[_HOMES[name]]})
    return globals()[name]
