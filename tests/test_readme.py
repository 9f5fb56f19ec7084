"""What the README shows is what the program prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def block(text: str) -> str:
    """The README's picture of the demo."""
    found = re.search(r"```text\n(Most likely.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def test_the_demo_prints_what_the_readme_shows():
    command = [sys.executable, "-m", "lockblame", "demo"]
    shown = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    readme = README.read_text(encoding="utf-8")
    if os.environ.get("LOCKBLAME_GOLDEN") == "write":
        top = shown[: shown.index("\nWhat to try")].rstrip() + "\n"
        README.write_text(readme.replace(block(readme), top), encoding="utf-8")
    assert shown.startswith(block(README.read_text(encoding="utf-8")))


def test_its_commands_and_options_exist():

    helps = subprocess.run([sys.executable, "-m", "lockblame", "--help"], capture_output=True, text=True, check=True).stdout
    for command in re.findall(r"[$|] lockblame (\w+) ", README.read_text(encoding="utf-8")):
        assert f"    {command} " in helps, command


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(((?!https?:)[^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
