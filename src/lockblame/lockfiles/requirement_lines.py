"""A requirements file as lines: what each one asks for, with its hashes and notes.

A plain line (`name[extras]==1.0 ; marker --hash=…`, `name @ https://…`, `-r file`, `-e .`) is cut here; everything else (URLs and
repositories without a name in front, paths, rare options) goes to pip-requirements-parser, which is right about all of pip's
dialect, a hundred times slower, and 80 ms away. Joining lines and dropping comments follow pip's own rules
(pip/_internal/req/req_file.py); environment variables stay as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lockblame.errors import LockParseError
from lockblame.lockfiles import places
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.document import text as decoded
from lockblame.lockfiles.names import Requirement, maybe_normal, requirement

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_HASHES = re.compile(r"(?:\s+--hash[=\s]\s*[A-Za-z0-9]+:[0-9A-Fa-f]+)+\s*")
_HASH = re.compile(r"--hash[=\s]\s*(\S+)")
_OPTION = re.compile(r"""(-r|-c|-i|--requirement|--constraint|--index-url|--extra-index-url)(?:\s+|\s*=\s*)([^\s"'\\]+)""")
_KEYS = {"-r": "requirement", "-c": "constraint", "-i": "index-url"}
_EGG = re.compile(r"([#&]egg=[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]{0,200}\])?)(?:[=<>!~][^&;\s]*)")
_PROJECT = re.compile(r"(-e\s+|--editable\s+)?((?:file:)?\./?)(?:\[([A-Za-z0-9._, -]+)\])?")
_AT = re.compile(r"(?:[a-z]+\+)?[a-z]+://[^\s;,]+(?:\s+;\s.*)?", re.ASCII)
_SETTINGS = re.compile(r"""\s(?:-C|--config-settings?)(?:\s+|=)(?:"[^"]*"|'[^']*'|[^\s"']*)+""")
_NAMED = re.compile(r"^(?:-e\s+|--editable[=\s]\s*)?([A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]{0,200}\])?\s*@\s*\S.*)$")
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz", ".tar.lz", ".tar.lzma")
MOST_LINES = 300_000
"""Enough for ten thousand packages with thirty hashes each; a file beyond that would take minutes and gigabytes."""
_LONGEST = 20_000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One logical line. Either `asked` (a requirement), or `option` and `value`, or `address`: a place without a name.

    `notes` are its comments without the `#`, one an element, "" where a comment is only that; `above` is the comment right
    above a place, where `pip freeze` says what it is; `extras` are those of a place.
    """

    number: int
    asked: Requirement | None = None
    option: str | None = None
    value: str = ""
    address: str | None = None
    extras: tuple[str, ...] = ()
    editable: bool = False
    hashes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    above: str = ""


def lines(document: Document) -> tuple[list[Line], list[str]]:
    """All logical lines of a requirements file in order, and the comments before the first of them.

    LockParseError at the first line that pip would refuse.
    """
    content = decoded(document)
    if content.count("\n") > MOST_LINES:
        detail = f"has more than {MOST_LINES:,} lines; no requirements file is that long"
        raise document.broken(detail, f"line {MOST_LINES + 1}", "split it up")
    header, joined = _joined(content)
    plain = [_plain(each) for each in joined]
    unusual = _parsed(document, [each for each, line in zip(joined, plain, strict=True) if line is None])
    found: list[Line] = []
    for line in plain:
        found.extend((line,) if line is not None else next(unusual))
    return found, header


@dataclass(slots=True)
class _Joined:
    number: int
    text: str
    notes: list[str]
    above: str = ""


def _joined(content: str) -> tuple[list[str], list[_Joined]]:
    """Physical lines joined as pip joins them, comments apart: notes go to the requirement they stand at or below."""
    header: list[str] = []
    logical: list[_Joined] = []
    parts: list[str] = []
    first = 0
    above = ""
    current: _Joined | None = None
    for number, line in enumerate(content.splitlines(), 1):
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            first = first if parts else number
            parts.append(line.strip("\\"))
            continue
        if comment and not parts:
            note = above = line.strip()[1:]
            if current is not None and line[0] != "#":
                current.notes.append(note.strip())
            elif not logical:
                header.append(note)
            continue
        whole = "".join([*parts, " " + line if comment else line])
        current = _cut(first if parts else number, whole)
        parts = []
        if current is not None:
            current.above, above = above, ""
            logical.append(current)
    if parts and (current := _cut(first, "".join(parts))) is not None:
        logical.append(current)
    return header, logical


def _cut(number: int, whole: str) -> _Joined | None:
    found = _COMMENT.search(whole) if "#" in whole else None
    text = (whole[: found.start()] if found else whole).strip()
    if not text:
        return None
    return _Joined(number, text, [found.group(0).strip()[1:].strip()] if found else [])


def _plain(line: _Joined) -> Line | None:
    text = line.text
    hashes: tuple[str, ...] = ()
    start = text.find(" --")
    if text.startswith(("-e", "--editable", ".", "file:.")):
        return _project(line)
    if text.startswith("-"):
        if (option := _OPTION.fullmatch(text)) is None:
            return None
        key = _KEYS.get(option.group(1), option.group(1).removeprefix("--"))
        return Line(number=line.number, option=key, value=option.group(2))
    if start >= 0:
        if not _HASHES.fullmatch(text, start):
            return None
        hashes = tuple(_HASH.findall(text, start))
        text = text[:start]
    asked = _named(text)
    if asked is None:
        return None
    return Line(number=line.number, asked=asked, hashes=hashes, notes=tuple(line.notes))


def _named(text: str) -> Requirement | None:
    """The requirement, when it is a name with a specifier or a whole URL behind an @; None for all that may be a path."""
    before, sign, _ = text.partition(";")[0].partition("@")
    if sign:
        return requirement(text) if "/" not in before and _AT.fullmatch(text.partition("@")[2].strip()) else None
    return None if "/" in before or text.endswith(_ARCHIVES) else requirement(text)


def _project(line: _Joined) -> Line | None:
    """The line of the project itself (`-e .[extra]`), which most exports begin with."""
    found = _PROJECT.fullmatch(line.text)
    if found is None:
        return None
    extras = tuple(sorted(name for extra in (found.group(3) or "").split(",") if (name := maybe_normal(extra.strip()))))
    return Line(
        number=line.number,
        address=found.group(2),
        extras=extras,
        editable=found.group(1) is not None,
        notes=tuple(line.notes),
    )


# --- the unusual lines -------------------------------------------------------------------------------------------------


def _parsed(document: Document, unusual: Sequence[_Joined]) -> Iterator[tuple[Line, ...]]:
    """What each unusual line says; several things only where it has several options."""
    for each in unusual:
        if len(each.text) > _LONGEST:
            raise document.broken(f"is {len(each.text)} characters long", f"line {each.number}", "no requirement is that long")
    for start in range(0, len(unusual), _AT_ONCE):
        part = unusual[start : start + _AT_ONCE]
        # The parser refuses what an egg says about a version (which isn't the package's for sure) and settings of the build.
        texts = [_SETTINGS.sub("", _EGG.sub(r"\1", each.text)) for each in part]
        for each, text, answer in zip(part, texts, _ask(texts), strict=True):
            yield _understood(document, each, text, answer)


def _ask(texts: Sequence[str]) -> Iterator[object]:
    """The parser's answer for each text: a requirement, an option line, or an invalid line; None when it broke down."""
    try:
        yield from _from_file(texts)
    except Exception:  # the parser is untyped, and raises whatever urllib, packaging and optparse raise inside it
        for text in texts:
            try:
                yield _from_file([text])[0]
            except Exception:  # this is the line
                yield None


def _from_file(texts: Sequence[str]) -> list[object]:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from pip_requirements_parser import RequirementsFile

    # from_string is broken in the parser (it misses an import), so a file it is.
    with TemporaryDirectory(prefix="lockblame-") as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(texts) + "\n", encoding="utf-8", errors="surrogatepass")
        parsed = RequirementsFile.from_file(str(file), include_nested=False)
    answers: list[object] = [None] * len(texts)
    for answer in (*parsed.requirements, *parsed.options, *parsed.invalid_lines):
        if 0 < answer.line_number <= len(texts):
            answers[answer.line_number - 1] = answer
    return answers


