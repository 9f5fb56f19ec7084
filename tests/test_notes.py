"""Changelogs cut at the headings that name versions, in the forms that projects write them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from lockblame.errors import LockblameError, ReadError
from lockblame.notes import Section, between, from_archive, sections
from lockblame.notes.titles import title
from tests.distributions import sdist, wheel


def cut(text: str, name: str = "thing") -> dict[str, str]:
    return dict(sections(text, name=name))


# each tells of 1.2.0 "one" and of 1.1.0 "two"
TEXTS = """\
@ keep a changelog
# Changelog

## [Unreleased]
- soon

## [1.2.0] - 2023-09-01
### Fixed
- one

## [1.1.0] - 2023-08-01
- two
@ with links
## [1.2.0](https://forge.example/compare/v1.1.0...v1.2.0) (2023-09-01)


### Bug Fixes

- one

## [1.1.0][1]
- two
@ dashes
# 1.2.0 / 2023-09-01
- one
# 1.1.0 / 2023-08-01
- two
@ letters
## v1.2.0
- one
## v1.1.0
- two
@ words
## Version 1.2.0 (2023-09-01)
- one
## Version 1.1.0
- two
@ the package's name
## Thing 1.2.0
- one
## Thing 1.1.0
- two
@ glued
## thing-1.2.0
- one
## thing-v1.1.0
- two
@ what's new
What's new in Thing 1.2.0
^^^^^^^^^^^^^^^^^^^^^^^^^
- one

What's new in Thing 1.1.0
^^^^^^^^^^^^^^^^^^^^^^^^^
- two
@ release notes
# Release notes for v1.2.0
- one
# Release notes for v1.1.0
- two
@ codename
## 1.2.0 “Autumn”
- one
## 1.1.0 “Summer”
- two
@ Setext
Changelog
=========

1.2.0 (2023-09-01)
------------------
- one

1.1.0
-----
- two
@ anchors
<a id='1.2.0'></a>
## 1.2.0 — 2023-09-01
- one

<a id='1.1.0'></a>
## 1.1.0
- two
@ tags inside
## <a name="1.2.0"></a>1.2.0
- one
## <a name="1.1.0"></a>1.1.0
- two
@ reST
=========
Changelog
=========

1.2.0 (2023-09-01)
==================
- one

1.1.0
=====
- two
@ reST with anchors
.. _version-1.2.0:

1.2.0
~~~~~

:release-date: 2023-09-01

- one

.. _version-1.1.0:

1.1.0
~~~~~
- two
@ reST with links
`1.2.0 <https://forge.example/v1.2.0>`__
----------------------------------------
- one

`v1.1.0`_ - 1-May-2023
----------------------
- two
@ towncrier
.. towncrier release notes start

Thing 1.2.0 (2023-09-01)
========================

Bugfixes
--------

- one


----


Thing 1.1.0 (2023-08-01)
========================
- two
@ date first
## 2023-09-01 Version 1.2.0
- one
## 2023-08-01 Version 1.1.0
- two
@ wiki
= 1.2.0 (20230901)

* one

= 1.1.0 (20230801)

* two
@ plain
1.2.0 (2023-09-01)

* one

1.1.0
* two
@ plain with words
Version 1.2.0, released 2023-09-01

  - one

Version 1.1.0:

  - two
@ bold
**1.2.0** (2023-09-01)
- one

**1.1.0** (2023-08-01)
- two
@ plain among underlined
1.2.0 (2023-09-01)

- one

1.1.0 (2023-08-01)
------------------
- two
@ releases
* :release:`1.2.0 <2023-09-01>`
* one
* :release:`1.1.0 <2023-08-01>`
* two
@ changelog
.. changelog::
    :version: 1.2.0
    :released: September 1, 2023

    one

.. changelog::
    :version: 1.1.0

    two
@ other headings as high
## 1.2.0

## Fixed
- one

## 1.1.0
## Bug fixes
- two
@ a series above
# 1.x

## 1.2.0
- one

