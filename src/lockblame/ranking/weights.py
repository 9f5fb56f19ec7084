"""What each kind of evidence is worth: one line each, in log-odds (nats) for a value of 1.

Fitted by benchmarks/fit_weights.py (see docs/explanation/ranking.md) as a conditional logit: the chance that an issue is the
one is its share of exp(score) among all issues. The values that the weights multiply lie between 0 and about 1 unless the
comment says otherwise, so the weights can be compared with each other.
"""

from __future__ import annotations

from typing import NamedTuple


class Weight(NamedTuple):
    """`kind` is what the evidence is shown as; `weight` what a value of 1 is worth."""

    kind: str
    weight: float


WEIGHTS: dict[str, Weight] = {
    # the words of the symptom in the report
    "title": Weight("text", 2.5),  # rare words of the symptom in the title (BM25, saturating)
    "body": Weight("text", 3.0),  # and in the body
    "fuzzy": Weight("text", 1.0),  # near spelling of the title
    "phrase": Weight("text", 2.0),  # runs of the same words
    "names": Weight("identifiers", 2.0),  # options, functions, modules
    "error": Weight("error", 2.0),  # the same exception class, the rarer the more
    "message": Weight("error", 2.0),  # the same error message, variable parts aside
    # what the words mean
    "failure": Weight("concepts", 2.0),  # the same way to fail
    "thing": Weight("concepts", 1.5),  # of the same things
    # when it was opened
    "before": Weight("time", -3.0),  # before the new version came out
    "soon": Weight("time", 4.0),  # after it; 1 on the day, 0 after three years
    # which versions it speaks of
    "new_title": Weight("versions", 1.0),  # the title names a version of the step
    "new_text": Weight("versions", 1.5),  # the text names the new version
    "series": Weight("versions", 0.7),  # its series, or a version between the two
    "pair": Weight("versions", 0.7),  # both, the old and the new one
    "upgrade": Weight("versions", 0.7),  # tells of an upgrade, of a regression
    "newer": Weight("versions", -1.0),  # speaks of later versions only
    "older": Weight("versions", -0.7),  # speaks of earlier versions only
    # what kind of report it is
    "pull": Weight("report", -1.0),  # a pull request
    "wish": Weight("report", -1.0),  # a feature request, a question, documentation
    "regression": Weight("report", 0.7),  # labelled as a regression
    # the package, as the symptom shows it
    "raised": Weight("traceback", 1.5),  # its code raised the error
    "frames": Weight("traceback", 1.0),  # its code is in the traceback
    "logger": Weight("traceback", 0.5),  # one of its loggers speaks
    "named": Weight("traceback", 1.0),  # the symptom names it
    # the lock
    "direct": Weight("lock", 0.1),  # asked for by the project itself
    "step": Weight("lock", 0.2),  # how far the version moved: 1 for a major step
    "yanked": Weight("lock", 1.0),  # the new version was taken back
    # the change itself
    "notes": Weight("notes", 1.0),  # the maintainers' notes speak of the same
    "touched": Weight("contents", 1.0),  # the modules or symbols of the symptom changed
    "unreported": Weight("report", 0.0),  # no upstream report: what a report has to beat
    "own": Weight("scorer", 1.0),  # the similarity a caller's scorer gives
}
