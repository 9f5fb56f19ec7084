"""Whatever the bytes are, a reader gives a Snapshot or raises a ReadError that names the file: nothing else, and soon."""

from __future__ import annotations

import copy
import json
import time
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.errors import ReadError
from lockblame.lockfiles import FORMATS, document, parse
from lockblame.model import Snapshot
from tests.lockfiles import HERE, LOCKS

DATA = {name: (HERE / name).read_bytes() for name in LOCKS}
PARSED = {
    name: json.loads(data) if name.endswith((".json", "Pipfile.lock")) else tomllib.loads(data.decode())
    for name, data in DATA.items()
    if not name.endswith(".txt")
}
NAMES = [each.name for each in FORMATS]


def survives(data: bytes, path: str, format: str | None = None, files: dict[str, bytes] | None = None) -> None:
    """Reads it, and holds what came back, or the error, against the contract."""
    try:
        snapshot = parse(data, path, format=format, origin=f"{path} at 1a2b3c4", opener=(files or {}).get)
    except ReadError as error:
        refused: ReadError | None = error
    else:
        refused = None
        assert_sound(snapshot)
    if refused is not None:
        assert refused.subject.startswith(path) or refused.subject in (files or {})
        assert len(str(refused)) < 1000
        str(refused).encode()


def assert_sound(snapshot: Snapshot) -> None:
    """Types as promised, and texts that can be written anywhere."""
    for pin in snapshot:
        assert isinstance(pin.name, str)
        assert pin.version is None or isinstance(pin.version, str)
        assert pin.marker is None or isinstance(pin.marker, str)
        for edge in pin.requires:
            assert isinstance(edge.name, str)
            assert isinstance(edge.specifier, str)
            assert edge.marker is None or isinstance(edge.marker, str)
            assert all(isinstance(extra, str) for extra in edge.extras)
        for file in pin.artifacts:
            assert all(text is None or isinstance(text, str) for text in (file.name, file.hash, file.uploaded, file.url))
        for text in (pin.source.location, pin.source.revision, pin.source.subdirectory, *pin.groups, *pin.extras):
            assert text is None or isinstance(text, str)
    hash(snapshot.pins)
    repr(snapshot).encode()


@pytest.mark.parametrize("name", LOCKS)
def test_truncated(name):
    data = DATA[name]
    for end in range(0, len(data), max(1, len(data) // 60)):
        survives(data[:end], name)
        survives(data[end:], name)


@given(st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("name", LOCKS)
def test_flipped_bytes(name, data):
    content = bytearray(DATA[name])
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), min_size=1, max_size=4)
    ):
        content[place] = value
    survives(bytes(content), name, files=DATA)


@given(st.data())
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("name", LOCKS)
def test_spliced(name, data):
    content = DATA[name]
    pieces = st.sampled_from(
        [
            b"<<<<<<< HEAD\n",
            b"\n=======\n",
            b"\0",
            b"\xff\xfe",
            b"\xed\xa0\x80",
            b"[" * 300,
            b'{"a":' * 300,
            b"\n\\\n",
            b'\'"""',
            b"\r",
        ]
    )
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(content)), st.integers(0, len(content)))))
    survives(content[:start] + data.draw(pieces) + content[end:], name, files=DATA)


@given(st.binary(max_size=200), st.sampled_from([*NAMES, None]))
@settings(max_examples=150, deadline=None)
def test_any_bytes(data, format):
    survives(data, "lock", format)


LINES = st.sampled_from(
    [
        "a==1",
        "-r ",
        "-e ",
        "-c x",
        "--hash=",
        " # via",
        "@",
        "://",
        "git+",
        "#egg=",
        " ; ",
        "[",
        "]",
        "\\\n",
        "\n",
        "\x0b",
        "\u2028",
        "http://[",
        "é",
        "$A",
        "=",
        "==",
        "file:",
        "%",
        "~/",
        "C:\\",
        "--",
        "'",
        '"',
        ".whl",
        "-",
        "\x85",
    ]
)


