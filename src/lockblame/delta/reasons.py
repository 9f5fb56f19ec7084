"""Why a package changed, told from who asks for it before and after.

A version that one side's constraint refuses was moved by whoever changed that constraint: a root (requested) or a parent
(forced). Where every constraint lets both versions in, nobody demanded the change (drifted), provided that all constraints that
could have changed are known; else it is unknown, and the sentence says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockblame.delta.asking import Ask, Asking, Metadata, demand
from lockblame.model import Change, Demand, Pin, Reason, ReasonKind, Snapshot, Source

_DEMANDS = 20
"""How many parents a Reason names; typing-extensions has hundreds."""
_Key = tuple[bool, str]
_Both = list[tuple[_Key, Ask | None, Ask | None]]


class Reasons:
    """Both sides of one comparison, ready to explain its changes."""

    def __init__(self, before: Snapshot, after: Snapshot, metadata: Metadata) -> None:
        self.before = Asking(before, metadata)
        self.after = Asking(after, metadata)
        self._python = (
            f"; requires-python went from {before.requires_python} to {after.requires_python} as well"
            if before.requires_python and after.requires_python and before.requires_python != after.requires_python
            else ""
        )

    def of(self, change: Change) -> Reason:
        """The reason of one change; its kind, pins and flags are all that is looked at."""
        both = self._both(change)
        found = self._explained(change, both)
        demands = sorted((demand(one, other) for _, one, other in both), key=_unchanged)
        return Reason(kind=found.kind, detail=found.detail, demands=tuple(demands[:_DEMANDS]))

    def missing(self, change: Change) -> Iterator[tuple[str, str]]:
        """The releases (name, version) whose metadata could settle an unknown reason."""
        for _, one, other in self._open(self._both(change)):
            for ask in (one, other):
                if ask is not None and not ask.known and not ask.root:
                    yield from ((ask.parent, version) for version in ask.versions)

    def _both(self, change: Change) -> _Both:
        before = self.before.asks(change.name, change.before)
        after = self.after.asks(change.name, change.after)
        return [(key, before.get(key), after.get(key)) for key in sorted({*before, *after})]

    def _explained(self, change: Change, both: _Both) -> Reason:
        if not (self.before.told if change.after is None else self.after.told):
            lock = self.before if change.after is None else self.after
            return Reason(detail=f"{lock.snapshot.origin} doesn't say who requires whom")
        if change.before is None or change.after is None:
            return self._came_or_went(change, both)
        if change.kind in ("upgraded", "downgraded"):
            return self._moved_version(change, change.before, change.after, both)
        if change.kind == "moved":
            return self._moved_source(change, change.before, change.after, both)
        if change.kind == "republished":
            return Reason(
                kind="drifted", detail=f"nobody asked for it: a file of {_pin(change.after)} has another hash than before"
            )
        if change.kind == "refiled":
            return Reason(kind="drifted", detail=f"nobody asked for it: {_pin(change.after)} has other files, under other names")
        return self._rescoped(change, both)

    # --- versions ---------------------------------------------------------------------------------------------------

    def _moved_version(self, change: Change, before: Pin, after: Pin, both: _Both) -> Reason:
        binding = [(one, other) for _, one, other in both if _binds(one, other, before.version, after.version)]
        for one, other in binding:
            asked = other or one
            if asked is not None:
                kind: ReasonKind = "requested" if asked.root else "forced"
                detail = _changed_demand(change.name, one, other, before.version) + _others(binding)
                return Reason(kind=kind, detail=detail)
        for (parent, _), one, other in both:
            if not parent and not _same(one, other):
                detail = _changed_demand(change.name, one, other, None)
                return Reason(kind="requested", detail=f"{detail}; {before.version} and {after.version} fit both")
        return self._undemanded(change, both)

    def _undemanded(self, change: Change, both: _Both) -> Reason:
        if not both:
            return Reason(detail=f"nothing in {self.after.snapshot.origin} asks for {change.name}" + self._python)
        still_open = self._open(both)
        if still_open:
            return Reason(detail=_not_written(change.name, still_open, self.after.snapshot) + self._python)
        _, one, other = next((entry for entry in both if entry[1] and entry[2]), both[0])
        asked = other or one
        if asked is None:
            return Reason()
        taken = f"the resolver took the {'newer' if change.kind == 'upgraded' else 'older'} one"
        held = f"{asked.who} asks for {asked.shown(change.name)}" if asked.known else f"{asked.who}, which asks for it, stayed"
        if asked.root and one is not None and other is not None:
            held = f"{asked.who} asked for {asked.shown(change.name)} before and after"
        elif asked.known:
            held += " as before" if one is not None and other is not None and one.same(other) else ", which fits both"
        more = f" ({len(both) - 1} more ask for it, none against either)" if len(both) > 1 else ""
        return Reason(kind="drifted", detail=f"{held}{more}: {taken}{self._python}")

    def _open(self, both: _Both) -> _Both:
        """The parents that may have changed their mind without the lock saying so: new, gone or of another version."""
        return [
            (key, one, other)
            for key, one, other in both
            if any(ask is not None and not ask.known for ask in (one, other))
            and (not key[0] or one is None or other is None or one.versions != other.versions)
        ]

    # --- sources ----------------------------------------------------------------------------------------------------

    def _moved_source(self, change: Change, before: Pin, after: Pin, both: _Both) -> Reason:
        for (parent, _), one, other in both:
            if not parent and not _same(one, other):
                return Reason(kind="requested", detail=_changed_demand(change.name, one, other, None))
        direct = next((other or one for (parent, _), one, other in both if not parent), None)
        old, new = before.source, after.source
        if old == new:
            return Reason(detail=f"{change.name} was {_pinned(before)} before and is {_pinned(after)} now")
        if old.kind == new.kind == "registry":
            return Reason(detail=f"the index of {change.name} is {new.location} now (was {old.location}): see the settings")
        if old.kind == new.kind == "git" and old.location == new.location:
            asked = direct.who if direct else "its parent"
            return Reason(kind="drifted", detail=f"what {asked} asks for of {new.location} points to another commit now")
        if direct is not None:
            return Reason(kind="requested", detail=f"{direct.who} takes {change.name} from {_from(new)} now (was {_from(old)})")
        return Reason(
            detail=f"{change.name} comes from {_from(new)} now (was {_from(old)}); the lock doesn't say on whose demand"
        )

    # --- coming, going, other conditions ----------------------------------------------------------------------------

    def _came_or_went(self, change: Change, both: _Both) -> Reason:
        came = change.after is not None
        forked = change.name in self.before.snapshot and change.name in self.after.snapshot
        here, there = (self.after, self.before) if came else (self.before, self.after)
        # A fork is measured against all that was asked of the name on the other side.
        elsewhere = there.asks(change.name) if forked else {}
        for key, one, other in both:
            ask = other if came else one
            rival = elsewhere.get(key)
            if ask is None or (rival is not None and rival.same(ask)):
                continue
            kind: ReasonKind = "requested" if ask.root else "forced"
            sentence = self._new_demand if came else self._lost_demand
            detail = sentence(change.name, ask, there)
            return self._by_extra(change.name, ask, here, there, came) or Reason(kind=kind, detail=detail)
        if forked:
            verb = "split it for another environment" if came else "needs one version less of it"
            return Reason(
                kind="drifted", detail=f"nobody asks otherwise for {change.name} than before: the resolver {verb}" + self._python
            )
        return Reason(detail=f"nothing in {here.snapshot.origin} asks for {change.name}" + self._python)

    def _new_demand(self, name: str, ask: Ask, there: Asking) -> str:
        wanted = ask.shown(name) if ask.known else name
        if ask.root or ask.parent not in there.snapshot:
            was = "" if ask.root else ", which wasn't locked before,"
            return f"{ask.who}{was} {'now ' if ask.root else ''}asks for {wanted}"
        return f"{ask.who} now asks for {wanted}" + _was_version(ask, there)

    def _lost_demand(self, name: str, ask: Ask, there: Asking) -> str:
        wanted = ask.shown(name) if ask.known else name
        if ask.root:
            return f"{ask.who} no longer asks for {name} (was {wanted})"
        if ask.parent not in there.snapshot:
            return f"{ask.who}, which asked for {wanted}, isn't locked any more"
        return f"{ask.parent} no longer asks for {name} ({ask.who} did)" + _was_version(ask, there, now=True)

    def _by_extra(self, name: str, ask: Ask, here: Asking, there: Asking, came: bool) -> Reason | None:
        """Whether a parent that itself is the same brought or lost the package because a root changed the extras it asks for."""
        versions = {pin.version for pin in there.snapshot.get(ask.parent)}
        if ask.root or not versions or not set(ask.versions) <= versions:
            return None
        mine, theirs = here.asks(ask.parent), there.asks(ask.parent)
        for key, asked in mine.items():
            rival = theirs.get(key)
            if key[0] or rival is None or asked.extras == rival.extras:
                continue
            now, was = (asked, rival) if came else (rival, asked)
            detail = f"{now.who} asks for {now.shown(ask.parent)} now (was {was.shown(ask.parent)})"
            return Reason(kind="requested", detail=detail)
        return None

    def _rescoped(self, change: Change, both: _Both) -> Reason:
        for (parent, _), one, other in both:
            if one is None or other is None or one.scopes != other.scopes or (not parent and not one.same(other)):
                asked = other or one
                if asked is None:
                    continue
                verb = "now asks" if one is None else "no longer asks" if other is None else "asks under other conditions"
                return Reason(kind="forced" if parent else "requested", detail=f"{asked.who} {verb} for {change.name}")
        if change.edges_changed and change.before and change.after:
            return Reason(detail=_other_requirements(change.before, change.after) + self._python)
        return Reason(detail=f"where {change.name} applies changed, and nobody who asks for it did" + self._python)


# --- sentences -------------------------------------------------------------------------------------------------------


def _binds(one: Ask | None, other: Ask | None, old: str | None, new: str | None) -> bool:
    """Whether this parent's change of mind leaves no choice: it now refuses the old version, or refused the new one before."""
    if _same(one, other):
        return False
    return (other is not None and other.refuses(old)) or (one is not None and one.refuses(new))


