"""What a bundle holds of packages: their releases, where they are developed, what their releases demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lockblame import fields
from lockblame.bundle.lines import Lines, stamp
from lockblame.forges.records import moment
from lockblame.model import Forge, Gap, Release, Repository, normalize
from lockblame.upstream import parse_repository


def parse_releases(text: str, origin: str) -> tuple[tuple[Release, ...], tuple[Gap, ...]]:
    """The releases in `text`, a line each, in its order; of a version that occurs twice the last one."""
    lines = Lines(text, origin)
    found = {(release.name, release.version): release for release in lines.read(_release)}
    return tuple(found.values()), lines.gaps


def _release(record: Mapping[str, Any]) -> Release:
    yanked = record.get("yanked")
    return Release(
        name=normalize(fields.text(record, "name")),
        version=fields.text(record, "version"),
        uploaded=moment(record, "uploaded"),
        # PEP 691 writes the reason itself, or true
        yanked=bool(yanked),
        yanked_reason=fields.maybe_text(record, "yanked_reason") or (yanked if isinstance(yanked, str) and yanked else None),
        attested=fields.flag(record, "attested") if record.get("attested") is not None else None,
        status=fields.maybe_text(record, "status"),
        status_reason=fields.maybe_text(record, "status_reason"),
        summary=fields.maybe_text(record, "summary"),
    )


def parse_repositories(text: str, origin: str) -> tuple[Mapping[str, Repository], tuple[Gap, ...]]:
    """Package name (normalized) → Repository, from a line each with `name`, `url` and, for hosts that don't tell it, `forge`."""
    lines = Lines(text, origin)
    return dict(lines.read(_repository)), lines.gaps


def _repository(record: Mapping[str, Any]) -> tuple[str, Repository]:
    forge = fields.maybe_text(record, "forge")
    if forge not in (None, "github", "gitlab", "gitea"):
        raise fields.FieldError("forge", "is none of github, gitlab, gitea")
    repository = parse_repository(fields.text(record, "url"), cast(Forge | None, forge))
    if repository is None:
        raise fields.FieldError("url", "is no repository's address")
    return normalize(fields.text(record, "name")), repository


def repository_record(name: str, repository: Repository) -> Mapping[str, Any]:
    """The line of a package's repository."""
    url = repository.url
    # a GitLab project may be called like a page of one ("group/tools/releases"): "/-/" ends a path beyond doubt
    if parse_repository(url, repository.forge) != repository and repository.forge == "gitlab":
        url = f"{url}/-/"
    return {"name": name, "url": url, "forge": repository.forge}


def parse_requirements(text: str, origin: str) -> tuple[Mapping[tuple[str, str], tuple[str, ...]], tuple[Gap, ...]]:
    """(Package name, version) → its Requires-Dist lines, from a line each with `name`, `version`, `requires`."""
    lines = Lines(text, origin)
    return dict(lines.read(_requirements)), lines.gaps


def _requirements(record: Mapping[str, Any]) -> tuple[tuple[str, str], tuple[str, ...]]:
    release = normalize(fields.text(record, "name")), fields.text(record, "version")
    return release, fields.texts(record, "requires")


def release_record(release: Release) -> Mapping[str, Any]:
    """The line of a release."""
    return {
        "name": release.name,
        "version": release.version,
        "uploaded": stamp(release.uploaded),
        "yanked": release.yanked,
        **({"yanked_reason": release.yanked_reason} if release.yanked_reason else {}),
        **({"attested": release.attested} if release.attested is not None else {}),
        **({"status": release.status} if release.status else {}),
        **({"status_reason": release.status_reason} if release.status_reason else {}),
        **({"summary": release.summary} if release.summary else {}),
    }
