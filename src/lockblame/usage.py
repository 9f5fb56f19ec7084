"""Which dotted names a project's own source uses: from its syntax trees, never by importing it.

`import a.b as c` and `c.d(e=1)` use a.b, a.b.d and, as the parameter it is, a.b.d.e. Names that come by other ways (a star
import, getattr, a re-export under another name) are not seen; a local name that hides an import is taken for it. What a project
is prepared to do without (an import whose failure it catches, or one for type checkers only) is no use.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

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
        prepared = _prepared(tree)
        nodes = [node for node in ast.walk(tree) if id(node) not in prepared]
        for name, line in _used(nodes, _imported(nodes)):
            found[name] = min(line, found.get(name, line))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(
        Use(name=name, path=path, line=line) for name, line in sorted(found.items(), key=lambda item: (item[1], item[0]))
    )


_NO_IMPORT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException", ""})
_NO_ATTRIBUTE = "AttributeError"


def _prepared(tree: ast.Module) -> set[int]:
    """The imports and attributes whose absence the code around them expects."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | ast.With | ast.If) and (caught := _caught(node)):
            kinds: tuple[type[ast.AST], ...] = (ast.Import, ast.ImportFrom) if caught & _NO_IMPORT else ()
            kinds += (ast.Attribute, ast.Call) if _NO_ATTRIBUTE in caught else ()
            found.update(id(inner) for one in node.body for inner in ast.walk(one) if isinstance(inner, kinds))
    return found


def _caught(node: ast.Try | ast.With | ast.If) -> set[str]:
    """The names of the exceptions that the block lets nobody see; "" for all of them."""
    if isinstance(node, ast.If):
        return {"ImportError"} if _last(node.test) == "TYPE_CHECKING" else set()
    if isinstance(node, ast.With):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        return {_last(one) for call in calls if _last(call.func) == "suppress" for one in call.args}
    kinds = [handler.type for handler in node.handlers]
    every = [one for kind in kinds for one in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
    return {"" if one is None else _last(one) for one in every}


def _last(node: ast.expr) -> str:
    """`b` of `a.b`; for what is no name, one that nothing has."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else "?"


def _imported(nodes: Iterable[ast.AST]) -> Mapping[str, str]:
    """What each imported name stands for."""
    names = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _used(nodes: Iterable[ast.AST], names: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for node in nodes:
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
