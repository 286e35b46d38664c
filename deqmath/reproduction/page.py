"""The report of ``deqmath reproduce`` as Markdown: a short reading of the numbers, and a table for each theorem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deqmath.reproduction.tasks import DELTA, GAMMA0, HELD_BACK

Cells = Sequence[dict[str, Any]]

_HEAD = f"""\
# Theorems 3.1 and 4.1 of gg22 on data

Written by `deqmath reproduce`; the numbers are in `results.json`. Networks: A and W Gaussian, phi = identity, gamma_0 = {GAMMA0},
from stored seeds. Random labels are drawn from the true ones, independently of the samples. Loss of bound and errors: min(|f - y|, 1), so a
bound of 1 or more is vacuous. Errors on new data are measured on all samples that were not trained on ({HELD_BACK} or more).
"""
_TRAINING = """\
The gradient flow is followed until lambda_0 t = log 100, where (c) promises 1% of the loss. (a) lambda_min(H(t)) >= lambda_0/2, with the least
lambda_min(H(t))/lambda_0; (b) ||A(t)|| <= 2 c sqrt m, with the largest ratio of the two; (c) the loss is below its envelope. "Least m": from
there the chain of inequalities closes, switches left out (proved, at the constants of this network); below it the theorem promises nothing,
and what holds, holds by observation. A run that is "left" reached rho = gamma ||A|| = 1, where the network need not have an equilibrium.
"""
_BOUND = f"""\
Theorem 4.1 for the limit of the coupled flow, delta = {DELTA}; upper ends that are proved. Complexity: 2 B sqrt(tr H)/n; "centred": with
the output at the start subtracted, so that B^2 = y'H^(-1) y. Means over the seeds, the range in brackets.
"""
_LIMIT = """\
The same, centred, as the width tends to infinity (m = oo: the limit kernel, enclosed). "Needed n": no set of samples that includes these has a
bound below 1 unless it is larger than this (proved; for labels that can be learnt, complexity falls like 1/sqrt n). "Needed m": with it
the bound plus the coupling error (24) of the trained network is below 1 at inputs no gate of which can switch, with c = 2.1.
"""


def page(cells: Cells) -> str:
    """The whole report."""
    parts = [_HEAD]
    for name, words in dict.fromkeys((c["settings"]["task"]["name"], c["settings"]["task"]["words"]) for c in cells):
        own = [c for c in cells if c["settings"]["task"]["name"] == name]
        parts.append(f"## {words[0].upper()}{words[1:]}\n\n![{words}]({name}.png)\n")
        parts.append(f"{reading(own)}\n")
        parts.append(f"### Theorem 3.1\n\n{_TRAINING}\n{_training(own)}")
        parts.append(f"### Theorem 4.1\n\n{_BOUND}\n{_bounds(own)}\n{_LIMIT}\n{_limits(own)}")
    return "\n".join(parts)


def reading(cells: Cells) -> str:
    """What the numbers say, in sentences that are put together from them."""
    runs = [c["numbers"] for c in cells if c["settings"]["kind"] == "training"]
    widest = max(c["settings"]["width"] for c in cells)
    at = [c for c in cells if c["settings"]["kind"] == "bound" and c["settings"]["width"] == widest]
    most = max(c["settings"]["samples"][0] for c in at)
    sides = {
        labels: [
            c["numbers"]["centred_complexity"]
            for c in at
            if (c["settings"]["labels"], c["settings"]["samples"][0]) == (labels, most)
        ]
        for labels in ("true", "random")
    }
    left = sum(r["status"] != "completed" for r in runs)
    held = [sum(r[k] for r in runs) for k in "cab"]
    lines = [
        f"- (c) holds in {held[0]} of {len(runs)} runs, (a) in {held[1]}, (b) in {held[2]}; {left} left the region rho < 1."
    ]
    if all(v is not None for side in sides.values() for v in side):
        apart = min(sides["random"]) / max(sides["true"])
        ranked = "ranked in every pair of seeds" if apart > 1 else "NOT ranked in every pair of seeds"
        lines.append(
            f"- Complexity at m = {widest}, n = {most}: {_range(sides['true'])} for true labels, {_range(sides['random'])} for "
            f"random ones; {ranked} (smallest ratio {apart:.3g})."
        )
    for labels in ("true", "random"):
        lines.append(f"- {_verdict(cells, labels)}")
    return "\n".join(lines)


def _verdict(cells: Cells, labels: str) -> str:
    """Whether the bound in the limit is vacuous for such labels, and what would change it."""
    rows = [
        row
        for c in cells
        if c["settings"]["kind"] == "limit"
        for row in c["numbers"]["rows"]
        if row["labels"] == labels
    ]
    below = [row for row in rows if row["risk"] is not None and row["risk"] < 1]
    if below:
        one = min(below, key=lambda row: row["samples"])
        width = (
            ""
            if one["needed_width"] is None
            else f"; for the trained network itself it needs m >= {one['needed_width']:.2g}"
        )
        return (f"{labels} labels: in the limit of width the bound is {one['risk']:.3f} at n = {one['samples']}, not vacuous "
                f"(test error {one['test_error']:.3f}){width}.")  # fmt: skip
    last = max(rows, key=lambda row: row["samples"])
    needed = max(row["needed_samples"] or 0 for row in rows if row["samples"] == last["samples"])
    text = f"{labels} labels: vacuous even in the limit of width, {last['risk'] or float('nan'):.3g} at n = {last['samples']}"
    return f"{text}; more than {needed} samples are needed, proved" + (
        "."
        if labels == "true"
        else ", and for labels of variance v the complexity is at least 2 sqrt v in mean square at every n and m."
    )


def _training(cells: Cells) -> str:
    head = (
        "labels",
        "m",
        "seed",
        "λ₀",
        "loss, of its start",
        "(a)",
        "(b)",
        "(c)",
        "training error",
        "test error",
        "least m",
    )
    return _table(head, (_training_row(c) for c in cells if c["settings"]["kind"] == "training"))


def _training_row(cell: dict[str, Any]) -> tuple[object, ...]:
    s, r = cell["settings"], cell["numbers"]
    ended = "" if r["status"] == "completed" else f", left at λ₀t = {r['scaled_times'][-1]:.2g}"
    held = [f"{'yes' if r[k] else 'NO'}{more}" for k, more in
            (("a", f" ({r['least_ratio_a']:.2f})"), ("b", f" ({r['largest_ratio_b']:.2f})"), ("c", ""))]  # fmt: skip
    least = "no constants" if r["least_width"] is None else f"{r['least_width']:.1e}"
    return (s["labels"], s["width"], s["seed"], f"{r['lambda_0']:.1e}", f"{r['loss'][-1]:.1e}{ended}", *held,
            f"{r['train_error']:.3f}", f"{r['test_error']:.3f}", least)  # fmt: skip


def _bounds(cells: Cells) -> str:
    head = ("labels", "n", "m", "√(yᵀH⁻¹y/n)", "complexity", "confidence", "bound", "centred complexity", "centred bound", "test error", "centred test error")  # fmt: skip
    own = [c for c in cells if c["settings"]["kind"] == "bound"]
    groups: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    for c in own:
        s = c["settings"]
        groups.setdefault((s["labels"], s["samples"][0], s["width"]), []).append(c["numbers"])
    names = ("leading", "complexity", "confidence", "risk", "centred_complexity", "centred_risk", "test_error", "centred_test_error")  # fmt: skip
    order = sorted(groups, key=lambda key: (key[0] != "true", *key[1:]))
    return _table(head, ((*key, *(_range([c[name] for c in groups[key]]) for name in names)) for key in order))


def _limits(cells: Cells) -> str:
    head = ("labels", "n", "seed", "λ₀", "complexity", "confidence", "bound", "test error", "needed n", "needed m")
    rows = [row for c in cells if c["settings"]["kind"] == "limit" for row in c["numbers"]["rows"]]
    ordered = sorted(rows, key=lambda row: (row["labels"] != "true", row["samples"], row["seed"]))
    return _table(head, (_limit_row(row) for row in ordered))


def _limit_row(row: dict[str, Any]) -> tuple[object, ...]:
    vacuous = row["risk"] is None or row["risk"] >= 1
    numbers = ["undecided" if row[k] is None else f"{row[k]:.3g}" for k in ("complexity", "confidence", "risk", "test_error")]  # fmt: skip
    numbers[2] += " (vacuous)" if vacuous else ""
    width = "" if row["needed_width"] is None else f"{row['needed_width']:.1e}"
    least = "undecided" if row["lambda_0"] is None else f"{row['lambda_0']:.1e}"
    return (row["labels"], row["samples"], row["seed"], least, *numbers, row["needed_samples"], width)


def _range(values: Sequence[float | None]) -> str:
    known = [v for v in values if v is not None]
    if len(known) < len(values):
        return "undecided"
    mean = f"{sum(known) / len(known):.3g}"
    ends = f"{min(known):.3g} to {max(known):.3g}"
    return mean if f"{min(known):.3g}" == f"{max(known):.3g}" else f"{mean} ({ends})"


def _table(head: Sequence[str], rows: Iterator[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"