def _same(one: Ask | None, other: Ask | None) -> bool:
    if one is None or other is None:
        return one is other
    if not (one.known and other.known):
        return True
    return one.same(other)


def _changed_demand(name: str, one: Ask | None, other: Ask | None, old: str | None) -> str:
    if other is None and one is not None:
        what = f"no longer asks for {name} (was {one.shown(name)})"
        return f"{one.parent} {what}" if one.root else f"{one.who}, which asked for {one.shown(name)}, doesn't any more"
    if one is None and other is not None:
        return f"{other.who} now asks for {other.shown(name)}"
    if one is None or other is None:
        return ""
    if other.refuses(old) or other.root:
        return f"{other.who} now asks for {other.shown(name)} (was {one.shown(name)})"
    return f"{one.who} held it back with {one.shown(name)}; {other.who} asks for {other.shown(name)}"


def _others(binding: Iterable[object]) -> str:
    count = len(list(binding)) - 1
    return f", and {count} more with it" if count > 0 else ""


def _not_written(name: str, still_open: _Both, lock: Snapshot) -> str:
    asks = [ask for _, one, other in still_open if (ask := other or one) is not None]
    first = asks[0]
    if first.root:
        return f"{first.who} asks for {name} itself, and {lock.origin} doesn't say with which constraint"
    more = f" and {len(asks) - 1} more" if len(asks) > 1 else ""
    versions = [", ".join(ask.versions) for ask in still_open[0][1:] if ask is not None]
    moved = f" moved ({' → '.join(versions)})" if len(versions) == 2 else " came or went"
    return f"{first.parent}{more}{moved} as well, and {lock.origin} doesn't say with which constraint {name} is asked for"