## 1.1.0
- two
"""
FORMS = {name: text for name, _, text in (block.partition("\n") for block in TEXTS.split("@ ")[1:])}
FORMS["carriage returns"] = FORMS["letters"].replace("\n", "\r\n")


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_cut(form):
    found = cut(FORMS[form])
    assert list(found) == ["1.2.0", "1.1.0"]
    assert "one" in found["1.2.0"]
    assert "two" not in found["1.2.0"]
    assert "two" in found["1.1.0"]
    assert "1.1.0" not in found["1.2.0"]


class TestHeadings:
    @pytest.mark.parametrize(
        ("text", "version"),
        [
            ("1.2.3", "1.2.3"),
            ("v1.2.3", "1.2.3"),
            ("Version 1.2.3 (2023-09-01)", "1.2.3"),
            ("[1.2.3] - 2023-09-01", "1.2.3"),
            ("1.2.3 / 2023-09-01", "1.2.3"),
            ("Release 1.2.3rc1", "1.2.3rc1"),
            ("1.2.3.post1", "1.2.3.post1"),
            ("1!2.0", "1!2.0"),
            ("2023.9.1", "2023.9.1"),
            ("v5", "5"),
            ("Version 5 (unreleased)", "5"),
            ("thing==1.2.3", "1.2.3"),
            ("thing@1.2.3", "1.2.3"),
            ("🎉 1.2.3", "1.2.3"),
            ("1.2 beta 1", "1.2"),
            ("The Thing 1.2.3", "1.2.3"),
        ],
    )
    def test_that_name_a_version(self, text, version):
        found = title(text, "thing")
        assert found is not None
        assert (str(found.version), found.stranger) == (version, "")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Fixed",
            "5",
            "20230901",
            "2023-09-01",
            "1.2.x",
            "1.2 to 2.0",
            "3.8 support",
            "Upgrading from 1.2.3",
            "Support for Python 3.12 was added in 1.2.3",
            "CVE-2023-4863: overflow in 1.2.3",
            "192.168.0.1 is refused",
            "a very long sentence that comes to speak of 1.2.3 in the end",
            "1.2.3-final-of-all",
        ],
    )
    def test_that_name_none(self, text):
        found = title(text, "thing")
        assert found is None or found.stranger

    def test_of_another_package_do_not_count(self):
        text = "## 1.2.0\n- one\n### Python 3.12\n- runs there\n## 1.1.0\n- two\n"
        assert cut(text)["1.2.0"] == "- one\n### Python 3.12\n- runs there"

    def test_unless_there_are_no_others(self):
        text = "## Gadget 1.2\n- one\n## Gadget 1.1\n- two\n## Python 3.12\n"
        assert list(cut(text)) == ["1.2", "1.1"]
        assert cut("## Python 3.12\n- one\n") == {}

    def test_inside_of_fences_and_comments_do_not_count(self):
        text = "## 1.2.0\n```\n## 1.1.0\n```\n- one\n<!--\n## 1.0.0\n-->\n~~~ toml\n## 0.9.0\n~~~\n- two\n"
        assert list(cut(text)) == ["1.2.0"]
        assert cut(text)["1.2.0"].endswith("- two")

    def test_indented_lines_and_items_do_not_count(self):
        text = "1.2.0\n\n- one\n    1.1.0\n* 1.0.0\n> 0.9.0\n"
        assert list(cut(text)) == ["1.2.0"]

    def test_a_higher_heading_ends_the_notes(self):
        text = "# Changelog\n## 1.2.0\n- one\n# Licence\nas is\n"
        assert cut(text) == {"1.2.0": "- one"}

    def test_a_heading_as_high_ends_them_too(self):
        text = "## 1.2.0\n- one\n## Older versions\nsee there\n"
        assert cut(text) == {"1.2.0": "- one"}

    def test_what_a_heading_says_beside_the_version_is_kept(self):
        assert cut("## 1.2.0 - drops the old queue (2023-09-01)\n- one\n")["1.2.0"].startswith("drops the old queue")
        assert cut("0.5 - fixed the queue\n0.4 - first one\n") == {"0.5": "fixed the queue", "0.4": "first one"}

    def test_a_version_that_comes_twice(self):
        assert cut("## 1.2.0\n- one\n## 1.1.0\n- two\n## v1.2\n- three\n")["1.2"] == "- three"
        assert cut("## 1.2.0\n- one\n## 1.2.0\n- three\n") == {"1.2.0": "- one\n\n- three"}

    def test_no_changelog_at_all(self):
        assert cut("") == {}
        assert cut("See https://forge.example/thing/releases\n") == {}


class TestBetween:
    FOUND = tuple(Section(version, version) for version in ("2.0", "2.0rc1", "1.10.0", "1.9", "1.9.0.post1", "1.2.0", "1.1"))

    def versions(self, before: str | None, after: str) -> list[str]:
        return [note.version for note in between(self.FOUND, before, after, name="thing", url="https://x.example")]

    def test_after_the_first_up_to_the_last(self):
        assert self.versions("1.2", "1.10") == ["1.9", "1.9.0.post1", "1.10.0"]
        assert self.versions("1.10.0", "2.0") == ["2.0rc1", "2.0"]

    def test_the_same_and_backwards(self):
        assert self.versions("1.9", "1.9.0") == []
        assert self.versions("2.0", "1.1") == []

    def test_a_package_that_came(self):
        assert self.versions(None, "1.9.0") == ["1.9"]

    def test_local_builds(self):
        assert self.versions("1.2.0+cpu", "1.9+cu118") == ["1.9"]
        assert self.versions(None, "1.9+cu118") == ["1.9"]

    def test_versions_that_are_none(self):
        assert self.versions("latest", "2.0") == []
        assert self.versions("1.0", "latest") == []

    def test_empty_notes_are_none(self):
        assert between([Section("1.1", " \n")], "1.0", "2.0", name="thing") == ()

    def test_each_note_knows_its_package(self):
        (note,) = between(self.FOUND, "1.10.0", "2.0rc1", name="thing", url="https://x.example")
        assert (note.name, note.text, note.url) == ("thing", "2.0rc1", "https://x.example")


NUMBERS = st.lists(st.tuples(*[st.integers(0, 3)] * 3).map(lambda each: ".".join(map(str, each))), min_size=2, unique=True)
STYLES = ("## {}", "## [{}] - 2023-09-01", "{}\n==========", "Version {} (2023-09-01)\n--------------------------", "# v{}")


class TestProperties:
    @settings(max_examples=100, deadline=None)
    @given(NUMBERS, st.sampled_from(STYLES), st.data())
    def test_exactly_the_versions_of_the_step(self, versions, style, data):
        before, after = (data.draw(st.sampled_from(versions)) for _ in range(2))
        text = "".join(f"{style.format(version)}\n\n- did {version} x\n\n" for version in versions)
        notes = between(sections(text, name="thing"), before, after, name="thing")
        expected = sorted((one for one in versions if Version(before) < Version(one) <= Version(after)), key=Version)
        assert [note.version for note in notes] == expected
        assert [note.text for note in notes] == [f"- did {version} x" for version in expected]

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.sampled_from([*"\n\n\n#=-~`*[]().:<> \x1b\x00", "1.2", "1.2.3", "v", "thing", "```", "==="]), max_size=80
        ).map("".join)
    )
    def test_any_text_is_cut_without_fail(self, text):
        for version, part in sections(text, name="thing"):
            assert str(Version(version)) == version
            assert "\x1b" not in part

    @pytest.mark.parametrize(
        "line",
        [
            "# " + "a " * 150,
            "#" * 300,
            "[" * 300,
            "<" * 300,
            "`" * 300,
            "1." * 150,
            "<!--" * 75,
            "# a" + " " * 290 + "b",
            "**" * 150,
            "1.2.3 " + "( " * 57,
            "=" * 250,
        ],
    )
    def test_time_is_linear(self, line):
        text = f"{line}\n" * 8000
        begun = time.process_time()
        sections(text, name="thing")
        sections(line * 8000, name="thing")
        assert time.process_time() - begun < 60


LOG = "1.2.0\n=====\n\n- one\n\n1.1.0\n=====\n\n- two\n\n1.0.0\n=====\n\n- three\n"


def told(archive, before: str | None = "1.0.0", after: str = "1.2.0") -> dict[str, str]:
    return {note.version: note.text for note in from_archive(archive, "thing", before, after)}


class TestArchives:
    @pytest.mark.parametrize(
        "path",
        [
            *("CHANGES", "CHANGES.rst", "CHANGELOG.md", "ChangeLog.txt", "HISTORY.rst", "NEWS", "NEWS.rst", "RELEASES.md"),
            *("RELEASE_NOTES.md", "RELEASE-NOTES.txt", "docs/changelog.rst", "docs/source/news.rst", "thing/CHANGES.txt"),
            *("doc/build/changelog/changelog_1.rst", "docs/about/release-notes.md", "docs/history/changelog-1.2.rst"),
        ],
    )
    def test_the_file_is_found(self, path):
        assert told(sdist({"setup.py": "", "README.md": "# thing", path: LOG}, "1.2.0")) == {"1.1.0": "- two", "1.2.0": "- one"}

    @pytest.mark.parametrize(
        "path",
        ["thing/changes.py", "deps/libthing/CHANGES", "tests/data/CHANGELOG.md", ".github/CHANGELOG.md", "docs/html/changes.txt"],
    )
    def test_other_files_are_not(self, path):
        assert told(sdist({path: LOG}, "1.2.0")) == {}

    def test_the_one_at_the_top_is_believed_first(self):
        other = LOG.replace("one", "another")
        assert told(sdist({"docs/changes.rst": other, "CHANGES.rst": LOG}, "1.2.0"))["1.2.0"] == "- one"
        stub = {"CHANGES.rst": "See docs/changes.rst\n"}
        assert told(sdist({"docs/changes.rst": other, **stub}, "1.2.0"))["1.2.0"] == "- another"

    def test_a_file_for_each_version(self):
        files = {
            "docs/releases/1.0.0.txt": "=== one ===\n",
            "docs/releases/v1.1.0.rst": "What's new in Thing 1.1.0\n=========================\n\n- two\n",
            "docs/releases/1.2.0-notes.rst": "Contributors\n============\n\nmany\n",
            "docs/releases/1.3.0.txt": "later\n",
            "docs/releases/index.txt": "1.2.0\n-----\nsee there\n",
        }
        assert told(sdist(files, "1.2.0")) == {"1.1.0": "- two", "1.2.0": "Contributors\n============\n\nmany"}

    def test_the_description_where_there_is_no_changelog(self):
        about = f"Metadata-Version: 2.1\nName: thing\nVersion: 1.2.0\n\nThing\n*****\n\nText.\n\n{LOG}"
        assert told(sdist({"README.md": ""}, "1.2.0")) == {}
        assert told(wheel({"thing-1.2.0.dist-info/METADATA": about}, "1.2.1"))["1.1.0"] == "- two"
        both = told(wheel({"thing-1.2.0.dist-info/METADATA": about, "thing/CHANGES.md": "## 1.2.0\n- other\n"}, "1.2.1"))
        assert both == {"1.2.0": "- other"}

    def test_another_encoding(self):
        assert told(sdist({"CHANGES": "1.2.0\n-----\n\n- für alle\n".encode("latin-1")}, "1.2.0")) == {"1.2.0": "- für alle"}

    def test_a_step_of_one_version_and_of_none(self):
        archive = sdist({"CHANGES.rst": LOG}, "1.2.0")
        assert told(archive, "1.1.0") == {"1.2.0": "- one"}
        assert told(archive, None, "1.1") == {"1.1.0": "- two"}
        assert told(archive, "1.2.0", "1.0.0") == {}

    def test_a_broken_archive_is_one_clear_error(self):
        with pytest.raises(ReadError):
            told(type(sdist({}))(name="thing-1.2.0.tar.gz", data=b"rubbish"))

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=400))
    def test_any_bytes_in_a_changelog(self, data):
        try:
            notes = from_archive(sdist({"CHANGES.rst": data, "PKG-INFO": data}, "1.2.0"), "thing", "1.0.0", "1.2.0")
        except LockblameError:
            return
        assert all(note.name == "thing" for note in notes)
