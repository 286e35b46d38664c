"""Read and validate a certificate; every defect is a `DataError` that names it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from deqmath.bounds.recheck.exact_matrix import Exact
from deqmath.errors import DataError, InputError

FORMAT, VERSION = "deqmath-certificate", 2
FRACTION = re.compile(r"-?[0-9]+(/[0-9]+)?")
FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Claim: TypeAlias = tuple[Fraction | None, Fraction | None]


class FalseCertificateError(DataError):
    """The certificate can be read, and its claim is proved false."""

    def __init__(self, complaint: str) -> None:
        super().__init__(f"the certificate is false: {complaint}")


def load(certificate: dict[str, Any] | str | Path) -> dict[str, Any]:
    """The certificate as a dict of the right format and version."""
    if isinstance(certificate, (str, Path)):
        path = Path(certificate)
        try:
            loaded = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            msg = f"cannot read the certificate {path}: {error.strerror}"
            raise DataError(msg) from error
        except (ValueError, RecursionError) as error:
            msg = (
                f"{path} is not a whole JSON certificate ({error}); write it again with json.dump(bound.certificate, f)"
            )
            raise DataError(msg) from error
    else:
        loaded = certificate
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT or loaded.get("version") != VERSION:
        msg = f"not a deqmath certificate of version {VERSION}; needed Bound.certificate or a file holding it"
        raise DataError(msg)
    return loaded


def digest(record: Mapping[str, Any]) -> str:
    """BLAKE2b of every field but ``digest`` itself, as canonical JSON."""
    rest = {key: value for key, value in record.items() if key != "digest"}
    try:
        text = json.dumps(rest, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"the certificate holds something that JSON cannot hold ({error}); needed Bound.certificate as it is"
        raise DataError(msg) from error
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


def require_digest(record: Mapping[str, Any]) -> None:
    """Refuse a certificate any field of which was changed after it was sealed."""
    if record.get("digest") != digest(record):
        msg = "the certificate was altered after it was written: its digest differs from its contents"
        raise DataError(msg)


def field(record: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """One entry of the record, of the given type."""
    value = record.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        msg = f"the certificate's {name!r} is {type(value).__name__}; needed {kind.__name__}"
        raise DataError(msg)
    return value


def claims(record: Mapping[str, Any]) -> dict[str, Claim]:
    """Every claim by name; a single bound's is named by its quantity."""
    listed = record.get("claims")
    if listed is None:
        listed = {field(record, "quantity", str): {"lower": record.get("lower", 0), "upper": record.get("upper", 0)}}
    if not isinstance(listed, dict) or not listed:
        msg = "the certificate's 'claims' is not a non-empty object of ends by name"
        raise DataError(msg)
    return {name: _claim(name, field(listed, name, dict)) for name in listed}


def _claim(name: str, ends: Mapping[str, Any]) -> Claim:
    lower, upper = end(ends, "lower"), end(ends, "upper")
    if lower is None and upper is None:
        msg = f"the certificate claims nothing about {name}: both ends are null"
        raise DataError(msg)
    if lower is not None and upper is not None and lower > upper:
        msg = f"it claims lower > upper for {name}"
        raise FalseCertificateError(msg)
    return lower, upper


def end(record: Mapping[str, Any], name: str) -> Fraction | None:
    """One number of the record as an exact fraction; None for null."""
    if name in record and record[name] is None:
        return None
    return fraction(field(record, name, str), name)


def number(record: Mapping[str, Any], name: str) -> Fraction:
    """One number of the record as an exact fraction."""
    return fraction(field(record, name, str), name)


def fraction(text: Any, name: str) -> Fraction:
    """``"p/q"`` or ``"p"``, in digits only (an exponent could ask for any amount of memory), as an exact fraction."""
    try:
        if not isinstance(text, str) or not FRACTION.fullmatch(text):
            raise ValueError
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        msg = f"the certificate's {name!r} is not a fraction: {str(text)[:40]!r}"
        raise DataError(msg) from error


def matrices(record: Mapping[str, Any], given: Mapping[str, FloatArray]) -> dict[str, Exact]:
    """Every array of the certificate, from its entries or, where it holds only a fingerprint, from the caller."""
    described: dict[str, Any] = dict(field(record, "arrays", dict)) if "arrays" in record else {}
    if "matrix" in record:
        described["matrix"] = record["matrix"]
    return {name: _matrix(name, field(described, name, dict), given.get(name)) for name in described}


