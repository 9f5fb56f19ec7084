"""The JSON document: `"schema": 1`, described by docs/reference/report.schema.json. Other programs rely on it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lockblame.report.experiments import Experiment, planned, touched
from lockblame.report.grouping import Named, grouped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lockblame.model import (
        Change,
        Commit,
        Delta,
        Deployment,
        Evidence,
        Gap,
        Match,
        Pin,
        Precedent,
        Proof,
        Report,
        Snapshot,
        Source,
        Suspect,
        Violation,
    )

SCHEMA = 1


def delta(found: Delta) -> str:
    """The document of `diff`, as text."""
    return _text(delta_to_dict(found))


def report(found: Report) -> str:
    """The document of `blame`, as text."""
    return _text(report_to_dict(found))


def delta_to_dict(found: Delta) -> dict[str, Any]:
    """The document of `diff`: schema, before, after, changes (one entry a name), gaps."""
    return {
        "schema": SCHEMA,
        "before": _snapshot(found.before),
        "after": _snapshot(found.after),
        "requires_python": list(found.requires_python) if found.requires_python else None,
        "changes": [_named(entry) for entry in grouped(found)],
        "gaps": [gap_to_dict(gap) for gap in found.gaps],
    }


def report_to_dict(found: Report) -> dict[str, Any]:
    """The document of `blame`: that of `diff`, with suspects, issues (both best first) and what they rest on."""
    return {
        **delta_to_dict(found.delta),
        "symptom": found.symptom.text if found.symptom else None,
        "as_of": found.as_of.isoformat() if found.as_of else None,
        "conclusive": found.conclusive,
        "cases": [_case(one) for one in found.cases],
        "suspects": [_suspect(suspect) for suspect in found.suspects],
        "experiments": [_experiment(one) for one in planned(found)],
        "elsewhere": [{"what": called, "paths": list(paths)} for called, paths in touched(found.deployment)],
        "issues": [_match(match) for match in found.issues],
        "deployment": _deployment(found.deployment),
        "proof": _proof(found.proof),
        "gaps": [gap_to_dict(gap) for gap in found.gaps],
    }


def to_dict(found: Delta | Report) -> dict[str, Any]:
    """The document of a Delta or a Report, by docs/reference/report.schema.json; `from_dict` reads it back."""
    from lockblame.model import Report

    if not isinstance(found, Report):
        return delta_to_dict(found)
    return checked_to_dict(found) if found.checked or found.violations else report_to_dict(found)


def checked_to_dict(found: Report) -> dict[str, Any]:
    """The document of `check`: that of `blame`, with the findings and whether one of them stops the deploy."""
    return {
        **report_to_dict(found),
        "stops": any(one.stops for one in found.violations),
        "violations": [_violation(one) for one in found.violations],
    }


def _violation(one: Violation) -> dict[str, Any]:
    excuse = {"reason": one.excuse.reason, "expires": one.excuse.expires.isoformat()} if one.excuse else None
    return {
        "rule": one.rule,
        "severity": one.severity,
        "stops": one.stops,
        "package": one.change.name,
        "before": one.change.old,
        "after": one.change.new,
        "detail": one.detail,
        "url": one.url,
        "path": one.path,
        "line": one.line,
        "allowed": excuse,
    }


def _text(document: dict[str, Any]) -> str:
    # Lone surrogates can't be written as UTF-8: ASCII output carries every text through every pipe.
    return json.dumps(document, ensure_ascii=True, indent=1) + "\n"


def _snapshot(snapshot: Snapshot) -> dict[str, Any]:
    locks = snapshot.parts or (snapshot,)
    return {
        "origin": snapshot.origin,
        "pins": len(snapshot) if snapshot.total is None else snapshot.total,
        "locks": [{"path": lock.path, "format": lock.format, "requires_python": lock.requires_python} for lock in locks],
    }


def _named(entry: Named) -> dict[str, Any]:
    change = entry.leading
    return {
        "name": entry.name,
        "lock": entry.lock,
        "purl": _purl(change.after or change.before),
        "kind": entry.kind,
        "step": change.step,
        "before": list(entry.before),
        "after": list(entry.after),
        "source_changed": any(one.source_changed for one in entry.changes),
        "artifacts_changed": any(one.artifacts_changed for one in entry.changes),
        "direct": any(one.direct for one in entry.changes),
        "reason": change.reason.kind,
        "why": change.reason.detail,
        "paths": {
            "before": [list(path) for path in change.paths_before],
            "after": [list(path) for path in change.paths_after],
        },
        "pins": [_pins(one) for one in entry.changes],
    }


def _pins(change: Change) -> dict[str, Any]:
    pin = change.after or change.before
    return {
        "kind": change.kind,
        "before": change.old,
        "after": change.new,
        "marker": pin.marker if pin else None,
        "source": {"before": _source(change.before), "after": _source(change.after)},
        "purl": {"before": _purl(change.before), "after": _purl(change.after)},
    }


def _source(pin: Pin | None) -> dict[str, Any] | None:
    if pin is None:
        return None
    source: Source = pin.source
    return {"kind": source.kind, "location": source.location, "revision": source.revision}


def _purl(pin: Pin | None) -> str | None:
    """The package URL of what comes from an index; which index, where that isn't the one that the ecosystem takes for granted."""
    from packageurl import PackageURL

    if pin is None or pin.source.kind != "registry":
        return None
    location = pin.source.location
    qualifiers = {"repository_url": location} if location is not None and _is_other_index(location) else None
    return PackageURL("pypi", None, pin.name, pin.version, qualifiers).to_string()


