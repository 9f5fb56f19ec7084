"""How long `lockblame diff` takes, as a whole process, beside what tomllib alone needs to parse the same two files.

    python benchmarks/locks.py                    all tables
    python benchmarks/locks.py --runs 5           quicker, coarser
    python benchmarks/locks.py --only growth      one of: pairs, commit, start, growth

Every figure is a median over processes of their own that take turns, so that a busy moment of the machine meets all of them.
The pairs of real locks are ../shared/locks; without them that table is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import history

PAIRS = Path(__file__).parents[2] / "shared" / "locks" / "pairs"
REAL = ("086", "092", "001")
SIZES = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
DIFF = [sys.executable, "-m", "lockblame", "diff"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""With compiled modules kept, as wherever a package is installed."""
TOMLLIB = """
import sys, time, tomllib
texts = [open(name, encoding="utf-8").read() for name in sys.argv[1:]]
began = time.perf_counter()
for text in texts:
    tomllib.loads(text)
print(time.perf_counter() - began)
"""


def main() -> None:
    """Reads the arguments, prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--only", choices=("pairs", "commit", "start", "growth"))
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured(*map(Path, arguments.measure))))
        return
    tables: dict[str, Callable[[int], None]] = {"pairs": pairs, "commit": commit, "start": start, "growth": growth}
    for name, table in tables.items():
        if arguments.only in (None, name):
            table(arguments.runs)
            print(flush=True)


# --- whole processes -------------------------------------------------------------------------------------------------


def pairs(runs: int) -> None:
    """(a) Real pairs: diff as a whole process, and tomllib."""
    if not PAIRS.is_dir():
        print(f"real pairs: left out, {PAIRS} is not there")
        return
    print(f"{'diff of a real pair':38}{'MB':>6}{'diff ms':>9}{'tomllib ms':>12}{'ratio':>7}{'MiB':>6}")
    for number in REAL:
        folder = next(PAIRS.glob(f"{number}-*"))
        files = [str(next(folder.glob(f"{side}.*"))) for side in ("before", "after")]
        parse = [sys.executable, "-c", TOMLLIB, *files]
        walls, parses, peaks = [], [], []
        timed([*DIFF, *files])
        for _ in range(runs):
            seconds, peak = timed([*DIFF, *files])
            walls.append(seconds)
            peaks.append(peak)
            parses.append(float(subprocess.run(parse, capture_output=True, text=True, check=True).stdout))
        wall, parsed = statistics.median(walls), statistics.median(parses)
        size = sum(Path(file).stat().st_size for file in files) / 2e6
        row = f"{folder.name[:37]:38}{size:6.1f}{wall * 1e3:9.0f}{parsed * 1e3:12.0f}"
        print(f"{row}{wall / parsed:7.2f}{max(peaks):6.0f}", flush=True)


def commit(runs: int) -> None:
    """(b) An ordinary lock commit in a repository, for two formats."""
    print(f"{'diff of an ordinary lock commit':38}{'MB':>6}{'diff ms':>9}")
    for path in ("uv.lock", "poetry.lock"):
        with tempfile.TemporaryDirectory() as folder:
            dice = random.Random(2)
            before = dict.fromkeys((f"package-{number:05}" for number in range(150)), 0)
            after = before | dict.fromkeys(dice.sample(sorted(before), 3), 1)
            git(folder, "init", "-q")
            for versions in (before, after):
                Path(folder, path).write_bytes(generated(path, versions))
                git(folder, "add", ".")
                git(folder, "-c", "user.name=a", "-c", "user.email=a@team.example", "commit", "-q", "-m", "Update the lock")
            timed([*DIFF, "HEAD~1..HEAD"], folder)
            walls = [timed([*DIFF, "HEAD~1..HEAD"], folder)[0] for _ in range(runs)]
            size = Path(folder, path).stat().st_size / 1e6
            print(f"{f'{path}, 3 of 150 packages':38}{size:6.2f}{statistics.median(walls) * 1e3:9.0f}", flush=True)


def start(runs: int) -> None:
    """(c) What starting costs: the bare interpreter, the library, the command's help."""
    commands = {
        "bare interpreter": [sys.executable, "-c", "pass"],
        "import lockblame": [sys.executable, "-c", "import lockblame"],
        "lockblame --help": [sys.executable, "-m", "lockblame", "--help"],
        "lockblame blame --help": [sys.executable, "-m", "lockblame", "blame", "--help"],
        "lockblame completion bash": [sys.executable, "-m", "lockblame", "completion", "bash"],
    }
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            walls[name].append(timed(command)[0])
    medians = {name: statistics.median(found) for name, found in walls.items()}
    print(f"{'start':38}{'ms':>6}{'over bare':>11}")
    for name, median in medians.items():
        print(f"{name:38}{median * 1e3:6.0f}{(median - medians['bare interpreter']) * 1e3:11.0f}")


