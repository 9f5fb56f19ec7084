"""The tags of both versions of a step, found with few questions. Flows only.

    GitHub   GET /repos/{o}/{r}/git/matching-refs/tags   every tag in one answer
    GitLab   GET /projects/:id/repository/tags           the last 100, then a search for what is missing
    Gitea    GET /repos/{o}/{r}/tags                     pages of 50, newest first, until both are there

Guessing comes last: only where a list was too long to be read whole, and in the style of the tags that were seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from lockblame import fields
from lockblame.errors import BadResponse, NotFound
from lockblame.flow import Flow, Request, Response
from lockblame.forges.pages import decoded, following
from lockblame.forges.places import asking
from lockblame.forges.tags import LONGEST, MOST, Choice, candidates, chosen
from lockblame.model import Repository

_PAGES = {"github": 10, "gitlab": 1, "gitea": 4}
_GUESSES = 3


@dataclass(slots=True)
class Tags:
    """The tags of a repository, as far as they had to be asked for; `names` are those known already (of its releases, say)."""

    repository: Repository
    names: list[str] = field(default_factory=list)
    _next: Request | None = None
    _asked: int = 0

    def choose(self, name: str, before: str, after: str) -> Flow[Choice]:
        """The tags of those versions of a package. Raises UpstreamError when the forge doesn't answer."""
        choice = self._chosen(name, before, after)
        while not (choice.before and choice.after) and (self._asked == 0 or self._next is not None):
            if self._asked >= _PAGES[self.repository.forge] or len(self.names) >= MOST:
                return (yield from self._guessed(name, before, after))
            yield from self._turn()
            # one list in no order is read to its end: the package's own tags may come after those of others
            while self.repository.forge == "github" and self._next is not None and self._asked < _PAGES["github"]:
                yield from self._turn()
            choice = self._chosen(name, before, after)
        return choice

    def _chosen(self, name: str, before: str, after: str) -> Choice:
        return chosen(self.names, name, before, after, self.repository.path)

    def _turn(self) -> Flow[None]:
        """Reads the next page."""
        request = self._next or _first(self.repository)
        self._asked += 1
        response = yield request
        self.names += _names(response, self.repository)
        page = following(response)
        self._next = replace(request, url=page) if page else None

    def _guessed(self, name: str, before: str, after: str) -> Flow[Choice]:
        """What can be found by asking for single tags."""
        choice = self._chosen(name, before, after)
        for version, found in ((before, choice.before), (after, choice.after)):
            if found is None:
                self.names += yield from _probed(self.repository, version, candidates(name, version, like=self.names))
        return self._chosen(name, before, after)


def _first(repository: Repository) -> Request:
    subject = f"tags of {repository.path}"
    if repository.forge == "github":
        return asking(repository, "git/matching-refs/tags", subject)
    if repository.forge == "gitlab":
        return asking(repository, "repository/tags", subject, order_by="updated", sort="desc", per_page="100")
    return asking(repository, "tags", subject, limit="50")


def _names(response: Response, repository: Repository) -> list[str]:
    """The names in a list of tags or of references."""
    subject = f"tags of {repository.path}"
    page = decoded(response, subject)
    try:
        if not isinstance(page, list):
            raise fields.FieldError("", "should be a list")
        return [name for one in page for name in [_name(one)] if len(name) <= LONGEST]
    except fields.FieldError as error:
        raise BadResponse(
            f"tags of {repository.path}", f"the forge's list of tags can't be read ({error})", response.url
        ) from None


def _name(record: Any) -> str:
    if not isinstance(record, dict):
        raise fields.FieldError("", "should be a table")
    if "ref" in record:
        return fields.text(record, "ref").removeprefix("refs/tags/")
    return fields.text(record, "name")


def _probed(repository: Repository, version: str, guesses: Iterable[str]) -> Flow[list[str]]:
    subject = f"tags of {repository.path}"
    if repository.forge == "gitlab":
        # "$" is the end: 1.2$ finds v1.2 and name-1.2 in one question
        response = yield asking(repository, "repository/tags", subject, search=f"{version}$", per_page="100")
        return _names(response, repository)
    for guess in list(guesses)[:_GUESSES]:
        below = f"tags/{quote(guess, safe='')}" if repository.forge == "gitea" else f"git/matching-refs/tags/{quote(guess)}"
        try:
            response = yield asking(repository, below, subject)
        except NotFound:
            continue
        if repository.forge == "gitea":
            return [guess]
        found = _names(response, repository)
        if guess in found:
            return found
    return []
