"""Arc-cosine kernels, the limit kernel and tail constants: against mpmath at twice the digits, and broken on purpose."""

from fractions import Fraction

import flint
import numpy as np
import pytest
from bounds_matrices import to_fraction
from mpmath import MPContext

from deqmath.bounds import (
    Bound,
    FalseCertificateError,
    arc_cosine,
    bernstein,
    check_certificate,
    exp_envelope,
    gaussian_norm,
    hoeffding,
    limit_kernel,
    limit_kernels,
    matrix_chernoff_width,
    relu_fixed_points,
    relu_kernel,
    sub_gaussian_norm,
)
from deqmath.bounds.balls import ball, precision
from deqmath.errors import InputError

F = Fraction


def context(digits):
    ctx = MPContext()
    ctx.dps = digits
    return ctx


def mp_kernels(ctx, a, b, c):
    cosine = max(min(c / ctx.sqrt(a * b), ctx.one), -ctx.one)
    theta = ctx.acos(cosine)
    one = ctx.sqrt(a * b) * (ctx.sqrt(max(1 - cosine**2, 0)) + cosine * (ctx.pi - theta)) / (2 * ctx.pi)
    return (ctx.pi - theta) / (2 * ctx.pi), one


def number(ctx, value):
    value = Fraction(value)
    return ctx.mpf(value.numerator) / value.denominator


def holds(bound, value, digits):
    """Whether the bound holds an oracle's value, good to ``digits`` digits."""
    slip = F(1, 10**digits)
    return bound.lower <= value + slip and value - slip <= bound.upper


def test_arc_cosine_against_mpmath(rng):
    before = flint.ctx.prec
    for digits in (5, 20, 60):
        ctx = context(2 * digits + 20)
        for _ in range(25):
            a, b = (F(int(v), 7) for v in rng.integers(1, 40, 2))
            c = F(int(rng.integers(-99, 100)), 100) * min(a, b)
            expected = mp_kernels(ctx, *(number(ctx, v) for v in (a, b, c)))
            for order in (0, 1):
                found = arc_cosine(order, a, b, c, digits)
                assert found.digits >= digits
                assert holds(found, to_fraction(expected[order]), 2 * digits)
    assert flint.ctx.prec == before


@pytest.mark.parametrize(("c", "zero", "one"), [(1, F(1, 2), F(1, 2)), (-1, 0, 0), (0, F(1, 4), None)])
def test_parallel_opposite_and_orthogonal(c, zero, one):
    assert zero in arc_cosine(0, 1, 1, c, 30)
    assert one is None or one in arc_cosine(1, 1, 1, c, 30)


def test_nearly_parallel():
    near = 1 - F(1, 10**40)
    ctx = context(200)
    expected = mp_kernels(ctx, ctx.one, ctx.one, number(ctx, near))
    for order in (0, 1):
        assert holds(arc_cosine(order, 1, 1, near, 50), to_fraction(expected[order]), 90)


@pytest.mark.parametrize("arguments", [(2, 1, 1, 0), (0, 0, 1, 0), (1, 1, 1, 2)])
def test_arc_cosine_refuses(arguments):
    with pytest.raises(InputError, match="needed order"):
        arc_cosine(*arguments)


def mp_limit(ctx, X, gamma0, kind):
    """The limit kernel by plain iteration in mpmath."""
    n, g = len(X), number(ctx, gamma0) ** 2
    G = [[sum(number(ctx, u) * number(ctx, v) for u, v in zip(x, y, strict=True)) for y in X] for x in X]
    if kind == "diagonal":
        K = [[mp_kernels(ctx, G[i][i], G[j][j], G[i][j]) for j in range(n)] for i in range(n)]
        return [[g * K[i][j][0] * K[i][j][1] for j in range(n)] for i in range(n)]
    S = [[ctx.zero] * n for _ in range(n)]
    for _ in range(int(ctx.dps * 3.4 / -float(ctx.log(g / 2, 2))) + 5):
        C = [[g * S[i][j] + G[i][j] for j in range(n)] for i in range(n)]
        S = [[mp_kernels(ctx, C[i][i], C[j][j], C[i][j])[1] for j in range(n)] for i in range(n)]
    K = [[mp_kernels(ctx, C[i][i], C[j][j], C[i][j])[0] for j in range(n)] for i in range(n)]
    return [[g * S[i][j] * K[i][j] / (1 - g * K[i][j]) for j in range(n)] for i in range(n)]