@given(st.lists(LINES, max_size=12).map("".join))
@settings(max_examples=200, deadline=None)
def test_any_requirements(text):
    survives(text.encode(), "requirements.txt", files={"x": b"a==1\n"})


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**20),
    st.floats(allow_nan=True),
    st.text(max_size=6),
    st.sampled_from(["", "a", "a==1", ">=1; extra == 'x'", "https://[", "git+", "\x00", "a\nb", "-", "=="]),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just([{}]),
    st.just({"": None}),
    st.just({"name": "a"}),
    st.just([3]),
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, as keys from its top."""
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        return [path]
    return [path, *(place for key, child in inner for place in places_in(child, (*path, key)))]


PLACES = {name: [path for path in places_in(parsed) if path] for name, parsed in PARSED.items()}


@given(st.data())
@settings(max_examples=120, deadline=None)
@pytest.mark.parametrize("name", sorted(PARSED))
def test_anything_in_the_place_of_anything(name, data):
    """The document is whole, but a value has another type, a key is gone or new."""
    parsed = copy.deepcopy(PARSED[name])
    for path in data.draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=3)):
        holder = parsed
        try:
            for key in path[:-1]:
                holder = holder[key]
            match data.draw(st.sampled_from(["put", "put", "put", "drop", "rename"])):
                case "put":
                    holder[path[-1]] = copy.deepcopy(data.draw(VALUES))
                case "drop":
                    del holder[path[-1]]
                case "rename":
                    holder[data.draw(st.text(max_size=5))] = holder.pop(path[-1])
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "toml", lambda _: parsed)
        patch.setattr(document, "json", lambda _: parsed)
        survives(DATA[name], name)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_project_beside(data):
    project = {
        "project": {"name": "a", "version": "1", "dependencies": ["b"], "optional-dependencies": {"x": ["c"]}},
        "dependency-groups": {"dev": ["d", {"include-group": "dev"}]},
        "tool": {
            "poetry": {
                "dependencies": {"python": "3", "a": {"git": "g", "extras": ["x"], "optional": True}, "b": [{"version": "1"}]},
                "extras": {"x": ["a"]},
                "group": {"g": {"dependencies": {"e": "*"}}},
                "dev-dependencies": {"f": "1"},
            },
            "pdm": {"dev-dependencies": {"t": ["g"]}},
            "uv": {"dev-dependencies": ["h"]},
        },
    }
    path = data.draw(st.sampled_from([place for place in places_in(project) if place]))
    holder: Any = project
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(VALUES)
    whole = document.toml
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "toml", lambda file: project if file.path == "pyproject.toml" else whole(file))
        survives(DATA["poetry.lock"], "poetry.lock", files={"pyproject.toml": b"x"})


MANY = range(8_000)
HOSTILE = {
    "uv.lock demands": (
        b'version = 1\n[[package]]\nname = "s"\nsource = {virtual="."}\ndependencies = ['
        + b'{name="a"},' * len(MANY)
        + b"]\n[package.metadata]\nrequires-dist=["
        + b",".join(b'{name="a",specifier=">=%d"}' % number for number in MANY)
        + b"]",
        {},
    ),
    "uv.lock forks": (b"version = 1\n" + b'[[package]]\nname = "a"\nversion = "1"\n' * len(MANY), {}),
    "poetry.lock extras": (
        b'[[package]]\nname="a"\nversion="1"\n[package.dependencies]\na=['
        + b",".join(b'{version="1",markers="extra == \'x%d\'",extras=["x%d"]}' % (number, number + 1) for number in MANY)
        + b"]",
        {"pyproject.toml": b'[project]\nname="s"\ndependencies=["a[x0]"]\n'},
    ),
    "poetry.lock blanks": (
        b'[[package]]\nname="a"\nversion="1"\n[package.dependencies]\nb={version="1",python="' + b" " * 300_000 + b'"}',
        {},
    ),
    "pylock.toml groups": (
        b'lock-version="1.0"\ncreated-by="x"\n[[packages]]\nname="a"\nmarker="' + b"dependency_groups in (" * 50_000 + b'"',
        {},
    ),
    "requirements.txt inputs": (
        b"".join(b"p%d==1 # via -r a.in\n" % number for number in MANY),
        {"a.in": b"-r b.in\n" * 1000 + b"".join(b"p%d>=1\n" % number for number in MANY), "b.in": b"-r a.in\n-r b.in\n" * 1000},
    ),
    "bom.json references": (
        b'{"bomFormat": "CycloneDX", "components": ['
        + b",".join(b'{"purl":"pkg:pypi/a@1","bom-ref":"a"}' for _ in MANY)
        + b'], "dependencies":[{"ref":"a","dependsOn":['
        + b",".join([b'"a"'] * len(MANY))
        + b"]}]}",
        {},
    ),
    "notes.txt blanks": (b"a" + b" " * 900_000 + b"b", {}),
}


class TestLarge:
    """Much of everything ends soon: what takes tenths of a second while it is linear would take hours otherwise."""

    @pytest.mark.parametrize(
        ("data", "path"),
        [
            (b"a==1 " * 300_000, "requirements.txt"),
            (b"a" * 1_500_000, "requirements.txt"),
            (b"a==1;" + b"(" * 300_000, "requirements.txt"),
            (b"a[" + b"x," * 300_000 + b"]==1", "requirements.txt"),
            (b"a==1\\\n" * 200_000, "requirements.txt"),
            (b"a==1 #" + b" via b," * 200_000, "requirements.txt"),
            (b"a==1" + b" --hash=sha256:a" * 100_000, "requirements.txt"),
            (b"a" + b" " * 1_500_000 + b"==1", "requirements.txt"),
            (b"#" * 1_500_000, "x.txt"),
            (b"-" * 1_500_000, "requirements.txt"),
            (b"a @ " + b"x" * 1_500_000, "requirements.txt"),
            (b"\n" * 1_500_000, "requirements.txt"),
            (b"a==" + b"1." * 500_000, "requirements.txt"),
            (b"# pip-compile " + b"a.in/" * 200_000, "requirements.txt"),
            (b"[" * 1_500_000, "uv.lock"),
            (b"[[package]]\n" * 100_000, "uv.lock"),
            (b"{" * 1_500_000, "lock.json"),
            (b'{"a":' * 300_000, "Pipfile.lock"),
            (b" " * 1_500_000, "uv.lock"),
            (b"<<<<<<<" * 200_000, "uv.lock"),
            (b'{"bomFormat": "CycloneDX", "components": ' + b'[{"components": ' * 900 + b"[]" + b"}]" * 900 + b"}", "bom.json"),
        ],
        ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else None,
    )
    def test_ends_soon(self, data, path):
        start = time.process_time()
        survives(data, path)
        assert time.process_time() - start < 8

    @pytest.mark.parametrize("path", HOSTILE)
    def test_products_of_many_and_many(self, path):
        data, files = HOSTILE[path]
        start = time.process_time()
        survives(data, path.partition(" ")[0], files=files)
        assert time.process_time() - start < 8

    def test_eighty_thousand_lines(self):
        data = b"".join(b"package-%d==1.%d \\\n    --hash=sha256:%x\n    # via package-0\n" % (n, n, n) for n in range(20_000))
        start = time.process_time()
        snapshot = parse(data, "requirements.txt")
        assert len(snapshot) == 20_000
        assert len(snapshot.get("package-0")[0].requires) == 19_999
        assert time.process_time() - start < 8
