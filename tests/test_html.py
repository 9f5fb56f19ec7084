"""The HTML page, read by a parser as a browser reads it: what stands where, and that nothing from outside becomes markup."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.api.asking.evidence import PASSED, Knowledge
from lockblame.model import (
    Allowance,
    Case,
    Commit,
    Comparison,
    Demand,
    Deployment,
    Evidence,
    Gap,
    Narrowed,
    Note,
    Pin,
    Precedent,
    Proof,
    Reason,
    Release,
    Report,
    Snapshot,
    Symptom,
    Violation,
)
from lockblame.report import render
from lockblame.report.answer import answer
from lockblame.report.html import bars, commands, press, rows, symptoms
from lockblame.report.html.axis import Axis
from lockblame.report.html.drawing import LETTER, MIDDLING, NARROW, WIDE, drawn
from lockblame.report.html.language import language
from lockblame.report.html.timeline import timeline
from tests import examples

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import html5lib

FOLDER = Path(press.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").iterdir())
NASTY = (
    '"><script>alert(1)</script><img src=x onerror=alert(1)>',
    "'-->]]></title></style></script><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}&lt;b&gt;&#60;",
    "\x1b[31mred\x1b]0;title\x07\x00\x08\u202egnp.exe\u2066\ud800\ufffe\x85\u2028",
    "javascript:alert(1)//https://x.example/",
    "<" * 3000 + "한글" + "&" * 3000,
    "مرحبا <b>world</b> עולם",
)
hostile = st.sampled_from(NASTY) | st.text(min_size=1, max_size=60)


def parsed(page: str):
    """The page's tree; strict, so that a page which isn't well-formed fails here."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def text_of(element) -> str:
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def find(tree, path: str) -> list:
    return tree.findall(f".//{path}")


def by_id(tree, name: str):
    return tree.find(f".//*[@id='{name}']")


@cache
def demo(language: str = "en") -> Report:
    from lockblame.api import demo

    return demo.demo("uv.lock", language).shown


def full(text: str = "x", url: str = "https://forge.example/1") -> Report:
    """A report with everything in it, `text` wherever text comes from outside."""
    day = datetime(2023, 9, 1, tzinfo=UTC)
    moved = examples.change(
        text,
        text,
        text + "2",
        kind="upgraded",
        before=Pin(name=text, version=text),
        after=Pin(name=text, version=text + "2"),
        paths_after=((text, "between", text),),
        reason=Reason(kind="forced", detail=text, demands=(Demand(parent="between", before=text, after=text + "3"),)),
    )
    evidence = (Evidence(kind=text, weight=2.5, detail=text, url=url), Evidence(kind=text, weight=-0.5, detail=text))
    match = replace(examples.match(text, repository=text, url=url, state=text), package=text, evidence=evidence, score=2.0)
    releases = tuple(Release(name=text, version=f"{text}{n}", uploaded=day - timedelta(days=n)) for n in range(4))
    commit = Commit(hash=text, author=text, date=day + timedelta(days=5), subject=text, paths=(text,))
    suspect = replace(
        examples.report().suspects[0],
        change=moved,
        evidence=evidence,
        matches=(match,),
        notes=(Note(name=text, version=text, text=text),),
        commits=(commit,),
        releases=releases,
        comparison=Comparison(name=text, before=text, after=text, url=url),
        score=2.0,
    )
    delta = examples.delta(moved)
    delta = replace(
        delta,
        before=replace(delta.before, origin=text),
        after=replace(delta.after, origin=text),
        gaps=(Gap(subject=text, reason="x", detail=text, hint=text),),
        requires_python=(text, text),
    )
    case = Case(id=text, title=text, date=date(2023, 1, 1), symptom=text, culprit=text, issue=url, workaround=text)
    return Report(
        delta=delta,
        symptom=Symptom(text=text),
        suspects=(suspect, replace(suspect, score=1.0)),
        issues=(match,),
        conclusive=True,
        deployment=Deployment(commits=(commit,), touched={"settings": (text,), "application": (text, text)}),
        as_of=day,
        gaps=delta.gaps,
        cases=(Precedent(case=case, evidence=evidence, score=2.0),),
    )


