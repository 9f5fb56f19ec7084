"""What trials have proven, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from lockblame.model import Proof
from lockblame.report.hostile import line
from lockblame.report.phrases import moved


def proven(proof: Proof) -> str:
    """`Proven by 9 trials: kombu 5.3.1 → 5.3.2 makes it fail`, without a full stop."""
    number = proof.good + proof.bad + proof.untestable
    trials = f"{number} trial{'' if number == 1 else 's'}"
    names = ", ".join(moved(one) for one in proof.culprits[:8])
    left = len(proof.culprits) - 8
    names += f" and {left} more" if left > 0 else ""
    if len(proof.culprits) == 1:
        return f"Proven by {trials}: {names} makes it fail"
    return f"Proven by {trials}: these fail together: {names}"


def proof_sentences(proof: Proof) -> Iterator[str]:
    """How it was proven and how far it was followed, a sentence each."""
    yield f"{proven(proof)} ({proof.bad} bad, {proof.good} good, {proof.untestable} untestable)."
    yield (
        "Without it all is good, and no smaller part that can be installed fails."
        if proof.minimal
        else "Some parts of it could not be tested: a smaller set may fail too."
    )
    for one in proof.narrowed:
        said = f"{line(one.name, 100)} {line(one.good, 60)} is good, {line(one.bad, 60)} is bad"
        if one.commit:
            said += f"; the first bad commit upstream is {line(one.commit[:12])} “{line(one.subject, 120)}”"
        yield f"{said}."
