"""Values of unspecified smooth functions: ``sigma(v)``, ``sigma'(v)``, ... are free atoms, one for each v.

Any finite set of values and derivatives is taken by some smooth function, so an identity that
holds for free atoms holds for every smooth sigma, and conversely.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from sympy import Basic, Expr, exp, log

from deqmath.checking.evaluation import Evaluator, values
from deqmath.checking.matrices import DualMatrix, FieldMatrix
from deqmath.checking.sides import SidesTest
from deqmath.expressions.smooth import SmoothFunction, has_smooth, instance


@values.register(SmoothFunction)
def smooth_function(x: SmoothFunction, _ev: Evaluator, value: Any) -> Any:
    """``sigma^(k)(a + eps b) = sigma^(k)(a) + eps sigma^(k+1)(a) b``."""
    return _value(x.root, x.order, value)


def _value(root: str, order: int, x: Any) -> Any:
    if isinstance(x, DualMatrix):
        if x.is_constant:
            return DualMatrix(_value(root, order, x.a))
        return DualMatrix(_value(root, order, x.a), _value(root, order + 1, x.a) @ x.b)
    domain = x.domain
    y = domain.function(root + "'" * order, x.mat[0, 0])
    return FieldMatrix(domain, domain.matrix(1, 1, [y]))


def at_instances(test: SidesTest) -> SidesTest:
    """The test with every unspecified smooth function put to softplus: what fails there is false in general."""

    def put(x: Any) -> Any:
        if isinstance(x, tuple):
            return tuple(put(e) for e in x)
        if isinstance(x, list):
            return [put(e) for e in x]
        return instance(x, _softplus) if isinstance(x, Basic) and has_smooth(x) else x

    return replace(test, **{f.name: put(getattr(test, f.name)) for f in fields(test)})  # type: ignore[type-var, arg-type]


def _softplus(t: Expr) -> Expr:
    return log(1 + exp(t))
