"""Asking forges: the issues of each changed package's repository, and everything that could not be had as a gap.

GitHub is asked for many repositories at once where there is a token for it, and sparingly where there is none; the other forges
one repository after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from lockblame.api.asking.evidence import Knowledge, gap
from lockblame.api.asking.sharing import tenant
from lockblame.errors import AccessRefused, NotFound, RateLimited, UpstreamError
from lockblame.flow import Flow
from lockblame.logbook import log
from lockblame.model import Change, Gap, Issue, Repository, Symptom

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.forges import Found
    from lockblame.forges.github.graphql import Batch
    from lockblame.forges.github.rest import Manner
    from lockblame.forges.github.survey import Survey, Wanted

BEFORE_RELEASE = timedelta(days=7)
"""A regression is sometimes reported from a pre-release or the main branch: so much earlier than the release is looked at."""
MOST_ISSUES = 300
MOST_SEARCHED = 50
WORDS_SEARCHED = 6

Task = tuple[str, str, "Flow[Found | Batch]"]
Answers = dict[Repository, "Found | UpstreamError"]


def with_issues(known: Knowledge, changes: Iterable[Change], symptom: Symptom | None, client: Client) -> Knowledge:
    """The issues of each repository once, also where several packages share it; the most suspicious packages first."""
    return with_issues_of([(known, changes)], symptom, client)[0]


def with_issues_of(
    several: Sequence[tuple[Knowledge, Iterable[Change]]], symptom: Symptom | None, client: Client
) -> list[Knowledge]:
    """The same for more than one set of changes, of which each has its own packages: what they share is asked for once."""
    inquiry = _Inquiry(client, words_to_search(symptom))
    wanted = [_wanted(list(_most_suspicious_first(changes, known, symptom)), known) for known, changes in several]
    inquiry.run(_together(wanted))
    return [_answered(known, inquiry, {one.repository for one in own}) for (known, _), own in zip(several, wanted, strict=True)]


def _together(several: Sequence[Sequence[Wanted]]) -> list[Wanted]:
    """Each repository once, from the earliest moment that anybody wants."""
    found: dict[Repository, Wanted] = {}
    for one in (one for each in several for one in each):
        other = found.get(one.repository, one)
        since = min(one.since, other.since) if one.since and other.since else one.since or other.since
        narrow = one.names and other.names
        names = tuple(dict.fromkeys((*other.names, *one.names))) if narrow else ()
        found[one.repository] = replace(one, since=since, names=names)
    return list(found.values())


def _answered(known: Knowledge, inquiry: _Inquiry, own: Collection[Repository]) -> Knowledge:
    """`known` with what came of its `own` repositories."""
    issues: dict[tuple[str, int], Issue] = {}
    gaps: list[Gap] = []
    moved: dict[Repository, Repository] = {}
    for repository, answer in inquiry.answers.items():
        if repository not in own:
            continue
        if isinstance(answer, UpstreamError):
            log("forges", "%s", answer)
            gaps.append(gap(answer, _way_in(repository, answer)))
            continue
        log("forges", "%s: %s issues", repository.path, len(answer.issues))
        # two names of one repository lead to the same issues
        issues |= {(issue.repository.lower(), issue.number): issue for issue in answer.issues}
        gaps += (*answer.gaps, *_left_out(answer))
        moved[repository] = answer.repository
    return replace(
        known,
        issues=(*known.issues, *issues.values()),
        repositories={name: moved.get(one, one) for name, one in known.repositories.items()},
        gaps=tuple(dict.fromkeys((*known.gaps, *inquiry.gaps, *gaps))),
    )


def _wanted(changes: Sequence[Change], known: Knowledge) -> list[Wanted]:
    """Each repository once, from shortly before the first of the releases that are looked at."""
    from lockblame.forges.github.survey import Wanted

    since: dict[Repository, datetime | None] = {}
    names: dict[Repository, list[str]] = {}
    for change in changes:
        repository = known.repositories.get(change.name)
        if repository is None:
            continue
        release = known.release(change.name, change.new)
        start = release.uploaded - BEFORE_RELEASE if release and release.uploaded else None
        earlier = since.get(repository, start)
        since[repository] = min(start, earlier) if start and earlier else start or earlier
        names.setdefault(repository, []).append(change.name)
    return [
        Wanted(repository=one, since=start, names=_narrowing(one, list(dict.fromkeys(names[one]))))
        for one, start in since.items()
    ]


def _narrowing(repository: Repository, names: list[str]) -> tuple[str, ...]:
    """The packages' names, where several of the delta are in the repository, or one of a family whose name it doesn't bear."""
    sharing = [found for name in names if (found := tenant(repository, name, names)) is not None]
    return tuple(names) if any(one.others or (one.unlike and one.family) for one in sharing) else ()


def _most_suspicious_first(changes: Iterable[Change], known: Knowledge, symptom: Symptom | None) -> Iterable[Change]:
    """What is asked first is answered when a limit cuts the rest off."""
    from lockblame.ranking import Candidate, rank

    candidates = [Candidate(change=change, release=known.release(change.name, change.new)) for change in changes]
    return [suspect.change for suspect in rank(symptom, candidates).suspects]


@dataclass(slots=True)
class _Inquiry:
    """What is asked of all forges, and what came of each repository; `gaps` are those of whole hosts."""

    client: Client
    words: tuple[str, ...]
    answers: Answers = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def run(self, wanted: Sequence[Wanted]) -> None:
        """Asks for all of them, most suspicious first."""
        for one in wanted:
            since, words = one.since or "ever", ", ".join(self.words) or "no words"
            log("forges", "%s: asked for issues since %s, and for older ones with %s", one.repository.path, since, words)
        surveys, manners = self._surveys(wanted), self._manners(wanted)
        single = [
            (one, manners.get(one.repository.host) if one.repository.forge == "github" else None)
            for one in wanted
            if one.repository.forge != "github" or one.repository.host not in surveys
        ]
        self._ask(surveys.values(), single)
        for host, survey in surveys.items():
            self._surveyed(host, survey, wanted)
        # in the order of the suspicion, whatever way each was asked
        self.answers = {one.repository: self.answers[one.repository] for one in wanted if one.repository in self.answers}
        self._summed(wanted)

    def _surveys(self, wanted: Sequence[Wanted]) -> dict[str, Survey]:
        """One for each GitHub host that there is a token for."""
        from lockblame.forges.github import graphql_of
        from lockblame.forges.github.survey import Survey

        hosts: dict[str, list[Wanted]] = {}
        for one in wanted:
            if one.repository.forge == "github" and self.client.authorized(graphql_of(one.repository)):
                hosts.setdefault(one.repository.host, []).append(one)
        return {
            host: Survey(graphql_of(own[0].repository), _api_host(own[0].repository), own, self.words)
            for host, own in hosts.items()
        }

    def _manners(self, wanted: Sequence[Wanted]) -> dict[str, Manner]:
        """How each GitHub host is asked without a token."""
        from lockblame.forges.github.allowance import Allowance
        from lockblame.forges.github.rest import Manner

        hosts = {one.repository.host for one in wanted if one.repository.forge == "github"}
        return {host: Manner(anonymous=True, allowance=Allowance()) for host in hosts}

    def _ask(self, surveys: Iterable[Survey], single: Sequence[tuple[Wanted, Manner | None]]) -> None:
        """All hosts at the same time; surveys go on where there is more."""
        from lockblame.client import FORGE_AT_ONCE

        alone: list[Task] = [
            (one.repository.path, _api_host(one.repository), _issues(one, self.words, manner)) for one, manner in single
        ]
        surveys = list(surveys)
        while True:
            rounds = [survey.tasks() for survey in surveys]
            tasks: list[Task] = [*alone, *(task for each in rounds for task in each)]
            if not tasks:
                return
            # no more than may be under way: a limit that one meets ends the rest, the least suspicious ones
            answers = iter(self.client.map(tasks, stage="asking forges", at_once=FORGE_AT_ONCE))
            for (one, _), answer in zip(single if alone else (), answers, strict=False):
                self.answers[one.repository] = cast("Found | UpstreamError", answer)
            for survey, each in zip(surveys, rounds, strict=True):
                survey.take(cast("Iterator[Batch | UpstreamError]", [next(answers) for _ in each]))
            alone = []

    def _surveyed(self, host: str, survey: Survey, wanted: Sequence[Wanted]) -> None:
        """Takes what a survey found, and asks by REST for what GraphQL could not tell."""
        from lockblame.forges.github.rest import Manner
        from lockblame.forges.github.survey import asks_again

        found = survey.results()
        self.gaps += survey.gaps()
        anonymous = self._manners(wanted)[host]
        again = []
        for one in wanted:
            answer = found.get(one.repository)
            if isinstance(answer, UpstreamError) and asks_again(answer):
                again.append((one, anonymous if isinstance(answer, AccessRefused) else Manner()))
            elif answer is not None:
                self.answers[one.repository] = answer
        refusal = next((error for error in found.values() if isinstance(error, AccessRefused) and error.status == 401), None)
        if refusal is not None:
            self.gaps.append(_refused(again[0][0].repository, refusal))
            self.refused.add(host)
        self._ask((), again)
        for repository, first in found.items():
            # without the token a private one is "not there"; why the token doesn't open it (SAML, a permission) says more
            if isinstance(first, AccessRefused) and first.status == 403 and isinstance(self.answers.get(repository), NotFound):
                self.answers[repository] = first

    def _summed(self, wanted: Sequence[Wanted]) -> None:
        """One gap for each GitHub host whose limit left something out, instead of one for each repository."""
        for host in dict.fromkeys(_api_host(one.repository) for one in wanted if one.repository.forge == "github"):
            own = [one.repository for one in wanted if _api_host(one.repository) == host and one.repository in self.answers]
            errors = {one: error for one in own if isinstance(error := self.answers[one], RateLimited)}
            partly = [one for one in own if one not in errors and _cut_short(self.answers[one])]
            if not errors and not partly:
                continue
            authorized = self.client.authorized(_api(own[0])) and own[0].host not in self.refused
            self.gaps.append(_limited(host, errors, len(partly), authorized=authorized))
            for one in errors:
                del self.answers[one]
            for one in partly:
                answer = cast("Found", self.answers[one])
                kept = tuple(each for each in answer.gaps if each.reason != "rate-limited")
                self.answers[one] = replace(answer, gaps=kept)


def _api(repository: Repository) -> str:
    from lockblame.forges.github import api_of

    return api_of(repository) if repository.forge == "github" else repository.url


def _api_host(repository: Repository) -> str:
    from urllib.parse import urlsplit

    return urlsplit(_api(repository)).netloc


def _issues(wanted: Wanted, words: Sequence[str], manner: Manner | None) -> Flow[Found | Batch]:
    """The issues since shortly before the release, and those of all time that hold the symptom's rare words."""
    from lockblame import forges
    from lockblame.forges import github

    repository = wanted.repository
    if manner is None:
        recent = yield from forges.issues(repository, since=wanted.since, limit=MOST_ISSUES, names=wanted.names)
    else:
        recent = yield from github.issues(repository, since=wanted.since, limit=MOST_ISSUES, manner=manner, names=wanted.names)
    if not words or any(one.reason in ("issues-disabled", "not-found") for one in recent.gaps):
        return recent
    try:
        if manner is None:
            older = yield from forges.search(recent.repository, words, MOST_SEARCHED)
        else:
            older = yield from github.search(recent.repository, words, MOST_SEARCHED, manner=manner)
    except UpstreamError as error:
        return replace(recent, complete=False, gaps=(*recent.gaps, gap(error, _by_hand(repository))))
    return forges.merged(recent, replace(older, left_out=0))


