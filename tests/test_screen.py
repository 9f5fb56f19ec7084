"""What commands put on a terminal: within its width, in colour or not, with links or not; and whatever hostile text they show,
the terminal is as it was before, and every column where it should be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.model import Bisection, Case, Edit, Gap, Pin, Return, Rollback, Trial, Violation
from lockblame.report import cases, render
from lockblame.report.columns import cells, laid, table, wrapped
from lockblame.report.gate import gate
from lockblame.report.proof import proof
from lockblame.report.rollbacks import rollback
from lockblame.report.why import why
from lockblame.terminal import linked
from tests import examples
from tests.consoles import Screen, run, untouched
from tests.test_html import NASTY, full

WIDE = "한국어로 쓴 제목입니다 中文標題 "
ESCAPES = (
    "\x1b]0;owned\x07a",
    "\x1b]8;;https://evil.example\x1b\\b\x1b]8;;\x1b\\",
    "\x1b]52;c;aGk=\x07c",
    "\x1b[2J\x1b[?25l\x1b[?1049h\x1b[5n\x1b[c",
    "\x1b(0\x0e\x9b31m\x90q\x9c\x1bP+q\x1b\\",
    "a\tb\nc\rd\x08e\x0b\x0cf\x85\u2028g\x07",
    "\u202eevil\u2066\u200f\u061c",
    "\ud800\udfff\x00",
    "A" * 2_000_000,
    WIDE * 500,
    "e" + "\u0301" * 400,
    "\x1b]" * 5000,
    "\x1b[31",
    "\x1f",
    "\x1c\x1d\x1e\x7f\x9f",
)
hostile = st.sampled_from((*ESCAPES, *NASTY)) | st.text(min_size=1, max_size=60)
plain = st.text("ab 한국中-/.,é🙂", max_size=60) | st.just("한국" * 60) | st.just("e\u0301" * 80)


# --- columns ---------------------------------------------------------------------------------------------------------


class TestColumns:
    def test_wide_characters_take_two_and_combining_ones_none(self):
        assert [cells(text) for text in ("ab", "한국", "中", "e\u0301", "\u1112\u1161\u11ab", "🙂")] == [2, 4, 2, 1, 2, 2]

    @given(plain, st.integers(20, 120), st.sampled_from(("", "  ")), st.sampled_from((None, "      ")))
    @settings(max_examples=80, deadline=None)
    def test_wrapped_text_fits_and_nothing_is_lost(self, text, width, indent, hanging):
        rows = wrapped(text, width, indent, hanging)
        assert all(cells(row) <= width or row.split()[-1].isascii() for row in rows)
        assert "".join(rows).replace(" ", "") == text.replace(" ", "")

    def test_an_address_and_a_path_stay_whole(self):
        for word in ("https://code.example/" + "1" * 100, "/a/" + "b-" * 60):
            assert word in wrapped(f"at {word} it is", 30, "  ")[1]

    @given(st.lists(st.tuples(plain, plain, plain, plain), max_size=6), st.sampled_from((20, 40, 60, 80, 200)))
    @settings(max_examples=80, deadline=None)
    def test_a_table_fits_and_nothing_is_lost(self, rows, width):
        lines = table(("package", "before", "after", "comes in by"), rows, width)
        assert all(cells(line) <= width or line.split()[-1].isascii() for line in lines)
        letters = sorted("".join(["packagebeforeaftercomesinby", *("".join(row) for row in rows)]).replace(" ", ""))
        assert sorted("".join(lines).replace(" ", "")) == letters

    @given(st.lists(st.tuples(plain, plain, plain), min_size=1, max_size=6))
    @settings(max_examples=60, deadline=None)
    def test_each_cell_stays_in_its_column(self, rows):
        head, body = laid(("one", "two", "three"), rows, 79)  # pyte breaks a line before a combining character in column 81
        starts = [re.search(rf"\b{name}\b", head[0]).start() for name in ("two", "three")]
        screen = Screen("\n".join([*head, *body]) + "\n")
        assert screen.cursor.y == len(head) + len(body)
        for row in range(screen.cursor.y):
            assert all(screen.cell(row, start - back) == " " for start in starts for back in (1, 2))

    def test_a_column_is_only_narrowed_where_it_must_be(self):
        short = ("kombu", "5.3.1", "5.3.2", "app → celery")
        assert table(("package", "before", "after", "by"), [short], 80)[1] == "kombu    5.3.1   5.3.2  app → celery"
        long = table(("package", "before", "after", "by"), [short, ("x" * 200, "1", "2", "app")], 80)
        assert long[1].split("  ")[-1] == "app → celery"
        assert "5.3.1   5.3.2" in long[1]

    def test_where_columns_have_no_room_each_row_is_a_paragraph(self):
        rows = table(("package", "before", "after", "what", "by"), [("some-package", "1.0", "2.0", "upgraded", "app → b")], 30)
        assert rows[2:] == ["some-package  1.0  2.0", "  upgraded  app → b"]


# --- hostile text ----------------------------------------------------------------------------------------------------


def written(text: str, width: int, colour: bool) -> str:
    """Everything that commands show as text, with `text` wherever it comes from outside."""
    found = full(text)
    change = found.suspects[0].change
    gaps = (Gap(subject=text, reason="x", detail=text, hint=text),)
    case = Case(
        id=text, title=text, date=date(2024, 1, 2), symptom=text, culprit=text, issue=text, workaround=text, links=(text,)
    )
    broken = Violation(rule="yanked", severity="error", change=change, detail=text, url=text, path=text, line=1)
    back = Rollback(
        style="uv",
        returns=(Return(change=change, because=text),),
        edits=(Edit(path=text, before=text, after=f"{text}\n+"),),
        command="uv lock",
        gaps=gaps,
    )
    trials = (Trial(changes=(text,), verdict="bad", detail=text),)
    return "".join(
        (
            render(found, "text", width=width, colour=colour),
            render(found.delta, "text", width=width, colour=colour),
            gate(replace(found, violations=(broken,)), width=width, colour=colour),
            rollback(back, "text", width=width, colour=colour),
            cases.listed((case,), width, colour),
            cases.whole(case, width, colour),
            proof(Bisection(culprits=(change,), minimal=True, trials=trials, gaps=gaps), "text", width=width, colour=colour),
            why(found.delta, change.name, width=width, colour=colour),
        )
    )


class TestHostileText:
    @given(hostile, st.booleans())
    @settings(max_examples=40, deadline=None)
    def test_the_terminal_is_as_it_was(self, text, colour):
        shown = written(text, 80, colour)
        screen = Screen(shown if not colour else linked(shown))
        assert screen.state == Screen("").state
        left = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        assert not [
            char for char in left if char != "\n" and ((not char.isprintable() and ord(char) < 0xA0) or char in "\u202e\u2066")
        ]

    @pytest.mark.parametrize("text", ESCAPES, ids=range(len(ESCAPES)))
    def test_no_hostile_name_moves_the_columns(self, text):
        changes = [
            examples.change(text or "x", text, text, before=Pin(name=text, version=text), after=Pin(name=text, version=text)),
            examples.change(),
        ]
        shown = render(examples.delta(*changes), "text", width=80)
        assert untouched(shown)
        rows = shown.splitlines()
        head = next(place for place, row in enumerate(rows) if row.startswith("package"))
        screen = Screen(shown)
        for start in (rows[head].index(name) for name in ("before", "after", "what", "comes in by")):
            assert all(screen.cell(row, start - 1) == " " for row in range(head, len(rows))), shown


# --- links -----------------------------------------------------------------------------------------------------------


class TestLinks:
    def test_the_address_itself_is_shown_and_what_follows_it_is_not_part_of_it(self):
        address = "https://code.example/a/b?c=1#d"
        for text in (f"see {address}.\n", f"({address})\n", f"“{address}”, and\n", f"\x1b[36m{address}\x1b[0m\n"):
            shown = linked(text)
            assert re.findall(r"\x1b]8;;(.*?)\x1b\\", shown) == [address, ""]
            assert re.sub(r"\x1b]8;;.*?\x1b\\", "", shown) == text
            assert untouched(shown)

    @pytest.mark.parametrize("text", ["javascript:alert(1)", "file:///etc/passwd", "ftp://code.example", "data:text/html,x"])
    def test_nothing_else_becomes_one(self, text):
        assert linked(text) == text

    @given(st.text(max_size=80))
    @settings(max_examples=60, deadline=None)
    def test_the_text_stays_what_it_was(self, text):
        assert re.sub(r"\x1b]8;;[^\x1b]*\x1b\\", "", linked(text)) == text or "\x1b" in text


# --- whole commands --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Path:
    """The demo's repository with a case and a place of its own for everything that is kept."""
    folder = tmp_path_factory.mktemp("screen") / "service"
    at = [sys.executable, "-m", "lockblame"]
    subprocess.run([*at, "demo", "--keep", str(folder)], check=True, capture_output=True)
    add = ("cases", "add", "--title", WIDE.strip(), "--date", "2024-03-02", "--symptom", "workers crawl", "--culprit", "kombu")
    subprocess.run([*at, *add, "--link", "https://code.example/1"], cwd=folder, check=True, capture_output=True)
    document = [*at, "cases", "list"]
    assert "kombu" in subprocess.run(document, cwd=folder, check=True, capture_output=True, text=True).stdout
    return folder


