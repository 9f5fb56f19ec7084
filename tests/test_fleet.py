"""Many services at once: the same answers by every kind of executor, upstream asked once, errors that stay where they are."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

import lockblame
from lockblame import Client, Policy, Progress, Service
from lockblame.api import fleet as fleets
from lockblame.api.asking.evidence import Knowledge
from lockblame.api.asking.tracking import _together
from lockblame.api.fleets.pooling import Pool, Wants
from lockblame.errors import LockParseError, NotFound, ReadError, RevisionError, SymptomError
from lockblame.flow import Flow, Request, Response
from lockblame.forges.github.survey import Wanted
from lockblame.model import Change, Gap, Issue, Pin, Release, Repository, Snapshot, Source
from tests import repositories
from tests.fleets import SYMPTOM, TOKEN, Fleet
from tests.servers.loopback import Answer as Reply
from tests.servers.loopback import Asked, Server

LINE = json.loads((Path(__file__).parents[1] / "docs" / "reference" / "fleet.schema.json").read_text(encoding="utf-8"))
AS_OF = datetime(2023, 9, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def thirty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Thirty services; who counts requests clears the counts first."""
    with ExitStack() as stack:
        yield Fleet(tmp_path_factory.mktemp("fleet"), stack, services=30, packages=12)


@pytest.fixture(scope="module")
def here(thirty: Fleet) -> list[lockblame.Answer[lockblame.Report]]:
    """What this process finds by itself."""
    return blamed(thirty)


@pytest.fixture
def fleet(thirty: Fleet) -> Fleet:
    thirty.index.asked.clear()
    thirty.forge.server.asked.clear()
    return thirty


def blamed(fleet: Fleet, executor: Executor | None = None, **more) -> list[lockblame.Answer[lockblame.Report]]:
    with fleet.client() as client:
        given = {"symptom": SYMPTOM, "client": client, **more}
        return list(lockblame.blame_each(fleet.services, executor=executor, **given))


def documents(answers) -> list[dict]:
    return [lockblame.to_dict(answer.result()) for answer in answers]


@contextmanager
def dask() -> Iterator[Executor]:
    """Two worker processes of a real cluster on loopback."""
    from distributed import Client as Cluster
    from distributed import LocalCluster

    # any free port: without an address the scheduler takes a fixed one, and two clusters of parallel tests meet there
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    with LocalCluster(processes=True, **settings) as cluster, Cluster(cluster) as connected, connected.get_executor() as executor:
        yield executor


@contextmanager
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


@contextmanager
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def _ask(url: str) -> Flow[Response]:
    return (yield Request(url=url, subject="kombu"))


def _ask_for_what_is_not_there() -> None:
    with Server(lambda _: Reply(status=404)) as server, Client(cache=False, patience=0) as client:
        client.run(_ask(server.url))


