"""The parameters of the ReLU implicit network: validated, frozen, with their norm and the check that rho < 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np

from deqmath.errors import InputError, NotWellPosedError, ShapeError
from deqmath.numeric.arrays import Array, Namespace, frobenius, is_foreign, is_numpy, namespace, to_numpy
from deqmath.numeric.initialisation import Seed, draw_parameters
from deqmath.numeric.norms import spectral_norm
from deqmath.numeric.validate import (
    choice,
    library_name,
    parameter_names,
    positive,
    real_array,
    real_vector,
    usable,
)

#: From here on a bound on rho tells too little of how fast sweeps converge, and the norm itself is computed.
_TELLING = 0.99
#: gamma0 at which a Gaussian A has rho about 0.5.
_USUAL = 0.25


class WithoutCaches:
    """A frozen dataclass, copied and pickled as its fields: what can be computed again from them is left out."""

    #: What is kept beside the fields.
    _kept: ClassVar[tuple[str, ...]] = ()

    def __getstate__(self) -> dict[str, Any]:
        """The fields, and what is kept beside them."""
        names: list[str] = [item.name for item in fields(self)]  # type: ignore[arg-type]  # its subclasses are dataclasses
        return {name: self.__dict__[name] for name in (*names, *self._kept) if name in self.__dict__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Put them back; NumPy arrays are frozen again, which pickling forgets."""
        self.__dict__.update(state)
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


