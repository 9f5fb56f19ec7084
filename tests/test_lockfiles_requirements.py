"""Requirements files of every dialect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.errors import LockParseError
from lockblame.lockfiles import requirement_lines
from lockblame.lockfiles.document import Document
from lockblame.lockfiles.via import Via, inputs, via
from lockblame.model import Edge, Source
from tests.lockfiles import HERE, asked, children, fixture, only, read

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAIRS = Path(__file__).parents[2] / "shared" / "locks" / "pairs"


class TestCompiled:
    def test_pins(self):
        snapshot = fixture("requirements.txt")
        assert snapshot.format == "requirements"
        amqp = only(snapshot, "amqp")
        assert (amqp.version, len(amqp.artifacts), amqp.line) == ("5.1.1", 2, 9)
        assert only(snapshot, "boto3").marker == 'python_version >= "3.7"'
        assert only(snapshot, "celery").extras == ("sqs",)
        assert snapshot.indexes == ("https://index.example/simple",)

    def test_notes_are_the_edges(self):
        snapshot = fixture("requirements.txt")
        assert children(only(snapshot, "celery")) == ["kombu", "vine"]
        assert children(only(snapshot, "kombu")) == ["amqp", "boto3", "vine"]
        assert all(pin.requires_known for pin in snapshot)

    def test_roots_have_what_the_input_asks_for(self):
        snapshot = fixture("requirements.txt", "requirements.in", "pyproject.toml")
        assert [(root.name, root.version) for root in snapshot.roots] == [("shop", "1.4.0")]
        assert snapshot.roots[0].requires == (
            Edge(name="boto3"),
            Edge(name="celery", specifier=">=5.3,<6", extras=("sqs",)),
            Edge(name="toolbox", specifier="@ git+https://forge.example/team/toolbox.git@main"),
            Edge(name="setuptools"),
        )
        assert snapshot.gaps == ()

    def test_a_missing_input_is_a_gap(self):
        snapshot = fixture("requirements.txt")
        assert asked(snapshot, "app", "celery") == [Edge(name="celery", extras=("sqs",))]
        (gap,) = snapshot.gaps
        assert (gap.subject, gap.reason) == ("requirements.in", "not-found")

    def test_inputs_are_found_from_the_root_or_by_their_name(self):
        text = "a==1\n    # via -r /build/requirements/base.in\n"
        for place in ("requirements/base.in", "sub/base.in"):
            snapshot = read(text, "sub/base.txt", {place: "a>=1\n"})
            expected = [Edge(name="a", specifier=">=1")] if place == "sub/base.in" else [Edge(name="a")]
            assert asked(snapshot, "app", "a") == expected
        snapshot = read(text.replace("/build/", ""), "sub/base.txt", {"requirements/base.in": "a>=1\n"})
        assert asked(snapshot, "app", "a") == [Edge(name="a", specifier=">=1")]

    def test_notes_at_the_end_of_the_line(self):
        snapshot = read("celery==5  # via -r a.in\nkombu==5.3.2  # via celery\nvine==5  # via celery, kombu\n")
        assert children(only(snapshot, "celery")) == ["kombu", "vine"]
        assert children(only(snapshot, "kombu")) == ["vine"]

    def test_notes_of_rye_and_of_the_project(self):
        text = "-e file:.\ncelery==5\n    # via shop\nkombu==5\n    # via celery\n    # via shop (pyproject.toml)\n"
        snapshot = read(text, "requirements.lock", {"pyproject.toml": '[project]\nname = "shop"\ndependencies = ["celery>=5"]\n'})
        assert asked(snapshot, "shop", "celery") == [Edge(name="celery", specifier=">=5")]
        assert asked(snapshot, "shop", "kombu") == [Edge(name="kombu")]
        assert children(only(snapshot, "celery")) == ["kombu"]
        assert "shop" not in snapshot

    def test_a_layer_that_is_compiled_itself_asks_for_what_no_package_asks_for(self):
        text = "celery==5\n    # via -r base.txt\nkombu==5\n    # via\n    #   -r base.txt\n    #   celery\n"
        (root,) = read(text, files={"base.txt": "celery==5\nkombu==5\n"}).roots
        assert root.requires == (Edge(name="celery", specifier="==5"),)

    def test_without_notes_the_header_names_the_input(self):
        text = "#\n#    pip-compile --no-annotate base.in\n#\ncelery==5\nkombu==5.3\n"
        snapshot = read(text, files={"base.in": "celery>=5\nnot-locked\n"})
        assert [root.requires for root in snapshot.roots] == [(Edge(name="celery", specifier=">=5"),)]
        assert not any(pin.requires_known for pin in snapshot)

    def test_without_notes_and_header_the_sibling_is_the_input(self):
        snapshot = read("celery==5\nkombu==5.3\n", "dev.txt", {"dev.in": "-r base.in\n", "base.in": "-r dev.in\ncelery\n"})
        assert [root.requires for root in snapshot.roots] == [(Edge(name="celery"),)]
        assert snapshot.gaps == ()


class TestFrozen:
    def test_nothing_is_known_but_the_pins(self):
        snapshot = fixture("freeze.txt")
        assert (snapshot.format, len(snapshot), snapshot.roots) == ("freeze", 6, ())
        assert not any(pin.requires_known or pin.requires for pin in snapshot)
        assert only(snapshot, "packaging").source == Source(kind="path", location="file:///opt/build/packaging")
        assert only(snapshot, "packaging").version is None
        toolbox = only(snapshot, "toolbox")
        assert toolbox.source.kind == "git"
        assert toolbox.source.revision
        assert toolbox.version is None

    def test_a_folder_has_its_name_in_the_comment_above(self):
        text = "# Editable install with no version control (Shop.Helpers==1.2)\n-e /srv/helpers\nkombu==5.3.2\nvine==5\n"
        snapshot = read(text, "freeze.txt")
        helpers = only(snapshot, "shop-helpers")
        assert (helpers.version, helpers.source) == ("1.2", Source(kind="editable", location="/srv/helpers"))
        assert (snapshot.format, snapshot.gaps) == ("freeze", ())

    def test_a_hand_written_file_is_no_freeze(self):
        assert read("b==1\na==1\n").format == "requirements"
        assert read("a==1\nb>=1\n").format == "requirements"


class TestDialect:
    @pytest.mark.parametrize(
        ("line", "version", "marker", "extras"),
        [
            ("a==1.0", "1.0", None, ()),
            ("A.b_C == 1.0", "1.0", None, ()),
            ("a===1.0-weird", "1.0-weird", None, ()),
            ("a [x, Y.z] == 1.0", "1.0", None, ("x", "y-z")),
            ("a==1.0;python_version<'3'", "1.0", "python_version<'3'", ()),
            ("a==1.0 ; python_version<'3' and extra == 'b'  # c", "1.0", "python_version<'3' and extra == 'b'", ()),
            ("a==1!2.0.post1+cu118", "1!2.0.post1+cu118", None, ()),
            ("a (==1.0)", "1.0", None, ()),
            ("a==1.0 --global-option='x'", "1.0", None, ()),
            ("a==1.*", None, None, ()),
            ("a", None, None, ()),
            ("a>=1,<2", None, None, ()),
            ("a==1,!=2", None, None, ()),
            ("a~=1.0", None, None, ()),
        ],
    )
    def test_line(self, line, version, marker, extras):
        (pin,) = read(line + "\n")
        assert (pin.version, pin.marker, pin.extras) == (version, marker, extras)

    @pytest.mark.parametrize(
        ("line", "name", "source", "version"),
        [
            ("a @ https://files.example/a-1.zip", "a", Source(kind="url", location="https://files.example/a-1.zip"), None),
            ("a@ https://u:p@files.example/a-1.zip#sha256=x ; extra == 'b'", "a",
             Source(kind="url", location="https://files.example/a-1.zip"), None),
            ("https://files.example/archive/4e.tar.gz#egg=Web.Sockets; python_version >= '3.10'", "web-sockets",
             Source(kind="url", location="https://files.example/archive/4e.tar.gz"), None),
            ("https://files.example/a_b-1.2-py3-none-any.whl", "a-b",
             Source(kind="url", location="https://files.example/a_b-1.2-py3-none-any.whl"), "1.2"),
            (f"git+https://token@forge.example/a.git@{COMMIT}#egg=a", "a",
             Source(kind="git", location="https://forge.example/a.git", revision=COMMIT), None),
            ("git+ssh://git@forge.example/a.git@v1#egg=a[x]&subdirectory=src", "a",
             Source(kind="git", location="ssh://git@forge.example/a.git", revision="v1", subdirectory="src"), None),
            ("git+https://forge.example/boto.git@2.43#egg=boto==2.43.0-patch3", "boto",
             Source(kind="git", location="https://forge.example/boto.git", revision="2.43"), None),
            ("-e git+git://forge.example/a#egg=a", "a", Source(kind="git", location="git://forge.example/a"), None),
            ("-e a @ git+https://forge.example/a@main", "a",
             Source(kind="git", location="https://forge.example/a", revision="main"), None),
            ("-e svn+https://forge.example/a@12#egg=a", "a",
             Source(kind="git", location="svn+https://forge.example/a", revision="12"), None),
            ("a @ file:///opt/a", "a", Source(kind="path", location="file:///opt/a"), None),
            ("-e libs/bar#egg=bar", "bar", Source(kind="editable", location="libs/bar"), None),
            ("a[x] @ git+https://forge.example/a ; python_version > '3'", "a",
             Source(kind="git", location="https://forge.example/a"), None),
        ],
    )  # fmt: skip
    def test_place(self, line, name, source, version):
        snapshot = read(line + "\n")
        assert [(pin.name, pin.source, pin.version) for pin in snapshot] == [(name, source, version)]
        assert snapshot.gaps == ()

    @pytest.mark.parametrize("line", ["-e .", "-e .[full]", ".", "./", "-e file:.", "--editable ."])
    def test_the_project_itself_is_no_pin(self, line):
        snapshot = read(line + "\na==1\n")
        assert snapshot.names == ("a",)
        assert snapshot.gaps == ()

    @pytest.mark.parametrize(
        "line", ["git+https://forge.example/a@main", "https://files.example/zipball/4e", "./libs/a", "-e ../a", "a.tar.gz"]
    )
    def test_what_has_no_name_is_a_gap(self, line):
        snapshot = read(f"{line}\nb==1\n")
        assert snapshot.names == ("b",)
        (gap,) = snapshot.gaps
        assert gap.reason == "nameless"
        assert "requirements.txt, line 1" in gap.detail

    def test_a_folder_has_the_name_its_project_says(self):
        snapshot = read("-e ./libs/helpers[x]\n", files={"libs/helpers/pyproject.toml": '[project]\nname = "Shop.Helpers"\n'})
        helpers = only(snapshot, "shop-helpers")
        assert (helpers.source, helpers.extras) == (Source(kind="editable", location="./libs/helpers"), ("x",))

    def test_variables_stay_and_secrets_go(self):
        text = "--index-url https://${USER}:${TOKEN}@index.example/simple\n--extra-index-url 'https://$TOKEN@other.example/x/'\n"
        text += "-i https://user:pass@third.example\na @ https://${TOKEN}@files.example/${NAME}/a.zip\n"
        snapshot = read(text)
        assert snapshot.indexes == ("https://index.example/simple", "https://other.example/x/", "https://third.example")
        assert only(snapshot, "a").source.location == "https://files.example/${NAME}/a.zip"

    def test_ranges_are_a_gap_and_asked_for_by_the_root(self):
        snapshot = read("b>=1\na==1\n")
        assert [(gap.reason, "b" in gap.detail) for gap in snapshot.gaps] == [("not-pinned", True)]
        assert snapshot.roots[0].requires == (Edge(name="b", specifier=">=1"),)

    def test_one_name_on_several_lines(self):
        text = "a==1 ; python_version < '3.8'\na==2 ; python_version >= '3.8'\na==1 ; python_version < '3.8'\n"
        assert [(pin.version, pin.marker) for pin in read(text)] == [
            ("1", "python_version < '3.8'"),
            ("2", "python_version >= '3.8'"),
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
    @pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
    def test_encodings_and_line_ends(self, encoding, ends):
        text = "# é\namqp==5.1.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via kombu\nkombu==5.3.2".replace(
            "\n", ends
        )
        data = text.encode(encoding)
        data = b"\xff\xfe" + data if encoding == "utf-16-le" else data
        snapshot = read(data)
        assert [(pin.name, pin.version) for pin in snapshot] == [("amqp", "5.1.1"), ("kombu", "5.3.2")]
        assert [file.hash for file in only(snapshot, "amqp").artifacts] == ["sha256:aa", "sha256:bb"]
        assert children(only(snapshot, "kombu")) == ["amqp"]

    @pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "\ufeff"])
    def test_nothing(self, text):
        assert len(read(text)) == 0

    def test_comments_end_a_continued_line(self):
        snapshot = read("a==1 \\\n# c\nb==2 --hash=sha256:aa\n")
        assert [(pin.name, len(pin.artifacts)) for pin in snapshot] == [("a", 0), ("b", 1)]

    @pytest.mark.parametrize(
        "line",
        [
            "a ==",
            "a=1",
            "a==1 b",
            "$A==1",
            "a==${X}",
            "-r",
            "-i",
            "a==1 --unknown",
            "a==1 -c x",
            "[x]",
            "-e",
            "=x",
            "a @ ",
        ],
    )
    def test_what_pip_refuses(self, line):
        with pytest.raises(LockParseError) as caught:
            read(f"b==1\n{line}\n")
        assert caught.value.place == "line 2"
        assert caught.value.hint

    def test_what_it_shows_has_no_secret(self):
        with pytest.raises(LockParseError) as caught:
            read("a @ https://user:secret@files.example/a b\n")
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        "line", ["--only-final :all:", "--uploaded-prior-to=P3D", "--process-dependency-links", "--allow-external a", "-Z"]
    )
    def test_options_newer_and_older_than_the_parser_are_gaps(self, line):
        snapshot = read(f"{line}\na==1\n")
        assert snapshot.names == ("a",)
        assert [(gap.subject, gap.reason) for gap in snapshot.gaps] == [(line.split("=")[0].split()[0], "unknown-option")]

    @pytest.mark.parametrize(
        "settings",
        ["--config-settings='x=y z'", "-C x=y --config-setting y=z", '--config-settings "x=y"', "-C=x", "--global-option=x"],
    )
    def test_settings_of_the_build_say_nothing_about_the_version(self, settings):
        (pin,) = read(f"a==1 {settings} --hash=sha256:aa\n")
        assert (pin.version, len(pin.artifacts)) == ("1", 1)

    def test_several_options_on_one_line(self):
        snapshot = read("--index-url=https://i.example --extra-index-url https://j.example -r x.txt\n", files={"x.txt": "a==1\n"})
        assert snapshot.indexes == ("https://i.example", "https://j.example")
        assert snapshot.names == ("a",)

    def test_an_empty_marker_is_none(self):
        assert [pin.marker for pin in read("a==1 ;\nb;\n")] == [None, None]

    def test_conflict_markers(self):
        with pytest.raises(LockParseError, match="line 2: merge conflict markers at line 2; resolve the conflict first"):
            read("a==1\n<<<<<<< HEAD\nb==1\n=======\nb==2\n>>>>>>> main\n")


class TestIncludes:
    def test_are_read_at_the_same_revision(self):
        files = {
            "requirements/base.txt": "-r more/deep.txt\nb==2\n",
            "requirements/more/deep.txt": "--index-url https://i.example\nc==3\n",
        }
        snapshot = read("-r base.txt\na==1\n", "requirements/dev.txt", files)
        assert [(pin.name, pin.line) for pin in snapshot] == [("c", None), ("b", None), ("a", 2)]
        assert snapshot.indexes == ("https://i.example",)

    @pytest.mark.parametrize("option", ["-r {}", "-r{}", "--requirement {}", "--requirement={}", "-r   {}"])
    def test_in_every_spelling(self, option):
        assert read(option.format("x.txt") + "\n", files={"x.txt": "a==1\n"}).names == ("a",)

    def test_cycles_end(self):
        assert read("-r b.txt\na==1\n", "a.txt", {"a.txt": "-r b.txt\na==1\n", "b.txt": "-r a.txt\nb==1\n"}).names == ("a", "b")

    def test_too_deep(self):
        files = {f"{number}.txt": f"-r {number + 1}.txt\n" for number in range(100)}
        with pytest.raises(LockParseError, match="files deep"):
            read("-r 0.txt\n", files=files)

    def test_missing_ones_are_gaps(self):
        snapshot = read("-r gone.txt\n-c gone-too.txt\n-r https://token@files.example/x.txt\na==1\n", "sub/requirements.txt")
        assert [(gap.subject, gap.reason) for gap in snapshot.gaps] == [
            ("sub/gone.txt", "not-found"),
            ("sub/gone-too.txt", "not-found"),
            ("https://files.example/x.txt", "not-fetched"),
        ]

    def test_nothing_outside_of_the_tree_is_opened(self):
        asked_for: list[str] = []

        def opener(path: str) -> bytes | None:
            asked_for.append(path)
            return None

        from lockblame.lockfiles import parse

        snapshot = parse(b"-r ../../etc/passwd\n-r /etc/passwd\n-r ../ok.txt\n", "sub/requirements.txt", opener=opener)
        assert not [path for path in asked_for if ".." in path or path.startswith("/")]
        assert len(snapshot.gaps) == 3

    def test_broken_ones_are_named(self):
        with pytest.raises(LockParseError, match=r"base\.txt, line 1: 'a ==' is not a requirement"):
            read("-r base.txt\n", files={"base.txt": "a ==\n"})

    def test_the_same_pin_in_two_files_is_one(self):
        snapshot = read("-r base.txt\na==1 --hash=sha256:bb\n", files={"base.txt": "a==1 --hash=sha256:aa\n"})
        assert [file.hash for file in only(snapshot, "a").artifacts] == ["sha256:aa", "sha256:bb"]

    def test_constraints_only_narrow(self):
        files = {"c.txt": "-c d.txt\na==1.5\n", "d.txt": "b==2\nz==9\n"}
        snapshot = read("-c c.txt\na>=1\nb\nc==3\n", files=files)
        assert [(pin.name, pin.version) for pin in snapshot] == [("a", "1.5"), ("b", "2"), ("c", "3")]
        assert snapshot.gaps == ()


class TestNotes:
    @pytest.mark.parametrize(
        ("notes", "found"),
        [
            (["via celery"], [Via(parent="celery")]),
            (["via celery, kombu[sqs]"], [Via(parent="celery"), Via(parent="kombu")]),
            (["via", "celery", "-r a.in"], [Via(parent="celery"), Via(file="a.in")]),
            (["via -r a.in", "via b"], [Via(file="a.in"), Via(parent="b")]),
            (["via -c c.txt"], []),
            (["via", "--override o.txt", "Zope.Interface"], [Via(parent="zope-interface")]),
            (["via -r a.in (line 3)"], [Via(file="a.in")]),
            (["via shop (pyproject.toml)"], [Via(project="shop")]),
            (["via shop (setup.py)"], [Via(project="shop")]),
            (["via shop:dev"], [Via(parent="shop")]),
            (["from https://index.example/simple"], []),
            (["viable"], []),
            ([], []),
        ],
    )
    def test_via(self, notes, found):
        assert via(notes) == tuple(found)

    def test_inputs(self):
        assert inputs([" pip-compile --output-file=a.txt sub/a.in b.in"]) == ("sub/a.in", "b.in")
        assert inputs(["    uv pip compile pyproject.toml -o requirements.txt"]) == ("pyproject.toml",)
        assert inputs(["    uv export --no-hashes"]) == ("pyproject.toml",)
        assert inputs(["see a.in"]) == ()


# --- the fast way and pip-requirements-parser ------------------------------------------------------------------------


def both_ways(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[list, list]:
    document = Document(path="requirements.txt", origin="requirements.txt", data=data)
    fast = requirement_lines.lines(document)[0]
    with monkeypatch.context() as patch:
        patch.setattr(requirement_lines, "_plain", lambda line: None)
        slow = requirement_lines.lines(document)[0]
    return [compared(line) for line in fast], [compared(line) for line in slow]


def compared(line: requirement_lines.Line) -> tuple:
    """A line without what is a matter of spelling: order of clauses and extras, quotes of markers."""
    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet

    asked = line.asked
    if asked is None:
        return line.number, line.option, line.value, line.address, line.extras, line.notes
    specifier = asked.specifier if asked.specifier.startswith("===") else str(SpecifierSet(asked.specifier))
    marker = str(Marker(asked.marker)) if asked.marker else None
    return (
        line.number,
        asked.name,
        tuple(sorted(asked.extras)),
        specifier,
        asked.url,
        marker,
        line.hashes,
        line.notes,
        line.editable,
    )


REAL = [
    file
    for folder in (sorted(PAIRS.iterdir()) if PAIRS.is_dir() else [])
    if json.loads((folder / "pair.json").read_text(encoding="utf-8"))["format"] in ("requirements", "freeze")
    for file in sorted(folder.glob("*.*"))
    if file.name.startswith(("before.", "after."))
]


def test_both_ways_agree_on_our_own(monkeypatch):
    for name in ("requirements.txt", "requirements.in", "freeze.txt", "odd.txt"):
        fast, slow = both_ways((HERE / name).read_bytes(), monkeypatch)
        assert fast == slow


@pytest.mark.parametrize("part", range(8))
def test_both_ways_agree_on_every_real_file(part, monkeypatch):
    if not REAL:
        pytest.skip("no real locks at hand: ../shared/locks is not there")
    for file in REAL[part::8]:
        fast, slow = both_ways(file.read_bytes(), monkeypatch)
        assert fast == slow, file


names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
release = st.from_regex(r"(0|[1-9][0-9]?)(\.(0|[1-9][0-9]?)){0,2}((a|rc|\.post)[0-9])?", fullmatch=True)
clause = st.tuples(st.sampled_from(["==", ">=", "<=", "!=", "<", ">"]), release).map("".join)
requirement = st.builds(
    "{}{}{}{}{}".format,
    names,
    st.sampled_from(["", "", "[x]", " [x, y]"]),
    st.one_of(
        st.sampled_from(["", "=== 1.0-x"]), st.lists(clause, min_size=1, max_size=2).map(lambda clauses: " " + ", ".join(clauses))
    ),
    st.sampled_from(["", "", " ; python_version < '3.8'", ';sys_platform=="win32" and extra == "x"']),
    st.sampled_from(
        ["", "", " --hash=sha256:ab", " \\\n   --hash sha256:ab \\\n  --hash=sha512:cd", "  # via b", "\n    # via c"]
    ),
)


@given(st.lists(requirement, max_size=5))
@settings(max_examples=25, deadline=None)
def test_both_ways_agree_on_anything_plain(written):
    with pytest.MonkeyPatch.context() as patch:
        fast, slow = both_ways("\n".join(written).encode(), patch)
    assert fast == slow