def judged(text: str = "x", url: str = "https://forge.example/1") -> Report:
    """What `check` found, with a finding of each severity on the change of `full`, and an allowed one."""
    found = full(text, url)
    change = found.delta.changes[0]
    excuse = Allowance(package=text, reason=text, expires=date(2026, 12, 31))
    facts = (
        ("yanked", "error", None),
        ("known-regression", "error", None),
        ("young", "warning", None),
        ("transitive", "note", None),
    )
    violations = tuple(
        Violation(
            rule=rule, severity=severity, change=change, detail=f"x{text}", url=url, path=f"x{text}", line=7, excuse=excused
        )
        for rule, severity, excused in (*facts, ("moved", "error", excuse))
    )
    return replace(found, violations=violations, checked=True)


MADE = {"report": full, "delta": lambda *given: full(*given).delta, "check": judged}


def structure(tree) -> list[tuple]:
    """Every element with its attributes' names, outside of drawings; the language of a text may differ.

    The command for an edit is left out: it is there only where the package's name is one.
    """
    found = []

    def walk(element) -> None:
        if not isinstance(element.tag, str):
            found.append(("comment",))
            return
        if element.get("class") == "edit":
            return
        attributes = {name for name in element.attrib if not (element.tag == "bdi" and name == "lang")}
        found.append((element.tag, tuple(sorted(map(str, attributes)))))
        if "timeline" not in element.get("class", ""):
            for child in element:
                walk(child)
        found.append(("/" + element.tag,))

    walk(tree)
    return found


@cache
def harmless(kind: str) -> tuple[list[tuple], int]:
    page = render(MADE[kind](), "html")
    return structure(parsed(page)), len(page)


class TestHostileText:
    @settings(max_examples=25, deadline=None)
    @given(hostile)
    @pytest.mark.parametrize("kind", MADE)
    def test_no_text_adds_or_takes_an_element(self, kind, text):
        found = MADE[kind](text)
        page = render(found, "html")
        assert page.isascii()
        tree = parsed(page)
        if kind == "report" and (not text.strip() or text.splitlines() != [text]):
            # a symptom of several lines, or of none, has as many paragraphs
            tree = parsed(render(replace(found, symptom=Symptom(text="x")), "html"))
        assert structure(tree) == harmless(kind)[0]

    @settings(max_examples=25, deadline=None)
    @given(hostile)
    def test_drawings_hold_shapes_and_short_text_only(self, text):
        tree = parsed(render(full(text), "html"))
        for drawing in find(tree, "svg"):
            names = {element.tag for element in drawing.iter()}
            assert names <= {"svg", "title", "desc", "g", "path", "circle", "rect", "line", "text"}
            attributes = {str(name) for element in drawing.iter() for name in element.attrib}
            assert not {name for name in attributes if name.startswith("on") or "href" in name or name == "style"}
            assert all(len(text_of(element)) <= 40 for element in drawing.iter("text"))
            assert all(len(text_of(element)) <= 250 for element in (*drawing.iter("title"), *drawing.iter("desc")))

    @settings(max_examples=15, deadline=None)
    @given(hostile)
    def test_all_that_is_printed_is_visible_text(self, text):
        shown = "".join(parsed(render(full(text), "html")).itertext())
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]", shown)

    @pytest.mark.parametrize(
        "address",
        [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            " https://x.example",
            'https://x.example/" onclick="alert(1)',
            "https://x.example/\njavascript:1",
            "//x.example",
            "vbscript:x",
            "file:///etc/passwd",
            "",
        ],
    )
    def test_only_plain_links_become_links(self, address):
        for made in (full, judged):
            links = [link.get("href") for link in find(parsed(render(made(url=address), "html")), "a")]
            assert links
            assert all(re.fullmatch("#[a-z-]+", link) for link in links)

    def test_links_go_out_alone(self):
        links = [link for link in find(parsed(render(full(), "html")), "a") if not link.get("href").startswith("#")]
        assert len(links) >= 4
        for link in links:
            assert link.get("href") == "https://forge.example/1"
            assert {"noopener", "noreferrer"} <= set(link.get("rel").split())

    def test_megabytes_stay_a_page(self):
        page = render(replace(full("<b>한" * 500_000), symptom=Symptom(text="x")), "html")
        assert len(page) < 60 * harmless("report")[1] < 5_000_000
        assert structure(parsed(page)) == harmless("report")[0]

    def test_a_symptom_of_megabytes_is_cut(self):
        found = replace(full(), symptom=Symptom(text="Traceback <b>\n" * 200_000, form="log"))
        tree = parsed(render(found, "html"))
        rows = find(tree, "blockquote")[0].findall(".//p")
        assert len(rows) == symptoms.LINES + 1
        assert text_of(rows[0]) == "Traceback <b>"

    def test_text_that_is_no_template(self):
        assert "{{ 7 * 7 }}" in text_of(parsed(render(full("{{ 7 * 7 }}"), "html")))

    @pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
    def test_no_template_inserts_raw_text(self, path):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*(safe|xmlattr|tojson|urlize|forceescape)\b|autoescape|Markup|\bstyle=|\son[a-z]+=", source)

    @pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
    def test_no_module_makes_markup(self, path):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"Markup|autoescape=False|\.safe\b|__html__\(", source)


