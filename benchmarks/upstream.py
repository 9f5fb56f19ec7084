"""Asking upstream: requests, bytes and seconds of whole `blame` runs, against stand-ins that answer after a delay.

    python benchmarks/upstream.py                                 40 packages, 100 ms before each answer, each row three times
    python benchmarks/upstream.py --packages 150 --latency 0.03 --times 1
    python benchmarks/upstream.py --max-age 600                   an index that says for how long its pages may be kept

A package index and a GitHub (REST and GraphQL) run in a process of their own and count what they send. Each changed package has
a repository of its own with 30 issues, and demands two others, as the lock of a service does. The first run finds an empty
cache, the second what the first left there. `in process` is `lockblame.blame` in an interpreter that has everything loaded,
`process` the whole command; `cpu` is what it needs of a processor, which a busy machine can't hide. `at once` compares the
seconds with what the same requests would take one after the other.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

RELEASES, ISSUES = 60, 30
SYMPTOM = "since the deploy the workers wait ten seconds between two messages although the queue is full"
TOKEN = "ghp_benchmark"


def main() -> None:
    """Reads the arguments, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=40)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds before each answer")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--max-age", type=int, help="seconds for which index pages may be kept without asking")
    parser.add_argument("--details", action="store_true", help="every address that was asked")
    chosen = parser.parse_args()
    print(f"{chosen.packages} packages, {1000 * chosen.latency:.0f} ms before each answer, medians of {chosen.times}")
    print(f"{'':30}{'index requests':>22}{'forge requests':>22}{'kB of bodies':>14}{'seconds':>9}{'cpu':>7}{'at once':>9}")
    with stand_ins(chosen.packages, chosen.latency, chosen.max_age) as world, tempfile.TemporaryDirectory() as folder:
        sides = written(Path(folder), world, chosen.packages)
        in_process(sides, world, None, Path(folder) / "warm")
        for token in (TOKEN, None):
            for way, run in (("in process", in_process), ("process", process)):
                seen = [twice(run, sides, world, token, Path(folder) / f"{way}-{token}-{n}") for n in range(chosen.times)]
                for number, name in enumerate(("first", "second")):
                    show(f"{'token' if token else 'no token'}, {way}, {name}", [pair[number] for pair in seen], chosen.latency)
                    if chosen.details:
                        for line, count in sorted(Counter(seen[0][number].lines).items()):
                            print(f"    {count:4} {line}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one run took."""

    seconds: float
    cpu: float
    index: dict[int, int]
    forge: dict[int, int]
    bytes: int
    lines: list[str]


def twice(run: Callable[..., Any], sides: Path, world: World, token: str | None, cache: Path) -> tuple[Seen, Seen]:
    """The same run on an empty cache, and on what that left."""
    from lockblame.report import render

    found = []
    for _ in range(2):
        world.take()
        start, busy = time.perf_counter(), spent()
        report = run(sides, world, token, cache)
        seconds, cpu = time.perf_counter() - start, spent() - busy
        check(json.loads(report if isinstance(report, str) else render(report, "json")))
        told = world.take()
        count = {place: Counter(one["status"] for one in told if one["place"] == place) for place in ("index", "forge")}
        found.append(
            Seen(
                seconds=seconds,
                cpu=cpu,
                index=dict(count["index"]),
                forge=dict(count["forge"]),
                bytes=sum(one["bytes"] for one in told),
                lines=[f"{one['place']} {one['status']} {one['line']}" for one in told],
            )
        )
    return found[0], found[1]


def spent() -> float:
    """Seconds of processor time, of this process and of those that it waited for (the stand-ins still run)."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def show(name: str, seen: list[Seen], latency: float) -> None:
    """One row."""

    def told(count: dict[int, int]) -> str:
        return " + ".join(f"{number} × {status}" for status, number in sorted(count.items())) or "none"

    seconds = statistics.median(one.seconds for one in seen)
    cpu = statistics.median(one.cpu for one in seen)
    first = seen[0]
    alone = latency * (sum(first.index.values()) + sum(first.forge.values()))
    row = (
        f"{told(first.index):>22}{told(first.forge):>22}{first.bytes / 1000:14.0f}{seconds:9.2f}{cpu:7.2f}{alone / seconds:8.1f}x"
    )
    print(f"{name:30}{row}", flush=True)


# --- runs ------------------------------------------------------------------------------------------------------------


def in_process(sides: Path, world: World, token: str | None, cache: Path) -> Any:
    """`lockblame.blame`, here."""
    import lockblame
    from lockblame.client import Client

    with Client(tokens={world.forge: token} if token else {}, cache=cache) as client:
        config = sides / "lockblame.toml"
        before, after = sides / "before" / "uv.lock", sides / "after" / "uv.lock"
        return lockblame.blame(before, after, symptom=SYMPTOM, config=config, client=client)


def process(sides: Path, world: World, token: str | None, cache: Path) -> str:
    """`lockblame blame`, from the start of the interpreter to its end."""
    arguments = ["blame", "before/uv.lock", "after/uv.lock", "--symptom", SYMPTOM, "--format", "json"]
    environment = {name: value for name, value in os.environ.items() if not name.endswith(("_TOKEN", "_proxy", "_PROXY"))}
    # an installed package is compiled once, and so is this one
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"LOCKBLAME_CACHE_DIR": str(cache), "GITHUB_API_URL": f"http://{world.forge}/api/v3"}
    if token:
        environment["GITHUB_TOKEN"] = token
    run = subprocess.run(
        [sys.executable, "-m", "lockblame", *arguments], cwd=sides, env=environment, capture_output=True, text=True, check=False
    )
    if run.returncode:
        sys.exit(run.stderr)
    return run.stdout


def check(report: dict[str, Any]) -> None:
    """A figure of a run that found nothing would be worth nothing."""
    assert report["issues"], report["gaps"][:3]
    best = report["issues"][0]
    assert best["repository"] == "acme/pkg-007", best
    assert not report["gaps"], report["gaps"]


# --- two locks -------------------------------------------------------------------------------------------------------


def written(folder: Path, world: World, count: int) -> Path:
    """A folder with both locks and the settings."""
    for side, version in (("before", "1.0.57"), ("after", "1.0.58")):
        (folder / side).mkdir()
        (folder / side / "uv.lock").write_text(lock(world.index, count, version), encoding="utf-8")
    settings = "".join(
        f'{name(number)} = {{ url = "http://{world.forge}/acme/{name(number)}", forge = "github" }}\n' for number in range(count)
    )
    (folder / "lockblame.toml").write_text(f"[upstreams]\n{settings}", encoding="utf-8")
    return folder


def name(number: int) -> str:
    """Of a package."""
    return f"pkg-{number:03}"


def needs(number: int, count: int) -> list[str]:
    return [name(other) for other in (number + 1, number + 3) if other < count]


def lock(index: str, count: int, version: str) -> str:
    parts = ['version = 1\n[[package]]\nname = "desk"\nversion = "1"\nsource = { virtual = "." }\ndependencies = [']
    parts += [f'    {{ name = "{name(number)}" }},' for number in range(0, count, 5)]
    parts.append("]")
    for number in range(count):
        demanded = ", ".join(f'{{ name = "{one}" }}' for one in needs(number, count))
        source = f'source = {{ registry = "http://{index}/simple" }}'
        parts.append(f'[[package]]\nname = "{name(number)}"\nversion = "{version}"\n{source}\ndependencies = [{demanded}]')
    return "\n".join(parts) + "\n"


# --- stand-ins, in a process of their own ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where both stand (host and port), and what they were asked since the last time."""

    index: str
    forge: str
    pipe: Connection

    def take(self) -> list[dict[str, Any]]:
        self.pipe.send("take")
        return list(self.pipe.recv())


@contextmanager
def stand_ins(count: int, latency: float, max_age: int | None) -> Iterator[World]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there, count, latency, max_age), daemon=True)
    server.start()
    index, forge = here.recv()
    try:
        yield World(index=index, forge=forge, pipe=here)
    finally:
        here.send("stop")
        server.join()


