"""``deqmath check-certificate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def check_certificate_command(file: Path, /, *, matrix: Path | None = None, json: Path | None = None) -> int:
    """Prove a bound's certificate again, by other mathematics.

    Ball arithmetic of python-flint, sharing no code with what made the certificate. Exit code 0 if the claim is
    proved again, 1 if it is proved false, 2 if the file cannot be read, 3 if the balls stay too wide.

    Parameters
    ----------
    file : FILE
        What ``deqmath bound ... --certificate FILE`` wrote.
    matrix : NPY
        The matrix, where the certificate holds only its fingerprint. Default: FILE.npy, if it is there.
    json : FILE
        Write the verdict to this file as JSON; - is stdout.
    """
    from deqmath.bounds import FalseCertificateError, check_certificate
    from deqmath.claims.write import check_target
    from deqmath.cli.terminal import Ticking, note

    check_target(json, "--json")
    given = _matrix(file, matrix)
    try:
        with Ticking(f"checking {file.name}"):
            found = check_certificate(file, given)
    except FalseCertificateError as error:
        _write(json, {"status": "refuted", "reason": str(error)})
        note(f"deqmath: refuted: {error}")
        return 1
    _write(json, {key: value for key, value in found.as_json().items() if key != "certificate"})
    if str(json) != "-":
        print(f"{found.quantity} = {found}")
    if found.status == "proved":
        if str(json) != "-":
            print("Proved again, independently, from the matrix alone.")
        return 0
    return 3


def _matrix(file: Path, matrix: Path | None) -> Any:
    import numpy as np

    from deqmath.errors import DataError

    path = file.with_name(file.name + ".npy") if matrix is None else matrix
    if matrix is None and not path.is_file():
        return None
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        msg = f"cannot read the matrix {path}: {error}"
        raise DataError(msg) from error
    if not isinstance(found, np.ndarray) or found.dtype != np.float64 or found.ndim != 2:
        msg = f"{path} does not hold a float64 matrix; needed what np.save(FILE, matrix) writes"
        raise DataError(msg)
    return found


def _write(target: Path | None, document: dict[str, Any]) -> None:
    from deqmath.claims.jsonable import jsonable
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text

    if target is not None:
        write_text(target, to_text(jsonable(document, "verdict")))
