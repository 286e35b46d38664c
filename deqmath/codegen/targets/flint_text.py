"""The companion test of a generated module of ball arithmetic."""

from __future__ import annotations

from deqmath.codegen.targets.digits_text import bad_arguments

#: ``FUNCTIONS`` maps a name to (function, reference, samples); ``EXACT`` holds values of 40 digits.
COMPANION = """
def outputs(value):
    return value if isinstance(value, tuple) else (value,)


def entries(value):
    if not hasattr(value, "nrows"):
        return [value]
    return [value[i, j] for i in range(value.nrows()) for j in range(value.ncols())]


def widened(value, radius):
    if isinstance(value, list):
        return [[arb(x.numerator) / x.denominator + arb(0, radius) for x in row] for row in value]
    return value if isinstance(value, int) else arb(value.numerator) / value.denominator + arb(0, radius)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_overlaps_the_plain_evaluation_and_is_narrow(name):
    function, reference, samples = FUNCTIONS[name]
    arguments = samples(random.Random(0))
    for got, want in zip(outputs(function(**arguments)), outputs(reference(**arguments, prec=200)), strict=True):
        for x, y in zip(entries(got), entries(want), strict=True):
            assert x.overlaps(y)
            assert x.rad() < arb(10) ** -25 * (1 + abs(x))


@pytest.mark.parametrize("name", EXACT)
def test_holds_the_values_of_mpmath(name):
    given, values = EXACT[name]
    arguments = {k: shaped(v, s) for k, (v, s) in given.items()}
    for got, want in zip(outputs(FUNCTIONS[name][0](**arguments)), values, strict=True):
        for x, y in zip(entries(got), want, strict=True):
            assert x.overlaps(arb(y) + arb(0, 1e-24) * (1 + abs(arb(y))))


def shaped(values, shape):
    if shape is None:
        return values
    numbers = [Fraction(t) for t in values]
    return [numbers[k : k + shape[1]] for k in range(0, len(numbers), shape[1])] if shape else numbers[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_wide_balls_hold_what_the_numbers_inside_give(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(random.Random(1))
    inside = outputs(function(**arguments))
    try:
        wide = outputs(function(**{k: widened(v, 1e-9) for k, v in arguments.items()}))
    except generated_undecided():
        return
    for got, want in zip(wide, inside, strict=True):
        assert all(x.contains(y) or x.overlaps(y) for x, y in zip(entries(got), entries(want), strict=True))


def generated_undecided():
    return getattr(generated, "Undecided", ())


@pytest.mark.parametrize("name", DERIVATIVES)
def test_is_the_derivative_by_central_differences(name):
    derivative, base, samples, wrt, along, unknown = DERIVATIVES[name]
    with ctx.workprec(200):
        arguments = {k: moved(v, v, 0) for k, v in samples(random.Random(3)).items()}
        V = arguments.pop("V__") if along is None else arguments[along]
        value = call(derivative, arguments)
        if along is None:  # a Jacobian, applied to vec(V)
            value = value * arb_mat([[t] for t in by_columns(V)])
        h = Fraction(1, 2**40)

        def at(t):
            changed = {**arguments, wrt: moved(arguments[wrt], V, t)}
            return call(base, changed if unknown is None else {**changed, unknown: moved(arguments[unknown], value, t)})

        ends = [by_columns(at(t)) for t in (h, -h)]
        change = [(a - b) / as_ball(2 * h) for a, b in zip(*ends, strict=True)]
        want = [arb(0)] * len(change) if unknown is not None else by_columns(value)
        scale = 1 + max(float(abs(t).mid()) for t in ends[0])
        assert all(abs(a - b) < 1e-18 * scale for a, b in zip(change, want, strict=True))


def moved(X, V, t):
    if isinstance(X, int):
        return X
    X, V = (arb_mat([[as_ball(x) for x in row] for row in M]) if isinstance(M, list) else M for M in (X, V))
    return as_ball(X) + as_ball(t) * as_ball(V)


def as_ball(x):
    return arb(x.numerator) / x.denominator if hasattr(x, "numerator") else x


def call(function, arguments):
    return function(**{k: arguments[k] for k in inspect.signature(function).parameters if k in arguments}, prec=200)


def by_columns(X):
    return entries(X.transpose()) if hasattr(X, "transpose") else [X]
""" + bad_arguments("")
