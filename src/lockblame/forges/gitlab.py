"""GitLab's REST API v4, on gitlab.com and on hosts of one's own. Flows only. https://docs.gitlab.com/api/issues/"""

from __future__ import annotations

from lockblame.forges.pages import origin_of
from lockblame.model import Repository


def api_of(repository: Repository) -> str:
    """Where the API of that repository's host stands."""
    return f"{origin_of(repository)}/api/v4"
