"""``deqmath check-certificate``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

#: A check that takes longer says how long it took.
_WORTH_SAYING = 10.0


def check_certificate_command(file: Path, /, *, matrix: Path | None = None, json: Path | None = None) -> int:
    """Prove a bound's certificate again, by other mathematics.

    Ball arithmetic of python-flint, sharing no code with what made the certificate. Exit code 0 if the claim is
    proved again, 1 if it is proved false, 2 if the file cannot be read, 3 if the balls stay too wide.

    Parameters
    ----------
    file : FILE
        What ``deqmath bound ... --certificate FILE`` wrote.
    matrix : NPZ
        The arrays of which the certificate holds only the fingerprint, by name (or one matrix as .npy). Default:
        FILE.npz, if it is there.
    json : FILE
        Write the verdict to this file as JSON; - is stdout.
    """
    from deqmath.bounds import BoundRecord, FalseCertificateError, check_certificate
    from deqmath.claims.write import check_target
    from deqmath.cli.terminal import Stages, note

    check_target(json, "--json")
    given, start = _arrays(file, matrix), time.monotonic()
    try:
        with Stages(f"checking {file.name}"):
            found = check_certificate(file, given)
    except FalseCertificateError as error:
        _write(json, {"status": "refuted", "reason": str(error)})
        note(f"deqmath: refuted: {error}")
        return 1
    seconds = time.monotonic() - start
    if seconds > _WORTH_SAYING:
        note(f"deqmath: the check took {seconds:.0f} s")
    document = {key: value for key, value in found.as_json().items() if key != "certificate"}
    _write(json, {"status": found.status, **document})
    if str(json) != "-":
        print(found if isinstance(found, BoundRecord) else f"{found.quantity} = {found}")
    if found.status == "proved":
        if str(json) != "-":
            print("Proved again, independently, from the data alone.")
        return 0
    return 3


def _arrays(file: Path, given: Path | None) -> Any:
    """The arrays beside the certificate, or those named; None when there are none."""
    import numpy as np

    from deqmath.errors import DataError

    path = file.with_name(file.name + ".npz") if given is None else given
    if given is None and not path.is_file():
        return None
    try:
        loaded = np.load(path, allow_pickle=False)
        found = loaded if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        msg = f"cannot read the arrays {path}: {error}"
        raise DataError(msg) from error
    for array in found.values() if isinstance(found, dict) else [found]:
        if array.dtype != np.float64 or array.ndim not in (1, 2):
            msg = f"{path} does not hold float64 matrices; needed what deqmath bound --certificate or np.savez writes"
            raise DataError(msg)
    return found


def _write(target: Path | None, document: dict[str, Any]) -> None:
    from deqmath.claims.jsonable import jsonable
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text

    if target is not None:
        write_text(target, to_text(jsonable(document, "verdict")))
