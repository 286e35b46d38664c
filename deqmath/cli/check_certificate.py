"""``deqmath check-certificate``."""

from __future__ import annotations

import stat
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

if TYPE_CHECKING:
    from deqmath.bounds import Bound, BoundRecord

#: A check that takes longer says how long it took.
_WORTH_SAYING = 10.0
#: A larger file is no certificate: arrays of more than 4096 entries stand beside it.
_MOST_BYTES = 2**30


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
    from deqmath.bounds import FalseCertificateError, check_certificate
    from deqmath.claims.write import check_target
    from deqmath.cli.terminal import Stages, deliver, note

    check_target(json, "--json")
    _check_file(file)
    given, start = _arrays(file, matrix), time.monotonic()
    try:
        with Stages(f"checking {file.name}"):
            found = check_certificate(file, given)
    except FalseCertificateError as error:
        refutation = str(error)
        document = {"status": "refuted", "reason": refutation}
        return deliver(lambda: note(f"deqmath: refuted: {refutation}"), [partial(_write, json, document)], 1)
    seconds = time.monotonic() - start
    if seconds > _WORTH_SAYING:
        note(f"deqmath: the check took {seconds:.0f} s")
    document = {key: value for key, value in found.as_json().items() if key != "certificate"}
    writes = [partial(_write, json, {"status": found.status, **document})]
    return deliver(lambda: None if str(json) == "-" else _show(found), writes, 0 if found.status == "proved" else 3)


def _show(found: Bound | BoundRecord) -> None:
    from deqmath.bounds import BoundRecord

    print(found if isinstance(found, BoundRecord) else f"{found.quantity} = {found}")
    if found.status == "proved":
        print("Proved again, independently, from the data alone.")


def _check_file(file: Path) -> None:
    """Refuse what could be read for ever: a device, or a file far larger than any certificate."""
    from deqmath.errors import DataError

    try:
        about = file.stat()
    except OSError:
        return  # reading it says why it cannot be read
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISFIFO(about.st_mode)):
        kind = "a folder" if stat.S_ISDIR(about.st_mode) else "neither a file nor a pipe"
        msg = f"{file} is {kind}; needed the FILE that deqmath bound ... --certificate FILE wrote"
        raise DataError(msg)
    if about.st_size > _MOST_BYTES:
        msg = (
            f"{file} has {about.st_size} bytes, and a certificate at most {_MOST_BYTES}; "
            "needed the FILE that deqmath bound ... --certificate FILE wrote"
        )
        raise DataError(msg)


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
