"""What a program that imports lockblame looks like: mypy --strict and pyright read it (tests/test_typing.py), nobody runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, assert_type

import lockblame
from lockblame import errors


def compared(before: str, after: Path) -> list[str]:
    delta = lockblame.diff(before, after)
    assert_type(delta, lockblame.Delta)
    assert_type(delta[0], lockblame.Change)
    assert_type(delta[:2], tuple[lockblame.Change, ...])
    assert_type(delta.get("kombu"), tuple[lockblame.Change, ...])
    sequence: Sequence[lockblame.Change] = delta
    for change in sequence:
        assert_type(change.old, str | None)
        assert_type(change.reason, lockblame.Reason)
    assert_type(delta.rows(), list[dict[str, Any]])
    return [str(change) for change in delta if change.kind == "downgraded"]


def blamed() -> lockblame.Issue | None:
    with lockblame.Client(tokens={"git.example": "…"}, offline=True) as client:
        assert_type(client, lockblame.Client)
        report = lockblame.blame(
            "v1..v2", symptom="slow", client=client, deep=lockblame.Budget(), scorer=lambda symptom, text: 0.5
        )
    assert_type(report, lockblame.Report)
    assert_type(report.as_of, datetime | None)
    assert_type(report.suspects[0].evidence, tuple[lockblame.Evidence, ...])
    assert_type(report.gaps, tuple[lockblame.Gap, ...])
    assert_type(lockblame.to_dict(report), dict[str, Any])
    again = lockblame.from_dict(lockblame.to_dict(report))
    assert_type(again, lockblame.Delta | lockblame.Report)
    return report.issues[0].issue if report.issues else None


def checked() -> bool:
    report = lockblame.check("v1", "v2", policy=lockblame.Policy(min_age=timedelta(days=3)))
    assert_type(report.violations, tuple[lockblame.Violation, ...])
    return any(one.stops for one in report.violations)


def proven(delta: lockblame.Delta) -> lockblame.Rollback:
    bisection = lockblame.bisect(delta, ["pytest", "-x"], priors={"kombu": 0.5}, timeout=60)
    assert_type(bisection, lockblame.Bisection)
    assert_type(bisection.trials, tuple[lockblame.Trial, ...])
    assert_type(bisection.culprits, tuple[lockblame.Change, ...])
    return lockblame.rollback("v1..v2", packages=[change.name for change in bisection.culprits])


def brought(revision: lockblame.Revision) -> lockblame.Commit:
    assert_type(revision.changes, tuple[lockblame.Change, ...])
    return revision.commit


def chronicle() -> list[lockblame.Commit]:
    return [brought(revision) for revision in lockblame.history("uv.lock")]


def excused(until: date) -> lockblame.Policy:
    return lockblame.Policy(allowances=(lockblame.Allowance(package="kombu", reason="a fix we wait for", expires=until),))


def fleet(folders: list[Path]) -> Iterator[str]:
    services = [lockblame.Service(before="v1", after="v2", repository=one) for one in folders]
    with ProcessPoolExecutor() as pool:
        for delta in lockblame.diff_each(services, executor=pool):
            assert_type(delta, lockblame.Answer[lockblame.Delta])
        answers = lockblame.blame_each(services, symptom="slow", executor=pool)
        assert_type(answers, Iterator[lockblame.Answer[lockblame.Report]])
        for answer in answers:
            assert_type(answer.found, lockblame.Report | None)
            assert_type(answer.error, lockblame.LockblameError | None)
            assert_type(answer.result(), lockblame.Report)
    yield from lockblame.json_lines(lockblame.check_each(services))


def told() -> str:
    try:
        snapshot = lockblame.read("uv.lock", at="v1")
        assert_type(snapshot, lockblame.Snapshot)
        assert_type(snapshot.select(lockblame.Environment(python="3.12")), lockblame.Snapshot)
    except errors.LockParseError as error:
        assert_type(error.place, str | None)
        return error.subject
    except errors.RateLimited as error:
        assert_type(error.until, float | None)
        return error.slug
    except lockblame.LockblameError as error:
        assert_type(error.hint, str | None)
        return str(error)
    assert_type(lockblame.__version__, str)
    assert_type(lockblame.errors.RevisionError("v1", "gone").subject, str)
    return snapshot.origin


class Bar(lockblame.Progress):
    def begin(self, stage: str, total: int | None = None) -> None: ...


async def in_an_event_loop() -> lockblame.Report:
    return await asyncio.to_thread(lockblame.blame, "v1..v2", symptom="slow", progress=Bar())
