"""The gate: a policy's settings, each rule on a small delta, allowances, and the project's own use of what was removed."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lockblame
from lockblame import config, fields, policy, usage
from lockblame.delta import compare
from lockblame.errors import ConfigError
from lockblame.model import Allowance, Contents, Evidence, Issue, Match, Reason, Release, Snapshot, Source, Suspect, Use
from lockblame.policy import DEFAULTS, Policy
from lockblame.ranking import Candidate
from tests import repositories
from tests.examples import change
from tests.snapshots import lock as lock_of
from tests.snapshots import pin

NOW = datetime(2023, 9, 10, 12, tzinfo=UTC)
OUT = datetime(2023, 9, 1, 12, tzinfo=UTC)


def found(
    candidate: Candidate, rules: Policy | None = None, *, suspect: Suspect | None = None, uses: tuple[Use, ...] = ()
) -> list:
    suspects = [suspect or Suspect(change=candidate.change)]
    return list(policy.violations([candidate], suspects, uses, rules or Policy(), NOW))


def rules_of(candidate: Candidate, rules: Policy | None = None, **more: object) -> list[str]:
    return [one.rule for one in found(candidate, rules, **more)]  # type: ignore[arg-type]


def reported(**more: object) -> Suspect:
    facts = {
        "repository": "celery/kombu",
        "number": 1783,
        "title": "5.3.2 makes workers wait",
        "created_at": OUT + timedelta(days=2),
        "reactions": 9,
        "labels": ("bug",),
    }
    issue = Issue(**{**facts, **more})  # type: ignore[arg-type]
    names = Evidence(kind="versions", weight=4.0, detail="names kombu 5.3.2")
    return Suspect(change=change(), matches=(Match(issue=issue, package="kombu", evidence=(names,)),))


class TestRules:
    def test_a_harmless_step_is_let_through(self) -> None:
        assert rules_of(Candidate(change=change(), release=Release(name="kombu", version="5.3.2", uploaded=OUT))) == []

    def test_a_yanked_release_stops_and_says_why(self) -> None:
        release = Release(name="kombu", version="5.3.2", uploaded=OUT, yanked=True, yanked_reason="broke SQS")
        (one,) = found(Candidate(change=change(), release=release))
        assert (one.rule, one.stops) == ("yanked", True)
        assert "broke SQS" in one.detail

    def test_a_young_release_warns_until_it_has_the_age(self) -> None:
        release = Release(name="kombu", version="5.3.2", uploaded=NOW - timedelta(days=2))
        (one,) = found(Candidate(change=change(), release=release))
        assert (one.rule, one.severity, one.stops) == ("young", "warning", False)
        assert "2 days ago" in one.detail
        assert rules_of(Candidate(change=change(), release=release), Policy(min_age=timedelta(days=2))) == []

    def test_other_content_under_the_same_name(self) -> None:
        same = change(kind="republished", step=None, artifacts_changed=True, old="5.3.2")
        assert rules_of(Candidate(change=same)) == ["republished"]

    @pytest.mark.parametrize("kind", ["refiled", "rescoped"])
    def test_files_that_were_only_added_are_no_other_content(self, kind: str) -> None:
        assert rules_of(Candidate(change=change(kind=kind, step=None, artifacts_changed=True, old="5.3.2"))) == []

    def test_another_source_names_both_places(self) -> None:
        git = Source(kind="git", location="https://code.example/t", revision="a" * 40)
        moved = change(
            kind="moved", step=None, source_changed=True, before=pin("kombu 5.3.2"), after=pin("kombu 5.3.2", source=git)
        )
        (one,) = found(Candidate(change=moved))
        assert one.rule == "moved"
        assert one.detail == "kombu comes from git https://code.example/t now, not from the package index"

    @pytest.mark.parametrize(
        ("old", "new", "expected"), [("5.3.2", "5.3.2", ["moved"]), ("5.3.1", "5.3.2", []), ("", "", [])], ids=str
    )
    def test_another_commit_is_another_place_only_under_the_same_version(self, old: str, new: str, expected: list[str]) -> None:
        one, other = (Source(kind="git", location="https://code.example/t", revision=digit * 40) for digit in "ab")
        before, after = pin(f"kombu {old}".strip(), source=one), pin(f"kombu {new}".strip(), source=other)
        hits = found(Candidate(change=change(kind="moved", step=None, source_changed=True, before=before, after=after)))
        assert [hit.rule for hit in hits] == expected
        told = "git https://code.example/t at bbbbbbbbbbbb now, not from git https://code.example/t at aaaaaaaaaaaa"
        assert all(told in hit.detail for hit in hits)

    def test_a_step_back(self) -> None:
        assert rules_of(Candidate(change=change(old="5.3.2", new="5.3.1", kind="downgraded"))) == ["downgraded"]

    @pytest.mark.parametrize(("steps", "expected"), [(("epoch", "major"), []), (("minor",), ["big-step"])])
    def test_how_big_a_step_is_told_of_is_the_teams_choice(self, steps: tuple, expected: list[str]) -> None:
        assert rules_of(Candidate(change=change(new="5.4.0", step="minor")), Policy(steps=steps)) == expected

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("2024.12.14", "2025.1.31", []),
            ("20250506", "20251107", []),
            ("2023c", "2024a", []),
            ("1.9", "2023.1", ["big-step"]),
            ("24.2", "25.0", ["big-step"]),
            ("20250506123", "20260506123", ["big-step"]),
        ],
    )
    def test_a_version_that_is_a_day_takes_no_big_step_each_year(self, old: str, new: str, expected: list[str]) -> None:
        assert rules_of(Candidate(change=change(old=old, new=new, step="major"))) == expected

    def test_what_nobody_asked_for_is_noted(self) -> None:
        drifted = change(reason=Reason(kind="drifted", detail="the resolver took what was new"))
        assert rules_of(Candidate(change=drifted)) == ["transitive"]
        assert rules_of(Candidate(change=replace(drifted, direct=True))) == []
        assert rules_of(Candidate(change=change(new=None, reason=drifted.reason))) == []

    def test_a_lost_attestation_and_a_project_that_is_quarantined(self) -> None:
        release = Release(
            name="kombu", version="5.3.2", uploaded=OUT, attested=False, status="quarantined", status_reason="under review"
        )
        earlier = Release(name="kombu", version="5.3.1", attested=True)
        one, other = found(Candidate(change=change(), release=release, earlier=earlier))
        assert (one.rule, one.stops, other.rule) == ("project-status", True, "lost-attestation")
        assert "quarantined: under review" in one.detail

    @pytest.mark.parametrize("attested", [True, None])
    def test_nothing_is_lost_that_is_there_or_was_never_known(self, attested: bool | None) -> None:
        release = Release(name="kombu", version="5.3.2", uploaded=OUT, attested=attested, status="active")
        earlier = Release(name="kombu", version="5.3.1", attested=True)
        assert rules_of(Candidate(change=change(), release=release, earlier=earlier)) == []


PRIVATE, PUBLIC = "https://private.example/simple", "https://index.example/simple"


class TestIndexes:
    """A package that another index serves than before: what somebody who registers an internal name elsewhere waits for."""

    def moved(self, before: Snapshot, after: Snapshot) -> list[str]:
        delta = compare(before, after)
        candidates = [Candidate(change=one) for one in delta]
        quiet = Policy(levels={**DEFAULTS, "big-step": "off", "transitive": "off"})
        return [one.detail for one in policy.violations(candidates, (), (), quiet, NOW, delta)]

    def served(self, **places: str | None) -> Snapshot:
        pins = [pin(text.replace("_", " "), source=Source(location=place)) for text, place in places.items()]
        return lock_of(*pins, indexes=tuple(dict.fromkeys(place for place in places.values() if place)))

    @pytest.mark.parametrize("version", ["1", "99"])
    def test_one_package_from_another_index(self, version: str) -> None:
        before = self.served(acme_1=PRIVATE, core_1=PRIVATE, vine_1=PUBLIC)
        after = self.served(**{f"acme_{version}": PUBLIC, "core_1": PRIVATE, "vine_1": PUBLIC})
        assert self.moved(before, after) == [f"acme comes from the index {PUBLIC} now, not from the index {PRIVATE}"]

    def test_an_index_that_was_renamed_moved_nothing(self) -> None:
        before, after = (self.served(acme_1=place, core_1=place, vine_1=PUBLIC) for place in (PRIVATE, "https://new.example/"))
        assert self.moved(before, after) == []
        upgraded = self.served(acme_2="https://new.example/", core_1="https://new.example/", vine_1=PUBLIC)
        assert self.moved(before, upgraded) == []

    def test_the_index_that_a_lock_does_not_name_is_one_too(self) -> None:
        before, after = self.served(acme_1=PRIVATE, vine_1=None), self.served(acme_99=None, vine_1=None)
        assert self.moved(before, after) == [f"acme comes from the package index now, not from the index {PRIVATE}"]

    def test_a_lock_that_names_indexes_for_the_first_time_moved_nothing(self) -> None:
        before, after = self.served(acme_1=None, vine_1=None), self.served(acme_2=PUBLIC, vine_1=PUBLIC)
        assert self.moved(before, after) == []


class TestKnownRegression:
    release = Release(name="kombu", version="5.3.2", uploaded=OUT)

    def ask(self, suspect: Suspect, rules: Policy | None = None) -> list[str]:
        return rules_of(Candidate(change=change(), release=self.release), rules, suspect=suspect)

    def test_a_report_with_many_reactions_stops(self) -> None:
        assert self.ask(reported()) == ["known-regression"]

    def test_discussion_counts_as_well(self) -> None:
        assert self.ask(reported(reactions=0, comments=30)) == ["known-regression"]

    @pytest.mark.parametrize(
        "facts",
        [
            {"reactions": 1},
            {"pull_request": True},
            {"created_at": OUT - timedelta(days=9)},
            {"state": "closed", "created_at": OUT + timedelta(days=1), "updated_at": NOW - timedelta(days=200)},
            {"title": "How do I set the prefetch count with 5.3.2?", "labels": ("question",)},
        ],
    )
    def test_what_is_no_known_regression(self, facts: dict[str, object]) -> None:
        assert self.ask(reported(**facts), Policy(recent=timedelta(days=5))) == []

    @pytest.mark.parametrize(
        "title", ["5.3.2: regression in SQS", "Hangs after upgrading to 5.3.2", "Broken since the update to 5.3.2"]
    )
    def test_words_blame_the_step_without_a_label(self, title: str) -> None:
        assert self.ask(reported(title=title, labels=())) == ["known-regression"]


class TestRemovedNames:
    SOURCE = "import kombu.transport as t\nfrom kombu import Queue as Q\n\nq = Q('x', durable=True)\nt.SQS.Channel().close()\n"

    def test_names_are_followed_through_their_aliases(self) -> None:
        uses = {(one.name, one.line) for one in usage.uses(self.SOURCE, "app.py")}
        assert {("kombu.Queue", 2), ("kombu.Queue.durable", 4), ("kombu.transport.SQS.Channel", 5)} <= uses

    @pytest.mark.parametrize(
        ("removed", "line"),
        [("kombu.Queue", 2), ("kombu.Queue.durable", 4), ("kombu.transport.SQS", 5), ("kombu.Exchange", None)],
    )
    def test_a_removed_name_is_told_with_its_place(self, removed: str, line: int | None) -> None:
        candidate = Candidate(change=change(), contents=Contents(removed=(removed,)))
        hits = found(candidate, uses=usage.uses(self.SOURCE, "app.py"))
        assert [(one.rule, one.path, one.line) for one in hits] == ([("removed-api", "app.py", line)] if line else [])

    @pytest.mark.parametrize(
        "text",
        [
            "try:\n    from kombu import Queue\nexcept ImportError:\n    from old import Queue\nQueue('x')\n",
            "try:\n    from kombu import Queue\nexcept (ValueError, ModuleNotFoundError):\n    Queue = None\nQueue('x')\n",
            "try:\n    from kombu import Queue\nexcept:\n    Queue = None\n",
            "import contextlib\nwith contextlib.suppress(ImportError):\n    from kombu import Queue\n",
            "import typing\nif typing.TYPE_CHECKING:\n    from kombu import Queue\ndef f(q: 'Queue'): ...\n",
            "import kombu\ntry:\n    q = kombu.Queue(name=1)\nexcept AttributeError:\n    q = None\n",
        ],
    )
    def test_what_the_project_can_do_without_is_no_use(self, text: str) -> None:
        assert not [one for one in usage.uses(text, "app.py") if one.name.startswith("kombu.Queue")]

    @pytest.mark.parametrize(
        "text",
        [
            "try:\n    from kombu import Queue\nexcept ValueError:\n    pass\n",
            "try:\n    pass\nexcept ImportError:\n    from kombu import Queue\n",
            "import kombu\ntry:\n    q = kombu.Queue()\nexcept Exception:\n    pass\n",
            "if DEBUG:\n    from kombu import Queue\n",
            "with open('x'):\n    from kombu import Queue\n",
        ],
    )
    def test_what_breaks_all_the_same_is_one(self, text: str) -> None:
        assert "kombu.Queue" in {one.name for one in usage.uses(text, "app.py")}

    @given(st.text(max_size=200))
    def test_whatever_the_source_holds_it_is_read_without_complaint(self, text: str) -> None:
        assert isinstance(usage.uses(text, "x.py"), tuple)

    @pytest.mark.parametrize("text", ["(" * 5000, "x = " + "-" * 20_000 + "1", "def f(:\n", "'\\d'\n", "a" * 1_000_001])
    def test_hostile_source_is_no_use(self, text: str) -> None:
        assert usage.uses(text, "x.py") == ()


class TestAllowances:
    yanked = Candidate(change=change(), release=Release(name="kombu", version="5.3.2", yanked=True, uploaded=OUT))

    def allowed(self, **more: object) -> Policy:
        facts = {"package": "kombu", "reason": "only its metadata was wrong", "expires": date(2023, 9, 10)}
        return Policy(allowances=(Allowance(**{**facts, **more}),))  # type: ignore[arg-type]

    @pytest.mark.parametrize("narrowed", [{}, {"rule": "yanked"}, {"versions": "==5.3.2"}, {"versions": "<6", "rule": "yanked"}])
    def test_it_holds_through_its_last_day(self, narrowed: dict[str, object]) -> None:
        (one,) = found(self.yanked, self.allowed(**narrowed))
        assert not one.stops
        assert one.excuse is not None

    @pytest.mark.parametrize("narrowed", [{"rule": "young"}, {"versions": "==5.3.3"}, {"package": "celery"}])
    def test_it_covers_nothing_else(self, narrowed: dict[str, object]) -> None:
        (one,) = found(self.yanked, self.allowed(**narrowed))
        assert one.stops

    def test_an_expired_one_is_mentioned_and_does_not_help(self) -> None:
        (one,) = found(self.yanked, self.allowed(expires=date(2023, 9, 9)))
        assert one.stops
        assert "expired on 2023-09-09: only its metadata was wrong" in one.detail

    def test_a_version_that_is_none_is_not_covered_by_a_specifier(self) -> None:
        odd = replace(self.yanked, change=change(new="weird-version"))
        assert found(odd, self.allowed(versions=">=0"))[0].stops


class TestSettings:
    def parsed(self, text: str) -> Policy:
        found = config.parse(text, "lockblame.toml").policy
        assert found is not None
        return found

    def test_everything_can_be_set(self) -> None:
        rules = self.parsed(
            '[policy]\nyoung = "error"\nyanked = "off"\nmin-age = "2 weeks"\nreactions = 0\nrecent = 30\nsteps = ["minor"]\n'
            '[[policy.allow]]\npackage = "Kombu"\nrule = "young"\nversions = "==5.3.2"\nreason = "r"\nexpires = 2026-12-31\n'
        )
        assert (rules.severity("young"), rules.severity("yanked")) == ("error", None)
        assert (rules.min_age, rules.recent) == (timedelta(days=14), timedelta(days=30))
        assert (rules.reactions, rules.steps) == (0, ("minor",))
        assert rules.allowances[0].package == "kombu"

    def test_an_empty_table_means_the_defaults(self) -> None:
        assert self.parsed("[policy]\n") == Policy()
        assert set(Policy().levels) == set(DEFAULTS)

    @pytest.mark.parametrize(
        ("text", "line", "said"),
        [
            ('[policy]\nyong = "error"\n', 2, "policy.yong is no rule or setting of a policy (it knows known-regression, yanked"),
            ('[policy]\n\nyoung = "fatal"\n', 3, "policy.young is none of error, warning, note, off"),
            ("[policy]\nyoung = true\n", 2, "policy.young is none of error, warning, note, off"),
            ('[policy]\nmin-age = "soon"\n', 2, 'policy.min-age is no span of time such as "3 days"'),
            ("[policy]\nreactions = -1\n", 2, "policy.reactions should not be negative"),
            ('[policy]\nsteps = ["huge"]\n', 2, "policy.steps[0] is none of"),
            ('[[policy.allow]]\npackage = "a"\nexpires = 2026-01-01\n', 1, "policy.allow[0].reason is missing"),
            (
                '[[policy.allow]]\npackage = "a"\nreason = "r"\n',
                1,
                "policy.allow[0].expires is missing: an allowance ends some day",
            ),
            (
                '[[policy.allow]]\npackage = "a"\nreason = "r"\nexpires = 2026-01-01\n'
                '[[policy.allow]]\npackage = "b"\nreason = " "\nexpires = 2026-01-01\n',
                7,
                "policy.allow[1].reason is empty",
            ),
            ('[[policy.allow]]\npackage = "a"\nreason = "r"\nexpires = "one day"\n', 4, "policy.allow[0].expires is no day"),
            ('[[policy.allow]]\npackage = "a"\nversions = "five"\n', 3, "policy.allow[0]"),
            ('[[policy.allow]]\nreason = "r"\npackage = "a*"\n', 3, "policy.allow[0].package is no name of a package"),
            (
                '\n[polciy]\nyoung = "error"\n',
                2,
                "polciy is no setting of lockblame; it knows [upstreams], [lexicon], [policy] and",
            ),
            ('[[policy.allow]]\npackage = "a"\nwhy = "x"\n', 3, "policy.allow[0].why is no key of an allowance (it has package,"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_line_and_what_is_allowed(self, text: str, line: int, said: str) -> None:
        with pytest.raises(ConfigError) as caught:
            config.parse(text, "lockblame.toml")
        assert said in str(caught.value)
        if "versions" not in text:
            assert f"line {line}" in str(caught.value)

    def test_the_place_in_a_pyproject(self) -> None:
        with pytest.raises(ConfigError, match=r"pyproject.toml, line 5: tool.lockblame.policy.young is none of"):
            config.parse('[project]\nname = "x"\n\n[tool.lockblame.policy]\nyoung = "x"\n', "pyproject.toml")

    @given(
        st.dictionaries(st.text(max_size=8) | st.sampled_from([*DEFAULTS, "allow", "steps"]), st.integers() | st.text(max_size=5))
    )
    def test_any_table_is_a_policy_or_a_clear_refusal(self, table: dict[str, object]) -> None:
        try:
            parsed: object = policy.parse(table, "policy")
        except fields.FieldError as error:
            parsed = error.place
        assert isinstance(parsed, Policy) or str(parsed).startswith("policy.")


LOCK = """version = 1
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "kombu" }}]

