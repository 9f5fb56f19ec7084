"""Which dotted names a project's own source uses: from its syntax trees, never by importing it.

`import a.b as c` and `c.d(e=1)` use a.b, a.b.d and, as the parameter it is, a.b.d.e. Names that come by other ways (a star
import, getattr, a re-export under another name) are not seen; a local name that hides an import is taken for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from lockblame.model import Use

LARGEST = 1_000_000
"""Characters of a source file that is still parsed; hand-written ones are smaller."""


def uses(source: str, path: str) -> tuple[Use, ...]:
    """Each name once, at its first line, in the order of the file; () for what is no Python that can be parsed."""
    import warnings

    if len(source) > LARGEST:
        return ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        found: dict[str, int] = {}
        names = _imported(tree)
        for name, line in _used(tree, names):
            found[name] = min(line, found.get(name, line))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(
        Use(name=name, path=path, line=line) for name, line in sorted(found.items(), key=lambda item: (item[1], item[0]))
    )


def _imported(tree: ast.Module) -> Mapping[str, str]:
    """What each imported name stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _used(tree: ast.Module, names: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Attribute) and (whole := _dotted(node, names)):
            yield whole, node.lineno
        elif isinstance(node, ast.Call) and (whole := _dotted(node.func, names)):
            yield from ((f"{whole}.{keyword.arg}", node.lineno) for keyword in node.keywords if keyword.arg)


def _dotted(node: ast.expr, names: Mapping[str, str]) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return None
    return ".".join([names[node.id], *reversed(parts)])
