"""The package index that this machine's pip or uv would ask."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from lockblame.errors import ConfigError

MACHINE_FILES = {} if sys.platform == "win32" else {"pip": Path("/etc/pip.conf"), "uv": Path("/etc/uv/uv.toml")}
"""The whole machine's configuration of each tool, outside of the XDG folders."""


def default_index(environment: Mapping[str, str] | None = None) -> str:
    """The URL of the index where neither the lock nor the caller names one: pip's, else uv's, else the ecosystem's public one.

    From PIP_INDEX_URL, UV_DEFAULT_INDEX or UV_INDEX_URL, then from pip.conf and uv.toml in the places where these tools look.
    It may hold credentials: never show it. Raises ConfigError for a configuration file that can't be read.
    """
    values = os.environ if environment is None else environment
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if values.get(name, "").strip():
            # uv takes "name=url" too
            return _named(values[name].strip())
    for path in _pip_files(values):
        if url := _from_pip(path):
            return url
    for path in _uv_files(values):
        if url := _from_uv(path):
            return url
    return _public()


def _named(text: str) -> str:
    name, equals, url = text.partition("=")
    return url if equals and name.replace("-", "").replace("_", "").isalnum() else text


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


def _from_pip(path: Path) -> str | None:
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
        if url := parser.get(section, "index-url", fallback="").strip():
            return url
    return None


def _from_uv(path: Path) -> str | None:
    import tomllib

    text = _text(path)
    if text is None:
        return None
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise ConfigError(str(path), "is no TOML, and uv could not read it either") from None
    listed = document.get("index")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("default") is True and isinstance(entry.get("url"), str):
            return str(entry["url"])
    pip = document.get("pip")
    for table in (document, pip if isinstance(pip, dict) else {}):
        if isinstance(url := table.get("index-url"), str) and url:
            return url
    return None


def _public() -> str:
    """packageurl knows where packages of this ecosystem live, so that lockblame doesn't have to spell it."""
    from packageurl.contrib import purl2url

    parts = urlsplit(str(purl2url.get_repo_url("pkg:pypi/packaging")))  # type: ignore[no-untyped-call]
    return f"{parts.scheme}://{parts.netloc}/simple"
