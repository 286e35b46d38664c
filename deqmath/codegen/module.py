"""The result of code generation: text, its loading, its writing, its counts."""

from __future__ import annotations

import keyword
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unicodedata import normalize

from sympy import Expr

from deqmath.codegen.arguments import identifier
from deqmath.codegen.companion import DerivativeOf, companion_text
from deqmath.codegen.loading import load_text
from deqmath.codegen.plan import Plan
from deqmath.codegen.targets.base import Target
from deqmath.errors import InputError, MissingBackendError
from deqmath.writing import write_text


def importable(name: str) -> str:
    """The file name itself if Python can import it as a module, else one near it: ``a b.py`` gives ``a_b.py``.

    Examples
    --------
    >>> from deqmath.codegen.module import importable
    >>> importable("eq10.py"), importable("class.py"), importable("gg22.eq10.py"), importable("eq10")
    ('eq10.py', 'class_.py', 'gg22_eq10.py', 'eq10.py')
    """
    stem = name.removesuffix(".py")
    plain = stem.isidentifier() and not keyword.iskeyword(stem) and stem == normalize("NFKC", stem)
    return f"{stem if plain else identifier(stem, ())}.py"


class Flops(dict[str, Expr]):
    """Function name -> flops a sample, a SymPy expression in the dimensions.

    Where the module has one function, the mapping can also be used as that expression: in
    arithmetic through ``.expression``, and directly in ``.subs`` and ``sympify``.
    """

    @property
    def expression(self) -> Expr:
        """The count of the only function."""
        if len(self) != 1:
            msg = f"flops holds {len(self)} functions ({', '.join(self)}); it needs a name, as in flops[{next(iter(self))!r}]"
            raise InputError(msg)
        return next(iter(self.values()))

    def subs(self, *args: Any, **kwargs: Any) -> Expr:
        """The count of the only function at given dimensions."""
        return self.expression.subs(*args, **kwargs)

    @property
    def free_symbols(self) -> set[Any]:
        """The dimensions in the count of the only function."""
        return set(self.expression.free_symbols)

    def _sympy_(self) -> Expr:
        return self.expression


@dataclass(frozen=True)
class GeneratedModule:
    """A generated module: standalone text with one function for each expression.

    Attributes
    ----------
    source
        The text of the module; it imports its target library only.
    flops
        Function name -> flops a sample, a SymPy expression in the dimensions, with half of the gates taken
        to be open. With a single function, ``flops.expression`` (also ``flops.subs(...)``) is its count.
    memory
        Function name -> numbers held at once beyond the arguments, an upper bound.
    test_source
        The text of a companion test, to stand beside the module as ``test_<name>.py``.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import Inverse, MatrixSymbol
    >>> m = dm.dim("m")
    >>> A, b = MatrixSymbol("A", m, m), MatrixSymbol("b", m, 1)
    >>> code = dm.generate({"x": Inverse(A) * b})
    >>> print(code.load().x([[2.0, 0.0], [0.0, 4.0]], [[2.0], [2.0]]).ravel())
    [1.  0.5]
    >>> code.flops.subs(m, 3)
    36
    """

    source: str
    target: str
    name: str
    flops: Flops
    memory: Mapping[str, Expr]
    plans: tuple[Plan, ...] = field(repr=False)
    _target: Target = field(repr=False)
    _derivatives: Mapping[str, DerivativeOf] = field(repr=False, default_factory=dict)
    _more_tests: str = field(repr=False, default="")

    @property
    def test_source(self) -> str:
        return self.test_source_for(self.name)

    def test_source_for(self, module: str) -> str:
        """The companion test of the module saved as ``<module>.py``."""
        return companion_text(self.plans, self._target, module, self._derivatives, self._more_tests)

    def load(self) -> ModuleType:
        """The module, imported: a namespace with one function for each expression."""
        try:
            return load_text(self.source, self.name)
        except ImportError as error:
            package, line = self._target.package, f"deqmath[{self._target.package}]"
            if not package:
                raise
            msg = f'the target {self.target} needs a package that is not installed ({error}); install it by: pip install "{line}"'
            raise MissingBackendError(msg) from error

    def write(self, path: str | os.PathLike[str], *, tests: bool = False) -> Path:
        """Write the module, all of it or nothing; with ``tests``, its companion test beside it.

        Parameters
        ----------
        path
            The file to write, such as ``eq10.py``.
        tests
            Also write ``test_<name>.py`` in the same folder.
        """
        path = Path(path)
        if tests and path.name != importable(path.name):
            msg = (
                f"write received the file name {path.name}; with tests=True it needs a name Python can import, "
                f"as in write({str(path.with_name(importable(path.name)))!r}, tests=True)"
            )
            raise InputError(msg)
        write_text(path, self.source)
        if tests:
            write_text(path.with_name(f"test_{path.stem}.py"), self.test_source_for(path.stem))
        return path
