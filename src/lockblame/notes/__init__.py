"""What maintainers wrote about versions: changelogs in Markdown and reStructuredText, cut at the headings that name a version.

Pure text in, text out. A changelog is other people's prose: what names no version by PEP 440 is no section, and nothing fails.
"""

from __future__ import annotations

from lockblame.notes.cutting import Section, between, sections
from lockblame.notes.files import from_archive, from_file, likely

__all__ = ["Section", "between", "from_archive", "from_file", "likely", "sections"]
