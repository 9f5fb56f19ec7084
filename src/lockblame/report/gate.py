"""What `check` found: for a terminal, as a comment on a pull request, as JSON, SARIF, or a forge's annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lockblame.report.answer import moved
from lockblame.report.columns import wrapped
from lockblame.report.comment import comment
from lockblame.report.document import checked_to_dict
from lockblame.report.grouping import grouped
from lockblame.report.hostile import line, url
from lockblame.report.ink import inked

if TYPE_CHECKING:
    from lockblame.model import Gap, Report, Violation

GAPS_SHOWN = 8


def gate(found: Report, style: str = "text", *, width: int = 100, colour: bool = False) -> str:
    """The findings in that style (text, markdown, json, sarif, github), ending with a newline. KeyError for another style."""
    return _text(found, width, colour) if style == "text" else _WRITERS[style](found, width)


def verdict(found: Report) -> str:
    """The one sentence: may it go, and what was found."""
    stopping = sum(one.stops for one in found.violations)
    others = {"warning": 0, "note": 0}
    for one in found.violations:
        if not one.stops and one.excuse is None:
            others[one.severity] += 1
    excused = sum(one.excuse is not None for one in found.violations)
    parts = [_counted(others["warning"], "warning"), _counted(others["note"], "note"), f"{excused} allowed" if excused else ""]
    rest = ", ".join(part for part in parts if part)
    changed = (
        f"{len(grouped(found.delta))} changed between {line(found.delta.before.origin)} and {line(found.delta.after.origin)}"
    )
    head = f"Stop: {_counted(stopping, 'finding')} against the policy" if stopping else "Go: nothing stops this deploy"
    return f"{head} ({changed}{'; ' + rest if rest else ''})"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""


def place(violation: Violation) -> str:
    """Where to look: the file and, where known, the line."""
    if violation.path is None:
        return ""
    return f"{violation.path}:{violation.line}" if violation.line else violation.path


# --- terminal --------------------------------------------------------------------------------------------------------


def _text(found: Report, width: int, colour: bool) -> str:
    lines = [inked(row, "bold", colour) for row in wrapped(verdict(found), width)]
    for one in found.violations:
        mark = "allowed" if one.excuse else one.severity
        first, *others = wrapped(f"{mark:<8}{one.rule}: {line(one.detail)}", width, "", "        ")
        lines += [inked(first[: len(mark)], mark, colour) + first[len(mark) :], *others]
        lines += wrapped(
            line(moved(one.change)) + (f"  ({line(place(one))})" if place(one) else ""), width, "        ", "        "
        )
        if address := url(one.url):
            lines.append(f"        {inked(address, 'link', colour)}")
        if one.excuse:
            lines += wrapped(f"until {one.excuse.expires}: {line(one.excuse.reason)}", width, "        ", "        ")
    lines += _gaps(found.gaps, width)
    return "\n".join(lines) + "\n"


def _gaps(gaps: Sequence[Gap], width: int) -> list[str]:
    if not gaps:
        return []
    lines = ["", f"Not looked at ({len(gaps)}):"]
    for gap in gaps[:GAPS_SHOWN]:
        lines += wrapped(f"{line(gap.subject)}: {line(gap.detail)}", width, "  ", "    ")
    left = len(gaps) - GAPS_SHOWN
    return [*lines, f"  … and {left} more (--format json has all)"] if left > 0 else lines


# --- JSON ------------------------------------------------------------------------------------------------------------


def _json(found: Report, _: int) -> str:
    return json.dumps(checked_to_dict(found), ensure_ascii=True, indent=1) + "\n"


def _markdown(found: Report, _: int) -> str:
    return comment(found, verdict(found))


def _sarif(found: Report, _: int) -> str:
    from lockblame.report.sarif import sarif

    return json.dumps(sarif(found), ensure_ascii=True, indent=1) + "\n"


def _github(found: Report, _: int) -> str:
    """Workflow commands, one annotation a line; https://docs.github.com/actions/reference/workflow-commands."""
    levels = {"error": "error", "warning": "warning", "note": "notice"}
    rows = []
    for one in found.violations:
        if one.excuse is None:
            where = {
                "file": one.path,
                "line": str(one.line) if one.line and one.path else None,
                "title": f"lockblame: {one.rule}",
            }
            given = ",".join(f"{key}={_property(value)}" for key, value in where.items() if value)
            rows.append(f"::{levels[one.severity]} {given}::{_message(f'{line(one.detail)} ({line(moved(one.change))})')}")
    return "\n".join([*rows, _message(verdict(found))]) + "\n"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(line(text)).replace(":", "%3A").replace(",", "%2C")


_WRITERS: Mapping[str, Callable[[Report, int], str]] = {
    "markdown": _markdown,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
