"""Random initial parameters; all randomness from `numpy.random.Generator` on a `SeedSequence`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError
from deqmath.numeric.validate import choice, count

#: The initialisations of A by name: Gaussian (gg22 eq. 4), half-normal (section 5.1), diagonal signs (section 5.2).
INITIALISATIONS = ("gaussian", "half-normal", "diagonal")

Seed = int | np.random.SeedSequence


def seed_sequence(seed: Seed) -> np.random.SeedSequence:
    """The `SeedSequence` of an integer >= 0, or the sequence itself."""
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        msg = f"seed is {seed!r}; it needs an integer >= 0 or a np.random.SeedSequence, for example seed=0"
        raise InputError(msg)
    return np.random.SeedSequence(int(seed))


def draw_parameters(
    width: int, inputs: int, init: str, seed: Seed
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draw A (m, m), W (m, d) and b (m,); A, W and b from streams of their own.

    W ~ N(0, 1) and b = +-1 always. A is N(0, 1), |N(0, 1)| or diag(+-1) by `init`.
    """
    m, d = count(width, "width"), count(inputs, "inputs")
    choice(init, "init", INITIALISATIONS)
    # fresh children from the entropy: a SeedSequence that was spawned from before gives the same draws again
    base = seed_sequence(seed)
    streams = [
        np.random.Generator(np.random.PCG64(np.random.SeedSequence(base.entropy, spawn_key=(*base.spawn_key, k))))
        for k in range(3)
    ]
    if init == "diagonal":
        A = np.diag(streams[0].choice(np.array([-1.0, 1.0]), size=m))
    else:
        A = streams[0].standard_normal((m, m))
        if init == "half-normal":
            A = np.abs(A)
    W = streams[1].standard_normal((m, d))
    b = streams[2].choice(np.array([-1.0, 1.0]), size=m)
    return A, W, b
