"""Environment markers (PEP 508): what a machine would install, and whether two markers can hold at once or say the same.

A marker is taken apart into its comparisons here, so that one of 7,000 characters (uv writes such for conflicting extras) costs
a few dozen of them; what a comparison means is asked of `packaging`, once for each value that is tried.
"""

from __future__ import annotations

from lockblame.markers.selection import select, values_of
from lockblame.markers.trials import Truths, differ, overlap, possible, truth_of

__all__ = ["Truths", "differ", "overlap", "possible", "select", "truth_of", "values_of"]
