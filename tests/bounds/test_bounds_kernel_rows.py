"""Certificates of limit kernels with rows that are opposite or nearly parallel."""

from fractions import Fraction

import numpy as np
import pytest

from deqmath.bounds import FalseCertificateError, check_certificate, limit_kernel
from deqmath.bounds.recheck import relu_entry
from deqmath.bounds.recheck.reading import digest

ROWS = {
    "opposite": [-1.0, 0.0],
    "nearly opposite": [-1.0, 1e-6],
    "parallel to 1e-12": [1.0, 1e-12],
    "equal": [1.0, 0.0],
}


def kernel(row, phi):
    return limit_kernel(np.array([[1.0, 0.0], row]), gamma0=0.3, digits=15, phi=phi).lambda_min


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_kernel_with_phi_identity_is_proved_again(row):
    assert check_certificate(kernel(row, "identity").certificate).status == "proved"


@pytest.mark.parametrize("length", [1.0, 2.5])
def test_opposite_rows_with_phi_relu_are_proved_again(length):
    bound = kernel([-length, 0.0], "relu")
    assert check_certificate(bound.certificate).status == "proved"


@pytest.mark.parametrize("name", ["_open", "_rate"])
def test_a_wrong_rule_for_opposite_rows_is_noticed(monkeypatch, name):
    sound = getattr(relu_entry._Opposite, name)
    monkeypatch.setattr(relu_entry._Opposite, name, lambda *given: sound(*given) * 1.001)
    with pytest.raises(FalseCertificateError):
        check_certificate(kernel([-1.0, 0.0], "relu").certificate)


def test_a_false_claim_about_opposite_rows_is_refused():
    record = dict(kernel([-1.0, 0.0], "relu").certificate)
    above = Fraction(record["upper"]) * (1 + Fraction(1, 10**20))
    record |= {"lower": str(above), "upper": str(2 * above)}
    record["digest"] = digest(record)
    with pytest.raises(FalseCertificateError):
        check_certificate(record)
