"""Many repositories of one GitHub host, asked together in rounds: what to ask next, and what has come of it.

    while tasks := survey.tasks():
        survey.take([…what each flow returned…])
    survey.results()

The first round asks every repository for its newest issues and for those with the symptom's rare words; the next ones go on where
there are more. How much goes into one request, and how much a run may ask for, follows GitHub's own limits
(https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lockblame.errors import BadResponse, UpstreamError
from lockblame.flow import Flow
from lockblame.forges import Found
from lockblame.forges.github.graphql import Batch, Told, ask
from lockblame.forges.github.query import Portion, Question, cost
from lockblame.forges.github.rest import broken, disabled
from lockblame.model import Gap, Issue, Repository

FULL = Portion(issues=100, hits=50, comments=3)
LIGHT = Portion(issues=30, hits=10, comments=1)
LEADING = 80
"""Repositories that are asked in full; the less suspicious ones after them are asked for the light portion."""
AT_ONCE = 8
"""Repositories of the full portion in one request. A query may take ten seconds, and a hundred issues with their first comments
take about one: eight busy repositories come in time. 8 x (100 + 50) issues with their labels, comments and pull requests are
32,400 nodes of the 500,000 that a query may ask for."""
NEXT_AT_ONCE = 14
"""The same for their next pages, which hold issues alone and no hits."""
LIGHT_AT_ONCE = 25
BUDGET = 700
"""Points that a run may spend of the 5,000 an hour that a person's token has (1,000 for a token of GitHub Actions). A repository
in full is 6 of them. The processor time that GraphQL may take is 60 s in a minute: it sets about the same bound."""
RESERVE = 100
"""Points that are left to others."""
MOST_ISSUES = 300
MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A repository, from when on its issues count, and the packages that it is asked for where it holds others, too."""

    repository: Repository
    since: datetime | None = None
    names: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _State:
    """What has come of one repository."""

    wanted: Wanted
    portion: Portion
    issues: dict[int, Issue] = field(default_factory=dict)
    hits: dict[int, Issue] = field(default_factory=dict)
    path: str = ""
    total: int = 0
    answered: bool = False
    error: UpstreamError | None = None
    gaps: list[Gap] = field(default_factory=list)
    broken: int = 0
    first_fault: str = ""

    @property
    def repository(self) -> Repository:
        asked = self.wanted.repository
        moved = self.path and self.path.lower() != asked.path.lower()
        return replace(asked, path=self.path) if moved else asked

    def found(self) -> Found:
        kept = list(self.issues.values())[:MOST_ISSUES]
        left = max(0, max(self.total, len(self.issues)) - len(kept))
        numbers = {issue.number for issue in kept}
        gaps = [*self.gaps, *([broken(self.repository, self.broken, self.first_fault)] if self.broken else [])]
        return Found(
            repository=self.repository,
            issues=(*kept, *(issue for issue in self.hits.values() if issue.number not in numbers)),
            complete=not left and not gaps,
            left_out=left,
            gaps=tuple(gaps),
        )


