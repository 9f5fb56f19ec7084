"""What is known upstream of a package: releases, where it is developed, issues, notes, and what its artifacts differ in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lockblame.model.locks import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of a package on its index: when its first file appeared, and whether it was taken back (PEP 592).

    `attested` tells whether a file of it has an attestation (PEP 740), None where the index doesn't say. `status` is the whole
    project's where it isn't active: "archived", "quarantined" or "deprecated" (PEP 792). `summary` is the line that it describes
    itself with, where its metadata was read.
    """

    name: str
    version: str
    uploaded: datetime | None = None
    yanked: bool = False
    yanked_reason: str | None = None
    attested: bool | None = None
    status: str | None = None
    status_reason: str | None = None
    summary: str | None = None


Forge = Literal["github", "gitlab", "gitea"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where a package is developed and its issues are. `path` is "owner/name" (or deeper, on GitLab)."""

    forge: Forge
    host: str
    path: str

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"https://{self.host}/{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue or pull request as its forge tells it; all text is hostile. `comments` is their number, None when unknown.

    `discussion` are the first of them. `fixed_by` is the pull request that closed it, in words.
    """

    repository: str
    number: int
    title: str
    body: str = ""
    state: str = "open"
    created_at: datetime | None = None
    updated_at: datetime | None = None
    closed_at: datetime | None = None
    labels: tuple[str, ...] = ()
    comments: int | None = None
    discussion: tuple[str, ...] = ()
    reactions: int | None = None
    pull_request: bool = False
    url: str | None = None
    fixed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the maintainers wrote about one version."""

    name: str
    version: str
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamCommit:
    """One commit of a package's own repository: `subject` is the first line of its message."""

    sha: str
    subject: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What went into a package's repository between the tags of two versions, as its forge tells it; all text is hostile.

    `before` and `after` are the tags, `url` where a browser shows the comparison, `files` the paths that differ. Of very large
    steps the forge tells the newest commits only: `left_out` is how many commits are missing.
    """

    name: str
    before: str
    after: str
    url: str | None = None
    commits: tuple[UpstreamCommit, ...] = ()
    files: tuple[str, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What differs between the two artifacts of a change; sorted dotted names, whole ones ("kombu.transport.SQS.Channel").

    `modules` differ, came or went. `symbols` are functions, classes, methods, attributes and parameters (after their function's
    name) that came, went or are called in another way; `added` and `removed` are the modules and symbols that came or went.
    `functions` have other code. `defaults` are parameters and constants with another value, keys and keywords inside of those
    included; `values` has each with the source of the value before and after ("" where there was none). `texts_added` and
    `texts_removed` are string constants (messages, options) of the modules that differ. `gaps` tells what was not compared.
    """

    modules: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    values: tuple[tuple[str, str, str], ...] = ()
    texts_added: tuple[str, ...] = ()
    texts_removed: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