class TestExecutors:
    @pytest.mark.parametrize("kind", [threads, processes, dask])
    def test_the_same_answers_from_each_kind(self, here, fleet, kind):
        with kind() as executor:
            there = blamed(fleet, executor)
        assert [str(one.service) for one in there] == [f"svc-{number:03}" for number in range(30)]
        assert documents(there) == documents(here)
        # every page and every repository once for thirty services
        assert set(fleet.pages.values()) == {1}
        assert len(fleet.pages) == 12
        assert fleet.repositories == dict.fromkeys(fleet.names, 1)

    def test_what_an_index_refuses_comes_back_from_a_cluster(self):
        with dask() as executor:
            raised = executor.submit(_ask_for_what_is_not_there).exception()
        assert isinstance(raised, NotFound)
        assert (raised.subject, raised.status) == ("kombu", 404)

    def test_each_answer_is_what_blame_says_of_the_service_alone(self, here, fleet):
        answers = here
        with fleet.client() as client:
            for answer in (answers[0], answers[17]):
                one = answer.service
                alone = lockblame.blame(one.before, one.after, repository=one.repository, symptom=SYMPTOM, client=client)
                assert answer.result() == alone
        assert answers[0].result().suspects[0].change.name == "part-0"
        assert answers[0].result().issues[0].issue.number == 100
        assert answers[0].result().conclusive

    def test_without_a_token_too_each_repository_is_listed_once(self, fleet):
        with fleet.client(tokens={}) as client:
            list(lockblame.blame_each(fleet.services, client=client))
        assert fleet.repositories == dict.fromkeys(fleet.names, 1)

    def test_diff_by_processes(self, fleet):
        with processes() as executor:
            answers = list(lockblame.diff_each(fleet.services, executor=executor))
        for answer in answers:
            one = answer.service
            assert answer.result() == lockblame.diff(one.before, one.after, repository=one.repository)
        assert not fleet.index.asked + fleet.forge.server.asked

    @pytest.mark.parametrize("kind", [processes, dask])
    def test_a_password_in_a_lock_stays_out_of_what_workers_send(self, tmp_path, fleet, kind):
        """It is read again where upstream is asked."""

        def guarded(asked: Asked) -> Reply:
            known = asked.headers.get("authorization") == "Basic " + b64encode(b"me:pa55").decode()
            return fleet._page(asked) if known else Reply(status=401)

        with Server(guarded) as index, kind() as executor, fleet.client() as client:
            address = index.url.replace("://", "://me:pa55@")
            for side, version in (("before", "1.0"), ("after", "1.1")):
                (tmp_path / side).mkdir()
                lock = f"--index-url {address}/simple\npart-0=={version}\n"
                (tmp_path / side / "requirements.txt").write_text(lock)
            service = Service(before="before", after="after", repository=tmp_path)
            read = executor.submit(fleets._wanted, service).result()
            assert isinstance(read, Wants)
            assert read.forgetful
            assert b"pa55" not in pickle.dumps(fleets._wanted(service))
            (answer,) = lockblame.blame_each([service], symptom=SYMPTOM, executor=executor, client=client)
            alone = lockblame.blame("before", "after", symptom=SYMPTOM, repository=tmp_path, client=client)
        assert answer.result() == alone
        assert alone.suspects[0].releases
        assert "access-refused" not in {gap.reason for gap in alone.gaps}

    def test_check_by_threads(self, fleet):
        policy = Policy(min_age=timedelta(days=30))
        with threads() as executor, fleet.client() as client:
            answers = list(lockblame.check_each(fleet.services, policy=policy, executor=executor, client=client, as_of=AS_OF))
            assert fleet.repositories == dict.fromkeys(fleet.names, 1)
            one = answers[3].service
            alone = lockblame.check(one.before, one.after, repository=one.repository, policy=policy, client=client, as_of=AS_OF)
        assert answers[3].result() == alone
        assert "young" in {found.rule for found in alone.violations}

    def test_leaving_early_hands_over_no_more(self, fleet):
        begun: list[object] = []

        class Counting(ThreadPoolExecutor):
            def submit(self, function, *arguments):
                begun.append(arguments)
                return super().submit(function, *arguments)

        with Counting(1) as executor:
            answers = lockblame.diff_each(fleet.services * 100, executor=executor)
            next(answers)
            answers.close()
        assert len(begun) <= fleets._AHEAD

    def test_no_token_goes_to_a_worker_and_none_comes_back(self, fleet):
        sent: list[bytes] = []

        class Carrying(Executor):
            """Hands everything over as bytes, as executors elsewhere do."""

            def submit(self, function, *arguments):
                sent.append(pickle.dumps((function, arguments)))
                future: Future = Future()
                function, arguments = pickle.loads(sent[-1])  # noqa: S301
                answer = pickle.dumps(function(*arguments))
                sent.append(answer)
                future.set_result(pickle.loads(answer))  # noqa: S301
                return future

        with fleet.client() as client:
            given = {"symptom": SYMPTOM, "client": client, "token": TOKEN, "executor": Carrying()}
            answers = list(lockblame.blame_each(fleet.services[:3], **given))
        assert [answer.error for answer in answers] == [None] * 3
        assert len(sent) == 2 * 2 * 3
        assert not [one for one in sent if TOKEN.encode() in one]

    def test_what_breaks_the_executor_is_not_taken_for_an_answer(self, fleet):
        class Broken(Executor):
            def submit(self, function, *arguments):
                future: Future = Future()
                future.set_exception(MemoryError("a worker was killed"))
                return future

        with pytest.raises(MemoryError):
            list(lockblame.diff_each(fleet.services, executor=Broken()))


