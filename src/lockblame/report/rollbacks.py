"""A Rollback → text, Markdown, or the JSON document: what goes back and why, the diff, the command, and what that reopens."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from pathlib import PurePath

from lockblame.model import Edit, Gap, Resolution, Return, Rollback
from lockblame.report.columns import wrapped
from lockblame.report.document import SCHEMA, gap_to_dict
from lockblame.report.hostile import line, url
from lockblame.report.hostile import markdown as safe
from lockblame.report.ink import diffed, inked
from lockblame.report.phrases import moved

_SPACES = re.compile("( +)")
LONGEST = 2_000
"""Characters of a diff's line, or of what a resolver says, that are shown."""


def rollback(found: Rollback, style: str, *, folder: str = "", width: int = 100, colour: bool = False) -> str:
    """The rollback in one of the styles `text`, `markdown`, `json`, ending with a newline; paths are shown from `folder`."""
    if style == "json":
        return json.dumps(_document(found, folder), ensure_ascii=True, indent=1) + "\n"
    if style == "markdown":
        return "\n\n".join(_markdown(found, folder)) + "\n"
    return "\n".join(_text(found, folder, width, colour)) + "\n"


def _back(one: Return) -> str:
    """`kombu 5.3.2 → 5.3.1`, the other way round than the change."""
    change = one.change
    return f"{line(change.name, 100)} {line(change.new or '(none)', 60)} → {line(change.old or '', 60)}"


def _headline(found: Rollback) -> str:
    if found.undo:
        return "The rollback is taken out again." if found.edits else "There is no rollback of lockblame's here: nothing to undo."
    names = ", ".join(dict.fromkeys(_back(one) for one in found.returns)) or "nothing"
    return f"Takes back {names}." if found.edits else f"Nothing to do: {names} is taken back already."


def _shown(edit: Edit, folder: str) -> str:
    try:
        return line(PurePath(edit.path).relative_to(folder).as_posix()) if folder else line(edit.path)
    except ValueError:
        return line(edit.path)


def _diff(edit: Edit, folder: str) -> Iterator[str]:
    """The edit as a unified diff; what a line holds besides plain text is taken out."""
    name = _shown(edit, folder)
    before, after = ((text or "").splitlines() for text in (edit.before, edit.after))
    old, new = ("/dev/null" if text is None else name for text in (edit.before, edit.after))
    for row in difflib.unified_diff(before, after, old, new, lineterm=""):
        yield row[:1] + _verbatim(row[1:])


def _verbatim(row: str) -> str:
    """One line of a file, its spaces kept, its control characters not."""
    pieces = _SPACES.split(row[:LONGEST].replace("\t", "    "))
    return "".join(piece if not piece.strip(" ") else line(piece, LONGEST) for piece in pieces)


def _then(found: Rollback) -> str | None:
    if not found.edits or found.command is None:
        return None
    kept = found.undo and (any(one in found.command for one in ("--upgrade-package", "poetry update", "pdm update")))
    why = " (by itself the lock keeps the versions that were taken back)" if kept else ""
    again = "install" if found.command.startswith("pip ") else "lock"
    return f"{'Now' if found.written else 'After that'} {again} again: {found.command}{why}"


def _resolution(one: Resolution, returns: tuple[Return, ...]) -> list[str]:
    """What the resolver says, a sentence each."""
    if not one.resolves:
        return [f"{line(one.resolver)} finds no solution with this edit: {line(one.detail, LONGEST)}"]
    asked = {each.change.name for each in returns}
    back = [change for change in one.moved if change.name in asked]
    others = [moved(change) for change in one.moved if change.name not in asked]
    told = [f"{line(one.resolver)} locks it: {', '.join(map(moved, back)) or 'nothing moves'}."]
    return [*told, f"Because of it these move too: {', '.join(others)}." if others else "Nothing else moves."]


