"""Tags as projects write them: which tag of a repository is which version of a package.

    1.2  v1.2  rel_1_2  release-1.2        the version of whatever the repository holds
    name-1.2  name@1.2  name==1.2  name/v1.2   of one package of several; also by the end of its name (core-v1.2 of x-core)

Versions are compared as PEP 440 does, so that 1.2 is 1.2.0 and 1.2-rc.1 is 1.2rc1. A wrong tag is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lockblame.model import normalize
from lockblame.versions import parsed

if TYPE_CHECKING:
    from packaging.version import Version

LONGEST = 200
"""Characters of a tag that is looked at."""
MOST = 20_000
"""Tags that are looked at."""
_ALIKE = 20

OWN, TAIL, SHARED = 0, 1, 2
"""How a tag names the package: by its name, by the end of it, or not at all."""

_START = re.compile(r"(?<![0-9A-Za-z])([vVrR]?)(?=\d)")
_STARTS = 8
_AROUND = "-_@=.: "
_PLAIN = frozenset({"v", "ver", "version", "versions", "r", "rel", "release", "releases", "tag", "tags", "final"})
"""Words around a version that name no package."""
_FOLDERS = frozenset({"packages", "package", "libs", "lib", "pkg", "pkgs", "src", "projects", "python", "py"})
_LANGUAGE = frozenset({"python", "py"})


class Tagged(NamedTuple):
    """What a tag says: a version, after words that may name a package ("" where there are none)."""

    tag: str
    head: str
    text: str
    version: Version

    @property
    def style(self) -> str:
        """Everything before the version: "v", "name-v"."""
        return self.tag[: len(self.tag) - len(self.text)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The tags of both versions of a step; None where no tag is one."""

    before: str | None = None
    after: str | None = None


def read_tag(tag: str) -> Tagged | None:
    """The version that ends the tag, and what stands before it; None where the tag ends in no version."""
    if len(tag) > LONGEST:
        return None
    for number, match in enumerate(_START.finditer(tag)):
        if number >= _STARTS:
            break
        text = tag[match.end() :]
        version = parsed(text.replace("_", ".")) or (parsed(text.replace("-", ".")) if "." not in text else None)
        if version is not None:
            return Tagged(tag, tag[: match.start()], text, version)
    return None


def kinship(head: str, name: str, path: str = "") -> int | None:
    """OWN, TAIL or SHARED: how what stands before a version names the package; None where it names another.

    `name` is normalized, `path` the repository's "owner/name".
    """
    parts = [normalize(part.strip(_AROUND)) for part in head.split("/")]
    named = [words for part in parts if (words := _without_plain(part)) and part not in _FOLDERS - _LANGUAGE]
    if not named:
        return SHARED
    found = named[-1]
    flat = name.replace("-", "")
    if found.replace("-", "") == flat:
        return OWN
    owner, _, repository = path.rpartition("/")
    home = normalize(repository) if repository else ""
    if home and found in (home, f"{normalize(owner.rpartition('/')[2])}-{home}"):
        return SHARED
    if found in _LANGUAGE or name.endswith(f"-{found}") or name in (f"py{found}", f"{found}-python", f"{found}-py"):
        return TAIL
    return None


def _without_plain(part: str) -> str:
    words = [word for word in part.split("-") if word]
    while words and words[0] in _PLAIN:
        words.pop(0)
    while words and words[-1] in _PLAIN:
        words.pop()
    return "-".join(words)


def version_of(tag: str, name: str, path: str = "") -> str | None:
    """The version in a tag of that package or of its whole repository; None for other tags."""
    found = read_tag(tag)
    if found is None or kinship(found.head, normalize(name), path) is None:
        return None
    return str(found.version)


