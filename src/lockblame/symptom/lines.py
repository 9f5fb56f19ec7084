"""A pasted log as plain lines: without terminal codes, unpacked from JSON records, free of prefixes, bounded in size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

LARGEST = 12_000_000
"""Characters looked at: of a longer text its beginning and its end, where the cause and the last error are."""
LONGEST_LINE = 2_000
LONGEST_RECORD = 200_000

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;:?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|[@-Z\\^_])")
_CONTROLS = (
    {code: None for code in range(0x20) if chr(code) not in "\t\n\r\f\v"} | {0x7F: None} | dict.fromkeys(range(0x80, 0xA0))
)
_INVISIBLE = {0x200B: None, 0x200C: None, 0x200D: None, 0x2060: None, 0xFEFF: None, 0x00A0: " "}
_TABLE = _CONTROLS | _INVISIBLE | dict.fromkeys((*range(8234, 8239), *range(8294, 8298)))
_PREFIX = re.compile(r"[\w./-]{1,60} {0,20}\| ?")
_GROUP = re.compile(r"[ \t]{0,60}[|+](?=[ |+-])[ |+-]*")
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,15}(?:\s[^<>]{0,300})?/?>")


def cleaned(text: str) -> str:
    """`text` without terminal codes, control and invisible characters, at most LARGEST characters of it."""
    if len(text) > LARGEST:
        text = text[: LARGEST // 2] + "\n" + text[-LARGEST // 2 :]
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return text.translate(_TABLE).replace("\r\n", "\n").replace("\r", "\n")


def without_markup(text: str) -> str:
    """`text` without HTML tags."""
    return _TAG.sub(" ", text) if "<" in text else text


def lines(text: str) -> Iterator[str]:
    """The lines of a cleaned text, JSON records unpacked, the prefixes of containers and exception groups taken off."""
    for line in text.split("\n"):
        for part in _unpacked(line):
            yield _bare(part[:LONGEST_LINE])


def _bare(line: str) -> str:
    if "|" in line or "+-" in line:
        prefix = _PREFIX.match(line)
        if prefix:
            line = line[prefix.end() :]
        group = _GROUP.match(line)
        if group:
            line = line[group.end() :]
    return line.rstrip()


def _unpacked(line: str) -> Iterator[str]:
    brace = line.find("{")
    if 0 <= brace <= 200 and line.endswith("}") and '"' in line and len(line) <= LONGEST_RECORD:
        try:
            record = json.loads(line[brace:])
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            yield from _record(line[:brace], record)
            return
    if "\\n" in line and ("Traceback" in line or 'File \\"' in line or 'File "' in line):
        yield from line.replace('\\"', '"').replace("\\n", "\n").split("\n")
        return
    yield line


_LEVELS = ("level", "levelname", "severity", "log.level", "lvl")
_LOGGERS = ("logger", "logger_name", "name", "log.logger", "loggerName")
_MESSAGES = ("message", "msg", "event", "text", "log", "@message")


def _record(before: str, record: dict[str, Any]) -> Iterator[str]:
    """A structured record as the line a plain formatter would have written, followed by its other texts."""
    taken: list[str] = []

    def first(keys: tuple[str, ...]) -> str:
        for key in keys:
            value = record.get(key)
            if isinstance(value, str) and value:
                taken.append(key)
                return value
        return ""

    level, logger, message = first(_LEVELS), first(_LOGGERS), first(_MESSAGES)
    yield from f"{before}{level.upper()} {logger} {message}".strip().split("\n")
    for key, value in record.items():
        if key not in taken:
            yield from _texts(key, value, 0)


def _texts(key: str, value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if "\n" in value:
            yield from value.split("\n")
        else:
            yield f"{key}={value}"
    elif depth < 4 and isinstance(value, dict):
        for inner, item in value.items():
            yield from _texts(str(inner), item, depth + 1)
    elif depth < 4 and isinstance(value, list):
        for item in value[:200]:
            yield from _texts(key, item, depth + 1)