# --- gaps ------------------------------------------------------------------------------------------------------------


def _by_hand(repository: Repository) -> str:
    from lockblame.forges import by_hand

    return by_hand(repository)


def _way_in(repository: Repository, error: UpstreamError) -> str:
    """What the person can do: give a token where one is wanted, or look there."""
    if not isinstance(error, AccessRefused):
        return _by_hand(repository)
    host = _api_host(repository)
    if repository.forge == "github":
        variable = _variable(host)
    elif repository.forge == "gitlab":
        variable = "GITLAB_TOKEN" + ("" if host == "gitlab.com" else f" (with GITLAB_HOST={host})")
    else:
        variable = "CODEBERG_TOKEN" if host == "codeberg.org" else f"GITEA_TOKEN (with GITEA_SERVER_URL=https://{host})"
    return f"give a token that may read it in {variable}, or {_by_hand(repository)}"


def _left_out(found: Found) -> Iterable[Gap]:
    if found.left_out:
        detail = f"at least {found.left_out} of its issues since the release were not looked at (the limit is {MOST_ISSUES})"
        yield Gap(subject=found.repository.path, reason="left-out", detail=detail, hint=_by_hand(found.repository))


def _cut_short(answer: Found | UpstreamError) -> bool:
    return not isinstance(answer, UpstreamError) and any(one.reason == "rate-limited" for one in answer.gaps)


