"""A whole model as one module: residual, equilibrium, prediction, gradient, products with the Jacobian, Gram."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from sympy import Symbol, sqrt
from sympy.matrices.expressions import MatrixSymbol

from deqmath.codegen.companion import DerivativeOf
from deqmath.codegen.model_companion import model_tests
from deqmath.codegen.targets.base import Target
from deqmath.codegen.write import Appended
from deqmath.errors import InputError
from deqmath.expressions import direction, kron, relu, total, vec

#: Target -> the files of hand-written functions around the generated ones, a later one in place of an earlier.
_FILES = {
    "jax": ("shared", "jax"),
    "torch": ("shared", "torch"),
    "mpmath": ("shared", "mpmath"),
    "flint": ("flint",),
}
_LIBRARY = {"numpy": "np", "cupy": "np", "array-api": "A.__array_namespace__()"}
_CONCAT = {
    "numpy": "np.concatenate",
    "cupy": "np.concatenate",
    "array-api": "Z.__array_namespace__().concat",
    "torch": "torch.concatenate",
}
_NAMES = ("Equilibrium", "adjoints", "equilibrium", "kernel", "loss_gradient", "predict")


def is_model(value: Any) -> bool:
    """Whether a value states a network: it has a residual, an unknown and a relu."""
    return hasattr(value, "residual") and hasattr(value, "gram") and hasattr(value, "activation")


def model_expressions(net: Any) -> tuple[dict[str, Any], dict[str, DerivativeOf]]:
    """The expressions of a network's module, all of them from its one statement, and which are derivatives."""
    if net.activation is not relu:
        msg = "generate received a model whose activation is not relu; generate its expressions by name instead"
        raise InputError(msg)
    Z, Phi, gamma, i = net.Z, net.Phi, net.gamma, Symbol("i", integer=True)
    V, w = direction(net.A, "V"), MatrixSymbol("w", net.m, 1)
    jacobian = gamma * kron(net.z().T, net.R())  # (10)
    step = relu(gamma * net.A * Z + Phi)
    along = total(net.q(i) * net.r(i) * net.z(i).T, i, net.n)
    expressions = {
        "features": relu(net.W * net.X),
        "residual": Z - step,
        "picard_step": step,
        "output": net.b.T * Z / sqrt(net.m),
        "adjoint": net.q(),
        "equilibrium_jvp": jacobian * vec(V),
        "equilibrium_vjp": jacobian.T * w,
        "gradient": gamma / sqrt(net.m) * along,
        "gram": net.gram(),
    }
    return expressions, {"equilibrium_jvp": DerivativeOf(net.residual(), net.A, V, net.z())}


def model_text(target: Target) -> Appended:
    """The functions around the generated ones, in the words of the target."""
    pieces: dict[str, str] = {}
    for name in _FILES.get(target.name, ("shared", "arrays")):
        path = Path(__file__).parent / "runtime" / f"model_{name}.py"
        pieces |= _pieces(path.read_text(encoding="utf-8").partition("# Copied from here.\n")[2])
    text = "\n\n\n".join(pieces.values())
    text = text.replace("xp = XP", f"xp = {_LIBRARY.get(target.name, '')}")
    text = text.replace("CONCAT(", f"{_CONCAT.get(target.name, '')}(")
    names = [*_NAMES, *(["NotConverged"] if "class NotConverged" in text else [])]
    imports = ["from typing import NamedTuple"] + (["import functools"] if "functools." in text else [])
    return Appended(text, tuple(names), tuple(imports), model_tests(target))


def _pieces(text: str) -> dict[str, str]:
    """The functions, classes and statements of a text, each by its name."""
    lines, found = text.splitlines(), {}
    for node in ast.parse(text).body:
        decorators = [d.lineno for d in getattr(node, "decorator_list", [])]
        piece = "\n".join(lines[min([node.lineno, *decorators]) - 1 : node.end_lineno])
        found[getattr(node, "name", piece)] = piece
    return found
