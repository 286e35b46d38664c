"""Function values in a field that has no exp, log or sign: free atoms that keep the laws they know.

A value of exp, log, sin, ... at an argument seen for the first time is drawn at random; equal
arguments get equal values. The relations kept are

- exp and log are inverse; ``exp(a + b) = exp(a) exp(b)`` and ``log(a b) = log(a) + log(b)`` for sums
  of two terms already seen (for exp also of three, while few are known), with coefficients +-1, and for
  multiples up to 3;
- ``sin^2 + cos^2 = 1`` at one argument, sin odd, cos even; erf, atan and asin odd;
- ``1[-u > 0] = 1 - 1[u > 0]``, ``1[c u > 0] = 1[u > 0]`` for a positive symbol c and for c = k/l with k, l up to 4, ``1[0 > 0] = 0``.

No other relation is known: an identity that rests on one comes out as a mismatch in the field
and stays undecided, unless true numbers refute it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Any

#: Beyond this many atoms the sums of two are not searched.
_MOST_ATOMS = 40
#: Beyond this many the sums of three are not: ``softmax(x + t 1) = softmax(x)`` rests on one.
MOST_FOR_THREE = 12
_ODD = frozenset(("erf", "atan", "asin"))


@dataclass
class Gates:
    """The signs of pre-activations in a field that has no order: free bits, one per value.

    ``pattern`` supplies the bits in order of first use, so that all patterns can be enumerated;
    bits beyond it come from ``rng``. ``trail`` holds those supplied so far: which are asked for may depend on
    them. ``positive`` holds the values of symbols that are positive.
    """

    pattern: int
    length: int
    rng: random.Random
    p: int
    bits: dict[int, bool] = field(default_factory=dict)
    trail: list[bool] = field(default_factory=list)
    positive: list[int] = field(default_factory=list)

    def fresh(self) -> bool:
        """The next bit of the pattern."""
        k = len(self.trail)
        bit = bool(self.pattern >> k & 1) if k < self.length else bool(self.rng.getrandbits(1))
        self.trail.append(bit)
        return bit

    def known(self, v: int) -> bool | None:
        """The bit of a value, from its own or from that of a small multiple of it."""
        if v == 0:
            return False
        for ratio in (*_ratios(self.p), *self._positive_ratios()) if self.bits else ():
            multiple = v * ratio % self.p
            if multiple in self.bits:
                return self.bits[multiple]
            if self.p - multiple in self.bits:
                return not self.bits[self.p - multiple]
        return None

    def _positive_ratios(self) -> list[int]:
        """Values of positive symbols, and their inverses."""
        return [r for c in self.positive for r in (c, pow(c, -1, self.p))]

    def bit(self, v: int) -> bool:
        """The bit of a value, the same whenever the value is."""
        found = self.known(v)
        if found is None:
            found = self.bits[v] = self.fresh()
        return found

    def define(self, v: int, bit: bool) -> bool:
        """Give a value its bit; False if it has the other one."""
        found = self.known(v)
        if found is None:
            self.bits[v] = found = bit
        return found == bit


@lru_cache(maxsize=4)
def _ratios(p: int) -> tuple[int, ...]:
    """``k/l`` for k, l up to 4 modulo p, 1 first."""
    pairs = ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (3, 2), (2, 3), (4, 1), (1, 4), (4, 3), (3, 4))
    return tuple(k * pow(q, -1, p) % p for k, q in pairs)


class Atoms:
    """Values of functions at the arguments met so far."""

    def __init__(self, p: int, rng: random.Random) -> None:
        self.p, self.rng = p, rng
        self._exp: dict[int, int] = {}
        self._log: dict[int, int] = {}
        self._other: dict[tuple[str, int], int] = {}
        #: Argument of exp -> what made the pair, and ``level`` then: the highest level of a value given so far.
        #: ``exp(log x) = x`` puts an argument in the place of an atom, one level above the values x is made of.
        self._made: dict[int, tuple[str, int]] = {}
        self.level = 0

    def copy(self, rng: random.Random) -> Atoms:
        """The same values, to be added to."""
        out = Atoms(self.p, rng)
        out._exp, out._log, out._other = dict(self._exp), dict(self._log), dict(self._other)
        out._made, out.level = dict(self._made), self.level
        return out

    def __len__(self) -> int:
        return len(self._exp) + len(self._other)

    def value(self, name: str, v: int) -> int:
        """``name(v)``, drawn now if nothing known gives it."""
        if name == "exp":
            found = self._exp_of(v)
            return found if found is not None else self._pair(v, self._draw(), "exp")
        if name == "log":
            found = self._log_of(v)
            if found is None:
                found = self._draw()
                self._pair(found, v, "log")
            return found
        if name in ("sin", "cos"):
            return self._circle(name, v)
        if name in _ODD and v > self.p - v:
            return -self.value(name, self.p - v) % self.p
        if name in _ODD and v == 0:
            return 0
        return self._other.setdefault((name, v), self._draw())

    def define(self, name: str, v: int, value: int) -> bool:
        """Make ``name(v)`` this value; False if what is known gives another."""
        if name == "exp":
            found = self._exp_of(v)
            if found is None:
                if self._log_of(value) is not None:
                    return False
                self._pair(v, value, "exp")
            return found in (None, value)
        if name == "log":
            found = self._log_of(v)
            if found is None:
                if self._exp_of(value) is not None:
                    return False
                self._pair(value, v, "log")
            return found in (None, value)
        if name in _ODD and v > self.p - v:
            v, value = self.p - v, -value % self.p
        return self._other.setdefault((name, v), value) == value

    def define_angle(self, v: int, like: Atoms, at: int) -> bool:
        """Make sin and cos at v those that ``like`` has at another argument; False if they are others."""
        t = like._other["circle", min(at, self.p - at)] if at else 0
        t = t if at <= self.p - at else -t % self.p
        small = min(v, self.p - v)
        t = t if v == small else -t % self.p
        return (t == 0) if small == 0 else self._other.setdefault(("circle", small), t) == t

    def _draw(self) -> int:
        return self.rng.randrange(2, self.p)

    def _pair(self, a: int, e: int, made_by: str) -> int:
        self._exp[a], self._log[e] = e, a
        self._made[a] = made_by, self.level
        return e

    def _cross(self, to: str, *arguments: int) -> None:
        """A value of exp rests on pairs that log made, or one of log on pairs that exp made."""
        for by, level in (self._made[a] for a in arguments):
            if by != to:
                self.level = max(self.level, level + 1)

    def _exp_of(self, v: int) -> int | None:
        """exp(v) where v is 0, a small multiple of a known argument, or a sum of two or three of them."""
        p, known = self.p, self._exp
        if v == 0:
            return 1
        for c in (1, -1, 2, -2, 3, -3):
            w = v * pow(c, -1, p) % p
            if w in known:
                self._cross("exp", w)
                return pow(known[w], c, p)
        for w, e in known.items() if len(known) <= _MOST_ATOMS else ():
            for c in (1, -1):
                rest = (v - c * w) % p
                if rest in known:
                    self._cross("exp", w, rest)
                    return pow(e, c, p) * known[rest] % p
                if p - rest in known:
                    self._cross("exp", w, p - rest)
                    return pow(e, c, p) * pow(known[p - rest], -1, p) % p
        for (w, e), (x, f) in combinations(known.items(), 2) if len(known) <= MOST_FOR_THREE else ():
            for c, d in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                rest = (v - c * w - d * x) % p
                for last, sign in ((rest, 1), (p - rest, -1)):
                    if last in known:
                        self._cross("exp", w, x, last)
                        return pow(e, c, p) * pow(f, d, p) * pow(known[last], sign, p) % p
        return None

    def _log_of(self, v: int) -> int | None:
        """log(v) where v is 1, a known value of exp, its inverse, its square, or a product of two."""
        p, known = self.p, self._log
        if v in (0, 1):
            return 0 if v == 1 else None
        inverse = pow(v, -1, p)
        if v in known or inverse in known:
            self._cross("log", known[v if v in known else inverse])
            return known[v] if v in known else -known[inverse] % p
        for e, a in known.items() if len(known) <= _MOST_ATOMS else ():
            for rest, c in ((v * pow(e, -1, p) % p, 1), (v * e % p, -1)):
                if rest in known:
                    self._cross("log", a, known[rest])
                    return (c * a + known[rest]) % p
                other = pow(rest, -1, p) if rest else 0
                if other in known:
                    self._cross("log", a, known[other])
                    return (c * a - known[other]) % p
        return None

    def _circle(self, name: str, v: int) -> int:
        """A point of the circle: ``cos = (1 - t^2)/(1 + t^2)``, ``sin = 2 t/(1 + t^2)``."""
        p = self.p
        small = min(v, p - v)
        t = 0 if small == 0 else self._other.setdefault(("circle", small), self._draw())
        scale = pow(1 + t * t, -1, p)
        if name == "cos":
            return (1 - t * t) * scale % p
        return (2 if small == v else -2) * t * scale % p


class Calls:
    """The function calls and sign decisions made while a residual is evaluated, by their order.

    An equation such as ``z = tanh(A z + phi)`` is affine in z once the VALUES of its functions are
    fixed. Three phases: ``first`` and ``second`` evaluate the residual at two random unknowns and
    find the calls whose arguments move with it; in ``solve`` those keep one value whatever the
    unknown is, so the equation can be solved; the domain's ``commit`` then makes these the values
    at the arguments found.
    """

    def __init__(self, rng: random.Random, guess: list[bool] | None = None) -> None:
        self.rng, self.guess = rng, guess
        self.phase, self.k, self.rootless = "first", 0, False
        self.first: list[tuple[str, Any]] = []
        self.values: list[Any] = []
        self.moves: list[bool] = []
        self.arguments: list[Any] = []
        self._bits: dict[Any, bool] = {}

    def start(self, phase: str) -> None:
        """Begin one evaluation of the residual."""
        self.phase, self.k, self.arguments, self.rootless = phase, 0, [], False

    def __call__(self, name: str, x: Any, draw: Callable[[], Any], known: Callable[[], Any]) -> Any:
        """The value of this call: ``draw`` makes a new one, ``known`` asks what holds outside the equation."""
        k, self.k = self.k, self.k + 1
        self.arguments.append(x)
        if self.phase == "first":
            self.first.append((name, x))
            self.values.append(draw())
        elif self.phase == "second":
            self.moves.append(self.first[k][1] != x)
        elif not self.moves[k]:
            return known()
        return self.values[k]

    def sign(self, x: Any, fresh: Callable[[], bool], known: Callable[[], bool]) -> bool:
        """As a call; one argument gets one bit, and a guess goes before a fresh one."""
        bit = self("sign", x, lambda: bool(self.rng.getrandbits(1)), known)
        k = self.k - 1
        if self.phase != "solve" or not self.moves[k]:
            return bool(bit)
        at = self.first[k][1]
        if at not in self._bits:
            nth = len(self._bits)
            self._bits[at] = self.guess[nth] if self.guess and nth < len(self.guess) else fresh()
        self.values[k] = self._bits[at]
        return self._bits[at]

    def moving(self) -> list[tuple[str, Any, Any, Any]]:
        """(name, argument of the first and of the last evaluation, value) of the calls that move with the unknown."""
        rows = zip(self.first, self.arguments, self.values, self.moves, strict=True)
        return [(name, at, x, value) for (name, at), x, value, moves in rows if moves]

    def signs_found(self) -> list[bool]:
        """The signs of the arguments of the last evaluation, as the next guess in an ordered domain."""
        found: dict[Any, bool] = {}
        for (name, at), x, moves in zip(self.first, self.arguments, self.moves, strict=True):
            if moves and name == "sign":
                found.setdefault(at, bool(x > 0))
        return list(found.values())
