"""Which language a piece of text is to be shown and read aloud in, told by its letters."""

from __future__ import annotations

import re

_LETTERS = (
    ("ko", re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")),
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
)
_LOOKED_AT = 2_000


def language(text: str) -> str | None:
    """ "ko", "ja" or "zh" where letters of that language alone occur, else None: the page's own."""
    if text.isascii():
        return None
    return next((name for name, letters in _LETTERS if letters.search(text, 0, _LOOKED_AT)), None)
