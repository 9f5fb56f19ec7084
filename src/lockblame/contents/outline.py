"""What a module's source defines, flat: functions with their parameters, classes, constants, bound names, texts.

Made from the syntax tree alone. The standard library's `ast` is all that it takes: besides an interface's breaks (which griffe
finds as well) ranking wants the functions whose code differs and the messages that came or went, and those need the whole tree.
Comments, docstrings, type annotations of functions, formatting and what only type checkers see make no difference here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef

LONGEST_TEXT = 160
DEEPEST = 40
"""Classes in classes."""

_VERSION = re.compile(
    r"_{0,2}(?:(?:full_|short_|git_|app_)?version(?:_?(?:info|tuple|number|str|string))?|commit_id|git_revision|release)_{0,2}"
)
_LETTERS = re.compile(r"[^\W\d_]{2}")


@dataclass(slots=True)
class Outline:
    """One module. Names are qualified inside it: "Channel.basic_get".

    `bound` are the names it has for others: what it defines and, in a package's `__init__`, what it imports from its own modules;
    `imported` whatever it imports, `imports` how. `loose` is all else that runs when it is imported. `is_open`: more names may
    come from a star import or the module's `__getattr__`. `lines` is the source, `tree` what it was parsed to.
    """

    definitions: dict[str, list[Definition]] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    loose: list[ast.expr | ast.stmt] = field(default_factory=list)
    is_open: bool = False
    lines: list[str] = field(default_factory=list)
    tree: ast.Module | None = None


def outline(source: bytes, own: str | None) -> Outline | None:
    """The outline of `source`; None where this Python can't parse it. `own`: the package whose names it passes on."""
    text = decoded(source)
    try:
        tree = ast.parse(text)
        found = Outline(lines=text.split("\n"), tree=tree)
        _visit(found, tree.body, own)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return found