@dataclass(frozen=True, eq=False, kw_only=True)
class Parameters(WithoutCaches):
    """What :class:`~deqmath.numeric.network.ReLUNetwork` holds; its docstring says what each field is."""

    A: Array
    W: Array
    b: Array
    gamma: float
    phi: Literal["relu", "identity"] = "relu"
    trainable: tuple[str, ...] = ("A",)

    #: Numbers that cost a norm of A; the stopping rule depends on them, and so do the bits of a solve.
    _kept: ClassVar[tuple[str, ...]] = ("_norm", "_norm_above", "_contraction")

    def __post_init__(self) -> None:
        """Validate, copy to float64 and freeze."""
        A, W, b = real_array(self.A, "A", 2), real_array(self.W, "W", 2), real_vector(self.b, "b")
        m = b.shape[0]
        if m == 0 or A.shape != (m, m) or W.shape[0] != m or W.shape[1] == 0:
            msg = (
                f"A has shape {tuple(A.shape)}, W {tuple(W.shape)} and b {tuple(b.shape)}; they need (m, m), (m, d) "
                "and (m,) with m, d >= 1, as in ReLUNetwork.random(width=m, inputs=d, gamma0=0.25)"
            )
            raise ShapeError(msg)
        if len({namespace(P) for P in (A, W, b)}) > 1:
            msg = "A, W and b belong to different array libraries; convert them to one of them first"
            raise InputError(msg)
        choice(self.phi, "phi", ("relu", "identity"))
        xp = namespace(A, W, b)
        for name, value in (("A", A), ("W", W), ("b", b)):
            copied = xp.asarray(value, copy=True)
            if is_numpy(xp):
                copied.setflags(write=False)
            object.__setattr__(self, name, copied)
        object.__setattr__(self, "gamma", positive(self.gamma, "gamma"))
        object.__setattr__(self, "trainable", parameter_names(self.trainable))

    @classmethod
    def random(
        cls,
        *,
        width: int,
        inputs: int,
        gamma0: float = 0.25,
        init: str = "gaussian",
        seed: Seed = 0,
        phi: Literal["relu", "identity"] = "relu",
        trainable: tuple[str, ...] = ("A",),
    ) -> Self:
        """A network with random parameters, ``gamma = gamma0 / sqrt(width)`` (gg22 eq. 4 and section 5).

        Parameters
        ----------
        width, inputs
            m and d.
        gamma0
            Positive. A Gaussian A has ``||A||_2`` near ``2 sqrt m``, so rho is near ``2 gamma0``.
        init
            "gaussian": A_ij ~ N(0, 1). "half-normal": A_ij ~ abs(N(0, 1)) (section 5.1), whose norm grows like
            ``m sqrt(2/pi)``, so that with this gamma the equilibrium is not well posed beyond small widths.
            "diagonal": A = diag(+-1) (section 5.2). Always W_ij ~ N(0, 1), b_i = +-1.
        seed
            Integer >= 0 or `numpy.random.SeedSequence`; equal seeds give equal bits.
        phi, trainable
            As in the constructor.

        Examples
        --------
        >>> from deqmath.numeric import ReLUNetwork
        >>> net = ReLUNetwork.random(width=100, inputs=8, gamma0=0.25, seed=0)
        >>> net.rho < 0.6
        True
        """
        scale = positive(gamma0, "gamma0")
        A, W, b = draw_parameters(width, inputs, init, seed)
        return cls(A=A, W=W, b=b, gamma=scale / math.sqrt(b.shape[0]), phi=phi, trainable=trainable)

    @cached_property
    def xp(self) -> Namespace:
        """The array namespace of the parameters."""
        return namespace(self.A)

    @property
    def width(self) -> int:
        """m."""
        return int(self.b.shape[0])

    @property
    def inputs(self) -> int:
        """d."""
        return int(self.W.shape[1])

    @property
    def gamma0(self) -> float:
        """``gamma sqrt m``."""
        return self.gamma * math.sqrt(self.width)

    @cached_property
    def _norm(self) -> float:
        return spectral_norm(self.A)

    @cached_property
    def low_precision(self) -> Array:
        """``gamma A`` in float32, for the sweeps that do not need more."""
        if is_numpy(self.xp):
            return np.multiply(self.A, self.gamma, out=np.empty_like(self.A, np.float32), casting="same_kind")
        return self.xp.astype(self.A * self.gamma, self.xp.float32)

    def operator_norm(self) -> float:
        """``||A||_2`` in float64, computed once; `deqmath.bounds.operator_norm` certifies it."""
        return self._norm

    @property
    def rho(self) -> float:
        """``gamma ||A||_2``; the equilibrium is well posed where it is below 1."""
        return self.gamma * self._norm

    def contraction_bound(self) -> float:
        """A bound < 1 on rho, as cheap as can be: Frobenius, a neighbour's norm (Weyl), else, and from 0.99 on, the norm itself.

        Raises
        ------
        NotWellPosedError
            Where rho >= 1.
        """
        return self._contraction

    @cached_property
    def _contraction(self) -> float:
        if "_norm" not in self.__dict__:
            neighbour: float = self.__dict__.get("_norm_above", math.inf)
            cheap = self.gamma * min(frobenius(self.xp, self.A), neighbour)
            if cheap < _TELLING:
                return cheap
        if self.rho < 1.0:
            return self.rho
        raise NotWellPosedError(self._not_well_posed())

    def _not_well_posed(self) -> str:
        m, d = self.width, self.inputs
        text = (
            f"rho = gamma ||A||_2 = {self.rho:.6g}, and the equilibrium needs rho < 1 (gamma = {self.gamma:.6g}, "
            f"||A||_2 = {self._norm:.6g}); "
        )
        if m > 1 and bool(self.xp.all(self.A >= 0)) and bool(self.xp.any(self.A != 0)):
            return text + (
                "all entries of A are >= 0 (half-normal?), so ||A||_2 grows like m and not like sqrt(m): use gamma of "
                f"order 1/m, as in ReLUNetwork(A=A, W=W, b=b, gamma={0.5 / self._norm:.3g})"
            )
        if self.gamma0 <= _USUAL:  # A itself is large, as after a step that is too long
            return text + f"use a smaller gamma or A, as in ReLUNetwork(A=A, W=W, b=b, gamma={0.5 / self._norm:.3g})"
        return text + f"use a smaller gamma0, as in ReLUNetwork.random(width={m}, inputs={d}, gamma0={_USUAL})"

    def with_parameters(self, **parameters: Array) -> Self:
        """The same network with some of A, W, b replaced.

        Where A changes, a bound on the new norm is kept by Weyl's inequality ``||A'|| <= ||A|| + ||A' - A||_F``, so
        that a small step of training needs no new norm to be well posed.

        Examples
        --------
        >>> from deqmath.numeric import ReLUNetwork
        >>> net = ReLUNetwork.random(width=4, inputs=2, gamma0=0.2, seed=0)
        >>> net.with_parameters(A=2 * net.A).rho / net.rho
        2.0
        """
        unknown = sorted(set(parameters) - {"A", "W", "b"})
        if unknown:
            msg = f"{', '.join(unknown)} is no parameter; with_parameters takes A=, W= and b="
            raise InputError(msg)
        new = self._like(parameters)
        known = self.__dict__.get("_norm", self.__dict__.get("_norm_above"))
        if "A" in parameters and known is not None and new.A.shape == self.A.shape and is_numpy(new.xp):
            new.__dict__["_norm_above"] = known + frobenius(new.xp, new.A - self.A)
        elif "A" not in parameters:
            new.__dict__.update({key: self.__dict__[key] for key in self._kept if key in self.__dict__})
        return new

    def _like(self, parameters: Mapping[str, Array]) -> Self:
        """The network with other parameters; what fits as it is, as in every step of training, is copied and not validated as a whole."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        as_here = type(self).__post_init__ is Parameters.__post_init__  # a subclass may do more
        if not as_here or not all(_fits(value, held[name]) for name, value in parameters.items()):
            return type(self)(**{**held, **parameters})
        new = object.__new__(type(self))
        for name, value in parameters.items():
            held[name] = np.array(value)
            held[name].setflags(write=False)
        new.__dict__.update(held)
        return new

    def _in_namespace_of(self, X: Any) -> Self:
        """This network, its parameters moved to the namespace of X where they are NumPy and X is not."""
        if same_library(self.xp, X):
            return self
        xp = namespace(X)
        moved: dict[Namespace, Self] = self.__dict__.setdefault("_moved", {})
        if xp not in moved:
            A, W, b = (xp.asarray(np.array(P)) for P in (self.A, self.W, self.b))
            net = type(self)(A=A, W=W, b=b, gamma=self.gamma, phi=self.phi, trainable=self.trainable)
            net.__dict__["_norm"] = self._norm
            moved[xp] = net
        return moved[xp]

    def _is_that_of(self, other: Parameters) -> bool:
        """Whether `other` is this network: itself, moved to another library, or a copy, as another process sends it."""
        if other is self or other in self.__dict__.get("_moved", {}).values():
            return True
        return (self.gamma, self.phi, self.trainable) == (other.gamma, other.phi, other.trainable) and all(
            same_numbers(getattr(self, name), getattr(other, name)) for name in ("b", "W", "A")
        )


def _fits(value: Any, old: Array) -> bool:
    """Whether a parameter can take the place of another as it is: finite float64 numbers of the same shape, both NumPy's."""
    plain = type(value) is np.ndarray and type(old) is np.ndarray and value.dtype == np.float64
    return plain and value.shape == old.shape and bool(np.isfinite(value).all())


def same_library(xp: Namespace, X: Any) -> bool:
    """Whether X belongs to the library of the parameters; False where the parameters, NumPy's, have to be moved to that of X."""
    foreign = is_foreign(usable(X, "X"))
    if is_numpy(xp):
        return not foreign
    if not foreign:
        msg = f"the parameters are arrays of {library_name(xp)} and X is NumPy's; pass X in that library"
        raise InputError(msg)
    if namespace(X) is not xp:
        msg = f"the parameters are arrays of {library_name(xp)} and X of {library_name(namespace(X))}; pass X in that library"
        raise InputError(msg)
    return True


def same_numbers(one: Array, other: Array) -> bool:
    """Whether two arrays, of whatever libraries, hold the same numbers."""
    return one is other or bool(np.array_equal(to_numpy(one), to_numpy(other)))
