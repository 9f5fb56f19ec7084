"""A small finding made by hand, for tests of what is done with findings."""

from __future__ import annotations

from datetime import UTC, datetime

from lockblame.model import (
    Change,
    Commit,
    Delta,
    Deployment,
    Evidence,
    Gap,
    Issue,
    Match,
    Pin,
    Reason,
    Report,
    Snapshot,
    Source,
    Suspect,
    Symptom,
)


def change(name: str = "kombu", old: str | None = "5.3.1", new: str | None = "5.3.2", **more: object) -> Change:
    kind = "added" if old is None else "removed" if new is None else "upgraded"
    facts = {
        "kind": kind,
        "step": "micro" if kind == "upgraded" else None,
        "before": old and Pin(name=name, version=old),
        "after": new and Pin(name=name, version=new),
        "paths_before": (("app", "celery", name),) if old else (),
        "paths_after": (("app", "celery", name),) if new else (),
    }
    return Change(name=name, **{**facts, **more})


def delta(*changes: Change, gaps: tuple[Gap, ...] = ()) -> Delta:
    sides = [tuple(pin for one in changes if (pin := getattr(one, side))) for side in ("before", "after")]
    before, after = (
        Snapshot(origin=f"uv.lock at v{number}", format="uv", path="uv.lock", pins=pins) for number, pins in enumerate(sides, 1)
    )
    return Delta(before=before, after=after, changes=tuple(sorted(changes, key=lambda one: one.name)), gaps=gaps)


def match(title: str = "Worker waits out the long poll", number: int = 1783, **more: object) -> Match:
    facts = {
        "repository": "celery/kombu",
        "number": number,
        "title": title,
        "state": "closed",
        "created_at": datetime(2023, 9, 4, tzinfo=UTC),
        "url": f"https://github.com/celery/kombu/issues/{number}",
    }
    evidence = (
        Evidence(kind="time", weight=1.5, detail="opened 3 days after kombu 5.3.2 came out"),
        Evidence(kind="words", weight=2.25, detail="shares the rare words queue, idle"),
    )
    return Match(issue=Issue(**{**facts, **more}), package="kombu", evidence=evidence, score=3.75)


def report() -> Report:
    kombu = change(reason=Reason(kind="forced", detail="celery 5.3.4 now asks for kombu>=5.3.2"))
    moved = change(
        "inner-tools",
        "1.0",
        "1.0",
        kind="moved",
        step=None,
        source_changed=True,
        before=Pin(
            name="inner-tools", version="1.0", source=Source(kind="git", location="https://code.example/t", revision="a" * 40)
        ),
        after=Pin(
            name="inner-tools", version="1.0", source=Source(kind="git", location="https://code.example/t", revision="b" * 40)
        ),
        direct=True,
        paths_before=(("app", "inner-tools"),),
        paths_after=(("app", "inner-tools"),),
    )
    changes = (kombu, moved, change("pytz", None, "2023.3"))
    weights = (
        Evidence(kind="issue", weight=3.75, detail="celery/kombu#1783 fits"),
        Evidence(kind="lock", weight=-0.5, detail="a small step"),
    )
    suspects = (
        Suspect(change=kombu, evidence=weights, matches=(match(),), score=3.25, probability=0.91),
        Suspect(change=moved, score=0.0, probability=0.06),
        Suspect(change=changes[2], score=-1.0, probability=0.03),
    )
    gap = Gap(subject="inner-tools", reason="no-index", detail="comes from git, no index was asked", hint="name its repository")
    commit = Commit(
        hash="c" * 40, author="A. Developer", date=datetime(2023, 9, 9, tzinfo=UTC), subject="Lock again", paths=("uv.lock",)
    )
    return Report(
        delta=delta(*changes),
        symptom=Symptom(text="the workers are idle, the queue grows"),
        suspects=suspects,
        issues=(match(), match("Another one", 1790)),
        conclusive=True,
        deployment=Deployment(commits=(commit,), touched={"dependencies": ("uv.lock",), "settings": ("deploy/prod.env",)}),
        as_of=datetime(2023, 9, 10, tzinfo=UTC),
        gaps=(gap,),
    )
