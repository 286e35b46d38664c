"""Quadratic forms in boxes, judged by the conditions of their least values."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.numeric.complementarity import complementary


@pytest.mark.parametrize("rank", [1, 2, 5, 40])
@pytest.mark.parametrize("width", [1, 2, 6, 12, 30])
def test_complementarity_is_solved_whatever_the_rank(width, rank):
    """Also where k is singular, whose Newton steps are a billion boxes long."""
    rng = np.random.default_rng(width)
    rows = rng.standard_normal((400, width, rank))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    k, (u, y) = rows @ rows.swapaxes(1, 2), rng.standard_normal((2, 400, width))
    low, high = np.zeros_like(u), np.ones_like(u)
    low[::3, 1::5], high[::3, 1::5] = 0.25, 0.25  # no gate, as where units have fewer
    y = np.clip(y, low, high)
    found = complementary(k, u, y, low, high)
    assert np.all((found >= low) & (found <= high))
    left = u - (k @ (found - y)[:, :, None])[:, :, 0]
    at_low, at_high, free = found <= low + 1e-11, found >= high - 1e-11, high > low
    wrong = np.where(at_low, np.maximum(left, 0), np.where(at_high, np.maximum(-left, 0), np.abs(left)))
    assert np.max(wrong[free], initial=0.0) <= 1e-8 * np.max(np.abs(u))
