"""Why a package changed."""

from __future__ import annotations

import pytest

from lockblame.delta import compare, explain, unsettled
from lockblame.delta.constraints import allows, same, standard
from lockblame.model import Delta, Demand, Edge, Reason, Snapshot, Source
from tests.snapshots import edge, lock, pin


def reason(before: Snapshot, after: Snapshot, name: str) -> Reason:
    (change,) = compare(before, after).get(name)
    return change.reason


def told(found: Reason) -> tuple[str, str]:
    return found.kind, found.detail


class TestRequested:
    def test_a_root_that_asks_for_another_version(self):
        before = lock(pin("django 4.2.9"), asks=("django>=4.2,<5",))
        after = lock(pin("django 5.0.1"), asks=("django>=5.0,<6",))
        found = reason(before, after, "django")
        assert told(found) == ("requested", "app now asks for django>=5.0,<6 (was django>=4.2,<5)")
        assert found.demands == (Demand(parent="app", root=True, before=">=4.2,<5", after=">=5.0,<6"),)

    def test_a_change_that_would_not_have_been_needed(self):
        before = lock(pin("kombu 5.3.1"), asks=("kombu>=5",))
        after = lock(pin("kombu 5.3.2"), asks=("kombu>=5,<6",))
        assert told(reason(before, after, "kombu")) == (
            "requested",
            "app now asks for kombu>=5,<6 (was kombu>=5); 5.3.1 and 5.3.2 fit both",
        )

    def test_what_came_and_what_went(self):
        with_it, without = lock(pin("redis 5.0"), pin("a 1"), asks=("redis>=5", "a")), lock(pin("a 1"), asks=("a>=0",))
        assert told(reason(without, with_it, "redis")) == ("requested", "app now asks for redis>=5")
        assert told(reason(with_it, without, "redis")) == ("requested", "app no longer asks for redis (was redis>=5)")

    def test_an_extra_of_a_parent(self):
        celery = pin("celery 5.3.4", edge("redis>=4.5", marker="extra == 'redis'"))
        before = lock(celery, asks=("celery>=5",))
        after = lock(celery, pin("redis 5.0"), asks=(Edge(name="celery", specifier=">=5", extras=("redis",)),))
        assert told(reason(before, after, "redis")) == ("requested", "app asks for celery[redis]>=5 now (was celery>=5)")
        assert told(reason(after, before, "redis")) == ("requested", "app asks for celery>=5 now (was celery[redis]>=5)")

    def test_another_source(self):
        git = Source(kind="git", location="https://git.example/team/tool", revision="1a2b3c4d5e6f7a8b")
        before = lock(pin("tool 1.0"), asks=("tool",), format="uv")
        after = lock(pin("tool 1.0", source=git), asks=("tool @ git+https://git.example/team/tool",), format="uv")
        assert reason(before, after, "tool").kind == "requested"
        unwritten = lock(pin("tool 1.0", source=git), asks=("tool",), format="uv")
        assert told(reason(before, unwritten, "tool")) == (
            "requested",
            "app asks for it from elsewhere: tool comes from https://git.example/team/tool@1a2b3c4d5e6f now (was the index)",
        )

    def test_other_pythons(self):
        backport = edge("tomli", marker="python_version < '3.11'")
        before = lock(pin("black 24", backport), pin("tomli 2"), asks=("black>=24",), requires_python=">=3.10")
        after = lock(pin("black 24"), asks=("black>=24",), requires_python=">=3.11")
        assert told(reason(before, after, "tomli")) == (
            "requested",
            "requires-python went from >=3.10 to >=3.11, and tomli 2 is for Pythons that only one of these allows",
        )

    def test_another_group(self):
        before = lock(pin("rich 13", groups=("main",)), pin("a 1", groups=("main",)), asks=("rich>=13", "a"))
        after = lock(pin("rich 13", groups=("dev",)), pin("a 1", groups=("main",)), asks=(edge("rich>=13", group="dev"), "a"))
        assert told(reason(before, after, "rich")) == (
            "requested",
            "app asks for rich under other conditions: rich 13 is locked with groups dev (was main)",
        )


