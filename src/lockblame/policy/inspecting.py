"""A delta held against a policy: one function a rule, each giving sentences about one change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lockblame.model import Allowance, Change, Delta, Issue, Match, RuleName, Suspect, Use, Violation
from lockblame.policy.places import Places, places
from lockblame.policy.rules import Policy

if TYPE_CHECKING:
    from lockblame.ranking import Candidate

_RANK = {"error": 0, "warning": 1, "note": 2}
_LABELS = re.compile(r"\b(?:bug|regression|crash|breaking)", re.IGNORECASE)
_AFTER_UPGRADE = re.compile(
    r"regression|broken?\b|stopped working|no longer work|"
    r"(?:after|since|when|by|on)\s+(?:an?\s+|the\s+|my\s+)?(?:upgrad|updat|bump)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d(?:[01]\d[0-3]\d)?(?!\d)")
_SHOWN = 3
"""Uses of a removed name, or reports of a regression, that one change is told with."""
_DISCUSSED = 3
"""So many comments count like one reaction: people who are hit often write instead."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """What a rule says, without how severe that is."""

    detail: str
    url: str | None = None
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matter:
    """One change and all that is known of it."""

    candidate: Candidate
    suspect: Suspect | None
    uses: Sequence[Use]
    policy: Policy
    now: datetime
    places: Places

    @property
    def change(self) -> Change:
        return self.candidate.change


def violations(
    candidates: Iterable[Candidate],
    suspects: Iterable[Suspect],
    uses: Sequence[Use],
    policy: Policy,
    now: datetime,
    delta: Delta | None = None,
) -> tuple[Violation, ...]:
    """Every rule that a change breaks at the moment `now`, what stops the deploy first.

    `suspects` are the same changes, ranked without a symptom; `uses` the dotted names that the project's own source uses;
    `delta` is the one that they are of.
    """
    ranked = list(suspects)
    known = _places(delta)
    places = {_key(suspect.change): place for place, suspect in enumerate(ranked)}
    found = []
    for candidate in candidates:
        place = places.get(_key(candidate.change))
        suspect = None if place is None else ranked[place]
        where = known.get(candidate.change.lock, Places())
        matter = _Matter(candidate=candidate, suspect=suspect, uses=uses, policy=policy, now=now, places=where)
        found += [(place or 0, violation) for violation in _broken(matter)]
    found.sort(key=lambda pair: (pair[1].excuse is not None, _RANK[pair[1].severity], pair[0], pair[1].change.name))
    return tuple(violation for _, violation in found)


def _places(delta: Delta | None) -> dict[str | None, Places]:
    parts = (delta.parts or (delta,)) if delta else ()
    return {part.changes[0].lock: places(part) for part in parts if part.changes}


def _key(change: Change) -> tuple[object, ...]:
    return change.lock, change.name, change.old, change.new


def _broken(matter: _Matter) -> Iterator[Violation]:
    for rule, look in _RULES.items():
        severity = matter.policy.severity(rule)
        if severity is None:
            continue
        for finding in look(matter):
            excuse, lapsed = _excuse(rule, matter)
            pin = matter.change.after or matter.change.before
            yield Violation(
                rule=rule,
                severity=severity,
                change=matter.change,
                detail=finding.detail + lapsed,
                url=finding.url,
                path=finding.path or matter.change.lock,
                line=finding.line if finding.path else pin.line if pin else None,
                excuse=excuse,
            )


def _excuse(rule: RuleName, matter: _Matter) -> tuple[Allowance | None, str]:
    """The allowance that covers this, and else what to say of one that would, had it not expired."""
    fitting = [one for one in matter.policy.allowances if _covers(one, rule, matter.change)]
    today = matter.now.astimezone(UTC).date()
    valid = next((one for one in fitting if one.expires >= today), None)
    if valid is not None or not fitting:
        return valid, ""
    last = max(fitting, key=lambda one: one.expires)
    return None, f" (the allowance for it expired on {last.expires}: {last.reason})"


def _covers(allowance: Allowance, rule: RuleName, change: Change) -> bool:
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion

    if allowance.package != change.name or allowance.rule not in (None, rule):
        return False
    if allowance.versions is None:
        return True
    try:
        return change.new is not None and SpecifierSet(allowance.versions).contains(change.new, prereleases=True)
    except InvalidVersion:
        return False


# --- rules -----------------------------------------------------------------------------------------------------------


def _known_regression(matter: _Matter) -> Iterator[_Finding]:
    matches = [match for match in (matter.suspect.matches if matter.suspect else ()) if _is_regression(match, matter)]
    matches.sort(key=lambda match: (-_echo(match.issue), match.issue.number))
    for match in matches[:_SHOWN]:
        issue = match.issue
        told = f"{issue.reactions or 0} reactions, {issue.comments or 0} comments, {issue.state}"
        yield _Finding(f"{issue.repository}#{issue.number} reports a regression ({told}): {issue.title}", issue.url)


def _is_regression(match: Match, matter: _Matter) -> bool:
    """An issue of people who took this step: opened since the release, about it, called a fault, and by more than one person."""
    issue, release = match.issue, matter.candidate.release
    if issue.pull_request or (release and release.uploaded and issue.created_at and issue.created_at < release.uploaded - _DAY):
        return False
    named = sum(one.kind == "versions" and one.weight > 0 for one in match.evidence)
    wish = any(one.kind == "report" and one.weight < 0 for one in match.evidence)
    # a report that tells which version failed and which one didn't, or says it in its title, blames the step without the word
    blamed = named > 1 or any(_LABELS.search(label) for label in issue.labels) or _says_so(issue)
    alive = issue.state == "open" or _since(issue, matter.now) <= matter.policy.recent
    return named > 0 and blamed and not wish and alive and _echo(issue) >= matter.policy.reactions


def _says_so(issue: Issue) -> bool:
    return bool(_AFTER_UPGRADE.search(f"{issue.title}\n{issue.body[:5000]}"))


_DAY = timedelta(days=1)


def _since(issue: Issue, now: datetime) -> timedelta:
    moments = [moment for moment in (issue.updated_at, issue.created_at) if moment is not None]
    return now - max(moments) if moments else timedelta.max


def _echo(issue: Issue) -> int:
    return (issue.reactions or 0) + (issue.comments or 0) // _DISCUSSED


def _yanked(matter: _Matter) -> Iterator[_Finding]:
    release = matter.candidate.release
    if release is not None and release.yanked:
        why = f": {release.yanked_reason}" if release.yanked_reason else ""
        yield _Finding(f"{matter.change.name} {release.version} was taken back by its maintainers (yanked){why}")


def _republished(matter: _Matter) -> Iterator[_Finding]:
    # files that were only added or dropped change the artifacts too, and are harmless
    if matter.change.kind == "republished":
        yield _Finding(f"a file of {matter.change.name} {matter.change.new} has another content than before under the same name")


def _moved(matter: _Matter) -> Iterator[_Finding]:
    if found := matter.places.moved(matter.change):
        yield _Finding(f"{matter.change.name} comes from {found[1]} now, not from {found[0]}")


def _young(matter: _Matter) -> Iterator[_Finding]:
    release = matter.candidate.release
    if release is None or release.uploaded is None or matter.change.kind == "rescoped":
        return
    age = matter.now - release.uploaded
    if age < matter.policy.min_age:
        wanted = _span(matter.policy.min_age)
        yield _Finding(f"{matter.change.name} {release.version} came out {_span(age)} ago (the policy waits {wanted})")


def _span(age: timedelta) -> str:
    hours = max(0, int(age.total_seconds() // 3600))
    number, unit = (hours, "hour") if hours < 48 else (hours // 24, "day")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _downgraded(matter: _Matter) -> Iterator[_Finding]:
    if matter.change.kind == "downgraded":
        yield _Finding(f"{matter.change.name} goes back from {matter.change.old} to {matter.change.new}")


def _big_step(matter: _Matter) -> Iterator[_Finding]:
    change = matter.change
    if change.step in matter.policy.steps and change.kind == "upgraded" and not _only_a_year(change):
        yield _Finding(f"{change.name} takes a {change.step} step from {change.old} to {change.new}")


def _only_a_year(change: Change) -> bool:
    """Whether the versions are days: certifi 2024.12.14 → 2025.1.31 is no bigger step than any other."""
    return change.step == "major" and all(_YEAR.match(version or "") for version in (change.old, change.new))


def _transitive(matter: _Matter) -> Iterator[_Finding]:
    change = matter.change
    # what is gone brings nothing in
    if change.after is not None and not change.direct and change.reason.kind == "drifted":
        yield _Finding(f"nothing asked for {change}: {change.reason.detail or 'the resolver took what was new'}")


def _lost_attestation(matter: _Matter) -> Iterator[_Finding]:
    release, earlier = matter.candidate.release, matter.candidate.earlier
    if release is not None and earlier is not None and earlier.attested and release.attested is False:
        yield _Finding(f"{matter.change.name} {earlier.version} had attestations, {release.version} has none")


def _project_status(matter: _Matter) -> Iterator[_Finding]:
    release = matter.candidate.release
    if release is not None and release.status not in (None, "active"):
        why = f": {release.status_reason}" if release.status_reason else ""
        yield _Finding(f"the index calls {matter.change.name} {release.status}{why}")


def _removed_api(matter: _Matter) -> Iterator[_Finding]:
    contents = matter.candidate.contents
    if contents is None or not contents.removed:
        return
    removed = set(contents.removed)
    hits: dict[str, list[Use]] = {}
    for use in matter.uses:
        if gone := _gone(use.name, removed):
            hits.setdefault(gone, []).append(use)
    for name, uses in sorted(hits.items()):
        more = f" and {len(uses) - 1} more" if len(uses) > 1 else ""
        first = uses[0]
        detail = f"{first.path}:{first.line}{more} uses {name}, which {matter.change.name} {matter.change.new} no longer has"
        yield _Finding(detail, None, first.path, first.line)


def _gone(name: str, removed: set[str]) -> str | None:
    """The removed name that `name` is or lies in: with a.b gone, a.b.c is gone too."""
    parts = name.split(".")
    return next((whole for end in range(len(parts), 0, -1) if (whole := ".".join(parts[:end])) in removed), None)


_RULES: Mapping[RuleName, Callable[[_Matter], Iterator[_Finding]]] = {
    "known-regression": _known_regression,
    "yanked": _yanked,
    "republished": _republished,
    "moved": _moved,
    "project-status": _project_status,
    "removed-api": _removed_api,
    "lost-attestation": _lost_attestation,
    "young": _young,
    "downgraded": _downgraded,
    "big-step": _big_step,
    "transitive": _transitive,
}
