"""`blame` online, against a package index and a forge that are real servers on loopback."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

import lockblame
from lockblame.client import Client
from lockblame.report import render
from tests.servers.github import GitHub, record
from tests.servers.loopback import Answer, Asked, Server

SYMPTOM = "since the deploy the workers wait ten seconds between two messages although the queue is full"
METADATA = {
    ("celery", "5.3.4"): "Requires-Dist: kombu>=5.3.2,<6.0\nProject-URL: Source, https://bitbucket.example/celery/celery\n",
    ("celery", "5.3.1"): "Requires-Dist: kombu>=5.3.1,<6.0\n",
    ("kombu", "5.3.2"): "",
    ("kombu", "5.3.1"): "",
}
UPLOADED = {"5.3.1": "2023-06-18T09:00:00Z", "5.3.2": "2023-08-31T20:00:00Z", "5.3.4": "2023-09-03T10:00:00Z"}


def index(asked: Asked) -> Answer:
    """A PEP 691 index with celery and kombu, metadata files beside their wheels (PEP 658)."""
    kind, _, rest = asked.path.strip("/").partition("/")
    if kind == "simple" and rest in ("celery", "kombu"):
        versions = [version for name, version in METADATA if name == rest]
        files = [
            {
                "filename": f"{rest}-{version}-py3-none-any.whl",
                "url": f"/files/{rest}-{version}-py3-none-any.whl",
                "hashes": {},
                "core-metadata": True,
                "upload-time": UPLOADED[version],
                "yanked": "broke SQS" if (rest, version) == ("kombu", "5.3.2") else False,
            }
            for version in versions
        ]
        body = {"meta": {"api-version": "1.1"}, "name": rest, "versions": versions, "files": files}
        return Answer(body=json.dumps(body).encode(), kind="application/vnd.pypi.simple.v1+json")
    if kind == "files" and rest.endswith(".metadata"):
        name, version = rest.split("-")[:2]
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{METADATA[name, version]}\n"
        return Answer(body=text.encode(), kind="binary/octet-stream")
    return Answer(status=404, body=b"not here", kind="text/plain")


def issues() -> list[dict[str, object]]:
    make = {"repository": "celery/kombu"}
    culprit = record(
        1783,
        created="2023-09-04T16:09:02Z",
        title="SQS workers wait out the long poll since 5.3.2",
        body="After every message the worker waits ten seconds although the queue is full. 5.3.1 was fine.",
        **make,
    )
    others = [
        record(1700 + number, created=f"2023-09-{number:02}T10:00:00Z", title="Docs: a typo", body="Nothing.", **make)
        for number in range(5, 25)
    ]
    return [culprit, *others]


class World:
    """Two locks of one service, an index and a forge."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.index = stack.enter_context(Server(index))
        self.forge = stack.enter_context(GitHub(issues(), repository="celery/kombu"))
        for side, celery, kombu in (("before", "5.3.1", "5.3.1"), ("after", "5.3.4", "5.3.2")):
            (folder / side).mkdir()
            (folder / side / "uv.lock").write_text(self.lock(celery, kombu))
        (folder / "lockblame.toml").write_text(
            f'[upstreams]\nkombu = {{ url = "{self.forge.server.url}/celery/kombu", forge = "github" }}\n'
        )
        self.folder = folder

    def lock(self, celery: str, kombu: str) -> str:
        source = f'source = {{ registry = "{self.index.url}/simple" }}'
        return (
            'version = 1\n[[package]]\nname = "desk"\nversion = "1"\nsource = { virtual = "." }\n'
            'dependencies = [{ name = "celery" }]\n'
            f'[[package]]\nname = "celery"\nversion = "{celery}"\n{source}\ndependencies = [{{ name = "kombu" }}]\n'
            f'[[package]]\nname = "kombu"\nversion = "{kombu}"\n{source}\n'
        )

    def blame(self, **more) -> lockblame.Report:
        with Client(token="ghp_secret", cache=False, deadline=20, patience=1) as client:
            given = {"symptom": SYMPTOM, "config": self.folder / "lockblame.toml", "client": client, **more}
            return lockblame.blame(self.folder / "before" / "uv.lock", self.folder / "after" / "uv.lock", **given)


@pytest.fixture
def world(tmp_path):
    with ExitStack() as stack:
        yield World(tmp_path, stack)


def gaps(report: lockblame.Report) -> dict[str, str]:
    return {gap.subject: gap.reason for gap in report.gaps}


