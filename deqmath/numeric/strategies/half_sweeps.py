"""Float32 sweeps that go down and up the units in turns and multiply every entry of the matrix once for both.

For ``x = activate(M x + offset)``, one sample a column, the units are cut into blocks and M = L + D + U into what
lies below, on and above its diagonal blocks. Down the units, each block takes the new values of all before it,

    x_i <- activate(sum_{j<i} M_ij x_j + M_ii x_i + [U x]_i + offset_i),

and up the units of all after it: symmetric block Gauss-Seidel. On the way down ``[U x]_i`` is still what the way up
has computed, and the other way round (Niethammer 1964, for linear systems), so a half sweep costs half a product,
and M_ii. Where a plain sweep reduces the error of a Gaussian matrix by r, both halves, for the price of one sweep,
reduce it by about ``2 r^2/pi``, the spectral radius of ``L U`` for many blocks: 0.03 where r = 0.21.

The blocks are low, since the products with them are done twice, and the products between them are not: the units are
halved again and again, and all that the first half gives to the second is one product,

    down(units) = down(first half);  L x of the second half += M_21 x_1;  down(second half),

as in recursive triangular solves (Elmroth, Gustavson, Jonsson and Kagstrom 2004). The way up is the same backwards.

Gauss-Seidel has no bound such as rho for every matrix; whoever sweeps measures, and verifies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deqmath.numeric.arrays import Array, Namespace, is_numpy, require_assignment

#: Units in a block, and where there is no BLAS that multiplies small matrices well: blocks, least and most units.
_HEIGHT = 64
_BLOCKS, _LEAST, _MOST = 8, 128, 512


@dataclass(frozen=True, slots=True)
class _Product:
    """One product with some entries of the matrix, all its operands views that are made once.

    Attributes
    ----------
    rows, columns
        The units that are given to, and those that give.
    matrix, x, out
        ``out <- matrix x``.
    into
        What `out` is then added to; None where `out` itself is what these units give.
    lower, upper
        On a diagonal block, ``L x`` and ``U x + offset`` of its units; elsewhere None.
    """

    rows: slice
    columns: slice
    matrix: Array
    x: Array
    out: Array
    into: Array | None = None
    lower: Array | None = None
    upper: Array | None = None

    @property
    def ahead(self) -> bool:
        """Whether the entries are above the diagonal."""
        return bool(self.rows.start < self.columns.start)


class HalfSweeps:
    """The iterate of one problem after another with the same matrix, and the two half products it is made of.

    Parameters
    ----------
    xp
        Namespace.
    matrix
        ``gain M^T`` in float32, shape (m, m): it multiplies columns from the left.
    count
        Samples n.
    """

    def __init__(self, xp: Namespace, matrix: Array, count: int) -> None:
        require_assignment(xp, "MixedPrecision")
        m = matrix.shape[0]
        self.xp, self.matrix, self.in_place = xp, matrix, is_numpy(xp)
        height = _HEIGHT if self.in_place else min(max(m // _BLOCKS, _LEAST), _MOST)
        way = list(_way_down(0, m, height))
        back = [(columns, rows) for rows, columns in reversed(way)]
        self.blocks = [rows for rows, columns in way if rows == columns]
        most = max(r.stop - r.start for r, c in way + back if r == c or not _first(c, m))
        memory = xp.empty((3 * m + most, count), dtype=xp.float32)  # in one piece: few and large pages
        self.x, self.upper, self.lower = (memory[k * m : (k + 1) * m, :] for k in range(3))
        self.fresh = memory[3 * m :, :]
        self.lower[self.blocks[0], :] = 0.0  # all others are given theirs
        self.way_down, self.way_up = ([self._product_of(*pair) for pair in pairs] for pairs in (way, back))
        self.offset: Array = None
        self.gate: Array = None
        self.floor: Array = None
        self.down = True

    def _product_of(self, rows: slice, columns: slice) -> _Product:
        """The product by which `columns` give to `rows`."""
        operands = rows, columns, self.matrix[rows, columns], self.x[columns, :]
        if rows == columns:
            out = self.fresh[: rows.stop - rows.start, :]
            return _Product(*operands, out, None, self.lower[rows, :], self.upper[rows, :])
        given = (self.upper if rows.start < columns.start else self.lower)[rows, :]
        if _first(columns, self.matrix.shape[0]):
            return _Product(*operands, given)
        return _Product(*operands, self.fresh[: rows.stop - rows.start, :], given)

    def pose(
        self, offset: Array, *, gate: Array | None = None, floor: Array | None = None, start: Array | None = None
    ) -> None:
        """A new problem: ``activate(v) = gate v``, or ``max(v, floor)``; it starts from ``activate(offset)``, or `start`.

        Parameters
        ----------
        offset
            Shape (m, n) or (m, 1), float32.
        gate, floor
            One of the two, shape (m, n), float32.
        start
            Shape (m, n).
        """
        self.offset, self.gate, self.floor = offset, gate, floor
        self.upper[...] = offset
        if start is not None:
            self.restart(start)
            return
        self._activate(self.upper, slice(None))
        self._begin()

    def restart(self, x: Array) -> None:
        """Go on with the same problem from another iterate, shape (m, n)."""
        self.x[...] = x
        self._begin()

    def _begin(self) -> None:
        """``U x + offset`` for a way down: half a product, which saves more than half a sweep."""
        self.down = True
        for product in self.way_up:
            if product.lower is None:
                self._give(product)

    def sweep(self) -> None:
        """Half a sweep, down or up in turns; changes :attr:`x`."""
        for product in self.way_down if self.down else self.way_up:
            if product.lower is None:
                self._give(product)
                continue
            self._multiply(product)
            new = product.out
            new += product.lower
            new += product.upper
            self._activate(new, product.rows)
        self.down = not self.down

    def _give(self, product: _Product) -> None:
        """What one half of some units gives to ``L x`` or ``U x + offset`` of the other half."""
        self._multiply(product)
        if product.into is not None:
            into = product.into
            into += product.out
        elif product.ahead:
            into = product.out
            into += self.offset[product.rows, :]

    def _multiply(self, product: _Product) -> None:
        if self.in_place:
            np.matmul(product.matrix, product.x, out=product.out)
        else:
            product.out[...] = product.matrix @ product.x

    def _activate(self, v: Array, block: slice) -> None:
        """x of one block."""
        x = self.x[block, :]
        if self.gate is not None:
            gate = self.gate[block, :]
            if self.in_place:
                np.multiply(v, gate, out=x)
            else:
                x[...] = v * gate
            return
        floor = self.floor[block, :]
        if self.in_place:
            np.maximum(v, floor, out=x)
        else:
            x[...] = self.xp.where(v > floor, v, floor)


def _first(columns: slice, m: int) -> bool:
    """Whether what these units give is the first that the others are given on this way."""
    return bool(columns.start == 0 or columns.stop == m)


def _way_down(start: int, stop: int, height: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the products on the way down, in their order; those of a diagonal block are the same."""
    blocks = -(-(stop - start) // height)
    if blocks <= 1:
        yield slice(start, stop), slice(start, stop)
        return
    middle = start + height * ((blocks + 1) // 2)
    yield from _way_down(start, middle, height)
    yield slice(middle, stop), slice(start, middle)
    yield from _way_down(middle, stop, height)
