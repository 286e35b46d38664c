"""The parameters of the softmax network: validated, frozen, with the matrices that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from deqmath.errors import InputError, NotWellPosedError, ShapeError
from deqmath.numeric.arrays import Array, Namespace, is_numpy, namespace
from deqmath.numeric.initialisation import Seed, seed_sequence
from deqmath.numeric.parameters import WithoutCaches, same_library, same_numbers
from deqmath.numeric.validate import count, parameter_names, positive, real_array


def column_softmax(A: Array) -> Array:
    """``S_ij = exp(A_ij) / sum_k exp(A_kj)``, shifted by each column's maximum so that nothing overflows (k21).

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.numeric.softmax_parameters import column_softmax
    >>> column_softmax(np.array([[1000.0, 0.0], [1000.0, -2000.0]]))
    array([[0.5, 1. ],
           [0.5, 0. ]])
    """
    xp = namespace(A)
    E = xp.exp(A - xp.max(A, axis=0, keepdims=True))
    return E / xp.sum(E, axis=0, keepdims=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class SoftmaxParameters(WithoutCaches):
    """What :class:`~deqmath.numeric.softmax.SoftmaxNetwork` holds; its docstring says what each field is."""

    A: Array
    B: Array
    gamma: float
    trainable: tuple[str, ...] = ("A", "B")

    def __post_init__(self) -> None:
        """Validate, copy to float64 and freeze."""
        A, B = real_array(self.A, "A", 2), real_array(self.B, "B", 2)
        m = A.shape[0]
        if m == 0 or A.shape[1] != m or B.shape[0] == 0 or B.shape[1] != m:
            msg = (
                f"A has shape {tuple(A.shape)} and B {tuple(B.shape)}; they need (m, m) and (p, m) with m, p >= 1, as "
                "in SoftmaxNetwork.random(width=m, outputs=p, gamma=0.5)"
            )
            raise ShapeError(msg)
        if namespace(A) is not namespace(B):
            msg = "A and B belong to different array libraries; convert them to one of them first"
            raise InputError(msg)
        xp = namespace(A, B)
        for name, value in (("A", A), ("B", B)):
            copied = xp.asarray(value, copy=True)
            if is_numpy(xp):
                copied.setflags(write=False)
            object.__setattr__(self, name, copied)
        gamma = positive(self.gamma, "gamma")
        if not gamma < 1:
            msg = f"gamma is {gamma!r}; the softmax equilibrium needs 0 < gamma < 1, for example gamma=0.5"
            raise NotWellPosedError(msg)
        object.__setattr__(self, "gamma", gamma)
        object.__setattr__(self, "trainable", parameter_names(self.trainable, ("A", "B")))

    @classmethod
    def random(
        cls,
        *,
        width: int,
        inputs: int | None = None,
        outputs: int = 1,
        gamma: float = 0.5,
        seed: Seed = 0,
        trainable: tuple[str, ...] = ("A", "B"),
    ) -> Self:
        """A network with ``A_ij ~ N(0, 1)`` and ``B_ij ~ N(0, 1/m)``.

        Parameters
        ----------
        width
            m.
        inputs
            The number of entries of phi(x), which is m; may be left out.
        outputs
            p.
        gamma
            Between 0 and 1.
        seed
            Integer >= 0 or `numpy.random.SeedSequence`; equal seeds give equal bits.
        trainable
            As in the constructor.

        Examples
        --------
        >>> from deqmath.numeric import SoftmaxNetwork
        >>> SoftmaxNetwork.random(width=4, outputs=2, seed=0).B.shape
        (2, 4)
        """
        m, p = count(width, "width"), count(outputs, "outputs")
        if inputs is not None and count(inputs, "inputs") != m:
            msg = f"inputs is {inputs}, but the inputs of the softmax network are phi(x), of width m = {m}; use width={inputs}"
            raise InputError(msg)
        base = seed_sequence(seed)
        streams = [
            np.random.Generator(np.random.PCG64(np.random.SeedSequence(base.entropy, spawn_key=(*base.spawn_key, k))))
            for k in range(2)
        ]
        A = streams[0].standard_normal((m, m))
        B = streams[1].standard_normal((p, m)) / math.sqrt(m)
        return cls(A=A, B=B, gamma=gamma, trainable=trainable)

    @cached_property
    def xp(self) -> Namespace:
        """The array namespace of the parameters."""
        return namespace(self.A)

    @property
    def width(self) -> int:
        """m."""
        return int(self.A.shape[0])

    @property
    def outputs(self) -> int:
        """p."""
        return int(self.B.shape[0])

    @cached_property
    def S(self) -> Array:
        """The softmax of A down each column, shape (m, m), ``1^T S = 1^T``."""
        return column_softmax(self.A)

    @cached_property
    def U(self) -> Array:
        """``U = I - gamma S``, shape (m, m), invertible for every A, ``||U^{-1}||_1 = 1/(1 - gamma)``."""
        return self.xp.eye(self.width, dtype=self.xp.float64) - self.gamma * self.S

    @cached_property
    def Wbar(self) -> Array:
        """``Wbar = B U^{-1}``, shape (p, m), so that ``f(x) = Wbar phi(x)``."""
        return self._from_right(self.B)

    def _from_right(self, V: Array) -> Array:
        """``V U^{-1}``."""
        return self.xp.linalg.solve(self.U.T, V.T).T

    def _from_right_transposed(self, V: Array) -> Array:
        """``V U^{-T}``."""
        return self.xp.linalg.solve(self.U, V.T).T

    def with_parameters(self, **parameters: Array) -> Self:
        """The same network with A or B replaced."""
        unknown = sorted(set(parameters) - {"A", "B"})
        if unknown:
            msg = f"{', '.join(unknown)} is no parameter; with_parameters takes A= and B="
            raise InputError(msg)
        new: dict[str, Any] = {"A": self.A, "B": self.B, **parameters}
        return type(self)(**new, gamma=self.gamma, trainable=self.trainable)

    def _in_namespace_of(self, X: Any) -> Self:
        """This network, its parameters moved to the namespace of X where they are NumPy and X is not."""
        if same_library(self.xp, X):
            return self
        xp = namespace(X)
        moved: dict[Namespace, Self] = self.__dict__.setdefault("_moved", {})
        if xp not in moved:
            A, B = (xp.asarray(np.array(P)) for P in (self.A, self.B))
            moved[xp] = type(self)(A=A, B=B, gamma=self.gamma, trainable=self.trainable)
        return moved[xp]

    def _is_that_of(self, other: SoftmaxParameters) -> bool:
        """Whether `other` is this network: itself, moved to another library, or a copy, as another process sends it."""
        if other is self or other in self.__dict__.get("_moved", {}).values():
            return True
        return (self.gamma, self.trainable) == (other.gamma, other.trainable) and all(
            same_numbers(getattr(self, name), getattr(other, name)) for name in ("B", "A")
        )
