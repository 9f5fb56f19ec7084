"""The files that put the gate into a pipeline, run as they are: script, Makefile, the steps of the action, job, hook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lockblame.lockfiles import is_lock
from tests.repositories import ENVIRONMENT, commit, start

ROOT = Path(__file__).parents[1]
NO_VERDICT_YET = '[policy]\nmoved = "{level}"\n'
LOCK = "celery==5.3.1\nkombu @ git+https://code.example/{owner}/kombu@1a2b3c4d5e6f1a2b3c4d5e6f1a2b3c4d5e6f1a2b\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two commits between which kombu moved, which stops a deploy by default; whatever is asked upstream fails at once."""
    top = start(tmp_path / "project")
    commit(top, {"requirements.txt": LOCK.format(owner="celery")}, tag="before")
    commit(top, {"requirements.txt": LOCK.format(owner="somebody")}, tag="after")
    return top


CLOSED = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "HTTPS_PROXY": "http://127.0.0.1:9"}


def run(script: str, project: Path, *, closed: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script under bash, with this environment's lockblame first on PATH, and indexes and forges behind a closed door."""
    settings = {
        **ENVIRONMENT,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(project.parent / "cache"),
        **(CLOSED if closed else {}),
        **environment,
    }
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], cwd=project, env=settings, capture_output=True, text=True, check=False
    )


def test_the_script_stops(project: Path) -> None:
    done = run(f"python {ROOT}/examples/pre_deploy.py before after", project)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("stop: kombu")


def test_the_script_lets_go_what_the_policy_allows(project: Path) -> None:
    (project / "lockblame.toml").write_text(NO_VERDICT_YET.format(level="note"))
    done = run(f"python {ROOT}/examples/pre_deploy.py before after", project)
    assert (done.returncode, done.stdout[:5]) == (0, "look:"), done.stderr


def test_the_script_has_no_answer_without_a_lock(project: Path) -> None:
    done = run(f"python {ROOT}/examples/pre_deploy.py before nowhere", project)
    assert done.returncode == 3
    assert done.stderr.startswith("no answer: ")


def test_the_makefile(project: Path) -> None:
    done = run(f"make --no-print-directory -f {ROOT}/examples/gate/Makefile BASE=before check-dependencies", project)
    assert "Stop: 1 finding" in done.stdout
    assert done.returncode == 2  # make's own code for a command that failed


def test_the_steps_of_the_action(project: Path) -> None:
    install, check = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    assert "$GITHUB_ACTION_PATH" in install["run"]
    venv = project.parent / "lockblame" / "bin"
    venv.mkdir(parents=True)
    (venv / "lockblame").symlink_to(Path(sys.executable).parent / "lockblame")
    summary = project.parent / "summary.md"
    given = {"BASE": "before", "HEAD": "after", "ARGUMENTS": "--as-of 2026-01-01", "GITHUB_TOKEN": "ghs_secret"}
    assert set(check["env"]) == set(given)
    done = run(check["run"], project, RUNNER_TEMP=str(project.parent), GITHUB_STEP_SUMMARY=str(summary), **given)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=requirements.txt,line=2,title=lockblame%3A moved::kombu comes from git")
    assert summary.read_text().startswith("**Stop: 1 finding")
    assert "ghs_secret" not in done.stdout + done.stderr + summary.read_text()


def test_no_step_of_the_action_holds_text_from_outside() -> None:
    for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]:
        assert "${{" not in step["run"]


def test_the_job(project: Path) -> None:
    job = yaml.safe_load((ROOT / "examples" / "gate" / "gitlab-ci.yml").read_text())["dependency-gate"]
    install, *script = job["script"]
    assert re.fullmatch(r'python -m pip install --quiet "\$LOCKBLAME"', install)
    done = run("\n".join(script), project, CI_MERGE_REQUEST_DIFF_BASE_SHA="before", CI_COMMIT_SHA="after")
    assert done.returncode == 1, done.stderr
    assert "Stop: 1 finding" in done.stdout
    assert all((project / path).exists() for path in job["artifacts"]["paths"])


LOCKS = (
    *("uv.lock", "services/api/poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml", "app/pylock.dev.toml", "tool.py.lock"),
    *(
        "requirements.txt",
        "requirements-dev.txt",
        "dev-requirements.txt",
        "requirements/prod.txt",
        "api/requirements/ci/base.txt",
    ),
    "constraints.txt",
)


@pytest.mark.parametrize("path", LOCKS)
def test_a_pipeline_starts_for_every_lock(path: str) -> None:
    """A gate that isn't asked lets everything through: what counts as a lock starts it."""
    assert is_lock(path)
    job = yaml.safe_load((ROOT / "examples" / "gate" / "gitlab-ci.yml").read_text())["dependency-gate"]
    # YAML 1.1 takes the key "on" for a truth value
    flow = yaml.safe_load((ROOT / "examples" / "gate" / "workflow.yml").read_text())[True]
    for globs in (job["rules"][0]["changes"], flow["pull_request"]["paths"]):
        assert any(re.fullmatch(as_regex(glob), path) for glob in globs)
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert re.search(hook["files"], path)


def as_regex(glob: str) -> str:
    """`**/` is any folders or none, `*` any part of a name: what GitHub and GitLab agree on."""
    return re.escape(glob).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")


def test_the_hook_runs_for_locks_alone(project: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert not re.search(hook["files"], "app/locked.py")
    (project / "requirements.txt").write_text(LOCK.format(owner="else"))
    assert run(hook["entry"], project).returncode == 1


@pytest.mark.online
def test_the_hook_by_pre_commit_itself(project: Path) -> None:
    (project / "requirements.txt").write_text(LOCK.format(owner="else"))
    clone = project.parent / "lockblame-clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    command = f"git add . && python -m pre_commit try-repo {clone} lockblame-check --files requirements.txt --verbose"
    done = run(command, project, closed=False, PRE_COMMIT_HOME=str(project.parent / "hooks"))
    assert "Stop: 1 finding" in done.stdout, done.stdout + done.stderr
