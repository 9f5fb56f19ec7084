"""What `check` found: for a terminal, as a comment on a pull request, a page, JSON, SARIF, or a forge's annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lockblame.report.columns import wrapped
from lockblame.report.comment import comment
from lockblame.report.document import checked_to_dict
from lockblame.report.hostile import line, url
from lockblame.report.ink import inked
from lockblame.report.phrases import counted
from lockblame.report.verdict import place, sentence, subject, verdict

if TYPE_CHECKING:
    from lockblame.model import Gap, Report, Violation

GAPS_SHOWN = 8
SHOWN = 5
"""Findings of one rule that are told in full where they stop nothing."""
NAMED = 12
ANNOTATED = 10


def gate(found: Report, style: str = "text", *, width: int = 100, colour: bool = False) -> str:
    """The findings in one of STYLES, ending with a newline. KeyError for another one."""
    return _text(found, width, colour) if style == "text" else _WRITERS[style](found, width)


# --- terminal --------------------------------------------------------------------------------------------------------


def _text(found: Report, width: int, colour: bool) -> str:
    lines = [inked(row, "bold", colour) for row in wrapped(sentence(found), width)]
    for shown, left in _folded(found.violations):
        for one in shown:
            lines += _finding(one, width, colour)
        if left:
            names = ", ".join(dict.fromkeys(line(one.change.name, 60) for one in left[:NAMED]))
            more = f"{' ' * 8}… and {len(left)} more of {left[0].rule}: {names}{', …' if len(left) > NAMED else ''}"
            lines += wrapped(f"{more} (--format json has all)", width, "", "        ")
    lines += _gaps(found.gaps, width)
    return "\n".join(lines) + "\n"


def _folded(violations: Sequence[Violation]) -> Iterator[tuple[Sequence[Violation], Sequence[Violation]]]:
    """What stops, all of it; of everything else the first of each rule, and those that are left."""
    stopping = [one for one in violations if one.stops]
    yield stopping, ()
    groups: dict[tuple[object, ...], list[Violation]] = {}
    for one in violations:
        if not one.stops:
            groups.setdefault((one.excuse is not None, one.severity, one.rule), []).append(one)
    for group in groups.values():
        # one that is left takes a line as well
        most = SHOWN if len(group) > SHOWN + 1 else len(group)
        yield group[:most], group[most:]


def _finding(one: Violation, width: int, colour: bool) -> list[str]:
    mark = "allowed" if one.excuse else one.severity
    about, where = line(subject(one)), f"({line(place(one))})" if place(one) else ""
    told = f"{mark:<8}{one.rule}: {line(one.detail)}"
    first, *others = wrapped(told if about else f"{told} {where}", width, "", "        ")
    lines = [inked(first[: len(mark)], mark, colour) + first[len(mark) :], *others]
    if about:
        lines += wrapped(f"{about}  {where}", width, "        ", "        ")
    if address := url(one.url):
        lines.append(f"        {inked(address, 'link', colour)}")
    if one.excuse:
        lines += wrapped(f"until {one.excuse.expires}: {line(one.excuse.reason)}", width, "        ", "        ")
    return lines


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
    return comment(found, sentence(found))


def _html(found: Report, _: int) -> str:
    from lockblame.report.html import checked

    return checked(found, verdict(found))


def _sarif(found: Report, _: int) -> str:
    from lockblame.report.sarif import sarif

    return json.dumps(sarif(found), ensure_ascii=True, indent=1) + "\n"


def _github(found: Report, _: int) -> str:
    """Workflow commands, one annotation a line; https://docs.github.com/actions/reference/workflow-commands.

    GitHub shows the first ten of each kind that a step gives: of what stops nothing no more are given.
    """
    kinds = {"error": "error", "warning": "warning", "note": "notice"}
    rows: list[str] = []
    left = dict.fromkeys(kinds, 0)
    for one in found.violations:
        if one.excuse is not None:
            continue
        start = f"::{kinds[one.severity]} "
        if not one.stops and sum(row.startswith(start) for row in rows) == ANNOTATED:
            left[one.severity] += 1
        else:
            rows.append(start + _annotation(one))
    more = ", ".join(counted(number, severity) for severity, number in left.items() if number)
    rows += [f"… and {more} more: the summary of the step has them"] if more else []
    return "\n".join([*rows, _message(sentence(found))]) + "\n"


def _annotation(one: Violation) -> str:
    where = {
        "file": one.path,
        "line": str(one.line) if one.line and one.path else None,
        "title": f"lockblame: {one.rule}",
    }
    given = ",".join(f"{key}={_property(value)}" for key, value in where.items() if value)
    about = subject(one)
    return f"{given}::{_message(line(one.detail) + (f' ({line(about)})' if about else ''))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(line(text)).replace(":", "%3A").replace(",", "%2C")


_WRITERS: Mapping[str, Callable[[Report, int], str]] = {
    "markdown": _markdown,
    "html": _html,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
STYLES = ("text", *_WRITERS)