class TestTrouble:
    def services(self, fleet: Fleet, tmp_path: Path) -> list[Service]:
        (tmp_path / "uv.lock").write_text("version = 1\n[[package]\n")
        nowhere = repositories.start(tmp_path / "checkout")
        return [
            fleet.services[0],
            Service(before="uv.lock", after="uv.lock", repository=tmp_path, name="broken"),
            Service(before="v1", after="v2", repository=nowhere),
            Service(before="gone.lock", after="gone.lock", repository=tmp_path, config="nowhere.toml", name="lost"),
            fleet.services[1],
        ]

    @pytest.mark.parametrize("kind", [threads, processes])
    def test_it_stays_with_the_service(self, fleet, tmp_path, kind):
        services = self.services(fleet, tmp_path)
        with kind() as executor, fleet.client() as client:
            answers = list(lockblame.blame_each(services, symptom=SYMPTOM, client=client, executor=executor))
        assert [str(answer.service) for answer in answers] == ["svc-000", "broken", "checkout", "lost", "svc-001"]
        kinds = [type(answer.error) for answer in answers]
        assert kinds[0] is kinds[4] is type(None)
        assert kinds[1:3] == [LockParseError, RevisionError]
        assert isinstance(answers[3].error, ReadError)
        for answer in answers[1:4]:
            assert answer.found is None
            with pytest.raises(ReadError):
                answer.result()

    def test_of_a_diff_too(self, fleet, tmp_path):
        answers = list(lockblame.diff_each(self.services(fleet, tmp_path)))
        assert [answer.error is None for answer in answers] == [True, False, False, False, True]

    def test_an_empty_symptom_of_one_service_is_its_own(self, fleet):
        mine = Service(before="before", after="after", repository=fleet.services[0].repository, symptom=" ", name="mute")
        with fleet.client() as client:
            answers = list(lockblame.blame_each([mine, fleet.services[1]], symptom=SYMPTOM, client=client))
            alone = list(lockblame.blame_each([mine], client=client))
        assert isinstance(answers[0].error, SymptomError)
        assert isinstance(alone[0].error, SymptomError)
        assert answers[1].error is None

    def test_what_is_wrong_with_the_call_is_told_at_once(self, fleet, tmp_path):
        with pytest.raises(SymptomError):
            lockblame.blame_each(fleet.services, symptom="")
        with pytest.raises(ReadError, match="not a folder"):
            lockblame.blame_each(fleet.services, evidence=tmp_path / "nowhere")

    def test_a_gap_goes_to_those_it_concerns(self, fleet):
        bad = "part-7"
        services = fleet.services
        issues = fleet.forge.repositories.pop(f"acme/{bad}")
        try:
            answers = blamed(fleet)
        finally:
            fleet.forge.repositories[f"acme/{bad}"] = issues
        for service, answer in zip(services, answers, strict=True):
            report = answer.result()
            told = {gap.subject for gap in report.gaps}
            assert told == ({f"acme/{bad}"} if report.delta.get(bad) else set()), service

    def test_none_at_all(self):
        assert list(lockblame.blame_each([], symptom=SYMPTOM)) == []
        assert list(lockblame.diff_each([])) == []


class TestSymptoms:
    def test_each_may_have_its_own_and_is_told_what_was_not_searched(self, fleet):
        own = Service(
            before="before/uv.lock",
            after="after/uv.lock",
            repository=fleet.services[0].repository,
            symptom="memory grows in the database pool",
        )
        with fleet.client() as client:
            answers = list(lockblame.blame_each([own, fleet.services[1]], symptom=SYMPTOM, client=client))
        first, second = (answer.result() for answer in answers)
        assert first.symptom is not None
        assert second.symptom is not None
        assert (first.symptom.text, second.symptom.text) == (own.symptom, SYMPTOM)
        assert [(gap.subject, gap.reason) for gap in first.gaps] == [("symptom", "left-out")]
        assert second.gaps == ()

    def test_two_threads_with_different_symptoms_and_clients(self, fleet):
        def run(symptom: str) -> list[dict]:
            with fleet.client() as client:
                return documents(lockblame.blame_each(fleet.services[:3], symptom=symptom, client=client))

        texts = [SYMPTOM, "TypeError in the parser", SYMPTOM, "memory grows in the database pool"]
        alone = [run(text) for text in texts]
        with ThreadPoolExecutor(len(texts)) as executor:
            together = list(executor.map(run, texts))
        assert together == alone
        assert alone[0] == alone[2] != alone[1]


