"""Random expressions in generated NumPy: every layout, dtype and batch against the code without passes; one bad entry anywhere."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sympy import Identity, Inverse, MatrixSymbol, Symbol, Trace, exp, tanh

import deqmath as dm
from deqmath.codegen.passes import PIPELINE

from .cases import A, B, Phi, Q, V, Z, b, gamma, i, m, n, p, phi, r, values, z
from .test_random_expressions import Grammar

SIZES = ({m: 4, n: 3, p: 2}, {m: 1, n: 1, p: 1})


class NumpyGrammar(Grammar):
    """More of what NumPy's text has special lines for: products with columns, gates that pick rows, loops, outer products."""

    def column(self, k):
        if k <= 0 or self.random.random() < 0.5:
            return super().column(k)
        c, gate = self.column, self.gate
        sample = dm.gate(gamma * A * dm.column(Z, i) + dm.column(Phi, i))
        return self.one_of(
            lambda: c(k - 1) + self.scalar() * A * c(k - 1),
            lambda: phi + gamma * A * z,
            lambda: V * c(k - 1) - self.random.choice([A, B, V]).T * c(k - 2),
            lambda: dm.elementwise(tanh, c(k - 1)),
            lambda: dm.elementwise(exp, c(k - 1) / 8),
            lambda: dm.hadamard(V * c(k - 1), A * c(k - 2)),
            lambda: Inverse(Identity(m) - gamma / 8 * gate(k - 1) * A).T * c(k - 1),
            lambda: dm.total(r[i, 0] * sample * c(k - 1), i, n),
            lambda: dm.total(
                Inverse(Identity(m) - gamma / 8 * sample * A).T * c(k - 1) * (dm.column(Q, i).T * b), i, n
            ),
            lambda: Trace(V * A) * c(k - 1) + b,
        )

    def square(self, k):
        if k <= 0 or self.random.random() < 0.7:
            return super().square(k)
        s = self.square
        return self.one_of(
            lambda: dm.hadamard(s(k - 1) * s(k - 1), s(k - 1)),
            lambda: gamma**2 / m * dm.hadamard(Z * Q.T, A * B),
            lambda: Inverse(Identity(m) + s(k - 1) * A / 8) * B,
            lambda: Inverse(A) * s(k - 1) * Inverse(A.T),
            lambda: dm.relu(s(k - 1)) * s(k - 1),
            lambda: Inverse(A.T) + self.column(k - 1) * (Inverse(A) * self.column(k - 1)).T,
            lambda: dm.diag(self.column(k - 1)) * s(k - 1) * self.gate(k - 1),
        )


def _drawn(seed, count):
    grammar, found = NumpyGrammar(seed), []
    while len(found) < count:
        try:
            e = grammar.expression()
        except (AttributeError, TypeError):  # SymPy cannot take the scalar out of some Kronecker products
            continue
        inside = any(Symbol("i", integer=True) in t.free_symbols for t in e.atoms(Trace))
        found += [e] if e.atoms(MatrixSymbol) and not inside else []
    return found


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "plain": np.array,
    "columns_first": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "read_only": _read_only,
    "open": lambda x: 3 * np.abs(x),
    "closed": lambda x: -3 * np.abs(x),
    "single": np.float32,
}


def _cut(given, dims):
    """The arguments, of size (4, 3, 2) as they come, cut to a smaller size."""
    sizes = {4: dims[m], 3: dims[n], 2: dims[p], 1: 1}
    return {k: x[..., : sizes[x.shape[-2]], : sizes[x.shape[-1]]] if np.ndim(x) > 1 else x for k, x in given.items()}


def _variants(names, rng, dims):
    one, many = (_cut(values(names, rng, batch), dims) for batch in ((), (2,)))
    one = {k: float(x) if np.ndim(x) == 0 and k == "gamma" else x for k, x in one.items()}
    for layout, change in LAYOUTS.items():
        columns_only = layout in ("open", "closed")
        yield {k: change(x) if np.ndim(x) and not (columns_only and k in "ABV") else x for k, x in one.items()}
    if "gamma" in one:
        yield from ({**one, "gamma": x} for x in (0.0, -0.0, 1e-310))
    yield many
    for _ in range(4):
        yield {k: many[k] if rng.random() < 0.5 else x for k, x in one.items()}


def _results(function, given):
    got = function(**given)
    return got if isinstance(got, tuple) else (got,)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_without_passes_and_nothing_is_shared_or_changed(seed):
    first, *others = _drawn(seed, 4)
    expressions = {"f": first, "g": (*others, others[0])}
    fast, slow = (dm.generate(expressions, without=w).load() for w in ((), tuple(PIPELINE)))
    rng = np.random.default_rng(seed)
    for name in expressions:
        names = list(inspect.signature(getattr(fast, name)).parameters)
        for given in (x for dims in SIZES for x in _variants(names, rng, dims)):
            before = {k: np.array(x) for k, x in given.items()}
            results, wanted = _results(getattr(fast, name), given), _results(getattr(slow, name), given)
            for k, (got, want) in enumerate(zip(results, wanted, strict=True)):
                rtol = 1e-9 if want.dtype == np.float64 else 1e-3
                assert (got.shape, got.dtype) == (want.shape, want.dtype)
                np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * np.abs(want).max())
                held = [x for x in (*given.values(), *results[:k]) if isinstance(x, np.ndarray)]
                assert got.ndim == 0 or (got.flags.writeable and not any(np.shares_memory(got, x) for x in held))
            assert all(np.array_equal(before[k], given[k]) for k in given)


@pytest.mark.parametrize("seed", range(100, 105))
def test_one_bad_entry_anywhere_is_named(seed):
    first, *others = _drawn(seed, 3)
    module = dm.generate({"f": first, "g": tuple(others)}).load()
    rng = np.random.default_rng(seed)
    for function in (module.f, module.g):
        names = list(inspect.signature(function).parameters)
        single, many = (_cut(values(names, rng, batch), SIZES[0]) for batch in ((), (2,)))
        zeros = {k: np.zeros_like(x) if np.ndim(x) > 1 and k not in "AB" else x for k, x in single.items()}
        for given in (single, many, zeros):
            for key, index in ((k, at) for k in names for at in np.ndindex(np.shape(given[k]))):
                if key in ("m", "n", "p"):
                    continue
                for bad in (np.nan, np.inf, -np.inf):
                    spoiled = np.array(given[key], dtype=float)
                    spoiled[index] = bad
                    with pytest.raises(ValueError, match=rf"^{key}: received") as error:  # a warning is an error here
                        function(**{**given, key: spoiled})
                    assert str(index) in str(error.value)
