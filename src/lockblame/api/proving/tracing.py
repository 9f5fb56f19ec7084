"""The upstream commit that made a culprit bad, by the same search: each is built, installed and tried among the bad pins.

The commits between two releases are walked along the main line (first parents): each is a state that the project once had as a
whole, and they follow each other, so that halving is sound. When the first bad one merged a branch, that branch is walked too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lockblame import bisection
from lockblame.api.proving.clones import Clone
from lockblame.api.proving.standing_in import Place
from lockblame.errors import ReadError, RevisionError, TrialFailed
from lockblame.forges.tags import chosen
from lockblame.git import ancestry
from lockblame.git.export import export
from lockblame.model import Commit, Drill, FirstBad, Gap, Pin, Repository, Source, Trial, Verdict, normalize
from lockblame.trial import Stopped

STAGE = "trying upstream commits"
_MERGES = 50
"""Merges inside of merges that are looked into."""
_LARGEST = 2**20
"""Bytes of a project file."""

Step = tuple[Commit, tuple[str, ...]]


def traced(place: Place, drill: Drill, clone: Clone) -> FirstBad | None:
    """The first bad commit between what the two releases of the drill were made from; None, with a gap, when it can't be had.

    Raises Stopped before both ends were tried, and the errors of git and of trials that say nothing.
    """
    return _Trace(place, drill, clone).run()


@dataclass
class _Trace:
    place: Place
    drill: Drill
    clone: Clone
    tested: list[Trial] = field(default_factory=list)

    def run(self) -> FirstBad | None:
        ends = self._ends()
        if ends is None:
            return None
        good, bad = ends
        checkout = self.clone.checkout
        base = checkout.merge_base(good, bad)
        if base is None:
            way_out = "fetch the rest: git fetch --unshallow --tags" if checkout.shallow else None
            self._none("no-history", f"{good[:12]} and {bad[:12]} have no commit in common in {self._where}", way_out)
            return None
        if base == good:
            return self._forward(base, bad)
        if base == bad:
            return self._backward(good, base)
        return self._forked(good, base, bad)

    # --- the ends ----------------------------------------------------------------------------------------------------

    def _ends(self) -> tuple[str, str] | None:
        """The commits that the good and the bad release were made from."""
        culprit = self.place.culprit
        if culprit.before is not None and culprit.before.source.kind == "git" and culprit.after is not None:
            revisions = (culprit.before.source.revision or "", culprit.after.source.revision or "")
            one, other = (self.clone.checkout.commit(revision) for revision in revisions)
            return one, other
        tags = ancestry.tags(self.clone.checkout)
        upstream = _upstream(self.clone)
        choice = chosen(tags, self.drill.name, self.drill.good, self.drill.bad, upstream.path if upstream else "")
        found = []
        for version, tag in ((self.drill.good, choice.before), (self.drill.bad, choice.after)):
            if tag is None:
                way_out = "is this its repository?" if tags else "fetch them: git fetch --tags"
                self._none("no-tag", f"no tag of {version} among {len(tags)} in {self._where}", way_out)
                return None
            found.append(ancestry.tagged(self.clone.checkout, tag))
        if found[0] == found[1]:
            self._none("no-history", f"{self.drill.good} and {self.drill.bad} are one commit in {self._where}")
            return None
        return found[0], found[1]

    @property
    def _where(self) -> str:
        return self.clone.address or str(self.clone.checkout.folder)

    def _none(self, reason: str, detail: str, way_out: str | None = None) -> None:
        gap = Gap(subject=self.drill.name, reason=reason, detail=f"its commits weren't searched: {detail}", hint=way_out)
        self.place.trials.note(gap)

    def _is(self, commit: str, wanted: Verdict, what: str) -> bool:
        """Whether an end is as its release is; a gap when it isn't."""
        trial = self._tried(commit)
        if trial.verdict == wanted:
            return True
        if trial.verdict == "untestable":
            self._none("untestable", f"{what} ({commit[:12]}) can't be tested: {trial.detail}")
        else:
            self._none("source-differs", f"{what} ({commit[:12]}) is {trial.verdict}, the release itself is {wanted}")
        return False

    # --- the ways ----------------------------------------------------------------------------------------------------

    def _forward(self, good: str, bad: str) -> FirstBad | None:
        """From an old good commit to a new bad one; merges are looked into."""
        if not self._is(bad, "bad", f"the commit of {self.drill.bad}"):
            return None
        if not self._is(good, "good", f"what is before {self.drill.bad}"):
            return None
        steps = ancestry.mainline(self.clone.checkout, good, bad)
        between = len(steps)
        line, stopped = self._walked([good, *(step[0].hash for step in steps)])
        left = steps[line.good : line.bad]
        last_good = left[0][1][0] if line.good and left[0][1] else good
        for _ in range(_MERGES):
            if stopped is not None or len(left) != 1 or len(left[0][1]) != 2:
                break
            merge = left[0]
            first, second = merge[1]
            inside = (*ancestry.mainline(self.clone.checkout, first, second), merge)
            line, stopped = self._walked([first, *(step[0].hash for step in inside)])
            between += len(inside) - 1
            left = inside[line.good : line.bad]
            last_good = first if not line.good else inside[line.good - 1][0].hash
            if left[-1] is merge:
                break
        return self._answer([step[0] for step in left], last_good, bad, between, stopped=stopped)

    def _backward(self, good: str, bad: str) -> FirstBad | None:
        """From a new good commit back to an old bad one: what the old one lacks."""
        if not self._is(bad, "bad", f"what is before {self.drill.good}"):
            return None
        if not self._is(good, "good", f"the commit of {self.drill.good}"):
            return None
        steps = ancestry.mainline(self.clone.checkout, bad, good)[::-1]
        line, stopped = self._walked([*(step[0].hash for step in steps), bad])
        left = [step[0] for step in steps[line.good : line.bad]][::-1]
        return self._answer(left, left[0].hash, bad, len(steps), stopped=stopped, repairs=True)

    def _forked(self, good: str, base: str, bad: str) -> FirstBad | None:
        """Releases of two branches: what they have in common tells on which of them it happened."""
        if not self._is(bad, "bad", f"the commit of {self.drill.bad}"):
            return None
        if not self._is(good, "good", f"the commit of {self.drill.good}"):
            return None
        verdict = self._tried(base).verdict
        if verdict == "untestable":
            detail = (
                f"the last commit that both releases come from ({base[:12]}) can't be tested: on which side it is isn't known"
            )
            self._none("untestable", detail)
            return None
        return self._forward(base, bad) if verdict == "good" else self._backward(good, base)

    def _walked(self, commits: Sequence[str]) -> tuple[bisection.Line, str | None]:
        """Where a row of commits, the first good and the last bad, turns; and why it was stopped before that was known."""
        progress = self.place.trials.progress
        progress.begin(STAGE, max(1, (len(commits) - 2).bit_length()))
        known: dict[int, Verdict] = {}
        stopped: str | None = None
        try:
            while (number := bisection.following_place(len(commits), known)) is not None:
                known[number] = self._tried(commits[number]).verdict
                progress.step(STAGE, known[number])
        except Stopped as reason:
            stopped = reason.reason
            self.place.trials.stopped(f"the search of {self.drill.name}'s commits", reason)
        finally:
            progress.end(STAGE)
        return bisection.boundary(len(commits), known), stopped

    def _answer(
        self, commits: Sequence[Commit], good: str, bad: str, between: int, *, stopped: str | None, repairs: bool = False
    ) -> FirstBad:
        return FirstBad(
            commits=tuple(commits),
            good=good,
            bad=bad if repairs else commits[-1].hash,
            between=between,
            repairs=repairs,
            url=_url(self.clone, commits[0].hash if len(commits) == 1 else None),
            stopped=stopped,
            trials=tuple(self.tested),
        )

    # --- one commit --------------------------------------------------------------------------------------------------

    def _tried(self, commit: str) -> Trial:
        known = next((trial for trial in self.tested if trial.commit == self.clone.key(commit)), None)
        if known is not None:
            return known
        trial = self.place.trial(lambda: self._built(commit), commit=self.clone.key(commit))
        self.tested.append(trial)
        self.place.trials.progress.note(f"{self.drill.name} at {commit[:12]}: {trial.verdict} ({trial.detail})")
        return trial

    def _built(self, commit: str) -> Pin:
        """The culprit's pin as a wheel of that commit."""
        places, pin = self.place.trials.places, self.place.culprit.after
        if pin is None:
            raise TrialFailed("environment", "there is nothing to stand in for")
        scratch = places.home / "exports"
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
            try:
                export(self.clone.checkout, commit, Path(folder) / "source")
                home = self._home(commit)
            except RevisionError:
                raise
            except ReadError as error:
                raise TrialFailed("environment", f"can't be exported: {error}") from error
            key = f"{normalize(pin.name)} {home} {self.clone.key(commit)}"
            wheel = places.build(Path(folder) / "source" / home, key, name=pin.name, version=pin.version or "0")
        if normalize(wheel.name.partition("-")[0]) != normalize(pin.name):
            raise TrialFailed("environment", f"what is built there is {wheel.name}; say where {pin.name} is: #subdirectory=PATH")
        return replace(pin, source=Source(kind="path", location=str(wheel)), artifacts=())

    def _home(self, commit: str) -> str:
        """The folder of the package in that commit: named by the caller or by project files, else the top."""
        if self.clone.subdirectory is not None:
            return _inside(self.clone.subdirectory)
        checkout = self.clone.checkout
        files = bisection.project_files(checkout.paths(commit))
        with checkout.contents(limit=_LARGEST) as contents:
            texts: Mapping[str, str] = {
                path: found.decode("utf-8", "replace") for path in files if (found := contents.show(commit, path)) is not None
            }
        return bisection.home(self.drill.name, texts) or ""


def _inside(subdirectory: str) -> str:
    parts = [part for part in subdirectory.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in subdirectory:
        raise RevisionError(subdirectory, "isn't a folder inside of the repository")
    return "/".join(parts)


def _upstream(clone: Clone) -> Repository | None:
    from lockblame.upstream import parse_repository

    return parse_repository(clone.address) if clone.address else None


def _url(clone: Clone, commit: str | None) -> str | None:
    """Where a browser finds the commit, or the repository."""
    found = _upstream(clone)
    if found is None or commit is None:
        return found.url if found else None
    return f"{found.url}/{'-/' if found.forge == 'gitlab' else ''}commit/{commit}"
