import contextlib

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20260721)


@pytest.fixture(autouse=True, scope="module")
def one_blas_thread():
    """Small matrices on a shared machine lose time waiting for BLAS threads; the thread tests set their own number."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):
            from threadpoolctl import threadpool_limits

            stack.enter_context(threadpool_limits(1))
        yield
