"""Taking earlier rollbacks out again, wherever the comments that they left are found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from lockblame.api.asking.evidence import PathLike
from lockblame.api.returning.places import as_shown, command, pdm_update, text_of, where
from lockblame.errors import ReadError
from lockblame.model import Edit, Rollback, RollbackStyle, normalize

LARGEST = 8 * 2**20
"""Bytes of a file that is looked at for what a rollback wrote."""


def undone(folder: Path, file: PathLike | None, packages: Sequence[str]) -> Rollback:
    """What takes out the rollbacks (of `packages` only, if given) in `file`, or in any file of the folder.

    Where nothing in the folder holds one, those of the whole repository: from a subfolder, revisions are of all of it as well.
    """
    from lockblame import rollbacks as ways

    names = tuple(map(normalize, packages))
    edits: list[Edit] = []
    commands: list[str | None] = []
    styles: list[RollbackStyle] = []
    for place in [folder / file] if file is not None else list(_marked(folder)) or list(_marked(_top(folder))):
        shown = as_shown(place, folder)
        text = text_of(place, shown)
        new = ways.undo(text, shown, names)
        if new != text:
            edits.append(Edit(path=str(place), before=text, after=new or None if place.suffix == ".txt" else new))
            styles += (own := _styles_of(shown, text))
            commands += [_forward(style, shown, place, ways.taken_out(text, new), gone=new == "") for style in own]
    told = " && ".join(dict.fromkeys(filter(None, commands))) or None
    return Rollback(style=styles[0] if styles else "uv", edits=tuple(edits), command=told, undo=True)


def _marked(folder: Path) -> Iterator[Path]:
    """The files that a rollback may have edited and that say so."""
    from lockblame import files
    from lockblame.rollbacks import MARK

    for path in files.listing(folder):
        if path.rpartition("/")[2] == "pyproject.toml" or path.endswith((".txt", ".in")):
            with suppress(ReadError):
                if MARK.encode() in files.read(folder / path, limit=LARGEST):
                    yield folder / path


def _top(folder: Path) -> Path:
    """The top of the repository that the folder is in; the folder itself where there is none, or no git."""
    from lockblame import git

    with suppress(ReadError):
        checkout = git.find(folder)
        if checkout is not None and checkout.root is not None:
            return checkout.root
    return folder


def _styles_of(shown: str, text: str) -> list[RollbackStyle]:
    """How the rollbacks in a file were written."""
    from lockblame.rollbacks import MARK

    if shown.endswith(".toml"):
        poetry = f"[tool.poetry.group.lockblame]  {MARK}" in text
        uv = not poetry or "constraint-dependencies" in text
        return [*(["poetry"] if poetry else []), *(["uv"] if uv else [])]  # type: ignore[list-item]
    return ["requirements" if f"{MARK}, was: " in text else "constraints"]


def _forward(style: RollbackStyle, shown: str, place: Path, left: Sequence[tuple[str, str]], *, gone: bool) -> str | None:
    """The command after it: a lock keeps the versions that it has until it is told which of them may move.

    uv is told where to; Poetry and PDM can only be told to take what is newest. None for a constraints file that is gone.
    """
    if style == "uv" and left:
        moves = (f"{name}=={version}" if version else name for name, version in left)
        return " ".join([f"uv lock{where(shown)}", *(f"--upgrade-package {one}" for one in moves)])
    if style == "poetry" and left:
        return f"poetry update{where(shown)} --lock {' '.join(dict.fromkeys(name for name, _ in left))}"
    if style == "constraints" and place.with_name("pdm.lock").is_file():
        still = "" if gone else f" --override {shlex.quote(shown)}"
        return pdm_update(shown, (name for name, _ in left), still)
    return None if gone else command(style, shown, place)