class TestPolicy:
    def policy(self, page: str) -> dict[str, str]:
        (found,) = [one for one in find(parsed(page), "meta") if one.get("http-equiv") == "Content-Security-Policy"]
        return dict(part.strip().split(" ", 1) for part in found.get("content").split(";"))

    @pytest.mark.parametrize("kind", MADE)
    def test_style_and_script_are_allowed_by_their_hash_and_nothing_else_is(self, kind):
        from base64 import b64encode
        from hashlib import sha256

        page = render(MADE[kind](), "html")
        policy = self.policy(page)
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert "unsafe" not in str(policy)
        tree = parsed(page)
        for name in ("style", "script"):
            (element,) = find(tree, name)
            assert not set(element.attrib)
            digest = b64encode(sha256("".join(element.itertext()).encode()).digest()).decode()
            assert policy[f"{name}-src"] == f"'sha256-{digest}'"

    def test_the_policy_comes_before_everything_it_is_about(self):
        tree = parsed(render(examples.report(), "html"))
        names = [element.tag for element in tree.find("head")]
        assert names[:2] == ["meta", "meta"]
        assert tree.find("head")[0].get("charset") == "utf-8"

    def test_nothing_is_fetched(self):
        tree = parsed(render(full(), "html"))
        for element in tree.iter():
            if isinstance(element.tag, str):
                assert not {"src", "srcset", "data", "action", "poster", "style", "background"} & set(map(str, element.attrib))
        assert [link.get("href") for link in find(tree, "link")] == ["data:,"]
        assert "url(" not in (FOLDER / "templates" / "report.css").read_text()
        assert "@import" not in (FOLDER / "templates" / "report.css").read_text()

    def test_the_page_needs_no_encoding(self):
        for found in (demo("ko"), demo("ko").delta, full("한글 é 😀")):
            page = render(found, "html")
            assert page.isascii()
            assert page.endswith("</html>\n")


