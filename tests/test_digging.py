"""Looking into the leading suspects: real downloads from an index on loopback, within a budget, and from the cache again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import lockblame
from lockblame import Budget, Change, Client, Note, bundle, cli
from lockblame.api.asking.digging import Dug, deepen, dig
from lockblame.api.asking.evidence import Asked, Knowledge
from lockblame.bundle import Bundle
from lockblame.client import default_index
from lockblame.contents import Archive
from lockblame.delta import compare
from lockblame.errors import BadResponse
from lockblame.index import File, Project, download, project
from lockblame.model import Artifact, Contents, Delta
from lockblame.progress import SILENT
from tests.distributions import sdist, wheel
from tests.flows import feed, page
from tests.lockfiles import read
from tests.servers.shelf import Shelf

LOG = "1.1\n===\n\n- reads from the queue one by one\n\n1.0\n===\n\n- first\n"
OLD = {"thing/__init__.py": "", "thing/queue.py": "def get(n=10):\n    return n\n"}
NEW = {"thing/__init__.py": "", "thing/queue.py": "def get(n=1):\n    return n\n"}


def release(name: str = "thing") -> list[Archive]:
    """Both versions of a project, as wheels and sdists."""
    before, after = ({path.replace("thing/", f"{name}/"): text for path, text in files.items()} for files in (OLD, NEW))
    return [
        *(wheel(before, "1.0", name=name), sdist({**before, "CHANGES.rst": LOG}, "1.0", name=name)),
        *(wheel(after, "1.1", name=name), sdist({**after, "CHANGES.rst": LOG}, "1.1", name=name)),
    ]


def locked(*names: str, before: str = "1.0", after: str = "1.1") -> Delta:
    """Those packages, upgraded."""
    sides = ("".join(f"{name}=={version}\n" for name in names) for version in (before, after))
    one, other = (read(text) for text in sides)
    return compare(one, other)


@pytest.fixture
def client(tmp_path) -> Iterator[Client]:
    with Client(cache=tmp_path / "cache", patience=0) as client:
        yield client


def dug(changes: Sequence[Change], shelf: Shelf, client: Client, **limits: float) -> list[Dug]:
    pages: dict[str, Project] = {change.name: client.run(project(change.name, shelf.index)) for change in changes}
    return list(dig(changes, pages, client, budget=Budget(**limits)).values())


def reasons(one: Dug) -> list[str]:
    return [gap.reason for gap in one.gaps]


class TestDigging:
    def test_code_and_notes_of_a_step(self, client):
        with Shelf({"thing": release()}) as shelf:
            (one,) = dug(locked("thing"), shelf, client)
        assert one.gaps == ()
        assert one.contents is not None
        assert one.contents.values == (("thing.queue.get.n", "10", "1"),)
        assert [(note.name, note.version, note.text) for note in one.notes] == [
            ("thing", "1.1", "- reads from the queue one by one")
        ]
        assert sorted(shelf.fetched) == ["thing-1.0-py3-none-any.whl", "thing-1.1-py3-none-any.whl", "thing-1.1.tar.gz"]

    def test_a_source_distribution_serves_for_both(self, client):
        with Shelf({"thing": [archive for archive in release() if archive.name.endswith(".gz")]}) as shelf:
            (one,) = dug(locked("thing"), shelf, client)
        assert (one.contents and one.contents.defaults, len(one.notes)) == (("thing.queue.get.n",), 1)
        assert sorted(shelf.fetched) == ["thing-1.0.tar.gz", "thing-1.1.tar.gz"]

    def test_wheels_alone_have_no_changelog_and_say_so(self, client):
        with Shelf({"thing": [archive for archive in release() if archive.name.endswith(".whl")]}) as shelf:
            (one,) = dug(locked("thing"), shelf, client)
        assert one.contents is not None
        assert (one.notes, reasons(one)) == ((), ["no-notes"])

    def test_a_second_time_nothing_is_fetched(self, tmp_path):
        with Shelf({"thing": release()}) as shelf:
            delta = locked("thing")
            found = []
            for offline in (False, True):
                with Client(cache=tmp_path, offline=offline) as client:
                    found += dug(delta, shelf, client)
            assert found[0] == found[1]
            assert len(shelf.fetched) == 3


class TestWhatGoesWrong:
    def test_a_file_of_another_hash_is_not_looked_into(self, client):
        with Shelf({"thing": release()}, hashes={"thing-1.1-py3-none-any.whl": "0" * 64}) as shelf:
            (one,) = dug(locked("thing"), shelf, client)
        assert one.contents is None
        assert len(one.notes) == 1
        assert "isn't the file whose hash the index names" in one.gaps[0].detail

    def test_nor_is_one_of_another_hash_than_locked(self, client):
        (change,) = locked("thing")
        assert change.after is not None
        artifact = Artifact(name="thing-1.1-py3-none-any.whl", hash=f"sha256:{'0' * 64}")
        change = replace(change, after=replace(change.after, artifacts=(artifact,)))
        with Shelf({"thing": release()}) as shelf:
            (one,) = dug([change], shelf, client)
        assert one.contents is None
        assert "isn't the file whose hash the lock names" in one.gaps[0].detail

    def test_a_file_that_is_gone(self, client):
        with Shelf({"thing": release()}, missing=frozenset({"thing-1.0-py3-none-any.whl"})) as shelf:
            (one,) = dug(locked("thing"), shelf, client)
        assert (one.contents, len(one.notes), reasons(one)) == (None, 1, ["not-found"])

    def test_an_archive_that_is_none(self, client):
        broken = {archive.name: b"<html>maintenance</html>" for archive in release()}
        with Shelf({"thing": release()}, broken=broken) as shelf:
            (one,) = dug(locked("thing"), shelf, client)
        assert (one.contents, one.notes, reasons(one)) == (None, (), ["not-compared", "no-notes"])

    def test_a_version_that_the_index_does_not_have(self, client):
        with Shelf({"thing": release()}) as shelf:
            (one,) = dug(locked("thing", before="0.9"), shelf, client)
        assert (one.contents, reasons(one)) == (None, ["not-compared"])
        assert "no files of 0.9" in one.gaps[0].detail
        assert [note.version for note in one.notes] == ["1.0", "1.1"]

    def test_files_that_are_not_alike(self, client):
        old, new = [archive for archive in release() if archive.name.startswith("thing-1.0") == archive.name.endswith(".whl")]
        with Shelf({"thing": [old, new]}) as shelf:
            (one,) = dug(locked("thing"), shelf, client)
        assert (one.contents, reasons(one)) == (None, ["not-compared"])
        assert "no two of its files are alike" in one.gaps[0].detail


class TestBudget:
    NAMES = ("thing", "gadget", "widget")

    @pytest.fixture
    def shelf(self) -> Iterator[Shelf]:
        with Shelf({name: release(name) for name in self.NAMES}) as shelf:
            yield shelf

    def test_of_packages(self, shelf, client):
        found = dug(locked(*self.NAMES), shelf, client, packages=2)
        assert [one.contents is not None for one in found] == [True, True]
        assert not [name for name in shelf.fetched if name.startswith("widget")]

    def test_of_bytes_the_first_come_first(self, shelf, client):
        whole = sum(len(archive.data) for archive in release()[:1] + release()[2:]) / 1e6
        changes = [change for name in self.NAMES for change in locked(*self.NAMES).get(name)]
        found = dug(changes, shelf, client, megabytes=whole)
        assert (found[0].contents is not None, len(found[0].notes), found[0].gaps) == (True, 1, ())
        for one in found[1:]:
            assert (one.contents, one.notes, reasons(one)) == (None, (), ["over-budget", "over-budget"])
        assert len(shelf.fetched) == 3

    def test_code_before_changelogs(self, shelf, client):
        code = sum(len(archive.data) for archive in release() if archive.name.endswith(".whl")) / 1e6
        (one,) = dug(locked("thing"), shelf, client, megabytes=code)
        assert one.contents is not None
        assert (one.notes, reasons(one)) == ((), ["over-budget"])

    def test_sizes_that_the_index_does_not_tell(self, client):
        with Shelf({"thing": release()}, sizes=False) as shelf:
            (one,) = dug(locked("thing"), shelf, client, megabytes=5)
        assert reasons(one) == ["over-budget"]

    def test_of_seconds(self, shelf, client):
        (one,) = dug(locked("thing"), shelf, client, seconds=0)
        assert (one.contents, one.notes, reasons(one)) == (None, (), ["over-budget"])
        assert shelf.fetched == []

    def test_the_others_are_named(self, shelf, client):
        delta = locked(*self.NAMES)
        pins = {change.name: change for change in delta}
        changes = [
            replace(
                change,
                before=replace(change.before, source=replace(change.before.source, location=shelf.index)),
                after=replace(change.after, source=replace(change.after.source, location=shelf.index)),
            )
            for change in (pins["widget"], pins["gadget"], pins["thing"])
        ]
        known = deepen(Knowledge(), changes, delta, Asked(client=client), Budget(packages=1), SILENT)
        assert list(known.contents) == [("widget", "1.0", "1.1")]
        assert [note.name for note in known.notes] == ["widget"]
        (gap,) = known.gaps
        assert (gap.subject, gap.reason) == ("artifacts of gadget, thing", "over-budget")

    def test_what_comes_from_elsewhere_is_told(self, client):
        old, new = (read(f"thing @ git+https://forge.example/a/thing@v{version}\n") for version in ("1.0", "1.1"))
        delta = compare(old, new)
        known = deepen(Knowledge(), tuple(delta), delta, Asked(client=client), Budget(), SILENT)
        assert [(gap.subject, gap.reason) for gap in known.gaps] == [("artifacts of thing", "no-index")]


class TestDownload:
    FILE = File(name="a.whl", url="https://files.example/a.whl", hashes={"md5": "x", "sha256": "F" * 64})

    def test_it_is_asked_for_as_it_is(self):
        plain = replace(self.FILE, hashes={"md5": "x"})
        body, (asked,) = feed(download(plain, "a 1.0", expected="md5:1"), [page(b"data")])
        assert (body, asked.headers) == (b"data", {"Accept-Encoding": "identity"})

    @pytest.mark.parametrize("expected", [None, "sha256:" + "0" * 64])
    def test_another_file_is_refused(self, expected):
        with pytest.raises(BadResponse, match="hash the index names"):
            feed(download(self.FILE, "a 1.0", expected=expected), [page(b"data"), page(b"data")])


class TestBlame:
    @pytest.fixture
    def shelf(self) -> Iterator[Shelf]:
        with Shelf({name: release(name) for name in ("thing", "gadget")}) as shelf:
            yield shelf

    def blamed(self, shelf: Shelf, tmp_path: Path, **more):
        head = f"--index-url {shelf.index}\n"
        for side, version in (("before", "1.0"), ("after", "1.1")):
            (tmp_path / f"{side}.txt").write_text(f"{head}thing=={version}\ngadget=={version}\n")
        (tmp_path / "issues.jsonl").write_text("")
        symptom = "gadget reads the queue one by one: gadget.queue.get is slow"
        sides = (tmp_path / "before.txt", tmp_path / "after.txt")
        with Client(cache=tmp_path / "cache", patience=0) as client:
            return lockblame.blame(*sides, symptom=symptom, client=client, **more)

    def test_the_bundle_makes_the_same_report(self, shelf, tmp_path):
        told = {"issues": tmp_path / "issues.jsonl", "save_evidence": tmp_path / "evidence"}
        online = self.blamed(shelf, tmp_path, deep=True, **told)
        asked = len(shelf.asked)
        again = self.blamed(shelf, tmp_path, deep=True, evidence=tmp_path / "evidence")
        assert len(shelf.asked) == asked
        assert again == online
        assert {note.name for suspect in online.suspects for note in suspect.notes} == {"thing", "gadget"}
        records = [json.loads(line) for line in (tmp_path / "evidence" / "contents.jsonl").read_text().splitlines()]
        assert {(one["name"], *one["modules"]) for one in records} == {("thing", "thing.queue"), ("gadget", "gadget.queue")}

    def test_so_does_that_of_a_run_which_looked_in_vain(self, tmp_path):
        with Shelf({}) as shelf:
            online = self.blamed(shelf, tmp_path, deep=True, save_evidence=tmp_path / "evidence")
        again = self.blamed(shelf, tmp_path, deep=True, evidence=tmp_path / "evidence")
        assert {gap.reason for gap in online.gaps} >= {"not-found"}
        assert again == online

    def test_where_nothing_has_two_versions_nothing_is_missing(self, tmp_path):
        (tmp_path / "before.txt").write_text("")
        (tmp_path / "after.txt").write_text("thing==1.0\n")
        (tmp_path / "issues.jsonl").write_text("")
        sides = (tmp_path / "before.txt", tmp_path / "after.txt")
        report = lockblame.blame(*sides, issues=tmp_path / "issues.jsonl", offline=True, deep=True)
        assert not [gap for gap in report.gaps if gap.subject == "artifacts"]

    def test_only_when_asked_for(self, shelf, tmp_path):
        report = self.blamed(shelf, tmp_path, issues=tmp_path / "issues.jsonl")
        assert not [suspect for suspect in report.suspects if suspect.notes]
        assert not [name for name in shelf.fetched if name.endswith(".gz")]

    def test_a_budget_of_ones_own(self, shelf, tmp_path):
        report = self.blamed(shelf, tmp_path, issues=tmp_path / "issues.jsonl", deep=Budget(packages=1))
        (gap,) = [gap for gap in report.gaps if gap.reason == "over-budget"]
        assert gap.subject in ("artifacts of thing", "artifacts of gadget")

    def test_offline_is_a_gap(self, shelf, tmp_path):
        report = self.blamed(shelf, tmp_path, offline=True, deep=True)
        assert [gap.subject for gap in report.gaps if "no artifacts were compared" in gap.detail] == ["artifacts"]
        assert shelf.asked == []


CONTENTS = {
    ("thing", "1.0", "1.1"): Contents(
        modules=("thing.queue",),
        defaults=("thing.queue.get.n",),
        functions=("thing.queue.get",),
        values=(("thing.queue.get.n", "10", '"\u2028"'),),
        texts_added=("no such queue",),
    )
}


class TestBundle:
    NOTES = (
        Note(name="thing", version="1.1", text="- one\n- 둘", url="https://forge.example/1.1"),
        Note(name="b", version="2", text=""),
    )

    def test_notes_and_contents_come_back(self):
        files = bundle.dump(Bundle(notes=self.NOTES, contents=CONTENTS))
        found, gaps = bundle.parse(files, "evidence")
        assert (found.notes, found.contents, gaps) == (self.NOTES, CONTENTS, ())

    def test_lines_that_cannot_be_used(self):
        notes, gaps = bundle.parse_notes(
            '{"name": "a", "version": "1"}\n{"name": "a", "version": "1", "text": "x"}\n', "notes.jsonl"
        )
        assert (len(notes), [gap.subject for gap in gaps]) == (1, ["notes.jsonl, line 1"])
        lines = (
            '{"name": "a", "before": "1", "after": "2", "values": [{}]}',
            '{"name": "a", "before": "1", "after": "2", "modules": 3}',
        )
        contents, gaps = bundle.parse_contents("\n".join(lines), "contents.jsonl")
        assert (contents, len(gaps)) == ({}, 2)
        assert "values[0].name" in gaps[0].detail

    def test_notes_belong_to_the_steps_that_passed_them(self):
        (change,) = locked("thing")
        known = Knowledge(notes=tuple(Note(name="thing", version=version, text=version) for version in ("1.0", "1.1", "1.2")))
        # later ones tell what was mended since
        assert [note.version for note in known.notes_on(change)] == ["1.1", "1.2"]
        assert [note.version for note in known.notes_on(replace(change, before=None))] == ["1.1"]
        assert known.notes_on(replace(change, after=None)) == ()


class TestCommandLine:
    @pytest.mark.parametrize(
        ("text", "budget"),
        [
            ("8", Budget(packages=8)),
            ("8,100MB,60s", Budget(packages=8, megabytes=100, seconds=60)),
            ("60s, 100MB", Budget(megabytes=100, seconds=60)),
        ],
    )
    def test_a_budget(self, text, budget):
        options = cli.whole_parser().parse_args(["blame", "a", "b", "--budget", text])
        assert options.budget == budget

    @pytest.mark.parametrize("text", ["", "much", "8,9", "8GB", "-1", "1e9", "60s,60s"])
    def test_no_budget(self, text, capsys):
        with pytest.raises(SystemExit) as stop:
            cli.main(["blame", "a", "b", f"--budget={text}"])
        assert stop.value.code == 2
        assert "is no budget such as 8,100MB,60s" in capsys.readouterr().err


@pytest.mark.online
class TestOnline:
    def dug(self, name: str, before: str, after: str, tmp_path: Path) -> Dug:
        with Client(cache=tmp_path) as client:
            pages = {name: client.run(project(name, default_index()))}
            (one,) = dig(locked(name, before=before, after=after), pages, client).values()
        return one

    def test_what_kombu_changed(self, tmp_path):
        one = self.dug("kombu", "5.3.1", "5.3.2", tmp_path)
        assert one.contents is not None
        assert {"kombu.transport.SQS", "kombu.asynchronous.aws.sqs.connection"} <= set(one.contents.modules)
        assert "kombu.asynchronous.aws.sqs.queue" in one.contents.removed
        assert "kombu.asynchronous.aws.sqs.connection.AsyncSQSConnection.receive_message" in one.contents.functions
        # its sdists of those days hold no changelog, and that is told
        assert (one.notes, reasons(one)) == ((), ["no-notes"])

    def test_what_was_written_about_celery(self, tmp_path):
        one = self.dug("celery", "5.3.1", "5.3.4", tmp_path)
        assert [note.version for note in one.notes] == ["5.3.2", "5.3.3", "5.3.4"]

    def test_an_argument_that_httpx_took_away(self, tmp_path):
        one = self.dug("httpx", "0.27.2", "0.28.0", tmp_path)
        assert one.contents is not None
        assert "httpx._client.Client.__init__.proxies" in one.contents.removed
        assert [note.version for note in one.notes] == ["0.28.0"]
