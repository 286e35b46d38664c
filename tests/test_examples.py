"""Every example in a docstring, in README.md and in docs/ runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import deqmath

ROOT = Path(__file__).resolve().parents[1]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
#: Scripts that do something when imported, or need scikit-learn.
SCRIPTS = {"deqmath.__main__", "deqmath.data.make_digits"}


#: What only the text of generated modules imports; the modules that hold that text are read, not imported.
OPTIONAL = {"cupy", "cupyx", "jax", "torch"}


def _imported(name: str) -> ModuleType | None:
    """The module; None where it needs an optional library that is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in OPTIONAL:
            return None
        raise


def _modules() -> list[str]:
    found = (m.name for m in pkgutil.walk_packages(deqmath.__path__, "deqmath."))
    return sorted(n for n in found if n not in SCRIPTS and "_derivations" not in n)


@pytest.mark.parametrize("name", _modules())
def test_docstring_examples(name: str) -> None:
    module = _imported(name)
    if module is None:
        pytest.skip("an optional library is not installed")
    failures, _ = doctest.testmod(module, optionflags=FLAGS)
    assert failures == 0


@pytest.mark.parametrize("page", [*sorted(p.name for p in (ROOT / "docs").glob("*.md")), "README.md"])
def test_examples_in_pages(page: str) -> None:
    path = ROOT / page if page == "README.md" else ROOT / "docs" / page
    failures, _ = doctest.testfile(str(path), module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert failures == 0


def test_examples_exist() -> None:
    """The checks above would pass on no examples at all: count them."""
    finder = doctest.DocTestFinder()
    modules = [module for module in map(_imported, _modules()) if module is not None]
    count = sum(len(t.examples) for module in modules for t in finder.find(module))
    assert count > 100
