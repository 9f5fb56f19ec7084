"""A fleet of services at once: seconds, processor time and requests, by one process, threads and processes.

    python benchmarks/fleet.py                                    200 services, 60 packages that changed, 150 pins in each lock
    python benchmarks/fleet.py --services 40 --packages 30 --pins 60

A package index and a GitHub (GraphQL) answer on loopback, in a process of their own, and count what they are asked. Each service
has a git repository's worth of locks before and after; of the changed packages each has twenty, all together have all. `alone` is
`blame` for one service after the other with one client and no cache on disk, from a sample of them; `cached` has such a cache.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import lockblame

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

SYMPTOM = "since the deploy the workers wait ten seconds between two messages although the queue is full"
TOKEN = "ghp_benchmark"
Pooling = Callable[[], AbstractContextManager[Executor | None]]
CHANGED = 20
"""Packages that changed in each service."""


def main() -> None:
    """Reads the arguments, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=200)
    parser.add_argument("--packages", type=int, default=60, help="that changed in any of them")
    parser.add_argument("--pins", type=int, default=150, help="in each lock")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    chosen = parser.parse_args()
    print(f"{chosen.services} services, {chosen.packages} changed packages, {chosen.pins} pins, {chosen.workers} workers")
    print(f"{'':12}{'index':>8}{'forge':>8}{'seconds':>9}{'cpu':>7}{'services a second':>19}")
    spawn = multiprocessing.get_context("spawn")
    ways: dict[str, Pooling] = {
        "here": nullcontext,
        "threads": lambda: ThreadPoolExecutor(chosen.workers),
        "processes": lambda: ProcessPoolExecutor(chosen.workers, mp_context=spawn),
    }
    with stand_ins(chosen.packages) as world, tempfile.TemporaryDirectory() as folder:
        services = written(Path(folder), world.addresses, chosen)
        with client(world.addresses) as warm:
            alone(services[:1], warm)
        world.count()
        sample = services[: max(1, chosen.services // 20)]
        with client(world.addresses) as one:
            shown("alone", world, len(sample), partial(alone, sample, one))
        with client(world.addresses, Path(folder) / "cache") as one:
            shown("cached", world, len(sample), partial(alone, sample, one))
        for way, pool in ways.items():
            with client(world.addresses) as one:
                shown(way, world, len(services), pooled(services, pool, one))


def pooled(services: list[lockblame.Service], pool: Pooling, one: lockblame.Client) -> Callable[[], None]:
    """What is measured, the beginning and the end of the pool included."""

    def run() -> None:
        with pool() as executor:
            fleet(services, executor, one)

    return run


def client(addresses: dict[str, str], cache: Path | bool = False) -> lockblame.Client:
    """One without a cache on disk, unless there is a folder for it."""
    return lockblame.Client(tokens={addresses["forge"].partition("://")[2]: TOKEN}, cache=cache, deadline=600)


def alone(services: list[lockblame.Service], one: lockblame.Client) -> None:
    """Each service by itself."""
    for service in services:
        report = lockblame.blame(service.before, service.after, repository=service.repository, symptom=SYMPTOM, client=one)
        assert report.conclusive


def fleet(services: list[lockblame.Service], executor: Executor | None, one: lockblame.Client) -> None:
    """All of them together, written down as lines."""
    answers = lockblame.blame_each(services, symptom=SYMPTOM, executor=executor, client=one)
    lines = [json.loads(line) for line in lockblame.json_lines(answers)]
    assert {line["suspect"] for line in lines} == {"part-0"}
    assert all(line["conclusive"] for line in lines)


def shown(way: str, world: World, count: int, run: Callable[[], None]) -> None:
    """Runs, and prints one row."""
    began, used = time.perf_counter(), _processor()
    run()
    seconds, cpu = time.perf_counter() - began, _processor() - used
    index, forge = world.count()
    print(f"{way:12}{index:>8}{forge:>8}{seconds:>9.1f}{cpu:>7.1f}{count / seconds:>19.1f}", flush=True)


def _processor() -> float:
    """Of this process and of those that it has waited for: the workers, not the stand-ins."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


# --- the world -------------------------------------------------------------------------------------------------------


class World:
    """Stand-ins in a process of their own."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.addresses: dict[str, str] = pipe.recv()

    def count(self) -> tuple[int, int]:
        """How many requests the index and the forge got since the last time."""
        self._pipe.send("count")
        index, forge = self._pipe.recv()
        return index, forge


@contextmanager
def stand_ins(packages: int) -> Iterator[World]:
    """The index and the forge, as long as the block lasts."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, packages), daemon=True)
    process.start()
    try:
        yield World(ours)
    finally:
        ours.send("end")
        process.join(10)


def serve(pipe: Connection, packages: int) -> None:
    """Answers until it is told to end."""
    fleets = importlib.import_module("tests.fleets")
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        world = fleets.Fleet(Path(folder), stack, services=0, packages=packages, issues=28)
        pipe.send({"index": world.index.url, "forge": world.forge.server.url})
        while pipe.recv() == "count":
            pipe.send((len(world.index.asked), len(world.forge.server.asked)))
            world.index.asked.clear()
            world.forge.server.asked.clear()


def written(folder: Path, addresses: dict[str, str], chosen: argparse.Namespace) -> list[lockblame.Service]:
    """The services: each with the culprit, others of the changed packages by turns, and pins that stay."""
    services = []
    homes = "".join(
        f'part-{n} = {{ url = "{addresses["forge"]}/acme/part-{n}", forge = "github" }}\n' for n in range(chosen.packages)
    )
    for number in range(chosen.services):
        place = folder / f"svc-{number:04}"
        moved = {0, *(1 + (number * 7 + n) % (chosen.packages - 1) for n in range(min(CHANGED, chosen.packages) - 1))}
        for side, version in (("before", "1.0"), ("after", "1.1")):
            (place / side).mkdir(parents=True)
            (place / side / "uv.lock").write_text(lock(sorted(moved), version, chosen.pins, addresses["index"]))
        (place / "lockblame.toml").write_text("[upstreams]\n" + homes)
        services.append(lockblame.Service(before="before/uv.lock", after="after/uv.lock", repository=place))
    return services


def lock(moved: list[int], version: str, pins: int, index: str) -> str:
    """A uv.lock in which packages require each other and have three files each."""
    packages = [(f"part-{n}", version) for n in moved] + [(f"still-{n}", "2.0") for n in range(pins - len(moved))]
    asks = ", ".join(f'{{ name = "{name}" }}' for name, _ in packages[::5])
    entries = [f'version = 1\n[[package]]\nname = "desk"\nversion = "1"\nsource = {{ virtual = "." }}\ndependencies = [{asks}]\n']
    for place, (name, its) in enumerate(packages):
        needs = ", ".join(f'{{ name = "{other}" }}' for other, _ in packages[place + 1 : place + 4])
        files = "".join(
            f'    {{ url = "{index}/files/{name}-{its}-{n}.whl", hash = "sha256:{name}{its}{n}", size = 1 }},\n' for n in range(3)
        )
        entries.append(
            f'[[package]]\nname = "{name}"\nversion = "{its}"\nsource = {{ registry = "{index}/simple" }}\n'
            f"dependencies = [{needs}]\nwheels = [\n{files}]\n"
        )
    return "".join(entries)


if __name__ == "__main__":
    main()
