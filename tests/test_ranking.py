from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.model import Change, Contents, ErrorMessage, Frame, Issue, Note, Pin, Release, Repository, Symptom
from lockblame.ranking import Candidate, Ranking, rank
from lockblame.ranking.features import total
from lockblame.symptom import analyze

OUT = datetime(2026, 3, 1, tzinfo=UTC)
SLOW = analyze("Since the deploy the workers take far fewer messages from the queue, `poll_interval` was not touched")


def change(
    name: str, old: str | None = "1.4.1", new: str | None = "1.4.2", *, step: str = "micro", direct: bool = False
) -> Change:
    return Change(
        name=name,
        before=Pin(name=name, version=old) if old else None,
        after=Pin(name=name, version=new) if new else None,
        kind="upgraded" if old and new else "added" if new else "removed",
        step=step,  # type: ignore[arg-type]
        direct=direct,
    )


def issue(number: int, title: str, body: str = "", *, days: float = 3, repository: str = "acme/carrot", **more: object) -> Issue:
    return Issue(repository=repository, number=number, title=title, body=body, created_at=OUT + timedelta(days=days), **more)  # type: ignore[arg-type]


def candidate(name: str = "carrot", *issues: Issue, **more: object) -> Candidate:
    new = more.pop("new", "1.4.2")
    old = more.pop("old", "1.4.1")
    more.setdefault("release", Release(name=name, version=str(new), uploaded=OUT))
    more.setdefault("repository", Repository(forge="github", host="github.com", path=f"acme/{name}"))
    return Candidate(change=change(name, str(old), str(new)), issues=issues, **more)  # type: ignore[arg-type]


def numbers(ranking: Ranking) -> list[int]:
    return [match.issue.number for match in ranking.issues]


def kinds(ranking: Ranking, number: int) -> set[str]:
    return {item.kind for match in ranking.issues if match.issue.number == number for item in match.evidence}


def details(ranking: Ranking, number: int) -> str:
    return "; ".join(item.detail for match in ranking.issues if match.issue.number == number for item in match.evidence)


TRUE = issue(
    7,
    "Worker fetches hardly any messages since 1.4.2",
    "After each message it waits for the whole `poll_interval`. 1.4.1 is fine.",
)
OTHER = issue(8, "Docs: the picture on the start page is missing", "It was there in 1.4.1.")
EARLY = issue(5, "Worker fetches hardly any messages", "From the queue, always.", days=-300)


# --- what comes first, and why ---------------------------------------------------------------------------------------


def test_the_report_of_the_symptom_comes_first_and_says_why():
    ranking = rank(SLOW, [candidate("carrot", EARLY, OTHER, TRUE), candidate("parsnip")])
    assert numbers(ranking)[0] == 7
    assert ranking.suspects[0].change.name == "carrot"
    assert ranking.conclusive
    told = details(ranking, 7)
    assert "opened 3 days after carrot 1.4.2 came out" in told
    assert "names carrot 1.4.2" in told
    assert "poll_interval" in told
    assert {"text", "identifiers", "concepts", "time", "versions"} <= kinds(ranking, 7)


def test_without_a_report_what_a_package_calls_itself_tells_most():
    lines = {"carrot": "Messaging library for Python", "parsnip": "A dead simple template engine", "turnip": "Queue of tasks"}
    candidates = [
        candidate(name, release=Release(name=name, version="1.4.2", uploaded=OUT, summary=line)) for name, line in lines.items()
    ]
    ranking = rank(analyze("our consumers hardly get any messages from the queue"), [candidate("leek"), *candidates])
    assert [suspect.change.name for suspect in ranking.suspects][:2] == ["carrot", "turnip"]
    (told, *_) = [one for one in ranking.suspects[0].evidence if one.kind == "summary"]
    assert told.detail == "calls itself “Messaging library for Python”: shares messages"
    last = [one.kind for one in ranking.suspects[-1].evidence]
    assert "summary" not in last


