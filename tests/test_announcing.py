"""What the forges tell of the steps of the leading suspects: comparisons of tags, and notes where the artifacts hold none."""

from __future__ import annotations

import time

import pytest

from lockblame.api.asking.announcing import announced
from lockblame.api.asking.digging import Dug
from lockblame.api.asking.evidence import Knowledge, step_of
from lockblame.client import Client
from lockblame.errors import BadResponse
from lockblame.forges.releases import Announcement, of_package, releases
from lockblame.model import Change, Gap, Note, Repository
from tests import examples
from tests.flows import feed, page
from tests.servers.loopback import Answer
from tests.servers.repositories import Forge, Project, sha_of

FORGES = ("github", "gitlab", "gitea")
HOME = Repository(forge="github", host="github.com", path="celery/kombu")
KOMBU = examples.change()
MISSING = Gap(subject="kombu 5.3.2", reason="no-notes", detail="none")
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
HISTORY = {
    "v5.3.0": [("Start", ["kombu/__init__.py"])],
    "v5.3.1": [("Prepare 5.3.1", ["kombu/__init__.py"])],
    "v5.3.2": [
        ("Fetch messages of SQS one by one\n\nLonger story.", ["kombu/transport/SQS.py", "t/unit/transport/test_SQS.py"]),
        ("Prepare 5.3.2", ["kombu/__init__.py", "Changelog.rst"]),
    ],
    "v5.3.3": [("Later", ["kombu/later.py"])],
}
CHANGELOG = "5.3.2\n=====\n\n- SQS asks for one message at a time.\n\n5.3.1\n=====\n\n- Before.\n"


def told(forge: Forge, found: Dug, *changes: Change, ends: float | None = None) -> list[Dug]:
    """What `announced` makes of `found` for each change, all developed in the forge's one repository."""
    moved = changes or (KOMBU,)
    with Client(cache=False, deadline=10) as client:
        known = Knowledge(repositories={change.name: forge.home for change in moved})
        answer = announced({step_of(change): found for change in moved}, moved, known, client, ends=ends)
        return [answer[step_of(change)] for change in moved]


class TestReleases:
    @pytest.mark.parametrize(
        ("forge", "below"),
        [
            ("github", "https://api.github.com/repos/a/b/releases?per_page=100"),
            ("gitlab", "https://code.example/api/v4/projects/a%2Fb/releases?per_page=100"),
            ("gitea", "https://code.example/api/v1/repos/a/b/releases?limit=50"),
        ],
    )
    def test_where_they_are_asked_for(self, forge, below):
        host = "github.com" if forge == "github" else "code.example"
        _, (request,) = feed(releases(Repository(forge=forge, host=host, path="a/b")), [page([])])
        assert request.url == below

    def test_without_drafts(self):
        found, _ = feed(releases(HOME), [page(RECORDS)])
        assert [one.tag for one in found] == ["v5.3.3", "v5.3.2", "v5.3.1", "nightly"]
        assert [version for version, _ in of_package(found, "kombu", "celery/kombu")] == ["5.3.3", "5.3.2", "5.3.1"]

    @pytest.mark.parametrize("document", ["{", "[3]", '{"a": 1}', '[{"tag_name": 3}]', "[" * 100_000])
    def test_what_is_no_list_of_releases(self, document):
        with pytest.raises(BadResponse, match="celery/kombu"):
            feed(releases(HOME), [page(document)])

    def test_a_link_that_is_none_is_left_out(self):
        found, _ = feed(releases(HOME), [page([{"tag_name": "v1", "html_url": "javascript:alert(1)"}])])
        assert found == (Announcement(tag="v1", text=""),)


