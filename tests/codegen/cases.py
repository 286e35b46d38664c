"""The expressions that every test of code generation runs over, and random values for them."""

from __future__ import annotations

import numpy as np
from sympy import (
    Determinant,
    HadamardProduct,
    Identity,
    Inverse,
    Matrix,
    MatrixSymbol,
    OneMatrix,
    Symbol,
    Trace,
    exp,
    log,
    sqrt,
    tanh,
)
from sympy.matrices.expressions import DiagonalMatrix

import deqmath as dm
from deqmath.expressions import DiagSelection, Placement

m, n, p = dm.dim("m"), dm.dim("n"), dm.dim("p")
gamma, c, i, j = Symbol("gamma"), Symbol("c"), Symbol("i", integer=True), Symbol("j", integer=True)
A, B, V = (MatrixSymbol(k, m, m) for k in "ABV")
z, phi, b, w = (MatrixSymbol(k, m, 1) for k in ("z", "phi", "b", "w"))
Z, Phi, Q = (MatrixSymbol(k, m, n) for k in ("Z", "Phi", "Q"))
r, y = MatrixSymbol("r", n, 1), MatrixSymbol("y", 1, n)
E = MatrixSymbol("E", 2, m)
F, G = MatrixSymbol("F", p, m), MatrixSymbol("G", m, p)

DIMS = {m: 4, n: 3, p: 2}
D = dm.gate(gamma * A * z + phi)
U = Identity(m) - gamma * D * A
R = Inverse(U) * D
J10 = gamma * dm.kron(z.T, R)
J11 = gamma * dm.kron(R.T, (R.T * b).T)
H = (gamma**2 / m) * HadamardProduct(Z.T * Z, Q.T * Q)
zi, qi, fi = dm.column(Z, i), dm.column(Q, i), dm.column(Phi, i)
Di = dm.gate(gamma * A * zi + fi)
Ui = Identity(m) - gamma * Di * A