class TestReport:
    def test_the_answer_is_the_sentence_of_the_other_styles(self):
        for found in (demo(), examples.report(), replace(examples.report(), symptom=None), replace(demo(), conclusive=False)):
            (title,) = find(parsed(render(found, "html")), "h1")
            assert text_of(title) == answer(found).headline
            assert render(found, width=300).splitlines()[0] == answer(found).headline

    def test_the_story_of_the_demo_is_told(self):
        tree = parsed(render(demo(), "html"))
        top = text_of(by_id(tree, "answer"))
        for told in ("kombu 5.3.1 → 5.3.2", "orders → celery → kombu", "celery/kombu#1783", "SQS queue depth"):
            assert told in top
        assert "https://github.com/celery/kombu/issues/1783" in [link.get("href") for link in find(tree, "a")]

    def test_every_suspect_s_evidence_adds_up(self):
        found = demo()
        tables = [one for one in find(parsed(render(found, "html")), "table") if one.get("class") == "evidence"]
        weights = [
            Counter(f"{one.weight:+.2f}".replace("-", "−") for one in each.evidence)
            for each in (*found.suspects[:8], *found.issues[:10])
        ]
        scores = [f"{each.score:.2f}".replace("-", "−") for each in (*found.suspects[:8], *found.issues[:10])]
        assert len(tables) == len(weights)
        for table, expected, score in zip(tables, weights, scores, strict=True):
            assert Counter(text_of(row[0]) for row in table.find("tbody")) == expected
            assert text_of(table.find("tfoot")[0][0]) == score

    def test_a_way_shows_what_moved_on_it(self):
        tree = parsed(render(demo(), "html"))
        way = find(tree, "ol[@class='way']")[0]
        stations = [text_of(one) for one in way]
        assert stations[0] == "orders"
        assert "celery 5.3.1 → 5.3.4" in stations[1]
        assert "kombu 5.3.1 → 5.3.2" in stations[2]
        assert ">=5.3.2" in stations[2]

    def test_every_change_is_a_row(self):
        found = demo()
        rows = by_id(parsed(render(found, "html")), "changes-table").find("tbody")
        assert [text_of(row[0]) for row in rows] == sorted({change.name for change in found.delta})

    def test_several_locks_have_a_column(self):
        one, other, third = (
            examples.delta(examples.change(new=new, lock=lock))
            for lock, new in (("a/uv.lock", "5.3.2"), ("b/uv.lock", "5.3.2"), ("c/uv.lock", "5.3.3"))
        )
        both = replace(one, changes=(*one.changes, *other.changes, *third.changes), parts=(one, other, third))
        table = by_id(parsed(render(both, "html")), "changes-table")
        assert "Lock" in [text_of(cell) for cell in table.find("thead")[0]]
        assert [text_of(row[1]) for row in table.find("tbody")] == ["a/uv.lock, b/uv.lock", "c/uv.lock"]

    @pytest.mark.parametrize(
        "change",
        [
            {"suspects": ()},
            {"delta": examples.delta(), "suspects": (), "issues": ()},
            {"issues": (), "conclusive": False},
            {"deployment": None, "symptom": None, "as_of": None, "gaps": ()},
        ],
        ids=["no suspects", "no changes", "no issues", "bare"],
    )
    def test_what_is_not_there_is_left_out(self, change):
        found = replace(examples.report(), **change)
        tree = parsed(render(found, "html"))
        assert text_of(find(tree, "h1")[0]) == answer(found).headline
        targets = {element.get("id") for element in tree.iter() if isinstance(element.tag, str)}
        assert {link.get("href")[1:] for link in find(tree, "nav//a")} <= targets

    def test_an_empty_delta_is_a_page(self):
        assert "Nothing changed." in text_of(parsed(render(examples.delta(), "html")))

    def test_precedents_stand_below_the_answer(self):
        tree = parsed(render(full("Workers slow down"), "html"))
        assert "This looks like the incident of 2023-01-01" in text_of(by_id(tree, "cases"))

    def test_what_trials_proved_leads_and_is_explained(self):
        last = examples.report().suspects[-1].change
        narrowed = Narrowed(name="pytz", good="2023.2", bad="2023.3", commit="d" * 40, subject="Lazy zones")
        gap = Gap(subject="pip", reason="x", detail="y")
        found = replace(
            examples.report(),
            proof=Proof(
                culprits=(last,),
                minimal=True,
                good=3,
                bad=4,
                narrowed=(narrowed,),
                gaps=(gap,),
            ),
        )
        tree = parsed(render(found, "html"))
        (title,) = find(tree, "h1")
        assert text_of(title) == answer(found).headline
        assert "pytz" in text_of(find(tree, "h1/strong")[0])
        assert "dddddddddddd “Lazy zones”" in text_of(by_id(tree, "proof"))
        assert "pip" in text_of(by_id(tree, "gaps"))

    def test_a_comparison_is_linked(self):
        first = examples.report().suspects[0]
        where = Comparison(name="kombu", before="v5.3.1", after="v5.3.2", url="https://forge.example/compare/v5.3.1...v5.3.2")
        page = render(replace(examples.report(), suspects=(replace(first, comparison=where),)), "html")
        assert where.url in [link.get("href") for link in find(parsed(page), "a")]

    def test_korean_is_marked_as_korean(self):
        tree = parsed(render(demo("ko"), "html"))
        marked = [text_of(one) for one in find(tree, "bdi") if one.get("lang") == "ko"]
        assert marked
        assert all(language(text) == "ko" for text in marked)
        assert tree.get("lang") == "en"

    def test_a_log_keeps_its_indentation(self):
        rows = symptoms.shown(Symptom(text='Traceback:\n  File "a.py"\n\n\tx = 1\n', form="log"))
        assert rows is not None
        assert rows.rows == ((0, "Traceback:"), (2, 'File "a.py"'), (4, "x = 1"))


