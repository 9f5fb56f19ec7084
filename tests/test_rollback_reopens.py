"""What a rollback reopens: fixes in the notes, vulnerabilities that the index or a file of advisories knows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lockblame
from lockblame.client import Client
from lockblame.errors import BadResponse, NotFound, UpstreamError
from lockblame.index.vulnerabilities import vulnerabilities
from lockblame.model import Note
from lockblame.rollbacks import Advisory, advisories
from lockblame.rollbacks.reopening import affected, fixes, unclear
from tests.distributions import sdist
from tests.examples import change
from tests.flows import feed, page
from tests.servers.loopback import Answer, Server
from tests.servers.shelf import Shelf

HOLE = {
    "id": "PYSEC-2023-1",
    "aliases": ["CVE-2023-1", "GHSA-x"],
    "summary": None,
    "details": "A message can take the worker over.",
    "fixed_in": ["5.3.2"],
    "link": "https://advisories.example/1",
    "withdrawn": None,
    "source": "osv",
}


class TestIndex:
    def asked(self, document, url="https://index.example/root/simple/"):
        return feed(vulnerabilities("Kombu", "5.3.1+local", url), [page(document)])

    def test_what_it_says_of_a_version(self):
        withdrawn = {**HOLE, "id": "X", "withdrawn": "2024-01-01T00:00:00Z"}
        found, (request,) = self.asked({"info": {}, "vulnerabilities": [HOLE, withdrawn]})
        assert request.url == "https://index.example/root/pypi/kombu/5.3.1%2Blocal/json"
        (one,) = found
        assert (one.id, one.aliases, one.link) == (
            "PYSEC-2023-1",
            ("CVE-2023-1", "GHSA-x"),
            "https://advisories.example/1",
        )
        assert one.summary.startswith("A message")

    def test_none_is_an_answer(self):
        assert self.asked({"vulnerabilities": []})[0] == ()

    @pytest.mark.parametrize(
        "document",
        [{}, {"vulnerabilities": 1}, {"vulnerabilities": [{}]}, [], "no", "[" * 100_000, {"vulnerabilities": [{"id": 1}]}],
    )
    def test_what_makes_no_sense(self, document):
        with pytest.raises(BadResponse):
            self.asked(document)

    @pytest.mark.parametrize("url", ["https://index.example/packages", "https://index.example", "", "https://[x/simple"])
    def test_an_index_that_has_no_such_place_is_not_asked(self, url):
        with pytest.raises((NotFound, BadResponse)):
            next(vulnerabilities("kombu", "1", url))

    def test_a_password_stays_in_its_place(self):
        request = next(vulnerabilities("kombu", "1", "https://me:secret@index.example/simple?x=1"))
        assert request.url == "https://me:secret@index.example/pypi/kombu/1/json"


def record(id="GHSA-1", **more):
    entry = {"package": {"ecosystem": "PyPI", "name": "Kombu"}, **more.pop("affected", {})}
    return {"id": id, "modified": "2024-01-01T00:00:00Z", "affected": [entry], **more}


def told(*records):
    return list(affected([change()], advisories(json.dumps(list(records)), "osv.json")))


EVENTS = {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.3.2"}]}]}


class TestAdvisories:
    @pytest.mark.parametrize(
        "shape",
        [
            EVENTS,
            {"versions": ["5.3.0", "5.3.1"]},
            {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "5"}, {"last_affected": "5.3.1"}]}]},
            {**EVENTS, "ranges": [*EVENTS["ranges"], {"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}]}]},
            {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}], "versions": ["5.3.1"]},
            {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"limit": "5.3.2"}]}]},
            {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"limit": "*"}, {"fixed": "5.3.2"}]}]},
            {
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "4"}, {"fixed": "4.1"}]},
                    {"type": "ECOSYSTEM", "events": [{"introduced": "5.3"}, {"fixed": "5.3.2"}]},
                ]
            },
            {"package": {"ecosystem": "PyPI:mirror", "name": "kombu"}, **EVENTS},
        ],
    )
    def test_real_shapes(self, shape):
        assert [one.kind for one in told(record(affected=shape))] == ["advisory"]

    @pytest.mark.parametrize(
        "more",
        [
            {"withdrawn": "2024-01-01T00:00:00Z", "affected": EVENTS},
            {"affected": {"package": {"ecosystem": "npm", "name": "kombu"}, **EVENTS}},
            {"affected": {"versions": ["5.3.1", "5.3.2"]}},
            {"affected": {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}},
            {"affected": {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "5.3.2"}]}]}},
        ],
    )
    def test_what_is_not_reopened(self, more):
        assert told(record(**more)) == []

    def test_one_hole_with_several_ids_is_told_once(self):
        links = [{"type": "WEB", "url": "https://x.example"}, {"type": "ADVISORY", "url": "https://advisories.example/2"}]
        (one,) = told(
            record("PYSEC-1", aliases=["CVE-2023-1"], affected=EVENTS),
            record("GHSA-2", aliases=["CVE-2023-1"], summary="a hole", references=links, affected=EVENTS),
        )
        assert one.detail == "CVE-2023-1 (GHSA-2, PYSEC-1): a hole"
        assert one.url == "https://advisories.example/2"

    def test_two_databases_that_differ_on_the_new_version(self):
        assert (
            told(record("PYSEC-1", aliases=["GHSA-2"], affected=EVENTS), record("GHSA-2", affected={"versions": ["5.3.2"]})) == []
        )

    def test_commits_alone_say_nothing_of_versions(self):
        only_git = record(affected={"ranges": [{"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "a" * 40}]}]})
        assert told(only_git) == []
        (gap,) = unclear([change()], advisories(json.dumps(only_git), "osv.json"))
        assert (gap.subject, gap.reason) == ("kombu", "no-versions")


NOTES = """\
Fixed
-----
- Workers wait for nobody
  (thanks to all)

  by somebody
