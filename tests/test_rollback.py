"""Rollback as text in, text out: what is added where, that nothing else moves, and that it comes out again."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.errors import ReadError, RollbackError
from lockblame.lockfiles import parse
from lockblame.rollbacks import (
    MARK,
    Wanted,
    advisories,
    constrain,
    constrain_poetry,
    constrain_uv,
    forked,
    included,
    plan,
    repin,
    taken_out,
    undo,
    wanted,
)
from lockblame.rollbacks.reopening import affected, yanked
from tests.examples import change
from tests.snapshots import lock, pin

KOMBU = Wanted(name="kombu", version="5.3.1", instead="5.3.2")
CELERY = Wanted(name="celery", version="5.3.1", instead="5.3.4")
PROJECT = '[project]\nname = "app"\nversion = "1"\ndependencies = ["celery>=5.3"]\n'


def constraints(text: str) -> list[str]:
    return tomllib.loads(text.removeprefix("\ufeff"))["tool"]["uv"]["constraint-dependencies"]


# Pieces of pyproject files, valid in any choice and order; each may carry what trips an editor up.
UV_TABLES = (
    "",
    "[tool.uv]\n",
    '[tool.uv]\nconstraint-dependencies = []\nindex-strategy = "first-index"\n',
    '[tool.uv]  # ours\nconstraint-dependencies = ["amqp<6", "vine>5",]  # why\n',
    '[tool.uv]\nconstraint-dependencies = [\n  # the queue\n  "amqp<6",  # old\n  "vine>5"\n]\n\n[tool.uv.sources]\n',
    '[tool.uv]\nconstraint-dependencies = [ # open\n\t"amqp<6"]\n',
    '[tool.uv.sources]\nkit = { path = "../kit" }\n',
    "[tool]\nuv = { package = false }\n",
    "[tool]\nuv = {}\n",
    '[tool]\nuv = { constraint-dependencies = ["amqp<6"] }\n',
    "[tool]\nuv.package = false\n",
    '["tool" . uv]\npackage = false\n',
)
OTHERS = (
    PROJECT,
    '[project]\nname = "app"\ndynamic = ["version", "dependencies"]\n',
    "# a comment with [tool.uv] in it\n[tool.ruff]\nline-length=130   # spaces\n",
    '[tool.other]\ntext = """\n[tool.uv]\nconstraint-dependencies = [\n"""\nnot-a-number = nan\n',
    "[[tool.poetry.source]]\nname = 'inner'\n",
    '[tool.weird]\n"quoted key" = {a = 1, b = [1,\n 2]}\nday = 2024-03-02\n',
    "\n\n",
)
pyprojects = st.builds(
    lambda uv, others, order, ending, bom, cut: bom + ending.join(_cut("".join(_mixed(uv, others, order)), cut).split("\n")),
    st.sampled_from(UV_TABLES),
    st.lists(st.sampled_from(OTHERS), max_size=4, unique=True),
    st.randoms(use_true_random=False),
    st.sampled_from(("\n", "\r\n")),
    st.sampled_from(("", "\ufeff")),
    st.booleans(),
)


def _mixed(uv, others, order):
    if sum(one.startswith("[project]") for one in others) == 2:
        others = [one for one in others if one != PROJECT]
    pieces = [uv, *others]
    order.shuffle(pieces)
    return pieces


def _cut(text, cut):
    return text.removesuffix("\n") if cut else text


class TestUv:
    @settings(max_examples=150, deadline=None)
    @given(pyprojects)
    def test_only_the_constraint_is_added_and_it_comes_out_again(self, text):
        before = tomllib.loads(text.removeprefix("\ufeff"))
        new = constrain_uv(text, (KOMBU, CELERY))
        after = tomllib.loads(new.removeprefix("\ufeff"))
        had = before.get("tool", {}).get("uv", {}).get("constraint-dependencies", [])
        assert constraints(new) == ["kombu==5.3.1", "celery==5.3.1", *had]
        after["tool"]["uv"].pop("constraint-dependencies")
        before.get("tool", {}).get("uv", {}).pop("constraint-dependencies", None)
        assert repr(_bare(after)) == repr(_bare(before))
        assert _is_inserted(text, new)
        assert constrain_uv(new, (KOMBU, CELERY)) == new
        assert undo(new, "pyproject.toml") == text
        assert constraints(undo(new, "pyproject.toml", ("celery",)))[0] == "kombu==5.3.1"

    def test_line_endings_are_those_of_the_file(self):
        new = constrain_uv(PROJECT.replace("\n", "\r\n"), (KOMBU,))
        assert new.count("\n") == new.count("\r\n")

    @pytest.mark.parametrize("there", ["kombu>=5.3.2", "kombu @ https://files.example/kombu.whl", "Kombu!=5.3.1"])
    def test_a_constraint_that_rules_it_out_is_refused(self, there):
        text = f'[tool.uv]\nconstraint-dependencies = ["{there}"]\n'
        with pytest.raises(RollbackError, match=r"rules kombu 5\.3\.1 out"):
            constrain_uv(text, (KOMBU,))

    def test_a_constraint_that_allows_it_stays_beside_it(self):
        text = '[tool.uv]\nconstraint-dependencies = ["kombu<6", "kombu >4 ; sys_platform == \'win32\'"]\n'
        assert len(constraints(constrain_uv(text, (KOMBU,)))) == 3

    def test_an_override_that_rules_it_out_is_refused(self):
        with pytest.raises(RollbackError, match="override-dependencies"):
            constrain_uv('[tool.uv]\noverride-dependencies = ["kombu==5.3.2"]\n', (KOMBU,))

    @pytest.mark.parametrize(
        "text",
        [
            '[project]\ndependencies = ["kombu>=5.3.2"]\n',
            '[project.optional-dependencies]\nfast = ["kombu~=5.3.2"]\n',
            '[dependency-groups]\ndev = [{include-group = "x"}, "Kombu==5.3.2"]\nx = []\n',
        ],
    )
    def test_a_requirement_of_the_project_that_rules_it_out_is_refused(self, text):
        with pytest.raises(RollbackError, match="itself asks for kombu"):
            constrain_uv(text, (KOMBU,))

    @pytest.mark.parametrize(
        "text",
        [
            "[tool.uv\n",
            "a = 1\na = 2\n",
            "[tool]\nuv = 3\n",
            "[tool.uv]\nconstraint-dependencies = 'kombu'\n",
            "[tool.uv]\nconstraint-dependencies = [1]\n",
            "x = " + "[" * 5000,
            "tool = 1\n",
        ],
    )
    def test_what_is_broken_is_refused(self, text):
        with pytest.raises(RollbackError):
            constrain_uv(text, (KOMBU,))

    def test_forks_keep_their_markers(self):
        forks = [Wanted(name="dns", version="1.0", instead="2.0", marker='python_version < "3.12"')]
        new = constrain_uv(PROJECT, forks)
        assert constraints(new) == ['dns==1.0 ; python_version < "3.12"']
        assert undo(new, "pyproject.toml") == PROJECT

    def test_what_is_no_name_or_version_is_never_written(self):
        for hostile in ('1.0"]\nx = 1', "1.0 ; a", "", "1" * 200):
            with pytest.raises(RollbackError):
                Wanted(name="kombu", version=hostile, instead="1")


class TestPoetry:
    POETRY = '[tool.poetry]\nname = "app"\n\n[tool.poetry.dependencies]\npython = "^3.11"\ncelery = "^5.3.1"  # workers\n'

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.sampled_from(OTHERS), max_size=3, unique=True), st.sampled_from(("\n", "\r\n")), st.booleans())
    def test_an_optional_group_is_added_and_comes_out_again(self, others, ending, cut):
        text = ending.join(_cut("".join((self.POETRY, *(one for one in others if one != PROJECT))), cut).split("\n"))
        new = constrain_poetry(text, (KOMBU, CELERY))
        group = tomllib.loads(new)["tool"]["poetry"]["group"]["lockblame"]
        assert group == {"optional": True, "dependencies": {"kombu": "==5.3.1", "celery": "==5.3.1"}}
        assert new.startswith(text)
        assert constrain_poetry(new, (KOMBU, CELERY)) == new
        assert undo(new, "pyproject.toml") == text
        assert "kombu = " in undo(new, "pyproject.toml", ("celery",))

    def test_a_second_rollback_joins_the_first(self):
        once = constrain_poetry(self.POETRY, (KOMBU,))
        twice = constrain_poetry(once, (CELERY,))
        assert set(tomllib.loads(twice)["tool"]["poetry"]["group"]["lockblame"]["dependencies"]) == {"kombu", "celery"}
        assert undo(undo(twice, "pyproject.toml", ("celery",)), "pyproject.toml") == self.POETRY

    def test_forks_are_several_constraints(self):
        forks = [
            Wanted(name="dns", version=f"{number}.0", instead="3.0", marker=f"python_version {sign} '3.12'")
            for number, sign in ((1, "<"), (2, ">="))
        ]
        held = tomllib.loads(constrain_poetry(self.POETRY, forks))["tool"]["poetry"]["group"]["lockblame"]["dependencies"]["dns"]
        assert [one["version"] for one in held] == ["==1.0", "==2.0"]

    def test_refusals(self):
        with pytest.raises(RollbackError, match="itself asks for celery"):
            constrain_poetry(self.POETRY.replace("^5.3.1", "^5.3.4"), (CELERY,))
        with pytest.raises(RollbackError, match="neither"):
            constrain_poetry("[tool.black]\n", (CELERY,))
        once = constrain_poetry(self.POETRY, (KOMBU,))
        with pytest.raises(RollbackError, match="another version"):
            constrain_poetry(once, (Wanted(name="kombu", version="5.3.0", instead="5.3.2"),))


REQUIREMENTS = "# locked\namqp==5.1.1\n{}\n    # via celery\nvine==5.0.0 ; python_version < '4' # x\n"
HASHED = [
    REQUIREMENTS.format(f"kombu=={version} \\\n    --hash=sha256:{digit * 4} \\\n    --hash=sha256:{digit * 5}")
    for version, digit in (("5.3.1", "1"), ("5.3.2", "2"))
]


class TestRequirements:
    @pytest.mark.parametrize("ending", ["\n", "\r\n"])
    @pytest.mark.parametrize("cut", [True, False])
    def test_the_old_line_comes_back_with_its_hashes(self, ending, cut):
        old, text = (ending.join(one.split("\n")) for one in HASHED)
        if cut:
            text = text[: text.index(ending + "    # via")]
        new = repin(text, (KOMBU,), old)
        active = [row for row in new.splitlines() if not row.lstrip().startswith("#")]
        assert "kombu==5.3.1 \\" in active
        assert "    --hash=sha256:11111" in active
        assert "sha256:2222" not in "".join(active)
        assert new.count("\n") == new.count(ending)
        assert repin(new, (KOMBU,), old) == new
        assert undo(new, "requirements.txt") == text

    def test_pip_reads_the_result_as_meant(self):
        from lockblame.lockfiles import parse

        new = repin(HASHED[1], (KOMBU,), HASHED[0])
        assert {one.name: one.version for one in parse(new.encode(), "requirements.txt")}["kombu"] == "5.3.1"

    def test_refusals(self):
        with pytest.raises(RollbackError, match="does not pin kombu"):
            repin("kombu>=5\n", (KOMBU,), "")
        with pytest.raises(RollbackError, match="by hashes"):
            repin(HASHED[1], (KOMBU,), "")

    def test_what_a_file_is_made_of(self):
        text = "-r base.txt  # all\n -c 'more/pins.txt' \\\n\n--requirement=a.txt\r\n--constraint  b.txt\n-rc.txt\n"
        text += "# -r no.txt\n-r https://files.example/no.txt\n--require-hashes\nkombu==5 -r no\n"
        assert included(text) == ("base.txt", "more/pins.txt", "a.txt", "b.txt", "c.txt")

    def test_without_hashes_the_version_is_enough(self):
        assert repin("kombu==5.3.2\n", (KOMBU,), "").endswith("\nkombu==5.3.1\n")

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.sampled_from(("", "# x", "amqp==5.1", "kombu<6", "-r other.txt", "vine==5  # y", "é")), max_size=6),
        st.booleans(),
    )
    def test_constraints_are_added_at_the_end_and_come_out_again(self, rows, ended):
        text = "\n".join(rows) + ("\n" if ended and rows else "")
        new = constrain(text, (KOMBU, CELERY))
        assert new.startswith(text)
        assert [row for row in new.splitlines() if row.startswith(("kombu==", "celery=="))] == [
            f"{one.requirement}  {one.comment}" for one in (KOMBU, CELERY)
        ]
        assert constrain(new, (KOMBU, CELERY)) == new
        assert undo(new, "constraints.txt") == text

    def test_a_pin_in_a_constraints_file_is_replaced(self):
        new = constrain("kombu==5.3.2\n", (KOMBU,))
        assert [row for row in new.splitlines() if not row.startswith("#")] == ["kombu==5.3.1"]
        assert undo(new, "constraints.txt") == "kombu==5.3.2\n"
        with pytest.raises(RollbackError, match=r"rules kombu 5\.3\.1 out"):
            constrain("kombu>=5.3.2\n", (KOMBU,))


class TestPlan:
    def delta(self, before, after):
        from lockblame.delta import compare

        return compare(before, after)

    def test_parents_and_children_go_along(self):
        before = lock(pin("celery 5.3.1", "kombu>=5.3"), pin("kombu 5.3.1", "vine<5.1"), pin("vine 5.0"), asks=("celery>=5",))
        after = lock(pin("celery 5.3.4", "kombu>=5.3.2"), pin("kombu 5.3.2", "vine>=5"), pin("vine 5.1"), asks=("celery>=5",))
        returns, gaps = plan(self.delta(before, after), ["Kombu"])
        assert [one.change.name for one in returns] == ["kombu", "celery", "vine"]
        assert "celery 5.3.4 needs kombu >=5.3.2" in returns[1].because
        assert "kombu 5.3.1 needs vine <5.1" in returns[2].because
        assert gaps == ()
        assert [one.requirement for one in wanted(returns)] == ["kombu==5.3.1", "celery==5.3.1", "vine==5.0"]

    def test_unknown_constraints_are_a_gap_and_metadata_closes_it(self):
        before = lock(pin("celery 5.3.1", "kombu"), pin("kombu 5.3.1"), asks=("celery",), format="uv")
        after = lock(pin("celery 5.3.4", "kombu"), pin("kombu 5.3.2"), asks=("celery",), format="uv")
        delta = self.delta(before, after)
        returns, gaps = plan(delta, ["kombu"])
        assert ([one.change.name for one in returns], gaps[0].reason) == (["kombu"], "no-constraints")
        (edge,) = pin("x 1", "kombu>=5.3.2").requires
        returns, gaps = plan(delta, ["kombu"], {("celery", "5.3.4"): (edge,)})
        assert [one.change.name for one in returns] == ["kombu", "celery"]

    def test_a_lock_without_edges_may_hide_whoever_requires_it(self):
        lines = ["celery==5.3.{}\nkombu==5.3.{}\n".format(*versions).encode() for versions in ((1, 1), (4, 2))]
        delta = self.delta(*(parse(line, "requirements.txt") for line in lines))
        _, gaps = plan(delta, ["kombu"])
        assert [gap.subject for gap in gaps] == ["kombu 5.3.1, celery 5.3.4"]
        (edge,) = pin("x 1", "kombu>=5.3.2").requires
        returns, gaps = plan(delta, ["kombu"], {("celery", "5.3.4"): (edge,), ("kombu", "5.3.1"): (), ("celery", "5.3.1"): ()})
        assert ([one.change.name for one in returns], gaps) == (["kombu", "celery"], ())

    def test_a_new_package_goes_with_what_brought_it(self):
        before = lock(pin("celery 5.3.1"), asks=("celery",))
        after = lock(pin("celery 5.3.4", "pytz>=1"), pin("pytz 2023.3"), asks=("celery",))
        returns, _ = plan(self.delta(before, after), ["pytz"])
        assert [one.change.name for one in returns] == ["celery"]

    OLD, NEW = "python_full_version < '3.10'", "python_full_version >= '3.10'"

    def test_a_fork_that_stayed_is_not_bound_by_the_one_that_goes_back(self):
        before = lock(pin("numpy 2.0", marker=self.OLD), pin("numpy 2.1", marker=self.NEW), asks=("numpy",))
        forks = (("2.2", "python_full_version == '3.10.*'"), ("2.5", "python_full_version >= '3.11'"))
        after = lock(
            pin("numpy 2.0", marker=self.OLD), *(pin(f"numpy {one}", marker=marker) for one, marker in forks), asks=("numpy",)
        )
        returns, _ = plan(self.delta(before, after), ["numpy"])
        assert [one.requirement for one in wanted(returns, forked(before))] == [f"numpy==2.1 ; {self.NEW}"]
        returns, _ = plan(self.delta(after, before), ["numpy"])
        asked = [one.requirement for one in wanted(returns, forked(after))]
        assert sorted(asked) == [f"numpy=={one} ; {marker}" for one, marker in forks]
        edited = constrain_uv(PROJECT, wanted(returns, forked(after)))
        assert [one[0] for one in taken_out(edited, undo(edited, "pyproject.toml"))] == ["numpy"]
        assert taken_out(edited, PROJECT)[0][1] == ""

    def test_forks_without_markers_are_refused(self):
        before, after = (lock(pin("numpy 2.0"), pin(f"numpy {new}"), asks=("numpy",)) for new in ("2.1", "2.5"))
        returns, _ = plan(self.delta(before, after), ["numpy"])
        with pytest.raises(RollbackError, match="which is for whom"):
            wanted(returns, forked(before))

    @pytest.mark.parametrize("name", ["absent", "gone", "moved"])
    def test_what_cannot_go_back(self, name):
        from lockblame.model import Source

        git = [Source(kind="git", location="https://git.example/x", revision=digit * 40) for digit in "ab"]
        before = lock(pin("gone 1"), pin("moved 1", source=git[0]))
        after = lock(pin("moved 1", source=git[1]))
        with pytest.raises(RollbackError) as caught:
            plan(self.delta(before, after), [name])
        assert caught.value.subject == name


class TestReopened:
    RECORD = (
        '{"id": "GHSA-1", "summary": "a hole", "references": [{"type": "WEB", "url": "https://code.example/1"}], "affected": '
        '[{"package": {"ecosystem": "PyPI", "name": "Kombu"}, "ranges": [{"type": "ECOSYSTEM", "events": '
        '[{"introduced": "0"}, {"fixed": "5.3.2"}]}]}]}'
    )

    @pytest.mark.parametrize("text", [RECORD, f"[{RECORD}]", f'{{"vulns": [{RECORD}]}}', f"{RECORD}\n{RECORD}\n"])
    def test_an_advisory_that_the_new_version_closed(self, text):
        found = list(affected([change()], advisories(text, "osv.json")))
        assert {(one.kind, one.package, one.version, one.detail) for one in found} == {
            ("advisory", "kombu", "5.3.1", "GHSA-1: a hole")
        }

    @pytest.mark.parametrize(
        ("events", "version", "affected"),
        [
            ([("introduced", "1"), ("fixed", "2")], "0.9", False),
            ([("introduced", "1"), ("fixed", "2")], "1", True),
            ([("introduced", "1"), ("fixed", "2")], "2", False),
            ([("introduced", "1"), ("last_affected", "2")], "2", True),
            ([("introduced", "0"), ("fixed", "1"), ("introduced", "2")], "1.5", False),
            ([("introduced", "2"), ("introduced", "0"), ("fixed", "1")], "3", True),
        ],
    )
    def test_ranges(self, events, version, affected):
        import json

        record = {
            "id": "X",
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": "a"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{kind: at} for kind, at in events]}],
                }
            ],
        }
        (one,) = advisories(json.dumps(record), "x")
        assert one.affects(version) is affected

    @pytest.mark.parametrize("text", ["", "no", "[]", "{}", "[" * 100_000, '{"id": 1, "affected": []}'])
    def test_what_is_no_advisory(self, text):
        with pytest.raises(ReadError):
            advisories(text, "x.json")

    def test_yanked(self):
        from lockblame.model import Release

        releases = {"kombu": Release(name="kombu", version="5.3.1", yanked=True, yanked_reason="broken wheel")}
        (one,) = yanked([change()], releases)
        assert (one.kind, one.detail) == ("yanked", "broken wheel")


@given(st.text(max_size=200), st.sampled_from(("pyproject.toml", "requirements.txt")))
def test_undo_leaves_what_is_not_ours(text, file):
    try:
        assert undo(text, file) == text
    except RollbackError:
        assert MARK in text


def _bare(value):
    if not isinstance(value, dict):
        return value
    inner = {key: _bare(one) for key, one in sorted(value.items())}
    return {key: one for key, one in inner.items() if one != {}}


def _is_inserted(old, new):
    """Whether `new` is `old` with one piece put in."""
    start = next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(old))
    return new.endswith(old[start:]) or any(
        new == old[:at] + new[at : at + len(new) - len(old)] + old[at:] for at in range(len(old))
    )
