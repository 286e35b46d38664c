"""Certified numbers: exact enclosures of eigenvalues, norms and quadratic forms of float64 matrices.

A bound is proved or undecided. Proofs use float64 Cholesky factorisations with exact rational slacks, integer
products that BLAS carries out without error, and rational arithmetic; nothing depends on a rounding mode.
"""

from deqmath.bounds.arc_cosine import arc_cosine
from deqmath.bounds.bound import Bound
from deqmath.bounds.equilibria import equilibrium
from deqmath.bounds.equilibrium_record import Ball, EquilibriumEnclosure
from deqmath.bounds.generalization_bound import generalization
from deqmath.bounds.gram import Gram
from deqmath.bounds.gram_bounds import (
    condition_number,
    gram_lambda_min,
    hadamard_gram_lambda_min,
    sigma_min,
)
from deqmath.bounds.gram_enclosure import GramEnclosure
from deqmath.bounds.inverse_forms import inverse_quadratic_form
from deqmath.bounds.lambda_bounds import is_positive_definite, lambda_max, lambda_min
from deqmath.bounds.limit_kernels import LimitKernel, limit_kernel
from deqmath.bounds.network_gram import network_gram, network_lambda_min
from deqmath.bounds.norm_bounds import operator_norm
from deqmath.bounds.recheck.checker import check_certificate
from deqmath.bounds.recheck.reading import FalseCertificateError
from deqmath.bounds.record import BoundRecord, Entry
from deqmath.bounds.resolvent import resolvent_norm
from deqmath.bounds.tails import (
    bernstein,
    exp_envelope,
    gaussian_norm,
    hoeffding,
    matrix_chernoff_width,
    sub_gaussian_norm,
)
from deqmath.bounds.theorem_3_1 import theorem_3_1
from deqmath.bounds.theorem_chain import least_width
from deqmath.bounds.well_posedness import well_posed

__all__ = [
    "Ball",
    "Bound",
    "BoundRecord",
    "Entry",
    "EquilibriumEnclosure",
    "FalseCertificateError",
    "Gram",
    "GramEnclosure",
    "LimitKernel",
    "arc_cosine",
    "bernstein",
    "check_certificate",
    "condition_number",
    "equilibrium",
    "exp_envelope",
    "gaussian_norm",
    "generalization",
    "gram_lambda_min",
    "hadamard_gram_lambda_min",
    "hoeffding",
    "inverse_quadratic_form",
    "is_positive_definite",
    "lambda_max",
    "lambda_min",
    "least_width",
    "limit_kernel",
    "matrix_chernoff_width",
    "network_gram",
    "network_lambda_min",
    "operator_norm",
    "resolvent_norm",
    "sigma_min",
    "sub_gaussian_norm",
    "theorem_3_1",
    "well_posed",
]