class TestCheck:
    """The page of a deploy that was stopped, or may go."""

    def test_the_verdict_and_what_stops_it_come_first(self):
        tree = parsed(render(judged(), "html"))
        assert text_of(find(tree, "h1")[0]) == "Stop: 2 findings against the policy"
        sections = [one.get("id") for one in find(tree, "section")]
        assert sections == ["answer", "stops", "warnings", "notes", "allowed", "changes", "gaps", "again"]
        (stop,) = by_id(tree, "stops").findall("article")
        assert text_of(stop.find("h3")) == "x x → x2"
        assert [text_of(one) for one in stop.findall("ul/li")] == ["yanked xx xx:7", "known-regression xx xx:7"]
        assert "between" in text_of(stop.find("ol[@class='way']"))
        assert "until 2026-12-31: x" in text_of(by_id(tree, "allowed"))

    def test_one_that_may_go_has_what_was_not_looked_at_beside_it(self):
        tree = parsed(render(replace(judged(), violations=()), "html"))
        assert text_of(find(tree, "h1")[0]) == "Go: nothing stops this deploy"
        assert text_of(by_id(tree, "answer").find("p")) == "1 changed, 1 not looked at. Judged as if it were 2023-09-01."
        assert by_id(tree, "stops") is None

    def test_a_rule_of_many_findings_is_folded(self):
        found = judged()
        many = tuple(replace(found.violations[2], detail=f"the {number}th") for number in range(400))
        tree = parsed(render(replace(found, violations=(*many, found.violations[3])), "html"))
        folded, open_one = find(tree, "details")
        assert (folded.get("open"), open_one.get("open")) == (None, "")
        assert len(folded.findall("ul/li")) == 300
        assert text_of(folded).endswith("… and 100 more (--format json has all)")

    def test_the_commands_ask_the_gate_again(self):
        lines = [one.line for one in commands.of_check(judged())]
        assert lines[0] == "lockblame check x x --as-of 2023-09-01 --format html > check.html"
        assert lines[-1] == "lockblame blame x x --symptom-file symptom.txt"


class TestVersions:
    """A browser compares texts; what PEP 440 says stands in the cells."""

    def places(self, *versions: str) -> list[str]:
        changes = [examples.change(f"p{number}", version, None) for number, version in enumerate(versions)]
        cells = by_id(parsed(render(examples.delta(*changes), "html")), "changes-table").find("tbody")
        told = {text_of(row[1]): int(row[1].get("data-value")) for row in cells}
        assert len({row[2].get("data-value") for row in cells}) == 1
        return sorted(told, key=lambda version: told[version])

    def test_they_sort_by_pep_440(self):
        right = ["weird", "1.0.dev1", "1.0a2", "1.0rc1", "1.0", "1.0+local", "1.0.post1", "1.9", "1.10", "2023.1", "1!0.1"]
        assert self.places(*sorted(right)) == right

    def test_equal_ones_have_one_place_and_none_comes_first(self):
        changes = [examples.change("a", None, "1.0"), examples.change("b", "1.0", "2"), examples.change("c", "0.1", "1.0")]
        table = rows.table(examples.delta(*changes))
        assert [(one.older, one.newer) for one in table.rows] == [(0, 2), (2, 3), (1, 2)]


