"""How wide the network has to be, against the number of samples.

The paper proves convergence for a width of order n. Measured here is the least width of a draw: the data are fixed, and the width goes
down from 2 n by factors of sqrt(2), each network drawn afresh, for as long as descent converges as Theorem 2 says. That is, with the
step alpha = 1/lambda_max(H(0)) and lambda_0 told from 0 (above 1e-5 lambda_max),

    ||r(k)||^2 <= (1 - alpha lambda_0/2)^k ||r(0)||^2   at every step, until the loss is 1% of its start,

within 30 n steps. The exponent of the least width in n must not exceed 1. In most draws that end the search, lambda_0 is not told from 0,
or descent crosses the envelope.

Random unit inputs of fixed dimension with random labels are the hard case; two classes of digits have a structure to be found.

The sizes, the number of draws and the cap of 30 n steps were chosen after looking at earlier results, so the intervals are those of an
exploration and not of a design fixed beforehand. With 24 draws the digits were undecided; they run at level thorough only.

Source: gg22lin, Theorems 1 and 2 (the width).
"""

from fractions import Fraction
from itertools import islice

import numpy as np

import deqmath as dm
from deqmath.claims.growth import grows_slower_than
from deqmath.claims.instances import Pair, holds_on
from deqmath.data import load

from ._descent import Unsolved, residuals

SIZES = {"quick": (6, 9, 13), "standard": (6, 9, 13, 18), "thorough": (6, 9, 13, 18, 27, 40)}
DRAWS = {"quick": 6, "standard": 8, "thorough": 24}
GOAL = 0.01


def network(width, inputs, seed):
    return dm.ReLUNetwork.random(width=width, inputs=inputs, gamma0=0.2, seed=seed, trainable=("A", "W", "b"))


def converges(net, X, y):
    """Whether descent keeps the envelope of Theorem 2 until the loss is 1% of its start, within 30 n steps."""
    start = None
    try:
        for k, (r, decay) in enumerate(islice(residuals(net, X, y), 30 * len(y))):
            loss = float(r @ r)
            start = loss if start is None else start
            if loss <= GOAL * start:
                return True
            if not loss <= decay**k * start * (1 + 1e-6):
                return False
    except Unsolved:
        return False
    return False


def least_width(X, y, rng):
    """The last width of 2n, 2n/sqrt(2), n, ... at which descent converges; None if it does not at 2n."""
    least = None
    for halvings in np.arange(0, 20, 0.5):
        width = round(2 * len(y) * 2.0**-halvings)
        if width < 1 or not converges(network(width, X.shape[1], int(rng.integers(2**31))), X, y):
            break
        least = width
    return least


def random_labels(n, rng):
    """Random unit inputs of dimension 10, labels +-1 by chance: nothing to learn but the samples themselves."""
    X = rng.standard_normal((n, 10))
    return X / np.linalg.norm(X, axis=1, keepdims=True), rng.choice([-1.0, 1.0], n)


def two_digits(n, rng):
    """Images of threes and eights."""
    data = load("digits", samples=n, seed=int(rng.integers(2**31)))
    return data.X, data.y


def widths(draw, case):
    """Sizes and least widths of all draws; a draw without one at 2n counts as 2 sqrt(2) n, the next width up."""
    rng, sizes, found = case.rng(), [], []
    for n in SIZES[case.level]:
        for _ in range(DRAWS[case.level]):
            sizes.append(n)
            found.append(least_width(*draw(n, rng), rng) or 2**1.5 * n)
    return sizes, found


@dm.claim(
    "gg22lin.width",
    source="gg22lin",
    equation="Theorems 1 and 2, width",
    statement="the least width at which descent keeps ‖r(k)‖² ≤ (1 - αλ₀/2)^k ‖r(0)‖² to 1% of the loss grows no faster than n",
)
def width_against_samples(case):
    """The exponent of the least width, with its interval; and the sweep's own descent against the trainer's.

    The digits scatter more from draw to draw and need the sizes of level thorough.
    """
    cases = [(random_labels, "random inputs and labels")]
    if case.level == "thorough":
        cases.append((two_digits, "digits 3 and 8"))
    for draw, words in cases:
        yield grows_slower_than(*widths(draw, case), Fraction(1), f"the least width, {words},", letter="n")
    yield holds_on(
        list(against_the_trainer()), "|residual of the sweep - residual of the trainer| ≤ 10⁻⁶ ‖r(0)‖, m = 24"
    )


def against_the_trainer():
    """The same network trained by both, at the same step size: the residuals of every tenth step."""
    X, y = random_labels(12, np.random.default_rng(0))
    net = network(24, 10, 0)
    run = dm.gradient_descent(net, X, y, steps=30, record=10)
    mine = [r for r, _ in islice(residuals(net, X, y), 31)]
    for k in range(4):
        theirs = run.predictions[k] - y
        gap = float(np.linalg.norm(mine[10 * k] - theirs))
        yield Pair(gap, 1e-6 * float(np.linalg.norm(mine[0])), f"step {10 * k}")
