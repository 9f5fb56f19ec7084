"""As a new user would: the wheel in an empty environment, and then what the README and the tutorial say,
word by word, on the oldest and the newest Python that lockblame supports.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import DOCS, ROOT, Reader, blocks, commands, follow

pytestmark = [pytest.mark.online, pytest.mark.timeout(900)]

README = ROOT / "README.md"
TUTORIAL = DOCS / "tutorial" / "first-investigation.md"
VERSIONS = ("3.11", "3.13")


def interpreter(version: str) -> str | None:
    """The path of that Python, also where only pyenv knows it."""
    places = [shutil.which(f"python{version}")]
    if shutil.which("pyenv"):
        latest = said("pyenv", "latest", version)
        places.append(f"{said('pyenv', 'prefix', latest)}/bin/python" if latest else None)
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    return next((place for place in places if place and said(place, "-c", asked) == version), None)


def said(*command: str) -> str:
    """What the command prints, nothing when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(pip, check=True)
    (built,) = folder.glob("lockblame-*.whl")
    return built


@pytest.fixture(scope="module", params=VERSIONS)
def python(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an empty environment in which the README's own words have installed the wheel."""
    base = interpreter(request.param)
    if base is None:
        pytest.skip(f"Python {request.param} is not on this machine")
    folder = tmp_path_factory.mktemp("newcomer")
    subprocess.run([base, "-m", "venv", str(folder / "venv")], check=True)
    inside = str(folder / "venv" / "bin" / "python")
    reader = Reader(folder, online=True, python=inside)
    for block in blocks(README):
        if block.when == "online":
            for command, _ in commands(block.text):
                # what a checkout is to the README's reader, the wheel that was built of it is here
                reader.type(command.replace("pip install .", f"pip install {wheel}"))
    place = said(inside, "-I", "-c", "import lockblame; print(lockblame.__file__)")
    assert place.startswith(str(folder)), f"the README's words have installed nothing: {place}"
    return inside


@pytest.mark.parametrize("page", [README, TUTORIAL], ids=lambda page: page.stem)
def test_following_it_word_by_word(page: Path, python: str, tmp_path: Path) -> None:
    assert follow(page, tmp_path, online=False, python=python)


def test_what_is_installed_is_whole(python: str, tmp_path: Path) -> None:
    assert "No broken requirements" in said(python, "-m", "pip", "check")
    reader = Reader(tmp_path, online=False, python=python)
    assert reader.type("lockblame --version").startswith("lockblame ")
    assert "Most likely to blame: kombu 5.3.1 → 5.3.2" in reader.type("lockblame demo --language ko")
    installed = Path(reader.type('python -c "import lockblame; print(lockblame.__file__)"').strip()).parent
    assert (installed / "py.typed").exists()
    assert os.access(Path(python).parent / "lockblame", os.X_OK)
