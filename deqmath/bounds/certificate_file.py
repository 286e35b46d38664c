"""Certificates as JSON-able data: what is claimed, about which arrays, and the candidates that help to prove it again.

Arrays of at most `EMBED_ENTRIES` entries stand in the certificate itself; of larger ones it holds the fingerprint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from deqmath.bounds.bound import Bound
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled
from deqmath.bounds.recheck.reading import FORMAT, VERSION, digest
from deqmath.bounds.recheck.statements import STATEMENTS

EMBED_ENTRIES = 4096
WITNESS_ENTRIES = 4096
Ends = tuple[Fraction | None, Fraction | None]


def certificate(
    quantity: str,
    arrays: Mapping[str, Array | flint.fmpq_mat],
    ends: Ends | Mapping[str, Ends],
    *,
    parameters: Mapping[str, Fraction] | Mapping[str, Fraction | str] | None = None,
    witness: Mapping[str, Any] | None = None,
    method: str = "",
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A sealed certificate.

    Parameters
    ----------
    quantity : str
        One of the statements that the checker knows.
    arrays : mapping
        What it is about; the array named "matrix" where there is one only.
    ends : pair or mapping of pairs
        ``(lower, upper)``, one pair or one for each claim by name; None where nothing is claimed on a side.
    parameters : mapping, optional
        Exact numbers and names that the claim depends on.
    witness : mapping, optional
        Candidates; the checker believes none of them.
    method, details : optional
        How the bound was found, for the reader.
    """
    record: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "quantity": quantity,
        "statement": STATEMENTS[quantity],
    }
    if isinstance(ends, Mapping):
        record["claims"] = {name: _ends(pair) for name, pair in ends.items()}
    else:
        record |= _ends(ends)
    described = {name: matrix_record(value) for name, value in arrays.items()}
    if "matrix" in described:
        record["matrix"] = described.pop("matrix")
    if described:
        record["arrays"] = described
    record |= {
        "parameters": {k: str(v) for k, v in (parameters or {}).items()},
        "method": method,
        "details": dict(details or {}),
        "witness": witness,
    }
    record["digest"] = digest(record)
    return record


def matrix_record(matrix: Array | flint.fmpq_mat) -> dict[str, Any]:
    """Shape, fingerprint and, for at most `EMBED_ENTRIES` entries or rational ones, the entries."""
    if isinstance(matrix, flint.fmpq_mat):
        shape = (int(matrix.nrows()), int(matrix.ncols()))
        texts = [str(v) for v in matrix.entries()]
        whole = hashlib.blake2b(f"{shape} {' '.join(texts)}".encode(), digest_size=32)
        return {"shape": list(shape), "blake2b": whole.hexdigest(), "fractions": texts}
    matrix = matrix.reshape(-1, 1) if matrix.ndim == 1 else matrix
    record: dict[str, Any] = {"shape": list(matrix.shape), "blake2b": fingerprint(matrix)}
    if matrix.size <= EMBED_ENTRIES:
        record["entries"] = [float(v).hex() for v in matrix.ravel().tolist()]
    return record


def fingerprint(matrix: Array) -> str:
    """BLAKE2b (32 bytes) of the entries as little-endian float64 in row order, after the shape; ``-0.0`` counts as ``0.0``."""
    digest_of = hashlib.blake2b(repr(tuple(int(n) for n in matrix.shape)).encode(), digest_size=32)
    rows = max(1, 2**18 // max(1, matrix.shape[-1]))
    for start in range(0, matrix.shape[0], rows):
        block = np.ascontiguousarray(matrix[start : start + rows], dtype="<f8") + 0.0
        digest_of.update(block.data.cast("B"))
    return digest_of.hexdigest()


def witness_record(witness: Scaled) -> dict[str, Any] | None:
    """Integers in hexadecimal times ``2**exponent``; None when there are too many to be worth storing."""
    if witness.values.size > WITNESS_ENTRIES:
        return None
    return {
        "exponent": witness.exponent,
        "columns": [[hex(int(v)) for v in column] for column in witness.values.T.tolist()],
    }


def columns_record(columns: list[Scaled]) -> list[dict[str, Any]]:
    """Columns of integers in hexadecimal, each times its own power of two."""
    return [{"exponent": c.exponent, "values": [hex(int(v)) for v in c.values[:, 0].tolist()]} for c in columns]


def _ends(pair: Ends) -> dict[str, str | None]:
    lower, upper = pair
    return {"lower": None if lower is None else str(lower), "upper": None if upper is None else str(upper)}


def certified(
    bound: Bound,
    quantity: str,
    arrays: Mapping[str, Array | flint.fmpq_mat],
    parameters: Mapping[str, Fraction] | Mapping[str, Fraction | str] | None = None,
) -> Bound:
    """The same bound with a certificate of both its ends."""
    return replace(bound, certificate=certificate(quantity, arrays, (bound.lower, bound.upper), parameters=parameters))
