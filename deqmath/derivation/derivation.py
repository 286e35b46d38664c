"""A derivation: the calculus's lines, each one judged on its own by the checker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sympy import MatMul, MatrixExpr, Symbol, Transpose

from deqmath.calculus.apply_rule import apply_rule
from deqmath.calculus.normal_form import proves_equal, simplified
from deqmath.calculus.trace import Label, Line
from deqmath.checking import Evidence, Verdict, judge
from deqmath.checking.judge import checked_assumptions
from deqmath.checking.kinks import OFF_THE_KINKS
from deqmath.derivation.display import Display
from deqmath.derivation.hypotheses import missing
from deqmath.errors import InputError, ShapeError, StepRefuted
from deqmath.expressions.assumptions import Assumption
from deqmath.expressions.dimension import same_shape
from deqmath.expressions.nodes import Vec
from deqmath.expressions.printing import Name, latex, text
from deqmath.expressions.statements import Equal

#: The rule of a line typed by the user that the normal form does not prove: it is checked, not derived.
YOUR_LINE = "your line"


@dataclass(frozen=True)
class Step:
    """One line: ``label = expression`` by ``rule`` because of ``reason``, under ``assumptions``."""

    line: Line
    holding: tuple[Assumption, ...] = ()
    before: MatrixExpr | None = None

    @property
    def label(self) -> Label:
        return self.line.label

    @property
    def expression(self) -> MatrixExpr:
        return self.line.expression

    @property
    def rule(self) -> str:
        return self.line.rule

    @property
    def reason(self) -> str:
        return self.line.reason

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """The hypotheses this line uses."""
        return self.line.assumptions

    @cached_property
    def verdict(self) -> Verdict:
        """What the checker says of this line, worked out when first asked for.

        A line that inverts a matrix which no hypothesis makes invertible is undecided.
        """
        verdict = judge(self.line.statement, (*self.holding, *self.line.assumptions))
        if verdict.status != "verified" or not self.missing:
            return verdict
        names = ", ".join(text(M) for M in self.missing)
        detail = (
            f"true wherever both sides are defined, but nothing says that {names} is invertible: "
            "state it, as in .then(..., assuming=[dm.invertible(M)])"
        )
        return replace(verdict, evidence=(Evidence("exact", "undecided", detail),))

    @cached_property
    def missing(self) -> tuple[MatrixExpr, ...]:
        """The matrices this line inverts without a hypothesis; empty for a line of the calculus."""
        if self.before is None:
            return ()
        return missing(self.expression, self.before, (*self.holding, *self.line.assumptions))

    @cached_property
    def unused(self) -> tuple[Assumption, ...]:
        """Hypotheses stated for this line without which it is verified just as well."""
        if self.before is None:
            return ()
        out = []
        for a in self.line.assumptions:
            others = tuple(o for o in (*self.holding, *self.line.assumptions) if o != a)
            needed = missing(self.expression, self.before, others) != self.missing
            if not needed and judge(self.line.statement, others).status == "verified":
                out.append(a)
        return tuple(out)


@dataclass(frozen=True)
class Derivation(Display):
    """Lines that lead to ``.result``, with rule, reason, hypotheses and verdict of each.

    Parameters
    ----------
    steps
        The lines, in order.
    names
        Short names used in displays, such as D for ``gate(gamma A z + phi)``.
    title
        What is derived.
    """

    steps: tuple[Step, ...]
    names: tuple[tuple[MatrixExpr, Name], ...] = ()
    title: str = ""

    @property
    def result(self) -> MatrixExpr:
        """The last line's expression, closed in the symbols of the problem."""
        return self.steps[-1].expression

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """Every hypothesis used, in order of first use."""
        return tuple(dict.fromkeys(a for s in self.steps for a in s.assumptions))

    def verdict(self) -> Verdict:
        """The verdict on the whole: each line judged, plus ``derived`` evidence if none fails."""
        evidence: list[Evidence] = []
        checked = [(k, s, s.verdict) for k, s in enumerate(self.steps, 1) if s.rule != "given"]
        used = dict.fromkeys(map(str, self.assumptions))
        for _, _, v in checked:  # what a line was judged under, where the derivation itself does not assume it
            used |= {a: None for a in v.assumptions if a.removeprefix(f"{OFF_THE_KINKS}: ") not in used}
        refuted = next(((k, s, v) for k, s, v in checked if v.status == "refuted"), None)
        if refuted:
            k, s, v = refuted
            evidence.append(Evidence("derived", "refuted", f"line {k} ({s.rule}) is false: {v.evidence[0].detail}"))
            return Verdict(tuple(evidence), v.counterexample, tuple(used), judge="derivation")
        open_lines = [k for k, _, v in checked if v.status == "undecided"]
        rules = ", ".join(dict.fromkeys(s.rule for _, s, _ in checked if s.rule != YOUR_LINE))
        own = [str(k) for k, s, _ in checked if s.rule == YOUR_LINE]
        detail = f"{len(checked) - len(own)} lines by named rules ({rules or 'none'}), for all dimensions"
        if own:
            detail += f"; line {', '.join(own)} as typed, true at the sizes tried and not proved for all"
        status = "undecided" if open_lines else "verified"
        if open_lines:
            detail += f"; the checker could not judge line {', '.join(map(str, open_lines))}"
        else:
            detail += "; each line checked exactly on its own"
        kind = "exact" if len(own) == len(checked) else "derived"
        evidence.append(Evidence(kind, status, detail, {"lines": len(checked), "typed_lines": len(own)}))  # type: ignore[arg-type]
        return Verdict(tuple(evidence), None, tuple(used), judge="derivation")

    def then(
        self, expr: Any, *, because: str, label: str | None = None, assuming: Iterable[Assumption] = ()
    ) -> Derivation:
        """Add a line of your own; it is checked at once against the line before.

        Parameters
        ----------
        expr
            What the last line equals; same shape.
        because
            The reason, in your words.
        label
            A new left side; the last line's by default.
        assuming
            Further hypotheses that this line uses.

        Returns
        -------
        Derivation
            A new derivation with the line added; this one is unchanged, so you can branch.

        Raises
        ------
        StepRefuted
            The line is false; the exception carries the counterexample.
        ShapeError
            The line has another shape than the one before.
        """
        if not isinstance(because, str) or not because.strip():
            msg = 'then() needs a reason in words, as in .then(expr, because="mixed product")'
            raise InputError(msg)
        if not isinstance(expr, MatrixExpr):
            msg = f"then() received {expr!r} of type {type(expr).__name__}; it needs a matrix expression"
            raise InputError(msg)
        last = self.steps[-1]
        if not same_shape(expr.shape, last.expression.shape):
            msg = (
                f"the new line has shape {expr.shape} and the one before it {last.expression.shape}; they must be equal"
            )
            raise ShapeError(msg)
        rule = "rewriting" if proves_equal(last.expression, expr) else YOUR_LINE
        shown = last.label if label is None else _label(label)
        line = Line(shown, expr, rule, because, checked_assumptions(assuming), Equal(expr, last.expression))
        step = Step(line, self.assumptions, last.expression)
        verdict = step.verdict
        if verdict.status == "refuted":
            msg = f"refuted: {text(expr, self.names)} is not {text(last.expression, self.names)}: {verdict.evidence[0].detail}"
            raise StepRefuted(msg, verdict.counterexample or "")
        return Derivation((*self.steps, step), self.names, self.title)

    def apply(self, rule: str) -> Derivation:
        """Rewrite the last line by one named rule, at the first place where it fits.

        Parameters
        ----------
        rule
            A rule of ``deqmath/calculus/rules``, such as ``"push-through"``, ``"mixed product"`` or
            ``"kron times vec"``; ``"normal form"`` applies all of them. A wrong name lists the right ones.
        """
        last = self.steps[-1]
        expr, identity = apply_rule(last.expression, rule)
        line = Line(last.label, expr, rule.replace("_", " "), identity, (), Equal(expr, last.expression))
        return Derivation((*self.steps, Step(line, self.assumptions)), self.names, self.title)

    @property
    def unused_assumptions(self) -> tuple[Assumption, ...]:
        """Hypotheses stated with ``.then(..., assuming=)`` that no line needs."""
        return tuple(dict.fromkeys(a for s in self.steps for a in s.unused))

    def times(self, factor: Any, *, because: str, label: str, names: dict[str, MatrixExpr] | None = None) -> Derivation:
        """The result times a factor on its right, as a new line with a left side of its own."""
        product = MatMul(self.result, factor)
        line = Line(_label(label), simplified(product), "product", because, (), Equal(simplified(product), product))
        longer = Derivation((*self.steps, Step(line, self.assumptions)), self.names, self.title)
        return longer.where(**(names or {}))

    def along(self, direction: MatrixExpr, wrt: Any, *, because: str, label: str) -> Derivation:
        """A Jacobian applied to ``vec(direction)``: the rate at which the quantity moves along it."""
        if tuple(direction.shape) != tuple(wrt.shape):
            msg = f"the direction has shape {direction.shape}; {wrt} has shape {wrt.shape}; they must be equal"
            raise ShapeError(msg)
        return self.times(Vec(direction), because=because, label=label)

    def where(self, **names: MatrixExpr) -> Derivation:
        """The same derivation with short names in its displays: ``.where(D=gate(...), R=...)``."""
        pairs = []
        for name, expr in names.items():
            pairs += abbreviations(name, expr)
        fresh = {e for e, _ in pairs}
        kept = [(e, n) for e, n in self.names if e not in fresh]
        return Derivation(self.steps, (*kept, *pairs), self.title)

    def proves(self, expr: MatrixExpr) -> Verdict:
        """Whether the result equals ``expr`` for all dimensions, by the same normal form."""
        same = proves_equal(self.result, expr)
        detail = f"the derived result and {text(expr, self.names)} have one normal form"
        if not same:
            detail = "the derived result and the stated one have different normal forms, which decides nothing"
        status = "verified" if same else "undecided"
        evidence = (Evidence("derived", status, detail),)  # type: ignore[arg-type]
        return Verdict(evidence, None, tuple(map(str, self.assumptions)), judge="normal form")


