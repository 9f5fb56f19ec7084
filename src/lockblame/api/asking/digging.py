"""What is inside the leading suspects: both artifacts of each compared, and the notes on its step, within a budget."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lockblame.api.asking.announcing import announced
from lockblame.api.asking.dug import Dug
from lockblame.api.asking.evidence import Asked, Knowledge, Step, client_of, gap, step_of
from lockblame.api.asking.missing import listed
from lockblame.api.asking.origins import Sourcing, lane, project_page
from lockblame.errors import LockblameError, UpstreamError
from lockblame.model import Change, Contents, Delta, Gap, Note
from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.contents import Archive
    from lockblame.index import File, Project

MEGABYTE = 1_000_000
_ARTIFACTS = "artifacts of "


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What looking into artifacts may cost: `packages` of the leading suspects, `megabytes` of downloads, `seconds` in all."""

    packages: int = 4
    megabytes: float = 40.0
    seconds: float = 20.0

    def __str__(self) -> str:
        return f"{self.packages} packages, {self.megabytes:g} MB, {self.seconds:g} s"


def deepen(
    known: Knowledge, changes: Sequence[Change], delta: Delta, asked: Asked, budget: Budget, progress: Progress
) -> Knowledge:
    """`known` and what is inside the first of `changes` (the most suspicious first). Nothing upstream raises.

    A client of the caller's keeps its own deadline; beyond that no download begins after the budget's seconds.
    """
    with client_of(asked, progress, deadline=budget.seconds, timeout=min(20.0, budget.seconds)) as client:
        return _deepened(known, changes, delta, asked.issues is None, client, budget, progress)


def _deepened(
    known: Knowledge, changes: Sequence[Change], delta: Delta, forges: bool, client: Client, budget: Budget, progress: Progress
) -> Knowledge:
    ends = time.monotonic() + budget.seconds
    worthwhile = list({step_of(change): change for change in changes if has_step(change)}.values())
    chosen = worthwhile[: max(0, budget.packages)]
    pages, gaps = _pages(chosen, Sourcing(delta.after, delta.before), client)
    told = {(one.subject, one.detail) for one in known.gaps}
    paged = [change for change in chosen if change.name in pages]
    dug = dig(paged, pages, client, budget=budget, ends=ends, progress=progress)
    found = announced(dug, paged, known, client, ends=ends) if forges else dug
    return replace(
        known,
        contents={**known.contents, **{step: one.contents for step, one in found.items() if one.contents is not None}},
        comparisons={**known.comparisons, **{step: one.comparison for step, one in found.items() if one.comparison is not None}},
        notes=(*known.notes, *(note for one in found.values() for note in one.notes)),
        looked=known.looked.union(map(step_of, worthwhile)),
        gaps=(
            *known.gaps,
            *(one for one in gaps if (one.subject.removeprefix(_ARTIFACTS), one.detail) not in told),
            *(gap for one in found.values() for gap in one.gaps),
            *(() if forges else _instead(paged, known)),
            *_elsewhere(changes[: max(0, budget.packages)]),
            *_over(worthwhile[len(chosen) :], budget),
        ),
    )


def has_step(change: Change) -> bool:
    """Whether there are two versions to compare, both of an index."""
    pins = (change.before, change.after)
    return step_of(change)[1] != step_of(change)[2] and all(
        pin is not None and pin.version is not None and pin.source.kind == "registry" for pin in pins
    )


def _pages(changes: Iterable[Change], sourcing: Sourcing, client: Client) -> tuple[Mapping[str, Project], Sequence[Gap]]:
    """The pages of the packages, which the client has from before as a rule."""
    pins = {change.name: change.after for change in changes if change.after is not None}
    places = {name: sourcing.pages(pin) for name, pin in pins.items()}
    tasks = [(name, lane(several[0]), project_page(name, several, pins[name])) for name, several in places.items()]
    pages, gaps = {}, []
    for name, answer in zip(places, client.map(tasks, stage="finding artifacts"), strict=True):
        if isinstance(answer, UpstreamError):
            gaps.append(replace(gap(answer), subject=f"{_ARTIFACTS}{name}"))
        else:
            pages[name] = answer
    return pages, gaps


