"""Templates and words → a page. The only place where text becomes markup: whatever a template prints is cleaned, then escaped.

The page carries its own style and script and forbids everything else by a Content Security Policy (W3C, level 3) that names
both by their hashes; it is plain ASCII (HTML's numeric character references), so that no pipe or server can misread it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lockblame.report.hostile import line, url
from lockblame.report.html.language import language

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST = 2_000
"""Characters of anything that is printed: as long as a link may be."""


def printed(template: str, **content: Any) -> str:
    """The page that `template` makes of `content`; it ends with a newline."""
    page = _environment().get_template(template).render(policy=_policy(), **content)
    return page.rstrip("\n").encode("ascii", "xmlcharrefreplace").decode("ascii") + "\n"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(language=language, link=url, short=short)
    return environment


def _source(name: str) -> str:
    from importlib.resources import files

    return (files("lockblame.report.html") / "templates" / name).read_text(encoding="utf-8")


def _harmless(value: object) -> object:
    """What a template prints: markup of another template as it is, everything else as clean text."""
    return value if hasattr(value, "__html__") else short(str(value), LONGEST)


def short(text: str, limit: int = 300) -> str:
    """`text` as one clean line of at most `limit` characters, all of which may stand in a document (HTML 13.1)."""
    clean = line(text, limit)
    return clean if clean.isascii() else "".join("\ufffd" if _is_noncharacter(char) else char for char in clean)


def _is_noncharacter(char: str) -> bool:
    code = ord(char)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


@lru_cache(maxsize=1)
def _policy() -> str:
    style, script = (_digest(_environment().get_template(name).render()) for name in ("report.css", "report.js"))
    return f"default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    from base64 import b64encode
    from hashlib import sha256

    return f"'sha256-{b64encode(sha256(text.encode('ascii')).digest()).decode('ascii')}'"
