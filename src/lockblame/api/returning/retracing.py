"""What has to be known to go back: constraints that the lock doesn't write down, versions taken back, advisories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.api.asking.evidence import Asked, Knowledge, PathLike, client_of, from_bundle
from lockblame.errors import Offline, UpstreamError
from lockblame.flow import Flow
from lockblame.model import Change, Delta, Edge, Gap, Release, Reopened, Return
from lockblame.progress import Progress

if TYPE_CHECKING:
    from lockblame.api.asking.digging import Budget
    from lockblame.client import Client
    from lockblame.rollbacks import Advisory

ROUNDS = 8
"""How often new companions may bring in further ones before the rest is left to the resolver."""
MOST = 60
"""Releases whose metadata is asked for at most."""

LONGEST = 60.0
"""Seconds that the index gets for a round of questions."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What an index told of one version: the releases of its package, and what it requires, or why that is not known."""

    releases: tuple[Release, ...]
    requires: tuple[str, ...] | UpstreamError


class Retraced:
    """A Delta with all that could be learnt for the way back, from a bundle or from the package indexes; `offline` from what the
    cache holds of them."""

    def __init__(self, delta: Delta, evidence: PathLike | None, offline: bool, client: Client | None, progress: Progress) -> None:
        self.known = from_bundle(evidence) if evidence is not None else Knowledge()
        self.gaps: tuple[Gap, ...] = ()
        self._delta = delta
        self._asks = evidence is None
        self._offline = offline
        self._client = client
        self._progress = progress
        self._asked: set[Key] = set()

    def planned(self, names: Sequence[str]) -> tuple[tuple[Return, ...], tuple[Gap, ...]]:
        """What goes back; the constraints of whatever newly goes with it are asked for until nothing new does."""
        from lockblame.rollbacks import plan

        returns, gaps = plan(self._delta, names, self._metadata())
        for _ in range(ROUNDS if self._asks else 0):
            if not self._ask(returns):
                break
            returns, gaps = plan(self._delta, names, self._metadata())
        return returns, gaps

    def _metadata(self) -> Mapping[Key, Sequence[Edge]]:
        return {release: tuple(_edges(lines)) for release, lines in self.known.requirements.items()}

    def _ask(self, returns: Sequence[Return]) -> bool:
        """Asks for what isn't known yet of those releases and of the ones that require them; whether anything was asked."""
        wanted = [key for key in self._wanted(returns) if key not in self._asked][: MOST - len(self._asked)]
        if not wanted:
            return False
        self._asked.update(wanted)
        with self._connected(LONGEST) as client:
            self._learn(wanted, client)
        return True

    def _wanted(self, returns: Sequence[Return]) -> list[Key]:
        """The old versions that come back, and the new ones of whatever requires them."""
        names = {one.change.name for one in returns}
        old = [(one.change.name, one.change.old) for one in returns]
        new = [(one.name, one.new) for one in self._delta if one.name not in names and _requires(one, names)]
        return [(name, version) for name, version in dict.fromkeys((*old, *new)) if version is not None]

    def _learn(self, wanted: Sequence[Key], client: Client) -> None:
        from lockblame.api.asking.evidence import gap
        from lockblame.api.asking.origins import lane, pages_of

        asked = [(key, pages) for key in wanted if (pages := pages_of(key[0], self._delta))]
        tasks = [(" ".join(key), lane(pages[0]), _told(key, pages)) for key, pages in asked]
        releases, requirements, errors = dict(self.known.releases), dict(self.known.requirements), []
        for (key, _), answer in zip(asked, client.map(tasks, stage="asking what goes together"), strict=True):
            if isinstance(answer, UpstreamError):
                errors.append(answer)
                continue
            releases[key[0]] = answer.releases
            if isinstance(answer.requires, UpstreamError):
                errors.append(answer.requires)
            else:
                requirements[key] = answer.requires
        self.known = replace(self.known, releases=releases, requirements=requirements)
        # what the cache doesn't hold shows in what is not known for it: constraints, yanks
        told = (gap(error) for error in errors if not isinstance(error, Offline))
        self.gaps = tuple(dict.fromkeys((*self.gaps, *told)))

    def reopened(
        self, returns: Sequence[Return], advisories: PathLike | None, budget: Budget
    ) -> tuple[tuple[Reopened, ...], tuple[Gap, ...]]:
        """What going back gives up or brings back, and what could not be looked at."""
        from lockblame.rollbacks import reopening

        back = list({(one.change.name, one.change.old, one.change.new): one.change for one in returns}.values())
        releases = {change.name: self.known.release(change.name, change.old) for change in back}
        told, gaps = self._told(back, advisories, budget)
        found = (
            *reopening.yanked(back, releases),
            *reopening.affected(back, told),
            *reopening.fixes(back, self.known.notes),
        )
        unknown = [name for name, release in releases.items() if release is None]
        more = [*gaps, *reopening.unclear(back, told)]
        if unknown:
            detail = "whether the old versions were yanked is not known"
            more.append(Gap(subject=", ".join(unknown[:12]), reason="no-release", detail=detail, hint="run without --offline"))
        return found, tuple(more)

    def _told(
        self, back: Sequence[Change], advisories: PathLike | None, budget: Budget
    ) -> tuple[tuple[Advisory, ...], tuple[Gap, ...]]:
        """The advisories on what goes back, from the file and from the index; the notes on it become known too."""
        from lockblame import files
        from lockblame.rollbacks import advisories as parse

        told: tuple[Advisory, ...] = ()
        if advisories is not None:
            told = parse(files.read(Path(advisories)).decode("utf-8", "replace"), str(advisories))
        if not self._asks:
            return told, (*_unasked(advisories), *self._without_notes(back))
        with self._connected(budget.seconds) as client:
            from lockblame.api.returning.reopening import notes_of, vulnerable

            more, gaps = vulnerable(back, self._delta, client)
            notes, holes = notes_of(back, self._delta, client, budget)
        self.known = replace(self.known, notes=(*self.known.notes, *notes))
        if self._offline:
            unheld = any(one.reason == "offline" for one in gaps)
            gaps = (*(one for one in gaps if one.reason != "offline"), *(_unasked(advisories) if unheld else ()))
            holes = tuple(self._without_notes(back))
        # a file of advisories stands in for what an index doesn't tell
        kept = [one for one in gaps if advisories is None or one.reason != "no-vulnerability-data"]
        return (*told, *more), (*kept, *holes)

    def _without_notes(self, back: Sequence[Change]) -> Iterator[Gap]:
        silent = [change.name for change in back if not self.known.notes_on(change)]
        if silent:
            detail = "which fixes are lost is not known: no notes on the versions that are skipped are at hand"
            hint = "run without --offline, or give an --evidence that `blame --deep` saved"
            yield Gap(subject=", ".join(silent[:12]), reason="no-notes", detail=detail, hint=hint)

    @contextmanager
    def _connected(self, deadline: float) -> Iterator[Client]:
        """The caller's client, else one of our own that doesn't wait longer than that."""
        asked = Asked(offline=self._offline, client=self._client)
        with client_of(asked, self._progress, deadline=deadline, timeout=min(20.0, deadline)) as client:
            yield client


