"""The deltas of 238 real pairs of lock revisions against what is known to have changed, by the document that `diff` prints."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lockblame.delta import compare
from lockblame.errors import ReadError
from lockblame.graph import Graph
from lockblame.lockfiles import parse
from lockblame.model import Delta, Snapshot, normalize
from lockblame.report.document import delta_to_dict
from lockblame.versions import version_key

PAIRS = Path(__file__).parents[2] / "shared" / "locks" / "pairs"
FOLDERS = sorted(PAIRS.iterdir()) if PAIRS.is_dir() else []

DISPUTED = {"124-ansible-awx-requirements": {"receptorctl"}}
"""Names that docs/explanation/limits.md speaks of."""


def test_the_pairs_are_here() -> None:
    if not FOLDERS:
        pytest.skip("no real locks at hand: ../shared/locks is not there")
    assert len(FOLDERS) == 238


def sides(folder: Path) -> tuple[Snapshot, Snapshot]:
    files = [next(folder.glob(f"{side}.*")) for side in ("before", "after")]
    before, after = (parse(file.read_bytes(), file.name) for file in files)
    return before, after


def keys(versions: list[str]) -> list[object]:
    return sorted({version_key(version) for version in versions})


def found(delta: Delta, left_out: set[str]) -> dict[str, object]:
    result: dict[str, dict[str, object]] = {key: {} for key in ("added", "removed", "changed", "source_changed", "hash_changed")}
    for change in delta_to_dict(delta)["changes"]:
        name, was, now = change["name"], keys(change["before"]), keys(change["after"])
        if name in left_out:
            continue
        if change["kind"] in ("added", "removed"):
            result[change["kind"]][name] = now or was
            continue
        if was != now and was and now:
            result["changed"][name] = [was, now]
        if change["source_changed"]:
            result["source_changed"][name] = True
        elif change["artifacts_changed"] and was == now:
            result["hash_changed"][name] = True
    return result


def wanted(expected: dict, left_out: set[str]) -> dict[str, object]:
    def kept(key: str) -> dict[str, object]:
        values = expected.get(key, {})
        named = values.items() if isinstance(values, dict) else ((name, None) for name in values)
        return {normalize(name): value for name, value in named if normalize(name) not in left_out}

    return {
        "added": {name: keys(versions) for name, versions in kept("added").items()},
        "removed": {name: keys(versions) for name, versions in kept("removed").items()},
        "changed": {name: [keys(was), keys(now)] for name, (was, now) in kept("changed").items()},
        "source_changed": dict.fromkeys(kept("source_changed"), True),
        "hash_changed": dict.fromkeys(kept("hash_changed"), True),
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_pair(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    if expected["notes"].get("parse_error"):
        with pytest.raises(ReadError, match=r"line \d+"):
            sides(folder)
        return
    before, after = sides(folder)
    delta = compare(before, after)
    left_out = {normalize(name) for name in expected["notes"].get("excluded", {})} | DISPUTED.get(folder.name, set())
    assert found(delta, left_out) == wanted(expected, left_out)
    assert all(change.reason.detail for change in delta)

    back = compare(after, before)
    assert Counter((one.name, one.old, one.new) for one in back) == Counter((one.name, one.new, one.old) for one in delta)
    turned = [replace(side, pins=side.pins[::-1]) for side in (before, after)]
    assert compare(*turned).changes == delta.changes
    assert compare(before, before).changes == ()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_paths_begin_at_a_root_and_end_at_the_package(folder: Path) -> None:
    try:
        snapshot = sides(folder)[1]
    except ReadError:
        return
    graph = Graph(snapshot)
    roots = {root.name for root in snapshot.roots}
    told = sum(bool(graph.paths_to(name, 2)) for name in snapshot.names)
    for name in snapshot.names:
        for path in graph.paths_to(name, 2):
            assert path[0] in roots
            assert path[-1] == name
    if snapshot.format in ("uv", "poetry") and snapshot.roots and len(snapshot) > 1:
        assert told / len(snapshot.names) > 0.9
