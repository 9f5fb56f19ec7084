"""Issues as they come in from a forge's REST API: page by page, each once, up to a limit, with what kept others out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from lockblame import fields
from lockblame.errors import AccessRefused, BadResponse, NotFound, UpstreamError
from lockblame.flow import Flow, Request, Response
from lockblame.forges import Found, by_hand
from lockblame.forges.pages import KEEPS, counted, decoded, following, listed
from lockblame.forges.records import is_path
from lockblame.model import Gap, Issue, Repository

HEADERS = {"Accept": "application/json"}
MOST_PAGES = 20
WORDS = 4
"""Words that a search asks for, a question each, where the forge can't be asked for any of several."""

NAMES = 3
"""Packages whose names are searched for in a repository that holds many."""

Reader = Callable[[Mapping[str, Any], str], Issue]
Reasons = Callable[[Repository, Mapping[str, Any], "UpstreamError | None"], list[Gap]]


@dataclass(slots=True, kw_only=True)
class Harvest:
    """The issues of `asked`, at most `limit`; `read` makes an Issue of a record."""

    asked: Repository
    limit: int
    read: Reader
    issues: dict[int, Issue] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    host: str = ""
    path: str = ""
    broken: int = 0
    first_fault: str = ""
    pages: int = 0
    anonymous: bool = False

    @property
    def full(self) -> bool:
        """Whether no further page should be asked for."""
        return len(self.issues) >= self.limit or self.pages >= MOST_PAGES

    def fetch(self, url: str) -> Flow[Response]:
        """The answer from there; raises UpstreamError. A redirect to another host tells where the forge is now.

        A forge refuses an expired token also for what everybody may read, so what a 401 refuses is asked for without it.
        """
        self.pages += 1
        request = Request(url=url, subject=self.asked.path, headers=HEADERS, keeps=KEEPS, anonymous=self.anonymous)
        try:
            response = yield request
        except AccessRefused as error:
            if error.status != 401 or self.anonymous:
                raise
            try:
                response = yield replace(request, anonymous=True)
            except UpstreamError:
                raise error from None
            self.anonymous = True
            self.gaps.append(self._refused(error))
        here, there = urlsplit(url).netloc, urlsplit(response.url).netloc
        if there and there != here:
            self.host = there
        return response

    def _refused(self, error: AccessRefused) -> Gap:
        detail = (
            f"the token for {self.asked.host} was refused (status {error.status}), so what is public was asked for without it"
        )
        return Gap(subject=self.asked.host, reason=error.reason, detail=detail, hint="renew the token, or unset it")

    def try_to_fetch(self, url: str) -> Flow[Response | None]:
        """The same, but what fails is a Gap: what is already in must not be lost with it."""
        try:
            return (yield from self.fetch(url))
        except UpstreamError as error:
            self.interrupted(error)
            return None

    def interrupted(self, error: UpstreamError) -> None:
        """Notes that what is in is not all, and why."""
        detail = f"only {len(self.issues)} issues of {self.asked.path} were looked at, because {error.detail}"
        self.gaps.append(Gap(subject=self.asked.path, reason=error.reason, detail=detail, hint=by_hand(self.repository)))

    def add(self, response: Response) -> list[Issue]:
        """Takes in the page of issues that an answer holds; gives those of them that are issues, also what was in already."""
        found = []
        for number, record in enumerate(listed(response, self.asked.path)):
            try:
                if not isinstance(record, dict):
                    raise fields.FieldError(f"[{number}]", "should be a table")
                issue = self.read(record, f"[{number}]")
            except fields.FieldError as error:
                self.broken += 1
                self.first_fault = self.first_fault or str(error)
                continue
            self.path = self.path or issue.repository
            found.append(self.issues.setdefault(issue.number, issue))
        return found

    def follow(self, response: Response) -> Flow[str | None]:
        """Takes in the pages after this one, up to the limit; gives the address of the first one that was not asked for."""
        page = following(response)
        while page and not self.full:
            answer = yield from self.try_to_fetch(page)
            if answer is None or not self.add(answer):
                return page if answer is None else None
            page = following(answer)
        return page

    def named(self, names: Sequence[str], address: Callable[[str], str]) -> Flow[list[Issue]]:
        """Takes in the first page (`address`) of issues with each of the packages' names, the first few: in a repository of many
        packages, what is theirs comes before the rest."""
        found: list[Issue] = []
        for name in names[:NAMES]:
            answer = yield from self.try_to_fetch(address(name))
            if answer is None:
                break
            found += self.add(answer)
        return found

    def called(self, path: str | None) -> None:
        """Takes the name that the forge has for the repository, if it is one."""
        if path and is_path(path):
            self.path = path

    @property
    def repository(self) -> Repository:
        """Where the issues are: a moved repository answers under its new name."""
        path = self.path or self.asked.path
        host = self.host or self.asked.host
        if (host, path.lower()) == (self.asked.host, self.asked.path.lower()):
            return self.asked
        return replace(self.asked, host=host, path=path)

    def found(self, left_out: int = 0) -> Found:
        """What came in, the first up to the limit."""
        kept = tuple(list(self.issues.values())[: self.limit])
        left = left_out + len(self.issues) - len(kept)
        gaps = list(self.gaps)
        if self.broken:
            detail = f"{self.broken} records of {self.asked.host} were no issues (the first: {self.first_fault})"
            gaps.append(Gap(subject=self.asked.path, reason="bad-response", detail=detail))
        return Found(repository=self.repository, issues=kept, complete=not left and not gaps, left_out=left, gaps=tuple(gaps))


