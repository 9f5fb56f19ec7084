"""Versions as PEP 440 orders them, and what stands in the way of that."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.version import Version


@lru_cache(maxsize=65536)
def parsed(text: str) -> Version | None:
    """The version, or None when the text is not one by PEP 440."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


@lru_cache(maxsize=65536)
def version_key(text: str) -> tuple[int, Version | str]:
    """Sorts as PEP 440 does; texts that aren't versions come first, among themselves as text."""
    version = parsed(text)
    return (0, text) if version is None else (1, version)
