"""``deqmath export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deqmath.claims import Claim
    from deqmath.codegen import GeneratedModule

#: What can be exported whole, beside the claims.
MODELS = ("gg22.model",)


def export_command(
    claim_id: str,
    /,
    *,
    target: str = "numpy",
    output: Path | None = None,
    with_tests: bool = False,
    explain: bool = False,
) -> int:
    """Write a claim's expressions as a module of code that stands alone.

    Parameters
    ----------
    claim_id : ID
        A claim id, or FILE::ID for a claim in your own file (which is Python and is run); or a whole model,
        ``gg22.model``: residual, equilibrium solver, prediction, gradient, Jacobian products and Gram.
    target : TARGET
        The library to generate for: numpy, array-api, cupy, jax, torch, mpmath (many digits) or flint (balls).
        It need not be installed.
    output : FILE
        Write the module to this file instead of stdout.
    with_tests
        Also write the module's tests beside it, as test_FILE.
    explain
        Print the plan before and after each pass, with its flops, in place of the module.
    """
    from deqmath.claims import find
    from deqmath.claims.guard import guarded
    from deqmath.claims.write import check_target
    from deqmath.codegen import generate
    from deqmath.errors import InputError
    from deqmath.model import ReLUModel

    check_target(output, "--output")
    to_file = output is not None and str(output) != "-"
    if with_tests and not to_file:
        msg = "--with-tests writes a second file beside the module; give the module's name with -o FILE.py"
        raise InputError(msg)
    if explain and to_file:
        msg = "--explain prints the plan on stdout; write the module with -o FILE.py in a second call"
        raise InputError(msg)
    finish = _explain if explain else _write
    if claim_id in MODELS:
        return finish(generate(ReLUModel(), target=target, claim=claim_id), output, with_tests)
    claim = find(claim_id)
    expressions, failure = guarded(claim.expressions, claim.where)
    if failure is not None:
        raise InputError(str(failure))
    if not expressions:
        msg = f"claim {claim.id} exports no expressions; a claim does so with @dm.claim(..., exports={{name: expression}})"
        raise InputError(msg)
    module = generate(
        expressions,
        target=target,
        claim=claim.id,
        assumptions=_assumptions(claim),
        derivatives=claim.known_derivatives(),
    )
    return finish(module, output, with_tests)


def _explain(module: GeneratedModule, *_: object) -> int:
    from deqmath.claims.write import write_text
    from deqmath.codegen.explain import explain

    write_text("-", "\n\n\n".join(explain(plan) for plan in module.plans) + "\n")
    return 0


def _write(module: GeneratedModule, output: Path | None, with_tests: bool) -> int:
    """The module on stdout, or in a file with its tests beside it."""
    from deqmath.claims.write import check_target, write_text
    from deqmath.cli.terminal import note

    if output is None or str(output) == "-":
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
