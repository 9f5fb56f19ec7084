"""Why a package changed, told from who asks for it before and after.

A version that one side's constraint refuses was moved by whoever changed that constraint: a root (requested) or a parent
(forced). Where every constraint lets both versions in, nobody demanded the change (drifted), provided that all constraints that
could have changed are known; else it is unknown, and the sentence says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockblame.delta import sentences
from lockblame.delta.asking import Ask, Asking, Metadata, demand
from lockblame.delta.common import Common
from lockblame.delta.constraints import standard
from lockblame.model import Change, Demand, Pin, Reason, ReasonKind

_DEMANDS = 20
"""How many parents a Reason names; typing-extensions has hundreds."""
_Both = list[tuple[Ask | None, Ask | None]]
"""What each parent asks before and after; roots first, then by name."""


class Reasons:
    """Both sides of one comparison, ready to explain its changes."""

    def __init__(self, common: Common, metadata: Metadata) -> None:
        self.before = Asking(common.before, metadata, common)
        self.after = Asking(common.after, metadata, common)
        python = common.before.requires_python, common.after.requires_python
        self._python = f"; requires-python went from {python[0]} to {python[1]}" if all(python) and python[0] != python[1] else ""

    def of(self, change: Change) -> Reason:
        """The reason of one change; its kind, pins and flags are all that is looked at."""
        both = self._both(change)
        found = _by_itself(change) or self._told(change) or self._explained(change, both)
        demands = sorted((demand(one, other) for one, other in both), key=_unchanged)
        return Reason(kind=found.kind, detail=found.detail, demands=tuple(demands[:_DEMANDS]))

    def missing(self, change: Change) -> Iterator[tuple[str, str]]:
        """The releases (name, version) whose metadata could settle an unknown reason."""
        for asks in _open(self._both(change)):
            for ask in asks:
                if ask is not None and not ask.known and not ask.root:
                    yield from ((ask.parent, version) for version in ask.versions)

    def _both(self, change: Change) -> _Both:
        before = self.before.asks(change.name, change.before)
        after = self.after.asks(change.name, change.after)
        return [(before.get(key), after.get(key)) for key in sorted({*before, *after})]

    def _told(self, change: Change) -> Reason | None:
        """That the lock holds no edges at all."""
        side = self.before if change.after is None else self.after
        return None if side.told else Reason(detail=f"{side.snapshot.origin} doesn't say who requires whom")

    def _explained(self, change: Change, both: _Both) -> Reason:
        before, after = change.before, change.after
        if before is None or after is None:
            return self._came_or_went(change, both)
        if change.kind in ("upgraded", "downgraded"):
            return self._version(change, before, after, both)
        if change.kind == "moved":
            return self._source(before, after, both)
        return self._scope(change, before, after, both)

    # --- versions ---------------------------------------------------------------------------------------------------

    def _version(self, change: Change, before: Pin, after: Pin, both: _Both) -> Reason:
        binding = [(one, other) for one, other in both if _binds(one, other, before.version, after.version)]
        if binding:
            more = f", and {len(binding) - 1} more with it" if len(binding) > 1 else ""
            detail = sentences.changed_demand(change.name, *binding[0], before.version)
            return Reason(kind=_kind(*binding[0]), detail=detail + more)
        for one, other in both:
            if _is_root(one, other) and not _same(one, other):
                fit = _fits(one, before.version, after.version) and _fits(other, before.version, after.version)
                also = f"; {before.version} and {after.version} fit both" if fit else ""
                return Reason(kind="requested", detail=sentences.changed_demand(change.name, one, other, None) + also)
        return self._undemanded(change, both)

    def _undemanded(self, change: Change, both: _Both) -> Reason:
        origin = self.after.snapshot.origin
        if not both:
            return Reason(detail=f"nothing in {origin} asks for {change.name}{self._python}")
        still_open = _open(both)
        if still_open:
            return Reason(detail=sentences.not_written(change.name, still_open, origin) + self._python)
        one, other = next((entry for entry in both if entry[0] and entry[1]), both[0])
        held = _held(change.name, one, other)
        more = f" ({len(both) - 1} more ask for it, none against either version)" if len(both) > 1 else ""
        taken = f"the resolver took the {'newer' if change.kind == 'upgraded' else 'older'} one"
        return Reason(kind="drifted", detail=f"{held}{more}: {taken}{self._python}")

    # --- sources ----------------------------------------------------------------------------------------------------

    def _source(self, before: Pin, after: Pin, both: _Both) -> Reason:
        for one, other in both:
            if _is_root(one, other) and not _same(one, other):
                return Reason(kind="requested", detail=sentences.changed_demand(after.name, one, other, None))
        direct = next((other or one for one, other in both if _is_root(one, other)), None)
        old, new = before.source, after.source
        moved = f"{after.name} comes from {sentences.place(new)} now (was {sentences.place(old)})"
        if both and old.kind == new.kind == "git" and old.location == new.location:
            return Reason(kind="drifted", detail=f"what is asked for of {new.location} points to another commit now: {moved}")
        if direct is not None:
            return Reason(kind="requested", detail=f"{direct.who} asks for it from elsewhere: {moved}")
        return Reason(detail=f"{moved}; the lock doesn't say on whose demand")

    # --- coming, going, other conditions ----------------------------------------------------------------------------

    def _came_or_went(self, change: Change, both: _Both) -> Reason:
        came = change.after is not None
        here, there = (self.after, self.before) if came else (self.before, self.after)
        # A fork is measured against all that was asked of the name on the other side.
        forked = change.name in here.snapshot and change.name in there.snapshot
        elsewhere = there.asks(change.name) if forked else {}
        by_python = self._by_python(change, here, there, asked=bool(both))
        if by_python is not None:
            return by_python
        for one, other in both:
            ask = other if came else one
            if ask is None or (ask.key in elsewhere and elsewhere[ask.key].same(ask)):
                continue
            by_extra = self._by_extra(ask, here, there, came=came)
            if by_extra is not None:
                return by_extra
            sentence = sentences.new_demand if came else sentences.lost_demand
            return Reason(kind="requested" if ask.root else "forced", detail=sentence(change.name, ask, there))
        if forked:
            verb = "split it by environment" if came else "needs one version of it less"
            detail = f"{change.name} is asked for as before: the resolver {verb}"
            return Reason(kind="drifted", detail=detail + self._python)
        return Reason(detail=f"nothing in {here.snapshot.origin} asks for {change.name}{self._python}")

    def _by_python(self, change: Change, here: Asking, there: Asking, *, asked: bool) -> Reason | None:
        """Whether the package is only for Pythons that the project supports on one side."""
        pin = change.after or change.before
        if not self._python or pin is None or not here.graph.reachable(change.name):
            return None
        from lockblame.markers import possible

        supported = standard(there.snapshot.requires_python or "")
        if asked and (pin.marker is None or possible(pin.marker, supported)):
            return None
        what = sentences.of_pin(pin)
        detail = f"{self._python.removeprefix('; ')}, and {what} is for Pythons that only one of these allows"
        return Reason(kind="requested", detail=detail)

    def _by_extra(self, ask: Ask, here: Asking, there: Asking, *, came: bool) -> Reason | None:
        """Whether a parent of the same version brought or lost the package because a root changed the extras it asks for."""
        versions = {pin.version for pin in there.snapshot.get(ask.parent)}
        if ask.root or not versions or not set(ask.versions) <= versions:
            return None
        rivals = there.asks(ask.parent)
        for key, asked in here.asks(ask.parent).items():
            rival = rivals.get(key)
            if asked.root and rival is not None and asked.extras != rival.extras:
                now, was = (asked, rival) if came else (rival, asked)
                detail = f"{now.who} asks for {now.shown(ask.parent)} now (was {was.shown(ask.parent)})"
                return Reason(kind="requested", detail=detail)
        return None

    def _scope(self, change: Change, before: Pin, after: Pin, both: _Both) -> Reason:
        if not change.scope_changed:
            return Reason(detail=sentences.other_requirements(before, after) + self._python)
        differing = sentences.other_scope(before, after)
        for one, other in both:
            if one is None or other is None or one.scopes != other.scopes or (one.root and not one.same(other)):
                detail = f"{sentences.other_conditions(change.name, one, other)}: {differing}"
                return Reason(kind=_kind(one, other), detail=detail)
        return Reason(detail=f"{differing}, and nobody who asks for it says why{self._python}")


def _by_itself(change: Change) -> Reason | None:
    """The reason that needs nobody who asks."""
    before, after = change.before, change.after
    if before is None or after is None:
        return None
    if change.kind == "republished":
        detail = f"nobody asked for it: a file of {sentences.of_pin(after)} has another hash than before"
        return Reason(kind="drifted", detail=detail)
    if change.kind == "refiled":
        detail = f"nobody asked for it: files were added to {sentences.of_pin(after)} or dropped from it"
        return Reason(kind="drifted", detail=detail)
    if change.kind == "moved" and before.source == after.source:
        return Reason(detail=f"{change.name} was {sentences.pinned(before)} and is {sentences.pinned(after)} now")
    if change.kind == "moved" and before.source.kind == after.source.kind == "registry":
        indexes = f"{after.source.location} now (was {before.source.location})"
        return Reason(detail=f"the index of {change.name} is {indexes}: the settings say why")
    return None


def _held(name: str, one: Ask | None, other: Ask | None) -> str:
    """What the constraint of a parent was, that let both versions in."""
    asked = other or one
    if asked is None:
        return name
    if asked.root:
        return f"{asked.who} asked for {asked.shown(name)} before and after"
    if not asked.known:
        return f"{asked.who} asks for it and is the same as before"
    same = one is not None and other is not None and one.same(other)
    return f"{asked.who} asks for {asked.shown(name)}" + (" as before" if same else ", which both versions fit")


def _open(both: _Both) -> _Both:
    """The parents that may have changed their mind without the lock saying so: new, gone, or of another version."""
    return [
        (one, other)
        for one, other in both
        if any(ask is not None and not ask.known for ask in (one, other))
        and (_is_root(one, other) or one is None or other is None or one.versions != other.versions)
    ]


def _is_root(one: Ask | None, other: Ask | None) -> bool:
    return any(ask is not None and ask.root for ask in (one, other))


def _kind(one: Ask | None, other: Ask | None) -> ReasonKind:
    return "requested" if _is_root(one, other) else "forced"


def _binds(one: Ask | None, other: Ask | None, old: str | None, new: str | None) -> bool:
    """Whether this parent's change of mind leaves no choice: it now refuses the old version, or refused the new one before."""
    if _same(one, other):
        return False
    return (other is not None and other.refuses(old)) or (one is not None and one.refuses(new))


def _same(one: Ask | None, other: Ask | None) -> bool:
    """Whether nothing is known to differ in what a parent asks."""
    if one is None or other is None:
        return not any(ask is not None and ask.known for ask in (one, other))
    return not (one.known and other.known) or one.same(other)


def _fits(ask: Ask | None, *versions: str | None) -> bool:
    """Whether the constraints are known to let all of the versions in; somebody who doesn't ask is against none."""
    return ask is None or all(version is not None and ask.accepts(version) for version in versions)


def _unchanged(one: Demand) -> bool:
    return one.known and one.before == one.after and one.old == one.new
