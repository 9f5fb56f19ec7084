"""Many services at once, by any executor: `diff_each`, `blame_each`, `check_each`.

Reading and ranking are work for the executor; upstream is asked by the caller's process alone, once for all services, and each
gets what concerns it. So nothing is asked twice, and workers need neither tokens nor the network.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from lockblame.api.asking.evidence import Asked, Knowledge, PathLike, client_of, from_bundle, save
from lockblame.api.asking.missing import from_cache, unasked
from lockblame.api.fleets.pooling import Pool, Share, Wants, wants
from lockblame.api.reading import Source
from lockblame.errors import LockblameError
from lockblame.model import Delta, Environment, Gap, Report, Snapshot, Symptom
from lockblame.progress import SILENT, Progress

if TYPE_CHECKING:
    from lockblame.client import Client
    from lockblame.policy import Policy

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")

PATIENCE = 900.0
"""Seconds that asking about all packages of a fleet may take."""
_AHEAD = 128
"""Jobs that are handed to the executor before the first of them is asked for: what isn't fetched yet is held in memory."""
_READING, _JUDGING = "reading locks", "judging services"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One of many: where its locks are, as `diff` and `blame` take them, and what is its own.

    `name` is what its answer is called (default: the repository's folder). `symptom` and `environment` are its own where they
    differ from those of the whole call. `repository` and `config` may be relative to the current folder of whoever makes the
    call; workers elsewhere need to find them under the same absolute path.
    """

    before: Source
    after: Source | None = None
    repository: PathLike | None = None
    name: str = ""
    symptom: str | None = None
    config: PathLike | None = None
    environment: Environment | None = None

    def __str__(self) -> str:
        if self.name:
            return self.name
        if self.repository is not None:
            return Path(os.path.abspath(self.repository)).name  # noqa: PTH100 (no look at the disk: "." is what matters)
        if isinstance(self.before, bytes):
            return "(content)"
        return self.before.origin if isinstance(self.before, Snapshot) else os.fspath(self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What came of one service: `found` (a Delta or a Report), or the `error` that stands for it."""

    service: Service
    found: T | None = None
    error: LockblameError | None = None

    def result(self) -> T:
        """What was found. Raises the error where there is one."""
        if self.found is None:
            raise self.error or LockblameError(f"{self.service} has no answer")
        return self.found


# --- calls -----------------------------------------------------------------------------------------------------------


def diff_each(
    services: Iterable[Service],
    *,
    executor: Executor | None = None,
    environment: Environment | None = None,
    progress: Progress = SILENT,
) -> Iterator[Answer[Delta]]:
    """`diff` of each service, in their order, by any executor (threads, processes, dask's `Client.get_executor()`); or here.

    What goes wrong with one service is that one's answer. Nothing is asked upstream. Answers come as soon as they are there:
    begin to iterate, and leave whenever you like.
    """
    every = _shared(services, None, environment)
    progress.begin(_READING, len(every))
    try:
        for answer in _mapped(executor, _diffed, every):
            progress.step(_READING, str(answer.service))
            yield answer
    finally:
        progress.end(_READING)


def blame_each(
    services: Iterable[Service],
    *,
    symptom: str | None = None,
    executor: Executor | None = None,
    evidence: PathLike | None = None,
    save_evidence: PathLike | None = None,
    as_of: datetime | None = None,
    environment: Environment | None = None,
    offline: bool = False,
    token: str | None = None,
    client: Client | None = None,
    progress: Progress = SILENT,
) -> Iterator[Answer[Report]]:
    """`blame` of each service, in their order, by any executor; upstream is asked once for all of them, from this process.

    First all locks are read, then the packages that changed anywhere are looked up: each page of an index and each
    repository's issues once, from the earliest release that any service took on. Then each service is ranked with what concerns
    it. `symptom` is for services without one of their own. What was opened since the releases is there for all; older issues
    are searched for the words of one symptom only, and a gap says so to services with another. `evidence` is a bundle to use in
    place of asking, which a call with `save_evidence` wrote. The other arguments are those of `blame`; to look deeper, `blame`
    the few that matter by themselves.

    What goes wrong with one service is that one's answer. Raises ReadError for `evidence`, SymptomError for `symptom`.
    """
    every = _shared(services, symptom, environment)
    searched = symptom if symptom is not None else _common(every)
    given = _Given(evidence=evidence, save_evidence=save_evidence, offline=offline, token=token, client=client, symptom=searched)
    if symptom is not None:
        _analyzed(symptom)
    return _investigated(every, _Blaming(as_of=as_of), given, executor, progress)


def check_each(
    services: Iterable[Service],
    *,
    policy: Policy | PathLike | None = None,
    executor: Executor | None = None,
    evidence: PathLike | None = None,
    save_evidence: PathLike | None = None,
    as_of: datetime | None = None,
    environment: Environment | None = None,
    offline: bool = False,
    token: str | None = None,
    client: Client | None = None,
    progress: Progress = SILENT,
) -> Iterator[Answer[Report]]:
    """`check` of each service, in their order; asked and answered like `blame_each`. Symptoms of services count for nothing.

    `policy` holds for all of them (default: each service's own). Raises ReadError for `evidence`.
    """
    every = [replace(one, symptom=None) for one in _shared(services, None, environment)]
    given = _Given(evidence=evidence, save_evidence=save_evidence, offline=offline, token=token, client=client)
    chosen = os.path.abspath(policy) if isinstance(policy, str | os.PathLike) else policy  # noqa: PTH100
    return _investigated(every, _Checking(as_of=as_of, policy=chosen), given, executor, progress)


# --- jobs, which executors carry elsewhere ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blaming:
    as_of: datetime | None

    def __call__(self, job: tuple[Service, Knowledge]) -> Answer[Report]:
        from lockblame.api.blaming import investigate

        service, held = job
        try:
            found = investigate(
                service.before,
                service.after,
                symptom=service.symptom,
                asked=Asked(held=held),
                save_evidence=None,
                as_of=self.as_of,
                config=service.config,
                environment=service.environment,
                repository=service.repository,
                scorer=None,
                deep=False,
                progress=SILENT,
            )
        except LockblameError as error:
            return Answer(service=service, error=error)
        return Answer(service=service, found=found.report)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checking:
    as_of: datetime | None
    policy: Policy | PathLike | None

    def __call__(self, job: tuple[Service, Knowledge]) -> Answer[Report]:
        from lockblame.api.checking import inspect

        service, held = job
        try:
            found = inspect(
                service.before,
                service.after,
                policy=self.policy,
                asked=Asked(held=held),
                save_evidence=None,
                as_of=self.as_of,
                config=service.config,
                environment=service.environment,
                repository=service.repository,
                deep=False,
                progress=SILENT,
            )
        except LockblameError as error:
            return Answer(service=service, error=error)
        return Answer(service=service, found=found)


Job = Callable[[tuple[Service, Knowledge]], Answer[Report]]


def _diffed(service: Service) -> Answer[Delta]:
    from lockblame.api.comparing import diff

    try:
        found = diff(service.before, service.after, environment=service.environment, repository=service.repository)
    except LockblameError as error:
        return Answer(service=service, error=error)
    return Answer(service=service, found=found)


def _wanted(service: Service) -> Wants | LockblameError:
    try:
        return wants(
            service.before,
            service.after,
            repository=service.repository,
            config=service.config,
            environment=service.environment,
        )
    except LockblameError as error:
        return error


# --- how they come together ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """Where the caller wants upstream evidence from, and the symptom whose words forges are searched for."""

    evidence: PathLike | None
    save_evidence: PathLike | None
    offline: bool
    token: str | None = field(repr=False)
    client: Client | None
    symptom: str | None = None


def _shared(services: Iterable[Service], symptom: str | None, environment: Environment | None) -> list[Service]:
    """The services with what they share, and with folders that are the same wherever they are looked up."""

    def whole(one: Service) -> Service:
        return replace(
            one,
            name=str(one),
            symptom=symptom if one.symptom is None else one.symptom,
            environment=one.environment or environment,
            repository=os.path.abspath(one.repository or "."),  # noqa: PTH100
            config=None if one.config is None else os.path.abspath(one.config),  # noqa: PTH100
        )

    return [whole(one) for one in services]


def _common(services: Sequence[Service]) -> str | None:
    """The one symptom that all services have which have any; None where they differ."""
    texts = {one.symptom for one in services if one.symptom is not None}
    return texts.pop() if len(texts) == 1 else None


def _analyzed(symptom: str | None) -> Symptom | None:
    from lockblame.symptom import analyze

    return None if symptom is None else analyze(symptom)


def _investigated(
    services: Sequence[Service], job: Job, given: _Given, executor: Executor | None, progress: Progress
) -> Iterator[Answer[Report]]:
    """Reads the evidence that was given, so that whoever calls hears at once of what is wrong with it."""
    held = from_bundle(given.evidence) if given.evidence is not None else None
    return _answers(services, job, given, held, executor, progress)


def _answers(
    services: Sequence[Service],
    job: Job,
    given: _Given,
    held: Knowledge | None,
    executor: Executor | None,
    progress: Progress,
) -> Iterator[Answer[Report]]:
    pool = Pool()
    shares = _read(pool, services, executor, progress)
    if held is not None:
        pool.fill(held)
    else:
        _ask(pool, given, progress)
    if given.save_evidence is not None:
        save(given.save_evidence, pool.whole())
    jobs = (
        (service, _part(pool, share, service, given.symptom))
        for service, share in zip(services, shares, strict=True)
        if not isinstance(share, LockblameError)
    )
    judged = _mapped(executor, job, jobs)
    progress.begin(_JUDGING, len(services))
    try:
        for service, share in zip(services, shares, strict=True):
            unread: Answer[Report] | None = None
            if isinstance(share, LockblameError):
                unread = Answer(service=service, error=share)
            answer = unread or next(judged)
            progress.step(_JUDGING, str(service))
            yield answer
    finally:
        judged.close()
        progress.end(_JUDGING)


def _read(
    pool: Pool, services: Sequence[Service], executor: Executor | None, progress: Progress
) -> Sequence[Share | LockblameError]:
    """Puts into the pool what each service wants; its share, or why it can't be read."""
    shares: list[Share | LockblameError] = []
    progress.begin(_READING, len(services))
    try:
        for service, read in zip(services, _mapped(executor, _wanted, services), strict=True):
            wanted = _remembered(service, read)
            try:
                shares.append(wanted if isinstance(wanted, LockblameError) else pool.add(wanted))
            except LockblameError as error:
                # where to ask for a package is decided here, and this machine's settings may be unreadable
                shares.append(error)
            progress.step(_READING, str(service))
    finally:
        progress.end(_READING)
    return shares


def _remembered(service: Service, wanted: Wants | LockblameError) -> Wants | LockblameError:
    """What a worker read, with the passwords of its indexes, which no worker hands on: for the few that write one into a file it
    is read again here, where upstream is asked. Where the files are out of reach, this machine's own settings have to do."""
    if isinstance(wanted, LockblameError) or not wanted.forgetful:
        return wanted
    again = _wanted(service)
    return wanted if isinstance(again, LockblameError) else again


def _ask(pool: Pool, given: _Given, progress: Progress) -> None:
    try:
        symptom = _analyzed(given.symptom)
    except LockblameError:
        # it is the services' own, and each of them says so
        symptom = None
    asked = Asked(offline=given.offline, token=given.token, client=given.client)
    with client_of(asked, progress, deadline=PATIENCE) as client:
        pool.ask(client, symptom)


def _part(pool: Pool, share: Share, service: Service, searched: str | None) -> Knowledge:
    """What concerns the service; `searched` is the symptom that old issues were searched for."""
    known = from_cache(pool.part(share), Knowledge(), unasked())
    if not pool.asked or service.symptom in (None, searched):
        return known
    detail = "older issues were not searched for its words, because other services have other symptoms"
    gap = Gap(subject="symptom", reason="left-out", detail=detail, hint="blame this service by itself")
    return replace(known, gaps=(*known.gaps, gap))


def _mapped(executor: Executor | None, function: Callable[[A], B], jobs: Iterable[A]) -> Generator[B, None, None]:
    """`function` of each job, in their order, some ahead of whoever asks. Leaving early cancels what hasn't begun."""
    if executor is None:
        yield from map(function, jobs)
        return
    waiting: deque[Future[B]] = deque()
    try:
        for job in jobs:
            waiting.append(executor.submit(function, job))
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
