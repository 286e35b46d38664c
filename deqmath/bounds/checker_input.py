"""Read and validate a certificate; every defect is a `DataError` that names it."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from deqmath.errors import DataError, InputError


class FalseCertificateError(DataError):
    """The certificate can be read, and its claim is proved false."""


def load(certificate: dict[str, Any] | str | Path) -> dict[str, Any]:
    """The certificate as a dict of the right format and version."""
    if isinstance(certificate, (str, Path)):
        path = Path(certificate)
        try:
            loaded = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            msg = f"cannot read the certificate {path}: {error.strerror}"
            raise DataError(msg) from error
        except ValueError as error:
            msg = (
                f"{path} is not a whole JSON certificate ({error}); write it again with json.dump(bound.certificate, f)"
            )
            raise DataError(msg) from error
    else:
        loaded = certificate
    if not isinstance(loaded, dict) or loaded.get("format") != "deqmath-certificate" or loaded.get("version") != 1:
        msg = "not a deqmath certificate of version 1; needed Bound.certificate or a file holding it"
        raise DataError(msg)
    return loaded


def field(record: dict[str, Any], name: str, kind: type[Any]) -> Any:
    """One entry of the record, of the given type."""
    value = record.get(name)
    if not isinstance(value, kind):
        msg = f"the certificate's {name!r} is {type(value).__name__}; needed {kind.__name__}"
        raise DataError(msg)
    return value


def end(record: dict[str, Any], name: str) -> Fraction | None:
    """One end of the claim as an exact fraction; None for null."""
    if name in record and record[name] is None:
        return None
    text = field(record, name, str)
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        msg = f"the certificate's {name!r} is not a fraction: {text[:40]!r}"
        raise DataError(msg) from error


def matrix_entries(
    record: dict[str, Any], matrix: np.ndarray[Any, np.dtype[np.float64]] | None
) -> list[list[Fraction]]:
    """The certificate's matrix, or the caller's when its fingerprint fits, as exact fractions row by row."""
    described = field(record, "matrix", dict)
    shape = field(described, "shape", list)
    if len(shape) != 2 or not all(isinstance(n, int) and n > 0 for n in shape):
        msg = f"the certificate's matrix has shape {shape}; needed two positive integers"
        raise DataError(msg)
    if "entries" in described:
        flat = numbers(field(described, "entries", list), "matrix entries")
    elif matrix is None:
        msg = "the certificate holds only a fingerprint of its matrix; call check_certificate(certificate, matrix=H)"
        raise InputError(msg)
    else:
        flat = [Fraction(v) for v in np.asarray(matrix, dtype=np.float64).ravel().tolist()]
    rows, columns = shape
    if len(flat) != rows * columns or (matrix is not None and list(matrix.shape) != shape):
        msg = f"the matrix has {len(flat)} entries where the certificate says shape ({rows}, {columns})"
        raise DataError(msg)
    if _fingerprint(flat, rows, columns) != described.get("blake2b"):
        msg = "the matrix is not the one the certificate was made for: its BLAKE2b fingerprint differs"
        raise DataError(msg)
    return [flat[i * columns : (i + 1) * columns] for i in range(rows)]


def numbers(texts: list[Any], name: str) -> list[Fraction]:
    """Hexadecimal floats as exact fractions."""
    try:
        return [Fraction(float.fromhex(t)) for t in texts]
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"the certificate's {name} are not finite hexadecimal floats"
        raise DataError(msg) from error


def _fingerprint(flat: list[Fraction], rows: int, columns: int) -> str:
    data = np.array([float(v) for v in flat], dtype="<f8")
    return hashlib.blake2b(repr((rows, columns)).encode() + data.tobytes(), digest_size=32).hexdigest()
