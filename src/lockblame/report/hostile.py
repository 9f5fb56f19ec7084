"""Text from outside made harmless for the place it is shown in: it can't steer a terminal, hide or break out of its cell."""

from __future__ import annotations

import re
import unicodedata

LIMIT = 300
"""Characters of one piece of outside text that a report shows."""

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|.)?", re.DOTALL)
_COMMAND = re.compile(r"##(?=\w{0,20}\[)|(?<![!-~]):(?=:[A-Za-z-]{1,40}(?: [^\n]*)?::)")
"""What the log of a pipeline takes for an order: `##[set-output …]`, `##vso[…]` anywhere, `::set-output …::` where a line begins,
and where lines begin isn't known before they are wrapped."""
_SPACE = re.compile(r"\s+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#!|~@$])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Cc control, Cf format (bidi overrides, zero width), Cs lone surrogates, Co private use, Zl/Zp line separators
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def line(text: str, limit: int = LIMIT) -> str:
    """`text` as one line without control codes, at most `limit` characters (an ellipsis tells that it was cut).

    Nor does it give orders to a pipeline in whose log it is printed.
    """
    visible = _ESCAPE_SEQUENCE.sub("", text[: limit * 8])
    flat = _SPACE.sub(" ", visible)
    # what is printable altogether (nearly everything) has nothing to hide
    clean = flat.strip() if flat.isprintable() else "".join(map(_visible, flat)).strip()
    if "##" in clean or "::" in clean:
        clean = _COMMAND.sub(r"\g<0> ", clean)
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + "…"


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    category = unicodedata.category(char)
    return " " if category in ("Zl", "Zp", "Zs") else "" if category in _HIDDEN else char


def markdown(text: str, limit: int = LIMIT) -> str:
    """`line(text)` with everything escaped that Markdown, or a forge's dialect of it, would take for markup or a mention."""
    return _MARKDOWN.sub(r"\\\1", line(text, limit)).translate(_ENTITIES)


def url(text: str | None) -> str | None:
    """`text` when it is a plain http(s) link that can stand anywhere, else None."""
    if text is None or len(text) > 2000 or not re.fullmatch(r"https?://[!#$%&'*+,\-./0-9:;=?@A-Z_a-z~]+", text):
        return None
    return text
