"""The demo: a Celery service on SQS slowed down after a deploy. Real locks of two days, and the reports of those weeks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from lockblame.api.blaming import blame
from lockblame.errors import ReadError
from lockblame.model import Report

LOCKS = ("uv.lock", "poetry.lock", "requirements.txt")
LANGUAGES = ("en", "ko")
DAYS = (("before", datetime(2023, 8, 28, tzinfo=UTC)), ("after", datetime(2023, 9, 10, tzinfo=UTC)))
"""The folders of the example, and the day each was locked and deployed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """`shown` is the report of the lock and language asked for, `reports` has that of each lock and language."""

    shown: Report
    reports: dict[tuple[str, str], Report]


def demo(lock: str = "uv.lock", language: str = "en") -> Demonstration:
    """Build a small git repository of the example and blame its second deploy, offline, for each lock and language.

    Raises ReadError when the example isn't there or git is missing.
    """
    example = folder()
    with repository(example) as checkout:
        reports = {(one, other): _blamed(checkout, example, one, other) for one in LOCKS for other in LANGUAGES}
    return Demonstration(shown=reports[lock, language], reports=reports)


def _blamed(checkout: Path, example: Path, lock: str, language: str) -> Report:
    before, after = (_tag(day) for _, day in DAYS)
    return blame(
        f"{before}:{lock}",
        f"{after}:{lock}",
        repository=checkout,
        symptom=(example / f"symptom.{language}.txt").read_text(encoding="utf-8"),
        evidence=example,
        config=example / "lockblame.toml",
        as_of=datetime.combine(DAYS[1][1].date(), time.max, tzinfo=UTC),
        offline=True,
    )


def _tag(day: datetime) -> str:
    return f"deploy-{day.date().isoformat()}"


def folder() -> Path:
    """The example's folder: in the installed package, or in the checkout that the package is run from."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "examples", package.parents[1] / "examples"):
        if (place / "sqs-slowdown" / "before").is_dir():
            return place / "sqs-slowdown"
    raise ReadError("examples/sqs-slowdown", "the demo's data is not in this installation", "install lockblame from its wheel")


@contextmanager
def repository(example: Path) -> Iterator[Path]:
    """The example as a git repository with a commit and a tag for each day, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="lockblame-demo-") as name:
        yield _built(Path(name), example)


def keep(place: Path) -> Path:
    """The example's repository in the new folder `place`, to try things on: the commits and tags of the demo, and beside them
    (unknown to git) `lockblame.toml` and the folder `incident` with the symptom in both languages and the upstream evidence.

    Raises ReadError when there is something at `place`, or it can't be written.
    """
    example = folder()
    try:
        place.mkdir(parents=True)
        _built(place, example)
        incident = place / "incident"
        incident.mkdir()
        for file in sorted([*example.glob("symptom.*.txt"), *example.glob("*.jsonl")]):
            shutil.copyfile(file, incident / file.name)
        shutil.copyfile(example / "lockblame.toml", place / "lockblame.toml")
        (place / ".git" / "info").mkdir(exist_ok=True)
        (place / ".git" / "info" / "exclude").write_text("/incident/\n/lockblame.toml\n/.lockblame/\n", encoding="utf-8")
    except FileExistsError:
        raise ReadError(str(place), "is there already", "name a folder that isn't there yet") from None
    except OSError as error:
        raise ReadError(str(place), f"can't be written ({error.strerror})") from error
    return place


def _built(checkout: Path, example: Path) -> Path:
    from lockblame.git import scratch

    scratch.start(checkout)
    for side, day in DAYS:
        shutil.copytree(example / side, checkout, dirs_exist_ok=True)
        scratch.record(checkout, f"Deploy of {day.date().isoformat()}", day, _tag(day))
    return checkout
