"""Every error that lockblame raises, as one tree::

    LockblameError
    ├── ReadError                     something that should be read can't be
    │   ├── UnknownFormat             no reader knows this file
    │   ├── LockParseError            a lock that is broken: where, and what is wrong there
    │   ├── RevisionError             git doesn't know the revision, or there is no repository
    │   └── ConfigError               lockblame's own settings are wrong
    ├── SymptomError                  there is no symptom to match
    ├── BisectError                   a search that can't be done
    │   ├── NotReproduced             the command doesn't fail with the bad lock
    │   ├── AlreadyBroken             the command fails with the good lock
    │   └── TrialFailed               an environment can't be made, or the command not be run
    ├── RollbackError                 the edit that takes a change back can't be made
    └── UpstreamError                 an index or a forge; inside `blame` these become Gaps
        ├── NotFound
        ├── RateLimited               until when
        ├── BadResponse               an answer that can't be used
        │   └── AccessRefused         credentials are missing, or are the wrong ones
        └── Offline                   not asked, because asking was forbidden

Each message is one lower-case sentence made from the attributes; arguments are positional so that errors pickle; `slug` is
the heading of the error in docs/reference/errors.md.
"""

from __future__ import annotations

__all__ = [
    "AccessRefused",
    "AlreadyBroken",
    "BadResponse",
    "BisectError",
    "ConfigError",
    "LockParseError",
    "LockblameError",
    "NotFound",
    "NotReproduced",
    "Offline",
    "RateLimited",
    "ReadError",
    "RevisionError",
    "RollbackError",
    "SymptomError",
    "TrialFailed",
    "UnknownFormat",
    "UpstreamError",
]


class LockblameError(Exception):
    """Base of everything that lockblame raises on purpose."""

    slug = "lockblame-error"

    @property
    def hint(self) -> str | None:
        """The way out, one clause, or None."""
        return None


class ReadError(LockblameError):
    """`subject` (a file, a folder, a revision) can't be read: `detail` says why, `way_out` what to do."""

    slug = "read-error"

    def __init__(self, subject: str, detail: str, way_out: str | None = None) -> None:
        super().__init__(subject, detail, way_out)
        self.subject = subject
        self.detail = detail
        self.way_out = way_out

    @property
    def hint(self) -> str | None:
        """The way out, one clause, or None."""
        return self.way_out

    def __str__(self) -> str:
        return f"{self.subject}: {self.detail}" + (f"; {self.way_out}" if self.way_out else "")


class UnknownFormat(ReadError):
    """No reader knows the file."""

    slug = "unknown-format"


class LockParseError(ReadError):
    """A lock that can't be understood: `subject` is the file, `place` the line ("line 12") or key path ("package[3].name")."""

    slug = "lock-parse-error"

    def __init__(self, subject: str, detail: str, place: str | None = None, way_out: str | None = None) -> None:
        super().__init__(subject, detail, way_out)
        self.args = (subject, detail, place, way_out)
        self.place = place

    def __str__(self) -> str:
        where = f"{self.subject}, {self.place}" if self.place else self.subject
        return f"{where}: {self.detail}" + (f"; {self.way_out}" if self.way_out else "")


class RevisionError(ReadError):
    """git can't give what was asked for: no such revision, no repository, no git."""

    slug = "revision-error"


class ConfigError(ReadError):
    """`[tool.lockblame]` or lockblame.toml can't be used."""

    slug = "config-error"


class SymptomError(LockblameError):
    """The symptom has nothing in it that could be matched: it is empty, or no text."""

    slug = "symptom-error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class RollbackError(LockblameError):
    """A change can't be taken back by an edit: `subject` is the file or package, `detail` why, `way_out` what to do."""

    slug = "rollback-error"

    def __init__(self, subject: str, detail: str, way_out: str | None = None) -> None:
        super().__init__(subject, detail, way_out)
        self.subject = subject
        self.detail = detail
        self.way_out = way_out

    @property
    def hint(self) -> str | None:
        """The way out, one clause, or None."""
        return self.way_out

    def __str__(self) -> str:
        return f"{self.subject}: {self.detail}" + (f"; {self.way_out}" if self.way_out else "")


class BisectError(LockblameError):
    """A search that can't be done: `detail` says why, `way_out` what to do."""

    slug = "bisect-error"

    def __init__(self, detail: str, way_out: str | None = None) -> None:
        super().__init__(detail, way_out)
        self.detail = detail
        self.way_out = way_out

    @property
    def hint(self) -> str | None:
        """The way out, one clause, or None."""
        return self.way_out

    def __str__(self) -> str:
        return self.detail + (f"; {self.way_out}" if self.way_out else "")


class NotReproduced(BisectError):
    """The command doesn't fail with the bad lock: the dependencies alone don't make it."""

    slug = "not-reproduced"


class AlreadyBroken(BisectError):
    """The command fails with the good lock already: none of the changes is what it fails for."""

    slug = "already-broken"


class TrialFailed(BisectError):
    """A trial that says nothing: `subject` (an environment, an interpreter, the command) and what is wrong with it."""

    slug = "trial-failed"

    def __init__(self, subject: str, detail: str, way_out: str | None = None) -> None:
        super().__init__(detail, way_out)
        self.args = (subject, detail, way_out)
        self.subject = subject

    def __str__(self) -> str:
        return f"{self.subject}: {super().__str__()}"


class UpstreamError(LockblameError):
    """An index or a forge could not be asked. `subject` is what was asked for, `url` where."""

    slug = "upstream-error"
    reason = "upstream"

    def __init__(self, subject: str, detail: str, url: str | None = None) -> None:
        super().__init__(subject, detail, url)
        self.subject = subject
        self.detail = detail
        self.url = url

    def __str__(self) -> str:
        return f"{self.subject}: {self.detail}"


class NotFound(UpstreamError):
    """It isn't there: `status` is 404, or 410 where it was and is switched off."""

    slug = "not-found"
    reason = "not-found"

    def __init__(self, subject: str, detail: str, url: str | None = None, status: int = 404) -> None:
        super().__init__(subject, detail, url)
        self.args = (subject, detail, url, status)
        self.status = status


class RateLimited(UpstreamError):
    """The host wants to be left alone until `until` (POSIX seconds, None when it didn't say)."""

    slug = "rate-limited"
    reason = "rate-limited"

    def __init__(self, subject: str, detail: str, url: str | None = None, until: float | None = None) -> None:
        super().__init__(subject, detail, url)
        self.args = (subject, detail, url, until)
        self.until = until


class BadResponse(UpstreamError):
    """An answer came that can't be used: an error status, rubbish, too large, or none within the time-out."""

    slug = "bad-response"
    reason = "bad-response"


class AccessRefused(BadResponse):
    """The host wants credentials, or other ones: `status` is 401, 403 or 407."""

    slug = "access-refused"
    reason = "access-refused"

    def __init__(self, subject: str, detail: str, url: str | None = None, status: int = 401) -> None:
        super().__init__(subject, detail, url)
        self.args = (subject, detail, url, status)
        self.status = status


class Offline(UpstreamError):
    """Nothing was asked: `offline=True`, and the answer is not at hand."""

    slug = "offline"
    reason = "offline"