def _over(changes: Sequence[Change], budget: Budget) -> Iterable[Gap]:
    """The suspects that the budget left no room for."""
    if changes:
        detail = f"less suspicious, so they were not looked into: the budget is {budget}"
        yield Gap(subject=_artifacts_of(changes), reason="over-budget", detail=detail, hint="a larger one: --budget 10,200MB,60s")


def _instead(changes: Iterable[Change], known: Knowledge) -> Iterable[Gap]:
    """The suspects whose forges would have been asked if a file of issues didn't stand in for them."""
    homes = [change for change in changes if change.name in known.repositories]
    if homes:
        subject = f"commits of {listed([change.name for change in homes])}"
        detail = "tags were not compared and releases on forges not read, because a file of issues stands in for the forges"
        yield Gap(subject=subject, reason="not-asked", detail=detail, hint="run without --issues")


def _elsewhere(changes: Iterable[Change]) -> Iterable[Gap]:
    """The suspects that don't come from an index on both sides."""
    pins = [(change, pin) for change in changes for pin in (change.before, change.after) if pin is not None]
    others = [change for change, pin in pins if pin.source.kind != "registry" and change.before and change.after]
    if others:
        detail = "not both from a package index, so they can't be compared"
        yield Gap(subject=_artifacts_of(others), reason="no-index", detail=detail)


def _artifacts_of(changes: Iterable[Change]) -> str:
    return f"{_ARTIFACTS}{listed(list(dict.fromkeys(change.name for change in changes)))}"


# --- one round of downloads ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Which files to fetch for a change: two to compare, and one that may hold the changelog."""

    change: Change
    before: File | None = None
    after: File | None = None
    notes: File | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def subject(self) -> str:
        """What gaps call it: not the bare name, which gaps about the whole package have."""
        return f"{self.change.name} {self.change.new}"


def dig(
    changes: Sequence[Change],
    pages: Mapping[str, Project],
    client: Client,
    *,
    budget: Budget = Budget(),
    ends: float | None = None,
    progress: Progress = SILENT,
) -> Mapping[Step, Dug]:
    """What is inside each of `changes` (the most suspicious first), by name and versions, as far as the budget goes.

    `pages` are the project pages by package name, `ends` is when the budget's seconds are over (monotonic). As many changes as
    the budget has packages are in the answer, each with gaps for what could not be fetched or compared and for what was too much.
    Nothing that is fetched is unpacked to disk, imported or run.
    """
    ends = time.monotonic() + budget.seconds if ends is None else ends
    plans = _planned(changes[: max(0, budget.packages)], pages, budget)
    wanted = {file.url: (file, plan) for plan in plans for file in (plan.before, plan.after, plan.notes) if file is not None}
    tasks = [(f"{plan.subject}: {file.name}", urlsplit(file.url).netloc, _fetched(file, plan)) for file, plan in wanted.values()]
    answers = client.map(tasks, stage="fetching artifacts") if time.monotonic() < ends else []
    fetched = dict(zip(wanted, answers, strict=False))
    progress.begin("looking into artifacts", len(plans))
    found = {}
    for plan in plans:
        found[step_of(plan.change)] = _opened(plan, fetched, ends, budget)
        progress.step("looking into artifacts", plan.subject)
    progress.end("looking into artifacts")
    return found


def _planned(changes: Iterable[Change], pages: Mapping[str, Project], budget: Budget) -> list[_Plan]:
    """The files to fetch, within the budget's bytes: those of more suspicious changes first, and code before changelogs."""
    from lockblame.contents import UNKNOWN

    room = budget.megabytes * MEGABYTE
    paid: set[str] = set()
    plans = []
    for change in changes:
        plan = _wished(change, pages[change.name])
        kept: dict[str, Any] = {}
        gaps = list(plan.gaps)
        for what, files in (("code", ("before", "after")), ("changelog", ("notes",))):
            chosen = {name: file for name in files if (file := getattr(plan, name)) is not None}
            cost = sum(file.size or UNKNOWN for file in chosen.values() if file.url not in paid)
            if cost > room:
                detail = f"its {what} was not looked at: {cost / MEGABYTE:.1f} MB are more than is left of the budget ({budget})"
                gaps.append(Gap(subject=plan.subject, reason="over-budget", detail=detail, hint="--budget 4,200MB,60s"))
                continue
            room -= cost
            paid |= {file.url for file in chosen.values()}
            kept |= chosen
        plans.append(_Plan(change=change, gaps=tuple(gaps), **kept))
    return plans


