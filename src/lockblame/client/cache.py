"""Answers kept on disk: hishel as a private cache (RFC 9111), bounded in size and age, shared by any number of processes.

It sees no credentials and no broken bodies, because both are dealt with below it (`wire`). A cache that can't be used costs one
note, never an answer. What hishel would not keep is posed to it as a plain page under a key of its own: the answer to a POST,
and a part of a file.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from lockblame.client.answers import Refused
from lockblame.flow import Request, Response

if TYPE_CHECKING:
    import httpx
    from hishel import CacheOptions, Entry, SqliteStorage
    from hishel.httpx import CacheTransport

VARIABLE = "LOCKBLAME_CACHE_DIR"
"""The environment variable that names the folder."""
BOUND = 256 * 1024 * 1024
"""Bytes that are kept; beyond it what was not used for the longest time goes."""
UNUSED = 60 * 24 * 3600.0
"""Seconds after which what nobody asked for goes."""
LARGEST = 32 * 1024 * 1024
"""Bytes of an answer that is kept."""
DIGEST, ASKED, STATUS = "x-lockblame-digest", "x-lockblame-asked", "x-lockblame-status"
"""Headers that `wire` adds for the cache: the body's sha256, when (POSIX seconds) its host confirmed it, and what it was before
it was posed as a page."""

_FILE = "http-v1.db"
_SUFFIXES = ("", "-wal", "-shm")
# an entry that somebody may still be reading isn't taken away; ours are read at once
_READING = 20.0


def cache_folder() -> Path:
    """The folder of the cache: LOCKBLAME_CACHE_DIR, else the user's cache folder for lockblame."""
    import platformdirs

    return Path(os.environ.get(VARIABLE) or platformdirs.user_cache_dir("lockblame", appauthor=False)).expanduser()


def key_of(request: Request, url: str, secret: str | None) -> str:
    """What an answer is kept under: address, headers and body of the question, and who asked.

    What one token opened isn't served to another. A password may be too easy to guess from a digest, of which only is told
    whether there was one.
    """
    asker = secret if secret is not None and secret.startswith("Bearer ") else str(secret is not None)
    parts = [url, *(f"{name.lower()}: {value}" for name, value in sorted(request.headers.items())), asker]
    return sha256("\n".join(parts).encode() + b"\n" + (request.body or b"")).hexdigest()


class Cache:
    """The answers in `folder`, and `below` for what has to be asked. `note` is told, once, when the cache can't be used."""

    def __init__(self, folder: Path, below: httpx.BaseTransport, note: Callable[[str], None], *, bound: int = BOUND) -> None:
        from hishel import SqliteStorage

        self._below = below
        self._trouble = _Trouble(note, folder, self._give_up)
        self._storage: SqliteStorage | None = None
        self._transport: CacheTransport | None = None
        self._building = threading.Lock()
        logging.getLogger("hishel").addHandler(self._trouble)
        try:
            # answers may come from private places
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self._trouble.tell(error)
            return
        self._storage = SqliteStorage(
            database_path=folder / _FILE,
            max_size=bound,
            max_stream_size=min(LARGEST, bound),
            default_tti=UNUSED,
            soft_delete_ttl=_READING,
        )

    def close(self) -> None:
        """Close the database. What is still under way finds it closed."""
        self._trouble.told = True  # which is nobody's trouble
        if self._storage is not None:
            self._storage.close()
        logging.getLogger("hishel").removeHandler(self._trouble)

    def _give_up(self) -> None:
        """Whoever waits for the database meets the next lock, too: one such wait is enough."""
        if self._storage is not None:
            self._storage.close()

    def kept(self, key: str, url: str, *, within: float | None) -> Response | None:
        """What is kept and no older than `within` seconds (None: however old), or fresh by its host's own word (RFC 9111 §4.2);
        None when the cache is no help.

        Needs no httpx: to load it takes longer than anything else that a run does which asks nobody.
        """
        if self._storage is None or self._trouble.told:
            return None
        try:
            entry = self._latest(key)
            return _standing_in(entry, url, within) if entry is not None else None
        except Exception as error:  # whatever goes wrong in the cache must not cost the answer
            self._failed(error)
            return None

    def answer(self, question: httpx.Request, key: str) -> httpx.Response | None:
        """What is kept when its host confirms it, else what its host says; None when the cache is no help. Raises Refused."""
        if self._storage is None or self._trouble.told:
            return None
        try:
            answer = self._transporting(self._storage).handle_request(question)
            answer.read()
            if _is_whole(answer.headers, answer.content):
                return answer
            for entry in self._entries(key):
                self._forget(entry)
        except Refused:
            raise
        except Exception as error:
            self._failed(error)
        return None

    def _failed(self, error: Exception) -> None:
        # somebody cleared it, or made room: that is its good right
        if "deleted while it was being read" not in str(error):
            self._trouble.tell(error)

    def _transporting(self, storage: SqliteStorage) -> CacheTransport:
        from hishel.httpx import CacheTransport

        with self._building:
            if self._transport is None:
                self._transport = CacheTransport(self._below, storage=storage, rfc=_private())
            return self._transport

    def _latest(self, key: str) -> Entry | None:
        """The latest of what is kept for one question, and only that is kept.

        hishel keeps the former answer beside the new one, and a 304 with a weak ETag (GitHub's are) then makes it drop both and
        ask once more for the whole.
        """
        entries = sorted(self._entries(key), key=_asked)
        for entry in entries[:-1]:
            self._forget(entry)
        return entries[-1] if entries else None

    def _entries(self, key: str) -> list[Entry]:
        return self._storage.get_entries(key) if self._storage is not None else []

    def _forget(self, entry: Entry) -> None:
        if self._storage is not None:
            self._storage.remove_entry(entry.id)


