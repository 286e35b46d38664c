"""What a certificate carries, as JSON-able data: the matrix (or its fingerprint) and the witness vectors."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled

EMBED_ENTRIES = 4096
WITNESS_ENTRIES = 4096


def matrix_record(matrix: Array) -> dict[str, Any]:
    """Shape, fingerprint and, for at most `EMBED_ENTRIES` entries, the entries as hexadecimal floats."""
    record: dict[str, Any] = {"shape": list(matrix.shape), "blake2b": fingerprint(matrix)}
    if matrix.size <= EMBED_ENTRIES:
        record["entries"] = [float(v).hex() for v in matrix.ravel().tolist()]
    return record


def fingerprint(matrix: Array) -> str:
    """BLAKE2b (32 bytes) of the entries as little-endian float64 in row order, after the shape; ``-0.0`` counts as ``0.0``."""
    digest = hashlib.blake2b(repr(tuple(int(n) for n in matrix.shape)).encode(), digest_size=32)
    rows = max(1, 2**18 // max(1, matrix.shape[-1]))
    for start in range(0, matrix.shape[0], rows):
        block = np.ascontiguousarray(matrix[start : start + rows], dtype="<f8") + 0.0
        digest.update(block.data.cast("B"))
    return digest.hexdigest()


def witness_record(witness: Scaled) -> dict[str, Any] | None:
    """Integers in hexadecimal times ``2**exponent``; None when there are too many to be worth storing."""
    if witness.values.size > WITNESS_ENTRIES:
        return None
    return {
        "exponent": witness.exponent,
        "columns": [[hex(int(v)) for v in column] for column in witness.values.T.tolist()],
    }