def _text(found: Rollback, folder: str, width: int, colour: bool) -> Iterator[str]:
    yield from (inked(row, "bold", colour) for row in wrapped(_headline(found), width))
    for reason in dict.fromkeys(f"{_back(one)}, because {line(one.because)}" for one in found.returns if one.because):
        yield from wrapped(reason, width, "  ", "    ")
    for edit in found.edits:
        yield ""
        yield from (diffed(row, colour) for row in _diff(edit, folder))
    yield ""
    if then := _then(found):
        yield from wrapped(then, width)
    if found.edits and not found.written:
        yield "Nothing is written yet: --write does it."
    if found.pins and not found.undo:
        yield from wrapped(f"For an image that is built now, as a file for pip install -c: {' | '.join(found.pins)}", width)
    if found.resolution is not None:
        for sentence in _resolution(found.resolution, found.returns):
            yield from wrapped(sentence, width)
    if found.reopened:
        yield "Reopened by this:"
        for each in found.reopened:
            link = f" {url(each.url) or ''}".rstrip()
            yield from wrapped(
                f"{line(each.package)} {line(each.version)}, {each.kind}: {line(each.detail)}{link}", width, "- ", "  "
            )
    if found.gaps:
        yield f"Not looked at ({len(found.gaps)})"
        for gap in found.gaps:
            yield from wrapped(_gap(gap), width, "- ", "  ")


def _gap(gap: Gap) -> str:
    hint = f" ({line(gap.hint)})" if gap.hint else ""
    return f"{line(gap.subject)}: {line(gap.detail, LONGEST)}{hint}"


def _markdown(found: Rollback, folder: str) -> Iterator[str]:
    yield f"# {safe(_headline(found), 600)}"
    yield from _way(found, folder, "## Reopened by this")
    if found.gaps:
        yield "\n".join([f"## Not looked at ({len(found.gaps)})", "", *(f"- {safe(_gap(gap), LONGEST)}" for gap in found.gaps)])


def within(found: Rollback) -> Iterator[str]:
    """The way back as blocks of a larger Markdown document, without what was not looked at."""
    yield safe(_headline(found), 600)
    yield from _way(found, "", "Reopened by this:")


def _way(found: Rollback, folder: str, reopened: str) -> Iterator[str]:
    because = dict.fromkeys(f"- {safe(_back(one))}, because {safe(one.because)}" for one in found.returns if one.because)
    if because:
        yield "\n".join(because)
    for edit in found.edits:
        rows = list(_diff(edit, folder))
        fence = "`" * max(3, 1 + max((_ticks(row) for row in rows), default=0))
        yield "\n".join([f"{fence}diff", *rows, fence])
    if then := _then(found):
        yield safe(then, 600)
    if found.resolution is not None:
        yield " ".join(safe(sentence, LONGEST) for sentence in _resolution(found.resolution, found.returns))
    if found.reopened:
        items = [
            f"- {safe(each.package)} {safe(each.version)}, {each.kind}: {safe(each.detail)}"
            + (f" <{link}>" if (link := url(each.url)) else "")
            for each in found.reopened
        ]
        yield "\n".join([reopened, "", *items])


def _ticks(row: str) -> int:
    """The longest run of backticks, which a fence has to be longer than."""
    longest = run = 0
    for char in row:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest


def _document(found: Rollback, folder: str) -> dict[str, object]:
    one = found.resolution
    return {
        "schema": SCHEMA,
        "style": found.style,
        "undo": found.undo,
        "written": found.written,
        "returns": [
            {"package": each.change.name, "from": each.change.new, "to": each.change.old, "because": each.because or None}
            for each in found.returns
        ],
        "edits": [{"path": _shown(edit, folder), "diff": "\n".join(_diff(edit, folder))} for edit in found.edits],
        "command": found.command,
        "pins": list(found.pins),
        "resolution": one
        and {
            "resolver": one.resolver,
            "resolves": one.resolves,
            "detail": one.detail,
            "moved": [{"package": change.name, "from": change.old, "to": change.new} for change in one.moved],
        },
        "reopened": [
            {"kind": each.kind, "package": each.package, "version": each.version, "detail": each.detail, "url": each.url}
            for each in found.reopened
        ],
        "gaps": [gap_to_dict(gap) for gap in found.gaps],
    }
