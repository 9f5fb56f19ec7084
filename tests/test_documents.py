"""Reports cut up for comparison: token by token, and only as far as the symptom goes, is the same as whole and all."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from lockblame.model import ErrorMessage, Issue, Symptom
from lockblame.ranking.documents import document
from lockblame.ranking.sought import runs_of, sought
from lockblame.symptom.identifiers import identifiers
from lockblame.symptom.tracebacks import exception_names
from lockblame.symptom.words import LONGEST, WORD, WORD_OR_NUMBER, _names_apart, parts, parts_and_numbers, words

NAMES = ["wait_time_seconds", "kombu.transport.SQS", "--dry-run", "`get()`", "HF_HUB_OFFLINE", "upbMessage", "_private_one"]
ERRORS = ["KeyError", "redis.exceptions.ConnectionError", "TimeoutError: read", "NotAnerror"]
PLAIN = ["the", "workers", "don't", "wait", "SQS워커", "느려요", "2.0", "x" * 70, "Ａ", "²nd", "HTTPServer's", "…", "connections"]
TOKENS = st.sampled_from([*NAMES, *ERRORS, *PLAIN]) | st.text(max_size=12)
TEXTS = st.lists(st.tuples(TOKENS, st.sampled_from([" ", "\n", "\t", "\u00a0", ", ", ": "])), max_size=25).map(
    lambda pairs: "".join(f"{token}{gap}" for token, gap in pairs)
)


@given(TEXTS)
@example("A\u03a3 \u03a3")
@example("\x1c\x85a'b \u2028c")
def test_words_cut_token_by_token_are_those_of_the_whole_text(text: str) -> None:
    apart = _names_apart(text).lower()
    assert list(words(text)) == [word for word in WORD.findall(text.lower()) if len(word) <= LONGEST]
    assert list(parts(text)) == [word for word in WORD.findall(apart) if len(word) <= LONGEST]
    assert list(parts_and_numbers(text)) == [word for word in WORD_OR_NUMBER.findall(apart) if len(word) <= LONGEST]


@given(TEXTS, TEXTS, st.lists(st.sampled_from([*NAMES, *ERRORS]), max_size=4))
def test_what_a_report_shares_with_the_symptom_is_found_as_if_all_of_it_were_looked_for(title, body, said) -> None:
    symptom = Symptom(
        text=f"{' '.join(said)} {body[: len(body) // 2]}",
        identifiers=tuple(identifiers(" ".join(said))),
        errors=tuple(ErrorMessage(type=name, message=body[:40]) for name in exception_names(" ".join(said))),
    )
    wanted = sought(symptom)
    found = document(Issue(repository="acme/desk", number=1, title=title, body=body), wanted)
    title, text = title[:500].replace("\r", "").replace("\x00", ""), found.text
    assert found.title_names == wanted.names & set(identifiers(title))
    assert found.names == wanted.names & {*identifiers(title), *identifiers(text)}
    named = {name.rsplit(".", 1)[-1].lower() for name in exception_names(f"{title}\n{text}")}
    assert found.errors == set(wanted.errors) & named
    assert found.runs == wanted.runs & {*runs_of(parts(title)), *runs_of(parts(text))}
    assert set(symptom.identifiers) <= wanted.names