def test_a_report_that_names_none_of_the_packages_of_its_repository_counts_for_all_of_them():
    report = issue(7, "Uploads hang since the update", "The upload never returns.", repository="acme/garden")
    home = Repository(forge="github", host="github.com", path="acme/garden")
    ranking = rank(analyze("uploads hang"), [candidate(name, report, repository=home) for name in ("turnip", "beet", "leek")])
    assert [suspect.change.name for suspect in ranking.suspects] == ["beet", "leek", "turnip"]
    assert len({suspect.probability for suspect in ranking.suspects}) == 1
    assert all(suspect.matches[0].issue == report for suspect in ranking.suspects)
    assert [match.issue for match in ranking.issues] == [report]


def test_a_korean_symptom_finds_the_english_report():
    symptom = analyze("배포 이후 워커가 큐에서 메시지를 거의 안 가져가고 처리량이 급감했습니다.")
    ranking = rank(symptom, [candidate("carrot", EARLY, OTHER, TRUE), candidate("parsnip")])
    assert numbers(ranking)[0] == 7


def test_scores_are_the_sums_of_what_is_shown():
    ranking = rank(SLOW, [candidate("carrot", EARLY, OTHER, TRUE), candidate("parsnip")])
    for match in ranking.issues:
        assert match.score == total(match.evidence)
        assert math.isclose(match.score, math.fsum(item.weight for item in match.evidence), abs_tol=1e-3)
    for suspect in ranking.suspects:
        assert suspect.score == total(suspect.evidence)
    assert sum(suspect.probability for suspect in ranking.suspects) == pytest.approx(1, abs=0.001)


def test_the_order_of_the_input_changes_nothing():
    one = rank(SLOW, [candidate("carrot", EARLY, OTHER, TRUE), candidate("parsnip")])
    other = rank(SLOW, [candidate("parsnip"), candidate("carrot", TRUE, OTHER, EARLY)])
    assert numbers(one) == numbers(other)
    assert [(each.change.name, each.score, each.probability) for each in one.suspects] == [
        (each.change.name, each.score, each.probability) for each in other.suspects
    ]
    assert [match.evidence for match in one.issues] == [match.evidence for match in other.issues]


def test_without_anything_every_change_keeps_its_place():
    ranking = rank(SLOW, [candidate("carrot"), candidate("beet"), candidate("parsnip")])
    assert [suspect.change.name for suspect in ranking.suspects] == ["beet", "carrot", "parsnip"]
    assert not ranking.conclusive
    assert {suspect.probability for suspect in ranking.suspects} == {0.3333}
    assert "no report" in ranking.suspects[0].evidence[0].detail


def test_no_candidates():
    assert rank(SLOW, []) == Ranking()


def test_without_a_symptom_the_circumstances_decide():
    ranking = rank(None, [candidate("carrot", EARLY, TRUE), candidate("parsnip")])
    assert numbers(ranking)[0] == 7
    assert not ranking.conclusive
    assert not kinds(ranking, 7) & {"text", "concepts", "identifiers"}


def test_reports_of_something_else_are_not_conclusive():
    stranger = issue(9, "Typo in the licence", "A comma.", days=200)
    assert not rank(SLOW, [candidate("carrot", stranger)]).conclusive


# --- time ------------------------------------------------------------------------------------------------------------


def test_later_than_now_is_not_there():
    assert numbers(rank(SLOW, [candidate("carrot", TRUE, EARLY)], now=OUT)) == [5]


@pytest.mark.parametrize("moment", [OUT, OUT.replace(tzinfo=None)])
def test_moments_without_a_time_zone_are_utc(moment: datetime):
    naive = Issue(repository="acme/carrot", number=1, title="slow worker", created_at=datetime(2026, 3, 2))
    given = candidate("carrot", naive, release=Release(name="carrot", version="1.4.2", uploaded=moment))
    assert "opened 1 day after" in details(rank(SLOW, [given], now=datetime(2027, 1, 1)), 1)


def test_closer_to_the_release_is_stronger():
    near, far = issue(1, TRUE.title, TRUE.body, days=2), issue(2, TRUE.title, TRUE.body, days=400)
    assert numbers(rank(SLOW, [candidate("carrot", far, near)])) == [1, 2]


