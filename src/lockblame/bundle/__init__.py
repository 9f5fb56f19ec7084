"""An evidence bundle: what was found upstream as text, and back. A folder of readable JSON Lines, one record a line.

    issues.jsonl        GitHub's REST issue objects, or plain ones (repository, number, title, body, state, created_at, …)
    releases.jsonl      name, version, uploaded, yanked, yanked_reason, attested, status, status_reason, summary
    repositories.jsonl  name, url, forge: where each package is developed
    requirements.jsonl  name, version, requires: what releases demand by their metadata, where the lock doesn't say
    notes.jsonl         name, version, text, url: what maintainers wrote about versions
    contents.jsonl      name, before, after and the fields of Contents: what differs between two artifacts
    comparisons.jsonl   name, before, after, tags, url, commits (sha, subject, url), files, left_out: between two tags
    looked.jsonl        name, before, after: the steps that were looked into, also where nothing came of it
    gaps.jsonl          subject, reason, detail, hint: what could not be looked at when the bundle was made

No file has to be there. A line that can't be used becomes a Gap that names it; the other lines still count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lockblame import fields
from lockblame.bundle.issues import issue_record, parse_issues
from lockblame.bundle.lines import Lines, written
from lockblame.bundle.packages import parse_releases, parse_repositories, parse_requirements, release_record, repository_record
from lockblame.bundle.steps import (
    Step,
    comparison_record,
    contents_record,
    parse_comparisons,
    parse_contents,
    parse_looked,
    parse_notes,
    step_record,
)
from lockblame.model import Comparison, Contents, Gap, Issue, Note, Release, Repository

__all__ = [
    "FILES",
    "Bundle",
    "Step",
    "dump",
    "parse",
    "parse_comparisons",
    "parse_contents",
    "parse_gaps",
    "parse_issues",
    "parse_looked",
    "parse_notes",
    "parse_releases",
    "parse_repositories",
    "parse_requirements",
]

T = TypeVar("T")

ISSUES, RELEASES, REPOSITORIES = "issues.jsonl", "releases.jsonl", "repositories.jsonl"
REQUIREMENTS, NOTES, CONTENTS = "requirements.jsonl", "notes.jsonl", "contents.jsonl"
COMPARISONS, LOOKED, GAPS = "comparisons.jsonl", "looked.jsonl", "gaps.jsonl"
FILES = (ISSUES, RELEASES, REPOSITORIES, REQUIREMENTS, NOTES, CONTENTS, COMPARISONS, LOOKED, GAPS)


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
    comparisons: Mapping[Step, Comparison] = field(default_factory=dict)
    looked: frozenset[Step] = frozenset()
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
    untagged: Mapping[Step, Comparison] = {}
    nobodys: frozenset[Step] = frozenset()
    bundle = Bundle(
        issues=read(ISSUES, parse_issues, ()),
        releases=read(RELEASES, parse_releases, ()),
        repositories=read(REPOSITORIES, parse_repositories, nothing),
        requirements=read(REQUIREMENTS, parse_requirements, nobody),
        notes=read(NOTES, parse_notes, ()),
        contents=read(CONTENTS, parse_contents, nowhere),
        comparisons=read(COMPARISONS, parse_comparisons, untagged),
        looked=read(LOOKED, parse_looked, nobodys),
        gaps=read(GAPS, parse_gaps, ()),
    )
    return bundle, tuple(gaps)


def parse_gaps(text: str, origin: str) -> tuple[tuple[Gap, ...], tuple[Gap, ...]]:
    """The Gaps that a run saved, then those that reading them left."""
    lines = Lines(text, origin)
    return tuple(lines.read(_gap)), lines.gaps


def _gap(record: Mapping[str, Any]) -> Gap:
    return Gap(
        subject=fields.text(record, "subject"),
        reason=fields.text(record, "reason"),
        detail=fields.text(record, "detail"),
        hint=fields.maybe_text(record, "hint"),
    )


def dump(bundle: Bundle) -> Mapping[str, str]:
    """The files of the bundle: file name → text, such that `parse` gives an equal bundle back."""
    return {
        ISSUES: written(issue_record(issue) for issue in bundle.issues),
        RELEASES: written(release_record(release) for release in bundle.releases),
        REPOSITORIES: written(repository_record(name, repository) for name, repository in bundle.repositories.items()),
        REQUIREMENTS: written(
            {"name": name, "version": version, "requires": list(lines)} for (name, version), lines in bundle.requirements.items()
        ),
        NOTES: written({"name": note.name, "version": note.version, "text": note.text, "url": note.url} for note in bundle.notes),
        CONTENTS: written(contents_record(step, contents) for step, contents in bundle.contents.items()),
        COMPARISONS: written(comparison_record(step, found) for step, found in bundle.comparisons.items()),
        LOOKED: written(step_record(step) for step in sorted(bundle.looked)),
        GAPS: written(
            {"subject": gap.subject, "reason": gap.reason, "detail": gap.detail, "hint": gap.hint} for gap in bundle.gaps
        ),
    }
