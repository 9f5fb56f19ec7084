"""Which files of a repository are a package's: in a repository of several packages each has its folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lockblame.model import normalize

_BESIDE = re.compile(
    r"(?:^|/)(?:tests?|testing|t|docs?|dockers?|examples?|benchmarks?|\.[^/]{1,100}|ci|tools|scripts|requirements)/"
    r"|(?:^|/)(?:conftest|setup)\.py$|(?:^|/)test_[^/]{1,200}$"
)
_CODE = (".py", ".pyx", ".pxd", ".pxi", ".pyi", ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".rs", ".go", ".toml", ".json", ".pem")


def inside(path: str, names: Iterable[str]) -> bool:
    """Whether a file lies in a folder that is called as the package (its name, or what it is imported as)."""
    wanted = {normalize(name).replace("-", "") for name in names}
    return any(normalize(part).replace("-", "") in wanted for part in path.split("/")[:-1])


def is_code(path: str) -> bool:
    """Whether a file is of what users get: no test, no documentation, nothing that only the project's own builds use."""
    return path.endswith(_CODE) and not _BESIDE.search(path)