def _wished(change: Change, page: Project) -> _Plan:
    from lockblame.contents import alike, is_archive

    before, after = ({file.name: file for file in page.files_of(version or "")} for version in (change.old, change.new))
    pair = alike(*({name: file.size for name, file in side.items()} for side in (before, after)))
    sources = [file for file in after.values() if is_archive(file.name) and not file.name.endswith(".whl")]
    # of a wheel the description may hold the changelog
    notes = sources[0] if sources else after[pair[1]] if pair is not None else None
    if pair is not None:
        return _Plan(change=change, before=before[pair[0]], after=after[pair[1]], notes=notes)
    missing = [version for version, side in ((change.old, before), (change.new, after)) if not side]
    detail = f"the index has no files of {' and '.join(map(str, missing))}" if missing else "no two of its files are alike"
    told = Gap(subject=f"{change.name} {change.new}", reason="not-compared", detail=f"its code was not compared: {detail}")
    return _Plan(change=change, notes=notes, gaps=(told,))


def _fetched(file: File, plan: _Plan) -> Any:
    from lockblame import index

    pins = [pin for pin in (plan.change.before, plan.change.after) if pin is not None]
    locked = next((one.hash for pin in pins for one in pin.artifacts if one.name == file.name), None)
    return index.download(file, plan.subject, expected=locked)


def _opened(plan: _Plan, fetched: Mapping[str, bytes | UpstreamError], ends: float, budget: Budget) -> Dug:
    """Compares and reads what was fetched for one change."""
    from lockblame import contents, notes

    answers = [fetched.get(file.url) for file in (plan.before, plan.after, plan.notes) if file is not None]
    gaps = [*plan.gaps, *(gap(answer) for answer in answers if isinstance(answer, UpstreamError))]
    if time.monotonic() >= ends and not all(isinstance(answer, UpstreamError) for answer in answers):
        detail = f"there was no time left to look into it: the budget is {budget}"
        return Dug(gaps=(*gaps, Gap(subject=plan.subject, reason="over-budget", detail=detail, hint="--budget 4,40MB,60s")))
    code: Contents | None = None
    told: tuple[Note, ...] = ()
    old, new, log = (_archive(file, fetched) for file in (plan.before, plan.after, plan.notes))
    try:
        if old is not None and new is not None:
            code = contents.compare(old, new)
            gaps += [replace(one, subject=plan.subject) for one in code.gaps]
    except LockblameError as error:
        gaps.append(Gap(subject=plan.subject, reason="not-compared", detail=f"its code was not compared: {error}"))
    try:
        if log is not None:
            told = notes.from_archive(log, plan.change.name, plan.change.old, plan.change.new or "")
            gaps += _without_notes(plan, told)
    except LockblameError as error:
        gaps.append(Gap(subject=plan.subject, reason="no-notes", detail=f"its changelog was not read: {error}"))
    return Dug(contents=code and replace(code, gaps=()), notes=told, gaps=tuple(dict.fromkeys(gaps)))


def _archive(file: File | None, fetched: Mapping[str, bytes | UpstreamError]) -> Archive | None:
    from lockblame.contents import Archive

    data = fetched.get(file.url) if file is not None else None
    return Archive(name=file.name, data=data) if file is not None and isinstance(data, bytes) else None


def _without_notes(plan: _Plan, told: Sequence[Note]) -> Iterable[Gap]:
    if not told and plan.notes is not None:
        detail = f"{plan.notes.name[:200]} holds no changelog that tells of its versions after {plan.change.old}"
        yield Gap(subject=plan.subject, reason="no-notes", detail=detail)