class TestOnline:
    def test_the_culprit_and_its_report_come_first(self, world):
        report = world.blame()
        assert report.suspects[0].change.name == "kombu"
        assert report.issues[0].issue.number == 1783
        assert report.conclusive
        said = " ".join(one.detail for one in report.issues[0].evidence)
        assert "kombu 5.3.2" in said

    def test_what_a_lock_does_not_say_is_asked_of_the_metadata(self, world):
        (kombu,) = world.blame().delta.get("kombu")
        assert kombu.reason.kind == "forced"
        assert "kombu>=5.3.2,<6.0" in kombu.reason.detail

    def test_a_yank_counts(self, world):
        evidence = world.blame().suspects[0].evidence
        assert any("yanked" in one.detail for one in evidence)

    def test_an_unknown_forge_is_a_gap_that_says_why(self, world):
        assert gaps(world.blame())["celery"] == "unknown-forge"

    def test_a_file_of_issues_stands_in_for_the_forge(self, world, tmp_path):
        (tmp_path / "issues.jsonl").write_text("\n".join(json.dumps(issue) for issue in issues()[:1]) + "\n")
        report = world.blame(issues=tmp_path / "issues.jsonl")
        assert not world.forge.server.asked
        assert [match.issue.number for match in report.issues] == [1783]

    def test_offline_asks_nobody(self, world):
        report = world.blame(offline=True)
        assert not world.index.asked + world.forge.server.asked
        assert gaps(report)["upstream"] == "offline"

    def test_without_a_symptom_the_changes_stand_by_themselves(self, world):
        report = world.blame(symptom=None)
        assert {suspect.change.name for suspect in report.suspects} == {"celery", "kombu"}

    def test_a_scorer_adds_one_more_evidence(self, world):
        report = world.blame(scorer=lambda symptom, text: 1.0 if "typo" in text else 0.0)
        assert any(one.kind == "scorer" for match in report.issues for one in match.evidence)


class TestEvidenceBundle:
    def test_the_same_report_offline_from_what_was_saved(self, world, tmp_path):
        online = world.blame(save_evidence=tmp_path / "kept")
        asked = len(world.index.asked)
        again = world.blame(evidence=tmp_path / "kept", config=None)
        assert len(world.index.asked) == asked
        assert render(again, "json") == render(online, "json")

    def test_it_holds_no_secret(self, world, tmp_path):
        world.blame(save_evidence=tmp_path / "kept")
        assert not [file for file in (tmp_path / "kept").iterdir() if "ghp_secret" in file.read_text()]

    def test_a_missing_file_is_a_gap(self, world, tmp_path):
        world.blame(save_evidence=tmp_path / "kept")
        (tmp_path / "kept" / "issues.jsonl").unlink()
        report = world.blame(evidence=tmp_path / "kept")
        assert report.issues == ()
        assert "missing-file" in gaps(report).values()


class TestTrouble:
    """The report always comes, and says what it had to do without."""

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (Answer(status=404), "not-found"),
            (Answer(status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}), "rate-limited"),
            (Answer(status=429, headers={"Retry-After": "600"}), "rate-limited"),
            (Answer(status=500), "bad-response"),
            (Answer(body=b"{half", kind="application/json"), "bad-response"),
            (Answer(body=b"<html>", kind="text/html"), "bad-response"),
        ],
    )
    def test_a_forge_that_does_not_answer(self, tmp_path, answer, reason):
        with ExitStack() as stack:
            world = World(tmp_path, stack)
            world.forge._before = lambda _: answer
            report = world.blame()
        # a limit is the host's, not the repository's
        subject = world.forge.server.host if reason == "rate-limited" else "celery/kombu"
        assert gaps(report)[subject] == reason
        assert report.suspects
        assert not report.conclusive

    @pytest.mark.parametrize("body", [b"rubbish", b'{"meta": 3, "files": 4}'])
    def test_an_index_that_talks_rubbish(self, tmp_path, body):
        with ExitStack() as stack:
            world = World(tmp_path, stack)
            bad = stack.enter_context(Server(lambda _: Answer(body=body, kind="application/vnd.pypi.simple.v1+json")))
            for side in ("before", "after"):
                path = tmp_path / side / "uv.lock"
                path.write_text(path.read_text().replace(world.index.url, bad.url))
            report = world.blame()
        assert gaps(report)["celery"] == "bad-response"
        assert report.issues[0].issue.number == 1783

    def test_a_server_that_is_not_there(self, tmp_path):
        with ExitStack() as stack:
            world = World(tmp_path, stack)
            world.index.__exit__()
            report = world.blame()
        assert {"celery", "kombu"} <= set(gaps(report))

    def test_more_issues_than_are_read_is_said(self, world):
        world.forge.records += [
            record(3000 + number, created="2023-10-01T00:00:00Z", title="Later", repository="celery/kombu")
            for number in range(400)
        ]
        report = world.blame()
        assert gaps(report)["celery/kombu"] == "left-out"
        assert report.issues[0].issue.number == 1783


