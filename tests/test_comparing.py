"""Tags and comparisons of a package's repository: which tag is which version, what the forges tell, and what it is worth."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lockblame
from lockblame import bundle, report
from lockblame.bundle import Bundle
from lockblame.client import Client
from lockblame.errors import BadResponse, NotFound
from lockblame.forges.changelogs import changelog
from lockblame.forges.comparing import comparison
from lockblame.forges.folders import inside, is_code
from lockblame.forges.tagging import Tags
from lockblame.forges.tags import OWN, SHARED, TAIL, Choice, candidates, chosen, kinship, read_tag, spelled, version_of
from lockblame.model import Comparison, Contents, Frame, Note, Repository, Suspect, Symptom, UpstreamCommit
from lockblame.ranking import Candidate, rank
from lockblame.symptom import analyze
from lockblame.versions import parsed
from tests import examples
from tests.flows import feed, page
from tests.servers.loopback import Answer, Asked
from tests.servers.repositories import Forge, Project
from tests.servers.shelf import Shelf
from tests.test_digging import release

GITHUB = Repository(forge="github", host="github.com", path="acme/rocket")
GITLAB = Repository(forge="gitlab", host="gitlab.com", path="acme/tools/rocket")
GITEA = Repository(forge="gitea", host="codeberg.org", path="acme/rocket")


# --- tags ------------------------------------------------------------------------------------------------------------


class TestReading:
    @pytest.mark.parametrize(
        ("tag", "version"),
        [
            ("v1.2", "1.2"),
            ("1.2.0rc1", "1.2.0rc1"),
            ("kombu-1.2", "1.2"),
            ("kombu@1.2", "1.2"),
            ("kombu==1.2", "1.2"),
            ("kombu/v1.2", "1.2"),
            ("kombu_1.2", "1.2"),
            ("kombu-v1.2.0-rc.1", "1.2.0rc1"),
            ("release-1.2", "1.2"),
            ("release/1.2", "1.2"),
            ("rel_1_2_3", "1.2.3"),
            ("2_8_BETA_1", "2.8b1"),
            ("v1.2.3.post1", "1.2.3.post1"),
            ("packages/kombu/v1.2", "1.2"),
            ("python-v1.2", "1.2"),
            ("other-1.2", None),
            ("other/v1.2", None),
            ("1.2-macos-arm64", None),
            ("2_9_1-Python_3.10", None),
            ("1.2.x", None),
            ("nightly", None),
            ("", None),
            ("a" * 200, None),
            ("1.2" + " " * 300, None),
        ],
    )
    def test_the_version_of_a_tag(self, tag, version):
        assert version_of(tag, "kombu", "celery/kombu") == version

    @pytest.mark.parametrize(
        ("head", "name", "kin"),
        [
            ("", "x", SHARED),
            ("v", "x", SHARED),
            ("release/", "x", SHARED),
            ("rocket-engine-v2==", "rocket-engine-v2", OWN),
            ("rocket_engine-", "rocket-engine", OWN),
            ("core-", "rocket-core", TAIL),
            ("engine-", "rocket-core", None),
            ("rocket-", "rocket-core", SHARED),
            ("acme-rocket-", "pyrocket", SHARED),
            ("rocket-", "pyrocket", SHARED),
            ("py-", "rocket", TAIL),
        ],
    )
    def test_how_a_tag_names_a_package(self, head, name, kin):
        assert kinship(head, name, "acme/rocket") == kin

    @given(st.text(max_size=60))
    @settings(max_examples=150, deadline=None)
    def test_any_text_is_a_tag_or_none(self, text):
        found = read_tag(text)
        assert found is None or (found.head + text[len(found.head) :] == text and found.version is not None)

    @pytest.mark.parametrize("tag", ["1." * 100, "v" * 200, "1-" * 100, "1_" * 99 + "x", "9" * 200, "-v1" * 60])
    def test_tags_made_to_take_long(self, tag):
        for _ in range(200):
            read_tag(tag)


VERSIONS = st.builds(
    lambda numbers, pre: ".".join(map(str, numbers)) + pre,
    st.lists(st.integers(0, 40), min_size=2, max_size=4),
    st.sampled_from(["", "", "", "rc1", "b2", "a10", ".post1"]),
)
NAMES = st.from_regex(r"[a-z][a-z]{1,6}(-[a-z]{2,6}){0,2}", fullmatch=True)
STYLES = ("v{}", "{}", "{name}-{}", "{name}@{}", "{name}=={}", "{name}/v{}", "{name}-v{}", "release-{}", "rel_{under}")


def written(style: str, name: str, version: str) -> str:
    return style.format(version, name=name, under=version.replace(".", "_"))


class TestChoice:
    @given(NAMES, st.lists(VERSIONS, min_size=2, max_size=8, unique_by=parsed), st.sampled_from(STYLES), st.randoms())
    @settings(max_examples=150, deadline=None)
    def test_any_style_is_found_among_any_tags(self, name, versions, style, shuffler):
        tags = [written(style, name, version) for version in versions] + ["nightly", "latest", "zzzzzzzz-1.0"]
        shuffler.shuffle(tags)
        choice = chosen(tags, name, versions[0], versions[1], f"acme/{name}")
        assert choice == Choice(before=written(style, name, versions[0]), after=written(style, name, versions[1]))

    @given(NAMES, VERSIONS, VERSIONS)
    @settings(max_examples=100, deadline=None)
    def test_the_packages_own_tags_win(self, name, before, after):
        tags = [f"{head}{version}" for version in (before, after) for head in ("v", f"{name}-v", f"other-{name}x-v")]
        choice = chosen(tags, name, before, after, "acme/monorepo")
        assert choice == Choice(before=f"{name}-v{before}", after=f"{name}-v{after}")

    @given(NAMES, VERSIONS)
    @settings(max_examples=100, deadline=None)
    def test_each_guess_is_a_tag_of_that_version(self, name, version):
        for guess in candidates(name, version):
            assert parsed(version_of(guess, name, f"acme/{name}") or "") == parsed(version), guess

    @given(VERSIONS)
    @settings(max_examples=100, deadline=None)
    def test_each_spelling_is_the_same_version(self, version):
        found = list(spelled(version))
        assert found[0] == version
        assert {parsed(one) for one in found} == {parsed(version)}

    @pytest.mark.parametrize(
        ("tags", "before", "after", "choice"),
        [
            (["v1.2.0", "v1.3"], "1.2", "1.3.0", ("v1.2.0", "v1.3")),
            (["1.2", "v1.2", "v1.3"], "1.2", "1.3", ("v1.2", "v1.3")),
            (["1.2", "v1.3"], "1.2", "1.3", ("1.2", "v1.3")),
            (["1.2.0", "1.2", "1.3"], "1.2", "1.3", ("1.2", "1.3")),
            (["v2.0.0-rc.1", "v2.0.0"], "2.0rc1", "2.0", ("v2.0.0-rc.1", "v2.0.0")),
            (["v2.1.0", "v2.1.1"], "2.1.0+cu118", "2.1.1+cu118", ("v2.1.0", "v2.1.1")),
            (["v1.2"], "1.2", "1.3", ("v1.2", None)),
            ([], "1.2", "1.3", (None, None)),
            (["v1.2"], "nonsense", "1.2", (None, "v1.2")),
        ],
    )
    def test_of_several_spellings(self, tags, before, after, choice):
        assert chosen(tags, "rocket", before, after, "acme/rocket") == Choice(before=choice[0], after=choice[1])

    def test_a_shared_tag_is_no_tag_of_a_package_that_has_its_own(self):
        tags = ["v2.10.0", "v2.10.1", "core-v2.40.0"]
        assert chosen(tags, "rocket-core", "2.10.0", "2.10.1", "acme/rocket") == Choice()
        assert chosen(tags, "rocket", "2.10.0", "2.10.1", "acme/rocket").before == "v2.10.0"

    def test_a_package_without_tags_of_its_own_has_the_shared_ones(self):
        tags = ["v0.50b0", "v0.51b0", "rocket-fuel==2.0"]
        assert chosen(tags, "rocket-nozzle", "0.50b0", "0.51b0", "acme/rocket-contrib").after == "v0.51b0"

    def test_the_style_that_was_seen_comes_first(self):
        assert candidates("rocket", "1.4", like=["nightly", "stage/rocket-1.3"])[0] == "stage/rocket-1.4"


class TestListing:
    """How much it costs to find the tags."""

    def test_tags_of_releases_cost_nothing(self):
        choice, asked = feed(Tags(GITHUB, ["v1.1", "v1.0"]).choose("rocket", "1.0", "1.1"), [])
        assert (choice, asked) == (Choice(before="v1.0", after="v1.1"), [])

    def test_github_gives_all_in_one_list(self):
        refs = [{"ref": f"refs/tags/{tag}"} for tag in ("v1.0", "v1.1", "nightly")]
        choice, (request,) = feed(Tags(GITHUB).choose("rocket", "1.0", "1.1"), [page(refs)])
        assert request.url == "https://api.github.com/repos/acme/rocket/git/matching-refs/tags"
        assert choice == Choice(before="v1.0", after="v1.1")

    def test_what_was_read_once_is_not_asked_for_again(self):
        tags = Tags(GITHUB)
        feed(tags.choose("rocket", "1.0", "1.1"), [page([{"ref": "refs/tags/v1.0"}])])
        choice, asked = feed(tags.choose("rocket", "1.0", "1.2"), [])
        assert (choice.before, choice.after, asked) == ("v1.0", None, [])

    def test_gitlab_searches_for_what_is_not_among_the_newest(self):
        first = page([{"name": "v9.9"}], link='<https://gitlab.com/x?page=2>; rel="next"')
        answers = [first, page([{"name": "v1.0"}, {"name": "other-1.0"}]), page([])]
        choice, asked = feed(Tags(GITLAB).choose("rocket", "1.0", "1.1"), answers)
        assert choice == Choice(before="v1.0", after=None)
        assert asked[0].url.startswith("https://gitlab.com/api/v4/projects/acme%2Ftools%2Frocket/repository/tags?")
        assert [request.url.partition("search=")[2].partition("&")[0] for request in asked[1:]] == ["1.0%24", "1.1%24"]

    def test_gitea_is_read_until_both_are_there(self):
        project = Project({f"v1.{number}": [] for number in range(120)})
        with Forge("gitea", project) as forge, Client(cache=False) as client:
            choice = client.run(Tags(forge.home).choose("rocket", "1.60", "1.61"))
        assert choice == Choice(before="v1.60", after="v1.61")
        assert forge.asked == ["tags", "tags"]

    def test_gitea_is_asked_for_single_tags_beyond_that(self):
        project = Project({f"rocket-1.{number}": [] for number in range(400)})
        with Forge("gitea", project) as forge, Client(cache=False) as client:
            choice = client.run(Tags(forge.home).choose("rocket", "1.3", "1.4"))
        assert choice == Choice(before="rocket-1.3", after="rocket-1.4")
        assert forge.asked == [*["tags"] * 4, "tags/rocket-1.3", "tags/rocket-1.4"]

    @pytest.mark.parametrize("document", ["{", "{}", "[3]", '[{"name": 3}]', '[{"ref": null}]', "[" * 100_000])
    @pytest.mark.parametrize("home", [GITHUB, GITLAB, GITEA])
    def test_what_is_no_list_of_tags(self, home, document):
        with pytest.raises(BadResponse, match="tags of acme"):
            feed(Tags(home).choose("rocket", "1.0", "1.1"), [page(document)])


# --- comparisons -----------------------------------------------------------------------------------------------------


class TestComparison:
    @pytest.mark.parametrize(
        ("home", "url"),
        [
            (GITHUB, "https://api.github.com/repos/acme/rocket/compare/a%2Fv1...a%2Fv2"),
            (GITLAB, "https://gitlab.com/api/v4/projects/acme%2Ftools%2Frocket/repository/compare?from=a%2Fv1&to=a%2Fv2"),
            (GITEA, "https://codeberg.org/api/v1/repos/acme/rocket/compare/a%2Fv1...a%2Fv2"),
        ],
    )
    def test_where_it_is_asked_for(self, home, url):
        found, (request,) = feed(comparison(home, "rocket", "a/v1", "a/v2"), [page({"commits": []})])
        assert request.url == url
        assert found.url.endswith("/compare/a/v1...a/v2")

    def test_renamed_files_have_both_names(self):
        files = [{"filename": "b.py", "previous_filename": "a.py", "patch": "x" * 10_000}]
        found, _ = feed(comparison(GITHUB, "rocket", "1", "2"), [page({"commits": [], "files": files, "total_commits": 3})])
        assert (found.files, found.left_out) == (("b.py", "a.py"), 3)

    @pytest.mark.parametrize(
        "document",
        [
            "{",
            "[]",
            "3",
            {"commits": 3},
            {"commits": [{}]},
            {"commits": [{"sha": "../../x"}]},
            {"commits": [{"sha": "a" * 40, "commit": 3}]},
            {"commits": [{"sha": "a" * 40, "commit": {"message": 3}}]},
            {"commits": [], "files": [{"filename": 3}]},
            {"commits": [], "total_commits": "many"},
        ],
    )
    @pytest.mark.parametrize("home", [GITHUB, GITLAB, GITEA])
    def test_what_is_no_comparison(self, home, document):
        with pytest.raises(BadResponse, match="commits of acme/"):
            feed(comparison(home, "rocket", "1", "2"), [page(document)])

    def test_everything_is_bounded(self):
        commits = [{"sha": f"{number:040x}", "commit": {"message": "m\ud83d" * 5_000}} for number in range(700)]
        files = [{"filename": f"{number}/" + "x" * 100} for number in range(5_000)] + [{"filename": "y" * 5_000}]
        found, _ = feed(comparison(GITHUB, "rocket", "1", "2"), [page({"commits": commits, "files": files})])
        assert (len(found.commits), found.left_out, len(found.files)) == (500, 200, 3_000)
        assert {len(one.subject) for one in found.commits} == {300}
        json.dumps([one.subject for one in found.commits], ensure_ascii=False).encode("utf-8")

    def test_messages_that_are_missing_or_empty(self):
        commits = [{"sha": "a" * 40, "commit": {"message": None}}, {"sha": "b" * 40}, {"id": "c" * 40, "title": "t"}]
        found, _ = feed(comparison(GITLAB, "rocket", "1", "2"), [page({"commits": commits})])
        assert [one.subject for one in found.commits] == ["", "", "t"]


class TestChangelogs:
    LOG = "# 1.1\n\nNew.\n"

    def test_the_packages_own_comes_before_those_of_others(self):
        changed = ("fuel/CHANGELOG.md", "rocket_core/CHANGELOG.md", "CHANGELOG.md")
        answer = {"content": "IyAxLjEKCk5ldy4K", "encoding": "base64"}
        (note,), (request,) = feed(changelog(GITHUB, "v1.1", "rocket-core", "1.0", "1.1", changed), [page(answer)])
        assert request.url == "https://api.github.com/repos/acme/rocket/contents/rocket_core/CHANGELOG.md?ref=v1.1"
        assert (note.text, note.url) == ("New.", "https://github.com/acme/rocket/blob/v1.1/rocket_core/CHANGELOG.md")

    def test_it_gives_up_after_a_few(self):
        def answer(request):
            return page([{"type": "file", "path": name} for name in ("CHANGES.md", "NEWS.md", "HISTORY.md", "CHANGELOG.md")])

        def nothing(request):
            return NotFound("x", "is not there", request.url) if request.url.count("CH") else answer(request)

        found, asked = feed(changelog(GITEA, "v1", "rocket", "1.0", "1.1"), nothing)
        assert found == ()
        assert len(asked) <= 6

    @pytest.mark.parametrize("content", ["A", 3, "IyAxLjEKCk5ldy4K" + "é"])
    def test_content_that_is_none(self, content):
        with pytest.raises(BadResponse, match="changelog of rocket"):
            feed(changelog(GITHUB, "v1.1", "rocket", "1.0", "1.1", ("CHANGES.md",)), [page({"content": content})])

    def test_a_file_that_github_does_not_send_is_left_out(self):
        answers = [page({"content": "", "encoding": "none"}), page([]), page([]), page([])]
        assert feed(changelog(GITHUB, "v1.1", "rocket", "1.0", "1.1", ("CHANGES.md",)), answers)[0] == ()

    @pytest.mark.parametrize("home", [GITHUB, GITLAB, GITEA])
    @pytest.mark.parametrize("document", ["{", "3", "[3]", '[{"type": "file"}]', '[{"type": "blob", "path": 3}]'])
    def test_what_is_no_list_of_files(self, home, document):
        with pytest.raises(BadResponse, match="changelog of rocket"):
            feed(changelog(home, "v1.1", "rocket", "1.0", "1.1"), [page(document)])


# --- what it is worth ------------------------------------------------------------------------------------------------


def commits(*subjects: str) -> tuple[UpstreamCommit, ...]:
    return tuple(
        UpstreamCommit(sha=f"{number:040x}", subject=one, url=f"https://x.example/{number}")
        for number, one in enumerate(subjects)
    )


def made(name: str, *subjects: str, files: tuple[str, ...] = (), **more: object) -> Candidate:
    found = Comparison(
        name=name, before="v1", after="v2", url=f"https://x.example/{name}", commits=commits(*subjects), files=files
    )
    home = Repository(forge="github", host="github.com", path=f"acme/{name}")
    return Candidate(**{"change": examples.change(name, "1.0", "1.1"), "repository": home, "comparison": found, **more})


def kinds(suspect: Suspect) -> list[str]:
    return [one.kind for one in suspect.evidence]


def worth(suspect: Suspect) -> float:
    return sum(one.weight for one in suspect.evidence if one.kind == "commits")


SYMPTOM = analyze("After the deploy the uploader truncates large archives when `chunk_size` is set")
DULL = ("Fix a typo in the readme", "Bump actions/checkout from 3 to 4", "Sort the imports")


class TestEvidence:
    def test_the_commit_that_speaks_of_the_symptom_raises_its_package(self):
        telling = made("parcel", *DULL, "Stream archives to the uploader by chunk_size (#77)", "Release 1.1")
        ranking = rank(SYMPTOM, [made("basket", *DULL), made("barrel", *DULL), telling])
        first, second = ranking.suspects[:2]
        assert first.change.name == "parcel"
        (evidence,) = [one for one in first.evidence if one.kind == "commits"]
        assert (
            evidence.detail
            == "commit 0000000000 of the step says: Stream archives to the uploader by chunk_size (#77)".replace(
                "0000000000", f"{3:040x}"[:10]
            )
        )
        assert evidence.url == "https://x.example/3"
        assert 0 < evidence.weight < 1.2
        assert first.score > second.score
        without = rank(SYMPTOM, [replace(one, comparison=None) for one in (made("basket"), made("barrel"), telling)])
        assert [one.change.name for one in without.suspects][-1] == "parcel"

    def test_a_korean_symptom_meets_english_commits(self):
        symptom = analyze("배포 후 워커가 큐에서 메시지를 느리게 소비한다")
        ranking = rank(symptom, [made("basket", *DULL), made("parcel", "Consume messages from the queue one at a time")])
        assert ranking.suspects[0].change.name == "parcel"

    @pytest.mark.parametrize(
        "subject",
        [
            "Merge branch 'archives-uploader'",
            "Bump archives uploader from 1 to 2",
            "",
            " ",
            "archives",
            "build(deps): bump archives-uploader from 1 to 2",
            "docs: archives in the uploader",
            "ci(x): archives uploader",
        ],
    )
    def test_chores_and_single_words_say_nothing(self, subject):
        assert "commits" not in kinds(rank(SYMPTOM, [made("parcel", subject)]).suspects[0])

    def test_a_commit_says_half_where_the_notes_say_it_already(self):
        subject = "Stream archives to the uploader by chunk_size"
        note = Note(name="parcel", version="1.1", text=f"- {subject}")
        alone, both = (worth(rank(SYMPTOM, [made("parcel", subject, **more)]).suspects[0]) for more in ({}, {"notes": (note,)}))
        assert both == pytest.approx(alone / 2, abs=1e-3)

    def test_one_of_very_many_commits_says_less(self):
        subject = "Stream archives to the uploader by chunk_size"
        few, many = (
            worth(rank(SYMPTOM, [made("parcel", subject, *["Sort imports"] * number)]).suspects[0]) for number in (3, 400)
        )
        assert 0 < many < few / 2

    def test_the_file_of_the_traceback_counts_where_no_artifacts_were_compared(self):
        frames = (Frame(file="x", module="parcel.io.writer", function="write"), Frame(file="y", module="basket.core"))
        symptom = Symptom(text="boom", frames=frames)
        given_files = made("parcel", files=("src/parcel/io/writer.py", "tests/test_writer.py"))
        suspect = next(one for one in rank(symptom, [given_files, made("basket")]).suspects if one.change.name == "parcel")
        (evidence,) = [one for one in suspect.evidence if one.kind == "commits"]
        assert evidence.detail == "the step of parcel touched src/parcel/io/writer.py, which is in the traceback"
        compared = replace(given_files, contents=Contents(modules=("parcel.io.reader",)))
        assert "commits" not in kinds(rank(symptom, [compared]).suspects[0])

    def test_words_in_the_paths_of_touched_files(self):
        suspect = rank(SYMPTOM, [made("parcel", files=("parcel/uploader/archives.py", "docs/archives.md"))]).suspects[0]
        (detail,) = [one.detail for one in suspect.evidence if one.kind == "commits"]
        assert detail == "the step of parcel touched files named in words of the symptom: parcel/uploader/archives.py"

    def test_tests_and_documents_say_nothing(self):
        files = ("tests/uploader/test_archives.py", "docs/uploader/archives.rst", ".github/archives/uploader.py", "README.md")
        assert "commits" not in kinds(rank(SYMPTOM, [made("parcel", files=files)]).suspects[0])

    def test_in_a_repository_of_several_packages_those_of_others_count_less(self):
        home = Repository(forge="github", host="github.com", path="acme/monorepo")
        own = ("packages/parcel/parcel/uploader/archives.py", "packages/fuel/fuel/core.py")
        others = ("packages/parcel/parcel/core.py", "packages/fuel/fuel/uploader/archives.py")
        mine, theirs = (
            worth(rank(SYMPTOM, [made("parcel", files=files, repository=home)]).suspects[0]) for files in (own, others)
        )
        assert 0 < theirs < mine
        named, unnamed = (
            worth(rank(SYMPTOM, [made("parcel", subject, files=own, repository=home)]).suspects[0])
            for subject in ("feat(parcel): stream archives in the uploader", "feat(fuel): stream archives in the uploader")
        )
        assert unnamed < named

    def test_a_step_back_takes_commits_back(self):
        change = examples.change("parcel", "1.1", "1.0", kind="downgraded")
        suspect = rank(SYMPTOM, [made("parcel", "Keep large archives whole in the uploader", change=change)]).suspects[0]
        assert any("which the step takes back, says: Keep" in one.detail for one in suspect.evidence)

    def test_no_symptom_no_evidence(self):
        assert "commits" not in kinds(rank(None, [made("parcel", "Stream archives to the uploader")]).suspects[0])

    def test_subjects_and_paths_made_to_take_long(self):
        subjects = ["a" * 300, "_" * 300, "A" * 300, "1." * 150, "(" * 300, "\x1b[" * 150] * 80
        files = (*(f"{'a/' * 240}{number}.py" for number in range(500)), "_" * 500 + ".py", "." * 500)
        rank(SYMPTOM, [made("parcel", *subjects, files=files)])

    def test_folders(self):
        assert inside("libs/rocket-core/x.py", ("rocket_core",))
        assert not inside("rocket_core.py", ("rocket-core",))
        assert is_code("src/rocket/io.py")
        assert not is_code("rocket/tests/io.py")
        assert not is_code("setup.py")


# --- the whole -------------------------------------------------------------------------------------------------------


HOSTILE = "Read the queue one by one \x1b[31m`<script>`\u202e](https://evil.example) | @team"


class TestWhole:
    @pytest.fixture
    def forge(self):
        history = {
            "thing-v1.0": [],
            "gadget-v1.0": [],
            "thing-v1.1": [("Polish", ["thing/__init__.py"])],
            "gadget-v1.1": [(HOSTILE, ["gadget/queue.py"])],
        }
        quiet = {"/issues": b"[]", "/tools": b'{"full_name": "acme/tools", "has_issues": true}'}

        def without_issues(asked: Asked) -> Answer | None:
            body = next((body for end, body in quiet.items() if asked.path.endswith(end)), None)
            return None if body is None else Answer(body=body)

        with Forge("gitea", Project(history), path="acme/tools", before=without_issues) as forge:
            yield forge

    def blamed(self, shelf, forge, tmp_path, **more):
        for side, version in (("before", "1.0"), ("after", "1.1")):
            (tmp_path / f"{side}.txt").write_text(f"--index-url {shelf.index}\nthing=={version}\ngadget=={version}\n")
        place = f'{{ url = "{forge.server.url}/acme/tools", forge = "gitea" }}'
        (tmp_path / "lockblame.toml").write_text(f"[upstreams]\nthing = {place}\ngadget = {place}\n")
        with Client(cache=tmp_path / "cache", patience=0) as client:
            return lockblame.blame(
                tmp_path / "before.txt",
                tmp_path / "after.txt",
                symptom="the worker reads its queue one by one since the deploy",
                config=tmp_path / "lockblame.toml",
                client=client,
                deep=True,
                **more,
            )

    def test_the_report_and_the_same_one_from_the_bundle(self, forge, tmp_path):
        with Shelf({name: release(name) for name in ("thing", "gadget")}) as shelf:
            online = self.blamed(shelf, forge, tmp_path, save_evidence=tmp_path / "evidence")
            asked = len(forge.asked)
            offline = self.blamed(shelf, forge, tmp_path, evidence=tmp_path / "evidence")
        assert online == offline
        assert len(forge.asked) == asked
        assert len([path for path in forge.asked if path.startswith(("tags", "compare"))]) == 3
        first = online.suspects[0]
        assert (first.change.name, first.comparison.after) == ("gadget", "gadget-v1.1")
        records = [json.loads(line) for line in (tmp_path / "evidence" / bundle.COMPARISONS).read_text().splitlines()]
        assert [one["tags"]["after"] for one in records if one["name"] == "gadget"] == ["gadget-v1.1"]
        address = f"https://{forge.home.host}/acme/tools/compare/gadget-v1.0...gadget-v1.1"
        text, markdown, document = (report.render(online, style) for style in ("text", "markdown", "json"))
        assert f"What went into gadget 1.0 → 1.1: {address}" in text
        assert f"[gadget 1.0 → 1.1](<{address}>)" in markdown
        assert json.loads(document)["suspects"][0]["compare"] == address
        assert "of the step says: Read the queue one by one" in text
        for style in (text, markdown):
            assert not {"\x1b", "\u202e"} & set(style)
        assert re.search(r"(?<!\\)\]\(https://evil", markdown) is None

    def test_lines_of_comparisons_that_cannot_be_used(self):
        good = {"name": "A", "before": "1", "after": "2", "tags": {"before": "v1", "after": "v2"}, "url": "javascript:x"}
        bad = [{**good, "tags": 3}, {**good, "commits": [{"sha": "x"}]}, {**good, "files": [3]}, {**good, "left_out": "x"}]
        found, gaps = bundle.parse_comparisons("\n".join(map(json.dumps, [good, *bad])), "comparisons.jsonl")
        assert found == {("a", "1", "2"): Comparison(name="a", before="v1", after="v2")}
        assert len(gaps) == 4
        assert "commits[0].subject" in gaps[1].detail

    @given(
        st.builds(
            Comparison,
            name=st.just("thing"),
            before=st.text(alphabet=st.characters(codec="utf-8"), max_size=20),
            after=st.text(alphabet=st.characters(codec="utf-8"), max_size=20),
            url=st.none() | st.just("https://x.example/1...2"),
            commits=st.lists(
                st.builds(
                    UpstreamCommit,
                    sha=st.from_regex(r"[0-9a-f]{40}", fullmatch=True),
                    subject=st.text(alphabet=st.characters(codec="utf-8"), max_size=40),
                    url=st.none() | st.just("https://x.example/c"),
                ),
                max_size=3,
            ).map(tuple),
            files=st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=20), max_size=3).map(tuple),
            left_out=st.integers(0, 99),
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_what_is_dumped_is_parsed_back(self, found):
        held = Bundle(comparisons={("thing", "1", "2"): found})
        files = {"issues.jsonl": "", "releases.jsonl": "", **bundle.dump(held)}
        assert bundle.parse(files, "x") == (held, ())
