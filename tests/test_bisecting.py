"""bisect from end to end: small wheels without a network, and (online) a regression that really happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import lockblame
from lockblame.api.bisecting import bisect
from lockblame.errors import AlreadyBroken, BisectError, NotReproduced, TrialFailed
from lockblame.model import Bisection, Trial
from lockblame.report.proof import proof
from lockblame.trial import Environments
from lockblame.trial.interpreter import uv_command
from tests import wheelhouse

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")

NAMES = ("p0", "p1", "p2", "p3", "p4")
REGRESSION = Path(__file__).parent / "regressions" / "appengine"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bisecting")
    for name in NAMES:
        wheelhouse.put(folder / "wheels", name, "1.0")
        # p3 2.0 can't be had without the new p1; p4 2.0 and p0 2.0 fail only together
        requires = ["p1>=2"] if name == "p3" else []
        wheelhouse.put(folder / "wheels", name, "2.0", requires=requires)
    (folder / "before.txt").write_text(wheelhouse.lock(folder / "wheels", dict.fromkeys(NAMES, "1.0")))
    (folder / "after.txt").write_text(wheelhouse.lock(folder / "wheels", dict.fromkeys(NAMES, "2.0")))
    return folder


@pytest.fixture
def offline(shelf, monkeypatch, tmp_path):
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(shelf / "wheels"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return shelf


@pytest.fixture
def delta(offline):
    return lockblame.diff(offline / "before.txt", offline / "after.txt")


def fails_if(condition: str, before: str = "pass") -> list[str]:
    return ["python", "-c", f"import sys, time, p0, p1, p2, p3, p4; {before}; sys.exit({condition})"]


def found(delta, command, shelf, **options):
    return bisect(delta, command, environments=shelf / "cache", keep=40, **options)


def document_of(bisection) -> dict:
    """Its JSON document, held against the published schema."""
    from jsonschema import Draft202012Validator

    schema = json.loads((Path(__file__).parents[1] / "docs" / "reference" / "bisection.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    document = json.loads(proof(bisection, "json"))
    Draft202012Validator(schema).validate(document)
    return document


def names(bisection) -> list[str]:
    return [change.name for change in bisection.culprits]


class TestCulprits:
    @pytest.mark.parametrize("installer", ["uv", "pip"])
    def test_one(self, delta, shelf, installer):
        if installer == "uv" and uv_command() is None:
            pytest.skip("uv isn't installed")
        result = found(delta, fails_if("p2.version == '2.0'"), shelf, installer=installer)
        assert names(result) == ["p2"]
        assert result.minimal
        assert result.stopped is None
        assert not result.gaps
        assert result.trials[0].changes == ()
        assert result.trials[1].changes == NAMES
        assert len({trial.changes for trial in result.trials}) == len(result.trials)

    def test_the_suspects_come_first(self, delta, shelf):
        result = found(delta, fails_if("p2.version == '2.0'"), shelf, priors={"p2": 0.9})
        assert names(result) == ["p2"]
        assert len(result.trials) == 3

    def test_two_that_fail_only_together(self, delta, shelf):
        result = found(delta, fails_if("p0.version == p4.version == '2.0'"), shelf)
        assert names(result) == ["p0", "p4"]
        assert result.minimal

    def test_what_can_not_be_installed_apart_moves_together(self, delta, shelf):
        result = found(delta, fails_if("p3.version == '2.0'"), shelf)
        assert names(result) == ["p1", "p3"]
        assert result.minimal
        assert not [trial for trial in result.trials if "p3" in trial.changes and "p1" not in trial.changes]
        assert result.needs == (("p3", ("p1",)),)
        assert document_of(result)["needs"] == [{"name": "p3", "others": ["p1"]}]
        told = proof(result, "text", width=200)
        assert "p3 can't be installed without the change of p1, so that it was never tried without." in told
        assert "The rest without p3 is good: look at p3 first." in told

    def test_of_two_that_only_fail_together_none_had_to_come_along(self, delta, shelf):
        result = found(delta, fails_if("p0.version == p4.version == '2.0'"), shelf)
        assert result.needs == ()
        assert "look at" not in proof(result, "text")

    def test_untestable_mixes_are_stepped_around(self, delta, shelf):
        condition = "125 if p0.version != p1.version else p2.version == '2.0'"
        result = found(delta, fails_if(condition), shelf)
        assert names(result) == ["p2"]

    def test_a_mix_that_the_installer_refuses_is_stepped_around(self, delta, shelf, tmp_path, monkeypatch):
        made = Environments.prepare

        def prepare(self, pins):
            versions = {pin.name: pin.version for pin in pins}
            if versions["p0"] != versions["p1"]:
                raise TrialFailed("environment", "uv failed: p0 and p1 have one file in common")
            return made(self, pins)

        monkeypatch.setattr(Environments, "prepare", prepare)
        result = found(delta, fails_if("p2.version == '2.0'"), shelf, priors={"p1": 0.5})
        assert names(result) == ["p2"]
        refused = [trial for trial in result.trials if trial.verdict == "untestable"]
        assert refused
        assert {trial.detail for trial in refused} == {"uv failed: p0 and p1 have one file in common"}

    def test_parts_that_could_not_be_tested_are_told(self, delta, shelf):
        condition = "125 if p0.version != p2.version else p2.version == '2.0'"
        result = found(delta, fails_if(condition), shelf)
        assert names(result) == ["p0", "p2"]
        assert not result.minimal
        assert {gap.subject for gap in result.gaps} == {"p0", "p2"}


class TestJudged:
    def test_by_what_is_printed(self, delta, shelf):
        command = fails_if("3", "print('slow' if p1.version == '2.0' else 'fast')")
        assert names(found(delta, command, shelf, bad_if="slow")) == ["p1"]
        assert names(found(delta, command, shelf, good_if="re:^fast$")) == ["p1"]

    def test_by_time(self, delta, shelf):
        command = fails_if("0", "time.sleep(1.2 * (p1.version == '2.0'))")
        assert names(found(delta, command, shelf, slower_than=1.0, priors={"p1": 1.0})) == ["p1"]

    def test_by_a_time_out(self, delta, shelf):
        command = fails_if("0", "time.sleep(60 * (p1.version == '2.0'))")
        result = found(delta, command, shelf, timeout=1.5, priors={"p1": 1.0})
        assert names(result) == ["p1"]
        assert "not done within" in result.trials[1].detail

    def test_by_the_majority_of_a_flaky_command(self, delta, shelf, tmp_path):
        # every third run lies
        count = tmp_path / "count"
        count.touch()
        lie = f"import pathlib; c = pathlib.Path({str(count)!r}); n = len(c.read_text()); c.write_text('x' * (n + 1))"
        command = fails_if("(p2.version == '2.0') ^ (n % 3 == 2)", lie)
        result = found(delta, command, shelf, repeat=5, priors={"p2": 1.0})
        assert names(result) == ["p2"]
        assert result.certainty is not None
        assert 0 < result.certainty < 1
        assert "runs" in proof(result, "text")

    @pytest.mark.parametrize("slower", ["x", "2y", "-1", "nanx", 0])
    def test_times_that_are_none_are_refused(self, delta, shelf, slower):
        with pytest.raises(BisectError, match="is no time"):
            found(delta, ["true"], shelf, slower_than=slower)


class TestEnds:
    def test_not_reproduced(self, delta, shelf):
        with pytest.raises(NotReproduced, match="doesn't fail with"):
            found(delta, fails_if("0"), shelf)

    def test_already_broken(self, delta, shelf):
        with pytest.raises(AlreadyBroken, match=r"fails with .* already \(exit code 1\)"):
            found(delta, fails_if("1"), shelf)

    def test_untestable(self, delta, shelf):
        with pytest.raises(TrialFailed, match="can't be tested"):
            found(delta, fails_if("125"), shelf)

    def test_one_that_is_killed_is_told_how_to_count_that(self, delta, shelf):
        killed = "import os; p2.version == '2.0' and os.kill(os.getpid(), 9)"
        with pytest.raises(TrialFailed, match=r"ended by signal 9.*have it told") as caught:
            found(delta, fails_if("0", killed), shelf)
        assert "sh -c" in str(caught.value)
        told = ["sh", "-c", '"$@" || exit 1', "sh", *fails_if("0", killed)]
        assert names(found(delta, told, shelf)) == ["p2"]

    def test_a_command_that_is_not_there(self, delta, shelf):
        with pytest.raises(TrialFailed, match="neither in the trial's environment nor on PATH"):
            found(delta, ["no-such-command"], shelf)

    def test_nothing_differs(self, offline, shelf):
        same = lockblame.diff(offline / "before.txt", offline / "before.txt")
        with pytest.raises(BisectError, match="nothing that Python"):
            found(same, ["true"], shelf)

    def test_a_lock_that_can_not_be_installed(self, offline, shelf):
        delta = lockblame.diff(offline / "before.txt", lockblame.read("p0==9\n", format="requirements"))
        with pytest.raises(TrialFailed, match="failed"):
            found(delta, ["true"], shelf)


class TestLimits:
    def test_the_best_answer_so_far(self, delta, shelf, tmp_path):
        result = found(delta, fails_if("p2.version == '2.0'"), shelf, limit=3, journal=tmp_path / "journal")
        assert result.stopped == "limit"
        assert len(result.trials) == 3
        assert "p2" in names(result)
        assert not result.minimal
        assert "stopped" in proof(result, "text")

    def test_where_it_would_have_gone_on(self, delta):
        trials = (
            Trial(changes=(), verdict="good"),
            Trial(changes=("p0", "p1"), verdict="good"),
            Trial(changes=("p2",), verdict="good", package="p2"),
        )
        short = Bisection(culprits=tuple(delta)[:3], minimal=False, trials=trials, stopped="limit")
        assert "None of the good trials had p2: look there first." in proof(short, "text")
        assert "good trials" not in proof(replace(short, trials=trials[:1]), "text")

    def test_no_answer_before_the_ends(self, delta, shelf, tmp_path):
        with pytest.raises(BisectError, match="stopped before both ends"):
            found(delta, ["true"], shelf, limit=1, journal=tmp_path / "journal")

    def test_the_deadline_ends_an_installer_too(self, delta, shelf, tmp_path, monkeypatch):
        slow = tmp_path / "uv"
        slow.write_text("#!/bin/sh\nsleep 60\n")
        slow.chmod(0o755)
        monkeypatch.setattr("lockblame.trial.environments.uv_command", lambda: slow)
        started = time.monotonic()
        with pytest.raises(BisectError, match="stopped before both ends"):
            bisect(delta, ["true"], environments=tmp_path / "own", deadline=2)
        assert time.monotonic() - started < 40

    def test_journals_that_nobody_went_on_with_are_forgotten(self, delta, shelf, tmp_path):
        folder = tmp_path / "own" / "bisect"
        folder.mkdir(parents=True)
        for number in range(60):
            (folder / f"{number}.jsonl").touch()
            os.utime(folder / f"{number}.jsonl", (number, number))
        with pytest.raises(NotReproduced):
            bisect(delta, ["true"], environments=tmp_path / "own")
        left = {path.name for path in folder.iterdir()}
        assert len(left) == 51
        assert {f"{number}.jsonl" for number in range(10, 60)} < left

    def test_a_journal_goes_on(self, delta, shelf, tmp_path):
        journal = tmp_path / "journal.jsonl"
        command = fails_if("p2.version == '2.0'")
        first = found(delta, command, shelf, limit=3, journal=journal)
        second = found(delta, command, shelf, journal=journal)
        assert names(second) == ["p2"]
        assert [trial.changes for trial in second.trials[:3]] == [trial.changes for trial in first.trials]
        again = found(delta, command, shelf, journal=journal, limit=0)
        assert [trial.changes for trial in again.trials] == [trial.changes for trial in second.trials]
        assert again.stopped is None


class TestNothingIsLeft:
    def test_the_command_that_changes_its_environment_is_told(self, delta, shelf, tmp_path):
        code = "import shutil, p0, pathlib; site = pathlib.Path(p0.__file__).parent; shutil.rmtree(site / 'p4-2.0.dist-info')"
        command = fails_if(
            "p2.version == '2.0'", f"{code} if p4.version == '2.0' and (site / 'p4-2.0.dist-info').exists() else 0"
        )
        result = bisect(delta, command, environments=tmp_path / "own", priors={"p2": 1.0})
        assert names(result) == ["p2"]
        assert [gap.reason for gap in result.gaps] == ["environment-changed"]

    def test_interrupted_twice_nothing_runs_on_and_the_next_call_resumes(self, offline, shelf, tmp_path):
        pids, waiting = tmp_path / "pids", tmp_path / "waiting"
        waiting.touch()
        hang = f"import os, pathlib; open({str(pids)!r}, 'a').write(str(os.getpid()) + ' '); p = pathlib.Path({str(waiting)!r})"
        condition = "p2.version == '2.0'"
        # the third trial hangs as long as that file is there
        command = fails_if(condition, f"{hang}; time.sleep(60 if p.exists() and 0 < len({{p0.version, p4.version}}) - 1 else 0)")
        arguments = [sys.executable, "-m", "lockblame", "bisect", str(shelf / "before.txt"), str(shelf / "after.txt")]
        options = ["--environments", str(tmp_path / "own"), "--format", "json", "--", *command]
        running = subprocess.Popen([*arguments, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
        for _ in range(600):
            if pids.exists() and len(pids.read_text().split()) >= 3:
                break
            time.sleep(0.05)
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        # the second one may come so late that only the shell is left to tell it
        assert running.wait(20) in (130, -signal.SIGINT)
        assert b"the same call goes on from there" in running.communicate()[1]
        for pid in map(int, pids.read_text().split()):
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        journals = list((tmp_path / "own" / "bisect").iterdir())
        assert len(journals) == 1
        before = len(journals[0].read_text().splitlines()) - 1
        assert before == 2
        waiting.unlink()
        pids.unlink()
        run = subprocess.run([*arguments, *options], capture_output=True, check=True, cwd=tmp_path)
        document = json.loads(run.stdout)
        assert [culprit["name"] for culprit in document["culprits"]] == ["p2"]
        assert len(pids.read_text().split()) == len(document["trials"]) - before
        assert not list((tmp_path / "own" / "bisect").iterdir())


class TestShown:
    def test_the_document(self, delta, shelf):
        document = document_of(found(delta, fails_if("p2.version == '2.0'"), shelf, priors={"p2": 1.0}))
        assert set(document) == {"schema", "culprits", "minimal", "trials", "gaps"}
        assert document["schema"] == 1
        assert document["culprits"] == [{"name": "p2", "before": "1.0", "after": "2.0"}]
        assert document["minimal"] is True
        assert [(trial["changes"], trial["verdict"]) for trial in document["trials"]] == [
            ([], "good"),
            (list(NAMES), "bad"),
            (["p2"], "bad"),
        ]
        assert set(document["trials"][0]) == {"changes", "verdict", "seconds"}

    def test_the_document_of_a_search_that_was_stopped(self, delta, shelf, tmp_path):
        document = document_of(found(delta, fails_if("p2.version == '2.0'"), shelf, limit=3, journal=tmp_path / "journal"))
        assert [gap["reason"] for gap in document["gaps"]] == ["stopped"]
        assert document["minimal"] is False

    @pytest.mark.parametrize("style", ["text", "markdown"])
    def test_for_people(self, delta, shelf, style):
        shown = proof(found(delta, fails_if("p2.version == '2.0'"), shelf, priors={"p2": 1.0}), style)
        assert "p2 1.0 → 2.0" in shown
        assert "none of the changes" in shown

    def test_without_a_command_it_is_usage(self, shelf):
        from lockblame.cli import main

        assert main(["bisect", str(shelf / "before.txt"), str(shelf / "after.txt")]) == 2


@pytest.mark.online
class TestReally:
    """requests-toolbelt 0.10.1 imports a module that urllib3 2 no longer has; the old requests forbids urllib3 2.

    Verified by hand: with urllib3 1.26.20 the import works, with 2.0.2 (the first 2 that isn't yanked) it fails.
    """

    COMMAND = ("python", "-c", "from requests_toolbelt.adapters import appengine")

    @pytest.mark.parametrize("installer", ["uv", "pip"])
    def test_a_regression_that_happened(self, tmp_path: Path, installer):
        if installer == "uv" and uv_command() is None:
            pytest.skip("uv isn't installed")
        delta = lockblame.diff(REGRESSION / "before.txt", REGRESSION / "after.txt")
        assert len(delta) >= 10
        result = bisect(delta, self.COMMAND, installer=installer, environments=tmp_path, drill=installer == "uv")
        assert names(result) == ["requests", "urllib3"]
        assert result.minimal
        if installer == "uv":
            assert [(one.name, one.good, one.bad) for one in result.drills] == [("urllib3", "1.26.20", "2.0.2")]
