"""What a machine would install, and whether markers overlap or differ."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker, UndefinedComparison

from lockblame.errors import ReadError
from lockblame.markers import differ, overlap, possible, select, values_of
from lockblame.markers.comparisons import Comparison, combined, holds, taken_apart
from lockblame.model import Edge, Environment, Root, Snapshot
from tests.snapshots import edge, lock, pin, snapshots

LINUX = Environment(python="3.12")
WINDOWS = Environment(python="3.9.7", platform="win32")


def names(snapshot: Snapshot) -> list[str]:
    return [f"{one.name} {one.version}" for one in snapshot]


class TestTakenApart:
    @pytest.mark.parametrize(
        "marker",
        [
            "python_version < '3.11'",
            "'linux' in sys_platform",
            'python_version >= "3.8" and (os_name == "nt" or sys_platform != "win32")',
            "os_name=='nt'or(python_version<'3'and'a' == extra)",
            "python_version not in '2.7, 3.0'",
            "((((os_name == 'nt'))))",
        ],
    )
    def test_it_means_what_packaging_means(self, marker: str):
        parts = taken_apart(marker)
        assert parts is not None
        for environment in (LINUX, WINDOWS):
            values = {**values_of(environment), "extra": "a"}
            truth = combined(parts, lambda comparison, values=values: holds(comparison, values[comparison.variable]))
            assert bool(truth) == Marker(marker).evaluate(values)

    @pytest.mark.parametrize(
        "text",
        ["", "python_version", "python_version <", "(os_name == 'nt'", "os_name == 'nt')", "os_name == 'nt' and", "'a' == 'b'"],
    )
    def test_what_is_no_marker_is_none(self, text: str):
        assert taken_apart(text) is None

    @pytest.mark.parametrize("op", ["<", "<=", "==", "!=", ">=", ">", "~=", "==="])
    @pytest.mark.parametrize(
        ("variable", "values"),
        [
            ("python_full_version", ["3", "3.0", "3.9", "3.10.0", "3.10.1", "2.7.18"]),
            ("sys_platform", ["linux", "win32", "386", "v1"]),
        ],
    )
    def test_each_comparison_does_too(self, variable: str, op: str, values: list[str]):
        for value in values:
            for wanted in values:
                marker = Marker(f"{variable} {op} '{wanted}'")
                try:
                    expected = marker.evaluate({variable: value})
                except UndefinedComparison:
                    expected = True
                assert holds(Comparison(variable, op, f"'{wanted}'"), value) == expected

    def test_old_spellings_are_the_same_variables(self):
        assert not differ("os.name == 'nt'", "os_name == 'nt'")
        assert not differ("python_implementation == 'CPython'", "platform_python_implementation == 'CPython'")

    @settings(max_examples=60)
    @given(st.text(alphabet="()'\"<>=! abnortpyhe_xin.3", max_size=60))
    def test_any_text_gives_an_answer(self, text: str):
        taken_apart(text)
        assert overlap(text, text) in (True, False)

    def test_nesting_and_length_cost_no_stack_and_little_time(self):
        began = time.perf_counter()
        assert taken_apart("(" * 50_000 + "os_name == 'nt'" + ")" * 50_000) is not None
        assert taken_apart("(" * 100_000) is None
        assert overlap(" or ".join(f"extra == 'extra-3-app-e{number}'" for number in range(3_000)), "os_name == 'nt'")
        assert taken_apart("x" * 200_000) is None
        assert time.perf_counter() - began < 60


class TestOverlap:
    @pytest.mark.parametrize(
        ("one", "other", "both"),
        [
            (None, "os_name == 'nt'", True),
            ("python_version < '3.11'", "python_version >= '3.11'", False),
            ("python_version <= '3.11'", "python_version >= '3.11'", True),
            ("python_full_version < '3.11.3'", "python_version == '3.11'", True),
            ("python_full_version < '3.11'", "python_version == '3.11'", False),
            ("sys_platform == 'linux'", "os_name == 'nt'", False),
            ("sys_platform == 'win32'", "platform_system == 'Windows'", True),
            ("platform_machine == 'aarch64'", "platform_machine != 'aarch64'", False),
            ("platform_machine in 'x86_64 amd64'", "platform_machine == 'amd64'", True),
            ("extra == 'a' and extra != 'b'", "extra == 'b'", False),
            ("extra == 'a'", "extra == 'b'", True),
            ("implementation_name == 'pypy'", "platform_python_implementation == 'CPython'", False),
            ("'dev' in dependency_groups", "'dev' not in dependency_groups", False),
            ("python_version < '3.8' or sys_platform == 'win32'", "python_version >= '3.8' and sys_platform == 'linux'", False),
            ("not a marker", "python_version < '3'", True),
        ],
    )
    def test_some_environment_fulfils_both_or_none_does(self, one: str | None, other: str, both: bool):
        assert overlap(one, other) is both
        assert overlap(other, one) is both

    def test_markers_as_long_as_uv_writes_them(self):
        extras = [f"extra == 'extra-3-app-{name}'" for name in ("cpu", "cuda", "rocm", "tpu")]
        clauses = [
            f"(python_full_version >= '3.{minor}' and sys_platform == '{platform}' and {extra})"
            for minor in range(8, 15)
            for platform in ("linux", "darwin", "win32")
            for extra in extras
        ]
        long = " or ".join(clauses)
        assert len(long) > 6_000
        began = time.perf_counter()
        assert overlap(long, "sys_platform == 'linux' and extra == 'extra-3-app-tpu'")
        assert not overlap(f"({long}) and python_version < '3.8'", "sys_platform == 'linux'")
        assert time.perf_counter() - began < 60


class TestDiffer:
    @pytest.mark.parametrize(
        ("one", "other", "within", "differing"),
        [
            ("python_version < '3.11'", 'python_full_version<"3.11"', None, False),
            ("os_name == 'nt' and python_version < '3.9'", "python_version < '3.9' and os_name == 'nt'", None, False),
            ("python_version >= '3.9' and os_name == 'nt'", "os_name == 'nt'", ">=3.9", False),
            ("python_version >= '3.9' and os_name == 'nt'", "os_name == 'nt'", ">=3.8", True),
            ("python_version >= '3.7'", "python_version >= '3.7' and python_version < '4.0'", None, False),
            ("python_version >= '3.7'", None, ">=3.8,<4", False),
            ("python_version >= '3.7'", None, None, True),
            ("sys_platform == 'win32'", "platform_system == 'Windows'", None, False),
            ("'dev' in dependency_groups and os_name == 'nt'", "os_name == 'nt'", None, False),
            ("'dev' in dependency_groups", "'main' in dependency_groups", None, True),
            ("not a marker", "no marker either", None, True),
        ],
    )
    def test_only_another_meaning_is_a_difference(self, one: str | None, other: str | None, within: str | None, differing: bool):
        assert differ(one, other, within) is differing
        assert differ(other, one, within) is differing

    def test_possible_is_what_a_supported_python_can_fulfil(self):
        assert not possible("python_version < '3.8'", ">=3.8")
        assert possible("python_version < '3.9'", ">=3.8")
        assert possible("python_version < '3.8'", None)
        assert not possible("python_version < '3.7' and os_name == 'nt'", ">=3.12")
        assert possible("not a marker", ">=3.8")


class TestValues:
    def test_a_minor_version_stands_for_its_first_release(self):
        assert values_of(LINUX)["python_full_version"] == "3.12.0"
        assert values_of(WINDOWS)["python_full_version"] == "3.9.7"
        assert values_of(WINDOWS)["python_version"] == "3.9"

    def test_machines_have_their_platforms_name(self):
        assert values_of(Environment(python="3.12", platform="win32"))["platform_machine"] == "AMD64"
        assert values_of(Environment(python="3.12", platform="darwin", machine="aarch64"))["platform_machine"] == "arm64"
        assert values_of(Environment(python="3.12", machine="arm64"))["platform_machine"] == "aarch64"

    def test_a_python_that_is_no_version_is_told(self):
        with pytest.raises(ReadError, match=r"python 'snake': is not a version; write it like 3\.12"):
            lock(pin("a 1")).select(Environment(python="snake"))


class TestSelect:
    def test_pins_are_reached_through_edges_that_hold(self):
        snapshot = lock(
            pin(
                "click 8.1", edge("colorama", marker="sys_platform == 'win32'"), edge("extras", marker="python_version < '3.10'")
            ),
            pin("colorama 0.4"),
            pin("extras 1", "deep"),
            pin("deep 1"),
            pin("stray 1"),
            asks=("click",),
        )
        assert names(snapshot.select(LINUX)) == ["click 8.1"]
        assert names(snapshot.select(WINDOWS)) == ["click 8.1", "colorama 0.4", "extras 1", "deep 1"]
        assert snapshot.select(LINUX).get("click")[0].requires == ()
        assert snapshot.select(WINDOWS).paths_to("deep") == (("app", "click", "extras", "deep"),)

    def test_of_forks_those_whose_marker_holds(self):
        snapshot = lock(
            pin("numpy 1.26", marker="python_full_version < '3.10'"),
            pin("numpy 2.2", marker="python_full_version >= '3.10'"),
            pin("left 1", Edge(name="numpy", version="1.26"), marker=None),
            asks=("numpy", edge("left", marker="os_name == 'nt'")),
            format="uv",
        )
        assert names(snapshot.select(LINUX)) == ["numpy 2.2"]
        assert names(snapshot.select(WINDOWS)) == ["numpy 1.26", "left 1"]

    def test_extras_and_groups_of_the_project_are_chosen(self):
        snapshot = lock(
            pin("django 4.2"),
            pin("redis 5"),
            pin("pytest 8"),
            asks=("django", edge("redis", marker="extra == 'cache'"), edge("pytest", group="dev")),
        )
        assert names(snapshot.select(LINUX)) == ["django 4.2"]
        chosen = Environment(python="3.12", extras=("Cache",), groups=("dev",))
        assert names(snapshot.select(chosen)) == ["django 4.2", "redis 5", "pytest 8"]

    def test_extras_of_packages_are_those_asked_for(self):
        sqs = edge("boto3", marker="extra == 'sqs'")
        asked, plain = (
            lock(pin("kombu 5", sqs), pin("boto3 1"), pin("other 1", "boto3"), asks=(Edge(name="kombu", extras=extras),))
            for extras in (("sqs",), ())
        )
        assert names(asked.select(LINUX)) == ["kombu 5", "boto3 1"]
        assert names(plain.select(LINUX)) == ["kombu 5"]

    def test_a_member_may_ask_for_the_extras_of_another(self):
        snapshot = Snapshot(
            origin="uv.lock",
            format="uv",
            pins=(pin("redis 5"), pin("rich 13")),
            roots=(
                Root(name="shop", requires=(Edge(name="worker", extras=("all",)), Edge(name="rich"))),
                Root(
                    name="worker",
                    requires=(
                        Edge(name="worker", extras=("cache",), marker="extra == 'all'"),
                        Edge(name="redis", marker="extra == 'cache'"),
                    ),
                ),
            ),
        )
        assert names(snapshot.select(LINUX)) == ["redis 5", "rich 13"]

    def test_conflicting_extras_of_uv_go_by_their_own_names(self):
        snapshot = lock(
            pin("torch 2.1+cpu", marker="extra == 'extra-3-app-cpu' and extra != 'extra-3-app-gpu'"),
            pin("torch 2.1", marker="extra == 'extra-3-app-gpu' or extra != 'extra-3-app-cpu'"),
            asks=("torch",),
            format="uv",
        )
        assert names(snapshot.select(Environment(python="3.12", extras=("cpu",)))) == ["torch 2.1+cpu"]
        assert names(snapshot.select(LINUX)) == ["torch 2.1"]

    def test_a_list_of_what_is_installed_goes_by_its_own_markers(self):
        snapshot = lock(
            pin("click 8.1", "colorama"),
            pin("colorama 0.4", marker="sys_platform == 'win32'"),
            pin("handwritten 1"),
            asks=("click",),
            format="requirements",
        )
        assert names(snapshot.select(LINUX)) == ["click 8.1", "handwritten 1"]
        assert len(snapshot.select(WINDOWS)) == 3

    def test_groups_and_optional_packages_of_a_list(self):
        snapshot = lock(
            pin("django 4.2", groups=("default",)),
            pin("pytest 8", groups=("develop",)),
            pin("redis 5", optional=True),
            format="pdm",
        )
        assert names(snapshot.select(LINUX)) == ["django 4.2"]
        assert names(snapshot.select(Environment(python="3.12", groups=("develop",)))) == ["django 4.2", "pytest 8"]
        assert names(snapshot.select(Environment(python="3.12", extras=("cache",)))) == ["django 4.2", "redis 5"]

    def test_a_marker_that_cant_be_read_holds_and_is_a_gap(self):
        snapshot = lock(pin("odd 1", marker="python_version <<< 3"), asks=("odd",))
        selected = snapshot.select(LINUX)
        assert names(selected) == ["odd 1"]
        assert [(gap.subject, gap.reason) for gap in selected.gaps] == [("odd", "marker")]
        assert "python_version <<< 3" in selected.gaps[0].detail

    def test_several_locks_are_narrowed_each(self):
        part = lock(pin("a 1", marker="os_name == 'nt'"), pin("b 1"), format="requirements")
        both = Snapshot(origin="HEAD", format="several", pins=part.pins * 2, parts=(part, part))
        assert names(both.select(LINUX)) == ["b 1", "b 1"]
        assert [names(one) for one in both.select(LINUX).parts] == [["b 1"], ["b 1"]]

    @settings(max_examples=50)
    @given(snapshots, st.sampled_from((LINUX, WINDOWS)))
    def test_what_is_left_was_there_and_selecting_again_changes_nothing(self, snapshot: Snapshot, environment: Environment):
        selected = select(snapshot, environment)
        identities = [one.identity for one in snapshot]
        assert all(one.identity in identities for one in selected)
        assert [one.identity for one in select(selected, environment)] == [one.identity for one in selected]
