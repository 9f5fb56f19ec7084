"""Which tokens of forges an installer is run without: it builds what the locks name, and that is other people's code."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_FORGE = re.compile(
    r"(?:GH|GITHUB|GITLAB|GITEA|FORGEJO|CODEBERG)_(?:[A-Z0-9]+_)*(?:TOKEN|PAT)|CI_JOB_TOKEN|ACTIONS_(?:[A-Z0-9]+_)*TOKEN"
)
"""The variables that lockblame itself and the forges' own tools read, and those of their runners."""


def tokens(environment: Mapping[str, str]) -> frozenset[str]:
    """The names of the variables that hold a token of a forge."""
    return frozenset(name for name, value in environment.items() if value and _FORGE.fullmatch(name))


def without(environment: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """The environment without these variables."""
    return {name: value for name, value in environment.items() if name not in names}
