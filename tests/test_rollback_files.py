"""Generated pyproject.toml files, in every layout that TOML allows: an edit is right and comes out again, or is refused."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from lockblame.errors import RollbackError
from lockblame.rollbacks import MARK, Wanted, constrain_poetry, constrain_uv, undo

KOMBU = Wanted(name="kombu", version="5.3.1", instead="5.3.2")
DNS = Wanted(name="dns", version="1.0", instead="2.0", marker="python_version < \"3.12\" and extra != 'x'")

# Requirements that people write; some say something of kombu already.
REQUIREMENTS = (
    *("celery[sqs]>=5.3", "vine", "amqp @ https://files.example/amqp-5.tar.gz#sha256=00", "billiard<5,>=4 # not a comment"),
    *("kombu>=5", "Kombu<6 ; sys_platform == 'win32'", "kombu!=5.3.2", "kombu>=5.3.2", "kombu==5.3.1", "한글 is no name"),
)
requirements = st.lists(st.sampled_from(REQUIREMENTS), max_size=4)
strings = st.sampled_from(('"{}"', "'{}'", '"""{}"""', '"""\\\n  {}"""'))
comments = st.sampled_from(("", "  # why, [tool.uv] or so", "\t#"))
gaps = st.sampled_from(("", " ", "\n    ", "\n\t", '\n\n  # a comment with ] and "\n  ', "\n"))


@st.composite
def arrays(draw):
    """A list of requirements in any layout."""
    rows = []
    for one in draw(requirements):
        written = draw(strings) if "'" not in one else '"{}"'
        rows.append(draw(gaps) + written.format(one) + draw(gaps))
    trailing = "," if rows and draw(st.booleans()) else ""
    return f"[{','.join(rows)}{trailing}{draw(gaps)}]"


keys = st.sampled_from(('"{}"', "{}", "'{}'"))


@st.composite
def uv_settings(draw):
    """Everything below tool.uv, as a table with a header, dotted, inline, or not at all."""
    pairs = {}
    if draw(st.booleans()):
        pairs["constraint-dependencies"] = draw(arrays())
    if draw(st.integers(0, 4)) == 0:
        pairs["override-dependencies"] = draw(arrays())
    if draw(st.booleans()):
        pairs["package"] = "false"
    lines = [(draw(keys).format(key), value) for key, value in draw(st.permutations(list(pairs.items())))]
    shape = draw(st.sampled_from(("header", "spaced", "dotted", "inline", "first", "sub", "none")))
    if shape in ("header", "spaced"):
        head = "[tool.uv]" if shape == "header" else '[ tool . "uv" ]'
        return "".join([f"{head}{draw(comments)}\n", *(f"{key}={value}{draw(comments)}\n" for key, value in lines)]), False
    if shape == "dotted":
        return "".join(["[tool]\n", *(f"uv.{key} = {value}\n" for key, value in lines)]), False
    if shape == "inline":
        return f"[tool]\nuv = {{ {', '.join(f'{key} = {value}' for key, value in lines)} }}{draw(comments)}\n", False
    if shape == "first":
        return "".join(f"tool.uv.{key} = {value}\n" for key, value in lines), True
    return ("[tool.uv.sources]\nkit = { path = '../kit' }\n" if shape == "sub" else ""), False


STRANGE = """\
[build]
text = \"\"\"
[tool.uv]
  constraint-dependencies = [
\"\"\"
day = 2024-03-02T07:00:00Z
no = nan
[[table]]
[[table]]
"""


@st.composite
def projects(draw):
    uv, first = draw(uv_settings())
    dependencies = 'dynamic = ["dependencies", "version"]' if draw(st.booleans()) else f"dependencies = {draw(arrays())}"
    project = f'[project]{draw(comments)}\nname = "app"\n{dependencies}{draw(comments)}\n'
    groups = f"[dependency-groups]\ndev = {draw(arrays())}\n"
    others = draw(st.lists(st.sampled_from((project, groups, STRANGE, "\n\n", "# [tool.uv]\n")), unique=True, max_size=4))
    pieces = [uv, *others] if first else draw(st.permutations([uv, *others]))
    text = "".join(pieces)
    if draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.booleans()):
        text = text.replace("\r", "").replace("\n", "\r\n")
    return draw(st.sampled_from(("", "\ufeff"))) + text


def loaded(text):
    return tomllib.loads(text.removeprefix("\ufeff"))


def said_of(document, wanted):
    """Every requirement of the file that speaks of the package, wherever it may stand."""
    uv = document.get("tool", {}).get("uv", {})
    lines = [*uv.get("constraint-dependencies", ()), *uv.get("override-dependencies", ())]
    lines += [*document.get("project", {}).get("dependencies", ()), *document.get("dependency-groups", {}).get("dev", ())]
    for line in lines:
        try:
            found = Requirement(line)
        except ValueError:
            continue
        if found.name.lower() == wanted.name:
            yield found


def without_edit(document, *path):
    """The document without what is at `path`, and without tables that are empty then."""
    table = document
    for key in path[:-1]:
        table = table.get(key, {})
    table.pop(path[-1], None)
    return bare(document)


def bare(value):
    if isinstance(value, dict):
        inner = {key: bare(one) for key, one in sorted(value.items())}
        return {key: one for key, one in inner.items() if one != {}}
    return repr(value)


def attempt(edit, *arguments):
    """What the edit gives, or why it is refused."""
    try:
        return edit(*arguments)
    except RollbackError as error:
        return error


def against(document, wanted):
    """What in the file rules the wanted version out."""
    return [one for one in said_of(document, wanted) if one.url or not one.specifier.contains(wanted.version)]


class TestUv:
    @settings(max_examples=150, deadline=None)
    @given(projects(), st.sampled_from(((KOMBU,), (KOMBU, DNS))))
    @example("[tool.uv]", (KOMBU,))
    @example("[tool.uv]  # ours", (KOMBU,))
    @example("[tool]", (KOMBU,))
    @example("tool.uv = {}", (KOMBU,))
    @example("", (KOMBU,))
    @example("[tool]\nuv = {  }\n", (KOMBU,))
    def test_right_or_refused_for_a_reason(self, text, wanted):
        try:
            document = loaded(text)
        except tomllib.TOMLDecodeError:
            with pytest.raises(RollbackError, match="no TOML"):
                constrain_uv(text, wanted)
            return
        new = attempt(constrain_uv, text, wanted)
        if isinstance(new, RollbackError):
            assert against(document, KOMBU), f"{new} though nothing speaks against it"
        else:
            self.holds(text, new, wanted)

    @settings(max_examples=150, deadline=None)
    @given(
        projects(),
        st.integers(0, 10_000),
        st.sampled_from(("", '"', "'", "[", "]", "{", "}", "#", ",", "=", ".", "\n", "\r", "\\", "x")),
    )
    def test_a_file_with_one_character_wrong(self, text, place, put):
        place = place % (len(text) + 1)
        text = text[:place] + put + text[place + (not put) :]
        try:
            new = constrain_uv(text, (KOMBU,))
        except RollbackError:
            return
        self.holds(text, new, (KOMBU,))

    def holds(self, text, new, wanted):
        before, after = loaded(text), loaded(new)
        had = before.get("tool", {}).get("uv", {}).get("constraint-dependencies", [])
        got = after["tool"]["uv"]["constraint-dependencies"]
        added = got[: len(got) - len(had)]
        assert got[len(added) :] == had
        assert {one.requirement for one in wanted} <= {*added, *had, *(one.replace(" ", "") for one in had)}
        path = ("tool", "uv", "constraint-dependencies")
        assert without_edit(before, *path) == without_edit(after, *path)
        assert constrain_uv(new, wanted) == new
        assert undo(new, "pyproject.toml") == text
        if added:
            assert undo(undo(new, "pyproject.toml", (wanted[0].name,)), "pyproject.toml") == text

    @settings(max_examples=60, deadline=None)
    @given(projects())
    def test_what_an_editor_appends_afterwards_stays(self, text):
        try:
            new = constrain_uv(text, (KOMBU,))
        except RollbackError:
            return
        feed = "\r\n" if "\r\n" in text else "\n"
        more = f"{feed}[tool.later]{feed}a = 1{feed}"
        try:
            left = undo(new + more, "pyproject.toml")
        except RollbackError:
            return
        assert bare(loaded(left)) == bare(loaded(text + more))


class TestPoetry:
    @settings(max_examples=100, deadline=None)
    @given(projects(), st.booleans())
    def test_right_or_refused_for_a_reason(self, text, classic):
        if classic:
            feed = "\r\n" if "\r\n" in text else "\n"
            end = "" if text.endswith("\n") or not text else feed
            text += (
                f'{end}[tool.poetry.dependencies]{feed}python = "^3.11"{feed}celery = {{ version = "^5.3", extras = ["sqs"] }}'
            )
        try:
            document = loaded(text)
        except tomllib.TOMLDecodeError:
            return
        new = attempt(constrain_poetry, text, (KOMBU, DNS))
        if isinstance(new, RollbackError):
            tool = document.get("tool", {})
            # a table that is written inline or dotted can't be opened again further down
            whole = bool(tool) and "without touching" in str(new)
            assert against(document, KOMBU) or whole or ("project" not in document and not classic), str(new)
            return
        path = ("tool", "poetry", "group")
        assert without_edit(loaded(text), *path) == without_edit(loaded(new), *path)
        assert new.startswith(text)
        assert constrain_poetry(new, (KOMBU, DNS)) == new
        assert undo(new, "pyproject.toml") == text
        assert MARK in new
