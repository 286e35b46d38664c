"""Number domains in which an expression can be evaluated: a prime field, the rationals, balls.

All three use python-flint's matrices. A domain knows its numbers, the decisions that need an
order (the sign of a pre-activation), and the few functions it can evaluate.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import flint

from deqmath.checking.atoms import Atoms, Calls, Gates

#: The least primes above 2^61 that are 3 mod 4 (so roots are powers) and in which 2, 3, 5 and 7 are
#: squares (so sqrt(m) exists for every small size m). Points take them in turn: a difference that one
#: prime divides is seen by the next.
PRIMES = tuple(2**61 + k for k in (1599, 2439, 5079, 5559))
PRIME = PRIMES[0]

_flint_precision = RLock()


class BadPoint(ArithmeticError):
    """The point drawn lies on a pole, a kink, or where a root does not exist; draw another."""


class SingularPoint(BadPoint):
    """A matrix that the statement inverts is singular at the point drawn."""


class NotInDomain(ArithmeticError):
    """The domain cannot evaluate this function (exp of a rational, say)."""


class Domain(ABC):
    """Numbers, matrices of them, and sign decisions.

    Notes
    -----
    ``exact`` domains decide equality; balls only decide inequality (disjoint balls).
    """

    name: str
    exact: bool
    #: While an equation is being solved: what its functions and signs are held at.
    calls: Calls | None = None
    #: Guesses of the signs in a group of equations before another point is drawn; in a field any signs are right.
    guesses: int = 1

    def begin(self, rng: random.Random, guess: list[bool] | None = None) -> Calls:
        """Start to record the calls of a residual."""
        self.calls = Calls(rng, guess)
        return self.calls

    def commit(self, calls: Calls) -> None:
        """Make the values held the values at the arguments found; :class:`BadPoint` where they cannot be."""
        for name, _, x, value in calls.moving():
            if name == "sign" and self.is_positive(x, None) != value:
                msg = "the gates chosen are not the signs found"
                raise BadPoint(msg)

    @abstractmethod
    def number(self, p: int, q: int = 1) -> Any:
        """The number p/q."""

    @abstractmethod
    def matrix(self, rows: int, cols: int, entries: list[Any]) -> Any:
        """A flint matrix, entries row by row."""

    @abstractmethod
    def zeros(self, rows: int, cols: int) -> Any:
        """A zero matrix, to be written into."""

    def integers(self, rows: int, cols: int, entries: list[int]) -> Any:
        """A matrix of integers, row by row."""
        return self.matrix(rows, cols, [self.number(e) for e in entries])

    def ones_at(self, rows: int, cols: int, places: Iterable[tuple[int, int]]) -> Any:
        """The matrix that is 1 at these places and 0 elsewhere."""
        out = self.zeros(rows, cols)
        for at in places:
            out[at] = 1
        return out

    @abstractmethod
    def is_positive(self, x: Any, key: Any) -> bool:
        """Whether x > 0; :class:`BadPoint` at the kink."""

    def function(self, name: str, x: Any) -> Any:
        """A transcendental function of one number."""
        del x
        msg = f"{name} over {self.name}"
        raise NotInDomain(msg)

    def sqrt(self, x: Any) -> Any:
        """A square root of x."""
        del x
        msg = f"sqrt over {self.name}"
        raise NotInDomain(msg)

    @abstractmethod
    def draw(self, rng: random.Random) -> Any:
        """A random number to evaluate at."""

    def draw_generic(self, rng: random.Random) -> Any:
        """A number unlikely to satisfy any relation by chance."""
        return self.number(rng.randrange(10**6, 10**7), rng.randrange(10**6, 10**7))

    def differs(self, a: Any, b: Any) -> bool:
        """Whether two flint matrices are certainly different."""
        return bool(a != b)


class PrimeField(Domain):
    """Integers modulo a prime p near 2^61.

    Rational identities that hold over the rationals hold here. Signs are free bits, and values of
    functions are free atoms with the relations listed in :mod:`~deqmath.checking.atoms`.
    """

    name = "prime field"
    exact = True

    def __init__(self, rng: random.Random, gates: Gates, p: int = PRIME) -> None:
        self.p, self.rng, self.gates = p, rng, gates
        self.atoms = Atoms(p, rng)
        self._scratch = Atoms(p, rng)
        #: Arguments of square roots taken, other than small integers.
        self.roots: set[int] = set()

    def copy(self, rng: random.Random, gates: Gates) -> PrimeField:
        """The same values of functions, to be added to."""
        out = PrimeField(rng, gates, self.p)
        out.atoms, out.roots = self.atoms.copy(rng), set(self.roots)
        return out

    def number(self, p: int, q: int = 1) -> Any:
        if q % self.p == 0:
            msg = f"a denominator is divisible by the prime {self.p}"
            raise BadPoint(msg)
        return flint.nmod(p, self.p) if q == 1 else flint.nmod(p, self.p) / flint.nmod(q, self.p)

    def matrix(self, rows: int, cols: int, entries: list[Any]) -> Any:
        return flint.nmod_mat(rows, cols, entries, self.p)

    def zeros(self, rows: int, cols: int) -> Any:
        return flint.nmod_mat(rows, cols, self.p)

    def integers(self, rows: int, cols: int, entries: list[int]) -> Any:
        return self.matrix(rows, cols, entries)

    def is_positive(self, x: Any, key: Any) -> bool:
        del key
        v = int(x)
        if self.calls is not None:
            return self.calls.sign(v, self.gates.fresh, lambda: self.gates.bit(v))
        return self.gates.bit(v)

    def draw(self, rng: random.Random) -> Any:
        return flint.nmod(rng.randrange(1, self.p), self.p)

    def draw_generic(self, rng: random.Random) -> Any:
        return self.draw(rng)

    def function(self, name: str, x: Any) -> Any:
        v = int(x)
        if self.calls is not None:
            value = self.calls(name, v, lambda: self._scratch.value(name, v), lambda: self.atoms.value(name, v))
        else:
            value = self.atoms.value(name, v)
        return flint.nmod(value, self.p)

    def begin(self, rng: random.Random, guess: list[bool] | None = None) -> Calls:
        self.atoms.level = max(self.atoms.level, self._scratch.level)
        self._scratch = Atoms(self.p, self.rng)
        return super().begin(rng, guess)

    def commit(self, calls: Calls) -> None:
        self.atoms.level = max(self.atoms.level, self._scratch.level)
        for name, at, x, value in calls.moving():
            if name == "sign":
                kept = self.gates.define(x, value)
            elif name in ("sin", "cos"):
                kept = self.atoms.define_angle(x, self._scratch, at)
            else:
                kept = self.atoms.define(name, x, value)
            if not kept:
                msg = f"{name} at one argument got two values"
                raise BadPoint(msg)

    def sqrt(self, x: Any) -> Any:
        """Square roots exist for half of the residues; integers use the roots of their primes.

        While an equation is solved a number without a root gets a stand-in, so that a root of the unknown shows as an
        equation that is not affine.
        """
        if self.calls is not None and self.calls.phase != "solve":
            return x + 1  # only whether arguments move is asked then
        v = int(x)
        root = pow(v, (self.p + 1) // 4, self.p)
        if root * root % self.p != v:
            if self.calls is not None:
                self.calls.rootless = True
                return x + 1
            msg = f"{v} has no square root modulo p"
            raise BadPoint(msg)
        if v > 1000:
            self.roots.add(v)
        return flint.nmod(min(root, self.p - root), self.p)


class Rationals(Domain):
    """Exact rational numbers, with true signs."""

    name = "rationals"
    exact = True

    def __init__(self, spread: int = 3, parts: int = 1, guesses: int = 16) -> None:
        self.spread, self.parts, self.guesses = spread, parts, guesses

    def number(self, p: int, q: int = 1) -> Any:
        return flint.fmpq(p, q)

    def matrix(self, rows: int, cols: int, entries: list[Any]) -> Any:
        return flint.fmpq_mat(rows, cols, entries)

    def zeros(self, rows: int, cols: int) -> Any:
        return flint.fmpq_mat(rows, cols)

    def is_positive(self, x: Any, key: Any) -> bool:
        del key
        if self.calls is not None:
            rng = self.calls.rng
            return self.calls.sign(x, lambda: bool(rng.getrandbits(1)), lambda: self._sign(x))
        return self._sign(x)

    def _sign(self, x: Any) -> bool:
        if x == 0:
            msg = "a pre-activation is exactly 0"
            raise BadPoint(msg)
        return bool(x > 0)

    def draw(self, rng: random.Random) -> Any:
        return flint.fmpq(rng.choice([k for k in range(-self.spread, self.spread + 1) if k]), self.parts)

    def sqrt(self, x: Any) -> Any:
        if x >= 0:
            p, q = x.numerator.isqrt(), x.denominator.isqrt()
            if p * p == x.numerator and q * q == x.denominator:
                return flint.fmpq(p, q)
        msg = f"sqrt({x}) is not rational"
        raise NotInDomain(msg)


class Boundary(Rationals):
    """Rationals that visit the boundary of a sign hypothesis: small numbers >= 0, and 1[0 > 0] = 0."""

    def _sign(self, x: Any) -> bool:
        return bool(x > 0)

    def draw(self, rng: random.Random) -> Any:
        return flint.fmpq(rng.choice((0, 0, 1, 2)))


class Balls(Domain):
    """Real balls (python-flint's arb) at a given precision; every result encloses the truth."""

    name = "balls"
    exact = False

    def __init__(self, bits: int = 256, spread: int = 3, parts: int = 1) -> None:
        self.bits, self.spread, self.parts = bits, spread, parts

    def number(self, p: int, q: int = 1) -> Any:
        return flint.arb(flint.fmpq(p, q))

    def matrix(self, rows: int, cols: int, entries: list[Any]) -> Any:
        return flint.arb_mat(rows, cols, entries)

    def zeros(self, rows: int, cols: int) -> Any:
        return flint.arb_mat(rows, cols)

    def is_positive(self, x: Any, key: Any) -> bool:
        del key
        if x > 0:
            return True
        if x < 0:
            return False
        msg = "a pre-activation may be 0"
        raise BadPoint(msg)

    def draw(self, rng: random.Random) -> Any:
        return self.number(rng.choice([k for k in range(-self.spread, self.spread + 1) if k]), self.parts)

    def sqrt(self, x: Any) -> Any:
        if x >= 0:
            return x.sqrt()
        msg = "the square root of a number that may be negative"
        raise BadPoint(msg)

    def function(self, name: str, x: Any) -> Any:
        if name == "pi":
            return flint.arb.pi()
        if name == "log" and not x > 0:
            msg = "the logarithm of a number that may be 0 or negative"
            raise BadPoint(msg)
        method: Callable[[], Any] | None = getattr(x, name, None)
        if method is None:
            msg = f"{name} over balls"
            raise NotInDomain(msg)
        return method()

    def differs(self, a: Any, b: Any) -> bool:
        d = a - b
        return any(not e.contains(0) for e in d.entries())


@contextmanager
def flint_precision(bits: int) -> Iterator[None]:
    """Set python-flint's working precision, which is global to the process, and put it back."""
    with _flint_precision:
        before = flint.ctx.prec
        flint.ctx.prec = bits
        try:
            yield
        finally:
            flint.ctx.prec = before
