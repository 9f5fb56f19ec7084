"""`rollback`: the least edit that takes changes back, what it reopens, and what a resolver says of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.api.asking.digging import Budget
from lockblame.api.asking.evidence import PathLike
from lockblame.api.comparing import compare, sides
from lockblame.api.reading import Side, Source
from lockblame.api.returning.places import as_shown, command, text_of
from lockblame.api.returning.retracing import Retraced
from lockblame.errors import ReadError, RollbackError
from lockblame.model import Delta, Edit, Gap, Resolution, Return, Rollback, RollbackStyle
from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.rollbacks import Wanted

ROUNDS = 3
"""How often the resolver is asked again with what it moved included."""

STYLES: dict[str, RollbackStyle] = {"uv": "uv", "poetry": "poetry", "requirements": "requirements", "freeze": "requirements"}
"""How a lock of each format is rolled back; the others by a constraints file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    """Both sides with what names them, and the folder that paths are looked up in."""

    before: Side
    after: Side
    sources: tuple[Source, Source | None]
    folder: Path


def rollback(
    before: Source | None = None,
    after: Source | None = None,
    *,
    packages: Iterable[str] = (),
    symptom: str | None = None,
    style: RollbackStyle | None = None,
    file: PathLike | None = None,
    write: bool = False,
    check: bool = False,
    undo: bool = False,
    advisories: PathLike | None = None,
    evidence: PathLike | None = None,
    budget: Budget | None = None,
    offline: bool = False,
    repository: PathLike | None = None,
    client: Client | None = None,
    progress: Progress = SILENT,
) -> Rollback:
    """The smallest edit of the work tree that takes `packages` back to their versions of `before` and keeps everything else.

    `before` and `after` are what `diff` takes. Without `packages` the leading suspect of `blame` (for `symptom`) goes back. What
    has to go back with them is included, with the reason. `style` says how (default: what the lock is of): `uv` and `poetry`
    edit the pyproject.toml beside the lock, `requirements` the pinned file itself, `constraints` a file for `pip install -c`;
    `file` names another file to edit. Nothing is written without `write`. `check` lets uv or Poetry lock a temporary copy; what
    that moves besides, and the deploy had moved, is included; where they find no solution, nothing is written.

    `undo` takes out what earlier rollbacks wrote (of `packages` only, if given); no locks are needed for it.

    What going back reopens is told as well: yanked versions, vulnerabilities that the index's data or `advisories` (a file in the
    OSV format) know of, and fixes in the notes of the versions that are skipped, for which one distribution of each package that
    goes back is fetched within `budget`. `evidence` is a bundle that stands in for the package index; `offline` asks none, and
    answers from the cache of earlier runs.

    Raises ReadError, and RollbackError when a package can't be taken back by an edit; nothing was written then.
    """
    folder = Path(repository or ".")
    if undo:
        from lockblame.api.returning.undoing import undone

        found = undone(folder, file, tuple(packages))
        return _written(found) if write else found
    if before is None:
        raise ReadError("rollback", "needs the lock to go back to", "name BEFORE and AFTER, or one range BASE..HEAD")
    one, other = sides(before, after, folder)
    ends = _Ends(before=one, after=other, sources=(before, after), folder=folder)
    delta = compare(one, other)
    names = tuple(packages) or (_leading(ends, symptom, evidence, offline, client, progress),)
    asked = Retraced(delta, evidence, offline, client, progress)
    returns, gaps = asked.planned(names)
    ways = _ways(ends, delta, returns, style, file)
    found = _edited(ends, delta, returns, ways)
    if check:
        found = _checked(found, ways, offline, progress)
        for _ in range(ROUNDS):
            companions = _companions(delta, found)
            if not companions:
                break
            returns, gaps = asked.planned([*names, *companions])
            returns = tuple(_with_reason(one, found) if one.change.name in companions else one for one in returns)
            ways = _ways(ends, delta, returns, style, file)
            found = _checked(_edited(ends, delta, returns, ways), ways, offline, progress)
        if write and found.resolution is not None and not found.resolution.resolves:
            detail = f"{found.resolution.resolver} finds no solution with this edit: {found.resolution.detail}"
            raise RollbackError(ways[0].target.name, detail, "nothing was written; without --check it is")
    gaps = tuple(_closed(gaps, found))
    reopened, told = asked.reopened(returns, advisories, budget or Budget())
    found = replace(found, reopened=reopened, gaps=tuple(dict.fromkeys((*delta.gaps, *gaps, *asked.gaps, *told, *found.gaps))))
    return _written(found) if write else found