CASES = {
    "jacobian10": J10,
    "jvp10": J10 * dm.vec(V),
    "vjp10": b.T * J10,
    "vjp10_column": J10.T * b,
    "jacobian11": J11,
    "jvp11": J11 * dm.vec(V),
    "vjp11": J11.T * w,
    "matrix_vjp10": F * J10,
    "push_through": D * Inverse(Identity(m) - gamma * A * D),
    "gram": H,
    "gradient": -(gamma / sqrt(m)) * dm.total(dm.column(r.T, i) * 1 * qi.T * w, i, n),
    "flow6": -(gamma / sqrt(m)) * dm.total(qi * dm.column(r.T, i) * zi.T, i, n),
    "flow6_entries": dm.total(r[i, 0] * qi * zi.T, i, n),
    "flow6_vec": dm.total(y[0, i] * dm.kron(zi, qi), i, n),
    "sum_of_columns": dm.total(zi, i, n),
    "weighted_columns": dm.total(r[i, 0] * A * zi, i, n),
    "sum_with_dots": dm.total(qi * (zi.T * b) * zi.T * A, i, n),
    "sum_of_scalars": dm.total(zi.T * qi, i, n),
    "sum_of_squares": dm.total((zi.T * qi) * (zi.T * qi), i, n),
    "sum_of_gates": dm.total(Di * phi, i, n),
    "sum_of_matrices": dm.total(Di * A, i, n),
    "sum_of_constants": dm.total(A * z, i, n),
    "per_sample_solves": -(gamma / sqrt(m)) * dm.total(r[i, 0] * (Di * Inverse(Ui).T * b) * zi.T, i, n),
    "per_sample_jvp": dm.total(b.T * Inverse(Ui) * Di * V * zi, i, n),
    "per_sample_relu": dm.total(dm.relu(gamma * A * zi + phi) * fi.T, i, n),
    "double_sum": dm.total(dm.total(qi * (zi.T * dm.column(Z, j)) * dm.column(Q, j).T, j, n), i, n),
    "one_column": A * dm.column(Z, 1) - dm.column(Z, 0),
    "two_solves": Inverse(A) * z * (Inverse(A.T) * b).T,
    "right_solve": F * Inverse(Identity(m) - gamma * A),
    "solve_twice": Inverse(A) * Inverse(A) * z,
    "only_inverse": Inverse(A + Identity(m)),
    "inverse_and_solve": Inverse(A) + Inverse(A) * z * z.T,
    "symmetric_sum": A + A.T - 2 * Identity(m),
    "diagonals": dm.diag(z) * A * dm.diag(phi) + dm.diag(b),
    "diagonal_inverse": Inverse(dm.diag(b)) * z,
    "chain": F * A * B * z,
    "quadratic": z.T * A * z,
    "powers": A**3 * z,
    "smooth": dm.elementwise(tanh, A * z + phi),
    "softplus": dm.elementwise(lambda t: log(1 + exp(t)), A * z),
    "sigmoid_gate": dm.diag(dm.elementwise(lambda t: 1 / (1 + exp(-t)), A * z)) * b,
    "commuted": dm.commutation(p, m) * dm.vec(F),
    "commuted_kron": dm.kron(A, F) * dm.commutation(m, m) * dm.vec(V),
    "commutation": dm.commutation(m, p),
    "selection": dm.kron(A, B) * DiagSelection(m) * z,
    "selection_back": DiagSelection(m).T * dm.vec(A * B),
    "selection_between": DiagSelection(m).T * dm.kron(A, B) * DiagSelection(m),
    "selection_rows": DiagSelection(m).T * dm.kron(A, B.T),
    "selection_columns": dm.kron(F, A) * DiagSelection(m),
    "selection_of_a_matrix": DiagSelection(m) * A * G,
    "selection_of_rows": (F * DiagSelection(m).T * dm.commutation(m, m)).T,
    "ridge": Inverse(G * G.T + Identity(m) / 2) * z,
    "definite": F * Inverse(A.T * A + Identity(m)) * B,
    "low_rank": Inverse(dm.diag(dm.elementwise(exp, z)) + G * F) * b,
    "low_rank_transposed": w.T * Inverse(2 * Identity(m) - gamma * G * F),
    "kron_times_matrix": dm.kron(A, F) * dm.kron(B, G),
    "kron_times_dense": dm.kron(F, A) * dm.vec(V) * z.T,
    "kron_of_three": dm.kron(z.T, F, A),
    "kron_sum": (dm.kron(Identity(m), A) + dm.kron(B.T, Identity(m))) * dm.vec(V),
    "kron_inverse": Inverse(dm.kron(A, B)) * dm.vec(V),
    "dense_kron_sum": dm.kron(Identity(m), A) + dm.kron(B.T, Identity(m)),
    "ones": OneMatrix(1, m) * A - z.T,
    "constant": Matrix([[1, 2], [3, 4]]) * E * z,
    "trace": Trace(A * B * V),
    "logdet": log(Determinant(Identity(m) + A * A.T)) * c,
    "scalar_of_dims": sqrt(m) * c + m**2,
    "leaky": dm.expressions.leaky_relu(A * z, c),
    "parameter": dm.diag(dm.elementwise(lambda t: tanh(gamma * t) + c, A * z)) * b,
    "softmax": Inverse(Identity(m) - dm.expressions.softmax_columns(A) / 2) * z,
    "placed": Placement(p, m, 1) * z,
    "blocks": dm.expressions.blocks([[A, z], [b.T, 0]]) * dm.expressions.blocks([[z], [z.T * b]]),
    "diagonal_part": DiagonalMatrix(A * B) * V,
    "applied": (A * z).applyfunc(lambda t: t**2 + 1),
    "sum_in_front": (z.T * b - w.T * phi) * (z.T * A),
    "residuals_in_front": dm.total(qi * (b.T * zi - dm.column(r.T, i)) * zi.T, i, n),
    "plain_argument": A,
    "zero": A - A + 0 * B,
}


def values(names, rng, batch=()):
    """Random arguments by name: square matrices near the identity, scalars in (0.3, 0.6)."""
    out = {}
    for symbol in (A, B, V, z, phi, b, w, Z, Phi, Q, r, y, E, F, G):
        shape = tuple(int(k.subs(DIMS)) for k in symbol.shape)
        one = np.eye(shape[0]) if symbol in (A, B) else 0.0
        out[symbol.name] = one + 0.4 * rng.standard_normal((*batch, *shape))
    out |= {"gamma": 0.3 + 0.3 * rng.random(batch)[()], "c": 0.3 + 0.3 * rng.random(batch)[()], "n": 3, "m": 4, "p": 2}
    return {k: out[k] for k in names}