def _refused(repository: Repository, error: AccessRefused) -> Gap:
    host = _api_host(repository)
    return Gap(
        subject=host,
        reason=error.reason,
        detail=f"the token for {host} was refused (status {error.status}), so its public repositories were asked without it",
        hint=f"renew the token in {_variable(host)}, or unset it",
    )


def _variable(host: str) -> str:
    """Where a token for that host is looked for."""
    return "GITHUB_TOKEN" if host == "api.github.com" else f"GH_ENTERPRISE_TOKEN (with GH_HOST={host.removeprefix('api.')})"


def _limited(host: str, errors: Mapping[Repository, RateLimited], partly: int, *, authorized: bool) -> Gap:
    """What a host's limit left out, and what a token would add where there is none."""
    left = [f"{_count(len(errors))} not looked at"] if errors else []
    left += [f"{_count(partly)} only in part"] if partly else []
    what = " and ".join(left)
    if authorized:
        why = next((error.detail for error in errors.values()), f"{host} answers no more for now")
        return Gap(subject=host, reason="rate-limited", detail=f"{what}, because {why}", hint="ask again after that")
    until = max((error.until for error in errors.values() if error.until is not None), default=None)
    when = f" (until {_clock(until)} UTC)" if until is not None else ""
    return Gap(
        subject=host,
        reason="rate-limited",
        detail=f"{what}, because {host} answers few requests without a token{when}",
        hint=f"set {_variable(host)}; for public repositories a token without any permission will do. Then all are asked, many "
        "in one request, with their first comments and for the symptom's words",
    )


def _count(number: int) -> str:
    return "1 repository was" if number == 1 else f"{number} repositories were"


def _clock(moment: float) -> str:
    from datetime import UTC

    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"


# --- words -----------------------------------------------------------------------------------------------------------


def words_to_search(symptom: Symptom | None) -> tuple[str, ...]:
    """What a forge's keyword search is asked for: names and error classes first, then the longest words, in its alphabet.

    Longer words are rarer ones (Zipf 1949), and which are rare in a tracker nobody knows before it is read.
    """
    if symptom is None:
        return ()
    errors = [error.type.rpartition(".")[2] for error in symptom.errors]
    words = sorted((word for word in symptom.words if word.isascii() and len(word) > 3), key=lambda word: (-len(word), word))
    concepts = [concept.replace("_", " ") for concept in symptom.concepts]
    return tuple(dict.fromkeys((*errors, *symptom.identifiers, *words[:WORDS_SEARCHED], *concepts)))[:WORDS_SEARCHED]
