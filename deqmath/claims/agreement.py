"""Numeric evidence: the code generated for a claim's expressions, on every target, against exact evaluation.

The reference is :func:`deqmath.checking.evaluate`, which knows nothing of code generation: rationals where
the value is rational, balls elsewhere. Arguments are multiples of 1/16, so that no library rounds them.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import mpmath
from sympy import MatrixSymbol, Symbol

from deqmath.checking import Evidence
from deqmath.checking.evaluate import evaluate
from deqmath.checking.verdict import Status
from deqmath.codegen import GeneratedModule, generate
from deqmath.codegen.companion import as_stated
from deqmath.codegen.facts import Facts, facts

#: Target -> the module that must be importable to run its code; CuPy needs a device and is not run here.
LIBRARIES = {
    "numpy": "numpy",
    "array-api": "numpy",
    "jax": "jax",
    "torch": "torch",
    "mpmath": "mpmath",
    "flint": "flint",
}
#: The targets that come with deqmath, which every ``verify`` runs.
ALWAYS = ("numpy", "array-api", "mpmath", "flint")
#: Digits that must agree: 16 less 4 for condition numbers up to 10^4 at these sizes; 40 computed, 35 asked.
NEEDED = {"mpmath": 35, "flint": 35}
FLOAT_DIGITS = 11
_SIZES = (4, 3, 2, 5, 6)
_MOST = 40


@dataclass(frozen=True)
class Agreement:
    """How many digits one generated function of one target shares with the exact value."""

    name: str
    target: str
    digits: int

    @property
    def needed(self) -> int:
        return NEEDED.get(self.target, FLOAT_DIGITS)


def installed(targets: Iterable[str] = LIBRARIES) -> list[str]:
    """The targets whose library can be imported."""
    return [t for t in targets if importlib.util.find_spec(LIBRARIES[t]) is not None]


def compare(
    expressions: Mapping[str, Any],
    targets: Iterable[str],
    seed: int = 0,
    *,
    assumptions: Iterable[Any] = (),
    written: Mapping[str, Any] | None = None,
) -> list[Agreement]:
    """Run the generated functions at one rational point and count the digits they share with the exact value.

    Parameters
    ----------
    expressions
        Function name -> expression.
    targets
        The targets to run; their libraries must be installed.
    seed
        Of the point.
    assumptions
        What is stated of the arguments, for the code generator; the point has these properties.
    written
        What the code is generated from, where an error is planted in it on purpose.
    """
    assumptions = tuple(assumptions)
    reference = Reference.of(expressions, seed, assumptions)
    out = []
    for target in targets:
        module = generate(dict(written or expressions), target=target, assumptions=assumptions)
        out += reference.compare(module, module.load())
    return out


@dataclass(frozen=True)
class Reference:
    """A point, and the exact values of some expressions there."""

    point: Mapping[str, Any]
    exact: Mapping[str, list[Any]]

    @classmethod
    def of(cls, expressions: Mapping[str, Any], seed: int = 0, assumptions: Iterable[Any] = ()) -> Reference:
        """Evaluate at a random point with the properties that are stated."""
        point = _point(expressions, seed, facts(assumptions))
        return cls(point, {name: _exact(e, point) for name, e in expressions.items()})

    def compare(self, module: GeneratedModule, loaded: Any) -> list[Agreement]:
        """The agreement of every function of a loaded module."""
        return [self.of_function(module, getattr(loaded, name)) for name in self.exact]

    def of_function(self, module: GeneratedModule, function: Any) -> Agreement:
        """The agreement of one function; ``module`` says how it is called."""
        name = function.__name__
        got = _call(module, function, module.target, self.point)
        return Agreement(name, module.target, _digits(got, self.exact[name]))


def evidence(expressions: Mapping[str, Any], seed: int = 0, *, assumptions: Iterable[Any] = ()) -> list[Evidence]:
    """The agreement on the targets that come with deqmath, as one piece of numeric evidence a target."""
    found = compare(expressions, ALWAYS, seed, assumptions=assumptions)
    pieces = []
    for target in ALWAYS:
        own = [a for a in found if a.target == target]
        least = min(own, key=lambda a: a.digits)
        status: Status = "verified" if least.digits >= least.needed else "refuted"
        what = f"{len(own)} generated function{'s' if len(own) > 1 else ''}"
        detail = f"{what} for {target} agree with exact evaluation to {least.digits} digits (needed {least.needed})"
        if status == "refuted":
            detail = f"{least.name} for {target} agrees with exact evaluation to {least.digits} digits only (needed {least.needed})"
        figures = {
            "target": target,
            "digits_agreed": least.digits,
            "digits_wanted": least.needed,
            "functions": len(own),
        }
        pieces.append(Evidence("numeric", status, detail, figures))
    return pieces


def _point(expressions: Mapping[str, Any], seed: int, given: Facts) -> dict[str, Any]:
    """A value for every symbol: square matrices near the identity; m = 4, so that its root is rational."""
    rng = Random(seed)
    exprs = list(expressions.values())
    matrices = {M.name: M for e in exprs for M in sorted(e.atoms(MatrixSymbol), key=str)}
    symbols = sorted({s for e in exprs for s in e.free_symbols if isinstance(s, Symbol)}, key=lambda s: s.name)
    dims = {s for M in matrices.values() for k in M.shape for s in k.free_symbols}
    sizes = dict(zip(sorted(dims, key=lambda s: (s.name != "m", s.name)), _SIZES, strict=False))
    point: dict[str, Any] = {s.name: k for s, k in sizes.items()}
    for name, M in matrices.items():
        rows, cols = (int(k.xreplace(sizes)) for k in M.shape)
        one = 16 if rows == cols != 1 else 0
        entry = [[Fraction(rng.randint(-6, 6) + one * (i == j), 16) for j in range(cols)] for i in range(rows)]
        point[name] = as_stated(entry, given.of.get(name, frozenset()) | ({"gate"} if name in given.gates else set()))
    for s in symbols:
        point.setdefault(s.name, 1 if s.is_integer else Fraction(rng.randint(4, 7), 16))
    return point


def _exact(expr: Any, point: Mapping[str, Any]) -> list[Any]:
    """The entries, row by row, as mpmath numbers of 60 digits."""
    context = mpmath.mp.clone()
    context.dps = 60
    value = evaluate(expr, point, digits=50)
    return [context.mpf(int(x.p)) / int(x.q) if x.is_Rational else context.mpf(str(x.evalf(50))) for x in value]


def _call(module: GeneratedModule, function: Any, target: str, point: Mapping[str, Any]) -> list[Any]:
    plan = next(p for p in module.plans if p.name == function.__name__)
    names = {a.name: a.symbol for a in plan.signature.arguments}
    arguments = {k: _given(target, point[symbol]) for k, symbol in names.items()}
    if "ctx" in inspect.signature(function).parameters:
        arguments["ctx"] = mpmath.mp.clone()
        arguments["ctx"].dps = 45
    if target == "flint":
        arguments["prec"] = 160
    return _entries(function(**arguments))


def _given(target: str, value: Any) -> Any:
    if isinstance(value, int) or target in ("mpmath", "flint"):
        return value
    if isinstance(value, Fraction):
        return float(value)
    rows = [[float(x) for x in row] for row in value]
    if target == "torch":
        torch = importlib.import_module("torch")
        return torch.tensor(rows, dtype=torch.float64)
    if target == "jax":
        jax = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)
        return jax.numpy.asarray(rows)
    return importlib.import_module("numpy").asarray(rows)


def _entries(value: Any) -> list[Any]:
    """The entries of a result, row by row, as mpmath numbers; a ball that is wider than it should be shows as such."""
    context = mpmath.mp.clone()
    context.dps = 60
    if hasattr(value, "tolist"):
        value = value.tolist()
    rows = value if isinstance(value, list) else [[value]]
    flat = [x for row in rows for x in (row if isinstance(row, list) else [row])]
    return [context.mpf(x.mid().str(55, radius=False)) if hasattr(x, "mid") else context.mpf(x) for x in flat]


def _digits(got: list[Any], want: list[Any]) -> int:
    if len(got) != len(want):
        return 0
    scale = max(abs(t) for t in want) or 1
    error = max(abs(g - t) for g, t in zip(got, want, strict=True)) / scale
    return _MOST if error == 0 else max(0, min(_MOST, math.floor(-mpmath.log10(error))))
