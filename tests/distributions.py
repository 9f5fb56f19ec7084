"""Wheels and source distributions, built in memory from what should be in them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping

from lockblame.contents import Archive

Files = Mapping[str, str | bytes]


def content(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def zipped(files: Files) -> bytes:
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, content(text))
    return place.getvalue()


def tarred(files: Files) -> bytes:
    place = io.BytesIO()
    with tarfile.open(fileobj=place, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content(text))
            archive.addfile(member, io.BytesIO(content(text)))
    return place.getvalue()


def wheel(files: Files, version: str = "1.0", *, name: str = "thing", tags: str = "py3-none-any") -> Archive:
    info = f"{name}-{version}.dist-info"
    about = {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", f"{info}/RECORD": ""}
    return Archive(name=f"{name}-{version}-{tags}.whl", data=zipped({**files, **about}))


def sdist(files: Files, version: str = "1.0", *, name: str = "thing") -> Archive:
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    top = f"{name}-{version}"
    return Archive(
        name=f"{top}.tar.gz", data=tarred({f"{top}/PKG-INFO": about, **{f"{top}/{path}": text for path, text in files.items()}})
    )
