"""The documentation is true: each console block and each Python block is run as it stands, every option that a page names is one
that the program has (and the other way round), and every page can be built.

Blocks run one after the other in a copy of the demo's repository with the tags that the pages use. `$ ` begins a command; what
follows is what it prints, where "…" stands for anything. Python that begins with a comment of a file's name (`# check.py`) is
saved under that name instead of being run. A comment before a block says when it can't be run offline or at all:
`<!-- run: online -->`, `<!-- run: never, because … -->`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import doctest
import importlib
import inspect
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import lockblame
from lockblame import casebook, cli, config, errors, lexicon, model
from lockblame.api import demo
from tests.repositories import ENVIRONMENT, git

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
BLOCK = re.compile(
    r"^(?:<!-- run: (?P<when>[^>]*) -->\n+)?```(?P<kind>console|python)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
SAVED = re.compile(r"# (\w+\.py)\n")


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    when: str


def blocks(page: Path) -> Iterator[Block]:
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield Block(found["kind"], found["text"], found["when"] or "")


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block (lines that end in a backslash go on), and what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        end = next(place for place, line in enumerate(lines) if not line.endswith("\\")) + 1
        yield "\n".join(lines[:end]), "\n".join(lines[end:]).strip("\n")


def fits(told: str, printed: str) -> bool:
    """Whether `printed` is what the page tells; "…" is anything, also several lines."""
    pattern = "".join(".*?" if piece == "…" else re.escape(piece) for piece in re.split("(…)", told))
    return re.fullmatch(pattern + r"\s*", printed, re.DOTALL) is not None


class Reader:
    """Somebody who types what the page says, with the programs of the environment that `python` belongs to first on PATH."""

    def __init__(self, folder: Path, *, online: bool, python: str = sys.executable) -> None:
        self.folder = folder
        self.interpreter = python
        home = folder / "home"
        home.mkdir()
        self.environment = {
            **ENVIRONMENT,
            "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "COLUMNS": "100",
            # whoever asks upstream all the same finds the doors closed, and says so in the gaps
            **({} if online else {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "HTTPS_PROXY": "http://127.0.0.1:9"}),
            "PYTHONIOENCODING": "utf-8",
        }

    def type(self, command: str) -> str:
        moved = re.fullmatch(r"cd (\S+)", command)
        if moved:
            self.folder = self.folder / moved[1]
            return ""
        return self._run(["bash", "-c", command])

    def python(self, text: str) -> str:
        saved = SAVED.match(text)
        if saved:
            (self.folder / saved[1]).write_text(text, encoding="utf-8")
            return ""
        return self._run([self.interpreter, "-c", text])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode in (0, 1), f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout


def follow(page: Path, folder: Path, *, online: bool, python: str = sys.executable) -> int:
    """Runs the page's blocks that can be run; gives their number."""
    reader = Reader(folder, online=online, python=python)
    if page.parent.name != "tutorial":
        reader.folder = demo.keep(folder / "shop")
        for tag, day in {"v1.4": "deploy-2023-08-28", "v1.5": "deploy-2023-09-10", "origin/main": "deploy-2023-08-28"}.items():
            git(reader.folder, "tag", tag, day)
    number = 0
    for block in blocks(page):
        if block.when.startswith("never") or block.when.startswith("online") is not online:
            continue
        number += 1
        if block.kind == "python":
            reader.python(block.text)
            continue
        for command, told in commands(block.text):
            printed = reader.type(command)
            assert not told or fits(told, printed), f"{page.name}: $ {command}\n--- told\n{told}\n--- printed\n{printed}"
    return number


@pytest.mark.parametrize("page", [page for page in PAGES if any(blocks(page))], ids=lambda page: page.stem)
def test_what_a_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path, online=False)


@pytest.mark.online
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any("online" in one.when for one in blocks(page))], ids=lambda page: page.stem
)
def test_what_a_page_shows_with_an_index(page: Path, tmp_path: Path) -> None:
    assert follow(page, tmp_path, online=True)


def test_a_block_that_is_never_run_says_why() -> None:
    for page in PAGES:
        for block in blocks(page):
            assert not block.when.startswith("never") or re.match(r"never, because \w", block.when), page.name