@pytest.mark.parametrize("kind", ["diagonal", "gaussian"])
@pytest.mark.parametrize("gamma0", [0.45, F(1)])
def test_limit_kernel_against_mpmath(rng, kind, gamma0):
    X = rng.standard_normal((3, 3))
    ctx = context(70)
    expected = mp_limit(ctx, X.tolist(), gamma0, kind)
    found = limit_kernel(X, gamma0=gamma0, digits=30, kind=kind)
    for i in range(3):
        for j in range(3):
            assert holds(found.H.entry(i, j), to_fraction(expected[i][j]), 60)
            assert found.H.entry(i, j).digits >= 28
    assert found.lambda_min.digits >= 25
    smallest = min(ctx.eigsy(ctx.matrix(expected), eigvals_only=True))
    assert holds(found.lambda_min, to_fraction(smallest), 55)


def test_repeated_and_opposite_rows():
    X = np.array([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [2.0, 4.0]])
    for kind in ("diagonal", "gaussian"):
        found = limit_kernel(X, gamma0=0.5, digits=12, kind=kind)
        gap = abs(found.H.entry(0, 0).mid - found.H.entry(0, 1).mid)
        assert gap <= 2 * found.H.radius
        assert found.lambda_min.lower <= 0 <= found.lambda_min.upper
    assert limit_kernel(X, gamma0=0.5, digits=12, kind="diagonal").H.entry(0, 2).mid == 0


def test_dropping_the_contraction_factor_misses(rng, monkeypatch):
    """Start from a rough s: with 1/(1 - gamma0^2/2) the ball holds the fixed point, without it it does not."""
    sound, X = limit_kernels.fixed_point, rng.standard_normal((3, 3))
    truth = limit_kernel(X, gamma0=1.3, digits=40, kind="gaussian")

    def rough(p, q, gg, x, bits):
        return (sound(p, q, gg, x, bits) * (1 - flint.arb(1) / 10**6)).mid()

    def missed():
        products = [[F(0)] * (i + 1) for i in range(3)]
        for i in range(3):
            for j in range(i + 1):
                products[i][j] = sum((F(u) * F(v) for u, v in zip(X[i], X[j], strict=True)), F(0))
        with limit_kernels.precision(300):
            pairs = limit_kernels._pairs(products, F(1.3) ** 2, ("gaussian", "identity"), 300)
            ends = {key: limit_kernels.ends(s) for key, (s, _) in pairs.items()}
        exact = {key: truth.S.entry(*key).mid for key in ends}
        return sum(not low <= exact[key] <= high for key, (low, high) in ends.items() if key[0] != key[1])

    monkeypatch.setattr(limit_kernels, "fixed_point", rough)
    assert missed() == 0
    monkeypatch.setattr(limit_kernels, "contraction_radius", lambda s, image, gg: abs(image - s))  # noqa: ARG005
    assert missed() > 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"gamma0": 0},
        {"gamma0": -1.0},
        {"gamma0": 1.5, "kind": "gaussian"},
        {"gamma0": 1.2, "phi": "relu"},
        {"gamma0": 0.3, "phi": "tanh"},
        {"gamma0": 0.3, "phi": "identity", "kind": "diagonal"},
        {"gamma0": 0.3, "kind": "orthogonal"},
        {"gamma0": float("nan")},
        {"gamma0": 0.3, "digits": 0},
    ],
)
def test_limit_kernel_refuses(arguments):
    with pytest.raises(InputError):
        limit_kernel(np.eye(2), **arguments)


def test_a_zero_row_is_refused():
    with pytest.raises(InputError, match="row 1"):
        limit_kernel(np.array([[1.0, 0.0], [0.0, 0.0]]), gamma0=0.3)


