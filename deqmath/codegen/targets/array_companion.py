"""The companion test of a module for an array library: one text, with the library's own spelling filled in."""

from __future__ import annotations


def companion(*, setup: str, make: str, whole: str, single: str, flat: str) -> str:
    """The tests that run for every function, in the words of one library.

    Parameters
    ----------
    setup
        Lines that come first; they define ``OTHER``, a value of a type that is refused.
    make
        A float64 array of ``shape`` from the list ``values``.
    whole, single
        The array ``x`` with integer entries, and in float32.
    flat
        The entries of ``x``, row by row, as a list of floats.
    """
    text = _TEXT
    for key, value in {"SETUP": setup.strip(), "MAKE": make, "WHOLE": whole, "SINGLE": single, "FLAT": flat}.items():
        text = text.replace(f"<{key}>", value)
    return text


_TEXT = '''
<SETUP>


def array(values, shape):
    return <MAKE>


def entries(x):
    return <FLAT>


class Draw:
    """Random arrays, the same in every library."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def normal(self, *shape):
        return array([0.2 * self.rng.gauss(0.0, 1.0) for _ in range(math.prod(shape))], shape)

    def eye(self, k):
        return array([float(i == j) for i in range(k) for j in range(k)], (k, k))


def outputs(value):
    return value if isinstance(value, tuple) else (value,)


def close(got, want, tolerance):
    x, y = entries(got), want if isinstance(want, list) else entries(want)
    scale = 1 + max(abs(t) for t in y)
    return len(x) == len(y) and all(abs(a - b) <= tolerance * scale for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_the_plain_evaluation(name):
    function, reference, samples = FUNCTIONS[name]
    for seed in range(3):
        arguments = samples(Draw(seed), ())
        for got, want in zip(outputs(function(**arguments)), outputs(reference(**arguments)), strict=True):
            assert close(got, want, 1e-8)


@pytest.mark.parametrize("name", EXACT)
def test_agrees_with_mpmath(name):
    """EXACT holds the values of the expression as it stands, computed with 40 digits."""
    given, values = EXACT[name]
    arguments = {k: array([float(t) for t in v], s) if s is not None else v for k, (v, s) in given.items()}
    for got, want in zip(outputs(FUNCTIONS[name][0](**arguments)), values, strict=True):
        assert close(got, [float(mpmath.mpf(t)) for t in want], 1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_batch_agrees_with_one_sample_at_a_time(name):
    """All arguments with batch axes, every other one with the rest shared by the batch, and axes that broadcast."""
    function, _, samples = FUNCTIONS[name]
    keys = [k for k, v in samples(Draw(0), ()).items() if not isinstance(v, int)]
    crossed = {k: (2, 1) if j % 2 else (3,) for j, k in enumerate(keys)}
    together = [dict.fromkeys(some, (2, 3)) for some in (keys, keys[::2], keys[1::2]) if some]
    for batches in [*together, crossed] if keys else ():
        drawn = {k: samples(Draw(j), batch) for j, (k, batch) in enumerate(batches.items(), start=1)}
        arguments = {**samples(Draw(0), ()), **{k: given[k] for k, given in drawn.items()}}
        values = outputs(function(**arguments))
        lengths = [max(axis) for axis in zip(*([1] * (2 - len(b)) + list(b) for b in batches.values()), strict=True)]
        for index in itertools.product(*map(range, lengths)):
            one = {k: sample(v, batches[k], index) if k in batches else v for k, v in arguments.items()}
            for got, want in zip(values, outputs(function(**one)), strict=True):
                assert close(got[(*index[len(index) - axes(got, want) :], ...)], want, 1e-9)


def sample(x, batch, index):
    """What belongs to one index of the common batch; an axis of length 1 is shared."""
    own = index[len(index) - len(batch) :]
    return x[(*(k if length > 1 else 0 for k, length in zip(own, batch, strict=True)), ...)]


def axes(together, one):
    return len(together.shape) - len(getattr(one, "shape", ()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_stay_as_they_are(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(Draw(0), (2,))
    before = {k: v if isinstance(v, int) else entries(v) for k, v in arguments.items()}
    function(**arguments)
    assert before == {k: v if isinstance(v, int) else entries(v) for k, v in arguments.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_array_type_stays_and_single_precision_stays_single(name):
    function, _, samples = FUNCTIONS[name]
    arguments = {k: v if isinstance(v, int) else single(v) for k, v in samples(Draw(0), ()).items()}
    arrays = [v for v in arguments.values() if not isinstance(v, int) and len(v.shape)]
    for got in outputs(function(**arguments)) if arrays else ():
        assert got.dtype == arrays[0].dtype
        assert type(got) is type(arrays[0]) or not got.shape


def single(x):
    return <SINGLE>


@pytest.mark.parametrize("name", DERIVATIVES)
def test_is_the_derivative_by_central_differences(name):
    """A residual stays 0 to first order along (direction, derivative); a function moves by its derivative."""
    derivative, base, samples, wrt, along, unknown = DERIVATIVES[name]
    arguments = samples(Draw(3), ())
    V = arguments.pop("V__") if along is None else arguments[along]
    value = call(derivative, arguments)
    if along is None:  # a Jacobian, applied to vec(V)
        columns, rows = [list(c) for c in zip(*table(V), strict=True)], table(value)
        vector = [t for c in columns for t in c]
        value = array([sum(a * b for a, b in zip(r, vector, strict=True)) for r in rows], (len(rows), 1))
    h = 1e-6

    def moved(t):
        changed = {**arguments, wrt: arguments[wrt] + t * V}
        return call(base, changed if unknown is None else {**changed, unknown: arguments[unknown] + t * value})

    ends = [by_columns(moved(t)) for t in (h, -h)]
    change = [(a - b) / (2 * h) for a, b in zip(*ends, strict=True)]
    want = [0.0] * len(change) if unknown is not None else by_columns(value)
    scale = 1 + max(abs(t) for t in [*ends[0], *entries(value)])
    assert all(abs(a - b) <= 1e-7 * scale for a, b in zip(change, want, strict=True))


def call(function, arguments):
    return function(**{k: arguments[k] for k in inspect.signature(function).parameters if k in arguments})


def table(X):
    """The rows of a matrix."""
    values, columns = entries(X), X.shape[-1] if len(X.shape) else 1
    return [values[k : k + columns] for k in range(0, len(values), columns)]


def by_columns(X):
    return [t for c in zip(*table(X), strict=True) for t in c]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_arguments_are_named(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(Draw(0), ())
    for key, x in arguments.items():
        if isinstance(x, int):
            continue
        bad = [x + math.nan, None, "1"]
        if len(x.shape):
            bad += [whole(x), OTHER]
        for value in bad:
            with pytest.raises(ValueError, match=rf"^{key}\\b"):
                function(**{**arguments, key: value})
        if len(x.shape):
            with pytest.raises(ValueError, match=rf"\\b{key}\\b"):
                function(**{**arguments, key: x[0, ...]})


def whole(x):
    return <WHOLE>
'''


