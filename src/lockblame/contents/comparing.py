"""Two archives → Contents: which modules, names, defaults and texts differ."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lockblame.contents.archives import Archive, Members, read
from lockblame.contents.layout import Layout, is_wanted, layout
from lockblame.contents.outline import Function, Outline, clean, outline, parameters, settings, shape, source_of, texts
from lockblame.model import Contents, Gap

PARSED = 5 * 1024 * 1024
"""Bytes of source that are parsed of each side, the smallest files first: some 130,000 lines."""
LARGEST_PARSED = 1024 * 1024
MOST_CHARACTERS = 150_000
"""Of all names of one kind."""
LONGEST_NAME = 200
LONGEST_VALUE = 60


def compare(before: Archive, after: Archive) -> Contents:
    """What differs between the code that the two artifacts of one package install.

    Only the modules' source is looked at; of compiled modules the names. What could not be compared is told in `gaps`. Raises
    ReadError when one of them can't be read at all.
    """
    old, new = _Side.opened(before), _Side.opened(after)
    found = _Found()
    reasons: Counter[str] = Counter()
    jobs = list(_jobs(old, new, found, reasons))
    room = PARSED
    with warnings.catch_warnings():
        # what the parser has to say about other people's escapes is of no interest here
        warnings.simplefilter("ignore")
        for size, module, one, other in sorted(jobs, key=lambda job: (job[0], job[1])):
            if size > LARGEST_PARSED or size > room:
                found.modules.add(module)
                reasons["too large to parse"] += 1
                continue
            room -= size
            if not _parsed(found, module, one, other, package=old.is_package(module) or new.is_package(module)):
                found.modules.add(module)
                reasons["that this Python can't parse"] += 1
    return found.contents(_gaps(after, old, new, reasons))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    members: Members
    layout: Layout

    @classmethod
    def opened(cls, archive: Archive) -> _Side:
        members = read(archive, is_wanted)
        return cls(members=members, layout=layout(archive, members))

    def source(self, module: str) -> bytes | None:
        return self.members.files.get(self.layout.sources.get(module, ""))

    def is_package(self, module: str) -> bool:
        return self.layout.sources.get(module, "").rpartition("/")[2].startswith("__init__.")


@dataclass(slots=True)
class _Found:
    """What has been found so far; all names are whole ones."""

    modules: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    texts_before: set[str] = field(default_factory=set)
    texts_after: set[str] = field(default_factory=set)

    def tell(self, before: Iterable[ast.AST], after: Iterable[ast.AST]) -> None:
        """The texts in two pieces of code that differ."""
        self.texts_before.update(text for node in before for text in texts(node))
        self.texts_after.update(text for node in after for text in texts(node))

    def merge(self, module: str, inside: _Found) -> None:
        """Adds what was found inside a module that differs."""
        self.modules.add(module)
        for name in ("added", "removed", "symbols", "functions"):
            getattr(self, name).update(f"{module}.{one}" for one in getattr(inside, name))
        self.values.update({f"{module}.{name}": values for name, values in inside.values.items()})
        self.texts_before |= inside.texts_before
        self.texts_after |= inside.texts_after

    def contents(self, gaps: Iterable[Gap]) -> Contents:
        defaults = _bounded(self.values)
        return Contents(
            modules=_bounded(self.modules),
            symbols=_bounded(self.symbols),
            defaults=defaults,
            functions=_bounded(self.functions),
            added=_bounded(self.added),
            removed=_bounded(self.removed),
            values=tuple((name, *self.values[name]) for name in defaults),
            texts_added=_bounded(self.texts_after - self.texts_before),
            texts_removed=_bounded(self.texts_before - self.texts_after),
            gaps=tuple(gaps),
        )


def _bounded(names: Iterable[str]) -> tuple[str, ...]:
    """The names in order, as many as there is room for."""
    room = MOST_CHARACTERS
    kept = []
    for name in sorted(names):
        room -= len(name)
        if room < 0:
            break
        if len(name) <= LONGEST_NAME:
            kept.append(name)
    return tuple(kept)


# --- which modules differ --------------------------------------------------------------------------------------------


def _jobs(old: _Side, new: _Side, found: _Found, reasons: Counter[str]) -> Iterator[tuple[int, str, bytes | None, bytes | None]]:
    """The modules whose content differs, with both sources and the size of the larger; notes those that came or went."""
    before, after = {**old.layout.extensions, **old.layout.sources}, {**new.layout.extensions, **new.layout.sources}
    for module in sorted(before.keys() | after.keys()):
        unread = old.members.unread.get(before.get(module, "")) or new.members.unread.get(after.get(module, ""))
        if unread:
            reasons[unread] += 1
            continue
        # what one side may only be missing because reading it broke off tells nothing
        if module not in before and old.members.whole:
            found.added.add(module)
            found.modules.add(module)
        elif module not in after and new.members.whole:
            found.removed.add(module)
            found.modules.add(module)
        elif module not in before or module not in after:
            continue
        one, other = old.source(module), new.source(module)
        if one == other:
            continue
        if before.get(module, "").endswith(".pyx") or after.get(module, "").endswith(".pyx"):
            found.modules.add(module)
            continue
        yield max(len(one or b""), len(other or b"")), module, one, other


def _gaps(after: Archive, old: _Side, new: _Side, reasons: Mapping[str, int]) -> Iterator[Gap]:
    if reasons:
        told = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
        yield Gap(
            subject=after.name[:200], reason="not-compared", detail=f"some of its modules were not compared in detail: {told}"
        )
    if not (old.members.whole and new.members.whole):
        yield Gap(subject=after.name[:200], reason="not-compared", detail="it or its predecessor could be read in part only")


# --- how a module differs --------------------------------------------------------------------------------------------


def _parsed(found: _Found, module: str, one: bytes | None, other: bytes | None, *, package: bool) -> bool:
    """Adds what differs between two sources of a module, either of which may be missing; False when they can't be parsed."""
    own = module.partition(".")[0] if package else None
    old = outline(one, own) if one is not None else Outline()
    new = outline(other, own) if other is not None else Outline()
    if old is None or new is None:
        return False
    try:
        differences = _compared(old, new) if one is not None and other is not None else _whole(old, new)
    except (RecursionError, ValueError):
        # nested too deeply for ast.dump, or a number with more digits than Python writes
        return False
    if differences is not None:
        found.merge(module, differences)
    return True


