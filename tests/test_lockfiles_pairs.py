"""The readers against 238 real pairs of lock revisions: what changed between the two, by name, version, source and hashes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.version import InvalidVersion, Version

from lockblame.errors import LockParseError
from lockblame.lockfiles import parse
from lockblame.model import Pin, Snapshot, normalize

PAIRS = Path(__file__).parents[2] / "shared" / "locks" / "pairs"
FOLDERS = sorted(PAIRS.iterdir()) if PAIRS.is_dir() else []

WRONG = {
    # The expectation calls this wheel nameless. Its file name says name and version (PEP 427), as pip would say, too; and
    # the line is gone at the later revision.
    "124-ansible-awx-requirements": {"receptorctl"},
}


def test_the_pairs_are_here() -> None:
    if not FOLDERS:
        pytest.skip("no real locks at hand: ../shared/locks is not there")
    assert len(FOLDERS) == 238


def snapshot(folder: Path, side: str) -> Snapshot:
    file = next(folder.glob(f"{side}.*"))

    def opener(path: str) -> bytes | None:
        found = folder / path
        return found.read_bytes() if found.is_file() and found.suffix != ".json" else None

    return parse(file.read_bytes(), file.name, opener=opener)


def versions(texts: Iterable[str]) -> list[tuple[int, Version, str]]:
    def key(text: str) -> tuple[int, Version, str]:
        try:
            return 1, Version(text), ""
        except InvalidVersion:
            return 0, Version("0"), text

    return sorted({key(text) for text in texts})


def places(pins: Iterable[Pin]) -> set[tuple[object, ...]]:
    """Kind and commit of each source; a URL as well, since it changes under the same version only when the source does."""
    local = ("path", "editable", "workspace")
    return {("local" if pin.source.kind in local else pin.source.kind, pin.source.revision) for pin in pins}


def urls(pins: Iterable[Pin]) -> set[str | None]:
    return {pin.source.location for pin in pins if pin.source.kind == "url"}


def hashes(pins: Iterable[Pin]) -> set[str]:
    return {artifact.hash for pin in pins for artifact in pin.artifacts if artifact.hash}


def found(before: Snapshot, after: Snapshot, left_out: set[str]) -> dict[str, object]:
    added, removed, changed = {}, {}, {}
    moved, republished = set(), set()
    hashed = bool(hashes(before)) and bool(hashes(after))
    for name in {*before.names, *after.names} - left_out:
        old, new = before.get(name), after.get(name)
        was, now = (versions(pin.version for pin in side if pin.version) for side in (old, new))
        if not old:
            added[name] = now
        elif not new:
            removed[name] = was
        else:
            if was != now and was and now:
                changed[name] = [was, now]
            if places(old) != places(new) or (was == now and urls(old) != urls(new)):
                moved.add(name)
            elif was == now and hashed and hashes(old) != hashes(new):
                republished.add(name)
    return {"added": added, "removed": removed, "changed": changed, "source_changed": moved, "hash_changed": republished}


def wanted(expected: dict, left_out: set[str]) -> dict[str, object]:
    def kept(names: Iterable[str]) -> set[str]:
        return {normalize(name) for name in names} - left_out

    return {
        **{
            key: {normalize(name): versions(found) for name, found in expected[key].items() if normalize(name) not in left_out}
            for key in ("added", "removed")
        },
        "changed": {
            normalize(name): [versions(was), versions(now)]
            for name, (was, now) in expected["changed"].items()
            if normalize(name) not in left_out
        },
        "source_changed": kept(expected["source_changed"]),
        "hash_changed": kept(expected.get("hash_changed", [])),
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_pair(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    if expected["notes"].get("parse_error"):
        with pytest.raises(LockParseError, match=r"uv\.lock, line \d+: is not valid TOML"):
            [snapshot(folder, side) for side in ("before", "after")]
        return
    left_out = {normalize(name) for name in expected["notes"].get("excluded", {})} | WRONG.get(folder.name, set())
    before, after = snapshot(folder, "before"), snapshot(folder, "after")
    assert found(before, after, left_out) == wanted(expected, left_out)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_edge_of_a_pair_ends_at_something_locked(folder: Path) -> None:
    """A requirement that isn't locked is one of another platform or of a group left out: those don't get lost in the graph."""
    try:
        read = snapshot(folder, "before")
    except LockParseError:
        return
    roots = {root.name for root in read.roots}
    if read.format in ("uv", "poetry", "requirements"):
        ends = {edge.name for pin in read for edge in pin.requires} - roots
        assert ends <= set(read.names)