SIDES = ("deploy-2023-08-28", "deploy-2023-09-10")
COMMANDS = {
    "diff": ("diff", *SIDES),
    "why": ("diff", *SIDES, "--why", "kombu", "--offline"),
    "blame": ("blame", *SIDES, "--symptom", "workers crawl", "--evidence", "incident"),
    "check": ("check", *SIDES, "--evidence", "incident"),
    "rollback": (
        "rollback",
        f"{SIDES[0]}:uv.lock",
        f"{SIDES[1]}:uv.lock",
        "--package",
        "kombu",
        "--evidence",
        "incident",
    ),
    "history": ("history", "uv.lock"),
    "cases list": ("cases", "list"),
    "cases search": ("cases", "search", "workers crawl"),
    "cache": ("cache", "info"),
    "help": ("--help",),
}


def shown(folder: Path, *arguments: str, columns: int = 80, **environment: str) -> str:
    kept = {"LOCKBLAME_CACHE_DIR": str(folder / "kept"), **environment}
    code, text = run([sys.executable, "-m", "lockblame", *arguments], folder, columns, **kept)
    assert code in (0, 1), text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("name", COMMANDS)
class TestEachCommand:
    def test_a_terminal_gets_colour_links_and_rows_that_fit(self, service, name):
        text = shown(service, *COMMANDS[name], TERM="xterm-kitty")
        assert ("\x1b[" in text) == (name not in ("cache", "help"))
        assert "\x1b]8;;http" in text or "https://" not in text
        plain = re.sub(r"\x1b\[[0-9;]*m|\x1b]8;;.*?\x1b\\", "", text)
        # a word that can't be broken (an address, a path, a line of a file) may be longer than the page
        assert not [
            row for row in plain.splitlines() if cells(row) > 80 and len(max(row.split(), key=len)) < 60 and row[:1] not in "+-"
        ]
        assert Screen(text).state == Screen("").state

    def test_without_colour_or_without_anything(self, service, name):
        bare = shown(service, *COMMANDS[name], columns=40, NO_COLOR="1")
        assert "\x1b" not in bare
        if name == "diff":
            assert max(map(cells, bare.splitlines())) <= 40
            assert "\x1b" not in shown(service, *COMMANDS[name], TERM="dumb", FORCE_HYPERLINK="1")

    def test_a_pipe_gets_plain_text_of_its_own_width(self, service, name):
        given = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C",
            "COLUMNS": "40",
            "FORCE_HYPERLINK": "1",
            "LOCKBLAME_CACHE_DIR": str(service / "k"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "lockblame", *COMMANDS[name]],
            cwd=service,
            env=given,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 1)
        assert b"\x1b" not in done.stdout + done.stderr
        assert done.stderr == b""
        assert done.stdout.decode("utf-8")


