"""The bytes of a symptom, a log from whatever machine it came from, as text."""

from __future__ import annotations

import codecs

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(data: bytes) -> str:
    """UTF-8, UTF-16 where a mark tells so (what PowerShell redirects), or cp949 where it is that and no UTF-8: consoles in
    Korean write it. What is broken is replaced."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    # Korean in UTF-8 with one broken letter can be read as cp949 as well, as nonsense: there most letters are whole
    if not broken or len(text) - len(text.encode("ascii", "ignore")) > 2 * broken:
        return text
    try:
        korean = data.decode("cp949")
    except UnicodeDecodeError:
        return text
    return korean if any("\uac00" <= char <= "\ud7a3" for char in korean) else text
