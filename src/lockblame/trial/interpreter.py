"""The Python that trials run on, and the tool that fills their environments."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lockblame.errors import TrialFailed
from lockblame.trial.processes import Processes

Installer = Literal["uv", "pip"]

_ASK = """
import json, os, platform, sys
full = "{0.major}.{0.minor}.{0.micro}".format(sys.implementation.version)
print(json.dumps({
    "executable": os.path.realpath(sys.executable), "implementation_name": sys.implementation.name,
    "implementation_version": full, "os_name": os.name, "platform_machine": platform.machine(),
    "platform_release": platform.release(), "platform_system": platform.system(), "platform_version": platform.version(),
    "python_full_version": platform.python_version(), "sys_platform": sys.platform,
    "platform_python_implementation": platform.python_implementation(),
    "python_version": ".".join(platform.python_version_tuple()[:2])}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python: its executable and its marker variables (PEP 508)."""

    executable: Path
    values: Mapping[str, str]


def interpreter(python: str | None, processes: Processes) -> Interpreter:
    """The running Python (its base, not a virtual environment), or `python`: a path, a name on PATH, or a version such as 3.12.

    Raises TrialFailed when there is none, or it doesn't answer.
    """
    place = _found(python)
    try:
        ended = processes.run([str(place), "-I", "-c", _ASK], folder=Path.cwd(), environment=os.environ, timeout=60)
        values: dict[str, str] = {name: str(value) for name, value in json.loads(ended.output).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise TrialFailed(str(place), f"doesn't answer as a Python does ({error})", "name another with --python") from None
    executable = Path(values.pop("executable"))
    return Interpreter(executable=_base(executable) if python is None else place, values=values)


def _found(python: str | None) -> Path:
    if python is None:
        return Path(sys.executable)
    if os.sep in python or Path(python).is_file():
        # not resolved: a virtual environment's interpreter is a link
        return Path(python).absolute()
    name = f"python{python}" if python.replace(".", "").isdecimal() else python
    place = shutil.which(name)
    if place is None:
        raise TrialFailed(name, "isn't on PATH", "name the interpreter's path with --python")
    return Path(place)


def _base(executable: Path) -> Path:
    """What a virtual environment was made from: a new one is better made from that."""
    base = getattr(sys, "_base_executable", None)
    return Path(base) if base else executable


def uv_command() -> Path | None:
    """uv, on PATH or beside the running Python; None where there is none."""
    beside = Path(sys.executable).parent / ("uv.exe" if sys.platform == "win32" else "uv")
    place = shutil.which("uv")
    return Path(place) if place else beside if beside.is_file() else None
