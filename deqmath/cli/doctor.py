"""``deqmath doctor``."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

_REQUIRED = ("sympy", "mpmath", "numpy", "scipy", "python-flint", "array-api-compat", "rich", "cyclopts", "matplotlib")
#: Extra -> the module it brings, and what that is for.
_EXTRAS = {
    "cuda": ("cupy", "arrays on an NVIDIA GPU"),
    "jax": ("jax", "generated code for JAX"),
    "torch": ("torch", "generated code for PyTorch"),
    "cluster": ("dask", "runs on a cluster"),
    "app": ("marimo", "interactive pages"),
    "data": ("sklearn", "the data sets diabetes, breast_cancer, iris, wine"),
}


def doctor_command(*, json: Path | None = None) -> int:
    """Show versions, BLAS, threads, GPU and optional backends.

    Exit code 2 if a needed package is missing or the derivations do not load.

    Parameters
    ----------
    json : FILE
        Write it to this file as JSON; - is stdout, instead of the table.
    """
    from deqmath.claims.report import to_text
    from deqmath.claims.write import check_target, write_text
    from deqmath.cli.terminal import show

    check_target(json, "--json")
    found = examine()
    if json is not None:
        write_text(json, to_text(found))
    if str(json) != "-":
        show(_table(found))
    return 0 if all(found["versions"].values()) and not found["derivations"]["error"] else 2


def examine() -> dict[str, Any]:
    """What the table shows, as JSON-able objects."""
    import deqmath

    return {
        "deqmath": deqmath.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": {package: _version(package) for package in _REQUIRED},
        "blas": _blas(),
        "threads": _threads(),
        "gpu": _gpu(),
        "extras": {
            extra: {
                "module": module,
                "installed": find_spec(module) is not None,
                "for": purpose,
                "install": f'pip install "deqmath[{extra}]"',
            }
            for extra, (module, purpose) in _EXTRAS.items()
        },
        "derivations": _derivations(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _blas() -> dict[str, str]:
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return {key: str(blas.get(key, "unknown")) for key in ("name", "version")}


def _threads() -> dict[str, Any]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {"cores": usable, "limits": {name: os.environ[name] for name in limits if name in os.environ}}


def _gpu() -> dict[str, Any]:
    """Devices as CuPy sees them; without CuPy nothing is known about them."""
    if find_spec("cupy") is None:
        return {"devices": [], "note": 'CuPy is not installed: pip install "deqmath[cuda]"'}
    import cupy

    try:
        count = cupy.cuda.runtime.getDeviceCount()
        names = [cupy.cuda.runtime.getDeviceProperties(i)["name"].decode() for i in range(count)]
    except (RuntimeError, ImportError, OSError) as error:
        return {"devices": [], "note": f"CuPy finds no usable GPU: {' '.join(str(error).split())}"}
    return {"devices": names, "note": ""}


def _derivations() -> dict[str, Any]:
    from deqmath.claims import collect
    from deqmath.claims.collect import bundled_folder
    from deqmath.errors import InputError

    try:
        folder = bundled_folder()
        claims = collect()
    except InputError as error:
        return {"folder": None, "claims": 0, "error": str(error)}
    return {"folder": str(folder), "claims": len(claims), "error": ""}


def _table(found: dict[str, Any]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()

    def row(name: str, text: str, *, good: bool = True) -> None:
        table.add_row(Text(name), Text(text, "" if good else "yellow"))

    row("deqmath", f"{found['deqmath']}, Python {found['python']}, {found['platform']}")
    for package, number in found["versions"].items():
        row(package, number or f"missing: pip install {package}", good=number is not None)
    row("BLAS", f"{found['blas']['name']} {found['blas']['version']}")
    limits = ", ".join(f"{name}={value}" for name, value in found["threads"]["limits"].items())
    row("threads", f"{found['threads']['cores']} cores" + (f", limited by {limits}" if limits else ""))
    row("GPU", ", ".join(found["gpu"]["devices"]) or found["gpu"]["note"], good=bool(found["gpu"]["devices"]))
    for extra, about in found["extras"].items():
        state = "installed" if about["installed"] else about["install"]
        row(f"[{extra}]", f"{about['for']}: {state}", good=about["installed"])
    derivations = found["derivations"]
    row(
        "derivations",
        derivations["error"] or f"{derivations['claims']} claims in {derivations['folder']}",
        good=not derivations["error"],
    )
    if sys.flags.optimize:
        row("note", "Python runs with -O: assertions are off", good=False)
    return table
