"""Text that the libraries of many digits share: sizes, example arguments, and a test of the companion file."""

from __future__ import annotations

import symtable
from collections.abc import Iterable, Mapping

from sympy import Expr, Symbol

from deqmath.codegen.arguments import Signature


def size_text(k: Expr, names: Mapping[Symbol, str]) -> str:
    """A dimension or index as text that is a Python integer."""
    return str(k.xreplace({s: Symbol(names.get(s, s.name)) for s in k.free_symbols}))


def letters(wanted: Iterable[str], used: Iterable[str]) -> dict[str, str]:
    """For each letter a name for a variable of a formula: the letter, or ``i2`` where the formula uses i for something.

    Examples
    --------
    >>> letters("ij", ["B", "i"])
    {'i': 'i2', 'j': 'j'}
    """
    taken, out = set(used), {}
    for letter in wanted:
        name, k = letter, 2
        while name in taken:
            name, k = f"{letter}{k}", k + 1
        taken.add(name)
        out[letter] = name
    return out


def names_in(text: str) -> set[str]:
    """The names that a piece of Python text reads from around it; a variable of its own lambda is not one."""

    def below(table: symtable.SymbolTable) -> set[str]:
        own = {s.get_name() for s in table.get_symbols() if s.is_global()}
        return own.union(*map(below, table.get_children()))

    return below(symtable.symtable(text, "<text>", "eval"))


def samples(sig: Signature, sizes: Mapping[str, int]) -> list[str]:
    """Example arguments: rational numbers, with square matrices near the identity."""
    lines = [f"{name} = {size}" for name, size in sizes.items()]
    entries = []
    i, j = letters("ij", sizes).values()
    for a in sig.arguments:
        if a.kind == "matrix":
            free = {s: 4 for k in a.shape for s in k.free_symbols if s not in sig.dims}
            rows, cols = (size_text(k.xreplace(free), sig.names) for k in a.shape)
            one = f"1 if {i} == {j} else 0" if a.shape[0] == a.shape[1] != 1 else "0"
            cell = f"({one}) + Fraction(rng.randint(-99, 99), 300)"
            entries.append(f'    "{a.name}": [[{cell} for {j} in range({cols})] for {i} in range({rows})],')
        else:
            value = {"scalar": "Fraction(rng.randint(30, 70), 100)", "dimension": "4"}.get(a.kind, "0")
            entries.append(f'    "{a.name}": {value},')
    return [*lines, "return {", *entries, "}"]


def bad_arguments(extra: str) -> str:
    """The companion test that bad arguments are named; ``extra`` stands behind the arguments of a call."""
    return _BAD_ARGUMENTS.replace("<EXTRA>", extra)


_BAD_ARGUMENTS = """

@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_arguments_are_named(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(random.Random(0))
    for key, value in arguments.items():
        if isinstance(value, int):
            continue
        for bad in (float("nan"), 1j):
            wrong = [[bad] * len(value[0]) for _ in value] if isinstance(value, list) else bad
            with pytest.raises(ValueError, match=rf"^{key}\\b"):
                function(**{**arguments, key: wrong}<EXTRA>)
        if isinstance(value, list):
            with pytest.raises(ValueError, match=rf"\\b{key}\\b"):
                function(**{**arguments, key: [*value, value[0] * 2]}<EXTRA>)
"""
