"""Time stays linear, whatever the text: each pattern is made long in one line and in many different ones."""

from __future__ import annotations

import contextlib
import time

import pytest

from lockblame.errors import SymptomError
from lockblame.symptom import analyze

PIECES = {
    "dots": "a.",
    "capitals": "aB",
    "underscores": "_a",
    "errors": "a.AError",
    "quotes": '"',
    "frames": 'File "',
    "paths": "a.py",
    "slashes": "a/",
    "calls": "a (",
    "levels": "ERROR a.",
    "records": '{"',
    "options": "--a-",
    "ticks": "`",
    "tags": "<a ",
    "pipes": "a| ",
    "stamps": "20",
    "escapes": "\x1b[",
    "hangul": "멈추 ",
    "phrases": "memory ",
}


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("many", [False, True], ids=["one-line", "many-lines"])
def test_time_is_linear(piece: str, many: bool):
    def text(size: int) -> str:
        line = piece * (1_500 // len(piece))
        return "\n".join(f"{number} {line}" for number in range(size // 1_500)) if many else piece * (size // len(piece))

    def seconds(size: int) -> float:
        begun = time.process_time()
        with contextlib.suppress(SymptomError):
            analyze(text(size))
        return time.process_time() - begun

    seconds(3_000)
    assert seconds(200_000) < 40 * max(seconds(20_000), 0.01)


def test_five_megabytes_in_two_seconds():
    rows = [
        f"2026-03-01 10:{number % 60:02}:00 {'INFO' if number % 50 else 'ERROR'} shop.web rid={number:x} request took {number} ms"
        for number in range(80_000)
    ]
    text = "\n".join(rows)
    assert len(text) > 5_000_000
    begun = time.process_time()
    symptom = analyze(text)
    assert time.process_time() - begun < 4
    assert symptom.loggers == ("shop.web",)


def test_deeply_nested_records_are_read_as_text():
    assert analyze('{"a":' * 40_000 + "1" + "}" * 40_000).text
