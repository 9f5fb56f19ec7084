"""What a person meets who opens the page: nothing runs over, nothing is fetched, everything can be reached and read."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import cache
from statistics import median
from time import perf_counter

import pytest

from lockblame.model import Deployment, Report
from lockblame.report import render
from lockblame.report.why import why
from tests import examples
from tests.test_html import NASTY, demo, full, judged

pytestmark = pytest.mark.browser

BOUND = 10_000
"""Milliseconds in which a page of 300 changes is there on any machine; docs/explanation/performance.md has what it takes."""


BEYOND = """width => [...document.querySelectorAll('main *')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && (box.right > width + 1 || box.left < -1);
}).map(one => one.outerHTML.slice(0, 120))"""

LABELS = """() => [...document.querySelectorAll('svg.timeline')].filter(one => one.clientWidth).flatMap(drawing => {
    const edge = drawing.getBoundingClientRect();
    const texts = [...drawing.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);
    const out = texts.filter(([, box]) => box.left < edge.left - 1 || box.right > edge.right + 1);
    const covering = (box, other) => box.left < other.right && other.left < box.right
        && box.top + 3 < other.bottom && other.top + 3 < box.bottom;
    const both = texts.flatMap(([text, box], n) => texts.slice(n + 1).filter(([, other]) => covering(box, other))
        .map(([other]) => `${text} | ${other}`));
    return [...out.map(([text]) => text), ...both];
})"""
"""The labels of a drawing that run out of it, and those that cover each other."""

LETTERS = """() => [...document.querySelectorAll('svg.timeline')].filter(one => one.clientWidth)
    .map(one => 12 * one.clientWidth / one.viewBox.baseVal.width)"""
"""How high the letters of a drawing are on the page, in pixels."""

SORTING = """() => {
    const begin = performance.now();
    document.querySelector('#changes-table thead th:last-child button').click();
    document.body.getBoundingClientRect();
    return performance.now() - begin;
}"""


@cache
def many(changes: int = 300) -> Report:
    """A report of very many changes, each a suspect with evidence."""
    found = demo()
    first = found.suspects[0]
    moved = [
        examples.change(f"package-{n:03}", f"1.{n}", f"2.{n}", paths_after=(("app", f"parent-{n % 9}", f"package-{n:03}"),))
        for n in range(changes)
    ]
    suspects = tuple(replace(first, change=one, score=10.0 - n / 10, probability=1 / changes) for n, one in enumerate(moved))
    return replace(found, delta=examples.delta(*moved), suspects=suspects)


@cache
def page(name: str) -> str:
    found = {
        "demo": lambda: demo(),
        "korean": lambda: demo("ko"),
        "delta": lambda: demo().delta,
        "many": lambda: many(),
        "full": lambda: full("Workers slow down"),
        "long": lambda: full("a" * 500),
        "check": lambda: judged(),
        "check-long": lambda: judged("a" * 500),
        "nasty": lambda: full(NASTY[0] + NASTY[6]),
        "bare": lambda: replace(examples.report(), suspects=(), issues=(), deployment=Deployment(), gaps=()),
    }
    return why(demo().delta, "kombu", "html") if name == "why" else render(found[name](), "html")


PAGES = ("demo", "korean", "delta", "why", "full", "long", "nasty", "bare", "check", "check-long")


def open_everything(opened) -> None:
    opened.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


@pytest.mark.parametrize("name", PAGES)
class TestEveryPage:
    def test_nothing_runs_over(self, opened, name):
        found = opened(page(name))
        open_everything(found)
        for width in (320, 360, 768, 1120, 1600):
            found.page.set_viewport_size({"width": width, "height": 900})
            assert found.page.evaluate("document.documentElement.scrollWidth") <= width
            assert found.page.evaluate(BEYOND, width) == [], width

    def test_labels_stay_in_their_drawing_and_apart(self, opened, name):
        found = opened(page(name))
        for width in (360, 600, 800, 1120, 1600):
            found.page.set_viewport_size({"width": width, "height": 900})
            assert found.page.evaluate(LABELS) == [], width
            sizes = found.page.evaluate(LETTERS)
            assert all(9.5 <= size <= 18 for size in sizes), (width, sizes)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_no_serious_violation(self, opened, axe, name, scheme):
        for width in (360, 1280):
            found = opened(page(name), width=width, scheme=scheme)
            open_everything(found)
            found.page.evaluate(axe)
            result = found.page.evaluate("axe.run(document, {resultTypes: ['violations', 'passes']})")
            worst = [one for one in result["violations"] if one["impact"] in ("serious", "critical")]
            assert {"color-contrast", "heading-order", "region"} <= {one["id"] for one in result["passes"]}
            assert not worst, json.dumps(
                [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in worst], indent=1
            )

    def test_nothing_is_said_and_nothing_is_asked_for(self, opened, name):
        found = opened(page(name))
        found.page.wait_for_timeout(200)
        assert found.said == []
        assert [url for url in found.requests if not url.startswith("file:")] == []
        assert len(found.requests) == 1


class TestKeyboard:
    def test_the_first_stop_leads_past_the_contents(self, opened):
        found = opened(page("demo"))
        found.page.keyboard.press("Tab")
        assert found.page.evaluate("document.activeElement.className") == "skip"
        assert found.page.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
        found.page.keyboard.press("Enter")
        assert found.page.evaluate("document.activeElement.id") == "main"

    def test_every_stop_is_seen(self, opened):
        found = opened(page("demo"))
        for _ in range(30):
            found.page.keyboard.press("Tab")
            style, width = (
                found.page.evaluate(f"getComputedStyle(document.activeElement).outline{part}") for part in ("Style", "Width")
            )
            assert style != "none"
            assert float(width.removesuffix("px")) >= 2

    def test_sorting(self, opened):
        found = opened(page("demo"))
        names = "[...document.querySelectorAll('#changes-table tbody tr')].map(row => row.cells[0].textContent.trim())"
        sort = "document.querySelector('#changes-table [aria-sort]')?.getAttribute('aria-sort')"
        assert found.page.evaluate(sort) is None
        found.page.focus("#changes-table thead th:last-child button")
        found.page.keyboard.press("Enter")
        assert found.page.evaluate(sort) == "descending"
        assert found.page.evaluate(names)[:2] == ["kombu", "django-environ"]
        assert found.page.evaluate(names)[-1] == "pyyaml"
        found.page.keyboard.press("Space")
        assert found.page.evaluate(sort) == "ascending"
        found.page.focus("#changes-table thead th:first-child button")
        found.page.keyboard.press("Enter")
        assert found.page.evaluate(names) == sorted(found.page.evaluate(names))
        assert found.page.evaluate("document.querySelectorAll('[aria-sort]').length") == 1
        assert found.said == []

    def test_versions_are_sorted_by_pep_440(self, opened):
        versions = ["1.0", "1.10", "1.0rc1", "1!0.1", "1.9", "1.0.post1", "1.0.dev1"]
        changes = [examples.change(f"p{number}", None, version) for number, version in enumerate(versions)]
        found = opened(render(examples.delta(*changes), "html"))
        shown = "[...document.querySelectorAll('#changes-table tbody tr')].map(row => row.cells[2].textContent.trim())"
        found.page.focus("#changes-table thead th:nth-child(3) button")
        found.page.keyboard.press("Enter")
        right = ["1.0.dev1", "1.0rc1", "1.0", "1.0.post1", "1.9", "1.10", "1!0.1"]
        assert found.page.evaluate(shown) == right
        found.page.keyboard.press("Enter")
        assert found.page.evaluate(shown) == right[::-1]

    def test_filtering(self, opened):
        found = opened(page("demo"))
        rows = "[...document.querySelectorAll('#changes-table tbody tr')]"
        shown = f"{rows}.filter(row => row.offsetHeight).map(row => row.cells[0].textContent.trim())"
        found.page.focus("#changes-text")
        found.page.keyboard.type("ORDERS kombu")
        assert found.page.evaluate(shown) == ["kombu"]
        assert found.page.inner_text("#changes-shown") == "1 of 11 shown"
        for _ in range(20):
            found.page.keyboard.press("Backspace")
        found.page.select_option("#changes-kind", "refiled")
        assert found.page.evaluate(shown) == ["pyyaml"]
        found.page.focus("#changes-text")
        found.page.keyboard.press("Enter")
        assert found.page.url.startswith("file:")
        assert found.said == []

    def test_a_suspect_opens_and_closes(self, opened):
        found = opened(page("demo"))
        found.page.focus("details.suspect:nth-of-type(2) > summary")
        found.page.keyboard.press("Enter")
        assert found.page.evaluate("document.activeElement.parentNode.open") is True
        found.page.keyboard.press("Enter")
        assert found.page.evaluate("document.activeElement.parentNode.open") is False


class TestWithoutScript:
    def test_everything_is_readable(self, opened):
        found = opened(page("demo"), script=False)
        text = found.page.inner_text("main")
        for told in (
            "Most likely to blame",
            "kombu 5.3.1 → 5.3.2",
            "is the score",
            "Time line",
            "sentry-sdk",
            "How to do it again",
        ):
            assert told in text
        assert found.page.locator("#changes-tools").is_hidden()
        assert found.page.locator("#changes-table tbody tr").count() == 11
        assert found.page.locator("#changes-table button").count() == 0
        found.page.click("details.suspect:nth-of-type(2) > summary")
        assert "django-environ 0.10.0" in found.page.inner_text("details.suspect:nth-of-type(2)")

    def test_the_script_is_the_one_that_the_policy_names(self, opened):
        changed = page("demo").replace('"use strict";', '"use strict"; document.title = "changed";')
        found = opened(changed)
        assert found.page.title() != "changed"
        assert any("Content Security Policy" in said for said in found.said)


class TestPrinting:
    def test_everything_is_open_on_paper(self, opened):
        found = opened(page("demo"), script=False)
        found.page.emulate_media(media="print")
        tables = "[...document.querySelectorAll('.suspect .evidence')]"
        assert found.page.evaluate(f"{tables}.filter(one => one.offsetHeight).length") == 8
        assert found.page.locator("nav").is_hidden()

    def test_dark_pages_are_printed_light(self, opened):
        found = opened(page("demo"), scheme="dark")
        found.page.emulate_media(media="print")
        assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert found.page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"

    def test_it_fits_on_pages(self, opened):
        found = opened(page("demo"))
        assert found.page.pdf(format="A4", print_background=True).startswith(b"%PDF")


def test_300_changes_open_quickly(opened):
    """With `-s` it tells what it took."""
    report = many()
    begin = perf_counter()
    text = render(report, "html")
    rendered = (perf_counter() - begin) * 1000
    times = []
    for _ in range(5):
        found = opened(text)
        assert found.page.locator("#changes-table tbody tr").count() == 300
        times.append(found.page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    sorting = found.page.evaluate(SORTING)
    told = f"{len(text) // 1000} kB, rendered in {rendered:.0f} ms, loaded in {median(times):.0f} ms, sorted in {sorting:.0f} ms"
    sys.stdout.write(f"300 changes: {told}\n")
    assert 0 < max(times) < BOUND
    found.page.set_viewport_size({"width": 360, "height": 900})
    assert found.page.evaluate(BEYOND, 360) == []


def test_korean_is_set_in_a_korean_face(opened):
    found = opened(page("korean"))
    lines = found.page.evaluate(
        "[...document.querySelectorAll('.symptom bdi')].map(one => [one.lang, getComputedStyle(one).wordBreak])"
    )
    assert lines
    assert all(line == ["ko", "keep-all"] for line in lines)
