"""Programs, environments and journals of trials: real processes, real wheels, no network."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from lockblame.errors import BisectError, TrialFailed
from lockblame.model import Artifact, Pin, Source, Trial
from lockblame.trial import Command, Environments, Journal, Prepared, Processes, interpreter
from lockblame.trial.environments import _index
from lockblame.trial.lines import Part, parts
from lockblame.trial.matching import Wanted
from lockblame.trial.processes import HEAD, TAIL
from tests import wheelhouse

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def run(code: str, **options):
    return Processes().run(python(code), folder=Path.cwd(), environment=os.environ, **options)


def gone(pid: int) -> bool:
    """Whether the process has ended (a zombie has)."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (OSError, IndexError):
            return True
        time.sleep(0.02)
    return False


class TestProcesses:
    def test_code_and_output(self):
        ended = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
        assert ended.code == 7
        assert sorted(ended.output.split()) == [b"err", b"out"]

    def test_killed_by_a_signal(self):
        assert run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)").code == -11

    def test_it_has_no_input(self):
        assert run("import sys; sys.exit(len(sys.stdin.read()))").code == 0

    def test_what_hangs_is_ended_in_time(self):
        started = time.monotonic()
        ended = run("import time; time.sleep(60)", timeout=0.2)
        assert ended.code is None
        assert time.monotonic() - started < 60

    def test_what_ignores_being_asked_is_killed(self):
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
        started = time.monotonic()
        assert run(code, timeout=0.5).code is None
        assert time.monotonic() - started < 60

    def test_children_are_ended_with_it(self):
        child = "[sys.executable, '-c', 'import time; time.sleep(60)']"
        code = f"import subprocess, sys; print(subprocess.Popen({child}).pid, flush=True)"
        started = time.monotonic()
        ended = run(code)
        assert time.monotonic() - started < 60
        assert gone(int(ended.output))

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
    def test_a_daemon_that_left_the_group_is_ended_too(self):
        child = "[sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True"
        code = f"import subprocess, sys; print(subprocess.Popen({child}, stdout=subprocess.DEVNULL).pid, flush=True)"
        assert gone(int(run(code).output))

    def test_gigabytes_are_read_and_forgotten(self):
        ended = run("import sys\nfor _ in range(400): sys.stdout.write('x' * 2**18)\nprint('the end')")
        assert len(ended.output) <= HEAD + TAIL
        assert ended.output.endswith(b"the end\n")

    def test_closing_ends_what_runs_and_starts_nothing_more(self):
        processes = Processes()
        threading.Timer(0.3, processes.close).start()
        started = time.monotonic()
        ended = processes.run(python("import time; time.sleep(60)"), folder=Path.cwd(), environment=os.environ)
        assert ended.code == -9
        assert time.monotonic() - started < 60
        with pytest.raises(OSError, match="stopped"):
            processes.run(python(""), folder=Path.cwd(), environment=os.environ)


class TestMatching:
    def test_a_text_is_found_across_pieces(self):
        wanted = Wanted("needle")
        wanted.begin()
        for piece in (b"nee", b"d", b"le in the hay"):
            wanted.listen(piece)
        assert wanted.seen(b"")
        wanted.begin()
        wanted.listen(b"need le")
        assert not wanted.seen(b"")

    def test_a_pattern_is_searched_in_what_is_kept(self):
        assert Wanted("re:^Type.*proxies").seen(b"x\nTypeError: proxies\n")
        assert not Wanted("re:^proxies").seen(b"TypeError: proxies")

    def test_a_pattern_without_end_is_given_up(self, monkeypatch):
        monkeypatch.setattr("lockblame.trial.matching.PATIENCE", 0.5)
        with pytest.raises(TrialFailed, match="searches for more than"):
            Wanted("re:(a+)+$").seen(b"a" * 60 + b"b")

    @pytest.mark.parametrize("text", ["re:(", "", "re:", "re:" + "(" * 2000])
    def test_what_is_nothing_to_look_for_is_refused(self, text: str):
        with pytest.raises(TrialFailed):
            Wanted(text)


