"""A naive evaluator for the tests: dense NumPy arrays, every matrix formed, nothing clever."""

from __future__ import annotations

from functools import reduce

import numpy as np
import sympy as sp
import sympy.matrices.expressions as mx
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

from deqmath.expressions import (
    Column,
    Commutation,
    Diag,
    DiagSelection,
    Elementwise,
    Gate,
    Placement,
    SoftmaxColumns,
    Total,
    Vec,
)
from deqmath.expressions.nodes import relu_scalar, step_scalar


def evaluate(e, values, dims):
    """The value of an expression; ``values`` by symbol name, ``dims`` by dimension symbol."""

    def size(k):
        return int(k.subs(dims))

    def scalar(x):
        inner = {a: sp.Float(go(a)[0, 0], 17) for a in x.atoms(sp.Trace, sp.Determinant)}
        inner |= {a: sp.Float(go(a.parent)[size(a.i), size(a.j)], 17) for a in x.atoms(MatrixElement)}
        x = x.xreplace(inner)
        named = {s: sp.Float(values[s.name], 17) for s in x.free_symbols - dims.keys() if s.name in values}
        return float(x.xreplace({**named, **{k: sp.Integer(v) for k, v in dims.items()}}))

    def entrywise(f, X):
        t = f.variables[0]
        known = {relu_scalar(t): lambda x: max(x, 0.0), step_scalar(t): lambda x: float(x > 0)}
        parameters = {s: sp.Float(values[s.name], 17) for s in f.expr.free_symbols - {t}}
        value = known.get(f.expr) or sp.lambdify(t, f.expr.xreplace(parameters), "math")
        return np.vectorize(value, otypes=[float])(X)

    def total(x):
        return sum(evaluate(x.term.subs(x.index, k), values, dims) for k in range(size(x.count)))

    def go(x):
        if isinstance(x, sp.MatrixSymbol):
            return np.asarray(values[x.name], dtype=float)
        if isinstance(x, mx.MatMul):
            c, ms = x.as_coeff_matrices()
            return scalar(sp.sympify(c)) * reduce(np.matmul, [go(f) for f in ms])
        if isinstance(x, mx.MatAdd):
            return sum(go(f) for f in x.args)
        if isinstance(x, mx.Inverse):
            return np.linalg.inv(go(x.arg))
        if isinstance(x, mx.MatPow):
            return np.linalg.matrix_power(go(x.base), int(x.exp))
        if isinstance(x, mx.Transpose):
            return go(x.arg).T
        if isinstance(x, mx.KroneckerProduct):
            return reduce(np.kron, [go(f) for f in x.args])
        if isinstance(x, mx.HadamardProduct):
            return reduce(np.multiply, [go(f) for f in x.args])
        if isinstance(x, mx.HadamardPower):
            return go(x.base) ** float(x.exp)
        if isinstance(x, (sp.Identity, sp.ZeroMatrix, mx.OneMatrix)):
            make = {sp.Identity: np.eye, sp.ZeroMatrix: np.zeros, mx.OneMatrix: np.ones}[type(x)]
            return make(size(x.rows)) if isinstance(x, sp.Identity) else make((size(x.rows), size(x.cols)))
        if isinstance(x, Gate):
            return np.diag((go(x.arg)[:, 0] > 0).astype(float))
        if isinstance(x, Diag):
            return np.diag(go(x.arg)[:, 0])
        if isinstance(x, Elementwise):
            return entrywise(x.function, go(x.arg))
        if isinstance(x, Vec):
            return go(x.arg).reshape(-1, 1, order="F")
        if isinstance(x, Column):
            return go(x.arg)[:, [size(x.index) if x.index.is_Integer else values[x.index.name]]]
        if isinstance(x, Total):
            return total(x)
        if isinstance(x, Commutation):
            p, q = size(x.args[0]), size(x.args[1])
            columns = [np.eye(p * q)[:, [k]].reshape(p, q, order="F").T.reshape(-1, 1, order="F") for k in range(p * q)]
            return np.hstack(columns)
        if isinstance(x, mx.DiagonalMatrix):
            return np.diag(np.diag(go(x.arg)))
        if isinstance(x, ElementwiseApplyFunction):
            return entrywise(x.function, go(x.expr))
        if isinstance(x, Placement):
            before, k, after = (size(s) for s in x.args)
            return np.vstack([np.zeros((before, k)), np.eye(k), np.zeros((after, k))])
        if isinstance(x, SoftmaxColumns):
            powers = np.exp(go(x.arg))
            return powers / powers.sum(axis=0)
        if isinstance(x, mx.BlockMatrix):
            return np.block([[go(t) for t in row] for row in x.blocks.tolist()])
        if isinstance(x, DiagSelection):
            k = size(x.args[0])
            return np.hstack([np.diag(np.eye(k)[j]).reshape(-1, 1, order="F") for j in range(k)])
        if isinstance(x, sp.Trace):
            return np.array([[np.trace(go(x.arg))]])
        if isinstance(x, sp.Determinant):
            return np.array([[np.linalg.det(go(x.arg))]])
        if getattr(x, "is_Matrix", False):
            return np.array(x.tolist(), dtype=float)
        raise AssertionError(type(x))

    return go(e) if getattr(e, "is_Matrix", False) else np.float64(scalar(e))
