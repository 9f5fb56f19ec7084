"""Who requires whom, and the paths from the roots."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given, settings

from lockblame.graph import Graph
from lockblame.model import Edge, Pin, Root, Snapshot
from tests.snapshots import NAMES, edge, lock, pin, snapshots

CELERY = lock(
    pin("celery 5.3.4", "kombu>=5.3.2", "vine>=5", "absent"),
    pin("kombu 5.3.2", "vine>=5", "amqp>=5.1"),
    pin("amqp 5.1.1", "vine>=5"),
    pin("vine 5.0.0"),
    pin("stray 1.0"),
    asks=("celery>=5.3", "vine"),
)


def naive_paths(graph: Graph, name: str) -> set[tuple[str, ...]]:
    """Every path without a repeated name, by walking down from the roots."""
    below: dict[int, list[Pin]] = {}
    roots = {id(parent): parent for parent, _, _ in graph.edges() if isinstance(parent, Root)}
    for parent, _, child in graph.edges():
        below.setdefault(id(parent), []).append(child)
    found = set()
    waiting: list[tuple[tuple[str, ...], Root | Pin]] = [((root.name,), root) for root in roots.values()]
    while waiting:
        path, node = waiting.pop()
        for child in below.get(id(node), []):
            if child.name in path:
                continue
            longer = (*path, child.name)
            if child.name == name:
                found.add(longer)
            waiting.append((longer, child))
    return found


class TestPaths:
    def test_they_lead_from_a_root_shortest_first(self):
        assert Graph(CELERY).paths_to("kombu") == (("app", "celery", "kombu"),)
        assert Graph(CELERY).paths_to("vine") == (
            ("app", "vine"),
            ("app", "celery", "vine"),
            ("app", "celery", "kombu", "vine"),
            ("app", "celery", "kombu", "amqp", "vine"),
        )

    def test_the_limit_cuts_the_longest(self):
        assert Graph(CELERY).paths_to("vine", 2) == (("app", "vine"), ("app", "celery", "vine"))
        assert Graph(CELERY).paths_to("vine", 0) == ()

    def test_any_spelling_of_the_name_does(self):
        snapshot = lock(pin("python-dateutil 2.9"), asks=("python-dateutil",))
        assert snapshot.paths_to("Python_DateUtil") == (("app", "python-dateutil"),)

    def test_what_nobody_requires_or_locks_has_none(self):
        assert Graph(CELERY).paths_to("stray") == ()
        assert Graph(CELERY).paths_to("absent") == ()

    def test_equal_lengths_are_decided_by_name(self):
        one = lock(pin("b 1", "z"), pin("a 1", "z"), pin("z 1"), asks=("b", "a"))
        assert Graph(one).paths_to("z")[0] == ("app", "a", "z")

    def test_a_cycle_is_left(self):
        cycle = lock(pin("a 1", "b"), pin("b 1", "c"), pin("c 1", "a", "b"), asks=("a",))
        assert Graph(cycle).paths_to("c") == (("app", "a", "b", "c"),)

    def test_members_of_a_workspace_are_roots_of_their_own(self):
        workspace = Snapshot(
            origin="uv.lock",
            format="uv",
            pins=(pin("kombu 5.3.2"),),
            roots=(
                Root(name="shop", requires=(Edge(name="worker"),)),
                Root(name="worker", requires=(Edge(name="kombu"),)),
            ),
        )
        assert Graph(workspace).paths_to("kombu") == (("worker", "kombu"), ("shop", "worker", "kombu"))
        assert Graph(workspace).direct("kombu")

    def test_exponentially_many_paths_cost_what_is_asked_for(self):
        layers = [
            pin(f"{side}{level} 1", *(f"{other}{level + 1}" for other in "ab"), f"a{max(level - 3, 0)}")
            for level in range(90)
            for side in "ab"
        ]
        paths = Graph(lock(*layers, asks=("a0",))).paths_to("b89")
        assert len(set(paths)) == 100
        assert {len(path) for path in paths} == {91}

    def test_the_end_of_a_long_chain_has_its_shortest_path(self):
        chain = lock(*(pin(f"p{number} 1", f"p{number + 1}", f"p{number // 2}") for number in range(5_000)), asks=("p0",))
        began = time.perf_counter()
        (path,) = Graph(chain).paths_to("p4999")
        assert (len(path), path[:2], path[-1]) == (5_001, ("app", "p0"), "p4999")
        assert time.perf_counter() - began < 60

    def test_a_dense_graph_full_of_cycles_ends(self):
        everyone = [pin(f"p{number} 1", *(f"p{other}" for other in range(60))) for number in range(60)]
        paths = Graph(lock(*everyone, asks=("p0",))).paths_to("p7")
        assert paths[0] == ("app", "p0", "p7")
        assert len(paths) == 100


class TestEdges:
    def test_parents_are_roots_and_packages(self):
        assert Graph(CELERY).parents("vine") == ("amqp", "app", "celery", "kombu")
        assert Graph(CELERY).parents("celery") == ("app",)
        assert Graph(CELERY).parents("stray") == ()

    def test_direct_is_what_a_root_asks_for_itself(self):
        graph = Graph(CELERY)
        assert [name for name in ("celery", "kombu", "vine", "absent") if graph.direct(name)] == ["celery", "vine"]

    def test_an_edge_with_a_version_goes_to_that_fork(self):
        forks = lock(
            pin("numpy 1.26", "old"),
            pin("numpy 2.1", "new"),
            pin("old 1"),
            pin("new 1"),
            pin("frozen 1", Edge(name="numpy", version="1.26")),
            asks=("frozen",),
        )
        assert Graph(forks).paths_to("old") == (("app", "frozen", "numpy", "old"),)
        assert Graph(forks).paths_to("new") == ()

    def test_an_entry_for_an_extra_is_the_same_package(self):
        """PDM repeats a package for its extras, and lets that entry require the plain one."""
        coverage = lock(
            pin("coverage 7.1"),
            pin("coverage 7.1", "coverage", "tomli", extras=("toml",)),
            pin("tomli 2"),
            asks=(Edge(name="coverage", extras=("toml",)),),
            format="pdm",
        )
        assert Graph(coverage).paths_to("tomli") == (("app", "coverage", "tomli"),)
        assert Graph(coverage).paths_to("coverage") == (("app", "coverage"),)
        assert Graph(coverage).parents("coverage") == ("app",)

    def test_an_extra_nobody_asks_for_leads_nowhere(self):
        asked, unasked = (
            lock(
                pin("requests 2", edge("pysocks", marker="extra == 'socks'")),
                pin("selenium 4", "pysocks"),
                pin("pysocks 1"),
                asks=(Edge(name="requests", extras=extras), edge("selenium")),
            )
            for extras in (("Socks",), ())
        )
        assert Graph(asked).paths_to("pysocks") == (("app", "requests", "pysocks"), ("app", "selenium", "pysocks"))
        assert Graph(unasked).paths_to("pysocks") == (("app", "selenium", "pysocks"),)

    def test_an_extra_may_be_asked_for_by_an_extra(self):
        chain = lock(
            pin("celery 5", edge("kombu", marker="extra == 'sqs'", extras=("sqs",))),
            pin("kombu 5", edge("boto3", marker="extra == 'sqs'")),
            pin("boto3 1"),
            asks=(Edge(name="celery", extras=("sqs",)),),
        )
        assert Graph(chain).paths_to("boto3") == (("app", "celery", "kombu", "boto3"),)

    def test_what_only_an_extra_can_have_brought_was_brought_by_it(self):
        """Without a project beside the lock nobody knows which extras were asked for; the package is there all the same."""
        unknown = lock(pin("celery 5", edge("boto3", marker="extra == 'sqs'")), pin("boto3 1"), asks=("celery",))
        assert Graph(unknown).paths_to("boto3") == (("app", "celery", "boto3"),)

    def test_names_of_conflicting_extras_are_the_projects_own(self):
        conflict = edge("torch", marker="sys_platform == 'linux' and extra == 'extra-3-app-gpu'")
        assert Graph(lock(pin("torch 2"), pin("vllm 1", conflict), asks=("vllm",))).direct("torch") is False
        assert Graph(lock(pin("torch 2"), pin("vllm 1", conflict), asks=("vllm",))).reachable("torch")


class TestProperties:
    @settings(max_examples=60)
    @given(snapshots)
    def test_every_resolved_edge_ends_at_a_pin(self, snapshot: Snapshot):
        nodes = {id(node) for node in (*snapshot.roots, *snapshot.pins)}
        for parent, one, child in Graph(snapshot).edges():
            assert id(parent) in nodes
            assert any(child is known for known in snapshot.pins)
            assert one.name == child.name

    @settings(max_examples=60)
    @given(snapshots)
    def test_paths_begin_at_a_root_end_at_the_package_and_follow_edges(self, snapshot: Snapshot):
        graph = Graph(snapshot)
        steps = {(parent.name, child.name) for parent, _, child in graph.edges()}
        steps |= {(root.name, one.name) for root in snapshot.roots for one in root.requires}
        for name in NAMES:
            paths = graph.paths_to(name)
            assert [len(path) for path in paths] == sorted(len(path) for path in paths)
            assert len(set(paths)) == len(paths)
            assert graph.paths_to(name, limit=1) == paths[:1]
            for path in paths:
                assert path[0] in {root.name for root in snapshot.roots}
                assert path[-1] == name
                assert set(pairwise(path)) <= steps

    @settings(max_examples=60)
    @given(snapshots)
    def test_they_are_the_paths_that_walking_finds(self, snapshot: Snapshot):
        graph = Graph(snapshot)
        for name in NAMES:
            assert {path for path in graph.paths_to(name, 10_000) if len(set(path)) == len(path)} == naive_paths(graph, name)