def _label(shown: str) -> Label:
    tex = "".join(_TEX.get(c, c) for c in shown)
    for word, written in _WORDS.items():
        tex = tex.replace(word, written)
    return Label(shown, tex)


#: The few Unicode marks that labels use, in LaTeX.
_TEX = {"ᵀ": "^{\\mathsf{T}}", "∂": "\\partial ", "∇": "\\nabla ", "γ": "\\gamma "}
#: The words.
_WORDS = {"W\u0304": "\\overline{W}", "vec(": "\\operatorname{vec}(", " by ": "\\text{ by }"}


def rewriting(expr: MatrixExpr, *, title: str = "", label: str = "f") -> Derivation:
    """A derivation that starts from an expression, for lines of your own with ``.then``.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import Identity, MatrixSymbol
    >>> m = dm.dim("m")
    >>> A, B, I = MatrixSymbol("A", m, m), MatrixSymbol("B", m, m), Identity(m)
    >>> d = dm.rewriting(A * (I - B * A).I).then((I - A * B).I * A, because="push-through")
    >>> d.verdict().status
    'verified'
    """
    line = Line(_label(label), expr, "given", "what is rewritten")
    return Derivation((Step(line),), (), title)


def abbreviations(name: str, expr: MatrixExpr) -> list[tuple[MatrixExpr, Name]]:
    """A name for an expression and for its transpose, as they stand in normal form."""
    symbol = Symbol(name)
    plain, tex = text(symbol), latex(symbol)
    form = simplified(expr)
    pairs = [(form, Name(plain, tex))]
    if expr != form:
        pairs.append((expr, Name(plain, tex, also=True)))
    flipped = simplified(Transpose(expr))
    if flipped not in (form, expr):
        pairs.append((flipped, Name(f"{plain}ᵀ", f"{tex}^{{\\mathsf{{T}}}}", also=True)))
    return pairs


def derivation(lines: Sequence[Line], title: str, names: Iterable[tuple[MatrixExpr, Name]] = ()) -> Derivation:
    """A derivation from the calculus's lines."""
    return Derivation(tuple(Step(line) for line in lines), tuple(names), title)
