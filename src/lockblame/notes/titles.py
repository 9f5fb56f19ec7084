"""The version that a heading names: "Version 1.2.3 (2023-09-01)", "[1.2.3] - 2023-09-01", "What's new in Thing 1.2"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockblame.versions import parsed

if TYPE_CHECKING:
    from packaging.version import Version

_LINKS = (
    (re.compile(r"\[([^\[\]]{1,200})\](?:\([^()]{0,300}\)|\[[^\[\]]{0,100}\])"), r"\1"),  # [1.2.3](https://…), [1.2.3][link]
    (re.compile(r"`([^`<>]{1,200})<[^`<>]{0,300}>`_{0,2}"), r"\1"),  # `1.2.3 <https://…>`_
    (re.compile(r"<[^<>]{1,200}>"), " "),  # <a id="…"></a>
)
_MARKS = "[](){}<>:,;*_`\"'|/\\=#~!"
_PRELUDE = """
version versions ver v release released releases rel stable final update patch minor major hotfix bugfix change changes changelog
history what's whats new news notes note in for of the since with
"""
_WORDS = frozenset(_PRELUDE.split())
_TELLING = frozenset(("version", "versions", "ver", "v", "release", "releases", "rel", "released"))
_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")
# "1.2 to 2.0" and "3.8 support" are about something else than what happened in that version
_BEYOND = "to -> → => support compatibility compat and or through until onwards is are was has will"
_AFTERWARDS = frozenset(_BEYOND.split())
_MOST_BEFORE = 6
_APART = re.compile(r"[(\[\-–—:,/|@]|(?:released|on|unreleased)\b|$", re.IGNORECASE)
_CALENDAR_WORDS = """
jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september october november
december mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday released release on date utc gmt
st nd rd th the of in unreleased development not yet am pm
"""
_CALENDAR = frozenset(_CALENDAR_WORDS.split())


@dataclass(frozen=True, slots=True)
class Title:
    """`version` as PEP 440 reads it; `stranger` is a name before it that isn't the package's; `remark` what else it says.

    `formal`: what stands behind the version is set apart from it, so that the line may be a heading even without markup; `bare`:
    it is nothing but a date.
    """

    version: Version
    stranger: str = ""
    remark: str = ""
    formal: bool = True
    bare: bool = True


def title(text: str, name: str) -> Title | None:
    """The version that a heading names as its subject, None when it doesn't. `name` is the package's."""
    plain = text[:300].replace("\\", "")
    for pattern, replacement in _LINKS:
        plain = pattern.sub(replacement, plain)
    tokens = plain.split()
    telling = False
    strangers: list[str] = []
    for place, token in enumerate(tokens[: _MOST_BEFORE + 1]):
        bare = token.strip(_MARKS)
        if not any(char.isalnum() for char in bare):
            continue
        version = _version(bare, name, telling=telling)
        if version is not None:
            return _title(version, tokens[place + 1 :], " ".join(strangers), token)
        word = bare.lower().rstrip(".")
        if word in _TELLING or _is_name(bare, name):
            telling = True
        elif len(strangers) < 3 and re.fullmatch(r"[A-Za-z][\w.-]{0,40}", bare) and word not in _WORDS:
            strangers.append(bare)
        elif word not in _WORDS and not _DATE.fullmatch(bare):
            return None
    return None


def _title(version: Version, rest: list[str], stranger: str, token: str) -> Title | None:
    behind = " ".join(rest)
    first = rest[0].strip(_MARKS).lower() if rest else ""
    if (first or behind[:2]) in _AFTERWARDS:
        return None
    words = [word for word in re.findall(r"[^\W\d_]{2,}", behind) if word.lower() not in _CALENDAR]
    apart = bool(_APART.match(behind)) or token.endswith((":", ","))
    remark = behind.strip(_MARKS + "-–— ") if len(words) > 1 else ""
    return Title(version, stranger, remark, formal=apart and len(words) < 12, bare=apart and not words)


def _is_name(word: str, name: str) -> bool:
    """Whether the word is what people call the package: "Beautifulsoup4", "channels_redis", "psycopg" for psycopg2-binary."""
    one, other = (re.sub(r"[-_.]", "", each).lower() for each in (word, name))
    return bool(one) and (one == other or (len(one) >= 4 and other.startswith(one)))


def _version(word: str, name: str, *, telling: bool) -> Version | None:
    """The version that one word is: "v1.2.3", "1.2.3.", "thing-1.2.3"; a bare number only behind a word that says so."""
    if not word or len(word) > 60 or not any(char.isdigit() for char in word):
        return None
    word = word.rstrip(".")
    glued = re.fullmatch(r"([A-Za-z][\w.-]{0,40}?)(?:-v?|==|@v?|/v?|_v?)(\d.{0,40})", word)
    if glued and _is_name(glued[1], name):
        word, telling = glued[2], True
    marked = word[0] in "vVrR" and word[1:2].isdigit()
    if marked:
        word = word[1:]
    if not word[:1].isdigit() or _DATE.fullmatch(word) or not (telling or marked or "." in word):
        return None
    return parsed(word)
