"""The four storeys and two wings of lockblame, held against the syntax trees of its modules."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
PACKAGE = SRC / "lockblame"
FILES = sorted(PACKAGE.rglob("*.py"))

WORDS = {"model", "flow", "fields", "errors", "progress", "logbook", "versions", "graph", "markers"}
WORLD = {"git", "files", "installed", "client", "resolver", "trial"}
THINKING = {
    "bisection",
    "bundle",
    "casebook",
    "config",
    "contents",
    "delta",
    "deployment",
    "forges",
    "history",
    "index",
    "lexicon",
    "lockfiles",
    "notes",
    "policy",
    "ranking",
    "report",
    "rollbacks",
    "symptom",
    "upstream",
    "usage",
}
CONDUCTOR = {"api"}
DOOR = {"__init__", "__main__", "cli", "commands", "terminal"}

HOMES = {
    "httpx": {"client"},
    "stamina": {"client"},
    "hishel": {"client"},
    "platformdirs": {"client", "trial"},
    "rapidfuzz": {"ranking"},
    "pip_requirements_parser": {"lockfiles"},
    "rtoml": {"lockfiles", "config", "lexicon"},
    "tomlkit": {"rollbacks"},
    "packageurl": {"report", "client", "lockfiles"},
    "rich": {"terminal"},
    "shtab": {"commands"},
    "jinja2": {"report"},
    "packaging": None,
}
"""Heavy dependencies, and the only noun that may use each (None: any)."""

LONGEST = 450
"""Lines of a module that a person reads in one sitting."""


def noun(path: Path) -> str:
    """The top-level module or package of lockblame that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def storey(name: str) -> int:
    for level, names in enumerate((WORDS, WORLD | THINKING, CONDUCTOR, DOOR), 1):
        if name in names:
            return level
    raise AssertionError(f"lockblame.{name} stands in no storey: say where it belongs")


def imports(path: Path) -> list[tuple[str, bool]]:
    """Each imported module, and whether the import waits inside a function (or is for types only)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(outer, ast.If) and "TYPE_CHECKING" in ast.dump(outer.test))
        for node in ast.walk(outer)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in late) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "lockblame" else [node.module]
            found += [(name, id(node) in late) for name in names]
    return found


def own(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] != "lockblame":
        return None
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
class TestEachModule:
    def test_imports_go_down(self, path: Path):
        here = noun(path)
        for module, _ in imports(path):
            there = own(module)
            # model looks things up in its neighbours on the ground floor; the door's lazy names are its own business
            if there is None or there == here or {here, there} <= WORDS or (here in DOOR and there in DOOR):
                continue
            assert storey(there) <= storey(here), f"{here} imports {there}, which stands above it"
            wings = (here in WORLD and there in THINKING) or (here in THINKING and there in WORLD)
            assert not wings, f"{here} imports {there} of the other wing"

    def test_heavy_dependencies_are_at_home_and_late(self, path: Path):
        for module, late in imports(path):
            top = module.split(".")[0]
            if top in HOMES:
                homes = HOMES[top]
                assert homes is None or noun(path) in homes, f"{top} is used outside of {homes}"
                assert late, f"{top} is imported at the top of {path.name}"

    def test_only_some_run_programs(self, path: Path):
        if noun(path) not in {"git", "resolver", "trial"} and path.name != "demo.py":
            assert not [module for module, _ in imports(path) if module.split(".")[0] == "subprocess"]

    def test_only_the_door_prints_and_only_it_and_the_client_read_the_environment(self, path: Path):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        attributes = {
            f"{node.value.id}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }
        if noun(path) not in DOOR:
            assert "print" not in names
        if noun(path) not in DOOR | {"client", "git", "trial", "resolver"}:
            assert not attributes & {"os.environ", "os.getenv"}

    def test_thinking_has_no_clock_and_no_dice(self, path: Path):
        if noun(path) in THINKING | WORDS:
            forbidden = {"time", "random", "secrets", "socket", "urllib.request"}
            assert not {module for module, _ in imports(path)} & forbidden
            source = path.read_text(encoding="utf-8")
            assert ".now(" not in source
            assert ".today(" not in source

    def test_a_person_can_read_it_in_one_sitting(self, path: Path):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_importing_lockblame_loads_nothing_heavy():
    heavy = [*HOMES, "tomllib", "dataclasses", "argparse", "json"]
    code = f"import sys, lockblame; print([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_help_loads_no_dependency():
    asked = "import sys; from lockblame import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\n"
    code = f"{asked}print([name for name in {list(HOMES)!r} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"


def test_public_names_are_complete_and_load():
    import lockblame

    assert sorted(lockblame.__all__) == sorted(lockblame._HOMES)
    assert sorted(lockblame.__all__) == lockblame.__all__
    for name in lockblame.__all__:
        assert getattr(lockblame, name).__doc__, f"{name} has no docstring"
    assert set(dir(lockblame)) >= set(lockblame.__all__)
    bare = "import lockblame; print(lockblame.errors.ReadError.slug, bool(lockblame.__version__))"
    printed = subprocess.run([sys.executable, "-I", "-c", bare], capture_output=True, text=True, check=True).stdout
    assert printed == "read-error True\n"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = lockblame.nonsense


def test_every_error_has_an_address_and_survives_pickling():
    import pickle

    from lockblame import errors

    headings = (PACKAGE.parents[1] / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert f"\n## {kind.slug}\n" in headings, f"{name}: docs/reference/errors.md has no heading {kind.slug}"
        required = 1
        if kind is not errors.LockblameError:
            required = sum(one.default is one.empty for one in inspect.signature(kind).parameters.values())
        error = kind(*["word"] * required)
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_no_registry_host_and_no_machine_path_is_named():
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js.org"]
    root = PACKAGE.parents[1]
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    for name in tracked.stdout.decode().split("\0"):
        if name and (root / name).is_file():
            text = (root / name).read_bytes().decode("utf-8", "replace")
            assert not [host for host in hosts if host in text], name


def uses(path: Path, names: Collection[str]) -> set[str]:
    """The modules of `names` that a file takes something from, be it inside a function or for types only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {module if module in names else node.module for module in inner}
    return found & set(names)


def test_no_modules_import_each_other_in_a_circle():
    """Also not inside functions. The words are one room: Snapshots answer what graph and markers know, which know Snapshots."""
    names = {".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    arrows = {name: uses(path, names) - {name} for name, path in names.items() if noun(path) not in WORDS | {"__init__"}}
    while loose := {name for name, there in arrows.items() if not there & arrows.keys()}:
        arrows = {name: there for name, there in arrows.items() if name not in loose}
    # what is left leads into a circle: its members, and who imports one of them
    assert not {name: sorted(there & arrows.keys()) for name, there in arrows.items()}
