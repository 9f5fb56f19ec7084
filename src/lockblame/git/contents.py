"""What files held, asked of one running `git cat-file`."""

from __future__ import annotations

import posixpath

from lockblame.errors import ReadError
from lockblame.git.command import LARGEST_ANSWER, WHOLE, Found, Running

LARGEST_BLOB = 64 * 2**20


class Contents:
    """Any number of files of any commits; good until the `with` block of `Checkout.contents` is left."""

    def __init__(self, git: Running, limit: int) -> None:
        self._git = git
        self._limit = limit

    def blob(self, identity: str) -> bytes:
        """The bytes of a blob; ReadError when it is missing or too large."""
        found = self._git.ask(identity.encode("ascii"), identity, self._limit)
        if found is None or found.kind != "blob":
            raise ReadError(identity, "isn't in this repository", f"if this clone is partial, {WHOLE}")
        return found.data

    def show(self, commit: str, path: str) -> bytes | None:
        """What `path` held at `commit` (links inside the tree are followed), None when there is no such file.

        `commit` is a hash (or `HASH^2`). ReadError when the file is there, but its bytes are damaged or were never fetched.
        """
        path = posixpath.normpath(path)
        if path.startswith(("/", "../")) or path in (".", "..") or "\0" in path:
            return None
        # The question is one line long: what has a line feed in its name is found by its id.
        found = None if "\n" in path else self._git.ask(_bytes(f"{commit}:{path}"), path, self._limit)
        if found is None and (identity := self._listed(commit, path)):
            return self.blob(identity)
        return found.data if found and found.kind == "blob" else None

    def _listed(self, commit: str, path: str) -> str | None:
        """The id of the file by the listings of the folders above it: git calls missing what it can't read, too."""
        asked = f"{commit}^{{tree}}"
        for name in path.split("/"):
            tree = self._git.ask(_bytes(asked), path, LARGEST_ANSWER)
            if tree is None:
                raise ReadError(asked, "isn't in this repository", f"if this clone is partial, {WHOLE}")
            if tree.kind != "tree":
                return None
            mode, asked = _entries(tree).get(_bytes(name), (b"", ""))
            if not asked:
                return None
        return asked if mode.startswith(b"100") else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _entries(tree: Found) -> dict[bytes, tuple[bytes, str]]:
    """The names in a tree, each with its mode and id."""
    found = {}
    data, at, size = tree.data, 0, len(tree.id) // 2
    while (end := data.find(b"\0", at)) >= 0:
        mode, _, name = data[at:end].partition(b" ")
        at = end + 1 + size
        found[name] = (mode, data[end + 1 : at].hex())
    return found