class Survey:
    """The rounds of questions to the GraphQL API at `api`; `wanted` comes most suspicious first."""

    def __init__(self, api: str, host: str, wanted: Sequence[Wanted], words: Sequence[str]) -> None:
        self._api = api
        self._host = host
        self._words = tuple(words)
        self._states = {
            one.repository: _State(wanted=one, portion=FULL if place < LEADING else LIGHT) for place, one in enumerate(wanted)
        }
        self._next = [self._first(state) for state in self._states.values()]
        self._asked: list[list[Question]] = []
        self._rounds = 0
        self._spent = 0
        self._remaining: int | None = None
        self._unasked = 0

    # --- asking ------------------------------------------------------------------------------------------------------

    def _first(self, state: _State) -> list[Question]:
        listed = Question(kind="list", repository=state.wanted.repository, portion=state.portion, since=state.wanted.since)
        return [listed, *self._by_words(state)]

    def _by_words(self, state: _State) -> list[Question]:
        return (
            [Question(kind="words", repository=state.repository, portion=state.portion, words=self._words)] if self._words else []
        )

    def tasks(self) -> list[tuple[str, str, Flow[Batch]]]:
        """The requests of the next round, each with its name and host for the progress; none when all is asked."""
        groups, self._next = self._next, []
        if self._rounds >= MOST_ROUNDS:
            return []
        self._rounds += 1
        self._asked = self._batches(self._affordable(groups))
        return [(_named(batch), self._host, ask(self._api, batch)) for batch in self._asked]

    def _affordable(self, groups: Sequence[list[Question]]) -> list[list[Question]]:
        """The first of them that the budget still covers; repositories that it doesn't cover at all are counted."""
        left = BUDGET - self._spent
        if self._remaining is not None:
            left = min(left, self._remaining - RESERVE)
        hundredths = 100 * left
        kept = []
        for group in groups:
            hundredths -= sum(one.cost for one in group)
            if hundredths >= 0:
                kept.append(group)
            elif self._rounds == 1:
                self._unasked += 1
        return kept

    def _batches(self, groups: Sequence[list[Question]]) -> list[list[Question]]:
        """The questions put together, those on one repository in one request."""
        batches = []
        for portion, most in ((FULL, AT_ONCE if self._rounds == 1 else NEXT_AT_ONCE), (LIGHT, LIGHT_AT_ONCE)):
            own = [group for group in groups if group[0].portion == portion]
            count = -(-len(own) // most)
            # even shares: nine repositories are five and four, not eight and one
            size = -(-len(own) // count) if count else 1
            batches += [[one for group in own[start : start + size] for one in group] for start in range(0, len(own), size)]
        return batches

    # --- answers -----------------------------------------------------------------------------------------------------

    def take(self, answers: Iterable[Batch | UpstreamError]) -> None:
        """What the flows of the last round returned, in their order."""
        follow: dict[Repository, list[Question]] = {}
        for questions, answer in zip(self._asked, answers, strict=True):
            if isinstance(answer, UpstreamError):
                answer = Batch(told=tuple(Told(question=one, error=answer) for one in questions))
            self._spent += answer.cost or cost(questions)
            if answer.remaining is not None:
                self._remaining = answer.remaining if self._remaining is None else min(answer.remaining, self._remaining)
            for told in answer.told:
                state = self._state(told.question.repository)
                follow.setdefault(state.wanted.repository, []).extend(self._taken(state, told))
        self._asked = []
        self._next = [questions for questions in follow.values() if questions]

    def _state(self, repository: Repository) -> _State:
        """That of a repository under the name it was asked for, or under the one it has now."""
        state = self._states.get(repository)
        return state or next(one for one in self._states.values() if one.repository == repository)

    def _taken(self, state: _State, told: Told) -> list[Question]:
        """Notes what came of one question; gives those that follow from it."""
        if told.error is not None:
            self._failed(state, told.question, told.error)
            return []
        state.broken += told.broken
        state.first_fault = state.first_fault or told.first_fault
        if told.question.kind == "words":
            state.hits.update((issue.number, issue) for issue in told.issues if self._own(state, issue))
            return []
        state.issues.update((issue.number, issue) for issue in told.issues if self._own(state, issue) or told.path)
        state.total = max(state.total, told.total)
        if told.question.kind == "list" and not state.answered:
            return self._met(state, told)
        return self._more(state, told)

    def _own(self, state: _State, issue: Issue) -> bool:
        return issue.repository.lower() in (state.wanted.repository.path.lower(), state.path.lower())

    def _failed(self, state: _State, question: Question, error: UpstreamError) -> None:
        if question.kind == "list" and not state.answered:
            state.error = error
            return
        what = "its issues were not searched by words" if question.kind == "words" else f"only {len(state.issues)} were looked at"
        state.gaps.append(Gap(subject=state.repository.path, reason=error.reason, detail=f"{what}, because {error.detail}"))

    def _met(self, state: _State, told: Told) -> list[Question]:
        """The first answer of a repository: what it is, and how many issues are on its other pages."""
        state.answered = True
        state.path = told.path or state.wanted.repository.path
        if told.archived:
            detail = "is archived: its issues can be read, and no new ones be opened"
            state.gaps.append(Gap(subject=state.path, reason="archived-repository", detail=detail))
        if not told.issues_enabled:
            state.gaps.append(disabled(state.repository, discussions=told.discussions))
            return []
        # a search by the former name finds nothing
        again = self._by_words(state) if state.repository != state.wanted.repository else []
        return [*again, *self._more(state, told)]

    def _more(self, state: _State, told: Told) -> list[Question]:
        """The question for the next page: while all will fit, of the list; else of those that were opened first, because a
        regression is reported soon after its release."""
        if told.after is None or state.portion is LIGHT or len(state.issues) >= MOST_ISSUES:
            return []
        since, one = state.wanted.since, told.question
        if one.kind == "window" or since is None or told.total <= MOST_ISSUES:
            return [replace(one, repository=state.repository, after=told.after)]
        names = state.wanted.names
        return [Question(kind="window", repository=state.repository, portion=state.portion, since=since, words=names)]

    # --- results -----------------------------------------------------------------------------------------------------

    def results(self) -> Mapping[Repository, Found | UpstreamError]:
        """What came of each repository that was asked, under the name it was asked for."""
        return {
            repository: state.error or state.found()
            for repository, state in self._states.items()
            if state.error is not None or state.answered
        }

    def gaps(self) -> tuple[Gap, ...]:
        """What the budget left no room for."""
        if not self._unasked:
            return ()
        spare = self._remaining is not None and self._remaining - RESERVE < BUDGET - self._spent
        bound = f"of this token's points only {self._remaining} are left" if spare else f"a run spends at most {BUDGET} points"
        detail = f"{self._unasked} repositories of the least suspicious packages were not asked, because {bound}"
        return (
            Gap(subject=self._host, reason="left-out", detail=detail, hint="open their issues by hand, or ask again in an hour"),
        )


def _named(batch: Sequence[Question]) -> str:
    paths = dict.fromkeys(one.repository.path for one in batch)
    return next(iter(paths)) if len(paths) == 1 else f"{len(paths)} repositories"


def asks_again(error: UpstreamError) -> bool:
    """Whether the REST API may know what GraphQL didn't say."""
    return isinstance(error, BadResponse)
