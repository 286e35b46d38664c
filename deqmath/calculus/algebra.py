"""Products of noncommutative polynomials, reduced by the junction rules, and cyclic words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, count, groupby, islice, pairwise, permutations, product
from math import factorial, prod

from sympy import Basic, Expr, Identity, MatrixExpr, S, Symbol
from sympy.matrices.expressions import Transpose

from deqmath.calculus.polynomial import Binder, Monomial, Polynomial, Shape, Word, single
from deqmath.expressions.nodes import Column, Total
from deqmath.expressions.ordering import structure_key
from deqmath.expressions.traversal import Rules

#: A junction rule receives two neighbouring letters and returns what replaces them, or None.
JunctionRule = Callable[[MatrixExpr, MatrixExpr], Polynomial | None]

#: Filled by ``rules/``, tried in order at every junction of a product.
JUNCTION_RULES: list[JunctionRule] = []

#: A trace rule receives a cyclic word and returns another with the same trace, or None.
TraceRule = Callable[[Word], Word | None]

#: Filled by ``rules/traces``.
TRACE_RULES: list[TraceRule] = []

#: Filled by ``rules/transposes``: letter -> polynomial of its transpose.
transposes = Rules("transpose")


def word_key(word: Word) -> tuple[str, ...]:
    """A deterministic key to sort words by."""
    return tuple(structure_key(letter) for letter in word)


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product of two polynomials; a 1 x 1 factor that does not fit acts as a scalar."""
    if left.shape == (1, 1) and right.shape[0] != 1:
        shape = right.shape
    elif right.shape == (1, 1) and left.shape[1] != 1:
        shape = left.shape
    else:
        shape = (left.shape[0], right.shape[1])
    out = Polynomial(shape)
    for m1, c1 in fresh_terms(left):
        for m2, c2 in fresh_terms(right):
            for m3, c3 in reduce_word(m1.word + m2.word, shape):
                traces = m1.traces + m2.traces + m3.traces
                out.add(canonical(m3.word, traces, m1.binders + m2.binders + m3.binders), c1 * c2 * c3)
    return out


def product_of(factors: Sequence[Polynomial]) -> Polynomial:
    """The product of many polynomials; neighbours of one word each are joined first, so that a long product
    is reduced once.
    """
    joined: list[Polynomial] = []
    run: list[Polynomial] = []
    for f in factors:
        if len(f) == 1 and f.shape != (1, 1) and _is_word(next(iter(f.terms))):
            run.append(f)
            continue
        joined += [*_joined(run), f]
        run = []
    joined += _joined(run)
    out = joined[0]
    for f in joined[1:]:
        out = multiply(out, f)
    return out


def _is_word(m: Monomial) -> bool:
    return not m.traces and not m.binders


def _joined(run: Sequence[Polynomial]) -> list[Polynomial]:
    """One polynomial for a run of single words."""
    if len(run) < 2:
        return list(run)
    shape = (run[0].shape[0], run[-1].shape[1])
    letters: list[MatrixExpr] = []
    coefficient: Expr = S.One
    for f in run:
        ((m, c),) = f
        letters += m.word
        coefficient *= c
    return [reduce_word(tuple(letters), shape).scaled(coefficient)]


def reduce_word(letters: Word, shape: Shape) -> Polynomial:
    """A product of letters in normal form: junction rules to exhaustion, then 1 x 1 blocks split off."""
    stack: list[MatrixExpr] = []
    queue = deque(letters)
    while queue:
        x = queue.popleft()
        replaced = _first_rule(stack[-1], x) if stack else None
        if replaced is None:
            stack.append(x)
            continue
        stack.pop()
        if len(replaced) == 1:
            ((m, c),) = replaced
            if c == 1 and not m.traces and not m.binders:
                queue.extendleft(reversed(m.word))
                if stack:  # the new letters must meet what stands before them
                    queue.appendleft(stack.pop())
                continue
        out = Polynomial(shape)
        for m, c in fresh_terms(replaced):
            for m3, c3 in reduce_word((*stack, *m.word, *queue), shape):
                out.add(canonical(m3.word, m.traces + m3.traces, m.binders + m3.binders), c * c3)
        return out
    return _split_scalars(tuple(stack), shape)


