"""A team's policy: how severe each rule is, its thresholds, and what is allowed to pass, why and until when.

[tool.lockblame.policy]                  # in lockblame.toml: [policy]
young = "error"                          # each rule: "error" (stops the deploy), "warning", "note" or "off"
min-age = "7 days"                       # of a release, for the rule "young"
reactions = 5                            # of an issue, for the rule "known-regression"
recent = "90 days"                       # since it was opened or updated
steps = ["epoch", "major"]               # for the rule "big-step"

[[tool.lockblame.policy.allow]]
package = "kombu"
rule = "yanked"                          # without it: any rule
versions = "==5.3.2"                     # without it: any version
reason = "yanked for its metadata only"  # both are required
expires = 2026-12-31
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, cast, get_args

from lockblame import fields
from lockblame.model import Allowance, RuleName, Severity, Step, normalize

Level = Literal["error", "warning", "note", "off"]

DEFAULTS: Mapping[RuleName, Level] = {
    "known-regression": "error",
    "yanked": "error",
    "republished": "error",
    "moved": "error",
    "project-status": "error",
    "removed-api": "error",
    "lost-attestation": "warning",
    "young": "warning",
    "downgraded": "warning",
    "big-step": "warning",
    "transitive": "note",
}

_THRESHOLDS = ("min-age", "reactions", "recent", "steps", "allow")
_LEVELS: tuple[str, ...] = get_args(Level)
_STEPS: tuple[str, ...] = get_args(Step)
_ALLOWANCE = ("package", "rule", "versions", "reason", "expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a team wants to be told or stopped by; the defaults are for a team that has not decided anything."""

    levels: Mapping[RuleName, Level] = field(default_factory=lambda: dict(DEFAULTS))
    min_age: timedelta = timedelta(days=3)
    reactions: int = 5
    recent: timedelta = timedelta(days=90)
    steps: tuple[Step, ...] = ("epoch", "major")
    allowances: tuple[Allowance, ...] = ()

    def severity(self, rule: RuleName) -> Severity | None:
        """How severe the rule is; None when it is off."""
        level = self.levels.get(rule, DEFAULTS[rule])
        return None if level == "off" else level


def parse(table: Mapping[str, Any], where: str) -> Policy:
    """The policy in a TOML table that stands at `where`. FieldError with the place of what is wrong, and what would be right."""
    known = (*DEFAULTS, *_THRESHOLDS)
    for key in table:
        if key not in known:
            raise fields.FieldError(f"{where}.{key}", f"is no rule or setting of a policy (it knows {', '.join(known)})")
    usual = Policy()
    return Policy(
        levels={rule: _level(table, rule, where) for rule in DEFAULTS},
        min_age=_span(table, "min-age", where, usual.min_age),
        reactions=_count(table, "reactions", where, usual.reactions),
        recent=_span(table, "recent", where, usual.recent),
        steps=_steps(table, where) if "steps" in table else usual.steps,
        allowances=tuple(
            _allowance(entry, f"{where}.allow[{number}]") for number, entry in enumerate(fields.tables(table, "allow", where))
        ),
    )


def _level(table: Mapping[str, Any], rule: RuleName, where: str) -> Level:
    return cast(Level, _one_of(table, rule, where, _LEVELS)) if rule in table else DEFAULTS[rule]


def _one_of(table: Mapping[str, Any], key: str, where: str, allowed: tuple[str, ...]) -> str:
    value = table[key]
    if not isinstance(value, str) or value not in allowed:
        raise fields.FieldError(f"{where}.{key}", f"is none of {', '.join(allowed)}")
    return value


def _span(table: Mapping[str, Any], key: str, where: str, usual: timedelta) -> timedelta:
    value = table.get(key)
    if value is None:
        return usual
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value} days"
    found = re.fullmatch(r"\s*(\d{1,4})\s*(h|hours?|d|days?|w|weeks?)\s*", value) if isinstance(value, str) else None
    if found is None:
        raise fields.FieldError(f"{where}.{key}", 'is no span of time such as "3 days", "12 hours" or 3 (days)')
    hours = {"h": 1, "d": 24, "w": 24 * 7}[found[2][0]]
    return timedelta(hours=int(found[1]) * hours)


def _count(table: Mapping[str, Any], key: str, where: str, usual: int) -> int:
    value = fields.maybe_number(table, key, where)
    if value is not None and value < 0:
        raise fields.FieldError(f"{where}.{key}", "should not be negative")
    return usual if value is None else value


def _steps(table: Mapping[str, Any], where: str) -> tuple[Step, ...]:
    found = fields.texts(table, "steps", where)
    for number, step in enumerate(found):
        if step not in _STEPS:
            raise fields.FieldError(f"{where}.steps[{number}]", f"is none of {', '.join(_STEPS)}")
    return cast("tuple[Step, ...]", found)


def _allowance(entry: Mapping[str, Any], where: str) -> Allowance:
    for key in entry:
        if key not in _ALLOWANCE:
            raise fields.FieldError(f"{where}.{key}", f"is no key of an allowance (it has {', '.join(_ALLOWANCE)})")
    reason = fields.text(entry, "reason", where).strip()
    if not reason:
        raise fields.FieldError(f"{where}.reason", "is empty: say why this may pass")
    return Allowance(
        package=_package(entry, where),
        reason=reason,
        expires=_day(entry, where),
        rule=cast(RuleName, _one_of(entry, "rule", where, tuple(DEFAULTS))) if "rule" in entry else None,
        versions=_versions(entry, where),
    )


def _package(entry: Mapping[str, Any], where: str) -> str:
    name = fields.text(entry, "package", where)
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        raise fields.FieldError(f"{where}.package", "is no name of a package: an allowance is for one, by its whole name")
    return normalize(name)


def _day(entry: Mapping[str, Any], where: str) -> date:
    value = entry.get("expires")
    if value is None:
        raise fields.FieldError(f"{where}.expires", "is missing: an allowance ends some day (expires = 2026-12-31)")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise fields.FieldError(f"{where}.expires", "is no day such as 2026-12-31") from None


def _versions(entry: Mapping[str, Any], where: str) -> str | None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    text = fields.maybe_text(entry, "versions", where)
    if text is None:
        return None
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        raise fields.FieldError(f"{where}.versions", 'is no version specifier such as "==5.3.2" or "<6"') from None
