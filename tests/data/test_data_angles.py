"""Duplicates and nearly parallel rows, found and measured where arccos has lost its digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deqmath.data import angles, duplicate_rows, smallest_angle
from deqmath.errors import InputError, ShapeError


@pytest.mark.parametrize("angle", [1e-13, 1e-9, 1e-4, 0.3, 1.5])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_planted_angles(angle, sign):
    rng = np.random.default_rng(0)
    frame, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    X = np.array([frame[0], frame[2], sign * (np.cos(angle) * frame[0] + np.sin(angle) * frame[1]), frame[3]])
    X *= np.array([[1.0], [3.0], [1e5], [1e-5]])
    found = smallest_angle(X)
    assert found.rows == (0, 2)
    assert found.opposite == (sign < 0)
    assert found.angle == pytest.approx(angle, rel=1e-6, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 12), d=st.integers(2, 5))
def test_against_every_pair(seed, n, d):
    X = np.random.default_rng(seed).standard_normal((n, d))
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    cosines = np.abs(unit @ unit.T)[np.triu_indices(n, 1)]
    assert smallest_angle(X).angle == pytest.approx(np.arccos(min(cosines.max(), 1.0)), abs=1e-7)


def test_blocks_see_pairs_across_them(monkeypatch):
    X = np.random.default_rng(2).standard_normal((50, 8))
    X[41] = X[3] + 1e-6 * X[7]
    whole = smallest_angle(X)
    monkeypatch.setattr(angles, "_BLOCK", 7)
    assert smallest_angle(X) == whole
    assert whole.rows == (3, 41)


def test_duplicates():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -0.0], [0.0, 1.0], [0.0, 1.0]])
    assert duplicate_rows(X) == ((0, 2), (1, 3), (1, 4))
    assert duplicate_rows(np.eye(4)) == ()
    assert smallest_angle(X).angle == 0.0


def test_refusals():
    assert smallest_angle([[1.0, 2.0]]) is None
    with pytest.raises(InputError, match=r"rows \[1\] of X are zero"):
        smallest_angle([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(ShapeError, match=r"X has shape \(2,\)"):
        duplicate_rows([1.0, 2.0])
    with pytest.raises(InputError, match="finite real numbers"):
        smallest_angle([[np.nan, 1.0]])


def test_cosines_that_round_alike_are_told_apart():
    """Forty pairs at 2e-9 and one at 1e-10: all cosines are 1 to round-off, and only the second look can tell."""
    rng = np.random.default_rng(1)
    base = rng.standard_normal((41, 5))
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    aside = np.array([np.linalg.qr(np.column_stack([x, rng.standard_normal(5)]))[0][:, 1] for x in base])
    angle = np.full((41, 1), 2e-9)
    for chosen in (0, 17, 40):
        angle[:] = 2e-9
        angle[chosen] = 1e-10
        found = smallest_angle(np.vstack([base, base + angle * aside]))
        assert found.rows == (chosen, chosen + 41)
        assert found.angle == pytest.approx(1e-10, rel=1e-4)
