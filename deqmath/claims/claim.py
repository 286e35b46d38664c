"""A claim: one numbered statement of a paper, and the function that gathers evidence for it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from deqmath.errors import InputError

Expect = Literal["verified", "refuted"]
EXPECTATIONS: tuple[Expect, ...] = get_args(Expect)
Exports = Mapping[str, Any] | Callable[[], Mapping[str, Any]]

#: Where :func:`claim` registers while a derivations file is being collected; None elsewhere.
collecting: ContextVar[list[Claim] | None] = ContextVar("collecting", default=None)

_ID = re.compile(r"[\w.+\-]+")


@runtime_checkable
class HasVerdict(Protocol):
    """Anything that can be judged, such as a :class:`~deqmath.calculus.Derivation`."""

    def verdict(self) -> object:
        """What is known about it."""


@dataclass(frozen=True)
class Claim:
    """One statement of a paper, with the function that yields evidence for or against it.

    Parameters
    ----------
    id
        Its name, such as ``gg22.eq10``.
    source, equation
        The paper's key and the number the statement has there.
    statement
        The statement, in a line of plain text.
    expect
        ``"verified"``, or ``"refuted"`` for a finding about a paper.
    function
        Takes nothing or one :class:`~deqmath.claims.Case`; yields or returns evidence.
    file, line
        Where it is written.
    prose
        The function's docstring.
    exports
        ``{name: expression}`` for ``deqmath export``, or a function that gives it.
    derivation
        A function that gives the derivation for ``deqmath explain``.
    derivatives
        ``{name: DerivativeOf(...)}`` for exported derivatives, or a function that gives it.
    """

    id: str
    source: str
    equation: str
    statement: str
    expect: Expect
    function: Callable[..., Any] = field(repr=False)
    file: Path
    line: int
    prose: str = field(default="", repr=False)
    exports: Exports | None = field(default=None, repr=False)
    derivation: Callable[[], Any] | None = field(default=None, repr=False)
    derivatives: Exports | None = field(default=None, repr=False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the claim's own function, as if it had not been decorated."""
        return self.function(*args, **kwargs)

    @property
    def where(self) -> str:
        """``file:line``, for messages."""
        return f"{self.file}:{self.line}"

    @property
    def takes_case(self) -> bool:
        """Whether the function wants the :class:`~deqmath.claims.Case` it runs under."""
        return bool(inspect.signature(self.function).parameters)

    def expressions(self) -> dict[str, Any]:
        """The expressions to export, by name; empty if the claim exports nothing."""
        exports = self.exports() if callable(self.exports) else self.exports
        return dict(exports or {})

    def known_derivatives(self) -> dict[str, Any]:
        """Of what each exported expression is the derivative, for the companion test of its code."""
        given = self.derivatives() if callable(self.derivatives) else self.derivatives
        return dict(given or {})


def claim(
    id: str,
    source: str,
    equation: str,
    statement: str,
    expect: Expect = "verified",
    *,
    exports: Exports | None = None,
    derivation: Callable[[], Any] | None = None,
    derivatives: Exports | None = None,
) -> Callable[[Callable[..., Any]], Claim]:
    """Register a function as the evidence for one statement of a paper.

    The function takes nothing, or one :class:`~deqmath.claims.Case`, and yields (or returns,
    alone or in a list) ``Evidence``, ``Verdict`` or ``Derivation`` objects. Its docstring is
    the prose shown by ``deqmath explain``. What it writes by hand, instead of passing on the
    verdict of a judge, counts as a measurement if it has figures and as assumed if not; evidence
    of kind derived, exact or certified is a judge's alone.

    Parameters
    ----------
    id
        A unique name, such as ``gg22.eq10``.
    source, equation
        The paper's key and the number of the statement in it.
    statement
        The statement, in a line of plain text.
    expect
        ``"verified"``, or ``"refuted"`` for a statement that is known to be false; such a
        claim passes only when a counterexample is shown.
    exports
        ``{name: expression}`` for ``deqmath export``, or a function that gives it.
    derivation
        A function that gives the ``Derivation`` shown by ``deqmath explain``.
    derivatives
        ``{name: DerivativeOf(...)}`` for exported expressions that are derivatives, or a function that gives it;
        the companion test of their code compares them with central differences.

    Raises
    ------
    InputError
        For an empty or ill-formed field; the message names the file and line.

    Examples
    --------
    >>> import deqmath as dm
    >>> @dm.claim("demo.one", "demo", "(1)", "1 + 1 = 2")
    ... def one():
    ...     "By counting."
    ...     yield dm.check_equal(dm.one() + dm.one(), 2 * dm.one())
    >>> one.id, one.prose
    ('demo.one', 'By counting.')
    """

    fields: dict[str, Any] = {"id": id, "source": source, "equation": equation, "statement": statement}
    given = {"exports": exports, "derivation": derivation, "derivatives": derivatives}
    return lambda function: _registered(function, fields, expect, given)


def _registered(function: Callable[..., Any], fields: dict[str, Any], expect: Expect, given: dict[str, Any]) -> Claim:
    where = _where(function)
    _check_fields(where, fields, expect)
    _check_callables(where, fields["id"], function, given["exports"], given["derivation"])
    code = inspect.unwrap(function).__code__
    made = Claim(
        **fields,
        **given,
        expect=expect,
        function=function,
        file=Path(code.co_filename),
        line=code.co_firstlineno,
        prose=inspect.getdoc(function) or "",
    )
    registry = collecting.get()
    if registry is not None:
        registry.append(made)
    return made


def _where(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        msg = f"@claim decorates a function; received {function!r}"
        raise InputError(msg)
    return f"{code.co_filename}:{code.co_firstlineno}"


def _check_fields(where: str, fields: Mapping[str, Any], expect: Any) -> None:
    for name, value in fields.items():
        if not isinstance(value, str) or not value.strip():
            msg = f"{where}: the claim's {name} is {value!r}; needed a non-empty text"
            raise InputError(msg)
    if not _ID.fullmatch(fields["id"]):
        msg = f"{where}: the claim id {fields['id']!r} may hold letters, digits, '.', '_', '+' and '-' only"
        raise InputError(msg)
    if expect not in EXPECTATIONS:
        msg = f"{where}: claim {fields['id']} has expect={expect!r}; needed one of {', '.join(EXPECTATIONS)}"
        raise InputError(msg)


def _check_callables(where: str, name: str, function: Callable[..., Any], exports: Any, derivation: Any) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(parameters) > 1 or any(p.kind not in plain for p in parameters):
        msg = f"{where}: the function of claim {name} takes {inspect.signature(function)}; needed () or (case)"
        raise InputError(msg)
    if exports is not None and not callable(exports) and not isinstance(exports, Mapping):
        msg = f"{where}: exports of claim {name} is {type(exports).__name__}; needed {{name: expression}} or a function"
        raise InputError(msg)
    if derivation is not None and not callable(derivation):
        kind = type(derivation).__name__
        msg = f"{where}: derivation of claim {name} is {kind}; needed a function without arguments that gives it"
        raise InputError(msg)
