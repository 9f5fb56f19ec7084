"""From the links of a package to its repository, or the reason why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockblame.errors import BadResponse, Offline
from lockblame.flow import Response
from lockblame.index import Project, project
from lockblame.model import Gap, Repository
from lockblame.upstream import find, locate, parse_repository
from tests.flows import feed, page

G = "https://github.com"


def on(path: str, host: str = "github.com", forge: str = "github") -> Repository:
    return Repository(forge=forge, host=host, path=path)


class TestOneAddress:
    @pytest.mark.parametrize(
        "url",
        [
            f"{G}/celery/kombu",
            f"{G}/celery/kombu/",
            f"{G}/celery/kombu.git",
            f"{G}/celery/kombu#readme",
            f"{G}/celery/kombu?tab=readme",
            f"{G}/celery/kombu/issues",
            f"{G}/celery/kombu/issues/1783",
            f"{G}/celery/kombu/blob/main/Changelog.rst",
            f"{G}/celery/kombu/tree/main/docs",
            f"{G}/celery/kombu/releases/tag/v5.3.2",
            f"{G}/celery/kombu/wiki",
            f"{G}/celery/kombu/actions/workflows/ci.yml/badge.svg",
            "http://github.com/celery/kombu",
            "https://www.github.com/celery/kombu",
            "https://GitHub.com/celery/kombu",
            "git+https://github.com/celery/kombu.git",
            "git+ssh://git@github.com/celery/kombu.git",
            "git://github.com/celery/kombu.git",
            "git@github.com:celery/kombu.git",
            "https://user:token@github.com/celery/kombu",
            "https://raw.githubusercontent.com/celery/kombu/main/README.rst",
            " https://github.com/celery/kombu ",
            "github.com/celery/kombu",
            "www.GitHub.com/celery/kombu/issues",
            "https://github.com:443/celery/kombu",
            "ssh://git@github.com:22/celery/kombu.git",
        ],
    )
    def test_github(self, url: str):
        assert parse_repository(url) == on("celery/kombu")

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("https://gitlab.com/group/sub/deeper/name", on("group/sub/deeper/name", "gitlab.com", "gitlab")),
            ("https://gitlab.com/group/sub/name/-/issues/3", on("group/sub/name", "gitlab.com", "gitlab")),
            ("https://gitlab.com/group/name/issues", on("group/name", "gitlab.com", "gitlab")),
            ("https://gitlab.com/group/name/blob/main/CHANGES.md", on("group/name", "gitlab.com", "gitlab")),
            ("https://gitlab.gnome.example/world/name.git", on("world/name", "gitlab.gnome.example", "gitlab")),
            ("https://code.example/team/sub/name/-/tree/main", on("team/sub/name", "code.example", "gitlab")),
            ("https://codeberg.org/owner/name/src/branch/main", on("owner/name", "codeberg.org", "gitea")),
            ("https://code.example/owner/name/src/branch/main/CHANGES.md", on("owner/name", "code.example", "gitea")),
            ("https://forgejo.corp.example:3000/owner/name", on("owner/name", "forgejo.corp.example:3000", "gitea")),
            ("https://github.corp.example/owner/name", on("owner/name", "github.corp.example")),
            ("git+ssh://git@gitlab.corp.example:2222/owner/name.git", on("owner/name", "gitlab.corp.example", "gitlab")),
            ("ssh://git:x@gitlab.corp.example:2222/owner/name", on("owner/name", "gitlab.corp.example", "gitlab")),
        ],
    )
    def test_other_forges(self, url: str, expected: Repository):
        assert parse_repository(url) == expected

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "nonsense",
            G,
            f"{G}/celery",
            f"{G}/sponsors/celery",
            f"{G}/orgs/celery/discussions",
            f"{G}/marketplace/actions",
            f"{G}/users/celery",
            f"{G}/apps/bot",
            f"{G}/celery/.github",
            f"{G}/celery/..",
            f"{G}/pypa/sampleproject",
            f"{G}/celery/ko mbu",
            f"{G}/a%2Fb/c",
            "https://gist.github.com/celery/abc",
            "https://docs.github.com/en/rest",
            "https://github.blog/some/article",
            "https://forgejo.org/docs/latest",
            "https://docs.gitlab.com/ee/user",
            "https://celery.github.io/kombu",
            "https://kombu.readthedocs.io/en/stable",
            "https://bitbucket.org/owner/name",
            "https://code.example/owner/name",
            "https://github.com.evil.example/celery/kombu",
            "https://img.shields.example/github/celery/kombu",
            "ftp://github.com/celery/kombu",
            "javascript:alert(1)",
            "http://[::1",
            "https://github.com:port/celery/kombu",
            f"{G}/" + "a" * 3000 + "/b",
        ],
    )
    def test_none(self, url: str):
        assert parse_repository(url) is None

    def test_the_forge_can_be_told(self):
        assert parse_repository("https://code.example/owner/name", "gitea") == on("owner/name", "code.example", "gitea")
        assert parse_repository("http://127.0.0.1:8080/owner/name", "github") == on("owner/name", "127.0.0.1:8080")

    @given(st.text(max_size=80), st.sampled_from(["", "https://", f"{G}/", "git@", "https://gitlab.com/"]))
    def test_any_text_is_an_address_or_none(self, text: str, start: str):
        found = parse_repository(start + text)
        if found:
            assert parse_repository(found.url, found.forge) == found


class TestLabels:
    @pytest.mark.parametrize(
        "label",
        ["Source", "source code", "Repository", "GitHub", "Code", "Homepage", "home-page", "Issues", "Issue Tracker",
         "Bug Tracker", "Bug Reports", "Changelog", "Change log", "Release Notes",
         "What's New", "History", "GitHub: repo", "Source (GitHub)"],
    )  # fmt: skip
    def test_what_promises_a_repository_needs_no_likeness(self, label: str):
        assert locate({"Documentation": "https://x.example", label: f"{G}/celery/other-name"}, "kombu") == on("celery/other-name")

    @pytest.mark.parametrize(
        "label", ["Docs", "Documentation", "Download", "CI", "Chat", "Author", "Parent project", "Template", "Code of Conduct"]
    )
    def test_what_promises_nothing_does(self, label: str):
        assert isinstance(locate({label: f"{G}/celery/other-name"}, "kombu"), Gap)
        assert locate({label: f"{G}/celery/kombu/x"}, "kombu") == on("celery/kombu")

    @pytest.mark.parametrize("label", ["Funding", "Sponsor", "Donate", "Tidelift: Funding"])
    def test_money_is_no_source(self, label: str):
        assert isinstance(locate({label: f"{G}/celery/kombu"}, "kombu"), Gap)


class TestChoice:
    @pytest.mark.parametrize(
        ("name", "links", "path"),
        [
            (
                "kombu",
                {"Homepage": "https://kombu.readthedocs.io", "Source": f"{G}/celery/kombu", "Funding": f"{G}/sponsors/celery"},
                "celery/kombu",
            ),
            ("certifi", {"Homepage": f"{G}/certifi/python-certifi"}, "certifi/python-certifi"),
            (
                "redis",
                {"Changes": f"{G}/redis/redis-py/releases", "Issue tracker": f"{G}/redis/redis-py/issues"},
                "redis/redis-py",
            ),
            # a label of its own beats a better likeness
            ("fsspec", {"Docs": f"{G}/x/fsspec", "Source": f"{G}/fsspec/filesystem_spec"}, "fsspec/filesystem_spec"),
            # the leftovers of a template, and of what it was forked from
            ("mytool", {"Source": f"{G}/pypa/sampleproject", "Issues": f"{G}/me/mytool/issues"}, "me/mytool"),
            ("mytool", {"Source": f"{G}/other/unrelated", "Issues": f"{G}/me/mytool/issues"}, "me/mytool"),
            # a monorepo
            (
                "opentelemetry-api",
                {"Homepage": f"{G}/open-telemetry/opentelemetry-python/tree/main/opentelemetry-api"},
                "open-telemetry/opentelemetry-python",
            ),
            ("grpcio", {"Source Code": f"{G}/grpc/grpc", "Documentation": "https://grpc.github.io/grpc/python/"}, "grpc/grpc"),
            # only where the documentation is hosted
            ("tool", {"Documentation": "https://owner.github.io/tool/latest"}, "owner/tool"),
            ("tool", {"Homepage": "https://owner.github.io/tool"}, "owner/tool"),
            # two spellings of one
            ("kombu", {"Source": f"{G}/Celery/Kombu", "Repository": f"{G}/celery/kombu"}, "Celery/Kombu"),
            (
                "python-dateutil",
                {"Source": f"{G}/dateutil/dateutil", "Issues": f"{G}/dateutil/dateutil/issues"},
                "dateutil/dateutil",
            ),
            # both are sources: the one that bears the name
            ("tool-cli", {"Source": f"{G}/owner/website", "Repository": f"{G}/owner/tool-cli"}, "owner/tool-cli"),
        ],
    )
    def test_which(self, name: str, links: dict[str, str], path: str):
        assert locate(links, name) == on(path)

    def test_one_link_tells_which_forge_a_host_runs(self):
        links = {
            "Source": "https://code.example/owner/name",
            "Changelog": "https://code.example/owner/name/src/branch/main/CHANGES.md",
        }
        assert locate(links, "name") == on("owner/name", "code.example", "gitea")

    def test_the_order_of_the_links_does_not_matter(self):
        links = [
            ("Source", f"{G}/a/b"),
            ("Issues", f"{G}/c/tool"),
            ("Homepage", "https://tool.example"),
            ("Docs", f"{G}/tool/tool"),
        ]
        assert locate(dict(links), "tool") == locate(dict(reversed(links)), "tool")


def released(*versions: str) -> Project:
    files = [
        {"filename": f"kombu-{version}-py3-none-any.whl", "url": f"https://files.example/{version}", "core-metadata": True}
        for version in versions
    ]
    return feed(project("kombu", "https://index.example"), [page({"files": files})])[0]


def says(version: str, link: str) -> Response:
    return page(f"Metadata-Version: 2.1\nName: kombu\nVersion: {version}\nProject-URL: Source, {link}\n")


class TestFind:
    def test_by_the_version_itself(self):
        found, asked = feed(find(released("1.0", "2.0"), "1.0"), [says("1.0", f"{G}/celery/kombu")])
        assert found == on("celery/kombu")
        assert [request.url for request in asked] == ["https://files.example/1.0.metadata"]

    def test_by_the_newest_when_an_old_one_does_not_tell(self):
        answers = [says("1.0", "https://kombu.example"), says("2.0", f"{G}/celery/kombu")]
        assert feed(find(released("1.0", "2.0"), "1.0"), answers)[0] == on("celery/kombu")

    def test_when_none_tells(self):
        found, _ = feed(
            find(released("1.0", "2.0"), "1.0"), [says("1.0", "https://one.example"), says("2.0", "https://two.example")]
        )
        assert isinstance(found, Gap)
        assert "one.example" in found.detail
        found, asked = feed(find(released("1.0"), "1.0"), [says("1.0", "https://one.example")])
        assert (isinstance(found, Gap), len(asked)) == (True, 1)

    def test_when_the_index_does_not_answer(self):
        found, _ = feed(find(released("1.0"), "1.0"), [Offline("kombu", "was not asked")])
        assert isinstance(found, Gap)
        assert (found.subject, found.reason, found.detail) == ("kombu", "offline", "its links are not known: was not asked")
        answers = [says("1.0", "https://one.example"), BadResponse("kombu", "no")]
        assert isinstance(feed(find(released("1.0", "2.0"), "1.0"), answers)[0], Gap)


class TestWhyNot:
    def test_no_links(self):
        gap = locate({}, "Kombu")
        assert isinstance(gap, Gap)
        assert (gap.subject, gap.reason) == ("Kombu", "no-repository")
        assert gap.hint == 'add kombu = "https://HOST/OWNER/REPOSITORY" below [upstreams] in lockblame.toml'

    def test_links_to_elsewhere(self):
        gap = locate({"Homepage": "https://developers.example/protocol-buffers/", "Docs": "https://a.example"}, "protobuf")
        assert isinstance(gap, Gap)
        assert "a.example, developers.example" in gap.detail

    def test_a_user_is_no_repository(self):
        assert isinstance(locate({"Homepage": f"{G}/celery", "Source": G}, "kombu"), Gap)

    def test_a_page_of_documentation_of_something_else(self):
        assert isinstance(locate({"Documentation": "https://owner.github.io/handbook"}, "kombu"), Gap)

    @pytest.mark.parametrize(
        ("url", "by_hand"),
        [
            ("https://bitbucket.org/owner/name", "https://bitbucket.org/owner/name/issues"),
            ("https://bitbucket.org/owner/name.git", "https://bitbucket.org/owner/name/issues"),
            ("git+ssh://git@bitbucket.org/owner/name/src/master/", "https://bitbucket.org/owner/name/issues"),
            ("https://bitbucket.org/owner", "https://bitbucket.org/owner"),
            ("https://bugs.launchpad.net/lxml", "https://bugs.launchpad.net/lxml"),
            ("https://launchpad.net/pyopenssl/trunk", "https://bugs.launchpad.net/pyopenssl"),
            ("https://git.sr.ht/~me/x/tree", "https://todo.sr.ht/~me/x"),
            ("https://sr.ht/~me/x", "https://todo.sr.ht/~me/x"),
            ("https://sourceforge.net/projects/docutils/", "https://sourceforge.net/p/docutils/_list/tickets"),
            ("https://sourceforge.net/p/docutils/code/", "https://sourceforge.net/p/docutils/_list/tickets"),
            ("https://docutils.sourceforge.net/docs", "https://sourceforge.net/p/docutils/_list/tickets"),
            ("https://pagure.io/name", "https://pagure.io/name/issues"),
            ("https://pagure.io/group/name", "https://pagure.io/group/name/issues"),
            ("https://pagure.io/name/issues", "https://pagure.io/name/issues"),
            ("https://savannah.gnu.org/projects/name", "https://savannah.gnu.org/bugs/?group=name"),
        ],
    )
    def test_a_forge_that_cannot_be_asked(self, url: str, by_hand: str):
        gap = locate({"Source": url}, "name")
        assert isinstance(gap, Gap)
        assert gap.reason == "unknown-forge"
        assert gap.hint == f"open {by_hand} by hand"

    def test_the_tracker_that_a_package_names_is_where_its_issues_are(self):
        links = {"Source": "https://bitbucket.org/owner/name", "Tracker": "https://me:pw@jira.example/projects/NAME?key=1"}
        gap = locate(links, "name")
        assert isinstance(gap, Gap)
        assert (gap.reason, gap.hint) == ("unknown-forge", "open https://jira.example/projects/NAME by hand")

    def test_a_host_that_does_not_tell_which_forge_it_runs(self):
        gap = locate({"Source": "https://me:s3cret@code.example:8443/team/name?x=1", "Docs": "https://docs.example"}, "Name")
        assert isinstance(gap, Gap)
        assert gap.reason == "unknown-forge"
        assert gap.hint == (
            "open https://code.example:8443/team/name by hand, or say which it is below [upstreams] in lockblame.toml: "
            'name = { url = "https://code.example:8443/team/name", forge = "gitlab|gitea|github" }'
        )

    def test_a_host_whose_forge_the_settings_tell(self):
        hosts = {"code.example:8443": "gitlab"}
        links = {"Source": "https://code.example:8443/team/sub/name"}
        assert locate(links, "name", hosts) == on("team/sub/name", "code.example:8443", "gitlab")
        found, _ = feed(find(released("1.0"), "1.0", hosts), [says("1.0", links["Source"])])
        assert found == on("team/sub/name", "code.example:8443", "gitlab")

    def test_a_contradiction(self):
        gap = locate({"Source": f"{G}/one/kombu", "Repository": f"{G}/two/kombu"}, "kombu")
        assert isinstance(gap, Gap)
        assert gap.reason == "ambiguous-repository"
        assert f"{G}/one/kombu and {G}/two/kombu" in gap.detail

    def test_no_credentials_in_the_reason(self):
        gap = locate({"Source": "https://me:s3cret@bitbucket.org/owner/name", "Docs": "https://me:s3cret@a.example"}, "name")
        assert "s3cret" not in repr(gap)

    @given(st.dictionaries(st.text(max_size=20), st.text(max_size=60)), st.text(min_size=1, max_size=20))
    def test_anything_has_an_answer(self, links: dict[str, str], name: str):
        assert isinstance(locate(links, name), Gap)
