"""``deqmath export``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deqmath.codegen import GeneratedModule


def export_command(
    claim_id: str | None = None,
    /,
    *,
    target: str = "numpy",
    output: Path | None = None,
    with_tests: bool = False,
    explain: bool = False,
    all: bool = False,
    json: Path | None = None,
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
        Write the module to this file instead of stdout; with --all, the modules into this folder.
    with_tests
        Also write the module's tests beside it, as test_FILE.
    explain
        Print the plan before and after each pass, with its flops, in place of the module.
    all
        Write the modules of all claims and models into a folder (-o DIR, made if missing); ID may then name
        a derivations file or folder.
    json : FILE
        Also write the functions, their arguments and flops, the text of the modules and where they were written to this
        file as JSON; - is stdout, instead of the module.
    """
    from deqmath.claims.write import check_target
    from deqmath.cli.terminal import check_outputs
    from deqmath.errors import InputError

    if explain and json is not None:
        msg = "--explain prints the plan, of which --json says nothing; leave one of them out"
        raise InputError(msg)
    if all:
        check_target(json, "--json")
        return _write_all(claim_id, target, output, with_tests=with_tests, explain=explain, json=json)
    if claim_id is None:
        msg = "export needs a claim id, as in: deqmath export gg22.eq10 (see: deqmath list), or --all -o DIR"
        raise InputError(msg)
    tests = output.with_name(f"test_{output.name}") if with_tests and output is not None else None
    check_outputs({"--output": output, "the test file": tests, "--json": json})
    to_file = output is not None and str(output) != "-"
    if with_tests and not to_file:
        msg = "--with-tests writes a second file beside the module; give the module's name with -o FILE.py"
        raise InputError(msg)
    if explain and to_file:
        msg = "--explain prints the plan on stdout; write the module with -o FILE.py in a second call"
        raise InputError(msg)
    if with_tests and output is not None:
        _check_importable(output)
    module = _module(claim_id, target)
    return _explain(module) if explain else _write(module, output, tests, json)


def _check_importable(output: Path) -> None:
    """Refuse the name of a module that its test could not import."""
    from deqmath.codegen.module import importable
    from deqmath.errors import InputError

    needed = importable(output.name)
    if output.name != needed:
        msg = (
            f"-o {str(output)!r} names a module that its test could not import; "
            f"with --with-tests it needs a name such as -o {output.with_name(needed)}"
        )
        raise InputError(msg)


def _module(name: str, target: str) -> GeneratedModule:
    """The module of a claim or a model; where there is none of that name, the nearest that can be exported are named."""
    from difflib import get_close_matches

    from deqmath.claims.collect import collect
    from deqmath.claims.export import MODELS, module_of
    from deqmath.errors import UnknownClaimError

    try:
        return module_of(name, target)
    except UnknownClaimError as error:
        if "::" in name:
            raise
        exported = [*MODELS, *(claim.id for claim in collect() if claim.exports is not None)]
        near = get_close_matches(name, exported, n=3, cutoff=0.4)
        hint = (
            f"did you mean {', '.join(near)}?"
            if near
            else f"there are {', '.join(exported[:3])}, ... (see: deqmath list)"
        )
        msg = f"no claim has the id {name}, and no model either; {hint}"
        raise UnknownClaimError(msg) from error


def _explain(module: GeneratedModule) -> int:
    from deqmath.claims.write import write_text
    from deqmath.codegen.explain import explain

    write_text("-", "\n\n\n".join(explain(plan) for plan in module.plans) + "\n")
    return 0


def _write(module: GeneratedModule, output: Path | None, tests: Path | None, json: Path | None) -> int:
    """The module on stdout, or in a file with its tests beside it; and what there is to tell of it."""
    from deqmath.claims.write import write_text
    from deqmath.cli.terminal import note

    if output is None or str(output) == "-":
        if str(json) != "-":
            write_text("-", module.source)
        _tell([(module, [])], json)
        return 0
    write_text(output, module.source)
    if tests is not None:
        write_text(tests, module.test_source_for(output.stem))
    _tell([(module, [output] if tests is None else [output, tests])], json)
    note(f"wrote {output}" + (f" and {tests}" if tests is not None else ""))
    return 0


def _tell(written: Sequence[tuple[GeneratedModule, list[Path]]], json: Path | None) -> None:
    """What was exported, as JSON."""
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text

    if json is None:
        return
    modules = [
        {
            "name": module.name,
            "target": module.target,
            "functions": {
                name: {"arguments": arguments, **({"flops": str(module.flops[name])} if name in module.flops else {})}
                for name, arguments in _functions(module.source).items()
            },
            "source": module.source,
            "files": [str(path) for path in files],
        }
        for module, files in written
    ]
    write_text(json, to_text({"modules": modules}))


def _functions(source: str) -> dict[str, list[str]]:
    """The public functions of a module and their arguments, read from its text, which is not run."""
    import ast

    return {
        node.name: [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def _write_all(
    place: str | None, target: str, folder: Path | None, *, with_tests: bool, explain: bool, json: Path | None
) -> int:
    """One module for each claim that exports expressions, named after it."""
    from deqmath.claims.export import every_module
    from deqmath.cli.terminal import note
    from deqmath.errors import InputError

    if explain or folder is None or str(folder) == "-" or (folder.exists() and not folder.is_dir()):
        received = "--explain" if explain else f"-o {folder}" if folder is not None else "no -o"
        msg = f"--all writes modules into a folder; received {received}; needed: deqmath export --all -o DIR"
        raise InputError(msg)
    if json is not None and folder.resolve() in (json.resolve(), json.resolve().parent):
        msg = f"--json {json} is in the folder of the modules, {folder}, or is the folder; give a file elsewhere"
        raise InputError(msg)
    modules = list(every_module(target, [place] if place is not None else []))
    if not modules:
        msg = f"no claim in {place} exports expressions; a claim does so with @dm.claim(..., exports={{name: expression}})"
        raise InputError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for module in modules:
        path = module.write(folder / f"{module.name}.py", tests=with_tests)
        written.append((module, [path, *([path.with_name(f"test_{path.name}")] if with_tests else [])]))
    _tell(written, json)
    tested = f"; test them with: pytest {folder}" if with_tests else ""
    note(f"wrote {len(modules)} modules for {target} into {folder}{tested}")
    return 0
