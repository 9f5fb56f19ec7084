"""How findings show themselves in a notebook or an interpreter, and as records for a data frame."""

from __future__ import annotations

from typing import Any


class Shown:
    """Something that draws itself where a notebook shows it, and that can be had as flat records.

    How it looks is the report's business, two storeys up: it is looked up when somebody asks, and by its name, so that these
    words still depend on nothing.
    """

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """HTML and plain text, by IPython's protocol for rich display."""
        return dict(_style().bundle(self))

    def __str__(self) -> str:
        """What `print` shows: the text of the report."""
        return str(_style().text(self))

    def __repr__(self) -> str:
        """One line: all that it holds would be half a megabyte in an interpreter's window."""
        return f"<{type(self).__name__}: {_style().title(self)}>"

    def rows(self) -> list[dict[str, Any]]:
        """Flat records of texts, numbers, days and None, for pandas, polars or a CSV file.

        A Snapshot gives one for each pin, a Delta for each change, a Report for each suspect, a Suspect for each piece of
        evidence.
        """
        return list(_style().rows(self))


def _style() -> Any:
    from importlib import import_module

    return import_module("lockblame.report.notebook")
