from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.errors import SymptomError
from lockblame.model import ErrorMessage
from lockblame.symptom import analyze
from lockblame.symptom.words import fold, stems

PLAIN = """\
Traceback (most recent call last):
  File "/srv/shop/orders.py", line 61, in place
    queue.send(order)
  File "/usr/lib/python3.12/site-packages/celery/app/base.py", line 790, in send_task
    amqp.send_task_message(P, name, message, **options)
  File "/usr/lib/python3.12/site-packages/kombu/transport/SQS.py", line 300, in _put
    c.send_message(**kwargs)
kombu.exceptions.OperationalError: queue 'orders' is gone
"""


def modules(text: str) -> list[str]:
    return [frame.module for frame in analyze(text).frames if frame.module]


# --- prose -----------------------------------------------------------------------------------------------------------


def test_prose_is_cut_into_words_concepts_and_identifiers():
    symptom = analyze("Since the deploy the workers hang; `wait_time_seconds` and --prefetch-multiplier are untouched.")
    assert symptom.form == "prose"
    assert {"worker", "hang", "untouch"} <= set(symptom.words)
    assert {"hang", "worker"} <= set(symptom.concepts)
    assert {"wait_time_seconds", "prefetch_multiplier"} <= set(symptom.identifiers)
    assert not symptom.frames


def test_words_come_once_and_without_what_every_report_has():
    words = analyze("the worker and the worker and the workers").words
    assert words == ("worker",)


@pytest.mark.parametrize(
    "family",
    [
        ("connection", "connections", "connected", "connecting", "connect"),
        ("drop", "drops", "dropped", "dropping"),
        ("query", "queries"),
        ("cache", "caches", "cached", "caching"),
        ("process", "processes", "processed", "processing"),
        ("duplicate", "duplicates", "duplicated", "duplication"),
    ],
)
def test_forms_of_a_word_are_one_word(family: tuple[str, ...]):
    assert len({fold(word) for word in family}) == 1


@pytest.mark.parametrize("word", ["redis", "status", "class", "string", "this", "bus"])
def test_what_only_looks_like_an_ending_stays(word: str):
    assert fold(word) in (word, word.removesuffix("e"))


@pytest.mark.parametrize("name", ["gRPC", "eBPF", "IdP"])
def test_a_name_that_begins_with_one_small_letter_stays_whole(name: str):
    assert name.lower() in analyze(f"{name} calls fail").words


def test_camel_case_gives_its_words_and_stays_an_identifier():
    symptom = analyze("It waits in BlockingConnectionPool for ever")
    assert {"block", "connect", "pool"} <= set(symptom.words)
    assert "blockingconnectionpool" in symptom.identifiers


def test_an_exception_named_in_prose_is_an_error():
    assert analyze("Some calls end in a redis.exceptions.TimeoutError since Monday").errors == (
        ErrorMessage(type="redis.exceptions.TimeoutError"),
    )


# --- Korean ----------------------------------------------------------------------------------------------------------


def test_a_korean_symptom_gets_the_concepts_and_the_english_words():
    symptom = analyze("배포 이후 워커가 큐에서 메시지를 거의 안 가져가고 처리량이 급감했습니다.")
    assert {"throughput", "worker", "queue", "message"} <= set(symptom.concepts)
    assert {"worker", "queu", "messag", "throughput"} <= set(symptom.words)


def test_latin_words_come_free_of_their_korean_endings():
    words = analyze("PNG로 저장하면 API가 GIF를 못 읽어요").words
    assert {"png", "api", "gif"} <= set(words)


# --- logs and tracebacks ---------------------------------------------------------------------------------------------


def test_a_traceback_gives_frames_modules_and_the_error():
    symptom = analyze(PLAIN)
    assert symptom.form == "log"
    assert modules(PLAIN) == ["celery.app.base", "kombu.transport.SQS"]
    assert symptom.frames[0].module is None
    assert symptom.frames[-1].function == "_put"
    assert symptom.frames[-1].line == 300
    assert symptom.errors == (ErrorMessage(type="kombu.exceptions.OperationalError", message="queue 'orders' is gone"),)


def test_chained_tracebacks_give_every_error():
    text = (
        PLAIN
        + "\nDuring handling of the above exception, another exception occurred:\n\n"
        + PLAIN.replace("kombu.exceptions.OperationalError: queue 'orders' is gone", "billing.LedgerLocked: account 17")
    )
    assert [error.type for error in analyze(text).errors] == ["kombu.exceptions.OperationalError", "billing.LedgerLocked"]


def test_a_group_gives_the_errors_of_its_members():
    text = """\
  + Exception Group Traceback (most recent call last):
  |   File "/opt/venv/lib/python3.12/site-packages/anyio/_backends/_asyncio.py", line 767, in __aexit__
  |     raise BaseExceptionGroup("unhandled errors", self._exceptions)
  | ExceptionGroup: unhandled errors (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/opt/venv/lib/python3.12/site-packages/starlette/routing.py", line 73, in app
    |     response = await f(request)
    | KeyError: 'session'
    +------------------------------------
"""
    symptom = analyze(text)
    assert modules(text) == ["anyio._backends._asyncio", "starlette.routing"]
    assert [error.type for error in symptom.errors] == ["ExceptionGroup", "KeyError"]


