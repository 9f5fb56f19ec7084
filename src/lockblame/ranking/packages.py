"""What the symptom and the lock say about a changed package, whatever was reported."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from lockblame.model import Change, Release, Symptom
from lockblame.ranking.features import Feature
from lockblame.symptom.words import fold

_STEPS = {"epoch": 1.0, "major": 1.0, "minor": 0.6, "micro": 0.2, "pre": 0.2, "post": 0.1, "dev": 0.2, "local": 0.1}
_AFFIXES = ("python-", "py-", "py", "-python", "-py", "-binary", "-python3", "-client", "-sdk", "-core")

# Import names that no rule derives from the distribution's name. Only names that are wide-spread knowledge stand here.
_KNOWN_AS = {
    "pillow": ("pil",),
    "pyyaml": ("yaml",),
    "beautifulsoup4": ("bs4",),
    "scikit-learn": ("sklearn",),
    "scikit-image": ("skimage",),
    "opencv-python": ("cv2",),
    "opencv-python-headless": ("cv2",),
    "attrs": ("attr", "attrs"),
    "msgpack-python": ("msgpack",),
    "pycryptodome": ("crypto",),
    "pyopenssl": ("openssl",),
    "pyserial": ("serial",),
    "pyzmq": ("zmq",),
    "setuptools": ("setuptools", "pkg_resources"),
    "djangorestframework": ("rest_framework",),
    "django-storages": ("storages",),
    "protobuf": ("google.protobuf", "google._upb"),
    "grpcio": ("grpc",),
    "pywin32": ("win32api", "win32com", "pythoncom"),
    "mysqlclient": ("mysqldb",),
    "dnspython": ("dns",),
    "ruamel-yaml": ("ruamel.yaml",),
    "websocket-client": ("websocket",),
    "typing-extensions": ("typing_extensions",),
    "faiss-cpu": ("faiss",),
    "pyjwt": ("jwt",),
    "python-dotenv": ("dotenv",),
    "python-jose": ("jose",),
    "python-multipart": ("multipart", "python_multipart"),
    "pymupdf": ("fitz", "pymupdf"),
    "gitpython": ("git",),
    "antlr4-python3-runtime": ("antlr4",),
    "google-api-python-client": ("googleapiclient",),
    "google-api-core": ("google.api_core",),
    "biopython": ("bio",),
    "pyasn1-modules": ("pyasn1_modules",),
    "flask-sqlalchemy": ("flask_sqlalchemy",),
    "psycopg2-binary": ("psycopg2",),
}


def import_names(name: str) -> frozenset[str]:
    """Under which dotted names, in lower case, the code of distribution `name` is likely to be imported."""
    found = {name.replace("-", "_"), name.replace("-", "."), *_KNOWN_AS.get(name, ())}
    for affix in _AFFIXES:
        short = name.removesuffix(affix) if affix.startswith("-") else name.removeprefix(affix)
        if short != name and len(short) >= 2:
            found.add(short.replace("-", "_"))
    if name[-1:].isdigit() and len(name) > 3:
        found.add(re.sub(r"\d+$", "", name).rstrip("-").replace("-", "_"))
    return frozenset(found)


def owns(names: frozenset[str], module: str) -> bool:
    """Whether a dotted module belongs to a package that is imported under `names`."""
    lowered = module.lower()
    return any(lowered == name or lowered.startswith(name + ".") for name in names)


def package_features(symptom: Symptom, change: Change) -> list[Feature]:
    """The evidence of the traceback, the loggers and the wording for `change`."""
    names = import_names(change.name)
    return [*_traceback(symptom, change, names), *_named(symptom, change, names)]


def _traceback(symptom: Symptom, change: Change, names: frozenset[str]) -> Iterable[Feature]:
    modules = [frame.module for frame in symptom.frames if frame.module]
    mine = [module for module in modules if owns(names, module)]
    raising = [error.type for error in symptom.errors if "." in error.type and owns(names, error.type)]
    if mine and modules and owns(names, modules[-1]):
        yield Feature("raised", 1.0, f"the traceback ends in {modules[-1]}")
    elif raising:
        yield Feature("raised", 0.7, f"the error is its own: {raising[0]}")
    if mine:
        yield Feature("frames", 1.0, f"{len(mine)} of {len(modules)} frames of packages are in {mine[-1]}")
    loggers = [logger for logger in symptom.loggers if owns(names, logger)]
    if loggers:
        yield Feature("logger", 1.0, f"its logger speaks in the log: {loggers[0]}")


def _named(symptom: Symptom, change: Change, names: frozenset[str]) -> Iterable[Feature]:
    words, identifiers = set(symptom.words), set(symptom.identifiers)
    flat = change.name.replace("-", "_")
    parts = [fold(part) for part in re.split(r"[-_.]", change.name) if len(part) > 2 and part not in _EMPTY_PARTS]
    if flat in identifiers or (len(change.name) > 2 and fold(change.name) in words):
        yield Feature("named", 1.0, f"the symptom names {change.name}")
        return
    if any(name in identifiers or (name.isalpha() and len(name) > 2 and fold(name) in words) for name in names):
        yield Feature("named", 0.8, f"the symptom names {change.name}")
    elif parts and all(part in words for part in parts):
        yield Feature("named", 0.8, f"the symptom names {' '.join(parts)}")


_EMPTY_PARTS = frozenset({"python", "py", "client", "sdk", "core", "lib", "binary"})


def lock_features(change: Change, release: Release | None, changes: int) -> Iterable[Feature]:
    """What the lock and the index say about the step, one of `changes`."""
    if changes > 1:
        yield Feature("others", math.log(changes), f"one of {changes} changes")
    if change.direct:
        yield Feature("direct", 1.0, "the project asks for it itself")
    value = _STEPS.get(change.step or "", 0.0)
    if value:
        yield Feature("step", value, f"the version moved by a {change.step} step")
    if release is not None and release.yanked:
        why = f": {release.yanked_reason}" if release.yanked_reason else ""
        yield Feature("yanked", 1.0, f"{change.name} {release.version} was yanked{why}")
