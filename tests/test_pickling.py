"""What is found and what is raised goes to another process and comes back the same."""

from __future__ import annotations

import inspect
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from copy import copy, deepcopy
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings

import lockblame
from lockblame import errors, model
from lockblame.api import demo
from lockblame.report import render
from tests import snapshots
from tests.examples import report

KINDS = [getattr(errors, name) for name in errors.__all__]


def made(kind: type[errors.LockblameError]) -> errors.LockblameError:
    """One with every argument given."""
    if kind is errors.LockblameError:
        return kind("something")
    values: list[object] = []
    for one in inspect.signature(kind).parameters.values():
        text = str(one.annotation)
        values.append(410 if text.startswith("int") else 4e9 if "float" in text else f"the {one.name}\n“…”\udcff")
    return kind(*values)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_errors(kind, protocol):
    error = made(kind)
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy(error), deepcopy(error)):  # noqa: S301
        assert type(again) is kind
        assert (str(again), again.hint, again.args, vars(again)) == (str(error), error.hint, error.args, vars(error))


@given(snapshots.snapshots, snapshots.snapshots)
@settings(max_examples=40, deadline=None)
def test_any_delta(before, after):
    delta = lockblame.diff(before, after)
    again = pickle.loads(pickle.dumps(delta))  # noqa: S301
    assert again == delta
    assert render(again) == render(delta)
    # what a snapshot looks things up with comes along
    assert [again.after.get(name) for name in again.after.names] == [delta.after.get(name) for name in delta.after.names]


def test_reports():
    for found in (report(), *demo.demo().reports.values()):
        again = pickle.loads(pickle.dumps(found))  # noqa: S301
        assert again == found
        assert render(again, "json") == render(found, "json")


def test_every_public_record_is_one_that_can_be_pickled():
    """Frozen records of records, texts and numbers: nothing that holds a file, a lock or a function."""
    for name in lockblame.__all__:
        kind = getattr(lockblame, name)
        if not (inspect.isclass(kind) and is_dataclass(kind)):
            continue
        assert kind.__dataclass_params__.frozen, name
        for field in fields(kind):
            assert "Callable" not in str(field.type), f"{name}.{field.name}"


def _raise(slug: str) -> None:
    raise made(next(kind for kind in KINDS if kind.slug == slug))


def _read(folder: str) -> model.Snapshot:
    return lockblame.read("requirements.txt", repository=folder)


def test_through_a_process_that_was_spawned(tmp_path: Path):
    (tmp_path / "requirements.txt").write_text("kombu==5.3.2\n")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(_read, str(tmp_path)).result() == _read(str(tmp_path))
        for kind in KINDS:
            raised = pool.submit(_raise, kind.slug).exception()
            assert type(raised) is kind
            assert (str(raised), raised.args) == (str(made(kind)), made(kind).args)
        lost = pool.submit(_read, str(tmp_path / "nowhere")).exception()
        assert isinstance(lost, errors.ReadError)