def test_an_unknown_day_is_neither_early_nor_fresh():
    dated, undated = (
        issue(1, TRUE.title, TRUE.body, days=2),
        Issue(repository="acme/carrot", number=2, title=TRUE.title, body=TRUE.body),
    )
    before = issue(3, TRUE.title, TRUE.body, days=-90)
    assert numbers(rank(SLOW, [candidate("carrot", undated, dated, before)])) == [1, 2, 3]


def test_a_yanked_version_is_suspicious():
    yanked = Release(name="carrot", version="1.4.2", uploaded=OUT, yanked=True, yanked_reason="loses messages")
    ranking = rank(SLOW, [candidate("beet"), candidate("carrot", release=yanked)])
    assert ranking.suspects[0].change.name == "carrot"
    assert "carrot 1.4.2 was yanked: loses messages" in [item.detail for item in ranking.suspects[0].evidence]


@pytest.mark.parametrize(("status", "weighs"), [("quarantined", True), ("archived", False), ("deprecated", False)])
def test_what_the_index_says_of_the_project_is_told(status: str, weighs: bool):
    known = Release(name="carrot", version="1.4.2", uploaded=OUT, status=status, status_reason="see the notes")
    suspect = next(one for one in rank(SLOW, [candidate("carrot", release=known)]).suspects)
    (told,) = [item for item in suspect.evidence if item.kind == "status"]
    assert (status in told.detail, "(see the notes)" in told.detail, told.weight > 0) == (True, True, weighs)


@pytest.mark.parametrize(
    ("before", "after", "lost"), [(True, False, True), (True, None, False), (None, False, False), (False, False, False)]
)
def test_a_lost_attestation_is_told(before: bool | None, after: bool | None, lost: bool):
    old, new = (Release(name="carrot", version=version, attested=told) for version, told in (("1.4.1", before), ("1.4.2", after)))
    (suspect,) = rank(SLOW, [candidate("carrot", release=new, earlier=old)]).suspects
    assert [item.kind for item in suspect.evidence if item.kind == "attestation"] == (["attestation"] if lost else [])


def test_closed_before_a_later_release():
    closed = issue(1, TRUE.title, TRUE.body, closed_at=OUT + timedelta(days=5))
    later = (Release(name="carrot", version="1.4.3", uploaded=OUT + timedelta(days=9)),)
    assert "closed shortly before carrot 1.4.3 came out" in details(rank(SLOW, [candidate("carrot", closed, later=later)]), 1)


# --- versions and kinds of reports -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("slow with 1.4.2", "names carrot 1.4.2"),
        ("slow, carrot==1.4.2", "names carrot 1.4.2"),
        ("slow since v1.4.2, 1.4.1 was fine", "names 1.4.1 too"),
        ("slow with carrot 1.9.0", "speaks of a later version, 1.9.0"),
        ("slow with carrot 1.1.0", "speaks of an earlier version only, 1.1.0"),
    ],
)
def test_versions_are_told_apart(text: str, sentence: str):
    assert sentence in details(rank(SLOW, [candidate("carrot", issue(1, "Worker is slow", text))]), 1)


@pytest.mark.parametrize(
    "text", ["Python 3.12.1, slow", "beet==1.4.2.1 slow", "at 127.0.0.1 it is slow", "ran on 2026-03-02", "macOS 14.2"]
)
def test_other_versions_are_none_of_its_own(text: str):
    assert "versions" not in kinds(rank(SLOW, [candidate("carrot", issue(1, "Worker is slow", text))]), 1)


def test_a_series_entered_by_the_step():
    given = candidate("carrot", issue(1, "Worker is slow", "Ever since 2.0 it hardly fetches"), old="1.4.1", new="2.0.3")
    assert "names carrot 2.0, which the step took in" in details(rank(SLOW, [given]), 1)


def test_calendar_versions_with_leading_zeros():
    given = candidate("carrot", issue(1, "Worker is slow since 2023.09.2"), old="2023.6.0", new="2023.9.2")
    assert "its title names carrot 2023.09.2" in details(rank(SLOW, [given]), 1)


