"""Mistakes of a program that imports lockblame: a type checker has to find one in each line that says so."""

from __future__ import annotations

import lockblame

lockblame.blame("v1", sympton="slow")  # wrong: no such argument
lockblame.diff(1, 2)  # wrong: no revision
lockblame.Service(after="v2")  # wrong: one side is missing
lockblame.blame_each(["a", "b"])  # wrong: texts are no services
lockblame.diff("v1", "v2").suspects  # wrong: a Delta has none
lockblame.nothing_of_the_kind  # wrong: no such name
lockblame.read("uv.lock").pins = ()  # wrong: findings are frozen
