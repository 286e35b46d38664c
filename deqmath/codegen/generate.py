"""``generate``: from SymPy expressions to a standalone module."""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import normalize

from sympy import Expr, MatrixExpr

from deqmath.codegen.companion import DerivativeOf, checked_derivatives
from deqmath.codegen.facts import facts
from deqmath.codegen.helpers import all_names
from deqmath.codegen.hypothesis_text import words
from deqmath.codegen.model import is_model, model_expressions, model_text
from deqmath.codegen.module import Flops, GeneratedModule
from deqmath.codegen.passes import beyond
from deqmath.codegen.plan import Plan, make_plan
from deqmath.codegen.targets import target_named
from deqmath.codegen.write import About, module_text
from deqmath.errors import InputError

#: Names that generated text relies on: the libraries it imports and Python's own.
_LIBRARIES = frozenset({"numpy", "scipy", "mpmath", "jax", "torch", "cupy", "cupyx", "flint"})
_NOT_FUNCTIONS = frozenset(
    {"np", "cp", "xp", "jnp", "arb", "arb_mat", "warnings", "functools", "ctx", "prec", "batch", "sizes", "kind"}
    | _LIBRARIES
    | set(dir(builtins))
)


def generate(
    expressions: Any,
    target: str = "numpy",
    *,
    arguments: Sequence[str] | None = None,
    outputs: Mapping[str, str | Sequence[str]] | None = None,
    claim: str | None = None,
    assumptions: Iterable[Any] = (),
    formulas: Mapping[str, str] | None = None,
    name: str | None = None,
    without: Iterable[str] = (),
    derivatives: Mapping[str, DerivativeOf] | None = None,
) -> GeneratedModule:
    """Write a standalone module with one function for each expression.

    Parameters
    ----------
    expressions
        Function name -> expression (a SymPy matrix expression or scalar), or a tuple of
        expressions that share their work and are returned as a tuple. Or a whole model, such as
        ``ReLUModel()``: its residual, equilibrium solver, prediction, gradient, products with the
        Jacobian and Gram matrix.
    target
        The library to write for: ``"numpy"``, ``"array-api"``, ``"cupy"``, ``"jax"``, ``"torch"``, ``"mpmath"``
        or ``"flint"`` (balls). It need not be installed, except to ``.load()``.
    arguments
        The symbols' names in the order in which the functions take them; by default sorted by
        name. Each function takes those that its expressions hold.
    outputs
        Function name -> what its result (or results) is called in the docstring.
    claim, formulas
        Text for the header and docstrings: the claim's id, and a formula for each function in place of the
        one printed from its expression.
    assumptions
        Hypotheses, for the header and docstrings. The array libraries also use, and check, those on their arguments:
        ``dm.symmetric(S)``, SymPy's ``Q.positive_definite(S)``, ``Q.lower_triangular(L)``, ``Q.upper_triangular(L)``,
        ``Q.diagonal(S)``, ``Q.positive(c)``, a gate d as ``dm.idempotent(dm.diag(d))``, and ``||K|| < rho`` as
        ``dm.contraction(K / rho)``.
    name
        The module's name, for its companion test; by default that of the first function.
    without
        Names of passes to leave out; the code is then slower, never different.
    derivatives
        Function name -> of what it is the derivative; the companion test compares it with central differences.

    Returns
    -------
    GeneratedModule
        ``.source``, ``.load()``, ``.write(path)``, ``.flops``, ``.test_source``.

    Raises
    ------
    InputError
        An unknown target, a name that Python cannot use, an argument list that leaves one out.
    UnknownNodeError
        A node for which there is no rule.

    Notes
    -----
    Functions take their arguments by the symbols' names, by keyword or by position, in SymPy's
    shapes (a column is (m, 1)). Dimensions are read from the shapes; a dimension that no
    argument carries becomes an argument. A name Python reserves gets a ``_``: ``lambda_``.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import Identity, Inverse, MatrixSymbol, Symbol
    >>> m, gamma = dm.dim("m"), Symbol("gamma")
    >>> A, V = MatrixSymbol("A", m, m), MatrixSymbol("V", m, m)
    >>> z, phi = MatrixSymbol("z", m, 1), MatrixSymbol("phi", m, 1)
    >>> D = dm.gate(gamma * A * z + phi)
    >>> J = gamma * dm.kron(z.T, Inverse(Identity(m) - gamma * D * A) * D)
    >>> jvp = dm.generate({"jvp": J * dm.vec(V)})
    >>> jvp.flops["jvp"].coeff(m, 3)
    1/12
    >>> jvp.load().jvp(A=[[0.0]], V=[[1.0]], gamma=0.5, phi=[[1.0]], z=[[1.0]])
    array([[0.5]])
    """
    chosen = target_named(target)
    appended = None
    if is_model(expressions):
        expressions, derivatives = model_expressions(expressions)
        appended, name = model_text(chosen), name or "network"
    reserved = chosen.reserved | all_names(chosen.helpers)
    order = None if arguments is None else [str(a) for a in arguments]
    left_out = [*without, *chosen.without, *beyond(chosen.rules())]
    assumptions = tuple(assumptions)
    given = facts(assumptions) if chosen.uses_facts else None
    plans = []
    for function, value in _checked(expressions).items():
        names = _output_names(function, value, (outputs or {}).get(function))
        plans.append(make_plan(function, value, names, reserved=reserved, without=left_out, order=order, given=given))
    _check_order(order, plans)
    about = About(claim, tuple(map(words, assumptions)), dict(formulas or {}), appended)
    counts = Flops({p.name: p.flops for p in plans})
    memory = {p.name: p.memory for p in plans}
    module = _module_name(name or plans[0].name)
    known = checked_derivatives(derivatives or {}, {p.name for p in plans})
    return GeneratedModule(
        module_text(plans, chosen, about), target, module, counts, memory, tuple(plans), chosen, known,
        appended.tests if appended is not None else "",
    )  # fmt: skip


