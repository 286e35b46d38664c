"""Every bound's certificate is proved again; every field of it, changed, makes it refused."""

import copy
import json
from fractions import Fraction

import numpy as np
import pytest
from bounds_matrices import wishart
from bounds_networks import random_network

from deqmath import bounds
from deqmath.bounds import FalseCertificateError, check_certificate
from deqmath.bounds.gram import Gram
from deqmath.bounds.recheck import reading
from deqmath.errors import DataError, InputError
from deqmath.numeric import ReLUNetwork

F = Fraction


def made():
    """One certificate of each kind, small."""
    rng = np.random.default_rng(4)
    h, p, y = wishart(5, rng), rng.standard_normal((4, 6)), rng.standard_normal(4)
    net = random_network(rng, 14, gamma0=0.12)
    X, targets = rng.standard_normal((3, 3)), rng.uniform(-1, 1, 3)
    exact = np.array([[F(2), F(1, 3)], [F(1, 3), F(3)]], dtype=object)
    return {
        "lambda_min": bounds.lambda_min(h, 25),
        "lambda_max": bounds.lambda_max(h, 25),
        "integers": bounds.lambda_min(np.array([[2, 1], [1, 3]]), 25),
        "fractions": bounds.lambda_max(exact, 25),
        "operator_norm": bounds.operator_norm(p, 25),
        "sigma_min": bounds.sigma_min(p, 15),
        "condition_number": bounds.condition_number(h, 12),
        "resolvent_norm": bounds.resolvent_norm(h / 100, 0.5, np.array([1.0, 0, 1, 1, 0])),
        "inverse_form": bounds.inverse_quadratic_form(h, h[0] + 0.5, 30),
        "inverse form, exact": bounds.inverse_quadratic_form(h, h[0].copy(), 30),
        "gram": bounds.gram_lambda_min(p, 20),
        "gram, few columns": Gram(p[:, :2].copy()).lambda_min(20),
        "gram, parallel": Gram(np.vstack([p, 2 * p[:1]])).lambda_min(20),
        "gram max": Gram(p).lambda_max(20),
        "hadamard": Gram(p, p[:, :3].copy()).lambda_min(20),
        "hadamard condition": Gram(p, p[:, :3].copy()).condition_number(8),
        "gram form": Gram(p).inverse_quadratic_form(y, 20),
        "well_posed": bounds.well_posed(net, 15),
        "equilibrium": bounds.equilibrium(net, X, 25),
        "true gram": bounds.network_lambda_min(net, X, 20),
        "theorem": bounds.theorem_3_1(net, X, targets),
        "generalization": bounds.generalization(net, X, targets),
        "limit, gaussian": bounds.limit_kernel(X, gamma0=0.4, digits=15).lambda_min,
        "limit, diagonal": bounds.limit_kernel(X, gamma0=0.4, digits=15, kind="diagonal").lambda_min,
    }


MADE = {name: bound.certificate for name, bound in made().items()}
NAMES = list(MADE)


@pytest.mark.parametrize("name", NAMES)
def test_proved_again_from_a_file(tmp_path, name):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(MADE[name]))
    again = check_certificate(path)
    assert again.status == "proved"
    assert "claims" in MADE[name] or str(again.lower) == MADE[name]["lower"]


