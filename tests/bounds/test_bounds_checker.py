"""Certificates: re-proved by the checker, refused when corrupt, proved false when altered."""

import copy
import json
from fractions import Fraction

import flint
import numpy as np
import pytest
from bounds_matrices import planted_hadamard, wishart

from deqmath.bounds import check_certificate, inverse_quadratic_form, lambda_max, lambda_min, operator_norm
from deqmath.errors import DataError, InputError


def certificates(rng):
    h, y = wishart(10, rng), rng.standard_normal(10)
    return {
        "lambda_min": lambda_min(h, 40),
        "lambda_max": lambda_max(h, 25),
        "indefinite": lambda_min(h - 10 * np.eye(10), 30),
        "norm": operator_norm(h[:, :4].copy(), 9),
        "norm, many digits": operator_norm(h[:3].copy(), 50),
        "inverse form": inverse_quadratic_form(h, y, 40),
        "cluster": lambda_min(planted_hadamard([1.0, 1.0, 2.0, 5.0]), 30),
        "singular": lambda_min(planted_hadamard([0.0, 1.0, 2.0, 5.0]), 30),
        "diagonal": lambda_min(np.diag([1.0, -2.0]), 5),
        "tiny": lambda_min(wishart(5, rng) * 1e-300, 20),
    }


NAMES = list(certificates(np.random.default_rng(0)))


@pytest.mark.parametrize("name", NAMES)
def test_every_certificate_is_proved_again(rng, tmp_path, name):
    bound = certificates(rng)[name]
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(bound.certificate))
    before = flint.ctx.prec
    again = check_certificate(path)
    assert flint.ctx.prec == before
    assert (again.status, again.lower, again.upper) == ("proved", bound.lower, bound.upper)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_a_claim_moved_past_the_truth_is_refuted(rng, name, side):
    bound = certificates(rng)[name]
    altered = copy.deepcopy(bound.certificate)
    step = max(bound.width, abs(bound.mid) / 10**6, Fraction(bound.mid == 0, 1000)) * (2 if side == "lower" else -2)
    moved = Fraction(altered[side]) + step
    altered["lower"] = altered["upper"] = None
    altered[side] = str(moved)
    with pytest.raises(DataError, match="false"):
        check_certificate(altered)


def test_a_matrix_held_elsewhere(rng):
    h = wishart(70, rng)
    bound = lambda_min(h, 20)
    assert "entries" not in bound.certificate["matrix"]
    assert check_certificate(bound.certificate, h).status == "proved"
    with pytest.raises(InputError, match="matrix=H"):
        check_certificate(bound.certificate)
    with pytest.raises(DataError, match="BLAKE2b"):
        check_certificate(bound.certificate, h + np.eye(70))
    with pytest.raises(DataError, match="shape"):
        check_certificate(bound.certificate, h[:3])


def spoil(key, value):
    def change(record):
        target = record
        *path, last = key.split(".")
        for part in path:
            target = target[part]
        if value is KeyError:
            del target[last]
        else:
            target[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        spoil("format", "other"),
        spoil("version", 1),
        spoil("quantity", "trace"),
        spoil("quantity", KeyError),
        spoil("lower", "1/0"),
        spoil("lower", "nan"),
        spoil("lower", 0.5),
        spoil("lower", KeyError),
        spoil("lower", "10**9"),
        spoil("matrix", None),
        spoil("matrix.shape", [10]),
        spoil("matrix.shape", [5, 20]),
        spoil("matrix.shape", [10, -10]),
        spoil("matrix.entries", ["0x1p0"]),
        spoil("matrix.entries", ["inf"] * 100),
        spoil("matrix.entries", ["nan"] * 100),
        spoil("matrix.entries", [None] * 100),
        spoil("matrix.entries", ["0x1p0"] * 100),
        spoil("matrix.blake2b", "0" * 64),
    ],
)
def test_corrupt_certificates(rng, change):
    record = copy.deepcopy(certificates(rng)["lambda_min"].certificate)
    change(record)
    with pytest.raises(DataError):
        check_certificate(record)


def test_ends_in_the_wrong_order_or_missing(rng):
    record = copy.deepcopy(certificates(rng)["lambda_min"].certificate)
    record["lower"], record["upper"] = record["upper"], record["lower"]
    with pytest.raises(DataError, match="lower > upper"):
        check_certificate(record)
    record["lower"] = record["upper"] = None
    with pytest.raises(DataError, match="nothing"):
        check_certificate(record)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_truncated_files(rng, tmp_path, share):
    text = json.dumps(certificates(rng)["norm"].certificate)
    path = tmp_path / "cut.json"
    path.write_text(text[: int(share * len(text))])
    with pytest.raises(DataError, match=r"cut\.json"):
        check_certificate(path)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        check_certificate(tmp_path / "none.json")
    path = tmp_path / "binary.json"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(DataError):
        check_certificate(path)
    path.write_text("[1, 2]")
    with pytest.raises(DataError, match="not a deqmath certificate"):
        check_certificate(path)


def test_the_checker_shares_no_code_with_the_certificates():
    import ast
    from pathlib import Path

    from deqmath.bounds import recheck

    shared = {"deqmath.bounds.bound", "deqmath.bounds.record", "deqmath.errors", "deqmath.stages"}
    for path in Path(recheck.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
        ours = {name for name in imported if name.startswith("deqmath")}
        assert {name for name in ours if not name.startswith("deqmath.bounds.recheck")} <= shared, path.name
