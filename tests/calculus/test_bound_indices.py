"""Indices of sums: none leaves its sum, none is taken by another sum, none is equal to a symbol of a user."""

from __future__ import annotations

import pickle
from random import Random

import numpy as np
import pytest
import sympy as sp
from sympy import Identity, MatrixSymbol, Symbol, Trace, ZeroMatrix
from sympy.matrices.expressions import Inverse

import deqmath as dm
from deqmath.calculus.algebra import BoundIndex, canonical, depends_on_bound_index, freshen
from deqmath.calculus.expression import to_expr
from deqmath.calculus.norm_calculus import least_singular_value, norm_calculus
from deqmath.calculus.normal_form import normal_form, proves_equal, simplified
from deqmath.calculus.polynomial import Monomial
from deqmath.calculus.proof_form import proof_form
from deqmath.errors import InputError
from deqmath.expressions import Column, Total, column, softmax_columns, total

m, n = dm.dim("m"), dm.dim("n")
i, j, k = (Symbol(x, integer=True) for x in "ijk")
A, X, Y, u = MatrixSymbol("A", m, m), MatrixSymbol("X", m, n), MatrixSymbol("Y", m, n), MatrixSymbol("u", m, 1)
b, c = MatrixSymbol("b", 1, n), MatrixSymbol("c", 1, n)
VALUES = {
    A: np.array([[0.5, -1.0], [0.3, 0.8]]), X: np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 1.0]]) / 2,
    Y: np.array([[1.0, 0.2, 2.0], [-0.3, 0.1, 1.0]]) / 2, u: np.array([[0.7], [-0.4]]),
    b: np.array([[0.5, 1.25, 2.0]]), c: np.array([[1.0, -0.75, 0.25]]),
}  # fmt: skip


def value(e):
    if e.is_ZeroMatrix:
        return np.zeros((1, 1))
    given = {s: x for s, x in VALUES.items() if s in e.atoms(MatrixSymbol)}
    return np.array(dm.evaluate(e, {**given, m: 2, n: 3}, digits=16).tolist(), dtype=float)


def alike(x, y):
    return x.shape == y.shape and np.allclose(x, y, rtol=1e-9, atol=1e-9 * (1 + np.abs(x).max()))


def tanh(x):
    return dm.elementwise(sp.tanh, x)


def centred(weight, x, how=lambda x: x):
    """``sum_i w_i (n x_i - sum_j x_j)``: 0 where w does not depend on i."""
    return total(weight * how(n * column(x, i) - total(column(x, j), j, n)), i, n)


WEIGHTS = {
    "inverse": Inverse(dm.one() + column(b, i)),
    "inverse of an inverse": Inverse(dm.one() + Inverse(dm.one() + column(b, i))),
    "inverse of a function": Inverse(2 * dm.one() + tanh(column(b, i))),
    "softmax": u.T * softmax_columns(column(X, i)),
    "inverse of a sum": Inverse(dm.one() + total(tanh(column(b, i) * column(b, j)) ** 2, j, n)),
    "inverse beside a product": Inverse(dm.one() + column(X, i).T * column(X, i)),
}


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize(
    "how", [lambda x: x, lambda x: dm.elementwise(lambda t: 2 * t, x)], ids=["plain", "linear map"]
)
def test_a_scalar_that_depends_on_the_index_stays_in_its_sum(weight, how):
    e = centred(weight, c, how)
    assert abs(value(e)).max() > 0.01
    assert not proves_equal(e, ZeroMatrix(1, 1))
    assert alike(value(to_expr(proof_form(normal_form(e)))), value(e))
    assert proves_equal(centred(u.T * u, c, how), ZeroMatrix(1, 1))


def test_the_false_statement_is_refuted_and_not_derived():
    e = centred(WEIGHTS["inverse"], c, lambda x: dm.elementwise(lambda t: 2 * t, x))
    assert dm.check_equal(e, ZeroMatrix(1, 1)).status == "refuted"


@pytest.mark.parametrize("make", [
    lambda x: dm.relu(x * Inverse(dm.one() + column(b, i))),
    lambda x: dm.relu(x * Inverse(x.T * x)),
    lambda x: dm.elementwise(lambda t: t**2 - t, x * Inverse(x.T * x)),
    lambda x: softmax_columns(x) * column(b, i),
    lambda x: dm.diag(x * Inverse(dm.one() + column(b, i))) * u,
    lambda x: dm.elementwise(lambda t: t**2 - t, x * Inverse(dm.one() + column(b, i))),
])  # fmt: skip
def test_the_proof_form_has_the_value_of_the_sum(make):
    e = total(make(column(X, i)), i, n)
    found = to_expr(proof_form(normal_form(e)))
    assert not any(isinstance(s, BoundIndex) for s in found.free_symbols)
    assert alike(value(found), value(e))


