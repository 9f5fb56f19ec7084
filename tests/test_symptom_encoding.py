"""A symptom's bytes: what kubectl, PowerShell and a Korean console write."""

from __future__ import annotations

import pytest

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