def closed(error: UpstreamError) -> bool:
    """Whether the forge doesn't show this, now or later: not there, not for this token, or switched off."""
    return isinstance(error, NotFound) or (isinstance(error, AccessRefused) and error.status == 403)


def nothing(harvest: Harvest, address: str, name: str, reasons: Reasons, error: UpstreamError | None = None) -> Flow[Found]:
    """No issues: a Gap that says why where the forge's record of the repository, at `address`, tells why.

    `name` is the key of the repository's own name there, `error` what kept the issues back. Forges answer 404 for what the asker
    may not see.
    """
    repository = harvest.asked
    try:
        response = yield from harvest.fetch(address)
        record = decoded(response, repository.path)
        if not isinstance(record, dict):
            raise BadResponse(repository.path, "the forge answered with something else than a repository", response.url)
        harvest.called(fields.maybe_text(record, name))
        harvest.gaps += reasons(harvest.repository, record, error)
    except UpstreamError as refused:
        if error is None and not isinstance(refused, NotFound):
            detail = f"whether {repository.path} has issues is not known: {refused.detail}"
            harvest.gaps.append(Gap(subject=repository.path, reason=refused.reason, detail=detail, hint=by_hand(repository)))
        elif closed(refused):
            detail = f"{repository.host} has no {repository.path}, or not for this token: what is private is hidden"
            harvest.gaps.append(Gap(subject=repository.path, reason="not-found", detail=detail, hint=by_hand(repository)))
        else:
            raise
    except fields.FieldError as fault:
        raise BadResponse(repository.path, f"the forge's record of the repository is none ({fault})") from None
    return harvest.found()


def by_words(harvest: Harvest, words: Sequence[str], address: Callable[[str], str]) -> Flow[Found]:
    """The issues that hold any of the words, those with most of them first; one question (`address`) a word, the first few.

    Raises UpstreamError when the first question has no answer; a later one without is a gap.
    """
    places: dict[int, list[int]] = {}
    missed = 0
    for number, word in enumerate(askable(words)):
        answer = yield from (harvest.try_to_fetch if number else harvest.fetch)(address(word))
        if answer is None:
            break
        page = harvest.add(answer)
        for place, issue in enumerate(page):
            places.setdefault(issue.number, []).append(place)
        missed += max(0, (counted(answer) or 0) - len(page)) or (1 if following(answer) else 0)
    best = sorted(harvest.issues, key=lambda number: (-len(places[number]), min(places[number])))
    harvest.issues = {number: harvest.issues[number] for number in best}
    return harvest.found(missed)


def askable(words: Sequence[str]) -> tuple[str, ...]:
    """The first of the words that a forge can be asked for: at least three characters, none of which is an operator.

    A word within another ("timeout" in "TimeoutError") finds more or the same, and would cost a question more.
    """
    chosen: list[str] = []
    for word in words:
        plain = " ".join(re.sub(r'[\x00-\x1f"\\\x7f%*]+', " ", word[:500]).split())[:100].strip()
        low = plain.lower()
        if len(plain) >= 3 and not any(low in other.lower() or other.lower() in low for other in chosen):
            chosen.append(plain)
        if len(chosen) == WORDS:
            break
    return tuple(chosen)