@pytest.mark.parametrize("name", ["#0", "#1", "#in0", "#fresh0", "#other", "#this"])
def test_no_symbol_of_a_user_is_a_bound_index(name):
    free = Symbol(name, integer=True)
    mine, other = total(column(X, i) * column(c, free), i, n), total(column(X, i) * column(c, i), i, n)
    assert not proves_equal(mine, other)
    assert free in simplified(mine).free_symbols
    assert BoundIndex(name, integer=True) != free


def test_a_bound_index_is_the_same_in_another_process():
    index = BoundIndex("#0", integer=True)
    assert pickle.loads(pickle.dumps(index)) == index


def nested(first, second, outer=i, inner=j):
    """``tanh(sum_i tanh(sum_j tanh((x_j + y_first) o z_second)))``."""
    term = tanh(dm.hadamard(column(X, inner) + column(Y, first), column(X, second)))
    return tanh(total(tanh(total(term, inner, n)), outer, n))


def test_an_index_is_not_taken_by_a_sum_inside():
    """In the proof form of a sum in a sum in a function both indices were called i."""
    one, other = nested(i, j), nested(j, i)
    assert not alike(value(one), value(other))
    for e in (one, other):
        assert alike(value(to_expr(proof_form(normal_form(e)))), value(e))
        assert alike(value(simplified(e)), value(e))
    assert not proves_equal(one, other)
    assert proves_equal(one, nested(j, i, outer=j, inner=i))
    assert proves_equal(one, nested(k, j, outer=k))


def test_three_sums_in_one_another():
    inner = tanh(dm.hadamard(column(X, k), column(Y, j)) + column(X, i))
    e = tanh(total(tanh(total(tanh(total(inner, k, n)), j, n)), i, n))
    for found in (simplified(e), to_expr(proof_form(normal_form(e)))):
        assert alike(value(found), value(e))


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_the_laws_still_apply_beside_such_a_scalar(weight):
    doubled = dm.elementwise(lambda t: 2 * t, column(c, i))
    assert proves_equal(total(weight * doubled, i, n), 2 * total(weight * column(c, i), i, n))


def test_two_names_that_change_places_when_renamed():
    """A new name that stands inside as the index of another sum."""
    reserved = [BoundIndex(f"#{x}", integer=True) for x in (0, 1)]
    inside = tanh(Total(tanh(Column(X, reserved[0]) + Column(Y, i)), reserved[0], n))
    found = canonical((inside,), (), ((i, n),))
    ((index, _),) = found.binders
    assert alike(
        value(total(tanh(total(tanh(column(X, j) + column(Y, i)), j, n)), i, n)), value(Total(found.word[0], index, n))
    )
    fresh = freshen(found)
    assert fresh.binders != found.binders
    assert alike(value(Total(fresh.word[0], fresh.binders[0][0], n)), value(Total(found.word[0], index, n)))


def test_a_name_that_a_sum_further_out_binds_is_left_alone():
    outer = BoundIndex("#0", integer=True)
    found = canonical((Column(X, i),), ((Column(c, outer),),), ((i, n),))
    assert found.binders[0][0] != outer
    assert found.traces == ((Column(c, outer),),)
    assert depends_on_bound_index(found.traces[0][0])
    assert not depends_on_bound_index(Total(Column(c, outer), outer, n))
    assert canonical((Column(X, i),), (), ((i, n),)) == Monomial((Column(X, outer),), (), ((outer, n),))


