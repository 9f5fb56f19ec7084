"""Snapshots made by hand, and hypothesis strategies for them."""

from __future__ import annotations

from hypothesis import strategies as st

from lockblame.model import REGISTRY, Artifact, Edge, Pin, Root, Snapshot, Source


def edge(text: str, **more: object) -> Edge:
    """An Edge from "name>=1,<2"."""
    name = next(text[:place] for place in range(1, len(text) + 1) if place == len(text) or text[place] in "<>=!~^@ ")
    return Edge(name=name, specifier=text[len(name) :].strip(), **more)  # type: ignore[arg-type]


def pin(text: str, *requires: str | Edge, files: dict[str | None, str] | None = None, **more: object) -> Pin:
    """A Pin from "name 1.0" and what it requires; `files` are name → digest."""
    name, _, version = text.partition(" ")
    return Pin(
        name=name,
        version=version or None,
        requires=tuple(edge(one) if isinstance(one, str) else one for one in requires),
        artifacts=tuple(Artifact(name=file, hash=f"sha256:{digest}") for file, digest in (files or {}).items()),
        **more,  # type: ignore[arg-type]
    )


def lock(*pins: Pin, asks: tuple[str | Edge, ...] = (), root: str = "app", format: str = "poetry", **more: object) -> Snapshot:
    """A Snapshot of those pins, with one root that asks for `asks`."""
    requires = tuple(edge(one) if isinstance(one, str) else one for one in asks)
    roots = (Root(name=root, requires=requires),) if requires else ()
    more.setdefault("origin", f"{format}.lock")
    return Snapshot(format=format, pins=pins, **{"roots": roots, **more})  # type: ignore[arg-type]


# --- strategies ------------------------------------------------------------------------------------------------------

NAMES = ("amqp", "billiard", "celery", "django", "kombu", "redis", "vine")
VERSIONS = ("1.0", "1.0.1", "1.1", "2.0a1", "2.0", "2.0.post1", "3.0.dev2", "1!0.5", "2.0+local")
MARKERS = (
    None,
    "python_version < '3.11'",
    "python_version >= '3.11'",
    "sys_platform == 'win32'",
    "sys_platform != 'win32' and python_full_version >= '3.9.2'",
)
SOURCES = (
    REGISTRY,
    Source(location="https://index.example/simple"),
    Source(kind="git", location="https://git.example/team/tool", revision="1a2b3c4d5e"),
    Source(kind="git", location="https://git.example/team/tool", revision="9f8e7d6c5b"),
    Source(kind="url", location="https://files.example/tool.whl"),
    Source(kind="path", location="../tool"),
)
edges = st.builds(
    Edge,
    name=st.sampled_from((*NAMES, "absent")),
    specifier=st.sampled_from(("", ">=1.0", "<2", ">=1,<3", "==2.0", "^1.0")),
    marker=st.sampled_from((*MARKERS, "extra == 'fast'")),
    extras=st.sampled_from(((), ("fast",))),
    version=st.sampled_from((None, None, *VERSIONS)),
)
artifacts = st.lists(
    st.builds(
        Artifact,
        name=st.sampled_from((None, "a.whl", "b.whl", "c.tar.gz")),
        hash=st.sampled_from((None, "sha256:11", "sha256:22", "md5:33")),
    ),
    max_size=3,
    unique=True,
).map(tuple)
pins = st.builds(
    Pin,
    name=st.sampled_from(NAMES),
    version=st.sampled_from((*VERSIONS, "not-a-version", None)),
    source=st.sampled_from(SOURCES),
    marker=st.sampled_from(MARKERS),
    extras=st.sampled_from(((), ("fast",))),
    groups=st.sampled_from(((), ("main",), ("dev",))),
    optional=st.booleans(),
    requires=st.lists(edges, max_size=4).map(tuple),
    artifacts=artifacts,
)
roots = st.builds(Root, name=st.sampled_from(("app", "worker")), requires=st.lists(edges, max_size=4).map(tuple))
snapshots = st.builds(
    Snapshot,
    origin=st.just("a lock"),
    format=st.sampled_from(("uv", "poetry", "requirements")),
    pins=st.lists(pins, max_size=9).map(tuple),
    roots=st.lists(roots, max_size=2, unique_by=lambda root: root.name).map(tuple),
    requires_python=st.sampled_from((None, ">=3.9", ">=3.10,<4")),
)
