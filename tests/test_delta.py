"""What changed between two snapshots: pairing, kinds, steps, flags; several locks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from lockblame.delta import compare
from lockblame.delta.facts import step
from lockblame.model import Artifact, Change, Delta, Edge, Pin, Snapshot, Source
from tests.snapshots import edge, lock, pin

GIT = Source(kind="git", location="https://git.example/team/tool", revision="1a2b3c4d5e6f")
INDEX = Source(location="https://index.example/simple")
MIRROR = Source(location="https://mirror.example/simple")


def change(before: Pin, after: Pin, **more: object) -> Change | None:
    """The only change between two locks of one pin, None when there is none."""
    delta = compare(lock(before, **more), lock(after, **more))
    assert len(delta) < 2
    return delta[0] if delta else None


def changed(before: Pin, after: Pin) -> Change:
    found = change(before, after)
    assert found is not None
    return found


def said(delta: Delta) -> list[tuple[str, str, str | None, str | None]]:
    return [(one.name, one.kind, one.old, one.new) for one in delta]


class TestKinds:
    def test_added_and_removed(self):
        delta = compare(lock(pin("a 1"), pin("b 1")), lock(pin("b 1"), pin("c 1")))
        assert said(delta) == [("a", "removed", "1", None), ("c", "added", None, "1")]

    @pytest.mark.parametrize(
        ("before", "after", "kind"),
        [
            ("1.9", "1.10", "upgraded"),
            ("2.0", "2.0rc1", "downgraded"),
            ("2.0", "1!1.0", "upgraded"),
            ("2.0", "2.0+local", "upgraded"),
            ("alpha", "beta", "upgraded"),
        ],
    )
    def test_versions_are_ordered_by_pep_440_or_as_text(self, before: str, after: str, kind: str):
        found = change(pin(f"a {before}"), pin(f"a {after}"))
        assert found.kind == kind

    def test_two_spellings_of_one_version_are_no_change(self):
        assert change(pin("a 1.0"), pin("a 1.0.0")) is None
        assert change(pin("a 3.2.3-2"), pin("a 3.2.3.post2")) is None

    def test_a_version_that_appears_is_a_move_of_no_direction(self):
        found = changed(pin("a"), pin("a 1.0"))
        assert (found.kind, found.step, found.source_changed) == ("moved", None, False)
        assert found.reason.detail == "a was not pinned and is pinned to 1.0 now"

    def test_a_git_commit_that_moved_under_the_same_version(self):
        later = Source(kind="git", location=GIT.location, revision="9f8e7d6c5b4a")
        found = changed(pin("a 1.0", source=GIT), pin("a 1.0", source=later))
        assert (found.kind, found.source_changed) == ("moved", True)

    def test_another_place_that_the_lock_names(self):
        archive = Source(kind="url", location="https://files.example/a-1.0.zip")
        other = Source(kind="url", location="https://files.example/fixed/a-1.0.zip")
        assert changed(pin("a 1.0", source=archive), pin("a 1.0", source=other)).source_changed
        upgraded = changed(pin("a 1.0", source=archive), pin("a 1.1", source=other))
        assert (upgraded.kind, upgraded.source_changed) == ("upgraded", False)

    def test_from_the_index_to_git_with_another_version(self):
        found = changed(pin("a 1.0"), pin("a 1.1", source=GIT))
        assert (found.kind, found.source_changed) == ("upgraded", True)

    def test_spellings_of_one_repository_and_short_commits_are_no_move(self):
        spelled = Source(kind="git", location="git+https://git.example/team/tool.git", revision="1a2b3c4")
        assert change(pin("a 1.0", source=GIT), pin("a 1.0", source=spelled)) is None

    def test_an_index_that_is_named_for_the_first_time_is_no_move(self):
        assert change(pin("a 1.0"), pin("a 1.0", source=INDEX)) is None

    def test_another_index_is_a_move_and_no_other_source(self):
        found = changed(pin("a 1.0", source=INDEX), pin("a 1.0", source=MIRROR))
        assert (found.kind, found.source_changed) == ("moved", False)

    def test_an_index_that_is_replaced_as_a_whole_is_one_fact(self):
        def side(source: Source, third: Source) -> Snapshot:
            pins = (pin("a 1", source=source), pin("b 1", source=source), pin("c 1", source=third))
            return lock(*pins, indexes=(source.location or "",))

        delta = compare(side(INDEX, INDEX), side(MIRROR, MIRROR))
        assert (delta.indexes, len(delta)) == (((INDEX.location, MIRROR.location),), 0)
        apart = compare(side(INDEX, INDEX), side(MIRROR, INDEX))
        assert (apart.indexes, [one.name for one in apart]) == ((), ["a", "b"])


class TestFiles:
    def test_a_file_of_the_same_name_with_another_hash_is_republished(self):
        before, after = pin("a 1", files={"a.whl": "11", "a.tar.gz": "22"}), pin("a 1", files={"a.whl": "33", "a.tar.gz": "22"})
        found = changed(before, after)
        assert (found.kind, found.artifacts_changed) == ("republished", True)

    def test_added_and_dropped_files_are_harmless(self):
        before, after = pin("a 1", files={"a.whl": "11", "old.whl": "22"}), pin("a 1", files={"a.whl": "11", "new.whl": "33"})
        found = changed(before, after)
        assert (found.kind, found.artifacts_changed) == ("refiled", True)

    def test_bare_hashes_are_republished_when_none_of_them_stays(self):
        bare = [Artifact(hash=f"sha256:{digest}") for digest in ("11", "22", "33")]
        one = Pin(name="a", version="1", artifacts=tuple(bare[:2]))
        grown, other = Pin(name="a", version="1", artifacts=tuple(bare)), Pin(name="a", version="1", artifacts=tuple(bare[2:]))
        assert changed(one, grown).kind == "refiled"
        assert changed(one, other).kind == "republished"

    def test_another_algorithm_says_nothing_about_the_file(self):
        one = Pin(name="a", version="1", artifacts=(Artifact(name="a.whl", hash="md5:11"),))
        found = changed(one, pin("a 1", files={"a.whl": "22"}))
        assert (found.kind, found.artifacts_changed) == ("refiled", True)

    def test_a_file_that_gets_hashes_as_a_whole_changes_no_package(self):
        plain = (pin("a 1"), pin("b 1"))
        hashed = (pin("a 1", files={"a.whl": "11"}), pin("b 1", files={"b.whl": "22"}))
        assert len(compare(lock(*plain), lock(*hashed))) == 0
        assert len(compare(lock(*hashed), lock(*plain))) == 0
        assert len(compare(lock(*hashed), lock(hashed[0], plain[1]))) == 1

    def test_upload_times_and_urls_are_no_change(self):
        later = Artifact(name="a.whl", hash="sha256:11", uploaded="2024-01-01T00:00:00Z", url="https://files.example/a.whl")
        assert change(pin("a 1", files={"a.whl": "11"}), Pin(name="a", version="1", artifacts=(later,))) is None

    def test_files_of_another_version_are_no_fact(self):
        found = changed(pin("a 1", files={"a.whl": "11"}), pin("a 2", files={"a.whl": "22"}))
        assert (found.kind, found.artifacts_changed) == ("upgraded", False)


class TestScope:
    @pytest.mark.parametrize(
        "more",
        [{"marker": "sys_platform == 'win32'"}, {"extras": ("fast",)}, {"groups": ("dev", "main")}, {"optional": True}],
        ids=lambda more: next(iter(more)),
    )
    def test_where_a_package_applies(self, more: dict[str, object]):
        found = changed(pin("a 1", groups=("main",)), pin("a 1", **{"groups": ("main",), **more}))
        assert (found.kind, found.scope_changed, found.edges_changed) == ("rescoped", True, False)

    def test_another_spelling_of_the_marker_is_no_change(self):
        one, other = pin("a 1", marker="python_version < '3.8'"), pin("a 1", marker='python_full_version<"3.8"')
        assert change(one, other) is None

    def test_what_no_supported_python_can_tell_apart_is_no_change(self):
        one, other = pin("a 1", marker="python_version >= '3.9' and os_name == 'nt'"), pin("a 1", marker="os_name == 'nt'")
        assert change(one, other, requires_python=">=3.9") is None
        assert change(one, other, requires_python=">=3.8") is not None

    def test_a_tool_that_begins_to_write_groups_and_markers_changes_no_package(self):
        """Poetry 2 adds groups and markers to every entry."""
        names = [f"p{number}" for number in range(6)]
        old = lock(*(pin(f"{name} 1") for name in names))
        new = lock(*(pin(f"{name} 1", groups=("main",), marker="python_version < '3.12'") for name in names))
        assert len(compare(old, new)) == 0
        categories = lock(*(pin(f"{name} 1", groups=("dev",)) for name in names))
        assert len(compare(categories, lock(*(pin(f"{name} 1", groups=("test",)) for name in names)))) == 0

    def test_its_own_requirements(self):
        found = changed(pin("a 1", "b>=1", "c"), pin("a 1", "b>=2", "c"))
        assert (found.kind, found.scope_changed, found.edges_changed) == ("rescoped", False, True)

    def test_order_spelling_and_forks_of_requirements_are_no_change(self):
        one = pin(
            "a 1", "b>=1,<2.0", Edge(name="c", version="1.0", marker="os_name == 'nt'"), edge("c", marker="os_name != 'nt'")
        )
        other = pin("a 1", Edge(name="c", version="2.0"), "b<2.dev0,>=1.0")
        assert change(one, other) is None

    def test_requirements_for_pythons_that_nobody_supports_any_more(self):
        one, other = pin("a 1", edge("backport", marker="python_version < '3.9'"), "b"), pin("a 1", "b")
        before, after = lock(one, requires_python=">=3.8"), lock(other, requires_python=">=3.9")
        delta = compare(before, after)
        assert (len(delta), delta.requires_python) == (0, (">=3.8", ">=3.9"))

    def test_unknown_requirements_are_no_change(self):
        assert change(pin("a 1", "b"), pin("a 1", requires_known=False)) is None


class TestStep:
    @pytest.mark.parametrize(
        ("before", "after", "part"),
        [
            ("1.2.3", "1!1.2.3", "epoch"),
            ("1.2", "2.0.1", "major"),
            ("1.2", "1.3.1", "minor"),
            ("1.2", "1.2.0.1", "micro"),
            ("1.2.3", "1.2.5", "micro"),
            ("1.2rc1", "1.2", "pre"),
            ("1.2", "1.2.post1", "post"),
            ("1.2.dev1", "1.2.dev2", "dev"),
            ("1.2+cpu", "1.2+cu121", "local"),
            ("1.2", "1.2.0", None),
            ("1.2", "not a version", None),
            (None, "1.2", None),
        ],
    )
    def test_the_leftmost_part_that_differs(self, before: str | None, after: str, part: str | None):
        assert step(before, after) == part
        assert step(after, before) == part


class TestForks:
    def test_one_fork_of_four_that_moved(self):
        def forks(last: str) -> Snapshot:
            versions = ("4.2.19", "5.0.12", "5.1.6", last)
            bounds = ("< '3.9'", "== '3.9'", "== '3.10'", ">= '3.11'")
            return lock(
                *(
                    pin(f"django {version}", marker=f"python_version {bound}")
                    for version, bound in zip(versions, bounds, strict=True)
                )
            )

        delta = compare(forks("5.2a1"), forks("5.2b1"))
        assert said(delta) == [("django", "upgraded", "5.2a1", "5.2b1")]
        assert delta[0].step == "pre"

    def test_markers_decide_who_became_who(self):
        old, new = "python_version < '3.10'", "python_version >= '3.10'"
        before = lock(pin("numpy 1.24", marker=old), pin("numpy 1.26", marker=new))
        after = lock(pin("numpy 2.2", marker=new), pin("numpy 1.26", marker=old))
        # The identical identity stays together, whatever its marker.
        assert said(compare(before, after)) == [("numpy", "rescoped", "1.26", "1.26"), ("numpy", "upgraded", "1.24", "2.2")]
        after = lock(pin("numpy 2.2", marker=new), pin("numpy 1.25", marker=old))
        assert said(compare(before, after)) == [("numpy", "upgraded", "1.24", "1.25"), ("numpy", "upgraded", "1.26", "2.2")]

    def test_a_fork_that_ends_is_removed_and_nothing_is_downgraded(self):
        before = lock(pin("click 8.1.8", marker="python_version < '3.10'"), pin("click 8.2.2", marker="python_version >= '3.10'"))
        delta = compare(before, lock(pin("click 8.3.0")))
        assert said(delta) == [("click", "removed", "8.1.8", None), ("click", "upgraded", "8.2.2", "8.3.0")]

    def test_a_fork_that_begins_is_added(self):
        delta = compare(lock(pin("dnspython 1.15.0")), lock(pin("dnspython 1.16.0"), pin("dnspython 1.15.0")))
        assert said(delta) == [("dnspython", "added", None, "1.16.0")]

    def test_without_markers_the_newest_belong_together(self):
        before, after = lock(pin("a 2.0")), lock(pin("a 2.1"), pin("a 1.5"))
        assert said(compare(before, after)) == [("a", "added", None, "1.5"), ("a", "upgraded", "2.0", "2.1")]

    def test_sources_of_one_kind_belong_together(self):
        wheel = Source(kind="url", location="https://files.example/a.whl")
        other = Source(kind="url", location="https://files.example/other.whl")
        delta = compare(lock(pin("a 1"), pin("a 1", source=wheel)), lock(pin("a 2", source=other), pin("a 2")))
        assert said(delta) == [("a", "upgraded", "1", "2"), ("a", "upgraded", "1", "2")]
        assert not any(one.source_changed for one in delta)

    def test_the_same_version_from_two_commits(self):
        two = [Source(kind="git", location=GIT.location, revision=digit * 12) for digit in "123"]
        before, after = (lock(*(pin("deep-ep 1.2.1", source=source) for source in sides)) for sides in (two[:2], two[1:]))
        delta = compare(before, after)
        assert [(one.kind, one.before and one.before.source.revision) for one in delta] == [("moved", "1" * 12)]

    def test_thousands_of_forks_that_require_each_other_end(self):
        before, after = (
            lock(*(pin(f"a {version}.{number}", "a>=0", "b") for number in range(800)), pin(f"b {version}", "a"), asks=("a",))
            for version in "12"
        )
        delta = compare(before, after)
        assert Counter(one.kind for one in delta) == {"upgraded": 801}


class TestTwoFormats:
    def test_what_only_one_can_say_is_no_change(self):
        written = lock(
            pin(
                "celery 5.3.1",
                Edge(name="kombu", version="5.3.1"),
                source=INDEX,
                marker="python_version >= '3.8'",
                files={"celery.whl": "11", "celery.tar.gz": "22"},
            ),
            pin("kombu 5.3.1", source=INDEX),
            asks=("celery>=5",),
            format="uv",
            requires_python=">=3.8",
            indexes=(INDEX.location or "",),
        )
        bare = Artifact(hash="sha256:33")
        plain = lock(Pin(name="celery", version="5.3.1", artifacts=(bare,)), pin("kombu 5.3.2"), format="requirements")
        for delta in (compare(plain, written), compare(written, plain)):
            assert [(one.name, one.source_changed, one.scope_changed, one.edges_changed) for one in delta] == [
                ("kombu", False, False, False)
            ]
            assert delta.requires_python is None
            assert delta.indexes == ()

    def test_a_file_of_the_same_name_with_another_hash_shows_all_the_same(self):
        delta = compare(
            lock(pin("a 1", files={"a.whl": "11"}), format="pdm"), lock(pin("a 1", files={"a.whl": "22"}), format="uv")
        )
        assert [one.kind for one in delta] == ["republished"]

    def test_ways_to_say_a_local_folder(self):
        editable, folder = Source(kind="editable", location="./lib"), Source(kind="path", location="lib")
        delta = compare(lock(pin("lib", source=editable), format="uv"), lock(pin("lib", source=folder), format="requirements"))
        assert len(delta) == 0


class TestGraphFacts:
    def test_direct_and_paths_on_both_sides(self):
        before = lock(pin("celery 5.3.1", "kombu"), pin("kombu 5.3.1"), asks=("celery",))
        after = lock(pin("celery 5.3.1", "kombu"), pin("kombu 5.3.2"), asks=("celery", "kombu"))
        (kombu,) = compare(before, after)
        assert kombu.direct
        assert kombu.paths_before == (("app", "celery", "kombu"),)
        assert kombu.paths_after == (("app", "kombu"), ("app", "celery", "kombu"))
        (back,) = compare(after, before)
        assert not back.direct

    def test_at_most_five_paths_and_none_where_it_isnt_locked(self):
        parents = [pin(f"p{number} 1", "z") for number in range(9)]
        (added,) = compare(lock(*parents, asks=tuple(one.name for one in parents)), lock(*parents, pin("z 1"), asks=("p0", "p1")))
        assert added.paths_before == ()
        assert added.paths_after == (("app", "p0", "z"), ("app", "p1", "z"))

    def test_paths_that_nobody_could_read_are_left_out_and_told(self):
        before, after = (
            lock(*(pin(f"p{number:04} {version}", f"p{number + 1:04}") for number in range(2_500)), asks=("p0000",))
            for version in "12"
        )
        delta = compare(before, after)
        assert len(delta) == 2_500
        assert delta[0].paths_after == (("app", "p0000"),)
        assert delta[-1].paths_after == ()
        assert [gap.reason for gap in delta.gaps] == ["many-paths"]


class TestSeveralLocks:
    def several(self, *parts: Snapshot) -> Snapshot:
        return Snapshot(origin="HEAD", format="several", pins=tuple(one for part in parts for one in part), parts=parts)

    def test_they_are_matched_by_path(self):
        before = self.several(lock(pin("a 1"), path="api/poetry.lock"), lock(pin("a 1"), path="web/poetry.lock"))
        after = self.several(lock(pin("a 3"), path="web/poetry.lock"), lock(pin("a 2"), path="api/poetry.lock"))
        delta = compare(before, after)
        assert [(one.lock, one.new) for one in delta] == [("api/poetry.lock", "2"), ("web/poetry.lock", "3")]
        assert [len(part) for part in delta.parts] == [1, 1]
        assert delta.gaps == ()

    def test_renames_are_followed(self):
        before = self.several(lock(pin("a 1"), path="old/uv.lock"), lock(pin("b 1"), path="uv.lock"))
        after = self.several(lock(pin("a 2"), path="new/uv.lock"), lock(pin("b 1"), path="uv.lock"), lock(path="x/uv.lock"))
        delta = compare(before, after, renames={"new/uv.lock": "old/uv.lock"})
        assert [(one.lock, one.kind) for one in delta] == [("new/uv.lock", "upgraded")]

    def test_a_lock_without_a_counterpart_is_told(self):
        before = self.several(lock(pin("a 1"), path="a/uv.lock"), lock(pin("b 1"), path="b/uv.lock"))
        after = self.several(
            lock(pin("a 1"), path="a/uv.lock"), lock(pin("c 1"), path="c/1.txt"), lock(pin("d 1"), path="c/2.txt")
        )
        delta = compare(before, after)
        assert said(delta) == [("b", "removed", "1", None), ("c", "added", None, "1"), ("d", "added", None, "1")]
        assert [(gap.subject, gap.reason) for gap in delta.gaps] == [
            ("b/uv.lock", "lock-removed"),
            ("c/1.txt", "lock-added"),
            ("c/2.txt", "lock-added"),
        ]

    @pytest.mark.parametrize("flipped", [False, True])
    def test_a_lock_that_can_not_be_read_on_one_side_is_not_one_that_came_or_went(self, flipped):
        from lockblame.model import Gap

        broken = Gap(subject="b/uv.lock", reason="lock-parse-error", detail="b/uv.lock at HEAD, line 1: merge conflict markers")
        whole = self.several(lock(pin("a 1"), path="a/uv.lock"), lock(pin("b 1"), path="b/uv.lock"))
        other = replace(self.several(lock(pin("a 2"), path="a/uv.lock"), lock(pin("c 1"), path="b/poetry.lock")), gaps=(broken,))
        delta = compare(other, whole) if flipped else compare(whole, other)
        kinds = [("a", "downgraded"), ("c", "removed")] if flipped else [("a", "upgraded"), ("c", "added")]
        assert [(one.name, one.kind) for one in delta] == kinds
        assert broken in delta.gaps

    def test_another_tool_in_the_same_folder_is_the_same_lock(self):
        before = self.several(lock(pin("a 1"), path="api/requirements.txt", format="requirements"), lock(path="web/uv.lock"))
        after = self.several(lock(pin("a 2"), path="api/uv.lock", format="uv"), lock(path="web/uv.lock"))
        delta = compare(before, after)
        assert [(one.lock, one.kind) for one in delta] == [("api/uv.lock", "upgraded")]

    def test_gaps_of_the_snapshots_stay(self):
        from lockblame.model import Gap

        gap = Gap(subject="x", reason="unreadable", detail="x is broken")
        assert compare(lock(gaps=(gap,)), lock(gaps=(gap,))).gaps == (gap,)
