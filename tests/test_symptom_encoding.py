"""A symptom's bytes: what kubectl, PowerShell and a Korean console write."""

from __future__ import annotations

import gzip
import random

import pytest

from lockblame.errors import SymptomError
from lockblame.symptom.encoding import decoded

KOREAN = "로그인하면 500 오류가 나고 토큰 검증이 실패합니다"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_the_same_words_from_each_encoding(encoding: str):
    assert decoded(KOREAN.encode(encoding)) == KOREAN


def test_one_broken_letter_makes_no_other_encoding_of_the_rest():
    data = KOREAN.encode("utf-8")
    assert decoded(data[:-1]) == KOREAN[:-1] + "\ufffd"
    assert decoded(b"worker \xff stalls") == "worker \ufffd stalls"


def test_other_encodings_are_not_taken_for_korean():
    assert "\ufffd" in decoded("le café a brûlé".encode("latin-1"))


def test_a_packed_log_is_no_symptom():
    log = b"\n".join(
        b"2024-03-02 03:11 ERROR worker %d: timed out after %d ms" % (place, place * 37 % 991) for place in range(2000)
    )
    with pytest.raises(SymptomError, match="unpack it first"):
        decoded(gzip.compress(log))
    with pytest.raises(SymptomError, match="unpack it first"):
        decoded(random.Random(7).randbytes(10_000))


def test_a_log_in_colour_or_in_another_encoding_is_one():
    assert "stalls" in decoded(b"\x1b[31mERROR\x1b(B\x1b[m\x0f worker stalls\n" * 3)
    assert "worker" in decoded("воркер worker завис".encode("cp1251"))