def stand_in(module: str) -> Any:
    """One of the tests' servers, which are not part of what is type-checked here."""
    return importlib.import_module(f"tests.servers.{module}")


def serve(pipe: Connection, count: int, latency: float, max_age: int | None) -> None:
    GitHub, Server = (stand_in("github").GitHub, stand_in("loopback").Server)  # noqa: N806 (they are classes)
    told: list[dict[str, Any]] = []

    def counted(place: str, answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def counting(asked: Any) -> Any:
            given = answer(asked)
            line = f"{asked.method} {re.sub(r'[0-9]{3}', 'N', asked.path)}"
            told.append({"place": place, "status": given.status, "bytes": len(given.body), "line": line})
            return replace(given, after=latency)

        return counting

    others = {f"acme/{name(number)}": issues(number) for number in range(1, count)}
    hub = GitHub(issues(0), repository=f"acme/{name(0)}", others=others)
    with Server(counted("index", index(count, max_age))) as pages, Server(counted("forge", hub.answer)) as forge:
        hub.server = forge
        pipe.send((pages.host, forge.host))
        while pipe.recv() == "take":
            pipe.send(told[:])
            told.clear()


def index(count: int, max_age: int | None) -> Callable[[Any], Any]:
    """PEP 691 pages and PEP 658 metadata files, with the headers that public indexes send."""
    Answer = stand_in("loopback").Answer  # noqa: N806

    def answer(asked: Any) -> Any:
        kind, _, rest = asked.path.strip("/").partition("/")
        number = int(re.findall(r"\d{3}", rest)[0])
        if kind == "simple":
            return confirmed(asked, page(name(number), asked.headers["host"]), "application/vnd.pypi.simple.v1+json", max_age)
        body = f"Metadata-Version: 2.1\nName: {name(number)}\nVersion: 1\n" + "".join(
            f"Requires-Dist: {one}>=1.0.{re.findall(r'1[.]0[.]([0-9]+)', rest)[0]}\n" for one in needs(number, count)
        )
        return confirmed(asked, body.encode(), "binary/octet-stream", 365_000_000)

    def confirmed(asked: Any, body: bytes, kind: str, max_age: int | None) -> Any:
        etag = f'"{len(body)}"'
        headers = {"ETag": etag, **({"Cache-Control": f"max-age={max_age}, public"} if max_age else {})}
        if asked.headers.get("if-none-match") == etag:
            return Answer(status=304, body=b"", headers=headers)
        return Answer(body=body, kind=kind, headers=headers)

    return answer


def page(project: str, host: str) -> bytes:
    files = [
        {
            "filename": f"{project.replace('-', '_')}-1.0.{release}{suffix}",
            "url": f"http://{host}/files/{project.replace('-', '_')}-1.0.{release}{suffix}",
            "hashes": {"sha256": f"{release:064x}"},
            "core-metadata": suffix == "-py3-none-any.whl",
            "upload-time": f"20{10 + release // 12}-{release % 12 + 1:02}-03T10:00:00Z",
            "size": 100_000 + release,
            "yanked": False,
        }
        for release in range(RELEASES)
        for suffix in ("-py3-none-any.whl", ".tar.gz")
    ]
    versions = [f"1.0.{release}" for release in range(RELEASES)]
    return json.dumps({"meta": {"api-version": "1.1"}, "name": project, "versions": versions, "files": files}).encode()


def issues(number: int) -> list[dict[str, object]]:
    record = stand_in("github").record
    make = {"repository": f"acme/{name(number)}"}
    filler = "It stands in the documentation, in a paragraph that nobody reads. " * 12
    found = [
        record(1000 + one, created=f"2015-0{1 + one % 9}-1{one % 9}T10:00:00Z", title="A typo", body=filler, **make)
        for one in range(ISSUES)
    ]
    if number == 7:
        body = "Since 1.0.58 the worker waits ten seconds after each message although the queue is full."
        found.append(record(1783, created="2014-12-04T16:09:02Z", title="Workers wait", body=body, **make))
    return found


if __name__ == "__main__":
    main()
