"""What differs between the artifacts of two versions: wheels or source distributions, as bytes, compared and never run.

Content by content first, then the syntax trees of the modules that differ. Nothing is imported, executed or unpacked to disk.
"""

from __future__ import annotations

from lockblame.contents.archives import Archive, is_archive
from lockblame.contents.choice import UNKNOWN, alike
from lockblame.contents.comparing import compare

__all__ = ["UNKNOWN", "Archive", "alike", "compare", "is_archive"]
