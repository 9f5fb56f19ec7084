"""Project pages as JSON and HTML, and the metadata of a version by each of the ways to it."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockblame.client import Client
from lockblame.errors import AccessRefused, BadResponse, NotFound, UpstreamError
from lockblame.flow import Request, Response
from lockblame.index import File, Metadata, Project, metadata, project
from lockblame.index.archives import Unreadable, from_sdist
from lockblame.index.pages import ACCEPT, HTML, JSON
from lockblame.index.records import version_of
from tests.flows import feed, page
from tests.servers.loopback import Answer, Asked, Server

INDEX = "https://index.example/simple"
METADATA = b"""\
Metadata-Version: 2.1
Name: Kombu
Version: 5.3.2
Summary: Messaging
Home-page: https://kombu.readthedocs.io
Requires-Python: >=3.8
Project-URL: Source, https://github.com/celery/kombu
Project-URL: Funding, https://user:secret@opencollective.example/celery
Project-URL: Bad, javascript:alert(1)
Project-URL: Mail, mailto:x@kombu.example
Requires-Dist: amqp<6.0.0,>=5.1.1
Requires-Dist: boto3>=1.26; extra == "sqs"

Source: https://evil.example/other
"""


def file(name: str, **more: object) -> dict[str, object]:
    return {"filename": name, "url": f"https://files.example/{name}", "hashes": {"sha256": "ab"}, **more}


def asked_for(document: object, kind: str = JSON, name: str = "kombu", url: str = f"{INDEX}/kombu/") -> Project:
    return feed(project(name, INDEX), [page(document, url, kind)])[0]


class TestAsking:
    @pytest.mark.parametrize("index", [INDEX, f"{INDEX}/"])
    def test_the_address_is_normalized_and_json_preferred(self, index: str):
        found, asked = feed(project("Flask_SocketIO", index), [page({"files": []}, kind=JSON)])
        assert [(request.url, request.headers["Accept"]) for request in asked] == [(f"{INDEX}/flask-socketio/", ACCEPT)]
        assert found == Project(name="flask-socketio", url="https://index.example/x")

    def test_what_the_client_throws_goes_through(self):
        with pytest.raises(NotFound):
            feed(project("kombu", INDEX), [NotFound("kombu", "is not there")])


class TestJson:
    def test_releases(self):
        found = asked_for(
            {
                "meta": {"api-version": "1.4"},
                "name": "kombu",
                "versions": ["5.3.2", "5.3.10", "5.3.1", "6.0rc1"],
                "files": [
                    file("kombu-5.3.10.tar.gz", **{"upload-time": "2023-12-01T00:00:00Z"}),
                    file(
                        "kombu-5.3.2-py3-none-any.whl",
                        **{"upload-time": "2023-09-01T12:30:00.5Z", "size": 7, "yanked": "broken on SQS"},
                    ),
                    file("kombu-5.3.2.tar.gz", **{"upload-time": "2023-08-31T14:00:00+02:00", "yanked": True}),
                    file("kombu-5.3.1-py3-none-any.whl", yanked=True),
                    file("kombu-5.3.1.tar.gz", yanked=False),
                ],
            }
        )
        assert [(release.version, release.yanked, release.yanked_reason) for release in found.releases] == [
            ("5.3.1", False, None),
            ("5.3.2", True, "broken on SQS"),
            ("5.3.10", False, None),
            ("6.0rc1", False, None),
        ]
        assert found.release("5.3.2").uploaded == datetime(2023, 8, 31, 12, tzinfo=UTC)
        assert found.release("6.0.RC1").uploaded is None
        assert found.release("7") is None
        assert [item.name for item in found.files_of("5.3.2.0")] == ["kombu-5.3.2-py3-none-any.whl", "kombu-5.3.2.tar.gz"]

    def test_a_file(self):
        found = asked_for(
            {
                "files": [
                    {
                        "filename": "kombu-5.3.2-py3-none-any.whl",
                        "url": "../../packages/kombu-5.3.2-py3-none-any.whl",
                        "hashes": {"sha256": "ab"},
                        "requires-python": ">=3.8",
                        "size": 196735,
                        "core-metadata": {"sha256": "cd"},
                        "provenance": "https://index.example/p",
                    }
                ]
            }
        )
        assert found.files == (
            File(
                name="kombu-5.3.2-py3-none-any.whl",
                url="https://index.example/packages/kombu-5.3.2-py3-none-any.whl",
                version="5.3.2",
                hashes={"sha256": "ab"},
                size=196735,
                requires_python=">=3.8",
                metadata_url="https://index.example/packages/kombu-5.3.2-py3-none-any.whl.metadata",
                metadata_hashes={"sha256": "cd"},
                provenance="https://index.example/p",
            ),
        )

    @pytest.mark.parametrize(
        ("keys", "offered"),
        [
            ({}, False),
            ({"core-metadata": True}, True),
            ({"core-metadata": False, "dist-info-metadata": True}, False),
            ({"dist-info-metadata": {"sha256": "x"}}, True),
        ],
    )
    def test_whether_metadata_is_offered(self, keys: dict[str, object], offered: bool):
        found = asked_for({"files": [file("kombu-1.0-py3-none-any.whl", **keys)]})
        assert (found.files[0].metadata_url is not None) == offered

    def test_the_status_of_the_project(self):
        found = asked_for({"files": [], "project-status": {"status": "archived", "reason": "moved on"}})
        assert (found.status, found.status_reason) == ("archived", "moved on")

    def test_every_release_knows_it(self):
        page_of = {
            "files": [file("kombu-5.3.2.tar.gz")],
            "project-status": {"status": "Quarantined", "reason": "looks like a trap"},
        }
        (release,) = asked_for(page_of).releases
        assert (release.status, release.status_reason) == ("quarantined", "looks like a trap")
        (release,) = asked_for({"files": [file("kombu-5.3.2.tar.gz")], "project-status": {"status": "active"}}).releases
        assert (release.status, release.status_reason) == (None, None)

    def test_no_page_chooses_a_password(self):
        record = {**file("kombu-5.3.2.tar.gz"), "url": "https://me:pw@files.example/kombu-5.3.2.tar.gz"}
        assert asked_for({"files": [record]}).files[0].url == "https://files.example/kombu-5.3.2.tar.gz"

    def test_which_releases_are_attested(self):
        files = [
            file("kombu-5.3.2-py3-none-any.whl", provenance="https://index.example/p"),
            file("kombu-5.3.2.tar.gz", provenance=None),
            file("kombu-5.3.3.tar.gz", provenance=None),
        ]
        attested = {one.version: one.attested for one in asked_for({"files": files, "versions": ["6.0"]}).releases}
        assert attested == {"5.3.2": True, "5.3.3": False, "6.0": None}

    def test_an_index_that_does_not_speak_of_attestations(self):
        (release,) = asked_for({"files": [file("kombu-5.3.2.tar.gz")]}).releases
        assert release.attested is None

    @pytest.mark.parametrize(
        ("document", "says"),
        [
            (b"[", "broken"),
            (b"\xff", "broken"),
            ([], "no project page"),
            ({"files": 3}, "files should be a list"),
            ({"files": [3]}, r"files\[0\] should be a table"),
            ({"files": [{}]}, r"files\[0\].filename is missing"),
            ({"files": [{"filename": 3}]}, r"files\[0\].filename should be a string"),
            ({"files": [{"filename": "x"}]}, r"files\[0\].url is missing"),
            ({"files": [], "versions": [1]}, r"versions\[0\] should be a string"),
            ({"meta": {"api-version": "2.0"}, "files": []}, "version 2.0"),
            (b"[" * 100_000, "broken"),
        ],
    )
    def test_nonsense_is_one_sentence(self, document: object, says: str):
        with pytest.raises(BadResponse, match=says):
            asked_for(document)

    def test_another_kind_of_answer(self):
        with pytest.raises(BadResponse, match="answered with image/png instead"):
            asked_for(b"", kind="image/png")

    def test_a_file_with_a_broken_time_is_still_a_file(self):
        assert asked_for({"files": [file("kombu-1.0.tar.gz", **{"upload-time": "yesterday"})]}).release("1.0").uploaded is None


class TestHtml:
    PAGE = """<!DOCTYPE html><html><head>
      <meta name="pypi:repository-version" content="1.3"><meta name="pypi:project-status" content="deprecated">
      <base href="https://files.example/deep/">
      </head><body><h1>Links</h1>
      <a href="kombu-5.3.2-py3-none-any.whl#sha256=ab" data-requires-python="&gt;=3.8"
         data-core-metadata="sha256=cd">kombu-5.3.2-py3-none-any.whl</a>
      <!-- <a href="kombu-9.tar.gz">kombu-9.tar.gz</a> -->
      <a href="/k/kombu-5.3.2.tar.gz" data-yanked="why &amp; how">kombu-5.3.2.tar.gz</a>
      <A HREF="kombu-5.3.1.tar.gz" data-yanked>  kombu-5.3.1.tar.gz
      </A><a name="no-file">x</a></body>"""

    @pytest.mark.parametrize("kind", [HTML, "text/html", "Text/HTML; charset=utf-8"])
    def test_a_page(self, kind: str):
        found = asked_for(self.PAGE, kind)
        assert [(item.name, item.url, item.version) for item in found.files] == [
            ("kombu-5.3.2-py3-none-any.whl", "https://files.example/deep/kombu-5.3.2-py3-none-any.whl", "5.3.2"),
            ("kombu-5.3.2.tar.gz", "https://files.example/k/kombu-5.3.2.tar.gz", "5.3.2"),
            ("kombu-5.3.1.tar.gz", "https://files.example/deep/kombu-5.3.1.tar.gz", "5.3.1"),
        ]
        wheel, sdist, old = found.files
        assert (wheel.requires_python, wheel.hashes, wheel.metadata_hashes) == (">=3.8", {"sha256": "ab"}, {"sha256": "cd"})
        assert wheel.metadata_url == f"{wheel.url}.metadata"
        assert (sdist.yanked, sdist.yanked_reason, old.yanked, old.yanked_reason) == (True, "why & how", True, None)
        assert [(release.version, release.yanked) for release in found.releases] == [("5.3.1", True), ("5.3.2", False)]
        assert found.status == "deprecated"

    def test_the_oldest_kind_of_page(self):
        found = asked_for("<a href='kombu-1.0.tar.gz'>kombu-1.0.tar.gz</a><br/>", "text/html")
        assert found.files[0].url == f"{INDEX}/kombu/kombu-1.0.tar.gz"

    def test_another_interface(self):
        with pytest.raises(BadResponse, match=r"version 2\.0"):
            asked_for('<meta name="pypi:repository-version" content="2.0">', "text/html")

    @pytest.mark.parametrize(
        "start", ["<a ", "<!--", "<a href='", '<a href="x', "<a a='", "<a a=b ", "<a/", "<a x='\"", "<a x=\"' ", "<a" + " b" * 50]
    )
    def test_a_page_that_never_closes_what_it_opens_takes_no_time(self, start: str):
        began = time.perf_counter()
        with pytest.raises(BadResponse, match="no project page"):
            asked_for(start * 60_000, "text/html")
        assert time.perf_counter() - began < 60

    @pytest.mark.parametrize(
        ("page", "kind"),
        [
            (
                "<title>Sign in</title><form><input name=user><input type=password></form><a href='/forgot'>Lost it?</a>",
                "text/html",
            ),
            ("<html><script src='/sso.js'></script></html>", "text/html"),
            ("", "text/html"),
            ('{"error": "please log in"}', "application/json"),
        ],
    )
    def test_a_login_is_no_project_without_files(self, page: str, kind: str):
        with pytest.raises(BadResponse, match="no project page"):
            asked_for(page, kind)

    @pytest.mark.parametrize(
        ("page", "kind"),
        [
            ("<title>Links for kombu</title><h1>Links for kombu</h1>", "text/html"),
            ("<h1>Index of /simple/kombu</h1><a href='..'>Parent Directory</a>", "text/html"),
            ('<meta name="pypi:repository-version" content="1.0">', "text/html"),
            ("", HTML),
            ('{"files": []}', "application/json"),
        ],
    )
    def test_a_project_without_files_is_one_where_the_page_says_so(self, page: str, kind: str):
        assert asked_for(page, kind).releases == ()

    @given(st.text(alphabet="<>a/ ='\"!-hrefx&;#", max_size=60))
    def test_any_markup_is_a_page(self, text: str):
        asked_for(f'{text}\n"\'--><a href="kombu-1.0.tar.gz">kombu-1.0.tar.gz</a>', "text/html")

    @given(st.text(max_size=300))
    def test_any_text_is_a_page_or_a_bad_response(self, text: str):
        with suppress(BadResponse):
            asked_for(text, "text/html")


class TestVersionOfAFile:
    @pytest.mark.parametrize(
        ("name", "package", "version"),
        [
            ("kombu-5.3.2-py3-none-any.whl", "kombu", "5.3.2"),
            ("kombu-5.3.2.tar.gz", "kombu", "5.3.2"),
            ("kombu-5.3.2.zip", "kombu", "5.3.2"),
            ("Flask_SocketIO-5.3.0-1-py3-none-any.whl", "flask-socketio", "5.3.0"),
            ("python-dateutil-2.8.2.tar.gz", "python-dateutil", "2.8.2"),
            ("zope.interface-5.0-py2.7.egg", "zope-interface", "5.0"),
            ("pywin32-1.0.win32-py3.6.exe", "pywin32", "1.0"),
            ("lxml-3.4.4.win-amd64-py2.7.exe", "lxml", "3.4.4"),
            ("torch-2.0.0+cu118-cp310-cp310-linux_x86_64.whl", "torch", "2.0.0+cu118"),
            ("torch-2.0.0_cu118-cp310-cp310-linux_x86_64.whl", "torch", "2.0.0+cu118"),
            ("kombu-1.0-beta.tar.gz", "kombu", "1.0b0"),
            ("kombu-2.0RC1.tar.gz", "kombu", "2.0rc1"),
            ("other-1.0.tar.gz", "kombu", None),
            ("kombu.tar.gz", "kombu", None),
            ("kombu-nonsense.tar.gz", "kombu", None),
            ("kombu-1.0.tar.gz.asc", "kombu", None),
            ("README", "kombu", None),
            ("", "kombu", None),
            ("-" * 5000 + ".whl", "kombu", None),
        ],
    )
    def test_names(self, name: str, package: str, version: str | None):
        assert version_of(name, package) == version


# --- metadata --------------------------------------------------------------------------------------------------------


def known(*files: dict[str, object], **keys: object) -> Project:
    return asked_for({"files": list(files), **keys})


def wheel_of(
    content: bytes = METADATA, *, padding: int = 100_000, compression: int = zipfile.ZIP_DEFLATED, members: int = 3
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("kombu/__init__.py", "x = 1")
        archive.writestr("kombu/big.bin", __import__("random").Random(1).randbytes(padding))
        for number in range(members):
            archive.writestr(f"kombu/module_with_a_long_name_{number}.py", "")
        archive.writestr("kombu-5.3.2.dist-info/METADATA", content)
        archive.writestr("kombu/after.bin", __import__("random").Random(2).randbytes(padding))
    return buffer.getvalue()


def sdist_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Files:
    """Answers as a file server: whole files, or ranges of them."""

    def __init__(self, contents: dict[str, bytes], *, ranges: bool = True) -> None:
        self.contents = contents
        self.ranges = ranges
        self.sent = 0

    def __call__(self, request: Request) -> Response | UpstreamError:
        name = request.url.rsplit("/", 1)[-1]
        if name not in self.contents:
            return NotFound(request.subject, "is not there")
        content, span = self.contents[name], request.headers.get("Range", "").removeprefix("bytes=")
        if not span or not self.ranges:
            self.sent += len(content)
            return Response(status=200, url=request.url, body=content)
        first, _, last = span.partition("-")
        start = int(first) if first else max(0, len(content) - int(last))
        end = min(len(content), int(last) + 1) if first else len(content)
        self.sent += end - start
        return Response(
            status=206,
            url=request.url,
            headers={"content-range": f"bytes {start}-{end - 1}/{len(content)}"},
            body=content[start:end],
        )


WHEEL, SDIST = "kombu-5.3.2-py3-none-any.whl", "kombu-5.3.2.tar.gz"
EXPECTED = Metadata(
    name="kombu",
    version="5.3.2",
    links={
        "Source": "https://github.com/celery/kombu",
        "Funding": "https://opencollective.example/celery",
        "Homepage": "https://kombu.readthedocs.io",
    },
    requires_dist=("amqp<6.0.0,>=5.1.1", 'boto3>=1.26; extra == "sqs"'),
    requires_python=">=3.8",
    summary="Messaging",
)


class TestMetadata:
    def test_the_file_that_is_offered(self):
        offered = {"core-metadata": {"sha256": sha256(METADATA).hexdigest()}}
        found, asked = feed(metadata(known(file(SDIST), file(WHEEL, **offered)), "5.3.2"), Files({f"{WHEEL}.metadata": METADATA}))
        assert found == EXPECTED
        assert [request.url for request in asked] == [f"https://files.example/{WHEEL}.metadata"]

    def test_another_file_than_promised(self):
        offered = {"core-metadata": {"sha256": "00" * 32}}
        with pytest.raises(BadResponse, match="hash"):
            feed(metadata(known(file(WHEEL, **offered)), "5.3.2"), Files({f"{WHEEL}.metadata": METADATA, WHEEL: wheel_of()}))

    def test_a_mirror_that_does_not_tell(self):
        found, asked = feed(metadata(known(file(SDIST), file(WHEEL)), "5.3.2"), Files({f"{WHEEL}.metadata": METADATA}))
        assert (found, len(asked)) == (EXPECTED, 1)

    @pytest.mark.parametrize("kind", [NotFound, AccessRefused])
    def test_a_proxy_that_promises_what_it_does_not_have(self, kind: type[UpstreamError]):
        offered = {"core-metadata": {"sha256": sha256(METADATA).hexdigest()}}
        there = Files({WHEEL: wheel_of()})

        def answer(request: Request) -> Response | UpstreamError:
            return kind("kombu", "is not there") if request.url.endswith(".metadata") else there(request)

        assert feed(metadata(known(file(WHEEL, **offered)), "5.3.2"), answer)[0] == EXPECTED

    @pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
    def test_inside_the_wheel_by_ranges(self, compression: int):
        files = Files({WHEEL: wheel_of(compression=compression, padding=300_000)})
        found, asked = feed(metadata(known(file(WHEEL)), "5.3.2"), files)
        assert found == EXPECTED
        assert len(asked) <= 4
        assert files.sent < 150_000

    def test_a_wheel_with_a_large_directory(self):
        found, asked = feed(metadata(known(file(WHEEL)), "5.3.2"), Files({WHEEL: wheel_of(members=3000)}))
        assert found == EXPECTED
        assert len(asked) <= 5

    def test_a_server_that_knows_no_ranges(self):
        found, asked = feed(metadata(known(file(WHEEL)), "5.3.2"), Files({WHEEL: wheel_of()}, ranges=False))
        assert (found, len(asked)) == (EXPECTED, 2)

    @pytest.mark.parametrize("name", [SDIST, "kombu-5.3.2.zip"])
    def test_inside_the_sdist(self, name: str):
        if name.endswith(".zip"):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("kombu-5.3.2/PKG-INFO", METADATA)
            content = buffer.getvalue()
        else:
            content = sdist_of(**{"kombu-5.3.2/kombu.egg-info/PKG-INFO": b"Name: wrong", "kombu-5.3.2/PKG-INFO": METADATA})
        assert feed(metadata(known(file(name)), "5.3.2"), Files({name: content}))[0] == EXPECTED

    def test_a_large_sdist_is_not_fetched(self):
        with pytest.raises(NotFound, match="no file"):
            feed(metadata(known(file(SDIST, size=10**9)), "5.3.2"), [])

    def test_a_broken_wheel_leaves_the_sdist(self):
        contents = {WHEEL: b"PK nonsense", SDIST: sdist_of(**{"kombu-5.3.2/PKG-INFO": METADATA})}
        assert feed(metadata(known(file(WHEEL), file(SDIST)), "5.3.2"), Files(contents))[0] == EXPECTED

    def test_the_nearest_later_version_else_the_nearest_earlier(self):
        several = known(*(file(f"kombu-{version}.tar.gz") for version in ("5.0", "5.2", "5.4")))
        answer = sdist_of(**{"kombu-5.3.2/PKG-INFO": METADATA})
        files = Files({f"kombu-{version}.tar.gz": answer for version in ("5.0", "5.2", "5.4")})
        assert feed(metadata(several, "5.1"), files)[0].version == "5.2"
        assert feed(metadata(several, "6.0"), files)[0].version == "5.4"

    def test_nothing_to_read_it_from(self):
        with pytest.raises(NotFound):
            feed(metadata(known(), "5.3.2"), [])

    @pytest.mark.parametrize("body", [b"", b"Name: kombu\n", b"\xff\xfe", b"<html>"])
    def test_a_file_that_is_no_metadata(self, body: bytes):
        with pytest.raises(BadResponse, match="no name and version"):
            feed(
                metadata(known(file(WHEEL, **{"core-metadata": True})), "5.3.2"),
                [Response(status=200, url="https://files.example/", body=body)],
            )

    def test_labels_that_occur_twice(self):
        body = METADATA.replace(b"Project-URL: Bad,", b"Project-URL: Source, https://github.com/celery/other\nProject-URL: Bad,")
        found = feed(
            metadata(known(file(WHEEL, **{"core-metadata": True})), "5.3.2"),
            [Response(status=200, url="https://x.example", body=body)],
        )[0]
        assert {"https://github.com/celery/kombu", "https://github.com/celery/other"} <= set(found.links.values())


class TestHostileArchives:
    @given(st.binary(max_size=300), st.sampled_from([SDIST, "kombu-5.3.2.zip"]))
    def test_bytes(self, content: bytes, name: str):
        with pytest.raises(Unreadable):
            from_sdist(name, content)

    @given(st.integers(0, 2000), st.integers(0, 255))
    def test_a_wheel_with_a_changed_byte(self, place: int, byte: int):
        content = bytearray(wheel_of(padding=10, members=1))
        content[place % len(content)] = byte
        with suppress(UpstreamError):
            feed(metadata(known(file(WHEEL)), "5.3.2"), Files({WHEEL: bytes(content)}))

    def test_a_bomb(self):
        assert_small = io.BytesIO()
        with zipfile.ZipFile(assert_small, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("kombu-5.3.2.dist-info/METADATA", bytes(20 * 1024 * 1024))
        with pytest.raises(BadResponse, match="too large"):
            feed(metadata(known(file(WHEEL)), "5.3.2"), Files({WHEEL: assert_small.getvalue()}))
        with pytest.raises(Unreadable):
            from_sdist(SDIST, sdist_of(**{"kombu/big": bytes(90 * 1024 * 1024)}))

    @pytest.mark.parametrize("said", ["", "bytes 0-9/100", "bytes 0-1/99999999999999", "nonsense"])
    def test_ranges_that_do_not_fit(self, said: str):
        answers = [
            NotFound("kombu", "no"),
            Response(status=206, url="https://files.example/", headers={"content-range": said}, body=b"ab"),
        ]
        with pytest.raises(BadResponse, match="parts that don't fit"):
            feed(metadata(known(file(WHEEL)), "5.3.2"), answers)


class TestOverTheWire:
    def test_a_project_and_its_metadata(self):
        content = wheel_of()

        def answer(asked: Asked) -> Answer:
            if asked.path == "/simple/kombu/":
                body = b'<a href="/files/kombu-5.3.2-py3-none-any.whl">kombu-5.3.2-py3-none-any.whl</a>'
                return Answer(body=body, kind="text/html")
            if asked.path == f"/files/{WHEEL}":
                first, _, last = asked.headers["range"].removeprefix("bytes=").partition("-")
                start = int(first) if first else max(0, len(content) - int(last))
                end = min(len(content), int(last) + 1) if first else len(content)
                headers = {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
                return Answer(status=206, body=content[start:end], kind="application/octet-stream", headers=headers)
            return Answer(status=404)

        def both():
            found = yield from project("kombu", f"{server.url}/simple")
            return (yield from metadata(found, "5.3.2"))

        with Server(answer) as server, Client(cache=False) as client:
            assert client.run(both()) == EXPECTED
