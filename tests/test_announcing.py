"""Release notes from the forge, where the artifacts of a suspect hold none."""

from __future__ import annotations

import pytest

from lockblame.api.announcing import announced
from lockblame.api.digging import Dug
from lockblame.api.evidence import Knowledge, step_of
from lockblame.client import Client
from lockblame.errors import BadResponse
from lockblame.forges.releases import Announcement, of_package, releases, version_of
from lockblame.model import Gap, Note, Repository
from tests import examples
from tests.flows import feed, page
from tests.servers.loopback import Answer, Server

HOME = Repository(forge="github", host="github.com", path="celery/kombu")
RECORDS = [
    {"tag_name": "v5.3.3", "name": "5.3.3", "body": "Later."},
    {
        "tag_name": "v5.3.2",
        "name": "5.3.2",
        "body": "SQS goes through boto3.",
        "html_url": "https://github.com/celery/kombu/releases/5",
    },
    {"tag_name": "v5.3.1", "name": None, "body": None},
    {"tag_name": "v5.4.0", "draft": True, "body": "Not out yet."},
    {"tag_name": "nightly", "body": "Whatever."},
]


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.2", "1.2"),
        ("1.2.0rc1", "1.2.0rc1"),
        ("kombu-1.2", "1.2"),
        ("kombu@1.2", "1.2"),
        ("release-1.2", "1.2"),
        ("other-1.2", None),
        ("packages/kombu/v1.2", "1.2"),
        ("nightly", None),
        ("", None),
        ("a" * 200, None),
    ],
)
def test_tags_as_projects_write_them(tag, version):
    assert version_of(tag, "kombu") == version


class TestFlow:
    def test_the_releases_without_drafts(self):
        found, (request,) = feed(releases(HOME, "https://api.github.com"), [page(RECORDS)])
        assert request.url == "https://api.github.com/repos/celery/kombu/releases?per_page=100"
        assert [one.tag for one in found] == ["v5.3.3", "v5.3.2", "v5.3.1", "nightly"]
        assert [version for version, _ in of_package(found, "kombu")] == ["5.3.3", "5.3.2", "5.3.1"]

    @pytest.mark.parametrize("document", ["{", "[3]", '{"a": 1}', '[{"tag_name": 3}]', "[" * 100_000])
    def test_what_is_no_list_of_releases(self, document):
        with pytest.raises(BadResponse, match="celery/kombu"):
            feed(releases(HOME, "https://api.github.com"), [page(document)])

    def test_a_link_that_is_none_is_left_out(self):
        found, _ = feed(releases(HOME, "x"), [page([{"tag_name": "v1", "html_url": "javascript:alert(1)"}])])
        assert found == (Announcement(tag="v1", text=""),)


class TestNotes:
    KOMBU = examples.change()

    def dug(self, answer: Answer, found: Dug) -> Dug:
        with Server(lambda _: answer) as server, Client(cache=False, deadline=10) as client:
            home = Repository(forge="github", host=server.host, path="celery/kombu")
            known = Knowledge(repositories={"kombu": home})
            return announced({step_of(self.KOMBU): found}, [self.KOMBU], known, client)[step_of(self.KOMBU)]

    def test_exactly_the_versions_of_the_step(self):
        import json

        missing = Gap(subject="kombu 5.3.2", reason="no-notes", detail="none")
        found = self.dug(Answer(body=json.dumps(RECORDS).encode()), Dug(gaps=(missing,)))
        (note,) = found.notes
        assert (note.version, note.url) == ("5.3.2", RECORDS[1]["html_url"])
        assert "boto3" in note.text
        assert found.gaps == ()

    def test_a_forge_that_does_not_answer_is_a_gap(self):
        found = self.dug(Answer(status=404), Dug())
        assert [gap.subject for gap in found.gaps] == ["releases of celery/kombu"]

    def test_notes_that_are_there_already_stay(self):
        there = Dug(notes=(Note(name="kombu", version="5.3.2", text="x"),))
        assert self.dug(Answer(status=500), there) == there
