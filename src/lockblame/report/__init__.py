"""A Delta or a Report → text for a terminal, Markdown, an HTML page, the JSON document, or a draft of the postmortem.

`STYLES` is the table of styles: adding one is one module with `delta(…)` and `report(…)` and one line here.
"""

from __future__ import annotations

from importlib import import_module

from lockblame.model import Delta, Report

STYLES = {
    "text": "lockblame.report.text",
    "markdown": "lockblame.report.markdown",
    "html": "lockblame.report.html",
    "json": "lockblame.report.document",
    "postmortem": "lockblame.report.postmortem",
}


def render(found: Delta | Report, style: str = "text", *, width: int = 100, colour: bool = False) -> str:
    """The finding as one string that ends with a newline. `width` and `colour` are for the terminal's style only.

    The styles are text, markdown, html, json and postmortem; what `check` found has sarif and github besides. ValueError for
    another one.
    """
    if isinstance(found, Report) and found.checked and style != "postmortem":
        from lockblame.report.gate import STYLES as OF_CHECK
        from lockblame.report.gate import gate

        if style in OF_CHECK:
            return gate(found, style, width=width, colour=colour)
    if style not in STYLES:
        raise ValueError(f"{style!r} is no style of a {type(found).__name__}: there are {', '.join(STYLES)}")
    module = import_module(STYLES[style])
    draw = module.report if isinstance(found, Report) else module.delta
    rendered: str = draw(found, width=width, colour=colour) if style == "text" else draw(found)
    return rendered