def leaves(value, path=()):
    """Every place in a certificate that holds a number, a text or null."""
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list) and value:
        for k in {0, len(value) // 2, len(value) - 1}:
            yield from leaves(value[k], (*path, k))
    else:
        yield path


def put(record, path, change):
    for key in path[:-1]:
        record = record[key]
    record[path[-1]] = change(record[path[-1]])


def other(value):
    """Something near: a last digit moved, a sign turned, a text lengthened."""
    if isinstance(value, str) and value[-1:].isdigit():
        return value[:-1] + str((int(value[-1]) + 1) % 10)
    return (value or 0) + 1 if isinstance(value, (int, type(None))) else f"{value}x" if isinstance(value, str) else None


@pytest.mark.parametrize("name", NAMES)
def test_every_field_changed_is_refused(name):
    count = 0
    for path in leaves(MADE[name]):
        spoiled = copy.deepcopy(MADE[name])
        put(spoiled, path, other)
        if spoiled == MADE[name]:
            continue
        with pytest.raises(DataError):
            check_certificate(spoiled)
        count += 1
    assert count >= 8


@pytest.mark.parametrize("name", NAMES)
def test_every_field_missing_is_refused(name):
    for key in MADE[name]:
        spoiled = {k: v for k, v in MADE[name].items() if k != key}
        with pytest.raises(DataError):
            check_certificate(spoiled)


def sealed(record):
    """The work of a forger: whatever was changed, the digest fits again."""
    return record | {"digest": reading.digest(record)}


def moved(claim, side):
    lower, upper = (None if v is None else F(v) for v in (claim["lower"], claim["upper"]))
    known = lower if upper is None else upper
    width = (
        abs(known) / 10**4 + F(1, 10**6)
        if None in (lower, upper)
        else max(upper - lower, abs(upper) / 10**9, F(1, 10**30))
    )
    if side == "lower":
        return {"lower": str(known + 2 * width), "upper": None}
    return {"lower": None, "upper": str((upper if lower is None else lower) - 2 * width)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_a_false_claim_is_refuted_though_its_digest_fits(name, side):
    record, refused = MADE[name], 0
    listed = record.get("claims", {None: record})
    for key, claim in listed.items():
        if key is not None and (claim["lower"] is None or claim["upper"] is None) and side == "lower":
            continue  # one-sided: a lower end is no statement there
        forged = copy.deepcopy(record)
        (forged if key is None else forged["claims"][key]).update(moved(claim, side))
        if key == "monotonicity":
            continue
        with pytest.raises(DataError):
            check_certificate(sealed(forged))
        refused += 1
    assert refused or name == "equilibrium"


@pytest.mark.parametrize("name", ["equilibrium", "true gram", "theorem", "generalization"])
@pytest.mark.parametrize("what", ["sign", "centre", "radius", "monotonicity", "gamma", "data"])
def test_forged_witnesses_are_refuted(name, what):
    forged = copy.deepcopy(MADE[name])
    witness = forged["witness"]
    if what == "sign":
        row = witness["signs"][1]
        witness["signs"][1] = {"+": "-", "-": "+", "0": "+"}[row[0]] + row[1:]
    elif what == "centre":
        column = witness["equilibria"][0]
        k = next(k for k, v in enumerate(column["values"]) if int(v, 16))
        column["values"][k] = hex(int(column["values"][k], 16) + (1 << 40))
    elif what == "radius":
        witness["radii"] = ["0" for _ in witness["radii"]]
    elif what == "monotonicity":
        witness["monotonicity"] = "3/2"
    elif what == "gamma":
        forged["parameters"]["gamma"] = str(F(forged["parameters"]["gamma"]) * F(101, 100))
    else:
        entries = forged["arrays"]["X"]["entries"]
        entries[0] = (float.fromhex(entries[0]) * 1.5).hex()
    with pytest.raises(DataError):
        check_certificate(sealed(forged))


@pytest.mark.parametrize("number", ["c", "x", "b", "lambda_0", "gamma0"])
def test_forged_numbers_of_the_theorem_are_refuted(number):
    forged = copy.deepcopy(MADE["theorem"])
    factor = F(2) if number == "lambda_0" else F(1, 2)
    forged["parameters"][number] = str(F(forged["parameters"][number]) * factor)
    with pytest.raises(FalseCertificateError):
        check_certificate(sealed(forged))


def test_a_verdict_that_does_not_follow_is_refuted():
    forged = copy.deepcopy(MADE["theorem"])
    assert forged["parameters"]["verdict"] == "vacuous"
    for verdict in ("closes", "closes without switches", "perhaps"):
        forged["parameters"]["verdict"] = verdict
        with pytest.raises(DataError):
            check_certificate(sealed(forged))


def test_large_arrays_are_named_and_must_be_the_same():
    rng = np.random.default_rng(2)
    net = random_network(rng, 70, gamma0=0.2)
    X = rng.standard_normal((2, 3))
    record = bounds.equilibrium(net, X, 12).certificate
    assert "entries" not in record["arrays"]["A"]
    assert check_certificate(record, {"A": net.A}).status == "proved"
    with pytest.raises(InputError, match="'A': A"):
        check_certificate(record)
    with pytest.raises(DataError, match="BLAKE2b"):
        check_certificate(record, {"A": net.A + 1})


def test_repeated_samples():
    rng = np.random.default_rng(3)
    h = wishart(70, rng)[:, [*range(70), 0, 5]][[*range(70), 0, 5]].copy()
    bound = bounds.lambda_min(h, 10)
    if bound.is_exact:
        assert check_certificate(bound.certificate, h).status == "proved"
    lie = sealed(bound.certificate | {"lower": "1/1000000", "upper": "1"})
    with pytest.raises(FalseCertificateError):
        check_certificate(lie, h)


@pytest.mark.parametrize(
    "value", [np.array([[1.5, None], [None, 2]], dtype=object), np.array([[True, 0], [0, 1]], dtype=object)]
)
def test_object_arrays_of_anything_else_are_refused(value):
    with pytest.raises(InputError, match="Fractions"):
        bounds.lambda_min(value)


def test_a_ball_that_is_too_small_where_a_gate_is_shut():
    """z = (1, 0) is the equilibrium; the centre (1 + K e, e) has the residual (0, -e) and the error K e."""
    k, e = F(2) ** 20, F(2) ** -100
    net = ReLUNetwork(A=[[0.0, float(k)], [-float(k), 0.0]], W=[[1.0], [0.0]], b=[1.0, 1.0], gamma=1.0)
    forged = copy.deepcopy(bounds.equilibrium(net, np.array([[1.0]]), 20).certificate)
    values = [hex(int((1 + k * e) / e)), "0x1"]
    witness = {"equilibria": [{"exponent": -100, "values": values}], "radii": [str(e * 3)], "signs": ["+-"]}
    forged["witness"] |= witness
    forged["claims"]["radius"]["upper"] = str(e * 3)
    forged["digest"] = reading.digest(forged)
    with pytest.raises(FalseCertificateError, match="radius"):
        check_certificate(forged)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("lambda_min", ("upper",), "1e3000000"),
        ("lambda_min", ("arrays",), 3),
        ("lambda_min", ("arrays",), "P"),
        ("lambda_min", ("matrix", "shape"), [True, 25]),
        ("lambda_min", ("details",), {1, 2}),
        ("limit, gaussian", ("parameters", "gamma0"), "1" + 400 * "0"),
    ],
)
def test_what_no_certificate_may_hold(name, path, value):
    forged = copy.deepcopy(MADE[name])
    place = forged
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    if not isinstance(value, set):
        forged["digest"] = reading.digest(forged)
    with pytest.raises(DataError):
        check_certificate(forged)