def test_tail_constants_against_mpmath():
    ctx = context(60)
    d = ctx.mpf("0.0625")
    expected = {
        "hoeffding": (hoeffding(37, 0.0625, 3), 3 * ctx.sqrt(ctx.log(1 / d) / 74)),
        "bernstein": (bernstein(37, 0.0625, 1.5, 2), ctx.sqrt(3 * ctx.log(1 / d) / 37) + 2 * ctx.log(1 / d) / 37),
        "gaussian": (gaussian_norm(9, 5, 0.0625), 3 + ctx.sqrt(5) + ctx.sqrt(2 * ctx.log(1 / d))),
        "sub": (sub_gaussian_norm(9, 5, 0.0625, 2), 2 * ctx.sqrt(8 * (14 * ctx.log(9) + ctx.log(1 / d)))),
        "chernoff": (
            matrix_chernoff_width(7, 0.5, 3, 0.25, 0.0625),
            ctx.log(7 / d) * 6 / (ctx.mpf(1) / 4 + ctx.mpf(3) / 4 * ctx.log(ctx.mpf(3) / 4)),
        ),
        "exp": (exp_envelope(Bound(F(1, 2), F(1, 2)), 3, 2), 2 * ctx.exp(-1.5)),
    }
    for name, (found, value) in expected.items():
        assert found.digits >= 30, name
        assert holds(found, to_fraction(ctx.mpf(value)), 30 if name != "exp" else 14), name


def test_tails_hold_in_simulation():
    """Frequencies of failure stay below delta; with the bound shrunk threefold they do not."""
    rng, m, delta = np.random.default_rng(8), 60, 0.1
    means = rng.integers(0, 2, (4000, m)).mean(axis=1) - 0.5
    u, v = rng.standard_normal((2, 4000, m))
    products = (np.maximum(u, 0) * np.maximum(0.6 * u + 0.8 * v, 0)).mean(axis=1)
    norms = np.array([np.linalg.norm(rng.standard_normal((12, 8)), 2) for _ in range(1500)])
    expected = float(arc_cosine(1, 1, 1, F(3, 5)).mid)
    cases = [
        (means, float(hoeffding(m, delta).upper), 3.0),
        (products - expected, float(bernstein(m, delta, 1.5, 2).upper), 5.0),
        (norms, float(gaussian_norm(12, 8, delta).upper), 1.6),
    ]
    for sample, bound, shrink in cases:
        assert (sample >= bound).mean() <= delta
        assert (sample >= bound / shrink).mean() > delta


@pytest.mark.parametrize(
    "call",
    [
        lambda: hoeffding(0, 0.1),
        lambda: hoeffding(5, 0),
        lambda: hoeffding(5, 1),
        lambda: matrix_chernoff_width(3, 0, 1, 0.5, 0.1),
        lambda: exp_envelope(Bound(F(1), F(1)), -1),
    ],
)
def test_tails_refuse(call):
    with pytest.raises(InputError):
        call()


@pytest.mark.slow
@pytest.mark.parametrize("gamma0", [0.3, 0.45])
@pytest.mark.parametrize(("kind", "phi"), [("diagonal", "relu"), ("gaussian", "identity"), ("gaussian", "relu")])
def test_wide_networks_approach_the_kernel(kind, phi, gamma0):
    """The mean of H over networks of growing width: the bias shrinks, and is within 4 standard errors plus O(1/m)."""
    from deqmath.numeric import ReLUNetwork

    X = np.array([[1.0, 0.0], [0.6, 0.8], [-0.28, 0.96]])
    found = limit_kernel(X, gamma0=gamma0, kind=kind, phi=phi)
    H = np.array([[float(found.H.entry(i, j).mid) for j in range(3)] for i in range(3)])
    for m, seeds in ((100, 300), (800, 60)):
        draws = np.stack(
            [
                ReLUNetwork.random(width=m, inputs=2, gamma0=gamma0, init=kind, seed=s, phi=phi).gram(X)
                for s in range(seeds)
            ]
        )
        error = draws.std(axis=0, ddof=1) / np.sqrt(seeds)
        assert (np.abs(draws.mean(axis=0) - H) <= 4 * error + 6 * gamma0**2 / m).all()


