"""Values of unspecified smooth functions: ``sigma(v)``, ``sigma'(v)``, ... are free atoms, one for each v.

Any finite set of values and derivatives is taken by some smooth function, so an identity that
holds for free atoms holds for every smooth sigma, and conversely.
"""

from __future__ import annotations

from typing import Any

from deqmath.checking.evaluation import Evaluator, values
from deqmath.checking.matrices import DualMatrix, FieldMatrix
from deqmath.expressions.smooth import SmoothFunction


@values.register(SmoothFunction)
def smooth_function(x: SmoothFunction, ev: Evaluator) -> Any:
    """``sigma^(k)(a + eps b) = sigma^(k)(a) + eps sigma^(k+1)(a) b``."""
    return _value(x.root, x.order, ev(x.args[0]))


def _value(root: str, order: int, x: Any) -> Any:
    if isinstance(x, DualMatrix):
        return DualMatrix(_value(root, order, x.a), _value(root, order + 1, x.a) @ x.b)
    domain = x.domain
    y = domain.function(root + "'" * order, x.mat[0, 0])
    return FieldMatrix(domain, domain.matrix(1, 1, [y]))