def timed(command: Sequence[str], folder: str | None = None) -> tuple[float, float]:
    """Seconds of a process from its start to its end, and the peak of its memory in MiB."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


def git(folder: str, *arguments: str) -> None:
    """Runs git there."""
    subprocess.run(["git", "-C", folder, *arguments], check=True)


# --- growth ----------------------------------------------------------------------------------------------------------


def growth(runs: int) -> None:
    """What a package costs, for locks of 100 to 20,000: one in twenty moved, and then all of them."""
    print(f"{'growth: packages':20}{'MB':>7}{'read ms':>9}{'diff 5% ms':>12}{'diff all ms':>13}{'µs a package':>14}{'MiB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for path in ("uv.lock", "poetry.lock"):
            for size in SIZES:
                files = [Path(folder, f"{side}.{path}") for side in ("before", "after")]
                for file, moved in zip(files, (0, 1), strict=True):
                    file.write_bytes(generated(path, dict.fromkeys((f"package-{number:05}" for number in range(size)), moved)))
                command = [sys.executable, __file__, "--measure", *map(str, files)]
                found = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(min(runs, 3))]
                row = {key: statistics.median(one[key] for one in found) for key in found[0]}
                each = (row["read"] + row["some"]) / size * 1e6
                head = f"{f'{path} {size:,}':20}{files[0].stat().st_size / 1e6:7.1f}{row['read'] * 1e3:9.0f}"
                rest = f"{row['some'] * 1e3:12.0f}{row['all'] * 1e3:13.0f}{each:14.0f}{row['mib']:6.0f}"
                print(head + rest, flush=True)


def measured(before: Path, after: Path) -> dict[str, float]:
    """Seconds to read two locks, to compare them where one package in twenty moved and where all did; peak memory in MiB."""
    from dataclasses import replace

    from lockblame import lockfiles
    from lockblame.delta import compare

    began = time.perf_counter()
    one, other = (lockfiles.parse(file.read_bytes(), file.name.partition(".")[2]) for file in (before, after))
    read = time.perf_counter() - began
    few = replace(
        other, pins=tuple(new if place % 20 == 0 else old for place, (old, new) in enumerate(zip(one, other, strict=True)))
    )
    began = time.perf_counter()
    some = len(compare(one, few))
    spent = time.perf_counter() - began
    mib = peak()
    began = time.perf_counter()
    everything = len(compare(one, other))
    if (some, everything) != (-(-len(one) // 20), len(one)):
        raise SystemExit(f"{some} and {everything} changes of {len(one)} packages")
    return {"read": read, "some": spent, "all": time.perf_counter() - began, "mib": mib}


def peak() -> float:
    """The peak of this process's own memory in MiB; `ru_maxrss` would count what its parent held when it was started."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def generated(path: str, versions: dict[str, int]) -> bytes:
    """A lock of those packages. Each requires a few behind it, so that none is further from the root than in real locks."""
    dice = random.Random(3)
    write = {"uv.lock": history.uv, "poetry.lock": history.poetry}[path]
    names = sorted(versions)
    entries = []
    for place, name in enumerate(names):
        behind = [3 * place + step for step in (1, 2, 3)] + [dice.randrange(place, len(names)) for _ in range(2)]
        needs = {names[number] for number in behind if place < number < len(names)}
        entries.append(write(name, versions[name], sorted(needs), names))
    head, tail = history.FRAMES[path]
    return head.replace(b"package-000", b"package-0000") + b"".join(entries) + tail % history.hash_of(str(versions))


if __name__ == "__main__":
    main()
