"""The reports: what stands where, and that nothing from outside gets out of its place."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lockblame.model import Evidence, Gap, Pin, Reason
from lockblame.report import STYLES, hostile, render
from lockblame.report.grouping import grouped, sorted_versions
from lockblame.report.sides import sides
from tests import examples, golden

SCHEMA = Path(__file__).parents[1] / "docs" / "reference" / "report.schema.json"
NASTY = (
    "\x1b[31mred\x1b]0;title\x07 | `code` <script>alert(1)</script> [x](javascript:1) \u202egnp.exe\r\n# head @team #12 \ud800"
)


@pytest.fixture(scope="module")
def validator():
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


class TestGolden:
    @pytest.mark.parametrize(
        ("style", "name"),
        [("text", "report.txt"), ("markdown", "report.md"), ("json", "report.json"), ("postmortem", "postmortem.md")],
    )
    def test_report(self, style, name):
        golden.check(name, render(examples.report(), style, **({"width": 80} if style == "text" else {})))

    @pytest.mark.parametrize(("style", "name"), [("text", "delta.txt"), ("markdown", "delta.md"), ("json", "delta.json")])
    def test_delta(self, style, name):
        golden.check(name, render(examples.report().delta, style, **({"width": 80} if style == "text" else {})))


class TestAnswer:
    def test_the_top_names_the_change_the_way_in_and_the_link(self):
        top = render(examples.report()).splitlines()[:5]
        assert "kombu 5.3.1 → 5.3.2" in top[0]
        assert "91 %" in top[0]
        assert "app → celery → kombu" in top[1]
        assert "https://github.com/celery/kombu/issues/1783" in "".join(top)

    def test_inconclusive_says_so(self):
        assert "No upstream report fits" in render(replace(examples.report(), conclusive=False))

    @pytest.mark.parametrize(
        ("probability", "begins"), [(0.49, "No change stands out; the most suspicious of 2"), (0.5, "Most likely")]
    )
    def test_where_the_others_together_are_more_suspicious_it_says_so(self, probability: float, begins: str):
        found = examples.report()
        first = replace(found.suspects[0], probability=probability)
        assert render(replace(found, suspects=(first, replace(first, probability=1 - probability)))).startswith(begins)

    def test_no_changes_says_the_cause_is_elsewhere(self):
        empty = replace(examples.report(), delta=examples.delta(), suspects=(), issues=())
        for style in ("text", "markdown"):
            assert "Nothing changed" in render(empty, style)

    def test_without_a_symptom(self):
        assert "No symptom was given" in render(replace(examples.report(), symptom=None))

    @pytest.mark.parametrize("style", ["text", "markdown"])
    @pytest.mark.parametrize("reasons", [2, 6, 7, 12, 13, 30])
    def test_what_is_told_adds_up_to_the_score(self, style: str, reasons: int):
        """Whoever adds the weights up comes to the score, however many there are and whatever speaks against it."""
        weights = [(-1) ** place * (place + 1) * 0.3137 for place in range(reasons)]
        evidence = tuple(Evidence(kind="text", weight=one, detail=f"reason {one}") for one in weights)
        found = examples.report()
        best = replace(found.issues[0], evidence=evidence, score=sum(weights))
        text = render(replace(found, issues=(best, *found.issues[1:])), style).split("Suspects")[0]
        told = [float(one) for one in re.findall(r"^(?: +|\| )([+-]\d+\.\d\d) ", text, re.MULTILINE)]
        assert sum(told) == pytest.approx(sum(weights), abs=0.011)

    def test_a_share_is_not_parted_from_its_sign(self):
        for width in range(30, 90):
            assert not re.search(
                r"\(\d+$", render(examples.report(), "text", width=width).split("How it came in")[0], re.MULTILINE
            )

    @pytest.mark.parametrize(
        ("origin", "word"),
        [
            ("uv.lock at v1 (1a2b3c4d5e)", "1a2b3c4d5e:uv.lock"),
            ("uv.lock at 1a2b3c4d5e", "1a2b3c4d5e:uv.lock"),
            ("v1 (1a2b3c4d5e) (3 locks)", "1a2b3c4d5e"),
            ("1a2b3c4d5e (3 locks)", "1a2b3c4d5e"),
            ("before/uv.lock", "before/uv.lock"),
            ("uv.lock at the working tree", "uv.lock"),
            ("the working tree (3 locks)", "."),
            ("services/api (2 locks)", "services/api"),
            ("services/api/uv.lock at services/api", "services/api"),
            ("v1 (1a2b3c4d5e):services/api (2 locks)", "1a2b3c4d5e:services/api"),
            ("services/api/uv.lock at v1 (1a2b3c4d5e):services/api", "1a2b3c4d5e:services/api/uv.lock"),
            ("uv.lock at $(reboot)", "BEFORE"),
            ("$(reboot).lock at v1 (1a2b3c4d5e)", "BEFORE"),
            ("-x at 1a2b3c4d5e", "1a2b3c4d5e:-x"),
        ],
    )
    def test_a_side_as_the_command_line_takes_it(self, origin: str, word: str):
        found = examples.delta()
        assert sides(replace(found, before=replace(found.before, origin=origin))).split()[0] == word

    def test_what_to_try_can_be_copied(self):
        found = examples.report()
        sides = [
            replace(side, origin=f"uv.lock at v{n} ({str(n) * 10})")
            for n, side in enumerate((found.delta.before, found.delta.after), 1)
        ]
        found = replace(found, delta=replace(found.delta, before=sides[0], after=sides[1]))
        edit = "lockblame rollback 1111111111:uv.lock 2222222222:uv.lock --package kombu"
        assert f"\n   the edit: {edit}\n" in render(found, "text", width=40)
        assert f"(`{edit}` has" in render(found, "markdown")
        assert f"(`{edit}` has" in render(found, "postmortem")

    def test_a_long_link_is_never_broken(self):
        url = "https://github.com/celery/kombu/issues/" + "1" * 200
        found = replace(examples.report(), issues=(examples.match(url=url),))
        assert any(url in row for row in render(found, width=60).splitlines())


class TestComment:
    """`--format markdown` is posted where the incident is talked about."""

    @pytest.mark.parametrize("locks", [1, 3])
    def test_with_very_many_changes_it_fits_and_counts_the_rest(self, locks: int):
        changes = [
            examples.change(
                f"package-{lock}-{number}", reason=Reason(kind="drifted", detail="nobody asked for it " * 12), lock=f"{lock}.lock"
            )
            for lock in range(locks)
            for number in range(600 // locks)
        ]
        suspect = examples.report().suspects[0]
        parts = [examples.delta(*(one for one in changes if one.lock == f"{lock}.lock")) for lock in range(locks)]
        delta = replace(examples.delta(*changes), parts=tuple(parts) if locks > 1 else ())
        found = replace(examples.report(), delta=delta, suspects=tuple(replace(suspect, change=one) for one in changes))
        shown = render(found, "markdown")
        assert 50_000 < len(shown) < 65_536
        table = shown.partition("## What changed")[2]
        told = table.count("\n| package-")
        assert 100 < told < 600
        assert f"… and {600 - told} more (`--format json` has all)" in table
        assert "… and 580 more (`--format json` has all)" in shown.partition("## What to try")[0]
        assert "## Not looked at" in table
        assert len(render(delta, "markdown")) > 65_536


class TestSeveralLocks:
    @pytest.fixture
    def found(self):
        parts = [
            examples.delta(*(examples.change(name, lock=lock) for name in names))
            for lock, names in (("a.lock", ("kombu", "vine")), ("b.lock", ("amqp", "kombu")), ("c.lock", ("vine",)))
        ]
        delta = replace(examples.delta(*(change for part in parts for change in part)), parts=tuple(parts))
        return replace(examples.report(), delta=delta)

    @pytest.mark.parametrize("style", ["text", "markdown"])
    def test_what_they_have_alike_is_told_once(self, found, style: str):
        table = render(found, style).partition("What changed")[2]
        told = re.findall(r"^(?:### |\| )?([abc]\.lock|kombu|vine|amqp)|^ *(.* as above)$", table, re.MULTILINE)
        assert [one or other for one, other in told] == [
            *("a.lock", "kombu", "vine"),
            *("b.lock", "amqp", "… and 1 as above"),
            *("c.lock", "1 as above"),
        ]

    @pytest.mark.parametrize("style", ["text", "markdown"])
    def test_a_comparison_alone_tells_each_lock_in_full(self, found, style: str):
        shown = render(found.delta, style)
        assert shown.count("kombu  ") + shown.count("| kombu |") == 2
        assert "as above" not in shown


class TestDocument:
    def test_report_follows_the_schema(self, validator):
        validator.validate(json.loads(render(examples.report(), "json")))

    def test_delta_follows_the_schema(self, validator):
        validator.validate(json.loads(render(examples.report().delta, "json")))

    def test_forks_of_a_name_are_one_entry_with_all_versions(self):
        fork = examples.change("dns", None, "1.16.0")
        found = examples.delta(fork)
        stays = Pin(name="dns", version="1.15.0")
        found = replace(
            found, before=replace(found.before, pins=(stays,)), after=replace(found.after, pins=(stays, *found.after.pins))
        )
        (entry,) = json.loads(render(found, "json"))["changes"]
        assert (entry["before"], entry["after"], entry["kind"]) == (["1.15.0"], ["1.15.0", "1.16.0"], "upgraded")
        assert entry["pins"][0]["kind"] == "added"

    def test_output_is_ascii(self):
        found = replace(examples.report(), gaps=(Gap(subject="한글 \ud800", reason="x", detail="é"),))
        text = render(found, "json")
        assert text.isascii()
        assert json.loads(text)["gaps"][0]["subject"] == "한글 \ud800"


class TestHostileText:
    def everywhere(self, text: str):
        nasty = replace(examples.change(), name=text or "x")
        suspect = replace(examples.report().suspects[0], change=nasty, evidence=(Evidence(kind=text, weight=1.0, detail=text),))
        return replace(
            examples.report(),
            suspects=(suspect,),
            issues=(examples.match(text, url=text, repository=text, state=text),),
            gaps=(Gap(subject=text, reason="x", detail=text, hint=text),),
        )

    @given(st.text(max_size=60) | st.just(NASTY))
    def test_nothing_steers_the_terminal(self, text):
        shown = render(self.everywhere(text), "text", width=80)
        assert not {char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") and char != "\n"}

    @given(st.text(max_size=60) | st.just(NASTY))
    def test_nothing_breaks_out_of_its_markdown_cell(self, text):
        plain = render(self.everywhere("x"), "markdown")
        shown = render(self.everywhere(text), "markdown")
        assert shown.count("\n") == plain.count("\n")
        assert "<script" not in shown
        for row in shown.splitlines():
            if row.startswith("| "):
                assert row.replace("\\\\", "").replace("\\|", "").count("|") in (3, 4, 6, 7)

    @given(st.text(max_size=60) | st.just(NASTY))
    def test_nothing_breaks_out_of_the_postmortem(self, text):
        plain, shown = (render(self.everywhere(one), "postmortem") for one in ("x", text))
        assert shown.count("\n") == plain.count("\n")
        assert "<script" not in shown

    @given(st.text(max_size=2000), st.integers(10, 300))
    def test_line_is_one_bounded_printable_line(self, text, limit):
        clean = hostile.line(text, limit)
        assert len(clean) <= limit
        assert not set(clean) & set("\r\n\t\x1b\x00\u202e\u2028")

    @pytest.mark.parametrize(
        "address", ["javascript:alert(1)", "https://a b", 'https://x/"><b', "https://x/\n", "ftp://x", "https://x/<y>"]
    )
    def test_only_plain_links_are_links(self, address):
        assert hostile.url(address) is None

    def test_a_megabyte_is_quick(self):
        assert len(hostile.line("\x1b[" * 500_000)) <= hostile.LIMIT


def test_styles_are_complete():
    assert set(STYLES) == {"text", "markdown", "html", "json", "postmortem"}


@given(st.lists(st.sampled_from(["1.0", "1.0a1", "1.0.post1", "2", "nonsense", "0.9"]), max_size=6))
def test_versions_sort_by_pep_440(versions):
    once = sorted_versions(versions)
    assert sorted(once) == sorted(set(versions))
    order = ["nonsense", "0.9", "1.0a1", "1.0", "1.0.post1", "2"]
    assert list(once) == [version for version in order if version in once]


def test_entries_keep_the_order_of_the_delta():
    assert [entry.name for entry in grouped(examples.report().delta)] == ["inner-tools", "kombu", "pytz"]


def test_a_style_that_there_is_not_is_said_so():
    with pytest.raises(ValueError, match=r"'pdf' is no style of a Report: there are text, markdown, html, json, postmortem"):
        render(examples.report(), "pdf")


def structure(markdown: str) -> list[str]:
    """The blocks and inline elements of a Markdown text by a real parser, raw HTML and tables allowed, texts aside."""
    found = []
    for token in MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").parse(markdown):
        found.append(token.type)
        found += [child.type for child in token.children or () if child.type not in ("text", "text_special", "softbreak")]
    return found


@given(st.text(max_size=80) | st.just(NASTY))
@settings(max_examples=80, deadline=None)
def test_no_text_leaves_its_place_in_a_markdown_report(text):
    def told(word: str) -> str:
        found = examples.report()
        issue = replace(found.issues[0].issue, title=f"x{word}", labels=(f"x{word}",))
        match = replace(found.issues[0], issue=issue, evidence=(Evidence(kind="text", weight=1.0, detail=f"x{word}"),))
        gap = Gap(subject=f"x{word}", reason="offline", detail=f"x{word}", hint=f"x{word}")
        return render(replace(found, issues=(match,), gaps=(gap,)), "markdown")

    assert structure(told(text)) == structure(told(""))
