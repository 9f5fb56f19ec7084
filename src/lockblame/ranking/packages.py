"""What the symptom and the lock say about a changed package, whatever was reported."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lockblame.model import Change, Contents, Release, Symptom
from lockblame.ranking.features import Feature
from lockblame.symptom.words import fold

_STEPS = {"epoch": 1.0, "major": 1.0, "minor": 0.6, "micro": 0.2, "pre": 0.2, "post": 0.1, "dev": 0.2, "local": 0.1}
_AFFIXES = ("python-", "py-", "py", "-python", "-py", "-python3", "-binary", "-headless", "-cpu", "-client")
_NAMESPACES = frozenset({"google", "azure", "zope", "jaraco", "backports", "opentelemetry", "apache", "aws"})
"""Roots that many distributions share, each with a package below."""
_HOSTS = ("py", "django")
"""What distributions put before a name of their own without a dash."""
ALIKE = 0.4
"""The share of a distribution's letters that a shortened import name keeps at least."""


def import_names(name: str, contents: Contents | None = None) -> frozenset[str]:
    """Under which dotted names, in lower case, the code of distribution `name` is imported: as its artifacts or as rules say."""
    if contents is not None and contents.modules:
        return frozenset(_top(module) for module in contents.modules)
    found = {name.replace("-", "_"), name.replace("-", ".")}
    for affix in _AFFIXES:
        short = name.removesuffix(affix) if affix.startswith("-") else name.removeprefix(affix)
        if short != name and len(short) >= 2:
            found.add(short.replace("-", "_"))
    if name[-1:].isdigit() and len(name) > 3:
        found.add(name.rstrip("0123456789").rstrip("-").replace("-", "_"))
    return frozenset(found | {f"{root}.{name.replace('-', '_')}" for root in _NAMESPACES})


def _top(module: str) -> str:
    """The part of a dotted module that is the distribution's own: the first, or of a shared root the first two."""
    parts = module.lower().split(".")
    return ".".join(parts[: 2 if parts[0] in _NAMESPACES else 1])


def owns(names: frozenset[str], module: str) -> bool:
    """Whether a dotted module belongs to a package that is imported under `names`."""
    lowered = module.lower()
    return any(lowered == name or lowered.startswith(name + ".") for name in names)


def shortened(name: str, module: str) -> bool:
    """Whether a module's first part may be distribution `name` with letters left out, as import names often are.

    Same first letter, the other letters in the same order, and enough of them; but never the project that a distribution extends
    ("flask" is not flask-login).
    """
    short = module.lower().partition(".")[0].replace("_", "")
    pieces = name.split("-")
    if any(short == "".join(pieces[:count]) for count in range(1, len(pieces))):
        return False
    whole = "".join(pieces)
    fulls = (whole, "".join(pieces[1:]), *(whole.removeprefix(host) for host in _HOSTS), whole.removesuffix("python"))
    return any(_is_shortened(short, full) for full in fulls)


def _is_shortened(short: str, full: str) -> bool:
    if len(short) < 3 or short[:1] != full[:1] or len(short) < ALIKE * len(full):
        return False
    letters = iter(full)
    return all(letter in letters for letter in short)


@dataclass(frozen=True, slots=True)
class Owner:
    """Tells which modules are a package's. `counts` says how many of the changed packages, this one included, are imported under
    each name."""

    package: str
    names: frozenset[str]
    counts: Mapping[str, int] = field(default_factory=dict)

    def __contains__(self, module: str) -> bool:
        return owns(self.names, module) or (shortened(self.package, module) and not self._taken(module))

    def _taken(self, module: str) -> bool:
        """Whether it is another changed package's."""
        parts = module.lower().split(".")
        above = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
        return any(self.counts.get(name, 0) > (name in self.names) for name in above)


def package_features(symptom: Symptom, change: Change, owner: Owner) -> list[Feature]:
    """The evidence of the traceback, the loggers and the wording for `change`, whose modules `owner` knows."""
    return [*_traceback(symptom, owner), *_named(symptom, change, owner.names)]


def _traceback(symptom: Symptom, owner: Owner) -> Iterable[Feature]:
    modules = [frame.module for frame in symptom.frames if frame.module]
    mine = [module for module in modules if module in owner]
    raising = [error.type for error in symptom.errors if "." in error.type and error.type in owner]
    if mine and modules[-1] in owner:
        yield Feature("raised", 1.0, f"the traceback ends in {modules[-1]}")
    elif raising:
        yield Feature("raised", 0.7, f"the error is its own: {raising[0]}")
    if mine:
        yield Feature("frames", 1.0, f"{len(mine)} of {len(modules)} frames of packages are in {mine[-1]}")
    loggers = [logger for logger in symptom.loggers if logger in owner]
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


def lock_features(change: Change, release: Release | None, changes: int, earlier: Release | None = None) -> Iterable[Feature]:
    """What the lock and the index say about the step, one of `changes`; `earlier` is the release from before it."""
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
    yield from _index_features(change, release, earlier)


_STATUS = {
    "archived": "is archived on its index: no corrections are to be expected",
    "quarantined": "is quarantined on its index: it may be harmful",
    "deprecated": "is deprecated on its index: its maintainers advise to leave it",
}


def _index_features(change: Change, release: Release | None, earlier: Release | None) -> Iterable[Feature]:
    if release is not None and release.status in _STATUS:
        why = f" ({release.status_reason})" if release.status_reason else ""
        value = 1.0 if release.status == "quarantined" else 0.0
        yield Feature("quarantined", value, f"{change.name} {_STATUS[release.status]}{why}")
    if release is not None and earlier is not None and earlier.attested is True and release.attested is False:
        detail = f"{change.name} {release.version} has no attestation of where it was built, and {earlier.version} has one"
        yield Feature("unattested", 1.0, detail)
