"""Repositories of several packages: which issues speak of another package than the one that is looked at."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lockblame.model import Issue, Repository, normalize

_SCOPE = re.compile(
    r"(?:areas?|components?|modules?|apis?|libs?|librar(?:y|ies)|integrations?|projects?|subprojects?)\s{0,3}[:/=]\s{0,3}", re.I
)
_PACKAGE = re.compile(r"(?:pkgs?|packages?|providers?|dists?|distributions?)\s{0,3}[:/=-]\s{0,3}", re.I)
"""What stands before a package's name in labels; the words of _SCOPE stand before parts of one package as well."""
_ENTITLED = re.compile(r"\s{0,9}(?:\[([^\[\]]{1,80})\]|([A-Za-z0-9][A-Za-z0-9._-]{0,80}):\s)")
_EMPTY = frozenset({"python", "py"})
_PART = re.compile(r"([a-z0-9]+)([._-]?)")
_READ = 20_000
"""Characters of an issue that are searched for names."""
_LABELS = 30


@dataclass(frozen=True, slots=True)
class _Named:
    """A name in a label or a title: `scoped` when a word before it says that it is part of something, `package` of what kind."""

    name: str
    scoped: bool = False
    package: bool = False


@dataclass(frozen=True, slots=True)
class Tenant:
    """A package in a repository that holds others, too.

    `others` are those that are known by name, `family` is what the names of all begin with. `unlike` says that the repository
    bears a name of its own, so that whatever begins as this package does may be another one of it.
    """

    name: str
    others: tuple[str, ...]
    family: tuple[str, ...]
    unlike: bool
    host: bool = False
    """Whether the repository bears this package's name: who reports there need not name it."""

    def concerned(self, issue: Issue, spoken: Collection[str] = ()) -> bool:
        """Whether an issue may be about this package: unless it names another one, and not it.

        Its labels and the head of its title count before the packages that are `spoken` of in its text.
        """
        heads = list(_entitled(issue))
        named = [*_labelled(issue), *heads]
        if any(self._own(one) for one in named):
            return True
        if any(map(self._other, named)) or any(map(self._rivals_own, heads)):
            return False
        return self.host or self.name in spoken or not any(other in spoken for other in self._rivals)

    @property
    def _rivals(self) -> Iterable[str]:
        """The others but for those whose name this one's begins with: who speaks of those may mean this one."""
        return (other for other in self.others if not self.name.startswith(f"{other}-"))

    def _rivals_own(self, head: _Named) -> bool:
        words = _words(head.name)
        return bool(words) and any(words <= _words(other) for other in self._rivals)

    def _own(self, named: _Named) -> bool:
        words = _words(named.name)
        return bool(words) and words <= _words(self.name)

    def _other(self, named: _Named) -> bool:
        if self._own(named):
            return False
        parts = named.name.split("-")
        if named.package or named.name in self.others:
            return bool(named.name)
        if named.scoped and any(parts == other.split("-")[len(self.family) :] for other in self.others):
            return True
        return self.unlike and 0 < len(self.family) < len(parts) and tuple(parts[: len(self.family)]) == self.family


def tenant(repository: Repository, name: str, names: Sequence[str]) -> Tenant | None:
    """The package `name` among all the packages (`names`) known to be in that repository; None where it is by itself there."""
    others = tuple(other for other in names if other != name)
    alike = _alike(repository, name)
    if not others and alike == "same":
        return None
    return Tenant(name, others, _family((name, *others)), alike == "unlike", alike == "same")


def spoken(issues: Iterable[Issue], names: Collection[str]) -> Mapping[int, frozenset[str]]:
    """Which of several packages of one repository each of its issues speaks of."""
    if len(names) < 2:
        return {}
    known = {tuple(name.split("-")): name for name in names}
    begin = "|".join(sorted({re.escape(words[0]) for words in known}))
    token = re.compile(rf"(?<![a-z0-9._-])(?:{begin})(?:[._-][a-z0-9]{{1,80}}){{0,12}}(?![a-z0-9])")
    return {issue.number: _spoken(f"{issue.title}\n{issue.body[:_READ]}".lower(), known, token) for issue in issues}


def _spoken(text: str, known: Mapping[tuple[str, ...], str], token: re.Pattern[str]) -> frozenset[str]:
    """Which packages a text names in full, as they are installed (acme-core) or imported (acme.core.x)."""
    longest = max(map(len, known))
    found = set()
    for mention in set(token.findall(text)):
        *parts, last = _PART.findall(mention)
        words = [word for word, _ in parts] + [last[0]]
        gaps = [gap for _, gap in parts]
        for count in range(min(longest, len(words)), 0, -1):
            name = known.get(tuple(words[:count]))
            # "acme-core-http" is another package, and "acme.core.http" a part of this one
            if name is not None and (count == len(words) or gaps[count - 1] != "-" or words[count].isdigit()):
                found.add(name)
                break
    return frozenset(found)


def _alike(repository: Repository, name: str) -> str:
    """Whether the repository's name is the "same" as the package's, or the package's says more ("part"), or is "unlike" it."""
    bare = normalize(repository.path.rpartition("/")[2])
    mine, its = _words(name), _words(bare)
    whole, other = name.replace("-", ""), bare.replace("-", "")
    spelled = other in (whole, f"py{whole}", f"{whole}py") or whole == f"py{other}"
    if spelled or not its or (mine <= its and len(its - mine) < 2):
        return "same"
    return "part" if its < mine else "unlike"


def _labelled(issue: Issue) -> Iterable[_Named]:
    for label in issue.labels[:_LABELS]:
        text = label.strip()[:120]
        scope = _SCOPE.match(text)
        text = text[scope.end() :] if scope else text
        package = _PACKAGE.match(text)
        text = text[package.end() :] if package else text
        yield _Named(normalize(text.strip()), scoped=bool(scope or package), package=package is not None)


def _entitled(issue: Issue) -> Iterable[_Named]:
    found = _ENTITLED.match(issue.title[:200])
    if found:
        yield _Named(normalize((found[1] or found[2]).strip()))


def _words(name: str) -> set[str]:
    """The words of a name that tell it from others."""
    return {word for word in name.split("-") if word} - _EMPTY


def _family(names: Sequence[str]) -> tuple[str, ...]:
    """The words that all names begin with, each having more; of a single name the first one."""
    split = [name.split("-") for name in names]
    most = min(len(words) for words in split) - 1
    if len(split) == 1:
        return tuple(split[0][: min(1, most)])
    common = 0
    while common < most and len({words[common] for words in split}) == 1:
        common += 1
    return tuple(split[0][:common])