def test_relu_expectations_at_independent_g_against_quadrature():
    """Gauss's rule over each quadrant of h, the expectation over g inside it in closed form (s = 0)."""
    from scipy.stats import norm

    p, q, a, b = 0.25, 0.5, 1.0, 1.5
    nodes, weights = np.polynomial.legendre.leggauss(160)
    t, w = np.concatenate([4.5 * (nodes - 1), 4.5 * (nodes + 1)]), 4.5 * np.tile(weights, 2)

    def inner(h, v):
        u = np.maximum(h, 0.0) / np.sqrt(v)
        return norm.cdf(u), np.sqrt(v) * (np.exp(-u * u / 2) / np.sqrt(2 * np.pi) + u * norm.cdf(u))

    for x in (-0.75, 0.5):
        det = a * b - x * x
        h, k = t[:, None], t[None, :]
        density = np.exp(-(b * h * h - 2 * x * h * k + a * k * k) / (2 * det)) / (2 * np.pi * np.sqrt(det))
        with precision(128):
            pair = relu_kernel.Pair(*(flint.arb(v) for v in (p, q, a, b, x)))
            found = pair.slope_and_value(flint.arb(0), 100)
        for value, first, second in zip(found, inner(t, p), inner(t, q), strict=True):
            assert float(value.mid()) == pytest.approx((w * first) @ density @ (w * second), rel=1e-11)


def test_relu_expectations_in_simulation():
    """Correlated g as well: K, F within five standard errors of two million draws."""
    rng, n = np.random.default_rng(5), 2_000_000
    for p, q, s, a, b, x in [(0.3, 0.5, 0.2, 1.0, 2.0, -0.7), (0.3, 0.5, -0.3, 1.0, 2.0, 1.3), (1, 1, 0.9, 1, 1, 0)]:
        g, h = (
            rng.standard_normal((n, 2)) @ np.linalg.cholesky(np.array(c)).T
            for c in ([[p, s], [s, q]], [[a, x], [x, b]])
        )
        u = np.maximum(g + np.maximum(h, 0), 0)
        with precision(128):
            pair = relu_kernel.Pair(*(flint.arb(v) for v in (p, q, a, b, x)))
            slope, value = (float(v.mid()) for v in pair.slope_and_value(flint.arb(s), 60))
        product, both = u.prod(axis=1), (u > 0).all(axis=1)
        assert abs(both.mean() - slope) <= 5 * both.std() / np.sqrt(n)
        assert abs(product.mean() - value) <= 5 * product.std() / np.sqrt(n)


def test_relu_rules_agree_at_two_precisions_and_with_nearly_opposite_rows(rng):
    """The ball at few bits holds the one at many; opposite rows are the limit of nearly opposite ones."""
    for _ in range(6):
        p, q, a, b = (flint.arb(float(v)) for v in rng.uniform(0.05, 2, 4))
        s, x = ((c * (u * v).sqrt()).mid() for c, u, v in zip(rng.uniform(-0.97, 0.97, 2), (p, a), (q, b), strict=True))
        with precision(400):
            fine = relu_kernel.Pair(p, q, a, b, x).slope_and_value(s, 300)
        for bits in (20, 60, 120):
            with precision(bits + 60):
                rough = relu_kernel.Pair(p, q, a, b, x).slope_and_value(s, bits)
                assert all(low.overlaps(high) and low.rad() > high.rad() for low, high in zip(rough, fine, strict=True))
    with precision(200):
        p, q, a, s = (flint.arb(v) for v in ("0.25", "0.5", "1", "-0.125"))
        b = flint.arb(4)
        exact = relu_kernel.OppositePair(p, q, a, b).slope_and_value(s, 60)
        near = relu_kernel.Pair(p, q, a, b, flint.arb(2) ** -10 - 2).slope_and_value(s, 60)
        assert all(abs(float((u - v).mid())) < 2e-2 for u, v in zip(exact, near, strict=True))


