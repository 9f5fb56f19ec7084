"""Archives that were made to do harm, or are just broken: bounded, told, and nothing but LockblameError."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import tarfile
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockblame.contents import Archive, archives, compare, comparing
from lockblame.contents.archives import read
from lockblame.errors import LockblameError, ReadError
from lockblame.model import Contents
from tests.distributions import sdist, tarred, wheel, zipped

CODE = {"thing/__init__.py": "", "thing/core.py": "def run(a): pass\n"}


def everything(name: str) -> bool:
    return True


def of_zip(data: bytes) -> Archive:
    return Archive(name="thing-1.1-py3-none-any.whl", data=data)


def of_tar(data: bytes) -> Archive:
    return Archive(name="thing-1.1.tar.gz", data=data)


def reasons(found: Contents) -> str:
    return " ".join(gap.detail for gap in found.gaps)


class TestSizes:
    @pytest.mark.parametrize("build", [wheel, sdist])
    def test_a_huge_member_is_told_and_the_others_compare(self, build, monkeypatch):
        monkeypatch.setattr(archives, "LARGEST", 1000)
        found = compare(build({**CODE, "thing/big.py": "x = 1\n" * 1000}), build({**CODE, "thing/core.py": "x = 1\n"}, "1.1"))
        assert found.modules == ("thing.core",)
        assert "1 too large" in reasons(found)

    @pytest.mark.parametrize("build", [wheel, sdist])
    def test_many_members_together(self, build, monkeypatch):
        monkeypatch.setattr(archives, "ALL_TOGETHER", 2000)
        many = {f"thing/m{number}.py": "x = 1\n" * 100 for number in range(10)}
        found = compare(build({}), build(many, "1.1"))
        assert len(found.modules) == 3
        assert "7 too many" in reasons(found)

    def test_a_zip_bomb_costs_what_the_bounds_allow(self):
        bomb = zipped({f"thing/m{number}.py": b"#" * 4_000_000 for number in range(40)})
        assert len(bomb) < 400_000
        members = read(of_zip(bomb), everything)
        assert sum(map(len, members.files.values())) <= archives.ALL_TOGETHER
        assert set(members.unread.values()) == {"too many"}

    def test_a_tar_bomb_is_cut(self, monkeypatch):
        monkeypatch.setattr(archives, "UNPACKED", 1_000_000)
        data = tarred(
            {"thing-1.1/thing/__init__.py": "", "thing-1.1/big.bin": b"\0" * 50_000_000, "thing-1.1/thing/last.py": "x = 1"}
        )
        members = read(of_tar(data), everything)
        assert not members.whole
        assert list(members.files) == ["thing-1.1/thing/__init__.py"]

    def test_what_was_cut_off_is_neither_added_nor_removed(self, monkeypatch):
        monkeypatch.setattr(archives, "UNPACKED", 100_000)
        long = {"thing/__init__.py": "", "filler.bin": b"\0" * 1_000_000, "thing/last.py": "x = 1"}
        short = {"thing/__init__.py": "", "thing/last.py": "x = 1"}
        for one, other in ((long, short), (short, long)):
            found = compare(sdist(one), sdist(other, "1.1"))
            assert (found.added, found.removed) == ((), ())
            assert "in part only" in reasons(found)

    def test_very_many_members(self, monkeypatch):
        monkeypatch.setattr(archives, "MEMBERS", 20)
        files = {f"thing-1.1/m{number}.py": "" for number in range(100)}
        for archive in (of_zip(zipped(files)), of_tar(tarred(files))):
            members = read(archive, everything)
            assert (len(members.names), members.whole) == (20, False)

    def test_a_directory_too_large(self, monkeypatch):
        monkeypatch.setattr(archives, "DIRECTORY", 1000)
        with pytest.raises(ReadError, match="no zip file"):
            read(of_zip(zipped({f"thing/m{number}.py": "" for number in range(100)})), everything)

    @pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
    def test_a_tar_header_of_megabytes_is_not_read(self, kind):
        # tarfile would look for numbers in it, in quadratic time
        header = tarfile.TarInfo("long")
        header.type, header.size = kind, 20_000_000
        plain = tarfile.TarInfo("thing-1.1/a.py")
        data = plain.tobuf() + header.tobuf(tarfile.GNU_FORMAT) + b"1" * 20_000_000 + b"\0" * 1024
        begun = time.process_time()
        members = read(of_tar(gzip.compress(data, 1)), everything)
        assert time.process_time() - begun < 60
        assert (members.names, members.whole) == (("thing-1.1/a.py",), False)

    def test_as_many_names_as_there_is_room_for(self, monkeypatch):
        monkeypatch.setattr(comparing, "MOST_CHARACTERS", 200)
        found = compare(wheel({}), wheel({f"thing/m{number}.py": "" for number in range(100)}, "1.1"))
        assert 0 < sum(map(len, found.modules)) <= 200

    def test_sources_that_are_too_much_to_parse(self, monkeypatch):
        monkeypatch.setattr(comparing, "PARSED", 100)
        files = {f"thing/m{number}.py": "x = 1\n" * 10 for number in range(3)}
        changed = {name: text + "y = 1" for name, text in files.items()}
        found = compare(wheel(files), wheel(changed, "1.1"))
        assert len(found.modules) == 3
        assert found.added == ("thing.m0.y",)
        assert "2 too large to parse" in reasons(found)


class TestNames:
    NAMES = (
        "../evil.py",
        "/etc/evil.py",
        "a/../../evil.py",
        "C:/evil.py",
        "thing\\evil.py",
        "thing/ev\x1bil.py",
        "thing/..",
        "a" * 500,
    )

    def test_of_zip(self):
        members = read(of_zip(zipped(dict.fromkeys((*self.NAMES, "thing/a.py"), "x = 1"))), everything)
        # zipfile cuts a name at its first NUL, and on Windows changes backslashes
        assert set(members.names) <= {"thing/a.py", "thing/evil.py"}

    def test_of_tar(self):
        members = read(of_tar(tarred(dict.fromkeys((*self.NAMES, "thing/a.py"), "x = 1"))), everything)
        assert members.names == ("thing/a.py",)

    def test_links_and_devices_are_no_files(self):
        place = io.BytesIO()
        with tarfile.open(fileobj=place, mode="w:gz") as archive:
            for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)):
                member = tarfile.TarInfo(f"thing-1.1/m{number}.py")
                member.type, member.linkname = kind, "/etc/passwd"
                archive.addfile(member)
        assert read(of_tar(place.getvalue()), everything).names == ()

    def test_links_in_a_zip_are_no_files(self):
        place = io.BytesIO()
        with zipfile.ZipFile(place, "w") as archive:
            link = zipfile.ZipInfo("thing/a.py")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        assert read(of_zip(place.getvalue()), everything).names == ()

    def test_of_two_files_of_one_name_the_last_counts(self):
        place = io.BytesIO()
        with tarfile.open(fileobj=place, mode="w:gz") as archive:
            for text in (b"one", b"second"):
                member = tarfile.TarInfo("./thing-1.1/a.py")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
        assert read(of_tar(place.getvalue()), everything).files == {"thing-1.1/a.py": b"second"}


class TestBroken:
    @pytest.mark.parametrize(
        "name", ["thing-1.1-py3-none-any.whl", "thing-1.1.tar.gz", "thing-1.1.zip", "thing-1.1.tar.bz2", "thing.exe", ""]
    )
    @pytest.mark.parametrize("data", [b"", b"rubbish", b"\x1f\x8b\x08" + b"\0" * 50, b"PK\x05\x06" + b"\xff" * 18])
    def test_no_archive_at_all(self, name, data):
        with pytest.raises(ReadError):
            compare(Archive(name=name, data=data), wheel(CODE))

    def test_a_member_whose_checksum_is_wrong(self):
        whole = wheel({**CODE, "thing/bad.py": "x = 'here'\n" * 3}, "1.1").data
        place = whole.index(b"thing/bad.py") + len("thing/bad.py") + 3
        found = compare(wheel(CODE), of_zip(whole[:place] + b"\xff\xff\xff" + whole[place + 3 :]))
        assert "1 broken" in reasons(found)
        assert found.modules == ()

    def test_a_size_that_is_a_lie(self):
        data = bytearray(zipped({"thing/a.py": "x = 1\n" * 100}))
        place = data.index(b"PK\x01\x02") + 24
        data[place : place + 4] = struct.pack("<I", 5)
        assert read(of_zip(bytes(data)), everything).unread == {"thing/a.py": "broken"}

    def test_an_encrypted_member_and_a_strange_method_are_left_out(self):
        for offset, value in ((8, 1), (10, 98)):
            data = bytearray(zipped({"thing/a.py": "x = 1\n"}))
            place = data.index(b"PK\x01\x02") + offset
            data[place] = value
            assert read(of_zip(bytes(data)), everything).names == ()

    def test_a_name_that_begins_with_nul(self):
        data = bytearray(wheel(CODE).data)
        data[data.index(b"PK\x01\x02") + 46] = 0
        assert "" not in read(of_zip(bytes(data)), everything).names

    def test_a_tar_that_breaks_off(self):
        whole = sdist({f"thing/m{number}.py": bytes(range(256)) * number for number in range(40)}, "1.1").data
        members = read(of_tar(whole[: len(whole) * 3 // 4]), everything)
        assert 0 < len(members.names) < 41
        assert not members.whole

    def test_gzip_in_several_members_is_one(self):
        plain = gzip.decompress(tarred({"thing-1.1/a.py": "x = 1\n" * 1000}))
        data = b"".join(gzip.compress(plain[start : start + 700]) for start in range(0, len(plain), 700))
        assert len(read(of_tar(data), everything).files["thing-1.1/a.py"]) == 6000

    @settings(max_examples=150, deadline=None)
    @given(st.sampled_from([wheel(CODE, "1.1"), sdist(CODE, "1.1")]), st.data())
    def test_any_damage_is_told_or_harmless(self, archive, data):
        damaged = bytearray(archive.data)
        for _ in range(data.draw(st.integers(1, 8))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        damaged = damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged
        with contextlib.suppress(LockblameError):
            compare(sdist(CODE) if archive.name.endswith(".gz") else wheel(CODE), Archive(name=archive.name, data=bytes(damaged)))

    @settings(max_examples=100, deadline=None)
    @given(st.sampled_from(sorted(set(range(257)) - {*range(148, 156)})), st.binary(min_size=1, max_size=12))
    def test_tar_headers_that_lie(self, place, lie):
        plain = bytearray(gzip.decompress(sdist(CODE, "1.1").data))
        plain[512 + 512 + place : 512 + 512 + place + len(lie)] = lie
        header = bytes(plain[1024 : 1024 + 148]) + b" " * 8 + bytes(plain[1024 + 156 : 1024 + 512])
        plain[1024 + 148 : 1024 + 156] = b"%06o\0 " % sum(header)
        with contextlib.suppress(LockblameError):
            compare(sdist(CODE), of_tar(gzip.compress(bytes(plain), 1)))


DEEP = 20_000
SOURCES = {
    "another syntax": "print 'hello'\n",
    "nul": "x = '\0'\n",
    "signs": "x = " + "-" * DEEP + "1\n",
    "attributes": "x = a" + ".b" * DEEP + "\n",
    "calls": "x = f" + "()" * DEEP + "\n",
    "alternatives": "if a: pass\n" + "elif a: pass\n" * DEEP,
    "brackets": "x = " + "(" * DEEP + "\n",
    "lambdas": "x = " + "lambda:" * DEEP + "1\n",
    "targets": "x = " * DEEP + "1\n",
    "digits": "x = " + "1" * DEEP + "\n",
    "hexadecimal digits": "x = 0x" + "f" * DEEP + "\n",
    "statements in one line": "f();" * DEEP + "\n",
    "escapes": "x = '\\q \\d'\n",
    "no UTF-8": b"x = '\xff\xfe'\n",
    "a strange encoding": "# -*- coding: rot13 -*-\nk = 1\n",
    "rubbish": bytes(range(256)) * 20,
}


class TestSources:
    @pytest.mark.parametrize("kind", SOURCES)
    def test_is_compared_or_told(self, kind):
        source = SOURCES[kind]
        source = source if isinstance(source, bytes) else source.encode()
        begun = time.process_time()
        found = compare(wheel({"thing/core.py": source}), wheel({"thing/core.py": source + b"\ny = 2\n"}, "1.1"))
        assert time.process_time() - begun < 60
        assert found.modules == ("thing.core",)
        assert found.added == ("thing.core.y",) or "1 that this Python can't parse" in reasons(found)

    def test_classes_in_classes(self):
        nested = "".join(" " * depth + "class A:\n" for depth in range(90)) + " " * 90
        found = compare(wheel({"thing/core.py": nested + "x = 1\n"}), wheel({"thing/core.py": nested + "x = 2\n"}, "1.1"))
        assert found.gaps == ()
