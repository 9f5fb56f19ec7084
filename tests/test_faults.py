"""What can be wrong with an index, a forge, the network or the disk: the whole report comes all the same, in time, and says what
is missing. `tests/test_client*.py` hold each of these below, one request at a time."""

from __future__ import annotations

import gzip
import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.scene import PASSWORD, TOKEN, Scene, Special, scene
from tests.servers.loopback import Answer, Asked, Server, closed_port, http_date

DEADLINE = 4.0
BOUND = 20.0
"""A hang, not a slow machine."""


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(70 * 2**20), 9)


def always(answer: Answer) -> Special:
    return lambda _: answer


def elsewhere(asked: Asked) -> Answer:
    return Answer(status=302, headers={"Location": asked.path})


LONG = json.dumps({"message": "x" * 5000}).encode()
FAULTS: dict[str, tuple[Special, set[str]]] = {
    "reset in the middle of a body": (always(Answer(body=LONG, cut=100)), {"bad-response"}),
    "half of a JSON": (always(Answer(body=b'{"half": ')), {"bad-response"}),
    "half of a JSON, the connection closed": (always(Answer(body=b'{"half": ', unframed=True)), {"bad-response"}),
    "another content type": (
        always(Answer(body=b"<html>Please log in</html>", kind="text/html")),
        {"bad-response", "no-release-date"},
    ),
    "rubbish of the right type": (always(Answer(body=b"[[]]")), {"bad-response"}),
    "a gzip bomb": (lambda _: Answer(body=bomb(), headers={"Content-Encoding": "gzip"}), {"bad-response"}),
    "a redirect loop": (elsewhere, {"bad-response"}),
    "ten minutes of Retry-After": (always(Answer(status=429, headers={"Retry-After": "600"})), {"rate-limited"}),
    "ten minutes until the reset": (
        lambda _: Answer(status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 600)}),
        {"rate-limited"},
    ),
    "503 for ten minutes": (always(Answer(status=503, headers={"Retry-After": "600"})), {"bad-response", "rate-limited"}),
    "502": (always(Answer(status=502)), {"bad-response"}),
    "silence": (always(Answer(after=60)), {"bad-response"}),
    "a byte a second": (always(Answer(body=LONG, drip=1.0)), {"bad-response"}),
    "refused access": (always(Answer(status=401, body=b'{"message": "Bad credentials"}')), {"access-refused", "bad-response"}),
    "gone": (always(Answer(status=410)), {"not-found", "issues-disabled"}),
}


def gaps(report: dict) -> dict[str, str]:
    return {gap["subject"]: gap["reason"] for gap in report["gaps"]}


def of(name: str, report: dict) -> set[str]:
    """The reasons of what is missing of a package or its repository."""
    return {reason for subject, reason in gaps(report).items() if name in subject}


@pytest.fixture
def quick(monkeypatch, capsys, caplog):
    """Runs the command in this process, to be over within the deadline, and looks for secrets in all that it leaves."""

    def run(stage: Scene, *options: str, deadline: float = DEADLINE) -> dict:
        caplog.set_level(logging.DEBUG)
        began = time.monotonic()
        out = stage.here(monkeypatch, capsys, "--patience", "2s", "--deadline", f"{deadline:g}s", *options)
        assert time.monotonic() - began < deadline + BOUND
        holds_no_secret(out, caplog.text, stage)
        return json.loads(out)

    return run


def holds_no_secret(printed: str, logged: str, stage: Scene) -> None:
    for secret in (TOKEN, PASSWORD):
        assert secret not in printed
        assert secret not in logged
        for path in stage.folder.rglob("*"):
            if path.is_file() and path.name != "netrc":
                assert secret.encode() not in path.read_bytes(), path


class TestForge:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_the_index_still_counts(self, fault: str, tmp_path: Path, quick):
        answer, reasons = FAULTS[fault]
        with scene(tmp_path, forge=answer) as stage:
            report = quick(stage)
        assert {suspect["package"] for suspect in report["suspects"]} == {"celery", "kombu"}
        # what holds for all of a host is said once, of the host
        assert (of("celery/kombu", report) | of(stage.forge.server.host, report)) & reasons, report["gaps"]
        assert not report["issues"]
        assert report["conclusive"] is False

    def test_nobody_listens(self, tmp_path: Path, quick):
        with scene(tmp_path) as stage:
            stage.forge.server.__exit__()
            report = quick(stage)
        assert of("celery/kombu", report) == {"bad-response"}
        assert len(report["suspects"]) == 2

    def test_one_repository_of_two(self, tmp_path: Path, quick):
        with scene(tmp_path) as stage:
            stage.upstreams(kombu="celery/kombu", celery="celery/lost")
            report = quick(stage)
        assert of("celery/lost", report) == {"not-found"}
        assert report["issues"][0]["number"] == 1783


class TestIndex:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_the_forge_still_counts(self, fault: str, tmp_path: Path, quick):
        answer, reasons = FAULTS[fault]
        with scene(tmp_path, index=answer) as stage:
            # half of the time is the index's, at most
            report = quick(stage, deadline=DEADLINE if fault not in ("silence", "a byte a second") else 2.0)
        assert of("kombu", report) & reasons, report["gaps"]
        assert report["suspects"]

    def test_nobody_listens(self, tmp_path: Path, quick):
        nobody = f"http://127.0.0.1:{closed_port()}"
        with scene(tmp_path, address=lambda _: nobody) as stage:
            report = quick(stage)
        assert of("kombu", report) == {"bad-response"}
        assert report["issues"][0]["number"] == 1783

    def test_only_the_metadata_is_broken(self, tmp_path: Path, quick):
        def broken(asked: Asked) -> Answer | None:
            return Answer(status=500) if asked.path.startswith("/files/") else None

        with scene(tmp_path, index=broken) as stage:
            report = quick(stage)
        assert report["issues"][0]["number"] == 1783


