"""The tests of the functions around the generated ones in a module of a whole model."""

from __future__ import annotations

from deqmath.codegen.targets.base import Target


def model_tests(target: Target) -> str:
    """Residual of the equilibrium, gradient and Gram matrix by central differences, an equilibrium not reached."""
    matrix = "array([float(t) for t in values], shape)" if target.batched else _NESTED
    return _TEXT.replace("<MATRIX>", matrix).replace(
        "<ERROR>", "Undecided" if target.name == "flint" else "NotConverged"
    )


_NESTED = "[values[k : k + shape[1]] for k in range(0, len(values), shape[1])]"

_TEXT = '''

def network(gamma=0.5):
    rng = random.Random(5)
    shapes = {"A": (4, 4), "W": (4, 3), "X": (3, 2), "b": (4, 1)}
    drawn = {k: [rng.gauss(0.0, 0.25 if k == "A" else 1.0) for _ in range(p * q)] for k, (p, q) in shapes.items()}
    return drawn, lambda changed: {**{k: matrix_of(changed[k], shapes[k]) for k in shapes}, "gamma": gamma}


def matrix_of(values, shape):
    return <MATRIX>


def numbers(x):
    return [float(t) for t in entries(x)]


def test_the_equilibrium_solves_its_equation():
    drawn, given = network()
    arguments = given(drawn)
    Phi = generated.features(W=arguments["W"], X=arguments["X"])
    Z = generated.equilibrium(arguments["A"], Phi, arguments["gamma"]).Z
    residual = generated.residual(A=arguments["A"], Phi=Phi, Z=Z, gamma=arguments["gamma"])
    assert max(map(abs, numbers(residual))) < 1e-10


def test_gradient_and_gram_matrix_are_those_of_central_differences():
    """f by steps in every entry of A gives its gradients; their inner products are the Gram matrix."""
    drawn, given = network()
    h, slopes = 1e-5, []
    for k in range(16):
        ends = [[t + s * (j == k) for j, t in enumerate(drawn["A"])] for s in (h, -h)]
        up, down = (numbers(generated.predict(**given({**drawn, "A": A}))) for A in ends)
        slopes.append([(a - b) / (2 * h) for a, b in zip(up, down, strict=True)])
    values, labels = numbers(generated.predict(**given(drawn))), [0.3, -0.7]
    want = [sum(s * (f - y) for s, f, y in zip(row, values, labels, strict=True)) for row in slopes]
    got = numbers(generated.loss_gradient(**given(drawn), y=matrix_of(labels, (2, 1))))
    assert all(abs(a - b) < 1e-7 for a, b in zip(got, want, strict=True))
    kernel = [sum(row[i] * row[j] for row in slopes) for i in range(2) for j in range(2)]
    got = numbers(generated.kernel(**given(drawn)))
    assert all(abs(a - b) < 1e-7 for a, b in zip(got, kernel, strict=True))


def test_an_equilibrium_that_is_not_reached_is_an_error():
    drawn, given = network(gamma=50.0)
    with pytest.raises(generated.<ERROR>):
        generated.predict(**given(drawn))
'''
