"""What the tests of the trainer share: the 60-digit reference values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork


@dataclass(frozen=True)
class Oracle:
    """The ReLU network of ``small_networks.json``: made without any formula of the papers but that of q."""

    raw: dict[str, Any]

    def rational(self, name: str) -> list[list[Fraction]]:
        return [[Fraction(entry) for entry in row] for row in self.raw["inputs"][name]]

    def floats(self, name: str) -> np.ndarray:
        return np.array([[float(entry) for entry in row] for row in self.rational(name)])

    def output(self, name: str) -> np.ndarray:
        """A float64 rounding of an output."""
        value = self.raw["outputs"][name]
        return np.array([[float(x) for x in row] for row in value]) if isinstance(value, list) else float(value)

    @cached_property
    def X(self) -> np.ndarray:
        X = self.floats("X_before_normalising")
        return X / np.linalg.norm(X, axis=1, keepdims=True)

    @cached_property
    def y(self) -> np.ndarray:
        return self.floats("y")[:, 0]

    def network(self, *trainable: str) -> ReLUNetwork:
        return ReLUNetwork(
            A=self.floats("A"),
            W=self.floats("W"),
            b=self.floats("b")[:, 0],
            gamma=1 / 20,
            trainable=trainable or ("A",),
        )


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    path = Path(__file__).parents[1] / "oracles" / "small_networks.json"
    return Oracle(json.loads(path.read_text())["relu"])


@pytest.fixture
def small() -> tuple[ReLUNetwork, np.ndarray, np.ndarray]:
    """A small network with unit samples and labels."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((5, 4))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return ReLUNetwork.random(width=24, inputs=4, gamma0=0.25, seed=3), X, np.sign(rng.standard_normal(5))