def test_a_smaller_quadrature_error_misses(monkeypatch):
    """With half the points and the same claimed error the rough ball no longer holds the fine one."""
    numbers = [flint.arb(v) for v in (0.3, 0.5, 1.0, 2.0, 1.2)]

    def held():
        with precision(300):
            fine = relu_kernel.Pair(*numbers).slope_and_value(flint.arb(0.25), 200)
        with precision(160):
            rough = relu_kernel.Pair(*numbers).slope_and_value(flint.arb(0.25), 100)
        return all(u.overlaps(v) for u, v in zip(rough, fine, strict=True))

    assert held()
    sound = relu_kernel.nodes_for

    def fewer(reach, majorant, bits):
        rule = sound(reach, majorant, bits)
        return relu_kernel.Rule(rule.count // 2, rule.error) if bits == 100 else rule

    monkeypatch.setattr(relu_kernel, "nodes_for", fewer)
    assert not held()


def test_majorants_hold_on_circles(rng):
    """``|k|`` and ``|s k + x m|`` on ``|t| = R`` stay below the majorant, continued along the circle by FLINT."""
    for _ in range(4):
        numbers = [flint.arb(float(v)) for v in rng.uniform(0.2, 2, 4)]
        p, q, a, b = numbers
        s, x = ((c * (u * v).sqrt()).mid() for c, u, v in zip(rng.uniform(-0.9, 0.9, 2), (p, a), (q, b), strict=True))
        path = relu_kernel._Path.of(relu_kernel.Pair(*numbers, x), s)
        radius = 1 + (path.reach - 1) / 2
        bound = float(path.majorant(radius).upper())
        for t in np.linspace(-1, 1, 41):
            k, m = path.rates(flint.arb(t) * radius)
            assert float(abs(k).upper()) <= bound
            assert float(abs(s * k + x * m).upper()) <= bound


def test_the_relu_kernel_is_proved_again_on_another_path():
    X = np.array([[1.0, 0.5], [-0.25, 1.0]])
    bound = limit_kernel(X, gamma0=0.45, digits=12, phi="relu").lambda_min
    assert check_certificate(bound.certificate).status == "proved"
    moved = bound.certificate | {"lower": str(bound.upper + F(1, 10**9)), "upper": str(bound.upper + F(2, 10**9))}
    with pytest.raises(FalseCertificateError, match="limit kernel"):
        check_certificate(moved)


@pytest.mark.parametrize("phi", ["identity", "relu"])
def test_homogeneity_of_the_limit_kernel(phi):
    """Rows scaled by 2 and 1/4 scale S by 1/2; S_q stays; opposite rows and repeated rows included."""
    X = np.array([[1.0, 0.5], [-1.0, -0.5], [0.3, 0.7], [2.0, 1.0]])
    Y = X * np.array([2.0, 1.0, 1.0, 0.25])[:, None]
    first, second = (limit_kernel(Z, gamma0=0.45, digits=15, phi=phi) for Z in (X, Y))
    for i, j, factor in [(0, 1, 2), (0, 2, 2), (1, 2, 1), (0, 3, F(1, 2)), (2, 3, F(1, 4))]:
        s, t = first.S.entry(i, j).scaled(F(factor)), second.S.entry(i, j)
        assert s.lower <= t.upper
        assert t.lower <= s.upper
        assert abs(first.S_q.entry(i, j).mid - second.S_q.entry(i, j).mid) < F(1, 10**13)


@pytest.mark.parametrize("case", ["radius", "diagonal"])
def test_dropping_the_relu_contraction_factor_misses(monkeypatch, case):
    """From rough candidates, Banach's radius holds the fixed point; the residual alone does not."""
    a, b, x, g = F(1), F(3, 2), F(1, 2), F(11, 10) ** 2
    with precision(200):
        truth = relu_fixed_points.relu_pair(a, b, x, g, 200)[0] if case == "radius" else None
        sigma = relu_fixed_points.ReluDiagonal.of(ball(g)).sigma
    monkeypatch.setattr(relu_fixed_points, "STEPS", 6 if case == "radius" else 2)

    def found():
        with precision(120):
            if case == "diagonal":
                return relu_fixed_points.ReluDiagonal.of(ball(g)).sigma.overlaps(sigma)
            pair = relu_fixed_points._Map.of(a, b, x, g)
            s = (truth * (1 - flint.arb(1) / 10**6)).mid()
            radius = relu_fixed_points.relu_radius(s, pair(s, 80)[1], ball(g))
            return (s + flint.arb(0, radius.upper())).overlaps(truth)

    assert found()
    monkeypatch.setattr(relu_fixed_points, "relu_radius", lambda s, image, gg: abs(image - s))  # noqa: ARG005
    assert not found()
