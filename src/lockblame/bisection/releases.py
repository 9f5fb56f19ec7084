"""Which release of one package is the first that fails: halving a line of versions, stepping around what can't be tested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lockblame.model import Release, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The last good and the first bad place of a line, and the untestable ones between them."""

    good: int
    bad: int
    untestable: tuple[int, ...] = ()


def between(releases: Iterable[Release], before: str, after: str) -> tuple[str, ...]:
    """The versions from `before` to `after`, both included, in order of the way between them (backwards for a downgrade).

    Left out are yanked releases, and pre-releases unless one of the two is one itself.
    """
    from packaging.version import InvalidVersion, Version

    try:
        start, end = Version(before), Version(after)
    except InvalidVersion:
        return before, after
    low, high = min(start, end), max(start, end)
    found = {}
    for release in releases:
        try:
            version = Version(release.version)
        except InvalidVersion:
            continue
        wanted = not version.is_prerelease or start.is_prerelease or end.is_prerelease
        if low < version < high and wanted and not release.yanked:
            found[version] = release.version
    middle = [found[version] for version in sorted(found, reverse=start > end)]
    return before, *middle, after


def boundary(length: int, known: Mapping[int, Verdict]) -> Line:
    """Between which places the line turns from good to bad, as far as is known; its ends are taken for good and bad."""
    good, bad = 0, length - 1
    for place in sorted(known):
        if known[place] == "bad" and 0 < place < bad:
            bad = place
            break
    good = max((place for place, verdict in known.items() if verdict == "good" and place < bad), default=0)
    return Line(good=good, bad=bad, untestable=tuple(place for place in range(good + 1, bad) if place in known))


def following_place(length: int, known: Mapping[int, Verdict]) -> int | None:
    """The place to try next: the one nearest to the middle; None when nothing testable is left between good and bad."""
    line = boundary(length, known)
    open_: Sequence[int] = [place for place in range(line.good + 1, line.bad) if place not in known]
    middle = (line.good + line.bad) / 2
    return min(open_, key=lambda place: abs(place - middle), default=None)