class TestWhatIsKnownAlready:
    def test_a_bundle_in_place_of_asking(self, fleet, tmp_path):
        one = fleet.services[0]
        with fleet.client() as client:
            alone = lockblame.blame(
                one.before, one.after, repository=one.repository, symptom=SYMPTOM, client=client, save_evidence=tmp_path / "kept"
            )
        fleet.index.asked.clear()
        answers = list(lockblame.blame_each(fleet.services[:2], symptom=SYMPTOM, evidence=tmp_path / "kept"))
        assert answers[0].result() == alone
        assert not fleet.index.asked

    def test_the_same_answers_from_what_was_saved(self, fleet, tmp_path):
        services = fleet.services[:8]
        with fleet.client() as client:
            first = list(lockblame.blame_each(services, symptom=SYMPTOM, client=client, save_evidence=tmp_path / "kept"))
        fleet.index.asked.clear()
        fleet.forge.server.asked.clear()
        again = list(lockblame.blame_each(services, symptom=SYMPTOM, evidence=tmp_path / "kept"))
        assert documents(again) == documents(first)
        assert not fleet.index.asked + fleet.forge.server.asked
        assert not [file for file in (tmp_path / "kept").iterdir() if TOKEN in file.read_text()]

    def test_offline_asks_nobody(self, fleet):
        (answer,) = lockblame.blame_each(fleet.services[:1], symptom=SYMPTOM, offline=True)
        assert [gap.reason for gap in answer.result().gaps if gap.subject == "upstream"] == ["offline"]
        assert not fleet.index.asked + fleet.forge.server.asked

    def test_a_name_that_means_two_packages(self, tmp_path):
        """A private `part-0` and the public one are looked up apart, and nobody gets the other's issues."""
        with ExitStack() as stack:
            one = Fleet(tmp_path / "one", stack, services=2, packages=3, each=2)
            other = Fleet(tmp_path / "other", stack, services=2, packages=3, each=2)
            other.forge.repositories["acme/part-0"] = []
            hosts = {each.forge.server.host: TOKEN for each in (one, other)}
            with Client(tokens=hosts, cache=False, deadline=60) as client:
                answers = list(lockblame.blame_each([*one.services, *other.services], symptom=SYMPTOM, client=client))
        found = [answer.result() for answer in answers]
        assert [report.conclusive for report in found] == [True, True, False, False]
        assert found[0].issues[0].issue.number == 100
        assert not [match for match in found[2].issues if match.issue.number == 100]
        assert set(one.pages.values()) == set(other.pages.values()) == {1}
        with Client(tokens=hosts, offline=True, cache=False) as client:
            every = [*one.services, *other.services]
            list(lockblame.blame_each(every, symptom=SYMPTOM, client=client, save_evidence=tmp_path / "kept"))
        said = (tmp_path / "kept" / "gaps.jsonl").read_text()
        assert said.count("ambiguous") == 2