@pytest.mark.parametrize("prefix", ["worker_1  | ", "web-7f9c-xk2  | ", "worker-1 | "])
def test_container_prefixes_are_no_part_of_the_log(prefix: str):
    text = "\n".join(prefix + line for line in PLAIN.splitlines())
    assert modules(text) == modules(PLAIN)
    assert analyze(text).errors == analyze(PLAIN).errors


def test_timestamps_before_each_line_of_a_traceback_do_no_harm():
    text = "\n".join(f"2026-03-01T10:00:0{number}Z {line}" for number, line in enumerate(PLAIN.splitlines()))
    assert modules(text) == modules(PLAIN)


def test_json_records_are_unpacked():
    record = {"level": "error", "logger": "shop.orders", "message": "order failed", "exc_info": PLAIN, "extra": {"rid": "a1"}}
    symptom = analyze(json.dumps(record) + "\n" + json.dumps({"level": "info", "logger": "shop.web", "message": "GET /"}))
    assert [frame.module for frame in symptom.frames if frame.module] == ["celery.app.base", "kombu.transport.SQS"]
    assert symptom.errors[0].type == "kombu.exceptions.OperationalError"
    assert "shop.orders" in symptom.loggers


def test_an_escaped_traceback_in_one_line_is_unfolded():
    text = "2026-03-01 10:00:00 ERROR web " + PLAIN.replace("\n", "\\n").replace('"', '\\"')
    assert modules(text) == modules(PLAIN)


def test_an_error_within_a_log_line():
    text = (
        "[2026-03-01 10:00:00,233: ERROR/ForkPoolWorker-3] Task mail.pull[c0a1] raised unexpected: "
        "TypeError('expected str, got bytes')\n[2026-03-01 10:00:01,000: INFO/MainProcess] Task received"
    )
    assert analyze(text).errors == (ErrorMessage(type="TypeError", message="expected str, got bytes"),)


def test_stack_dumps_of_profilers():
    text = 'Thread 41 (idle): "MainThread"\n    acquire (gevent/thread.py:132)\n    urlopen (urllib3/connectionpool.py:701)\n'
    assert modules(text) == ["urllib3.connectionpool", "gevent.thread"], "the innermost comes last, as in tracebacks"
    assert "urlopen" in analyze(text).identifiers


def test_profiles_name_modules():
    assert modules("   716   31.684  0.044  cryptography/hazmat/backends/openssl/backend.py:1250(_load_key)") == [
        "cryptography.hazmat.backends.openssl.backend"
    ]


def test_a_crash_in_an_extension_module():
    symptom = analyze(
        "python[2231]: segfault at 18 ip 00007f2c error 4 in _message.abi3.so\nFatal Python error: Segmentation fault"
    )
    assert "crash" in symptom.concepts
    assert [frame.module for frame in symptom.frames] == ["_message"]


def test_import_errors_show_where_the_name_was_missed():
    text = "ImportError: cannot import name 'app' from 'celery' (/opt/lib/python3.9/site-packages/celery/__init__.py)"
    assert modules(text) == ["celery"]


def test_loggers_stand_before_or_after_the_level():
    text = (
        "2026-03-01 10:00:00,100 ERROR kafka.coordinator heartbeat failed\n"
        "2026-03-01 10:00:01,100 billing.run - WARNING - slow\n"
        "2026-03-01 10:00:02,100 INFO  uvicorn.error - started"
    )
    assert analyze(text).loggers == ("kafka.coordinator", "billing.run", "uvicorn.error")


def test_windows_paths():
    assert modules(r'  File "C:\app\.venv\Lib\site-packages\PIL\Image.py", line 10, in open') == ["PIL.Image"]


def test_the_paths_of_frames_are_no_words():
    assert not {"usr", "lib", "site", "packages"} & set(analyze(PLAIN).words)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   \n\t ", "\x00\x1b[31m\x1b[0m", "\u200b\ufeff"])
def test_nothing_at_all_is_an_error(text: str):
    with pytest.raises(SymptomError):
        analyze(text)


@pytest.mark.parametrize("text", ["slow", "the and of", "!!!", "很慢", "медленно работает", "動作が遅い", "🙂", "0"])
def test_hopeless_symptoms_are_taken_as_they_are(text: str):
    assert analyze(text).text == text


def test_terminal_escapes_and_markup_are_taken_off():
    symptom = analyze("\x1b[31mworker\x1b[0m <b>hangs</b> \x1b]0;title\x07 for ever")
    assert symptom.words == ("worker", "hang", "ever") or set(symptom.words) == {"worker", "hang"}


def test_a_long_log_keeps_its_error_lines():
    noise = "\n".join(f"2026-03-01 10:00:00 INFO web.access GET /{number} 200" for number in range(30_000))
    symptom = analyze(noise + "\n" + PLAIN)
    assert symptom.errors[0].type == "kombu.exceptions.OperationalError"
    assert "order" in symptom.words


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_analyzed_or_refused(text: str):
    try:
        symptom = analyze(text)
    except SymptomError:
        return
    assert len(set(symptom.words)) == len(symptom.words)
    assert analyze(text) == symptom


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(['File "', '", line ', "Error: ", "{", '"a":', "\n", "| ", "+-", "site-packages/", ".py", "\x1b["]),
        max_size=60,
    )
)
def test_pieces_of_logs_in_any_order(pieces: list[str]):
    text = "x" + "".join(pieces)
    assert analyze(text).text == text


def test_stems_skip_single_letters_and_stop_words():
    assert stems("I saw a worker") == ["worker"]