class TestForced:
    def test_a_parent_that_now_refuses_the_old_version(self):
        before = lock(pin("celery 5.3.1", "kombu>=5.3.1,<6.0"), pin("kombu 5.3.1"), asks=("celery>=5",))
        after = lock(pin("celery 5.3.4", "kombu>=5.3.2,<6.0"), pin("kombu 5.3.2"), asks=("celery>=5",))
        found = reason(before, after, "kombu")
        assert told(found) == ("forced", "celery 5.3.4 now asks for kombu>=5.3.2,<6.0 (was kombu>=5.3.1,<6.0)")
        assert found.demands == (Demand(parent="celery", old="5.3.1", new="5.3.4", before=">=5.3.1,<6.0", after=">=5.3.2,<6.0"),)
        assert reason(before, after, "celery").kind == "drifted"

    def test_what_stayed_the_same_of_its_demands_isnt_repeated(self):
        sqs = edge("kombu>=5.3.0", marker="extra == 'sqs'", extras=("sqs",))
        asks = (Edge(name="celery", specifier=">=5", extras=("sqs",)),)
        before = lock(pin("celery 5.3.1", "kombu>=5.3.1,<6.0", sqs), pin("kombu 5.3.1"), asks=asks)
        after = lock(pin("celery 5.3.4", "kombu>=5.3.2,<6.0", sqs), pin("kombu 5.3.2"), asks=asks)
        assert reason(before, after, "kombu").detail == "celery 5.3.4 now asks for kombu>=5.3.2,<6.0 (was kombu>=5.3.1,<6.0)"

    def test_a_parent_that_held_it_back(self):
        before = lock(pin("requests 2.25.1", "idna>=2.5,<3"), pin("idna 2.10"), asks=("requests>=2",))
        after = lock(pin("requests 2.26.0", "idna>=2.5,<4"), pin("idna 3.2"), asks=("requests>=2",))
        assert told(reason(before, after, "idna")) == (
            "forced",
            "requests 2.25.1 held it back with idna>=2.5,<3; requests 2.26.0 asks for idna>=2.5,<4",
        )

    def test_poetrys_operators(self):
        before = lock(pin("c7n 0.9.21", "boto3 ^1.12"), pin("boto3 1.30"), asks=("c7n>=0.9",))
        after = lock(pin("c7n 0.9.35", "boto3 ^1.34"), pin("boto3 1.35"), asks=("c7n>=0.9",))
        assert told(reason(before, after, "boto3")) == ("forced", "c7n 0.9.35 now asks for boto3 ^1.34 (was boto3 ^1.12)")

    def test_what_a_new_version_or_a_new_package_brings(self):
        before = lock(pin("fastapi 0.116"), asks=("fastapi>=0",))
        after = lock(pin("fastapi 0.121", "annotated-doc>=0.0.2", "starlette"), pin("annotated-doc 0.0.4", "deep"), pin("deep 1"))
        after = lock(*after.pins, asks=("fastapi>=0",))
        assert told(reason(before, after, "annotated-doc")) == (
            "forced",
            "fastapi 0.121 now asks for annotated-doc>=0.0.2 (fastapi 0.116 didn't)",
        )
        assert told(reason(before, after, "deep")) == ("forced", "annotated-doc 0.0.4, which wasn't locked before, asks for deep")
        assert told(reason(after, before, "deep")) == (
            "forced",
            "annotated-doc 0.0.4, which asked for deep, isn't locked any more",
        )
        assert told(reason(after, before, "annotated-doc")) == (
            "forced",
            "fastapi 0.116 no longer asks for annotated-doc (fastapi 0.121 did)",
        )

    def test_a_parent_is_a_truer_reason_than_a_root_that_fits_both(self):
        before = lock(pin("celery 5.3.1", "kombu>=5.3.1"), pin("kombu 5.3.1"), asks=("celery", "kombu>=5"))
        after = lock(pin("celery 5.3.4", "kombu>=5.3.2"), pin("kombu 5.3.2"), asks=("celery", "kombu>=5,<6"))
        assert reason(before, after, "kombu").kind == "forced"

    def test_each_fork_has_the_constraint_of_its_own_environment(self):
        old, new = "python_version < '3.11'", "python_version >= '3.11'"

        def side(parent: str, lower: str, numpy: str) -> Snapshot:
            return lock(
                pin(parent, edge("numpy>=1.22", marker=old), edge(f"numpy>={lower}", marker=new)),
                pin("numpy 1.24", marker=old),
                pin(f"numpy {numpy}", marker=new),
                asks=("pandas>=1",),
            )

        found = reason(side("pandas 2.0", "1.26", "1.26"), side("pandas 2.3", "2.1", "2.2"), "numpy")
        assert told(found) == ("forced", "pandas 2.3 now asks for numpy>=2.1 (was numpy>=1.26)")


