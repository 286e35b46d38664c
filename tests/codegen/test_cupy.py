"""CuPy's text compiles, and with NumPy in CuPy's place it computes the same; no device is needed or claimed."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import deqmath as dm
from deqmath.errors import MissingBackendError

from .backends import parameters
from .cases import CASES, DIMS, values
from .reference import evaluate


@pytest.fixture
def stand_in(monkeypatch):
    """NumPy and SciPy under the names of CuPy: the parts the text uses have one interface."""
    cupyx = types.ModuleType("cupyx")
    cupyx.scipy = types.ModuleType("cupyx.scipy")
    cupyx.scipy.linalg, cupyx.scipy.special = scipy.linalg, scipy.special
    names = {"cupy": np, "cupyx": cupyx, "cupyx.scipy": cupyx.scipy}
    names |= {"cupyx.scipy.linalg": scipy.linalg, "cupyx.scipy.special": scipy.special}
    for name, module in names.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize("name", CASES)
def test_computes_the_same_with_numpy_in_cupys_place(name, stand_in):  # noqa: ARG001
    code = dm.generate({name: CASES[name]}, target="cupy")
    assert "np." not in code.source.replace("cp.", "")
    function = getattr(code.load(), name)
    for batch in ((), (2,)):
        arguments = values(parameters(function), np.random.default_rng(1), batch)
        arrays = {k for k, v in arguments.items() if np.ndim(v)}
        got = function(
            **{k: float(v) if np.ndim(v) == 0 and not isinstance(v, int) else v for k, v in arguments.items()}
        )
        for k in range(2) if batch and arrays else ():
            one = {a: v[k] if a in arrays else v for a, v in arguments.items()}
            np.testing.assert_allclose(got[k], evaluate(CASES[name], one, DIMS), rtol=1e-9, atol=1e-10)
        if not batch:
            np.testing.assert_allclose(got, evaluate(CASES[name], arguments, DIMS), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("target", "package"), [("cupy", "cuda"), ("jax", "jax"), ("torch", "torch")])
def test_a_missing_library_is_named_with_the_line_that_installs_it(target, package, monkeypatch):
    for name in ("cupy", "jax", "torch"):
        monkeypatch.setitem(sys.modules, name, None)  # what an import of a package that is not there meets
    code = dm.generate({"jvp": CASES["jvp10"]}, target=target)
    compile(code.source, "jvp.py", "exec")
    compile(code.test_source, "test_jvp.py", "exec")
    with pytest.raises(MissingBackendError, match=rf'pip install "deqmath\[{package}\]"'):
        code.load()
