"""Where a repository's API stands and where a browser finds its parts, for each kind of forge."""

from __future__ import annotations

from importlib import import_module
from urllib.parse import quote, urlencode

from lockblame.flow import Request
from lockblame.forges.pages import KEEPS
from lockblame.model import Repository

_HEADERS = {
    "github": {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    "gitlab": {"Accept": "application/json"},
    "gitea": {"Accept": "application/json"},
}


def base_of(repository: Repository) -> str:
    """The address of the repository itself in its forge's API; what is below it is appended."""
    api = import_module(f"lockblame.forges.{repository.forge}").api_of(repository)
    if repository.forge == "gitlab":
        # GitLab takes the whole path in one segment
        return f"{api}/projects/{quote(repository.path, safe='')}"
    return f"{api}/repos/{quote(repository.path)}"


def asking(repository: Repository, below: str, subject: str, **options: str) -> Request:
    """A question to the API about what is `below` the repository (quoted already)."""
    query = f"?{urlencode(options)}" if options else ""
    return Request(url=f"{base_of(repository)}/{below}{query}", subject=subject, headers=_HEADERS[repository.forge], keeps=KEEPS)


def _below(repository: Repository, what: str) -> str:
    return f"{repository.url}/-/{what}" if repository.forge == "gitlab" else f"{repository.url}/{what}"


def tags_page(repository: Repository) -> str:
    """Where a browser shows the tags."""
    return _below(repository, "tags")


def comparison_page(repository: Repository, before: str, after: str) -> str:
    """Where a browser shows what happened between two tags."""
    return _below(repository, f"compare/{quote(before, safe='/')}...{quote(after, safe='/')}")


def commit_page(repository: Repository, sha: str) -> str:
    """Where a browser shows a commit."""
    return _below(repository, f"commit/{sha}")


def file_page(repository: Repository, ref: str, path: str) -> str:
    """Where a browser shows a file as it was at a tag."""
    kind = "src/tag" if repository.forge == "gitea" else "blob"
    return _below(repository, f"{kind}/{quote(ref, safe='/')}/{quote(path)}")