def _standing_in(entry: Entry, url: str, within: float | None) -> Response | None:
    """The answer that is kept, unless it is older than that, and not fresh either, or damaged."""
    # a clock that was set back makes it older than it says, never younger
    if within is not None and not 0 <= time.time() - _asked(entry) <= within and not _fresh(entry):
        return None
    stored = entry.response
    headers = {name.lower(): ", ".join(stored.headers.get_list(name) or ()) for name in stored.headers}
    body = b"".join(cast("list[bytes]", stored.stream))
    return Response(status=stored.status_code, url=url, headers=headers, body=body) if _is_whole(headers, body) else None


def _fresh(entry: Entry) -> bool:
    """Whether its host said that it may be taken for so long, as hishel reads RFC 9111."""
    from hishel import FromCache, IdleClient

    # asked by the question that it answered: what may differ between two questions (Vary) is in the key
    return isinstance(IdleClient(options=_private()).next(entry.request, [entry]), FromCache)


def _private() -> CacheOptions:
    from hishel import CacheOptions

    return CacheOptions(shared=False, allow_stale=False)


def _is_whole(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a body is the one that its digest was made of."""
    digest = headers.get(DIGEST)
    return digest is None or digest == sha256(body).hexdigest()


def _asked(entry: Entry) -> float:
    try:
        return float(entry.response.headers.get(ASKED) or 0)
    except ValueError:
        return 0.0


class _Trouble(logging.Handler):
    """Hears hishel's complaints and tells the first one in a sentence; a database that is broken goes away for the next run."""

    def __init__(self, note: Callable[[str], None], folder: Path, give_up: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note
        self._folder = folder
        self._give_up = give_up
        self._telling = threading.Lock()
        self.told = False

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.tell(error if isinstance(error, Exception) else None)

    def tell(self, error: Exception | None) -> None:
        # exactly this class: "file is not a database", "disk image is malformed"; a lock or a full disk is a subclass
        if type(error) is sqlite3.DatabaseError:
            _remove(self._folder)
        with self._telling:
            told, self.told = self.told, True
        if not told:
            self._give_up()
            reason = f" ({error})" if error else ""
            self._note(f"the cache in {self._folder} can't be used{reason}: going on without it")


def _remove(folder: Path) -> None:
    for suffix in _SUFFIXES:
        (folder / f"{_FILE}{suffix}").unlink(missing_ok=True)


# --- from outside ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What a cache folder holds: bytes on disk, answers (None when the database can't be read), and the bound in bytes."""

    folder: Path
    size: int
    entries: int | None
    bound: int = BOUND


def look(folder: Path) -> Shelf:
    """What the cache in `folder` holds. Changes nothing, and makes no folder."""
    size = sum(path.stat().st_size for suffix in _SUFFIXES if (path := folder / f"{_FILE}{suffix}").is_file())
    if not (folder / _FILE).is_file():
        return Shelf(folder=folder, size=size, entries=0)
    try:
        with closing(_opened(folder / _FILE, "ro")) as connection:
            question = "SELECT count(*) FROM entries WHERE expires_at IS NULL OR expires_at > ?"
            (count,) = connection.execute(question, (time.time(),)).fetchone()
    except sqlite3.Error:
        return Shelf(folder=folder, size=size, entries=None)
    return Shelf(folder=folder, size=size, entries=count)


def clear(folder: Path) -> None:
    """Forget every answer. Other processes may go on using the cache meanwhile. Raises OSError."""
    if not (folder / _FILE).is_file():
        return
    try:
        with closing(_opened(folder / _FILE, "rw")) as connection:
            # whoever has the file open must find it again: it is emptied, not taken away
            connection.execute("DELETE FROM streams")
            connection.execute("DELETE FROM entries")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise OSError(str(error)) from None
        _remove(folder)
    except sqlite3.DatabaseError:
        _remove(folder)


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode={mode}", uri=True, timeout=5.0, isolation_level=None)