def _was_version(ask: Ask, there: Asking, *, now: bool = False) -> str:
    versions = [pin.version for pin in there.snapshot.get(ask.parent) if pin.version]
    if not versions or tuple(versions) == ask.versions:
        return ""
    return f"; it is {', '.join(versions)} now" if now else f" ({', '.join(versions)} didn't)"


def _other_requirements(before: Pin, after: Pin) -> str:
    ones, others = ({edge.name for edge in pin.requires} for pin in (before, after))
    added, gone = sorted(others - ones), sorted(ones - others)
    parts = [f"{word} {', '.join(names)}" for word, names in (("also", added), ("no longer", gone)) if names]
    what = " and ".join(parts) if parts else "the same packages under other conditions"
    return f"{_pin(after)} is the same version, and by the lock it requires {what}"


def _unchanged(one: Demand) -> bool:
    return one.known and one.before == one.after and one.old == one.new


def _pin(pin: Pin) -> str:
    return f"{pin.name} {pin.version}" if pin.version else pin.name


def _pinned(pin: Pin) -> str:
    return f"pinned to {pin.version}" if pin.version else "not pinned"


def _from(source: Source) -> str:
    if source.kind == "registry":
        return "the index"
    return f"{source.location or source.kind}" + (f"@{source.revision[:12]}" if source.revision else "")
