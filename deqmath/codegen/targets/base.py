"""What a target must say; everything else (order of lines, names, loops, docs) is shared."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from sympy import Expr, I, Lambda, Symbol, nan, oo, zoo
from sympy.core.function import AppliedUndef
from sympy.printing.codeprinter import PrintMethodNotImplementedError

from deqmath.codegen.arguments import Signature
from deqmath.codegen.graph import Node
from deqmath.errors import InputError, UnknownNodeError

#: How tightly a piece of text binds: a sum, a product, or a name or call.
SUM, PRODUCT, ATOM = 1, 2, 3


class Code(NamedTuple):
    """A piece of Python text and how tightly it binds."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """The text, in parentheses where it binds less tightly than ``level``."""
        return self.text if self.level >= level else f"({self.text})"


class Context:
    """What rendering needs beside the operands: the printed names and the descriptions."""

    def __init__(self, names: Mapping[Symbol, str], describe: Callable[[Node], str]) -> None:
        self.names, self.describe = names, describe


class Target(ABC):
    """One library for which code is written; a new target is one new file with a subclass."""

    #: The name by which ``generate(target=...)`` knows it.
    name: ClassVar[str]
    #: How the arrays of the target are called in docstrings.
    array: ClassVar[str]
    #: Names that the generated text uses itself.
    reserved: ClassVar[frozenset[str]]
    #: The files in ``runtime`` whose functions are copied into the generated text where they are used.
    helpers: ClassVar[tuple[str, ...]]
    #: The package to install for it, as in ``deqmath[jax]``; empty where it comes with deqmath.
    package: ClassVar[str] = ""
    #: Passes that make no sense for this library.
    without: ClassVar[frozenset[str]] = frozenset()
    #: Whether the text checks what is stated of arguments; otherwise nothing stated is used.
    uses_facts: ClassVar[bool] = False
    #: The line under which an operation on what is not finite warns of nothing.
    quiet: ClassVar[str] = ""
    #: How a gate is written that only picks rows, or empty where it is always made of numbers.
    mask: ClassVar[str] = ""
    #: Whether functions take leading batch axes.
    batched: ClassVar[bool] = True
    #: Lines of the numpydoc section on the parameter of ``keyword_only``.
    keyword_doc: ClassVar[tuple[str, ...]] = ()
    #: Lines for the docstring on batches, dtypes, precision.
    notes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def rules(self) -> Mapping[str, Callable[[Node, list[Code], Context], Code]]:
        """Operation name -> how it is written."""

    @abstractmethod
    def printer(self, names: Mapping[Symbol, str]) -> Any:
        """A SymPy printer of scalar formulas, with ``doprint``."""

    @abstractmethod
    def prologue(self, sig: Signature) -> list[str]:
        """The lines that validate and convert the arguments and read the dimensions."""

    @abstractmethod
    def epilogue(self, codes: list[tuple[str, Node, list[str]]], sig: Signature) -> str:
        """What is returned for (text, node, texts of its shape)."""

    #: A line that stands before every generated function, or an empty text.
    decorator: ClassVar[str] = ""

    def accumulator(self, shape: list[str]) -> str:  # noqa: ARG002 - a subclass reads it
        """What a sum over samples starts from."""
        return "0.0"

    @abstractmethod
    def imports(self, text: str) -> list[str]:
        """The import lines that a text needs."""

    @abstractmethod
    def samples(self, sig: Signature, sizes: Mapping[str, int]) -> list[str]:
        """Lines of a function body that returns example arguments, as a dict, from ``rng`` and ``batch``."""

    #: The text of the tests that the companion file runs for every function.
    companion: ClassVar[str] = ""
    #: Import lines that the companion file needs beside those of its text.
    test_imports: ClassVar[tuple[str, ...]] = ()

    def keyword_only(self, sig: Signature) -> str:  # noqa: ARG002 - a subclass reads it
        """A parameter that the function takes after ``*``, or an empty text."""
        return ""

    def quick(self, sig: Signature) -> str:  # noqa: ARG002 - a subclass reads it
        """A condition, in ``{x}`` and ``{y}``, under which two columns are finite: cheaper than the line that looks."""
        return ""

    def in_test(self, function: str, sig: Signature) -> str:  # noqa: ARG002 - a subclass reads it
        """How the companion test names a function that it calls with the arguments only."""
        return function

    def finished(self, text: str) -> str:
        """The whole text of a module or test, where a library is written as a variant of another."""
        return text

    def render(self, node: Node, args: list[Code], context: Context) -> Code:
        rules = self.rules()
        if node.op not in rules:
            raise UnknownNodeError(node, f"codegen for {self.name}")
        return rules[node.op](node, args, context)

    def formula(self, expr: Expr, names: Mapping[Symbol, str]) -> Code:
        """A scalar formula as text."""
        if expr.has(I, oo, -oo, zoo, nan):
            msg = f"the target {self.name} received the number in {expr}, which is not real and finite; it needs a real formula"
            raise InputError(msg)
        unknown = expr.atoms(AppliedUndef)
        if unknown:
            msg = f"the target {self.name} received the undefined function {sorted(map(str, unknown))}; it needs a SymPy function"
            raise InputError(msg)
        try:
            text = str(self.printer(names).doprint(expr))
        except PrintMethodNotImplementedError as error:
            msg = f"the target {self.name} received the function in {expr}, for which it has no equivalent ({error})"
            raise InputError(msg) from error
        text = re.sub(r"\s*(?<!\*)([*/])(?!\*)\s*", r" \1 ", text)
        if expr.is_Add or expr.is_Relational:
            return Code(text, SUM)
        return Code(
            text, ATOM if expr.is_Symbol or (expr.is_nonnegative and expr.is_Integer) or expr.is_Function else PRODUCT
        )

    def size(self, k: Expr, names: Mapping[Symbol, str]) -> str:
        """A dimension, as text that is a Python integer."""
        return self.formula(k, names).text

    def function(self, f: Lambda, argument: str, names: Mapping[Symbol, str]) -> Code:
        """``f(argument)`` entry by entry, for a scalar function of one variable."""
        stand_in = Symbol(argument if argument.isidentifier() else "_argument", real=True)
        code = self.formula(f(stand_in), {**names, stand_in: argument})
        return code


def signed_sum(terms: list[Code]) -> Code:
    """``a + b - c`` from the texts of the terms."""
    text = terms[0].at(PRODUCT)
    for t in (t.at(PRODUCT) for t in terms[1:]):
        text += f" - {t[1:]}" if t.startswith("-") else f" + {t}"
    return Code(text, SUM)


def times(*factors: Code) -> Code:
    """``a * b * c``; only the first may itself be a product."""
    first, *rest = factors
    return Code(" * ".join([first.at(PRODUCT), *(f.at(ATOM) for f in rest)]), PRODUCT)


def scaled(s: Code, X: Code) -> Code:
    """``s * X``, or ``-X``."""
    return Code(f"-{X.at(ATOM)}", PRODUCT) if s.text == "-1" else times(s, X)
