"""lockblame's own settings: `lockblame.toml`, or the table `[tool.lockblame]` of a pyproject.toml.

cases = ".lockblame/cases"                        # the folder of solved incidents

[upstreams]                                       # where a package is developed, when its links don't tell
kombu = "https://github.com/celery/kombu"
inhouse = { url = "https://code.example/team/inhouse", forge = "gitea" }

[lexicon]                                         # words of your own for the ranking
slow = ["sluggish", "laggy"]

[policy]                                          # what `check` lets pass: see lockblame.policy.rules
young = "error"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast, get_args

from lockblame import fields
from lockblame.errors import ConfigError
from lockblame.model import Forge, Repository, normalize
from lockblame.upstream import asked_by_hand, parse_repository

if TYPE_CHECKING:
    from lockblame.policy import Policy

_KEYS = ("upstreams", "lexicon", "cases", "policy")
_FORGES: tuple[str, ...] = get_args(Forge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the settings say. `upstreams` goes from normalized names to repositories, `lexicon` is for the ranking to read.

    `cases` is the folder of solved incidents, where it isn't the usual one; `policy` is what `check` goes by, None for the usual
    one.
    """

    path: str | None = None
    upstreams: Mapping[str, Repository] = field(default_factory=dict)
    lexicon: Mapping[str, Any] = field(default_factory=dict)
    cases: str | None = None
    policy: Policy | None = None


def parse(text: str, path: str) -> Config:
    """The settings in `text`, the content of the file at `path`: of a pyproject.toml only `[tool.lockblame]`, possibly nothing.

    Raises ConfigError with the place of whatever is wrong, and what would be right there.
    """
    import tomllib

    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(path, f"is no TOML: {str(error).lower() or 'nested too deeply'}") from None
    try:
        where = ""
        if path.replace("\\", "/").rsplit("/", 1)[-1] == "pyproject.toml":
            document = dict(fields.table(fields.table(document, "tool"), "lockblame", "tool"))
            where = "tool.lockblame"
        return _config(document, where, path)
    except fields.FieldError as error:
        line = line_of(text, error.place)
        raise ConfigError(path if line is None else f"{path}, line {line}", f"{error.place} {error.detail}") from None


def line_of(text: str, place: str) -> int | None:
    """The line of a TOML text where the value at the key path `place` ("policy.allow[1].expires") is written, or its table
    begins.

    None where that can't be told (a key written in an unusual way): the key path tells it all the same.
    """
    wanted = re.findall(r"[^.\[\]]+|\[\d+\]", place)
    counts: dict[tuple[str, ...], int] = {}
    table: list[str] = []
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        header = re.match(r"\s{0,20}(\[\[?)\s*([\w.\"' -]{1,200}?)\s*\]", line)
        key = re.match(r"\s{0,20}([\w.\"'-]{1,200}?)\s{0,20}=", line)
        if header:
            table = _keys(header[2])
            if header[1] == "[[":
                counts[tuple(table)] = counts.get(tuple(table), -1) + 1
                table = [*table, f"[{counts[tuple(table)]}]"]
            here = table
        elif key:
            here = [*table, *_keys(key[1])]
        else:
            continue
        if here == wanted[: len(here)] and (best is None or len(here) > best[0]):
            best = len(here), number
    return best[1] if best else None


def _keys(dotted: str) -> list[str]:
    return [part.strip(" \"'") for part in dotted.split(".")]


def _config(document: Mapping[str, Any], where: str, path: str) -> Config:
    prefix = f"{where}." if where else ""
    unknown = [key for key in document if key not in _KEYS]
    if unknown:
        known = f"[{prefix}upstreams], [{prefix}lexicon], [{prefix}policy] and {prefix}cases"
        raise fields.FieldError(f"{prefix}{unknown[0]}", f"is no setting of lockblame; it knows {known}")
    upstreams = fields.table(document, "upstreams", where)
    return Config(
        path=path,
        upstreams={normalize(name): _repository(upstreams, name, f"{prefix}upstreams", path) for name in upstreams},
        lexicon=fields.table(document, "lexicon", where),
        cases=fields.maybe_text(document, "cases", where),
        policy=_policy(document, where, prefix) if "policy" in document else None,
    )


def _policy(document: Mapping[str, Any], where: str, prefix: str) -> Policy:
    from lockblame import policy

    return policy.parse(fields.table(document, "policy", where), f"{prefix}policy")


def _repository(upstreams: Mapping[str, Any], name: str, where: str, path: str) -> Repository:
    if isinstance(upstreams[name], dict):
        entry = fields.table(upstreams, name, where)
        extra = [key for key in entry if key not in ("url", "forge")]
        if extra:
            raise ConfigError(path, f"{where}.{name}.{extra[0]} is no setting of lockblame", "it knows url and forge")
        url, forge = fields.text(entry, "url", f"{where}.{name}"), fields.maybe_text(entry, "forge", f"{where}.{name}")
    else:
        url, forge = fields.text(upstreams, name, where), None
    if forge is not None and forge not in _FORGES:
        raise ConfigError(path, f"{where}.{name}.forge is none of {', '.join(_FORGES)}")
    if "@" in url.split("//")[-1].split("/")[0]:
        raise ConfigError(path, f"{where}.{name} holds credentials", "leave them out: tokens come from the environment")
    repository = parse_repository(url, cast(Forge | None, forge))
    if repository is not None:
        return repository
    by_hand = asked_by_hand(url)
    if forge is None and by_hand is not None:
        raise ConfigError(path, f"{where}.{name} is on a forge that lockblame can't ask", f"open {by_hand} by hand")
    if forge is None and parse_repository(url, "gitea") is not None:
        way_out = f'say which it is: {name} = {{ url = "…", forge = "{"|".join(_FORGES)}" }}'
        raise ConfigError(path, f"{where}.{name}: the host doesn't tell which forge it runs", way_out)
    raise ConfigError(path, f"{where}.{name} is no repository's address", 'write it like "https://github.com/celery/kombu"')
