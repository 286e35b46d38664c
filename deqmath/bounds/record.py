"""``BoundRecord``: several bounds that belong together, by name, each with what it means and why it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deqmath.bounds.bound import Bound, Certificate, Status
from deqmath.errors import InputError


@dataclass(frozen=True)
class Entry:
    """One bound of a record.

    Attributes
    ----------
    name : str
        By which it is looked up.
    bound : Bound
    meaning : str
        What is bounded.
    because : str
        The inequality or theorem that gives it.
    """

    name: str
    bound: Bound
    meaning: str = ""
    because: str = ""


@dataclass(frozen=True, eq=False)
class BoundRecord:
    """Bounds by name: ``record["omega"]``.

    Parameters
    ----------
    title : str
    entries : tuple of Entry
    notes : tuple of str
        What else must be said, such as that a bound is vacuous.
    certificate : dict or None
        From which :func:`deqmath.bounds.check_certificate` proves the bounds again.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from deqmath.bounds import Bound, BoundRecord, Entry
    >>> half = Bound(Fraction(1, 2), Fraction(1, 2), "rho")
    >>> record = BoundRecord("well-posedness", (Entry("rho", half, "gamma ||A||"),))
    >>> print(record["rho"])
    1/2 (exact)
    """

    title: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    certificate: Certificate | None = None

    def __getitem__(self, name: str) -> Bound:
        for entry in self.entries:
            if entry.name == name:
                return entry.bound
        msg = f"{self.title} holds no {name!r}; it holds {', '.join(self)}"
        raise InputError(msg)

    def __iter__(self) -> Iterator[str]:
        return (entry.name for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the proofs of all entries take for granted."""
        return tuple(dict.fromkeys(a for entry in self.entries for a in entry.bound.assumptions))

    @property
    def proved(self) -> bool:
        """Whether no entry is undecided."""
        return all(entry.bound.status == "proved" for entry in self.entries)

    @property
    def quantity(self) -> str:
        """The title, as a single bound's quantity."""
        return self.title

    @property
    def status(self) -> Status:
        """ "proved" when no entry is undecided."""
        return "proved" if self.proved else "undecided"

    def __str__(self) -> str:
        width = max((len(entry.name) for entry in self.entries), default=0)
        lines = [self.title]
        for entry in self.entries:
            lines.append(f"  {entry.name:<{width}}  {entry.bound}")
            said = "; ".join(part for part in (entry.meaning, entry.because) if part)
            if said:
                lines.append(f"  {'':<{width}}  {said}")
        return "\n".join([*lines, *self.notes])

    def as_json(self) -> dict[str, Any]:
        """The record as JSON-able data."""
        bounds = {e.name: {**e.bound.as_json(), "meaning": e.meaning, "because": e.because} for e in self.entries}
        return {"title": self.title, "proved": self.proved, "bounds": bounds, "notes": list(self.notes)}