- The :func:`~kombu.pool` of `links <https://x.example>`_ keeps its size

New features
------------
* Messages are counted
* A crash on start-up is gone
1) Security: CVE-2023-1, messages are checked

Fixed a deadlock between two consumers.
Fix typo in the docs
"""


def lost(text, *versions):
    notes = [Note(name="kombu", version=version, text=text, url="https://notes.example") for version in versions or ("5.3.2",)]
    return [(one.version, one.detail) for one in fixes([change()], notes)]


class TestFixes:
    def test_holes_first_then_fixes_then_trifles(self):
        assert [detail for _, detail in lost(NOTES)] == [
            "Security: CVE-2023-1, messages are checked",
            "Workers wait for nobody (thanks to all)",
            "The kombu.pool of links keeps its size",
            "A crash on start-up is gone",
            "Fixed a deadlock between two consumers. Fix typo in the docs",
        ]

    def test_only_what_going_back_skips_the_newest_first(self):
        found = [
            one.version
            for one in fixes(
                [change("kombu", "5.3.0", "5.3.2")],
                [
                    Note(name=name, version=version, text=f"- Fixed {version}")
                    for name, version in (
                        ("kombu", "5.3.0"),
                        ("kombu", "5.3.1"),
                        ("kombu", "5.3.2"),
                        ("kombu", "5.3.3"),
                        ("vine", "5.3.1"),
                    )
                ],
            )
        ]
        assert found == ["5.3.2", "5.3.1"]

    def test_many_are_counted(self):
        found = lost("\n".join(f"- Fixed the leak number {number}" for number in range(20)))
        assert len(found) == 9
        assert found[-1][1] == "and 12 more fixes that its notes tell of"

    def test_a_new_package_loses_nothing(self):
        assert list(fixes([change("x", None, "1")], [Note(name="x", version="1", text="- Fixed")])) == []

    @given(st.text(st.sampled_from("-* \n\t`:<>fixed#=\ud800é1)"), max_size=300))
    def test_any_text(self, text):
        for _, detail in lost(text):
            assert "\n" not in detail
            assert len(detail) <= 300

    def test_a_megabyte_is_quick(self):
        lost("- fix `" * 200_000)
        lost("=" * 1_000_000)


LOCK = "kombu=={}\n"


class TestAsked:
    """The whole way, with an index on loopback."""

    def rollback(self, tmp_path, index, **more):
        for name, version in (("old.txt", "5.3.1"), ("requirements.txt", "5.3.2")):
            (tmp_path / name).write_text(f"--index-url {index}\n" + LOCK.format(version))
        with Client(cache=False) as client:
            return lockblame.rollback(
                "old.txt", "requirements.txt", packages=["kombu"], repository=tmp_path, client=client, **more
            )

    def shelf(self):
        log = "Changes\n=======\n\n5.3.2\n-----\n- Fixed a crash of idle workers\n\n5.3.1\n-----\n- Old\n"
        return Shelf({"kombu": [sdist({"CHANGES.rst": log}, version, name="kombu") for version in ("5.3.1", "5.3.2")]})

    def test_fixes_come_from_the_new_version_s_own_changelog(self, tmp_path):
        with self.shelf() as shelf:
            found = self.rollback(tmp_path, shelf.index)
            # the other one is asked for what it requires
            assert shelf.fetched == ["kombu-5.3.1.tar.gz", "kombu-5.3.2.tar.gz"]
        assert [(one.kind, one.detail) for one in found.reopened] == [("fix", "Fixed a crash of idle workers")]
        assert [gap.subject for gap in found.gaps if gap.reason == "no-vulnerability-data"] == ["kombu 5.3.1, kombu 5.3.2"]

    def test_nothing_is_fetched_beyond_the_budget(self, tmp_path):
        with self.shelf() as shelf:
            found = self.rollback(tmp_path, shelf.index, budget=lockblame.Budget(packages=0))
            assert "kombu-5.3.2.tar.gz" not in shelf.fetched
        assert "no-notes" in {gap.reason for gap in found.gaps}

    def test_vulnerabilities_come_from_the_index(self, tmp_path):
        def answer(asked):
            if asked.path == "/pypi/kombu/5.3.1/json":
                return Answer(body=json.dumps({"vulnerabilities": [HOLE, {**HOLE, "id": "B", "aliases": []}]}).encode())
            if asked.path == "/pypi/kombu/5.3.2/json":
                return Answer(body=json.dumps({"vulnerabilities": [{**HOLE, "id": "B", "aliases": []}]}).encode())
            return Answer(status=404)

        with Server(answer) as server:
            found = self.rollback(tmp_path, f"{server.url}/simple")
        assert [(one.kind, one.version, one.url) for one in found.reopened] == [
            ("advisory", "5.3.1", "https://advisories.example/1")
        ]
        assert found.reopened[0].detail.startswith("CVE-2023-1 (GHSA-x, PYSEC-2023-1): A message")

    @pytest.mark.parametrize("body", [b"{}", b"no", b'{"vulnerabilities": [1]}'])
    def test_an_answer_that_cannot_be_used_is_a_gap(self, tmp_path, body):
        with Server(lambda asked: Answer(body=body)) as server:
            found = self.rollback(tmp_path, f"{server.url}/simple")
        assert "bad-response" in {gap.reason for gap in found.gaps}

    def test_a_bundle_has_the_notes(self, tmp_path):
        (tmp_path / "notes.jsonl").write_text(json.dumps({"name": "kombu", "version": "5.3.2", "text": "- Fixed it"}) + "\n")
        found = self.rollback(tmp_path, "https://index.example/simple", evidence=tmp_path)
        assert [one.detail for one in found.reopened] == ["Fixed it"]
        assert "no-notes" not in {gap.reason for gap in found.gaps}


@pytest.mark.online
def test_a_real_old_version_has_its_vulnerabilities():
    from lockblame.client import default_index

    with Client(cache=False) as client:
        found = client.map([("jinja2", "index", vulnerabilities("jinja2", "2.10", default_index()))])[0]
    if isinstance(found, NotFound):
        pytest.skip("this index tells of no vulnerabilities of versions")
    assert not isinstance(found, UpstreamError), found
    assert "CVE-2019-10906" in {name for one in found for name in (one.id, *one.aliases)}
    old = Advisory(id="x", package="jinja2", versions=("2.10",))
    assert old.affects("2.10.0")
