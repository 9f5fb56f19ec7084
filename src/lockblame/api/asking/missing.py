"""What could not be looked at, as somebody reads it in the middle of an incident: few gaps, each with what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lockblame.api.asking.evidence import Knowledge
from lockblame.model import Change, Gap

NAMED = 12
"""How many packages a gap names before it only counts."""
ALIKE, MOST = 3, 40
"""So many gaps of one sense are put together, and so many are named then."""
_ADDRESS = re.compile(r"([a-z][a-z+.-]{0,20}://[^\s/]{0,300})[^\s,()]{0,2000}")
_SECONDS = re.compile(r"\d[\d.]{0,20} s\b")


def merged(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Each gap once; of those that say the same of several packages or repositories, from three on, one for all of them.

    Addresses below one host, and how many seconds somebody waited, make no difference.
    """
    alike: dict[tuple[str, str, str], list[Gap]] = {}
    for one in dict.fromkeys(gaps):
        alike.setdefault((one.reason, _sense(one.detail), _kind(one.subject)), []).append(one)
    return tuple(one for several in alike.values() for one in (several if len(several) < ALIKE else [_together(several)]))


def _together(several: list[Gap]) -> Gap:
    first = several[0]
    kind = _kind(first.subject)
    details = {one.detail for one in several}
    hints = {one.hint for one in several}
    return Gap(
        subject=kind + listed([one.subject.removeprefix(kind) for one in several], MOST),
        reason=first.reason,
        detail=first.detail if len(details) == 1 else _ADDRESS.sub(r"\1/…", first.detail),
        hint=first.hint if len(hints) == 1 or first.hint is None else f"{first.hint}, and so on",
    )


def _sense(detail: str) -> str:
    return _SECONDS.sub("… s", _ADDRESS.sub(r"\1/…", detail))


def _kind(subject: str) -> str:
    """What a subject begins with before a name: "tags of " of "tags of celery/kombu", nothing of "kombu"."""
    kind, of, _ = subject.partition(" of ")
    return kind + of if of else ""


def unasked(detail: str = "no package index and no forge was asked") -> Gap:
    """What it means that nothing may be asked."""
    return Gap(subject="upstream", reason="offline", detail=detail, hint="run without --offline, or give --evidence or --issues")


def unheld(gaps: Sequence[Gap], detail: str) -> tuple[Gap, ...]:
    """The gaps with one for everything that nobody was asked for, because that was forbidden."""
    names = list(dict.fromkeys(one.subject for one in gaps if one.reason == "offline"))
    kept = tuple(one for one in gaps if one.reason != "offline")
    hint = "run without --offline"
    return (*kept, Gap(subject=listed(names), reason="offline", detail=detail, hint=hint)) if names else kept


def from_cache(known: Knowledge, former: Knowledge, nothing: Gap) -> Knowledge:
    """`known` with one gap for everything that the cache didn't hold, instead of one for each question.

    It is `nothing` where all that is known was so before, in `former`.
    """
    missing = [one for one in known.gaps if one.reason == "offline" and one not in former.gaps]
    if not missing:
        return known
    kept = tuple(one for one in known.gaps if one not in missing)
    if replace(known, gaps=(), looked=former.looked) == replace(former, gaps=()):
        return replace(known, gaps=(*kept, nothing))
    names = list(dict.fromkeys(one.subject for one in missing))
    detail = f"what the cache doesn't hold was not asked for: {listed(names)}"
    return replace(known, gaps=(*kept, replace(nothing, detail=detail)))


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """The first of the names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def holes(changes: Iterable[Change], known: Knowledge) -> tuple[Gap, ...]:
    """What the ranking had to do without, the packages put together: release dates, repositories, issues.

    What another gap tells of a package or its repository already is not told again.
    """
    told = {gap.subject.lower() for gap in known.gaps}
    moved = (change.name for change in changes if change.after is not None and change.kind != "refiled")
    names = [name for name in dict.fromkeys(moved) if name not in told]
    homes = {name: known.repositories[name].path.lower() for name in names if name in known.repositories}
    with_issues = {issue.repository.lower() for issue in known.issues} | told
    undated = [name for name in names if not known.releases.get(name)]
    homeless = [name for name in names if name not in homes]
    silent = [name for name in names if name in homes and homes[name] not in with_issues]
    config = 'in lockblame.toml below [upstreams]: NAME = "https://…"'
    return (
        *_hole(undated, "no-release-date", "when the versions came out is not known"),
        *_hole(homeless, "no-repository", "where the code is developed is not known, so no issues were looked at", config),
        *_hole(silent, "no-issues", "no issue from there is at hand"),
    )


def _hole(names: list[str], reason: str, detail: str, hint: str | None = None) -> tuple[Gap, ...]:
    if not names:
        return ()
    return (Gap(subject=listed(names), reason=reason, detail=detail, hint=hint),)