def chosen(tags: Iterable[str], name: str, before: str, after: str, path: str = "") -> Choice:
    """The tags of both versions among those of a repository.

    In a repository of several packages the package's own tags win, and once it has any, tags that name no package are none of
    its. Of several tags of one version those are taken that look alike.
    """
    own = normalize(name)
    family = list(_family(tags, own, path))
    alone = normalize(path.rpartition("/")[2]) == own
    if not alone and any(kin != SHARED for kin, _ in family):
        family = [(kin, one) for kin, one in family if kin != SHARED]
    old, new = (_of_version(family, version)[:_ALIKE] for version in (before, after))
    if old and new:
        first, second = min(((one, other) for one in old for other in new), key=lambda pair: _order(*pair))
        return Choice(before=first[1].tag, after=second[1].tag)
    return Choice(before=old[0][1].tag if old else None, after=new[0][1].tag if new else None)


_Ranked = tuple[tuple[int, bool, int, str], Tagged]


def _family(tags: Iterable[str], name: str, path: str) -> Iterator[tuple[int, Tagged]]:
    for number, tag in enumerate(tags):
        if number >= MOST:
            return
        found = read_tag(tag)
        kin = kinship(found.head, name, path) if found is not None else None
        if found is not None and kin is not None:
            yield kin, found


def _of_version(family: Sequence[tuple[int, Tagged]], version: str) -> list[_Ranked]:
    """Those of that version, the best first: named most closely, spelled as the version is, shortest."""
    wanted = parsed(version)
    if wanted is None:
        return []
    # a build of one's own (2.1.0+cu118) is tagged as what it was built from
    alike = {wanted, parsed(wanted.public)}
    return sorted(((kin, one.text != version, len(one.tag), one.tag), one) for kin, one in family if one.version in alike)


def _order(first: _Ranked, second: _Ranked) -> tuple[object, ...]:
    (kin, _, _, _), one = first
    (other_kin, _, _, _), other = second
    return kin + other_kin, one.style != other.style, first[0], second[0]


# --- guesses ---------------------------------------------------------------------------------------------------------


def candidates(name: str, version: str, like: Iterable[str] = ()) -> tuple[str, ...]:
    """How that version's tag may be called, the likeliest first; `like` are tags of the repository, whose style comes first."""
    spellings = tuple(spelled(version))
    heads: dict[str, None] = {}
    for tag in like:
        found = read_tag(tag)
        if found is not None and kinship(found.head, normalize(name)) is not None:
            heads.setdefault(found.style)
        if len(heads) >= _STARTS:
            break
    heads.update(dict.fromkeys(("v", "", f"{name}-", f"{name}@", f"{name}-v", f"{name}/v", f"{name}==", "release-")))
    underscored = [f"rel_{one.replace('.', '_')}" for one in spellings[:1]]
    return tuple(dict.fromkeys([*(f"{head}{one}" for one in spellings for head in heads), *underscored]))


def spelled(version: str) -> Iterator[str]:
    """The version as it is written, then in other spellings of the same: 1.2 and 1.2.0, 1.2rc1 and 1.2-rc.1 and 1.2.0-rc1."""
    yield version
    known = parsed(version)
    if known is None:
        return
    numbers = list(known.release)
    short = numbers[: max(2, max((place for place, number in enumerate(numbers, 1) if number), default=1))]
    releases = dict.fromkeys(".".join(map(str, each)) for each in (numbers, [*numbers, 0, 0][: max(3, len(numbers))], short))
    epoch = f"{known.epoch}!" if known.epoch else ""
    after = "".join([f".post{known.post}" if known.post is not None else "", f".dev{known.dev}" if known.dev is not None else ""])
    for release in releases:
        if known.pre is None:
            yield f"{epoch}{release}{after}"
            continue
        letter, number = known.pre
        word = {"a": "alpha", "b": "beta"}.get(letter, letter)
        for between in (f"{letter}{number}", f"-{letter}{number}", f"-{word}.{number}", f"-{word}{number}"):
            yield f"{epoch}{release}{between}{after}"
