"""Golden files, for a person to read. `LOCKBLAME_GOLDEN=write pytest` writes them anew, for git to show what changed."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check(name: str, text: str) -> None:
    """`text` is what stands in golden/`name`."""
    path = FOLDER / name
    if os.environ.get("LOCKBLAME_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
