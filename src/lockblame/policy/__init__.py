"""The gate's rules: what is risky about a delta now, before anything went wrong.

`rules` has what a team may decide (pure settings), `inspecting` holds a delta against it.
"""

from __future__ import annotations

from lockblame.policy.inspecting import violations
from lockblame.policy.rules import DEFAULTS, Policy, parse

__all__ = ["DEFAULTS", "Policy", "parse", "violations"]
