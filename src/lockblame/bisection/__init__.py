"""Which changes make the command fail: a search that asks for verdicts, and what they say."""

from __future__ import annotations

from lockblame.bisection.answer import Answer, answer, bound, certainty, decided, majority
from lockblame.bisection.judging import Rules, judge
from lockblame.bisection.mixing import asked_for, differing, mix, needs, related, twice, violated
from lockblame.bisection.problem import Problem, problem
from lockblame.bisection.projects import home, project_files
from lockblame.bisection.releases import Line, between, boundary, following_place
from lockblame.bisection.search import Question, Search, following, search

__all__ = [
    "Answer",
    "Line",
    "Problem",
    "Question",
    "Rules",
    "Search",
    "answer",
    "asked_for",
    "between",
    "bound",
    "boundary",
    "certainty",
    "decided",
    "differing",
    "following",
    "following_place",
    "home",
    "judge",
    "majority",
    "mix",
    "needs",
    "problem",
    "project_files",
    "related",
    "search",
    "twice",
    "violated",
]
