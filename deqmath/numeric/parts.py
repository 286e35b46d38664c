"""A solve split over samples: threads for speed, blocks of rows for memory."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from deqmath.numeric.arrays import Array, assigns, keep_freed_memory
from deqmath.numeric.fixed_point import FixedPoint, Solution, Strategy

#: More rows than this are solved block by block, so that the work space does not grow with the samples.
_BLOCK = 4096


def solve_in_parts(
    problem: FixedPoint, strategy: Strategy, start: Array | None, tol: float, max_sweeps: int, threads: int
) -> Solution:
    """Solve the problem, its rows split into equal parts: at least `threads`, none longer than the block size.

    Rows do not depend on each other, so every part is a problem of its own; the parts of a thread run in order.
    The residual of the whole is the largest of the parts', its sweeps are those of the slowest part. Arrays whose entries
    cannot be assigned to (JAX) are solved in one part.
    """
    keep_freed_memory()
    n = problem.shape[0]
    count = min(max(threads, -(-n // _BLOCK)), n)
    if count == 1 or not assigns(problem.xp):
        return strategy.solve(problem, start, tol, max_sweeps)
    edges = [n * k // count for k in range(count + 1)]
    parts = [slice(low, high) for low, high in itertools.pairwise(edges)]
    xp = problem.xp
    x, v = xp.empty(problem.shape, dtype=xp.float64), xp.empty(problem.shape, dtype=xp.float64)
    problem.low_matrix()  # computed once, before the threads would each compute it

    def work(part: slice) -> Solution:
        found = strategy.solve(problem.rows(part), None if start is None else start[part, :], tol, max_sweeps)
        x[part, :], v[part, :] = found.x, found.v
        return replace(found, x=None, v=None)

    with ThreadPoolExecutor(max_workers=threads) as pool:
        found = list(pool.map(work, parts))
    slowest = max(found, key=lambda solution: solution.sweeps)
    return Solution(
        x,
        v,
        max(solution.residual for solution in found),
        slowest.sweeps,
        slowest.rate,
        all(solution.converged for solution in found),
        slowest.strategy,
    )
