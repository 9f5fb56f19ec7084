"""An evidence bundle: what was found upstream as text, and back. A folder of readable JSON Lines, one record a line.

    issues.jsonl        GitHub's REST issue objects, or plain ones (repository, number, title, body, state, created_at, …)
    releases.jsonl      name, version, uploaded, yanked, yanked_reason
    repositories.jsonl  name, url, forge: where each package is developed
    requirements.jsonl  name, version, requires: what releases demand by their metadata, where the lock doesn't say
    notes.jsonl         name, version, text, url: what maintainers wrote about versions
    contents.jsonl      name, before, after and the fields of Contents: what differs between two artifacts
    gaps.jsonl          subject, reason, detail, hint: what could not be looked at when the bundle was made

No file has to be there. A line that can't be used becomes a Gap that names it; the other lines still count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from dataclasses import fields as record_fields
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from lockblame import fields
from lockblame.forges.records import BODY, TITLE, bounded, issue_from, labels, moment
from lockblame.model import Contents, Forge, Gap, Issue, Note, Release, Repository, normalize
from lockblame.upstream import parse_repository

T = TypeVar("T")

ISSUES, RELEASES, REPOSITORIES = "issues.jsonl", "releases.jsonl", "repositories.jsonl"
REQUIREMENTS, NOTES, CONTENTS, GAPS = "requirements.jsonl", "notes.jsonl", "contents.jsonl", "gaps.jsonl"
FILES = (ISSUES, RELEASES, REPOSITORIES, REQUIREMENTS, NOTES, CONTENTS, GAPS)

_LINE = 2_000_000
_LINES = 500_000
_MOST_GAPS = 50
_DISCUSSION = 100
_NOTE = 100_000

Step = tuple[str, str, str]
"""A package's normalized name, its version before and its version after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a run found upstream. `repositories` goes from normalized package names; `gaps` are those of the run that saved it.

    `requirements` goes from (normalized name, version) to the Requires-Dist lines of that release.
    """

    issues: tuple[Issue, ...] = ()
    releases: tuple[Release, ...] = ()
    repositories: Mapping[str, Repository] = field(default_factory=dict)
    requirements: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    contents: Mapping[Step, Contents] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


def parse(files: Mapping[str, str], origin: str) -> tuple[Bundle, tuple[Gap, ...]]:
    """The bundle in `files` (file name → text), and the Gaps that reading it left: unusable lines, missing files.

    `origin` is the folder, for the messages. Without issues.jsonl or releases.jsonl that evidence is a Gap; the other files
    are there where there is something to tell.
    """
    gaps: list[Gap] = []

    def read(name: str, parser: Callable[[str, str], tuple[T, tuple[Gap, ...]]], empty: T) -> T:
        where = f"{origin.rstrip('/')}/{name}"
        if name not in files:
            if name in (ISSUES, RELEASES):
                what = name.removesuffix(".jsonl")
                gaps.append(
                    Gap(subject=where, reason="missing-file", detail=f"the evidence has no {name}, so no {what} are known")
                )
            return empty
        value, found = parser(files[name], where)
        gaps.extend(found)
        return value

    nothing: Mapping[str, Repository] = {}
    nobody: Mapping[tuple[str, str], tuple[str, ...]] = {}
    nowhere: Mapping[Step, Contents] = {}
    bundle = Bundle(
        issues=read(ISSUES, parse_issues, ()),
        releases=read(RELEASES, parse_releases, ()),
        repositories=read(REPOSITORIES, parse_repositories, nothing),
        requirements=read(REQUIREMENTS, parse_requirements, nobody),
        notes=read(NOTES, parse_notes, ()),
        contents=read(CONTENTS, parse_contents, nowhere),
        gaps=read(GAPS, parse_gaps, ()),
    )
    return bundle, tuple(gaps)


# --- lines -----------------------------------------------------------------------------------------------------------


class _Lines:
    """The records of a JSON Lines text, and a Gap for each line that is none; `origin` names the file."""

    def __init__(self, text: str, origin: str) -> None:
        self._text = text
        self._origin = origin
        self._gaps: list[Gap] = []
        self._unsaid = 0

    @property
    def gaps(self) -> tuple[Gap, ...]:
        if not self._unsaid:
            return tuple(self._gaps)
        detail = f"{self._unsaid} more lines can't be used"
        return (*self._gaps, Gap(subject=self._origin, reason="malformed-line", detail=detail))

    def read(self, parser: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
        """What `parser` makes of each record; what it refuses with a FieldError becomes a Gap."""
        # only "\n" ends a line: JSON may hold U+2028 and its like unescaped, where str.splitlines would cut
        lines = self._text.removeprefix("\ufeff").split("\n")
        for number, line in enumerate(lines[:_LINES], 1):
            if not line.strip():
                continue
            try:
                yield parser(_record(line))
            except fields.FieldError as error:
                self._tell(number, str(error).removeprefix(": "))
        if len(lines) > _LINES:
            detail = f"has more than {_LINES} lines; those after it were not read"
            self._gaps.append(Gap(subject=self._origin, reason="too-large", detail=detail))

    def _tell(self, number: int, detail: str) -> None:
        if len(self._gaps) >= _MOST_GAPS:
            self._unsaid += 1
            return
        hint = "correct the line, or take it out"
        gap = Gap(subject=f"{self._origin}, line {number}", reason="malformed-line", detail=f"can't be used: {detail}", hint=hint)
        self._gaps.append(gap)


def _record(line: str) -> Mapping[str, Any]:
    if len(line) > _LINE:
        raise fields.FieldError("", f"is longer than {_LINE} characters")
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise fields.FieldError("", f"is no JSON ({error.msg.lower()} at column {error.colno})") from None
    except (ValueError, RecursionError):
        raise fields.FieldError("", "is no JSON that can be read (a number too long, or nested too deeply)") from None
    if not isinstance(record, dict):
        raise fields.FieldError("", "is no JSON object")
    return record


def _write(records: Iterable[Mapping[str, Any]]) -> str:
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return "".join(lines).encode("utf-8", "replace").decode("utf-8")


# --- issues ----------------------------------------------------------------------------------------------------------


def parse_issues(text: str, origin: str) -> tuple[tuple[Issue, ...], tuple[Gap, ...]]:
    """The issues in `text`, a line each, in its order; an issue that occurs twice is one, as its later update tells it."""
    lines = _Lines(text, origin)
    found: dict[tuple[str, int], Issue] = {}
    for issue in lines.read(_issue):
        key = issue.repository.lower(), issue.number
        found[key] = _joined(found[key], issue) if key in found else issue
    return tuple(found.values()), lines.gaps


def _issue(record: Mapping[str, Any]) -> Issue:
    if "repository_url" in record or ("repository" not in record and "html_url" in record):
        return issue_from(record)
    number = fields.maybe_number(record, "number")
    if number is None or number < 1:
        raise fields.FieldError("number", "is missing" if number is None else "is no issue number")
    repository = fields.text(record, "repository").strip("/")
    if "/" not in repository or len(repository) > 500 or any(char.isspace() for char in repository):
        raise fields.FieldError("repository", 'should be "owner/name"')
    url = fields.maybe_text(record, "url")
    return Issue(
        repository=repository,
        number=number,
        title=bounded(fields.text(record, "title"), TITLE),
        body=bounded(fields.maybe_text(record, "body") or "", BODY),
        state=fields.maybe_text(record, "state") or "open",
        created_at=moment(record, "created_at"),
        updated_at=moment(record, "updated_at"),
        closed_at=moment(record, "closed_at"),
        labels=labels(record),
        comments=fields.maybe_number(record, "comments"),
        discussion=tuple(bounded(comment, BODY) for comment in fields.texts(record, "discussion")[:_DISCUSSION]),
        reactions=fields.maybe_number(record, "reactions"),
        pull_request=bool(record.get("pull_request")),
        url=url if url and len(url) <= 2000 and url.startswith(("https://", "http://")) else None,
    )


def _joined(first: Issue, second: Issue) -> Issue:
    """One issue out of two tellings of it: the later one's, with what only the earlier one knows."""
    oldest = datetime.min.replace(tzinfo=UTC)
    newer, older = (first, second) if (first.updated_at or oldest) > (second.updated_at or oldest) else (second, first)
    missing = {
        item.name: getattr(older, item.name)
        for item in record_fields(Issue)
        if getattr(newer, item.name) in (None, "", ()) and getattr(older, item.name) not in (None, "", ())
    }
    return replace(newer, repository=first.repository, **missing)