def _checked(expressions: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    if not isinstance(expressions, Mapping) or not expressions:
        msg = f"generate received {expressions!r}; it needs names and expressions, as in generate({{'x': A * b}})"
        raise InputError(msg)
    out: dict[str, tuple[Any, ...]] = {}
    for name, value in expressions.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            msg = (
                f"generate received the function name {name!r}; it needs a Python identifier with no leading underscore"
            )
            raise InputError(msg)
        if name != normalize("NFKC", name):
            msg = f"generate received the function name {name!r}, which Python reads as {normalize('NFKC', name)!r}; write it so"
            raise InputError(msg)
        if name in _NOT_FUNCTIONS:
            msg = f"generate received the function name {name!r}, which generated text uses itself; choose another, as in '{name}_value'"
            raise InputError(msg)
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        values = tuple(getattr(v, "result", v) for v in values)  # a Derivation stands for its result
        for v in values:
            if not isinstance(v, (Expr, MatrixExpr)) and not getattr(v, "is_Matrix", False):
                msg = f"generate received {v!r} of type {type(v).__name__} for {name}; it needs a SymPy expression"
                raise InputError(msg)
        out[name] = tuple(
            v.as_immutable() if hasattr(v, "as_immutable") and not isinstance(v, MatrixExpr) else v for v in values
        )
    return out


def _output_names(function: str, values: tuple[Any, ...], given: str | Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return (function,) if len(values) == 1 else tuple(f"{function}_{k}" for k in range(len(values)))
    names = (given,) if isinstance(given, str) else tuple(given)
    if len(names) != len(values):
        msg = f"generate received {len(names)} output names for {function}; it needs {len(values)}, one for each expression"
        raise InputError(msg)
    return names


def _check_order(order: list[str] | None, plans: list[Plan]) -> None:
    used = {a.symbol for p in plans for a in p.signature.arguments}
    extra = [a for a in order or [] if a not in used]
    if extra:
        msg = f"generate received arguments={order}; no expression holds {', '.join(extra)}, only {', '.join(sorted(used))}"
        raise InputError(msg)


def _module_name(name: str) -> str:
    """A module name that hides nothing of the standard library."""
    if not name.isidentifier():
        msg = f"generate received name={name!r}; it needs a Python identifier"
        raise InputError(msg)
    return f"{name}_generated" if name in sys.stdlib_module_names or name in _LIBRARIES else name
