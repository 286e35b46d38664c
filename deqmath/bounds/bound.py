"""``Bound``: an exact enclosure of a number, or the plain statement that nothing was proved."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from deqmath.bounds.decimal_text import enclosure_digits, outward
from deqmath.bounds.rationals import floor_log10
from deqmath.errors import InputError, UndecidedError

Status = Literal["proved", "undecided"]
Certificate = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    r"""What was proved about one real number: ``lower <= quantity <= upper``.

    Parameters
    ----------
    lower, upper : Fraction or None
        Exact rational ends; None means that nothing is claimed on that side.
    quantity : str
        What is enclosed, in words or symbols.
    status : {"proved", "undecided"}
        An undecided bound has no ends and no digits.
    assumptions : tuple of str
        What the proof takes for granted.
    certificate : dict or None
        JSON-able data from which :func:`deqmath.bounds.check_certificate` proves the bound again.
    reason : str
        Why it is undecided (empty when proved).

    Raises
    ------
    InputError
        When ``lower > upper``, or an undecided bound carries an end or gives no reason.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from deqmath.bounds import Bound
    >>> b = Bound(Fraction(31415926, 10**7), Fraction(31415927, 10**7), quantity="pi")
    >>> print(b)
    3.141592[65] (7 digits proved; width 1.0e-07)
    >>> b.digits, b.status
    (7, 'proved')
    """

    lower: Fraction | None
    upper: Fraction | None
    quantity: str = ""
    status: Status = "proved"
    assumptions: tuple[str, ...] = ()
    certificate: Certificate | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.status not in ("proved", "undecided"):
            msg = f"status is {self.status!r}; a bound is 'proved' or 'undecided'"
            raise InputError(msg)
        for name in ("lower", "upper"):
            end = getattr(self, name)
            if end is not None and not isinstance(end, Fraction):
                msg = f"{name} is a {type(end).__name__}; needed fractions.Fraction (or None): Bound(Fraction({end!r}), ...)"
                raise InputError(msg)
        if self.status == "undecided" and not (self.lower is None and self.upper is None and self.reason):
            msg = "an undecided bound has no ends and a reason: Bound.undecided(quantity, reason)"
            raise InputError(msg)
        if self.status == "proved" and self.lower is None and self.upper is None:
            msg = "a proved bound needs an end; say Bound.undecided(quantity, reason) when nothing is proved"
            raise InputError(msg)
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            msg = f"lower = {float(self.lower)!r} exceeds upper = {float(self.upper)!r}; needed lower <= upper"
            raise InputError(msg)

    @classmethod
    def undecided(cls, quantity: str, reason: str, assumptions: tuple[str, ...] = ()) -> Bound:
        """A bound that proves nothing and says why."""
        return cls(None, None, quantity, "undecided", assumptions, None, reason)

    @property
    def is_exact(self) -> bool:
        """Whether both ends are the same number."""
        return self.lower is not None and self.lower == self.upper

    @property
    def width(self) -> Fraction:
        """``upper - lower``; raises `UndecidedError` when an end is missing."""
        lower, upper = self._ends()
        return upper - lower

    @property
    def mid(self) -> Fraction:
        """``(lower + upper) / 2``, exact; raises `UndecidedError` when an end is missing."""
        lower, upper = self._ends()
        return (lower + upper) / 2

    @property
    def rad(self) -> Fraction:
        """``(upper - lower) / 2``, exact; raises `UndecidedError` when an end is missing."""
        return self.width / 2

    @property
    def digits(self) -> int | float:
        """Proved significant digits: ``floor(-log10(rad / min |end|))``.

        0 when the enclosure holds zero, is one-sided or undecided; ``inf`` when both ends are equal.
        """
        if self.lower is None or self.upper is None:
            return 0
        if self.lower == self.upper:
            return math.inf
        if self.lower <= 0 <= self.upper:
            return 0
        smallest = min(abs(self.lower), abs(self.upper))
        return max(0, floor_log10(smallest / self.rad))

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, (int, float, Fraction)) or self.status == "undecided":
            return False
        x = Fraction(value)
        return (self.lower is None or self.lower <= x) and (self.upper is None or x <= self.upper)

    def scaled(self, factor: Fraction) -> Bound:
        """The enclosure of ``factor`` times the quantity, for ``factor != 0``; drops the certificate."""
        ends = [None if e is None else e * factor for e in (self.lower, self.upper)]
        lower, upper = ends if factor > 0 else reversed(ends)
        return replace(self, lower=lower, upper=upper, certificate=None)

    def __str__(self) -> str:
        if self.status == "undecided":
            return f"undecided: {self.reason}"
        if self.lower is None or self.upper is None:
            if self.lower is not None:
                return f">= {outward(self.lower, 17, up=False)} (proved)"
            return f"<= {outward(self.upper or Fraction(0), 17, up=True)} (proved)"
        text = enclosure_digits(self.lower, self.upper)
        if self.is_exact:
            return f"{text} (exact)"
        count = self.digits
        said = "no digit" if count == 0 else "1 digit" if count == 1 else f"{count} digits"
        return f"{text} ({said} proved; width {_width_text(self.width)})"

    def _repr_html_(self) -> str:
        named = f"<i>{_escape(self.quantity)}</i>: " if self.quantity else ""
        return f"{named}<code>{_escape(str(self))}</code>"

    def _repr_latex_(self) -> str:
        return rf"$\text{{{str(self).replace('[', '{[}').replace('_', chr(92) + '_')}}}$"

    def as_json(self) -> dict[str, Any]:
        """The bound as JSON-able data; every number is a string, so no digit is lost."""
        ends = {"lower": (self.lower, False), "upper": (self.upper, True)}
        exact_ends = {k: None if v is None else str(v) for k, (v, _) in ends.items()}
        shown = 20 if math.isinf(self.digits) else int(self.digits) + 5
        decimal = {k: None if v is None else outward(v, shown, up) for k, (v, up) in ends.items()}
        return {
            "quantity": self.quantity,
            "status": self.status,
            "text": str(self),
            "digits": "exact" if self.is_exact else str(self.digits),
            **exact_ends,
            "decimal": decimal,
            "assumptions": list(self.assumptions),
            "reason": self.reason,
            "certificate": self.certificate,
        }

    def _ends(self) -> tuple[Fraction, Fraction]:
        if self.lower is None or self.upper is None:
            msg = (
                f"{self.quantity or 'this bound'} has no two-sided enclosure ({self}); look at .status, .lower, .upper"
            )
            raise UndecidedError(msg)
        return self.lower, self.upper


def _width_text(width: Fraction) -> str:
    text = outward(width, 2, up=True)
    return text if "." in text else text.replace("e", ".0e", 1) if "e" in text else text + ".0"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