@pytest.mark.parametrize("kind", FORGES)
class TestEachForge:
    def test_the_commits_and_files_between_the_tags(self, kind):
        with Forge(kind, Project(HISTORY), path="celery/kombu") as forge:
            (found,) = told(forge, Dug(notes=(Note(name="kombu", version="5.3.2", text="x"),)))
        comparison = found.comparison
        assert found.gaps == ()
        assert (comparison.before, comparison.after, comparison.left_out) == ("v5.3.1", "v5.3.2", 0)
        assert [one.subject for one in comparison.commits] == ["Fetch messages of SQS one by one", "Prepare 5.3.2"]
        sha = sha_of(HISTORY["v5.3.2"][0][0])
        between = "/-" if kind == "gitlab" else ""
        assert comparison.commits[0].sha == sha
        assert comparison.commits[0].url == f"https://{forge.home.host}/celery/kombu{between}/commit/{sha}"
        assert comparison.url == f"https://{forge.home.host}/celery/kombu{between}/compare/v5.3.1...v5.3.2"
        assert set(comparison.files) == {
            "kombu/transport/SQS.py",
            "t/unit/transport/test_SQS.py",
            "kombu/__init__.py",
            "Changelog.rst",
        }
        # one question for the tags, one for the comparison
        assert len(forge.asked) == 2

    def test_exactly_the_notes_of_the_step(self, kind):
        with Forge(kind, Project(HISTORY, releases=RECORDS), path="celery/kombu") as forge:
            (found,) = told(forge, Dug(gaps=(MISSING,)))
        (note,) = found.notes
        assert note.version == "5.3.2"
        assert note.url.startswith("https://")
        assert "boto3" in note.text
        assert found.gaps == ()
        # the tags of the releases were enough
        assert len(forge.asked) == 2

    def test_a_changelog_that_is_only_in_the_repository(self, kind):
        project = Project(HISTORY, files={"Changelog.rst": CHANGELOG, "kombu/__init__.py": ""})
        with Forge(kind, project, path="celery/kombu") as forge:
            (found,) = told(forge, Dug(gaps=(MISSING,)))
        (note,) = found.notes
        assert (note.version, note.text.strip()) == ("5.3.2", "- SQS asks for one message at a time.")
        assert note.url.endswith("v5.3.2/Changelog.rst")
        assert found.gaps == ()
        # releases, tags, comparison, and the file that the comparison named
        assert len(forge.asked) == 4

    def test_a_changelog_that_the_comparison_does_not_name(self, kind):
        history = {"1.0": [], "1.1": [("Work", ["kombu/a.py"])]}
        project = Project(history, files={"docs/changelog.md": "## 1.1\n\nWork.\n", "docs/index.md": "x", "README.md": "x"})
        with Forge(kind, project, path="celery/kombu") as forge:
            (found,) = told(forge, Dug(gaps=(MISSING,)), examples.change(old="1.0", new="1.1"))
        assert [note.text.strip() for note in found.notes] == ["Work."]

    def test_no_changelog_anywhere_is_one_gap(self, kind):
        with Forge(kind, Project(HISTORY, files={"README.md": "x"}), path="celery/kombu") as forge:
            (found,) = told(forge, Dug(gaps=(MISSING,)))
        (one,) = found.gaps
        assert (one.subject, one.reason) == ("kombu 5.3.2", "no-notes")
        assert "nor the releases and changelogs of celery/kombu at v5.3.2" in one.detail

    def test_versions_without_tags_are_a_gap_with_the_page_of_the_tags(self, kind):
        with Forge(kind, Project({"nightly": [], "v5.3.1": []}), path="celery/kombu") as forge:
            (found,) = told(forge, Dug(notes=(Note(name="kombu", version="5.3.2", text="x"),)))
        (one,) = found.gaps
        assert (one.subject, one.reason) == ("commits of kombu 5.3.2", "no-tag")
        assert one.detail == "no tag of celery/kombu is kombu 5.3.2, so the commits of the step are not known"
        assert one.hint.endswith("/celery/kombu/-/tags" if kind == "gitlab" else "/celery/kombu/tags")

    def test_the_packages_of_one_repository_share_what_was_read(self, kind):
        history = {
            "alpha-v1.0": [],
            "beta-v1.0": [],
            "alpha-v1.1": [("Alpha moves", ["alpha/a.py"])],
            "beta-v1.1": [("Beta moves", ["beta/b.py"])],
        }
        changes = [examples.change(name, "1.0", "1.1") for name in ("alpha", "beta")]
        with Forge(kind, Project(history), path="acme/tools") as forge:
            first, second = told(forge, Dug(notes=(Note(name="x", version="1.1", text="x"),)), *changes)
        assert first.comparison.after == "alpha-v1.1"
        assert second.comparison.before == "beta-v1.0"
        assert len(forge.asked) == 3

    def test_a_step_back_is_what_it_takes_away(self, kind):
        change = examples.change(old="5.3.2", new="5.3.1", kind="downgraded")
        with Forge(kind, Project(HISTORY), path="celery/kombu") as forge:
            (found,) = told(forge, Dug(notes=(Note(name="kombu", version="5.3.2", text="x"),)), change)
        assert (found.comparison.before, found.comparison.after) == ("v5.3.1", "v5.3.2")


class TestTrouble:
    @pytest.mark.parametrize("kind", FORGES)
    def test_a_repository_that_is_gone_is_one_gap(self, kind):
        with Forge(kind, Project({}), path="celery/kombu", before=lambda _: Answer(status=404)) as forge:
            (found,) = told(forge, Dug())
        assert [one.subject for one in found.gaps] == ["tags of celery/kombu"]

    def test_what_is_there_already_is_kept(self):
        there = Dug(notes=(Note(name="kombu", version="5.3.2", text="x"),))
        with Forge("github", Project({}), before=lambda _: Answer(status=404)) as forge:
            (found,) = told(forge, there)
        assert found.notes == there.notes

    def test_a_comparison_that_is_nonsense(self):
        def nonsense(asked):
            return Answer(body=b'{"commits": [{"sha": "no"}]}') if "compare" in asked.path else None

        with Forge("github", Project(HISTORY, releases=RECORDS), before=nonsense) as forge:
            (found,) = told(forge, Dug())
        assert [note.version for note in found.notes] == ["5.3.2"]
        (one,) = found.gaps
        assert one.subject == "commits of acme/rocket between v5.3.1 and v5.3.2"
        assert "the forge's comparison can't be read" in one.detail

    def test_nothing_is_asked_when_the_time_is_up(self):
        with Forge("github", Project(HISTORY)) as forge:
            (found,) = told(forge, Dug(), ends=time.monotonic() - 1)
        assert forge.asked == []
        assert "no time left in the budget" in found.gaps[0].detail

    def test_a_step_too_large_for_one_page_says_so(self):
        history = {"1.0": [], "1.1": [(f"Change number {number}", [f"a/{number}.py"]) for number in range(400)]}
        with Forge("github", Project(history), path="celery/kombu") as forge:
            (found,) = told(
                forge, Dug(notes=(Note(name="kombu", version="1.1", text="x"),)), examples.change(old="1.0", new="1.1")
            )
        assert (len(found.comparison.commits), found.comparison.left_out) == (250, 150)
        assert found.comparison.commits[-1].subject == "Change number 399"
        assert [one.detail for one in found.gaps] == [
            "only the newest 250 of its 400 commits were looked at",
            f"{forge.home.host} names only the first 300 of the files that differ",
        ]

    def test_a_package_without_a_repository_is_left_alone(self):
        with Client(cache=False) as client:
            dug = {step_of(KOMBU): Dug()}
            assert announced(dug, [KOMBU], Knowledge(), client) == dug
