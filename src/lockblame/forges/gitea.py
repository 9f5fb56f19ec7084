"""The REST API v1 of Gitea and Forgejo (Codeberg, gitea.com, hosts of one's own). Flows only. https://HOST/api/swagger"""

from __future__ import annotations

from lockblame.forges.pages import origin_of
from lockblame.model import Repository


def api_of(repository: Repository) -> str:
    """Where the API of that repository's host stands."""
    return f"{origin_of(repository)}/api/v1"