class Expressions:
    """Columns and numbers made of columns i: sums, functions, 1 x 1 inverses, traces, logarithms."""

    def __init__(self, seed):
        self.random = Random(seed)

    def total(self, make, bound):
        index = self.random.choice((i, j, k))
        return total(make([x for x in bound if x != index] + [index]), index, n)

    def column(self, depth, bound):
        pick = self.random.choice
        if depth <= 0:
            return column(pick((X, Y)), pick(bound)) if bound and self.random.random() < 0.85 else u
        d = depth - 1
        return pick((
            lambda: A * self.column(d, bound),
            lambda: dm.hadamard(self.column(d, bound), self.column(d, bound)),
            lambda: tanh(self.column(d, bound)),
            lambda: softmax_columns(self.column(d, bound)),
            lambda: self.total(lambda inside: self.column(d, inside), bound),
            lambda: self.column(d, bound) - 2 * self.column(d, bound),
            lambda: self.column(d, bound) * self.number(d, bound),
            lambda: dm.relu(column(X, pick(bound)) if bound else u),
            lambda: Inverse(3 * Identity(m) + dm.diag(tanh(self.column(d, bound)))) * self.column(d, bound),
        ))()  # fmt: skip

    def number(self, depth, bound):
        pick = self.random.choice
        if depth <= 0:
            return column(pick((b, c)), pick(bound)) if bound and self.random.random() < 0.85 else u.T * u
        d = depth - 1
        return pick((
            lambda: Inverse(3 * dm.one() + tanh(self.number(d, bound))),
            lambda: Inverse(2 * dm.one() + dm.elementwise(lambda t: t**2, self.number(d, bound))),
            lambda: Trace(self.column(d, bound) * self.column(d, bound).T) * dm.one(),
            lambda: self.number(d, bound) * self.number(d, bound),
            lambda: self.number(d, bound) + n * self.number(d, bound),
            lambda: self.total(lambda inside: self.number(d, inside), bound),
            lambda: dm.elementwise(lambda t: sp.log(1 + t**2), self.number(d, bound)),
            lambda: dm.elementwise(lambda t: 2 * t, self.number(d, bound)),
        ))()  # fmt: skip

    def sum(self):
        kind = self.random.choice(("number", "column", "centred"))
        if kind == "centred":
            return centred(self.number(2, [i]), self.random.choice((b, c)))
        return self.total(lambda inside: getattr(self, kind)(3, inside), [])

    def moved(self, e):
        """The expression with one kind of column changed."""
        x = self.random.choice(sorted(e.atoms(Column), key=str))
        swap = {X: Y, Y: X, b: c, c: b}
        return e.xreplace({x: Column(swap.get(x.arg, x.arg), self.random.choice((i, j, k)))})


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_no_false_proof_of_random_sums(first):
    """The simplified form and the proof form have the value of the expression; what is proved equal is equal."""
    looked = 0
    for seed in range(first, first + 20):
        made = Expressions(seed)
        e = made.sum()
        try:
            p = normal_form(e)
        except InputError:  # a coefficient that depends on the index of its own sum is refused
            continue
        looked += 1
        here = value(e)
        assert alike(value(simplified(e)), here), seed
        assert alike(value(to_expr(proof_form(p))), here), seed
        assert proves_equal(e, simplified(e)), seed
        other = made.moved(e) if e.atoms(Column) else e
        for rhs in (other, ZeroMatrix(*e.shape)) if e.shape == (1, 1) else (other,):
            if not rhs.free_symbols & {i, j, k} and not alike(value(rhs), here):
                assert not proves_equal(e, rhs), seed
    assert looked >= 15


# Norms of inverses ------------------------------------------------------------------------------------------------


def test_the_norm_of_a_shifted_inverse():
    a = Symbol("norm_A", nonnegative=True)
    for shift, expected in (
        (2, 1 / (2 - a)),
        (-3, 1 / (3 - a)),
        (sp.Rational(1, 2), 1 / (sp.Rational(1, 2) - a)),
        (1, 1 / (1 - a)),
    ):
        found = norm_calculus(Inverse(shift * Identity(m) - A))
        assert sp.simplify(found.bound - expected) == 0
        assert [sp.simplify(x - a / abs(shift)) for x in found.contractions] == [0]
    assert least_singular_value(2 * Identity(m) - A) == 2 - a


def test_the_bound_of_a_shifted_inverse_holds():
    rng = np.random.default_rng(0)
    found = norm_calculus(Inverse(2 * Identity(m) - A))
    (size,) = found.contractions
    a = Symbol("norm_A", nonnegative=True)
    for _ in range(50):
        M = rng.normal(size=(3, 3))
        M *= rng.uniform(0, 1.99) / np.linalg.norm(M, 2)
        norm = np.linalg.norm(M, 2)
        assert size.subs(a, norm) < 1
        assert np.linalg.norm(np.linalg.inv(2 * np.eye(3) - M), 2) <= float(found.bound.subs(a, norm)) * (1 + 1e-12)


@pytest.mark.parametrize("x", [A, Identity(m) + 2 * dm.gate(u), A + A.T])
def test_a_contraction_that_can_never_hold_is_refused(x):
    with pytest.raises(InputError, match="never below 1"):
        norm_calculus(Inverse(x))


def test_what_an_inverse_inside_needs_is_needed():
    inside = Inverse(3 * Identity(m) - A)
    found = norm_calculus(Inverse(2 * Identity(m) - inside))
    a = Symbol("norm_A", nonnegative=True)
    assert a / 3 in found.contractions
    assert len(found.contractions) == 2
    with pytest.raises(InputError, match="no inverse in M"):
        least_singular_value(2 * Identity(m) - inside)
