"""Solved incidents: files that come back as they were, found again by a symptom, shown above everything else."""

from __future__ import annotations

import datetime
import json
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame import casebook, lexicon
from lockblame.errors import ReadError
from lockblame.model import Case, Moment, Precedent
from lockblame.report import render
from lockblame.symptom import analyze
from tests import examples
from tests.test_cli import lockblame, project  # noqa: F401 (a fixture)

SLOW = Case(
    id="2024-03-02-workers-slow",
    title="Workers consume hardly any messages",
    date=datetime.date(2024, 3, 2),
    symptom="After the deploy the workers consume far fewer messages,\nthe queue keeps growing while they are idle.",
    culprit="kombu 5.3.1 → 5.3.2",
    workaround="put kombu back to 5.3.1",
    issue="https://code.example/issues/1783",
    timeline=(Moment(at="2024-03-02T10:00", event="deployed"),),
)
OTHER = replace(
    SLOW,
    id="b",
    title="Login page broken",
    symptom="users see a blank page after signing in",
    culprit="django 4 → 5",
    workaround="",
)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
cases = st.builds(
    Case,
    id=st.just("x"),
    title=words,
    date=st.dates(),
    symptom=words | st.just('a """ \\ b\nc\r\n\t"'),
    culprit=words,
    changes=st.lists(words, max_size=3).map(tuple),
    issue=st.none() | words.filter(bool),
    workaround=words,
    links=st.lists(words, max_size=2).map(tuple),
    timeline=st.lists(st.builds(Moment, at=words, event=words), max_size=2).map(tuple),
)


def resembling(text, *known, changes=()):
    words = lexicon.default()
    return [one.case.id for one in casebook.alike(analyze(text, lexicon=words), known, words, changes)]


class TestFile:
    @settings(max_examples=60, deadline=None)
    @given(cases)
    def test_a_case_comes_back_as_it_was(self, case):
        text = casebook.dump(case)
        tomllib.loads(text)
        assert casebook.parse(text, "folder/x.toml") == case

    def test_surrogates_are_replaced(self):
        assert casebook.parse(casebook.dump(replace(SLOW, title="a\ud800")), "a.toml").title == "a\ufffd"

    @pytest.mark.parametrize(
        "text",
        [
            "title = ",
            "title = 'a'\nsymptom = 's'",
            "title = 'a'\nsymptom = 's'\ndate = '2024-03-02'",
            "title = 1\nsymptom = 's'\ndate = 2024-03-02",
            "title = 'a'\nsymptom = 's'\ndate = 2024-03-02\nculprits = 'x'",
            "title = 'a'\nsymptom = 's'\ndate = 2024-03-02\n[[timeline]]\nat = 3\nevent = 'x'",
            "x = " + "[" * 5000,
        ],
    )
    def test_what_is_no_case_is_refused_with_its_place(self, text):
        with pytest.raises(ReadError, match=r"^a\.toml: "):
            casebook.parse(text, "a.toml")


class TestAlike:
    def test_the_one_that_says_the_same(self):
        assert resembling("workers are idle and consume few messages, the queue grows", SLOW, OTHER) == [SLOW.id]

    def test_in_another_language(self):
        said = "배포 뒤 워커가 메시지를 아주 적게 소비하고 큐가 계속 쌓입니다"
        assert resembling(said, SLOW, OTHER, changes=(examples.change(),)) == [SLOW.id]

    @pytest.mark.parametrize("said", ["workers idle, the queue keeps growing", "배포하고 나서 워커가 놀고 메시지가 쌓여요"])
    def test_one_that_was_told_in_korean(self, said):
        told = "어제 배포 이후로 워커가 일을 거의 안 하고 놀고 있으며, 큐에 메시지가 계속 쌓이고 있습니다."
        korean = replace(SLOW, title="워커가 일을 안 함", symptom=told, workaround="kombu 되돌림")
        assert resembling(said, korean, OTHER, changes=(examples.change(),)) == [SLOW.id]
        words = lexicon.default()
        found = casebook.searched(said, analyze(said, lexicon=words), (OTHER, korean), words)
        assert [one.case.id for one in found][:1] == [SLOW.id]

    @pytest.mark.parametrize("said", ["timeouts", "the worker waits"])
    def test_the_very_same_words(self, said):
        known = replace(SLOW, symptom=said)
        assert resembling(said, known, OTHER, changes=(examples.change(),)) == [SLOW.id]

    def test_a_search_shows_the_most_alike(self):
        many = tuple(replace(SLOW, id=f"{number:02}") for number in range(40))
        words = lexicon.default()
        found = casebook.searched("idle workers that pile up", analyze("idle workers that pile up", lexicon=words), many, words)
        assert len(found) == casebook.MOST_FOUND
        # who asks for a word gets all that hold it
        assert len(casebook.searched("kombu", analyze("kombu", lexicon=words), many, words)) == len(many)

    @pytest.mark.parametrize("text", ["certificate verification fails in the mail gateway", "the report has wrong totals"])
    def test_nothing_where_nothing_fits(self, text):
        assert resembling(text, SLOW, OTHER) == []

    @pytest.mark.parametrize(
        ("old", "new", "worth"),
        [
            ("5.3.1", "5.3.2", casebook.SAME_STEP),
            ("5.3.0", "5.4.0", casebook.SAME_STEP),
            (None, "5.3.2", casebook.SAME_STEP),
            ("5.3.2", "5.3.3", casebook.SAME_CULPRIT),
            ("5.3.2", "5.3.1", casebook.SAME_CULPRIT),
            ("5.3.1", None, casebook.SAME_CULPRIT),
        ],
    )
    def test_the_same_culprit_counts_and_more_so_the_same_release(self, old, new, worth):
        text = "workers idle, queue grows"
        words = lexicon.default()
        plain, more = (
            casebook.alike(analyze(text, lexicon=words), (SLOW,), words, changes, least=0.0)[0].score
            for changes in ((), (examples.change("kombu", old, new),))
        )
        assert more == pytest.approx(plain + worth)

    def test_one_of_several_culprits(self):
        both = replace(SLOW, culprit="vine 5.0.0 → 5.1.0, kombu 5.3.1 -> 5.3.2")
        words = lexicon.default()
        (one,) = casebook.alike(analyze("workers idle, queue grows", lexicon=words), (both,), words, (examples.change(),))
        assert "kombu 5.3.2" in one.evidence[-1].detail

    @settings(deadline=None)
    @given(st.text(max_size=200) | st.just("kombu" + " " * 50_000 + "→"))
    def test_any_culprit(self, culprit):
        words = lexicon.default()
        casebook.alike(analyze("idle", lexicon=words), (replace(SLOW, culprit=culprit),), words, (examples.change(),))


