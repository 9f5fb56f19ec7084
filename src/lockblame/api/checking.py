"""`check`: what is risky about a delta before it is deployed, by the team's policy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.api.asking.digging import Budget
from lockblame.api.asking.evidence import Asked, PathLike
from lockblame.api.blaming import Investigation, investigate
from lockblame.api.reading import Side, Source
from lockblame.api.settings import read_settings
from lockblame.delta.locks import unread
from lockblame.errors import ReadError
from lockblame.model import Delta, Environment, Gap, Report, Use
from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.policy import Policy

MOST_SOURCES = 5_000
"""Files of the project's own source that are read to see what of a dependency it uses."""


def check(
    before: Source,
    after: Source | None = None,
    *,
    policy: Policy | PathLike | None = None,
    issues: PathLike | None = None,
    evidence: PathLike | None = None,
    save_evidence: PathLike | None = None,
    as_of: datetime | None = None,
    config: PathLike | None = None,
    environment: Environment | None = None,
    repository: PathLike | None = None,
    offline: bool = False,
    token: str | None = None,
    client: Client | None = None,
    deep: bool | Budget = False,
    progress: Progress = SILENT,
) -> Report:
    """What is risky about going from `before` to `after` now, with no symptom yet: the report's `violations`, worst first.

    `policy` is a Policy, or a settings file whose policy counts (default: that of `config`, else the usual one). `as_of` judges
    as if it were that moment. `deep` compares the artifacts of what the project itself asks for, so that removed names which
    the project's own source uses are found; without it the rule "removed-api" finds nothing. The other arguments are those of
    `blame`.

    A deploy should stop when any violation `stops`. What could not be looked at is in the report's gaps, and stops nothing.
    Raises ReadError (locks, revisions, settings, files; also where one of several locks can't be read any more).
    """
    asked = Asked(issues=issues, evidence=evidence, offline=offline, token=token, client=client)
    return inspect(
        before,
        after,
        policy=policy,
        asked=asked,
        save_evidence=save_evidence,
        as_of=as_of,
        config=config,
        environment=environment,
        repository=repository,
        deep=deep,
        progress=progress,
    )


def inspect(
    before: Source,
    after: Source | None,
    *,
    policy: Policy | PathLike | None,
    asked: Asked,
    save_evidence: PathLike | None,
    as_of: datetime | None,
    config: PathLike | None,
    environment: Environment | None,
    repository: PathLike | None,
    deep: bool | Budget,
    progress: Progress,
) -> Report:
    """What `check` does."""
    from lockblame import policy as rules
    from lockblame.policy import Policy

    chosen = _policy(policy) if policy is not None and not isinstance(policy, Policy) else policy
    found = investigate(
        before,
        after,
        symptom=None,
        asked=asked,
        save_evidence=save_evidence,
        as_of=as_of,
        config=config,
        environment=environment,
        repository=repository,
        scorer=None,
        deep=deep,
        progress=progress,
        direct_first=True,
    )
    _refuse_unread(found.report.delta)
    chosen = chosen or found.settings.policy or Policy()
    # without a moment of the caller's, risk is a matter of today
    now = found.report.as_of or datetime.now(UTC)
    uses, gaps = _uses(found, Path(repository or "."))
    violations = rules.violations(found.candidates, found.report.suspects, uses, chosen, now, found.report.delta)
    lock = found.after.snapshot.path
    placed = tuple(replace(one, path=one.path or lock) for one in violations)
    return replace(found.report, violations=placed, checked=True, gaps=(*found.report.gaps, *gaps))


def _refuse_unread(delta: Delta) -> None:
    """No deploy is waved through whose new lock nobody could read, be the other locks as they may."""
    was = unread(delta.before)
    for path, gap in unread(delta.after).items():
        if path not in was:
            subject, _, detail = gap.detail.partition(": ")
            raise ReadError(subject, detail, gap.hint)


def _policy(file: PathLike) -> Policy:
    found = read_settings(file, Path()).policy
    if found is None:
        # who names a file counts on its rules: others in their place would let pass what those stop
        from lockblame.errors import ConfigError

        table = "tool.lockblame.policy" if Path(file).name == "pyproject.toml" else "policy"
        raise ConfigError(os.fspath(file), f"has no policy, the table [{table}]")
    return found


def _uses(found: Investigation, folder: Path) -> tuple[tuple[Use, ...], tuple[Gap, ...]]:
    """The names that the project's source uses, where anything was found to compare them with."""
    from lockblame import usage

    if not any(candidate.contents and candidate.contents.removed for candidate in found.candidates):
        return (), ()
    uses: list[Use] = []
    for number, (path, source) in enumerate(_sources(found.after, folder)):
        if number == MOST_SOURCES:
            detail = f"the project has more than {MOST_SOURCES} source files; the others were not searched for removed names"
            return tuple(uses), (Gap(subject="source", reason="left-out", detail=detail),)
        uses += usage.uses(source.decode("utf-8", "replace"), path)
    return tuple(uses), ()


def _sources(after: Side, folder: Path) -> Iterator[tuple[str, bytes]]:
    """The project's own Python files on the side after: as committed, as they lie in the checkout, or below the folder."""
    from lockblame import files

    if after.checkout is not None and after.commit is not None:
        entries = {entry.id: entry.path for entry in after.checkout.entries(after.commit) if _is_source(entry.path, entry.kind)}
        for identity, source in after.checkout.blobs(entries):
            yield entries[identity], source
        return
    root = after.checkout.root if after.checkout is not None and after.checkout.root else folder
    paths: Iterable[str] = after.checkout.work_paths() if after.checkout is not None else files.listing(folder)
    opened = files.opener(root)
    for path in paths:
        if _is_source(path, "file") and (held := opened(path)) is not None:
            yield path, held


def _is_source(path: str, kind: str) -> bool:
    return path.endswith(".py") and kind == "file"
