"""Which patterns of signs can occur at one size: a tree that is learnt while it is walked.

A pattern is the list of signs in the order in which they are first asked for. Which signs are asked for may depend
on those given before: in ``relu(Q relu(P))`` the outer one is never asked for where the inner one is closed, for its
argument is 0 there. So no count read off one point is the number of all. Every point leaves its trail; where a
trail went one way and no trail has gone the other, the other way is still to be walked.
"""

from __future__ import annotations

from collections.abc import Iterator

#: Signs in the order in which they are asked for.
Trail = tuple[bool, ...]
#: A pattern as a point is given it: the signs as bits, the first one lowest, and how many of them there are.
Pattern = tuple[int, int]

#: Signs beyond those of a pattern are closed (and open beyond those of a negative number): no point has so many.
ENDLESS = 1 << 40
ALL_OPEN: Pattern = (-1, ENDLESS)
ALL_CLOSED: Pattern = (0, ENDLESS)


def pattern_of(trail: Trail) -> Pattern:
    """The pattern that begins with these signs, all others closed."""
    return sum(1 << k for k, sign in enumerate(trail) if sign), ENDLESS


class SignPatterns:
    """The patterns seen at one size, and the ways not yet walked."""

    def __init__(self) -> None:
        self._walked: set[Trail] = set()
        self._waiting: dict[Trail, None] = {}
        #: The whole patterns seen, in the order of the first points that had them.
        self.leaves: dict[Trail, None] = {}

    def saw(self, trail: Trail, whole: bool) -> None:
        """A point had these signs; ``whole``: it was evaluated to the end, and did not fail on the way."""
        for k, sign in enumerate(trail):
            here, other = trail[: k + 1], (*trail[:k], not sign)
            self._walked.add(here)
            self._waiting.pop(here, None)
            if other not in self._walked:
                self._waiting.setdefault(other)
        if whole:
            self.leaves.setdefault(trail)

    def unwalked(self) -> Iterator[Trail]:
        """Beginnings of patterns that no point has had yet; those found meanwhile come too."""
        while self._waiting:
            beginning, _ = self._waiting.popitem()
            self._walked.add(beginning)
            yield beginning

    @property
    def complete(self) -> bool:
        """Whether every way has been walked."""
        return not self._waiting

    @property
    def at_least(self) -> int:
        """A number of patterns that there are at least, if every way not yet walked leads to one."""
        return len(self.leaves) + len(self._waiting)

    @property
    def longest(self) -> int:
        """The largest number of signs in one pattern."""
        return max(map(len, self.leaves), default=0)


__all__ = ["ALL_CLOSED", "ALL_OPEN", "ENDLESS", "Pattern", "SignPatterns", "Trail", "pattern_of"]