def _leading(
    ends: _Ends, symptom: str | None, evidence: PathLike | None, offline: bool, client: Client | None, progress: Progress
) -> str:
    from lockblame.api.blaming import blame

    report = blame(
        ends.before.snapshot,
        ends.after.snapshot,
        symptom=symptom,
        evidence=evidence,
        offline=offline,
        repository=ends.folder,
        client=client,
        progress=progress,
    )
    if not report.suspects:
        raise RollbackError("rollback", "no change is under suspicion", "name what should go back with --package")
    return report.suspects[0].change.name


# --- the edit ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How one lock goes back: `back`, by editing which file, in which style; `lock` is its path as the locks have it.

    `shown` is the file that the command to lock again, or to install, is about.
    """

    lock: str | None
    place: Path
    style: RollbackStyle
    target: Path
    shown: Path
    back: tuple[Wanted, ...]


def _ways(ends: _Ends, delta: Delta, returns: Sequence[Return], style: RollbackStyle | None, file: PathLike | None) -> list[_Way]:
    """A way for each lock that has something to take back, and for each file that it is made of and that pins some of it."""
    from lockblame.rollbacks import forked, wanted

    found = []
    for lock in dict.fromkeys(one.change.lock for one in returns):
        own = style or STYLES.get(_part(delta, lock), "constraints")
        place = _place(ends.after, ends.sources[1] or ends.sources[0], ends.folder, lock or delta.after.path)
        target = ends.folder / file if file is not None else _target(place, own)
        shown = place if own == "requirements" and file is None else target
        back = wanted([one for one in returns if one.change.lock == lock], forked(delta.before))
        targets = _holding(ends, target, back) if own == "requirements" else {target: back}
        found += [
            _Way(lock=lock, place=place, style=own, target=each, shown=shown, back=tuple(some)) for each, some in targets.items()
        ]
    return found


def _holding(ends: _Ends, target: Path, back: Sequence[Wanted]) -> dict[Path, list[Wanted]]:
    """What goes back by the file that pins it: the requirements file, or those that it includes."""
    from lockblame.api.returning.nesting import holders

    checkout = ends.after.checkout
    within = checkout.root if checkout is not None and checkout.root is not None else ends.folder
    found: dict[Path, list[Wanted]] = {}
    for one in back:
        for place in holders(target, one, within) or (target,):
            found.setdefault(place, []).append(one)
    return found


def _edited(ends: _Ends, delta: Delta, returns: Sequence[Return], ways: Sequence[_Way]) -> Rollback:
    """The edits that take the returns back; where several locks need one file edited, all that in one edit."""
    from lockblame.rollbacks import forked, wanted

    drafts: dict[Path, Edit] = {}
    commands: list[str] = []
    for way in ways:
        drafts[way.target] = _draft(ends, way, way.lock or delta.after.path, drafts.get(way.target))
        commands.append(command(way.style, as_shown(way.shown, ends.folder), way.place, [one.name for one in way.back]))
    lines = (one.requirement for one in wanted(returns, forked(delta.before)))
    return Rollback(
        style=ways[0].style if ways else "constraints",
        returns=tuple(returns),
        edits=tuple(edit for edit in drafts.values() if edit.after != edit.before),
        command=" && ".join(dict.fromkeys(commands)) or None,
        pins=tuple(dict.fromkeys(lines)),
    )


def _part(delta: Delta, lock: str | None) -> str:
    """The format of the lock of that path."""
    return next((part.format for part in delta.after.parts if part.path == lock), delta.after.format)


def _draft(ends: _Ends, way: _Way, lock: str | None, draft: Edit | None) -> Edit:
    """What becomes of the file, or of the `draft` of it that another lock's way made."""
    from lockblame import rollbacks as ways
    from lockblame.api.returning.nesting import members

    shown, back = as_shown(way.target, ends.folder), way.back
    if draft is not None:
        text = draft.after
    else:
        text = text_of(way.target, shown) if way.style != "constraints" or way.target.is_file() else None
    if way.style == "uv":
        new = ways.constrain_uv(text or "", back, shown)
        for place, member in members(way.target, text or ""):
            named = as_shown(place, ends.folder)
            ways.refuse(ways.parse(member, named), back, named)
    elif way.style == "poetry":
        new = ways.constrain_poetry(text or "", back, shown)
    elif way.style == "requirements":
        new = ways.repin(text or "", back, _before(ends, way, lock), shown)
    else:
        new = ways.constrain(text or "", back, shown)
    return Edit(path=str(way.target), before=text if draft is None else draft.before, after=new)


def _target(lock: Path, style: RollbackStyle) -> Path:
    if style in ("uv", "poetry"):
        return lock.with_name("pyproject.toml")
    return lock if style == "requirements" else lock.with_name("constraints.txt")


