"""The package indexes that this machine's pip or uv would ask, and the passwords that its environment holds for an index."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from lockblame.errors import ConfigError
from lockblame.logbook import log
from lockblame.model import Index, Secret

MACHINE_FILES = {} if sys.platform == "win32" else {"pip": Path("/etc/pip.conf"), "uv": Path("/etc/uv/uv.toml")}
"""The whole machine's configuration of each tool, outside of the XDG folders."""

_ON_THE_WEB = ("https://", "http://")


def default_index(environment: Mapping[str, str] | None = None) -> str:
    """The URL of the index where neither the lock nor the caller names one: pip's, else uv's, else the ecosystem's public one.

    From PIP_INDEX_URL, UV_DEFAULT_INDEX or UV_INDEX_URL, then from pip.conf and uv.toml in the places where these tools look.
    It may hold credentials: never show it. Raises ConfigError for a configuration file that can't be read.
    """
    values = os.environ if environment is None else environment
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if values.get(name, "").strip():
            log("indexes", "the default index is that of %s", name)
            # uv takes "name=url" too
            return _named(values[name].strip())[1]
    for path in _pip_files(values):
        if url := _pip_option(path, "index-url"):
            log("indexes", "the default index is that of %s", path)
            return url
    for path in _uv_files(values):
        if found := next((one for one in _from_uv(path) if one.default), None):
            log("indexes", "the default index is that of %s", path)
            return found.access.reveal() if found.access else found.url
    log("indexes", "no setting names a default index: it is the public one")
    return public_index()


def further_indexes(environment: Mapping[str, str] | None = None) -> tuple[Index, ...]:
    """The indexes that pip or uv would ask beside the default one, in their order.

    From UV_INDEX, UV_EXTRA_INDEX_URL and PIP_EXTRA_INDEX_URL, then from pip.conf and uv.toml. Folders are left out.
    Raises ConfigError for a configuration file that can't be read.
    """
    values = os.environ if environment is None else environment
    found: list[Index] = []
    for variable in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        for word in values.get(variable, "").split():
            name, url = _named(word)
            found += _index(url, name=name)
    if not values.get("PIP_EXTRA_INDEX_URL", "").strip():
        listed = next((urls for path in _pip_files(values) if (urls := _pip_option(path, "extra-index-url"))), "")
        found += chain.from_iterable(_index(url) for url in listed.split())
    for path in _uv_files(values):
        found += (one for one in _from_uv(path) if not one.default)
    return tuple(dict.fromkeys(found))


def public_index() -> str:
    """The ecosystem's public index. packageurl knows where packages live, so that lockblame doesn't have to spell it."""
    from packageurl.contrib import purl2url

    parts = urlsplit(str(purl2url.get_repo_url("pkg:pypi/packaging")))  # type: ignore[no-untyped-call]
    return f"{parts.scheme}://{parts.netloc}/simple"


def _index(url: object, **more: Any) -> Iterator[Index]:
    if isinstance(url, str) and url.startswith(_ON_THE_WEB):
        bare = _bare(url)
        yield Index(url=bare, access=Secret(url) if url != bare else None, **more)