def _whole(old: Outline, new: Outline) -> _Found:
    """A module that came or went: what stands at its top."""
    found = _Found()
    found.symbols |= {name for name in {*old.definitions, *new.definitions} if "." not in name}
    for side, kept in ((old, found.texts_before), (new, found.texts_after)):
        if side.tree is not None:
            clean(side.tree)
            kept.update(texts(side.tree))
    return found


def _compared(old: Outline, new: Outline) -> _Found | None:
    """What differs between two sources of a module, by names inside it; None when it is nothing that matters."""
    found = _Found()
    gone = old.bound - new.bound - new.imported
    come = new.bound - old.bound - old.imported
    found.removed |= set(_topmost(name for name in gone if "." in name or not new.is_open))
    found.added |= set(_topmost(name for name in come if "." in name or not old.is_open))
    found.symbols |= found.removed | found.added
    differs = bool(gone or come) or old.imports != new.imports
    for name in old.definitions.keys() | new.definitions.keys():
        differs |= _compare_definitions(found, name, old, new)
    for name in old.values.keys() | new.values.keys():
        differs |= _compare_values(found, name, old, new)
    differs |= _compare_loose(found, old, new)
    return found if differs else None


def _topmost(names: Iterable[str]) -> Iterator[str]:
    """The names without those inside of another one: a class that went says it all."""
    listed = set(names)
    for name in listed:
        parts = name.split(".")
        if not any(".".join(parts[:end]) in listed for end in range(1, len(parts))):
            yield name


def _compare_definitions(found: _Found, name: str, old: Outline, new: Outline) -> bool:
    before, after = old.definitions.get(name, []), new.definitions.get(name, [])
    if [source_of(old, one) for one in before] == [source_of(new, one) for one in after]:
        return False
    if [shape(one) for one in before] == [shape(one) for one in after]:
        return False
    # what is in a class is compared by itself
    found.tell(*([one for one in side if not isinstance(one, ast.ClassDef)] for side in (before, after)))
    if before and after:
        # of several under one name (overloads, alternatives) the last one counts, as when it is run
        one, other = before[-1], after[-1]
        if isinstance(one, ast.ClassDef) or isinstance(other, ast.ClassDef):
            found.symbols.add(name)
        else:
            found.functions.add(name)
            _compare_parameters(found, name, one, other)
    return True


def _compare_parameters(found: _Found, name: str, before: Function, after: Function) -> None:
    if type(before) is not type(after):
        found.symbols.add(name)
    old, new = parameters(before), parameters(after)
    for one in old.keys() - new.keys():
        found.removed.add(f"{name}.{one}")
        found.symbols |= {name, f"{name}.{one}"}
    for one in new.keys() - old.keys():
        found.added.add(f"{name}.{one}")
        found.symbols |= {name, f"{name}.{one}"}
    both = [one for one in old if one in new]
    moved = both != [one for one in new if one in old]
    if moved or any(old[one].kind != new[one].kind for one in both):
        found.symbols.add(name)
    for one in both:
        values = old[one].default, new[one].default
        if _value(values[0]) != _value(values[1]):
            found.values[f"{name}.{one}"] = _shown(values[0]), _shown(values[1])


def _value(default: ast.expr | None) -> str | None:
    return None if default is None else ast.dump(default)


def _shown(value: ast.expr | None) -> str:
    """The value as source; "" where there is none."""
    if value is None:
        return ""
    text = " ".join(ast.unparse(value).split())
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _compare_values(found: _Found, name: str, old: Outline, new: Outline) -> bool:
    """Constants of a module or class; of a dict or a call only the keys that differ, where there are such."""
    before, after = old.values.get(name), new.values.get(name)
    if before is None or after is None:
        found.tell([before] if before else [], [after] if after else [])
        return True
    if source_of(old, before) == source_of(new, after) or ast.dump(before) == ast.dump(after):
        return False
    found.tell([before], [after])
    one, other = dict(settings(before, name)), dict(settings(after, name))
    changed = {each for each in one.keys() & other.keys() if ast.dump(one[each]) != ast.dump(other[each])}
    changed |= one.keys() ^ other.keys()
    outer = {".".join(parts[:end]) for each in changed for parts in [each.split(".")] for end in range(1, len(parts))}
    for each in changed - outer:
        found.values[each] = _shown(one.get(each)), _shown(other.get(each))
    return True


def _compare_loose(found: _Found, old: Outline, new: Outline) -> bool:
    """What else runs when the module is imported, in whatever order."""
    before, after = ({source_of(side, node): node for node in side.loose} for side in (old, new))
    one = {shape(before[text]): before[text] for text in before.keys() - after.keys()}
    other = {shape(after[text]): after[text] for text in after.keys() - before.keys()}
    found.tell((one[each] for each in one.keys() - other.keys()), (other[each] for each in other.keys() - one.keys()))
    return one.keys() != other.keys()