def test_nothing_that_could_be_run_hides_in_another_kind_of_block() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        kinds = set(re.findall(r"^```([^\n`]+)$", text, re.MULTILINE))
        assert kinds <= {"console", "python", "text", "toml", "json", "{toctree}", "{eval-rst}"}, page.name
        for block in re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            assert not block.startswith("$ "), f"{page.name}: {block}"


def helped(*words: str) -> str:
    """What `lockblame WORDS --help` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        cli.main([*words, "--help"])
    return out.getvalue()


COMMANDS = re.findall(r"^    ([a-z]+) {2,}", helped(), re.MULTILINE)


@cache
def options(command: str) -> frozenset[str]:
    """The long options that `lockblame COMMAND` has, with those of its subcommands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "1000")
        texts = [helped(command)]
        texts += [helped(command, sub) for sub in re.findall(r"^    ([a-z]+) {2,}", texts[0], re.MULTILINE)]
    return frozenset(re.findall(r"--[a-z][a-z-]*", "\n".join(texts)))


def calls(text: str) -> Iterator[tuple[str, str]]:
    """Each call of lockblame in blocks and in running text: the command, and what is given to it."""
    joined = re.sub(r"\\\n\s*|(?<=\S)\n {8,}(?=[\[\-])", " ", text)
    joined = re.sub(r"\[[^\]\n]*\]", lambda found: found[0].replace("|", " "), joined)
    for found in re.finditer(rf"lockblame ({'|'.join(COMMANDS)})\b([^\n`#|>]*)", joined):
        yield found[1], found[2].split(" -- ")[0]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_every_option_of_a_call_is_one_that_the_command_has(page: Path) -> None:
    for command, given in calls(page.read_text(encoding="utf-8")):
        unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", given)) - options(command)
        assert not unknown, f"{page.name}: lockblame {command}{given}: {unknown}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_told_somewhere(command: str) -> None:
    told = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    missing = {option for option in options(command) - {"--help"} if not re.search(rf"{option}(?![a-z-])", told)}
    assert not missing, f"lockblame {command} has {missing}, of which no page tells"


def test_settings_and_cases_that_a_page_shows_are_accepted() -> None:
    seen = set()
    for page in PAGES:
        for text in re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            seen.add(page.stem)
            if page.stem == "cases":
                assert casebook.parse(text, "2024-03-02-workers.toml").culprit
            else:
                lexicon.default().extended(config.parse(text, "lockblame.toml").lexicon)
    assert seen == {"cases", "configuration", "policy", "ranking"}


def test_every_public_name_is_on_the_page_of_python() -> None:
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\.\. auto(?:function|class):: (\w+)$", page, re.MULTILINE))
    assert told == set(lockblame.__all__) - set(errors.__all__)


def test_what_a_public_name_holds_is_public_too() -> None:
    """Who writes a function that takes one commit of a suspect can say so without a name from within."""
    ours = {
        name: kind
        for module in (model, *map(importlib.import_module, ("lockblame.delta.history", "lockblame.policy")))
        for name, kind in vars(module).items()
        if dataclasses.is_dataclass(kind)
    }
    told = {
        word
        for kind in (getattr(lockblame, name) for name in lockblame.__all__)
        for note in inspect.get_annotations(kind).values()
        for word in re.findall(r"\w+", str(note))
    }
    # who reads an index's password has no use for the type that hides it
    assert told & set(ours) - {"Secret"} <= set(lockblame.__all__)


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if "\n    >>> " in path.read_text(encoding="utf-8")], ids=lambda path: path.stem
)
def test_the_examples_in_docstrings_are_true(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    found = doctest.testmod(importlib.import_module(module))
    assert (found.failed, found.attempted > 0) == (0, True)


def test_every_page_can_be_built_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "dummy", str(DOCS), str(tmp_path / "html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for page in PAGES:
        for target in re.findall(r"\]\(((?!https?:|#)[^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in PAGES:
        place = page.relative_to(DOCS).as_posix()
        assert page.name == "index.md" or place in index or f"{page.parent.name}/*" in index, place