def _bare(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


# --- who gives the password ------------------------------------------------------------------------------------------


def addressed(index: Index, machine: Iterable[Index] = (), environment: Mapping[str, str] | None = None) -> str:
    """The address of an index, with user name and password where they are at hand: never show it.

    They come from the address as it is written (`${NAME}` and `$NAME` stand for environment variables), else from
    UV_INDEX_<NAME>_USERNAME and _PASSWORD or POETRY_HTTP_BASIC_<NAME>_USERNAME and _PASSWORD for an index that has a name, else
    from an index of the `machine` at the same place, else at the same host. (A netrc file is looked into host by host, later.)
    """
    values = os.environ if environment is None else environment
    user = _written(index.access, values) or _by_name(index.name, values)
    if user is None:
        known = [one for one in machine if one.access]
        same = [one for one in known if one.url.rstrip("/") == index.url.rstrip("/")]
        near = [one for one in known if _origin(one.url) == _origin(index.url)]
        user = next((_user(one.access) for one in (*same, *near)), None)
        user = user or next((found for one in machine if one.url == index.url and (found := _by_name(one.name, values))), None)
    scheme, mark, rest = index.url.partition("://")
    return f"{scheme}{mark}{user}@{rest}" if user else index.url


def _written(access: Secret | None, values: Mapping[str, str]) -> str | None:
    """The `user:password` of an address, its variables filled in; None when one of them isn't set."""
    user = _user(access)
    wanted = {one or other for one, other in _VARIABLE.findall(user)}
    if not all(values.get(name) for name in wanted):
        return None
    return _VARIABLE.sub(lambda found: quote(values[found[1] or found[2]], safe="%"), user) or None


def _user(access: Secret | None) -> str:
    return (access.reveal() if access else "").partition("://")[2].partition("/")[0].rpartition("@")[0]


_VARIABLE = re.compile(r"\$(?:\{(\w{1,100})\}|([A-Z_][A-Z0-9_]{0,99}))", re.ASCII)


def _by_name(name: str | None, values: Mapping[str, str]) -> str | None:
    if not name:
        return None
    plain = re.sub(r"[^A-Z0-9]", "_", name.upper())
    for prefix in ("UV_INDEX", "POETRY_HTTP_BASIC"):
        user, password = (values.get(f"{prefix}_{plain}_{part}", "") for part in ("USERNAME", "PASSWORD"))
        if user or password:
            return f"{quote(user, safe='')}:{quote(password, safe='')}"
    return None


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, parts.netloc.lower()


# --- where pip and uv keep their settings ----------------------------------------------------------------------------


def _named(text: str) -> tuple[str | None, str]:
    name, equals, url = text.partition("=")
    return (name, url) if equals and name.replace("-", "").replace("_", "").isalnum() else (None, text)


def _home(values: Mapping[str, str]) -> Path:
    return Path(values.get("HOME") or values.get("USERPROFILE") or Path("~").expanduser())


def _config_homes(values: Mapping[str, str]) -> Iterator[Path]:
    """Where a user's configuration folders stand, by XDG, macOS or Windows."""
    home = _home(values)
    if sys.platform == "win32":
        yield Path(values.get("APPDATA") or home / "AppData" / "Roaming")
        return
    if sys.platform == "darwin":
        yield home / "Library" / "Application Support"
    yield Path(values.get("XDG_CONFIG_HOME") or home / ".config")


def _pip_files(values: Mapping[str, str]) -> Iterator[Path]:
    """pip's files, the one that wins first: PIP_CONFIG_FILE, the environment's own, the user's, the machine's."""
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    chosen = values.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return
    if chosen:
        yield Path(chosen)
    yield Path(sys.prefix) / name
    for folder in _config_homes(values):
        yield folder / "pip" / name
    yield _home(values) / (".pip" if sys.platform != "win32" else "pip") / name
    for folder in _machine_folders(values, "pip"):
        yield folder / name
    if "pip" in MACHINE_FILES:
        yield MACHINE_FILES["pip"]


def _uv_files(values: Mapping[str, str]) -> Iterator[Path]:
    if values.get("UV_NO_CONFIG"):
        return
    if values.get("UV_CONFIG_FILE"):
        yield Path(values["UV_CONFIG_FILE"])
        return
    for folder in _config_homes(values):
        yield folder / "uv" / "uv.toml"
    for folder in _machine_folders(values, "uv"):
        yield folder / "uv.toml"
    if "uv" in MACHINE_FILES:
        yield MACHINE_FILES["uv"]


def _machine_folders(values: Mapping[str, str], tool: str) -> Iterator[Path]:
    if sys.platform == "win32":
        yield Path(values.get("PROGRAMDATA") or "C:/ProgramData") / tool
        return
    for folder in (values.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
        yield Path(folder) / tool


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        return None
    except (OSError, UnicodeError) as error:
        raise ConfigError(str(path), f"can't be read ({error})") from None


def _pip_option(path: Path, option: str) -> str | None:
    import configparser

    text = _text(path)
    if text is None:
        return None
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        # the message may quote the line, and the line may hold a password
        raise ConfigError(str(path), f"is no configuration that pip could read ({type(error).__name__})") from None
    for section in ("install", "global"):
        if value := parser.get(section, option, fallback="").strip():
            return value
    return None


def _from_uv(path: Path) -> Iterator[Index]:
    """The indexes of a uv.toml, those that the `[[index]]` list names first."""
    import tomllib

    text = _text(path)
    if text is None:
        return
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise ConfigError(str(path), "is no TOML, and uv could not read it either") from None
    listed = document.get("index")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("format") != "flat":
            name, default, explicit = entry.get("name"), entry.get("default") is True, entry.get("explicit") is True
            yield from _index(entry.get("url"), name=name if isinstance(name, str) else None, default=default, explicit=explicit)
    pip = document.get("pip")
    for table in (document, pip if isinstance(pip, dict) else {}):
        yield from _index(table.get("index-url"), default=True)
        extra = table.get("extra-index-url")
        yield from chain.from_iterable(_index(url) for url in (extra if isinstance(extra, list) else []))
