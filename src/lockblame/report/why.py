"""One change in full: why it moved, who demands it with which constraint, and every path to it, before and after."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lockblame.model import Change, Delta, Demand, Gap, Path
from lockblame.report.columns import wrapped
from lockblame.report.document import SCHEMA, gap_to_dict
from lockblame.report.hostile import line, markdown
from lockblame.report.ink import inked
from lockblame.report.phrases import moved, trail

MOST_PATHS = 50


def why(delta: Delta, name: str, style: str = "text", *, width: int = 100, colour: bool = False) -> str:
    """What `lockblame diff --why NAME` prints; a package that didn't change is said to be one."""
    found = [_explained(part, change) for part in delta.parts or (delta,) for change in part.get(name)]
    if style == "json":
        gaps = [gap_to_dict(gap) for gap in delta.gaps]
        return json.dumps({"schema": SCHEMA, "name": name, "why": found, "gaps": gaps}, ensure_ascii=True, indent=1) + "\n"
    if style == "html":
        from lockblame.report.html import explanation

        return explanation(delta, name, [_page(one) for one in found])
    if not found:
        there = delta.before.get(name) or delta.after.get(name)
        return f"{line(name)} {'did not change' if there else 'is in neither lock'}.\n"
    text = "\n".join((*(_written(one, style) for one in found), *_missing(delta.gaps, style)))
    return text if style == "markdown" else _set(text, width, colour)


def _set(text: str, width: int, colour: bool) -> str:
    """The text in its page, the first line told apart."""
    rows = [row for each in text.splitlines() for row in wrapped(each, width, "", "    " if each.startswith(" ") else "")]
    head, *others = rows
    return "\n".join([inked(head, "bold", colour), *others]) + "\n"


def _explained(delta: Delta, change: Change) -> dict[str, Any]:
    return {
        "lock": change.lock,
        "change": moved(change),
        "kind": change.kind,
        "step": change.step,
        "reason": change.reason.kind,
        "detail": change.reason.detail,
        "demands": [_demand(demand) for demand in change.reason.demands],
        "paths": {
            "before": _paths(delta.before.paths_to(change.name, limit=MOST_PATHS) if change.before else ()),
            "after": _paths(delta.after.paths_to(change.name, limit=MOST_PATHS) if change.after else ()),
        },
    }


def _paths(paths: Sequence[Path]) -> list[list[str]]:
    return [list(path) for path in paths]


def _demand(demand: Demand) -> dict[str, Any]:
    return {
        "parent": demand.parent,
        "root": demand.root,
        "parent_before": demand.old,
        "parent_after": demand.new,
        "before": demand.before,
        "after": demand.after,
        "known": demand.known,
    }


def _written(found: dict[str, Any], style: str) -> str:
    safe = markdown if style == "markdown" else line
    item = "- " if style == "markdown" else "  "
    head = "## " if style == "markdown" else ""
    heading = "**" if style == "markdown" else ""
    kind = f" ({found['kind']}, {found['step']})" if found["step"] else ""
    where = f" in {safe(found['lock'])}" if found["lock"] else ""
    lines = [
        f"{head}{safe(found['change'])}{kind}, {found['reason']}{where}",
        "",
        safe(found["detail"] or "Nothing tells why.", 1000),
    ]
    if found["demands"]:
        lines += ["", f"{heading}Who asks for it{heading}", ""]
        lines += [f"{item}{safe(_asks(demand), 500)}" for demand in found["demands"]]
    for side in ("before", "after"):
        paths = found["paths"][side]
        most = f", the {MOST_PATHS} shortest" if len(paths) == MOST_PATHS else ""
        lines += ["", f"{heading}Paths {side} ({len(paths)}{most}){heading}", ""]
        lines += [f"{item}{safe(trail(tuple(path)), 1000)}" for path in paths]
    return "\n".join(lines) + "\n"


def _page(found: dict[str, Any]) -> dict[str, Any]:
    """The parts of an explanation as sentences, for a page."""
    paths = {side: [trail(tuple(path)) for path in found["paths"][side]] for side in ("before", "after")}
    return {**found, "asks": [_asks(demand) for demand in found["demands"]], "ways": paths}


def _missing(gaps: Sequence[Gap], style: str) -> list[str]:
    safe = markdown if style == "markdown" else line
    return [f"Not looked at: {safe(gap.subject)}: {safe(gap.detail)}\n" for gap in gaps]


def _asks(demand: dict[str, Any]) -> str:
    versions = [version for version in (demand["parent_before"], demand["parent_after"]) if version]
    parent = " ".join([demand["parent"], " → ".join(dict.fromkeys(versions))]).strip()
    if not demand["known"]:
        return f"{parent}: with which constraint is not in the lock"
    return f"{parent}: {_constraint(demand['before'])} before, {_constraint(demand['after'])} after"


def _constraint(text: str | None) -> str:
    return "not asked" if text is None else text or "any version"
