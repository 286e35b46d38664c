"""Generated text as a module in memory; tracebacks and inspect show its lines."""

from __future__ import annotations

import importlib.abc
import importlib.util
import itertools
import linecache
import sys
from types import CodeType, ModuleType

_SERIAL = itertools.count(1)


class _TextLoader(importlib.abc.InspectLoader):
    """Loads a module from text that is in memory."""

    def __init__(self, source: str, filename: str) -> None:
        self.source, self.filename = source, filename

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - one text, one module
        return self.source

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self.source_to_code(self.source, self.filename)


def load_text(source: str, stem: str) -> ModuleType:
    """Import a text that code generation wrote."""
    name = f"deqmath_generated_{stem}_{next(_SERIAL)}"
    filename = f"<{name}>"
    spec = importlib.util.spec_from_loader(name, _TextLoader(source, filename), origin=filename)
    if spec is None or spec.loader is None:  # for the type checker: a loader was given
        msg = f"the generated module {name} could not be loaded"
        raise ImportError(msg)
    module = importlib.util.module_from_spec(spec)
    module.__file__ = filename
    # An entry without a time of change is never dropped: tracebacks show the generated lines.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name], linecache.cache[filename]
        raise
    return module
