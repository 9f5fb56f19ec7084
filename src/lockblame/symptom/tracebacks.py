"""What a log says about a failure: frames, exceptions and their messages, error lines, loggers.

Known are Python tracebacks (plain, chained, grouped, behind prefixes), the dumps of faulthandler and py-spy, cProfile rows,
pytest's short frames, extension modules named by the kernel, and exceptions inside ordinary log lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lockblame.model import ErrorMessage, Frame

MOST_FRAMES = 400
MOST_ERRORS = 60
MOST_LINES = 400
LONGEST_MESSAGE = 400
REACH = 3
"""Lines after a frame in which the error may follow: its source line, and the marks below that."""

_FRAME = re.compile(r'File "([^"]{1,400})"(?:, line (\d{1,9}))?(?:,? in ([^\s,].{0,120}))?')
_SHORT = re.compile(r"([\w.@+~/\\-]{1,200}\.(?:py|pyx|pxi|so|pyd))(?::(\d{1,9}))?")
_CALL = re.compile(r"\s{0,20}([A-Za-z_<][\w.<>]{0,100}) \((.{1,200}\.pyx?):(\d{1,9})\)")
_PROFILE = re.compile(r"([\w.@+~/\\-]{1,200}\.py):(\d{1,9})\(([A-Za-z_<][\w<>]{0,80})\)")
_INSTALLED = re.compile(r"(?:site|dist)-packages[/\\]")
_DOTTED = r"(?:[A-Za-z_]\w{0,60}\.){0,8}"
_RAISED = re.compile(rf"\s{{0,8}}({_DOTTED}[A-Za-z_]\w{{2,60}})(?:: (.{{0,{LONGEST_MESSAGE}}}))?$")
_ENDING = r"(?:Error|Exception|Warning|Timeout|Interrupt|Exit|Failure|Fault|Refused|Reset|Closed|Disconnected|NotFound|Denied)"
_NAMED = re.compile(rf"(?<![\w.])({_DOTTED}[A-Z]\w{{0,60}}?{_ENDING})(?![\w.])(?:: ?|\((?=['\"]))(.{{1,{LONGEST_MESSAGE}}})")
_BARE_NAME = re.compile(rf"(?<![\w.])({_DOTTED}[A-Z]\w{{1,60}}?{_ENDING})(?!\w)")
_LEVEL = re.compile(
    r"(?<![\w])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNI|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|ALERT|EMERG|PANIC)(?![\w=])"
)
_BAD_LEVELS = frozenset(
    {"WARN", "WARNI", "WARNING", "ERROR", "ERR", "SEVERE", "CRITICAL", "CRIT", "FATAL", "ALERT", "EMERG", "PANIC"}
)
_GAP = r"[\[\]\s:|/()-]"
_LOGGER = re.compile(rf"{_GAP}{{0,12}}((?:[A-Za-z_]\w{{0,40}}\.){{1,8}}[A-Za-z_]\w{{0,40}})(?![\w=(/.-])")
_LOGGER_BEFORE = re.compile(rf"((?:[A-Za-z_]\w{{0,40}}\.){{1,8}}[A-Za-z_]\w{{0,40}}){_GAP}{{1,8}}$")
_LOGGER_PLAIN = re.compile(rf"{_GAP}{{0,12}}([a-z_][a-z0-9_]{{2,40}})(?=[:\]]|\s{{2}})")
_STAMP = re.compile(r"\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d")
_CRASH = re.compile(
    r"\b(?:segfault|segmentation fault|fatal python error|core dumped|double free|corrupted|out of memory|killed process|"
    r"oomkilled|panic|sigsegv|sigabrt|sigbus|sigill|exception ignored|undefined symbol|illegal instruction)\b"
)


@dataclass(slots=True)
class Findings:
    """What a log holds. `bad` are the texts of its error lines, `log_lines` how many lines look like a logger's."""

    frames: list[Frame] = field(default_factory=list)
    errors: list[ErrorMessage] = field(default_factory=list)
    loggers: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    log_lines: int = 0


