"""lockblame: which dependency change broke the deployment.

    import lockblame

    delta = lockblame.diff("v1.4", "v1.5")            # every change between the locks of two revisions
    report = lockblame.blame("v1.4", "v1.5", symptom="the workers consume far fewer messages than before")
    print(report)                                     # what the command line prints
    print(report.suspects[0].change)                  # kombu 5.3.1 → 5.3.2
    print(report.issues[0].issue.url)                 # the upstream report to open first

`read` gives a Snapshot (all pins of one moment), `diff` a Delta (all changes between two), `blame` a Report (suspects and
upstream issues, each with its evidence, best first, and the gaps: what could not be looked at). `check` asks before a deploy,
`bisect` proves by trials, `rollback` makes the edit that goes back, `history` tells which commit brought what; `blame_each` and
its like do it for many services. `render` and `to_dict` hand a finding on. Everything raised on purpose is a `LockblameError`;
the tree is in `lockblame.errors`. Log records go to the logger "lockblame"; the library never prints.

Public are the names below and `lockblame.errors`, nothing else. They are loaded when first used, so that importing is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

_HOMES = {
    "bisect": "lockblame.api.bisecting",
    "blame": "lockblame.api.blaming",
    "blame_each": "lockblame.api.fleet",
    "check": "lockblame.api.checking",
    "check_each": "lockblame.api.fleet",
    "diff": "lockblame.api.comparing",
    "diff_each": "lockblame.api.fleet",
    "history": "lockblame.api.chronicle",
    "from_dict": "lockblame.report.recalled",
    "json_lines": "lockblame.api.fleets.ledger",
    "read": "lockblame.api.reading",
    "render": "lockblame.report",
    "rollback": "lockblame.api.rolling_back",
    "shown_progress": "lockblame.terminal",
    "to_dict": "lockblame.report.document",
    "Client": "lockblame.client",
    "LockblameError": "lockblame.errors",
    "Progress": "lockblame.progress",
    "Allowance": "lockblame.model",
    "Answer": "lockblame.api.fleet",
    "Artifact": "lockblame.model",
    "Bisection": "lockblame.model",
    "Budget": "lockblame.api.asking.digging",
    "Case": "lockblame.model",
    "Change": "lockblame.model",
    "Commit": "lockblame.model",
    "Comparison": "lockblame.model",
    "Delta": "lockblame.model",
    "Demand": "lockblame.model",
    "Deployment": "lockblame.model",
    "Drill": "lockblame.model",
    "Edge": "lockblame.model",
    "Edit": "lockblame.model",
    "Environment": "lockblame.model",
    "ErrorMessage": "lockblame.model",
    "Evidence": "lockblame.model",
    "FirstBad": "lockblame.model",
    "Frame": "lockblame.model",
    "Gap": "lockblame.model",
    "Index": "lockblame.model",
    "Issue": "lockblame.model",
    "Match": "lockblame.model",
    "Moment": "lockblame.model",
    "Narrowed": "lockblame.model",
    "Note": "lockblame.model",
    "Pin": "lockblame.model",
    "Policy": "lockblame.policy",
    "Precedent": "lockblame.model",
    "Proof": "lockblame.model",
    "Reason": "lockblame.model",
    "Release": "lockblame.model",
    "Reopened": "lockblame.model",
    "Report": "lockblame.model",
    "Repository": "lockblame.model",
    "Resolution": "lockblame.model",
    "Return": "lockblame.model",
    "Revision": "lockblame.delta.history",
    "Rollback": "lockblame.model",
    "Root": "lockblame.model",
    "Service": "lockblame.api.fleet",
    "Snapshot": "lockblame.model",
    "Source": "lockblame.model",
    "Suspect": "lockblame.model",
    "Symptom": "lockblame.model",
    "Trial": "lockblame.model",
    "UpstreamCommit": "lockblame.model",
    "Violation": "lockblame.model",
}

__all__ = [
    "Allowance",
    "Answer",
    "Artifact",
    "Bisection",
    "Budget",
    "Case",
    "Change",
    "Client",
    "Commit",
    "Comparison",
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
    "Frame",
    "Gap",
    "Index",
    "Issue",
    "LockblameError",
    "Match",
    "Moment",
    "Narrowed",
    "Note",
    "Pin",
    "Policy",
    "Precedent",
    "Progress",
    "Proof",
    "Reason",
    "Release",
    "Reopened",
    "Report",
    "Repository",
    "Resolution",
    "Return",
    "Revision",
    "Rollback",
    "Root",
    "Service",
    "Snapshot",
    "Source",
    "Suspect",
    "Symptom",
    "Trial",
    "UpstreamCommit",
    "Violation",
    "bisect",
    "blame",
    "blame_each",
    "check",
    "check_each",
    "diff",
    "diff_each",
    "from_dict",
    "history",
    "json_lines",
    "read",
    "render",
    "rollback",
    "shown_progress",
    "to_dict",
]

if TYPE_CHECKING:
    from lockblame import errors as errors
    from lockblame.api.asking.digging import Budget
    from lockblame.api.bisecting import bisect
    from lockblame.api.blaming import blame
    from lockblame.api.checking import check
    from lockblame.api.chronicle import history
    from lockblame.api.comparing import diff
    from lockblame.api.fleet import Answer, Service, blame_each, check_each, diff_each
    from lockblame.api.fleets.ledger import json_lines
    from lockblame.api.reading import read
    from lockblame.api.rolling_back import rollback
    from lockblame.client import Client
    from lockblame.delta.history import Revision
    from lockblame.errors import LockblameError
    from lockblame.model import (
        Allowance,
        Artifact,
        Bisection,
        Case,
        Change,
        Commit,
        Comparison,
        Delta,
        Demand,
        Deployment,
        Drill,
        Edge,
        Edit,
        Environment,
        ErrorMessage,
        Evidence,
        FirstBad,
        Frame,
        Gap,
        Index,
        Issue,
        Match,
        Moment,
        Narrowed,
        Note,
        Pin,
        Precedent,
        Proof,
        Reason,
        Release,
        Reopened,
        Report,
        Repository,
        Resolution,
        Return,
        Rollback,
        Root,
        Snapshot,
        Source,
        Suspect,
        Symptom,
        Trial,
        UpstreamCommit,
        Violation,
    )
    from lockblame.policy import Policy
    from lockblame.progress import Progress
    from lockblame.report import render
    from lockblame.report.document import to_dict
    from lockblame.report.recalled import from_dict
    from lockblame.terminal import shown_progress

    __version__: str


if not TYPE_CHECKING:
    # a type checker that saw this would take every misspelt name for one that exists

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "__version__":
            from importlib.metadata import version

            return version("lockblame")
        if name == "errors":
            return import_module("lockblame.errors")
        if name not in _HOMES:
            raise AttributeError(f"module 'lockblame' has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "errors"])
