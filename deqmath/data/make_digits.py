"""Make ``digits.npz`` from scikit-learn's copy of the UCI digits: ``python -m deqmath.data.make_digits FILE``.

Only this script needs scikit-learn. Pixels are integers 0 to 16 (uint8), targets 0 to 9 (int8), in scikit-learn's
order; see ``LICENSE-digits.txt`` for the attribution. The archive is written with fixed time stamps, so that the
same scikit-learn data give the same bytes.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main(target: str) -> None:
    """Write the archive to `target`."""
    bunch = load_digits()
    arrays = {"pixels": bunch.data.astype(np.uint8), "targets": bunch.target.astype(np.int8)}
    if not (np.array_equal(arrays["pixels"], bunch.data) and np.array_equal(arrays["targets"], bunch.target)):
        msg = "the digits are no longer small integers: choose another dtype"
        raise SystemExit(msg)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())
    print(
        f"{Path(target).name}: {arrays['pixels'].shape[0]} digits, {Path(target).stat().st_size} bytes", file=sys.stderr
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).with_name("digits.npz")))