def _issue_record(issue: Issue) -> Mapping[str, Any]:
    record: dict[str, Any] = {
        "repository": issue.repository,
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "state": issue.state,
        "created_at": _stamp(issue.created_at),
        "updated_at": _stamp(issue.updated_at),
        "closed_at": _stamp(issue.closed_at),
        "labels": list(issue.labels),
        "comments": issue.comments,
        "discussion": list(issue.discussion),
        "reactions": issue.reactions,
        "pull_request": issue.pull_request,
        "url": issue.url,
    }
    optional = ("updated_at", "closed_at", "discussion", "reactions", "url")
    return {key: value for key, value in record.items() if key not in optional or value not in (None, [])}


def _stamp(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


# --- releases, repositories, gaps ------------------------------------------------------------------------------------


def parse_releases(text: str, origin: str) -> tuple[tuple[Release, ...], tuple[Gap, ...]]:
    """The releases in `text`, a line each, in its order; of a version that occurs twice the last one."""
    lines = _Lines(text, origin)
    found = {(release.name, release.version): release for release in lines.read(_release)}
    return tuple(found.values()), lines.gaps


def _release(record: Mapping[str, Any]) -> Release:
    yanked = record.get("yanked")
    return Release(
        name=normalize(fields.text(record, "name")),
        version=fields.text(record, "version"),
        uploaded=moment(record, "uploaded"),
        # PEP 691 writes the reason itself, or true
        yanked=bool(yanked),
        yanked_reason=fields.maybe_text(record, "yanked_reason") or (yanked if isinstance(yanked, str) and yanked else None),
    )


def parse_repositories(text: str, origin: str) -> tuple[Mapping[str, Repository], tuple[Gap, ...]]:
    """Package name (normalized) → Repository, from a line each with `name`, `url` and, for hosts that don't tell it, `forge`."""
    lines = _Lines(text, origin)
    return dict(lines.read(_repository)), lines.gaps


def _repository(record: Mapping[str, Any]) -> tuple[str, Repository]:
    forge = fields.maybe_text(record, "forge")
    if forge not in (None, "github", "gitlab", "gitea"):
        raise fields.FieldError("forge", "is none of github, gitlab, gitea")
    repository = parse_repository(fields.text(record, "url"), cast(Forge | None, forge))
    if repository is None:
        raise fields.FieldError("url", "is no repository's address")
    return normalize(fields.text(record, "name")), repository


def parse_requirements(text: str, origin: str) -> tuple[Mapping[tuple[str, str], tuple[str, ...]], tuple[Gap, ...]]:
    """(Package name, version) → its Requires-Dist lines, from a line each with `name`, `version`, `requires`."""
    lines = _Lines(text, origin)
    return dict(lines.read(_requirements)), lines.gaps


def _requirements(record: Mapping[str, Any]) -> tuple[tuple[str, str], tuple[str, ...]]:
    release = normalize(fields.text(record, "name")), fields.text(record, "version")
    return release, fields.texts(record, "requires")


def parse_notes(text: str, origin: str) -> tuple[tuple[Note, ...], tuple[Gap, ...]]:
    """The notes in `text`, a line each, in its order."""
    lines = _Lines(text, origin)
    return tuple(lines.read(_note)), lines.gaps


def _note(record: Mapping[str, Any]) -> Note:
    url = fields.maybe_text(record, "url")
    return Note(
        name=normalize(fields.text(record, "name")),
        version=fields.text(record, "version"),
        text=bounded(fields.text(record, "text"), _NOTE),
        url=url if url and len(url) <= 2000 and url.startswith(("https://", "http://")) else None,
    )


def parse_contents(text: str, origin: str) -> tuple[Mapping[Step, Contents], tuple[Gap, ...]]:
    """(Package name, version before, version after) → what differs, from a line each."""
    lines = _Lines(text, origin)
    return dict(lines.read(_contents)), lines.gaps


_NAMES = ("modules", "symbols", "defaults", "functions", "added", "removed", "texts_added", "texts_removed")


def _contents(record: Mapping[str, Any]) -> tuple[Step, Contents]:
    step = normalize(fields.text(record, "name")), fields.text(record, "before"), fields.text(record, "after")
    values = tuple(
        (fields.text(value, "name", where), fields.text(value, "before", where), fields.text(value, "after", where))
        for number, value in enumerate(fields.tables(record, "values"))
        for where in [f"values[{number}]"]
    )
    names: dict[str, Any] = {name: fields.texts(record, name) for name in _NAMES}
    return step, Contents(values=values, **names)


def parse_gaps(text: str, origin: str) -> tuple[tuple[Gap, ...], tuple[Gap, ...]]:
    """The Gaps that a run saved, then those that reading them left."""
    lines = _Lines(text, origin)
    return tuple(lines.read(_gap)), lines.gaps


def _gap(record: Mapping[str, Any]) -> Gap:
    return Gap(
        subject=fields.text(record, "subject"),
        reason=fields.text(record, "reason"),
        detail=fields.text(record, "detail"),
        hint=fields.maybe_text(record, "hint"),
    )


def dump(bundle: Bundle) -> Mapping[str, str]:
    """The files of the bundle, all four: file name → text, such that `parse` gives an equal bundle back."""
    return {
        ISSUES: _write(_issue_record(issue) for issue in bundle.issues),
        RELEASES: _write(
            {
                "name": release.name,
                "version": release.version,
                "uploaded": _stamp(release.uploaded),
                "yanked": release.yanked,
                **({"yanked_reason": release.yanked_reason} if release.yanked_reason else {}),
            }
            for release in bundle.releases
        ),
        REPOSITORIES: _write(
            {"name": name, "url": repository.url, "forge": repository.forge} for name, repository in bundle.repositories.items()
        ),
        REQUIREMENTS: _write(
            {"name": name, "version": version, "requires": list(lines)} for (name, version), lines in bundle.requirements.items()
        ),
        NOTES: _write({"name": note.name, "version": note.version, "text": note.text, "url": note.url} for note in bundle.notes),
        CONTENTS: _write(_contents_record(step, contents) for step, contents in bundle.contents.items()),
        GAPS: _write(
            {"subject": gap.subject, "reason": gap.reason, "detail": gap.detail, "hint": gap.hint} for gap in bundle.gaps
        ),
    }


def _contents_record(step: Step, contents: Contents) -> Mapping[str, Any]:
    names = {name: list(getattr(contents, name)) for name in _NAMES}
    values = [{"name": name, "before": before, "after": after} for name, before, after in contents.values]
    return {"name": step[0], "before": step[1], "after": step[2], **names, "values": values}