def _understood(document: Document, line: _Joined, text: str, answer: object) -> tuple[Line, ...]:
    named = _NAMED.match(text)
    editable = text.startswith(("-e", "--editable"))
    notes = tuple(line.notes)
    if named is not None and (asked := requirement(named.group(1))) is not None and asked.url and " --" not in asked.url:
        return (Line(number=line.number, asked=asked, editable=editable, hashes=_hashes(answer), notes=notes),)
    if answer is None or hasattr(answer, "error_message"):
        message = str(getattr(answer, "error_message", ""))
        if text.startswith("-") and ("no such option" in message or "legacy option" in message):
            # Newer and older than the parser; what it says about the install, it asks for nothing.
            return (Line(number=line.number, option="unknown", value=text.split("=")[0].split()[0]),)
        raise _refused(document, line, message)
    options = getattr(answer, "options", None)
    if options is not None and not hasattr(answer, "req"):
        return tuple(_options(line.number, options))
    found = _requirement(line.number, answer, editable, notes)
    return (replace(found, above=line.above) if found.address is not None else found,)


def _refused(document: Document, line: _Joined, message: str) -> LockParseError:
    what = message.strip().partition("\n")[0].removeprefix("Invalid requirement: ").removeprefix(": ")[:160]
    detail = f"{places.shown(line.text)} is not a requirement" + (f" ({what.rstrip('.').lower()})" if what else "")
    return document.broken(detail, f"line {line.number}", "correct the line, or write the file again with the tool that made it")


_OPTIONS = {
    "requirements": "requirement",
    "constraints": "constraint",
    "index_url": "index-url",
    "extra_index_urls": "extra-index-url",
    "find_links": "find-links",
}


def _options(number: int, options: dict[str, object]) -> Iterator[Line]:
    for key, value in options.items():
        for item in value if isinstance(value, list) else (value,):
            text = item if isinstance(item, str) else ""
            yield Line(number=number, option=_OPTIONS.get(key, key.replace("_", "-")), value=text)


def _hashes(answer: object) -> tuple[str, ...]:
    return tuple(str(digest) for digest in getattr(answer, "hash_options", None) or ())


def _requirement(number: int, answer: object, editable: bool, notes: tuple[str, ...]) -> Line:
    """The parser's requirement in our words. It takes the name of a bare wheel from its file name, which says it (PEP 427)."""
    link = getattr(answer, "link", None)
    url = str(link.url) if link is not None else None
    name = maybe_normal(str(getattr(answer, "name", None) or ""))
    extras = tuple(sorted(found for extra in getattr(answer, "extras", None) or () if (found := maybe_normal(str(extra)))))
    marker = str(getattr(answer, "marker", None) or "") or None
    if name is None:
        return Line(number=number, address=url or "", extras=extras, editable=editable, notes=notes)
    written = getattr(getattr(answer, "req", None), "specifier", None)
    specifier = ",".join(str(clause) for clause in written or ())
    asked = Requirement(name=name, extras=extras, specifier=specifier, url=url, marker=marker)
    return Line(number=number, asked=asked, editable=editable, hashes=_hashes(answer), notes=notes)
