"""The findings of `check` as SARIF 2.1.0 (OASIS), for code scanning: one run, one rule each, allowances as suppressions."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lockblame.report.hostile import line, url
from lockblame.report.verdict import subject

if TYPE_CHECKING:
    from lockblame.model import Report, RuleName, Violation

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LONGEST = 1000

RULES: Mapping[RuleName, str] = {
    "known-regression": "An upstream report calls the new version a regression.",
    "yanked": "The new version was taken back by its maintainers (PEP 592).",
    "republished": "A file of the same name has another content than before.",
    "moved": "The package comes from another source than before.",
    "project-status": "The index calls the project archived, deprecated or quarantined (PEP 792).",
    "lost-attestation": "The release before had attestations, this one has none (PEP 740).",
    "young": "The release is younger than the policy waits for.",
    "downgraded": "The package goes back to an earlier version.",
    "removed-api": "The project's own source uses a name that the new version no longer has.",
    "big-step": "The version takes a step in which interfaces may break.",
    "transitive": "A package below others moved although nothing asked for it.",
}


def sarif(found: Report) -> dict[str, Any]:
    """The document, to be written as JSON."""
    used = sorted({one.rule for one in found.violations})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "lockblame", "rules": [_rule(name) for name in used]}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, used.index(one.rule)) for one in found.violations],
            }
        ],
    }


def _rule(name: RuleName) -> dict[str, Any]:
    return {"id": name, "shortDescription": {"text": RULES[name]}}


def _result(one: Violation, place: int) -> dict[str, Any]:
    address = url(one.url)
    about = subject(one)
    text = line(one.detail, _LONGEST) + (f" ({line(about)})" if about else "") + (f" {address}" if address else "")
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": place,
        "level": one.severity,
        "message": {"text": text},
        "partialFingerprints": {"lockblame/v1": _fingerprint(one)},
        "locations": [_location(one)] if one.path else [],
    }
    if one.excuse is not None:
        reason = f"{line(one.excuse.reason)} (until {one.excuse.expires})"
        result["suppressions"] = [{"kind": "external", "justification": reason}]
    return result


def _location(one: Violation) -> dict[str, Any]:
    # a lock that was not read from a repository may have any path; as a URI it is at least well formed
    where: dict[str, Any] = {"artifactLocation": {"uri": quote((one.path or "").replace("\\", "/"), safe="/")}}
    if one.line:
        where["region"] = {"startLine": one.line}
    return {"physicalLocation": where}


def _fingerprint(one: Violation) -> str:
    """The same finding in the next run, wherever its line has moved to."""
    parts = (one.rule, one.change.name, one.change.old or "", one.change.new or "", one.url or "", one.path or "")
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
