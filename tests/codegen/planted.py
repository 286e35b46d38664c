"""Errors planted in the text of generated functions: each must lower the digits that agree with exact values.

An error changes one place in the body of one generated function, never in a helper or a check: a sum becomes a
difference, a factor or a term is left out, the operands of a product are exchanged, a transpose is dropped or added,
a number grows by one.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from deqmath.claims.agreement import Reference
from deqmath.codegen import GeneratedModule, generate
from deqmath.codegen.loading import load_text

#: Helpers that check arguments; what stands in their calls is no algebra.
_CHECKS = (
    "_matrix",
    "_scalar",
    "_sizes",
    "_batch",
    "_kind",
    "_library",
    "_finite",
    "_stated",
    "_number",
    "_integer",
    "_shape",
)
#: Call -> how many of its arguments are values; the others are sizes, or decide how it is computed.
_VALUES = {"_finish": 1, "arb_mat": 0, "_unvec": 1, "_contraction_solve": 2, "_full": 0, "_eye": 0, "_repeat": 1}
_TRANSPOSED = ("mT", "T")


def outcomes(
    expressions: Mapping[str, Any], target: str, assumptions: Iterable[Any] = ()
) -> Iterator[tuple[str, bool]]:
    """(what was changed, whether it was seen) for every change of the module generated for some expressions.

    A change is seen where the function then shares too few digits with the exact value at one of twelve points, or
    stops. One point is not enough: a changed pre-activation can leave every gate as it was.
    """
    module = generate(dict(expressions), target=target, assumptions=assumptions)
    references = [Reference.of(expressions, seed, assumptions) for seed in range(12)]
    for name, words, text in changes(module.source, expressions):
        function = getattr(load_text(text, "planted"), name)
        yield f"{name}: {words}", any(_differs(r, module, function) for r in references)


def _differs(reference: Reference, module: GeneratedModule, function: Any) -> bool:
    try:
        agreement = reference.of_function(module, function)
    except Exception:  # noqa: BLE001 - a planted error may break a library in any way
        return True
    return agreement.digits < agreement.needed


def changes(source: str, functions: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(function, what was changed, the changed text) for every place in the bodies of some functions."""
    tree = ast.parse(source)
    for number, function in enumerate(tree.body):
        if not isinstance(function, ast.FunctionDef) or function.name not in functions:
            continue
        for where, change in _places(function):
            changed = ast.parse(source)
            words = change(_at(changed.body[number], where))
            text = ast.unparse(ast.fix_missing_locations(changed))
            if words is not None and text != ast.unparse(tree):
                yield function.name, words, text


def _places(function: ast.FunctionDef) -> Iterator[tuple[tuple[Any, ...], Callable[[ast.AST], str | None]]]:
    for start, statement in _statements(function, ()):
        if isinstance(statement, (ast.Assign, ast.Return, ast.For)) and not _is_check(statement):
            for path, node in _below(statement, start):
                for change in _CHANGES.get(type(node), ()):
                    yield path, change


def _statements(block: ast.FunctionDef | ast.With, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], ast.stmt]]:
    """The statements of a body, and of the bodies below a ``with`` in it."""
    for index, statement in enumerate(block.body):
        if isinstance(statement, ast.With):
            yield from _statements(statement, (*path, "body", index))
        else:
            yield (*path, "body", index), statement


def _is_check(statement: ast.stmt) -> bool:
    calls = {n.func.id for n in ast.walk(statement) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    read = isinstance(statement, ast.Assign) and ast.unparse(statement).startswith(
        ("plain = ", "batch = ", "m = sizes")
    )
    return bool(calls & set(_CHECKS)) or read or "sizes[" in ast.unparse(statement)


def _below(node: ast.AST, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], ast.AST]]:
    yield path, node
    for name, value in ast.iter_fields(node):
        if isinstance(node, ast.Call) and name == "args":  # the value, not its shape or the bound of a norm
            value = value[: _VALUES.get(ast.unparse(node.func), len(value))]
        for k, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.keyword) and child.arg in ("axis", "dim", "copy"):
                continue  # the last axis and axis 1 are one where there is no batch; a copy has the same value
            if isinstance(child, ast.AST) and not isinstance(node, (ast.Slice, ast.Tuple)) and name != "slice":
                yield from _below(child, (*path, name) if k is None else (*path, name, k))


def _at(node: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        node = node[step] if isinstance(step, int) else getattr(node, step)
    return node


def _sign(node: Any) -> str | None:
    if not isinstance(node.op, (ast.Add, ast.Sub)):
        return None
    node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
    return "a sign"


def _left_out(node: Any) -> str | None:
    """A factor or a term replaced by twice the other one."""
    if not isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
        return None
    node.right = ast.Constant(3.0) if isinstance(node.op, ast.Mult) else copy.deepcopy(node.left)
    return "a factor or term"


def _exchanged(node: Any) -> str | None:
    if not isinstance(node.op, (ast.MatMult, ast.Div)):
        return None
    node.left, node.right = node.right, node.left
    return "operands exchanged"


def _exchanged_arguments(node: Any) -> str | None:
    """``x M`` in the place of ``M x``."""
    if ast.unparse(node.func) != "_gemv":
        return None
    node.args[:2] = node.args[1::-1]
    return "operands exchanged"


def _wrong_factor(node: Any) -> str | None:
    """``y + 3 M x`` in the place of ``y + s M x``."""
    if ast.unparse(node.func) != "_gemv" or len(node.args) < 3:
        return None
    node.args[2] = ast.Constant(3.0)
    return "a factor or term"


def _dropped_column(node: Any) -> str | None:
    """``s M x`` in the place of ``y + s M x``."""
    if ast.unparse(node.func) != "_gemv" or len(node.args) < 4:
        return None
    del node.args[3]
    return "a column dropped"


def _turned(node: Any) -> str | None:
    """The closed rows in the place of the open ones."""
    if not isinstance(node.ops[0], ast.Gt):
        return None
    node.ops[0] = ast.Lt()
    return "a gate turned"


def _minus(node: Any) -> str | None:
    if not isinstance(node.op, ast.USub):
        return None
    node.op = ast.UAdd()
    return "a minus dropped"


def _untransposed(node: Any) -> str | None:
    if node.attr not in _TRANSPOSED:
        return None
    node.attr = "real" if node.attr == "mT" else "T"
    return "a transpose dropped" if node.attr == "real" else None


def _number(node: Any) -> str | None:
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float)) or node.value in (0, -1):
        return None
    node.value += 1
    return "a number"


def _flag(node: Any) -> str | None:
    if not isinstance(node.value, bool):
        return None
    node.value = not node.value
    return "a transposed solve"


_CHANGES: dict[type, tuple[Callable[[Any], str | None], ...]] = {
    ast.BinOp: (_sign, _left_out, _exchanged),
    ast.Call: (_exchanged_arguments, _wrong_factor, _dropped_column),
    ast.Compare: (_turned,),
    ast.UnaryOp: (_minus,),
    ast.Attribute: (_untransposed,),
    ast.Constant: (_number, _flag),
}