[[package]]
name = "kombu"
version = "{version}"
source = {{ registry = "https://index.example/simple" }}
wheels = [{{ url = "https://files.example/kombu-{version}-py3-none-any.whl", hash = "sha256:{digest}" }}]
"""


def lock(version: str, digest: str = "11") -> str:
    return LOCK.format(version=version, digest=digest * 32)


class TestCheck:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        top = repositories.start(tmp_path / "project")
        files = {"uv.lock": lock("5.3.1"), "worker.py": "from kombu.transport import SQS\n\nSQS.Channel.drain()\n"}
        repositories.commit(top, files, tag="v1")
        repositories.commit(top, {"uv.lock": lock("5.3.2")}, tag="v2")
        return top

    @pytest.fixture
    def evidence(self, tmp_path: Path) -> Path:
        folder = tmp_path / "evidence"
        folder.mkdir()
        release = {"name": "kombu", "version": "5.3.2", "uploaded": "2023-09-01T00:00:00Z"}
        (folder / "releases.jsonl").write_text(json.dumps(release) + "\n")
        (folder / "issues.jsonl").write_text("")
        removed = {"name": "kombu", "before": "5.3.1", "after": "5.3.2", "removed": ["kombu.transport.SQS.Channel.drain"]}
        (folder / "contents.jsonl").write_text(json.dumps(removed) + "\n")
        return folder

    def test_a_removed_name_that_the_committed_source_uses(self, project: Path, evidence: Path) -> None:
        (project / "worker.py").write_text("")
        report = lockblame.check("v1", "v2", repository=project, evidence=evidence, as_of=NOW)
        assert [(one.rule, one.path, one.line, one.stops) for one in report.violations] == [("removed-api", "worker.py", 3, True)]

    def test_the_work_tree_is_read_as_it_lies_there(self, project: Path, evidence: Path) -> None:
        (project / "worker.py").write_text("\n\nimport kombu\nkombu.transport.SQS.Channel.drain\n")
        report = lockblame.check("v1", repository=project, evidence=evidence, as_of=NOW)
        assert [(one.path, one.line) for one in report.violations] == [("worker.py", 4)]

    def test_the_policy_is_found_beside_the_locks_or_named(self, project: Path, evidence: Path) -> None:
        (project / "lockblame.toml").write_text('[policy]\nremoved-api = "off"\nmin-age = 30\n')
        named = project / "strict.toml"
        named.write_text('[policy]\nremoved-api = "note"\n')
        found = lockblame.check("v1", "v2", repository=project, evidence=evidence, as_of=NOW)
        other = lockblame.check("v1", "v2", repository=project, evidence=evidence, as_of=NOW, policy=named)
        assert [one.rule for one in found.violations] == ["young"]
        assert [(one.rule, one.severity) for one in other.violations] == [("removed-api", "note")]

    def test_a_file_that_is_named_and_has_no_policy_is_refused(self, project: Path, evidence: Path) -> None:
        (project / "pyproject.toml").write_text("[project]\nname = 'app'\n")
        with pytest.raises(ConfigError, match=r"pyproject.toml: has no policy, the table \[tool.lockblame.policy\]"):
            lockblame.check("v1", "v2", repository=project, evidence=evidence, policy=project / "pyproject.toml")

    def test_the_place_in_the_lock_is_told(self, project: Path, evidence: Path) -> None:
        rules = Policy(levels={**DEFAULTS, "removed-api": "off"}, min_age=timedelta(days=30))
        report = lockblame.check("v1", "v2", repository=project, evidence=evidence, as_of=NOW, policy=rules)
        assert [(one.path, one.line) for one in report.violations] == [("uv.lock", 10)]

    def test_the_report_travels(self, project: Path, evidence: Path) -> None:
        report = lockblame.check("v1", "v2", repository=project, evidence=evidence, as_of=NOW)
        assert pickle.loads(pickle.dumps(report)).violations == report.violations  # noqa: S301 (our own)
