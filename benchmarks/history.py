"""The history of a lock: how much lock text a second, and how much memory, over hundreds of revisions.

    python benchmarks/history.py                                  generated revisions of 1 MB, one repository for each format
    python benchmarks/history.py REPOSITORY PATH                  a real lock; REPOSITORY may be bare

Each figure comes from a process of its own, which imports, asks git, reads, compares, and keeps every change it found; the text
counted is that of every version of the lock once. Memory is the peak of that process and, beside it, of the git it ran.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

MANY = 300
PACKAGES = {"uv.lock": 480, "poetry.lock": 700, "pdm.lock": 720, "requirements.txt": 560}
"""How many packages make a lock of about a megabyte."""


def main() -> None:
    """Reads the arguments, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", nargs="?", type=Path)
    parser.add_argument("path", nargs="?", default="uv.lock")
    parser.add_argument("--revisions", type=int, default=MANY)
    parser.add_argument("--measure", choices=("walk", "plain"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured(arguments.repository, arguments.path, arguments.measure)))
        return
    print(
        f"{'lock':18}{'revisions':>10}{'MB':>8}{'changes':>9}{'MB/s':>8}{'seconds':>9}{'MiB':>6}{'git MiB':>9}{'plain MB/s':>12}"
    )
    if arguments.repository:
        show(arguments.repository, arguments.path)
        return
    for path in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), path, arguments.revisions)
            show(Path(folder), path)


def show(repository: Path, path: str) -> None:
    """One row: the history as lockblame reads it, and beside it one that reads and compares every pair as a whole."""
    walk, plain = (in_own_process(repository, path, way) for way in ("walk", "plain"))
    row = f"{path[-18:]:18}{walk['revisions']:10}{walk['mb']:8.0f}{walk['changes']:9}{walk['mb'] / walk['seconds']:8.0f}"
    print(f"{row}{walk['seconds']:9.2f}{walk['mib']:6.0f}{walk['git']:9.0f}{plain['mb'] / plain['seconds']:12.0f}", flush=True)


def in_own_process(repository: Path, path: str, way: str) -> dict[str, float]:
    """The figures of a process that does nothing else."""
    command = [sys.executable, __file__, str(repository), path, "--measure", way]
    started = time.perf_counter()
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    if way == "walk":
        told["seconds"] = time.perf_counter() - started
    return dict(told)


def measured(repository: Path, path: str, way: str) -> dict[str, float]:
    """Walks the history. `plain` reads and compares the newest revisions only, each pair as a whole, for comparison."""
    import resource

    from lockblame import git, lockfiles
    from lockblame.delta import compare, history

    checkout = git.find(repository)
    if checkout is None:
        raise SystemExit(f"{repository} is not a repository")
    touches = list(checkout.touching(path))[::-1]
    size, asked = 0, set[str]()
    with checkout.contents() as contents:

        def fetch(identity: str) -> bytes:
            nonlocal size
            data = contents.blob(identity)
            size += len(data)
            asked.add(identity)
            return data

        started = time.perf_counter()
        if way == "walk":
            changes = sum(len(revision.changes) for revision in list(history.walk(touches, fetch, beside=contents.show)))
        else:
            touches = [touch for touch in touches[-20:] if touch.before[0] and touch.after]
            pairs = [(fetch(touch.before[0] or ""), fetch(touch.after or "")) for touch in touches]
            changes = sum(len(compare(lockfiles.parse(a, path), lockfiles.parse(b, path))) for a, b in pairs)
            size //= 2
        seconds = time.perf_counter() - started
    mine, gits = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    told = {"revisions": len(touches), "changes": changes, "seconds": seconds, "mib": mine, "git": gits}
    return told | {"mb": size / 1e6, "blobs": len(asked)}


# --- generated histories ---------------------------------------------------------------------------------------------


