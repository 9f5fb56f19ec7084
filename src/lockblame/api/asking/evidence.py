"""What is known upstream of the packages that changed: from a bundle, from a file of issues, and from the network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.errors import UpstreamError
from lockblame.model import Change, Comparison, Contents, Gap, Issue, Note, Release, Repository, normalize
from lockblame.progress import Progress

if TYPE_CHECKING:
    from lockblame.bundle import Bundle
    from lockblame.client import Client

PathLike = str | os.PathLike[str]

PASSED = 40
"""How many releases of one step a suspect holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Where the caller wants upstream evidence from: files, what is `held` already, or the network with this client or token."""

    issues: PathLike | None = None
    evidence: PathLike | None = None
    offline: bool = False
    token: str | None = field(default=None, repr=False)
    client: Client | None = None
    held: Knowledge | None = None

    @property
    def sealed(self) -> bool:
        """Whether not even the cache is asked: with a file of issues an offline run rests on what it was given, and on no
        former run."""
        return self.offline and self.issues is not None


@contextmanager
def client_of(asked: Asked, progress: Progress, *, deadline: float = 90.0, timeout: float = 20.0) -> Iterator[Client]:
    """The caller's client, else one within those seconds; where nothing may be asked, one that answers from the cache alone."""
    from lockblame.client import Client

    if asked.client is not None and not asked.offline:
        yield asked.client
        return
    own = asked.client.disconnected() if asked.client is not None else None
    with own or Client(token=asked.token, offline=asked.offline, progress=progress, deadline=deadline, timeout=timeout) as client:
        yield client


Step = tuple[str, str, str]
"""A package's name and its versions before and after, "" where there is none."""


def step_of(change: Change) -> Step:
    """The step that a change is, whatever lock it is in."""
    return change.name, change.old or "", change.new or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Releases by package, repositories by package, issues, requirements by release, the notes on versions, the contents of
    steps and the comparisons of their tags; the steps that were looked into for these; and what could not be had."""

    releases: Mapping[str, tuple[Release, ...]] = field(default_factory=dict)
    repositories: Mapping[str, Repository] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    requirements: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    contents: Mapping[Step, Contents] = field(default_factory=dict)
    comparisons: Mapping[Step, Comparison] = field(default_factory=dict)
    looked: frozenset[Step] = frozenset()
    gaps: tuple[Gap, ...] = ()

    def release(self, name: str, version: str | None) -> Release | None:
        """The release of that version, in any spelling of it."""
        from lockblame.versions import version_key

        if version is None:
            return None
        wanted = version_key(version)
        return next((one for one in self.releases.get(name, ()) if version_key(one.version) == wanted), None)

    def later(self, name: str, version: str | None) -> tuple[Release, ...]:
        """The releases after that version, in their order."""
        from lockblame.versions import version_key

        if version is None:
            return ()
        wanted = version_key(version)
        after = [one for one in self.releases.get(name, ()) if version_key(one.version) > wanted]
        return tuple(sorted(after, key=lambda one: version_key(one.version)))

    def passed(self, change: Change) -> tuple[Release, ...]:
        """The releases from the version before to the one after (of a downgrade the same ones), in their order.

        Of very many it is the first and the latest. Where a side has no version it is the other side's release alone.
        """
        from lockblame.versions import version_key

        ends = sorted(version_key(version) for version in (change.old, change.new) if version is not None)
        if not ends:
            return ()
        there = [one for one in self.releases.get(change.name, ()) if ends[0] <= version_key(one.version) <= ends[-1]]
        there.sort(key=lambda one: version_key(one.version))
        return tuple(there if len(there) <= PASSED else (there[0], *there[1 - PASSED :]))

    def notes_on(self, change: Change) -> tuple[Note, ...]:
        """The notes on the versions after the one that was there before."""
        from lockblame.versions import version_key

        if change.new is None:
            return ()
        old = version_key(change.old) if change.old is not None else None
        return tuple(
            note
            for note in self.notes
            if note.name == change.name
            and (version_key(note.version) > old if old is not None else version_key(note.version) == version_key(change.new))
        )


def by_package(releases: Iterable[Release]) -> dict[str, tuple[Release, ...]]:
    """Releases put together by the package's name."""
    found: dict[str, list[Release]] = {}
    for release in releases:
        found.setdefault(normalize(release.name), []).append(release)
    return {name: tuple(several) for name, several in found.items()}


_WAYS = {
    "bad-response": "run it again later, or with --offline: what was answered in earlier runs is kept",
    "rate-limited": "run it again after that, or wait for it with --patience",
}