def decoded(source: bytes) -> str:
    """The text of a source file. What isn't UTF-8 is read as Latin-1: both sides are, so that they still compare."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = source.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")


# --- what is defined -------------------------------------------------------------------------------------------------


def _visit(found: Outline, block: Iterable[ast.stmt], own: str | None) -> None:
    """Collects the statements of a module, those inside of classes, `if`, `try` and the like included."""
    waiting = [(statement, "") for statement in block]
    waiting.reverse()
    while waiting:
        statement, prefix = waiting.pop()
        inner, inside = _collected(found, statement, prefix, own)
        if inside.count(".") < DEEPEST:
            waiting += [(one, inside) for one in reversed(inner)]


def _collected(found: Outline, statement: ast.stmt, prefix: str, own: str | None) -> tuple[list[ast.stmt], str]:
    """Notes one statement; gives the statements inside it that count on their own, and the prefix of their names."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            _define(found, statement, prefix)
            if not prefix and statement.name == "__getattr__":
                found.is_open = True
        case ast.ClassDef():
            _define(found, statement, prefix)
            return statement.body, f"{prefix}{statement.name}."
        case ast.Import() | ast.ImportFrom():
            _import(found, statement, prefix, own)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            _assign(found, f"{prefix}{name}", value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            _assign(found, f"{prefix}{name}", value)
        case ast.AnnAssign(target=ast.Name(id=name)):
            # a field without a default is still a parameter of a dataclass
            found.bound.add(f"{prefix}{name}")
        case ast.If(test=test) if _is_for_types(test):
            return statement.orelse, prefix
        case ast.If() | ast.While():
            found.loose.append(statement.test)
            return [*statement.body, *statement.orelse], prefix
        case ast.Try() | ast.TryStar():
            found.loose += [handler.type for handler in statement.handlers if handler.type is not None]
            caught = [one for handler in statement.handlers for one in handler.body]
            return [*statement.body, *caught, *statement.orelse, *statement.finalbody], prefix
        case _ if not _is_idle(statement):
            found.loose.append(statement)
            found.bound.update(f"{prefix}{name}" for name in _targets(statement))
    return [], prefix


def _define(found: Outline, node: Definition, prefix: str) -> None:
    found.definitions.setdefault(f"{prefix}{node.name}", []).append(node)
    found.bound.add(f"{prefix}{node.name}")


def _import(found: Outline, statement: ast.Import | ast.ImportFrom, prefix: str, own: str | None) -> None:
    source = "." * statement.level + (statement.module or "") if isinstance(statement, ast.ImportFrom) else ""
    names = {f"{prefix}{alias.asname or alias.name}" for alias in statement.names}
    found.imported |= names
    found.is_open = found.is_open or f"{prefix}*" in names
    if own is not None and (source.startswith(".") or source.partition(".")[0] == own):
        found.bound |= names
    if source != "__future__":
        found.imports |= {f"{source} {alias.name} {alias.asname or ''}" for alias in statement.names}


def _assign(found: Outline, name: str, value: ast.expr) -> None:
    last = name.rpartition(".")[2]
    found.bound.add(name)
    # aliases of types are for readers; what a module exports is told by the names themselves; each release has another version
    if last != "__all__" and not isinstance(value, ast.Subscript) and not _VERSION.fullmatch(last.lower()):
        found.values[name] = value


def _targets(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of another kind binds (a, b = …; for x in …; with … as y)."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


# --- what doesn't count ----------------------------------------------------------------------------------------------


def _is_idle(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _is_for_types(test: ast.expr) -> bool:
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return name == "TYPE_CHECKING"


def clean(tree: ast.AST) -> None:
    """Takes out whatever makes no difference when the code runs."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, [statement for statement in block if not _is_idle(statement)])


def shape(node: ast.AST) -> str:
    """What two pieces of the same meaning have in common: the tree without its places. A class without its body."""
    if isinstance(node, ast.ClassDef):
        return "\n".join(ast.dump(part) for part in (*node.bases, *node.keywords, *node.decorator_list))
    clean(node)
    return ast.dump(node)


def source_of(found: Outline, node: ast.expr | ast.stmt) -> str:
    """The lines of a piece, a definition's decorators included."""
    decorators = node.decorator_list if isinstance(node, Definition) else []
    first = min((node.lineno, *(decorator.lineno for decorator in decorators)))
    return "\n".join(found.lines[first - 1 : node.end_lineno])


# --- looking closer --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    """`kind` is the way it is passed ("positional", "either", "named", "*", "**"); `default` None where it is required."""

    kind: str
    default: ast.expr | None = None


def parameters(node: Function) -> Mapping[str, Parameter]:
    """The parameters of a function in their order."""
    given = node.args
    plain = [*((one, "positional") for one in given.posonlyargs), *((one, "either") for one in given.args)]
    missing = len(plain) - len(given.defaults)
    found = {
        one.arg: Parameter(kind, given.defaults[number - missing] if number >= missing else None)
        for number, (one, kind) in enumerate(plain)
    }
    if given.vararg:
        found[given.vararg.arg] = Parameter("*")
    found.update({one.arg: Parameter("named", default) for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)})
    if given.kwarg:
        found[given.kwarg.arg] = Parameter("**")
    return found


def settings(value: ast.expr, name: str, depth: int = 0) -> Iterator[tuple[str, ast.expr]]:
    """`name` with its value and, where that is a dict or a call, each key and keyword inside: "NAMESPACES.worker.prefetch"."""
    inner: list[tuple[str, ast.expr]] = []
    if isinstance(value, ast.Dict):
        inner = [
            (key.value, one)
            for key, one in zip(value.keys, value.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        ]
    elif isinstance(value, ast.Call):
        inner = [(keyword.arg, keyword.value) for keyword in value.keywords if keyword.arg]
    yield name, value
    if depth < 4:
        for key, one in inner:
            if 0 < len(key) <= 80 and key.replace("-", "_").replace(".", "_").isidentifier():
                yield from settings(one, f"{name}.{key}", depth + 1)


def texts(tree: ast.AST) -> Iterator[str]:
    """The string constants that have words in them, the pieces of f-strings included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = " ".join(node.value[: 4 * LONGEST_TEXT].split())[:LONGEST_TEXT]
            if _LETTERS.search(text):
                yield text
