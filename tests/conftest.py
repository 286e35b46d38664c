"""Make ``tests.identities`` importable, after the installed deqmath, so that what is installed is what is tested.

Results of claims are cached in a folder of the test run, never in the user's. Workers of ``pytest -n`` run BLAS on one
thread each, set before NumPy is loaded: the cores are taken by the workers.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.append(str(Path(__file__).resolve().parents[1]))
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell that runs the tests in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_test_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("DEQMATH_CACHE_DIR")
    os.environ["DEQMATH_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["DEQMATH_CACHE_DIR"]
    else:
        os.environ["DEQMATH_CACHE_DIR"] = before