class TestShown:
    @pytest.mark.parametrize("style", ["text", "markdown"])
    def test_above_everything_else(self, style):
        found = replace(examples.report(), cases=(Precedent(case=SLOW, score=4.0),))
        assert "This looks like the incident of 2024-03-02" in render(found, style).splitlines()[0].replace("\\", "")

    @given(st.text(max_size=60))
    def test_hostile_text_stays_in_its_line(self, text):
        nasty = Precedent(case=replace(SLOW, title=text, culprit=text, workaround="x" + text, issue=text), score=1.0)
        plain = Precedent(case=replace(SLOW, title="a", culprit="b", issue=None), score=1.0)
        shown, usual = (render(replace(examples.report(), cases=(one,)), "markdown") for one in (nasty, plain))
        assert shown.count("\n") == usual.count("\n")


class TestCommand:
    def test_from_a_report_to_the_next_incident(self, project):  # noqa: F811
        symptom = "the worker waits although the queue is full"
        blame = ("blame", "v1..v2", "--offline", "--issues", "issues.jsonl", "--symptom")
        run = lockblame(*blame, symptom, "--format", "json", folder=project)
        (project / "report.json").write_text(run.stdout)
        told = ("--title", "Queue full", "--date", "2024-03-02", "--report", "report.json", "--workaround", "kombu back")
        added = lockblame("cases", "add", *told, "--event", "10:00=deployed", folder=project)
        assert (added.returncode, added.stdout.strip()) == (0, ".lockblame/cases/2024-03-02-queue-full.toml")
        held = tomllib.loads((project / added.stdout.strip()).read_text(encoding="utf-8"))
        assert held["culprit"] == "kombu 5.3.1 → 5.3.2"
        assert held["issue"].endswith("/1783")
        assert len(held["changes"]) == len(set(held["changes"]))
        again = lockblame(*blame, "worker waits, queue is full", "--format", "json", folder=project)
        assert json.loads(again.stdout)["cases"][0]["id"] == "2024-03-02-queue-full"
        assert "Queue full" in lockblame("cases", "list", folder=project).stdout
        assert "kombu back" in lockblame("cases", "show", "2024-03-02-queue-full", folder=project).stdout
        assert "2024-03-02" in lockblame("cases", "search", "the worker waits, the queue is full", folder=project).stdout
        assert "kombu back" in lockblame("cases", "show", "2024-03-02", folder=project).stdout
        # whoever asks for the package that was to blame is answered, for another that was deployed with it not
        assert "2024-03-02" in lockblame("cases", "search", "Kombu", folder=project).stdout
        assert "No case" in lockblame("cases", "search", "kombu certifi", folder=project).stdout
        assert lockblame("cases", "add", *told, folder=project).returncode == 3
        lockblame("cases", "add", *told, "--title", "Queue full again", folder=project)
        several = lockblame("cases", "show", "2024-03-02", folder=project)
        assert (several.returncode, "queue-full-again" in several.stderr) == (3, True)
        assert "kombu back" in lockblame("cases", "show", "2024-03-02-queue-full", folder=project).stdout

    def test_bad_input(self, project):  # noqa: F811
        assert "no cases yet" in lockblame("cases", "list", folder=project).stdout
        assert lockblame("cases", "show", "nothing", folder=project).returncode == 3
        assert lockblame("cases", "add", "--title", "x", folder=project).returncode == 3
        for event in ("deployed", "=deployed", "10:00="):
            assert lockblame("cases", "add", "--title", "x", "--symptom", "y", "--event", event, folder=project).returncode == 3
        (project / "bad.json").write_text('{"schema": 2}')
        assert lockblame("cases", "add", "--title", "x", "--report", "bad.json", folder=project).returncode == 3
        (project / ".lockblame/cases").mkdir(parents=True)
        (project / ".lockblame/cases/broken.toml").write_text("x")
        assert "broken.toml: is no TOML" in lockblame("cases", "search", "slow", folder=project).stderr
        run = lockblame("blame", "v1..v2", "--offline", "--symptom", "slow", "--format", "json", folder=project)
        assert [gap["subject"] for gap in json.loads(run.stdout)["gaps"] if gap["reason"] == "unreadable-case"] == ["broken.toml"]