class TestRedirects:
    @pytest.mark.parametrize("where", ["index", "forge"])
    def test_to_another_host_takes_no_secret_along(self, where: str, tmp_path: Path, quick):
        with Server(lambda _: Answer(status=404)) as stranger:
            # the same machine by another name is another origin
            there = stranger.url.replace("127.0.0.1", "localhost")

            def away(asked: Asked) -> Answer:
                return Answer(status=307, headers={"Location": f"{there}{asked.path}"})

            with scene(tmp_path, **{where: away}) as stage:
                report = quick(stage)
                first = stage.index.asked if where == "index" else stage.forge.server.asked
                assert any("authorization" in asked.headers for asked in first)
        assert stranger.asked
        assert all("authorization" not in asked.headers for asked in stranger.asked)
        assert report["suspects"]

    def test_to_plain_http_is_not_followed(self, tmp_path: Path, quick):
        with Server(lambda _: Answer()) as plain:

            def away(asked: Asked) -> Answer:
                return Answer(status=307, headers={"Location": f"{plain.url}{asked.path}"})

            with scene(tmp_path, tls=True, index=away) as stage:
                report = quick(stage)
                assert any("authorization" in asked.headers for asked in stage.index.asked)
        assert not plain.asked
        assert of("kombu", report) & {"bad-response"}


class TestClocks:
    @pytest.mark.parametrize("hours", [-5, 5])
    def test_a_limit_by_a_clock_that_is_hours_off(self, hours: int, tmp_path: Path, quick):
        """The reset is a second away by the host's clock: it is waited for, not five hours, and not skipped."""
        limited: list[str] = []

        def once(asked: Asked) -> Answer | None:
            if limited:
                return None
            limited.append(asked.path)
            theirs = time.time() + 3600 * hours
            headers = {"Date": http_date(theirs), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{theirs + 1:.0f}"}
            return Answer(status=403, headers=headers)

        with scene(tmp_path, forge=once) as stage:
            report = quick(stage, "--patience", "10s", deadline=15.0)
        assert limited
        assert report["issues"][0]["number"] == 1783


# --- the disk: the command as a process, which each time may do less -------------------------------------------------


def _no_room() -> None:
    """Files stay below 30 kB."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))


def _like_anybody() -> None:
    from tests.test_client_store import _like_anybody as give_up

    give_up()


def _nothing_wrong() -> None:
    pass


def corrupted(stage: Scene) -> None:
    for path in stage.cache.glob("*.db*"):
        path.write_bytes(os.urandom(40_000))


def cut_off(stage: Scene) -> None:
    for path in stage.cache.glob("*.db"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for path in stage.cache.glob("*.db-*"):
        path.unlink()


def read_only(stage: Scene) -> None:
    stage.cache.chmod(0o555)


def in_the_way(stage: Scene) -> None:
    shutil.rmtree(stage.cache)
    stage.cache.write_text("no folder")


def killed(stage: Scene) -> None:
    """Another run that wrote to the cache was killed in the middle of it."""
    shutil.rmtree(stage.cache)
    other = subprocess.Popen(
        [sys.executable, "-m", "lockblame", *stage.command()],
        cwd=stage.folder,
        env=stage.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 20
    while not list(stage.cache.glob("*.db-wal")) and other.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    other.kill()
    other.wait()


DISKS: dict[str, tuple[Callable[[Scene], None], Callable[[], None]]] = {
    "corrupted": (corrupted, _nothing_wrong),
    "cut off": (cut_off, _nothing_wrong),
    "killed while writing": (killed, _nothing_wrong),
    "no folder": (in_the_way, _nothing_wrong),
    "read-only": (read_only, _like_anybody),
    "full": (lambda stage: shutil.rmtree(stage.cache), _no_room),
}


@pytest.mark.skipif(sys.platform == "win32", reason="limits of processes are POSIX")
@pytest.mark.parametrize("fault", DISKS)
def test_the_report_is_the_same_whatever_the_disk_does(fault: str, tmp_path: Path, monkeypatch, capsys):
    spoil, limits = DISKS[fault]
    with scene(tmp_path) as stage:
        first = stage.here(monkeypatch, capsys)
        spoil(stage)
        second = stage.run(preexec_fn=limits)
        assert (second.returncode, second.stderr) == (0, "")
        assert second.stdout == first
        if stage.cache.is_dir():
            stage.cache.chmod(0o755)
        assert stage.here(monkeypatch, capsys) == first


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB, where one may be made."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_really_full(tiny_disk: Path, tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "stage").mkdir()
    with scene(tmp_path / "stage") as stage:
        first = stage.here(monkeypatch, capsys)
        stage.cache = tiny_disk
        assert stage.here(monkeypatch, capsys) == first


# --- somebody has enough ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize(
    "answer", [Answer(after=60), Answer(status=429, headers={"Retry-After": "60"}), Answer(body=LONG, drip=1.0)]
)
def test_an_interruption_ends_it_at_once(answer: Answer, tmp_path: Path):
    with scene(tmp_path, index=always(answer)) as stage:
        one = subprocess.Popen(
            [sys.executable, "-m", "lockblame", *stage.command("--patience", "2m", "--deadline", "5m")],
            cwd=stage.folder,
            env=stage.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 20
        while not stage.index.asked and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)
        one.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, said = one.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert (one.returncode, out, said) == (130, "", "lockblame: interrupted\n")
