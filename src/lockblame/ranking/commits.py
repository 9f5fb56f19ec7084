"""What went into a package's repository between two tags, against the symptom: the subjects of the commits, the files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from posixpath import splitext

from lockblame.forges.folders import inside, is_code
from lockblame.lexicon import Lexicon
from lockblame.model import Comparison, Repository, Symptom, UpstreamCommit, normalize
from lockblame.ranking.features import Feature
from lockblame.ranking.likeness import squash
from lockblame.ranking.pool import Pool
from lockblame.symptom.identifiers import identifiers
from lockblame.symptom.words import fold, parts, stems

MOST_COMMITS = 500
MOST_FILES = 3_000
FEW = 60
"""Of more commits than that one is like the symptom by chance: each counts for less."""
FEW_WORDS = 80
"""Changed files whose paths have at most so many words are about something."""
ELSEWHERE = 0.4
"""What counts for, in a repository of several packages, that is in no folder of this one or doesn't name it."""
MEANT = 0.5
"""A concept in common, beside a word in common."""
SHORTEST = 5
"""Letters of a file's name that says something by itself."""

_CHORE = re.compile(
    r"merge (?:branch|pull request|remote|tag)\b|\[pre-commit|release\b|prepare\b"
    r"|(?:[a-z]{1,20}(?:\([^()]{0,60}\))?!?:\s{0,3})?(?:revert \"?)?(?:bump\b|update dependency\b)"
    r"|(?:build|chore|ci|docs?|style|tests?)(?:\([^()]{0,60}\))?!?:",
    re.I,
)
"""Commits that change nothing for users: merges, releases, tooling, documentation (by conventional prefixes too)."""
_PULL = re.compile(r"\(#\d{1,9}\)\s{0,4}$")
_APART = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Landing:
    """A Comparison as one package's: under which `names` its code is imported, and whether others share its repository."""

    comparison: Comparison
    package: str
    names: frozenset[str]
    shared: bool

    def worth(self, path: str) -> float:
        """What a file counts for."""
        return 1.0 if not self.shared or inside(path, self.names) else ELSEWHERE

    def concern(self, subject: str) -> float:
        """What a commit counts for: of a repository of several packages the forge doesn't say which files a commit touched."""
        if not self.shared:
            return 1.0
        told = set(_APART.split(subject.lower()))
        return 1.0 if any(told.issuperset(_APART.split(name.lower())) for name in self.names) else ELSEWHERE


def landing(comparison: Comparison, package: str, names: frozenset[str], repository: Repository | None) -> Landing:
    """`comparison` as that of a package; its repository is shared when it is called otherwise and has files of others too."""
    called = frozenset({package, package.replace("-", "_"), *names})
    home = normalize(repository.path.rpartition("/")[2]) if repository is not None else package
    code = [path for path in comparison.files[:MOST_FILES] if is_code(path)]
    within = sum(inside(path, called) for path in code)
    return Landing(comparison, package, called, home != package and 0 < within < len(code))


def comparison_features(
    symptom: Symptom, landed: Landing, pool: Pool, lexicon: Lexicon, *, noted: bool, compared: bool, back: bool
) -> Iterable[Feature]:
    """The commit that is closest to the symptom, and whether files that it shows were touched.

    `noted` tells that the notes speak of the symptom (mostly by the same words: then a commit says half as much), `compared` that
    the artifacts themselves were compared, which says all that paths say, and better. `back` is a step that takes commits back.
    """
    yield from _said(symptom, landed, pool, lexicon, noted=noted, back=back)
    if not compared:
        code = [path for path in landed.comparison.files[:MOST_FILES] if is_code(path)]
        yield from _touched(symptom, landed, code)
        yield from _about(symptom, landed, code, pool)


