"""The types as others see them: programs that import the installed package, read by mypy --strict and by pyright."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "typing"
Complaints = set[tuple[str, int, str]]
"""File, line, what is said."""


def mypy(folder: Path) -> Complaints:
    pytest.importorskip("mypy", reason="mypy is in the dev group")
    told = _run(folder, "mypy", "--strict", "--no-error-summary", "--no-color-output", "--cache-dir=.mypy", ".")
    found = re.findall(r"^(\w+\.py):(\d+): error: (.*)$", told, re.MULTILINE)
    assert found, told
    return {(name, int(line), said) for name, line, said in found}


def pyright(folder: Path) -> Complaints:
    # basedpyright's wheels bring node along, so that nothing is downloaded when it runs
    (folder / "pyproject.toml").write_text('[tool.basedpyright]\ntypeCheckingMode = "strict"\n')
    told = json.loads(_run(folder, "basedpyright", "--outputjson", "--pythonpath", sys.executable, "."))
    assert told["summary"]["filesAnalyzed"] == 2, told
    return {
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1, one["message"])
        for one in told["generalDiagnostics"]
        if one["severity"] == "error"
    }


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_right_programs_have_no_errors_and_each_mistake_is_found(checker: Callable[[Path], Complaints], tmp_path: Path) -> None:
    for name in ("consumer.py", "wrong.py"):
        # in a folder of their own, where only what is installed can be found
        shutil.copy(FOLDER / name, tmp_path / name)
    told = checker(tmp_path)
    assert [one for one in told if one[0] != "wrong.py"] == []
    lines = (FOLDER / "wrong.py").read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if "# wrong" in line}
    assert len(wrong) == 7
    assert {line for _, line, _ in told} == wrong
