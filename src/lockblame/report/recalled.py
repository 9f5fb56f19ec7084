"""The JSON document → a Delta or a Report again: what `to_dict` wrote, read back as types.

A document holds what a report shows, not what it was made of. Read back, snapshots hold the pins that changed (`total` says how
many there were), issues have no bodies, a symptom is its text. Written again it is the same document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar, cast

from lockblame import fields
from lockblame.model import (
    Allowance,
    Case,
    Change,
    ChangeKind,
    Commit,
    Comparison,
    Delta,
    Deployment,
    Evidence,
    Gap,
    Issue,
    Match,
    Narrowed,
    Pin,
    Precedent,
    Proof,
    Reason,
    Report,
    Snapshot,
    Source,
    Suspect,
    Symptom,
    Violation,
)
from lockblame.report.document import SCHEMA

T = TypeVar("T")
Table = Mapping[str, Any]


def from_dict(document: Table) -> Delta | Report:
    """The Delta of a document of `diff`, the Report of one of `blame` or `check`.

    Raises ReadError, with the place of what is wrong, for a document that isn't one, or of another schema than this version's.
    """
    from lockblame.errors import ReadError

    if not isinstance(document, Mapping):
        raise ReadError("document", f"is no report of lockblame: it is a {type(document).__name__}, no object")
    try:
        version = fields.maybe_number(document, "schema")
        if version != SCHEMA:
            raise fields.FieldError("schema", f"is {version!r}, this version of lockblame reads {SCHEMA}")
        delta = _delta(document)
        return _report(document, delta) if "suspects" in document else delta
    except fields.FieldError as error:
        raise ReadError("document", f"is no report of lockblame: {error.place} {error.detail}") from None


def _each(table: Table, key: str, where: str, make: Any) -> Iterator[Any]:
    for number, entry in enumerate(fields.tables(table, key, where)):
        yield make(entry, f"{where}.{key}[{number}]".lstrip("."))


def _number(table: Table, key: str, where: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fields.FieldError(f"{where}.{key}", "should be a number")
    return float(value)


def _count(table: Table, key: str, where: str) -> int:
    value = fields.maybe_number(table, key, where)
    if value is None:
        raise fields.FieldError(f"{where}.{key}", "is missing")
    return value


def _moment(table: Table, key: str, where: str) -> datetime | None:
    text = fields.maybe_text(table, key, where)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise fields.FieldError(f"{where}.{key}".lstrip("."), "is no moment by ISO 8601") from None
    return moment


def _day(table: Table, key: str, where: str) -> date:
    try:
        return date.fromisoformat(fields.text(table, key, where))
    except ValueError:
        raise fields.FieldError(f"{where}.{key}", "is no day such as 2023-09-10") from None


# --- diff ------------------------------------------------------------------------------------------------------------


def _delta(document: Table) -> Delta:
    changes: dict[str | None, list[Change]] = {}
    others: dict[tuple[str | None, str], list[Pin]] = {}
    for number, entry in enumerate(fields.tables(document, "changes")):
        where = f"changes[{number}]"
        lock = fields.maybe_text(entry, "lock", where)
        made = list(_changes(entry, lock, where))
        if not made:
            raise fields.FieldError(f"{where}.pins", "is empty")
        changes.setdefault(lock, []).extend(made)
        for side in ("before", "after"):
            held = {pin.version for one in made if (pin := getattr(one, side))}
            more = [Pin(name=made[0].name, version=one) for one in fields.texts(entry, side, where) if one not in held]
            if not held and not more and entry.get("kind") != ("added" if side == "before" else "removed"):
                # locked without a version there, which the document's list of versions can't say
                more = [Pin(name=made[0].name)]
            others.setdefault((lock, side), []).extend(more)
    python = document.get("requires_python")
    gaps = tuple(_each(document, "gaps", "", _gap))
    before, after = (fields.table(document, side) for side in ("before", "after"))

    def held_by(name: str, table: Table, lock: str | None, mine: Sequence[Change], top: bool) -> Snapshot:
        pins = [pin for one in mine if (pin := getattr(one, name))]
        return _snapshot(table, name, (*pins, *others.get((lock, name), ())), lock, top)

    if set(changes) - {None}:
        parts = tuple(
            Delta(
                before=held_by("before", before, lock, mine, False),
                after=held_by("after", after, lock, mine, False),
                changes=tuple(mine),
            )
            for lock, mine in changes.items()
        )
    else:
        parts = ()
    every = tuple(one for mine in changes.values() for one in mine)
    return Delta(
        before=held_by("before", before, None, every, True),
        after=held_by("after", after, None, every, True),
        changes=every,
        gaps=gaps,
        parts=parts,
        requires_python=(python[0], python[1]) if isinstance(python, list) and len(python) == 2 else None,
    )


def _snapshot(table: Table, name: str, pins: Sequence[Pin], lock: str | None, top: bool) -> Snapshot:
    locks = [
        (fields.maybe_text(one, "path", name), fields.text(one, "format", name), fields.maybe_text(one, "requires_python", name))
        for one in fields.tables(table, "locks", name)
    ]
    if not top or len(locks) == 1:
        path, format, python = next((one for one in locks if lock is None or one[0] == lock), (lock, "", None))
        parts: tuple[Snapshot, ...] = ()
    else:
        path, format, python = None, "tree", None
        parts = tuple(Snapshot(origin=one[0] or "", path=one[0], format=one[1], requires_python=one[2]) for one in locks)
    return Snapshot(
        origin=fields.text(table, "origin", name),
        format=format,
        path=path,
        requires_python=python,
        pins=tuple(dict.fromkeys(pins)),
        parts=parts,
        total=_count(table, "pins", name) if top else None,
    )


def _changes(entry: Table, lock: str | None, where: str) -> Iterator[Change]:
    name = fields.text(entry, "name", where)
    paths = fields.table(entry, "paths", where)
    for number, pins in enumerate(fields.tables(entry, "pins", where)):
        place = f"{where}.pins[{number}]"
        marker = fields.maybe_text(pins, "marker", place)
        sources = fields.table(pins, "source", place)
        sides = [
            Pin(name=name, version=fields.maybe_text(pins, side, place), source=_source(sources[side], place), marker=marker)
            if isinstance(sources.get(side), dict)
            else None
            for side in ("before", "after")
        ]
        yield Change(
            name=name,
            before=sides[0],
            after=sides[1],
            kind=cast(ChangeKind, fields.text(pins, "kind", place)),
            step=cast(Any, fields.maybe_text(entry, "step", where)),
            direct=fields.flag(entry, "direct", where),
            source_changed=fields.flag(entry, "source_changed", where),
            artifacts_changed=fields.flag(entry, "artifacts_changed", where),
            paths_before=_paths(paths, "before", f"{where}.paths"),
            paths_after=_paths(paths, "after", f"{where}.paths"),
            reason=Reason(
                kind=cast(Any, fields.text(entry, "reason", where)), detail=fields.maybe_text(entry, "why", where) or ""
            ),
            lock=lock,
        )


def _source(table: Table, where: str) -> Source:
    return Source(
        kind=cast(Any, fields.text(table, "kind", where)),
        location=fields.maybe_text(table, "location", where),
        revision=fields.maybe_text(table, "revision", where),
    )


def _paths(table: Table, key: str, where: str) -> tuple[tuple[str, ...], ...]:
    value = table.get(key)
    if not isinstance(value, list):
        raise fields.FieldError(f"{where}.{key}", "should be a list of paths")
    return tuple(fields.texts({"path": path}, "path", f"{where}.{key}[{number}]") for number, path in enumerate(value))


def _gap(table: Table, where: str) -> Gap:
    subject, reason, detail = (fields.text(table, key, where) for key in ("subject", "reason", "detail"))
    return Gap(subject=subject, reason=reason, detail=detail, hint=fields.maybe_text(table, "hint", where))


# --- blame -----------------------------------------------------------------------------------------------------------


def _report(document: Table, delta: Delta) -> Report:
    symptom = fields.maybe_text(document, "symptom")
    matches = tuple(_each(document, "issues", "", _match))
    deployment = document.get("deployment")
    return Report(
        delta=delta,
        symptom=None if symptom is None else Symptom(text=symptom),
        suspects=tuple(
            _suspect(entry, f"suspects[{number}]", delta, matches)
            for number, entry in enumerate(fields.tables(document, "suspects"))
        ),
        issues=matches,
        conclusive=fields.flag(document, "conclusive"),
        deployment=None if deployment is None else _deployment(fields.table(document, "deployment")),
        as_of=_moment(document, "as_of", ""),
        gaps=delta.gaps,
        cases=tuple(_each(document, "cases", "", _case)),
        violations=tuple(
            _violation(entry, f"violations[{number}]", delta)
            for number, entry in enumerate(fields.tables(document, "violations"))
        ),
        checked="violations" in document,
        proof=None if document.get("proof") is None else _proof(fields.table(document, "proof"), delta),
    )


def _evidence(table: Table, where: str) -> Evidence:
    kind, detail = fields.text(table, "kind", where), fields.text(table, "detail", where)
    return Evidence(kind=kind, weight=_number(table, "weight", where), detail=detail, url=fields.maybe_text(table, "url", where))


def _match(table: Table, where: str) -> Match:
    opened = _moment(table, "opened", where)
    issue = Issue(
        repository=fields.text(table, "repository", where),
        number=_count(table, "number", where),
        title=fields.text(table, "title", where),
        url=fields.maybe_text(table, "url", where),
        state=fields.text(table, "state", where),
        pull_request=fields.flag(table, "pull_request", where),
        created_at=opened and opened.replace(tzinfo=UTC),
    )
    evidence = tuple(_each(table, "evidence", where, _evidence))
    return Match(
        issue=issue, package=fields.text(table, "package", where), evidence=evidence, score=_number(table, "score", where)
    )


def _suspect(table: Table, where: str, delta: Delta, matches: Sequence[Match]) -> Suspect:
    change = _found(delta, table, fields.text(table, "package", where), where)
    compare = fields.maybe_text(table, "compare", where)
    return Suspect(
        change=change,
        evidence=tuple(_each(table, "evidence", where, _evidence)),
        matches=tuple(one for one in matches if one.package == change.name),
        commits=tuple(_each(table, "commits", where, _commit)),
        comparison=Comparison(name=change.name, before="", after="", url=compare) if compare else None,
        summary=fields.maybe_text(table, "summary", where),
        score=_number(table, "score", where),
        probability=_number(table, "probability", where),
    )


def _found(delta: Delta, table: Table, name: str, where: str) -> Change:
    """The change of the delta that a suspect, a violation or a culprit names."""
    before, after = fields.maybe_text(table, "before", where), fields.maybe_text(table, "after", where)
    lock = fields.maybe_text(table, "lock", where)
    fitting = [one for one in delta if (one.name, one.old, one.new) == (name, before, after)]
    chosen = next((one for one in fitting if one.lock == lock), fitting[0] if fitting else None)
    if chosen is None:
        raise fields.FieldError(where, f"names a change of {name} that is not among the changes")
    return chosen


def _commit(table: Table, where: str) -> Commit:
    identity, author, subject = (fields.text(table, key, where) for key in ("hash", "author", "subject"))
    moment = _moment(table, "date", where)
    if moment is None:
        raise fields.FieldError(f"{where}.date", "is missing")
    return Commit(hash=identity, author=author, date=moment, subject=subject)


def _deployment(table: Table) -> Deployment:
    touched = fields.table(table, "touched", "deployment")
    return Deployment(
        commits=tuple(_each(table, "commits", "deployment", _commit)),
        touched={kind: fields.texts(touched, kind, "deployment.touched") for kind in touched},
    )


def _case(table: Table, where: str) -> Precedent:
    case = Case(
        id=fields.text(table, "id", where),
        title=fields.text(table, "title", where),
        date=_day(table, "date", where),
        symptom="",
        culprit=fields.text(table, "culprit", where),
        proof=fields.maybe_text(table, "proof", where) or "",
        issue=fields.maybe_text(table, "issue", where),
        workaround=fields.text(table, "workaround", where),
    )
    evidence = tuple(_each(table, "evidence", where, _evidence))
    return Precedent(case=case, evidence=evidence, score=_number(table, "score", where))


def _violation(table: Table, where: str, delta: Delta) -> Violation:
    name = fields.text(table, "package", where)
    excuse = None
    if table.get("allowed") is not None:
        allowed = fields.table(table, "allowed", where)
        excuse = Allowance(
            package=name,
            reason=fields.text(allowed, "reason", f"{where}.allowed"),
            expires=_day(allowed, "expires", f"{where}.allowed"),
        )
    return Violation(
        rule=cast(Any, fields.text(table, "rule", where)),
        severity=cast(Any, fields.text(table, "severity", where)),
        change=_found(delta, table, name, where),
        detail=fields.text(table, "detail", where),
        url=fields.maybe_text(table, "url", where),
        path=fields.maybe_text(table, "path", where),
        line=fields.maybe_number(table, "line", where),
        excuse=excuse,
    )


def _proof(table: Table, delta: Delta) -> Proof:
    trials = fields.table(table, "trials", "proof")
    culprits = [
        _found(delta, one, fields.text(one, "name", "proof.culprits"), "proof.culprits")
        for one in fields.tables(table, "culprits", "proof")
    ]
    counts = {key: _count(trials, key, "proof.trials") for key in ("good", "bad", "untestable")}
    return Proof(
        culprits=tuple(culprits),
        minimal=fields.flag(table, "minimal", "proof"),
        narrowed=tuple(_each(table, "drills", "proof", _narrowed)),
        gaps=tuple(_each(table, "gaps", "proof", _gap)),
        **counts,
    )


def _narrowed(table: Table, where: str) -> Narrowed:
    first = fields.table(table, "first_bad", where)
    commits = fields.tables(first, "commits", f"{where}.first_bad")
    return Narrowed(
        name=fields.text(table, "name", where),
        good=fields.text(table, "good", where),
        bad=fields.text(table, "bad", where),
        commit=fields.text(commits[0], "hash", where) if commits else None,
        subject=fields.text(commits[0], "subject", where) if commits else "",
        url=fields.maybe_text(first, "url", where),
    )