class TestLines:
    def test_one_a_service_by_the_schema(self, fleet, tmp_path):
        services = TestTrouble().services(fleet, tmp_path)
        with fleet.client() as client:
            answers = list(lockblame.blame_each(services, symptom=SYMPTOM, client=client))
        diffs = list(lockblame.diff_each(services))
        for lines in (lockblame.json_lines(answers), lockblame.json_lines(diffs, documents=True)):
            records = [json.loads(line) for line in lines]
            assert len(records) == 5
            for record in records:
                jsonschema.validate(record, LINE)
        (first, broken, *_) = map(json.loads, lockblame.json_lines(answers, documents=True))
        assert (first["service"], first["suspect"], first["suspect_after"], first["conclusive"]) == (
            "svc-000",
            "part-0",
            "1.1",
            True,
        )
        assert lockblame.from_dict(json.loads(first["document"])).suspects[0].change.name == "part-0"
        assert (broken["error"], broken["document"]) == ("lock-parse-error", None)
        assert "uv.lock" in broken["message"]

    def test_polars_and_duckdb_read_them(self, fleet, tmp_path):
        duckdb = pytest.importorskip("duckdb", reason="has no wheel for this Python")
        import polars

        broken = [Service(before="gone", repository=tmp_path, name=f"broken {number}") for number in range(120)]
        file = tmp_path / "fleet.jsonl"
        with fleet.client() as client, file.open("w") as out:
            answers = lockblame.blame_each([*broken, *fleet.services[:5]], symptom=SYMPTOM, client=client)
            out.writelines(lockblame.json_lines(answers, documents=True))
        table = polars.read_ndjson(file, infer_schema_length=None)
        assert table.filter(polars.col("conclusive")).group_by("suspect").len().rows() == [("part-0", 5)]
        query = f"select suspect, count(*) from read_json('{file}') where conclusive group by suspect"  # noqa: S608
        assert duckdb.sql(query).fetchall() == [("part-0", 5)]

    def test_half_characters_do_not_spoil_the_file(self, tmp_path):
        duckdb = pytest.importorskip("duckdb", reason="has no wheel for this Python")
        import polars

        bad = "gone\udcff \u2028\x1b[31m\n\"'|"
        answers = [
            lockblame.Answer(service=Service(before="v1", name=bad, repository=tmp_path), error=ReadError(bad, bad)),
            lockblame.Answer(service=Service(before="v1", name="b", repository=tmp_path), error=ReadError("x", "y")),
        ]
        lines = list(lockblame.json_lines(answers))
        assert [line.count("\n") for line in lines] == [1, 1]
        (tmp_path / "fleet.jsonl").write_text("".join(lines), encoding="utf-8")
        assert polars.read_ndjson(tmp_path / "fleet.jsonl", infer_schema_length=None)["service"][0] == bad.replace("\udcff", "?")
        assert len(duckdb.sql(f"select * from read_json('{tmp_path}/fleet.jsonl')").fetchall()) == 2  # noqa: S608


class TestPool:
    def test_each_gets_what_is_its_own_and_what_concerns_everybody(self):
        def wanted(*names: str) -> Wants:
            changes = tuple(
                Change(name=one, before=Pin(name=one, version="1"), after=Pin(name=one, version="2"), kind="upgraded")
                for one in names
            )
            empty = Snapshot(origin="x", format="uv")
            return Wants(changes=changes, releases=(("parent", "1"),), before=empty, after=empty, upstreams={})

        def gap(subject: str) -> Gap:
            return Gap(subject=subject, reason="x", detail="y")

        def issue(repository: str) -> Issue:
            return Issue(repository=repository, number=1, title="t")

        pool = Pool()
        shares = [pool.add(wanted("kombu", "vine")), pool.add(wanted("django")), pool.add(wanted())]
        homes = {name: Repository(forge="github", host="github.example", path=f"Acme/{name}") for name in ("kombu", "django")}
        pool.fill(
            Knowledge(
                releases={name: (Release(name=name, version="2"),) for name in ("kombu", "django", "other")},
                repositories=homes,
                issues=(issue("acme/kombu"), issue("acme/django"), issue("someone/vine"), issue("acme/other")),
                requirements={("parent", "1"): ("kombu",), ("other", "1"): ()},
                gaps=(gap("kombu"), gap("acme/django"), gap("django 2"), gap("tags of Acme/kombu"), gap("api.github.example")),
            )
        )
        first, second, third = (pool.part(share) for share in shares)
        assert list(first.releases) == ["kombu"]
        assert [one.repository for one in first.issues] == ["acme/kombu", "someone/vine"]
        assert [one.repository for one in second.issues] == ["acme/django"]
        assert first.requirements == second.requirements == {("parent", "1"): ("kombu",)}
        assert [one.subject for one in first.gaps] == ["kombu", "tags of Acme/kombu", "api.github.example"]
        assert [one.subject for one in second.gaps] == ["acme/django", "django 2", "api.github.example"]
        assert [one.subject for one in third.gaps] == ["api.github.example"]
        assert (third.issues, third.repositories) == ((), {})

    def test_a_repository_is_asked_from_the_earliest_moment_for_all_names(self):
        home = Repository(forge="github", host="github.example", path="acme/many")
        other = Repository(forge="github", host="github.example", path="acme/one")
        early, late = datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC)
        found = _together(
            [
                [Wanted(repository=home, since=late, names=("a", "b")), Wanted(repository=other, since=None)],
                [Wanted(repository=home, since=early, names=("c",)), Wanted(repository=other, since=early, names=("d",))],
            ]
        )
        assert found == [
            Wanted(repository=home, since=early, names=("a", "b", "c")),
            Wanted(repository=other, since=early, names=()),
        ]

    def test_it_shows_no_address(self, tmp_path):
        secret = "https://me:pa55@index.example/simple"
        pin = Pin(name="a", version="1", source=Source(location=secret))
        change = Change(name="a", before=None, after=pin, kind="added")
        empty = Snapshot(origin="x", format="uv")
        pool = Pool()
        share = pool.add(Wants(changes=(change,), releases=(), before=empty, after=empty, upstreams={}))
        assert "pa55" not in repr(pool) + repr(share)


