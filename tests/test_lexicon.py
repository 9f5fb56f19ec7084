from __future__ import annotations

import json
import sys
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockblame import lexicon
from lockblame.fields import FieldError
from lockblame.lexicon import _pattern, _shipped, folded_words, jamo

WORDING = lexicon.default()


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("the consumer got sluggish", "slow"),
        ("throughput collapsed overnight", "throughput"),
        ("workers consume far fewer messages", "throughput"),
        ("it never returns", "hang"),
        ("memory keeps growing", "leak"),
        ("growing memory", "leak"),
        ("connections were reset by the peer", "connection_lost"),
        ("too many open files", "exhausted"),
        ("rows are counted twice", "duplicated"),
        ("the file is cut off", "truncated"),
        ("segmentation fault", "crash"),
        ("certificate verify failed", "tls"),
        ("off by nine hours, the time zone is lost", "timezone"),
        ("No module named x", "import"),
        ("the default changed", "default"),
    ],
)
def test_english_wording(text: str, concept: str):
    assert concept in WORDING.concepts(text)


@pytest.mark.parametrize(
    ("stem", "forms", "concept"),
    [
        ("느리", ["느려요", "느립니다", "느려졌습니다", "느린 편이에요", "느려서"], "slow"),
        ("멈추", ["멈춥니다", "멈춰요", "멈췄어요", "멈춘 상태", "멈추고"], "hang"),
        ("끊기", ["끊깁니다", "끊겨요", "끊겼어요", "끊긴 뒤"], "connection_lost"),
        ("잘리", ["잘려서", "잘립니다", "잘린 파일", "잘렸네요"], "truncated"),
        ("깨지", ["깨져요", "깨집니다", "깨진 글자", "깨졌습니다"], "garbled"),
        ("죽", ["죽습니다", "죽어요", "죽었어요", "죽는 현상"], "crash"),
    ],
)
def test_korean_wording_in_all_its_endings(stem: str, forms: list[str], concept: str):
    for form in forms:
        assert concept in WORDING.concepts(f"배포 이후 {form}"), form


@pytest.mark.parametrize("text", ["응답이 없습니다", "응답 없음", "응답은 없고", "응답도 없어요", "응답없음"])
def test_particles_and_blanks_are_free(text: str):
    assert "hang" in WORDING.concepts(text)


def test_words_of_a_phrase_must_stand_near_each_other():
    near = "memory usage of the worker keeps growing"
    far = "memory is fine. " + "Something else entirely happens here. " * 5 + "Only the number of rows is growing"
    assert "leak" in WORDING.concepts(near)
    lone = WORDING.extended({"pair": {"en": ["purple elephant"]}})
    assert "pair" in lone.concepts("an elephant, quite purple")
    assert "pair" not in lone.concepts("purple " + "and so on and on and on and on again " * 3 + "elephant")
    assert WORDING.concepts(far)


def test_a_verb_stem_is_a_prefix_of_its_contractions():
    for stem, form in [("느리", "느려"), ("추", "춰"), ("되", "돼"), ("하", "해"), ("오", "와"), ("내리", "내렸")]:
        assert jamo(form).startswith(jamo(stem)), (stem, form)


def test_syllables_are_not_cut():
    assert jamo("가") not in jamo("나가"[0])
    assert jamo("각").startswith(jamo("가"))
    assert jamo("abc") == "abc"


@pytest.mark.parametrize(
    ("text", "said", "not_said"),
    [
        ("메트릭이 안 들어와요", "metrics", "leak"),
        ("프로그램이 안 떠요", None, "logging"),
        ("컴파일이 안 됩니다", None, "file"),
        ("커넥션 릭이 있어요", "leak", None),
        ("로그파일이 커져요", "file", None),
        ("메시지큐에서", "queue", None),
    ],
)
def test_a_stem_within_another_word_says_nothing(text: str, said: str | None, not_said: str | None):
    found = WORDING.concepts(text)
    assert said is None or said in found
    assert not_said not in found


