"""Well-known packages on the real index of this machine: where they are developed. Run with -m online."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lockblame.client import Client, default_index
from lockblame.errors import UpstreamError
from lockblame.flow import Flow
from lockblame.index import Metadata, Project, metadata, project
from lockblame.index.pages import HTML
from lockblame.model import Gap, Repository
from lockblame.upstream import find
from tests.flows import feed, page

pytestmark = pytest.mark.online

# versions long out, whose links don't change any more
KNOWN = {
    "aio-pika 9.1.3": "mosquito/aio-pika",
    "aiohttp 3.9.1": "aio-libs/aiohttp",
    "alembic 1.14.0": "sqlalchemy/alembic",
    "amqp 5.1.1": "celery/py-amqp",
    "anyio 4.12.0": "agronholm/anyio",
    "asgiref 3.11.1": "django/asgiref",
    "asyncpg 0.30.0": "MagicStack/asyncpg",
    "boto3 1.28.44": "boto/boto3",
    "botocore 1.31.44": "boto/botocore",
    "celery 5.3.4": "celery/celery",
    "certifi 2023.7.22": "certifi/python-certifi",
    "channels 4.3.2": "django/channels",
    "channels-redis 4.3.0": "django/channels_redis",
    "charset-normalizer 3.4.4": "jawah/charset_normalizer",  # was ousret/charset_normalizer
    "click 8.3.1": "pallets/click",
    "croniter 1.3.1": "kiorky/croniter",  # is pallets-eco/croniter, which the forge leads to
    "cryptography 48.0.0": "pyca/cryptography",
    "dask 2021.10.0": "dask/dask",
    "django 4.2.5": "django/django",
    "djangorestframework 3.17.1": "encode/django-rest-framework",
    "eventlet 0.30.0": "eventlet/eventlet",
    "fastapi 0.124.0": "fastapi/fastapi",
    "flask 3.1.2": "pallets/flask",
    "flask-socketio 4.3.2": "miguelgrinberg/Flask-SocketIO",
    "fsspec 2023.9.2": "fsspec/filesystem_spec",
    "google-auth 2.22.0": "googleapis/google-auth-library-python",
    "greenlet 3.2.4": "python-greenlet/greenlet",
    "grpcio 1.58.0": "grpc/grpc",
    "gunicorn 23.0.0": "benoitc/gunicorn",
    "hiredis 2.3.2": "redis/hiredis-py",
    "httpcore 1.0.9": "encode/httpcore",
    "importlib-metadata 8.5.0": "python/importlib_metadata",
    "joblib 1.5.2": "joblib/joblib",
    "kafka-python 2.0.2": "dpkp/kafka-python",
    "kombu 5.3.2": "celery/kombu",
    "numpy 1.25.2": "numpy/numpy",
    "orjson 3.10.3": "ijl/orjson",
    "pandas 2.3.3": "pandas-dev/pandas",
    "pillow 8.3.0": "python-pillow/Pillow",
    "prometheus-client 0.23.1": "prometheus/client_python",
    "protobuf 4.24.0": None,
    "psycopg2-binary 2.9.7": "psycopg/psycopg2",
    "pyarrow 21.0.0": "apache/arrow",
    "pydantic 2.12.5": "pydantic/pydantic",
    "pydantic-core 2.6.3": "pydantic/pydantic-core",
    "pyjwt 2.10.0": "jpadilla/pyjwt",
    "python-dateutil 2.8.2": "dateutil/dateutil",
    "python-socketio 5.9.0": "miguelgrinberg/python-socketio",
    "redis 5.0.0": "redis/redis-py",
    "requests 2.31.0": "psf/requests",
    "s3transfer 0.18.0": "boto/s3transfer",
    "scikit-learn 1.7.2": "scikit-learn/scikit-learn",
    "sentry-sdk 1.30.0": "getsentry/sentry-python",
    "sqlalchemy 2.0.20": "sqlalchemy/sqlalchemy",
    "starlette 0.27.0": "encode/starlette",
    "transformers 4.57.3": "huggingface/transformers",
    "tzdata 2023.3": "python/tzdata",
    "urllib3 2.0.4": "urllib3/urllib3",
    "uvicorn 0.38.0": "Kludex/uvicorn",
    "werkzeug 3.1.3": "pallets/werkzeug",
}
"""Package and version → repository, as that version's own links tell it; None where they lead to none."""
RIGHT = 58
"""How many of the 60 are found at least."""

Answer = tuple[Project, Metadata, Repository | Gap]


def asked(name: str, version: str, index: str) -> Flow[Answer]:
    page_of = yield from project(name, index)
    described = yield from metadata(page_of, version)
    return page_of, described, (yield from find(page_of, version))


@pytest.fixture(scope="module")
def answers() -> Mapping[str, Answer | UpstreamError]:
    index = default_index()
    with Client(cache=False, deadline=300) as client:
        found = client.map([(key, "index", asked(*key.split(), index)) for key in KNOWN])
    return dict(zip(KNOWN, found, strict=True))


def test_nearly_all_are_found_and_none_is_wrong(answers: Mapping[str, Answer | UpstreamError]):
    assert len(KNOWN) == 60
    right, wrong, gaps = [], [], []
    for key, answer in answers.items():
        assert not isinstance(answer, UpstreamError), answer
        found = answer[2]
        if isinstance(found, Gap):
            gaps.append(key)
        else:
            (right if found.path.lower() == (KNOWN[key] or "").lower() else wrong).append(key)
    assert wrong == []
    assert len(right) >= RIGHT, gaps


@pytest.mark.parametrize("key", KNOWN)
def test_its_page_and_its_metadata(key: str, answers: Mapping[str, Answer | UpstreamError]):
    answer = answers[key]
    assert not isinstance(answer, UpstreamError), answer
    version = key.split()[1]
    page_of, described, _ = answer
    assert described.version == version
    assert page_of.release(version).uploaded is not None
    assert all(file.size for file in page_of.files_of(version))


@pytest.mark.parametrize("name", ["kombu", "numpy", "boto3"])
def test_both_forms_of_a_page_agree(name: str, answers: Mapping[str, Answer | UpstreamError]):
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