def transformations(*, cases: str, grad: str) -> str:
    """The tests of a library with transformations of functions: vectorised, compiled, differentiated.

    Parameters
    ----------
    cases
        A tuple of transformations, each of a function of a dict of arrays.
    grad
        What gives the gradient of a function of a dict.
    """
    return _TRANSFORMATIONS.replace("<CASES>", cases).replace("<GRAD>", grad)


_TRANSFORMATIONS = """

@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_under_transformations(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(Draw(0), (3,))
    batched = {k: v for k, v in arguments.items() if not isinstance(v, int)}
    rest = {k: v for k, v in arguments.items() if isinstance(v, int)}
    want = outputs(function(**arguments))
    for transformed in <CASES> if batched else ():
        for got, value in zip(outputs(transformed(lambda b: function(**b, **rest))(batched)), want, strict=True):
            assert close(got, value, 1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_automatic_derivatives_are_those_of_finite_differences(name):
    function, _, samples = FUNCTIONS[name]
    arguments, other = samples(Draw(1), ()), samples(Draw(2), ())
    moving = {k: v for k, v in arguments.items() if not isinstance(v, int) and k not in GATES}
    rest = {k: v for k, v in arguments.items() if k not in moving}
    tangents = {k: other[k] - v for k, v in moving.items()}

    def f(values):
        return sum(x.sum() for x in outputs(function(**values, **rest)))

    if moving:
        slopes = <GRAD>(f)(moving)
        got = sum((slopes[k] * tangents[k]).sum() for k in moving)
        ends = [f({k: v + t * tangents[k] for k, v in moving.items()}) for t in (1e-6, -1e-6)]
        assert abs(got - (ends[0] - ends[1]) / 2e-6) <= 1e-5 * (1 + abs(got) + abs(f(moving)))
"""
