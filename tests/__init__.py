"""The tests. None of them sees what the user's own cache holds."""

from __future__ import annotations

import atexit
import os
import tempfile

_CACHE = tempfile.TemporaryDirectory(prefix="lockblame-tests-", ignore_cleanup_errors=True)
atexit.register(_CACHE.cleanup)
os.environ["LOCKBLAME_CACHE_DIR"] = _CACHE.name
