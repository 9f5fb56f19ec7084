"""The words of lockblame as types: frozen records without behaviour beyond looking things up in themselves.

Everything a pure module takes or gives is one of these. Versions and markers are kept as the texts that the lock holds:
parsing them is the business of whoever compares them, so that reading a large lock costs nothing that nobody asked for.
"""

from __future__ import annotations

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
from lockblame.model.upstream import Contents, Forge, Issue, Note, Release, Repository

__all__ = [
    "REGISTRY",
    "Artifact",
    "Change",
    "ChangeKind",
    "Commit",
    "Contents",
    "Delta",
    "Demand",
    "Deployment",
    "Edge",
    "Environment",
    "ErrorMessage",
    "Evidence",
    "Forge",
    "Frame",
    "Gap",
    "Issue",
    "Match",
    "Note",
    "Path",
    "Pin",
    "Reason",
    "ReasonKind",
    "Release",
    "Report",
    "Repository",
    "Root",
    "Snapshot",
    "Source",
    "SourceKind",
    "Step",
    "Suspect",
    "Symptom",
    "normalize",
]
