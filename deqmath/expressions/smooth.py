"""An activation that stays unspecified: any smooth function sigma, with sigma', sigma'', ... as its derivatives."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Function

from deqmath.errors import InputError


class SmoothFunction(Function):
    """Base of the unspecified smooth functions; ``root`` is the name, ``order`` counts derivatives."""

    nargs = 1
    root: str
    order: int

    def fdiff(self, argindex: int = 1) -> Expr:
        del argindex
        return _smooth(self.root, self.order + 1)(self.args[0])

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        name = printer.doprint(sympy.Symbol(self.root)) + "'" * self.order
        power = "" if exp is None else f"^{{{exp}}}"
        return f"{name}{power}\\left({printer.doprint(self.args[0])}\\right)"


@lru_cache(maxsize=256)
def _smooth(root: str, order: int) -> type[SmoothFunction]:
    made = type(root + "'" * order, (SmoothFunction,), {"root": root, "order": order, "__module__": __name__})
    return made


def smooth(name: str = "sigma") -> type[SmoothFunction]:
    """An unspecified smooth function of one real number.

    Parameters
    ----------
    name
        What it is called; its derivatives print as ``sigma'``, ``sigma''``.

    Returns
    -------
    A SymPy function class, for ``dm.elementwise(smooth("sigma"), u)``. A statement that is verified
    holds for every smooth function; one is refuted by a function for which it fails.

    Examples
    --------
    >>> from deqmath.expressions.smooth import smooth
    >>> from sympy import Symbol
    >>> t = Symbol("t")
    >>> smooth("sigma")(t).diff(t, 2)
    sigma''(t)
    """
    if not isinstance(name, str) or not name.isidentifier() or hasattr(sympy, name):
        msg = f"smooth() received {name!r}; it needs an identifier that SymPy does not define, as in smooth('sigma')"
        raise InputError(msg)
    return _smooth(name, 0)


def instance(expr: Any, activation: Any) -> Any:
    """The expression with every unspecified function put to ``activation`` (a SymPy expression of one symbol)."""
    t = sympy.Symbol("t", real=True)
    body = activation(t)

    def put(f: Any) -> Expr:
        return sympy.diff(body, t, f.order).subs(t, f.args[0])

    return expr.replace(lambda x: isinstance(x, SmoothFunction), put)


def has_smooth(expr: Any) -> bool:
    """Whether an unspecified function occurs."""
    return bool(expr.has(SmoothFunction))
