from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.deployment import KINDS, classify, deployment
from lockblame.model import Commit

PATHS = {
    "application": "app/tasks.py shop/views/cart.py templates/mail.html authors.py src/charts/draw.py manage.py a/query.sql",
    "settings": "app/settings.py app/settings/prod.py config/celery.yaml celeryconfig.py .env.example prod.env logging.conf",
    "container": "Dockerfile docker/worker.Dockerfile Dockerfile.prod compose.test.yml helm/x/templates/a.yaml infra/main.tf",
    "python": ".python-version runtime.txt services/api/.tool-versions",
    "ci": ".github/workflows/ci.yml .gitlab-ci.yml tox.ini .ci/run Jenkinsfile",
    "migrations": "shop/migrations/0001_initial.py alembic/versions/ab12_add.py db/migrate/1.sql",
    "dependencies": "uv.lock api/poetry.lock requirements/base.in requirements-dev.txt dev-requirements.txt pyproject.toml "
    "Pipfile pylock.worker.toml constraints.txt docs/requirements.txt",
    "tests": "tests/test_tasks.py app/test_x.py conftest.py tests/Dockerfile tests/settings.py",
    "docs": "README.md docs/conf.py CHANGELOG.rst LICENSE",
    "other": "logo.png data.bin .gitignore",
}


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, paths in PATHS.items() for path in paths.split()])
def test_what_a_path_is_part_of(kind, path):
    assert classify(path) == kind


def test_case_does_not_matter():
    assert classify("DOCKERFILE") == classify("services/dockerfile") == "container"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_every_path_has_a_kind(path):
    assert classify(path) in KINDS


def test_a_path_made_to_take_long():
    assert classify("*_[!" * 50_000) == "other"
    assert classify("/".join(["settings"] * 50_000)) == "settings"


def commit(*paths: str) -> Commit:
    return Commit(hash="1" * 40, author="Ada", date=datetime(2023, 9, 1, tzinfo=UTC), subject="", paths=paths)


def test_a_deploy_names_each_path_once_under_its_kind():
    commits = (commit("uv.lock", "app/b.py"), commit(), commit("app/b.py", "app/a.py", "Dockerfile"))
    deployed = deployment(commits)
    assert deployed.commits == commits
    assert list(deployed.touched.items()) == [
        ("application", ("app/a.py", "app/b.py")),
        ("container", ("Dockerfile",)),
        ("dependencies", ("uv.lock",)),
    ]
    assert deployment(()).touched == {}
