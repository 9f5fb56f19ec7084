"""The sentences of reasons: who asks for what now, and what was asked before."""

from __future__ import annotations

from collections.abc import Sequence

from lockblame.delta.asking import Ask, Asking, sorted_versions
from lockblame.model import Pin, Source


def of_pin(pin: Pin) -> str:
    """A pin as sentences name it."""
    return f"{pin.name} {pin.version}" if pin.version else pin.name


def pinned(pin: Pin) -> str:
    """Whether it has a version."""
    return f"pinned to {pin.version}" if pin.version else "not pinned"


def place(source: Source) -> str:
    """Where a pin comes from."""
    if source.kind == "registry":
        return "the index"
    return (source.location or source.kind) + (f"@{source.revision[:12]}" if source.revision else "")


def changed_demand(name: str, one: Ask | None, other: Ask | None, old: str | None) -> str:
    """What a parent asks for now, and what it asked for before; `old` is the version that was locked."""
    if one is None and other is None:
        return name
    if other is None:
        return lost_ask(name, one) if one else name
    if one is None:
        return f"{other.who} now asks for {other.shown(name)}"
    was, now = one.apart_from(other).shown(name), other.apart_from(one).shown(name)
    if other.root or other.refuses(old):
        return f"{other.who} now asks for {now} (was {was})"
    return f"{one.who} held it back with {was}; {other.who} asks for {now}"


def lost_ask(name: str, one: Ask) -> str:
    """A parent that doesn't ask any more."""
    if one.root:
        return f"{one.who} no longer asks for {name} (was {one.shown(name)})"
    return f"{one.who}, which asked for {one.shown(name)}, doesn't any more"


def new_demand(name: str, ask: Ask, there: Asking) -> str:
    """A parent that asks for what wasn't locked on the other side."""
    wanted = ask.shown(name) if ask.known else name
    if ask.root:
        return f"{ask.who} now asks for {wanted}"
    if ask.parent not in there.snapshot:
        return f"{ask.who}, which wasn't locked before, asks for {wanted}"
    versions = _other_versions(ask, there)
    return f"{ask.who} now asks for {wanted}" + (f" ({ask.parent} {versions} didn't)" if versions else "")


def lost_demand(name: str, ask: Ask, there: Asking) -> str:
    """A parent that asked for what isn't locked any more."""
    wanted = ask.shown(name) if ask.known else name
    if ask.root:
        return f"{ask.who} no longer asks for {name} (was {wanted})"
    if ask.parent not in there.snapshot:
        return f"{ask.who}, which asked for {wanted}, isn't locked any more"
    versions = _other_versions(ask, there)
    return (
        f"{ask.parent} {versions} no longer asks for {name} ({ask.who} did)" if versions else f"{ask.who} no longer leads to it"
    )


def other_conditions(name: str, one: Ask | None, other: Ask | None) -> str:
    """A parent that asks for the same package with other extras or under another marker."""
    if one is None:
        return f"{other.who} now asks for {other.shown(name)}" if other else name
    if other is None:
        return f"{one.who} no longer asks for {name}"
    if one.extras != other.extras or not one.same(other):
        return f"{other.who} asks for {other.shown(name)} now (was {one.shown(name)})"
    return f"{other.who} asks for {name} under other conditions"


def other_scope(before: Pin, after: Pin) -> str:
    """What differs in where a pin applies."""
    parts = [
        f"{word} {_listed(other)} (was {_listed(one)})"
        for word, one, other in (("extras", before.extras, after.extras), ("groups", before.groups, after.groups))
        if set(one) != set(other)
    ]
    if before.marker != after.marker:
        parts.append(f"marker {_cut(after.marker)} (was {_cut(before.marker)})")
    if before.optional != after.optional:
        parts.append("optional now" if after.optional else "no longer optional")
    return f"{of_pin(after)} is locked with " + ", ".join(parts)


def other_requirements(before: Pin, after: Pin) -> str:
    """What differs in what a pin requires itself."""
    ones, others = ({edge.name for edge in pin.requires} for pin in (before, after))
    added, gone = sorted(others - ones), sorted(ones - others)
    parts = [f"{word} {', '.join(names)}" for word, names in (("also", added), ("no longer", gone)) if names]
    what = " and ".join(parts) if parts else "the same packages under other conditions"
    return f"{of_pin(after)} is the same version, and by the lock it requires {what}"


def not_written(name: str, still_open: Sequence[tuple[Ask | None, Ask | None]], origin: str) -> str:
    """That a parent may have changed its mind, and the lock doesn't say."""
    one, other = still_open[0]
    asked = other or one
    if asked is None:
        return f"nothing in {origin} asks for {name}"
    if asked.root:
        return f"{asked.who} asks for {name} itself, and {origin} doesn't say with which constraint"
    if one is None:
        moved = "asks for it now"
    elif other is None:
        moved = "asked for it before"
    else:
        moved = f"moved as well ({', '.join(one.versions) or 'none'} → {', '.join(other.versions) or 'none'})"
    more = f", {len(still_open) - 1} more changed too" if len(still_open) > 1 else ""
    return f"{asked.parent} {moved}{more}, and {origin} doesn't say with which constraint on {name}"


def _other_versions(ask: Ask, there: Asking) -> str:
    """The versions of that parent on the other side, when they are others."""
    versions = sorted_versions(pin.version for pin in there.snapshot.get(ask.parent))
    return ", ".join(versions) if versions != ask.versions else ""


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(sorted(names)) or "none"


def _cut(marker: str | None) -> str:
    if not marker:
        return "none"
    return marker if len(marker) <= 80 else f"{marker[:77]}..."