def test_pull_requests_and_wishes_stand_behind_reports():
    pull = issue(1, TRUE.title, TRUE.body, pull_request=True)
    wish = issue(2, TRUE.title, TRUE.body, labels=("enhancement",))
    assert numbers(rank(SLOW, [candidate("carrot", pull, wish, TRUE)]))[0] == 7


def test_a_regression_is_said_to_be_one():
    told = issue(1, TRUE.title, TRUE.body, labels=("bug", "potential-regression"))
    assert "is called a regression" in details(rank(SLOW, [candidate("carrot", told)]), 1)


# --- errors and tracebacks -------------------------------------------------------------------------------------------

CRASH = analyze(
    """\
Traceback (most recent call last):
  File "/srv/app/tasks.py", line 3, in run
    crop(picture)
  File "/venv/lib/python3.12/site-packages/PIL/Image.py", line 500, in crop
    raise UnidentifiedCropError(box)
PIL.UnidentifiedCropError: cannot crop to the box (0, 0, 17) of 'cat.png'
"""
)


def test_the_package_that_raises_is_suspect_under_its_import_name():
    ranking = rank(CRASH, [candidate("beet"), candidate("pillow"), candidate("zebra")])
    first = ranking.suspects[0]
    assert first.change.name == "pillow"
    assert any("PIL.Image" in item.detail for item in first.evidence if item.kind == "traceback")


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("python-dateutil", "dateutil.parser"),
        ("pyyaml", "yaml.loader"),
        ("scikit-learn", "sklearn.base"),
        ("channels-redis", "channels_redis.core"),
        ("google-auth", "google.auth.credentials"),
        ("py-turnip", "turnip.root"),
        ("turnip-python", "turnip.root"),
        ("turnip2", "turnip.root"),
        ("djangorestframework", "rest_framework.views"),
        ("protobuf", "google.protobuf.message"),
    ],
)
def test_modules_lead_to_distributions(name: str, module: str):
    symptom = Symptom(text="x", form="log", frames=(Frame(file="f.py", module=module, function="run"),))
    assert rank(symptom, [candidate("beet"), candidate(name)]).suspects[0].change.name == name


def test_what_a_package_extends_is_not_its_own():
    symptom = Symptom(text="x", form="log", frames=(Frame(file="f.py", module="carrot.root", function="run"),))
    ranking = rank(symptom, [candidate("carrot-cake"), candidate("carrot")])
    assert ranking.suspects[0].change.name == "carrot"
    assert not any(item.kind == "traceback" for item in ranking.suspects[1].evidence)


def test_the_artifacts_know_their_modules():
    symptom = Symptom(text="x", form="log", frames=(Frame(file="f.py", module="zz9.root", function="run"),))
    given = candidate("turnip", contents=Contents(modules=("zz9.root", "zz9.leaf")))
    assert rank(symptom, [candidate("beet"), given]).suspects[0].change.name == "turnip"


def test_loggers_lead_to_distributions():
    symptom = analyze("2026-03-02 10:00:00 ERROR carrot.transport failed\n2026-03-02 10:00:01 ERROR shop.web 500")
    assert "its logger speaks in the log: carrot.transport" in [
        item.detail for item in rank(symptom, [candidate("beet"), candidate("carrot")]).suspects[0].evidence
    ]


def test_the_same_error_message_with_other_values():
    same = issue(1, "Crop fails", "UnidentifiedCropError: cannot crop to the box (5, 5, 99) of 'dog.jpg'")
    other = issue(2, "Crop fails", "KeyError: 'exif'")
    ranking = rank(CRASH, [candidate("pillow", other, same)])
    assert numbers(ranking) == [1, 2]
    assert "same error message" in details(ranking, 1)
    assert "same error: PIL.UnidentifiedCropError" in details(ranking, 1)


def test_errors_without_a_message():
    symptom = Symptom(text="KeyError", words=("keyerror",), errors=(ErrorMessage(type="KeyError"),))
    assert "same error: KeyError" in details(rank(symptom, [candidate("carrot", issue(1, "KeyError at start"))]), 1)


# --- the change itself -----------------------------------------------------------------------------------------------


