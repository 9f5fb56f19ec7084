"""What differs between two artifacts, by what the code of both does when it runs."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.contents import Archive, alike, compare
from lockblame.model import Contents
from tests.distributions import Files, sdist, wheel, zipped


def differences(before: str, after: str, module: str = "thing/core.py") -> Contents:
    """Of one module."""
    one, other = (textwrap.dedent(text) for text in (before, after))
    return compare(wheel({module: one}, "1.0"), wheel({module: other}, "1.1"))


def test_nothing_differs_between_equal_archives():
    files = {"thing/__init__.py": "from .core import run\n", "thing/core.py": "def run(): pass\n"}
    assert compare(wheel(files, "1.0"), wheel(files, "1.1")) == Contents()


class TestModules:
    def test_changed_added_and_removed(self):
        before = {"thing/__init__.py": "", "thing/same.py": "x = 1", "thing/core.py": "x = 1", "thing/old.py": "def gone(): pass"}
        after = {"thing/__init__.py": "", "thing/same.py": "x = 1", "thing/core.py": "x = 2", "thing/new.py": "class Come: pass"}
        found = compare(wheel(before), wheel(after, "1.1"))
        assert found.modules == ("thing.core", "thing.new", "thing.old")
        assert found.added == ("thing.new",)
        assert found.removed == ("thing.old",)
        assert found.symbols == ("thing.new.Come", "thing.old.gone")

    def test_a_wheel_may_put_its_code_into_the_data_folder(self):
        one = wheel({"thing-1.0.data/purelib/thing/core.py": "x = 1"})
        other = wheel({"thing-1.1.data/platlib/thing/core.py": "x = 2", "thing-1.1.data/scripts/run.py": "x = 2"}, "1.1")
        assert compare(one, other).modules == ("thing.core",)

    def test_of_compiled_modules_the_names(self):
        one = wheel({"thing/_old.cpython-311-x86_64-linux-gnu.so": b"\x7fELF", "thing/_fast.abi3.so": b"\x7fELF1"})
        other = wheel({"thing/_new.pyd": b"MZ", "thing/_fast.abi3.so": b"\x7fELF2"}, "1.1")
        found = compare(one, other)
        assert (found.added, found.removed, found.modules) == (("thing._new",), ("thing._old",), ("thing._new", "thing._old"))

    def test_stubs_stand_for_compiled_modules_only(self):
        one = {"thing/_fast.pyi": "def run(a): ...", "thing/core.pyi": "def run(a): ...", "thing/core.py": "def run(a): pass"}
        other = {"thing/_fast.pyi": "def run(b): ...", "thing/core.pyi": "def run(b): ...", "thing/core.py": "def run(a): pass"}
        assert compare(wheel(one), wheel(other, "1.1")).removed == ("thing._fast.run.a",)

    def test_its_own_tests_are_no_code_that_runs(self):
        one, other = {"thing/tests/test_core.py": "x = 1", "thing/test.py": "x = 1"}, {"thing/tests/test_core.py": "x = 2"}
        assert compare(wheel(one), wheel(other, "1.1")).modules == ("thing.test",)

    def test_names_that_cannot_be_imported(self):
        files = {"thing/2to3.py": "x = 1", "thing-extra/a.py": "x = 1", "thing/a b.py": "x = 1", "thing/a.b.py": "x = 1"}
        assert compare(wheel({}), wheel(files, "1.1")).modules == ()


LAYOUTS = {
    "flat": ("thing/core.py", {}),
    "src": ("src/thing/core.py", {"src/thing/__init__.py": ""}),
    "lib": ("lib/thing/core.py", {"lib/thing/__init__.py": ""}),
    "told by setuptools": ("python3/thing/core.py", {"thing.egg-info/top_level.txt": "thing\n", "python3/thing/__init__.py": ""}),
    "namespace": ("thing/core.py", {"thing.egg-info/top_level.txt": "thing\n"}),
    "folder under another name": ("lib/core.py", {"lib/__init__.py": "", "thing.egg-info/top_level.txt": "thing\n"}),
}


class TestSourceDistributions:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_modules_are_named_as_they_are_imported(self, layout):
        path, more = LAYOUTS[layout]
        beside = {"setup.py": "", "tests/test_core.py": "", "docs/conf.py": "", "examples/run.py": "", **more}
        changed = {name: "x = 2" if name not in more else text for name, text in beside.items()}
        found = compare(sdist({**beside, path: "x = 1"}), sdist({**changed, path: "x = 2"}, "1.1"))
        assert found.modules == ("thing.core",)

    def test_one_module_alone(self):
        one, other = {"thing.py": "x = 1", "setup.py": "x = 1"}, {"thing.py": "x = 2", "setup.py": "x = 2"}
        assert compare(sdist(one), sdist(other, "1.1")).modules == ("thing",)

    def test_a_package_called_otherwise(self):
        one = {"other/__init__.py": "x = 1", "test/a.py": "x = 1", "setup.py": "x = 1"}
        other = {"other/__init__.py": "x = 2", "test/a.py": "x = 2", "setup.py": "x = 2"}
        assert compare(sdist(one), sdist(other, "1.1")).modules == ("other",)

    def test_neighbours_in_a_folder_for_code(self):
        one = {"src/thing/__init__.py": "", "src/things/__init__.py": "x = 1"}
        assert compare(sdist(one), sdist({**one, "src/things/__init__.py": "x = 2"}, "1.1")).modules == ("things",)

    def test_cython_sources_by_content(self):
        one, other = {"thing/fast.pyx": "cdef int x = 1"}, {"thing/fast.pyx": "cdef int x = 2"}
        found = compare(sdist({"thing/__init__.py": "", **one}), sdist({"thing/__init__.py": "", **other}, "1.1"))
        assert (found.modules, found.gaps) == (("thing.fast",), ())

    def test_zip_and_tar_tell_the_same(self):
        files = {"thing/__init__.py": "", "thing/core.py": "def run(a, b=1): pass"}
        changed = {**files, "thing/core.py": "def run(a, b=2): pass"}

        def packed(files: Files, version: str) -> Archive:
            return Archive(
                name=f"thing-{version}.zip", data=zipped({f"thing-{version}/{name}": text for name, text in files.items()})
            )

        expected = compare(sdist(files), sdist(changed, "1.1"))
        assert compare(packed(files, "1.0"), packed(changed, "1.1")) == expected
        assert expected.defaults == ("thing.core.run.b",)


class TestWhatMakesNoDifference:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("def f(a):\n    return a\n", "# new\ndef f(a):\n\n    return (a)\n"),
            ("def f(a):\n    'old'\n    return a\n", "def f(a):\n    'new'\n    return a\n"),
            ("'old'\nx = 1\n", "'new'\nx = 1\n"),
            ("class A:\n    'old'\n    x = 1\n", "class A:\n    x = 1\n    'of x'\n"),
            ("def f(a): return a\n", "def f(a: int) -> int: return a\n"),
            ("__version__ = '1.0'\nVERSION = (1, 0)\n", "__version__ = '1.1'\nVERSION = (1, 1)\n"),
            ("import a\nimport b\n", "import b\nimport a\n"),
            ("import a\n", "from __future__ import annotations\nimport a\n"),
            ("x = 1\n", "from typing import TYPE_CHECKING\nx = 1\nif TYPE_CHECKING:\n    from a import b\n"),
            ("x = {'a': 1}\r\ny = 1\r\n", "x = {\n    'a': 1,\n}\ny = 1\n"),
            ("Kind = Union[int, str]\n", "Kind = Union[int, str, None]\n"),
        ],
    )
    def test_(self, before, after):
        after = after.replace("from typing import TYPE_CHECKING\n", "")
        assert differences(before, after) == Contents()


class TestFunctions:
    def test_the_code_of_a_method(self):
        found = differences(
            """
            class Channel:
                def get(self, queue): return self.fetch(queue, 10)
                def close(self): pass
            """,
            """
            class Channel:
                def get(self, queue): return self.fetch(queue, 1)
                def close(self): pass
            """,
        )
        assert found == Contents(modules=("thing.core",), functions=("thing.core.Channel.get",))

    def test_parameters_that_came_went_and_moved(self):
        found = differences("def f(a, b, proxies=None): pass", "def f(b, a, *, proxy=None): pass")
        assert found.removed == ("thing.core.f.proxies",)
        assert found.added == ("thing.core.f.proxy",)
        assert found.symbols == ("thing.core.f", "thing.core.f.proxies", "thing.core.f.proxy")

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("def f(a, b): pass", "def f(b, a): pass"),
            ("def f(a): pass", "def f(*, a): pass"),
            ("def f(a): pass", "def f(a, /): pass"),
            ("def f(*a): pass", "def f(**a): pass"),
            ("def f(a): pass", "async def f(a): pass"),
            ("def f(a): pass", "class f: pass"),
        ],
    )
    def test_called_in_another_way(self, before, after):
        found = differences(before, after)
        assert found.symbols == ("thing.core.f",)
        assert (found.added, found.removed) == ((), ())

    def test_defaults(self):
        found = differences("def f(a, b=1, *, wait=10, c=None): pass\n", "def f(a=None, b=1, *, wait=20, c): pass\n")
        assert found.defaults == ("thing.core.f.a", "thing.core.f.c", "thing.core.f.wait")
        assert found.values == (
            ("thing.core.f.a", "", "None"),
            ("thing.core.f.c", "None", ""),
            ("thing.core.f.wait", "10", "20"),
        )

    def test_of_alternatives_the_last_one(self):
        one = "if old:\n    def f(a): pass\nelse:\n    def f(a, b): pass\n"
        assert differences(one, one.replace("a, b", "a, c")).added == ("thing.core.f.c",)


class TestNames:
    def test_a_class_that_went_says_it_all(self):
        found = differences("class A:\n    x = 1\n    def f(self): pass\n", "y = 1\n")
        assert (found.removed, found.added) == (("thing.core.A",), ("thing.core.y",))

    def test_attributes_and_bases_of_a_class(self):
        found = differences("class A(B):\n    x: int\n    y: int = 1\n", "class A(C):\n    y: int = 2\n    z = 1\n")
        assert (found.removed, found.added) == (("thing.core.A.x",), ("thing.core.A.z",))
        assert found.symbols == ("thing.core.A", "thing.core.A.x", "thing.core.A.z")
        assert found.defaults == ("thing.core.A.y",)

    def test_what_was_defined_and_is_imported_now_is_still_there(self):
        found = differences("def f(): pass\n", "from ._new import f\n")
        assert (found.removed, found.modules) == ((), ("thing.core",))

    def test_what_a_package_passes_on(self):
        one, other = "from .core import run, stop\nimport os\n", "from thing.core import run\n"
        assert differences(one, other, "thing/__init__.py").removed == ("thing.stop",)
        assert differences(one, other, "thing/core.py").removed == ()

    @pytest.mark.parametrize("more", ["from .other import *\n", "def __getattr__(name): ...\n"])
    def test_what_may_still_come_from_elsewhere_is_not_gone(self, more):
        assert differences("def f(): pass\n", more).removed == ()

    @pytest.mark.parametrize(
        "frame",
        [
            "if new:\n    {0}\n",
            "try:\n    {0}\nexcept ImportError:\n    pass\n",
            "with x:\n    f = 1\n",
            "for f in x: pass\n",
            "f, g = x\n",
        ],
    )
    def test_inside_of_other_statements(self, frame):
        assert "thing.core.f" in differences("x = 1\n", "x = 1\n" + frame.format("def f(): pass")).added


class TestValues:
    def test_constants_of_modules_and_classes(self):
        found = differences("WAIT = 60 * 60\nclass A:\n    wait = 1\n", "WAIT = 60\nclass A:\n    wait = None\n")
        assert found.values == (("thing.core.A.wait", "1", "None"), ("thing.core.WAIT", "60 * 60", "60"))

    def test_the_keys_inside_that_differ(self):
        found = differences(
            "D = {'a': 1, 'wait-time': 10, 'x y z': 1, **more}\nN = dict(worker=Options(prefetch=Option(4), pool=1))\n",
            "D = {'a': 1, 'wait-time': 20, 'x y z': 1, **more}\nN = dict(worker=Options(prefetch=Option(1), pool=1))\n",
        )
        assert found.defaults == ("thing.core.D.wait-time", "thing.core.N.worker.prefetch")

    def test_long_values_are_cut(self):
        ((_, before, after),) = differences(f"x = {'a' * 500!r}\n", "x = 1\n").values
        assert (len(before), before[-1], after) == (60, "…", "1")


class TestTexts:
    def test_messages_that_came_and_went(self):
        found = differences(
            'def f(a):\n    raise ValueError(f"cannot get {a} now")\n', 'def f(a):\n    raise ValueError("no  such\\nqueue", a)\n'
        )
        assert found.texts_added == ("no such queue",)
        assert found.texts_removed == ("cannot get", "now")

    def test_a_text_that_only_moved_is_none(self):
        one, other = {"a.py": "x = 'the text'", "b.py": "y = 1"}, {"a.py": "x = 1", "b.py": "y = 'the text'"}
        found = compare(wheel(one), wheel(other, "1.1"))
        assert (found.texts_added, found.texts_removed) == ((), ())

    def test_docstrings_and_signs_are_none(self):
        found = differences("x = 1\n", 'x = "%s: 1"\nclass A:\n    "a docstring"\n    def f(self):\n        "another one"\n')
        assert found.texts_added == ()


SOURCES = [
    "import os\n",
    "def f(a, b=1):\n    return a\n",
    "class A(B):\n    x = 1\n    def f(self):\n        return 'some text'\n",
    "WAIT = {'a': [1, 2]}\n",
    "if a:\n    y = f(1)\n",
    "try:\n    import z\nexcept ImportError:\n    z = None\n",
    "for i in x: print(i)\n",
    "async def g(*args, **kwargs): await x\n",
]
MODULE = st.lists(st.sampled_from(SOURCES), max_size=6).map("".join)
MODULES = st.dictionaries(st.sampled_from(["thing/__init__.py", "thing/a.py", "thing/b/__init__.py", "thing/b/c.py"]), MODULE)


class TestProperties:
    @settings(max_examples=60, deadline=None)
    @given(MODULES, MODULES)
    def test_both_directions_mirror_each_other(self, before, after):
        there, back = compare(wheel(before), wheel(after, "1.1")), compare(wheel(after), wheel(before, "1.1"))
        mirrored = replace(
            back,
            added=back.removed,
            removed=back.added,
            values=tuple((name, new, old) for name, old, new in back.values),
            texts_added=back.texts_removed,
            texts_removed=back.texts_added,
        )
        assert there == mirrored

    @settings(max_examples=40, deadline=None)
    @given(MODULES, MODULES)
    def test_every_name_stands_in_a_module_that_differs(self, before, after):
        found = compare(wheel(before), wheel(after, "1.1"))
        for name in (*found.symbols, *found.functions, *found.defaults, *found.added, *found.removed):
            assert any(name == module or name.startswith(f"{module}.") for module in found.modules)
        for names in (found.modules, found.symbols, found.functions, found.defaults, found.added, found.removed):
            assert list(names) == sorted(set(names))
        assert set(found.added) | set(found.removed) <= {*found.modules, *found.symbols}

    @settings(max_examples=40, deadline=None)
    @given(MODULES)
    def test_wheel_and_sdist_of_one_code_tell_the_same(self, after):
        before = {"thing/__init__.py": "", "thing/a.py": "x = 1\n"}
        after = {"thing/__init__.py": "", **after}
        assert compare(sdist(before), sdist(after, "1.1")) == compare(wheel(before), wheel(after, "1.1"))


class TestChoice:
    def test_pure_wheels_first(self):
        before = {"thing-1.0-py3-none-any.whl": 900, "thing-1.0.tar.gz": 100}
        after = {"thing-1.1-py2.py3-none-any.whl": 900, "thing-1.1.tar.gz": 100}
        assert alike(before, after) == ("thing-1.0-py3-none-any.whl", "thing-1.1-py2.py3-none-any.whl")

    def test_compiled_ones_of_the_same_tags_or_sources_whichever_are_smaller(self):
        def files(version: str, sdist: int) -> dict[str, int]:
            tags = ("cp311-cp311-manylinux_2_17_x86_64", "cp312-cp312-win_amd64")
            return {f"thing-{version}-{tag}.whl": 500 - number for number, tag in enumerate(tags)} | {
                f"thing-{version}.tar.gz": sdist
            }

        assert alike(files("1.0", 900), files("1.1", 900)) == (
            "thing-1.0-cp312-cp312-win_amd64.whl",
            "thing-1.1-cp312-cp312-win_amd64.whl",
        )
        assert alike(files("1.0", 100), files("1.1", 100)) == ("thing-1.0.tar.gz", "thing-1.1.tar.gz")

    def test_wheels_of_unlike_tags_rather_than_none(self):
        old, new = "thing-1.0-cp311-cp311-win32.whl", "thing-1.1-cp312-cp312-win32.whl"
        assert alike({old: 1}, {new: 1}) == (old, new)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("thing-1.0.tar.gz", "thing-1.1-py3-none-any.whl"),
            ("thing-1.0-py3-none-any.whl", "thing-1.1-cp311-cp311-win32.whl"),
            ("thing-1.0.tar.bz2", "thing-1.1.tar.bz2"),
            ("thing-1.0.exe", "thing-1.1.exe"),
            ("thing.whl", "thing.whl"),
        ],
    )
    def test_what_is_not_alike(self, before, after):
        assert alike({before: 1}, {after: 1}) is None

    def test_a_release_of_very_many_files(self):
        def files(version: str) -> dict[str, int | None]:
            return {f"thing-{version}-cp3{number}-cp3{number}-win32.whl": None for number in range(400)}

        assert alike(files("1.0"), files("1.1")) is not None
