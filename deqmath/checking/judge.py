"""Judging a statement: exact evaluation first, a counterexample in true numbers where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from sympy import Expr, Identity, MatMul, MatrixExpr, Rational, S

from deqmath.checking.ball_agreement import ball_agreement
from deqmath.checking.branches import generic_hypotheses, special_counterexample
from deqmath.checking.counterexample import boundary_counterexample, find_counterexample
from deqmath.checking.domains import NotInDomain
from deqmath.checking.exact import TARGET_BITS, ExactOutcome, in_words, run_exact
from deqmath.checking.holding import HoldingTest
from deqmath.checking.kinks import OFF_THE_KINKS, kinks_not_excluded
from deqmath.checking.norm_attack import attack_norm_bound
from deqmath.checking.sides import DerivativeTest, DifferentialTest, EqualTest, SidesTest
from deqmath.checking.smooth_values import at_instances
from deqmath.checking.solving import Equations
from deqmath.checking.verdict import Evidence, Verdict
from deqmath.errors import InputError, ShapeError
from deqmath.expressions.assumptions import Assumption, hypothesis
from deqmath.expressions.depth import any_depth
from deqmath.expressions.dimension import same_shape
from deqmath.expressions.plain import plain
from deqmath.expressions.statements import DerivativeOf, DifferentialOf, Equal, Given, NormAtMost, Statement


@any_depth
def judge(statement: Statement, assuming: Iterable[Assumption] = (), seed: int = 0, level: str = "standard") -> Verdict:
    """The verdict on what a line of a derivation states."""
    assumptions = tuple(assuming)
    equations = [(a.unknown, a.expr) for a in assumptions if a.kind == "equation" and a.unknown is not None]
    signs = tuple(a.expr for a in assumptions if a.kind == "nonnegative")
    if isinstance(statement, Given):
        return Verdict((Evidence("assumed", "verified", "a definition or hypothesis"),))
    if isinstance(statement, Equal):
        equal = partial(EqualTest, rhs=statement.rhs, equations=tuple(equations), nonnegative=signs)
        return verdict_of(equal, statement.lhs, assumptions, seed, level)
    if isinstance(statement, NormAtMost):
        return attack_norm_bound(statement, seed)
    held = tuple(e for e in equations if e[0] not in dict(statement.implicit))
    test = partial(_differential_test, statement=statement, signs=signs)
    verdict = verdict_of(test, statement.candidate, assumptions, seed, level)
    if verdict.status == "verified" or not held:
        return verdict
    return verdict_of(partial(_holding_test, make=test, held=held), statement.candidate, assumptions, seed, level)


def _differential_test(candidate: Any, statement: DifferentialOf | DerivativeOf, signs: tuple[Any, ...]) -> SidesTest:
    of, pairs = statement.of, statement.implicit
    if isinstance(statement, DifferentialOf):
        return DifferentialTest(candidate, of, statement.differentials, pairs, signs)
    of = of if isinstance(of, MatrixExpr) else MatMul(of, Identity(S.One))
    return DerivativeTest(candidate, of, statement.wrt, statement.gradient, pairs, signs)


def _holding_test(candidate: Any, make: Callable[[Any], SidesTest], held: Equations) -> SidesTest:
    return HoldingTest(make(candidate), held)


def verdict_of(
    make: Callable[[Any], SidesTest],
    candidate: Expr,
    assumptions: tuple[Assumption, ...],
    seed: int,
    level: str,
    smallest: bool = True,
) -> Verdict:
    """Run the exact test of a candidate; where the sides differ, look for a counterexample.

    To recheck means to ask whether another candidate is refuted: any counterexample will do, not the smallest.
    """
    test = make(candidate)
    used = tuple(str(a) for a in assumptions)
    recheck = partial(_recheck, make=make, assumptions=assumptions, seed=seed, level=level)
    verdict = Verdict((), None, used, candidate, recheck)
    try:
        outcome = run_exact(test, seed, level)
    except NotInDomain as e:
        return replace(verdict, evidence=(Evidence("exact", "undecided", f"not evaluated: {e}"),))
    if outcome.agrees:
        return _where_generic_points_agree(verdict, outcome, test, assumptions, seed)
    if outcome.agrees is None:
        detail = "no point could be drawn: every one tried was singular or had no consistent gates"
        detail += f" ({outcome.trouble})" if outcome.trouble else ""
        return replace(verdict, evidence=(Evidence("exact", "undecided", detail),))
    where = outcome.disagreement and outcome.disagreement[0]
    found = find_counterexample(at_instances(test), seed, also=where, smallest=smallest)
    if found is None:
        detail = (
            "the sides differ over the prime field, but no counterexample in real numbers was found: the statement may "
            "rest on an inequality, on signs, or on a relation between functions that the field does not know"
        )
        if not outcome.on_solution_set:
            detail += "; and no exact point could be made at which the equations assumed hold"
        return replace(verdict, evidence=(Evidence("exact", "undecided", detail), *_agreement_in_balls(test, seed)))
    sizes = ", ".join(f"{k} = {v}" for k, v in found.sizes.items()) or "scalars"
    how = "exactly" if found.domain == "rationals" else "by disjoint balls"
    detail = f"the two sides differ, shown {how} at {sizes}"
    evidence = Evidence("exact", "refuted", detail, {"sizes": found.sizes, "domain": found.domain})
    return replace(verdict, evidence=(evidence,), counterexample=found.script)


def _where_generic_points_agree(
    verdict: Verdict, outcome: ExactOutcome, test: SidesTest, assumptions: tuple[Assumption, ...], seed: int
) -> Verdict:
    """Refuted where special points show a difference; else verified, with what the generic points had in common."""
    found = boundary_counterexample(test, seed) if test.nonnegative else None
    detail = "the two sides differ where a hypothesis ≥ 0 holds with equality: state no_kink(u) where u = 0 is excluded"
    if found is None:
        found = special_counterexample(test, assumptions, seed)
        detail = (
            "the two sides agree at generic values of what an equation assumed is about, and differ at special ones, "
            "where it has more solutions: state invertible(M) where they are excluded"
        )
    if found is not None:
        evidence = Evidence("exact", "refuted", detail, {"sizes": found.sizes, "domain": found.domain})
        return replace(verdict, evidence=(evidence,), counterexample=found.script)
    kinks, generic = kinks_not_excluded(test, assumptions), generic_hypotheses(test, assumptions, seed)
    evidence = _agreement(outcome, stated=any(a.kind == "invertible" for a in assumptions))
    remarks = ([OFF_THE_KINKS] if kinks else []) + list(generic)
    evidence = replace(evidence, detail="; ".join([evidence.detail, *remarks]))
    return replace(verdict, evidence=(evidence,), assumptions=(*verdict.assumptions, *kinks, *generic))


def _recheck(
    other: Expr, make: Callable[[Any], SidesTest], assumptions: tuple[Assumption, ...], seed: int, level: str
) -> Verdict:
    """The verdict on another candidate; a function of its own, since a verdict is sent between processes with it."""
    return verdict_of(make, other, assumptions, seed, level, smallest=False)


def _agreement_in_balls(test: SidesTest, seed: int) -> tuple[Evidence, ...]:
    found = ball_agreement(at_instances(test), seed)
    if found is None:
        return ()
    points, digits = found
    detail = (
        f"both sides enclosed in balls at {points} random points agree to {digits} digits at each; this proves nothing"
    )
    return (Evidence("numeric", "verified", detail, {"points": points, "digits": digits}),)


def _agreement(o: ExactOutcome, stated: bool) -> Evidence:
    """The evidence of sides that agreed; `stated`: an inverse is among the hypotheses, so where there is none is excluded."""
    where = "; ".join(map(in_words, o.sizes))
    detail = f"equal at {o.points} random points over prime fields near 2^61, at {len(o.sizes)} sizes ({where}); "
    figures: dict[str, Any] = {
        "points": o.points,
        "sizes": [dict(s) for s in o.sizes],
        "log2_chance_of_error": round(o.log2_chance, 1),
        "gate_bits": o.gates,
        "gate_patterns": "all" if o.all_patterns else dict(o.sampled),
    }
    if o.log2_chance > -TARGET_BITS:
        detail += (
            f"but the degree is too high for the field: the chance of error is only bounded by 2^{o.log2_chance:.0f}"
        )
        return Evidence("exact", "undecided", detail, figures)
    tried = "" if o.all_patterns else " under a pattern of its gates that was tried there"
    detail += f"chance of accepting an identity that is false at one of these sizes{tried} < 2^{o.log2_chance:.0f}"
    if not o.all_patterns:
        detail += f"; tried were {_patterns_tried(o)}: a single bad pattern can be missed there"
    if o.singular_patterns:
        detail += f"; at {o.singular_patterns} patterns of its gates a matrix that is inverted is singular, and nothing is said there"
        figures["singular_patterns"] = o.singular_patterns
        if not stated:
            detail += ": state invertible(M) where they are excluded"
            return Evidence("exact", "undecided", detail, figures)
    elif o.gates and o.all_patterns:
        can = " that can occur" if o.other_patterns else ""
        detail += f", for every pattern of its gates{can}"
    if o.gates and not o.some_size_exhausted:
        return Evidence("exact", "undecided", detail, figures)
    if not o.on_solution_set:
        detail += "; also off the solution set of the equation"
    return Evidence("exact", "verified", detail, figures)


def _patterns_tried(o: ExactOutcome) -> str:
    """``every pattern at m=1; m=2, 4 sampled patterns at m=3``."""
    whole = [s for s in map(in_words, o.sizes) if s not in o.sampled]
    parts = [f"every pattern at {'; '.join(dict.fromkeys(whole))}"] if whole else []
    for count in sorted(set(o.sampled.values())):
        there = "; ".join(name for name, k in o.sampled.items() if k == count)
        parts.append(f"{count} sampled {'pattern' if count == 1 else 'patterns'} at {there}")
    return ", ".join(parts)


def shape_of(x: Any) -> tuple[Any, ...]:
    """The shape of a matrix; (1, 1) of a scalar."""
    return tuple(x.shape) if isinstance(x, MatrixExpr) else (S.One, S.One)


def as_matrix(x: Any, name: str) -> MatrixExpr:
    """An argument (expression, scalar, SymPy matrix, derivation) as a matrix expression."""
    x = plain(Rational(x) if isinstance(x, (int, Fraction)) and not isinstance(x, bool) else x)
    if isinstance(x, MatrixExpr):
        return x
    if isinstance(x, Expr):
        return MatMul(x, Identity(S.One))
    if hasattr(x, "as_immutable"):
        return x.as_immutable()
    if hasattr(x, "result"):
        return x.result
    msg = f"{name} received {x!r} of type {type(x).__name__}; it needs a matrix expression"
    raise InputError(msg)


def checked_assumptions(assuming: Any) -> tuple[Assumption, ...]:
    """Hypotheses as a tuple, or an error that says what they must be."""
    items = assuming if isinstance(assuming, (list, tuple, set, frozenset)) else (assuming,)
    return tuple(hypothesis(a) for a in items)


@any_depth
def check_equal(
    lhs: Any, rhs: Any, assuming: Iterable[Assumption] = (), *, seed: int = 0, level: str = "standard"
) -> Verdict:
    """Is ``lhs = rhs``, for all values at the sizes tried?

    Parameters
    ----------
    lhs, rhs
        Matrix expressions of one shape (or scalars).
    assuming
        Hypotheses; ``dm.equation(residual, unknown)`` makes the unknown a solution at every point.
    seed
        Seeds the random points.
    level
        ``"quick"``, ``"standard"`` or ``"thorough"``: how many sizes are tried.

    Returns
    -------
    Verdict
        ``exact`` evidence with the Schwartz-Zippel chance of error, or a counterexample.

    Raises
    ------
    ShapeError
        The two shapes differ.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import Identity, MatrixSymbol
    >>> m = dm.dim("m")
    >>> A, B = MatrixSymbol("A", m, m), MatrixSymbol("B", m, m)
    >>> I = Identity(m)
    >>> dm.check_equal(A * (I - B * A).I, (I - A * B).I * A).status
    'verified'
    >>> dm.check_equal(A * B, B * A).status
    'refuted'
    """
    a, b = as_matrix(lhs, "check_equal"), as_matrix(rhs, "check_equal")
    if not same_shape(shape_of(a), shape_of(b)):
        msg = f"the left side has shape {shape_of(a)} and the right side {shape_of(b)}; they must be equal"
        raise ShapeError(msg)
    return judge(Equal(a, b), checked_assumptions(assuming), seed, level)


def _jacobian_shape(of: Any, wrt: Any) -> tuple[Any, Any]:
    (p, q), (r, s) = shape_of(of), shape_of(wrt)
    return p * q, r * s


@any_depth
def check_derivative(
    candidate: Any,
    of: Any,
    wrt: Any,
    *,
    implicit: dict[Any, Any] | None = None,
    assuming: Iterable[Assumption] = (),
    seed: int = 0,
    level: str = "standard",
) -> Verdict:
    """Is ``candidate`` the derivative of ``of``? Judged by dual numbers, without the calculus.

    Parameters
    ----------
    candidate
        ``d vec(of)/d vec(wrt)^T`` in numerator layout, shape (size of, size wrt); or, for a scalar
        ``of``, its gradient in the shape of ``wrt``.
    of
        The expression differentiated.
    wrt
        A matrix, vector or scalar symbol.
    implicit
        Unknown -> residual, for unknowns that move with ``wrt`` so that the residual stays 0.

    Returns
    -------
    Verdict
        Exact over the prime field; a counterexample is a point and a direction.
    """
    candidate = as_matrix(candidate, "check_derivative")
    of = as_matrix(of, "check_derivative")
    wanted, got = _jacobian_shape(of, wrt), shape_of(candidate)
    is_jacobian = same_shape(got, wanted)
    gradient = shape_of(of) == (1, 1) and same_shape(got, shape_of(wrt)) and not is_jacobian
    if not is_jacobian and not gradient:
        msg = f"the candidate has shape {got}; the Jacobian of {shape_of(of)} by {shape_of(wrt)} has shape {wanted}"
        raise ShapeError(msg)
    pairs = tuple((implicit or {}).items())
    return judge(DerivativeOf(candidate, of, wrt, gradient, pairs), checked_assumptions(assuming), seed, level)


@any_depth
def check_implicit_derivative(
    candidate: Any,
    residual: Any,
    unknown: Any,
    wrt: Any,
    *,
    assuming: Iterable[Assumption] = (),
    seed: int = 0,
    level: str = "standard",
) -> Verdict:
    """Is ``candidate`` the derivative of the unknown that ``residual = 0`` defines?

    Judged at points of the solution set, with the tangent found by solving the linearised
    equation of the model's own definition in dual numbers: no formula of the calculus is used.

    Parameters
    ----------
    candidate
        ``d vec(unknown)/d vec(wrt)^T``, shape (size unknown, size wrt).
    residual
        The expression that is 0.
    unknown
        What it determines.
    wrt
        A matrix, vector or scalar symbol.
    """
    residual = as_matrix(residual, "check_implicit_derivative")
    if shape_of(residual) != shape_of(unknown):
        msg = f"the residual has shape {shape_of(residual)}, the unknown {shape_of(unknown)}; they must be equal"
        raise ShapeError(msg)
    return check_derivative(
        candidate, unknown, wrt, implicit={unknown: residual}, assuming=assuming, seed=seed, level=level
    )


@any_depth
def check_directional_derivative(
    candidate: Any,
    of: Any,
    along: dict[Any, Any],
    *,
    implicit: dict[Any, Any] | None = None,
    assuming: Iterable[Assumption] = (),
    seed: int = 0,
    level: str = "standard",
) -> Verdict:
    """Is ``candidate`` the derivative of ``of`` when each symbol moves along its direction?

    Parameters
    ----------
    candidate
        An expression of the shape of ``of``.
    of
        The expression differentiated.
    along
        Symbol -> direction, an expression of its shape evaluated at the same point.
    implicit
        Unknown -> residual, for unknowns that move so that the residual stays 0.

    Returns
    -------
    Verdict
        By dual numbers, exact over the prime field.
    """
    candidate, of = (as_matrix(x, "check_directional_derivative") for x in (candidate, of))
    if shape_of(candidate) != shape_of(of):
        msg = f"the candidate has shape {shape_of(candidate)}; the derivative of {shape_of(of)} has that shape"
        raise ShapeError(msg)
    for x, v in along.items():
        if shape_of(x) != shape_of(v):
            msg = f"the direction of {x} has shape {shape_of(v)}; it needs {shape_of(x)}"
            raise ShapeError(msg)
    pairs = tuple((implicit or {}).items())
    return judge(DifferentialOf(candidate, of, tuple(along.items()), pairs), checked_assumptions(assuming), seed, level)
