"""lockblame's own settings: `lockblame.toml`, or the table `[tool.lockblame]` of a pyproject.toml.

cases = ".lockblame/cases"                        # the folder of solved incidents

[upstreams]                                       # where a package is developed, when its links don't tell
kombu = "https://github.com/celery/kombu"
inhouse = { url = "https://code.example/team/inhouse", forge = "gitea" }

[lexicon]                                         # words of your own for the ranking
slow = ["sluggish", "laggy"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from lockblame import fields
from lockblame.errors import ConfigError
from lockblame.model import Forge, Repository, normalize
from lockblame.upstream import parse_repository

_KEYS = ("upstreams", "lexicon", "cases")
_FORGES: tuple[str, ...] = get_args(Forge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the settings say. `upstreams` goes from normalized names to repositories, `lexicon` is for the ranking to read.

    `cases` is the folder of solved incidents, where it isn't the usual one.
    """

    path: str | None = None
    upstreams: Mapping[str, Repository] = field(default_factory=dict)
    lexicon: Mapping[str, Any] = field(default_factory=dict)
    cases: str | None = None


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
        raise ConfigError(path, f"{error.place} {error.detail}") from None


def _config(document: Mapping[str, Any], where: str, path: str) -> Config:
    prefix = f"{where}." if where else ""
    unknown = [key for key in document if key not in _KEYS]
    if unknown:
        known = f"[{prefix}upstreams], [{prefix}lexicon] and {prefix}cases"
        raise ConfigError(path, f"{prefix}{unknown[0]} is no setting of lockblame", f"it knows {known}")
    upstreams = fields.table(document, "upstreams", where)
    return Config(
        path=path,
        upstreams={normalize(name): _repository(upstreams, name, f"{prefix}upstreams", path) for name in upstreams},
        lexicon=fields.table(document, "lexicon", where),
        cases=fields.maybe_text(document, "cases", where),
    )


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
    if forge is None and parse_repository(url, "gitea") is not None:
        way_out = f'say which it is: {name} = {{ url = "…", forge = "{"|".join(_FORGES)}" }}'
        raise ConfigError(path, f"{where}.{name}: the host doesn't tell which forge it runs", way_out)
    raise ConfigError(path, f"{where}.{name} is no repository's address", 'write it like "https://github.com/celery/kombu"')