def test_a_pin_from_elsewhere_is_a_gap(world):
    before = lockblame.read("left @ https://files.example/left-1.0-py3-none-any.whl\n", format="requirements")
    after = lockblame.read("left @ https://files.example/left-1.1-py3-none-any.whl\n", format="requirements")
    with Client(cache=False) as client:
        report = lockblame.blame(before, after, symptom="x y z", client=client)
    assert gaps(report)["left"] == "no-index"


class TestSeveralLocks:
    """A uv.lock names the index of each package, a requirements file exported from it doesn't."""

    @pytest.fixture
    def folder(self, tmp_path):
        def put(side: str, version: str, index: str) -> None:
            place = tmp_path / side
            place.mkdir()
            (place / "requirements.txt").write_text(f"kombu=={version}\n")
            (place / "uv.lock").write_text(
                'version = 1\n[[package]]\nname = "desk"\nversion = "1"\nsource = { virtual = "." }\n'
                'dependencies = [{ name = "kombu" }]\n'
                f'[[package]]\nname = "kombu"\nversion = "{version}"\nsource = {{ registry = "https://{index}/simple" }}\n'
            )

        put("before", "5.3.1", "index.example")
        put("after", "5.3.2", "index.example")
        put("elsewhere", "5.3.2", "another.example")
        return tmp_path

    def test_a_change_in_both_is_one_suspicion(self, folder):
        report = lockblame.blame(folder / "before", folder / "after", offline=True, repository=folder)
        assert len(report.delta) == 2
        assert [(str(one.change), one.probability) for one in report.suspects] == [("kombu 5.3.1 → 5.3.2", 1.0)]

    def test_it_is_told_of_the_file_that_it_stands_in(self, tmp_path):
        for side, version in (("before", "5.3.1"), ("after", "5.3.2")):
            (tmp_path / side / "requirements").mkdir(parents=True)
            (tmp_path / side / "requirements.txt").write_text("-r requirements/main.txt\n")
            (tmp_path / side / "requirements" / "main.txt").write_text(f"vine==5.0.0\nkombu=={version}\n")
        report = lockblame.blame(tmp_path / "before", tmp_path / "after", offline=True, repository=tmp_path)
        (suspect,) = report.suspects
        assert (suspect.change.lock, suspect.change.after.line) == ("requirements/main.txt", 2)

    def test_a_file_that_was_replaced_is_found_in_whichever_lock(self, tmp_path):
        def put(place: Path, digest: str, more: str = "") -> None:
            place.mkdir(parents=True)
            (place / "uv.lock").write_text(
                'version = 1\n[[package]]\nname = "desk"\nversion = "1"\nsource = { virtual = "." }\n'
                'dependencies = [{ name = "kombu" }]\n'
                '[[package]]\nname = "kombu"\nversion = "5.3.1"\nsource = { registry = "https://index.example/simple" }\n'
                f'sdist = {{ url = "https://files.example/kombu-5.3.1.tar.gz", hash = "sha256:{digest * 64}" }}\n{more}'
                '[[package]]\nname = "vine"\nversion = "5.0.0"\nsource = { registry = "https://index.example/simple" }\n'
                'dependencies = [{ name = "kombu" }]\n'
            )

        for side, more, digest in (("before", "", "a"), ("after", 'dependencies = [{ name = "vine" }]\n', "b")):
            put(tmp_path / side / "one", "a", more)
            put(tmp_path / side / "two", digest)
        report = lockblame.check(tmp_path / "before", tmp_path / "after", offline=True, repository=tmp_path)
        assert {change.kind for change in report.delta} == {"rescoped", "republished"}
        assert [one.path for one in report.violations if one.rule == "republished"] == ["two/uv.lock"]

    def test_but_not_the_one_that_goes_to_another_index(self, folder):
        report = lockblame.check(folder / "before", folder / "elsewhere", offline=True, repository=folder)
        assert [(one.rule, one.path) for one in report.violations if one.rule == "moved"] == [("moved", "uv.lock")]
