"""What a bundle holds of steps from one version to another: the notes on versions, what artifacts differ in,
and what went into the repository between two tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockblame import fields
from lockblame.bundle.lines import Lines, web
from lockblame.forges.records import bounded
from lockblame.model import Comparison, Contents, Gap, Note, UpstreamCommit, normalize

_NOTE = 100_000
_TAG, _SUBJECT, _PATH = 200, 300, 500

Step = tuple[str, str, str]
"""A package's normalized name, its version before and its version after."""


def parse_notes(text: str, origin: str) -> tuple[tuple[Note, ...], tuple[Gap, ...]]:
    """The notes in `text`, a line each, in its order."""
    lines = Lines(text, origin)
    return tuple(lines.read(_note)), lines.gaps


def _note(record: Mapping[str, Any]) -> Note:
    url = fields.maybe_text(record, "url")
    return Note(
        name=normalize(fields.text(record, "name")),
        version=fields.text(record, "version"),
        text=bounded(fields.text(record, "text"), _NOTE),
        url=web(url),
    )


def parse_looked(text: str, origin: str) -> tuple[frozenset[Step], tuple[Gap, ...]]:
    """The steps that were looked into, from a line each."""
    lines = Lines(text, origin)
    return frozenset(lines.read(_step)), lines.gaps


def _step(record: Mapping[str, Any]) -> Step:
    return normalize(fields.text(record, "name")), fields.text(record, "before"), fields.text(record, "after")


def parse_contents(text: str, origin: str) -> tuple[Mapping[Step, Contents], tuple[Gap, ...]]:
    """(Package name, version before, version after) → what differs, from a line each."""
    lines = Lines(text, origin)
    return dict(lines.read(_contents)), lines.gaps


_NAMES = ("modules", "symbols", "defaults", "functions", "added", "removed", "texts_added", "texts_removed")


def _contents(record: Mapping[str, Any]) -> tuple[Step, Contents]:
    values = tuple(
        (fields.text(value, "name", where), fields.text(value, "before", where), fields.text(value, "after", where))
        for number, value in enumerate(fields.tables(record, "values"))
        for where in [f"values[{number}]"]
    )
    names: dict[str, Any] = {name: fields.texts(record, name) for name in _NAMES}
    return _step(record), Contents(values=values, **names)


def parse_comparisons(text: str, origin: str) -> tuple[Mapping[Step, Comparison], tuple[Gap, ...]]:
    """(Package name, version before, version after) → the comparison of their tags, from a line each."""
    lines = Lines(text, origin)
    return dict(lines.read(_comparison)), lines.gaps


def _comparison(record: Mapping[str, Any]) -> tuple[Step, Comparison]:
    step = _step(record)
    tags = fields.table(record, "tags")
    commits = tuple(
        UpstreamCommit(
            sha=bounded(fields.text(commit, "sha", where), 64),
            subject=bounded(fields.text(commit, "subject", where), _SUBJECT),
            url=web(fields.maybe_text(commit, "url", where)),
        )
        for number, commit in enumerate(fields.tables(record, "commits"))
        for where in [f"commits[{number}]"]
    )
    return step, Comparison(
        name=step[0],
        before=bounded(fields.text(tags, "before", "tags"), _TAG),
        after=bounded(fields.text(tags, "after", "tags"), _TAG),
        url=web(fields.maybe_text(record, "url")),
        commits=commits,
        files=tuple(bounded(path, _PATH) for path in fields.texts(record, "files")),
        left_out=max(0, fields.maybe_number(record, "left_out") or 0),
    )


def step_record(step: Step) -> Mapping[str, Any]:
    """The line of a step that was looked into."""
    return {"name": step[0], "before": step[1], "after": step[2]}


def comparison_record(step: Step, found: Comparison) -> Mapping[str, Any]:
    """The line of the comparison of two tags."""
    commits = [{"sha": one.sha, "subject": one.subject, **({"url": one.url} if one.url else {})} for one in found.commits]
    return {
        **step_record(step),
        "tags": {"before": found.before, "after": found.after},
        "url": found.url,
        "commits": commits,
        "files": list(found.files),
        "left_out": found.left_out,
    }


def contents_record(step: Step, contents: Contents) -> Mapping[str, Any]:
    """The line of what two artifacts differ in."""
    names = {name: list(getattr(contents, name)) for name in _NAMES}
    values = [{"name": name, "before": before, "after": after} for name, before, after in contents.values]
    return {**step_record(step), **names, "values": values}