def test_the_settings_of_the_terminal_count(service):
    narrow, wide = (shown(service, "diff", *SIDES, COLUMNS=columns, columns=80) for columns in ("60", "200"))
    assert max(cells(re.sub(r"\x1b\[\d+m", "", row)) for row in narrow.splitlines()) <= 60
    assert len(wide.splitlines()) < len(narrow.splitlines())


def test_an_encoding_without_arrows_gets_typed_ones(service):
    text = shown(service, *COMMANDS["blame"], PYTHONIOENCODING="ascii")
    assert "orders -> celery" in text
    assert "u2192" not in text
    assert text.isascii()


def test_links_are_for_terminals_that_are_known_to_have_them(service):
    asked = ("cases", "search", "workers crawl")
    with_issue = ("blame", *SIDES, "--symptom", "workers crawl", "--evidence", "incident")
    assert "\x1b]8" not in shown(service, *asked, TERM="xterm")
    assert "\x1b]8;;https://" in shown(service, *with_issue, TERM="xterm", FORCE_HYPERLINK="1")
    assert "\x1b]8" not in shown(service, *with_issue, TERM="xterm-kitty", FORCE_HYPERLINK="0")
    assert "\x1b]8" not in shown(service, *with_issue, "--format", "markdown", TERM="xterm-kitty")


def test_a_document_on_a_terminal_is_the_document(service):
    assert json.loads(shown(service, "diff", *SIDES, "--format", "json", TERM="xterm-kitty"))["schema"]
