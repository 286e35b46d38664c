"""``deqmath verify``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from deqmath.claims import Cache, ClaimResult, RunResult, Settings


def verify_command(
    *targets: str,
    json: Path | None = None,
    html: Path | None = None,
    markdown: Path | None = None,
    jobs: int = 1,
    level: Literal["quick", "standard", "thorough"] = "standard",
    digits: int = 40,
    seed: int = 0,
    mutate: bool = False,
    no_cache: bool = False,
) -> int:
    """Gather the evidence for claims, and show it in a table.

    Parameters
    ----------
    targets : ID or PATH
        Claim ids, patterns of ids (gg22.*), files, folders, or FILE::ID. Default: all claims
        that came with deqmath or with installed packages. Files are Python and are run.
    json : FILE
        Write the report to this file as JSON; - is stdout, instead of the table.
    html : FILE
        Write the report to this file as one self-contained page; - is stdout.
    markdown : FILE
        Write the table of claims to this file as Markdown; in a file with the lines <!-- claims --> and
        <!-- end of claims -->, a summary between them. - is stdout.
    jobs : N
        Number of processes. The result does not depend on it.
    level : LEVEL
        How many sizes and points to try: quick, standard or thorough.
    digits : N
        Decimal digits that high-precision comparisons should reach, at most 3000.
    seed : N
        The seed that all random points derive from.
    mutate
        Also test the checks: plant errors in what they judge, and count how many are refuted.
    no_cache
        Run every claim. Without it, claims that came out as expected before and have not changed
        since (nor has deqmath, nor these options) are shown from the user's cache folder, marked
        as cached; DEQMATH_CACHE_DIR names another folder.
    """
    from deqmath.claims import Cache, Settings
    from deqmath.claims.catalogue import recalled
    from deqmath.claims.run import check_jobs
    from deqmath.cli.terminal import check_outputs

    check_outputs({"--json": json, "--html": html, "--markdown": markdown})
    check_jobs(jobs)
    settings = Settings(seed, digits, level, mutate)
    result = None if no_cache else recalled(Cache(), targets, settings)
    if result is None:
        result = _run(targets, settings, jobs, None if no_cache else Cache())
    return _report(result, json, html, markdown)


def _run(targets: tuple[str, ...], settings: Settings, jobs: int, cache: Cache | None) -> RunResult:
    """Import the files, and run what is not in the cache; progress on stderr."""
    from deqmath.claims import collect, run
    from deqmath.claims.catalogue import collect_and_remember
    from deqmath.cli.terminal import Progress
    from deqmath.errors import InputError

    claims = collect(targets) if cache is None else collect_and_remember(cache, targets)
    if not claims:
        msg = "no claims found; a claim is a function under @dm.claim(id, source, equation, statement)"
        raise InputError(msg)
    names = [claim.id for claim in claims]
    done = 0
    with Progress() as progress:

        def step(_: ClaimResult | None = None) -> None:
            nonlocal done
            progress.say(f"{done} of {len(names)} done" + (f", now {names[done]}" if done < len(names) else ""))
            done += 1

        step()
        return run(claims, settings, jobs=jobs, on_result=step, cache=cache)


def _report(result: RunResult, json: Path | None, html: Path | None, markdown: Path | None) -> int:
    """Show the table, write the reports, and give the exit code."""
    from deqmath.claims.table import results, summary
    from deqmath.cli.terminal import deliver, note, show

    def tell() -> None:
        if "-" in (str(json), str(html), str(markdown)):
            note(summary(result).plain)
        else:
            show(*results(result))

    wanted = ((json, _json), (html, _html), (markdown, _markdown))
    writes = [partial(write, result, target) for target, write in wanted if target is not None]
    return deliver(tell, writes, result.exit_code)


def _json(result: RunResult, target: Path) -> None:
    from deqmath.claims.report import as_json, to_text
    from deqmath.claims.write import write_text

    write_text(target, to_text(as_json(result)))


def _html(result: RunResult, target: Path) -> None:
    from deqmath.claims.page import to_html
    from deqmath.claims.write import write_text

    write_text(target, to_html(result))


def _markdown(result: RunResult, target: Path) -> None:
    from deqmath.claims.markdown import page_with_claims
    from deqmath.claims.write import write_text

    write_text(target, page_with_claims(target, result))
