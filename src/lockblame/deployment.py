"""What a deploy touched besides its locks: each path of its commits belongs to one kind of thing.

The kind is read off the path alone, by the names that the ecosystem's tools and habits give to files. It is there so that a
report can say "the settings changed too", not to prove anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from lockblame.model import Commit, Deployment

Kind = Literal["application", "settings", "container", "python", "ci", "migrations", "dependencies", "tests", "docs", "other"]
KINDS: tuple[Kind, ...] = (
    *("application", "settings", "container", "python", "ci", "migrations", "dependencies", "tests", "docs", "other"),
)
"""In the order in which a report names them: what can break a service first."""

# The first row that fits decides: a Dockerfile among the tests belongs to the tests, a lock among the docs is still a lock.
# Each row: names of files (patterns), names of folders anywhere above the file.
_RULES: tuple[tuple[Kind, tuple[str, ...], frozenset[str]], ...] = (
    ("python", (".python-version", "runtime.txt", ".tool-versions", "mise.toml", ".mise.toml"), frozenset()),
    (
        "dependencies",
        (
            *("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pylock.*.toml", "pipfile", "pipfile.lock", "pixi.lock"),
            *("pyproject.toml", "setup.py", "setup.cfg", "uv.toml", "poetry.toml", "pdm.toml", "lockblame.toml"),
            *("requirements*.txt", "requirements*.in", "*requirements.txt", "*requirements.in", "constraints*.txt"),
            *("environment.yml", "environment.yaml", "conda-lock.yml", "package.json", "package-lock.json", "yarn.lock"),
            *("pnpm-lock.yaml", "cargo.toml", "cargo.lock", "go.mod", "go.sum", "gemfile", "gemfile.lock"),
        ),
        frozenset(("requirements", "constraints")),
    ),
    (
        "ci",
        (
            *(".gitlab-ci.yml", ".travis.yml", "azure-pipelines*.yml", "bitbucket-pipelines.yml", "jenkinsfile*", "tox.ini"),
            *("noxfile.py", ".pre-commit-config.yaml", ".drone.yml", "appveyor.yml", ".appveyor.yml", ".woodpecker.yml"),
            *("codecov.yml", ".codecov.yml", ".coveragerc", "cloudbuild.yaml", "buildspec.yml", "renovate.json"),
        ),
        frozenset((".github", ".gitlab", ".circleci", ".buildkite", ".ci", ".woodpecker", ".forgejo", ".gitea", ".teamcity")),
    ),
    ("tests", ("test_*.py", "*_test.py", "conftest.py", "pytest.ini"), frozenset(("tests", "test", "testing", "e2e"))),
    ("docs", ("mkdocs.yml", ".readthedocs.y*ml"), frozenset(("docs", "doc", "documentation"))),
    ("migrations", ("alembic.ini",), frozenset(("migrations", "alembic", "migrate", "flyway", "liquibase"))),
    (
        "container",
        (
            *("dockerfile", "dockerfile.*", "*.dockerfile", "containerfile", "containerfile.*", ".dockerignore", "procfile"),
            *("compose*.yml", "compose*.yaml", "docker-compose*.yml", "docker-compose*.yaml", "docker-bake.hcl", "fly.toml"),
            *("chart.yaml", "values*.yaml", "values*.yml", "helmfile*.yaml", "kustomization.y*ml", "skaffold.yaml", "*.tf"),
            *("entrypoint.sh", "docker-entrypoint*.sh", "apt.txt", "aptfile", "packages.txt", "*.nomad", "project.toml"),
        ),
        frozenset(("docker", ".docker", "helm", "k8s", "kubernetes", "kustomize", "terraform", "ansible", ".devcontainer")),
    ),
    (
        "settings",
        (
            *("settings*.py", "*_settings.py", "config.py", "*_config.py", "*config.py", "configuration.py", "*.conf.py"),
            *("settings*.json", "config*.json", "logging*.json", "*.env", ".env*", "env.*", "*.ini", "*.cfg", "*.conf"),
            *("*.toml", "*.yaml", "*.yml", "*.properties", "*.tfvars", "*.hcl", ".flaskenv", "crontab*", "*.service"),
        ),
        frozenset(("settings", "config", "configs", "conf", "configuration", "env", "envs", "environments", "secrets")),
    ),
    (
        "docs",
        (
            *("*.md", "*.rst", "*.adoc", "readme", "readme.txt", "changelog", "changelog.txt", "changes", "changes.txt"),
            *("license", "license.txt", "licence", "copying", "authors", "authors.txt", "contributors", "notice", "codeowners"),
        ),
        frozenset(("changelog.d", "newsfragments")),
    ),
    (
        "application",
        (
            *("*.py", "*.pyi", "*.pyx", "*.pxd", "*.ipynb", "*.html", "*.htm", "*.jinja", "*.jinja2", "*.j2", "*.mako", "*.css"),
            *("*.scss", "*.js", "*.mjs", "*.jsx", "*.ts", "*.tsx", "*.vue", "*.svelte", "*.sql", "*.graphql", "*.proto"),
            *(
                "*.c",
                "*.h",
                "*.cc",
                "*.cpp",
                "*.hpp",
                "*.rs",
                "*.go",
                "*.java",
                "*.kt",
                "*.rb",
                "*.php",
                "*.lua",
                "*.sh",
                "*.bash",
            ),
            *("*.po", "*.json", "*.xml", "manage.py", "makefile"),
        ),
        frozenset(),
    ),
)


@cache
def _fits() -> tuple[Callable[[str], object], ...]:
    """One matcher of file names for each rule."""
    import re
    from fnmatch import translate

    return tuple(re.compile("|".join(translate(pattern) for pattern in patterns)).match for _, patterns, _ in _RULES)


def classify(path: str) -> Kind:
    """The kind of thing that `path` (relative, with `/`) is part of; upper and lower case are the same."""
    *folders, name = path.casefold().split("/")
    for (kind, _, homes), fits in zip(_RULES, _fits(), strict=True):
        if not homes.isdisjoint(folders) or fits(name):
            return kind
    return "other"


def deployment(commits: Sequence[Commit]) -> Deployment:
    """The commits as one deploy: every path they touched under its kind, each once and sorted, kinds in the order of KINDS."""
    kinds = {path: classify(path) for path in sorted({path for commit in commits for path in commit.paths})}
    touched = {kind: tuple(path for path, its in kinds.items() if its == kind) for kind in KINDS}
    return Deployment(commits=tuple(commits), touched={kind: paths for kind, paths in touched.items() if paths})