class TestLines:
    HASH = "sha256:" + "0a" * 32

    def lines(self, *pins: Pin) -> list[Part]:
        return list(parts(pins, Path("/nowhere"))[0])

    def test_a_registry_pin_keeps_hashes_extras_and_index(self):
        pin = Pin(
            name="celery",
            version="5.3.1",
            extras=("sqs",),
            source=Source(location="https://index.example/simple"),
            artifacts=(Artifact(hash=self.HASH), Artifact(hash="rubbish --evil")),
        )
        assert self.lines(pin) == [
            Part(lines=(f"celery[sqs]==5.3.1 --hash={self.HASH}",), hashed=True, index="https://index.example/simple")
        ]

    def test_git_url_and_unhashed_pins_stand_apart(self):
        git = Source(kind="git", location="https://code.example/x.git", revision="abc", subdirectory="sub")
        found = self.lines(
            Pin(name="x", version="1", source=git),
            Pin(name="y", version="2", source=Source(kind="url", location="https://files.example/y-2-py3-none-any.whl")),
            Pin(name="z", version="3", artifacts=(Artifact(hash=self.HASH),)),
        )
        assert found == [
            Part(lines=("y @ https://files.example/y-2-py3-none-any.whl",), hashed=False),
            Part(
                lines=("x @ git+https://code.example/x.git@abc#subdirectory=sub",),
                hashed=False,
                repositories=("https://code.example/x.git",),
            ),
            Part(lines=(f"z==3 --hash={self.HASH}",), hashed=True),
        ]

    @pytest.mark.parametrize(
        "pin",
        [
            Pin(name="x", version="1\n--index-url=https://evil.example"),
            Pin(name="x --pre", version="1"),
            Pin(name="x"),
            Pin(name="x", version="1", source=Source(kind="url", location="https://files.example/x --pre")),
            Pin(name="x", version="1", source=Source(kind="git", location="https://code.example/x")),
            Pin(name="x", version="1", source=Source(kind="editable", location=".")),
            Pin(name="x", version="1", source=Source(kind="path", location="../lib")),
        ],
    )
    def test_what_can_not_be_installed_is_a_gap(self, pin: Pin):
        found, gaps = parts([pin], Path("/nowhere"))
        assert found == ()
        assert len(gaps) == 1

    def test_indexes_go_by_variables(self):
        part = Part(lines=(), hashed=False, index="https://index.example/simple")
        assert _index(part, (), uv=True) == {"UV_DEFAULT_INDEX": "https://index.example/simple"}
        assert _index(Part(lines=(), hashed=False), (), uv=False) == {}


