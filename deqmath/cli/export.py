"""``deqmath export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deqmath.claims import Claim


def export_command(
    claim_id: str,
    /,
    *,
    target: str = "numpy",
    output: Path | None = None,
    with_tests: bool = False,
) -> int:
    """Write a claim's expressions as a module of code that stands alone.

    Parameters
    ----------
    claim_id : ID
        A claim id, or FILE::ID for a claim in your own file (which is Python and is run).
    target : TARGET
        The library to generate for: numpy, or mpmath for many digits.
    output : FILE
        Write the module to this file instead of stdout.
    with_tests
        Also write the module's tests beside it, as test_FILE.
    """
    from deqmath.claims import find
    from deqmath.claims.guard import guarded
    from deqmath.claims.write import check_target, write_text
    from deqmath.cli.terminal import note
    from deqmath.codegen import generate
    from deqmath.errors import InputError

    check_target(output, "--output")
    to_file = output is not None and str(output) != "-"
    if with_tests and not to_file:
        msg = "--with-tests writes a second file beside the module; give the module's name with -o FILE.py"
        raise InputError(msg)
    claim = find(claim_id)
    expressions, failure = guarded(claim.expressions, claim.where)
    if failure is not None:
        raise InputError(str(failure))
    if not expressions:
        msg = f"claim {claim.id} exports no expressions; a claim does so with @dm.claim(..., exports={{name: expression}})"
        raise InputError(msg)
    module = generate(expressions, target=target, claim=claim.id, assumptions=_assumptions(claim))
    if output is None or not to_file:
        write_text("-", module.source)
        return 0
    tests = output.with_name(f"test_{output.name}") if with_tests else None
    check_target(tests, "the test file")
    write_text(output, module.source)
    if tests is not None:
        write_text(tests, module.test_source_for(output.stem))
    note(f"wrote {output}" + (f" and {tests}" if tests is not None else ""))
    return 0


def _assumptions(claim: Claim) -> tuple[str, ...]:
    derivation = claim.derivation() if claim.derivation is not None else None
    return tuple(str(a) for a in getattr(derivation, "assumptions", ()))