def test_notes_that_speak_of_the_same():
    notes = (
        Note(
            name="carrot",
            version="1.4.2",
            text="# 1.4.2\n- Faster start\n- Wait for messages of a queue as long as the worker may\n",
        ),
    )
    ranking = rank(SLOW, [candidate("beet"), candidate("carrot", notes=notes)])
    assert ranking.suspects[0].change.name == "carrot"
    assert any("the notes on carrot 1.4.2 say: Wait for messages" in item.detail for item in ranking.suspects[0].evidence)


def test_notes_that_name_the_report():
    later = (Note(name="carrot", version="1.4.3", text="Fixed: fetching (#7)", url="https://forge.example/notes"),)
    mine = (Note(name="carrot", version="1.4.2", text="Fixed: fetching (#7)"),)
    plain = rank(SLOW, [candidate("carrot", TRUE)]).issues[0].score
    mended = rank(SLOW, [candidate("carrot", TRUE, notes=later)]).issues[0]
    assert mended.score > plain > rank(SLOW, [candidate("carrot", TRUE, notes=mine)]).issues[0].score
    assert "https://forge.example/notes" in {item.url for item in mended.evidence}


def own_details(symptom: Symptom, contents: Contents) -> list[str]:
    return [
        item.detail
        for item in rank(symptom, [candidate("carrot", contents=contents)]).suspects[0].evidence
        if item.kind == "contents"
    ]


def test_code_of_the_traceback_that_changed():
    module = Contents(modules=("PIL.Image",))
    assert own_details(CRASH, module)[0] == "carrot changed PIL.Image, which is in the traceback"
    function = Contents(modules=("PIL.Image",), functions=("PIL.Image.Image.crop",))
    assert own_details(CRASH, function)[0] == "carrot changed PIL.Image.crop, which is in the traceback"
    assert own_details(CRASH, Contents(modules=("PIL.Fonts",))) == []


def test_an_error_message_that_is_new():
    fresh = Contents(texts_added=("cannot crop to the box %s of %r",))
    assert "carrot 1.4.2 brought the message" in own_details(CRASH, fresh)[0]
    assert own_details(CRASH, Contents(texts_added=("cannot open",))) == []


def test_names_of_the_symptom_that_changed():
    assert (
        "carrot changed carrot.worker.poll_interval" in own_details(SLOW, Contents(defaults=("carrot.worker.poll_interval",)))[0]
    )
    assert "carrot changed code about" in own_details(SLOW, Contents(functions=("carrot.queue.take_messages",)))[0]


def test_a_version_without_other_code_is_less_suspicious():
    ranking = rank(SLOW, [candidate("beet", contents=Contents()), candidate("carrot")])
    assert [suspect.change.name for suspect in ranking.suspects] == ["carrot", "beet"]
    assert "no code of beet differs between the two versions" in [item.detail for item in ranking.suspects[1].evidence]


def test_a_change_of_everything_speaks_of_nothing():
    few = Contents(functions=("carrot.queue.take_messages",))
    many = Contents(
        functions=("carrot.queue.take_messages", *(f"carrot.word{chr(97 + n // 26)}{chr(97 + n % 26)}x" for n in range(600)))
    )
    one, other = (rank(SLOW, [candidate("carrot", contents=contents)]).suspects[0].score for contents in (few, many))
    assert one > other


# --- several packages, several forks, own scorers --------------------------------------------------------------------


def test_an_issue_of_a_shared_repository_comes_once():
    both = [candidate("carrot", TRUE, OTHER), candidate("carrot-core", TRUE, OTHER, repository=None)]
    ranking = rank(SLOW, both)
    assert sorted(numbers(ranking)) == [7, 8]
    assert {match.package for match in ranking.issues} == {"carrot"}


def test_an_issue_given_twice_comes_once():
    assert numbers(rank(SLOW, [candidate("carrot", TRUE, TRUE)])) == [7]


def test_forks_of_a_package_are_suspects_of_their_own():
    forks = [candidate("carrot", TRUE), candidate("carrot", TRUE, new="1.5.0")]
    ranking = rank(SLOW, forks)
    assert len(ranking.suspects) == 2
    assert ranking.suspects[0].change.new == "1.4.2"
    assert numbers(ranking) == [7]


