"""Revisions, through the git command: what a commit held, and which commits touched what. Nothing here writes.

Users write revisions in git's own language (`HEAD~1`, `v2.1`, `main@{yesterday}`, `:/text`), so git reads them (2.31 or later).

Paths are relative to the top of the repository, with `/`. git knows them as bytes: whatever isn't UTF-8 in them comes as
surrogate escapes (PEP 383).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lockblame.errors import RevisionError
from lockblame.git import command
from lockblame.git.contents import LARGEST_BLOB, Contents
from lockblame.git.log import LOG, Touch, names, records, text, touches
from lockblame.logbook import log as told
from lockblame.model import Commit

__all__ = ["LARGEST_BLOB", "Checkout", "Contents", "Entry", "Touch", "find"]

EntryKind = Literal["file", "symlink", "submodule"]
_KINDS: dict[bytes, EntryKind] = {b"120000": "symlink", b"160000": "submodule"}
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# Half of the memory that git takes by itself to read a history, at the same speed.
_LEAN = ("core.packedGitWindowSize=1m", "core.packedGitLimit=16m", "core.deltaBaseCacheLimit=32m")
_RENAMES = ("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--no-ext-diff", "--no-textconv", "--no-commit-id", "--no-abbrev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path of a commit's tree. `id` is its blob's (a submodule's: its commit's)."""

    path: str
    kind: EntryKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A repository as seen from a folder. `root` is the top of the work tree, None where there is none (bare).

    `prefix` is the folder's place below the root ("services/api/", "" at the top). `shallow` says that history is cut off.
    Wherever a method takes a commit, any revision will do; a full hash spares git a question.
    """

    folder: Path
    git_dir: Path
    root: Path | None
    prefix: str
    shallow: bool

    @property
    def _top(self) -> Path:
        """Where paths that git is given count from: the top of the repository, as everywhere here."""
        return self.root or self.folder

    # --- revisions ---------------------------------------------------------------------------------------------------

    def commit(self, revision: str) -> str:
        """The full hash of the commit that `revision` names; RevisionError with the way out when there is none.

        Where a tag and a branch have the same name it is the tag's, as everywhere in git.
        """
        if not revision.strip():
            raise RevisionError("an empty revision", "names no commit", "give a branch, a tag or a hash")
        if revision.startswith("-") or "\0" in revision or "\n" in revision:
            raise RevisionError(repr(revision), "isn't a revision", "none begins with - or has several lines")
        if revision.startswith(":/"):
            # git would read ^{commit} as part of the text that it is to look for.
            revision = self._resolved(revision, revision)
        found = self._resolved(revision, revision + "^{commit}")
        told("git", "%s is commit %s", revision, found)
        return found

    def _resolved(self, revision: str, asked: str) -> str:
        answer = command.run(self.folder, "rev-parse", "--verify", "--end-of-options", asked)
        if answer.status:
            raise RevisionError(revision, *self._unresolved(revision, answer.complaint))
        return answer.out.decode("ascii", "replace").strip()

    def _unresolved(self, revision: str, complaint: str) -> tuple[str, str | None]:
        if "ambiguous" in complaint:
            return "could be several objects", "give more digits of the hash"
        if self._exists(revision):
            return "isn't a commit but a file or a folder", "name the commit, and what it holds after a colon (REV:path)"
        references = self._references()
        if not references and not self._exists("HEAD"):
            return "names no commit: the repository has none yet", None
        close = _similar(revision, references)
        if self.shallow:
            # the name may well be right: what it names was not cloned
            others = f", or is one of these meant: {', '.join(close)}?" if close else ""
            return "names no commit here, and this clone is shallow", f"fetch the rest: git fetch --unshallow --tags{others}"
        if close:
            return "names no commit here", f"is one of these meant: {', '.join(close)}?"
        return "names no commit here", "fetch it (git fetch --all --tags) or correct the name"

    def _exists(self, revision: str) -> bool:
        return not command.run(self.folder, "cat-file", "-e", revision).status

    def _references(self) -> list[str]:
        places = ("refs/heads", "refs/tags", "refs/remotes")
        answer = command.run(self.folder, "for-each-ref", "--count=5000", "--format=%(refname:short)", *places)
        return answer.out.decode("utf-8", "replace").splitlines()

    def merge_base(self, one: str, other: str) -> str | None:
        """The newest commit that both come from, None when they have none in common (or a shallow clone lost it)."""
        answer = command.run(self.folder, "merge-base", self._hash(one), self._hash(other))
        return None if answer.status else answer.out.decode("ascii", "replace").strip()

    def _hash(self, revision: str) -> str:
        return revision if _HASH.fullmatch(revision) else self.commit(revision)

    # --- what is there -----------------------------------------------------------------------------------------------

    def show(self, commit: str, path: str, *, limit: int = LARGEST_BLOB) -> bytes | None:
        """What `path` held at `commit` (links inside the tree are followed), None when there is no such file."""
        with self.contents(limit=limit) as contents:
            return contents.show(self._hash(commit), path)

    @contextmanager
    def contents(self, *, limit: int = LARGEST_BLOB) -> Iterator[Contents]:
        """Any number of files of any commits, through one git process; for two or more of them much faster than `show`."""
        with command.started(self.folder, "cat-file", "--batch", "--follow-symlinks", settings=_LEAN) as git:
            yield Contents(git, limit)

    def entries(self, commit: str, under: str = "") -> tuple[Entry, ...]:
        """Everything in the tree of `commit` (below the folder `under`, or that file alone), sorted as git sorts."""
        below = ("--", under.strip("/")) if under.strip("/") else ()
        out = command.checked(self.folder, commit, "ls-tree", "-r", "-z", "--full-tree", self._hash(commit), *below)
        found = []
        for line in out.split(b"\0")[:-1]:
            about, _, name = line.partition(b"\t")
            mode, _, identity = about.split(b" ")
            found.append(Entry(path=text(name), kind=_KINDS.get(mode, "file"), id=identity.decode("ascii")))
        return tuple(found)

    def paths(self, commit: str, under: str = "") -> tuple[str, ...]:
        """The files and symbolic links in the tree of `commit`, no submodules; `entries` tells them apart."""
        return tuple(entry.path for entry in self.entries(commit, under) if entry.kind != "submodule")

    def work_paths(self) -> tuple[str, ...]:
        """The files and links of the work tree that git tracks or would (not ignored), sorted; () in a bare repository."""
        if self.root is None:
            return ()
        out = command.checked(self.root, str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        return tuple(path for path in names(set(out.split(b"\0")) - {b""}) if _is_leaf(self.root / path))

    def blobs(self, ids: Iterable[str], *, limit: int = LARGEST_BLOB) -> Iterator[tuple[str, bytes]]:
        """Each blob once, in the order asked for, through one git process; ReadError for one that is missing or too large."""
        with self.contents(limit=limit) as contents:
            for identity in dict.fromkeys(ids):
                yield identity, contents.blob(identity)

    # --- what happened -----------------------------------------------------------------------------------------------

    def commits(self, base: str | None, head: str, paths: Sequence[str] = (), *, limit: int = 20_000) -> tuple[Commit, ...]:
        """The commits of `head` that `base` doesn't have, newest first, each with the paths it touched, at most `limit`.

        With `paths` only commits that touched one of them (a folder stands for all below it). A merge has the paths that it
        changed against all of its parents; at the edge of a shallow clone nobody knows, so that commit has none.
        """
        out = command.checked(
            self._top, head, *LOG, "--name-only", f"--max-count={limit}", *self._range(base, head), "--", *paths
        )
        edge = self._edge()
        return tuple(replace(commit, paths=() if commit.hash in edge else names(listed)) for commit, listed in records(out))

    def _range(self, base: str | None, head: str) -> tuple[str, ...]:
        return (self._hash(head),) if base is None else (self._hash(head), f"^{self._hash(base)}")

    def renames(self, base: str, head: str, paths: Sequence[str] = ()) -> Mapping[str, str]:
        """The files that `head` has under another name than `base`: name after → name before.

        Files that have half of their text in common are the same file. With `paths` only these are looked at, on both sides,
        which is what a large repository needs: name the candidates of both.
        """
        out = command.checked(self._top, head, *_RENAMES, "--name-status", self._hash(base), self._hash(head), "--", *paths)
        fields = out.split(b"\0")[:-1]
        return {text(after): text(before) for before, after in zip(fields[1::3], fields[2::3], strict=True)}

    def touching(self, path: str, since: str | None = None, head: str = "HEAD") -> Iterator[Touch]:
        """What each commit of `head` (without those that `since` has) did to `path`, newest first; renames are followed.

        Side branches count, with their own commits; a merge only where it differs from all of its parents. Branches that
        added nothing to the present file are left out, as by `git log`. So is the edge of a shallow clone: what it did is
        not known.
        """
        waiting = {path: [self._hash(head)]}
        stop = () if since is None else (f"^{self._hash(since)}",)
        edge, seen = self._edge(), set[tuple[str, str]]()
        while waiting:
            name, tips = waiting.popitem()
            out = command.checked(self._top, name, *LOG, "--raw", "--no-abbrev", *tips, *stop, "--", name)
            for touch in touches([record for record in records(out) if record[0].hash not in edge], name):
                if (touch.commit.hash, name) in seen:
                    continue
                seen.add((touch.commit.hash, name))
                origin = self._origin(touch)
                if origin is None:
                    yield touch
                else:
                    waiting.setdefault(origin.path, []).append(f"{touch.commit.hash}^")
                    yield replace(touch, before=(origin.id,), renamed=origin.path)

    def _origin(self, touch: Touch) -> Entry | None:
        """Where the file that this commit added was before, if the commit moved it there."""
        if touch.after is None or any(touch.before):
            return None
        out = command.checked(self.folder, touch.commit.hash, *_RENAMES, "--raw", touch.commit.hash)
        fields = out.split(b"\0")[:-1]
        for about, before, after in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
            if text(after) == touch.path:
                return Entry(path=text(before), kind="file", id=about.split(b" ")[2].decode("ascii"))
        return None

    def _edge(self) -> frozenset[str]:
        """The commits whose parents a shallow clone left out."""
        if not self.shallow:
            return frozenset()
        place = command.checked(self.folder, str(self.folder), "rev-parse", "--git-path", "shallow")
        try:
            return frozenset((self.folder / text(place.removesuffix(b"\n"))).read_text("ascii").split())
        except (OSError, ValueError):
            return frozenset()


def find(folder: Path) -> Checkout | None:
    """The repository that `folder` is in, None when it is in none. RevisionError when git is missing or refuses."""
    facts = ("--is-inside-work-tree", "--is-shallow-repository", "--show-cdup", "--absolute-git-dir")
    answer = command.run(folder, "rev-parse", *facts)
    if answer.status:
        if "not a git repository" in answer.complaint:
            return None
        raise command.refusal(str(folder), answer.complaint)
    inside, shallow, rest = text(answer.out).removesuffix("\n").split("\n", 2)
    # Only inside a work tree is there a way up to its top.
    up, git_dir = rest.split("\n", 1) if inside == "true" else (None, rest)
    here = Path(os.path.realpath(folder))
    root = None if up is None else Path(os.path.realpath(here / up))
    below = "." if root is None else here.relative_to(root).as_posix()
    prefix = "" if below == "." else f"{below}/"
    return Checkout(folder=here, git_dir=Path(git_dir), root=root, prefix=prefix, shallow=shallow == "true")


def _similar(revision: str, references: Sequence[str]) -> Sequence[str]:
    from difflib import get_close_matches

    return get_close_matches(revision, references, n=3, cutoff=0.7)


def _is_leaf(path: Path) -> bool:
    """False for what was deleted, and for the folder of another repository."""
    return path.is_symlink() or path.is_file()
