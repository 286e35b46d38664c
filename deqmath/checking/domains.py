"""Number domains in which an expression can be evaluated: a prime field, the rationals, balls.

All three use python-flint's matrices. A domain knows its numbers, the decisions that need an
order (the sign of a pre-activation), and the few functions it can evaluate.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import flint

#: The least prime above 2^61 that is 3 mod 4 (so roots are powers) and in which 2, 3, 5 and 7 are
#: squares (so sqrt(m) exists for every small size m).
PRIME = 2**61 + 1599

_flint_precision = RLock()


class BadPoint(ArithmeticError):  # noqa: N818 - not an error of the user's: another point is drawn
    """The point drawn lies on a pole, a kink, or where a root does not exist; draw another."""


class NotInDomain(ArithmeticError):  # noqa: N818
    """The domain cannot evaluate this function (exp of a rational, say)."""


class Domain:
    """Numbers, matrices of them, and sign decisions.

    Notes
    -----
    ``exact`` domains decide equality; balls only decide inequality (disjoint balls).
    """

    name: str
    exact: bool

    def number(self, p: int, q: int = 1) -> Any:
        """The number p/q."""
        raise NotInDomain(self.name)

    def matrix(self, rows: int, cols: int, entries: list[Any]) -> Any:
        """A flint matrix, entries row by row."""
        raise NotInDomain(self.name)

    def is_positive(self, x: Any, key: Any) -> bool:
        """Whether x > 0; :class:`BadPoint` at the kink."""
        raise NotInDomain(self.name)

    def function(self, name: str, x: Any) -> Any:
        """A transcendental function of one number."""
        raise NotInDomain(f"{name} over {self.name}")

    def sqrt(self, x: Any) -> Any:
        """A square root of x."""
        raise NotInDomain(f"sqrt over {self.name}")

    def draw(self, rng: random.Random) -> Any:
        """A random number to evaluate at."""
        raise NotInDomain(self.name)

    def guess_gate(self, rng: random.Random) -> bool:
        """A gate decided before the value it belongs to is known."""
        return bool(rng.getrandbits(1))

    def differs(self, a: Any, b: Any) -> bool:
        """Whether two flint matrices are certainly different."""
        return bool(a != b)


@dataclass
class Gates:
    """The signs of pre-activations in a field that has no order: free bits, one per value.

    Equal arguments get equal bits. ``pattern`` supplies the bits in order of first use, so that
    all patterns can be enumerated; bits beyond it come from ``rng``.
    """

    pattern: int
    length: int
    rng: random.Random
    bits: dict[Any, bool] = field(default_factory=dict)
    used: int = 0

    def fresh(self) -> bool:
        """The next bit of the pattern."""
        bit = bool(self.pattern >> self.used & 1) if self.used < self.length else bool(self.rng.getrandbits(1))
        self.used += 1
        return bit

    def bit(self, key: Any) -> bool:
        """The bit of a value, the same whenever the value is."""
        if key not in self.bits:
            self.bits[key] = self.fresh()
        return self.bits[key]


class PrimeField(Domain):
    """Integers modulo the prime p = 2^61 + 1599.

    Rational identities that hold over the rationals hold here. Signs are free bits; exp, log,
    sin are opaque atoms that keep ``exp(-x) = 1/exp(x)`` and ``sin^2 + cos^2 = 1``, and know no
    other relation (``exp(a + b) = exp(a) exp(b)`` is a blind spot, as are all inequalities).
    """

    name = "prime field"
    exact = True

    def __init__(self, rng: random.Random, gates: Gates, p: int = PRIME) -> None:
        self.p, self.rng, self.gates = p, rng, gates
        self._atoms: dict[tuple[str, int], int] = {}

    def number(self, p: int, q: int = 1) -> Any:
        return flint.nmod(p, self.p) / flint.nmod(q, self.p)

    def matrix(self, rows: int, cols: int, entries: list[Any]) -> Any:
        return flint.nmod_mat(rows, cols, [int(e) for e in entries], self.p)

    def is_positive(self, x: Any, key: Any) -> bool:
        return self.gates.bit(int(x) if key is None else key)

    def draw(self, rng: random.Random) -> Any:
        return flint.nmod(rng.randrange(1, self.p), self.p)

    def guess_gate(self, rng: random.Random) -> bool:
        del rng
        return self.gates.fresh()

    def _atom(self, name: str, x: int) -> int:
        return self._atoms.setdefault((name, x), self.rng.randrange(2, self.p))

    def function(self, name: str, x: Any) -> Any:
        v = int(x)
        if name == "exp":
            small = min(v, self.p - v)
            if small == 0:
                return self.number(1)
            e = flint.nmod(self._atom("exp", small), self.p)
            return e if small == v else 1 / e
        if name in ("sin", "cos"):
            small = min(v, self.p - v)
            t = flint.nmod(0 if small == 0 else self._atom("circle", small), self.p)
            scale = 1 / (1 + t * t)
            if name == "cos":
                return (1 - t * t) * scale
            return 2 * t * scale if small == v else -2 * t * scale
        if name == "pi":
            return flint.nmod(self._atom("pi", 0), self.p)
        if name == "log" and v == 1:
            return self.number(0)
        return flint.nmod(self._atom(name, v), self.p)

    def sqrt(self, x: Any) -> Any:
        """Square roots exist for half of the residues; integers use the roots of their primes."""
        v = int(x)
        root = pow(v, (self.p + 1) // 4, self.p)
        if root * root % self.p != v:
            raise BadPoint(f"{v} has no square root modulo p")
        return flint.nmod(min(root, self.p - root), self.p)


class Rationals(Domain):
    """Exact rational numbers, with true signs."""

    name = "rationals"
    exact = True

    def __init__(self, spread: int = 3) -> None:
        self.spread = spread

    def number(self, p: int, q: int = 1) -> Any:
        return flint.fmpq(p, q)

    def matrix(self, rows: int, cols: int, entries: list[Any]) -> Any:
        return flint.fmpq_mat(rows, cols, entries)

    def is_positive(self, x: Any, key: Any) -> bool:
        del key
        if x == 0:
            raise BadPoint("a pre-activation is exactly 0")
        return bool(x > 0)

    def draw(self, rng: random.Random) -> Any:
        return flint.fmpq(rng.choice([k for k in range(-self.spread, self.spread + 1) if k]))

    def sqrt(self, x: Any) -> Any:
        if x >= 0:
            p, q = x.numerator.isqrt(), x.denominator.isqrt()
            if p * p == x.numerator and q * q == x.denominator:
                return flint.fmpq(p, q)
        raise NotInDomain(f"sqrt({x}) is not rational")


class Balls(Domain):
    """Real balls (python-flint's arb) at a given precision; every result encloses the truth."""

    name = "balls"
    exact = False

    def __init__(self, bits: int = 256, spread: int = 3) -> None:
        self.bits, self.spread = bits, spread

    def number(self, p: int, q: int = 1) -> Any:
        return flint.arb(flint.fmpq(p, q))

    def matrix(self, rows: int, cols: int, entries: list[Any]) -> Any:
        return flint.arb_mat(rows, cols, entries)

    def is_positive(self, x: Any, key: Any) -> bool:
        del key
        if x > 0:
            return True
        if x < 0:
            return False
        raise BadPoint("a pre-activation may be 0")

    def draw(self, rng: random.Random) -> Any:
        return self.number(rng.choice([k for k in range(-self.spread, self.spread + 1) if k]))

    def sqrt(self, x: Any) -> Any:
        if x >= 0:
            return x.sqrt()
        raise BadPoint("the square root of a number that may be negative")

    def function(self, name: str, x: Any) -> Any:
        if name == "pi":
            return flint.arb.pi()
        if name == "log" and not x > 0:
            raise BadPoint("the logarithm of a number that may be 0 or negative")
        method: Callable[[], Any] | None = getattr(x, name, None)
        if method is None:
            raise NotInDomain(f"{name} over balls")
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
