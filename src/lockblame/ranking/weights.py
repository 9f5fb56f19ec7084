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
    "title": Weight("text", 2.50),  # rare words of the symptom in the title (BM25, saturating)
    "body": Weight("text", 3.36),  # and in the body
    "fuzzy": Weight("text", 1.48),  # near spelling of the title
    "phrase": Weight("text", 1.34),  # runs of the same words
    "names": Weight("identifiers", 1.16),  # options, functions, modules
    "error": Weight("error", 1.27),  # the same exception class, the rarer the more
    "message": Weight("error", 1.58),  # the same error message, variable parts aside
    "unlike": Weight("text", -3.89),  # has hardly anything of all that
    # what the words mean
    "failure": Weight("concepts", 0.87),  # the same way to fail
    "thing": Weight("concepts", 3.03),  # of the same things
    # when it was opened
    "before": Weight("time", -2.16),  # before the new version came out
    "soon": Weight("time", 3.35),  # after it; 1 on the day, 0 after three years
    # which versions it speaks of
    "entitled": Weight("versions", 1.85),  # its title names a version of the step
    "version": Weight("versions", 4.11),  # it names the new version; 0.8 for one between the old and the new, or a series
    "old": Weight("versions", 0.36),  # it names the old version too: where it still worked
    "newer": Weight("versions", -1.80),  # speaks of later versions only
    "older": Weight("versions", -1.19),  # speaks of earlier versions only
    # what kind of report it is
    "pull": Weight("report", -2.11),  # a pull request
    "wish": Weight("report", -1.03),  # a feature request
    "closed": Weight("time", 0.3),  # closed shortly before a later release
    "regression": Weight("report", 1.35),  # labelled as a regression
    # the package, as the symptom shows it
    "raised": Weight("traceback", 0.96),  # its code raised the error
    "frames": Weight("traceback", 0.97),  # its code is in the traceback
    "logger": Weight("traceback", 1.00),  # one of its loggers speaks
    "named": Weight("traceback", 0.93),  # the symptom names it
    # what the package calls itself in one line (by hand, on summaries that the set doesn't hold)
    "summary": Weight("summary", 1.0),  # words of the symptom
    "about": Weight("summary", 2.0),  # the same things, in whatever words
    # the lock
    "others": Weight("lock", -1.0),  # times the logarithm of the number of changes: the even chance (not fitted)
    "direct": Weight("lock", 0.30),  # asked for by the project itself
    "step": Weight("lock", 1.72),  # how far the version moved: 1 for a major step
    "yanked": Weight("lock", 1.0),  # the new version was taken back
    "development": Weight("lock", -2.0),  # only development needs it (by hand: the set's locks have no groups)
    # the index (weights set by hand: hardly any incident has these)
    "quarantined": Weight("status", 1.0),  # the index holds the project back (PEP 792); 0 for archived and deprecated
    "unattested": Weight("attestation", 0.4),  # the new version has no attestation where the old one had (PEP 740)
    # the change itself (weights set by hand: benchmarks/incidents.py --deep)
    "notes": Weight("notes", 2.0),  # the maintainers' notes speak of the same
    "touched": Weight("contents", 2.0),  # a function of the traceback changed; 0.6 where only its module did
    "touched_names": Weight("contents", 1.5),  # names of the symptom changed
    "touched_words": Weight("contents", 2.0),  # what changed is named with words of the symptom
    "untouched": Weight("contents", -1.0),  # no code changed at all (data may have)
    "new_message": Weight("contents", 2.5),  # the error message of the symptom is new in this version
    # what went into the repository between the two tags (by hand too: the set has no comparisons)
    "commits": Weight("commits", 1.2),  # the subject of a commit speaks of the same; half of it where the notes do already
    "touched_file": Weight("commits", 1.0),  # a file of the traceback was touched (where no artifacts were compared)
    "touched_paths": Weight("commits", 1.0),  # files named with words of the symptom were (where no artifacts were compared)
    "mended": Weight("notes", 1.0),  # the notes of a later version name the report
    "already": Weight("notes", -1.0),  # the notes of this version name it: mended already
    "unreported": Weight("report", 1.5),  # no report at all: as suspicious as a weak one (not fitted)
    "own": Weight("scorer", 1.0),  # the similarity a caller's scorer gives
}

TEMPERATURE = 1.0
"""Scores are divided by this before they become probabilities."""
CONCLUSIVE = 5.6
"""The score from which on the best report is taken for the one: it separates true reports best from the best of the rest."""