@pytest.mark.parametrize("kind", MADE)
class TestAccessibility:
    @pytest.fixture
    def tree(self, kind):
        return parsed(render(MADE[kind](), "html"))

    def test_ids_are_unique_and_every_reference_leads_somewhere(self, tree):
        ids = [element.get("id") for element in tree.iter() if isinstance(element.tag, str) and element.get("id")]
        assert len(ids) == len(set(ids))
        for element in tree.iter():
            if isinstance(element.tag, str):
                named = f"{element.get('aria-labelledby', '')} {element.get('for', '')}".split()
                named += [element.get("href", "")[1:]] if element.get("href", "").startswith("#") else []
                assert set(named) <= set(ids)

    def test_headings_go_down_by_one(self, tree):
        levels = [int(one.tag[1]) for one in tree.iter() if isinstance(one.tag, str) and re.fullmatch("h[1-6]", one.tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))

    def test_landmarks_and_the_way_past_them(self, tree):
        body = tree.find("body")
        assert body[0].get("href") == "#main"
        for name in ("header", "nav", "main", "footer"):
            assert len(find(tree, name)) == 1

    def test_tables_have_captions_and_scopes(self, tree):
        tables = find(tree, "table")
        assert tables
        for table in tables:
            assert text_of(table.find("caption"))
            assert all(cell.get("scope") in ("col", "row") for cell in table.iter("th"))

    def test_drawings_have_words(self, tree):
        for drawing in find(tree, "svg"):
            if drawing.get("aria-hidden") != "true":
                assert drawing.get("role") == "img"
                assert text_of(drawing.find("title"))
                assert text_of(drawing.find("desc"))


def test_the_time_line_has_a_list_of_the_same():
    found = demo()
    times = timeline(found)
    assert times is not None
    listed = find(parsed(render(found, "html")), "ol[@class='events']")[0]
    assert len(listed) == len(times.events)


def luminance(colour: str) -> float:
    """By WCAG 2.2."""
    code = colour.removeprefix("#")
    code = code if len(code) == 6 else "".join(char * 2 for char in code)
    parts = [int(code[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "paper"])
def test_every_colour_can_be_told_from_its_ground(scheme):
    css = (FOLDER / "templates" / "report.css").read_text()
    palettes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]
    colours = palettes[scheme]
    for text, ground in [
        ("ink", "paper"),
        ("muted", "paper"),
        ("accent", "paper"),
        ("ink", "accent-wash"),
        ("accent", "accent-wash"),
    ]:
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for shape in ("accent", "against", "ink"):
        assert contrast(colours[shape], colours["wash"]) >= 3, shape


weights = st.lists(st.floats(-9, 9).map(lambda one: round(one, 4)), max_size=60)


class TestBars:
    @given(weights, weights)
    def test_each_begins_where_the_last_ended_and_they_end_at_the_score(self, one, other):
        groups = [[Evidence(kind="k", weight=weight, detail="d") for weight in each] for each in (one, other)]
        scale = bars.scale(groups)
        for evidence in groups:
            score = round(sum(item.weight for item in evidence), 4)
            stack = bars.stack(evidence, score, scale)
            reached = stack.zero
            for bar in stack.bars:
                assert 0 <= bar.start <= bar.start + bar.length <= 100.001
                reached += -bar.length if bar.against else bar.length
            slack = bars.THIN * (len(stack.bars) + 1) + 0.1
            assert abs(reached - scale.place(score)) <= slack
            shown = sum(float(bar.weight.replace("−", "-")) for bar in stack.bars)
            assert stack.rounded == (bool(stack.bars) and abs(shown - round(score, 2)) > 0.001)

    def test_very_many_are_put_together(self):
        evidence = [Evidence(kind="k", weight=float(n), detail="d") for n in range(100)]
        stack = bars.stack(evidence, 4950.0, bars.scale([evidence]))
        assert len(stack.bars) == bars.SHOWN + 1
        assert stack.bars[-1].detail == "60 lighter reasons"


moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC) | st.none())


class TestTimeline:
    @settings(max_examples=80, deadline=None)
    @given(st.lists(moments, max_size=5), st.lists(moments, max_size=4), st.lists(moments, max_size=4))
    def test_any_days_can_be_drawn(self, released, opened, deployed):
        version = "1.0.0"
        suspect = replace(
            examples.report().suspects[0],
            change=examples.change("a" * 90, "0.9", version),
            releases=tuple(Release(name="a", version=f"{n}.0.0" * 9, uploaded=at) for n, at in enumerate(released)),
            matches=tuple(examples.match("한글 " * 50, number=10**n, created_at=at) for n, at in enumerate(opened)),
        )
        commits = tuple(Commit(hash="c" * 40, author="a", date=at, subject="s") for at in deployed)
        times = timeline(replace(examples.report(), suspects=(suspect,) * 9, issues=(), deployment=Deployment(commits=commits)))
        if times is None:
            return
        assert [one.at for one in times.events] == sorted(one.at for one in times.events)
        for width in (WIDE, MIDDLING, NARROW):
            drawing = drawn(times, width)
            assert len(drawing.lines) <= 6
            assert len(drawing.ticks) <= width / 60
            for mark in drawing.marks:
                assert 0 <= mark.x <= width
                assert 0 <= mark.y <= drawing.height
            for label in (*drawing.labels, *drawing.ticks, *drawing.names):
                reach = LETTER * len(label.text)
                begin = {"start": label.x, "middle": label.x - reach / 2, "end": label.x - reach}[label.anchor]
                assert begin >= -0.1
                assert begin + reach <= width + 0.1

    @given(moments.filter(lambda at: 1980 < at.year < 2190), st.integers(1, 3_000_000), st.sampled_from((WIDE, MIDDLING, NARROW)))
    def test_ticks_are_few_inside_and_in_order(self, since, minutes, width):
        since = since.replace(tzinfo=UTC)
        axis = Axis(since=since, until=since + timedelta(minutes=minutes), left=10, right=width)
        ticks = axis.ticks()
        places = [x for x, _ in ticks]
        assert places == sorted(places)
        assert all(10 <= x <= width for x in places)
        assert all(after - before > 60 for before, after in pairwise(places))

    def test_the_demo_s_axis_shows_the_release_the_report_and_the_deploy(self):
        times = timeline(demo())
        assert times is not None
        drawing = drawn(times, WIDE)
        best = [mark for mark in drawing.marks if mark.event.best and mark.event.lane == 0]
        release, report = best
        assert not release.away
        assert release.x < report.x < drawing.deploys[-1]
        assert {"5.3.1", "5.3.2", "#1783"} <= {label.text for label in drawing.labels}

    def test_a_package_in_several_locks_is_one_lane(self):
        first = demo().suspects[0]
        other = replace(first, change=replace(first.change, lock="poetry.lock"))
        times = timeline(replace(demo(), suspects=(first, other, *demo().suspects[1:])))
        assert times is not None
        assert len(times.lanes) == len(set(times.lanes)) == 6

    def test_without_days_there_is_none(self):
        found = replace(examples.report(), deployment=None, suspects=())
        assert timeline(found) is None
        assert by_id(parsed(render(found, "html")), "time") is None