class TestDrifted:
    def test_a_root_that_asks_as_before(self):
        before = lock(pin("django 4.2.9"), asks=("django>=4.2,<5",))
        after = lock(pin("django 4.2.10"), asks=("django<5,>=4.2",))
        assert told(reason(before, after, "django")) == (
            "drifted",
            "app asked for django<5,>=4.2 before and after: the resolver took the newer one",
        )

    def test_parents_that_fit_both(self):
        before = lock(pin("celery 5.3.1", "kombu>=5.3,<6"), pin("kombu 5.3.1"), asks=("celery>=5",))
        after = lock(pin("celery 5.3.4", "kombu>=5.3.1,<6"), pin("kombu 5.3.2"), asks=("celery>=5",))
        assert told(reason(before, after, "kombu")) == (
            "drifted",
            "celery 5.3.4 asks for kombu>=5.3.1,<6, which both versions fit: the resolver took the newer one",
        )

    def test_no_parent_moved_even_where_constraints_arent_written(self):
        before = lock(pin("celery 5.3.1", "kombu"), pin("kombu 5.3.2"), asks=("celery>=5",), format="uv")
        after = lock(pin("celery 5.3.1", "kombu"), pin("kombu 5.3.1"), asks=("celery>=5",), format="uv")
        assert told(reason(before, after, "kombu")) == (
            "drifted",
            "celery 5.3.1 asks for it and is the same as before: the resolver took the older one",
        )

    def test_requires_python_is_told_along(self):
        before = lock(pin("a 1"), asks=("a>=0",), requires_python=">=3.8")
        after = lock(pin("a 2"), asks=("a>=0",), requires_python=">=3.9")
        assert reason(before, after, "a").detail.endswith("; requires-python went from >=3.8 to >=3.9")

    def test_files_and_commits_move_on_their_own(self):
        git = [Source(kind="git", location="https://git.example/team/tool", revision=digit * 40) for digit in "12"]
        before = lock(pin("a 1", files={"a.whl": "11"}), pin("b 1", source=git[0]), asks=("a", "b"))
        after = lock(pin("a 1", files={"a.whl": "22"}), pin("b 1", source=git[1]), asks=("a", "b"))
        assert told(reason(before, after, "a")) == ("drifted", "nobody asked for it: a file of a 1 has another hash than before")
        assert reason(before, after, "b").kind == "drifted"

    def test_a_fork_that_the_resolver_split_off(self):
        before = lock(pin("click 8.1"), pin("black 24", "click>=8"), asks=("black>=24",))
        after = lock(
            pin("click 8.1", marker="python_version < '3.10'"),
            pin("click 8.2", marker="python_version >= '3.10'"),
            pin("black 24", "click>=8"),
            asks=("black>=24",),
        )
        added = next(one for one in compare(before, after) if one.kind == "added")
        assert told(added.reason) == ("drifted", "click is asked for as before: the resolver split it by environment")


class TestUnknown:
    def test_a_format_without_edges(self):
        before, after = (lock(pin(f"a {version}"), format="freeze", origin="frozen.txt") for version in "12")
        assert told(reason(before, after, "a")) == ("unknown", "frozen.txt doesn't say who requires whom")

    def test_a_root_whose_constraints_arent_written(self):
        before, after = (lock(pin(f"a {version}"), pin("b 1", "c>=1"), pin("c 1"), asks=("a", "b")) for version in "12")
        assert told(reason(before, after, "a")) == (
            "unknown",
            "app asks for a itself, and poetry.lock doesn't say with which constraint",
        )

    def test_what_nobody_asks_for(self):
        before, after = (lock(pin(f"a {version}"), pin("b 1"), asks=("b>=1",)) for version in "12")
        assert told(reason(before, after, "a")) == ("unknown", "nothing in poetry.lock asks for a")

    def test_another_index(self):
        places = [Source(location=f"https://{host}.example/simple") for host in ("index", "mirror")]
        before, after = (lock(pin("a 1", source=source), asks=("a",)) for source in places)
        assert told(reason(before, after, "a")) == (
            "unknown",
            "the index of a is https://mirror.example/simple now (was https://index.example/simple): the settings say why",
        )


