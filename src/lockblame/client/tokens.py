"""The tokens of GitLab, Gitea and Forgejo in the environment: which host each belongs to, by the forges' own tools.

`glab` reads GITLAB_TOKEN for GITLAB_HOST, `tea` GITEA_SERVER_URL; the runners of the forges name their own host. A token whose
host nobody names goes nowhere: guessing would show it to a stranger. CI_JOB_TOKEN is left alone, because GitLab lets no job read
issues with it, and refuses with it as a Bearer even what everybody may read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit


def owners(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The names of the variables, each with the host (and port) that its token belongs to."""

    def first(*names: str, otherwise: str = "") -> str:
        # the first one that is set decides, also where it is no address: its token belongs to nobody else
        return next((_host(text) for name in names if (text := environment.get(name, "").strip())), otherwise)

    runner = (
        "GITHUB_SERVER_URL" if {"GITEA_ACTIONS", "FORGEJO_ACTIONS"} & {name for name, on in environment.items() if on} else ""
    )
    yield "GITLAB_TOKEN", first("GITLAB_HOST", "CI_SERVER_FQDN", "CI_SERVER_HOST", otherwise="gitlab.com")
    yield "GITEA_TOKEN", first("GITEA_SERVER_URL", runner)
    yield "FORGEJO_TOKEN", first("FORGEJO_SERVER_URL", runner)
    yield "CODEBERG_TOKEN", "codeberg.org"


def _host(text: str) -> str:
    """Host and port of an address, with or without its scheme."""
    try:
        return urlsplit(text if "://" in text else f"https://{text}").netloc.rpartition("@")[2].lower().removesuffix(":443")
    except ValueError:
        return ""
