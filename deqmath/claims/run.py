"""Running claims, one after the other or on several processes, with the same result."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from deqmath.claims.cache import Cache
from deqmath.claims.case import Case, Level, seed_of
from deqmath.claims.claim import Claim
from deqmath.claims.fingerprint import fingerprint
from deqmath.claims.gather import Gathered, gather
from deqmath.claims.guard import Failure, guarded
from deqmath.claims.load import load
from deqmath.claims.result import ClaimResult, RunResult
from deqmath.errors import InputError
from deqmath.interrupted_runs import runs_raise_ctrl_c

OnResult = Callable[[ClaimResult], None]


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do; it travels to the worker processes.

    Parameters
    ----------
    seed
        The global seed; each claim derives its own from it and its id.
    digits, level
        As in :class:`~deqmath.claims.Case`.
    mutate
        Whether to plant errors and count which are refuted.
    """

    seed: int = 0
    digits: int = 40
    level: Level = "standard"
    mutate: bool = False

    def __post_init__(self) -> None:
        """Refuse what no case can be made of, before any work is done."""
        Case(self.seed, self.digits, self.level)

    def case(self, claim: Claim) -> Case:
        """The case for one claim."""
        return Case(seed_of(claim.id, self.seed), self.digits, self.level)


def run_claim(claim: Claim, settings: Settings | None = None) -> ClaimResult:
    """Run one claim; whatever goes wrong inside it is part of the result.

    Examples
    --------
    >>> import deqmath as dm
    >>> @dm.claim("demo.one", "demo", "(1)", "1 + 1 = 2")
    ... def one():
    ...     return dm.check_equal(dm.one() + dm.one(), 2 * dm.one())
    >>> dm.claims.run_claim(one).status
    'verified'
    """
    from deqmath.claims.mutate import mutate  # SymPy, which a run from the cache does not need

    settings = settings or Settings()
    start = perf_counter()
    with runs_raise_ctrl_c():
        found = gather(claim, settings.case(claim))
        _add_code_evidence(found, claim)
        mutation = mutate(found.verdicts, claim.where) if settings.mutate else None
    return ClaimResult(
        claim.id,
        claim.source,
        claim.equation,
        claim.statement,
        claim.expect,
        evidence=tuple(found.evidence),
        counterexample=found.counterexample,
        assumptions=tuple(found.assumptions),
        seconds=perf_counter() - start,
        failure=found.failure,
        mutation=mutation,
    )


def _add_code_evidence(found: Gathered, claim: Claim) -> None:
    """What a claim exports is also run: the code generated from it, against exact evaluation."""
    if claim.exports is None or claim.expect != "verified" or found.failure is not None:
        return
    from deqmath.claims.agreement import evidence
    from deqmath.claims.export import hypotheses

    pieces, failure = guarded(lambda: evidence(claim.expressions(), assumptions=hypotheses(claim)), claim.where)
    found.evidence += pieces or []
    found.failure = failure


def run(
    claims: Sequence[Claim],
    settings: Settings | None = None,
    *,
    jobs: int = 1,
    on_result: OnResult | None = None,
    cache: Cache | None = None,
) -> RunResult:
    """Run claims in order; an interrupt keeps the results that are complete.

    Parameters
    ----------
    claims
        As collected.
    settings
        Seed, digits, level, and whether to plant errors.
    jobs
        Number of processes. Verdicts, evidence and seeds do not depend on it.
    on_result
        Called with each result, in the order of the claims.
    cache
        Where results of unchanged claims are taken from and new ones kept; None runs every claim.
    """
    settings = settings or Settings()
    check_jobs(jobs)
    Case(settings.seed, settings.digits, settings.level)  # refuses bad settings before anything runs
    start = perf_counter()
    done: list[ClaimResult] = []
    interrupted = False
    results = _through(cache, claims, settings, jobs)
    try:
        for result in results:
            done.append(result)
            if on_result is not None:
                on_result(result)
    except KeyboardInterrupt:
        interrupted = True
    seconds = perf_counter() - start
    return RunResult(tuple(done), settings.seed, settings.level, settings.digits, seconds, interrupted)


def check_jobs(jobs: int) -> None:
    """Refuse a number of processes that is not positive."""
    if jobs < 1:
        msg = f"jobs is {jobs}; needed a positive number of processes, such as {os.cpu_count() or 1}"
        raise InputError(msg)


def _through(cache: Cache | None, claims: Sequence[Claim], settings: Settings, jobs: int) -> Iterator[ClaimResult]:
    """The results in order: those that the cache holds, and those of the claims that have to be run."""
    keys = [None if cache is None else fingerprint(claim, settings) for claim in claims]
    kept = [None if cache is None else cache.get(key, claim) for key, claim in zip(keys, claims, strict=True)]
    left = [claim for claim, found in zip(claims, kept, strict=True) if found is None]
    fresh = _one_by_one(left, settings) if jobs == 1 else _on_processes(left, settings, jobs)
    with closing(fresh):
        for key, found in zip(keys, kept, strict=True):
            if found is not None:
                yield found
                continue
            result = next(fresh)
            if cache is not None:
                cache.put(key, result)
            yield result


def _one_by_one(claims: Sequence[Claim], settings: Settings) -> Generator[ClaimResult, None, None]:
    for claim in claims:
        yield run_claim(claim, settings)


def _on_processes(claims: Sequence[Claim], settings: Settings, jobs: int) -> Generator[ClaimResult, None, None]:
    before = set(multiprocessing.active_children())
    # Fresh processes, not forks: the same on every platform, and no inherited BLAS threads.
    pool = ProcessPoolExecutor(
        min(jobs, len(claims)) or 1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        futures = [pool.submit(_run_by_name, claim.file, claim.id, settings) for claim in claims]
        for claim, future in zip(claims, futures, strict=True):
            yield _answer(claim, future)
        pool.shutdown()
    finally:
        # Left early (an interrupt): what has not started is dropped, what runs is stopped.
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()


def _answer(claim: Claim, future: Future[ClaimResult]) -> ClaimResult:
    try:
        return future.result()
    except BrokenProcessPool as error:
        failure = Failure("BrokenProcessPool", f"a worker process died before this claim ended ({error})", claim.where)
        return ClaimResult(claim.id, claim.source, claim.equation, claim.statement, claim.expect, failure=failure)


_loaded: dict[Path, dict[str, Claim]] = {}


def _run_by_name(file: Path, claim_id: str, settings: Settings) -> ClaimResult:
    """In a worker: claims hold functions, which do not travel, so the file is imported there once."""
    if file not in _loaded:
        _loaded[file] = {claim.id: claim for claim in load([file])}
    return run_claim(_loaded[file][claim_id], settings)
