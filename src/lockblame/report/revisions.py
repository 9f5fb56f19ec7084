"""The history of a lock: each commit with the changes it brought, as text, Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lockblame.model import Commit
from lockblame.report.columns import wrapped
from lockblame.report.document import SCHEMA, commit_to_dict, gap_to_dict
from lockblame.report.hostile import line, markdown
from lockblame.report.ink import inked
from lockblame.report.phrases import moved

if TYPE_CHECKING:
    from lockblame.delta.history import Revision


def revisions(found: Iterable[Revision], style: str = "text", *, width: int = 100, colour: bool = False) -> str:
    """Each revision in the order given. A commit that changed nothing of the lock's packages is told all the same."""
    if style == "json":
        return json.dumps({"schema": SCHEMA, "revisions": [_to_dict(one) for one in found]}, ensure_ascii=True, indent=1) + "\n"
    written = (_markdown(one) if style == "markdown" else _text(one, width, colour) for one in found)
    return "\n".join(written) or "No commit touched it.\n"


def named(commit: Commit) -> str:
    """`1a2b3c4d5e 2023-09-09 A. Developer: Lock again`."""
    return f"{line(commit.hash[:10])} {commit.date.date().isoformat()} {line(commit.author, 60)}: {line(commit.subject, 120)}"


def _to_dict(revision: Revision) -> dict[str, Any]:
    return {
        "commit": commit_to_dict(revision.commit),
        "path": revision.path,
        "renamed": revision.renamed,
        "requires_python": list(revision.requires_python) if revision.requires_python else None,
        "changes": [
            {"name": change.name, "kind": change.kind, "step": change.step, "before": change.old, "after": change.new}
            for change in revision.changes
        ],
        "gaps": [gap_to_dict(gap) for gap in revision.gaps],
    }


def _text(revision: Revision, width: int, colour: bool) -> str:
    where = f"{line(revision.renamed)} → {line(revision.path)}" if revision.renamed else line(revision.path)
    told = [f"{moved(change)}{_kind(change.kind)}" for change in revision.changes]
    told += [f"not looked at: {line(gap.detail)}" for gap in revision.gaps]
    head = [inked(row, "bold", colour) for row in wrapped(f"{named(revision.commit)}  [{where}]", width, "", "  ")]
    return "\n".join(head + [row for text in told or ["no package changed"] for row in wrapped(text, width, "  ", "    ")]) + "\n"


def _markdown(revision: Revision) -> str:
    rows = [f"- {markdown(moved(change))}{_kind(change.kind)}" for change in revision.changes]
    rows += [f"- not looked at: {markdown(gap.detail)}" for gap in revision.gaps]
    return (
        "\n".join([f"### {markdown(named(revision.commit))} ({markdown(revision.path)})", "", *(rows or ["no package changed"])])
        + "\n"
    )


def _kind(kind: str) -> str:
    # an upgrade shows itself; the others are told by `moved` already
    return " (downgraded)" if kind == "downgraded" else ""
