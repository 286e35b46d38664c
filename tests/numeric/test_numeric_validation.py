"""What X and y may be: one clear line for everything else."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.errors import InputError, ShapeError
from deqmath.numeric import ReLUNetwork

NET = ReLUNetwork.random(width=6, inputs=2, gamma0=0.2, seed=0)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([1.0, 2.0], ShapeError, r"X has shape \(2,\); it needs \(n, d\), rows are samples.*reshape\(1, -1\)"),
        (3.0, ShapeError, r"X has shape \(\); it needs \(n, d\)"),
        (np.ones((2, 3)), ShapeError, r"X has shape \(2, 3\) but W has shape \(6, 2\).*inputs=3"),
        (np.ones((0, 2)), InputError, r"n = 0; at least one sample"),
        ([[1.0, np.nan]], InputError, r"X holds nan at index \[0, 1\].*np.isfinite"),
        ([[1.0, 0.0], [np.inf, 0.0]], InputError, r"X holds inf at index \[1, 0\]"),
        ([[1j, 0]], InputError, "X has dtype complex128; it needs real"),
        ([["a", "b"]], InputError, r"X has dtype <U1"),
        ([[True, False]], InputError, "X has dtype bool"),
        ([[1.0, 2.0], [3.0]], InputError, "X cannot be read as a rectangular array"),
        ([[object(), 1]], InputError, "X has dtype object"),
        (None, InputError, "X has dtype object"),
        ([[2**53 + 1, 0]], InputError, r"X holds integers beyond 2\*\*53"),
        (np.ma.masked_array([[1.0, 2.0]], mask=[[True, False]]), InputError, "X is a masked array"),
        (np.ones((1, 2), dtype=np.longdouble), InputError, "which float64 cannot hold"),
    ],
)
def test_bad_samples(X, error, message):
    for call in (NET.equilibrium, NET.predict, NET.gram, NET.adjoint, lambda X: NET.gradient(X, [1.0])):
        with pytest.raises(error, match=message) as caught:
            call(X)
        assert isinstance(caught.value, ValueError)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([1.0], ShapeError, r"y has shape \(1,\) but X has 2 rows"),
        ([[1.0], [2.0]], ShapeError, r"y has shape \(2, 1\); it needs 1 dimension; use y.reshape\(-1\)"),
        ([1.0, np.nan], InputError, r"y holds nan at index \[1\]"),
        (["a", "b"], InputError, "y has dtype"),
    ],
)
def test_bad_targets(y, error, message):
    for call in (NET.gradient, NET.loss):
        with pytest.raises(error, match=message):
            call(np.eye(2), y)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.uint8, np.int8])
def test_other_dtypes_are_promoted_without_loss(dtype):
    X = np.array([[1, 2], [3, 0]], dtype=dtype)
    assert np.array_equal(NET.predict(X), NET.predict(X.astype(float)))
    assert NET.predict(X).dtype == np.float64


@pytest.mark.parametrize("tol", [0.0, -1e-3, 1.0, np.nan, "1e-3", None])
def test_bad_tolerance(tol):
    with pytest.raises(InputError, match="tol is"):
        NET.equilibrium(np.eye(2), tol=tol)


@pytest.mark.parametrize("sweeps", [0, 2.5, True])
def test_bad_sweeps(sweeps):
    with pytest.raises(InputError, match="max_sweeps is"):
        NET.equilibrium(np.eye(2), max_sweeps=sweeps)


def test_the_input_is_not_changed():
    X = np.eye(2)
    X.setflags(write=False)
    NET.gram(X)
    assert np.array_equal(X, np.eye(2))