@lru_cache(maxsize=64)
def _is_other_index(location: str) -> bool:
    from urllib.parse import urlsplit

    from packageurl.contrib import purl2url

    try:
        here = urlsplit(location).hostname
    except ValueError:
        return False
    return here != urlsplit(str(purl2url.get_repo_url("pkg:pypi/packaging"))).hostname  # type: ignore[no-untyped-call]


def _suspect(suspect: Suspect) -> dict[str, Any]:
    return {
        "package": suspect.change.name,
        "before": suspect.change.old,
        "after": suspect.change.new,
        "lock": suspect.change.lock,
        "score": suspect.score,
        "probability": suspect.probability,
        "commits": [commit_to_dict(one) for one in suspect.commits],
        "compare": suspect.comparison.url if suspect.comparison else None,
        "summary": suspect.summary,
        "evidence": _evidence(suspect.evidence),
    }


def _experiment(one: Experiment) -> dict[str, Any]:
    return {"package": one.package, "pin": one.pin, "put_back": one.put_back, "run": one.run, "expect": one.expect}


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    return {
        "culprits": [{"name": one.name, "before": one.old, "after": one.new} for one in proof.culprits],
        "minimal": proof.minimal,
        "trials": {"good": proof.good, "bad": proof.bad, "untestable": proof.untestable},
        "drills": [
            {
                "name": one.name,
                "good": one.good,
                "bad": one.bad,
                "first_bad": one.commit and {"commits": [{"hash": one.commit, "subject": one.subject}], "url": one.url},
            }
            for one in proof.narrowed
        ],
        "gaps": [gap_to_dict(gap) for gap in proof.gaps],
    }


def _case(one: Precedent) -> dict[str, Any]:
    case = one.case
    return {
        "id": case.id,
        "title": case.title,
        "date": case.date.isoformat(),
        "culprit": case.culprit,
        "proof": case.proof,
        "issue": case.issue,
        "workaround": case.workaround,
        "score": one.score,
        "evidence": _evidence(one.evidence),
    }


def _match(match: Match) -> dict[str, Any]:
    issue = match.issue
    return {
        "repository": issue.repository,
        "number": issue.number,
        "title": issue.title,
        "url": issue.url,
        "package": match.package,
        "state": issue.state,
        "pull_request": issue.pull_request,
        "opened": issue.created_at.date().isoformat() if issue.created_at else None,
        "score": match.score,
        "evidence": _evidence(match.evidence),
    }


def _evidence(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    return [{"kind": one.kind, "weight": one.weight, "detail": one.detail, "url": one.url} for one in evidence]


def _deployment(deployment: Deployment | None) -> dict[str, Any] | None:
    if deployment is None:
        return None
    return {
        "commits": [commit_to_dict(one) for one in deployment.commits],
        "touched": {kind: list(paths) for kind, paths in deployment.touched.items()},
    }


def commit_to_dict(commit: Commit) -> dict[str, Any]:
    """A commit as every document shows it."""
    return {"hash": commit.hash, "author": commit.author, "date": commit.date.isoformat(), "subject": commit.subject}


def gap_to_dict(gap: Gap) -> dict[str, Any]:
    """A gap as every document shows it."""
    return {"subject": gap.subject, "reason": gap.reason, "detail": gap.detail, "hint": gap.hint}
