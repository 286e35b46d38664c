"""Every error deqmath raises on purpose, in one file.

A message says three things: what was received, what was needed, and the call that works.
"""

from __future__ import annotations

from typing import Any, TypeVar

_Error = TypeVar("_Error", bound="DeqmathError")


class DeqmathError(Exception):
    """Root of all errors raised on purpose by deqmath."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and sent between processes as it is: the message is not made a second time from other arguments."""
        return _as_it_was, (type(self), self.args, dict(self.__dict__))


def _as_it_was(kind: type[_Error], args: tuple[Any, ...], attributes: dict[str, Any]) -> _Error:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class InputError(DeqmathError, ValueError):
    """An argument cannot be used: a wrong shape, NaN, an empty set, an option out of range."""


class ShapeError(InputError):
    """Two shapes do not fit together; the message names both and the node or argument."""


class NotWellPosedError(InputError):
    """The equilibrium equation is not a contraction: ``rho = gamma ||A||_2 >= 1``."""


class NotConvergedError(DeqmathError):
    """The result of a solve that did not reach its tolerance was used; a best-so-far is never passed on."""


class DataError(InputError):
    """A data file is missing, truncated, or does not hold what was promised."""


class UnknownClaimError(InputError):
    """No collected claim has the id that was asked for."""


class UnknownNodeError(DeqmathError, TypeError):
    """A pass met an expression node for which it has no rule; nothing is ever silently zero."""

    def __init__(self, node: object, table: str) -> None:
        name = type(node).__name__
        way = f"register one in deqmath with @{table}.register({name})"
        if name == "Sum":  # what SymPy makes of (x.T * A * y)[0, 0]
            way = "write Trace(M) for the entry of a 1 x 1 matrix M, and dm.total for a sum over samples"
        super().__init__(f"no {table} rule for the node {name}, met in {node}; {way}")


class KinkError(DeqmathError, ValueError):
    """A derivative was asked for at a kink, and the caller has not decided what it is."""


class SingularError(DeqmathError, ValueError):
    """A matrix that must be invertible is singular under the stated assumptions."""


class StepRefuted(DeqmathError):
    """A line added to a derivation is false; ``counterexample`` is Python that shows it."""

    def __init__(self, message: str, counterexample: str) -> None:
        super().__init__(message)
        self.counterexample = counterexample


class UndecidedError(DeqmathError):
    """A verdict was used as a truth value although nothing was decided."""


class MissingBackendError(DeqmathError, ImportError):
    """An optional package is not installed; the message holds the install line."""

    def __reduce__(self) -> tuple[Any, ...]:
        """As any ImportError, which holds more than its arguments."""
        parts: Any = ImportError.__reduce__(self)
        return tuple(parts)
