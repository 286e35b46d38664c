"""Certified numbers: exact enclosures of eigenvalues, norms and quadratic forms of float64 matrices.

A bound is proved or undecided. Proofs use float64 Cholesky factorisations with exact rational slacks, integer
products that BLAS carries out without error, and rational arithmetic; nothing depends on a rounding mode.
"""

from deqmath.bounds.bound import Bound
from deqmath.bounds.checker import FalseCertificateError, check_certificate
from deqmath.bounds.equilibria import equilibrium
from deqmath.bounds.equilibrium_record import Ball, EquilibriumEnclosure
from deqmath.bounds.gram_bounds import (
    condition_number,
    gram_lambda_min,
    hadamard_gram_lambda_min,
    resolvent_norm,
    sigma_min,
)
from deqmath.bounds.inverse_forms import inverse_quadratic_form
from deqmath.bounds.lambda_bounds import is_positive_definite, lambda_max, lambda_min
from deqmath.bounds.network_gram import GramEnclosure, network_gram, network_lambda_min
from deqmath.bounds.norm_bounds import operator_norm
from deqmath.bounds.record import BoundRecord, Entry
from deqmath.bounds.well_posedness import well_posed

__all__ = [
    "Ball",
    "Bound",
    "BoundRecord",
    "Entry",
    "EquilibriumEnclosure",
    "FalseCertificateError",
    "GramEnclosure",
    "check_certificate",
    "condition_number",
    "equilibrium",
    "gram_lambda_min",
    "hadamard_gram_lambda_min",
    "inverse_quadratic_form",
    "is_positive_definite",
    "lambda_max",
    "lambda_min",
    "network_gram",
    "network_lambda_min",
    "operator_norm",
    "resolvent_norm",
    "sigma_min",
    "well_posed",
]