def _matrix(name: str, described: Mapping[str, Any], given: FloatArray | None) -> Exact:
    shape = field(described, "shape", list)
    if len(shape) != 2 or not all(type(n) is int and n > 0 for n in shape):
        msg = f"the certificate's {name} has shape {shape}; needed two positive integers"
        raise DataError(msg)
    rows, columns = shape
    if "fractions" in described:
        return _rational_matrix(name, described, rows, columns)
    if "entries" in described:
        flat = _floats(field(described, "entries", list), name)
    elif given is None:
        msg = (
            f"the certificate holds only a fingerprint of its {name}; call "
            f"check_certificate(certificate, matrix={'H' if name == 'matrix' else f'{{{name!r}: {name}}}'})"
        )
        raise InputError(msg)
    else:
        flat = _real(given, name).ravel()
    if flat.size != rows * columns or (given is not None and list(_two(np.shape(given))) != shape):
        msg = f"{name} has {flat.size} entries where the certificate says shape ({rows}, {columns})"
        raise DataError(msg)
    entries = flat.reshape(rows, columns) + 0.0
    found = hashlib.blake2b(repr((rows, columns)).encode() + entries.astype("<f8").tobytes(), digest_size=32)
    _require_same(name, found.hexdigest(), described)
    if not np.isfinite(entries).all():
        msg = f"{name} holds numbers that are not finite"
        raise DataError(msg)
    return Exact.of_floats(entries)


def _rational_matrix(name: str, described: Mapping[str, Any], rows: int, columns: int) -> Exact:
    texts = field(described, "fractions", list)
    if len(texts) != rows * columns:
        msg = f"{name} has {len(texts)} entries where the certificate says shape ({rows}, {columns})"
        raise DataError(msg)
    values = [fraction(t, f"{name} entries") for t in texts]
    whole = f"{(rows, columns)} " + " ".join(str(v) for v in values)
    _require_same(name, hashlib.blake2b(whole.encode(), digest_size=32).hexdigest(), described)
    return Exact.of_fractions(values, rows, columns)


def _require_same(name: str, found: str, described: Mapping[str, Any]) -> None:
    if found != described.get("blake2b"):
        msg = f"{name} is not the one the certificate was made for: its BLAKE2b fingerprint differs"
        raise DataError(msg)


def _real(given: FloatArray, name: str) -> FloatArray:
    """The caller's array as float64; another type of numbers would have another fingerprint anyway."""
    if not isinstance(given, np.ndarray) or given.dtype.kind not in "fiu":
        got = f"dtype {given.dtype}" if isinstance(given, np.ndarray) else type(given).__name__
        msg = f"{name} is {got}; needed the float64 NumPy array that the certificate was made for"
        raise InputError(msg)
    return given.astype(np.float64)


def _two(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], 1) if len(shape) == 1 else shape


def _floats(texts: list[Any], name: str) -> FloatArray:
    try:
        found = np.array([float.fromhex(t) for t in texts], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"the certificate's {name} entries are not hexadecimal floats"
        raise DataError(msg) from error
    if not np.isfinite(found).all():
        msg = f"the certificate's {name} entries are not finite"
        raise DataError(msg)
    return found


def integer_columns(record: Mapping[str, Any], name: str, rows: int) -> list[tuple[list[int], int]]:
    """Columns of hexadecimal integers, each with the power of two it is scaled by."""
    found = field(record, name, list)
    out = []
    for column in found:
        if not isinstance(column, dict):
            msg = f"the certificate's {name!r} has a column that is {type(column).__name__}; needed an object"
            raise DataError(msg)
        texts, exponent = field(column, "values", list), field(column, "exponent", int)
        try:
            values = [int(t, 16) for t in texts]
        except (TypeError, ValueError) as error:
            msg = f"the certificate's {name!r} holds something that is not a hexadecimal integer"
            raise DataError(msg) from error
        if len(values) != rows or not abs(exponent) < 2**20:
            msg = (
                f"a column of the certificate's {name!r} has {len(values)} entries, exponent {exponent}; needed {rows}"
            )
            raise DataError(msg)
        out.append((values, exponent))
    return out
