"""Scalar formulas for the array libraries: ``math`` where only dimensions occur, the library's functions elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from sympy import Expr, S, Symbol, exp
from sympy.printing.pycode import PythonCodePrinter

from deqmath.codegen.targets.numbers_text import FloatNumbers

#: SymPy's functions that every array library has under these names (those of the Array API standard).
_COMMON = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos",
    "atan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh",
    "atanh": "atanh", "Abs": "abs", "sign": "sign", "floor": "floor", "ceiling": "ceil",
}  # fmt: skip


def exponent(e: Any) -> Any:
    """x, where e is ``1 + exp(x)``."""
    if e.is_Add and len(e.args) == 2 and e.args[0] == 1 and isinstance(e.args[1], exp):
        return e.args[1].args[0]
    return None


def of_dimensions(e: Any) -> bool:
    """Whether only integers (dimensions, indices) occur: then the value is a Python number."""
    return all(s.is_integer for s in e.free_symbols)


class ArrayPrinter(FloatNumbers, PythonCodePrinter):
    """Text of a scalar formula whose symbols are arrays, or Python integers."""

    def __init__(self, names: Mapping[Symbol, str], xp: str, functions: Mapping[str, str], target: str) -> None:
        super().__init__({"fully_qualified_modules": True, "strict": True})
        self._names, self._xp, self._target = names, xp, target
        self._functions = {k: f"{xp}.{v}" for k, v in _COMMON.items()} | dict(functions)

    def _print_Symbol(self, expr: Symbol) -> str:
        return self._names.get(expr, expr.name)

    def _print_Function(self, expr: Any) -> str:
        name = type(expr).__name__
        if name not in self._functions:
            return str(self._print_not_supported(expr))
        return f"{self._functions[name]}({', '.join(self._print(a) for a in expr.args)})"

    def _print(self, expr: Any, **kwargs: Any) -> str:
        """Functions of arrays are looked up here, before the parent's methods for ``math``."""
        if getattr(expr, "is_Function", False) and not of_dimensions(expr):
            special = getattr(self, f"_array_{type(expr).__name__}", None)
            return special(expr) if special is not None else self._print_Function(expr)
        return str(super()._print(expr, **kwargs))

    def _array_log(self, expr: Any) -> str:
        """``log(1 + exp(x))`` without overflow."""
        x = exponent(expr.args[0])
        if x is None:
            return self._print_Function(expr)
        text = self._print(x)
        return f"{self._xp}.logaddexp({text}, {self._xp}.zeros_like({text}))"

    def _array_Piecewise(self, expr: Any) -> str:
        *cases, (value, condition) = expr.args
        if condition != True:
            return str(self._print_not_supported(expr))
        text = self._filled(value, expr)
        for v, c in reversed(cases):
            text = f"{self._xp}.where({self._print(c)}, {self._filled(v, expr)}, {text})"
        return text

    def _array_Max(self, expr: Any) -> str:
        return self._pairwise("maximum", expr)

    def _array_Min(self, expr: Any) -> str:
        return self._pairwise("minimum", expr)

    def _pairwise(self, name: str, expr: Any) -> str:
        parts = [self._filled(a, expr) for a in expr.args]
        return reduce(lambda x, y: f"{self._xp}.{name}({x}, {y})", parts)

    def _filled(self, value: Expr, beside: Expr) -> str:
        """A value as an array: a number takes the shape and dtype of an array in the same formula."""
        text = self._print(value)
        if not of_dimensions(value):
            return text
        arrays = sorted((s for s in beside.free_symbols if not s.is_integer), key=lambda s: s.name)
        return f"{self._xp}.full_like({self._print(arrays[0])}, {text})"

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        """Roots by ``sqrt``; ``1 / (1 + exp(x))`` without overflow."""
        if of_dimensions(expr):
            return str(super()._print_Pow(expr, rational=rational))
        x = exponent(expr.base)
        if x is not None and expr.exp.is_Integer and expr.exp < 0:
            sigmoid = f"_sigmoid({self._print(-x)})"
            return sigmoid if expr.exp == -1 else f"{sigmoid}**{-expr.exp}"
        if expr.exp == S.Half:
            return f"{self._xp}.sqrt({self._print(expr.base)})"
        if expr.exp == -S.Half:
            return f"1 / {self._xp}.sqrt({self._print(expr.base)})"
        return str(super()._print_Pow(expr, rational=rational))

    def _print_And(self, expr: Any) -> str:
        return " & ".join(f"({self._print(a)})" for a in expr.args)

    def _print_Or(self, expr: Any) -> str:
        return " | ".join(f"({self._print(a)})" for a in expr.args)

    def _print_Not(self, expr: Any) -> str:
        return f"~({self._print(expr.args[0])})"