def generate(folder: Path, path: str, revisions: int) -> None:
    """A repository whose commits each move a few of some hundred packages, as the updates of a real project do."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    stream = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE)
    if stream.stdin is None:
        raise SystemExit("git fast-import can't be talked to")
    project = b'[project]\nname = "app"\nversion = "1"\ndependencies = ["package-0000", "package-0001>=1"]\n'
    for number, lock in enumerate(locks(path, revisions)):
        subject = f"Update {number}".encode()
        stream.stdin.write(b"commit refs/heads/main\ncommitter Bot <bot@team.example> %d +0000\n" % (1_600_000_000 + number))
        stream.stdin.write(b"data %d\n%s\n" % (len(subject), subject))
        for name, data in ((path, lock), ("pyproject.toml", project)):
            stream.stdin.write(b"M 644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data))
    stream.stdin.close()
    stream.wait()
    subprocess.run(["git", "gc", "-q"], cwd=folder, check=True)


def locks(path: str, revisions: int) -> Iterator[bytes]:
    """The texts of a lock, oldest first."""
    dice = random.Random(1)
    write = {"uv.lock": uv, "poetry.lock": poetry, "pdm.lock": pdm, "requirements.txt": requirements}[path]
    names = [f"package-{number:04}" for number in range(PACKAGES[path] + 100)]
    versions = dict.fromkeys(names[: PACKAGES[path]], 0)
    needs = {name: sorted(dice.sample(names, dice.randint(0, 6))) for name in names}
    entries = {name: write(name, 0, needs[name], names) for name in names}
    for _ in range(revisions):
        for name in dice.sample(sorted(versions), dice.choice((1, 1, 2, 3, 8))):
            versions[name] += 1
            entries[name] = write(name, versions[name], needs[name], names)
        if dice.random() < 0.2:
            new = dice.choice(names)
            if new in versions:
                del versions[new]
            else:
                versions[new] = 0
        yield FRAMES[path][0] + b"".join(entries[name] for name in sorted(versions)) + FRAMES[path][1] % hash_of(str(versions))


FRAMES = {
    "uv.lock": (
        b'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "app"\nversion = "1"\n'
        b'source = { virtual = "." }\ndependencies = [\n    { name = "package-0000" },\n    { name = "package-0001" },\n]\n\n'
        b'[package.metadata]\nrequires-dist = [\n    { name = "package-0000" },\n'
        b'    { name = "package-0001", specifier = ">=1" },\n]\n\n',
        b"# %s\n",
    ),
    "poetry.lock": (
        b"# This file is automatically @generated by Poetry 2.1.0 and should not be changed by hand.\n\n",
        b'[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\ncontent-hash = "%s"\n',
    ),
    "pdm.lock": (b'[metadata]\nlock_version = "4.5.0"\n\n', b"# %s\n"),
    "requirements.txt": (b"#    pip-compile --generate-hashes\n", b"# %s\n"),
}


def hash_of(text: str) -> bytes:
    """A hash that is always the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest().encode()


def files(name: str, version: int) -> list[tuple[str, str]]:
    """The files of a release and their hashes."""
    tags = ("cp311-manylinux", "cp312-manylinux", "cp313-manylinux", "cp311-macosx", "cp312-macosx", "cp313-macosx", "cp313-win")
    stems = [f"{name}-1.{version}.tar.gz", *(f"{name}-1.{version}-{tag}_x86_64.whl" for tag in tags)]
    return [(stem, hash_of(stem).decode()) for stem in stems]


def uv(name: str, version: int, needs: list[str], names: list[str]) -> bytes:
    """An entry of uv.lock."""
    found = [
        f'{{ url = "https://files.example/packages/ab/cd/{"e" * 60}/{file}", hash = "sha256:{digest}", size = 123456 }}'
        for file, digest in files(name, version)
    ]
    asked = "".join(f'    {{ name = "{need}" }},\n' for need in needs)
    wheels = "".join(f"    {wheel},\n" for wheel in found[1:])
    head = f'[[package]]\nname = "{name}"\nversion = "1.{version}"\nsource = {{ registry = "https://index.example/simple" }}\n'
    return f"{head}dependencies = [\n{asked}]\nsdist = {found[0]}\nwheels = [\n{wheels}]\n\n".encode()


def poetry(name: str, version: int, needs: list[str], names: list[str]) -> bytes:
    """An entry of poetry.lock."""
    listed = "".join(f'    {{file = "{file}", hash = "sha256:{digest}"}},\n' for file, digest in files(name, version))
    asked = "".join(f'{need} = ">=1.0,<2.0"\n' for need in needs)
    head = (
        f'[[package]]\nname = "{name}"\nversion = "1.{version}"\ndescription = "The package {name} of many"\noptional = false\n'
    )
    rest = f'python-versions = ">=3.9"\ngroups = ["main"]\nfiles = [\n{listed}]\n\n'
    return f"{head}{rest}[package.dependencies]\n{asked}\n".encode()


def pdm(name: str, version: int, needs: list[str], names: list[str]) -> bytes:
    """An entry of pdm.lock."""
    listed = "".join(f'    {{file = "{file}", hash = "sha256:{digest}"}},\n' for file, digest in files(name, version))
    asked = "".join(f'    "{need}<2.0,>=1.0",\n' for need in needs)
    head = (
        f'[[package]]\nname = "{name}"\nversion = "1.{version}"\nsummary = "The package {name} of many"\ngroups = ["default"]\n'
    )
    return f"{head}dependencies = [\n{asked}]\nfiles = [\n{listed}]\n\n".encode()


def requirements(name: str, version: int, needs: list[str], names: list[str]) -> bytes:
    """A line of requirements.txt."""
    hashes = " \\\n    --hash=sha256:".join(digest for _, digest in files(name, version) * 2)
    return f"{name}==1.{version} \\\n    --hash=sha256:{hashes}\n    # via app\n".encode()


if __name__ == "__main__":
    main()