def _unasked(advisories: PathLike | None) -> tuple[Gap, ...]:
    if advisories is not None:
        return ()
    detail = "whether the old versions have known vulnerabilities was not looked at"
    hint = "run without --offline and --evidence, or give --advisories FILE in the OSV format"
    return (Gap(subject="advisories", reason="not-asked", detail=detail, hint=hint),)


def _requires(change: Change, names: set[str]) -> bool:
    """Whether its new version requires one of them, or may: a lock without edges doesn't say."""
    after = change.after
    return after is not None and (not after.requires_known or any(edge.name in names for edge in after.requires))


def _told(key: Key, pages: Sequence[str]) -> Flow[_Told]:
    from lockblame import index
    from lockblame.api.asking.origins import project_page

    page = yield from project_page(key[0], pages)
    try:
        requires = (yield from index.metadata(page, key[1])).requires_dist
    except UpstreamError as error:
        return _Told(releases=page.releases, requires=error)
    return _Told(releases=page.releases, requires=requires)


def _edges(lines: Sequence[str]) -> list[Edge]:
    """The requirements that hold without any extra being asked for."""
    from lockblame.lockfiles.names import requirement

    found = (requirement(line) for line in lines)
    return [
        Edge(name=one.name, specifier=one.specifier, marker=one.marker)
        for one in found
        if one is not None and "extra" not in (one.marker or "")
    ]