def test_nothing_is_translated_from_within_another_word():
    assert "large" not in WORDING.translated("토큰 발급이 느려요")
    assert "large" in WORDING.translated("큰 파일만 느려요")
    assert WORDING.translated("대부분 됩니다") == ("most",)


@given(
    st.lists(
        st.sampled_from(sorted({*chain.from_iterable(WORDING.glossary.values()), "발급", "토큰", "3.12", "API"})), max_size=8
    )
)
def test_a_plain_search_beforehand_hides_nothing(pieces: list[str]):
    """Slow and obviously right: every expression is tried on every text."""
    text = " ".join(["배포", *pieces])
    letters, within = jamo(text.lower()), WORDING._within(text.lower())
    for variants, english in WORDING._glosses:
        there = any(match.start() not in within for match in _pattern(variants).finditer(letters))
        assert (english in WORDING.translated(text)) == there


@pytest.mark.parametrize(
    "text",
    [
        "로그인이 열 번에 한 번꼴로 실패합니다",
        "10번에 1번 실패해요",
        "됐다 안 됐다 해요",
        "about one out of eight requests fails",
    ],
)
def test_what_fails_now_and_then(text: str):
    assert "intermittent" in WORDING.concepts(text)


def test_korean_words_have_english_ones():
    assert {"worker", "queue"} <= set(WORDING.translated("워커가 큐를 안 읽어요"))
    assert WORDING.translated("the worker") == ()


def test_every_entry_can_be_found():
    for concept in WORDING.entries.values():
        for phrase in concept.english:
            assert folded_words(phrase), f"{concept.name}: {phrase!r} has no word"
            assert concept.name in WORDING.concepts(phrase), f"{concept.name}: {phrase!r} is not found in itself"
        for stem in concept.korean:
            assert concept.name in WORDING.concepts(f"배포 {stem} "), f"{concept.name}: {stem!r} is not found in itself"
        for name in concept.near:
            assert name in WORDING.entries, f"{concept.name} is near {name}, which is no concept"


def test_nothing_in_it_names_a_package_or_a_number():
    """It is knowledge of the field: no version, no issue."""
    for concept in WORDING.entries.values():
        for phrase in concept.english:
            assert "#" not in phrase
            assert not any(part.count(".") >= 2 and part.replace(".", "").isdigit() for part in phrase.split())


def test_a_user_adds_wording():
    more = WORDING.extended({"slow": ["treacly", "굼벵이"], "ledger": ["general ledger", "원장"]})
    assert "slow" in more.concepts("it is so treacly")
    assert "slow" in more.concepts("굼벵이처럼 돌아요")
    assert "slow" in more.concepts("it is slow")
    assert "ledger" in more.concepts("원장이 비어 있어요")
    assert more.entries["ledger"].kind == "thing"
    assert "ledger" not in WORDING.entries


def test_a_user_adds_a_failure_of_his_own():
    more = WORDING.extended({"drift": {"kind": "failure", "en": ["model drift"], "near": ["wrong_result"]}})
    assert more.entries["drift"].kind == "failure"
    assert more.near("drift") == ("wrong_result",)
    assert more.near("nothing") == ()


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"slow": "sluggish"}, "lexicon.slow"),
        ({"slow": [1]}, "lexicon.slow[0]"),
        ({"slow": {"en": "sluggish"}}, "lexicon.slow.en"),
        ({"ledger": {"kind": "place", "en": ["ledger"]}}, "lexicon.ledger.kind"),
        ({"ledger": 3}, "lexicon.ledger"),
    ],
)
def test_wrong_wording_says_where(table: dict[str, object], place: str):
    with pytest.raises(FieldError) as caught:
        WORDING.extended(table)
    assert caught.value.place == place


def test_other_scripts_have_no_concepts():
    assert WORDING.concepts("работает медленно") == ()
    assert WORDING.concepts("动作很慢") == ()


def test_both_parsers_read_the_same_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = _shipped()
    monkeypatch.setitem(sys.modules, "rtoml", None)
    slow = _shipped()
    assert json.dumps(quick) == json.dumps(slow)
    assert len(slow["failure"]) > 20
