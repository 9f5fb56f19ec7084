"""Evidence bundles: from text and back, line by line, whatever stands in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame import bundle
from lockblame.bundle import Bundle, dump, parse, parse_gaps, parse_issues, parse_releases, parse_repositories
from lockblame.model import Gap, Issue, Release, Repository
from tests.servers.github import record

SHARED = Path(__file__).parents[2] / "shared" / "incidents"


def lines(*records: object) -> str:
    return "".join(f"{item if isinstance(item, str) else json.dumps(item)}\n" for item in records)


PLAIN = {
    "repository": "celery/kombu",
    "number": 1783,
    "title": "SQS slow",
    "body": "five a minute",
    "state": "closed",
    "created_at": "2023-09-04",
    "labels": ["Bug"],
    "comments": None,
    "pull_request": False,
}


class TestIssues:
    def test_the_plain_form(self):
        issues, gaps = parse_issues(lines(PLAIN), "issues.jsonl")
        assert gaps == ()
        assert issues == (
            Issue(
                repository="celery/kombu",
                number=1783,
                title="SQS slow",
                body="five a minute",
                state="closed",
                created_at=datetime(2023, 9, 4, tzinfo=UTC),
                labels=("Bug",),
            ),
        )

    def test_githubs_own_form(self):
        issues, gaps = parse_issues(lines(record(7, created="2023-09-04T16:09:02Z", pull_request={"url": "x"})), "issues.jsonl")
        assert gaps == ()
        assert [(item.repository, item.number, item.labels, item.pull_request) for item in issues] == [
            ("acme/rocket", 7, ("bug",), True)
        ]
        assert issues[0].url == "https://github.com/acme/rocket/issues/7"

    def test_githubs_form_without_its_api_address(self):
        sent = record(7, created="2023-09-04T16:09:02Z")
        del sent["repository_url"]
        assert parse_issues(lines(sent), "x")[0][0].repository == "acme/rocket"

    @pytest.mark.parametrize(
        "change",
        [
            {"labels": [{"name": "Bug"}]},
            {"labels": None, "body": None, "state": None},
            {"created_at": "2023-09-04T00:00:00Z"},
            {"pull_request": None},
            {"extra": {"deep": [1]}},
        ],
    )
    def test_other_spellings(self, change: dict[str, object]):
        issues, gaps = parse_issues(lines({**PLAIN, **change}), "x")
        assert (len(issues), gaps) == (1, ())
        assert issues[0].created_at == datetime(2023, 9, 4, tzinfo=UTC)

    def test_the_least(self):
        issues, gaps = parse_issues(lines({"repository": "a/b", "number": 1, "title": ""}), "x")
        assert (issues, gaps) == ((Issue(repository="a/b", number=1, title=""),), ())

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("{", "is no JSON (expecting property name enclosed in double quotes at column 2)"),
            ("nonsense", "is no JSON (expecting value at column 1)"),
            ('{"a": 1} {"b": 2}', "is no JSON (extra data at column 10)"),
            ("3", "is no JSON object"),
            ("[]", "is no JSON object"),
            ("null", "is no JSON object"),
            ("[" * 100_000, "nested too deeply"),
            ("9" * 10_000, "a number too long"),
            ("x" * 2_000_001, "is longer than 2000000 characters"),
            ("{}", "number: is missing"),
            (json.dumps({**PLAIN, "number": "1"}), "number: should be a number, is a string"),
            (json.dumps({**PLAIN, "number": -1}), "number: is no issue number"),
            (json.dumps({**PLAIN, "repository": "kombu"}), 'repository: should be "owner/name"'),
            (json.dumps({**PLAIN, "repository": None}), "repository: should be a string"),
            (json.dumps({**PLAIN, "title": None}), "title: should be a string"),
            (json.dumps({**PLAIN, "created_at": "in spring"}), "created_at: is no day or timestamp"),
            (json.dumps({**PLAIN, "created_at": 1693843200}), "created_at: should be a string, is a number"),
            (json.dumps({**PLAIN, "labels": [1]}), "labels[0]: should be a string or an object with a name"),
            (json.dumps({**PLAIN, "comments": "many"}), "comments: should be a number"),
        ],
    )
    def test_a_malformed_line_is_a_gap_that_names_it(self, line: str, says: str):
        issues, gaps = parse_issues(lines(PLAIN, "", line, {**PLAIN, "number": 2}), "dir/issues.jsonl")
        assert [issue.number for issue in issues] == [1783, 2]
        assert [(gap.subject, gap.reason) for gap in gaps] == [("dir/issues.jsonl, line 3", "malformed-line")]
        assert says in gaps[0].detail
        assert len(gaps[0].detail) < 300

    def test_many_malformed_lines_are_counted(self):
        issues, gaps = parse_issues("nonsense\n" * 500 + lines(PLAIN), "x")
        assert (len(issues), len(gaps)) == (1, 51)
        assert gaps[-1] == Gap(subject="x", reason="malformed-line", detail="450 more lines can't be used")

    def test_an_issue_told_twice_is_one(self):
        old = {**PLAIN, "state": "open", "comments": 2, "updated_at": "2023-09-05"}
        new = {**PLAIN, "repository": "Celery/Kombu", "body": "", "updated_at": "2023-09-06"}
        for order in ((old, new), (new, old)):
            (issue,), gaps = parse_issues(lines(*order), "x")
            assert gaps == ()
            assert (issue.state, issue.body, issue.comments, issue.repository.lower()) == (
                "closed",
                "five a minute",
                2,
                "celery/kombu",
            )

    def test_line_ends_of_other_systems_and_separators_within_text(self):
        text = (
            "\ufeff"
            + lines({**PLAIN, "title": "x"}).replace("\n", "\r\n")
            + json.dumps({**PLAIN, "number": 2, "title": "a\u2028b\x85c"}, ensure_ascii=False)
        )
        issues, gaps = parse_issues(text, "x")
        assert ([issue.title for issue in issues], gaps) == (["x", "a\u2028b\x85c"], ())

    def test_halves_of_characters_can_be_written_down_again(self):
        text = '{"repository": "a/b", "number": 1, "title": "\\ud83d", "body": "x\\udc00", "labels": ["\\ud83d"]}'
        issues, _ = parse_issues(text, "x")
        dump(Bundle(issues=issues))[bundle.ISSUES].encode("utf-8")
        assert (issues[0].title, issues[0].body, issues[0].labels) == ("?", "x?", ("?",))

    @pytest.mark.parametrize("text", ["", "\n\n", " \n"])
    def test_nothing(self, text: str):
        assert parse_issues(text, "x") == ((), ())

    @given(st.text(max_size=200))
    def test_any_text_has_issues_and_gaps(self, text: str):
        issues, gaps = parse_issues(text, "x")
        assert len(issues) + len(gaps) <= text.count("\n") + 1


class TestOthers:
    def test_releases(self):
        text = lines(
            {"name": "Flask_SocketIO", "version": "5.3.0", "uploaded": "2023-01-11T18:05:44Z"},
            {"name": "kombu", "version": "5.3.2", "uploaded": None, "yanked": "broken"},
            {"name": "kombu", "version": "5.3.1", "yanked": True, "yanked_reason": "why"},
            {"name": "kombu"},
        )
        releases, gaps = parse_releases(text, "releases.jsonl")
        assert releases == (
            Release(name="flask-socketio", version="5.3.0", uploaded=datetime(2023, 1, 11, 18, 5, 44, tzinfo=UTC)),
            Release(name="kombu", version="5.3.2", yanked=True, yanked_reason="broken"),
            Release(name="kombu", version="5.3.1", yanked=True, yanked_reason="why"),
        )
        assert [gap.subject for gap in gaps] == ["releases.jsonl, line 4"]

    def test_repositories(self):
        text = lines(
            {"name": "Kombu", "url": "https://github.com/celery/kombu"},
            {"name": "inhouse", "url": "https://code.example/a/b", "forge": "gitea"},
            {"name": "x", "url": "https://code.example/a/b"},
            {"name": "x", "url": "https://code.example/a/b", "forge": "svn"},
        )
        repositories, gaps = parse_repositories(text, "repositories.jsonl")
        assert repositories == {
            "kombu": Repository(forge="github", host="github.com", path="celery/kombu"),
            "inhouse": Repository(forge="gitea", host="code.example", path="a/b"),
        }
        assert [gap.subject for gap in gaps] == ["repositories.jsonl, line 3", "repositories.jsonl, line 4"]

    def test_gaps(self):
        gap = Gap(subject="kombu", reason="offline", detail="was not asked", hint="ask")
        saved, gaps = parse_gaps(dump(Bundle(gaps=(gap,)))[bundle.GAPS] + '{"subject": 3}\n', "gaps.jsonl")
        assert saved == (gap,)
        assert [item.subject for item in gaps] == ["gaps.jsonl, line 2"]


class TestWhole:
    def test_missing_files_are_gaps_where_evidence_is_missing(self):
        found, gaps = parse({}, "evidence/")
        assert found == Bundle()
        assert [(gap.subject, gap.reason) for gap in gaps] == [
            ("evidence/issues.jsonl", "missing-file"),
            ("evidence/releases.jsonl", "missing-file"),
        ]

    def test_other_files_do_not_matter(self):
        assert parse({"issues.jsonl": "", "releases.jsonl": "", "README.md": "x"}, "e") == (Bundle(), ())

    def test_it_is_readable(self):
        text = dump(Bundle(issues=(Issue(repository="a/b", number=1, title="메시지가 느리다"),)))[bundle.ISSUES]
        assert text == (
            '{"repository": "a/b", "number": 1, "title": "메시지가 느리다", "body": "", "state": "open", "created_at": null, '
            '"labels": [], "comments": null, "pull_request": false}\n'
        )

    @pytest.mark.skipif(not SHARED.is_dir(), reason="the real incidents are not at hand")
    def test_the_real_incidents(self):
        files = {name: (SHARED / name).read_text(encoding="utf-8") for name in ("issues.jsonl", "releases.jsonl")}
        found, gaps = parse(files, str(SHARED))
        assert gaps == ()
        assert len(found.issues) == files["issues.jsonl"].count("\n")
        assert parse(dump(found), "x") == (found, ())


texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)
names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
issues = st.builds(
    Issue,
    repository=st.tuples(names, names).map("/".join),
    number=st.integers(1, 10**6),
    title=texts,
    body=texts,
    state=st.sampled_from(["open", "closed"]),
    created_at=st.none() | moments,
    updated_at=st.none() | moments,
    closed_at=st.none() | moments,
    labels=st.lists(texts, max_size=3).map(tuple),
    comments=st.none() | st.integers(0, 999),
    discussion=st.lists(texts, max_size=2).map(tuple),
    reactions=st.none() | st.integers(0, 999),
    pull_request=st.booleans(),
    url=st.none() | st.just("https://github.com/a/b/issues/1"),
)
halves = st.text(alphabet=st.characters(codec="utf-8") | st.just("\ud800"), min_size=1, max_size=30)
"""With half characters, as JSON may hold them."""
releases = st.builds(
    Release,
    name=names,
    version=texts,
    uploaded=st.none() | moments,
    yanked=st.just(True),
    yanked_reason=st.none() | halves,
    attested=st.none() | st.booleans(),
    status=st.sampled_from([None, "archived", "quarantined"]),
    status_reason=st.none() | halves,
    summary=st.none() | texts.filter(bool),
)
repositories = st.builds(
    Repository, forge=st.sampled_from(["github", "gitlab", "gitea"]), host=st.just("code.example"), path=st.just("a/b")
)
bundles = st.builds(
    Bundle,
    issues=st.lists(issues, max_size=4, unique_by=lambda issue: (issue.repository, issue.number)).map(tuple),
    releases=st.lists(releases, max_size=3, unique_by=lambda release: (release.name, release.version)).map(tuple),
    repositories=st.dictionaries(names, repositories, max_size=3),
    looked=st.frozensets(st.tuples(names, texts, texts), max_size=3),
    gaps=st.lists(st.builds(Gap, subject=texts, reason=texts, detail=halves, hint=st.none() | texts), max_size=3).map(tuple),
)


@settings(max_examples=60)
@given(bundles)
def test_what_is_dumped_is_parsed_back(found: Bundle):
    "".join(dump(found).values()).encode("utf-8")
    assert parse(dump(found), "x") == (found, ())