@pytest.mark.parametrize("given", [[[2.0, 1.0], [1.0, 3.0]], np.array([[2.0, 1.0], [1.0, 3.0]]) + 1j, "H"])
def test_an_array_of_another_type(given):
    record = copy.deepcopy(bounds.lambda_min(np.array([[2.0, 1.0], [1.0, 3.0]]), 10).certificate)
    del record["matrix"]["entries"]
    with pytest.raises(InputError, match="float64 NumPy array"):
        check_certificate(record, given)


def test_a_deeply_nested_file(tmp_path):
    path = tmp_path / "c.json"
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match="not a whole JSON certificate"):
        check_certificate(path)


def test_the_theorem_closes_for_no_lambda_that_is_not_positive():
    forged = copy.deepcopy(MADE["theorem"])
    forged["claims"] = {"c": forged["claims"]["c"]}
    forged["parameters"] |= {"lambda_0": "0", "verdict": "closes without switches"}
    forged["digest"] = reading.digest(forged)
    with pytest.raises(FalseCertificateError, match="close"):
        check_certificate(forged)


def test_a_generalisation_of_equal_samples_claims_the_confidence_term_only():
    rng = np.random.default_rng(5)
    net, x = random_network(rng, 14, gamma0=0.12), rng.standard_normal((2, 3))
    found = bounds.generalization(net, np.vstack([x, x[:1]]), np.array([0.5, -0.5, 0.5]))
    assert list(found.certificate["claims"]) == ["confidence"]
    assert check_certificate(found.certificate).status == "proved"