def _place(side: Side, source: Source | None, folder: Path, lock: str | None) -> Path:
    """Where a lock of that side lies in the work tree."""
    if side.checkout is not None and side.checkout.root is not None and lock is not None:
        return side.checkout.root / lock
    if isinstance(source, (str, os.PathLike)) and "\n" not in os.fspath(source):
        named = folder / source
        return named / (lock or "") if named.is_dir() else named
    return folder / (lock or "requirements.txt")


def _before(ends: _Ends, way: _Way, lock: str | None) -> str:
    """The text as it was of the file that is edited; a lock that was renamed since is told by the snapshot."""
    side = ends.before
    path = side.snapshot.path or lock
    if side.snapshot.parts:
        path = next((part.path for part in side.snapshot.parts if part.path == lock), path)
    if path is not None and way.shown == way.place != way.target:
        # an included file lay beside the lock then as it does now
        away = os.path.relpath(os.path.realpath(way.target), os.path.realpath(way.place.parent))
        path = os.path.normpath(os.path.join(os.path.dirname(path), away)).replace(os.sep, "/")  # noqa: PTH118, PTH120
        if path.startswith("../"):
            return ""
    if side.commit is not None and side.checkout is not None and path is not None:
        data = side.checkout.show(side.commit, path)
        return "" if data is None else data.decode("utf-8", "replace")
    place = _place(side, ends.sources[0], ends.folder, path)
    return text_of(place, str(place)) if place.is_file() else ""


def _written(found: Rollback) -> Rollback:
    """The rollback with its edits on disk, each file whole or not at all."""
    from lockblame import files

    for edit in found.edits:
        place = Path(edit.path)
        # through a link the file that it leads to is written, not a file in the link's place
        place = place.resolve() if place.is_symlink() else place
        if edit.after is None:
            place.unlink(missing_ok=True)
        else:
            files.write_all(place.parent, {place.name: edit.after})
    return replace(found, written=True)


# --- the real resolver ------------------------------------------------------------------------------------------------


def _companions(delta: Delta, found: Rollback) -> list[str]:
    """What the resolver moves as well although nobody asked for it, and what the deploy had moved: it goes back the whole way."""
    if found.resolution is None or not found.resolution.resolves:
        return []
    going = {one.change.name for one in found.returns}
    moved = (one.name for one in found.resolution.moved if one.name not in going and one.kind in ("upgraded", "downgraded"))
    return [name for name in moved if any(one.kind in ("upgraded", "downgraded") for one in delta.get(name))]


def _closed(gaps: Iterable[Gap], found: Rollback) -> Iterator[Gap]:
    """The gaps without those that a resolver's answer has closed; none is told to ask one that can't be asked."""
    answered = found.resolution is not None and found.resolution.resolves
    for gap in gaps:
        if gap.reason == "gone-companion" and found.style in ("uv", "poetry"):
            continue
        if gap.reason != "no-constraints":
            yield gap
        elif found.style not in ("uv", "poetry"):
            yield replace(gap, hint="install it into a fresh environment and see")
        elif not answered:
            yield gap


def _with_reason(one: Return, found: Rollback) -> Return:
    resolver = found.resolution.resolver if found.resolution else found.style
    return one if one.because else replace(one, because=f"{resolver} can't lock the others without moving it")


def _checked(found: Rollback, ways: Sequence[_Way], offline: bool, progress: Progress) -> Rollback:
    """The rollback with what the resolvers make of it; a Gap where one can't be asked."""
    from lockblame.api.returning.resolving import resolved

    edits = {edit.path: edit for edit in found.edits}
    asked: dict[tuple[RollbackStyle, Path], Resolution | Gap] = {}
    for way in ways:
        edit = edits.get(str(way.target))
        if way.style not in ("uv", "poetry"):
            detail = "no resolver was asked: only uv and Poetry lock from a pyproject.toml"
            asked[way.style, way.target] = Gap(
                subject="check", reason="no-resolver", detail=detail, hint="install it into a fresh environment and see"
            )
        elif edit is not None and (way.style, way.target) not in asked:
            stage = f"asking {way.style} to lock a copy"
            progress.begin(stage)
            asked[way.style, way.target] = resolved(way.target, edit, way.style, offline)
            progress.end(stage)
    gaps = tuple(dict.fromkeys(one for one in asked.values() if isinstance(one, Gap)))
    made = [one for one in asked.values() if isinstance(one, Resolution)]
    worst = next((one for one in made if not one.resolves), made[0] if made else None)
    moved = tuple({(change.name, change.old, change.new): change for one in made for change in one.moved}.values())
    by = ", ".join(dict.fromkeys(one.resolver for one in made))
    resolution = worst and replace(worst, moved=moved, resolver=by if worst.resolves else worst.resolver)
    return replace(found, resolution=resolution, gaps=(*found.gaps, *gaps))
