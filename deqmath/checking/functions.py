"""Scalar functions of a value, with their derivatives in the checker's own table.

``f(a + eps b) = f(a) + eps f'(a) b``. The table below is written by hand and is not the
calculus's: SymPy's ``diff`` is not called here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deqmath.checking.domains import NotInDomain
from deqmath.checking.matrices import DualMatrix, FieldMatrix, base_of, lift, negative


def _number(x: Any, p: int, q: int = 1) -> Any:
    return lift(base_of(x).domain.number(p, q), x)


def _exp(x: Any) -> Any:
    return scalar_function("exp", x)


def _tanh(x: Any) -> Any:
    """``tanh x = (e - 1/e)/(e + 1/e)`` with e = exp(x)."""
    e = _exp(x)
    f = e.inverted()
    return (e + negative(f)) @ (e + f).inverted()


def _sinh(x: Any) -> Any:
    e = _exp(x)
    return (e + negative(e.inverted())) @ _number(x, 1, 2)


def _cosh(x: Any) -> Any:
    e = _exp(x)
    return (e + e.inverted()) @ _number(x, 1, 2)


def _tan(x: Any) -> Any:
    return scalar_function("sin", x) @ scalar_function("cos", x).inverted()


def _step(x: Any) -> Any:
    base = base_of(x)
    return _number(x, int(base.domain.is_positive(base.mat[0, 0], None)))


def _relu(x: Any) -> Any:
    return _step(x) @ x


#: Functions written in terms of the primitive ones.
COMPOSED: dict[str, Callable[[Any], Any]] = {
    "tanh": _tanh,
    "sinh": _sinh,
    "cosh": _cosh,
    "tan": _tan,
    "relu_scalar": _relu,
    "step_scalar": _step,
}

#: name -> derivative of a primitive function f at x, given x and y = f(x).
SLOPES: dict[str, Callable[[Any, Any], Any]] = {
    "exp": lambda _x, y: y,
    "log": lambda x, _y: x.inverted(),
    "sqrt": lambda x, y: (y @ _number(x, 2)).inverted(),
    "sin": lambda x, _y: scalar_function("cos", x),
    "cos": lambda x, _y: negative(scalar_function("sin", x)),
    "atan": lambda x, _y: (_number(x, 1) + x @ x).inverted(),
    "erf": lambda x, _y: (
        _number(x, 2)
        @ scalar_function("exp", negative(x @ x))
        @ scalar_function("sqrt", scalar_function("pi", _number(x, 0))).inverted()
    ),
    "asin": lambda x, _y: scalar_function("sqrt", _number(x, 1) + negative(x @ x)).inverted(),
    "acos": lambda x, _y: negative(scalar_function("sqrt", _number(x, 1) + negative(x @ x)).inverted()),
    "pi": lambda x, _y: _number(x, 0),
}


def scalar_function(name: str, x: Any) -> Any:
    """``f(x)`` of a 1 x 1 value, plain or dual."""
    if name in COMPOSED:
        return COMPOSED[name](x)
    if name not in SLOPES:
        msg = f"the checker has no derivative for the function {name}"
        raise NotInDomain(msg)
    if isinstance(x, DualMatrix):
        y = scalar_function(name, x.a)
        if x.is_constant:
            return DualMatrix(y)
        return DualMatrix(y, SLOPES[name](x.a, y) @ x.b)
    domain = x.domain
    entry = x.mat[0, 0]
    y = domain.sqrt(entry) if name == "sqrt" else domain.function(name, entry)
    return FieldMatrix(domain, domain.matrix(1, 1, [y]))