def examine(lines: Iterable[str]) -> Findings:
    """The findings of `lines`, in order and without repetition; frames always with the innermost last."""
    found = Findings()
    frames: dict[Frame, None] = {}
    errors: dict[ErrorMessage, None] = {}
    loggers: dict[str, None] = {}
    stack: list[Frame] = []
    seen: set[str] = set()
    turned, after_frame = False, 0
    for line in lines:
        if line in seen:
            after_frame = REACH if 'File "' in line else max(after_frame - 1, 0)
            continue
        seen.add(line)
        frame = _frame(line) if ".p" in line or "File" in line else None
        if frame is not None:
            if len(frames) + len(stack) < MOST_FRAMES:
                stack.append(frame)
            turned = turned or 'File "' not in line
            after_frame = REACH
            continue
        if stack and not line.startswith(" "):
            frames.update(dict.fromkeys(reversed(stack) if turned else stack))
            stack, turned = [], False
        turned = turned or "most recent call first" in line
        if after_frame and _raised(line, errors):
            found.bad.append(line)
            after_frame = 0
            continue
        after_frame = max(after_frame - 1, 0)
        if (".p" in line or ".so" in line) and len(frames) < MOST_FRAMES:
            frames.update(dict.fromkeys(_mentioned(line)))
        _log_line(line, found, errors, loggers)
    frames.update(dict.fromkeys(reversed(stack) if turned else stack))
    found.frames, found.errors, found.loggers = list(frames), list(errors), list(loggers)
    return found


def _frame(line: str) -> Frame | None:
    """The frame that a line is, if it is one: of a traceback, of a stack dump, of a profile."""
    match = _FRAME.search(line)
    if match:
        return _made(match[1], match[2], match[3])
    match = _CALL.fullmatch(line)
    if match:
        return _made(match[2], match[3], match[1])
    match = _PROFILE.search(line)
    return _made(match[1], match[2], match[3]) if match else None


def _mentioned(line: str) -> list[Frame]:
    """The files of code that a line mentions by the way."""
    return [_made(match[1], match[2], None) for match in _SHORT.finditer(line[:600])]


def _made(file: str, number: str | None, function: str | None) -> Frame:
    return Frame(file=file, line=int(number) if number else None, function=function, module=module_of(file))


def module_of(file: str) -> str | None:
    """The dotted module of a file below site-packages, or of a relative path as profilers print it; None for other code."""
    path = file.replace("\\", "/")
    installed = _INSTALLED.search(file)
    if installed:
        path = path[installed.end() :]
    elif path.startswith(".../"):
        path = path[4:]
        known = _INSTALLED.search(path)
        path = path[known.end() :] if known else path
    elif path.startswith(("/", "./", "../", "~", "<")) or (len(path) > 1 and path[1] == ":"):
        return None
    parts = [part for part in path.split("/") if part]
    if not parts:
        return None
    parts[-1] = parts[-1].split(".", 1)[0]
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts) if all(part.replace("-", "_").isidentifier() for part in parts) else None


def unframed(line: str) -> str:
    """`line`, or if it is a frame the names in it: the paths and line numbers of a traceback say nothing in words."""
    match = _FRAME.search(line) if 'File "' in line else None
    if match is None:
        return line
    return f"{(module_of(match[1]) or '').rpartition('.')[2]} {match[3] or ''}"


def _raised(line: str, errors: dict[ErrorMessage, None]) -> bool:
    """Note the exception that ends a traceback: the first line after its frames that is a dotted name and a message."""
    match = _RAISED.match(line)
    if not match or line.startswith((" " * 4, "\t")):
        return False
    name, message = match.groups()
    if message is None and not ("." in name or name[0].isupper()):
        return False
    _add(errors, name, message or "")
    return True


def _log_line(line: str, found: Findings, errors: dict[ErrorMessage, None], loggers: dict[str, None]) -> None:
    level = _LEVEL.search(line, 0, 300)
    if level or _STAMP.search(line, 0, 120):
        found.log_lines += 1
    if level:
        logger = (
            _LOGGER.match(line, level.end())
            or _LOGGER_BEFORE.search(line[max(0, level.start() - 120) : level.start()])
            or _LOGGER_PLAIN.match(line, level.end())
        )
        if logger and len(loggers) < MOST_ERRORS:
            loggers.setdefault(logger[1])
    if "rror" in line or "xcept" in line or "arning" in line or "imeout" in line or "(" in line or ": " in line:
        for match in _NAMED.finditer(line[:1000]):
            _add(errors, match[1], match[2])
    bad = (level and level[1] in _BAD_LEVELS) or _CRASH.search(line.lower()) or line.startswith("Traceback")
    if bad and len(found.bad) < MOST_LINES:
        text = line[level.end() :] if level else line
        found.bad.append(text)


def _add(errors: dict[ErrorMessage, None], name: str, message: str) -> None:
    if len(errors) < MOST_ERRORS:
        errors.setdefault(ErrorMessage(type=name, message=_unquoted(message)))


def _unquoted(message: str) -> str:
    message = message.strip()
    if message[:1] in "'\"" and message[:1]:
        end = message.rfind(message[0])
        message = message[1:end] if end > 0 else message[1:]
    return message


def exception_names(text: str) -> list[str]:
    """The exception classes that `text` names, as written, each once."""
    return list(dict.fromkeys(match[1] for match in _BARE_NAME.finditer(text)))
