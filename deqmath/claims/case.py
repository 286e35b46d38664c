"""The settings one claim runs under: its own seed, the digits asked for, and how thorough to be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from deqmath.errors import InputError

if TYPE_CHECKING:
    import numpy as np

Level = Literal["quick", "standard", "thorough"]
LEVELS: tuple[Level, ...] = get_args(Level)
#: As many as of a bound (deqmath.bounds.lambda_bounds.MOST_DIGITS, whose import would slow a run from the cache).
MOST_DIGITS = 3_000


@dataclass(frozen=True)
class Case:
    """What a claim function receives when it takes an argument.

    Parameters
    ----------
    seed
        The claim's own seed, a 32-bit integer; see :func:`seed_of`.
    digits
        Decimal digits that high-precision comparisons should reach, at most 3000.
    level
        ``"quick"``, ``"standard"`` or ``"thorough"``: how many sizes and points to try.

    Examples
    --------
    >>> from deqmath.claims import Case
    >>> Case(seed=7, digits=40, level="quick").rng().integers(10) < 10
    np.True_
    """

    seed: int = 0
    digits: int = 40
    level: Level = "standard"

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            msg = f"level is {self.level!r}; needed one of {', '.join(LEVELS)}"
            raise InputError(msg)
        if not 1 <= self.digits <= MOST_DIGITS:
            msg = f"digits is {self.digits}; needed a number of decimal digits from 1 to {MOST_DIGITS}, such as 40"
            raise InputError(msg)
        if self.seed < 0:
            msg = f"seed is {self.seed}; needed a non-negative integer, such as 0"
            raise InputError(msg)

    def rng(self) -> np.random.Generator:
        """A fresh generator from the claim's seed: the same draws at each call."""
        import numpy as np

        return np.random.default_rng(np.random.SeedSequence(self.seed))


def seed_of(claim_id: str, seed: int) -> int:
    """The seed of one claim, from the global seed and the claim's id.

    It depends on nothing else, so a claim sees the same draws alone, among others, and on
    one or several processes.

    Examples
    --------
    >>> from deqmath.claims.case import seed_of
    >>> seed_of("gg22.eq10", 0) == seed_of("gg22.eq10", 0) != seed_of("gg22.eq11", 0)
    True
    """
    import numpy as np

    words = hashlib.sha256(claim_id.encode()).digest()[:16]
    key = [int.from_bytes(words[i : i + 4], "little") for i in range(0, 16, 4)]
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1)[0])