def test_a_scorer_is_one_more_evidence():
    ranking = rank(SLOW, [candidate("carrot", EARLY, OTHER)], scorer=lambda symptom, text: 0.75 if "picture" in text else 0.1)
    assert "your scorer gives 0.75" in details(ranking, 8)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_scorer_that_fails_to_count_is_not_heard(value: float):
    ranking = rank(SLOW, [candidate("carrot", TRUE)], scorer=lambda symptom, text: value)
    assert "scorer" not in kinds(ranking, 7)


# --- bad input -------------------------------------------------------------------------------------------------------


def test_boilerplate_says_nothing():
    filled = """\
<!-- please search first: queue worker messages poll_interval -->
### Describe the bug
- [x] I have a worker and a queue
"""
    pins = "\n".join(f"worker-{number}==1.{number}" for number in range(30)) + "\ncarrot==1.4.2"
    ranking = rank(SLOW, [candidate("carrot", issue(1, "Broken", filled + pins))])
    assert not kinds(ranking, 1) & {"identifiers", "concepts"}
    assert "names carrot 1.4.2" in details(ranking, 1), "the versions of an environment are read all the same"


@pytest.mark.parametrize("text", ["slow", "the of and", "很慢", "🙂🙂", "?"])
def test_hopeless_symptoms_rank_all_the_same(text: str):
    ranking = rank(analyze(text), [candidate("carrot", TRUE, OTHER), candidate("beet")])
    assert len(ranking.suspects) == 2
    assert len(ranking.issues) == 2


def test_huge_and_empty_reports():
    huge = issue(1, "Worker " * 5_000, "queue message worker " * 50_000)
    empty = issue(2, "", "")
    assert numbers(rank(SLOW, [candidate("carrot", huge, empty, TRUE)]))[0] == 7


@pytest.mark.parametrize("version", [None, "not-a-version", "1", "1!2.0", "2.0.post1", "0"])
def test_strange_versions(version: str | None):
    odd = Candidate(change=change("carrot", "1.0", version), issues=(TRUE,))
    assert numbers(rank(SLOW, [odd])) == [7]


def test_many_issues_are_narrowed_to_those_worth_a_look():
    crowd = [issue(number, f"Question {number}", "about nothing in particular", days=number % 700) for number in range(100, 1500)]
    ranking = rank(SLOW, [candidate("carrot", *crowd[:700], TRUE, *crowd[700:]), candidate("beet")])
    assert numbers(ranking)[0] == 7
    assert len(ranking.issues) < len(crowd)


HOSTILE = {
    "comments": "<!--",
    "boxes": "- [x] ",
    "pins": "a==1 ",
    "versions": "1.1.1.",
    "quotes": "'",
    "ticks": "`",
    "dots": "a.",
    "errors": "AError",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_hostile_reports_cost_no_more_than_others(piece: str):
    import time

    crowd = [issue(number, piece * 50, piece * 100_000) for number in range(15)]
    begun = time.process_time()
    rank(SLOW, [candidate("carrot", *crowd)])
    assert time.process_time() - begun < 3


@settings(max_examples=50, deadline=None)
@given(
    st.text(max_size=120),
    st.lists(st.tuples(st.text(max_size=60), st.text(max_size=200), st.integers(-4000, 4000)), max_size=5),
    st.sampled_from(["1.4.2", "2026.3", "0.1a1", None, "x"]),
)
def test_whatever_comes_the_sums_hold(text: str, reports: list[tuple[str, str, int]], version: str | None):
    crowd = tuple(issue(number, title, body, days=days) for number, (title, body, days) in enumerate(reports))
    given_ = Candidate(
        change=change("carrot", "1.0", version), release=Release(name="carrot", version="1", uploaded=OUT), issues=crowd
    )
    ranking = rank(analyze("x" + text), [given_, candidate("beet")])
    assert len(ranking.issues) == len(crowd)
    assert len(ranking.suspects) == 2
    for match in ranking.issues:
        assert match.score == total(match.evidence)
        assert all(math.isfinite(item.weight) and item.detail for item in match.evidence)
    assert [match.score for match in ranking.issues] == sorted((match.score for match in ranking.issues), reverse=True)