class TestConstraintsFromMetadata:
    BEFORE = lock(pin("celery 5.3.1", "kombu"), pin("kombu 5.3.1"), asks=("celery>=5",), format="uv")
    AFTER = lock(pin("celery 5.3.4", "kombu"), pin("kombu 5.3.2"), asks=("celery>=5",), format="uv")

    def delta(self, old: str | None, new: str | None) -> Delta:
        known = {("celery", version): (edge(text), edge("vine>=5")) for version, text in (("5.3.1", old), ("5.3.4", new)) if text}
        return compare(self.BEFORE, self.AFTER, constraints=known)

    def test_without_them_the_reason_is_unknown_and_says_what_is_missing(self):
        delta = self.delta(None, None)
        (kombu,) = delta.get("kombu")
        assert told(kombu.reason) == (
            "unknown",
            "celery moved as well (5.3.1 → 5.3.4), and uv.lock doesn't say with which constraint on kombu",
        )
        assert unsettled(delta) == (("celery", "5.3.1"), ("celery", "5.3.4"))

    @pytest.mark.parametrize(
        ("old", "new", "kind"),
        [
            ("kombu>=5.3.1,<6.0", "kombu>=5.3.2,<6.0", "forced"),
            ("kombu>=5.3.1,<6.0", "kombu>=5.3.1,<6.0", "drifted"),
            ("kombu<5.3.2", "kombu", "forced"),
            ("kombu>=5.3.1,<6.0", None, "unknown"),
        ],
    )
    def test_with_them_it_is_known(self, old: str | None, new: str | None, kind: str):
        (kombu,) = self.delta(old, new).get("kombu")
        assert kombu.reason.kind == kind

    def test_a_delta_is_explained_afterwards(self):
        known = {("celery", "5.3.1"): (edge("kombu>=5.3.1"),), ("celery", "5.3.4"): (edge("kombu>=5.3.2"),)}
        explained = explain(compare(self.BEFORE, self.AFTER), known)
        (kombu,) = explained.get("kombu")
        assert told(kombu.reason) == ("forced", "celery 5.3.4 now asks for kombu>=5.3.2 (was kombu>=5.3.1)")
        assert explained == compare(self.BEFORE, self.AFTER, constraints=known)
        assert unsettled(explained) == ()

    def test_of_several_locks_each_part_is_explained(self):
        sides = [
            Snapshot(
                origin="HEAD",
                format="several",
                pins=one.pins,
                parts=(lock(*one.pins, asks=("celery>=5",), format="uv", path="uv.lock"),),
            )
            for one in (self.BEFORE, self.AFTER)
        ]
        delta = compare(*sides)
        assert unsettled(delta) == (("celery", "5.3.1"), ("celery", "5.3.4"))
        explained = explain(delta, {("celery", "5.3.1"): (edge("kombu>=5"),), ("celery", "5.3.4"): (edge("kombu>=5"),)})
        assert [(one.name, one.lock, one.reason.kind) for one in explained] == [
            ("celery", "uv.lock", "drifted"),
            ("kombu", "uv.lock", "drifted"),
        ]


class TestConstraints:
    @pytest.mark.parametrize(
        ("constraint", "version", "allowed"),
        [
            ("", "1.0", True),
            ("*", "1.0rc1", True),
            (">=5.3.1,<6.0", "5.3.2", True),
            (">=5.3.1,<6.0", "6.0", False),
            ("^1.2.3", "1.9", True),
            ("^1.2.3", "2.0a1", False),
            ("^0.2.3", "0.3", False),
            ("^0.0.3", "0.0.4", False),
            ("^0", "0.9", True),
            ("~1.2.3", "1.2.9", True),
            ("~1.2.3", "1.3", False),
            ("~1", "1.9", True),
            ("~=1.4", "1.9", True),
            ("1.2.*", "1.2.7", True),
            ("1.2", "1.3", False),
            (">=2.0 <3.0 || >=4.0", "4.1", True),
            (">=2.0,<3.0 | >=4.0", "3.5", False),
            ("@ git+https://git.example/a", "1.0", None),
            (">=1.0", "no version", None),
            ("at least three", "1.0", None),
            ("x" * 3_000, "1.0", None),
            ("^x.y", "1.0", None),
        ],
    )
    def test_what_they_allow(self, constraint: str, version: str, allowed: bool | None):
        assert allows(constraint, version) is allowed

    def test_the_same_in_another_spelling(self):
        assert same(">=1.0,<2", "<2.0, >=1")
        assert same("<3.dev0,>=2.0", ">=2,<3.0.0")
        assert same("", "*")
        assert not same(">=1.0,<2", ">=1.0,<3")
        assert not same("@ git+https://git.example/a", "@ git+https://git.example/b")

    def test_as_one_specifier_of_the_standard(self):
        assert standard("^3.8") == "<4.dev0,>=3.8"
        assert standard("~2.7 || ^3.4") is None