class TestJournal:
    TRIAL = Trial(changes=("a", "b"), verdict="bad", seconds=1.5, detail="exit code 1", runs=("bad",))

    def test_what_was_added_is_read_again(self, tmp_path: Path):
        path = tmp_path / "deep" / "journal.jsonl"
        journal = Journal(path, {"command": ["x"]})
        assert journal.trials == ()
        journal.add(self.TRIAL)
        assert Journal(path, {"command": ["x"]}).trials == (self.TRIAL,)

    def test_a_torn_line_is_dropped_and_not_glued_to_the_next(self, tmp_path: Path):
        path = tmp_path / "journal.jsonl"
        Journal(path, {}).add(self.TRIAL)
        with path.open("a") as file:
            file.write('{"changes": ["a"], "verd')
        journal = Journal(path, {})
        assert journal.trials == (self.TRIAL,)
        journal.add(self.TRIAL)
        assert Journal(path, {}).trials == (self.TRIAL, self.TRIAL)

    def test_lines_that_are_no_trials_count_for_nothing(self, tmp_path: Path):
        path = tmp_path / "journal.jsonl"
        Journal(path, {}).add(self.TRIAL)
        with path.open("a") as file:
            file.writelines(
                f"{line}\n" for line in ("[]", "{}", "x", '{"changes": [], "runs": [], "seconds": 1, "verdict": "ok"}')
            )
        assert Journal(path, {}).trials == (self.TRIAL,)

    def test_another_question_is_refused(self, tmp_path: Path):
        Journal(tmp_path / "journal.jsonl", {"command": ["x"]})
        with pytest.raises(BisectError, match="another question"):
            Journal(tmp_path / "journal.jsonl", {"command": ["y"]})
        (tmp_path / "readme").write_text("hello\n")
        with pytest.raises(BisectError, match="another question"):
            Journal(tmp_path / "readme", {})
        assert (tmp_path / "readme").read_text() == "hello\n"

    def test_a_place_that_can_not_be_written_is_one_error(self, tmp_path: Path):
        (tmp_path / "file").touch()
        with pytest.raises(BisectError, match="can't be kept there"):
            Journal(tmp_path / "file" / "journal", {})


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder of wheels, and a folder for environments that all tests of the session share."""
    folder = tmp_path_factory.mktemp("shelf")
    for version in ("1.0", "2.0"):
        wheelhouse.put(folder / "wheels", "one", version)
    return folder


@pytest.fixture
def offline(shelf, monkeypatch):
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(shelf / "wheels"))
    return shelf


@pytest.fixture(params=["uv", "pip"])
def environments(request, offline):
    from lockblame.trial.interpreter import uv_command

    if request.param == "uv" and uv_command() is None:
        pytest.skip("uv isn't installed")
    processes = Processes()
    made = Environments(interpreter(None, processes), processes, installer=request.param, folder=offline / "cache")
    yield made
    made.close()


def pinned(version: str, digest: str | None = None) -> Pin:
    return Pin(name="one", version=version, artifacts=(Artifact(hash=f"sha256:{digest}"),) if digest else ())


class TestEnvironments:
    def test_one_for_each_set_of_pins_and_reused(self, environments, shelf):
        first = environments.prepare([pinned("1.0")])
        again = environments.prepare([pinned("1.0")])
        other = environments.prepare([pinned("2.0", wheelhouse.put(shelf / "wheels", "one", "2.0"))])
        assert first.folder == again.folder != other.folder
        command = Command(["python", "-c", "import one; print(one.version)"], Processes(), folder=Path.cwd())
        assert command.run(first).tail == "1.0\n"
        assert command.run(other).tail == "2.0\n"
        assert not environments.changed(first)

    def test_a_wrong_hash_is_refused(self, environments):
        with pytest.raises(TrialFailed, match="failed"):
            environments.prepare([pinned("1.0", "00" * 32)])

    def test_what_is_not_there_is_one_sentence(self, environments):
        with pytest.raises(TrialFailed, match="failed"):
            environments.prepare([pinned("9.0")])

    def test_one_that_the_command_changed_is_made_anew(self, environments):
        prepared = environments.prepare([pinned("1.0")])
        site = next(prepared.folder.glob("lib/python*/site-packages"))
        shutil.rmtree(site / "one-1.0.dist-info")
        assert environments.changed(prepared)
        environments.prepare([pinned("1.0")])
        assert (site / "one-1.0.dist-info").is_dir()

    @pytest.mark.parametrize("change", ["written", "added", "linked", "mode"])
    def test_any_change_counts_and_compiled_modules_do_not(self, environments, change):
        prepared = environments.prepare([pinned("1.0")])
        site = next(prepared.folder.glob("lib/python*/site-packages"))
        (site / "__pycache__").mkdir(exist_ok=True)
        (site / "__pycache__" / "one.pyc").write_bytes(b"compiled")
        assert not environments.changed(prepared)
        module = site / "one.py"
        before = module.stat()
        if change == "written":
            module.write_text(module.read_text().replace("1.0", "1.1"))
            os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif change == "added":
            (prepared.folder / "bin" / "more").touch()
        elif change == "linked":
            (site / "two.py").symlink_to("one.py")
        else:
            module.chmod(0o600)
        assert environments.changed(prepared)
        environments.renew(prepared)
        assert not environments.changed(prepared)
        assert "1.0" in module.read_text()

    def test_no_more_are_kept_than_asked_for(self, environments, offline, tmp_path):
        processes = Processes()
        few = Environments(
            interpreter(None, processes), processes, installer=environments.installer, folder=offline / "few", keep=1
        )
        few.prepare([pinned("1.0")])
        last = few.prepare([pinned("2.0")])
        few.close()
        folders = [path for path in (offline / "few" / "trials").iterdir() if path.is_dir()]
        assert folders == [last.folder]
        shutil.rmtree(offline / "few" / "trials")


class TestCommand:
    PREPARED = Prepared(folder=Path("/nowhere"))

    def test_it_runs_in_the_folder_with_the_environment_first(self, tmp_path: Path):
        prepared = Prepared(folder=tmp_path / "env")
        code = "import os; print(os.getcwd(), os.environ['VIRTUAL_ENV'], os.environ['PATH'].split(os.pathsep)[0])"
        outcome = Command(python(code), Processes(), folder=tmp_path).run(prepared)
        assert outcome.tail.split() == [str(tmp_path), str(prepared.folder), str(prepared.programs)]

    def test_the_own_environment_of_the_user_is_not_on_path(self, monkeypatch, tmp_path: Path):
        (tmp_path / "mine" / "bin").mkdir(parents=True)
        tool = tmp_path / "mine" / "bin" / "only-mine"
        tool.write_text("#!/bin/sh\nexit 0\n")
        tool.chmod(0o755)
        monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "mine"))
        monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
        with pytest.raises(TrialFailed, match="neither in the trial's environment"):
            Command(["only-mine"], Processes(), folder=tmp_path).run(self.PREPARED)

    @pytest.mark.parametrize("words", [["./not-there"], ["/"], [sys.executable, "nul\0byte"]])
    def test_what_can_not_be_started_is_one_error(self, words, tmp_path: Path):
        with pytest.raises(TrialFailed, match="can't be started"):
            Command(words, Processes(), folder=tmp_path).run(self.PREPARED)

    def test_no_command_is_refused(self, tmp_path: Path):
        with pytest.raises(TrialFailed, match="behind --"):
            Command([], Processes(), folder=tmp_path)


class TestInterpreter:
    def test_the_running_one_is_its_base(self):
        found = interpreter(None, Processes())
        assert found.values["python_full_version"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
        assert json.dumps(found.values)

    @pytest.mark.parametrize("name", ["99.9", "no-such-python", "/bin/echo"])
    def test_what_is_none_is_one_error(self, name: str):
        with pytest.raises(TrialFailed):
            interpreter(name, Processes())
