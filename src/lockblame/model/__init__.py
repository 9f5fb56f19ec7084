"""The words of lockblame as types: frozen records without behaviour beyond looking things up in themselves.

Everything a pure module takes or gives is one of these. Versions and markers are kept as the texts that the lock holds:
parsing them is the business of whoever compares them, so that reading a large lock costs nothing that nobody asked for.
"""

from __future__ import annotations

from lockblame.model.cases import Case, Moment, Precedent
from lockblame.model.changes import Change, ChangeKind, Delta, Demand, Reason, ReasonKind, Step
from lockblame.model.findings import Commit, Deployment, ErrorMessage, Evidence, Frame, Match, Report, Suspect, Symptom
from lockblame.model.locks import (
    REGISTRY,
    Artifact,
    Edge,
    Environment,
    Gap,
    Path,
    Pin,
    Root,
    Snapshot,
    Source,
    SourceKind,
    normalize,
)
from lockblame.model.proof import Bisection, Drill, Outcome, Trial, Verdict
from lockblame.model.rollbacks import Edit, Reopened, Resolution, Return, Rollback, RollbackStyle
from lockblame.model.upstream import Contents, Forge, Issue, Note, Release, Repository

__all__ = [
    "REGISTRY",
    "Artifact",
    "Bisection",
    "Case",
    "Change",
    "ChangeKind",
    "Commit",
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
    "Forge",
    "Frame",
    "Gap",
    "Issue",
    "Match",
    "Moment",
    "Note",
    "Outcome",
    "Path",
    "Pin",
    "Precedent",
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
    "Snapshot",
    "Source",
    "SourceKind",
    "Step",
    "Suspect",
    "Symptom",
    "Trial",
    "Verdict",
    "normalize",
]
