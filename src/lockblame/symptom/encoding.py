"""The bytes of a symptom, a log from whatever machine it came from, as text."""

from __future__ import annotations

import codecs

from lockblame.errors import SymptomError

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_UNTYPED = bytes({*range(1, 32)} - {*b"\a\b\t\n\v\f\r\x0e\x0f\x1b"})
"""Control characters that no program writes into a log, and a packed file is full of."""
_SAMPLE = 65_536


def decoded(data: bytes) -> str:
    """UTF-8, UTF-16 where a mark tells so (what PowerShell redirects), or cp949 where it is that and no UTF-8: consoles in
    Korean write it. What is broken is replaced. SymptomError for what is no text at all."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    # Korean in UTF-8 with one broken letter can be read as cp949 as well, as nonsense: there most letters are whole
    if not broken or len(text) - len(text.encode("ascii", "ignore")) > 2 * broken:
        return text
    if 10 * broken > len(text) and _is_packed(data[:_SAMPLE]):
        raise SymptomError("the symptom is no text: unpack it first (zcat app.log.gz | lockblame … --symptom-file -)")
    return _korean(data) or text


def _is_packed(sample: bytes) -> bool:
    return 25 * (len(sample) - len(sample.translate(None, _UNTYPED))) > len(sample)


def _korean(data: bytes) -> str | None:
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return None
    return text if any("\uac00" <= char <= "\ud7a3" for char in text) else None
