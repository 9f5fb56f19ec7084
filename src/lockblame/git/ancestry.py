"""The way from one commit to another along the main line, and the names of commits: what a search among commits walks on."""

from __future__ import annotations

from datetime import UTC, datetime

from lockblame.git import Checkout, command
from lockblame.git.log import text
from lockblame.model import Commit

MOST = 100_000
"""Commits of one line that are looked at."""
_FORMAT = "--format=%x00%x00%H%x00%P%x00%an%x00%at%x00%ct%x00%s"
_PLAIN = ("--no-patch", "--no-show-signature", "--no-notes", "--no-mailmap", "--encoding=UTF-8", "--no-ext-diff")
_LAST_SECOND = 253_402_300_799  # of the year 9999: datetime knows none after it


def mainline(checkout: Checkout, base: str, head: str) -> tuple[tuple[Commit, tuple[str, ...]], ...]:
    """The commits that `head` has and `base` has not, oldest first, each with its parents, by first parents alone.

    Each of them is a state that the project as a whole once had, and one follows from the other, so that the line turns bad in
    one place; what was merged counts as one step. (All commits in one row, as `git log` has them, are of several branches:
    neighbours there have nothing to do with each other.)
    """
    out = command.checked(
        checkout.folder, head, "log", "--first-parent", "-z", *_PLAIN, _FORMAT, f"--max-count={MOST}", head, f"^{base}", "--"
    )
    fields = out.split(b"\0")
    found = []
    for at in range(0, len(fields) - 7, 8):
        identity, parents, author, authored, committed, subject = (text(field) for field in fields[at + 2 : at + 8])
        commit = Commit(
            hash=identity,
            author=_shown(author),
            date=_date(committed),
            authored=_date(authored),
            subject=_shown(subject),
        )
        found.append((commit, tuple(parents.split())))
    return tuple(reversed(found))


def tags(checkout: Checkout) -> tuple[str, ...]:
    """The names of all tags, sorted as git sorts."""
    out = command.checked(checkout.folder, "tags", "for-each-ref", "--format=%(refname:strip=2)", "refs/tags")
    return tuple(text(line) for line in out.splitlines())


def tagged(checkout: Checkout, tag: str) -> str:
    """The commit that a tag names, also where a branch or file has its name; RevisionError when it names none."""
    return checkout.commit(f"refs/tags/{tag}")


def remote(checkout: Checkout) -> str | None:
    """Where the repository was cloned from, as its configuration says; None where it doesn't."""
    answer = command.run(checkout.folder, "config", "--get", "remote.origin.url")
    return text(answer.out).strip() or None if not answer.status else None


def _shown(field: str) -> str:
    return field.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _date(seconds: str) -> datetime:
    since_epoch = int(seconds) if seconds.isdigit() and len(seconds) < 19 else 0
    return datetime.fromtimestamp(min(since_epoch, _LAST_SECOND), UTC)
