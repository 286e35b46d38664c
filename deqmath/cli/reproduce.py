"""``deqmath reproduce``."""

from __future__ import annotations

from pathlib import Path

DATA = ("digits", "diabetes")


def reproduce_command(*, output: Path = Path("deqmath-reproduce"), samples: int = 20, widths: tuple[int, int] = (64, 256), seeds: int = 2) -> int:  # fmt: skip
    """Recompute tables and figures on data, from stored seeds.

    Theorems 3.1 and 4.1 on digits and diabetes, true and random labels, two widths and several seeds: the residual against its envelope,
    and the bound, its parts and the measured test error. A cell that is in the folder already is not computed again.

    Parameters
    ----------
    output : DIR
        Folder for results.json, results.md and one figure for each data set.
    samples : N
        Samples trained on; the others measure the test error.
    widths : M1 M2
        Two widths.
    seeds : N
        Number of seeds, 0 to N - 1.
    """
    import json

    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text
    from deqmath.cli.reproduce_cell import Cell, compute
    from deqmath.cli.reproduce_pages import figure, page
    from deqmath.cli.terminal import Progress, note
    from deqmath.errors import InputError, MissingBackendError

    if samples < 2 or seeds < 1 or min(widths) < 1:
        msg = f"samples {samples}, widths {widths}, seeds {seeds}; needed 2 samples, width 1 and 1 seed at least"
        raise InputError(msg)
    kept = output / "cells"
    kept.mkdir(parents=True, exist_ok=True)
    found = []
    with Progress() as progress:
        for data in DATA:
            cells = [Cell(data, labels, m, s, samples) for labels in ("true", "random") for m in widths for s in range(seeds)]  # fmt: skip
            own = []
            try:
                for k, cell in enumerate(cells):
                    progress.say(f"{data}: {k} of {len(cells)} done, now {cell.name}")
                    path = kept / f"{cell.name}.json"
                    if not path.is_file():
                        write_text(path, to_text(compute(cell)))
                    own.append(json.loads(path.read_text(encoding="utf-8")))
            except MissingBackendError as error:
                note(f"note: {data} is left out: {error}")
                continue
            figure(own, output / f"{data}.png")
            found += own
    write_text(output / "results.json", to_text(found))
    write_text(output / "results.md", page(found))
    note(f"saved {output / 'results.md'}, {output / 'results.json'} and {len({c['data'] for c in found})} figures")
    return 0