class TestProgress:
    def test_is_told_of_each_service(self, fleet):
        told: list[tuple[str, str]] = []

        class Telling(Progress):
            def begin(self, stage, total=None):
                told.append(("begin", stage))

            def step(self, stage, detail=""):
                told.append((stage, detail))

        with fleet.client() as client:
            list(lockblame.blame_each(fleet.services[:4], client=client, progress=Telling()))
        assert [detail for stage, detail in told if stage == "judging services"] == [f"svc-{number:03}" for number in range(4)]
        assert ("begin", "reading locks") in told


def test_services_are_called_by_their_folder() -> None:
    pin = Pin(name="a", version="1")
    snapshot = Snapshot(origin="here", format="uv", pins=(pin,))
    assert str(Service(before="v1", repository="/srv/shop/")) == "shop"
    assert str(Service(before=b"a==1\n")) == "(content)"
    assert str(Service(before=snapshot)) == "here"
    assert str(Service(before=Path("old.lock"))) == "old.lock"
    assert str(Service(before="v1", name="mine", repository="x")) == "mine"


def test_answers_can_be_pickled(here, fleet) -> None:
    answers = here[:2]
    answers.append(lockblame.Answer(service=fleet.services[0], error=RevisionError("v9", "no such revision", "look again")))
    again = pickle.loads(pickle.dumps(answers))  # noqa: S301
    assert again[:2] == answers[:2]
    assert (type(again[2].error), vars(again[2].error)) == (RevisionError, vars(answers[2].error))
    assert again[2].service == answers[2].service


class TestScript:
    def test_a_folder_of_repositories(self, tmp_path):
        """examples/fleet.py as a process, on real repositories, a broken one among them."""
        import os
        import subprocess
        import sys

        with ExitStack() as stack:
            world = Fleet(tmp_path / "world", stack, services=0, packages=4)
            home = f'{{ url = "{world.forge.server.url}/acme/part-0", forge = "github" }}'
            for name in ("desk", "shop", "torn"):
                place = repositories.start(tmp_path / "services" / name)
                old, new = (world.lock(["part-0"], version) for version in ("1.0", "1.1"))
                repositories.commit(
                    place, {"uv.lock": old, "lockblame.toml": f"[upstreams]\npart-0 = {home}\n"}, tag="v1", subject="First"
                )
                if name != "torn":
                    repositories.commit(place, {"uv.lock": new}, tag="v2")
            (tmp_path / "services" / "notes").mkdir()
            script = Path(__file__).parents[1] / "examples" / "fleet.py"
            run = subprocess.run(
                [sys.executable, str(script), str(tmp_path / "services"), "v1", "v2", SYMPTOM],
                env={**os.environ, "LOCKBLAME_CACHE_DIR": str(tmp_path / "cache"), "GITHUB_TOKEN": "", "GH_TOKEN": ""},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        records = [json.loads(line) for line in run.stdout.splitlines()]
        assert run.returncode == 0, run.stderr
        assert [record["service"] for record in records] == ["desk", "shop", "torn"]
        assert [record["suspect"] for record in records] == ["part-0", "part-0", None]
        assert records[2]["error"] == "revision-error"
        assert "2 of 3 services: part-0 1.0 → 1.1" in run.stderr
        assert "no answer for torn" in run.stderr
        assert len(world.index.asked) == world.pages["/simple/part-0/"] == 1