class TestCommands:
    def side(self, origin: str) -> str:
        found = examples.delta()
        found = replace(found, before=replace(found.before, origin=origin))
        return commands.of_delta(found)[0].line.split()[2]

    @pytest.mark.parametrize(
        ("origin", "word"),
        [
            ("uv.lock at v1.4 (ad79e40896)", "ad79e40896:uv.lock"),
            ("services/api/uv.lock at main@{yesterday} (ad79e40896)", "ad79e40896:services/api/uv.lock"),
            ("v1.4 (ad79e40896) (3 locks)", "ad79e40896"),
            ("old/uv.lock", "old/uv.lock"),
            ("(text)", "BEFORE"),
            ("a; rm -rf / at x (ad79e40896)", "BEFORE"),
            ("$(x)", "BEFORE"),
            ("--config=x", "BEFORE"),
            ("two words", "BEFORE"),
        ],
    )
    def test_sides_are_words_of_a_shell(self, origin, word):
        assert self.side(origin) == word

    @given(hostile)
    def test_nothing_else_gets_into_a_command(self, text):
        for one in commands.of_report(full(text)):
            assert re.fullmatch(r"[A-Za-z0-9_.:/@+~^ >-]+", one.line)

    def test_the_page_can_be_made_again(self):
        told = [one.line for one in commands.of_report(demo())]
        assert re.search(
            r"^lockblame blame \w{10}:uv\.lock \w{10}:uv\.lock --symptom-file symptom\.txt --as-of 2023-09-10", told[0]
        )
        assert any("rollback" in one and "--package kombu" in one for one in told)


class TestReleases:
    def known(self, *versions: str) -> Knowledge:
        return Knowledge(releases={"kombu": tuple(Release(name="kombu", version=version) for version in versions)})

    def test_a_step_passes_those_between_its_ends(self):
        known = self.known("5.4", "5.3.2", "5.3.10", "5.2", "5.3.1", "5.3.3")
        passed = known.passed(examples.change("kombu", "5.3.1", "5.3.10"))
        assert [one.version for one in passed] == ["5.3.1", "5.3.2", "5.3.3", "5.3.10"]
        back = known.passed(examples.change("kombu", "5.3.10", "5.3.1", kind="downgraded"))
        assert back == passed

    def test_one_side_alone_is_its_release(self):
        known = self.known("5.3.1", "5.3.2")
        assert [one.version for one in known.passed(examples.change("kombu", None, "5.3.2"))] == ["5.3.2"]

    def test_of_very_many_the_first_and_the_latest(self):
        known = self.known(*(f"1.{n}" for n in range(500)))
        passed = known.passed(examples.change("kombu", "1.0", "1.499"))
        assert len(passed) == PASSED
        assert (passed[0].version, passed[-1].version) == ("1.0", "1.499")

    def test_the_demo_knows_both_ends(self):
        assert [one.version for one in demo().suspects[0].releases] == ["5.3.1", "5.3.2"]


def test_the_command_line_makes_pages(capsys):
    from lockblame import cli

    lock = Path(__file__).parents[1] / "examples" / "sqs-slowdown"
    assert cli.main(["diff", str(lock / "before" / "uv.lock"), str(lock / "after" / "uv.lock"), "--format", "html"]) == 0
    assert "11 changed between" in text_of(parsed(capsys.readouterr().out))


@given(hostile)
@settings(max_examples=10, deadline=None)
def test_the_page_of_one_package(text):
    from lockblame.report.why import why

    deltas = [full(one).delta for one in ("x", text)]
    pages = [parsed(why(replace(one, changes=(replace(one[0], name="x"),)), "x", "html")) for one in deltas]
    assert structure(pages[0]) == structure(pages[1])
    assert text_of(find(pages[0], "h1")[0]) == "x"
    assert "between: x before, x3 after" in text_of(pages[0])


def test_a_package_that_did_not_change():
    from lockblame.report.why import why

    assert "pytz is in neither lock" in text_of(parsed(why(examples.delta(), "pytz", "html")))


def test_a_snapshot_without_a_version_is_a_row():
    tool = examples.change("tool", before=Pin(name="tool"), after=Pin(name="tool", version="1"), kind="moved", step=None)
    delta = replace(examples.delta(tool), before=Snapshot(origin="a", format="uv", pins=(Pin(name="tool"),)))
    (row,) = by_id(parsed(render(delta, "html")), "changes-table").find("tbody")
    assert [text_of(cell) for cell in row[:3]] == ["tool", "–", "1"]
