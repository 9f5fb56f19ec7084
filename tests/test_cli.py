"""The command line as a process: what it prints where, and with which exit code."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import subprocess
import sys
from argparse import Namespace, _SubParsersAction
from pathlib import Path

import pytest

from lockblame.cli import main, parted, whole_parser
from lockblame.commands.parser import commands_of, parsed
from lockblame.logbook import log
from tests.repositories import commit, git, start

OLD = "celery==5.3.1\nkombu==5.3.1\n    # via celery\n"
NEW = "celery==5.3.1\nkombu==5.3.2\n    # via celery\n"
ISSUE = {
    "repository": "celery/kombu",
    "number": 1783,
    "title": "Workers crawl since 5.3.2",
    "body": "the queue is full and the worker waits",
    "state": "closed",
    "created_at": "2023-09-04",
    "labels": [],
    "comments": None,
    "pull_request": False,
}


def lockblame(*arguments: str, folder: Path, stdin: bytes | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [sys.executable, "-m", "lockblame", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env={**os.environ, "GITHUB_TOKEN": "ghp_secret", **environment},
        check=False,
    )
    assert b"Traceback" not in run.stderr
    assert b"ghp_secret" not in run.stdout + run.stderr
    return subprocess.CompletedProcess(run.args, run.returncode, run.stdout.decode("utf-8"), run.stderr.decode("utf-8"))


@pytest.fixture
def project(tmp_path):
    folder = start(tmp_path / "project")
    commit(folder, {"requirements.txt": OLD}, "v1")
    commit(folder, {"requirements.txt": NEW, "app/worker.py": "", "deploy/prod.env": ""}, "v2")
    (folder / "issues.jsonl").write_text(json.dumps(ISSUE) + "\n")
    return folder


def blamed(project: Path, *arguments: str, **more) -> dict:
    run = lockblame("blame", "v1..v2", "--offline", "--format", "json", *arguments, folder=project, **more)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


class TestDiff:
    def test_json_by_the_contract(self, project):
        run = lockblame("diff", "v1", "v2", "--format", "json", folder=project)
        (change,) = json.loads(run.stdout)["changes"]
        assert (change["name"], change["kind"], change["before"], change["after"]) == ("kombu", "upgraded", ["5.3.1"], ["5.3.2"])
        assert change["purl"] == "pkg:pypi/kombu@5.3.2"
        assert (run.returncode, run.stderr) == (0, "")

    def test_nothing_changed_is_an_answer(self, project):
        run = lockblame("diff", "v1", "v1", folder=project)
        assert run.returncode == 0
        assert "Nothing changed" in run.stdout

    def test_a_pipe_gets_no_colour_and_no_progress(self, project):
        run = lockblame("diff", "v1", "v2", folder=project, FORCE_COLOR="1", CLICOLOR_FORCE="1")
        assert "\x1b" not in run.stdout + run.stderr

    def test_an_environment_narrows(self, project):
        marked = 'kombu==5.3.3 ; python_version < "3.12"\nkombu==5.3.4 ; python_version >= "3.12"\n'
        commit(project, {"requirements.txt": marked}, "v3")
        run = lockblame("diff", "v2", "v3", "--python", "3.12", "--format", "json", folder=project)
        assert next(one for one in json.loads(run.stdout)["changes"] if one["name"] == "kombu")["after"] == ["5.3.4"]

    def test_why_names_who_demands_it_and_every_path(self, project):
        run = lockblame("diff", "v1", "v2", "--why", "Kombu", "--offline", folder=project)
        assert "kombu 5.3.1 → 5.3.2 (upgraded, micro)" in run.stdout
        assert "celery → kombu" in run.stdout
        document = json.loads(
            lockblame("diff", "v1", "v2", "--why", "kombu", "--offline", "--format", "json", folder=project).stdout
        )
        assert document["why"][0]["paths"]["after"] == [["app", "celery", "kombu"]]

    def test_why_of_what_did_not_change(self, project):
        assert "did not change" in lockblame("diff", "v1", "v2", "--why", "celery", "--offline", folder=project).stdout


class TestHistory:
    @pytest.fixture
    def longer(self, project):
        commit(project, {"requirements.txt": NEW.replace("celery==5.3.1", "celery==5.3.4")}, "v3", "Celery, too")
        commit(project, {"app/worker.py": "x"}, subject="No lock")
        return project

    def revisions(self, folder, *arguments):
        run = lockblame("history", *arguments, "--format", "json", folder=folder)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)["revisions"]

    def test_which_commit_brought_what(self, longer):
        found = self.revisions(longer, "requirements.txt")
        brought = [[(change["name"], change["after"]) for change in one["changes"]] for one in found]
        assert brought == [[("celery", "5.3.4")], [("kombu", "5.3.2")], [("celery", "5.3.1"), ("kombu", "5.3.1")]]
        assert found[0]["commit"]["subject"] == "Celery, too"

    def test_one_package_since_a_revision(self, longer):
        assert len(self.revisions(longer, "--package", "Kombu")) == 2
        assert self.revisions(longer, "--package", "kombu", "--since", "v2") == []

    def test_text_and_markdown(self, longer):
        text = lockblame("history", folder=longer).stdout
        assert "celery 5.3.1 → 5.3.4" in text
        assert "### " in lockblame("history", "--format", "markdown", folder=longer).stdout

    @pytest.mark.parametrize("arguments", [["no/such.lock"], ["--since", "v9"], ["app"]])
    def test_what_is_not_there(self, longer, arguments):
        run = lockblame("history", *arguments, folder=longer)
        assert (run.returncode, run.stdout, run.stderr.count("\n")) == (3, "", 1)

    def test_blame_names_the_commit_of_each_suspect(self, longer):
        run = lockblame("blame", "v1..v3", "--symptom", "slow queue", "--offline", "--format", "json", folder=longer)
        subjects = {one["package"]: [each["subject"] for each in one["commits"]] for one in json.loads(run.stdout)["suspects"]}
        assert subjects == {"celery": ["Celery, too"], "kombu": ["Change"]}


class TestBlame:
    def test_an_issue_of_a_file_is_found(self, project):
        found = blamed(project, "--symptom", "the worker waits although the queue is full", "--issues", "issues.jsonl")
        assert found["suspects"][0]["package"] == "kombu"
        assert (found["issues"][0]["repository"], found["issues"][0]["number"]) == ("celery/kombu", 1783)
        assert found["issues"][0]["url"] == "https://github.com/celery/kombu/issues/1783"
        assert found["deployment"]["touched"]["settings"] == ["deploy/prod.env"]

    @pytest.mark.parametrize("way", ["file", "stdin"])
    def test_the_symptom_from_a_file_or_stdin(self, project, way):
        text = "큐가 가득 찼는데 워커가 기다립니다".encode()
        (project / "symptom.txt").write_bytes(text)
        where = ["--symptom-file", "symptom.txt" if way == "file" else "-"]
        assert blamed(project, *where, stdin=text if way == "stdin" else None)["symptom"] == text.decode()

    def test_as_of_ignores_what_came_later(self, project):
        arguments = ("--symptom", "queue", "--issues", "issues.jsonl", "--as-of")
        assert blamed(project, *arguments, "2023-09-03")["issues"] == []
        assert len(blamed(project, *arguments, "2023-09-04")["issues"]) == 1

    def test_settings_name_the_repository(self, project):
        moved = {**ISSUE, "repository": "other/place"}
        (project / "issues.jsonl").write_text(json.dumps(moved) + "\n")
        arguments = ("--symptom", "queue", "--issues", "issues.jsonl")
        assert blamed(project, *arguments)["issues"] == []
        (project / "pyproject.toml").write_text('[tool.lockblame.upstreams]\nkombu = "https://github.com/other/place"\n')
        assert len(blamed(project, *arguments)["issues"]) == 1
        (project / "mine.toml").write_text('[upstreams]\nkombu = "https://github.com/celery/kombu"\n')
        assert blamed(project, *arguments, "--config", "mine.toml")["issues"] == []

    def test_a_malformed_line_is_a_gap_that_names_it(self, project):
        (project / "issues.jsonl").write_text("{broken\n" + json.dumps(ISSUE) + "\n")
        found = blamed(project, "--symptom", "queue", "--issues", "issues.jsonl")
        assert len(found["issues"]) == 1
        assert any("issues.jsonl, line 1" in gap["subject"] for gap in found["gaps"])

    def test_offline_is_said(self, project):
        assert any(gap["reason"] == "offline" for gap in blamed(project, "--symptom", "queue")["gaps"])

    def test_saved_evidence_makes_the_same_report(self, project):
        symptom = ("--symptom", "the worker waits although the queue is full")
        first = blamed(project, *symptom, "--issues", "issues.jsonl", "--save-evidence", "kept")
        assert blamed(project, *symptom, "--evidence", "kept") == first

    def test_markdown(self, project):
        run = lockblame(
            *("blame", "v1..v2", "--offline", "--symptom", "queue", "--issues", "issues.jsonl", "--format", "markdown"),
            folder=project,
        )
        assert run.stdout.startswith("# ")


class TestFailure:
    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (["diff", "v1", "v9"], 3, "v9"),
            (["diff", "v1", "no/such.lock"], 3, "no/such.lock: doesn't exist"),
            (["diff", "requirement.txt", "v2"], 3, "is one of these meant: requirements.txt?"),
            (["diff", "v1:requirements.txt", "broken.lock"], 3, "broken.lock"),
            (["diff", "v1", "conflict/uv.lock"], 3, "conflict"),
            (["diff", "v1", "notes.md"], 3, "notes.md"),
            (["diff", "--", "-v1", "v2"], 3, "-v1"),
            (["blame", "v1..v2", "--offline", "--symptom", "  "], 2, "symptom"),
            (["blame", "v1..v2", "--offline", "--symptom-file", "nothing.txt"], 3, "nothing.txt"),
            (["blame", "v1..v2", "--offline", "--issues", "nothing.jsonl"], 3, "nothing.jsonl"),
            (["blame", "v1..v2", "--offline", "--evidence", "nowhere"], 3, "nowhere"),
            (["blame", "v1..v2", "--offline", "--config", "bad.toml"], 3, "bad.toml"),
            (["blame", "v1..v2", "--offline", "--as-of", "soon"], 2, "soon"),
            (["diff", "v1", "v2", "--format", "pdf"], 2, "pdf"),
            (["blame", "v1..v2", "worker hangs", "--offline"], 3, "leave 'worker hangs' out (a symptom stands in quotes)"),
            (["blame", "--symptom", "worker", "hangs", "v1..v2", "--offline"], 3, "v1..v2: is a range, which has both sides"),
            (["frobnicate"], 2, "frobnicate"),
            ([], 2, "COMMAND"),
        ],
    )
    def test_one_sentence_and_the_exit_code(self, project, arguments, code, says):
        (project / "broken.lock").write_text('version = 1\n[[package]]\nname = "x\n')
        (project / "conflict").mkdir()
        (project / "conflict" / "uv.lock").write_text("version = 1\n<<<<<<< HEAD\n=======\n>>>>>>> other\n")
        (project / "notes.md").write_bytes(b"\x00\x01 nothing to see")
        (project / "bad.toml").write_text("[upstreams]\nkombu = 3\n")
        run = lockblame(*arguments, folder=project)
        assert (run.returncode, run.stdout) == (code, "")
        assert says in run.stderr
        if code == 3:
            assert run.stderr.startswith("lockblame: ")
            assert run.stderr.count("\n") == 1

    @pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the stream")
    def test_a_symptom_from_a_stream_that_is_closed(self, project):
        command = f'"{sys.executable}" -m lockblame blame v1..v2 --offline --symptom-file - <&-'
        run = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr.count("\n")) == (2, 1)
        assert "the symptom is empty" in run.stderr

    def test_no_deploy_goes_with_a_lock_that_nobody_could_read(self, project):
        commit(project, {"web/uv.lock": 'version = 1\n[[package]]\nname = "a"\nversion = "1"\n'}, "v3")
        commit(project, {"web/uv.lock": "version = 1\n<<<<<<< HEAD\n=======\n>>>>>>> other\n"}, "v4")
        run = lockblame("check", "v3..v4", "--offline", folder=project)
        assert (run.returncode, run.stdout) == (3, "")
        assert "web/uv.lock at v4" in run.stderr
        assert "merge conflict" in run.stderr
        assert "Nothing changed." in lockblame("diff", "v3..v4", folder=project).stdout

    def test_a_shallow_clone_is_told_whatever_else_the_name_is_like(self, project):
        git(project, "tag", "deploy-1", "v1")
        git(project, "tag", "deploy-2", "v2")
        git(project, "clone", "--quiet", "--depth=1", "--branch=deploy-2", project.as_uri(), "shallow")
        for arguments in (["diff", "deploy-1..HEAD"], ["history"]):
            run = lockblame(*arguments, folder=project / "shallow")
            assert (run.returncode, run.stderr.count("\n")) == (3, 1)
            assert "this clone is shallow; fetch the rest: git fetch --unshallow" in run.stderr

    def test_hostile_text_in_an_error_does_not_steer_the_terminal(self, project):
        run = lockblame("diff", "v1", "\x1b[31mred\x1b]0;x\x07", folder=project)
        assert run.returncode == 3
        assert "\x1b" not in run.stderr

    def test_a_reader_that_leaves_early_is_no_error(self, project):
        command = f'"{sys.executable}" -m lockblame diff v1 v2 --format json | head -c 1'
        run = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=project, capture_output=True, text=True, check=False)
        assert run.stderr == ""

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device here that is always full")
    def test_an_answer_that_can_not_be_written(self, project):
        command = f'"{sys.executable}" -m lockblame diff v1 v2 > /dev/full'
        run = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (3, "lockblame: the answer can't be written: No space left on device\n")

    @pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)])
    def test_a_stream_that_is_closed(self, project, closed, code):
        command = f'"{sys.executable}" -m lockblame diff v1 v2 {closed}'
        run = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (code, "")

    def test_an_encoding_that_knows_no_arrows(self, project):
        run = lockblame("diff", "v1", "v2", folder=project, PYTHONIOENCODING="ascii")
        assert run.returncode == 0
        assert run.stdout.isascii()

    def test_outside_of_a_repository(self, tmp_path):
        run = lockblame("diff", "v1..v2", folder=tmp_path)
        assert (run.returncode, run.stderr.count("\n")) == (3, 1)


PARSERS = {each.prog: each for each in (whole_parser(), *commands_of(whole_parser()))}


class TestHelp:
    @pytest.mark.parametrize("name", PARSERS)
    def test_each_command_has_an_example_that_can_be_parsed_and_fits_80_columns(self, name, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        text = PARSERS[name].format_help()
        assert max(map(len, text.splitlines())) <= 80
        shown = text.rpartition("example:\n")[2].strip()
        assert shown.startswith(name) or shown == "source <(lockblame completion bash)"
        given = shlex.split(shown.removeprefix("source <(").rstrip(")"))[1:]
        parsed(whole_parser(), given[: given.index("--")] if "--" in given else given, Namespace(quiet=False, verbose=False))

    def test_every_option_and_argument_has_a_word(self):
        for name, parser in PARSERS.items():
            assert all(action.help for action in parser._actions if not isinstance(action, _SubParsersAction)), name

    def test_the_module_is_the_command(self, tmp_path):
        command = Path(sys.executable).with_name("lockblame")
        if not command.exists():
            pytest.skip("lockblame is not installed beside this Python")
        for given in ("--help", "--version", "blame --help", "frobnicate", "diff"):
            runs = [
                subprocess.run([*way, *given.split()], cwd=tmp_path, capture_output=True, text=True, check=False)
                for way in ([str(command)], [sys.executable, "-m", "lockblame"])
            ]
            assert (runs[0].returncode, runs[0].stdout, runs[0].stderr) == (runs[1].returncode, runs[1].stdout, runs[1].stderr)


class TestMistakes:
    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ("bl", "(did you mean blame?); see `lockblame --help`"),
            ("rolback", "(did you mean rollback?)"),
            ("cases serach", "(did you mean search?); see `lockblame cases --help`"),
            ("blame v1 v2 --symtom x", "(did you mean --symptom?); see `lockblame blame --help`"),
            ("diff v1 v2 --format jsn", "(did you mean json?); see `lockblame diff --help`"),
            ("diff v1 v2 v3", "unrecognized arguments: v3; see `lockblame diff --help`"),
            ("frobnicate", "choose from"),
            ("diff", "required: BEFORE; see `lockblame diff --help`"),
            ("", "required: COMMAND; see `lockblame --help`"),
            ("-q diff v1 v2 -v", "--quiet and --verbose exclude each other"),
            ("bisect v1 v2", "put it behind --; see `lockblame bisect --help`"),
            ("diff v1 --what\x1b]0;owned\x07 \u202e", "unrecognized arguments: --what"),
            ("\x1b[2J" + "x" * 9000, "invalid choice"),
        ],
    )
    def test_one_line_with_what_was_meant_and_the_way_out(self, capsys, given, says):
        try:
            code = main(given.split(" ") if given else [])
        except SystemExit as stopped:
            code = stopped.code
        printed = capsys.readouterr()
        assert (code, printed.out, printed.err.count("\n")) == (2, "", 1)
        assert says in printed.err
        assert printed.err[:-1].isprintable()
        assert len(printed.err) < 1000

    def test_the_after_side_may_stand_behind_an_option(self, project):
        run = lockblame("diff", "v1", "--format", "json", "v2", folder=project)
        assert [one["name"] for one in json.loads(run.stdout)["changes"]] == ["kombu"]


class TestQuietAndVerbose:
    @pytest.mark.parametrize("place", [0, 1, 4], ids=["before", "behind the command", "last"])
    @pytest.mark.parametrize("option", ["-v", "--verbose", "-q", "--quiet"])
    def test_they_stand_anywhere_and_leave_the_answer_as_it_is(self, project, place, option):
        given = ["diff", "v1", "v2", "--format=json"]
        run = lockblame(*given[:place], option, *given[place:], folder=project)
        assert run.stdout == lockblame(*given, folder=project).stdout
        assert bool(run.stderr) == option.startswith(("-v", "--v"))

    def test_they_stand_behind_an_action_too_but_not_in_the_command_to_try(self, project):
        assert lockblame("cases", "list", "-q", folder=project).returncode == 0
        assert parted(["-v", "bisect", "a", "b", "--", "pytest", "-v"]) == (["-v", "bisect", "a", "b"], ["pytest", "-v"])

    def test_verbose_tells_what_is_read_and_asked_and_why(self, project):
        told = lockblame("blame", "v1..v2", "--symptom", "queue", "--offline", "-v", folder=project).stderr
        assert "lockblame.progress: reading locks\n" in told
        assert re.search(r"lockblame\.git: v2 is commit [0-9a-f]{40}\n", told)
        assert re.search(r"lockblame\.locks: requirements\.txt at .*: \d+ bytes, requirements by name and content\n", told)

    def test_hostile_text_stays_in_its_line_of_the_log(self, project):
        (project / "a\x1b[31mb\u202e").mkdir()
        (project / "a\x1b[31mb\u202e" / "requirements.txt").write_text("kombu==1\n")
        told = lockblame("diff", "v1", "a\x1b[31mb\u202e", "-v", folder=project).stderr
        assert all(line.startswith("lockblame.") and line.isprintable() for line in told.splitlines())

    def test_nothing_is_left_behind_in_the_loggers(self, project, capsys):
        logger = logging.getLogger("lockblame")
        before = (list(logger.handlers), logger.level, logger.propagate)
        main(["diff", str(project / "requirements.txt"), str(project / "requirements.txt"), "-v"])
        assert (list(logger.handlers), logger.level, logger.propagate) == before
        assert "lockblame.locks" in capsys.readouterr().err

    def test_the_log_has_no_password(self, caplog):
        caplog.set_level(logging.DEBUG, "lockblame")
        log("git", "git clone %s", "https://me:s3cret@code.example/team/tool\nforged: line")
        assert caplog.messages == ["git clone https://code.example/team/tool forged: line"]

    def test_nobody_pays_for_a_log_that_nobody_reads(self):
        code = "import sys; from lockblame.cli import main; main(['diff', *sys.argv[1:]]); print('logging' in sys.modules)"
        path = str(Path(__file__).parents[1] / "examples" / "sqs-slowdown" / "before" / "uv.lock")
        run = subprocess.run([sys.executable, "-I", "-c", code, path, path], capture_output=True, text=True, check=True)
        assert run.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(tmp_path, option):
    assert lockblame(option, folder=tmp_path).stdout.startswith("lockblame 0.")
