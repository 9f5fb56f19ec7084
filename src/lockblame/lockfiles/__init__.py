"""Locks: bytes in, a Snapshot out. Eight formats, one reader module each, loaded when a file of that format is read.

Every reader keeps to the same words, so that nobody behind them has to know the format:

- one Pin for each entry of the lock, forks and all; `version` is None where the lock has none (a path, a range in requirements);
- what is required with an extra only has `extra == '…'` in the marker of its edge; development groups are the edge's `group`;
- the project itself and the members of its workspace are Roots, not pins; an edge may lead to a Root;
- `requires_known=False` on pins whose requirements the format doesn't tell (`pip freeze`, pylock.toml without dependencies);
- URLs have no credentials in them; environment variables stay as they are written.
"""

from __future__ import annotations

from lockblame.errors import UnknownFormat
from lockblame.fields import FieldError
from lockblame.lockfiles.document import Document, Opener
from lockblame.lockfiles.formats import FORMATS, Format, detect, is_lock, known
from lockblame.lockfiles.settings import configured
from lockblame.logbook import log
from lockblame.model import Snapshot

__all__ = ["FORMATS", "Format", "Opener", "configured", "is_lock", "parse"]


def parse(
    data: bytes,
    path: str,
    *,
    origin: str | None = None,
    format: str | None = None,
    opener: Opener | None = None,
) -> Snapshot:
    """The Snapshot of a lock's bytes.

    `path` is where it stands (posix, from the root of its tree): its name and content say the format unless `format` does, and
    from its folder `opener` looks up what belongs to it (`-r` includes, pyproject.toml). `origin` is what it is called in
    messages, else `path`. Raises UnknownFormat or LockParseError, and nothing else, whatever the bytes are.
    """
    document = Document(path=path, origin=origin or path, data=data, opener=opener)
    chosen = known(format) if format is not None else detect(document)
    if chosen is None:
        names = ", ".join(each.name for each in FORMATS)
        if format is not None:
            raise UnknownFormat(document.origin, f"there is no format {format!r}", f"known are {names}")
        raise UnknownFormat(document.origin, "is not a lock that lockblame knows", f"known are {names}")
    log("locks", "%s: %d bytes, %s by %s", document.origin, len(data), chosen.name, "request" if format else "name and content")
    try:
        return chosen.read(document)
    except FieldError as error:
        raise document.broken(error.detail, error.place, "write the lock again with the tool that made it") from None