def gap(error: UpstreamError, hint: str | None = None) -> Gap:
    """What went wrong upstream, as a gap with a way out."""
    return Gap(
        subject=error.subject, reason=error.reason, detail=error.detail, hint=hint or error.hint or _WAYS.get(error.reason)
    )


def from_bundle(folder: PathLike) -> Knowledge:
    """What the evidence bundle in `folder` holds; a missing file is a gap. Raises ReadError when there is no such folder."""
    from lockblame import bundle, files
    from lockblame.errors import ReadError

    place = Path(folder)
    if not place.is_dir():
        raise ReadError(str(folder), "is not a folder", "name the folder that --save-evidence wrote")
    there = {name: _text(files.read(place / name)) for name in bundle.FILES if (place / name).exists()}
    held, gaps = bundle.parse(there, str(folder))
    return Knowledge(
        releases=by_package(held.releases),
        repositories=held.repositories,
        issues=held.issues,
        requirements=held.requirements,
        notes=held.notes,
        contents=held.contents,
        comparisons=held.comparisons,
        looked=held.looked,
        gaps=(*gaps, *held.gaps),
    )


def from_issues(file: PathLike) -> Knowledge:
    """The issues of one JSON Lines file; a line that can't be used is a gap. Raises ReadError when the file can't be read."""
    from lockblame import bundle, files

    issues, gaps = bundle.parse_issues(_text(files.read(Path(file))), os.fspath(file))
    return Knowledge(issues=issues, gaps=gaps)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def save(folder: PathLike, known: Knowledge) -> None:
    """Write `known` as an evidence bundle, so that the same report can be made of it offline."""
    from lockblame import bundle, files

    files.write_all(Path(folder), bundle.dump(_bundle(known)))


def _bundle(known: Knowledge) -> Bundle:
    from lockblame.bundle import Bundle

    return Bundle(
        issues=known.issues,
        releases=tuple(release for several in known.releases.values() for release in several),
        repositories=known.repositories,
        requirements=known.requirements,
        notes=known.notes,
        contents=known.contents,
        comparisons=known.comparisons,
        looked=known.looked,
        gaps=known.gaps,
    )


def named_alike(names: Iterable[str], issues: Iterable[Issue]) -> dict[str, Repository]:
    """Packages whose issues are told by the repository's name alone: celery/kombu has those of kombu.

    Only for a file of issues that comes without any word on who develops what. Two repositories of that name tell nothing.
    """
    wanted = set(names)
    found: dict[str, set[str]] = {}
    for issue in issues:
        name = normalize(issue.repository.rpartition("/")[2])
        if name in wanted:
            found.setdefault(name, set()).add(issue.repository.lower())
    return {
        name: Repository(forge="github", host="github.com", path=paths.pop()) for name, paths in found.items() if len(paths) == 1
    }


def belonging(known: Knowledge) -> Mapping[str, tuple[Issue, ...]]:
    """The issues of each package whose repository is known, each with the address where it can be read.

    Of a repository that several packages share, those that name another one of them are left out.
    """
    from lockblame.api.asking.sharing import spoken, tenant

    issues: dict[str, list[Issue]] = {}
    for issue in known.issues:
        issues.setdefault(issue.repository.lower(), []).append(issue)
    names: dict[str, dict[str, list[str]]] = {}
    for name, repository in known.repositories.items():
        names.setdefault(repository.path.lower(), {}).setdefault(repository.host, []).append(name)
    texts: dict[tuple[str, str], Mapping[int, frozenset[str]]] = {}
    found = {}
    for name, repository in known.repositories.items():
        path = repository.path.lower()
        # of repositories with one path on several hosts each has what was written there; of others a host may have several names
        rivals = names[path].keys() - {repository.host}
        own = [_addressed(issue, repository) for issue in issues.get(path, ()) if _host(issue) not in rivals]
        tenants = names[path][repository.host]
        sharing = tenant(repository, name, tenants)
        if (home := (repository.host, path)) not in texts:
            texts[home] = spoken(own, tenants)
        said = texts[home]
        found[name] = tuple(
            issue for issue in own if sharing is None or sharing.concerned(issue, said.get(issue.number, frozenset()))
        )
    return found


def _host(issue: Issue) -> str:
    """Where an issue was written, "" when its address isn't known."""
    return (issue.url or "").partition("://")[2].partition("/")[0].lower()


def _addressed(issue: Issue, repository: Repository) -> Issue:
    between = "/-/issues/" if repository.forge == "gitlab" else "/issues/"
    return issue if issue.url else replace(issue, url=f"{repository.url}{between}{issue.number}")
