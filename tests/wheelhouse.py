"""Small wheels in a folder, and locks of them, for tests that install without a network."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def put(folder: Path, name: str, version: str, code: str = "", requires: Sequence[str] = ()) -> str:
    """A wheel with one module of that name in the folder; its sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{name}.py": f"version = {version!r}\n{code}",
        f"{info}/METADATA": about,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    (folder / f"{name}-{version}-py3-none-any.whl").write_bytes(place.getvalue())
    return hashlib.sha256(place.getvalue()).hexdigest()


def lock(folder: Path, versions: Mapping[str, str]) -> str:
    """A requirements lock of wheels in the folder, with their hashes."""
    lines = []
    for name, version in sorted(versions.items()):
        digest = hashlib.sha256((folder / f"{name}-{version}-py3-none-any.whl").read_bytes()).hexdigest()
        lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    return "".join(lines)


BACKEND = """
import pathlib
import zipfile

HERE = pathlib.Path(__file__).parent


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, version = (HERE / "NAME").read_text().split()
    info = f"{name}-{version}.dist-info"
    requires = (HERE / "REQUIRES").read_text() if (HERE / "REQUIRES").exists() else ""
    files = {
        f"{name}.py": (HERE / f"{name}.py").read_text(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"])
    wheel = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return wheel
"""
"""A build backend that needs nothing but itself, so that a project with it is built without an index."""


def project(name: str, version: str, code: str) -> dict[str, str]:
    """The files of a project that builds to the same wheel as `put` makes."""
    return {
        "pyproject.toml": f'[project]\nname = "{name}"\ndynamic = ["version"]\n\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND,
        "NAME": f"{name} {version}\n",
        f"{name}.py": f"version = {version!r}\n{code}",
    }
