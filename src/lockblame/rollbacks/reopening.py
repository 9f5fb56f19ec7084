"""What going back gives up or brings back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lockblame.model import Change, Release, Reopened
from lockblame.rollbacks.advisories import Advisory


def yanked(changes: Sequence[Change], releases: Mapping[str, Release | None]) -> Iterator[Reopened]:
    """The old versions that were taken back by their maintainers (PEP 592)."""
    for change in changes:
        release = releases.get(change.name)
        if release is not None and release.yanked:
            detail = release.yanked_reason or "no reason is given"
            yield Reopened(kind="yanked", package=change.name, version=release.version, detail=detail)


def affected(changes: Sequence[Change], advisories: Sequence[Advisory]) -> Iterator[Reopened]:
    """The advisories that affect an old version but not the new one it takes the place of."""
    for change in changes:
        for one in advisories:
            if one.package != change.name or not change.old or not change.new:
                continue
            if one.affects(change.old) and not one.affects(change.new):
                detail = f"{one.id}: {one.summary}" if one.summary else one.id
                yield Reopened(kind="advisory", package=change.name, version=change.old, detail=detail, url=one.url)
