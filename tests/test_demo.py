"""The demo on its real locks: the guilty change and its report come first, whatever the lock and the language."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lockblame.api import demo
from lockblame.errors import ReadError


@pytest.fixture(scope="module")
def shown():
    return demo.demo()


def test_every_lock_and_language_is_asked(shown):
    assert set(shown.reports) == {(lock, language) for lock in demo.LOCKS for language in demo.LANGUAGES}
    assert shown.shown is shown.reports["uv.lock", "en"]


@pytest.mark.parametrize("language", demo.LANGUAGES)
@pytest.mark.parametrize("lock", demo.LOCKS)
def test_the_culprit_comes_first(shown, lock, language):
    report = shown.reports[lock, language]
    suspect = report.suspects[0].change
    assert (suspect.name, suspect.old, suspect.new) == ("kombu", "5.3.1", "5.3.2")
    assert suspect.paths_after[0][1:] == ("celery", "kombu")
    assert (report.issues[0].issue.repository, report.issues[0].issue.number) == ("celery/kombu", 1783)
    assert report.issues[0].issue.url == "https://github.com/celery/kombu/issues/1783"
    assert report.conclusive


@pytest.mark.parametrize("lock", demo.LOCKS)
def test_each_lock_tells_the_same_changes(shown, lock):
    report = shown.reports[lock, "en"]
    assert {change.name for change in report.delta if change.step} == {
        *("boto3", "botocore", "celery", "django", "django-environ", "django-storages", "kombu", "pytz", "rpds-py", "sentry-sdk"),
    }


def test_scores_are_the_sums_of_their_evidence(shown):
    for report in shown.reports.values():
        for scored in (*report.suspects, *report.issues):
            assert scored.score == pytest.approx(sum(one.weight for one in scored.evidence), abs=1e-6)
        assert sum(suspect.probability for suspect in report.suspects) == pytest.approx(1, abs=0.001)


def test_the_command_prints_the_answer_and_the_table():
    command = [sys.executable, "-m", "lockblame", "demo", "--language", "ko", "--lock", "poetry.lock"]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert run.stderr == ""
    assert "kombu 5.3.1 → 5.3.2" in run.stdout.splitlines()[0]
    assert run.stdout.count("celery/kombu#1783") == 6


def test_the_repository_can_be_kept_to_try_things_on(tmp_path):
    place = tmp_path / "shop"
    assert demo.keep(place) == place
    status = subprocess.run(["git", "status", "--porcelain"], cwd=place, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    asked = ["blame", "deploy-2023-08-28", "deploy-2023-09-10:uv.lock", "--symptom-file", "incident/symptom.ko.txt"]
    asked[1] += ":uv.lock"
    command = [sys.executable, "-m", "lockblame", *asked, "--evidence", "incident", "--as-of", "2023-09-10"]
    shown = subprocess.run(command, cwd=place, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    assert shown.startswith("Most likely to blame: kombu 5.3.1 → 5.3.2")


def test_nothing_is_overwritten(tmp_path):
    with pytest.raises(ReadError, match="is there already"):
        demo.keep(tmp_path)
