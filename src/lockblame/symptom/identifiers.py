"""The names of code in a text: options, functions, classes, settings, environment variables, dotted modules."""

from __future__ import annotations

import re

MOST = 400

_NAME = re.compile(
    r"(?<![\w.-])(?:"
    r"--?[a-z][a-z0-9]*(?:-[a-z0-9]+){0,8}(?==|\b)"  # --dry-run
    r"|[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){1,10}"  # redis.asyncio.client
    r"|[A-Za-z][A-Za-z0-9]{0,60}(?:_\w{1,80})"  # wait_time_seconds, HF_HUB_OFFLINE
    r"|_\w{2,80}"  # _quota_project_id
    r"|[A-Z]?[a-z0-9]{1,60}[A-Z]\w{1,80}"  # BlockingConnectionPool, upbMessage
    r"|[A-Za-z_]\w{2,80}(?=\(\))"  # copyfrom()
    r")"
)
_QUOTED = re.compile(r"`([^`\s]{2,60})`")
_FILES = re.compile(
    r"\.(?:py|log|txt|json|csv|html?|md|cfg|toml|ya?ml|ini|com|org|net|io|dev|example|local|internal|png|jpe?g|gif|pdf|xlsx?|parquet)$"
)


def identifiers(text: str) -> list[str]:
    """The identifiers of `text` as they are compared (lower case, dashes as underscores), each once, in order."""
    found: dict[str, None] = {}
    for match in _NAME.finditer(text):
        _note(match.group(), found)
        if len(found) >= MOST:
            break
    for match in _QUOTED.finditer(text):
        if len(found) >= MOST:
            break
        _note(match[1].split("(", 1)[0].strip("'\"*,;:()[]{}"), found)
    return list(found)


def _note(name: str, found: dict[str, None]) -> None:
    name = name.strip("-.").replace("-", "_").lower()
    if len(name) < 3 or _FILES.search(name):
        return
    found.setdefault(name)
    if "." in name:
        last = name.rsplit(".", 1)[1]
        if len(last) > 3:
            found.setdefault(last)
