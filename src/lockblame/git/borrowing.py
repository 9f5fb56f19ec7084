"""A repository that has another's commits and tags without copying them, for a build that asks git for its version."""

from __future__ import annotations

from pathlib import Path

from lockblame.errors import ReadError
from lockblame.git import Checkout, command
from lockblame.git.log import text


def borrow(checkout: Checkout, folder: Path) -> None:
    """Makes `folder`, outside of the checkout, a repository with its HEAD and tags: `git describe` answers there as it does here.

    Objects are read where they lie; what is done in `folder` changes nothing of the checkout. ReadError when that can't be.
    """
    asked = ("rev-parse", "--show-object-format", "--git-path", "objects")
    kind, objects = text(command.checked(checkout.folder, str(checkout.folder), *asked)).split("\n")[:2]
    head = checkout.commit("HEAD")
    listed = ("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
    tags = text(command.checked(checkout.folder, str(checkout.folder), *listed))
    fresh = ("init", "--quiet", "--template=", "--initial-branch=main", f"--object-format={kind}")
    command.checked(folder, str(folder), *fresh)
    try:
        place = folder / ".git"
        (place / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (place / "objects" / "info" / "alternates").write_text(f"{(checkout.folder / objects).resolve()}\n", encoding="utf-8")
        (place / "packed-refs").write_text(f"{tags}{head} refs/heads/main\n", encoding="utf-8", errors="surrogateescape")
        if checkout.shallow:
            edge = command.checked(checkout.folder, str(checkout.folder), "rev-parse", "--git-path", "shallow")
            (place / "shallow").write_bytes((checkout.folder / text(edge).strip()).read_bytes())
    except (OSError, UnicodeError) as error:
        raise ReadError(str(folder), f"can't be made a repository: {error}") from error
