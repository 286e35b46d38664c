"""Scalar formulas in ball arithmetic: every number is exact or a ball, never a float."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from sympy import S, Symbol
from sympy.printing.pycode import PythonCodePrinter

from deqmath.codegen.targets.numbers_text import exact

#: SymPy's functions that a ball has as methods, with the method's name.
_METHODS = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos",
    "atan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh",
    "atanh": "atanh", "sign": "sgn", "erf": "erf", "erfc": "erfc", "gamma": "gamma", "floor": "floor", "ceiling": "ceil",
}  # fmt: skip


class BallPrinter(PythonCodePrinter):
    """Text of a scalar formula whose symbols are balls, or Python integers."""

    def __init__(self, names: Mapping[Symbol, str]) -> None:
        super().__init__({"fully_qualified_modules": True, "strict": True})
        self._names = names

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if getattr(expr, "is_Function", False):
            return self._function(expr)
        return str(super()._print(expr, **kwargs))

    def _function(self, expr: Any) -> str:
        name = type(expr).__name__
        args = [self._print(a) for a in expr.args] if name != "Piecewise" else []
        if name == "relu_scalar":
            return f"_relu({args[0]})"
        if name == "step_scalar":
            return f"_step({args[0]})"
        if name == "Abs":
            return f"abs({args[0]})"
        if name in ("Max", "Min"):
            return reduce(lambda x, y: f"({x}).{name.lower()}({y})", args)
        if name == "Piecewise":
            return self._piecewise(expr)
        if name not in _METHODS:
            return str(self._print_not_supported(expr))
        return f"{args[0] if args[0].isidentifier() else f'({args[0]})'}.{_METHODS[name]}()"

    def _piecewise(self, expr: Any) -> str:
        *cases, (value, condition) = expr.args
        if condition != True:
            return str(self._print_not_supported(expr))
        text = self._print(value)
        for v, c in reversed(cases):
            text = f"({self._print(v)} if {self._print(c)} else {text})"
        return text

    def _print_Relational(self, expr: Any) -> str:
        greater, less = self._print(expr.gts), self._print(expr.lts)
        if expr.rel_op in (">", "<"):
            return f"_positive({greater} - ({less}))"
        if expr.rel_op in (">=", "<="):
            return f"not _positive({less} - ({greater}))"
        return str(self._print_not_supported(expr))

    def _print_Symbol(self, expr: Symbol) -> str:
        name = self._names.get(expr, expr.name)
        return f"arb({name})" if expr.is_integer else name

    def _print_Integer(self, expr: Any) -> str:
        return f"arb({int(expr)})"

    _print_One = _print_Zero = _print_NegativeOne = _print_Integer

    def _print_Rational(self, expr: Any) -> str:
        return f"(arb({expr.p}) / {expr.q})"

    _print_Half = _print_Rational

    def _print_Float(self, expr: Any) -> str:
        value = exact(expr)
        return f"(arb({value.numerator}) / {value.denominator})"

    def _print_Pi(self, _: Any) -> str:
        return "arb.pi()"

    def _print_Exp1(self, _: Any) -> str:
        return "arb.const_e()"

    def _print_Mul(self, expr: Any) -> str:
        """A product over a product; a factor of power -1 goes below."""
        above: list[str] = []
        below: list[str] = []
        for f in expr.as_ordered_factors():
            if f.is_Pow and f.exp.is_negative:
                below.append(self.parenthesize(1 / f, 60))
            elif f is S.NegativeOne:
                above.insert(0, "-1")
            else:
                above.append(self.parenthesize(f, 60))
        top = " * ".join(above) or "arb(1)"
        return f"{top} / {below[0]}" if len(below) == 1 else f"{top} / ({' * '.join(below)})" if below else top

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:  # noqa: ARG002 - the parent's signature
        base = self._print(expr.base)
        base = base if base.isidentifier() else f"({base})"
        if expr.exp.is_Integer:
            return f"{base}**{int(expr.exp)}" if expr.exp > 0 else f"(arb(1) / {base}**{-int(expr.exp)})"
        if expr.exp == S.Half:
            return f"{base}.sqrt()"
        if expr.exp == -S.Half:
            return f"{base}.rsqrt()"
        return f"{base}**({self._print(expr.exp)})"