def _said(symptom: Symptom, landed: Landing, pool: Pool, lexicon: Lexicon, *, noted: bool, back: bool) -> Iterable[Feature]:
    commits = landed.comparison.commits[-MOST_COMMITS:]
    best: tuple[float, UpstreamCommit] | None = None
    for commit in commits:
        subject = _PULL.sub("", commit.subject[:300])
        if _CHORE.match(subject):
            continue
        value = _closeness(symptom, subject, pool, lexicon) * landed.concern(subject)
        if value > 0 and (best is None or value > best[0]):
            best = value, commit
    if best is not None:
        value, commit = best
        scale = min(1.0, math.sqrt(FEW / len(commits))) * (0.5 if noted else 1.0)
        what = "which the step takes back, says" if back else "of the step says"
        yield Feature("commits", value * scale, f"commit {commit.sha[:10]} {what}: {commit.subject[:160]}", commit.url)


def _closeness(symptom: Symptom, subject: str, pool: Pool, lexicon: Lexicon) -> float:
    """From 0 to 1; one word or one concept in common is chance."""
    same = sorted(frozenset(symptom.words).intersection(stems(subject)))
    shared = [pool.rarity(pool.words, word) for word in same]
    exact = [pool.rarity(pool.names, name) for name in sorted(frozenset(symptom.identifiers).intersection(identifiers(subject)))]
    # a word that is the same means the same: that is said already
    meanings = lexicon.of_words([stem for word in parts(subject) if (stem := fold(word)) not in same])
    meant = [pool.rarity(pool.concepts, name) for name in sorted(meanings.intersection(symptom.concepts))]
    if len(shared) + 2 * len(exact) + len(meant) < 2:
        return 0.0
    return squash(math.fsum(shared) + 2 * math.fsum(exact) + MEANT * math.fsum(meant), 12.0)


def _touched(symptom: Symptom, landed: Landing, code: Sequence[str]) -> Iterable[Feature]:
    """The innermost frame whose file was touched."""
    stems_of = {_module_path(path): path for path in code}
    for frame in reversed(symptom.frames):
        module = (frame.module or "").replace(".", "/").lower()
        found = next(
            (path for stem, path in stems_of.items() if module and (stem == module or stem.endswith(f"/{module}"))), None
        )
        if found is not None:
            detail = f"the step of {landed.package} touched {found[-160:]}, which is in the traceback"
            yield Feature("touched_file", landed.worth(found), detail, landed.comparison.url)
            return


def _module_path(path: str) -> str:
    return splitext(path)[0].lower().removesuffix("/__init__")


def _about(symptom: Symptom, landed: Landing, code: Sequence[str], pool: Pool) -> Iterable[Feature]:
    """The words and names of the symptom in the paths of what was touched; a change of everything speaks of nothing."""
    worth: dict[str, float] = {}
    names: dict[str, float] = {}
    where: dict[str, str] = {}
    for path in code:
        value = landed.worth(path)
        stem = splitext(path)[0].rpartition("/")[2].lower().strip("_")
        names[stem] = max(names.get(stem, 0.0), value)
        where.setdefault(stem, path)
        for word in stems(splitext(path)[0].partition("/")[2]):
            worth[word] = max(worth.get(word, 0.0), value)
            where.setdefault(word, path)
    shared = {word: pool.rarity(pool.words, word) * worth[word] for word in symptom.words if word in worth}
    last = {name.rsplit(".", 1)[-1].strip("_") for name in symptom.identifiers}
    exact = {name: 2 * pool.rarity(pool.names, name) * names[name] for name in last & names.keys() if len(name) >= SHORTEST}
    found = {**shared, **exact}
    if found:
        value = squash(math.fsum(found[key] for key in sorted(found)), 10.0) * min(1.0, FEW_WORDS / len(worth or names))
        rarest = dict.fromkeys(where[word][-80:] for word in sorted(found, key=lambda word: (-found[word], word))[:3])
        detail = f"the step of {landed.package} touched files named in words of the symptom: {', '.join(rarest)}"
        yield Feature("touched_paths", value, detail, landed.comparison.url)
