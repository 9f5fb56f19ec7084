"""A release script's last question: may these dependency changes go out?

    python examples/pre_deploy.py v1.4 v1.5

Prints what speaks against it, and exits with 0 (go), 1 (stop) or 3 (no answer: decide yourself).
"""

from __future__ import annotations

import sys

import lockblame


def main(before: str, after: str) -> int:
    """The exit code for going from the lock of `before` to that of `after`."""
    try:
        report = lockblame.check(before, after)
    except lockblame.LockblameError as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 3
    for violation in report.violations:
        mark = "stop" if violation.stops else "look"
        print(f"{mark}: {violation.change}: {violation.detail}")
    print(f"{len(report.delta)} changes, {len(report.gaps)} things that could not be looked at")
    return int(any(violation.stops for violation in report.violations))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: pre_deploy.py BEFORE AFTER")
    sys.exit(main(*sys.argv[1:]))
