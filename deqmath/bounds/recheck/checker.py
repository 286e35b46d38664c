"""A second opinion on certificates: exact integers and balls of python-flint, sharing no code with the proofs.

Every claim is proved again from the data, which the certificate holds or names by a fingerprint, by other mathematics:

- an eigenvalue or a norm: block elimination in balls shows ``S - level I`` positive definite, or not (Sylvester);
- ``y^T H^{-1} y``: a verified linear solve in balls;
- equilibria and adjoints: the certificate's centres are put into their equations in exact integers;
- the constants of the theorems: the paper's formulas, written out by hand, evaluated at both ends;
- the limit kernel: its fixed point is caught between two numbers by a change of sign.

Nothing of the certificate but its data and its candidates is believed. The cost is that of multiprecision
elimination: seconds for a few hundred rows, so this is a checker, not a solver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deqmath.bounds.bound import Bound
from deqmath.bounds.recheck import kernel, several, single, theorems
from deqmath.bounds.recheck.exact_matrix import Exact
from deqmath.bounds.recheck.reading import Claim, FloatArray, claims, field, load, matrices, require_digest
from deqmath.bounds.recheck.statements import STATEMENTS
from deqmath.bounds.record import BoundRecord, Entry
from deqmath.errors import DataError

TRUSTED = ("python-flint's ball and integer arithmetic",)
Check = Callable[[Mapping[str, Any], Mapping[str, Exact], Claim], str]
CheckSeveral = Callable[[Mapping[str, Any], Mapping[str, Exact], Mapping[str, Claim]], Mapping[str, str]]

ONE: dict[str, Check] = {
    "lambda_min": single.check_lambda_min,
    "lambda_max": single.check_lambda_max,
    "operator_norm": single.check_operator_norm,
    "sigma_min": single.check_sigma_min,
    "condition_number": single.check_condition_number,
    "resolvent_norm": single.check_resolvent_norm,
    "inverse_quadratic_form": single.check_inverse_form,
    "network_lambda_min": several.check_network_lambda_min,
    "limit_kernel": kernel.check_limit_kernel,
}
SEVERAL: dict[str, CheckSeveral] = {
    "well_posed": several.check_well_posed,
    "equilibrium": several.check_equilibrium,
    "theorem_3_1": theorems.check_theorem_3_1,
    "generalization": theorems.check_generalization,
}


def check_certificate(
    certificate: dict[str, Any] | str | Path, matrix: FloatArray | Mapping[str, FloatArray] | None = None
) -> Bound | BoundRecord:
    """Prove a certificate's claims again, independently.

    Parameters
    ----------
    certificate : dict or path
        As found in ``Bound.certificate``, or a JSON file holding it.
    matrix : ndarray or mapping of str to ndarray, optional
        The arrays of which the certificate holds only the fingerprint (more than 4096 entries), by name; a lone array
        is the one named "matrix".

    Returns
    -------
    Bound or BoundRecord
        With the certificate's ends; a `BoundRecord` for a certificate of several claims. ``.status`` is "undecided" when
        the balls stayed too wide at the highest precision tried.

    Raises
    ------
    DataError
        When the file is missing, truncated, altered or not a certificate, or when an array is not the one named.
    FalseCertificateError
        When a claim is proved FALSE (a DataError too).

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import check_certificate, lambda_min
    >>> bound = lambda_min(np.array([[2.0, 1.0], [1.0, 3.0]]), digits=20)
    >>> check_certificate(bound.certificate).status
    'proved'
    """
    record = load(certificate)
    quantity = field(record, "quantity", str)
    if quantity not in STATEMENTS or quantity not in {**ONE, **SEVERAL}:
        msg = f"certificate of {quantity!r}; this checker knows {', '.join(sorted({**ONE, **SEVERAL}))}"
        raise DataError(msg)
    if record.get("statement") != STATEMENTS[quantity]:
        msg = f"the certificate's statement is not the one of {quantity}: {STATEMENTS[quantity]}"
        raise DataError(msg)
    claimed = claims(record)
    given = matrix if isinstance(matrix, Mapping) else {} if matrix is None else {"matrix": matrix}
    arrays = matrices(record, given)
    if quantity in ONE:
        reasons: Mapping[str, str] = {quantity: ONE[quantity](record, arrays, _only(claimed, quantity))}
    else:
        reasons = SEVERAL[quantity](record, arrays, claimed)
    require_digest(record)
    found = {name: _bound(name, claimed[name], reasons[name]) for name in claimed}
    if "claims" not in record:
        return found[quantity]
    return BoundRecord(quantity, tuple(Entry(name, bound) for name, bound in found.items()), (STATEMENTS[quantity],))


def _only(claimed: Mapping[str, Claim], quantity: str) -> Claim:
    if set(claimed) != {quantity}:
        msg = f"a certificate of {quantity} has one claim, got {', '.join(claimed)}"
        raise DataError(msg)
    return claimed[quantity]


def _bound(name: str, claim: Claim, reason: str) -> Bound:
    if reason:
        return Bound.undecided(name, reason, TRUSTED)
    return Bound(*claim, name, "proved", TRUSTED)
