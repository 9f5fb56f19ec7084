"""What a host grants to who comes without a token, shared by the flows that ask it at the same time.

GitHub answers 60 requests an hour and 10 searches a minute without one, and each answer tells how many are left.
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import re
from collections import Counter
from threading import Lock
from typing import Literal

from lockblame.flow import Response

Kind = Literal["core", "search"]
RESERVE: dict[Kind, int] = {"core": 5, "search": 1}
"""Requests that are left to others, of each kind: an incident has more than one tool that asks."""

_OVERTAKEN = 24


class Allowance:
    """`take` before each request, `heard` after it. Safe to share between threads."""

    def __init__(self) -> None:
        self._left: dict[Kind, int] = {}
        self._under_way: Counter[Kind] = Counter()
        self._lock = Lock()

    def take(self, kind: Kind) -> bool:
        """Whether one more request of that kind may be made; those under way count as made."""
        with self._lock:
            left = self._left.get(kind)
            if left is not None and left - self._under_way[kind] <= RESERVE[kind]:
                return False
            self._under_way[kind] += 1
            return True

    def heard(self, kind: Kind, response: Response | None) -> None:
        """What came of it; None when nothing did."""
        with self._lock:
            self._under_way[kind] -= 1
            if response is None:
                return
            told = response.headers.get("x-ratelimit-remaining", "")
            if re.fullmatch(r"\d{1,9}", told):
                known, left = self._left.get(kind, int(told)), int(told)
                # answers overtake each other; only where it is far more than before, the hour (or minute) has begun anew
                self._left[kind] = left if left > known + _OVERTAKEN else min(left, known)
