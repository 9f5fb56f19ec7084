"""The tests. None of them sees what the user's own cache holds, and none of them fails because the machine is busy."""

from __future__ import annotations

import atexit
import os
import tempfile

from hypothesis import HealthCheck, settings

_CACHE = tempfile.TemporaryDirectory(prefix="lockblame-tests-", ignore_cleanup_errors=True)
atexit.register(_CACHE.cleanup)
os.environ["LOCKBLAME_CACHE_DIR"] = _CACHE.name

# on top of what hypothesis chooses for a developer or for CI (there: always the same examples)
settings.register_profile(
    "lockblame",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lockblame")