def _first_rule(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    for rule in JUNCTION_RULES:
        found = rule(left, right)
        if found is not None:
            return found
    return None


def _split_scalars(word: Word, shape: Shape) -> Polynomial:
    """Take every minimal 1 x 1 block out of a word and hold it as a trace."""
    rest: list[MatrixExpr] = []
    traces: list[Word] = []
    coefficient: Expr = S.One
    for letter in word:
        rest.append(letter)
        if letter.shape[1] != 1:
            continue
        start = next((k for k in range(len(rest) - 1, -1, -1) if rest[k].shape[0] == 1), None)
        if start is not None:
            c, words = cyclic_normal_form(tuple(rest[start:]))
            del rest[start:]
            coefficient *= c
            traces.extend(words)
    return single(shape, canonical(tuple(rest), tuple(traces), ()), coefficient)


def transpose_word(word: Word) -> Word | None:
    """The word of the transpose, where it is again a single word with coefficient 1."""
    letters: list[MatrixExpr] = []
    for letter in reversed(word):
        p = transposes(letter)
        if len(p) != 1:
            return None
        ((m, c),) = p
        if c != 1 or m.traces or m.binders:
            return None
        letters.extend(m.word)
    stack: list[MatrixExpr] = []
    queue = deque(letters)
    while queue:
        x = queue.popleft()
        replaced = _first_rule(stack[-1], x) if stack else None
        if replaced is None:
            stack.append(x)
            continue
        if len(replaced) != 1:
            return None
        ((m, c),) = replaced
        if c != 1 or m.traces or m.binders:
            return None
        stack.pop()
        queue.extendleft(reversed(m.word))
        if stack:
            queue.appendleft(stack.pop())
    return tuple(stack)


def cyclic_normal_form(word: Word) -> tuple[Expr, tuple[Word, ...]]:
    """``tr(word)`` as a coefficient and canonical cyclic words.

    Rotations and the transpose give the same trace, so the least of them is the name; a word
    with two junctions of size 1 is a product of two scalars: ``tr(a b^T c d^T) = (b^T c)(d^T a)``.
    """
    if len(word) == 1 and word[0].shape == (1, 1):
        return S.One, (word,)
    if len(word) == 2 and _is_unit_norm(word):
        return S.One, ()
    starts = [k for k in range(len(word)) if word[k].shape[0] == 1]
    if len(starts) > 1:
        rotated = word[starts[0] :] + word[: starts[0]]
        cuts = [k for k in range(len(rotated)) if rotated[k].shape[0] == 1] + [len(rotated)]
        words: list[Word] = []
        for a, b in pairwise(cuts):
            words.extend(cyclic_normal_form(rotated[a:b])[1])
        return S.One, tuple(words)
    if starts:
        word = word[starts[0] :] + word[: starts[0]]
        for rule in TRACE_RULES:
            found = rule(word)
            if found is not None:
                return cyclic_normal_form(found)
    candidates = [word] if starts else _rotations(word)
    flipped = transpose_word(word)
    if flipped:
        candidates += [flipped] if starts else _rotations(flipped)
    return S.One, (min(candidates, key=_fewest_transposes),)


def _is_unit_norm(word: Word) -> bool:
    """``e_i^T e_i = 1``."""
    a, b = word
    unit = isinstance(b, Column) and isinstance(b.arg, Identity)
    return unit and isinstance(a, Transpose) and a.arg == b


def _rotations(word: Word) -> list[Word]:
    return [word[k:] + word[:k] for k in range(len(word))]


def _fewest_transposes(word: Word) -> tuple[int, int, tuple[str, ...]]:
    return (len(word), sum(isinstance(x, Transpose) for x in word), word_key(word))


class BoundIndex(Symbol):
    """The index of a sum inside the calculus: equal to no symbol that a user can make, whatever its name."""


def _reserved(name: str) -> BoundIndex:
    return BoundIndex(name, integer=True)


def depends_on_bound_index(x: Basic) -> bool:
    """Whether an expression holds, free, an index that a sum around it binds."""
    return bool(_bound_indices(x))


@lru_cache(maxsize=65536)
def _bound_indices(x: Basic) -> frozenset[BoundIndex]:
    return frozenset(s for s in x.free_symbols if isinstance(s, BoundIndex))


def canonical(word: Word, traces: tuple[Word, ...], binders: tuple[Binder, ...]) -> Monomial:
    """Sort the traces and give bound indices their canonical names; ``sum_i E_i (e_i^T e_j) = E_j``."""
    if not binders:
        return Monomial(word, traces if len(traces) < 2 else tuple(sorted(traces, key=word_key)), ())
    for k, t in enumerate(traces):
        substituted = _kronecker_delta(t, binders)
        if substituted is not None:
            old, new = substituted
            rest = tuple(_rename_word(x, {old: new}) for x in traces[:k] + traces[k + 1 :])
            left = tuple(b for b in binders if b[0] != old)
            return canonical(_rename_word(word, {old: new}), rest, left)
    own = {i for i, _ in binders}
    around = {s for w in (word, *traces) for x in w for s in _bound_indices(x)} - own  # bound by a sum further out
    free_names = (i for k in count() if (i := _reserved(f"#{k}")) not in around)
    names = list(islice(free_names, len(binders)))
    candidates = []
    for order in _orders(word, traces, binders):
        renaming = {old: new for (old, _), new in zip(order, names, strict=True)}
        w = _rename_word(word, renaming)
        ts = tuple(sorted((x for t in traces for x in cyclic_normal_form(_rename_word(t, renaming))[1]), key=word_key))
        candidates.append(Monomial(w, ts, tuple((renaming[i], n) for i, n in order)))
    return min(candidates, key=lambda m: (word_key(m.word), tuple(word_key(t) for t in m.traces)))


#: Ties among bound indices beyond this many orders are left in the order in which they stand.
_MOST_ORDERS = 24


def _orders(word: Word, traces: tuple[Word, ...], binders: tuple[Binder, ...]) -> list[tuple[Binder, ...]]:
    """Orders of the bound indices that may give the least names: sorted by where each stands, ties in every order."""
    if len(binders) < 4:
        return list(permutations(binders))
    mask = {i: _MASK for i, _ in binders}

    def place(b: Binder) -> tuple[str, list[str]]:
        shown = {**mask, b[0]: _MARK}
        texts = [word_key(_rename_word(w, shown)) for w in (word, *traces) if any(b[0] in x.free_symbols for x in w)]
        return str(b[1]), sorted(map(str, texts))

    placed = sorted(((place(b), b) for b in binders), key=lambda item: item[0])
    groups = [[b for _, b in g] for _, g in groupby(placed, key=lambda item: item[0])]
    if prod(factorial(len(g)) for g in groups) > _MOST_ORDERS:
        return [tuple(b for g in groups for b in g)]
    return [tuple(chain(*choice)) for choice in product(*(permutations(g) for g in groups))]


def _kronecker_delta(t: Word, binders: tuple[Binder, ...]) -> tuple[Symbol, Expr] | None:
    """``(i, j)`` where the scalar t is ``e_i^T e_j`` and i is bound: i becomes j."""
    if len(t) != 2 or not isinstance(t[0], Transpose):
        return None
    a, b = t[0].arg, t[1]
    if not (isinstance(a, Column) and isinstance(a.arg, Identity) and isinstance(b, Column) and b.arg == a.arg):
        return None
    bound = {i for i, _ in binders}
    for old, new in ((a.index, b.index), (b.index, a.index)):
        if old in bound and old != new:
            return old, new
    return None


def _rename_word(word: Word, renaming: dict[Symbol, Symbol]) -> Word:
    return tuple(_renamed(x, renaming) if _holds_sum(x) else x.xreplace(renaming) for x in word)


@lru_cache(maxsize=65536)
def _holds_sum(x: Basic) -> bool:
    return bool(x.atoms(Total))


def _renamed(x: Basic, renaming: dict[Symbol, Expr]) -> Basic:
    """``x.xreplace(renaming)`` of the free symbols only: a sum inside x never takes one of the new names for its index."""
    renaming = {old: new for old, new in renaming.items() if old in x.free_symbols}
    if not renaming or x in renaming:
        return renaming.get(x, x)
    if not isinstance(x, Total):
        return x.func(*(_renamed(a, renaming) for a in x.args))
    others = x.term.free_symbols - {x.index}
    taken = {s for old in others for s in renaming.get(old, old).free_symbols}
    index = next(i for k in count() if (i := _reserved(f"#in{k}")) not in taken)
    return Total(_renamed(x.term, {**renaming, x.index: index}), index, _renamed(x.count, renaming))


_MASK, _MARK = _reserved("#other"), _reserved("#this")
_fresh_names = count()


def freshen(m: Monomial) -> Monomial:
    """The same term with bound indices that occur nowhere else, so that its parts can be worked on apart."""
    if not m.binders:
        return m
    renaming = {i: _reserved(f"#fresh{next(_fresh_names)}") for i, _ in m.binders}
    return Monomial(
        _rename_word(m.word, renaming),
        tuple(_rename_word(t, renaming) for t in m.traces),
        tuple((renaming[i], n) for i, n in m.binders),
    )


def fresh_terms(p: Polynomial) -> Iterator[tuple[Monomial, Expr]]:
    """The terms of a polynomial, each with bound indices of its own."""
    return ((freshen(m), c) for m, c in p)
