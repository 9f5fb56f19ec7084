"""Well-known packages on the real index of this machine: where they are developed. Run with -m online."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lockblame.client import Client, default_index
from lockblame.errors import UpstreamError
from lockblame.flow import Flow
from lockblame.index import Metadata, Project, metadata, project
from lockblame.index.pages import HTML
from lockblame.model import Gap
from lockblame.upstream import locate
from tests.flows import feed, page

pytestmark = pytest.mark.online

# versions long out, whose links don't change any more
KNOWN = {
    "kombu 5.3.2": "celery/kombu",
    "celery 5.3.4": "celery/celery",
    "amqp 5.1.1": "celery/py-amqp",
    "django 4.2.5": "django/django",
    "boto3 1.28.44": "boto/boto3",
    "botocore 1.31.44": "boto/botocore",
    "requests 2.31.0": "psf/requests",
    "urllib3 2.0.4": "urllib3/urllib3",
    "certifi 2023.7.22": "certifi/python-certifi",
    "sentry-sdk 1.30.0": "getsentry/sentry-python",
    "redis 5.0.0": "redis/redis-py",
    "hiredis 2.3.2": "redis/hiredis-py",
    "grpcio 1.58.0": "grpc/grpc",
    "protobuf 4.24.0": None,
    "fsspec 2023.9.2": "fsspec/filesystem_spec",
    "python-socketio 5.9.0": "miguelgrinberg/python-socketio",
    "python-dateutil 2.8.2": "dateutil/dateutil",
    "psycopg2-binary 2.9.7": "psycopg/psycopg2",
    "sqlalchemy 2.0.20": "sqlalchemy/sqlalchemy",
    "pydantic-core 2.6.3": "pydantic/pydantic-core",
    "starlette 0.27.0": "encode/starlette",
    "pillow 8.3.0": "python-pillow/Pillow",
    "numpy 1.25.2": "numpy/numpy",
    "google-auth 2.22.0": "googleapis/google-auth-library-python",
    "tzdata 2023.3": "python/tzdata",
}
"""Package and version → repository; None where its links lead to none."""


def asked(name: str, version: str, index: str) -> Flow[tuple[Project, Metadata]]:
    found = yield from project(name, index)
    return found, (yield from metadata(found, version))


@pytest.fixture(scope="module")
def answers() -> Mapping[str, tuple[Project, Metadata] | UpstreamError]:
    index = default_index()
    with Client(cache=False, deadline=300) as client:
        found = client.map([(key, "index", asked(*key.split(), index)) for key in KNOWN])
    return dict(zip(KNOWN, found, strict=True))


@pytest.mark.parametrize("key", KNOWN)
def test_where_it_is_developed(key: str, answers: Mapping[str, tuple[Project, Metadata] | UpstreamError]):
    answer = answers[key]
    assert not isinstance(answer, UpstreamError), answer
    name, version = key.split()
    page_of, described = answer
    assert described.version == version
    assert page_of.release(version).uploaded is not None
    found = locate(described.links, name)
    if KNOWN[key] is None:
        assert isinstance(found, Gap)
    else:
        assert not isinstance(found, Gap), found
        assert found.path.lower() == KNOWN[key].lower()


@pytest.mark.parametrize("name", ["kombu", "numpy", "boto3"])
def test_both_forms_of_a_page_agree(name: str, answers: Mapping[str, tuple[Project, Metadata] | UpstreamError]):
    from lockblame.flow import Request, Response

    def as_html() -> Flow[Response]:
        return (
            yield Request(url=f"{default_index().rstrip('/')}/{name}/", subject=name, headers={"Accept": f"{HTML}, text/html"})
        )

    with Client(cache=False) as client:
        html = client.run(as_html())
    ours = next(
        answer[0] for key, answer in answers.items() if key.startswith(f"{name} ") and not isinstance(answer, UpstreamError)
    )
    theirs, _ = feed(project(name, "https://index.example"), [page(html.body, html.url, html.headers["content-type"])])
    assert {(file.name, file.version, file.yanked) for file in theirs.files} == {
        (file.name, file.version, file.yanked) for file in ours.files
    }
    # the HTML form has no versions without files
    with_files = [release.version for release in ours.releases if ours.files_of(release.version)]
    assert [release.version for release in theirs.releases] == with_files
