"""The settings of a project: lockblame.toml, or the table in pyproject.toml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lockblame.api.asking.evidence import PathLike

if TYPE_CHECKING:
    from lockblame.config import Config


def read_settings(file: PathLike | None, folder: Path) -> Config:
    """The settings named, or the first that are found: lockblame.toml, then pyproject.toml."""
    from lockblame import config, files

    if file is not None:
        return config.parse(_decoded(files.read(Path(file)), os.fspath(file)), os.fspath(file))
    for name in ("lockblame.toml", "pyproject.toml"):
        if (folder / name).is_file():
            return config.parse(_decoded(files.read(folder / name), name), name)
    return config.Config()


def _decoded(data: bytes, name: str) -> str:
    from lockblame.errors import ConfigError

    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(name, f"is not UTF-8 text (byte {error.start})") from None
